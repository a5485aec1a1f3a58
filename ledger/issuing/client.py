"""Handing in over HTTP: the same bytes again until the server answers for good."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.issuing.envelopes import Envelope
from ledger.issuing.sealing import SUBMISSION
from ledger.issuing.workspace import Workspace
from verifier.encoding import Json, parse
from verifier.errors import Malformed, Refused
from verifier.statements import CatalogChange, StatusChange

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

PATIENCE = 600.0
"""Seconds after which handing in is given up; the same bytes may be handed in later."""
LONGEST_WAIT = 60.0
"""Seconds between two tries where the server does not say how long."""
TIMEOUT = 60.0
"""Seconds that one answer may take."""
LONGEST_ANSWER = 65_536
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
JSON, JSON_LINES = "application/json", "application/jsonl"


class HandingRefused(Refused):
    """The server refuses; `code` is the one it gave, `status` that of HTTP."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code  # type: ignore[misc]  # the server's own code, or `server.refused`


class ServerSilent(Refused):
    """The server could not be reached, or asked to wait for longer than our patience."""

    code = "server.silent"


class _Again(Exception):
    """The server asks to try again, after `wait` seconds where it says so."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """What is handed in: bytes, where to, and what they are."""

    path: str
    data: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A ledger's server: its address, and a token where it wants one (never shown)."""

    url: str
    token: str | None = None
    patience: float = PATIENCE

    def __repr__(self) -> str:
        return f"Server(url={self.url!r})"

    def hand_in(self, parcel: Parcel, notice: Callable[[str], None] | None = None) -> Json:
        """Hand in a parcel, again while the server is away or busy; return its answer.

        Doing it twice harms nobody: the same statement gets the same receipt.

        Raises:
            HandingRefused: the server refuses for good.
            ServerSilent: no answer within the server's patience.
        """
        import httpx
        from tenacity import Retrying, retry_if_exception_type, stop_before_delay

        headers = dict(parcel.headers)
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"

        def tell(state: RetryCallState) -> None:
            if notice is not None and state.outcome is not None and state.next_action is not None:
                reason = state.outcome.exception()
                notice(f"{reason}; trying again in {state.next_action.sleep:.0f} s")

        retrying = Retrying(
            retry=retry_if_exception_type((_Again, httpx.TransportError)),
            stop=stop_before_delay(self.patience),
            wait=_wait,
            before_sleep=tell,
            reraise=True,
        )
        try:
            with httpx.Client(base_url=self.url, timeout=TIMEOUT) as client:
                return retrying(self._once, client, parcel, headers)
        except (_Again, httpx.TransportError) as error:
            raise ServerSilent(f"{self.url} gave no receipt: {error}") from error
        except httpx.InvalidURL as error:
            raise ServerSilent(f"{self.url!r} is no address of a server") from error

    def _once(self, client: httpx.Client, parcel: Parcel, headers: Mapping[str, str]) -> Json:
        answer = client.post(parcel.path, content=parcel.data, headers=dict(headers))
        if answer.status_code in _AGAIN:
            wait = _retry_after(answer.headers.get("retry-after"), answer.headers.get("date"))
            raise _Again(f"the server answers {answer.status_code}", wait)
        if not answer.is_success:
            raise _refusal(answer)
        try:
            return parse(answer.content, LONGEST_ANSWER)
        except Malformed as error:
            reason = f"the answer of {self.url} is no receipt: {error}"
            raise HandingRefused(answer.status_code, "server.answer", reason) from error


def _wait(state: RetryCallState) -> float:
    """Return the seconds to wait: what the server asks, else longer each time, and uneven."""
    from tenacity import wait_random_exponential

    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Again) and error.wait is not None:
        return error.wait
    return wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT)(state)


def _retry_after(value: str | None, date: str | None) -> float | None:
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


def _refusal(answer: httpx.Response) -> HandingRefused:
    """Return the refusal that a problem document (RFC 9457) tells."""
    code, detail = "server.refused", f"the server answers {answer.status_code}"
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    if isinstance(problem, dict):
        code = str(problem.get("code", code))[:80]
        detail = str(problem.get("detail", problem.get("title", detail)))[:2000]
    return HandingRefused(answer.status_code, code, detail)


# What goes where -------------------------------------------------------------------------------


def parcel_of(path: Path) -> Parcel:
    """Return the parcel of a sealed folder, of a batch's file, or of an act's.

    Raises:
        Refused: there is no batch in the folder, or the file is neither batch nor act.
    """
    if path.is_dir():
        batch = Workspace(folder=path).batch_file
        if batch is None:
            raise Malformed("batch.missing", f"there is no sealed batch in {path}")
        return parcel_of(batch)
    if path.name.endswith(".gz"):
        headers = {"content-encoding": "gzip", "content-type": JSON_LINES}
        return Parcel(path="/v1/batches", data=path.read_bytes(), headers=headers)
    data = path.read_bytes()
    # The statement of a batch stands after its records, so the type is looked for at the end.
    where = "/v1/batches" if SUBMISSION.encode() in data[-200:] else _act_path(data)
    return Parcel(path=where, data=data, headers={"content-type": JSON})


def _act_path(data: bytes) -> str:
    statement = Envelope.parse(data).act.statement
    if isinstance(statement, StatusChange):
        return "/v1/status-updates"
    return "/v1/catalogs" if isinstance(statement, CatalogChange) else "/v1/acts"
