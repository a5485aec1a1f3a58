"""The codes with which each operation may refuse: one table, by operation.

The OpenAPI document lists them, and the tests of the API compare every refusal that they get with
it.  An entry is a class of refusals, a class and a code, or the code of something malformed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from certledger.api import refusals as api
from certledger.api.problems import status_of_class
from certledger.api.rules import RULES
from certledger.ledger import evidence, ports
from certledger.ledger.intake import refusals as intake
from certledger.ledger.service.proving import ReceiptPending
from certledger.ledger.service.targets import TargetForbidden
from certledger.ledger.service.values import Role
from certledger.ledger.store_errors import StoreBusy, StoreDamaged, StoreFull, StoreUnavailable
from certledger.verifier.errors import Malformed, Refused
from certledger.verifier.status import StepForbidden

Entry = type[Refused] | tuple[type[Refused], str] | str

_STORE: tuple[Entry, ...] = (StoreBusy, StoreUnavailable, StoreDamaged)
_ANY: tuple[Entry, ...] = (
    api.RequestInvalid,
    api.TooMany,
    api.NotOpen,
    api.Broken,
    StoreFull,
)
"""Of every operation; where no file more can be opened, each may be refused with `store.full`."""
_CALLER: tuple[Entry, ...] = (
    api.CredentialsInvalid,
    api.Forbidden,
    api.ProviderSilent,
    api.Busy,
    *_STORE,
)
"""Of operations that ask who calls."""
_BODY: tuple[Entry, ...] = (
    api.TooLarge,
    api.TooSlow,
    api.MediaUnknown,
    api.BodyCrowded,
    api.Stopping,
    api.Busy,
)
"""Of operations that take a body."""
_JSON: tuple[str, ...] = (
    "json.depth",
    "json.duplicate_name",
    "json.name",
    "json.null",
    "json.number",
    "json.size",
    "json.surrogate",
    "json.syntax",
    "json.trailing",
    "schema.invalid",
)
_BYTES: tuple[str, ...] = (
    "base64.invalid",
    "base64.not_canonical",
    "hex.invalid",
    "schema.version",
)
_TEXT: tuple[Entry, ...] = (*_JSON, ports.TextUnusable)
"""Of bodies of JSON whose texts are stored, or looked up."""
_KEYED: tuple[Entry, ...] = (api.KeyReused, api.KeyInFlight)
_ADMITTED: tuple[Entry, ...] = (
    *_TEXT,
    *_BYTES,
    *_KEYED,
    ports.MirrorDiffers,
    intake.BodyUnknown,
    intake.BodyHeld,
    intake.StandingForbids,
    intake.OtherLedger,
    intake.StatementOver,
    intake.StatementTooLong,
    intake.CounterWrong,
    intake.NothingChanges,
    intake.ActDead,
    intake.ChainAway,
    intake.IntakeOverloaded,
    intake.SignatureInvalid,
    intake.SignatureCount,
    intake.SignerUnknown,
    intake.SignerWrongPurpose,
    intake.SignerEnded,
)
"""Of whatever is handed in to be anchored."""
_CATALOG: tuple[Entry, ...] = (
    intake.ActConflict,
    intake.CatalogUnknown,
    intake.CatalogDiffers,
    intake.EntryChanged,
    "catalog.order",
    "catalog.size",
    "catalog.twice",
    "entry.fields",
    "entry.shown",
)
_STATUS: tuple[Entry, ...] = (
    intake.ActConflict,
    intake.StatusMalformed,
    intake.StatusBeyond,
    StepForbidden,
)
_OWN_EVIDENCE: tuple[Entry, ...] = (
    evidence.EvidenceUnknown,
    evidence.EvidencePending,
    evidence.EvidenceInconsistent,
)
_FROM_CHECKPOINT: tuple[Entry, ...] = (evidence.EvidencePending,)
_JUDGED: tuple[Entry, ...] = (
    "schema.invalid",
    api.PolicyAbsent,
    evidence.EvidenceInconsistent,
    ports.MirrorDiffers,
)
"""Of whatever is answered with a verdict."""
_RECORD_CODES = (
    *_JSON,
    *_BYTES,
    "json.not_canonical",
    "record.dates",
    "record.edition",
    "time.invalid",
)
"""What a record of a batch may break: the batch can be read, and is refused."""

OWN_ENTRIES: Mapping[str, tuple[Entry, ...]] = {
    "submitBatch": (
        *_ADMITTED,
        *((intake.RecordRefused, code) for code in _RECORD_CODES),
        intake.BatchConflict,
        intake.BatchCount,
        intake.SequenceWrong,
        intake.FirstWrong,
        intake.PreviousWrong,
        intake.RootWrong,
        intake.CatalogNotInForce,
        intake.CatalogUnknown,
        intake.RecordOtherBody,
        intake.RecordOtherIndex,
        intake.RecordUncatalogued,
        intake.RecordDisobeys,
        intake.RecordTwice,
        intake.RecordReplacesNothing,
    ),
    "submitStatusUpdate": (*_ADMITTED, *_STATUS),
    "submitCatalog": (*_ADMITTED, *_CATALOG),
    "submitAct": (
        *_ADMITTED,
        *_CATALOG,
        *_STATUS,
        intake.BodyKnown,
        intake.RegistrarUnknown,
        intake.RegistrarWrong,
        intake.IssuersWrong,
        intake.KeysWrong,
        intake.NameDiffers,
        intake.NameUnusable,
    ),
    "getBatch": (api.ResourceUnknown,),
    "getBatchRecords": (api.ResourceUnknown,),
    "getHead": (intake.BodyUnknown,),
    "createVerification": (
        *_JUDGED,
        *_TEXT,
        *_BYTES,
        "time.invalid",
        "document.empty",
        "item.unknown",
        evidence.EvidencePending,
    ),
    "verifyFiles": (*_JUDGED, "json.size"),
    "verifyUpload": (*_JUDGED, "document.empty"),
    "getVerification": (api.ResourceUnknown,),
    "getReceiptEvidence": (api.ResourceUnknown, ReceiptPending, *_OWN_EVIDENCE),
    "listVerifications": (),
    "createLookup": _JSON,
    "getEvidence": _OWN_EVIDENCE,
    "getEvidenceByIndex": _OWN_EVIDENCE,
    "listIssuers": _FROM_CHECKPOINT,
    "getIssuer": (api.ResourceUnknown, *_FROM_CHECKPOINT),
    "getCatalog": (api.ResourceUnknown,),
    "getCheckpoint": (*_FROM_CHECKPOINT, api.Busy, *_STORE),
    "getPolicy": (api.PolicyAbsent,),
    "getSnapshot": (api.ResourceUnknown, *_FROM_CHECKPOINT, evidence.EvidenceInconsistent),
    "getDelta": (api.ResourceUnknown, *_FROM_CHECKPOINT, evidence.EvidenceInconsistent),
    "getStatusList": (api.ResourceUnknown, *_FROM_CHECKPOINT),
    "getStatusListToken": (api.ResourceUnknown, *_FROM_CHECKPOINT),
    "getStatusListCredential": (api.ResourceUnknown, *_FROM_CHECKPOINT),
    "createHook": (*_TEXT, TargetForbidden, api.QuotaFull),
    "listHooks": (),
    "deleteHook": (api.ResourceUnknown,),
    "listFailedDeliveries": (),
    "replayDelivery": (api.ResourceUnknown,),
    "createWatch": (*_JSON, api.ResourceUnknown, api.QuotaFull),
    "listWatches": (),
    "deleteWatch": (api.ResourceUnknown,),
    "listEvents": (),
    "createApiKey": _TEXT,
    "listApiKeys": (),
    "revokeApiKey": (api.ResourceUnknown,),
    "callNode": (ports.ChainUnreachable,),
    "isAlive": (),
    "isReady": (),
    "getMetrics": (api.Busy, *_STORE),
}
"""What an operation refuses with beside what its credentials and its body may be refused with."""


def codes_of(operation: str, *, body: bool) -> Mapping[int, list[str]]:
    """Return the codes of an operation's refusals by HTTP status; `body` says it takes one."""
    found: dict[int, set[str]] = {}
    for entry in _entries(operation, body=body):
        status, code = _status_and_code(entry)
        found.setdefault(status, set()).add(code)
    return {status: sorted(codes) for status, codes in sorted(found.items())}


def _entries(operation: str, *, body: bool) -> Iterable[Entry]:
    roles = RULES[operation].roles
    yield from _ANY
    yield from OWN_ENTRIES[operation]
    if body:
        yield from _BODY
    if roles is not None:
        yield from _CALLER
        if Role.PUBLIC not in roles:
            yield api.Unauthenticated


def _status_and_code(entry: Entry) -> tuple[int, str]:
    if isinstance(entry, str):
        entry = (Malformed, entry)
    kind, code = entry if isinstance(entry, tuple) else (entry, entry.code)
    return int(status_of_class(kind, code)), code
