"""`certledger doctor`: report what is missing or wrong in a home, and what to do next.

It only reads, and the home may be in use meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from certledger.ledger.cli.console import home_in_use_option
from certledger.ledger.cli.diagnosis import (
    Diagnosis,
    diagnose_issuer,
    diagnose_region,
    policy_diagnosis,
)
from certledger.verifier.console import print_line
from certledger.verifier.errors import CertledgerError, ExitStatus

if TYPE_CHECKING:
    from certledger.ledger.chain.deploy import Deployment
    from certledger.ledger.settings import Settings

SERVE = "certledger serve makes it, once the policy is kept"
FIRST_POLICY = (
    "certledger found policy makes it of founding.json and deployment.json; the regions sign it"
    " (policy sign), policy merge puts it together, policy keep --home takes it"
)
REBUILD = "stop the service, then certledger rebuild; certledger audit says what was edited"


def diagnose(settings: Settings) -> Iterator[Diagnosis]:
    """Yield results for a home, its keys, its database and its chain."""
    from certledger.ledger.chain.deploy import load_deployment
    from certledger.ledger.foundation.files import DOCUMENT
    from certledger.ledger.keys import keystore_address
    from certledger.ledger.node import load_policy

    deployment = None
    try:
        deployment = load_deployment(settings.home)
        if deployment is None:
            yield from _without_ledger(settings)
            return
        yield Diagnosis(name="home", well=True, detail=f"ledger 0x{deployment.identity.hex()}")
        if settings.operator_keystore.exists() or not _is_new(settings):
            address = keystore_address(settings.operator_keystore)
            yield Diagnosis(name="operator", well=True, detail=f"signs as 0x{address.hex()}")
        signed = load_policy(settings.home)
        if signed is not None:
            yield policy_diagnosis(signed.policy)
        elif (settings.home / DOCUMENT).exists():
            yield Diagnosis(name="policy", well=False, detail="there is none", advice=FIRST_POLICY)
        else:
            yield Diagnosis(name="policy", well=True, detail="none")
    except (CertledgerError, OSError) as error:
        yield Diagnosis(name="files", well=False, detail=str(error), advice="restore a backup")
    if deployment is not None:
        yield from _database(settings, deployment)
        yield _chain(settings, deployment)


def _without_ledger(settings: Settings) -> Iterator[Diagnosis]:
    """Yield results for a home of a region, of an issuer, or of an operator before deployment."""
    home = settings.home
    if (home / "part.json").exists():
        yield from diagnose_region(home)
    elif (home / "body.json").exists():
        yield from diagnose_issuer(home)
    elif settings.operator_keystore.exists():
        advice = "certledger found status FILES says what is missing; then certledger found deploy"
        yield Diagnosis(name="home", well=False, detail="not deployed yet", advice=advice)
    else:
        advice = (
            "certledger demo tries one out, certledger found founds one, certledger join follows"
            " one; or name another --home"
        )
        yield Diagnosis(name="home", well=False, detail="no ledger is here", advice=advice)


def _is_new(settings: Settings) -> bool:
    """Return whether a home that was founded or joined was never served.

    The first `serve` draws the secret of the callers' keys.
    """
    from certledger.ledger.foundation.files import DOCUMENT
    from certledger.ledger.store.pepper import PEPPER

    joined = settings.chain is not None
    return (joined or (settings.home / DOCUMENT).exists()) and not (settings.home / PEPPER).exists()


def _database(settings: Settings, deployment: Deployment) -> Iterator[Diagnosis]:
    """Yield whether the database answers and is this ledger's, and what is missing in it."""
    from sqlalchemy.exc import SQLAlchemyError

    from certledger.ledger.publish.missing_data import missing_of
    from certledger.ledger.store.engine import SqlStore, make_engine

    file = settings.database.removeprefix("sqlite:///")
    if file != settings.database and not Path(file).exists():
        if _is_new(settings):
            yield Diagnosis(name="database", well=False, detail="not served yet", advice=SERVE)
            return
        yield Diagnosis(name="database", well=False, detail="it is gone", advice=REBUILD)
        return
    try:
        with (
            closing(SqlStore(make_engine(settings.database))) as store,
            store.begin(write=False) as unit,
        ):
            unit.check_ledger(deployment.identity)
            head, missing = unit.head(), missing_of(unit)
            waiting = unit.backlog().acts
    except (CertledgerError, SQLAlchemyError, ValueError, TypeError, KeyError) as error:
        detail = str(error) if isinstance(error, CertledgerError) else type(error).__name__
        yield Diagnosis(name="database", well=False, detail=detail, advice=REBUILD)
        return
    at = "nothing followed yet" if head is None else f"followed to block {head.number}"
    yield Diagnosis(name="database", well=True, detail=f"{at}, {waiting} acts wait")
    for one in missing:
        sentence, _, advice = one.sentence().partition(": ")
        yield Diagnosis(name="missing", well=False, detail=sentence, advice=advice)


def _chain(settings: Settings, deployment: Deployment) -> Diagnosis:
    """Return whether the node answers, and is of the ledger's chain."""
    from certledger.ledger.audit.home import chain_of
    from certledger.ledger.node import NAME
    from certledger.verifier.node_rpc import RpcClient

    pin = deployment.pin(NAME)
    try:
        with chain_of(settings) as url:
            node = RpcClient(url)
            genesis, newest = node.block(0), node.block("latest")
            same = node.chain_id() == pin.chain_id
    except (CertledgerError, OSError) as error:
        advice = "start the node, or correct CERTLEDGER_CHAIN_URL"
        return Diagnosis(name="chain", well=False, detail=str(error), advice=advice)
    if not same or genesis is None or genesis.hash != pin.genesis:
        advice = "correct CERTLEDGER_CHAIN_URL"
        return Diagnosis(name="chain", well=False, detail="it is another chain", advice=advice)
    number = 0 if newest is None else newest.number
    return Diagnosis(name="chain", well=True, detail=f"newest block {number}")


@click.command(name="doctor")
@home_in_use_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def command(home: Path, as_json: bool) -> int:
    """Find what is missing or wrong in a home, and what to do next.

    Exits with 0 where all is well, with 3 where something is missing or wrong.
    """
    from certledger.ledger.logging import quiet
    from certledger.ledger.settings import load_settings
    from certledger.verifier.formats.canonical_json import format_canonical

    quiet()
    found = list(diagnose(load_settings(home=home.absolute())))
    well = all(one.well for one in found)
    if as_json:
        document = {"diagnoses": [one.to_json() for one in found], "well": well}
        print_line(format_canonical(document))
    else:
        for one in found:
            mark, advice = "ok" if one.well else "NOT WELL", one.advice
            print_line(f"{mark}: {one.name}: {one.detail}{f'; next: {advice}' if advice else ''}")
    return ExitStatus.OK if well else ExitStatus.UNDECIDED
