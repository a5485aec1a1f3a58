"""Compact evidence: what fits a QR code, the rest coming from a snapshot (SPEC section 16.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import cbor2

from verifier.base45 import from_base45, to_base45
from verifier.catalog import Entry
from verifier.certificate import (
    Disclosure,
    Record,
    Value,
    check_document_value,
    check_text_value,
    format_disclosure,
    is_access_code,
)
from verifier.encoding import Json, from_base64url, to_base64url
from verifier.errors import Malformed
from verifier.merkle import split
from verifier.presentation import Presentation
from verifier.vocabulary import HolderKind

PREFIX = "CL1:"
TYPE = "certledger/compact/1"
"""How a policy names codes of this version."""
LONGEST = 4096
_VERSION = 1
_EPOCH = date(1970, 1, 1)
_HOLDERS = tuple(HolderKind)
_SALT_SIZE = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A disclosure without its name, which the place gives; `salt` as the disclosure has it."""

    place: int
    salt: str
    value: Value

    def named(self, entry: Entry, *, bound: bool) -> Disclosure:
        """Return the disclosure under the name of its place."""
        name = entry.name_at(self.place, bound=bound)
        text = format_disclosure(self.salt, name, self.value)
        return Disclosure(text=text, salt=self.salt, name=name, value=self.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Compact:
    """What a QR code carries; `ledger` is the first 8 bytes of the ledger's identity."""

    ledger: bytes
    record: Record
    path: tuple[bytes, ...]
    shown: tuple[Shown, ...]
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
        """Return the compact evidence of a record that shows `disclosures`, in place order.

        Raises:
            Malformed: `disclosure.foreign`, where one is not of this record.
        """
        shown = []
        for place, part in zip(record.places(disclosures), disclosures, strict=True):
            if place is None:
                raise Malformed("disclosure.foreign", f"{part.name!r} is not of this record")
            shown.append(Shown(place=place, salt=part.salt, value=part.value))
        return cls(
            ledger=identity[:8],
            record=record,
            path=tuple(path),
            shown=tuple(shown),
            presentation=presentation,
        )

    def format(self) -> str:
        """Return the text of the code."""
        return PREFIX + to_base45(self.to_cbor())

    def to_cbor(self) -> bytes:
        """Return the deterministic CBOR (RFC 8949, section 4.2.1)."""
        parts: list[Any] = [
            _VERSION,
            self.ledger,
            _pack_record(self.record),
            b"".join(self.path),
            [[part.place, _pack_salt(part), _pack_value(part.value)] for part in self.shown],
        ]
        if (given := self.presentation) is not None:
            parts.append([given.audience, given.nonce, given.time, given.signature])
        return cbor2.dumps(parts, canonical=True)

    @classmethod
    def parse(cls, text: str) -> Compact:
        """Return what a code's text says.

        Raises:
            Malformed: another prefix, too long, not base45, or anything `from_cbor` refuses.
        """
        if len(text) > LONGEST or not text.startswith(PREFIX):
            raise Malformed("compact.invalid", f"a code starts with {PREFIX} and is not longer")
        return cls.from_cbor(from_base45(text[len(PREFIX) :]))

    @classmethod
    def from_cbor(cls, data: bytes) -> Compact:
        """Return what the CBOR of a code says.

        Raises:
            Malformed: not the deterministic bytes of compact evidence of a known version.
        """
        try:
            compact = cls._from_parts(_load(data))
            same = compact.to_cbor() == data
        except (TypeError, ValueError, IndexError, KeyError, OverflowError) as error:
            raise Malformed("compact.invalid", "the code's parts are not what it has") from error
        if not same:
            raise Malformed("compact.not_canonical", "a second spelling of the same code")
        return compact

    @classmethod
    def _from_parts(cls, parts: Any) -> Compact:
        if type(parts) is not list or len(parts) not in (5, 6) or parts[0] != _VERSION:
            raise Malformed("compact.version", "not compact evidence of version 1")
        _, ledger, record, path, shown, *presented = parts
        if type(ledger) is not bytes or len(ledger) != 8 or len(path) % 32 or len(path) > 1024:
            raise Malformed("compact.invalid", "the ledger or the path has a wrong length")
        compact = cls(
            ledger=ledger,
            record=_unpack_record(record),
            path=tuple(split(path)),
            shown=tuple(_unpack_shown(part) for part in shown),
            presentation=_unpack_presentation(*presented[0]) if presented else None,
        )
        places = [part.place for part in compact.shown]
        if places != sorted(set(places)) or (presented and not compact.record.bound):
            raise Malformed("compact.invalid", "disclosures out of order, or a stray presentation")
        if places and places[-1] >= len(compact.record.digests):
            raise Malformed("compact.invalid", f"the record has no place {places[-1]}")
        return compact


def _load(data: bytes) -> Any:
    stream = BytesIO(data)
    try:
        value = cbor2.load(stream)
    except (cbor2.CBORDecodeError, RecursionError) as error:
        raise Malformed("compact.invalid", "not CBOR") from error
    if stream.read(1):
        raise Malformed("compact.invalid", "bytes after the code")
    return value


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


def _unpack_record(parts: Any) -> Record:
    """Return the record; the reader of JSON judges it, so that both forms obey one set of rules."""
    issuer, index, identity, edition, replaces, category, *others = parts
    entry, holder, issued, expires, bound, digests = others
    value: dict[str, Json] = {
        "type": Record.TYPE,
        "issuer": issuer,
        "index": index,
        "id": to_base64url(identity),
        "edition": edition,
        "category": category,
        "entry": entry,
        "holder": str(_HOLDERS[holder]),
        "issued": (_EPOCH + timedelta(days=issued)).isoformat(),
        "bound": bound,
        "digests": to_base64url(digests),
    }
    if replaces is not None:
        value["replaces"] = replaces
    if expires is not None:
        value["expires"] = (_EPOCH + timedelta(days=expires)).isoformat()
    return Record.from_json(value)


def _pack_salt(shown: Shown) -> str | bytes:
    return shown.salt if shown.place == 0 else from_base64url(shown.salt)


def _pack_value(value: Value) -> Any:
    if isinstance(value, str):
        return value
    digests = [bytes.fromhex(str(value[name])) for name in ("sha256", "sm3") if name in value]
    return [digests[0], value["size"], *digests[1:]]


def _unpack_shown(parts: Any) -> Shown:
    place, salt, value = parts
    if type(place) is not int or place < 0:
        raise Malformed("compact.invalid", "a disclosure has no place")
    return Shown(place=place, salt=_unpack_salt(place, salt), value=_unpack_value(value))


def _unpack_salt(place: int, salt: Any) -> str:
    if place == 0:
        if type(salt) is not str or not is_access_code(salt):
            raise Malformed("compact.invalid", "the salt of the number is no access code")
        return salt
    if type(salt) is not bytes or len(salt) != _SALT_SIZE:
        raise Malformed("compact.invalid", f"a salt has {_SALT_SIZE} bytes")
    return to_base64url(salt)


def _unpack_value(value: Any) -> Value:
    if isinstance(value, str):
        check_text_value(value)
        return value
    sha256, size, *sm3 = value
    if any(type(digest) is not bytes for digest in (sha256, *sm3)) or len(sm3) > 1:
        raise Malformed("compact.invalid", "a document is described wrongly")
    described: dict[str, str | int] = {"sha256": sha256.hex(), "size": size}
    if sm3:
        described["sm3"] = sm3[0].hex()
    check_document_value(described)
    return described


def _unpack_presentation(audience: Any, nonce: Any, time: Any, signature: Any) -> Presentation:
    return Presentation.from_json(
        {
            "audience": audience,
            "nonce": nonce,
            "time": time,
            "signature": to_base64url(signature),
        }
    )
