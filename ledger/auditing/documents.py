"""Documents and holders' files of a home, held against the records that were anchored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection, select

from ledger.auditing.kept import member_of
from ledger.store.base import table
from ledger.store.tables import AnchoredRow, BatchRow
from verifier import merkle
from verifier.audit.faults import Fault, fault
from verifier.certificate import Disclosure, Record
from verifier.checks import check_inclusion
from verifier.content import Showing, check_content
from verifier.encoding import Json
from verifier.errors import Refused
from verifier.evidence import Evidence

ANCHORED, BATCHES = table(AnchoredRow), table(BatchRow)
EVIDENCE = "evidence"
FOLDERS = ("holders", EVIDENCE)
"""Where a certificate's file is looked for: the holder's has every disclosure."""
LONGEST_DOCUMENT = 64 << 20


def check_documents(home: Path, connection: Connection, identity: bytes) -> Iterator[Fault]:
    """Yield what is wrong with certificates' files, and with documents of the same stem.

    `identity` is the ledger's (32 bytes).
    """
    leaves, papers = _Leaves(connection), _papers(home)
    swapped: set[Path] = set()
    for folder in FOLDERS:
        for file in sorted((home / folder).glob("*.json")):
            where = f"{folder}/{file.name}"
            try:
                showing = _showing(file)
                if folder == EVIDENCE:
                    _check_evidence(file, connection, identity)
            except (Refused, TypeError, ValueError) as error:
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


def _check_evidence(file: Path, connection: Connection, identity: bytes) -> None:
    """Check that the batch of an evidence file is the one anchored, and its path leads there.

    Raises:
        Refused: the file is no evidence, or its path leads elsewhere.
        ValueError: another batch was anchored.
    """
    evidence = Evidence.parse(file.read_bytes())
    said, record = evidence.statement, evidence.record
    digest = connection.execute(
        select(ANCHORED.c.digest).where(
            ANCHORED.c.issuer == record.issuer, ANCHORED.c.sequence == said.sequence
        )
    ).scalar_one_or_none()
    if digest != said.digest(identity):
        raise ValueError(f"batch {said.sequence} was anchored with another statement")
    code = check_inclusion(record.leaf(), record.index, said, evidence.path)
    if code != "ok":
        raise ValueError(f"the path does not lead to the root ({code})")


def _papers(home: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted((home / "documents").glob("*")):
        if path.is_file():
            found.setdefault(path.stem, []).append(path)
    return found


def _showing(file: Path) -> Showing:
    record = Record.from_json(member_of(file, "record"))
    texts = member_of(file, "disclosures")
    if type(texts) is not list:
        raise TypeError("the file has no disclosures")
    return Showing.of(record, [Disclosure.parse(text) for text in texts])


def _swapped(showing: Showing, papers: Sequence[Path]) -> Iterator[Path]:
    for paper in papers:
        with paper.open("rb") as opened:
            content = opened.read(LONGEST_DOCUMENT)
        if check_content(showing, [content], None) == "content.document_differs":
            yield paper


class _Leaves:
    """Leaves of anchored batches by body and index; the batch used last is kept."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._held: tuple[str, int, int, Sequence[bytes]] = ("", 0, 0, ())

    def at(self, issuer: str, index: int) -> bytes | None:
        """Return the leaf of certificate `index` of a body, None where none is anchored."""
        held, first, size, leaves = self._held
        if held != issuer or not first <= index < first + size:
            first, size, leaves = self._read(issuer, index)
            self._held = (issuer, first, size, leaves)
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
