"""`certledger verify`: verdicts on evidence files and codes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from certledger.verifier.cli.address_options import NodeChoice, node_options
from certledger.verifier.cli.policy_options import PolicyChoice, policy_options
from certledger.verifier.errors import ExitStatus
from certledger.verifier.vocabulary import Verdict

if TYPE_CHECKING:
    from certledger.verifier.cli.evidence_file import EvidenceFile
    from certledger.verifier.counter_state import Counter
    from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
    from certledger.verifier.formats.snapshot import Snapshot
    from certledger.verifier.verify.block_trust import Judgement
    from certledger.verifier.verify.compact import CompactVerifier
    from certledger.verifier.verify.full import Question
    from certledger.verifier.verify.verdict import Result

MAX_DOCUMENT_BYTES = 1 << 30


@click.command()
@click.argument("evidence", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--document",
    "documents",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A document to compare. With several evidence files it goes to the one of its stem.",
)
@policy_options("--home")
@click.option(
    "--snapshot",
    "snapshots",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A trust snapshot to judge by compact codes (files *.txt), and the status of evidence that"
    " is older than it; then deltas to it, in order.",
)
@node_options
@click.option("--audience", help="Your own id, for certificates bound to their holder.")
@click.option("--nonce", help="What you gave the holder to sign.")
@click.option("--at", "instant", metavar="TIME", help="Judge as of 2026-11-24T06:00:00Z.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def verify(
    evidence: Sequence[Path],
    documents: Sequence[Path],
    policy: PolicyChoice,
    snapshots: Sequence[Path],
    nodes: NodeChoice,
    audience: str | None,
    nonce: str | None,
    instant: str | None,
    as_json: bool,
) -> None:
    """Say of each EVIDENCE file whether its certificate is genuine and in force.

    A file may hold full evidence or the text of a QR code, as a scanner or an editor left it.
    Of several files, the newest proved state of an issuer counts for all of them.
    Exits with 0 if all are valid, 1 if any is not genuine or not in force, 3 if for any it cannot
    tell, and 2 if the arguments are unusable.
    """
    from certledger.verifier.cli.evidence_file import EvidenceFile
    from certledger.verifier.cli.output import print_results
    from certledger.verifier.formats.canonical_json import parse_time

    pairs = _pair(evidence, documents)
    if (audience is None) != (nonce is None):
        raise click.UsageError("--audience and --nonce go together")
    request = None if audience is None or nonce is None else (audience, nonce)
    files = [EvidenceFile.read(path) for path in pairs]
    if not snapshots and (codes := [file.path for file in files if file.code is not None]):
        raise click.UsageError(f"{codes[0]} holds a code, which is judged by a --snapshot")
    now = parse_time(instant) if instant else int(time.time())
    trusted, counter = policy.open_counter(now)
    asked = _question(trusted, counter, nodes, request, now)
    verifier = _open_verifier(snapshots, asked, follows=bool(nodes)) if snapshots else None
    asking = _Asking(*_know(files, asked, verifier), counter)
    results = [(file, asking.answer(file, pairs[file.path])) for file in files]
    print_results(results, now=asked.now, as_json=as_json)
    raise SystemExit(exit_status(result.verdict for _, result in results))


def _pair(evidence: Sequence[Path], documents: Sequence[Path]) -> dict[Path, list[Path]]:
    """Return the documents of each evidence file, by equal stem.

    A document compared with the wrong certificate reads as a forgery, so two evidence files with
    one stem are an error.
    """
    pairs: dict[Path, list[Path]] = {file: [] for file in evidence}
    for document in documents:
        same = [file for file in pairs if len(pairs) == 1 or file.stem == document.stem]
        if len(same) != 1:
            count = "several evidence files have" if same else "no evidence file has"
            raise click.UsageError(f"{count} the stem of {document}")
        pairs[same[0]].append(document)
    return pairs


def _question(
    policy: TrustPolicy,
    counter: Counter | None,
    nodes: NodeChoice,
    request: tuple[str, str] | None,
    clock: int,
) -> Question:
    """Return the question asked of every file."""
    from certledger.verifier.formats.presentation import Request
    from certledger.verifier.verify.full import Question

    question = Question(
        policy=policy,
        judge=nodes.judge(policy),
        now=clock,
        request=None if request is None else Request(audience=request[0], nonce=request[1]),
    )
    return question if counter is None else replace(question, now=counter.now, seen=counter.seen)


def _open_verifier(files: Sequence[Path], question: Question, *, follows: bool) -> CompactVerifier:
    """Open the verifier of compact codes on a snapshot and the deltas that follow it.

    `follows` asks a node whether issuers' states changed since.
    """
    from certledger.verifier.files import read_file
    from certledger.verifier.formats.snapshot import MAX_SNAPSHOT_BYTES, Snapshot
    from certledger.verifier.formats.snapshot_delta import apply_delta
    from certledger.verifier.verify.compact import CompactVerifier

    def judge(snapshot: Snapshot, ledger: LedgerPin) -> Judgement:
        return question.judge(snapshot.note, ledger, None)

    whole, *deltas = (read_file(file, MAX_SNAPSHOT_BYTES) for file in files)
    follow = question.judge if follows else None
    verifier = CompactVerifier.open(
        question.policy, Snapshot.parse(whole), judge, question.seen, follow
    )
    for delta in deltas:
        newer = apply_delta(verifier.snapshot, delta, verifier.ledger)
        verifier = CompactVerifier.open(question.policy, newer, judge, question.seen, follow)
    return verifier


def _know(
    files: Sequence[EvidenceFile], question: Question, verifier: CompactVerifier | None
) -> tuple[Question, CompactVerifier | None]:
    """Return question and verifier with the states that the files themselves prove.

    A verdict does not ignore newer state that another file of the command proves.
    """
    from certledger.verifier.verify.proved_states import ProvedStates

    full = [file.data for file in files if file.data is not None and file.code is None]
    states = ProvedStates.of(full if len(files) > 1 else (), question)
    if verifier is None:
        return replace(question, newer=states.newer), None
    verifier = replace(verifier, states=states)
    return replace(question, newer=verifier.newer), verifier


class _Asking:
    """Verifies file after file with one question."""

    def __init__(
        self, question: Question, verifier: CompactVerifier | None, counter: Counter | None
    ) -> None:
        self._question, self._verifier, self._counter = question, verifier, counter

    def answer(self, file: EvidenceFile, documents: Sequence[Path]) -> Result:
        """Verify one file."""
        from certledger.verifier.verify.verdict import unusable

        if file.data is None:
            return unusable("file.unreadable")
        papers = tuple(map(_read_document, documents))
        code = file.code
        judged = partial(self._file, file.data) if code is None else partial(self._code, code)
        result = judged(papers)
        if self._counter is not None and not self._counter.relied(result):
            result = judged(papers)  # Another process accepted the same presentation meanwhile.
        return result

    def _file(self, data: bytes, papers: tuple[bytes, ...]) -> Result:
        from certledger.verifier.verify.full import verify_bytes

        return verify_bytes(data, replace(self._question, documents=papers))

    def _code(self, text: str, papers: tuple[bytes, ...]) -> Result:
        asked = self._question
        assert self._verifier is not None, "codes without a snapshot were refused"
        return self._verifier.verify_text(
            text, now=asked.now, documents=papers, request=asked.request
        )


def _read_document(file: Path) -> bytes:
    """Return the bytes of a document; an empty file is an error of the caller, not a forgery."""
    from certledger.verifier.files import read_file

    if data := read_file(file, MAX_DOCUMENT_BYTES):
        return data
    raise click.UsageError(f"{file} is empty: was another file meant?")


def exit_status(verdicts: Iterable[Verdict]) -> ExitStatus:
    """Return the exit status: a verdict against a certificate outranks an undecided one."""
    found = set(verdicts)
    if found & {Verdict.NOT_GENUINE, Verdict.NOT_IN_FORCE}:
        return ExitStatus.AGAINST
    return ExitStatus.UNDECIDED if Verdict.CANNOT_TELL in found else ExitStatus.OK
