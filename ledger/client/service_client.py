"""Client of the service for issuers and counters: checks every answer, and retries."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from certledger.ledger.client.transport import (
    AnswerInvalidError,
    ServerClient,
    ServerRefusedError,
    ServerUnreachableError,
    check_receipt,
)
from certledger.ledger.verification.verification_receipt import VerificationReceipt
from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats.canonical_json import Json, parse_time
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.snapshot import MAX_SNAPSHOT_BYTES, Snapshot
from certledger.verifier.formats.snapshot_delta import apply_delta
from certledger.verifier.verify.receipt import show

PATIENCE = 120.0
"""Seconds after which a request is given up."""
CLOCKS_DIFFER = 300.0
"""Bound of the difference between our clock and the service's, in seconds."""
_ENDED = frozenset({"final", "displaced", "expired", "rejected"})


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedVerdict:
    """The result of one question, and the receipt that the operator signed for it."""

    result: Mapping[str, Json]
    words: Mapping[str, Json]
    receipt: VerificationReceipt

    @property
    def verdict(self) -> str:
        """One of the four verdicts."""
        return str(self.result["verdict"])


@dataclass(kw_only=True)
class Client:
    """Client of one service, whose answers must fit `ledger` and `operator` (an address).

    The last snapshot is cached, and updated by deltas.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    ledger: LedgerPin
    operator: bytes
    patience: float = PATIENCE
    language: str = "zh"
    notice: Callable[[str], None] = lambda sentence: None
    clock: Callable[[], float] = time.time
    _snapshot: Snapshot | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._asker = ServerClient(
            url=self.url,
            token=self.key,
            patience=self.patience,
            headers={"accept-language": self.language},
            notice=self.notice,
        )

    # Submitting -------------------------------------------------------------------------------

    def submit(self, data: bytes, digest: bytes, *, lines: bool = False) -> Json:
        """Submit a batch; return the operator's receipt for the statement `digest` (32 bytes).

        `data` is one JSON object, or with `lines` gzip of JSON lines.  Safe to repeat.

        Raises:
            ServerRefusedError, ServerUnreachableError: as they say.
            AnswerInvalidError: the receipt is for another statement, or not signed by the operator.
        """
        headers = {"content-type": "application/json"}
        if lines:
            headers = {"content-type": "application/jsonl", "content-encoding": "gzip"}
        answer = self._asker.ask("POST", "/v1/batches", content=data, headers=headers)
        return self._receipt(answer.json(), digest)

    def submit_act(self, data: bytes, digest: bytes, path: str = "/v1/status-updates") -> Json:
        """Submit a signed act at one of the paths for acts; as `submit`."""
        headers = {"content-type": "application/json"}
        answer = self._asker.ask("POST", path, content=data, headers=headers)
        return self._receipt(answer.json(), digest)

    def wait_final(self, issuer: str, sequence: int, digest: bytes, seconds: float = 600.0) -> Json:
        """Wait until a batch is final or dead; return the service's description of it.

        `digest` (32 bytes) is that of its statement.  The service's word proves nothing: evidence
        of a certificate in the batch does.

        Raises:
            ServerUnreachableError: neither within `seconds`.
            AnswerInvalidError: another batch has this sequence.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            path = f"/v1/batches/{issuer}/{sequence}"
            found: Json = self._asker.ask("GET", path, params={"wait": 30}).json()
            if found["digest"] != digest.hex():
                raise AnswerInvalidError(f"another batch stands at {sequence} of {issuer}")
            if found["state"] in _ENDED:
                return found
        raise ServerUnreachableError(
            f"batch {sequence} of {issuer} is not final after {seconds:g} seconds"
        )

    def _receipt(self, answer: Json, digest: bytes) -> Json:
        identity = self.ledger.identity
        return check_receipt(answer, digest=digest, identity=identity, operator=self.operator)[0]

    # Verifying --------------------------------------------------------------------------------

    def verify(self, questions: Sequence[Json]) -> list[SignedVerdict]:
        """Ask 1 to 1,000 questions (as `POST /v1/verifications` takes them).

        Raises:
            ServerRefusedError, ServerUnreachableError: as they say.
            AnswerInvalidError: the receipt is not the operator's, or not for these results and now,
                or a result is of another certificate than the question.
        """
        body = orjson.dumps(list(questions), option=orjson.OPT_SORT_KEYS)
        headers = {"content-type": "application/json"}
        asked = self.clock()
        response = self._asker.ask(
            "POST", "/v1/verifications", content=body, headers=headers
        ).json()
        try:
            receipt = VerificationReceipt.from_json(response["receipt"])
            results = [one["result"] for one in response["results"]]
            receipt.check(self.operator)
            spelled = [orjson.dumps(one, option=orjson.OPT_SORT_KEYS) for one in results]
            receipt.check_results(spelled)
            checked = parse_time(str(receipt.content["checked"]))
        except (KeyError, TypeError, CertledgerError) as error:
            raise AnswerInvalidError(f"the receipt does not check: {error}") from error
        named = str(receipt.content["ledger"])
        if len(results) != len(questions) or named != self.ledger.identity.hex():
            raise AnswerInvalidError("the receipt is for other questions, or of another ledger")
        # A replayed answer has a valid signature too; its time shows it.
        if not asked - CLOCKS_DIFFER <= checked <= self.clock() + CLOCKS_DIFFER:
            raise AnswerInvalidError(f"the answer is of {receipt.content['checked']}, not of now")
        for question, result in zip(questions, results, strict=True):
            _check_about(question, result)
        return [
            SignedVerdict(result=one["result"], words=one["words"], receipt=receipt)
            for one in response["results"]
        ]

    def look_up(self, digest: bytes) -> Evidence | None:
        """Return evidence of the certificate with this lookup digest, None if there is none.

        Raises:
            AnswerInvalidError: the evidence is of another certificate.
        """
        body = orjson.dumps({"digest": digest.hex()})
        headers = {"content-type": "application/json"}
        response = self._asker.ask("POST", "/v1/lookups", content=body, headers=headers).json()
        if not response["found"]:
            return None
        evidence = self.evidence(bytes.fromhex(response["leaf"]))
        if evidence.record.digests[0] != digest:
            raise AnswerInvalidError("the evidence is of another number")
        return evidence

    def evidence(self, leaf: bytes) -> Evidence:
        """Return evidence of the certificate with this leaf hash (32 bytes), not yet verified.

        Raises:
            AnswerInvalidError: it is no evidence, or of another certificate.
        """
        answer = self._asker.ask("GET", f"/v1/evidence/{leaf.hex()}")
        try:
            evidence = Evidence.parse(answer.content)
        except MalformedError as error:
            raise AnswerInvalidError(f"the answer is no evidence: {error}") from error
        if evidence.record.leaf() != leaf:
            raise AnswerInvalidError("the evidence is of another certificate")
        return evidence

    def prove(self, receipt: VerificationReceipt) -> Evidence:
        """Return evidence that a receipt is anchored in the operator's batches.

        `verifier.verify.receipt.check_anchored` verifies it.

        Raises:
            ServerRefusedError: with the code `receipt.pending`, if it is not anchored yet.
            AnswerInvalidError: it is no evidence, or of something else.
        """
        answer = self._asker.ask("GET", f"/v1/verifications/{receipt.reference}/evidence")
        try:
            return show(Evidence.parse(answer.content), receipt.format(), receipt.reference)
        except CertledgerError as error:
            raise AnswerInvalidError(f"the answer does not prove the receipt: {error}") from error

    def snapshot(self) -> Snapshot:
        """Return the newest trust snapshot, checked; by a delta if one is cached.

        Raises:
            AnswerInvalidError: it contradicts the chain's proofs, or is older than the cached one.
        """
        try:
            found = self._newer(self._snapshot) or self._whole()
        except CertledgerError as error:
            if isinstance(error, ServerRefusedError | ServerUnreachableError):
                raise
            raise AnswerInvalidError(f"the snapshot does not check: {error}") from error
        if self._snapshot is not None and _block(found) < _block(self._snapshot):
            raise AnswerInvalidError("the snapshot is older than the cached one")
        self._snapshot = found
        return found

    def _whole(self) -> Snapshot:
        answer = self._asker.ask("GET", "/v1/snapshots/latest", longest=MAX_SNAPSHOT_BYTES)
        snapshot = Snapshot.parse(answer.content)
        snapshot.check(self.ledger)
        return snapshot

    def _newer(self, current: Snapshot | None) -> Snapshot | None:
        if current is None:
            return None
        try:
            path = f"/v1/snapshots/{current.digest().hex()}/delta"
            answer = self._asker.ask("GET", path, longest=MAX_SNAPSHOT_BYTES)
        except ServerRefusedError as error:
            if error.status == 404:
                return None
            raise
        return apply_delta(current, answer.content, self.ledger)


def _block(snapshot: Snapshot) -> int:
    return snapshot.note.checkpoint.number


def _check_about(question: Json, result: Json) -> None:
    """Check that a result is of the certificate in the question.

    Raises:
        AnswerInvalidError: it is of another.
    """
    try:
        if "evidence" in question:
            data = orjson.dumps(question["evidence"], option=orjson.OPT_SORT_KEYS)
            record = Evidence.parse(data).record
        elif "code" in question:
            record = Compact.parse(question["code"]).record
        else:
            return  # A lookup digest does not determine the leaf.
    except CertledgerError:
        wanted = None
    else:
        wanted = record.leaf().hex()
    verdict, leaf = result.get("verdict"), result.get("certificate", {}).get("leaf")
    relied_on = verdict in ("valid", "not_in_force")
    if (leaf is not None or relied_on) and leaf != wanted:
        raise AnswerInvalidError("a result is of another certificate than was asked about")
