"""A client of the service for bodies and counters: it checks what is answered, and tries again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx
import orjson
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_before_delay
from tenacity.wait import wait_random_exponential

from ledger.keys import recover
from ledger.service.receipts import VerificationReceipt
from verifier.delta import apply_delta
from verifier.encoding import Json, format_canonical, from_base64url
from verifier.errors import Malformed, Refused
from verifier.evidence import Evidence
from verifier.hashing import sha256
from verifier.policy import LedgerPin
from verifier.receipts import show
from verifier.snapshot import Snapshot
from verifier.statements import Receipt

PATIENCE = 120.0
"""Seconds after which a request is given up."""
TIMEOUT = 60.0
LONGEST_WAIT = 30.0
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class ServiceRefuses(Refused):
    """The service refuses for good; `code` is its own, `status` that of HTTP."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code  # type: ignore[misc]  # the service's own code


class ServiceSilent(Refused):
    """The service gave no answer within our patience."""

    code = "service.silent"


class AnswerFalse(Refused):
    """The service answers what does not check: it is not believed."""

    code = "service.false"


class _Again(Exception):
    def __init__(self, status: int, wait: float | None) -> None:
        super().__init__(f"the service answers {status}")
        self.wait = wait


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What was told of one question, and the receipt that the operator signed for it."""

    result: Mapping[str, Json]
    words: Mapping[str, Json]
    receipt: VerificationReceipt

    @property
    def verdict(self) -> str:
        """One of the four verdicts."""
        return str(self.result["verdict"])


@dataclass(kw_only=True)
class Client:
    """Asks one service.  `ledger` and `operator` (an address) are what its answers must fit.

    The key is never shown; a snapshot that was fetched is kept, and brought up to date by deltas.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    ledger: LedgerPin
    operator: bytes
    patience: float = PATIENCE
    language: str = "zh"
    notice: Callable[[str], None] = lambda sentence: None
    _snapshot: Snapshot | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        headers = {"accept-language": self.language}
        if self.key is not None:
            headers["authorization"] = f"Bearer {self.key}"
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=TIMEOUT)

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Submitting -------------------------------------------------------------------------------

    def submit(self, data: bytes, digest: bytes, *, lines: bool = False) -> Json:
        """Hand in a batch; return the operator's receipt for the statement `digest` (32 bytes).

        `data` is one JSON object, or with `lines` gzip of JSON lines.  Doing it again harms nobody.

        Raises:
            ServiceRefuses, ServiceSilent: as they say.
            AnswerFalse: the receipt is for another statement, or not signed by the operator.
        """
        headers = {"content-type": "application/json"}
        if lines:
            headers = {"content-type": "application/jsonl", "content-encoding": "gzip"}
        answer = self._ask("POST", "/v1/batches", content=data, headers=headers)
        return self._receipt(answer.json(), digest)

    def submit_act(self, data: bytes, digest: bytes, path: str = "/v1/status-updates") -> Json:
        """Hand in a signed act at one of the paths for acts; as `submit`."""
        headers = {"content-type": "application/json"}
        answer = self._ask("POST", path, content=data, headers=headers)
        return self._receipt(answer.json(), digest)

    def wait_final(self, issuer: str, sequence: int, seconds: float = 600.0) -> Json:
        """Return how a batch stands once it is final, or when it can no longer come.

        Raises:
            ServiceSilent: neither within so many seconds.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found: Json = self._ask("GET", f"/v1/batches/{issuer}/{sequence}?wait=30").json()
            if found["state"] in ("final", "displaced", "expired"):
                return found
        raise ServiceSilent(f"batch {sequence} of {issuer} is not final after {seconds:g} seconds")

    def _receipt(self, answer: Json, digest: bytes) -> Json:
        try:
            content, signature = answer["receipt"], from_base64url(answer["signature"])
            signed = Receipt(content=sha256(format_canonical(content)))
            signer = recover(signed.digest(self.ledger.identity), signature)
        except (KeyError, TypeError, Refused) as error:
            raise AnswerFalse("the answer is no receipt") from error
        if signer != self.operator or content.get("digest") != digest.hex():
            raise AnswerFalse("the receipt is for another statement, or another signed it")
        return content

    # Verifying --------------------------------------------------------------------------------

    def verify(self, questions: Sequence[Json]) -> list[Verdict]:
        """Return what is told of 1 to 1,000 questions (as `POST /v1/verifications` takes them).

        Raises:
            ServiceRefuses, ServiceSilent: as they say.
            AnswerFalse: the receipt is not the operator's, or not for these results.
        """
        body = orjson.dumps(list(questions), option=orjson.OPT_SORT_KEYS)
        headers = {"content-type": "application/json"}
        told = self._ask("POST", "/v1/verifications", content=body, headers=headers).json()
        try:
            receipt = VerificationReceipt.from_json(told["receipt"])
            results = [one["result"] for one in told["results"]]
            receipt.check(self.operator)
            spelled = [orjson.dumps(one, option=orjson.OPT_SORT_KEYS) for one in results]
            receipt.check_results(spelled)
        except (KeyError, TypeError, Refused) as error:
            raise AnswerFalse(f"the receipt does not check: {error}") from error
        named = str(receipt.content["ledger"])
        if len(results) != len(questions) or named != self.ledger.identity.hex():
            raise AnswerFalse("the receipt is for other questions, or of another ledger")
        return [
            Verdict(result=one["result"], words=one["words"], receipt=receipt)
            for one in told["results"]
        ]

    def look_up(self, digest: bytes) -> Evidence | None:
        """Return evidence of the certificate with this lookup digest, None if there is none.

        Raises:
            AnswerFalse: the evidence is of another certificate.
        """
        body = orjson.dumps({"digest": digest.hex()})
        headers = {"content-type": "application/json"}
        told = self._ask("POST", "/v1/lookups", content=body, headers=headers).json()
        if not told["found"]:
            return None
        evidence = self.evidence(bytes.fromhex(told["leaf"]))
        if evidence.record.digests[0] != digest:
            raise AnswerFalse("the evidence is of another number")
        return evidence

    def evidence(self, leaf: bytes) -> Evidence:
        """Return evidence of the certificate with this leaf hash (32 bytes).

        What it claims is then checked by `verifier.verify`, as that of any file.

        Raises:
            AnswerFalse: it is no evidence, or of another certificate.
        """
        answer = self._ask("GET", f"/v1/evidence/{leaf.hex()}")
        try:
            evidence = Evidence.parse(answer.content)
        except Malformed as error:
            raise AnswerFalse(f"the answer is no evidence: {error}") from error
        if evidence.record.leaf() != leaf:
            raise AnswerFalse("the evidence is of another certificate")
        return evidence

    def prove(self, receipt: VerificationReceipt) -> Evidence:
        """Return evidence that a receipt is anchored in the operator's batches.

        What it claims is then checked by `verifier.receipts.check_anchored`.

        Raises:
            ServiceRefuses: with the code `receipt.pending`, where it is not anchored yet.
            AnswerFalse: it is no evidence, or of something else.
        """
        answer = self._ask("GET", f"/v1/verifications/{receipt.reference}/evidence")
        try:
            return show(Evidence.parse(answer.content), receipt.format(), receipt.reference)
        except Refused as error:
            raise AnswerFalse(f"the answer does not prove the receipt: {error}") from error

    def snapshot(self) -> Snapshot:
        """Return the newest trust snapshot, proved; a delta is fetched where one is held.

        Raises:
            AnswerFalse: it is not what the chain holds.
        """
        try:
            self._snapshot = self._newer(self._snapshot) or self._whole()
        except Refused as error:
            if isinstance(error, ServiceRefuses | ServiceSilent):
                raise
            raise AnswerFalse(f"the snapshot does not check: {error}") from error
        return self._snapshot

    def _whole(self) -> Snapshot:
        snapshot = Snapshot.parse(self._ask("GET", "/v1/snapshots/latest").content)
        snapshot.check(self.ledger)
        return snapshot

    def _newer(self, held: Snapshot | None) -> Snapshot | None:
        if held is None:
            return None
        try:
            answer = self._ask("GET", f"/v1/snapshots/{held.digest().hex()}/delta")
        except ServiceRefuses as error:
            if error.status == 404:
                return None
            raise
        return apply_delta(held, answer.content, self.ledger)

    # Asking -----------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
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
            raise ServiceSilent(f"{self.url} does not answer: {error}") from error

    def _tell(self, state: RetryCallState) -> None:
        if state.outcome is not None and state.next_action is not None:
            reason = state.outcome.exception()
            self.notice(f"{reason}; trying again in {state.next_action.sleep:.1f} s")

    def _once(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = self._http.request(method, path, **more)
        if answer.status_code in _AGAIN:
            raise _Again(answer.status_code, _retry_after(answer.headers))
        if not answer.is_success:
            raise _refusal(answer)
        return answer


def _wait(state: RetryCallState) -> float:
    """Return the seconds to wait: what the service asks and a little, else longer each time."""
    jitter = wait_random_exponential(multiplier=0.2, max=LONGEST_WAIT)(state)
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _Again) and error.wait is not None:
        # All who were told the same time would else come back at the same time.
        return error.wait + min(jitter, 1.0)
    return jitter


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, section 10.2.3)."""
    value = headers.get("retry-after", "")
    if value.isascii() and value.isdecimal():
        return float(value[:6])
    try:
        now = parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _refusal(answer: httpx.Response) -> ServiceRefuses:
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    told = problem if isinstance(problem, dict) else {}
    sentence = str(told.get("detail", f"the service answers {answer.status_code}"))
    return ServiceRefuses(answer.status_code, str(told.get("code", "service.refused")), sentence)
