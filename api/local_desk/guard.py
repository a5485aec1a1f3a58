"""Who may call the issuer's desk: the browser that the command's link was opened in.

The desk listens on loopback, where other programs and other users of the computer can call it, and
any site that the clerk visits can try to.
"""

from __future__ import annotations

import hmac
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certledger.api.pages.renderer import PAGE_HEADERS

HEADERS = {
    **PAGE_HEADERS,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Nothing for other sites; for our own forms the origin, which "no-referrer" would hide.
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
SAFE = frozenset({"GET", "HEAD"})


class DeskGuard:
    """ASGI middleware that lets in one browser, by a secret in the path.

    The command prints a link that works once and leads to the pages under `/SECRET/`.  The secret
    stands in for a cookie, which all ports of one host would share, and for the token of a form:
    no other site knows an address here.  Host and origin are compared too, so that a foreign name
    that resolves to loopback reaches nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._secret, self._link = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._is_open = False
        self._hosts: frozenset[str] = frozenset()

    def link(self, port: int) -> str:
        """Return the link that works once; from now on requests to this port are served."""
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        return f"http://127.0.0.1:{port}/{self._link}/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request of the desk's own pages."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        first = scope["path"].split("/", 2)[1] if "/" in scope["path"] else ""
        if not self._is_ours(scope):
            await _answer(send, 403, b"The request is not of this desk's own pages.\n")
        elif _same(first, self._secret):
            await self._app({**scope, "root_path": f"/{first}"}, receive, _with_headers(send))
        elif _same(first, self._link) and scope["method"] == "GET":
            if self._is_open:
                await _answer(send, 410, "此链接已用过，请重新运行命令。\n".encode() + _USED)
                return
            self._is_open = True
            await _answer(send, 303, b"", location=f"/{self._secret}/")
        else:
            await _answer(send, 404, b"Open the link that the command has printed.\n")

    def _is_ours(self, scope: Scope) -> bool:
        headers: dict[bytes, str] = {
            name: value.decode("latin-1") for name, value in scope["headers"]
        }
        if headers.get(b"host") not in self._hosts:
            return False
        origin = headers.get(b"origin")
        if origin is None:
            return str(scope["method"]) in SAFE  # Browsers name the origin of every form.
        return origin == f"http://{headers[b'host']}"


_USED = b"This link was used before: run the command again.\n"


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _with_headers(send: Send) -> Send:
    """Add the headers of pages to an answer, unless it has its own."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(pair for pair in _encoded(HEADERS) if pair[0] not in present),
            ]
        await send(message)

    return sending


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


async def _answer(send: Send, status: int, text: bytes, location: str | None = None) -> None:
    headers = _encoded({**HEADERS, "content-type": "text/plain; charset=utf-8"})
    headers.append((b"content-length", str(len(text)).encode()))
    if location is not None:
        headers.append((b"location", location.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
