"""Asking a server over HTTP: again while it is away or busy, as it asks, until patience ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_before_delay
from tenacity.wait import wait_random_exponential

from ledger.keys import recover
from verifier.encoding import Json, format_canonical, from_base64url
from verifier.errors import Refused
from verifier.hashing import sha256
from verifier.statements import Receipt

TIMEOUT = 60.0
"""Seconds that one answer may take."""
LONGEST_WAIT = 60.0
"""Seconds between two tries where the server does not say how long."""
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class ServerRefuses(Refused):
    """The server refuses for good; `code` is the one it gave, `status` that of HTTP."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code  # The server's own code, or `server.refused`.


class ServerSilent(Refused):
    """The server gave no answer within our patience."""

    code = "server.silent"


class AnswerFalse(Refused):
    """The server answers what does not check: it is not believed."""

    code = "server.false"


class _Again(Exception):
    """The server asks to try again, after `wait` seconds where it says so."""

    def __init__(self, status: int, wait: float | None) -> None:
        super().__init__(f"the server answers {status}")
        self.wait = wait


@dataclass(kw_only=True)
class Asker:
    """Asks one server.  The token is never shown; `patience` is in seconds."""

    url: str
    token: str | None = field(default=None, repr=False)
    patience: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    notice: Callable[[str], None] = lambda sentence: None

    def __post_init__(self) -> None:
        headers = dict(self.headers)
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        try:
            self._http = httpx.Client(base_url=self.url, headers=headers, timeout=TIMEOUT)
        except httpx.InvalidURL as error:
            raise ServerSilent(f"{self.url!r} is no address of a server") from error

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Return the answer of success to a request, which is made again while it is put off.

        Raises:
            ServerRefuses: the server refuses for good.
            ServerSilent: no answer within our patience.
        """
        retrying = Retrying(
            retry=retry_if_exception_type((_Again, httpx.TransportError)),
            stop=stop_before_delay(self.patience),
            wait=_wait,
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            return retrying(self._once, method, path, **more)
        except (_Again, httpx.TransportError) as error:
            raise ServerSilent(f"{self.url} does not answer: {error}") from error
        except httpx.InvalidURL as error:
            raise ServerSilent(f"{self.url!r} is no address of a server") from error

    def _tell(self, state: RetryCallState) -> None:
        if state.outcome is not None and state.next_action is not None:
            reason = state.outcome.exception()
            self.notice(f"{reason}; trying again in {state.next_action.sleep:.0f} s")

    def _once(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = self._http.request(method, path, **more)
        if answer.status_code in _AGAIN:
            held = answer.headers
            raise _Again(answer.status_code, retry_after(held.get("retry-after"), held.get("date")))
        if not answer.is_success:
            raise _refusal(answer)
        return answer


def _wait(state: RetryCallState) -> float:
    """Return the seconds to wait: what the server asks and a little, else longer each time."""
    jitter = wait_random_exponential(multiplier=0.2, max=LONGEST_WAIT)(state)
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Again) and error.wait is not None:
        # All who were told the same time would else come back at the same time.
        return error.wait + min(jitter, 1.0)
    return jitter


def retry_after(value: str | None, date: str | None) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, section 10.2.3)."""
    if value is None:
        return None
    if value.isascii() and value.isdecimal():
        return float(value[:6])
    try:
        until = parsedate_to_datetime(value)
        return max(0.0, (until - parsedate_to_datetime(date or "")).total_seconds())
    except (TypeError, ValueError):
        return None


def _refusal(answer: httpx.Response) -> ServerRefuses:
    """Return the refusal that a problem document (RFC 9457) tells."""
    code, detail = "server.refused", f"the server answers {answer.status_code}"
    try:
        problem = answer.json()
    except (ValueError, RecursionError):
        problem = {}
    if isinstance(problem, dict):
        code = str(problem.get("code", code))[:80]
        detail = str(problem.get("detail", problem.get("title", detail)))[:2_000]
    return ServerRefuses(answer.status_code, code, detail)


def check_receipt(
    answer: Json, *, digest: bytes, identity: bytes, operator: bytes | None
) -> tuple[Json, bytes]:
    """Return what a receipt of something handed in says, and who signed it (20 bytes).

    `digest` (32 bytes) is that of the statement; `operator` is None where nobody knows it yet.

    Raises:
        AnswerFalse: it is none, is for another statement or ledger, or another signed it.
    """
    try:
        content, signature = answer["receipt"], from_base64url(answer["signature"])
        signed = Receipt(content=sha256(format_canonical(content)))
        signer = recover(signed.digest(identity), signature)
        named = (content["digest"], content["ledger"])
    except (KeyError, TypeError, Refused) as error:
        raise AnswerFalse("the answer is no receipt") from error
    if named != (digest.hex(), identity.hex()):
        raise AnswerFalse("the receipt is for another statement, or of another ledger")
    if operator is not None and signer != operator:
        raise AnswerFalse(f"the receipt is signed by 0x{signer.hex()}, not by the operator")
    return content, signer
