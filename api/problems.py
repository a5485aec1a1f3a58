"""Refusals as HTTP answers: one table of statuses, and RFC 9457 problem documents."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.responses import Response

from certledger.api import refusals as api
from certledger.ledger import evidence, ports
from certledger.ledger.intake import refusals as intake
from certledger.ledger.keys import KeyUnusable
from certledger.ledger.service.proving import ReceiptPending
from certledger.ledger.service.receipts import ReceiptInvalid
from certledger.ledger.service.targets import TargetForbidden
from certledger.verifier.encoding import Json
from certledger.verifier.errors import Malformed, ProofInvalid, Refused
from certledger.verifier.snapshot import SnapshotUnproved
from certledger.verifier.status import StepForbidden

MEDIA_TYPE = "application/problem+json"
TYPES = "https://certledger.example/problems/"
"""In front of a code, where a problem's type is told; nothing needs to be fetched there."""

_SYNTAX = "json."
STATUSES: Mapping[type[Refused], HTTPStatus] = {
    # Who asks
    api.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    api.CredentialsInvalid: HTTPStatus.UNAUTHORIZED,
    api.Forbidden: HTTPStatus.FORBIDDEN,
    api.TooMany: HTTPStatus.TOO_MANY_REQUESTS,
    # How it is asked
    api.ResourceUnknown: HTTPStatus.NOT_FOUND,
    api.MethodUnknown: HTTPStatus.METHOD_NOT_ALLOWED,
    api.RequestInvalid: HTTPStatus.BAD_REQUEST,
    api.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    api.BodyCrowded: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    api.TooSlow: HTTPStatus.REQUEST_TIMEOUT,
    api.MediaUnknown: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    api.KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    api.KeyInFlight: HTTPStatus.CONFLICT,
    api.QuotaFull: HTTPStatus.CONFLICT,
    TargetForbidden: HTTPStatus.UNPROCESSABLE_ENTITY,
    Malformed: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProofInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    SnapshotUnproved: HTTPStatus.UNPROCESSABLE_ENTITY,
    ReceiptInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    KeyUnusable: HTTPStatus.UNPROCESSABLE_ENTITY,
    ports.TextUnusable: HTTPStatus.UNPROCESSABLE_ENTITY,
    # What is handed in
    intake.BodyUnknown: HTTPStatus.NOT_FOUND,
    intake.BodyKnown: HTTPStatus.CONFLICT,
    intake.BodyHeld: HTTPStatus.CONFLICT,
    intake.StandingForbids: HTTPStatus.CONFLICT,
    intake.RegistrarUnknown: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.RegistrarWrong: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.IssuersWrong: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.OtherLedger: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.StatementOver: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.StatementTooLong: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.CounterWrong: HTTPStatus.CONFLICT,
    intake.NothingChanges: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.ActConflict: HTTPStatus.CONFLICT,
    intake.ActDead: HTTPStatus.CONFLICT,
    intake.ChainAway: HTTPStatus.SERVICE_UNAVAILABLE,
    intake.IntakeOverloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    intake.SignatureInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.SignatureCount: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.SignerUnknown: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.SignerWrongPurpose: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.SignerEnded: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.BatchConflict: HTTPStatus.CONFLICT,
    intake.BatchCount: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.SequenceWrong: HTTPStatus.CONFLICT,
    intake.FirstWrong: HTTPStatus.CONFLICT,
    intake.PreviousWrong: HTTPStatus.CONFLICT,
    intake.RootWrong: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.CatalogNotInForce: HTTPStatus.CONFLICT,
    intake.RecordRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.CatalogUnknown: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.CatalogDiffers: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.EntryChanged: HTTPStatus.CONFLICT,
    intake.NameDiffers: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.NameUnusable: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.StatusMalformed: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.StatusBeyond: HTTPStatus.UNPROCESSABLE_ENTITY,
    intake.KeysWrong: HTTPStatus.UNPROCESSABLE_ENTITY,
    StepForbidden: HTTPStatus.CONFLICT,
    # What is asked for
    evidence.EvidenceUnknown: HTTPStatus.NOT_FOUND,
    evidence.EvidencePending: HTTPStatus.CONFLICT,
    evidence.EvidenceInconsistent: HTTPStatus.INTERNAL_SERVER_ERROR,
    ReceiptPending: HTTPStatus.CONFLICT,
    ports.MirrorDiffers: HTTPStatus.INTERNAL_SERVER_ERROR,
    # What is away, or busy
    api.PolicyAbsent: HTTPStatus.SERVICE_UNAVAILABLE,
    api.Stopping: HTTPStatus.SERVICE_UNAVAILABLE,
    api.NotOpen: HTTPStatus.SERVICE_UNAVAILABLE,
    api.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    api.ProviderSilent: HTTPStatus.SERVICE_UNAVAILABLE,
    ports.StoreBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    ports.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    ports.LeaseLost: HTTPStatus.SERVICE_UNAVAILABLE,
    ports.ChainUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    ports.CallReverted: HTTPStatus.CONFLICT,
    api.Broken: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The HTTP status of each class of refusal; a class without a row has that of its parent."""

RETRY_AFTER = 5
"""Seconds after which to try again where a refusal of 503 does not say."""


def status_of(error: Refused) -> HTTPStatus:
    """Return the status of a refusal; what is no JSON is 400, what breaks a schema 422."""
    return status_of_class(type(error), error.code)


def status_of_class(kind: type[Refused], code: str) -> HTTPStatus:
    """Return the status of refusals of a class with a code."""
    if issubclass(kind, Malformed) and code.startswith(_SYNTAX):
        too_long = code == "json.size"
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE if too_long else HTTPStatus.BAD_REQUEST
    found = (STATUSES[one] for one in kind.__mro__ if one in STATUSES)
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


def problem(error: Refused, request_id: str | None = None) -> Json:
    """Return the problem document of a refusal; `instance` is the request's id."""
    status = status_of(error)
    told: dict[str, Json] = {
        "type": TYPES + error.code,
        "title": status.phrase,
        "status": int(status),
        "code": error.code,
        "detail": _detail(error, status),
    }
    if request_id is not None:
        told["instance"] = f"urn:certledger:request:{request_id}"
    return told


def _detail(error: Refused, status: HTTPStatus) -> str:
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return "a fault of this service; its log has more under the request's id"
    return str(error)[:2_000]


def answer(error: Refused, request_id: str | None = None) -> Response:
    """Return the HTTP answer that tells a refusal."""
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
