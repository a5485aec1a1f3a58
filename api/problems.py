"""Error responses: the table of HTTP statuses, and RFC 9457 problem documents."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.responses import Response

from certledger.api import errors as api
from certledger.ledger.core import errors
from certledger.ledger.intake import errors as intake
from certledger.ledger.issuer import signed_acts, status_changes
from certledger.ledger.keys import KeyUnusableError
from certledger.ledger.publish import evidence
from certledger.ledger.reference_data.faults import DomainInvalidError
from certledger.ledger.reform.bookshelf import BookAbsentError, BookDayError, BookUnchangedError
from certledger.ledger.reform.cases import CaseClosedError, CaseClosingError
from certledger.ledger.reform.samples import (
    SampleEmptyError,
    SamplePendingError,
    SampleUnknownError,
)
from certledger.ledger.verification.receipt_evidence import ReceiptPendingError
from certledger.ledger.verification.verification_receipt import ReceiptInvalidError
from certledger.ledger.webhooks.address_guard import TargetForbiddenError
from certledger.verifier.errors import CertledgerError, MalformedError, ProofInvalidError
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.snapshot import SnapshotUnprovedError
from certledger.verifier.formats.status_tree import StepForbiddenError

MEDIA_TYPE = "application/problem+json"
TYPES = "https://certledger.example/problems/"
"""Prefix of problem types; nothing needs to be served there."""

_SYNTAX = "json."
STATUSES: Mapping[type[CertledgerError], HTTPStatus] = {
    # Who calls
    api.UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    api.CredentialsInvalidError: HTTPStatus.UNAUTHORIZED,
    api.ForbiddenError: HTTPStatus.FORBIDDEN,
    api.RateLimitError: HTTPStatus.TOO_MANY_REQUESTS,
    # The request's form
    api.ResourceUnknownError: HTTPStatus.NOT_FOUND,
    api.MethodUnknownError: HTTPStatus.METHOD_NOT_ALLOWED,
    api.RequestInvalidError: HTTPStatus.BAD_REQUEST,
    api.RequestTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    api.TooManyValuesError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    api.RequestTimeoutError: HTTPStatus.REQUEST_TIMEOUT,
    api.MediaUnknownError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    api.KeyReusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    api.KeyInFlightError: HTTPStatus.CONFLICT,
    api.QuotaFullError: HTTPStatus.CONFLICT,
    TargetForbiddenError: HTTPStatus.UNPROCESSABLE_ENTITY,
    MalformedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProofInvalidError: HTTPStatus.UNPROCESSABLE_ENTITY,
    SnapshotUnprovedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ReceiptInvalidError: HTTPStatus.UNPROCESSABLE_ENTITY,
    KeyUnusableError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TextUnusableError: HTTPStatus.UNPROCESSABLE_ENTITY,
    # Submissions
    intake.IssuerUnknownError: HTTPStatus.NOT_FOUND,
    intake.IssuerExistsError: HTTPStatus.CONFLICT,
    intake.IssuerOnHoldError: HTTPStatus.CONFLICT,
    intake.StandingForbidsError: HTTPStatus.CONFLICT,
    intake.RegistrarUnknownError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.RegistrarWrongError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.IssuersWrongError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.OtherLedgerError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.StatementOverError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.StatementTooLongError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.CounterWrongError: HTTPStatus.CONFLICT,
    intake.NothingChangesError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.ActConflictError: HTTPStatus.CONFLICT,
    intake.ActDeadError: HTTPStatus.CONFLICT,
    intake.ChainAbsentError: HTTPStatus.SERVICE_UNAVAILABLE,
    intake.LedgerRetiredError: HTTPStatus.CONFLICT,
    intake.IntakeOverloadedError: HTTPStatus.SERVICE_UNAVAILABLE,
    intake.SignatureInvalidError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.SignatureCountError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.SignerUnknownError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.SignerWrongPurposeError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.SignerEndedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.BatchConflictError: HTTPStatus.CONFLICT,
    intake.BatchCountError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.SequenceWrongError: HTTPStatus.CONFLICT,
    intake.FirstWrongError: HTTPStatus.CONFLICT,
    intake.PreviousWrongError: HTTPStatus.CONFLICT,
    intake.RootWrongError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.CatalogNotInForceError: HTTPStatus.CONFLICT,
    intake.RecordRejectedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.CatalogUnknownError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.CatalogDiffersError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.EntryChangedError: HTTPStatus.CONFLICT,
    intake.NameDiffersError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.NameUnusableError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.StatusMalformedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.StatusBeyondError: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.KeysWrongError: HTTPStatus.UNPROCESSABLE_ENTITY,
    signed_acts.ActsDifferError: HTTPStatus.UNPROCESSABLE_ENTITY,
    signed_acts.KeysUnfitError: HTTPStatus.UNPROCESSABLE_ENTITY,
    status_changes.ReasonUnfitError: HTTPStatus.UNPROCESSABLE_ENTITY,
    status_changes.CertificateUnknownError: HTTPStatus.NOT_FOUND,
    StepForbiddenError: HTTPStatus.CONFLICT,
    # Reads
    evidence.EvidenceUnknownError: HTTPStatus.NOT_FOUND,
    evidence.EvidencePendingError: HTTPStatus.CONFLICT,
    evidence.EvidenceInconsistentError: HTTPStatus.INTERNAL_SERVER_ERROR,
    ReceiptPendingError: HTTPStatus.CONFLICT,
    BookAbsentError: HTTPStatus.NOT_FOUND,
    BookDayError: HTTPStatus.CONFLICT,
    BookUnchangedError: HTTPStatus.CONFLICT,
    DomainInvalidError: HTTPStatus.UNPROCESSABLE_ENTITY,
    CaseClosedError: HTTPStatus.CONFLICT,
    CaseClosingError: HTTPStatus.UNPROCESSABLE_ENTITY,
    SampleEmptyError: HTTPStatus.CONFLICT,
    SamplePendingError: HTTPStatus.CONFLICT,
    SampleUnknownError: HTTPStatus.NOT_FOUND,
    errors.MirrorDiffersError: HTTPStatus.INTERNAL_SERVER_ERROR,
    # Unavailable or busy
    api.PolicyAbsentError: HTTPStatus.SERVICE_UNAVAILABLE,
    api.ServiceStoppingError: HTTPStatus.SERVICE_UNAVAILABLE,
    api.NotReadyError: HTTPStatus.SERVICE_UNAVAILABLE,
    api.ServiceBusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    api.ProviderUnreachableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreBusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.LeaseLostError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ChainUnreachableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.CallRevertedError: HTTPStatus.CONFLICT,
    api.InternalError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""HTTP status of each error class; a class without a row has that of its base class."""

MAX_LISTED_FAULTS = 1_000
"""Faults of an import in a problem."""
RETRY_AFTER = 5
"""Seconds in Retry-After of a 503 whose error has none."""


def status_of(error: CertledgerError) -> HTTPStatus:
    """Return the status of an error: malformed JSON is 400, a broken schema 422."""
    return status_of_class(type(error), error.code)


def status_of_class(kind: type[CertledgerError], code: str) -> HTTPStatus:
    """Return the status of an error class with a code."""
    if issubclass(kind, MalformedError) and code.startswith(_SYNTAX):
        too_long = code == "json.size"
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE if too_long else HTTPStatus.BAD_REQUEST
    found = (STATUSES[one] for one in kind.__mro__ if one in STATUSES)
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


def problem(error: CertledgerError, request_id: str | None = None) -> Json:
    """Return the problem document of an error; `instance` is the request's id."""
    status = status_of(error)
    document: dict[str, Json] = {
        "type": TYPES + error.code,
        "title": status.phrase,
        "status": int(status),
        "code": error.code,
        "detail": _detail(error, status),
    }
    if isinstance(error, DomainInvalidError):
        document["faults"] = [one.to_json() for one in error.faults[:MAX_LISTED_FAULTS]]
    if request_id is not None:
        document["instance"] = f"urn:certledger:request:{request_id}"
    return document


def _detail(error: CertledgerError, status: HTTPStatus) -> str:
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return "internal error; the service's log has details under the request's id"
    return str(error)[:2_000]


def answer(error: CertledgerError, request_id: str | None = None) -> Response:
    """Build the HTTP response of an error."""
    status = status_of(error)
    headers = {"cache-control": "no-store"}
    wait = getattr(error, "retry_after", None)
    if wait is None and status is HTTPStatus.SERVICE_UNAVAILABLE:
        wait = RETRY_AFTER
    if wait is not None:
        headers["retry-after"] = str(wait)
    if status is HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Bearer realm="certledger"'
    return Response(
        orjson.dumps(problem(error, request_id)),
        status_code=int(status),
        media_type=MEDIA_TYPE,
        headers=headers,
    )
