"""`certledger decision`: make an unattended decision again, offline."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from certledger.verifier.cli.address_options import NodeChoice, node_options
from certledger.verifier.cli.policy_options import PolicyChoice, policy_options
from certledger.verifier.console import print_json, print_line
from certledger.verifier.errors import ExitStatus
from certledger.verifier.plain_text import plain_text

if TYPE_CHECKING:
    from certledger.verifier.formats.policy import TrustPolicy
    from certledger.verifier.reform.book_edition import BookEdition
    from certledger.verifier.reform.decision_replay import DecisionFile, DecisionReplay
    from certledger.verifier.reform.operator_record import OperatorRecord
    from certledger.verifier.verify.full import Question
    from certledger.verifier.verify.receipt import AnchoredReceipt
    from certledger.verifier.verify.trust_sources import Judge

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def decision() -> None:
    """Unattended decisions: make one again from what was published and stored."""


@decision.command("replay")
@click.argument("answers", nargs=-1, required=True, metavar="ANSWER...", type=_FILE)
@click.option("--book", required=True, type=_FILE, help="The edition's file, book.json.")
@click.option("--operator", metavar="ADDRESS", help="Who must have signed it, 0x and 40 digits.")
@click.option(
    "--evidence",
    "evidence_file",
    type=_FILE,
    help="Evidence of the record, from /v1/records/REFERENCE/evidence: it is anchored.",
)
@policy_options("--home")
@node_options
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def replay_decision(
    answers: tuple[Path, ...],
    book: Path,
    operator: str | None,
    evidence_file: Path | None,
    policy: PolicyChoice,
    nodes: NodeChoice,
    as_json: bool,
) -> None:
    """Make the decision of each ANSWER, a service's answer to an application, again.

    With --evidence, of one answer, check too that the record is in an anchored batch of the
    registered operator, who then cannot deny it.

    Exits with 0 if the same comes out, byte for byte; 1 if something differs, and then says what,
    or if the evidence is against it; 2 if a file is not what it should be; 3 if the policy cannot
    tell whether it is anchored.
    """
    from certledger.verifier.files import read_file
    from certledger.verifier.formats.canonical_json import from_hex
    from certledger.verifier.reform.book_edition import MAX_EDITION_BYTES, BookEdition
    from certledger.verifier.reform.decision_replay import MAX_ANSWER_BYTES, DecisionFile
    from certledger.verifier.verify.full import Question

    if evidence_file is not None and len(answers) != 1:
        raise click.UsageError("--evidence is of one decision")
    trusted = policy.open()
    judge = nodes.judge(trusted)
    signer = None if operator is None else from_hex(operator.removeprefix("0x").lower(), 20)
    stored = [DecisionFile.parse(read_file(one, MAX_ANSWER_BYTES)) for one in answers]
    for one in stored:
        one.record.check(signer)
    edition = BookEdition.parse(read_file(book, MAX_EDITION_BYTES))
    found = _replay(stored, edition, trusted, judge)
    anchored = None
    if evidence_file is not None:
        now = Question(policy=trusted, judge=judge, now=int(time.time()))
        anchored = _check_anchored(stored[0].record, evidence_file, now)
    _show(stored, found, anchored, as_json=as_json)
    differs = any(one.differences for one in found)
    status = ExitStatus.OK if anchored is None else anchored.exit_status
    raise SystemExit(ExitStatus.AGAINST if differs else status)


def _replay(
    stored: Sequence[DecisionFile], edition: BookEdition, policy: TrustPolicy, judge: Judge
) -> Sequence[DecisionReplay]:
    from certledger.verifier.reform.decision_replay import replay
    from certledger.verifier.verify.cached import Verifier
    from certledger.verifier.verify.full import Question

    verifier = Verifier(policy, judge)  # What decisions share is checked once.
    return [
        replay(
            one,
            edition,
            Question(policy=policy, judge=judge, now=one.record.checked),
            lambda data, question: verifier.verify_bytes(data, now=question.now),
        )
        for one in stored
    ]


def _check_anchored(record: OperatorRecord, file: Path, question: Question) -> AnchoredReceipt:
    from certledger.verifier.cli.evidence_file import read_evidence
    from certledger.verifier.verify.receipt import check_anchored

    return check_anchored(
        read_evidence(file),
        question,
        file=record.format(),
        reference=record.reference,
        signer=record.operator,
    )


def _show(
    stored: Sequence[DecisionFile],
    found: Sequence[DecisionReplay],
    anchored: AnchoredReceipt | None,
    *,
    as_json: bool,
) -> None:
    pairs = list(zip(stored, found, strict=True))
    if as_json:
        documents = [_document(*pair) for pair in pairs]
        if anchored is not None:
            documents[0]["anchored"] = anchored.to_json()
        print_json(documents[0] if len(documents) == 1 else {"decisions": documents})
        return
    for one, again in pairs:
        _print(one, again)
    if anchored is not None:
        print_line(f"the record: {anchored.sentence()}")


def _document(stored: DecisionFile, found: DecisionReplay) -> dict[str, object]:
    record = stored.record
    return {
        "differences": {
            name: {"stated": stated, "replayed": again}
            for name, (stated, again) in found.differences.items()
        },
        "operator": f"0x{record.operator.hex()}",
        "outcome": found.outcome,
        "reference": record.reference,
        "same": not found.differences,
        "words_en": found.words_en,
        "words_zh": found.words_zh,
    }


def _print(stored: DecisionFile, found: DecisionReplay) -> None:
    record = stored.record
    print_line(f"{record.reference}: {record.outcome}, signed by 0x{record.operator.hex()}")
    words = plain_text(f"{found.words_zh}  {found.words_en}")
    print_line(f"replayed: {found.outcome}  {words}")
    for name, (stated, again) in found.differences.items():
        print_line(plain_text(f"differs in {name}: stated {stated}, replayed {again}"))
    if not found.differences:
        print_line("the same, byte for byte")
