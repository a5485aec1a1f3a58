"""Check records against the catalog they are issued under, and against earlier editions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import orjson

from certledger.ledger.core.values import Lookups
from certledger.ledger.intake.batch_submission import Kind, Submission
from certledger.ledger.intake.errors import (
    CatalogUnknownError,
    RecordDisobeysError,
    RecordDuplicateError,
    RecordReplacesNothingError,
    RecordUncataloguedError,
)
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.formats import merkle
from certledger.verifier.formats.catalog import EMPTY, Catalog, Entry, broken

Entries = dict[tuple[str, int], Entry]
_AT_ONCE = 4_096
"""Ids in one query for earlier editions."""


@lru_cache(maxsize=256)
def _read(entries: bytes) -> Entries:
    return {entry.order: entry for entry in Catalog.from_json(orjson.loads(entries)).entries}


def known_entries(unit: Unit, root: bytes) -> Entries | None:
    """Return the entries under a catalog root by category and version, None if not stored."""
    if root == EMPTY:
        return {}
    entries = unit.catalog(root)
    return None if entries is None else _read(entries)


def entries_of(unit: Unit, root: bytes) -> Entries:
    """Return the entries under a catalog root by category and version.

    Raises:
        CatalogUnknownError: they were never submitted.
    """
    entries = known_entries(unit, root)
    if entries is None:
        raise CatalogUnknownError(f"the entries of catalog {root.hex()} were never submitted")
    return entries


def check_entitled(kinds: Mapping[Kind, int], entries: Entries) -> None:
    """Check that records of each kind obey their entry; `kinds` has the first place of each.

    Raises:
        RecordUncataloguedError: no entry of its category and version.
        RecordDisobeysError: with the code of the rule that it breaks.
    """
    for (category, version, terms), place in kinds.items():
        entry = entries.get((category, version))
        if entry is None:
            raise RecordUncataloguedError(
                place, f"{category} version {version} is not in the catalog in force"
            )
        if fault := broken(terms, entry):
            raise RecordDisobeysError(place, fault[1], fault[0])


def check_editions(unit: Unit, submission: Submission) -> None:
    """Check that each (id, edition) is new and replaces the edition before it.

    Raises:
        RecordDuplicateError: the issuer has this id and edition, here or in an earlier batch.
        RecordReplacesNothingError: `replaces` is not the index of the edition before.
    """
    issuer = submission.statement.issuer.decode("ascii")
    repeated, first = _repeated(submission.lookups), submission.statement.first
    here: dict[tuple[bytes, int], int] = {}
    editions = zip(submission.lookups.editions, submission.replaces, strict=True)
    places = enumerate(editions)
    for ids in _in_groups(submission.lookups):
        known = {(one.id, one.edition): one.index for one in unit.editions(issuer, ids)} | here
        for id_, (place, (edition, replaces)) in zip(ids, places, strict=False):
            if (id_, edition) in known:
                raise RecordDuplicateError(place, f"edition {edition} of this id is there already")
            if edition and known.get((id_, edition - 1)) != replaces:
                raise RecordReplacesNothingError(
                    place, f"certificate {replaces} is not edition {edition - 1} of it"
                )
            if id_ in repeated:
                known[id_, edition] = here[id_, edition] = first + place


def _in_groups(lookups: Lookups) -> Iterator[list[bytes]]:
    """Yield the ids in lists of 4,096, to bound memory."""
    size = _AT_ONCE * merkle.HASH_SIZE
    for at in range(0, len(lookups.ids), size):
        yield merkle.split(lookups.ids[at : at + size])


def _repeated(lookups: Lookups) -> set[bytes]:
    """Return the ids that occur more than once in the batch."""
    seen: set[bytes] = set()
    repeated: set[bytes] = set()
    for ids in _in_groups(lookups):
        for id_ in ids:
            (repeated if id_ in seen else seen).add(id_)
    return repeated
