"""Who holds each certificate of an application, compared by digests of identity numbers.

No number leaves this module: what is compared is its SHA-256 under a salt of the application.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from certledger.verifier.crypto.hashing import sha256

PERSON_FIELDS = ("id_number", "passport_number", "permit_number", "travel_permit_number")
"""Fields with a number of the person that a certificate is about; one person may have several."""
COMPANY_FIELDS = ("uscc",)
AGENT_FIELDS = ("agent_id_number", "agent_passport_number")
"""Fields of an authorisation: the number of who acts for the person or company it is about."""
_KINDS = {
    name: kind
    for kind, names in enumerate((PERSON_FIELDS, COMPANY_FIELDS, AGENT_FIELDS))
    for name in names
}
_TAG = b"certledger/1/holder"
_CAPITALS = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)
_NO_NUMBERS: frozenset[bytes] = frozenset()


class HolderRelation(StrEnum):
    """What the holder of a certificate is to the applicant."""

    APPLICANT = "applicant"
    AGENT = "agent"
    OTHER = "other"
    UNKNOWN = "unknown"


_APPLICANT = HolderRelation.APPLICANT


@dataclass(frozen=True, slots=True)
class Identity:
    """Digests of the numbers that one certificate shows; `agents` are those of who may act."""

    persons: frozenset[bytes]
    companies: frozenset[bytes]
    agents: frozenset[bytes]

    @classmethod
    def of_fields(cls, fields: Mapping[str, str], salt: bytes) -> Identity:
        """Return the identity that disclosed fields name."""
        found: tuple[list[bytes], list[bytes], list[bytes]] = ([], [], [])
        for name, number in fields.items():
            if number and (kind := _KINDS.get(name)) is not None:
                found[kind].append(sha256(salt + _TAG + _plain(number).encode()))
        return cls(*map(frozenset, found))


def _plain(number: str) -> str:
    """Return a number as it is compared: `３１０ 10Ⅹ` and `31010x` are one."""
    if number.isascii():
        return "".join(number.split()).upper()
    return "".join(unicodedata.normalize("NFKC", number).split()).translate(_CAPITALS)


def relations(
    identities: Sequence[Identity], valid: Sequence[bool], *, company: bool
) -> list[HolderRelation]:
    """Return what the holder of each certificate is to the applicant.

    The applicant is the first company (or, of a person's application, the first person) that the
    certificates name, the valid ones before others; further numbers count as the same holder's
    where a valid one shows both.  An agent is a person whom a valid authorisation of the applicant
    names: one that has expired makes no agent.
    """
    own = [one.companies if company else one.persons for one in identities]
    groups = _group([of if good else _NO_NUMBERS for of, good in zip(own, valid, strict=True)])
    first = next((group for group in [*groups, *own] if group), _NO_NUMBERS)
    agents: frozenset[bytes] = _NO_NUMBERS
    persons = []
    for identity, of, good in zip(identities, own, valid, strict=True):
        persons.append(identity.persons if good else _NO_NUMBERS)
        if good and of & first:
            agents |= identity.agents
    acting = _group([*persons, agents])[-1] if agents else _NO_NUMBERS
    return [
        _relation(identity, bool(of & first), acting)
        for identity, of in zip(identities, own, strict=True)
    ]


def _relation(identity: Identity, is_own: bool, agents: frozenset[bytes]) -> HolderRelation:
    if is_own:
        return _APPLICANT
    if identity.persons & agents:
        return HolderRelation.AGENT
    named = identity.persons or identity.companies
    return HolderRelation.OTHER if named else HolderRelation.UNKNOWN


def _group(sets: Sequence[frozenset[bytes]]) -> list[frozenset[bytes]]:
    """Return each set joined with all that it shares a member with, directly or through others."""
    distinct = set(sets)
    if len(distinct) == 1:  # Nearly always: all are of one holder.
        return list(sets)
    parent: dict[bytes, bytes] = {}

    def root(member: bytes) -> bytes:
        while parent.setdefault(member, member) != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    for members in distinct:
        roots = [root(member) for member in members]
        for other in roots[1:]:
            parent[other] = roots[0]
    joined: dict[bytes, set[bytes]] = {}
    for member in list(parent):
        joined.setdefault(root(member), set()).add(member)
    found = {
        members: frozenset().union(*(joined[root(member)] for member in members))
        for members in distinct
    }
    return [found[members] for members in sets]
