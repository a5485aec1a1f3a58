"""Repair records of batches: found by their root; leaves and lookup rows are made from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import delete, exists, func, select

from certledger.ledger.audit.batch_rows import check_unanchored
from certledger.ledger.audit.database_source import StoredFiles, unpacked
from certledger.ledger.core.acts import ActKind
from certledger.ledger.repair.sources import BatchFiles, has_root, lookups_of
from certledger.ledger.repair.transaction import raw
from certledger.ledger.store.bulk_queries import PLACES
from certledger.ledger.store.tables import ACTS, ANCHORED, BATCHES, CERTIFICATES, FRAMES
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.signed_act import statement_from_json
from certledger.verifier.formats.statements import Batch


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The issuer, first index and size of a batch."""

    issuer: str
    first: int
    size: int


class RecordRepair:
    """Repairs batches, frames and lookup rows; batches without audit faults stay as they are."""

    def __init__(self, unit: Unit, stored_files: StoredFiles, files: BatchFiles) -> None:
        self._unit, self._files_at, self._files = unit, stored_files, files

    def run(self) -> None:
        """Repair every batch that is anchored or that an act names."""
        wanted, sound = self._wanted(), set()
        strays: dict[bytes, list[bytes]] = {}
        for row in self._unit.connection.execute(raw(BATCHES)).all():
            if row.root in wanted and self._is_sound(row, wanted[row.root]):
                sound.add(row.root)
            else:
                self._keep_stray(row.number, strays)
        for number in self._orphans():
            self._keep_stray(number, strays)
        for row in self._unit.connection.execute(raw(BATCHES)).all():
            if row.root not in sound:
                self._drop(row.number)
        for number in self._orphans():
            self._drop(number)
        for root in wanted.keys() - sound:
            lines = strays.get(root) or self._files.records(root)
            if lines is not None and has_root(lines, root):
                self._add(root, wanted[root], lines)

    def _wanted(self) -> dict[bytes, _Wanted]:
        """Return the batches that must be stored, by root."""
        found: dict[bytes, _Wanted] = {}
        query = select(ACTS.c.statement).where(ACTS.c.kind == str(ActKind.BATCH))
        for data in self._unit.connection.execute(query).scalars():
            try:
                statement = statement_from_json(Batch, orjson.loads(data))
            except (CertledgerError, ValueError, TypeError, KeyError):
                continue
            found[statement.root] = _Wanted(
                statement.issuer.decode("ascii"), statement.first, statement.count
            )
        for row in self._unit.connection.execute(select(ANCHORED)):
            found[row.root] = _Wanted(row.issuer, row.first, row.size)
        return found

    def _is_sound(self, row: Any, wanted: _Wanted) -> bool:
        if (row.issuer, row.first, row.size) != (wanted.issuer, wanted.first, wanted.size):
            return False
        try:
            return not check_unanchored(self._files_at, row)
        except (AttributeError, TypeError, ValueError):
            return False

    def _orphans(self) -> set[int]:
        """Return the batch numbers that frames or lookup rows have without a batch."""
        found: set[int] = set()
        for number in (FRAMES.c.batch, CERTIFICATES.c.place // PLACES):
            owned = exists().where(BATCHES.c.number == number)
            query = select(number).where(~owned).group_by(number)
            found |= set(self._unit.connection.execute(query).scalars())
        return found

    def _keep_stray(self, number: int, strays: dict[bytes, list[bytes]]) -> None:
        """Collect records by the root that they have, whatever they were stored as."""
        query = raw(FRAMES).where(FRAMES.c.batch == number).order_by(FRAMES.c.frame)
        found = self._unit.connection.execute(query).all()
        lines = [line for row in found for line in unpacked(row.data)]
        if lines:
            strays[merkle.root([merkle.leaf_hash(line) for line in lines])] = lines

    def _drop(self, number: int) -> None:
        place, low = CERTIFICATES.c.place, number * PLACES
        for statement in (
            delete(CERTIFICATES).where(place >= low, place < low + PLACES),
            delete(FRAMES).where(FRAMES.c.batch == number),
            delete(BATCHES).where(BATCHES.c.number == number),
        ):
            self._unit.connection.execute(statement)

    def _add(self, root: bytes, wanted: _Wanted, lines: list[bytes]) -> None:
        if self._is_taken(root):
            return
        try:
            lookups = lookups_of(lines)
        except CertledgerError:
            return  # Anchored lines that are no records cannot be looked up.
        self._unit.add_records(root, wanted.issuer, wanted.first, lines, lookups)

    def _is_taken(self, root: bytes) -> bool:
        query = select(func.count()).where(BATCHES.c.root == root)
        return bool(self._unit.connection.execute(query).scalar_one())
