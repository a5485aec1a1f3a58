"""`certledger sample`: draw a sample of decisions again from what was published."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import click

from certledger.verifier.cli.address_options import NodeChoice, node_options
from certledger.verifier.cli.entry_points import EntryPointGroup
from certledger.verifier.cli.policy_options import PolicyChoice, policy_options
from certledger.verifier.console import print_json, print_line

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SAMPLE_COMMANDS: Mapping[str, str] = {
    "get": "Write the published file of a sample, and list what was drawn.",
    "open": "Sign the list of candidates, which is anchored before the draw.",
}
"""Commands for who draws a sample."""


@click.group(
    "sample", cls=EntryPointGroup, points="certledger.sample_commands", summaries=SAMPLE_COMMANDS
)
def sample() -> None:
    """Samples of unattended decisions, drawn by a later block, so that none is chosen."""


@sample.command("check")
@click.argument("file", type=_FILE)
@policy_options("--home")
@node_options
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def check(file: Path, policy: PolicyChoice, nodes: NodeChoice, as_json: bool) -> None:
    """Draw the sample of FILE again, from that file and a policy alone.

    Exits with 0 if the candidates were anchored before the block that draws; 1 if the file is not
    what its parts make of it; 3 if the policy does not trust the blocks.
    """
    from certledger.verifier.files import read_file
    from certledger.verifier.reform.sample import MAX_SAMPLE_BYTES, SampleFile, check_sample
    from certledger.verifier.verify.full import Question

    trusted = policy.open()
    published = SampleFile.parse(read_file(file, MAX_SAMPLE_BYTES))
    question = Question(policy=trusted, judge=nodes.judge(trusted), now=int(time.time()))
    found = check_sample(published, question)
    details = published.record.details
    document = {
        "anchored": found.anchored.to_json(),
        "block": found.block,
        "candidates": details["count"],
        "drawn": [one.hex() for one in found.drawn],
        "operator": f"0x{published.record.operator.hex()}",
        "reference": published.record.reference,
        "seed": found.seed.hex(),
    }
    if as_json:
        print_json(document)
    else:
        count = f"{len(found.drawn)} of {details['count']} decisions"
        print_line(f"{published.record.reference}: {count}, drawn by block {found.block}")
        print_line(f"the list of candidates: {found.anchored.sentence()}")
        for one in found.drawn:
            print_line(one.hex())
    raise SystemExit(found.anchored.exit_status)
