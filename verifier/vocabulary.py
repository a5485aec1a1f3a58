"""The closed vocabularies of the ledger, each in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag, StrEnum


class IssuerKind(StrEnum):
    """Kind of issuer; `number` is its byte in the issuer's state (SPEC section 8)."""

    DEPARTMENT = "department"
    INSTITUTION = "institution"
    ASSOCIATION = "association"
    APPRAISAL = "appraisal"
    CONSULTING = "consulting"
    OPERATOR = "operator"

    @property
    def number(self) -> int:
        """The byte of this kind in an issuer's state."""
        return list(IssuerKind).index(self) + 1


class Standing(StrEnum):
    """Standing of an issuer; `number` is its byte in the issuer's state (SPEC section 8)."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"
    STRUCK = "struck"

    @property
    def number(self) -> int:
        """The byte of this standing in an issuer's state."""
        return list(Standing).index(self) + 1

    @property
    def relied_on(self) -> bool:
        """Whether certificates of an issuer of this standing are accepted."""
        return self in (Standing.ACTIVE, Standing.CLOSED)


class Purpose(IntFlag):
    """What an issuer's key may sign (bits of the key word)."""

    BATCHES = 1
    STATUS = 2
    CATALOG = 4
    KEYS = 8


class Status(StrEnum):
    """Recorded status of a certificate.  Expiry is computed, never recorded."""

    VALID = "valid"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    SUPERSEDED = "superseded"

    @property
    def number(self) -> int:
        """The two bits of this status (SPEC section 9)."""
        return list(Status).index(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusMeaning:
    """Display and transitions of a status."""

    letter: str
    label_en: str
    label_zh: str
    may_become: frozenset[Status] = frozenset()


MEANING: Mapping[Status, StatusMeaning] = {
    Status.VALID: StatusMeaning(
        letter="V",
        label_en="Valid",
        label_zh="有效",
        may_become=frozenset({Status.SUSPENDED, Status.REVOKED, Status.SUPERSEDED}),
    ),
    Status.REVOKED: StatusMeaning(letter="R", label_en="Revoked", label_zh="已注销"),
    Status.SUSPENDED: StatusMeaning(
        letter="S",
        label_en="Suspended",
        label_zh="已暂停",
        may_become=frozenset({Status.VALID, Status.REVOKED, Status.SUPERSEDED}),
    ),
    Status.SUPERSEDED: StatusMeaning(letter="P", label_en="Superseded", label_zh="已换发"),
}


class HolderKind(StrEnum):
    """What kind of subject a certificate is about."""

    NATURAL = "natural"
    LEGAL = "legal"
    OBJECT = "object"


class EntryKind(StrEnum):
    """The kinds of certificate that the reform lists, and two more."""

    CERTIFICATE = "certificate"
    LICENCE = "licence"
    PLATE = "plate"
    PROOF = "proof"
    APPROVAL = "approval"
    EXPERT_REPORT = "expert_report"
    APPRAISAL_REPORT = "appraisal_report"
    ASSOCIATION_DOCUMENT = "association_document"


KIND_ZH: Mapping[EntryKind, str] = {
    EntryKind.CERTIFICATE: "证件",
    EntryKind.LICENCE: "执照",
    EntryKind.PLATE: "牌照",
    EntryKind.PROOF: "证明文件",
    EntryKind.APPROVAL: "批文",
    EntryKind.EXPERT_REPORT: "鉴定报告",
    EntryKind.APPRAISAL_REPORT: "评估报告",
    EntryKind.ASSOCIATION_DOCUMENT: "社团文件",
}


class CheckName(StrEnum):
    """The ten checks in order (SPEC section 18.1)."""

    CONTENT = "content"
    INCLUSION = "inclusion"
    ANCHOR = "anchor"
    SIGNATURE = "signature"
    ENTITLEMENT = "entitlement"
    BLOCK = "block"
    FRESHNESS = "freshness"
    STATUS = "status"
    DATES = "dates"
    HOLDER = "holder"

    @property
    def number(self) -> int:
        """The number of the check, 1 to 10."""
        return list(CheckName).index(self) + 1


class Verdict(StrEnum):
    """The four results of a verification, each with another action of the clerk."""

    VALID = "valid"
    NOT_IN_FORCE = "not_in_force"
    NOT_GENUINE = "not_genuine"
    CANNOT_TELL = "cannot_tell"


class Advice(StrEnum):
    """Recommended next action of the verifier."""

    REFUSE = "refuse"
    RETRY = "retry"
    ASK_HOLDER = "ask_holder"


class Outcome(StrEnum):
    """Outcome of one check."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Way(StrEnum):
    """Way in which a verifier comes to trust a block (SPEC section 15)."""

    NODE = "node"
    RPC = "rpc"
    WITNESSES = "witnesses"
