"""Make a decision again from what was published and what the counter stored, and compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError, ExitStatus, MalformedError
from certledger.verifier.formats.canonical_json import Json, Members, parse
from certledger.verifier.reform.book import ApplicantKind
from certledger.verifier.reform.book_edition import BookEdition
from certledger.verifier.reform.decision import DecisionBasis, Judging, decide
from certledger.verifier.reform.operator_record import (
    DECISION_TYPE,
    MAX_DECISION_EVIDENCE,
    OperatorRecord,
)
from certledger.verifier.verify.full import Question, verify_bytes

MAX_ANSWER_BYTES = 16 * 2**20


class OtherEditionError(CertledgerError):
    """The decision names another edition of the book than the one at hand."""

    code = "decision.other_edition"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionFile:
    """What a counter keeps of a decision: the operator's record and the evidence it rests on."""

    record: OperatorRecord
    bundle: Sequence[bytes]

    @classmethod
    def parse(cls, data: bytes) -> DecisionFile:
        """Return the decision of a service's answer.

        Raises:
            MalformedError: it is none.
        """
        value = parse(data, MAX_ANSWER_BYTES)
        read = Members(value, "answer")
        record = OperatorRecord.parse(_canonical(read.take("record")))
        if record.type != DECISION_TYPE:
            raise MalformedError("schema.version", f"{record.type} is no record of a decision")
        bundle = [_canonical(one) for one in read.array("bundle", 0, MAX_DECISION_EVIDENCE)]
        return cls(record=record, bundle=bundle)


def _canonical(value: Json) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionReplay:
    """A decision made again; `differences` has what was stated and what came out, by member."""

    outcome: str
    words_en: str
    words_zh: str
    differences: dict[str, tuple[Json, Json]]


def replay(
    decision: DecisionFile,
    edition: BookEdition,
    question: Question,
    judging: Judging = verify_bytes,
) -> DecisionReplay:
    """Make a decision again; the question's `now` is that of the record.

    Raises:
        OtherEditionError: the edition is not the one that the decision names.
        BookUnknownError: the edition does not have the item.
    """
    stated = decision.record.details
    if edition.digest.hex() != stated["book"]:
        raise OtherEditionError(f"the decision rests on {stated['book']}, this is another edition")
    basis = DecisionBasis(
        edition=edition,
        item=str(stated["item"]),
        applicant=ApplicantKind(str(stated["applicant"])),
        files=decision.bundle,
        question=question,
    )
    result = decide(basis, judging)
    found, leaves = result.decision, sha256(b"".join(result.leaves)).hex()
    again = {**result.details, "outcome": found.outcome, "leaves_digest": leaves}
    content = decision.record.content
    before = {**stated, "outcome": content["outcome"], "leaves_digest": content["leaves"]}
    return DecisionReplay(
        outcome=found.outcome,
        words_en=found.words.en,
        words_zh=found.words.zh,
        differences={
            name: (before.get(name), again[name])
            for name in sorted(again)
            if before.get(name) != again[name]
        },
    )
