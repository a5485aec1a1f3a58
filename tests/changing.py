"""Evidence of many kinds, and questions about it, changed at random for two verifiers."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st

from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import (
    format_canonical,
    from_base64url,
    to_base64url,
)
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.presentation import (
    HolderPrivateKey,
    Request,
    Subject,
    format_holder_key,
    sign,
)
from certledger.verifier.formats.signed_policy import SignedPolicy
from certledger.verifier.vocabulary import Standing, Status
from tests.conformance.case import Scene
from tests.world import ENTRY, IDENTITY, LICENCE, NOW, ROOT_KEYS, draw, signed_policy

PAPERS = (b"%PDF-1.7 one document", b"%PDF-1.7 another document", b"")
ASKED = Request(audience="counter-shanghai-7", nonce="q7Rk2")
P256_HOLDER = ec.derive_private_key(int.from_bytes(draw("p256 holder"), "big") >> 1, ec.SECP256R1())
HOLDERS: tuple[HolderPrivateKey, ...] = (
    Ed25519PrivateKey.from_private_bytes(draw("holder")),
    P256_HOLDER,
)
POLICIES = tuple(
    made.format()
    for made in (
        signed_policy(),
        signed_policy(countersignature=True),
        signed_policy(ages={"ID-RESIDENT": 60}, block_lag=4),
        signed_policy(witnesses=signed_policy().policy.witnesses[:3]),
    )
)


def presented(evidence: Evidence, holder: HolderPrivateKey, *, time: int) -> Evidence:
    """Return the evidence with its holder's answer to what the counter asked."""
    shown = evidence.shown
    subject = Subject(
        identity=IDENTITY, leaf=shown.leaf, shown=tuple(part.digest for part in shown.disclosures)
    )
    return replace(evidence, presentation=sign(holder, ASKED, subject, time=time))


@cache
def sources() -> tuple[dict[str, Any], ...]:
    """Return evidence of many kinds, as JSON."""
    plain = Scene(documents=PAPERS[:2])
    sm3 = Scene(documents=PAPERS[:1], with_sm3=True, first_batches=6, after=9)
    revoked = Scene(entries=(LICENCE, ENTRY), entry=LICENCE, before=0, after=0, expires=None)
    revoked.issuer.change([revoked.mine.record.index], Status.REVOKED)
    suspended = Scene(expires=date(2026, 11, 1), first_batches=3)
    suspended.issuer.stand(standing=Standing.SUSPENDED)
    found = [
        plain.evidence(),
        plain.evidence(show=("certificate_number", "holder_name", "sex", "document")),
        plain.evidence(show=("document",)),
        sm3.evidence(show=("document",)),
        sm3.evidence(),
        revoked.evidence(),
        suspended.evidence(),
        suspended.evidence(note=suspended.world.note({"anhui": NOW - 500, "jiangsu": NOW - 590})),
    ]
    show = ("certificate_number", "holder_name", "holder_key")
    for holder in HOLDERS:
        bound = Scene(holder_key=format_holder_key(holder.public_key()))
        found.append(presented(bound.evidence(show=show), holder, time=NOW - 60))
    return tuple(evidence.to_json() for evidence in found)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside `value`."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for name, part in parts:
        yield (*at, name)
        if isinstance(part, dict | list):
            yield from places(part, (*at, name))


def value_at(value: Any, path: Sequence[Any]) -> Any:
    for name in path:
        value = value[name]
    return value


ODD: tuple[Any, ...] = (
    0,
    1,
    15,
    2**32,
    2**53 - 1,
    "",
    "A",
    "AA",
    "+A",
    "é",
    [],
    {},
    True,
    "A" * 600,
)


@st.composite
def changed_values(draw_from: st.DrawFn) -> Any:
    """Evidence with some of its values changed: the shape still holds, or nearly."""
    value = copy.deepcopy(draw_from(st.sampled_from(sources())))
    for _ in range(draw_from(st.integers(0, 2))):
        change(draw_from, value, draw_from(st.sampled_from(list(places(value)))))
        if not value:
            break
    return value


def change(draw_from: st.DrawFn, value: Any, path: Sequence[Any]) -> None:
    """Change the value at `path` inside `value` in one way or another, or leave it."""
    inside, name = value_at(value, path[:-1]), path[-1]
    held = inside[name]
    how = draw_from(st.sampled_from(["other", "nearby", "odd", "drop", "twice", "add"]))
    if how == "other":
        with suppress(KeyError, IndexError):
            inside[name] = copy.deepcopy(value_at(draw_from(st.sampled_from(sources())), path))
    elif how == "nearby" and isinstance(held, str):
        inside[name] = one_bit(draw_from, held)
    elif how == "nearby" and type(held) is int:
        inside[name] = max(0, held + draw_from(st.sampled_from([-1, 1, 2**20])))
    elif how == "odd":
        inside[name] = draw_from(st.sampled_from(ODD))
    elif how == "drop":
        del inside[name]
    elif how == "twice" and isinstance(inside, list):
        inside.insert(name, held)
    elif how == "add" and isinstance(inside, dict):
        inside[draw_from(st.sampled_from(["also", "months", "until", "presentation"]))] = 1


def one_bit(draw_from: st.DrawFn, text: str) -> str:
    """Return text with one bit of the bytes it spells changed, or of its own."""
    try:
        data = bytearray(from_base64url(text))
    except CertledgerError:
        data = bytearray()
    at = draw_from(st.integers(0, max(len(data), len(text), 1) - 1))
    if at < len(data):
        data[at] ^= 1 << draw_from(st.integers(0, 7))
        return to_base64url(bytes(data))
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :] if at < len(text) else "A"


@st.composite
def changed_bytes(draw_from: st.DrawFn) -> bytes:
    """Bytes of evidence with some of them changed."""
    data = bytearray(format_canonical(draw_from(st.sampled_from(sources()))))
    at = draw_from(st.integers(0, len(data)))
    end = at + draw_from(st.integers(0, 3))
    data[at:end] = draw_from(
        st.one_of(
            st.binary(max_size=3), st.sampled_from([b"null", b"-0", b"\\ud800", b" ", b"1.0"])
        )
    )
    return bytes(data)


@st.composite
def questions(draw_from: st.DrawFn) -> Mapping[str, Any]:
    """What is asked beside the evidence."""
    return {
        "policy": draw_from(st.sampled_from(POLICIES)),
        "now": NOW + draw_from(st.sampled_from([0, 0, 0, -901, -86400 * 60, 86400, 10**9])),
        "documents": draw_from(st.lists(st.sampled_from(PAPERS), max_size=2)),
        "request": draw_from(st.sampled_from([None, ASKED, Request(audience="b", nonce="q7Rk2")])),
    }


@st.composite
def changed_policies(draw_from: st.DrawFn) -> bytes:
    """The file of a policy with some of its values changed, and most often signed again."""
    first = SignedPolicy.parse(draw_from(st.sampled_from(POLICIES)))
    value = {"policy": first.policy.to_json()}
    for _ in range(draw_from(st.integers(0, 2))):
        path = draw_from(st.sampled_from(list(places(value))[1:]))
        with suppress(KeyError, IndexError):
            change(draw_from, value, path)
    signed = b"certledger/policy/1\n" + format_canonical(value["policy"])
    keys = ROOT_KEYS[draw_from(st.sampled_from([0, 0, 0, 1, 2])) :]
    signatures = [
        {"key": key.public_key().public_bytes_raw().hex(), "signature": key.sign(signed).hex()}
        for key in keys
    ]
    if draw_from(st.integers(0, 9)) == 0:
        change(draw_from, signatures, (0,))
    return format_canonical({**value, "signatures": signatures})
