"""What an import would add, change and drop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from certledger.ledger.reference_data.faults import DomainFault, FaultCode
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


def version_faults(
    before: Mapping[str, Sequence[Cells]], after: Mapping[str, Sequence[Cells]]
) -> list[DomainFault]:
    """Return a fault for each rule that changed without a higher version."""
    old, new = _rules(before.get("rules", ())), _rules(after["rules"])
    lines = {row[0]: line for line, row in reversed(list(enumerate(after["rules"], 2)))}
    return [
        DomainFault(
            file=SCHEMAS["rules"].file,
            line=lines[item],
            column="version",
            code=FaultCode.RULE_VERSION,
            reason=f"the rule of {item} changed, so its version must rise above {old[item][0]}",
        )
        for item, (version, conditions) in new.items()
        if item in old and conditions != old[item][1] and version <= old[item][0]
    ]


def _rules(rows: Sequence[Cells]) -> dict[str, tuple[int, list[Cells]]]:
    """Return version and conditions of each item's rule."""
    found: dict[str, tuple[int, list[Cells]]] = {}
    for item, version, *condition in rows:
        found.setdefault(item, (int(version), []))[1].append(condition)
    return found


def _by_key(name: str, rows: Sequence[Cells]) -> dict[str, tuple[str, ...]]:
    places = [COLUMNS[name].index(column) for column in SCHEMAS[name].key]
    return {"/".join(row[place] for place in places): tuple(row) for row in rows}
