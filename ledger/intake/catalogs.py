"""Records against the catalog they are issued under, and against the editions before them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import orjson

from ledger.intake.refusals import (
    CatalogUnknown,
    RecordDisobeys,
    RecordReplacesNothing,
    RecordTwice,
    RecordUncatalogued,
)
from ledger.intake.submission import Submission
from ledger.ports import IntakeUnit
from verifier.catalog import EMPTY, Catalog, Entry, disobeyed
from verifier.certificate import Record

Entries = dict[tuple[str, int], Entry]


@lru_cache(maxsize=256)
def _read(entries: bytes) -> Entries:
    return {entry.order: entry for entry in Catalog.from_json(orjson.loads(entries)).entries}


def known_entries(unit: IntakeUnit, root: bytes) -> Entries | None:
    """Return the entries under a catalog root by category and version, None if not handed in."""
    if root == EMPTY:
        return {}
    entries = unit.catalog(root)
    return None if entries is None else _read(entries)


def entries_of(unit: IntakeUnit, root: bytes) -> Entries:
    """Return the entries under a catalog root by category and version.

    Raises:
        CatalogUnknown: they were never handed in.
    """
    entries = known_entries(unit, root)
    if entries is None:
        raise CatalogUnknown(f"the entries of catalog {root.hex()} were never handed in")
    return entries


def check_entitled(records: Sequence[Record], entries: Entries) -> None:
    """Check that each record obeys its entry.

    Raises:
        RecordUncatalogued: no entry of its category and version.
        RecordDisobeys: with the code of the rule that it breaks.
    """
    for place, record in enumerate(records):
        entry = entries.get((record.category, record.entry))
        if entry is None:
            raise RecordUncatalogued(
                place, f"{record.category} version {record.entry} is not in the catalog in force"
            )
        if fault := disobeyed(record, entry):
            raise RecordDisobeys(place, fault[1], fault[0])


def check_editions(unit: IntakeUnit, submission: Submission) -> None:
    """Check that no (id, edition) stands twice, and that each edition replaces the one before.

    Raises:
        RecordTwice: the body has this id and edition, here or in an earlier batch.
        RecordReplacesNothing: `replaces` is not the index of the edition before.
    """
    issuer = submission.statement.issuer.decode("ascii")
    known = {
        (edition.id, edition.edition): edition.index
        for edition in unit.editions(issuer, submission.lookups.ids)
    }
    for place, record in enumerate(submission.records):
        if (record.id, record.edition) in known:
            raise RecordTwice(place, f"edition {record.edition} of this id is there already")
        if record.edition and known.get((record.id, record.edition - 1)) != record.replaces:
            raise RecordReplacesNothing(
                place, f"certificate {record.replaces} is not edition {record.edition - 1} of it"
            )
        known[record.id, record.edition] = record.index
