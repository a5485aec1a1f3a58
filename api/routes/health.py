"""Operation: liveness, readiness, metrics, and a read-only proxy to the chain node."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

import orjson
from fastapi import APIRouter, Query, Request
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from certledger.api.auth.api_keys import asker_of
from certledger.api.auth.permissions import RULES
from certledger.api.errors import ServiceBusyError
from certledger.api.openapi.operation import Asking, operation, schema
from certledger.api.openapi.schemas import RPC, content
from certledger.api.problems import RETRY_AFTER
from certledger.api.readiness import find_faults, parts_of
from certledger.api.request.body import read_body
from certledger.api.responses import json_response, raw
from certledger.api.service import Service, service_of
from certledger.ledger.chain.client import NodeRefusesError
from certledger.ledger.core.errors import ChainUnreachableError
from certledger.ledger.core.service_values import DeliveryState
from certledger.ledger.verification.bounded_executor import BoundedExecutor
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import Json

router = APIRouter()
_TAG = "Operation"
_Found = TypeVar("_Found")
Part = Annotated[
    Literal["intake", "lookups", "evidence", "verification", "anchoring"],
    Query(description="Check only this part of the service."),
]
READABLE = frozenset(
    {
        "certledger_genesis",
        "debug_getRawBlock",
        "eth_blockNumber",
        "eth_chainId",
        "eth_getBlockByHash",
        "eth_getBlockByNumber",
        "eth_getBlockReceipts",
        "eth_getCode",
        "eth_getLogs",
        "eth_getProof",
        "eth_getTransactionByHash",
        "eth_getTransactionReceipt",
        "web3_clientVersion",
    }
)
"""JSON-RPC methods of verifiers and auditors; none of them writes."""
MAX_CALLS = 100
MAX_ANSWER_BYTES = 4 * 2**20
"""Bytes of one response, whatever number of calls it answers."""


@router.get(
    "/healthz",
    **operation(
        "isAlive",
        summary="Liveness probe",
        tag=_TAG,
        good={200: schema("Alive", what="The process is running.")},
    ),
)
async def is_alive(request: Request, caller: Asking) -> Response:
    """Does not check whether the service can serve requests; see `/readyz`."""
    return json_response({"alive": True})


@router.get(
    "/readyz",
    **operation(
        "isReady",
        summary="Readiness probe",
        tag=_TAG,
        good={
            200: schema("Readiness", what="The service is ready."),
            503: schema(
                "Readiness",
                what="The service is not ready, with the faults.",
                headers=("Retry-After",),
            ),
        },
    ),
)
async def is_ready(request: Request, caller: Asking, part: Part | None = None) -> Response:
    """Checks the database, the chain node and the newest checkpoint; with `part`, for it alone.

    Intake, lookups and evidence work without the chain node.  `missing` lists missing data of
    single issuers; it does not affect readiness, only those issuers' certificates cannot be
    verified.
    """
    service = service_of(request)
    try:
        faults, missing = await service.pools.check(request, _look, service)
    except ServiceBusyError as error:
        faults, missing = [error.code], []
    if await _head(service) is None:
        faults.append("chain.unreachable")
    parts = parts_of(faults)
    ready = not faults if part is None else parts[part]
    value: Json = {
        "ready": ready,
        "faults": list(faults),
        "parts": dict(parts),
        "missing": missing,
    }
    return (
        json_response(value) if ready else json_response(value, 503, retry_after=str(RETRY_AFTER))
    )


def _look(service: Service) -> tuple[list[str], list[Json]]:
    """Return the faults that the database shows, and the missing data of issuers."""
    return find_faults(service), _missing(service)


async def _head(service: Service) -> int | None:
    """Return the number of the chain's newest block, None if the node does not respond."""
    try:
        return (await _answer(_PROBING, service.ledger.chain.head)).number
    except ChainUnreachableError:
        return None


async def _answer(asking: BoundedExecutor, question: Callable[[], _Found]) -> _Found:
    """Run a node call without occupying a thread of the request pools.

    Raises:
        ChainUnreachableError: timeout, or too many open calls.
    """
    try:
        return await asyncio.wait_for(asyncio.wrap_future(asking.begin(question)), asking.seconds)
    except TimeoutError as error:
        raise asking.late() from error


_PROBING = BoundedExecutor(most=8, seconds=2.0)
"""Limits of node calls for operators."""
RELAY_SECONDS = 30.0
"""Timeout of a verifier's or auditor's node call, its time in the queue included."""


def _missing(service: Service) -> list[Json]:
    """Return the missing data of issuers; empty while the database is unavailable."""
    try:
        return [one.to_json() for one in service.missing.get()]
    except (CertledgerError, SQLAlchemyError):
        return []


@router.get(
    "/metrics",
    **operation(
        "getMetrics",
        summary="Get metrics",
        tag=_TAG,
        good={
            200: {
                "description": "Metrics in the Prometheus exposition format.",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            }
        },
    ),
)
async def get_metrics(request: Request, caller: Asking) -> Response:
    """Rates, durations, backlog, and proof failures, which must be zero."""
    service = service_of(request)
    head = await _head(service)
    data = await service.pools.check(request, _measure, service, head)
    return raw(data, media=CONTENT_TYPE_LATEST)


def _measure(service: Service, newest: int | None) -> bytes:
    meters, now = service.metrics, service.clock()
    with service.store.begin(write=False) as unit:
        backlog, checkpoint, head = unit.backlog(), unit.checkpoint(), unit.head()
        taken_back = len(unit.reorganisations())
        meters.deliveries_failed.set(unit.failing_count(DeliveryState.FAILED))
        meters.open_cases.set(unit.open_case_count())
        meters.deliveries_retried.set(unit.failing_count(DeliveryState.WAITING))
    meters.oldest.set(0 if backlog.oldest is None else max(now - backlog.oldest, 0))
    meters.backlog.set(backlog.acts)
    meters.final_reorganisations.set(taken_back)
    meters.clock_difference.set(service.ledger.clock_watch.difference)
    meters.certificates.set(backlog.certificates)
    if checkpoint is not None:
        meters.checkpoint_age.set(max(now - checkpoint.time, 0))
    followed = 0 if head is None else head.number
    meters.lag.set(float("inf") if newest is None else newest - followed)
    return generate_latest(meters.registry)


# Chain node ---------------------------------------------------------------------------------


@router.post(
    "/rpc",
    **operation(
        "callNode",
        summary="Call the chain node, read-only",
        tag=_TAG,
        good={
            200: schema("RpcAnswer", what="The response of the node, or a batch of responses."),
            204: {"description": "The request had only notifications."},
        },
        body=content(RPC),
    ),
)
async def call_node(request: Request, caller: Asking) -> Response:
    """JSON-RPC 2.0 with the methods that a verifier or auditor needs, one call or a batch."""
    data, service = await read_body(request), service_of(request)
    asker = asker_of(request)
    # Each call of a batch counts as one; an address may have `MAX_RELAYS` open requests.
    for _ in range(min(data.count(b'"method"'), MAX_CALLS) - 1):
        service.gate.rates.hit(RULES["callNode"].rate, "callNode", asker.name)
    with service.relays.one_of(asker.name):
        answer = await _relay(service, asker.name, data)
    return Response(status_code=204) if answer is None else raw(answer)


async def _relay(service: Service, who: str, data: bytes) -> bytes | None:
    """Return the node's answer for the caller named `who`, queued fairly with other callers.

    Raises:
        ChainUnreachableError: timeout.
    """
    calls = service.pools.node.run(who, _call, service, data, size=len(data))
    try:
        return await asyncio.wait_for(calls, RELAY_SECONDS)
    except TimeoutError as error:
        raise ChainUnreachableError(
            f"the node does not answer within {RELAY_SECONDS:g} seconds"
        ) from error


def _call(service: Service, data: bytes) -> bytes | None:
    """Return the encoded response to a call or batch, None for notifications only."""
    try:
        asked = orjson.loads(data)
    except orjson.JSONDecodeError:
        return orjson.dumps(_failed(None, -32700, "parse error"))
    if type(asked) is not list:
        return _spelled(_one(service, asked), MAX_ANSWER_BYTES)
    if not 0 < len(asked) <= MAX_CALLS:
        return orjson.dumps(_failed(None, -32600, f"a batch has 1 to {MAX_CALLS} calls"))
    answers, left = [], MAX_ANSWER_BYTES
    for one in asked:
        spelled = _spelled(_one(service, one), left) if left > 0 else _too_much(one)
        if spelled is not None:
            answers.append(spelled)
            left -= len(spelled)
    return b"[%b]" % b",".join(answers) if answers else None


def _spelled(answer: Json | None, most: int) -> bytes | None:
    """Encode a response, or the error for one that is too long."""
    if answer is None:
        return None
    spelled = orjson.dumps(answer)
    return spelled if len(spelled) <= most else _too_much(answer)


def _too_much(asked: Json) -> bytes:
    name = asked.get("id") if type(asked) is dict else None
    text = f"more than {MAX_ANSWER_BYTES} bytes in one answer; ask for less"
    return orjson.dumps(_failed(name if type(name) in (str, int) else None, -32005, text))


def _one(service: Service, asked: Json) -> Json | None:
    if type(asked) is not dict or type(asked.get("method")) is not str:
        return _failed(None, -32600, "invalid request")
    name, method, params = asked.get("id"), asked["method"], asked.get("params", [])
    if isinstance(name, dict | list | bool | float):
        return _failed(None, -32600, "an id is text or a whole number")
    if method not in READABLE:
        return _failed(name, -32601, "the method is not supported")
    if type(params) is not list:
        return _failed(name, -32602, "parameters come as a list")
    try:
        result = service.ledger.node.call(method, *params)
    except NodeRefusesError as error:
        return _failed(name, error.number, error.message)
    except ChainUnreachableError:
        return _failed(name, -32603, "the node does not answer")
    return None if "id" not in asked else {"jsonrpc": "2.0", "id": name, "result": result}


def _failed(name: Any, number: int, message: str) -> Json:
    return {"jsonrpc": "2.0", "id": name, "error": {"code": number, "message": message}}
