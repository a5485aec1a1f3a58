"""Files from which a lost database is restored: batches, catalogs, registrations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from certledger.ledger.core.values import Lookups
from certledger.ledger.intake.act_submission import parse_handed_in
from certledger.ledger.intake.batch_submission import parse_submission
from certledger.verifier.audit.sources import Folder
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.record import Record
from certledger.verifier.formats.statements import Statement

MAX_FILE_BYTES = 64 << 20
SignedStatement: TypeAlias = tuple[Statement, tuple[bytes, ...]]


class BatchFiles:
    """Sealed batches, catalogs and registrations in folders, and exports of an audit.

    The files are not trusted: the caller asks by digest, and what is found is hashed.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._published = [Folder(folder) for folder in folders]
        self._batches: dict[bytes, Path] = {}
        self.catalogs: dict[bytes, bytes] = {}
        self.names: set[str] = set()
        self._signed: list[SignedStatement] = []
        for folder in folders:
            for file in sorted(folder.rglob("*.json*")):
                self._add(file)

    def _add(self, file: Path) -> None:
        if not file.is_file() or file.stat().st_size > MAX_FILE_BYTES:
            return
        try:
            with file.open("rb") as opened:
                submission = parse_submission(opened)
            self._batches[submission.statement.root] = file
            self._signed.append((submission.statement, (submission.signature,)))
            return
        except (CertledgerError, ValueError):
            pass
        try:
            handed_in = parse_handed_in(file.read_bytes())
        except (CertledgerError, ValueError):
            return
        self._signed.append((handed_in.act.statement, handed_in.act.signatures))
        if handed_in.name is not None:
            self.names.add(handed_in.name)
        if handed_in.catalog is not None:
            entries = format_canonical(handed_in.catalog.to_json())
            self.catalogs[handed_in.catalog.root()] = entries

    def signed(self, identity: bytes) -> dict[bytes, SignedStatement]:
        """Return the signed statements of this ledger (its identity), by digest."""
        return {
            statement.digest(identity): (statement, signatures)
            for statement, signatures in self._signed
        }

    def records(self, root: bytes) -> list[bytes] | None:
        """Return the records under a root, None if no file has them."""
        if root in self._batches:
            with self._batches[root].open("rb") as opened:
                return list(parse_submission(opened).records())
        for lines in self._published_records(root):
            if has_root(lines, root):
                return lines
        return None

    def _published_records(self, root: bytes) -> Iterator[list[bytes]]:
        for folder in self._published:
            try:
                found = folder.records("", 0, root)
                if found is not None:
                    yield [line for chunk in found for line in chunk]
            except CertledgerError:
                continue

    def catalog(self, root: bytes) -> bytes | None:
        """Return a catalog's entries from a file; the caller checks their root."""
        if root in self.catalogs:
            return self.catalogs[root]
        found = (folder.catalog(root) for folder in self._published)
        return next((entries for entries in found if entries is not None), None)

    def notes(self) -> Iterator[tuple[str, str]]:
        """Yield the notes of exported checkpoints."""
        for folder in self._published:
            yield from folder.notes()


def has_root(lines: Sequence[bytes], root: bytes) -> bool:
    """Return whether records have a root."""
    return bool(lines) and merkle.root([merkle.leaf_hash(line) for line in lines]) == root


def lookups_of(lines: Sequence[bytes]) -> Lookups:
    """Return the columns by which records are found.

    Raises:
        MalformedError: one is no record.
    """
    records = [Record.parse(line) for line in lines]
    return Lookups(
        leaves=b"".join(merkle.leaf_hash(line) for line in lines),
        digests=b"".join(record.digests[0] for record in records),
        ids=b"".join(record.id for record in records),
        editions=[record.edition for record in records],
    )
