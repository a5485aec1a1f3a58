"""Who holds each certificate of an application, compared by digests of identity numbers.

No number leaves this module: what is compared is its SHA-256 under a salt of the application.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from certledger.verifier.crypto.hashing import sha256

PERSON_FIELDS = ("id_number", "passport_number", "permit_number", "travel_permit_number")
"""Fields with a number of the person that a certificate is about; one person may have several."""
COMPANY_FIELDS = ("uscc",)
AGENT_FIELDS = ("agent_id_number", "agent_passport_number")
"""Fields of an authorisation: the number of who acts for the person or company it is about."""
_TAG = b"certledger/1/holder"


class HolderRelation(StrEnum):
    """What the holder of a certificate is to the applicant."""

    APPLICANT = "applicant"
    AGENT = "agent"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Digests of the numbers that one certificate shows; `agents` are those of who may act."""

    persons: frozenset[bytes]
    companies: frozenset[bytes]
    agents: frozenset[bytes]

    @classmethod
    def of_fields(cls, fields: Mapping[str, str], salt: bytes) -> Identity:
        """Return the identity that disclosed fields name."""
        return cls(
            persons=_digests(fields, PERSON_FIELDS, salt),
            companies=_digests(fields, COMPANY_FIELDS, salt),
            agents=_digests(fields, AGENT_FIELDS, salt),
        )


def _digests(fields: Mapping[str, str], names: Iterable[str], salt: bytes) -> frozenset[bytes]:
    return frozenset(
        sha256(salt + _TAG + "".join(number.split()).upper().encode())
        for name in names
        if (number := fields.get(name))
    )


def relations(identities: Sequence[Identity], *, company: bool) -> list[HolderRelation]:
    """Return what the holder of each certificate is to the applicant.

    The applicant is the first company (or, of a person's application, the first person) that the
    certificates name; further numbers count as the same holder's where one certificate shows both.
    An agent is a person whom an authorisation of the applicant names.
    """
    groups = _group([one.companies if company else one.persons for one in identities])
    first = next((group for group in groups if group), frozenset())
    own = [bool(group & first) for group in groups]
    agents: set[bytes] = set()
    for identity, is_own in zip(identities, own, strict=True):
        if is_own:
            agents |= identity.agents
    persons = _group([one.persons for one in identities] + [frozenset(agents)])
    return [
        _relation(identity, is_own, persons[place], persons[-1])
        for place, (identity, is_own) in enumerate(zip(identities, own, strict=True))
    ]


def _relation(
    identity: Identity, is_own: bool, persons: frozenset[bytes], agents: frozenset[bytes]
) -> HolderRelation:
    if is_own:
        return HolderRelation.APPLICANT
    if persons & agents:
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
