"""Search an issuer's newest certificates of a category that are in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from certledger.ledger.core.values import AnchoredBatch, IssuerRow
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.formats.canonical_json import parse_canonical
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.record import Record
from certledger.verifier.formats.status_tree import CELLS, read_cell
from certledger.verifier.vocabulary import Status

MAX_CATALOG_BYTES = 64 * 2**20
MAX_SEARCHED_RECORDS = 4_096
"""Newest records of an issuer among which a certificate of the category is looked for."""
MAX_REMEMBERED_ROOTS = 50_000
_CATEGORY = b'"category":"'
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class BatchCategories:
    """The categories among so many newest records of a batch."""

    records: int
    categories: frozenset[str]


@dataclass(kw_only=True)
class CategoryMemory:
    """Which categories catalogs and batches have, by their roots, under which neither changes.

    Safe for several threads: each reads and writes whole entries.
    """

    _catalogs: dict[bytes, frozenset[str]] = field(default_factory=dict)
    _batches: dict[bytes, BatchCategories] = field(default_factory=dict)

    def of_catalog(self, unit: Unit, root: bytes) -> frozenset[str]:
        """Return the categories of a catalog, none where it is not stored."""
        found = self._catalogs.get(root)
        if found is None:
            entries = unit.catalog(root)
            if entries is None:
                return frozenset()
            catalog = Catalog.from_json(parse_canonical(entries, MAX_CATALOG_BYTES))
            found = frozenset(one.category for one in catalog.entries)
            _remember(self._catalogs, root, found)
        return found

    def lacks(self, root: bytes, category: str, records: int) -> bool:
        """Return whether so many newest records of a batch are known to have none of a category."""
        found = self._batches.get(root)
        return found is not None and found.records >= records and category not in found.categories

    def note(self, root: bytes, found: BatchCategories) -> None:
        """Remember what was read of a batch, unless more of it was read before."""
        known = self._batches.get(root)
        if known is None or known.records < found.records:
            _remember(self._batches, root, found)


def _remember(into: dict[bytes, _Value], root: bytes, value: _Value) -> None:
    if len(into) >= MAX_REMEMBERED_ROOTS:
        into.clear()
    into[root] = value


@dataclass(kw_only=True)
class CertificateSearch:
    """Searches within one transaction; a certificate that ended before `day` is not in force."""

    unit: Unit
    memory: CategoryMemory
    day: str
    _words: dict[str, Mapping[int, bytes]] = field(default_factory=dict)

    def newest(self, issuer: IssuerRow, category: str) -> Iterator[Record]:
        """Yield an issuer's certificates of a category that are in force, the newest first."""
        left = MAX_SEARCHED_RECORDS
        for batch in self._batches(issuer):
            count = min(left, batch.count)
            if not self.memory.lacks(batch.root, category, count):
                for data in self._records(batch.root, category, count):
                    record = Record.parse(data)
                    if record.category == category and self._is_in_force(record):
                        yield record
            left -= count
            if left == 0:
                return

    def _batches(self, issuer: IssuerRow) -> Iterator[AnchoredBatch]:
        for sequence in range(issuer.state.batches, 0, -1):
            batch = self.unit.anchored(issuer.state.issuer, sequence)
            if batch is not None:
                yield batch

    def _records(self, root: bytes, category: str, count: int) -> Iterator[bytes]:
        """Yield the records of a category among the `count` newest of a batch, newest first.

        Most are of other categories: a text search tells them apart without parsing, and frames of
        records are unpacked as far as they are wanted.
        """
        seen = set[bytes]()
        for read, data in enumerate(islice(self.unit.newest_records(root), count), 1):
            named = data.partition(_CATEGORY)[2].partition(b'"')[0]
            seen.add(named)
            if named == category.encode():
                yield data
            if read == count:  # Else records are missing, which may come in later.
                categories = frozenset(one.decode() for one in seen)
                self.memory.note(root, BatchCategories(records=count, categories=categories))

    def _is_in_force(self, record: Record) -> bool:
        if record.issuer not in self._words:
            self._words[record.issuer] = self.unit.words(record.issuer)
        word = self._words[record.issuer].get(record.index // CELLS)
        is_valid = word is None or read_cell(word, record.index) is Status.VALID
        return is_valid and not (
            record.expires is not None and record.expires.isoformat() < self.day
        )
