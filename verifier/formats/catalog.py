"""Catalogs: the certificate types that an issuer may issue, and their tree (SPEC section 6)."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar, NamedTuple

from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import Json, Members, format_canonical
from certledger.verifier.formats.record import CATEGORY, DOCUMENT, HOLDER_KEY, NUMBER, Record
from certledger.verifier.vocabulary import EntryKind, HolderKind

FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}")
MAX_FIELDS = 64
MAX_ENTRIES = 4096
EMPTY = bytes(32)
_TAG = b"certledger/catalog/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A certificate type of an issuer, in one immutable version.

    `months` is the greatest validity, None for no limit; `lag_days` the greatest days between issue
    and anchoring; `shown` lists the fields to compare for certificates without a document.
    """

    TYPE: ClassVar[str] = "certledger/entry/1"

    category: str
    version: int
    kind: EntryKind
    holder: HolderKind
    name_zh: str
    name_en: str
    fields: tuple[str, ...]
    shown: tuple[str, ...]
    months: int | None
    lag_days: int

    @property
    def order(self) -> tuple[str, int]:
        """Sort key of a catalog's entries."""
        return self.category, self.version

    def place_of(self, field: str) -> int:
        """Return the index of a field's digest in a record."""
        return self.fields.index(field)

    @property
    def must_show(self) -> frozenset[int]:
        """Digest indexes to disclose without a document: the number's and those of `shown`."""
        return frozenset({0, *(self.place_of(field) for field in self.shown)})

    def name_at(self, place: int, *, bound: bool) -> str:
        """Return the name of the disclosure at index `place`."""
        if place < len(self.fields):
            return self.fields[place]
        return HOLDER_KEY if bound and place == len(self.fields) else DOCUMENT

    def first_document(self, *, bound: bool) -> int:
        """Return the index of the first document's digest."""
        return len(self.fields) + bound

    def latest_expiry(self, issued: date) -> date | None:
        """Return the last permitted expiry day for an issue date, None for no limit."""
        return None if self.months is None else add_months(issued, self.months)

    def to_json(self) -> Json:
        """Return the entry as a JSON value."""
        value: dict[str, Json] = {
            "category": self.category,
            "fields": list(self.fields),
            "holder": str(self.holder),
            "kind": str(self.kind),
            "lag_days": self.lag_days,
            "name_en": self.name_en,
            "name_zh": self.name_zh,
            "shown": list(self.shown),
            "type": self.TYPE,
            "version": self.version,
        }
        if self.months is not None:
            value["months"] = self.months
        return value

    def canonical(self) -> bytes:
        """Return the canonical bytes."""
        return format_canonical(self.to_json())

    @classmethod
    def from_json(cls, value: Json) -> Entry:
        """Parse an entry.

        Raises:
            MalformedError: an unknown, missing or ill-typed member, or inconsistent fields.
        """
        read = Members(value, "entry")
        read.const("type", cls.TYPE)
        entry = cls(
            category=read.text("category", CATEGORY),
            version=read.integer("version", 1, 65535),
            kind=EntryKind(read.text("kind", re.compile("|".join(EntryKind)))),
            holder=HolderKind(read.text("holder", re.compile("|".join(HolderKind)))),
            name_zh=read.text("name_zh", longest=128),
            name_en=read.text("name_en", longest=128),
            fields=_names(read, "fields"),
            shown=_names(read, "shown"),
            months=read.integer("months", 1, 1200) if read.has("months") else None,
            lag_days=read.integer("lag_days", greatest=36500),
        )
        read.done()
        entry._check_fields()
        return entry

    def _check_fields(self) -> None:
        in_order = [field for field in self.fields if field in self.shown]
        if len(set(self.fields)) != len(self.fields) or self.fields[0] != NUMBER:
            raise MalformedError("entry.fields", f"fields are distinct and start with {NUMBER}")
        if {DOCUMENT, HOLDER_KEY} & set(self.fields):
            raise MalformedError("entry.fields", f"no field is called {DOCUMENT} or {HOLDER_KEY}")
        if in_order != list(self.shown) or NUMBER in self.shown:
            raise MalformedError(
                "entry.shown", f"shown is an ordered part of fields, without {NUMBER}"
            )


def _names(read: Members, name: str) -> tuple[str, ...]:
    names = read.array(name, 1, MAX_FIELDS)
    for field in names:
        if type(field) is not str or not FIELD.fullmatch(field):
            read.fail(name, "a list of names like holder_name")
    return tuple(names)


@lru_cache(maxsize=4_096)
def add_months(day: date, months: int) -> date:
    """Return the day `months` later, clamped to the end of its month and to the year 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > 9999:
        return date.max
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalog:
    """The entries of an issuer, strictly ascending by category and version."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> Catalog:
        """Build a catalog from entries in any order.

        Raises:
            MalformedError: a duplicate entry, or more than 4,096.
        """
        ordered = sorted(entries, key=lambda entry: entry.order)
        if len(ordered) > MAX_ENTRIES:
            raise MalformedError("catalog.size", f"{len(ordered)} entries, at most {MAX_ENTRIES}")
        for one, other in pairwise(ordered):
            if one.order == other.order:
                raise MalformedError("catalog.twice", f"{one.category} {one.version} appears twice")
        return cls(entries=tuple(ordered))

    @classmethod
    def from_json(cls, value: Json) -> Catalog:
        """Parse a catalog from its JSON list.

        Raises:
            MalformedError: not a list, an invalid entry, or entries that do not strictly ascend.
        """
        if type(value) is not list or len(value) > MAX_ENTRIES:
            raise MalformedError("schema.invalid", f"a catalog is a list of at most {MAX_ENTRIES}")
        entries = [Entry.from_json(part) for part in value]
        catalog = cls.of(entries)
        if list(catalog.entries) != entries:
            raise MalformedError("catalog.order", "entries do not ascend by category and version")
        return catalog

    def to_json(self) -> Json:
        """Return the catalog as a JSON list of entries."""
        return [entry.to_json() for entry in self.entries]

    def leaves(self) -> list[bytes]:
        """Return the leaf hash of each entry."""
        return [merkle.leaf_hash(entry.canonical()) for entry in self.entries]

    def root(self) -> bytes:
        """Return the catalog root (32 bytes), zero for an empty catalog."""
        if not self.entries:
            return EMPTY
        return bound_root(len(self.entries), merkle.root(self.leaves()))

    def find(self, category: str, version: int) -> tuple[int, Entry] | None:
        """Return (index, entry) of a category's version, or None."""
        for place, entry in enumerate(self.entries):
            if entry.order == (category, version):
                return place, entry
        return None

    def newest(self, category: str) -> Entry | None:
        """Return the newest version of a category, or None."""
        found = [entry for entry in self.entries if entry.category == category]
        return found[-1] if found else None


def bound_root(count: int, root: bytes) -> bytes:
    """Hash the number of entries and their RFC 9162 root to the catalog root."""
    return sha256(_TAG + count.to_bytes(4, "big") + root)


class Terms(NamedTuple):
    """The parts of a record that its entry's rules check; `digests` is their number."""

    holder: HolderKind
    bound: bool
    digests: int
    issued: date
    expires: date | None


def terms_of(record: Record) -> Terms:
    """Return the terms of a record; many records of a batch have the same."""
    digests = len(record.digests)
    return Terms(record.holder, record.bound, digests, record.issued, record.expires)


def disobeyed(record: Record, entry: Entry) -> tuple[str, str] | None:
    """Return (code, sentence) of the first entry rule that a record breaks, or None."""
    return broken(terms_of(record), entry)


def broken(terms: Terms, entry: Entry) -> tuple[str, str] | None:
    """Return (code, sentence) of the first entry rule that terms break, or None."""
    if terms.holder is not entry.holder:
        current, wanted = terms.holder, entry.holder
        return (
            "entitlement.holder_kind",
            f"the record is for a {current} holder, the entry {wanted}",
        )
    if terms.digests < entry.first_document(bound=terms.bound):
        return "entitlement.fields_missing", f"{terms.digests} digests are too few"
    latest = entry.latest_expiry(terms.issued)
    if latest is not None and (terms.expires is None or terms.expires > latest):
        return "entitlement.validity_too_long", f"the entry allows no longer than {latest}"
    return None
