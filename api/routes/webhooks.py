"""Webhooks, watches, and the event feed."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, TypeVar

import orjson
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.auth.permissions import RULES
from certledger.api.errors import QuotaFullError, ResourceUnknownError
from certledger.api.openapi.operation import DECIMAL, Asking, operation, schema
from certledger.api.openapi.schemas import HOOK, WATCH, content
from certledger.api.request.body import read_body
from certledger.api.responses import json_response
from certledger.api.service import service_of
from certledger.ledger.core.service_values import (
    EVENT_KINDS,
    Delivery,
    DeliveryState,
    Event,
    Hook,
    Watch,
)
from certledger.ledger.store.unit_of_work import Unit
from certledger.ledger.webhooks.address_guard import check_target
from certledger.ledger.webhooks.delivery import secret_of
from certledger.verifier.formats.canonical_json import Json, Members, format_time, from_hex, parse
from certledger.verifier.formats.status_tree import CELLS, read_cell
from certledger.verifier.vocabulary import Status

router = APIRouter()
_TAG = "Webhooks"
_HEX = re.compile("[0-9a-f]{64}")
_URL = re.compile("https?://[!-~]+")
_MAX_LISTED = 200
MAX_WEBHOOKS = 20
MAX_SUBSCRIPTIONS = 10_000
"""Limits of one caller, which bound the work of event dispatch."""
_Found = TypeVar("_Found")

HookId = Annotated[str, Path(pattern="^hook_[0-9a-f]{16}$")]
Number = Annotated[int, Path(ge=1, le=2**53 - 1), DECIMAL]
Leaf = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


async def _with_unit(request: Request, work: Callable[[Unit], _Found], *, write: bool) -> _Found:
    service = service_of(request)

    def run() -> _Found:
        with service.store.begin(write=write) as unit:
            return work(unit)

    return await service.pools.read(request, run)


# Webhooks ------------------------------------------------------------------------------------


@router.post(
    "/v1/hooks",
    **operation(
        "createHook",
        summary="Create a webhook",
        tag=_TAG,
        good={
            201: schema("Hook", what="The webhook with its secret, which is returned only once.")
        },
        body=content(HOOK),
    ),
)
async def create_hook(request: Request, caller: Asking) -> Response:
    """Messages are signed as in Standard Webhooks, retried, and delivered at least once."""
    service = service_of(request)
    read = Members(parse(await read_body(request), RULES["createHook"].longest), "hook")
    url = read.text("url", _URL, 2_048)
    kinds = read.array("kinds", 1, len(EVENT_KINDS))
    if not all(kind in EVENT_KINDS for kind in kinds):
        read.fail("kinds", f"a list of {', '.join(EVENT_KINDS)}")
    read.done()
    await check_target(
        url,
        private=service.options.private_targets,
        caller=caller.party,
        resolver=service.resolver,
    )
    hook = Hook(
        id=f"hook_{secrets.token_hex(8)}",
        caller=caller.party,
        url=url,
        kinds=frozenset(kinds),
        created=int(service.clock()),
    )

    def add(unit: Unit) -> None:
        if len(unit.hooks_of(caller.party)) >= MAX_WEBHOOKS:
            raise QuotaFullError(f"a caller has at most {MAX_WEBHOOKS} webhooks")
        unit.add_hook(hook)

    await _with_unit(request, add, write=True)
    return json_response(_hook(hook) | {"secret": secret_of(service.pepper, hook.id)}, 201)


def _hook(hook: Hook) -> dict[str, Json]:
    return {
        "id": hook.id,
        "url": hook.url,
        "kinds": sorted(hook.kinds),
        "created": format_time(hook.created),
    }


@router.get(
    "/v1/hooks",
    **operation(
        "listHooks",
        summary="List webhooks",
        tag=_TAG,
        good={200: schema("HookList", what="The caller's webhooks without secrets, oldest first.")},
    ),
)
async def list_hooks(request: Request, caller: Asking) -> Response:
    """All keys of an issuer, and all of a counter, share their webhooks."""
    hooks = await _with_unit(request, lambda unit: unit.hooks_of(caller.party), write=False)
    return json_response({"hooks": [_hook(hook) for hook in hooks]})


@router.delete(
    "/v1/hooks/{hook}",
    **operation(
        "deleteHook",
        summary="Delete a webhook",
        tag=_TAG,
        good={204: {"description": "The webhook is deleted."}},
    ),
)
async def delete_hook(request: Request, caller: Asking, hook: HookId) -> Response:
    """Pending deliveries to it are dropped."""
    service = service_of(request)

    def remove(unit: Unit) -> None:
        _own_hook(unit, caller, hook)
        unit.remove_hook(hook, int(service.clock()))

    await _with_unit(request, remove, write=True)
    return Response(status_code=204)


def _own_hook(unit: Unit, caller: Caller, hook_id: str) -> Hook:
    hook = unit.hook(hook_id)
    if hook is None or hook.caller != caller.party:
        raise ResourceUnknownError(f"no webhook {hook_id}")
    return hook


@router.get(
    "/v1/deliveries/failed",
    **operation(
        "listFailedDeliveries",
        summary="List failing deliveries",
        tag=_TAG,
        good={
            200: schema(
                "DeliveryList", what="Deliveries that are retried or given up, newest first."
            )
        },
    ),
)
async def list_failed(request: Request, caller: Asking) -> Response:
    """`due` is the time of the next attempt.  `replay` tries a delivery at once."""
    found = await _with_unit(
        request, lambda unit: unit.failing_of(caller.party, _MAX_LISTED), write=False
    )
    return json_response({"deliveries": [_delivery(event, delivery) for event, delivery in found]})


def _delivery(event: Event, delivery: Delivery) -> Json:
    value: dict[str, Json] = {
        "event": _event(event),
        "hook": delivery.hook,
        "state": str(delivery.state),
        "tries": delivery.tries,
        "fault": delivery.fault,
    }
    if delivery.state is DeliveryState.WAITING:
        value["due"] = format_time(delivery.due)
    return value


@router.post(
    "/v1/deliveries/{event}/{hook}/replay",
    **operation(
        "replayDelivery",
        summary="Retry a failing delivery",
        tag=_TAG,
        good={202: {"description": "The delivery is retried, with a new schedule."}},
    ),
)
async def replay(request: Request, caller: Asking, event: Number, hook: HookId) -> Response:
    """The message keeps its id, so that receivers can deduplicate."""
    service = service_of(request)

    def again(unit: Unit) -> None:
        _own_hook(unit, caller, hook)
        for found, delivery in unit.failing_of(caller.party, 10_000):
            if (found.number, delivery.hook) == (event, hook):
                now = int(service.clock())
                unit.set_delivery(replace(delivery, state=DeliveryState.WAITING, tries=0, due=now))
                return
        raise ResourceUnknownError(f"no failing delivery of event {event} to {hook}")

    await _with_unit(request, again, write=True)
    return Response(status_code=202)


# Watches ----------------------------------------------------------------------------------------


@router.post(
    "/v1/watches",
    **operation(
        "createWatch",
        summary="Create a watch on a certificate's status",
        tag=_TAG,
        good={201: schema("Watch", what="The watch, with the current status.")},
        body=content(WATCH),
    ),
)
async def create_watch(request: Request, caller: Asking) -> Response:
    """For callers that relied on a certificate and need to know of a later revocation."""
    service = service_of(request)
    read = Members(parse(await read_body(request), RULES["createWatch"].longest), "watch")
    leaf = from_hex(read.text("leaf", _HEX), 32)
    read.done()

    def add(unit: Unit) -> Watch:
        place = unit.place_of_leaf(leaf)
        if place is None:
            raise ResourceUnknownError(f"no certificate with leaf {leaf.hex()}")
        current = unit.watches_of(caller.party)
        if len(current) >= MAX_SUBSCRIPTIONS and not any(one.leaf == leaf for one in current):
            raise QuotaFullError(f"a caller has at most {MAX_SUBSCRIPTIONS} watches")
        checkpoint = unit.checkpoint()
        number = 0 if checkpoint is None else checkpoint.number
        word = unit.words(place.issuer, at=number).get(place.index // CELLS)
        status = Status.VALID if word is None else read_cell(word, place.index)
        watch = Watch(
            caller=caller.party,
            issuer=place.issuer,
            index=place.index,
            leaf=leaf,
            status=str(status),
            created=int(service.clock()),
        )
        unit.add_watch(watch)
        return watch

    return json_response(_watch(await _with_unit(request, add, write=True)), 201)


def _watch(watch: Watch) -> Json:
    return {
        "leaf": watch.leaf.hex(),
        "issuer": watch.issuer,
        "index": watch.index,
        "status": watch.status,
        "created": format_time(watch.created),
    }


@router.get(
    "/v1/watches",
    **operation(
        "listWatches",
        summary="List watches",
        tag=_TAG,
        good={200: schema("WatchList", what="The caller's watches, by issuer and index.")},
    ),
)
async def list_watches(request: Request, caller: Asking) -> Response:
    """With the last reported status."""
    found = await _with_unit(request, lambda unit: unit.watches_of(caller.party), write=False)
    return json_response({"watches": [_watch(watch) for watch in found]})


@router.delete(
    "/v1/watches/{leaf}",
    **operation(
        "deleteWatch",
        summary="Delete a watch",
        tag=_TAG,
        good={204: {"description": "The watch is deleted."}},
    ),
)
async def delete_watch(request: Request, caller: Asking, leaf: Leaf) -> Response:
    """Earlier events stay in the feed."""

    def remove(unit: Unit) -> None:
        for watch in unit.watches_of(caller.party):
            if watch.leaf.hex() == leaf:
                unit.remove_watch(caller.party, watch.issuer, watch.index)
                return
        raise ResourceUnknownError(f"no watch on leaf {leaf}")

    await _with_unit(request, remove, write=True)
    return Response(status_code=204)


# Events --------------------------------------------------------------------------------------


@router.get(
    "/v1/events",
    **operation(
        "listEvents",
        summary="List events",
        tag=_TAG,
        good={200: schema("EventList", what="Events, and the number to continue after.")},
    ),
)
async def list_events(
    request: Request,
    caller: Asking,
    after: Annotated[int, Query(ge=0, le=2**53 - 1), DECIMAL] = 0,
) -> Response:
    """For callers that cannot receive webhooks."""
    events = await _with_unit(
        request,
        lambda unit: unit.events_of(caller.party, after=after, limit=_MAX_LISTED),
        write=False,
    )
    following = events[-1].number if events else after
    return json_response({"events": [_event(event) for event in events], "next": following})


def _event(event: Event) -> Json:
    return {
        "number": event.number,
        "kind": event.kind,
        "created": format_time(event.created),
        "data": orjson.loads(event.body),
    }
