"""Registry: issuers, catalogs, checkpoints, snapshots and deltas, status lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from certledger.api.errors import PolicyAbsentError, ResourceUnknownError
from certledger.api.openapi.operation import Asking, binary, operation, schema, tagged
from certledger.api.responses import IMMUTABLE, JSON, cached, fresh_for, in_pieces
from certledger.api.routes.submissions import Issuer
from certledger.api.service import Service, service_of
from certledger.api.status_list_tokens import (
    CREDENTIAL,
    STATUS_LIST,
    secure,
    status_list_credential,
    status_list_token,
)
from certledger.ledger.core.values import IssuerRow, StoredCheckpoint
from certledger.ledger.publish.evidence import EvidencePendingError
from certledger.ledger.publish.snapshots import SnapshotFile
from certledger.verifier.formats.canonical_json import Json, format_time, to_base64url
from certledger.verifier.formats.issuer_state import NO_END, Key
from certledger.verifier.formats.snapshot import MEDIA_TYPE as SNAPSHOT
from certledger.verifier.formats.status_list import bitstring_status_list, token_status_list
from certledger.verifier.vocabulary import Purpose

router = APIRouter()
_TAG = "Registry"
DELTA = "application/vnd.certledger.delta.v1"
MINUTE = 60

Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


@router.get(
    "/v1/issuers",
    **operation(
        "listIssuers",
        summary="List issuers",
        tag=_TAG,
        good=tagged(schema("IssuerList", what="All issuers at the newest checkpoint, by code.")),
    ),
)
async def list_issuers(request: Request, caller: Asking) -> Response:
    """The state on the chain; a snapshot proves it."""
    service = service_of(request)

    def find() -> Json:
        checkpoint = _newest(service)
        with service.store.begin(write=False) as unit:
            return {
                "checkpoint": checkpoint.number,
                "issuers": [_issuer(row) for row in unit.issuers(at=checkpoint.number)],
            }

    data = await service.pools.prove(request, lambda: orjson.dumps(find()))
    return await cached(request, data, control=fresh_for(MINUTE))


@router.get(
    "/v1/issuers/{issuer}",
    **operation(
        "getIssuer",
        summary="Get an issuer",
        tag=_TAG,
        good=tagged(schema("Issuer", what="The issuer at the newest checkpoint.")),
    ),
)
async def get_issuer(request: Request, caller: Asking, issuer: Issuer) -> Response:
    """Standing, keys and counters of an issuer."""
    service = service_of(request)
    row = await service.pools.read(request, _issuer_row, service, issuer)
    return await cached(request, orjson.dumps(_issuer(row)), control=fresh_for(MINUTE))


def _newest(service: Service) -> StoredCheckpoint:
    with service.store.begin(write=False) as unit:
        checkpoint = unit.checkpoint()
    if checkpoint is None:
        raise EvidencePendingError("there is no checkpoint yet")
    return checkpoint


async def _newest_checkpoint(request: Request) -> StoredCheckpoint:
    """Return the newest checkpoint, cached for a moment."""
    # Read the cache on the event loop, but the database in a thread.
    service = service_of(request)
    newest = service.mirror.newest
    checkpoint = newest() if service.mirror.fresh else await service.pools.read(request, newest)
    if checkpoint is None:
        raise EvidencePendingError("there is no checkpoint yet")
    return checkpoint


def _issuer_row(service: Service, issuer: str) -> IssuerRow:
    checkpoint = _newest(service)
    with service.store.begin(write=False) as unit:
        row = unit.issuer(issuer, at=checkpoint.number)
    if row is None:
        raise ResourceUnknownError(f"no issuer {issuer}")
    return row


def _issuer(row: IssuerRow) -> Json:
    state = row.state
    return {
        "issuer": state.issuer,
        "name": state.name,
        "kind": str(state.kind),
        "region": state.region,
        "standing": str(state.standing),
        "since": state.since,
        "held": row.on_hold,
        "batches": state.batches,
        "certificates": state.certificates,
        "epoch": state.epoch,
        "catalog": state.catalog.hex(),
        "catalog_version": state.catalog_version,
        "keys": [_key(key) for key in state.keys],
    }


def _key(key: Key) -> Json:
    value: dict[str, Json] = {
        "address": "0x" + key.address.hex(),
        "purposes": [str(p.name).lower() for p in Purpose if key.purposes & p],
        "start": key.start,
    }
    return value if key.end == NO_END else value | {"end": key.end}


@router.get(
    "/v1/catalogs/{root}",
    **operation(
        "getCatalog",
        summary="Get a catalog",
        tag=_TAG,
        good=tagged(schema("Catalog", what="The entries, in order.")),
    ),
)
async def get_catalog(request: Request, caller: Asking, root: Digest) -> Response:
    """The root identifies the entries, so they never change."""
    service = service_of(request)

    def find() -> bytes | None:
        with service.store.begin(write=False) as unit:
            return unit.catalog(bytes.fromhex(root))

    entries = await service.pools.read(request, find)
    if entries is None:
        raise ResourceUnknownError(f"no catalog with root {root}")
    return await cached(
        request, b'{"root":"%b","entries":%b}' % (root.encode(), entries), control=IMMUTABLE
    )


@router.get(
    "/v1/checkpoints/latest",
    **operation(
        "getCheckpoint",
        summary="Get the newest checkpoint",
        tag=_TAG,
        good=tagged(schema("Checkpoint", what="A final block, and its cosigned note.")),
    ),
)
async def get_checkpoint(request: Request, caller: Asking) -> Response:
    """New evidence is made for this block."""
    service = service_of(request)
    current = await service.pools.read(request, _newest, service)
    value = {
        "number": current.number,
        "hash": current.hash.hex(),
        "state_root": current.state_root.hex(),
        "time": format_time(current.time),
        "note": current.note,
        "account": [to_base64url(node) for node in current.account],
    }
    return await cached(request, orjson.dumps(value), control=fresh_for(5))


@router.get(
    "/v1/policy",
    **operation(
        "getPolicy",
        summary="Get the trust policy",
        tag=_TAG,
        good=tagged(schema("Policy", what="The signed policy.")),
    ),
)
async def get_policy(request: Request, caller: Asking) -> Response:
    """Get the first policy from somebody you trust; later ones are checked by succession."""
    policy = service_of(request).ledger.policy
    if policy is None:
        raise PolicyAbsentError("the service has no trust policy yet")
    return await cached(request, policy.format(), control=fresh_for(MINUTE))


# Snapshots ----------------------------------------------------------------------------------------


@router.get(
    "/v1/snapshots/{digest}",
    **operation(
        "getSnapshot",
        summary="Get a trust snapshot",
        tag=_TAG,
        good=tagged(binary(SNAPSHOT, "The snapshot's file; its digest is the entity tag.")),
    ),
)
async def get_snapshot(
    request: Request,
    caller: Asking,
    digest: Annotated[str, Path(pattern="^(latest|[0-9a-f]{64})$")],
) -> Response:
    """`latest`, or one of the last few by its digest."""
    service = service_of(request)
    made = (
        service.snapshots.at((await _newest_checkpoint(request)).note)
        if digest == "latest"
        else None
    )
    if made is None:
        made = await service.pools.prove(request, _snapshot, service, digest)
    control = fresh_for(MINUTE) if digest == "latest" else IMMUTABLE
    return await _binary(request, made.data, SNAPSHOT, control, made.digest)


def _snapshot(service: Service, digest: str) -> SnapshotFile:
    with service.snapping:
        made = service.snapshots.latest() if digest == "latest" else service.snapshots.find(digest)
    if made is None:
        raise ResourceUnknownError(f"no snapshot {digest}, or it is too old")
    return made


@router.get(
    "/v1/snapshots/{digest}/delta",
    **operation(
        "getDelta",
        summary="Get the delta from a snapshot to the newest",
        tag=_TAG,
        good=tagged(binary(DELTA, "The delta's file; its entity tag is the newest's digest.")),
    ),
)
async def get_delta(request: Request, caller: Asking, digest: Digest) -> Response:
    """404 if the snapshot is too old; fetch the newest one instead."""
    service = service_of(request)

    def find() -> tuple[bytes, SnapshotFile] | None:
        with service.snapping:
            return service.snapshots.delta(digest)

    found = await service.pools.prove(request, find)
    if found is None:
        raise ResourceUnknownError(f"no snapshot {digest}, or it is too old")
    return await _binary(request, found[0], DELTA, fresh_for(MINUTE), found[1].digest)


async def _binary(request: Request, data: bytes, media: str, control: str, tag: str) -> Response:
    """Return a file that is already compressed."""
    answer = await cached(request, b"", media=media, control=control, tag=tag)
    if answer.status_code != 304:
        answer = in_pieces(data, dict(answer.headers) | {"content-length": str(len(data))}, media)
    return answer


# Status lists -------------------------------------------------------------------------------------

LOCAL = "http://localhost"
"""Address in signed lists if `public_url` is not set."""
Form = Literal["token", "revocation", "suspension"]


Purposes = Literal["revocation", "suspension"]


@router.get(
    "/v1/status-lists/{issuer}",
    **operation(
        "getStatusList",
        summary="Get an issuer's status list",
        tag=_TAG,
        good=tagged(schema("StatusList", what="The list, as of the newest checkpoint.")),
    ),
)
async def get_status_list(
    request: Request,
    caller: Asking,
    issuer: Issuer,
    form: Annotated[
        Form,
        Query(description="IETF Token Status List, or W3C Bitstring Status List by purpose."),
    ] = "token",
) -> Response:
    """A copy for other tools; evidence or a snapshot proves a status."""
    return await _listed(request, issuer, form, JSON, f"?form={form}")


@router.get(
    "/v1/status-lists/{issuer}/token",
    **operation(
        "getStatusListToken",
        summary="Get an IETF Status List Token, signed by the operator",
        tag=_TAG,
        good=tagged(binary(STATUS_LIST, "A JWS in compact form.")),
    ),
)
async def get_status_list_token(request: Request, caller: Asking, issuer: Issuer) -> Response:
    """Its `sub` is this address under the configured public URL."""
    return await _listed(request, issuer, "token", STATUS_LIST, "/token")


@router.get(
    "/v1/status-lists/{issuer}/credential",
    **operation(
        "getStatusListCredential",
        summary="Get a W3C Bitstring Status List credential, signed by the operator",
        tag=_TAG,
        good=tagged(binary(CREDENTIAL, "A JWS in compact form.")),
    ),
)
async def get_status_list_credential(
    request: Request,
    caller: Asking,
    issuer: Issuer,
    purpose: Annotated[Purposes, Query(description="The meaning of a set bit.")] = "revocation",
) -> Response:
    """Its `id` is this address under the configured public URL."""
    rest = f"/credential?purpose={purpose}"
    return await _listed(request, issuer, purpose, CREDENTIAL, rest)


async def _listed(request: Request, issuer: str, form: Form, media: str, rest: str) -> Response:
    """Return a list in one form and media type; `rest` is the end of its address."""
    service = service_of(request)
    number = (await _newest_checkpoint(request)).number
    # Cache key: issuer, form and checkpoint; the address follows from the form.
    uri = f"{service.options.public_url or LOCAL}/v1/status-lists/{issuer}{rest}"
    key = (issuer, f"{media} {form}", number)
    current = service.lists.get(key)
    if current is None:
        current = await service.pools.prove(
            request, _status_list, service, issuer, form, media, uri
        )
        service.lists.put(key, current)
    return await cached(request, current, media=media, control=fresh_for(MINUTE))


def _status_list(service: Service, issuer: str, form: Form, media: str, uri: str) -> bytes:
    row = _issuer_row(service, issuer)
    checkpoint = _newest(service)
    with service.store.begin(write=False) as unit:
        words: Mapping[int, bytes] = unit.words(issuer, at=checkpoint.number)
    count, operator = row.state.certificates, service.ledger.operator
    about: dict[str, Json] = {
        "issuer": issuer,
        "checkpoint": checkpoint.number,
        "time": format_time(checkpoint.time),
        "certificates": count,
    }
    if form == "token":
        listed = token_status_list(words, count)
        if media == STATUS_LIST:
            return status_list_token(operator, uri, listed, checkpoint.time)
        return orjson.dumps({**about, "status_list": listed})
    subject = bitstring_status_list(words, count, form)
    credential = status_list_credential(operator, uri, subject, checkpoint.time)
    if media == CREDENTIAL:
        return secure(operator, credential)
    return orjson.dumps({**credential, "certledger": about})
