"""Submissions: batches, status updates, catalogs, other acts; and their state."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from io import SEEK_END, BytesIO
from typing import IO, Annotated, Any, TypeVar

import orjson
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller, asker_of
from certledger.api.errors import ForbiddenError, ResourceUnknownError, UnauthenticatedError
from certledger.api.openapi.operation import DECIMAL, Asking, binary, operation, schema, tagged
from certledger.api.openapi.schemas import ACT, ANY_ACT, CATALOG_SUBMISSION, SUBMISSION, content
from certledger.api.pages.acts import ANY_REGION, office_of
from certledger.api.request.body import JSON, JSON_LINES, read_body, spooled
from certledger.api.request.idempotency import once
from certledger.api.responses import IMMUTABLE, cached, json_response
from certledger.api.service import Service, service_of
from certledger.ledger.core.acts import ActState, Lane
from certledger.ledger.core.service_values import Role
from certledger.ledger.core.values import SubmittedAct
from certledger.ledger.intake.acts import (
    is_registrars,
    submit_act,
    submit_catalog,
    submit_status,
)
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.intake.pending_state import Intake, head
from certledger.ledger.intake.proposals import sign_proposal
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.registrar.review import review
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Json, check_nesting, format_time

router = APIRouter()
_TAG = "Submissions"
_RECEIPT = schema(
    "Receipt", what="The submission is stored; the receipt has the latest time of anchoring."
)
_RECEIPT_RESPONSES = {202: _RECEIPT}
MAX_WAIT_SECONDS = 60
_POLL = 0.25
_STATEMENT = re.compile(rb'"statement"\s*:\s*\{')
_NEAR, _SEAM = 65_536, 1_024
"""Bytes at either end to search for the statement first, and overlap of search windows."""
_Body = TypeVar("_Body")
_DECODER = json.JSONDecoder()

Issuer = Annotated[str, Path(pattern="^[0-9A-Z]{18}$", examples=["11310000XX00000196"])]
Sequence = Annotated[int, Path(ge=1, le=2**53 - 1), DECIMAL]
Wait = Annotated[
    int,
    Query(ge=0, le=MAX_WAIT_SECONDS, description="Seconds to wait for the final state."),
    DECIMAL,
]
_IDEMPOTENCY = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "A unique string of the caller; for seven days a repeated request with "
            "it returns the stored response. The quotes are optional.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    ]
}


def check_own(caller: Caller, issuer: str) -> None:
    """Check that a caller may access an issuer's own data.

    Raises:
        ForbiddenError: it may not, whether the data exist or not.
    """
    if not caller.speaks_for(issuer):
        raise ForbiddenError(f"the caller may not access data of issuer {issuer}")


@router.post(
    "/v1/batches",
    **operation(
        "submitBatch",
        summary="Submit a batch with its records",
        tag=_TAG,
        good={202: _RECEIPT | {"headers": ("Location",)}},
        body=content(SUBMISSION, lines="SubmissionLines"),
        more=_IDEMPOTENCY,
    ),
)
async def submit_a_batch(request: Request, caller: Asking) -> Response:
    """One JSON object, or JSON lines with the records after the first line; gzip is supported.

    The same statement gets the same receipt, from any caller and in any encoding.
    """
    service = service_of(request)
    home = service.ledger.settings.home
    async with spooled(request, home, JSON, JSON_LINES) as body:
        # Threads start after the whole body is spooled, so slow uploads occupy none.
        check_own(caller, await service.pools.large.run(caller.party, issuer_of, body.file))
        work = partial(_take, submit_batch, service.ledger.intake, body.file)
        answer = await once(request, service, caller, body.digest, work)
    receipt = orjson.loads(answer.body)["receipt"]
    answer.headers["location"] = f"/v1/batches/{receipt['issuer']}/{receipt['sequence']}"
    return answer


@router.post(
    "/v1/status-updates",
    **operation(
        "submitStatusUpdate",
        summary="Submit a status update",
        tag=_TAG,
        good=_RECEIPT_RESPONSES,
        body=content(ACT),
        more=_IDEMPOTENCY,
    ),
)
async def submit_a_status_update(request: Request, caller: Asking) -> Response:
    """Revoke, suspend, resume or supersede any number of certificates by one statement."""
    return await _submit(request, caller, submit_status)


@router.post(
    "/v1/catalogs",
    **operation(
        "submitCatalog",
        summary="Submit a catalog, signed by the issuer and its registrar",
        tag=_TAG,
        good=_RECEIPT_RESPONSES,
        body=content(CATALOG_SUBMISSION),
        more=_IDEMPOTENCY,
    ),
)
async def submit_a_catalog(request: Request, caller: Asking) -> Response:
    """The signed change, together with the entries under the signed root."""
    return await _submit(request, caller, submit_catalog)


@router.post(
    "/v1/acts",
    **operation(
        "submitAct",
        summary="Submit another signed act",
        tag=_TAG,
        good=_RECEIPT_RESPONSES,
        body=content(ANY_ACT),
        more=_IDEMPOTENCY,
    ),
)
async def submit_an_act(request: Request, caller: Asking) -> Response:
    """Registrations, keys, standings and holds.

    An act that a registrar in office has signed needs no key: its signature is the authority.
    """
    return await _submit(request, caller, submit_act)


@router.post(
    "/v1/proposals",
    **operation(
        "proposeAct",
        summary="Hand in an act that others have yet to sign",
        tag=_TAG,
        good={202: schema("Proposal", what="Who has signed, who has yet to; once all: receipt.")},
        body=content(ANY_ACT),
    ),
)
async def propose_an_act(request: Request, caller: Asking) -> Response:
    """It waits on the registrars' page; whoever signs sends it again, and nobody signs twice.

    Once the last signature is there the act is submitted. Sent again, it says how far it is.
    """
    service = service_of(request)
    data = await read_body(request)

    def propose() -> Json:
        if caller.role is Role.ISSUER:
            check_own(caller, issuer_of(BytesIO(data)))
        done = sign_proposal(service.ledger.intake, Envelope.parse(data), party=caller.party)
        found = review(done.envelope, office_of(service, ANY_REGION))
        missing = zip(found.missing_zh, found.missing, strict=True)
        value: dict[str, Json] = {
            "digest": done.envelope.act.digest.hex(),
            "missing": [{"zh": zh, "en": en} for zh, en in missing],
            "signed_by": [f"0x{one.hex()}" for one in done.signers],
            "state": "waiting" if done.receipt is None else "submitted",
        }
        if done.receipt is not None:
            value["receipt"] = orjson.loads(done.receipt)
        return value

    return json_response(await service.pools.prove(request, propose), 202)


async def _submit(
    request: Request, caller: Caller, submit: Callable[[Intake, bytes], bytes]
) -> Response:
    service = service_of(request)
    data = await read_body(request)
    if caller.role is Role.PUBLIC:
        # An address is the party: what strangers send shares nothing.
        caller = replace(caller, party=f"address:{asker_of(request).name}")
        if not await service.pools.large.run(
            caller.party, is_registrars, service.ledger.intake, data
        ):
            raise UnauthenticatedError("without a key a registrar in office must have signed")
    if caller.role is Role.ISSUER:
        check_own(caller, await service.pools.large.run(caller.party, issuer_of, BytesIO(data)))
    work = partial(_take, submit, service.ledger.intake, data)
    return await once(request, service, caller, sha256(data), work)


def _take(
    submit: Callable[[Intake, _Body], bytes], intake: Intake, body: _Body
) -> tuple[int, bytes]:
    return 202, submit(intake, body)


def issuer_of(file: IO[bytes]) -> str:
    """Return the issuer in a statement, if possible without reading the whole `file`.

    A match of the pattern is a member name wherever it is in JSON, and intake rejects a duplicate
    or misplaced member, so the match is the statement that counts.

    Raises:
        MalformedError: no issuer is found.
    """
    size = file.seek(0, SEEK_END)
    starts = (0, max(size - _NEAR, 0), *range(_NEAR - _SEAM, size, _NEAR - _SEAM))
    found = next((at for start in starts if (at := _statement_in(file, start)) is not None), None)
    try:
        if found is not None:
            file.seek(found)
            text = file.read(2 * _NEAR).decode("utf-8", "replace")
            check_nesting(text, 0)
            issuer = _DECODER.raw_decode(text)[0]["issuer"]
            if type(issuer) is str:
                return issuer
    except (ValueError, KeyError, RecursionError):
        pass
    raise MalformedError("schema.invalid", "no statement with an issuer")


def _statement_in(file: IO[bytes], start: int) -> int | None:
    """Return the offset of a statement in the window from `start` on, or None."""
    file.seek(start)
    found = _STATEMENT.search(file.read(_NEAR))
    return None if found is None else start + found.end() - 1


# State of submissions ----------------------------------------------------------------------


@router.get(
    "/v1/batches/{issuer}/{sequence}",
    **operation(
        "getBatch",
        summary="Get the state of a batch",
        tag=_TAG,
        good={200: schema("Batch", what="The batch, its receipt, and its anchoring.")},
    ),
)
async def get_batch(
    request: Request, caller: Asking, issuer: Issuer, sequence: Sequence, wait: Wait = 0
) -> Response:
    """With `wait` the response is delayed until the batch is final, or the time is over."""
    check_own(caller, issuer)
    service = service_of(request)
    act = await service.pools.read(request, _find, service, issuer, sequence)
    until = asyncio.get_running_loop().time() + wait
    while act.state is ActState.ACCEPTED or act.state is ActState.INCLUDED:
        left = until - asyncio.get_running_loop().time()
        if left <= 0 or service.stopping or await request.is_disconnected():
            break
        await asyncio.sleep(min(_POLL, left))
        act = await service.pools.read(request, _find, service, issuer, sequence)
    return json_response(_batch(act))


def _find(service: Service, issuer: str, sequence: int) -> SubmittedAct:
    with service.store.begin(write=False) as unit:
        living = unit.act_at(issuer, Lane.SEQUENCE, sequence)
        acts = [living] if living else list(unit.acts_at(issuer, Lane.SEQUENCE, sequence))
    if not acts:
        raise ResourceUnknownError(f"no batch {sequence} of {issuer}")
    return acts[-1]


def _batch(act: SubmittedAct) -> Json:
    value: dict[str, Any] = {
        "issuer": act.subject,
        "sequence": act.counter,
        "digest": act.digest.hex(),
        "state": str(act.state),
        "accepted": format_time(act.accepted),
        "not_after": format_time(act.not_after),
        "certificates": act.certificates,
        "receipt": orjson.loads(act.receipt),
    }
    if act.reason is not None:
        value["reason"] = act.reason
    if act.block is not None and act.tx is not None:
        value |= {"block": act.block, "transaction": act.tx.hex()}
    return value


@router.get(
    "/v1/batches/{issuer}/{sequence}/records",
    **operation(
        "getBatchRecords",
        summary="Get the records of an anchored batch",
        tag=_TAG,
        good=tagged(binary("application/jsonl", "Canonical records, one a line.")),
    ),
)
async def get_records(
    request: Request, caller: Asking, issuer: Issuer, sequence: Sequence
) -> Response:
    """The records as submitted; their root is the signed one."""
    check_own(caller, issuer)
    service = service_of(request)
    data = await service.pools.prove(request, _records, service, issuer, sequence)
    control = IMMUTABLE.replace("public", "private")
    return await cached(request, data, media=JSON_LINES, control=control)


def _records(service: Service, issuer: str, sequence: int) -> bytes:
    with service.store.begin(write=False) as unit:
        anchored = unit.anchored(issuer, sequence)
        lines = [] if anchored is None else list(unit.records(anchored.root))
    if not lines:
        raise ResourceUnknownError(f"no records of batch {sequence} of {issuer}")
    return b"\n".join([*lines, b""])


@router.get(
    "/v1/issuers/{issuer}/head",
    **operation(
        "getHead",
        summary="Get an issuer's counters for its next statements",
        tag=_TAG,
        good={200: schema("Head", what="The counters after all pending acts.")},
    ),
)
async def get_head(request: Request, caller: Asking, issuer: Issuer) -> Response:
    """Lets several offices of one issuer avoid conflicts."""
    check_own(caller, issuer)
    service = service_of(request)
    found = await service.pools.read(request, head, service.store, issuer)
    return json_response(
        {
            "issuer": found.issuer,
            "batches": found.batches,
            "certificates": found.certificates,
            "last": found.last.hex(),
            "catalog": found.catalog.hex(),
            "catalog_version": found.catalog_version,
            "epoch": found.epoch,
            "revision": found.revision,
        }
    )
