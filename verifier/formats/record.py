"""Certificates as records and salted disclosures (SPEC sections 4 and 5)."""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import sha256
from typing import ClassVar, TypeAlias

import orjson

from certledger.verifier.crypto.hashing import sm3
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    from_base64url,
    hash_list,
    parse_canonical,
    to_base64url,
)
from certledger.verifier.formats.issuer_state import ISSUER, MAX_CERTIFICATES, region_of
from certledger.verifier.slot_init import slot_init
from certledger.verifier.vocabulary import HolderKind

CATEGORY = re.compile(r"[A-Z0-9-]{2,24}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MAX_DIGESTS = 96
MAX_RECORD_BYTES = 8192
MAX_DISCLOSURE_BYTES = 4_096
"""Bytes of the JSON array of a disclosure, before base64url."""
MAX_FIELD_NAME_CHARACTERS = 64
MAX_NUMBER_CHARACTERS = 64
MAX_VALUE_CHARACTERS = 512
NUMBER = "certificate_number"
HOLDER_KEY = "holder_key"
DOCUMENT = "document"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TYPED = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None})
_INVISIBLE = dict.fromkeys(
    [0x00AD, 0x061C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F),
     *range(0x2060, 0x2070)]
)  # fmt: skip
"""Invisible format characters that copy and paste may add."""
_DASHES = dict.fromkeys([*range(0x2010, 0x2016), 0x2043, 0x2212, 0xFE58], "-")
_BRACKETS = {ord(typed): "〔" for typed in "[【"} | {ord(typed): "〕" for typed in "]】"}
"""Chinese document numbers have the year in hexagonal brackets (GB/T 9704-2012)."""
_YEAR = re.compile(r"\(([0-9]{4})\)")
"""A year in round brackets, which a keyboard has and hexagonal ones it has not."""
_LOOKALIKES = _INVISIBLE | _DASHES | _BRACKETS
_SALT_TAG = b"certledger/1/salt"

Value: TypeAlias = str | Mapping[str, str | int]
"""Value of a disclosure: a text, or the description of a document."""


# Numbers, access codes, salts ------------------------------------------------------------------


def normal_number(number: str) -> str:
    """Return the normal form of a certificate number, as in its disclosure.

    Raises:
        MalformedError: nothing is left, or more than 64 characters.
    """
    typed = unicodedata.normalize("NFKC", number).translate(_LOOKALIKES)
    normal = unicodedata.normalize("NFKC", "".join(typed.upper().split()))
    normal = _YEAR.sub(r"〔\1〕", normal)
    if not 0 < len(normal) <= MAX_NUMBER_CHARACTERS:
        raise MalformedError(
            "number.invalid", f"a number has 1 to {MAX_NUMBER_CHARACTERS} characters"
        )
    return normal


def access_code(entropy: bytes) -> str:
    """Encode 80 random bits (10 bytes) as an access code: 16 characters of Crockford base32."""
    bits = int.from_bytes(entropy, "big")
    return "".join(_CROCKFORD[bits >> shift & 31] for shift in range(75, -1, -5))


def normal_code(typed: str) -> str:
    """Return the normal form of a typed access code.

    Raises:
        MalformedError: not 16 characters of Crockford base32 without hyphens and white space.
    """
    plain = unicodedata.normalize("NFKC", typed).translate(_INVISIBLE | _DASHES)
    squeezed = "".join(plain.split())
    code = squeezed.upper().translate(_TYPED)
    # `upper` maps some letters beyond ASCII into the alphabet: a dotless i to I.
    if not squeezed.isascii() or not is_access_code(code):
        raise MalformedError(
            "access_code.invalid", "an access code has 16 characters of 0-9 and A-Z"
        )
    return code


def is_access_code(text: str) -> bool:
    """Return whether `text` is the normal form of an access code."""
    return len(text) == 16 and set(text) <= set(_CROCKFORD)


def printed_code(code: str) -> str:
    """Format an access code for print, in four groups."""
    return "-".join(code[at : at + 4] for at in range(0, 16, 4))


def derived_salt(code: str, place: int) -> str:
    """Derive the salt of a `shown` field or a document at index `place` from the access code."""
    tag = _SALT_TAG + place.to_bytes(2, "big")
    return to_base64url(hmac.digest(code.encode(), tag, "sha256")[:16])


# Disclosures -----------------------------------------------------------------------------------


def format_disclosure(salt: str, name: str, value: Value) -> str:
    """Encode a disclosure: base64url of the canonical JSON `[salt, name, value]` (RFC 9901)."""
    return to_base64url(orjson.dumps([salt, name, value], option=orjson.OPT_SORT_KEYS))


def digest_of(disclosure: str) -> bytes:
    """Return the digest of a disclosure in the record: SHA-256 of its ASCII text."""
    return sha256(disclosure.encode("ascii")).digest()


def lookup_digest(number: str, code: str) -> bytes:
    """Return the lookup digest of a certificate from its number and access code as typed.

    Raises:
        MalformedError: an invalid number or access code.
    """
    return digest_of(format_disclosure(normal_code(code), NUMBER, normal_number(number)))


@slot_init
@dataclass(frozen=True, kw_only=True, slots=True)
class Disclosure:
    """One salted field that the holder may disclose; `text` is its encoded form."""

    text: str
    salt: str
    name: str
    value: Value

    @property
    def digest(self) -> bytes:
        """Its digest in the record."""
        return digest_of(self.text)

    @classmethod
    def parse(cls, text: str) -> Disclosure:
        """Parse an encoded disclosure.

        Raises:
            MalformedError: not canonical base64url of a canonical `[salt, name, value]`.
        """
        data = from_base64url(text)
        parts = _three_texts(data) or parse_canonical(data, MAX_DISCLOSURE_BYTES)
        if type(parts) is not list or len(parts) != 3:
            raise MalformedError("schema.invalid", "a disclosure is a list of salt, name and value")
        salt, name, value = parts
        if type(salt) is not str or type(name) is not str:
            raise MalformedError("schema.invalid", "salt and name of a disclosure are text")
        if not 0 < len(name) <= MAX_FIELD_NAME_CHARACTERS:
            raise MalformedError("schema.invalid", "a field name is too long, or empty")
        if name == DOCUMENT:
            check_document_value(value)
        else:
            check_text_value(value)
        return cls(text=text, salt=salt, name=name, value=value)


def _three_texts(data: bytes) -> Json:
    """Return the canonical list of three texts, None of anything else, which is parsed slower.

    Nearly every disclosure is one.  The parser refuses lone surrogates, and of texts nothing else
    is to be checked.
    """
    if len(data) > MAX_DISCLOSURE_BYTES or data.count(b",") < 2:
        return None
    try:
        parts = orjson.loads(data)
        salt, name, value = parts
    except ValueError:
        return None
    texts = type(parts) is list and type(salt) is type(name) is type(value) is str
    return parts if texts and orjson.dumps(parts) == data else None


def check_text_value(value: Json) -> None:
    """Check the value of a field or a holder key.

    Raises:
        MalformedError: not text of 1 to 512 characters.
    """
    if type(value) is not str or not 0 < len(value) <= MAX_VALUE_CHARACTERS:
        raise MalformedError("schema.invalid", f"a field is 1 to {MAX_VALUE_CHARACTERS} characters")


def check_document_value(value: Json) -> None:
    """Check the description of a document.

    Raises:
        MalformedError: members other than `sha256`, `size` and the optional `sm3`, or ill-typed.
    """
    read = Members(value, "document")
    for name in ("sha256", "sm3"):
        if name == "sha256" or read.has(name):
            read.text(name, re.compile("[0-9a-f]{64}"))
    read.integer("size")
    read.done()


def describe_document(content: bytes, *, with_sm3: bool = False) -> Mapping[str, str | int]:
    """Return the description of a document's bytes.

    Raises:
        MalformedError: `sm3.unavailable`, SM3 was requested and this OpenSSL has none.
    """
    value: dict[str, str | int] = {"sha256": sha256(content).hexdigest(), "size": len(content)}
    if with_sm3:
        if (digest := sm3(content)) is None:
            raise MalformedError("sm3.unavailable", "this OpenSSL cannot compute SM3")
        value["sm3"] = digest.hex()
    return value


# Record ----------------------------------------------------------------------------------------


@slot_init
@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """The public part of a certificate (SPEC section 5): digests only, no guessable value."""

    TYPE: ClassVar[str] = "certledger/record/1"

    issuer: str
    index: int
    id: bytes
    edition: int = 0
    replaces: int | None = None
    category: str
    entry: int
    holder: HolderKind
    issued: date
    expires: date | None
    bound: bool = False
    digests: tuple[bytes, ...]

    def to_json(self) -> Json:
        """Return the record as a JSON value."""
        value: dict[str, Json] = {
            "bound": self.bound,
            "category": self.category,
            "digests": hash_list(self.digests),
            "edition": self.edition,
            "entry": self.entry,
            "holder": str(self.holder),
            "id": to_base64url(self.id),
            "index": self.index,
            "issued": self.issued.isoformat(),
            "issuer": self.issuer,
            "type": self.TYPE,
        }
        if self.expires is not None:
            value["expires"] = self.expires.isoformat()
        if self.replaces is not None:
            value["replaces"] = self.replaces
        return value

    def canonical(self) -> bytes:
        """Return the canonical bytes."""
        return orjson.dumps(self.to_json(), option=orjson.OPT_SORT_KEYS)

    def leaf(self) -> bytes:
        """Return the leaf hash (32 bytes)."""
        return merkle.leaf_hash(self.canonical())

    def places(self, disclosures: Sequence[Disclosure]) -> list[int | None]:
        """Return the index of each disclosure in the record, None for one of another record."""
        found = {digest: place for place, digest in enumerate(self.digests)}
        return [found.get(disclosure.digest) for disclosure in disclosures]

    @classmethod
    def parse(cls, data: bytes) -> Record:
        """Parse the canonical bytes of a record.

        Raises:
            MalformedError: not the canonical bytes of a record.
        """
        return cls.from_json(parse_canonical(data, MAX_RECORD_BYTES))

    @classmethod
    def from_json(cls, value: Json) -> Record:
        """Parse a record from JSON.

        Raises:
            MalformedError: an unknown, missing or ill-typed member, or inconsistent dates or
            edition.
        """
        read = Members(value, "record")
        read.const("type", cls.TYPE)
        record = cls(
            issuer=read.text("issuer", ISSUER),
            index=read.integer("index", greatest=MAX_CERTIFICATES - 1),
            id=read.binary("id", 32),
            edition=read.integer("edition", greatest=65535),
            replaces=(
                read.integer("replaces", greatest=MAX_CERTIFICATES - 1)
                if read.has("replaces")
                else None
            ),
            category=read.text("category", CATEGORY),
            entry=read.integer("entry", 1, 65535),
            holder=_holder(read),
            issued=read_day(read, "issued"),
            expires=read_day(read, "expires") if read.has("expires") else None,
            bound=read.boolean("bound"),
            digests=tuple(read.hashes("digests", MAX_DIGESTS)),
        )
        read.done()
        region_of(record.issuer)
        record._check_order()
        return record

    def _check_order(self) -> None:
        if not self.digests:
            raise MalformedError("schema.invalid", "record.digests is empty")
        if (self.replaces is not None) != (self.edition > 0):
            raise MalformedError(
                "record.edition", "replaces stands exactly where edition is above 0"
            )
        if self.replaces is not None and self.replaces >= self.index:
            raise MalformedError("record.edition", "a record replaces one of a lower index")
        if self.expires is not None and self.expires < self.issued:
            raise MalformedError(
                "record.dates", f"expires {self.expires} before issued {self.issued}"
            )


_HOLDERS = {str(kind): kind for kind in HolderKind}


def _holder(read: Members) -> HolderKind:
    value = read.take("holder")
    if type(value) is not str or value not in _HOLDERS:
        read.fail("holder", "natural, legal or object")
    return _HOLDERS[value]


def read_day(read: Members, name: str) -> date:
    """Read a calendar day, YYYY-MM-DD.

    Raises:
        MalformedError: `schema.invalid`, any other form or no such day.
    """
    value = read.take(name)
    if type(value) is not str or not DAY.fullmatch(value):
        read.fail(name, "a day like 2026-11-24")
    try:
        return _day(value)
    except ValueError:
        read.fail(name, "a day of the calendar")


_day = lru_cache(maxsize=4_096)(date.fromisoformat)
"""Certificates are issued on few days, and most of them end on few."""
