"""The front page, which leads each user to theirs, and what a demo offers there to try."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller, caller_of
from certledger.api.auth.sessions import SESSION_SECONDS
from certledger.api.errors import ResourceUnknownError
from certledger.api.pages.page_route import read_form
from certledger.api.pages.renderer import redirect, render
from certledger.api.responses import raw
from certledger.api.service import Service, service_of
from certledger.ledger.core.service_values import ApiKey, Role

EXAMPLES = "example/tries.json"
"""What a demo wrote for its front page (`ledger/demo/tries.py`)."""
MAX_EXAMPLES_BYTES = 262_144
DEMO_COUNTER = "demo-desk"
DEMO_KEY_SECONDS = 86_400
DEMO_PAGES: Mapping[str, Role] = {
    "desk": Role.COUNTER,
    "issuer": Role.ISSUER,
    "registrar": Role.ADMINISTRATOR,
    "audit": Role.AUDITOR,
    "office": Role.AUDITOR,
}
"""The pages that a visitor of a demo enters without a key, and the role played there."""
DEMO_ISSUER = "example/body"
"""The path of the example's issuer, in a file of a demo (`ledger/demo/example_sheet.py`)."""
DEMO_SCOPES = {Role.ADMINISTRATOR: frozenset({"listIssuers"})}
"""What a role of a demo may call besides pages, where that is less than all of the role."""
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
"""Headers of a proxy on this machine, behind which the visitor is elsewhere."""
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names of this machine in addresses."""
_PORT = re.compile(r":[0-9]{1,5}$")
_MEDIA_TYPES = {".json": "application/json", ".pdf": "application/pdf"}


def load_examples(service: Service) -> Sequence[Mapping[str, Any]]:
    """Return the certificates that the demo of a home offers, none where there is no demo."""
    path = service.ledger.settings.home / EXAMPLES
    try:
        if path.stat().st_size > MAX_EXAMPLES_BYTES:
            return []
        found: Sequence[Mapping[str, Any]] = orjson.loads(path.read_bytes())["certificates"]
    except (OSError, ValueError, KeyError):
        return []
    return found


async def show_front(request: Request, caller: Caller) -> Response:
    """Show the front page."""
    service = service_of(request)
    examples = await service.pools.read(request, load_examples, service)
    return await render(
        request,
        "front.html",
        examples=examples,
        demo_pages=tuple(DEMO_PAGES),
        may_play=bool(examples) and is_local(request),
    )


async def demo_page(request: Request, path: str) -> str:
    """Return the name of the page at a path if the visitor may enter it without a key, else ""."""
    name = path.removeprefix("/")
    return name if await _may_enter(request, name) else ""


async def _may_enter(request: Request, name: str) -> bool:
    """Return whether this is a demo, and the visitor may enter the page of this name."""
    if name not in DEMO_PAGES or not is_local(request):
        return False
    service = service_of(request)
    return bool(await service.pools.read(request, load_examples, service))


def is_local(request: Request) -> bool:
    """Return whether a request comes from this machine, where a demo's key may be used.

    It must name this machine too: a foreign name that resolves to it is another site's page.
    """
    if any(name in request.headers for name in FORWARDED):
        return False
    if _PORT.sub("", request.headers.get("host", "")) not in LOCAL_HOSTS:
        return False
    try:
        return ip_address((request.scope.get("client") or "?")[0]).is_loopback
    except ValueError:
        return False


async def enter_demo(request: Request, caller: Caller) -> Response:
    """Begin a session on a page of a demo, without a key; only on this machine.

    Raises:
        ResourceUnknownError: this is no demo, there is no such page, or the visitor is elsewhere.
    """
    form = await read_form(request)
    service, name = service_of(request), form.get("page", "")
    if not await _may_enter(request, name):
        raise ResourceUnknownError("no resource at this path")
    stored, key = await service.pools.read(request, _demo_key, service, name)
    response = redirect(f"/{name}")
    opened = await service.pools.read(
        request,
        partial(service.registry.begin, caller_of(stored).id, seconds=SESSION_SECONDS),
    )
    service.sessions.begin(response, opened, key=key)
    return response


def _demo_key(service: Service, name: str) -> tuple[ApiKey, str]:
    """Make the key of a session on a page of a demo."""
    role = DEMO_PAGES[name]
    issuer = service.ledger.settings.home / DEMO_ISSUER
    return service.keys.create(
        name=f"demo {name}",
        role=role,
        issuer=Path(issuer.read_text("utf-8")).name if role is Role.ISSUER else None,
        counter=DEMO_COUNTER if role is Role.COUNTER else None,
        scopes=DEMO_SCOPES.get(role, frozenset()),
        expires=int(service.clock()) + DEMO_KEY_SECONDS,
    )


async def get_demo_file(request: Request, caller: Caller) -> Response:
    """Return a file that the front page offers.

    Raises:
        ResourceUnknownError: it offers no such file.
    """
    service, name = service_of(request), request.path_params["name"]
    examples = await service.pools.read(request, load_examples, service)
    offered = {file for one in examples for file in one["files"].values()}
    if name not in offered:
        raise ResourceUnknownError("no resource at this path")
    path = service.ledger.settings.home / name
    data = await service.pools.read(request, path.read_bytes)
    disposition = f'attachment; filename="{path.name}"'
    return raw(data, media=_MEDIA_TYPES[path.suffix], content_disposition=disposition)
