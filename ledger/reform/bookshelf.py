"""The editions of the book: which one holds on a day, and how a new one comes in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date

from certledger.ledger.core.book_values import StoredEdition
from certledger.ledger.core.receipt_chain import ReceiptChain
from certledger.ledger.keys import Signer
from certledger.ledger.reform.book_changes import TableChanges, changes, version_faults
from certledger.ledger.reform.book_files import BookInvalidError, BookTables
from certledger.ledger.reform.record_writer import add_record
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.ledger.verification.verification_receipt import draw_reference
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.reform.book_edition import NO_EDITION, BookEdition
from certledger.verifier.reform.operator_record import (
    EDITION,
    EDITION_TYPE,
    record_content,
)
from certledger.verifier.verify.checks import today

MAX_CACHED_EDITIONS = 2
OFFICE = "operator:book"
"""Who an edition's record names as the caller."""


class BookAbsentError(CertledgerError):
    """No edition of the book holds on the day, or has the number."""

    code = "book.absent"


class BookDamagedError(CertledgerError):
    """An edition in the database is not the one that its digest names."""

    code = "book.damaged"


class BookDayError(CertledgerError):
    """An edition may not hold from this day."""

    code = "book.day"
    exit_status = ExitStatus.UNUSABLE


class BookUnchangedError(CertledgerError):
    """An import has the same content as the newest edition."""

    code = "book.unchanged"
    exit_status = ExitStatus.UNUSABLE


@dataclass(kw_only=True)
class Bookshelf:
    """The editions in a store; safe for several threads.  `clock` gives seconds since 1970."""

    store: Store
    identity: bytes
    clock: Callable[[], float]
    _cache: dict[bytes, BookEdition] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def editions(self) -> Sequence[StoredEdition]:
        """Return all editions, oldest first."""
        with self.store.begin(write=False) as unit:
            return unit.book_editions()

    def current(self, day: date | None = None) -> BookEdition:
        """Return the edition that holds on a day, today without one.

        Raises:
            BookAbsentError: none does.
        """
        wanted = (day or today(int(self.clock()))).isoformat()
        holding = [one for one in self.editions() if one.holds_from <= wanted]
        if not holding:
            raise BookAbsentError(f"no edition of the book is in force on {wanted}")
        return self._load(holding[-1])

    def edition(self, number: int) -> BookEdition:
        """Return an edition by its number.

        Raises:
            BookAbsentError: there is none.
        """
        for one in self.editions():
            if one.number == number:
                return self._load(one)
        raise BookAbsentError(f"there is no edition {number} of the book")

    def edition_named(self, digest: bytes) -> BookEdition:
        """Return an edition by its digest; raises as `edition`."""
        for one in self.editions():
            if one.digest == digest:
                return self._load(one)
        raise BookAbsentError(f"there is no edition {digest.hex()} of the book")

    def _load(self, stored: StoredEdition) -> BookEdition:
        with self._lock:
            if stored.digest not in self._cache:
                with self.store.begin(write=False) as unit:
                    content = unit.book_content(stored.number)
                edition = BookEdition.parse(content or b"")
                if edition.digest != stored.digest:
                    raise BookDamagedError(f"edition {stored.number} in the database was changed")
                while len(self._cache) >= MAX_CACHED_EDITIONS:
                    self._cache.pop(next(iter(self._cache)))
                self._cache[stored.digest] = edition
            return self._cache[stored.digest]

    # A new edition ----------------------------------------------------------------------------

    def preview(self, tables: BookTables) -> dict[str, TableChanges]:
        """Return what an import would add to the newest edition, change of it and drop.

        Raises:
            BookInvalidError: a rule changed without a higher version.
        """
        stored = self.editions()
        before: BookTables = self._load(stored[-1]).tables if stored else {}
        if faults := version_faults(before, tables):
            raise BookInvalidError(faults)
        return changes(before, tables)

    def add(
        self, tables: BookTables, *, holds_from: date, region: str, operator: Signer
    ) -> StoredEdition:
        """Store an edition that holds from a day on, with the operator's record of it.

        The same import again returns the edition that is there.

        Raises:
            BookInvalidError: a rule changed without a higher version.
            BookDayError: another edition holds from then or later, or a decision is as late.
            BookUnchangedError: the newest edition has this content and another day.
            MalformedError: the edition's file could not be read again: it is too large, or the
                region is no code.
        """
        stored = self.editions()
        if stored and not self.preview(tables) and self._load(stored[-1]).region == region:
            if stored[-1].holds_from == holds_from.isoformat():
                return stored[-1]
            raise BookUnchangedError(f"edition {stored[-1].number} has the same content")
        edition = BookEdition(
            number=len(stored) + 1,
            holds_from=holds_from.isoformat(),
            region=region,
            previous=stored[-1].digest if stored else NO_EDITION,
            tables=tables,
        )
        # An edition that cannot be read, and not be taken back either, would end the book.
        content = edition.format()
        _ = BookEdition.parse(content).book
        with suppress(_RacedError), self.store.begin() as unit:
            return self._store(unit, edition, content, operator)
        raise BookDayError("another edition came in at the same time; look at it first")

    def _store(
        self, unit: Unit, edition: BookEdition, content: bytes, operator: Signer
    ) -> StoredEdition:
        unit.receipt_chain(ReceiptChain.VERIFICATIONS)  # Locks: no decision comes in between.
        _check_day(unit, edition)
        now, reference = int(self.clock()), draw_reference()
        stored = StoredEdition(
            number=edition.number,
            holds_from=edition.holds_from,
            digest=edition.digest,
            reference=reference,
            created=now,
        )
        if not unit.add_book_edition(stored, content):
            raise _RacedError
        record = record_content(
            EDITION_TYPE,
            {
                "book": edition.digest.hex(),
                "edition": edition.number,
                "from": edition.holds_from,
            },
            outcome=EDITION,
            identity=self.identity,
            operator=operator.address,
            reference=reference,
            caller=OFFICE,
            checked=now,
        )
        add_record(unit, record, operator, party=OFFICE)
        return stored


class _RacedError(Exception):
    """Another edition was stored meanwhile; the transaction is rolled back."""


def _check_day(unit: Unit, edition: BookEdition) -> None:
    """Check that an edition holds from a day after every other, and after every decision.

    Raises:
        BookDayError: it does not.
    """
    stored, day = unit.book_editions(), edition.holds_from
    if stored and day <= stored[-1].holds_from:
        newest = f"edition {stored[-1].number} holds from {stored[-1].holds_from}"
        raise BookDayError(f"{newest}, so the next one is in force from a later day than {day}")
    decided = unit.newest_decision()
    if stored and decided is not None and day <= today(decided).isoformat():
        last = today(decided).isoformat()
        raise BookDayError(f"a decision of {last} rests on an edition before, so not from {day}")


MAX_SHOWN_KEYS = 5


def describe_changes(found: Mapping[str, TableChanges]) -> list[tuple[str, str]]:
    """Return a row for each table that changes, with the first keys of what does."""
    return [
        (
            name,
            ", ".join(
                (
                    _describe_keys("added", one.added),
                    _describe_keys("changed", one.changed),
                    _describe_keys("dropped", one.dropped),
                )
            ),
        )
        for name, one in found.items()
    ]


def _describe_keys(what: str, keys: Sequence[str]) -> str:
    if not keys:
        return f"0 {what}"
    shown = ", ".join(keys[:MAX_SHOWN_KEYS])
    more = ", …" if len(keys) > MAX_SHOWN_KEYS else ""
    return f"{len(keys)} {what} ({shown}{more})"
