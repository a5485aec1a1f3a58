"""Error codes of each operation, in one table.

The OpenAPI document lists them, and the API's tests check every error response against it.  An
entry is an error class, a class and a code, or a code of MalformedError.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from certledger.api import errors as api
from certledger.api.auth.permissions import RULES
from certledger.api.problems import status_of_class
from certledger.ledger.core import errors
from certledger.ledger.core.errors import (
    StoreBusyError,
    StoreDamagedError,
    StoreFullError,
    StoreUnavailableError,
)
from certledger.ledger.core.service_values import Role
from certledger.ledger.intake import errors as intake
from certledger.ledger.keys import KeyUnusableError
from certledger.ledger.publish import evidence
from certledger.ledger.reform.book_files import BookInvalidError
from certledger.ledger.reform.bookshelf import (
    BookAbsentError,
    BookDamagedError,
    BookDayError,
    BookUnchangedError,
)
from certledger.ledger.reform.cases import CaseClosedError, CaseClosingError
from certledger.ledger.reform.samples import (
    SampleEmptyError,
    SamplePendingError,
    SampleUnknownError,
)
from certledger.ledger.verification.receipt_evidence import ReceiptPendingError
from certledger.ledger.webhooks.address_guard import TargetForbiddenError
from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats.status_tree import StepForbiddenError

Entry = type[CertledgerError] | tuple[type[CertledgerError], str] | str

_STORE: tuple[Entry, ...] = (StoreBusyError, StoreUnavailableError, StoreDamagedError)
_ANY: tuple[Entry, ...] = (
    api.RequestInvalidError,
    api.RateLimitError,
    api.NotReadyError,
    api.InternalError,
    StoreFullError,
)
"""Of every operation; file descriptors may run out in each (`store.full`)."""
_CALLER: tuple[Entry, ...] = (
    api.CredentialsInvalidError,
    api.ForbiddenError,
    api.ProviderUnreachableError,
    api.ServiceBusyError,
    *_STORE,
)
"""Of operations with authentication."""
_BODY: tuple[Entry, ...] = (
    api.RequestTooLargeError,
    api.RequestTimeoutError,
    api.MediaUnknownError,
    api.TooManyValuesError,
    api.ServiceStoppingError,
    api.ServiceBusyError,
)
"""Of operations with a request body."""
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
_TEXT: tuple[Entry, ...] = (*_JSON, errors.TextUnusableError)
"""Of JSON bodies with stored or looked-up texts."""
_KEYED: tuple[Entry, ...] = (api.KeyReusedError, api.KeyInFlightError)
_ADMITTED: tuple[Entry, ...] = (
    *_TEXT,
    *_BYTES,
    *_KEYED,
    errors.MirrorDiffersError,
    intake.IssuerUnknownError,
    intake.IssuerOnHoldError,
    intake.StandingForbidsError,
    intake.OtherLedgerError,
    intake.StatementOverError,
    intake.StatementTooLongError,
    intake.CounterWrongError,
    intake.NothingChangesError,
    intake.ActDeadError,
    intake.ChainAbsentError,
    intake.IntakeOverloadedError,
    intake.LedgerRetiredError,
    intake.SignatureInvalidError,
    intake.SignatureCountError,
    intake.SignerUnknownError,
    intake.SignerWrongPurposeError,
    intake.SignerEndedError,
)
"""Of submissions."""
_CATALOG: tuple[Entry, ...] = (
    intake.ActConflictError,
    intake.CatalogUnknownError,
    intake.CatalogDiffersError,
    intake.EntryChangedError,
    "catalog.order",
    "catalog.size",
    "catalog.twice",
    "entry.fields",
    "entry.shown",
)
_STATUS: tuple[Entry, ...] = (
    intake.ActConflictError,
    intake.StatusMalformedError,
    intake.StatusBeyondError,
    StepForbiddenError,
)
_ACT: tuple[Entry, ...] = (
    *_ADMITTED,
    *_CATALOG,
    *_STATUS,
    intake.IssuerExistsError,
    intake.RegistrarUnknownError,
    intake.RegistrarWrongError,
    intake.IssuersWrongError,
    intake.KeysWrongError,
    intake.NameDiffersError,
    intake.NameUnusableError,
)
_OWN_EVIDENCE: tuple[Entry, ...] = (
    evidence.EvidenceUnknownError,
    evidence.EvidencePendingError,
    evidence.EvidenceInconsistentError,
)
_FROM_CHECKPOINT: tuple[Entry, ...] = (evidence.EvidencePendingError,)
_FROM_BOOK: tuple[Entry, ...] = (BookAbsentError, BookDamagedError)
_JUDGED: tuple[Entry, ...] = (
    "schema.invalid",
    api.PolicyAbsentError,
    evidence.EvidenceInconsistentError,
    errors.MirrorDiffersError,
)
"""Of operations that return verdicts."""
_RECORD_CODES = (
    *_JSON,
    *_BYTES,
    "json.not_canonical",
    "record.dates",
    "record.edition",
    "time.invalid",
)
"""Codes of an invalid record in a well-formed batch."""

OWN_ENTRIES: Mapping[str, tuple[Entry, ...]] = {
    "submitBatch": (
        *_ADMITTED,
        *((intake.RecordRejectedError, code) for code in _RECORD_CODES),
        intake.BatchConflictError,
        intake.BatchCountError,
        intake.SequenceWrongError,
        intake.FirstWrongError,
        intake.PreviousWrongError,
        intake.RootWrongError,
        intake.CatalogNotInForceError,
        intake.CatalogUnknownError,
        intake.RecordOtherIssuerError,
        intake.RecordOtherIndexError,
        intake.RecordUncataloguedError,
        intake.RecordDisobeysError,
        intake.RecordDuplicateError,
        intake.RecordReplacesNothingError,
    ),
    "submitStatusUpdate": (*_ADMITTED, *_STATUS),
    "submitCatalog": (*_ADMITTED, *_CATALOG),
    "submitAct": (api.UnauthenticatedError, *_ACT),
    "proposeAct": (*_ACT, KeyUnusableError),
    "getBatch": (api.ResourceUnknownError,),
    "getBatchRecords": (api.ResourceUnknownError,),
    "getHead": (intake.IssuerUnknownError,),
    "createVerification": (
        *_JUDGED,
        *_TEXT,
        *_BYTES,
        "time.invalid",
        "document.empty",
        "item.unknown",
        evidence.EvidencePendingError,
    ),
    "verifyFiles": (*_JUDGED, "json.size"),
    "verifyUpload": (*_JUDGED, "document.empty"),
    "getVerification": (api.ResourceUnknownError,),
    "getReceiptEvidence": (api.ResourceUnknownError, ReceiptPendingError, *_OWN_EVIDENCE),
    "listVerifications": (),
    "createLookup": _JSON,
    "getEvidence": _OWN_EVIDENCE,
    "getEvidenceByIndex": _OWN_EVIDENCE,
    "listIssuers": _FROM_CHECKPOINT,
    "getIssuer": (api.ResourceUnknownError, *_FROM_CHECKPOINT),
    "getCatalog": (api.ResourceUnknownError,),
    "getCheckpoint": (*_FROM_CHECKPOINT, api.ServiceBusyError, *_STORE),
    "getPolicy": (api.PolicyAbsentError,),
    "getSnapshot": (
        api.ResourceUnknownError,
        *_FROM_CHECKPOINT,
        evidence.EvidenceInconsistentError,
    ),
    "getDelta": (api.ResourceUnknownError, *_FROM_CHECKPOINT, evidence.EvidenceInconsistentError),
    "getStatusList": (api.ResourceUnknownError, *_FROM_CHECKPOINT),
    "getStatusListToken": (api.ResourceUnknownError, *_FROM_CHECKPOINT),
    "getStatusListCredential": (api.ResourceUnknownError, *_FROM_CHECKPOINT),
    "getBook": _FROM_BOOK,
    "getBookEdition": _FROM_BOOK,
    "getExemptions": (*_FROM_BOOK, "item.unknown"),
    "getCoverage": _FROM_BOOK,
    "listCoverageDays": (),
    "createApplication": (
        *_FROM_BOOK,
        *_JUDGED,
        *_JSON,
        *_BYTES,
        evidence.EvidencePendingError,
        "application.too_many",
        "counter.other",
        "counter.region",
        "counter.unknown",
        "item.unknown",
    ),
    "createDecision": (
        *_FROM_BOOK,
        *_JUDGED,
        *_JSON,
        *_BYTES,
        BookDayError,
        "counter.region",
        "document.empty",
        "evidence.form",
        "item.unknown",
        "time.invalid",
    ),
    "listCases": (),
    "closeCase": (
        *_TEXT,
        "hex.invalid",
        api.ResourceUnknownError,
        CaseClosedError,
        CaseClosingError,
    ),
    "importBook": (
        *_TEXT,
        "base64.invalid",
        "base64.not_canonical",
        BookDamagedError,
        BookInvalidError,
        BookDayError,
        BookUnchangedError,
    ),
    "createSample": (*_TEXT, SampleEmptyError),
    "listSamples": (),
    "getSample": (SampleUnknownError, SamplePendingError),
    "listScenarios": (*_FROM_BOOK, api.PolicyAbsentError),
    "getHotlineAnswer": (api.ResourceUnknownError,),
    "getRecord": (api.ResourceUnknownError,),
    "getRecordEvidence": (api.ResourceUnknownError, ReceiptPendingError, *_OWN_EVIDENCE),
    "createHook": (*_TEXT, TargetForbiddenError, api.QuotaFullError),
    "listHooks": (),
    "deleteHook": (api.ResourceUnknownError,),
    "listFailedDeliveries": (),
    "replayDelivery": (api.ResourceUnknownError,),
    "createWatch": (*_JSON, api.ResourceUnknownError, api.QuotaFullError),
    "listWatches": (),
    "deleteWatch": (api.ResourceUnknownError,),
    "listEvents": (),
    "createApiKey": _TEXT,
    "listApiKeys": (),
    "revokeApiKey": (api.ResourceUnknownError,),
    "callNode": (errors.ChainUnreachableError,),
    "isAlive": (),
    "isReady": (),
    "getMetrics": (api.ServiceBusyError, *_STORE),
}
"""Error codes of each operation, without those of authentication and request bodies."""


def codes_of(operation: str, *, body: bool) -> Mapping[int, list[str]]:
    """Return the error codes of an operation by HTTP status; `body`: it has a request body."""
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
            yield api.UnauthenticatedError


def _status_and_code(entry: Entry) -> tuple[int, str]:
    if isinstance(entry, str):
        entry = (MalformedError, entry)
    kind, code = entry if isinstance(entry, tuple) else (entry, entry.code)
    return int(status_of_class(kind, code)), code
