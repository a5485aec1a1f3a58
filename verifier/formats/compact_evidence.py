"""Compact evidence for a QR code; a snapshot supplies the rest (SPEC section 16.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.base45 import from_base45, to_base45
from certledger.verifier.formats.canonical_json import Json, from_base64url, to_base64url
from certledger.verifier.formats.catalog import Entry
from certledger.verifier.formats.cbor import CborReader, encode
from certledger.verifier.formats.merkle import split
from certledger.verifier.formats.presentation import Presentation
from certledger.verifier.formats.record import (
    MAX_DIGESTS,
    MAX_VALUE_CHARACTERS,
    Disclosure,
    Record,
    Value,
    check_document_value,
    check_text_value,
    format_disclosure,
    is_access_code,
)
from certledger.verifier.vocabulary import HolderKind

PREFIX = "CL1:"
TYPE = "certledger/compact/1"
"""Version name of codes in a policy."""
MAX_COMPACT_CHARACTERS = 4096
MAX_PATH = 32
"""Hashes of an inclusion path."""
_VERSION = 1
_PARTS = 5
"""Elements of the list, without the optional presentation."""
_MAX_WORD = 64
"""Bytes of a code, salt, id or signature."""
_EPOCH = date(1970, 1, 1)
_HOLDERS = tuple(HolderKind)
_SALT_SIZE = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class CompactDisclosure:
    """A disclosure without its name, which follows from its index."""

    place: int
    salt: str
    value: Value

    def named(self, entry: Entry, *, bound: bool) -> Disclosure:
        """Return the full disclosure, with the name at its index."""
        name = entry.name_at(self.place, bound=bound)
        text = format_disclosure(self.salt, name, self.value)
        return Disclosure(text=text, salt=self.salt, name=name, value=self.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Compact:
    """Content of a QR code; `ledger` is the first 8 bytes of the ledger's identity."""

    ledger: bytes
    record: Record
    path: tuple[bytes, ...]
    shown: tuple[CompactDisclosure, ...]
    presentation: Presentation | None = None

    @classmethod
    def of(
        cls,
        identity: bytes,
        record: Record,
        path: Sequence[bytes],
        disclosures: Sequence[Disclosure],
        presentation: Presentation | None = None,
    ) -> Compact:
        """Build compact evidence of a record with `disclosures` in index order.

        Raises:
            MalformedError: `disclosure.foreign`, a disclosure of another record.
        """
        shown = []
        for place, part in zip(record.places(disclosures), disclosures, strict=True):
            if place is None:
                raise MalformedError("disclosure.foreign", f"{part.name!r} is not of this record")
            shown.append(CompactDisclosure(place=place, salt=part.salt, value=part.value))
        return cls(
            ledger=identity[:8],
            record=record,
            path=tuple(path),
            shown=tuple(shown),
            presentation=presentation,
        )

    def format(self) -> str:
        """Format the text of the code."""
        return PREFIX + to_base45(self.to_cbor())

    def to_cbor(self) -> bytes:
        """Encode as deterministic CBOR (RFC 8949, section 4.2.1)."""
        parts: list[Any] = [
            _VERSION,
            self.ledger,
            _pack_record(self.record),
            b"".join(self.path),
            [[part.place, _pack_salt(part), _pack_value(part.value)] for part in self.shown],
        ]
        if (given := self.presentation) is not None:
            parts.append([given.audience, given.nonce, given.time, given.signature])
        return encode(parts)

    @classmethod
    def parse(cls, text: str) -> Compact:
        """Parse the text of a code.

        Raises:
            MalformedError: another prefix, too long, not base45, or as `from_cbor`.
        """
        if len(text) > MAX_COMPACT_CHARACTERS or not text.startswith(PREFIX):
            raise MalformedError(
                "compact.invalid", f"a code starts with {PREFIX} and is not longer"
            )
        return cls.from_cbor(from_base45(text[len(PREFIX) :]))

    @classmethod
    def from_cbor(cls, data: bytes) -> Compact:
        """Decode the CBOR of a code.

        Raises:
            MalformedError: not deterministic CBOR, or not compact evidence of a known version.
        """
        reader = CborReader(data, "compact.invalid", "compact.not_canonical")
        size = reader.list(1, _PARTS + 1)
        if reader.integer() != _VERSION:
            raise MalformedError("compact.version", "not compact evidence of version 1")
        if size < _PARTS:
            reader.fail(f"{_PARTS} parts")
        ledger, record = reader.binary(8, 8), _unpack_record(reader)
        compact = cls(
            ledger=ledger,
            record=record,
            path=tuple(_unpack_path(reader)),
            shown=tuple(_unpack_shown(reader, len(record.digests))),
            presentation=_unpack_presentation(reader) if size > _PARTS else None,
        )
        reader.done()
        if compact.presentation is not None and not compact.record.bound:
            raise MalformedError("compact.invalid", "a presentation of a record that is not bound")
        return compact


def _pack_record(record: Record) -> list[Any]:
    return [
        record.issuer,
        record.index,
        record.id,
        record.edition,
        record.replaces,
        record.category,
        record.entry,
        _HOLDERS.index(record.holder),
        (record.issued - _EPOCH).days,
        None if record.expires is None else (record.expires - _EPOCH).days,
        record.bound,
        b"".join(record.digests),
    ]


def _unpack_record(reader: CborReader) -> Record:
    """Read the record; the JSON parser checks it, so that both forms obey one set of rules."""
    reader.list(12, 12)
    value: dict[str, Json] = {"type": Record.TYPE}
    value["issuer"] = reader.text(_MAX_WORD)
    value["index"] = reader.integer()
    value["id"] = to_base64url(reader.binary(0, _MAX_WORD))
    value["edition"] = reader.integer()
    if not reader.null():
        value["replaces"] = reader.integer()
    value["category"] = reader.text(_MAX_WORD)
    value["entry"] = reader.integer()
    value["holder"] = str(_HOLDERS[reader.integer(0, len(_HOLDERS) - 1)])
    value["issued"] = _unpack_day(reader)
    if not reader.null():
        value["expires"] = _unpack_day(reader)
    value["bound"] = reader.boolean()
    value["digests"] = to_base64url(reader.binary(0, 32 * MAX_DIGESTS))
    return Record.from_json(value)


def _unpack_day(reader: CborReader) -> str:
    days = reader.integer((date.min - _EPOCH).days, (date.max - _EPOCH).days)
    return (_EPOCH + timedelta(days=days)).isoformat()


def _unpack_path(reader: CborReader) -> Iterable[bytes]:
    path = reader.binary(0, 32 * MAX_PATH)
    if len(path) % 32:
        raise MalformedError("compact.invalid", "a path is made of hashes of 32 bytes")
    return split(path)


def _pack_salt(shown: CompactDisclosure) -> str | bytes:
    return shown.salt if shown.place == 0 else from_base64url(shown.salt)


def _pack_value(value: Value) -> Any:
    if isinstance(value, str):
        return value
    digests = [bytes.fromhex(str(value[name])) for name in ("sha256", "sm3") if name in value]
    return [digests[0], value["size"], *digests[1:]]


def _unpack_shown(reader: CborReader, places: int) -> Iterator[CompactDisclosure]:
    """Read the disclosures; their indexes strictly ascend."""
    last = -1
    for _ in range(reader.list(0, places)):
        reader.list(3, 3)
        last = reader.integer(last + 1, places - 1)
        yield CompactDisclosure(
            place=last, salt=_unpack_salt(reader, last), value=_unpack_value(reader)
        )


def _unpack_salt(reader: CborReader, place: int) -> str:
    if place > 0:
        return to_base64url(reader.binary(_SALT_SIZE, _SALT_SIZE))
    salt = reader.text(_MAX_WORD)
    if not is_access_code(salt):
        raise MalformedError("compact.invalid", "the salt of the number is no access code")
    return salt


def _unpack_value(reader: CborReader) -> Value:
    if reader.is_text():
        value = reader.text(4 * MAX_VALUE_CHARACTERS)
        check_text_value(value)
        return value
    size = reader.list(2, 3)
    described: dict[str, str | int] = {
        "sha256": reader.binary(32, 32).hex(),
        "size": reader.integer(),
    }
    if size > 2:
        described["sm3"] = reader.binary(32, 32).hex()
    check_document_value(described)
    return described


def _unpack_presentation(reader: CborReader) -> Presentation:
    reader.list(4, 4)
    return Presentation.from_json(
        {
            "audience": reader.text(_MAX_WORD),
            "nonce": reader.text(_MAX_WORD),
            "time": reader.integer(),
            "signature": to_base64url(reader.binary(0, _MAX_WORD)),
        }
    )
