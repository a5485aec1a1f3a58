"""Compare a home's documents, holders' files and evidence files with anchored records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, select

from certledger.ledger.store.tables import ANCHORED, BATCHES
from certledger.verifier.audit.findings import AuditFault, fault
from certledger.verifier.audit.runner import Job
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.checkpoint import MAX_TIME_SECONDS, Note
from certledger.verifier.formats.evidence import MAX_EVIDENCE_BYTES, Evidence
from certledger.verifier.formats.holder_file import MAX_HOLDING_BYTES, Holding
from certledger.verifier.formats.policy import LedgerPin, Roots, Trust, TrustPolicy
from certledger.verifier.node_rpc import NodeBlock, RpcClient
from certledger.verifier.verify.block_trust import Judgement, Slot, as_block
from certledger.verifier.verify.content_check import Showing, check_content
from certledger.verifier.verify.full import Question, verify
from certledger.verifier.verify.verdict import CHECKS, GENUINE
from certledger.verifier.vocabulary import CheckName, Way

EVIDENCE = "evidence"
FOLDERS = ("holders", EVIDENCE)
"""Where a certificate's file is searched: the holder's has every disclosure."""
MAX_DOCUMENT_BYTES = 64 << 20


def check_documents(
    home: Path, connection: Connection, job: Job, node: RpcClient, final: NodeBlock
) -> Iterator[AuditFault]:
    """Yield the faults of certificates' files, and of documents with the same stem."""
    files = _Files(connection, job, node, final)
    leaves, papers = Leaves(connection), _papers(home)
    swapped: set[Path] = set()
    for folder in FOLDERS:
        for file in sorted((home / folder).glob("*.json")):
            where = f"{folder}/{file.name}"
            try:
                showing = files.evidence(file) if folder == EVIDENCE else _holding(file)
            except (CertledgerError, TypeError, ValueError) as error:
                yield fault("evidence.differs", where, str(error))
                continue
            record = showing.record.canonical().decode()
            if showing.leaf != leaves.at(showing.record.issuer, showing.record.index):
                yield fault("evidence.differs", where, "the record is not anchored", record=record)
            elif None in showing.places:
                detail = "a field shown is not what was certified"
                yield fault("evidence.differs", where, detail, record=record)
            else:
                mine = [paper for paper in papers.get(file.stem, ()) if paper not in swapped]
                for paper in _swapped(showing, mine):
                    swapped.add(paper)
                    shown = [part.text for part in showing.disclosures]
                    proof: dict[str, Json] = {"record": record, "disclosures": list(shown)}
                    yield fault("document.swapped", f"documents/{paper.name}", where, **proof)


class _Files:
    """Checks whole evidence files: each member is proved, or compared with the database."""

    def __init__(self, connection: Connection, job: Job, node: RpcClient, final: NodeBlock) -> None:
        self._connection, self._job, self._final = connection, job, final
        # Proofs do not end with the policy.
        self._policy = replace(job.policy or _unnamed_policy(job.pin), ends=MAX_TIME_SECONDS)
        self._blocks: dict[int, NodeBlock | None] = {}
        self._node = node

    def evidence(self, file: Path) -> Showing:
        """Return what an evidence file discloses, once all of it is proved.

        Raises:
            CertledgerError: the file is no evidence.
            ValueError: the chain does not prove it.
        """
        with file.open("rb") as opened:
            evidence = Evidence.parse(opened.read(MAX_EVIDENCE_BYTES + 1))
        statement, record = evidence.statement, evidence.record
        digest = self._connection.execute(
            select(ANCHORED.c.digest).where(
                ANCHORED.c.issuer == record.issuer, ANCHORED.c.sequence == statement.sequence
            )
        ).scalar_one_or_none()
        if digest != statement.digest(self._job.pin.identity):
            raise ValueError(f"batch {statement.sequence} was anchored with another statement")
        question = Question(policy=self._policy, judge=self._judge, now=self._job.now)
        codes = {one.check: one.code for one in verify(evidence, question).findings}
        for check in CHECKS[1 : len(GENUINE)]:  # The caller compares the disclosures.
            if codes[check] != "ok":
                raise ValueError(f"check {check}: {codes[check]}")
        if codes[CheckName.STATUS] == "status.unproved":
            raise ValueError("its status is not proved")
        return evidence.shown

    def _judge(self, note: Note, ledger: LedgerPin, slot: Slot | None) -> Judgement:
        """Trust the blocks of the audited chain; witnesses' signatures are checked elsewhere."""
        checkpoint = note.checkpoint
        if checkpoint.number not in self._blocks:
            self._blocks[checkpoint.number] = self._node.block(checkpoint.number)
        same = (
            self._blocks[checkpoint.number] == as_block(checkpoint)
            and checkpoint.number <= self._final.number
        )
        if not same or checkpoint.identity != self._job.pin.identity:
            return Judgement(code="block.differs", way=Way.NODE)
        return Judgement(code="ok", time=checkpoint.time, way=Way.NODE)


def _unnamed_policy(pin: LedgerPin) -> TrustPolicy:
    """Return a substitute for a missing policy: the ledger as it was deployed."""
    return TrustPolicy(
        version=1,
        ends=MAX_TIME_SECONDS,
        roots=Roots(keys=(bytes(32),), threshold=1),
        ledgers=(pin,),
        trust=Trust(ways=(Way.NODE,), threshold=1, confirmations=0),
        witnesses=(),
        block_lag=0,
        default_age=0,
        ages={},
        clock_tolerance=0,
        presentation_age=0,
        evidence=(Evidence.TYPE,),
        countersignature=False,
    )


def _papers(home: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted((home / "documents").glob("*")):
        if path.is_file():
            found.setdefault(path.stem, []).append(path)
    return found


def _holding(file: Path) -> Showing:
    """Return what a holder's file discloses; raises CertledgerError if it is none."""
    with file.open("rb") as opened:
        holding = Holding.parse(opened.read(MAX_HOLDING_BYTES + 1))
    return Showing.of(holding.record, holding.disclosures)


def _swapped(showing: Showing, papers: Sequence[Path]) -> Iterator[Path]:
    for paper in papers:
        with paper.open("rb") as opened:
            content = opened.read(MAX_DOCUMENT_BYTES)
        if check_content(showing, [content], None) == "content.document_differs":
            yield paper


class Leaves:
    """Leaves of anchored batches by issuer and index; caches the batch used last."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._batch: tuple[str, int, int, Sequence[bytes]] = ("", 0, 0, ())

    def at(self, issuer: str, index: int) -> bytes | None:
        """Return the leaf of an issuer's certificate `index`, None if none is anchored."""
        current, first, size, leaves = self._batch
        if current != issuer or not first <= index < first + size:
            first, size, leaves = self._read(issuer, index)
            self._batch = (issuer, first, size, leaves)
        return leaves[index - first] if 0 <= index - first < len(leaves) else None

    def _read(self, issuer: str, index: int) -> tuple[int, int, Sequence[bytes]]:
        query = (
            select(ANCHORED.c.first, ANCHORED.c.size, BATCHES.c.leaves)
            .join(BATCHES, BATCHES.c.root == ANCHORED.c.root)
            .where(ANCHORED.c.issuer == issuer, ANCHORED.c.first <= index)
            .order_by(ANCHORED.c.first.desc())
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return (0, 0, ()) if row is None else (row.first, row.size, merkle.split(row.leaves))
