"""Client of the service for counters: checks every receipt, and retries."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from certledger.ledger.client.transport import (
    AnswerInvalidError,
    ServerClient,
)
from certledger.ledger.verification.verification_receipt import VerificationReceipt
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import Json, parse_time
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.policy import LedgerPin

PATIENCE = 120.0
"""Seconds after which a request is given up."""
CLOCKS_DIFFER = 300.0
"""Bound of the difference between our clock and the service's, in seconds."""


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
    """Client of one service, whose answers must fit `ledger` and `operator` (an address)."""

    url: str
    key: str | None = field(default=None, repr=False)
    ledger: LedgerPin
    operator: bytes
    patience: float = PATIENCE
    language: str = "zh"
    notice: Callable[[str], None] = lambda sentence: None
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self._asker = ServerClient(
            url=self.url,
            token=self.key,
            patience=self.patience,
            headers={"accept-language": self.language},
            notice=self.notice,
        )

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
