"""The conformance suite's protocol, spoken by the Python library.

`certledger verify` mends what scanners and clerks do to a file before it asks (a line feed after a
code, small letters, an empty document).  The suite is of the formats, which have one spelling.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import format_canonical, parse_time
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.presentation import Request
from certledger.verifier.formats.snapshot import Snapshot
from certledger.verifier.formats.snapshot_delta import apply_delta
from certledger.verifier.policy_store import open_chain, read_chain
from certledger.verifier.verify.block_trust import Judgement
from certledger.verifier.verify.compact import CompactVerifier
from certledger.verifier.verify.full import Question, verify_bytes
from certledger.verifier.verify.trust_sources import choose_judge
from certledger.verifier.verify.verdict import Result

EXITS = {"valid": 0, "not_in_force": 1, "not_genuine": 1, "cannot_tell": 3}
REFUSED = 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise ValueError(message)


def answer(arguments: Sequence[str]) -> tuple[int, bytes]:
    """Return (exit status, standard output) for the arguments of the protocol."""
    parser = _Parser()
    for option in ("--evidence", "--at"):
        parser.add_argument(option, required=True)
    parser.add_argument("--policy", required=True, action="append", type=Path)
    for option in ("--document", "--snapshot"):
        parser.add_argument(option, action="append", default=[], type=Path)
    for option in ("--audience", "--nonce"):
        parser.add_argument(option)
    try:
        result = _judge(parser.parse_args(arguments))
    except (CertledgerError, OSError, ValueError):
        return REFUSED, b""
    return EXITS[result.verdict], format_canonical(result.to_json())


def _judge(given: argparse.Namespace) -> Result:
    if (given.audience is None) != (given.nonce is None):
        raise ValueError("--audience and --nonce go together")
    policy = open_chain(read_chain(given.policy)).policy
    question = Question(
        policy=policy,
        judge=choose_judge(policy),
        now=parse_time(given.at),
        documents=[file.read_bytes() for file in given.document],
        request=None
        if given.audience is None
        else Request(audience=given.audience, nonce=given.nonce),
    )
    desk = _open_desk(given.snapshot, question)
    data = Path(given.evidence).read_bytes()
    if not given.evidence.endswith(".txt"):
        return verify_bytes(data, question if desk is None else replace(question, newer=desk.newer))
    if desk is None:
        raise ValueError("a code is judged by a --snapshot")
    return desk.verify_text(
        data.decode("utf-8", "replace"),
        now=question.now,
        documents=question.documents,
        request=question.request,
    )


def _open_desk(files: Sequence[Path], question: Question) -> CompactVerifier | None:
    """Return a desk on a snapshot and the deltas that follow it, None without one."""
    if not files:
        return None

    def judge(snapshot: Snapshot, ledger: LedgerPin) -> Judgement:
        return question.judge(snapshot.note, ledger, None)

    whole, *deltas = (file.read_bytes() for file in files)
    desk = CompactVerifier.open(question.policy, Snapshot.parse(whole), judge)
    for delta in deltas:
        newer = apply_delta(desk.snapshot, delta, desk.ledger)
        desk = CompactVerifier.open(question.policy, newer, judge)
    return desk


if __name__ == "__main__":
    status, output = answer(sys.argv[1:])
    sys.stdout.buffer.write(output)
    raise SystemExit(status)
