"""List what the ledger lacks: names, catalogs and records that the chain has only a hash of.

Certificates of that issuer alone become *cannot tell*.  Anyone who has the missing data may
submit it again, with the act that commits to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from certledger.ledger.core.issuer_names import is_placeholder
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.verifier.formats.canonical_json import Json

READ_SECONDS = 10.0
MAX_LISTED = 100
"""Entries of the list at most: a ledger rebuilt from the chain lacks everything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """A name, catalog or batch of records that is missing; `digest` (32 bytes) identifies it."""

    kind: str
    issuer: str
    digest: bytes
    sequence: int | None = None

    def to_json(self) -> Json:
        """Return the JSON form."""
        value: dict[str, Json] = {
            "digest": self.digest.hex(),
            "issuer": self.issuer,
            "kind": self.kind,
        }
        return value if self.sequence is None else value | {"sequence": self.sequence}

    def sentence(self) -> str:
        """Return what is missing and how to supply it."""
        if self.kind == "name":
            return f"the name of {self.issuer} is missing: hand its registration in again"
        if self.kind == "catalog":
            return f"catalog {self.digest.hex()} of {self.issuer} is missing: hand it in again"
        return f"the records of batch {self.sequence} of {self.issuer} are missing: submit it again"


@dataclass(kw_only=True)
class MissingList:
    """The missing data, cached for `READ_SECONDS`; `clock` returns seconds."""

    store: Store
    clock: Callable[[], float]
    _read: float = float("-inf")
    _found: Sequence[Missing] = ()

    def get(self) -> Sequence[Missing]:
        """Return what is missing."""
        now = self.clock()
        if now >= self._read + READ_SECONDS:
            with self.store.begin(write=False) as unit:
                self._found = missing_of(unit)
            self._read = now
        return self._found


def missing_of(unit: Unit, limit: int = MAX_LISTED) -> Sequence[Missing]:
    """Return at most `limit` missing things: names, then catalogs, then records."""
    return list(islice(_missing(unit, limit), limit))


def _missing(unit: Unit, limit: int) -> Iterator[Missing]:
    for row in unit.issuers():
        if is_placeholder(row.state.name):
            digest = bytes.fromhex(row.state.name.partition(":")[2])
            yield Missing(kind="name", issuer=row.state.issuer, digest=digest)
    for issuer, root in unit.missing_catalogs(limit):
        yield Missing(kind="catalog", issuer=issuer, digest=root)
    for batch in unit.missing_records(limit):
        yield Missing(
            kind="records", issuer=batch.issuer, digest=batch.root, sequence=batch.sequence
        )
