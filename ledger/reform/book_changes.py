"""What an import would add, change and drop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from certledger.ledger.reform.book_columns import SCHEMAS
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.reform.book import COLUMNS, Cells


@dataclass(frozen=True, kw_only=True, slots=True)
class TableChanges:
    """Keys of the rows of one table that an import adds, changes and drops."""

    added: Sequence[str]
    changed: Sequence[str]
    dropped: Sequence[str]

    def to_json(self) -> Json:
        """Return the changes as JSON."""
        return {
            "added": list(self.added),
            "changed": list(self.changed),
            "dropped": list(self.dropped),
        }


def changes(
    before: Mapping[str, Sequence[Cells]], after: Mapping[str, Sequence[Cells]]
) -> dict[str, TableChanges]:
    """Return the changes of each table that changes; a row is known by its key."""
    found = {}
    for name in COLUMNS:
        old, new = _by_key(name, before.get(name, ())), _by_key(name, after[name])
        one = TableChanges(
            added=[key for key in new if key not in old],
            changed=[key for key in new if key in old and old[key] != new[key]],
            dropped=[key for key in old if key not in new],
        )
        if one.added or one.changed or one.dropped:
            found[name] = one
    return found


def _by_key(name: str, rows: Sequence[Cells]) -> dict[str, tuple[str, ...]]:
    places = [COLUMNS[name].index(column) for column in SCHEMAS[name].key]
    return {"/".join(row[place] for place in places): tuple(row) for row in rows}
