"""HTTP requests to a server, retried while it is unreachable or busy (Retry-After)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode
from urllib.request import Request

import orjson
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_before_delay
from tenacity.wait import wait_random_exponential

from certledger.ledger.keys import recover
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import Json, from_base64url
from certledger.verifier.formats.statements import Receipt
from certledger.verifier.http_client import (
    AnswerTooLongError,
    NoAnswerError,
    Response,
    exchange,
    is_server_address,
    retry_after,
)

TIMEOUT = 60.0
"""Timeout of a request with its answer, in seconds, plus the time to upload its body."""
MIN_UPLOAD_RATE = 65_536
"""Bytes a second that an upload must reach; slower ones are given up."""
MAX_ANSWER_BYTES = 32 << 20
"""Default bound of an answer's bytes."""
MAX_WAIT_SECONDS = 60.0
"""Longest wait between two tries without Retry-After, in seconds."""
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class ServerRefusedError(CertledgerError):
    """The server refuses for good; `code` is the one it gave, `status` that of HTTP."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code  # The server's own code, or `server.refused`.


class ServerUnreachableError(CertledgerError):
    """The server gave no answer within `patience`."""

    code = "server.silent"


class AnswerInvalidError(CertledgerError):
    """The server's answer does not check, so it is rejected."""

    code = "server.false"


class _RetryError(Exception):
    """The server is busy; try again after `wait` seconds, if it says so."""

    def __init__(self, status: int, wait: float | None) -> None:
        super().__init__(f"the server answers {status}")
        self.wait = wait


@dataclass(frozen=True, slots=True)
class ServerResponse:
    """A successful response."""

    url: str
    content: bytes

    def json(self) -> Json:
        """Parse the response as JSON.

        Raises:
            AnswerInvalidError: it is none.
        """
        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError as error:
            raise AnswerInvalidError(f"{self.url} does not answer in JSON") from error


@dataclass(kw_only=True)
class ServerClient:
    """Client of one server; `patience` and `timeout` are in seconds."""

    url: str
    token: str | None = field(default=None, repr=False)
    patience: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    notice: Callable[[str], None] = lambda sentence: None
    timeout: float = TIMEOUT

    def __post_init__(self) -> None:
        if not is_server_address(self.url):
            raise ServerUnreachableError(f"{self.url!r} is no address of a server")

    def ask(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, object] | None = None,
        longest: int = MAX_ANSWER_BYTES,
    ) -> ServerResponse:
        """Send a request and return its successful response; retry while the server is busy.

        `longest` bounds the bytes of the response.

        Raises:
            ServerRefusedError: the server refuses for good.
            ServerUnreachableError: no answer within `patience`.
            AnswerInvalidError: an answer that is longer than `longest`.
        """
        asked = self._request(method, path, content, headers or {}, params or {})
        retrying = Retrying(
            retry=retry_if_exception_type((_RetryError, NoAnswerError)),
            stop=stop_before_delay(self.patience),
            wait=_wait,
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            response = retrying(self._once, asked, longest)
        except (_RetryError, NoAnswerError) as error:
            raise ServerUnreachableError(f"{self.url} does not answer: {error}") from error
        except AnswerTooLongError as error:
            raise AnswerInvalidError(f"{self.url} answers over {longest} bytes") from error
        return ServerResponse(self.url, response.body)

    def _request(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
        params: Mapping[str, object],
    ) -> Request:
        given = {**self.headers, **headers}
        if self.token:
            given["authorization"] = f"Bearer {self.token}"
        query = f"?{urlencode(params)}" if params else ""
        url = self.url.rstrip("/") + quote(path) + query
        return Request(url, data=content, headers=given, method=method)

    def _tell(self, state: RetryCallState) -> None:
        if state.outcome is not None and state.next_action is not None:
            reason = state.outcome.exception()
            self.notice(f"{reason}; trying again in {state.next_action.sleep:.0f} s")

    def _once(self, request: Request, longest: int) -> Response:
        # The timeout grows with the upload, not with the answer.
        content = request.data
        upload = len(content) / MIN_UPLOAD_RATE if isinstance(content, bytes) else 0.0
        answer = exchange(request, seconds=self.timeout + upload, longest=longest)
        if answer.status in _AGAIN:
            raise _RetryError(answer.status, retry_after(answer.headers))
        if not answer.is_success:
            raise _refusal(answer)
        return answer


def _wait(state: RetryCallState) -> float:
    """Return the seconds to wait: Retry-After with jitter, else exponential backoff."""
    jitter = wait_random_exponential(multiplier=0.2, max=MAX_WAIT_SECONDS)(state)
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _RetryError) and error.wait is not None:
        # Jitter, because all clients got the same Retry-After.
        return error.wait + min(jitter, 1.0)
    return jitter


def _refusal(answer: Response) -> ServerRefusedError:
    """Return the error of a problem document (RFC 9457)."""
    code, detail = "server.refused", f"the server answers {answer.status}"
    try:
        problem = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        problem = {}
    if isinstance(problem, dict):
        code = str(problem.get("code", code))[:80]
        detail = str(problem.get("detail", problem.get("title", detail)))[:2_000]
    return ServerRefusedError(answer.status, code, detail)


def check_receipt(
    answer: Json, *, digest: bytes, identity: bytes, operator: bytes | None
) -> tuple[Json, bytes]:
    """Check a submission receipt; return its content and its signer (20 bytes).

    `digest` (32 bytes) is that of the statement; `operator` is None if not known yet.

    Raises:
        AnswerInvalidError: it is none, is for another statement or ledger, or another signed it.
    """
    try:
        content, signature = answer["receipt"], from_base64url(answer["signature"])
        signer = recover(Receipt.of_content(content).digest(identity), signature)
        named = (content["digest"], content["ledger"])
    except (KeyError, TypeError, CertledgerError) as error:
        raise AnswerInvalidError("the answer is no receipt") from error
    if named != (digest.hex(), identity.hex()):
        raise AnswerInvalidError("the receipt is for another statement, or of another ledger")
    if operator is not None and signer != operator:
        raise AnswerInvalidError(f"the receipt is signed by 0x{signer.hex()}, not by the operator")
    return content, signer
