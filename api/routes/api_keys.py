"""Administration: API keys."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from certledger.api.auth.api_keys import BINDINGS, COUNTER, Caller, in_region
from certledger.api.auth.permissions import RULES
from certledger.api.errors import ForbiddenError, ResourceUnknownError
from certledger.api.openapi.operation import Asking, operation, schema
from certledger.api.openapi.schemas import KEY, content
from certledger.api.request.body import read_body
from certledger.api.responses import json_response
from certledger.api.service import service_of
from certledger.ledger.core.service_values import ApiKey, Role
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Json, Members, format_time, parse
from certledger.verifier.formats.issuer_state import ISSUER

router = APIRouter()
_TAG = "Administration"
_MAX_NAME_CHARACTERS = 128
DAY = 86_400

Prefix = Annotated[str, Path(pattern="^clk_[0-9A-Z]{8}$")]


@router.post(
    "/v1/api-keys",
    **operation(
        "createApiKey",
        summary="Create an API key",
        tag=_TAG,
        good={201: schema("ApiKey", what="The key with its text, which is returned only once.")},
        body=content(KEY),
    ),
)
async def create_api_key(request: Request, caller: Asking) -> Response:
    """An issuer's key is bound to the issuer, a counter's to the counter.

    A key cannot exceed its creator's permissions: an administrator of a region creates keys for its
    own region and its issuers, one with scopes creates keys with the same or fewer scopes, and one
    with an expiry creates administrators' keys that expire no later.
    """
    service = service_of(request)
    asked = parse_new_key(await read_body(request), int(service.clock()))
    check_grant(caller, asked)
    create = partial(
        service.keys.create,
        name=asked.name,
        role=asked.role,
        issuer=asked.issuer,
        counter=asked.counter,
        region=asked.region,
        scopes=asked.scopes,
        expires=asked.expires,
    )
    key, text = await service.pools.read(request, create)
    return json_response(key_to_json(key) | {"key": text}, 201)


def parse_new_key(data: bytes, now: int) -> ApiKey:
    """Parse the requested key, without prefix and digest.

    Raises:
        MalformedError: an unknown, missing or ill-typed member, or a missing binding.
    """
    read = Members(parse(data, RULES["createApiKey"].longest), "key")
    role = read.text("role")
    if role not in BINDINGS:
        read.fail("role", f"one of {', '.join(BINDINGS)}")
    days = read.integer("days", 1, 3_650) if read.has("days") else None
    scopes = read.array("scopes", 0, 40) if read.has("scopes") else []
    if not all(type(scope) is str and scope in RULES for scope in scopes):
        read.fail("scopes", "a list of operations")
    key = ApiKey(
        prefix="",
        digest=b"",
        name=read.text("name", longest=_MAX_NAME_CHARACTERS),
        role=Role(role),
        issuer=read.text("issuer", ISSUER) if read.has("issuer") else None,
        counter=read.text("counter", COUNTER) if read.has("counter") else None,
        region=read.integer("region", 0, 99) if read.has("region") else None,
        scopes=frozenset(scopes),
        created=now,
        expires=None if days is None else now + days * DAY,
    )
    read.done()
    check_binding(key)
    return key


def check_grant(maker: Caller, key: ApiKey) -> None:
    """Check that a new key does not exceed its creator's permissions.

    Raises:
        ForbiddenError: it exceeds the creator's region, scopes or expiry.
    """
    if maker.region is not None and key.region != maker.region:
        raise ForbiddenError(f"region {key.region} is not the creator's region {maker.region}")
    if maker.scopes and not (key.scopes and key.scopes <= maker.scopes):
        raise ForbiddenError("the scopes exceed those of the creator")
    if key.role is Role.ADMINISTRATOR and _outlives(key, maker):
        raise ForbiddenError("an administrator's key may not expire after its creator's")


def _outlives(key: ApiKey, maker: Caller) -> bool:
    return maker.expires is not None and (key.expires is None or key.expires > maker.expires)


def check_binding(key: ApiKey) -> None:
    """Check a key's name, and that it is bound as its role requires.

    Raises:
        MalformedError: an invalid name, a missing or superfluous binding, or an invalid one.
    """
    if not (0 < len(key.name) <= _MAX_NAME_CHARACTERS and key.name.isprintable()):
        what = f"a name has 1 to {_MAX_NAME_CHARACTERS} characters, all of which can be printed"
        raise MalformedError("schema.invalid", what)
    needed = BINDINGS[key.role]
    for name, pattern in (("issuer", ISSUER), ("counter", COUNTER)):
        bound: str | None = getattr(key, name)
        if (bound is not None) != (needed == name):
            wants = "is" if needed == name else "is not"
            raise MalformedError(
                "schema.invalid", f"a key of role {key.role} {wants} bound to {name}"
            )
        if bound is not None and not pattern.fullmatch(bound):
            raise MalformedError(
                "schema.invalid", f"{bound!r} is no {name}: not like {pattern.pattern}"
            )
    if key.issuer is not None and key.region is not None and not in_region(key.issuer, key.region):
        raise MalformedError("schema.invalid", f"issuer {key.issuer} is not of region {key.region}")


@router.get(
    "/v1/api-keys",
    **operation(
        "listApiKeys",
        summary="List API keys",
        tag=_TAG,
        good={200: schema("ApiKeyList", what="All keys without secrets, oldest first.")},
    ),
)
async def list_api_keys(request: Request, caller: Asking) -> Response:
    """Only the visible prefix of each key is stored."""
    service = service_of(request)

    def find() -> list[Json]:
        with service.store.begin(write=False) as unit:
            keys = unit.api_keys()
        return [key_to_json(k) for k in keys if caller.region in (None, k.region)]

    return json_response({"keys": await service.pools.read(request, find)})


@router.delete(
    "/v1/api-keys/{prefix}",
    **operation(
        "revokeApiKey",
        summary="Revoke an API key",
        tag=_TAG,
        good={204: {"description": "The key is revoked; caches expire within a second."}},
    ),
)
async def revoke_api_key(request: Request, caller: Asking, prefix: Prefix) -> Response:
    """Verifications made with the key can still be listed."""
    service = service_of(request)

    def revoke() -> bool:
        with service.store.begin(write=False) as unit:
            current = unit.api_key(prefix)
        mine = current is not None and caller.region in (None, current.region)
        return mine and service.keys.revoke(prefix)

    if not await service.pools.read(request, revoke):
        raise ResourceUnknownError(f"no valid key {prefix}")
    return Response(status_code=204)


def key_to_json(key: ApiKey) -> dict[str, Json]:
    """Encode a key without its secret."""
    value: dict[str, Json] = {
        "prefix": key.prefix,
        "name": key.name,
        "role": str(key.role),
        "scopes": sorted(key.scopes),
        "created": format_time(key.created),
    }
    for name in ("issuer", "counter", "region"):
        if (bound := getattr(key, name)) is not None:
            value[name] = bound
    for name in ("expires", "revoked"):
        if (time := getattr(key, name)) is not None:
            value[name] = format_time(time)
    return value
