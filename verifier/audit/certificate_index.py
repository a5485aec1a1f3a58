"""On-disk index of all certificates by id: finds duplicate and missing editions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from certledger.verifier.audit.batches import ID_TEXT, NO_INDEX, ROW
from certledger.verifier.audit.findings import AuditFault, fault
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.vocabulary import Status

_ALPHABET = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
"""The characters of base64url in byte order; the first of an id selects its file."""
_KEY = ID_TEXT + 6
_FIRST = b"0000"
_GONE = (Status.REVOKED, Status.SUPERSEDED)

StatusOf = Callable[[str, int], Status]
"""Returns the status of certificate `index` of an issuer."""


class CertificateIndex:
    """Rows in 64 files by the first character of the id, so that one file at a time is sorted."""

    def __init__(self, folder: Path, sizes: Sequence[int] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._paths = [folder / f"{place:02}.rows" for place in range(len(_ALPHABET))]
        self.sizes = [0] * len(_ALPHABET) if sizes is None else list(sizes)
        for path, size in zip(self._paths, self.sizes, strict=True):
            # Crash point: rows written after the last progress notes are appended again.
            with path.open("ab") as file:
                file.truncate(size)

    def add(self, rows: bytes) -> None:
        """Append the rows of a batch, sorted, `ROW` bytes each."""
        at = 0
        for place, letter in enumerate(_ALPHABET):
            start, at = at, _after(rows, letter, at)
            if at > start:
                with self._paths[place].open("ab") as file:
                    file.write(rows[start:at])
                self.sizes[place] += at - start

    def check(
        self, issuers: Sequence[str], gone: set[str], status: StatusOf
    ) -> Iterator[AuditFault]:
        """Yield a fault for each edition issued twice, missing or not replaced.

        `issuers` lists the codes by number.  Of those in `gone` some records are missing, so a
        missing edition is no fault.
        """
        for path in self._paths:
            data = path.read_bytes()
            rows = sorted(data[at : at + ROW] for at in range(0, len(data), ROW))
            if len({row[:_KEY] for row in rows}) == len(rows):
                rows = [row for row in rows if row[_KEY : _KEY + 4] != _FIRST]
            for key, found in groupby(rows, lambda row: row[:_KEY]):
                issuer = issuers[int(key[ID_TEXT:], 16)]
                editions = [_numbers(row) for row in found]
                yield from _check_editions(key, issuer, editions, issuer in gone, status)

    def close(self) -> None:
        """Remove the files."""
        for path in self._paths:
            path.unlink(missing_ok=True)
        self._paths[0].parent.rmdir()


def _after(rows: bytes, letter: int, start: int) -> int:
    """Return where the rows that begin with `letter` end (binary search from `start`)."""
    low, high = start // ROW, len(rows) // ROW
    while low < high:
        middle = (low + high) // 2
        if rows[middle * ROW] > letter:
            high = middle
        else:
            low = middle + 1
    return low * ROW


def _numbers(row: bytes) -> tuple[int, int, int]:
    """Return edition, index and index replaced of a row."""
    at = _KEY
    return int(row[at : at + 4], 16), int(row[at + 4 : at + 12], 16), int(row[at + 12 :], 16)


def _check_editions(
    key: bytes,
    issuer: str,
    editions: Sequence[tuple[int, int, int]],
    partial: bool,
    status: StatusOf,
) -> Iterator[AuditFault]:
    by_edition: dict[int, int] = {}
    for edition, index, replaced in editions:
        where = f"{issuer}/certificates/{index}"
        statement: dict[str, Json] = {
            "id": key[:ID_TEXT].decode(),
            "edition": edition,
            "index": index,
        }
        if edition in by_edition:
            other = by_edition[edition]
            detail = f"edition {edition} is certificate {other} and certificate {index}"
            yield fault("certificate.issued_twice", where, detail, **statement, other=other)
            continue
        by_edition[edition] = index
        if replaced == NO_INDEX:
            continue
        statement["replaces"] = replaced
        if by_edition.get(edition - 1) == replaced:
            if (current := status(issuer, replaced)) not in _GONE:
                detail = f"certificate {replaced} is {current}"
                yield fault("certificate.predecessor_valid", where, detail, **statement)
        elif not partial:
            detail = f"it names certificate {replaced}"
            yield fault("certificate.edition_gap", where, detail, **statement)
