"""Permissions: roles, body limits and rates of every operation, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from certledger.ledger.core.service_values import Role

KILOBYTE, MEGABYTE = 2**10, 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Limits of an operation.

    Attributes:
        roles: who may call it; None without authentication.
        longest: greatest bytes of a body, decompressed.
        public_longest: the same for callers without a key, where it is less.
        seconds: time limit for receiving the body.
        rate: calls of one caller, in the notation of the `limits` package.
        packed: whether a body may be gzip.
        deprecated: since when (seconds) it is deprecated, sent as in RFC 9745.
        sunset: when (seconds) it may be removed, sent as in RFC 8594.
    """

    roles: frozenset[Role] | None
    longest: int = 0
    public_longest: int | None = None
    seconds: float = 15.0
    rate: str = "600/minute"
    packed: bool = False
    deprecated: int | None = None
    sunset: int | None = None


_HOTLINE = frozenset({Role.HOTLINE})
KNOWN = frozenset(Role) - {Role.PUBLIC} - _HOTLINE
EVERYBODY = frozenset(Role)
ISSUERS = frozenset({Role.ISSUER})
_OWN = frozenset({Role.ISSUER, Role.AUDITOR, Role.ADMINISTRATOR})
_RECORDS = frozenset({Role.ISSUER, Role.PARTNER, Role.AUDITOR})
_OFFLINE = frozenset({Role.COUNTER, Role.PARTNER, Role.AUDITOR, Role.ADMINISTRATOR})
_NOTIFIED_ROLES = frozenset({Role.ISSUER, Role.COUNTER, Role.PARTNER})
_RELYING = frozenset({Role.COUNTER, Role.PARTNER})
_SUPERVISING = _RELYING | {Role.AUDITOR, Role.ADMINISTRATOR}
_AUDITING = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})
_ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
_STANDING = "1200/minute"

RULES: Mapping[str, Rule] = {
    # Submitting
    "submitBatch": Rule(
        roles=ISSUERS, longest=64 * MEGABYTE, seconds=120.0, rate="600/minute", packed=True
    ),
    "submitStatusUpdate": Rule(roles=ISSUERS, longest=256 * KILOBYTE, packed=True),
    "submitCatalog": Rule(roles=ISSUERS, longest=9 * MEGABYTE, seconds=60.0, packed=True),
    "submitAct": Rule(
        roles=ISSUERS | _ADMINISTRATORS | {Role.PUBLIC},
        longest=9 * MEGABYTE,
        public_longest=64 * KILOBYTE,
        seconds=60.0,
        packed=True,
    ),
    "proposeAct": Rule(
        roles=ISSUERS | _ADMINISTRATORS, longest=9 * MEGABYTE, seconds=60.0, rate="120/minute"
    ),
    "getBatch": Rule(roles=_OWN),
    "getBatchRecords": Rule(roles=_RECORDS),
    "getHead": Rule(roles=_OWN),
    # Verifying
    "createVerification": Rule(
        roles=EVERYBODY,
        longest=16 * MEGABYTE,
        public_longest=512 * KILOBYTE,
        seconds=30.0,
        rate="60000/minute",
        packed=True,
    ),
    "verifyFiles": Rule(
        roles=KNOWN, longest=16 * MEGABYTE, seconds=30.0, rate="60000/minute", packed=True
    ),
    "verifyUpload": Rule(roles=EVERYBODY, longest=32 * MEGABYTE, seconds=60.0),
    "getVerification": Rule(roles=KNOWN),
    "getReceiptEvidence": Rule(roles=KNOWN),
    "listVerifications": Rule(roles=frozenset({Role.AUDITOR, Role.ADMINISTRATOR})),
    "createLookup": Rule(roles=KNOWN, longest=KILOBYTE, seconds=5.0, rate="60000/minute"),
    "getEvidence": Rule(roles=KNOWN, rate="6000/minute"),
    "getEvidenceByIndex": Rule(roles=frozenset({Role.ISSUER, Role.AUDITOR}), rate="6000/minute"),
    # Registry
    "listIssuers": Rule(roles=KNOWN, rate=_STANDING),
    "getIssuer": Rule(roles=KNOWN, rate=_STANDING),
    "getCatalog": Rule(roles=KNOWN, rate=_STANDING),
    "getCheckpoint": Rule(roles=None, rate=_STANDING),
    "getPolicy": Rule(roles=KNOWN, rate=_STANDING),
    "getSnapshot": Rule(roles=_OFFLINE, rate=_STANDING),
    "getDelta": Rule(roles=_OFFLINE, rate=_STANDING),
    "getStatusList": Rule(roles=KNOWN, rate=_STANDING),
    "getStatusListToken": Rule(roles=KNOWN, rate=_STANDING),
    "getStatusListCredential": Rule(roles=KNOWN, rate=_STANDING),
    # Reform
    "getBook": Rule(roles=EVERYBODY, rate=_STANDING),
    "getBookEdition": Rule(roles=EVERYBODY, rate="60/minute"),
    "getExemptions": Rule(roles=EVERYBODY, rate=_STANDING),
    "importBook": Rule(
        roles=_ADMINISTRATORS, longest=64 * MEGABYTE, seconds=120.0, rate="60/minute", packed=True
    ),
    "getCoverage": Rule(roles=KNOWN, rate="60/minute"),
    "listCoverageDays": Rule(roles=KNOWN, rate="60/minute"),
    "createApplication": Rule(
        roles=_RELYING, longest=4 * MEGABYTE, seconds=30.0, rate="6000/minute", packed=True
    ),
    "createDecision": Rule(roles=_RELYING, longest=4 * MEGABYTE, seconds=30.0, packed=True),
    "listCases": Rule(roles=_SUPERVISING),
    "closeCase": Rule(roles=_SUPERVISING, longest=8 * KILOBYTE),
    "createSample": Rule(roles=_AUDITING, longest=KILOBYTE),
    "listSamples": Rule(roles=KNOWN, rate="60/minute"),
    "getSample": Rule(roles=EVERYBODY, rate="60/minute"),
    "listScenarios": Rule(roles=KNOWN, rate="60/minute"),
    "getHotlineAnswer": Rule(roles=_HOTLINE | _AUDITING),
    "getRecord": Rule(roles=KNOWN),
    "getRecordEvidence": Rule(roles=KNOWN),
    # Webhooks, watches and events
    "createHook": Rule(roles=_NOTIFIED_ROLES, longest=8 * KILOBYTE),
    "listHooks": Rule(roles=_NOTIFIED_ROLES),
    "deleteHook": Rule(roles=_NOTIFIED_ROLES),
    "listFailedDeliveries": Rule(roles=_NOTIFIED_ROLES),
    "replayDelivery": Rule(roles=_NOTIFIED_ROLES),
    "createWatch": Rule(roles=_RELYING, longest=KILOBYTE),
    "listWatches": Rule(roles=_RELYING),
    "deleteWatch": Rule(roles=_RELYING),
    "listEvents": Rule(roles=_NOTIFIED_ROLES),
    # Administration
    "createApiKey": Rule(roles=_ADMINISTRATORS, longest=8 * KILOBYTE),
    "listApiKeys": Rule(roles=_ADMINISTRATORS),
    "revokeApiKey": Rule(roles=_ADMINISTRATORS),
    # Operation
    "callNode": Rule(roles=None, longest=MEGABYTE, rate="6000/minute"),
    "isAlive": Rule(roles=None, rate="6000/minute"),
    "isReady": Rule(roles=None, rate="6000/minute"),
    "getMetrics": Rule(roles=None, rate="600/minute"),
}
"""The rule of each operation; every operation needs one."""

_INSTITUTION_RULES: Mapping[str, Rule] = {
    "showIssuer": Rule(roles=ISSUERS, rate="600/minute"),
    "showRegistrar": Rule(roles=_ADMINISTRATORS, rate="120/minute"),
    "signAct": Rule(
        roles=ISSUERS | _ADMINISTRATORS, longest=9 * MEGABYTE, seconds=60.0, rate="120/minute"
    ),
    "getAct": Rule(roles=ISSUERS | _ADMINISTRATORS, rate="120/minute"),
    "showReference": Rule(roles=None, rate="120/minute"),
    "showAudit": Rule(roles=frozenset({Role.AUDITOR, Role.ADMINISTRATOR}), rate="120/minute"),
    "showExplorer": Rule(roles=None, rate="120/minute"),
    "showOffice": Rule(roles=KNOWN, rate="60/minute"),
    "drawSample": Rule(roles=_AUDITING, longest=16 * KILOBYTE, rate="60/minute"),
    "closeOfficeCase": Rule(roles=_SUPERVISING, longest=16 * KILOBYTE, rate="60/minute"),
}
_PAGES = "1200/minute"
PAGE_RULES: Mapping[str, Rule] = {
    "showPage": Rule(roles=None, rate=_PAGES),
    "getStatic": Rule(roles=None, rate="6000/minute"),
    "signIn": Rule(roles=None, longest=16 * KILOBYTE, rate="60/minute"),
    "showSessions": Rule(roles=EVERYBODY - {Role.PUBLIC}, rate="120/minute"),
    "endSession": Rule(roles=EVERYBODY - {Role.PUBLIC}, longest=16 * KILOBYTE, rate="120/minute"),
    "signOut": Rule(roles=None, longest=16 * KILOBYTE, rate="60/minute"),
    "endByProvider": Rule(roles=None, longest=16 * KILOBYTE, rate="1200/minute"),
    "checkByForm": Rule(roles=EVERYBODY, longest=16 * KILOBYTE),
    "describeCertificate": Rule(roles=EVERYBODY, longest=KILOBYTE, rate=_PAGES),
    "showDesk": Rule(roles=_RELYING, rate=_PAGES),
    "findItems": Rule(roles=EVERYBODY, rate=_PAGES),
    "showReceipt": Rule(roles=KNOWN, rate=_PAGES),
    "drawReceiptCode": Rule(roles=None, rate=_PAGES),
    "readCode": Rule(roles=EVERYBODY, longest=4 * MEGABYTE, seconds=20.0, rate=_PAGES),
    **_INSTITUTION_RULES,
}
"""The rules of pages, which are not in the OpenAPI document and which scopes do not name."""

ALL_RULES: Mapping[str, Rule] = {**RULES, **PAGE_RULES}
