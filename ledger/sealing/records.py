"""Make records from certificates: salts, disclosures, digests, canonical bytes, leaves.

This is the hot path of sealing, so bytes are put together directly; tests compare them with
`verifier.formats.record`, which defines them.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import sha256, shake_256
from typing import TypeAlias

import orjson

from certledger.ledger.sealing.issue import Issue
from certledger.verifier.formats.catalog import Entry
from certledger.verifier.formats.record import DOCUMENT, HOLDER_KEY

SEED_SIZE = 32
SECRET_SIZE = 32
CODE_SIZE = 16
"""Characters of an access code, and random bytes for it: five bits of each byte are used."""
SALT_SIZE = 16
GROUP = 18
"""Random bytes for a salt, which uses 16: 18 bytes are whole groups of base64."""
SALT_STEP, SALT_TEXT = 24, 22
"""Characters of 18 bytes in base64, and those of them that are the salt."""
_TAG = b"certledger/seal/1"
_SALT_TAG = b"certledger/1/salt"
_DECOY_TAG = b"certledger/seal/1/decoy"
_URL = bytes.maketrans(b"+/", b"-_")
_CROCKFORD = bytes(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[byte & 31] for byte in range(256))
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_BLOCK = 64

HandOn: TypeAlias = Callable[[int, Issue, bytes, Sequence[bytes]], None]
"""Takes index, certificate, record and disclosures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedRecords:
    """Sealed certificates, one place a list each.

    Attributes:
        records: canonical bytes of the records.
        leaves: their leaf hashes, 32 bytes.
        codes: access codes, 16 characters, ASCII.
        disclosures: all disclosures of a certificate in place order, base64url, ASCII; empty where
            they were handed on.
    """

    records: list[bytes]
    leaves: list[bytes]
    codes: list[bytes]
    disclosures: list[list[bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """What all records of one entry share: pieces of JSON, ready to be joined.

    Attributes:
        fields: for each but the number (name, the JSON between salt and value, tag of the
            derived salt or None, slice of its random salt in the row's text of salts).
        size: random bytes of a row.
        keep: mask over these that leaves 16 bytes of every 18.
    """

    fields: tuple[tuple[str, bytes, bytes | None, slice], ...]
    size: int
    keep: int
    bound: tuple[bytes, bytes]
    entry: bytes
    holder: bytes
    id_prefix: bytes


def seal_records(
    issues: Iterable[Issue],
    *,
    issuer: str,
    secret: bytes,
    seed: bytes,
    first: int,
    hand_on: HandOn | None = None,
) -> SealedRecords:
    """Return the sealed records of `issues`, with index `first` and up.

    Everything random is derived from `seed` (32 bytes) and the place among `issues`, so the same
    call gives the same bytes.  `secret` (32 bytes) is that of the issuer's certificate ids.
    An access code that a certificate has stands in place of the derived one.  `hand_on` gets index,
    certificate, record and disclosures of each in turn, which are then not stored.
    """
    plans: dict[tuple[str, int], _Plan] = {}
    tail = b'","issuer":"%b"' % issuer.encode("ascii")
    sealed = SealedRecords(records=[], leaves=[], codes=[], disclosures=[])
    keep_record, keep_leaf = sealed.records.append, sealed.leaves.append
    for place, issue in enumerate(issues):
        entry = issue.entry
        plan = plans.get((entry.category, entry.version))
        if plan is None:
            plan = plans[entry.order] = _plan_of(entry, issuer)
        given = issue.access_code
        source = seed + place.to_bytes(5, "big")
        code, disclosures, digests = _disclose(issue, plan, source, given)
        record = _record(issue, plan, first + place, tail, digests, secret)
        keep_record(record)
        keep_leaf(sha256(b"\x00" + record).digest())
        sealed.codes.append(code)
        if hand_on is None:
            sealed.disclosures.append(disclosures)
        else:
            hand_on(first + place, issue, record, disclosures)
    return sealed


def certificate_id(secret: bytes, issuer: str, category: str, number: str) -> bytes:
    """Return the id of a certificate under an issuer's secret (SPEC section 4.8)."""
    return _mac(secret, _id_prefix(issuer, category) + number.encode())


def _id_prefix(issuer: str, category: str) -> bytes:
    return f"{issuer}\0{category}\0".encode()


def _plan_of(entry: Entry, issuer: str) -> _Plan:
    count = len(entry.fields) + 1  # The number's place holds the access code, the last the key's.
    category = b',"category":"%b","digests":"' % entry.category.encode()
    stored = (b"\xff" * SALT_SIZE + bytes(GROUP - SALT_SIZE)) * count
    return _Plan(
        fields=tuple(
            (
                name,
                b'","%b",' % name.encode(),
                _salt_tag(place) if name in entry.shown else None,
                slice(place * SALT_STEP, place * SALT_STEP + SALT_TEXT),
            )
            for place, name in enumerate(entry.fields)
            if place
        ),
        size=count * GROUP,
        keep=int.from_bytes(stored, "big"),
        bound=(b'{"bound":false' + category, b'{"bound":true' + category),
        entry=b',"entry":%d' % entry.version,
        holder=b',"holder":"%b","id":"' % entry.holder.encode(),
        id_prefix=_id_prefix(issuer, entry.category),
    )


@lru_cache(maxsize=256)
def _salt_tag(place: int) -> bytes:
    return _SALT_TAG + place.to_bytes(2, "big")


def _mac(key: bytes, message: bytes) -> bytes:
    """Return HMAC-SHA-256 (RFC 2104) under a key of at most 64 bytes.

    Two plain hashes take half the time of `hmac.digest`, which looks its algorithm up each time.
    """
    block = key.ljust(_BLOCK, b"\x00")
    inner = sha256(block.translate(_INNER) + message).digest()
    return sha256(block.translate(_OUTER) + inner).digest()


def _disclose(
    issue: Issue, plan: _Plan, source: bytes, given: str | None
) -> tuple[bytes, list[bytes], list[bytes]]:
    """Return the access code (the given one), disclosures and digests of one certificate."""
    b64, dumps, digest, url, join = b2a_base64, orjson.dumps, sha256, _URL, b"".join
    values = issue.fields
    random = shake_256(_TAG + source).digest(plan.size)
    code = given.encode() if given else random[:CODE_SIZE].translate(_CROCKFORD)
    stored = (int.from_bytes(random, "big") & plan.keep).to_bytes(plan.size, "big")
    salts = b64(stored, newline=False).translate(url)
    number = b'["' + code + b'","certificate_number",' + dumps(issue.number) + b"]"
    text = b64(number, newline=False).translate(url, b"=")
    disclosures, digests = [text], [digest(text).digest()]
    for name, between, tag, part in plan.fields:
        value = values.get(name)
        if value is None:
            digests.append(_decoy(source, name))
            continue
        salt = salts[part] if tag is None else _derived(code, tag)
        text = b64(join((b'["', salt, between, dumps(value), b"]")), newline=False)
        text = text.translate(url, b"=")
        disclosures.append(text)
        digests.append(digest(text).digest())
    if issue.holder_key is not None or issue.papers:
        for text in _extras(issue, code, salts[-SALT_STEP:-2]):
            disclosures.append(text)
            digests.append(digest(text).digest())
    return code, disclosures, digests


def _derived(code: bytes, tag: bytes) -> bytes:
    """Return a salt derived from the access code (SPEC section 4.5)."""
    return _base64url(_mac(code, tag)[:SALT_SIZE])


def _decoy(source: bytes, name: str) -> bytes:
    return shake_256(_DECOY_TAG + source + name.encode()).digest(32)


def _extras(issue: Issue, code: bytes, salt: bytes) -> list[bytes]:
    """Return the disclosures of the holder's key, with `salt`, and of the documents."""
    found = []
    place = len(issue.entry.fields)
    if issue.holder_key is not None:
        found.append(_disclosure(salt, HOLDER_KEY, issue.holder_key))
        place += 1
    for paper in issue.papers:
        found.append(_disclosure(_derived(code, _salt_tag(place)), DOCUMENT, dict(paper.value)))
        place += 1
    return found


def _disclosure(salt: bytes, name: str, value: str | dict[str, str | int]) -> bytes:
    parts = [salt.decode(), name, value]
    return _base64url(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS))


def _base64url(data: bytes) -> bytes:
    return b2a_base64(data, newline=False).translate(_URL, b"=")


@lru_cache(maxsize=4096)
def _day(day: date) -> bytes:
    return day.isoformat().encode()


def _record(
    issue: Issue, plan: _Plan, index: int, tail: bytes, digests: Sequence[bytes], secret: bytes
) -> bytes:
    """Return the canonical bytes: members in the order of their names (SPEC section 2)."""
    expires, replaces = issue.expires, issue.replaces
    identity = _mac(secret, plan.id_prefix + issue.number.encode())
    return b"".join(
        [
            plan.bound[issue.holder_key is not None],
            _base64url(b"".join(digests)),
            b'","edition":%d' % issue.edition,
            plan.entry,
            b"" if expires is None else b',"expires":"' + _day(expires) + b'"',
            plan.holder,
            _base64url(identity),
            b'","index":%d,"issued":"' % index,
            _day(issue.issued),
            tail,
            b"" if replaces is None else b',"replaces":%d' % replaces,
            b',"type":"certledger/record/1"}',
        ]
    )
