"""`certledger scenario`: run each scenario in which one region verifies another's certificate."""

from __future__ import annotations

import threading
from pathlib import Path

import click

from certledger.ledger.cli.console import THERE, Answer, answers, ledger_home_option


@click.group()
def scenario() -> None:
    """Scenarios of the book in which one region verifies another's certificate."""


@scenario.command("run")
@ledger_home_option
@click.option(
    "--by",
    "policy_file",
    type=THERE,
    help="The policy of the region that verifies, instead of the home's.",
)
@answers
def run_scenarios(home: Path | None, policy_file: Path | None) -> Answer:
    """Say of each scenario that it works, or what stands in the way.

    Tried are: an active issuer of the region, the category in its catalog, a material line of the
    item, the witnesses, the policy, and a certificate in force, verified by that policy.
    """
    from certledger.ledger.chain.deploy import load_deployment
    from certledger.ledger.node import NAME, LedgerAbsentError, load_policy
    from certledger.ledger.publish.evidence import EvidenceMaker
    from certledger.ledger.reform.home import open_bookshelf
    from certledger.ledger.reform.scenarios import ScenarioRunner
    from certledger.ledger.settings import load_settings
    from certledger.verifier.policy_store import read_chain
    from certledger.verifier.verify.trust_sources import choose_judge

    settings = load_settings(home=home)
    deployment = load_deployment(settings.home)
    if deployment is None:
        raise LedgerAbsentError.of(settings.home)
    signed = read_chain([policy_file])[-1] if policy_file else load_policy(settings.home)
    policy = None if signed is None else signed.policy
    with open_bookshelf(home) as shelf:
        runner = ScenarioRunner(
            store=shelf.store,
            maker=EvidenceMaker(shelf.store, deployment.pin(NAME)),
            making=threading.Lock(),
            identity=shelf.identity,
            policy=policy,
            judge=None if policy is None else choose_judge(policy),
            clock=shelf.clock,
        )
        found = runner.run(shelf.current().book)
    rows = []
    for one in found:
        obstacle = next((step.to_json() for step in one.steps if not step.works), None)
        sentence = (
            "works 可用" if obstacle is None else f"{obstacle['why_en']} {obstacle['why_zh']}"
        )
        rows.append((f"{one.scenario.code} {one.scenario.name.en}", sentence))
    return Answer(document={"scenarios": [one.to_json() for one in found]}, rows=rows)
