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
from verifier.content import Showing, check_content
from verifier.errors import Refused

ANCHORED, BATCHES = table(AnchoredRow), table(BatchRow)
FOLDERS = ("holders", "evidence")
"""Where a certificate's file is looked for: the holder's has every disclosure."""
LONGEST_DOCUMENT = 64 << 20


def check_documents(home: Path, connection: Connection) -> Iterator[Fault]:
    """Yield what is wrong with certificates' files, and with documents of the same stem."""
    leaves = _Leaves(connection)
    papers = _papers(home)
    seen: set[str] = set()
    for folder in FOLDERS:
        for file in sorted((home / folder).glob("*.json")):
            where = f"{folder}/{file.name}"
            try:
                showing = _showing(file)
            except (Refused, TypeError) as error:
                yield fault("evidence.differs", where, str(error))
                continue
            if showing.leaf != leaves.at(showing.record.issuer, showing.record.index):
                record = showing.record.canonical().decode()
                yield fault("evidence.differs", where, "", record=record)
            elif file.stem not in seen:
                seen.add(file.stem)
                yield from _swapped(showing, papers.get(file.stem, ()), where)


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


def _swapped(showing: Showing, papers: Sequence[Path], file: str) -> Iterator[Fault]:
    for paper in papers:
        with paper.open("rb") as opened:
            content = opened.read(LONGEST_DOCUMENT)
        code = check_content(showing, [content], None)
        if code in ("content.document_differs", "content.field_differs"):
            where = f"documents/{paper.name}"
            record = showing.record.canonical().decode()
            shown = [part.text for part in showing.disclosures]
            yield fault("document.swapped", where, file, record=record, disclosures=shown)


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
