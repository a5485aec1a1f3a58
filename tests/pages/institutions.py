"""What the tests of the institutions' pages share: signed-in clients and tabs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from certledger.ledger.core.service_values import Role
from tests.pages.conftest import PageWorld


def csrf_of(text: str) -> str:
    """Return the CSRF token in a page."""
    found = re.search(r'name="csrf" content="([^"]+)"', text)
    assert found is not None
    return found[1]


@contextmanager
def signed_in(pages: PageWorld, key: str, language: str = "en") -> Iterator[httpx.Client]:
    """Yield a client with the session of a key."""
    with httpx.Client(
        base_url=pages.url, headers={"accept-language": language}, timeout=60.0
    ) as client:
        data = {"csrf": csrf_of(client.get("/sign-in").text), "key": key, "next": ""}
        assert client.post("/sign-in", data=data).status_code == 303
        yield client


def key_of(pages: PageWorld, role: Role) -> str:
    """Return the key of a role."""
    return pages.running.world.keys[role]


def open_signed_in(visit: Any, key: str, path: str) -> Any:
    """Sign a tab in by keyboard, and open a page in it."""
    page = visit.open(f"/sign-in?next={path}")
    page.wait_for_selector("#key:focus")
    page.keyboard.type(key)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    if not page.url.endswith(path):
        page.goto(visit.url + path)
    return page


def is_too_wide(page: Any, width: int) -> bool:
    """Return whether a page must be scrolled sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth") > width)
