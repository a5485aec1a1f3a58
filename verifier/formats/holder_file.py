"""Holder's file: a record with all disclosures, from which a holder chooses (SPEC section 16.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    format_canonical,
    parse_canonical,
)
from certledger.verifier.formats.record import DOCUMENT, MAX_DIGESTS, Disclosure, Record

MAX_HOLDING_BYTES = 262_144


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """A record, all its disclosures in index order, and its documents' file names."""

    TYPE: ClassVar[str] = "certledger/holding/1"

    record: Record
    disclosures: tuple[Disclosure, ...]
    names: tuple[str, ...] = ()

    def format(self) -> bytes:
        """Format the bytes of the file."""
        return format_canonical(self.to_json())

    def to_json(self) -> Json:
        """Return the holding as a JSON value."""
        return {
            "type": self.TYPE,
            "record": self.record.to_json(),
            "disclosures": [part.text for part in self.disclosures],
            "names": list(self.names),
        }

    @classmethod
    def parse(cls, data: bytes) -> Holding:
        """Parse the bytes of a file.

        Raises:
            MalformedError: not canonical, ill-typed, or a disclosure of another record.
        """
        read = Members(parse_canonical(data, MAX_HOLDING_BYTES), "holding")
        read.const("type", cls.TYPE)
        record = Record.from_json(read.take("record"))
        disclosures = read.array("disclosures", 1, MAX_DIGESTS)
        names = read.array("names", 0, MAX_DIGESTS)
        read.done()
        if not all(type(text) is str for text in [*disclosures, *names]):
            raise MalformedError("schema.invalid", "disclosures and names are lists of text")
        holding = cls(
            record=record,
            disclosures=tuple(Disclosure.parse(text) for text in disclosures),
            names=tuple(names),
        )
        holding._check()
        return holding

    def _check(self) -> None:
        places = self.record.places(self.disclosures)
        if None in places:
            raise MalformedError("disclosure.foreign", "a disclosure is not of this record")
        if places != sorted(set(places), key=lambda place: place or 0):
            raise MalformedError("schema.invalid", "disclosures do not strictly ascend by place")
        documents = [part for part in self.disclosures if part.name == DOCUMENT]
        if len(self.names) != len(documents):
            raise MalformedError("schema.invalid", "there are not as many names as documents")
