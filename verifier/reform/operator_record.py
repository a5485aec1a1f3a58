"""The operator's signed records of the reform: editions, decisions, samples.

A record joins the chain of verification receipts and is anchored as they are (SPEC section 23).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError, ExitStatus, MalformedError
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    format_time,
    from_base64url,
    from_hex,
    parse_canonical,
    parse_time,
)
from certledger.verifier.formats.record import read_day
from certledger.verifier.formats.statements import Receipt
from certledger.verifier.verify.operator_document import OperatorDocument

MAX_OPERATOR_RECORD_BYTES = 65_536
MAX_CALLER_CHARACTERS = 80
MAX_DECISION_EVIDENCE = 100
_APPLICANTS = frozenset({"person", "foreigner", "company"})
EDITION_TYPE = "certledger/book-edition/1"
EDITION = "edition"
"""The outcome of an edition's record."""
DECISION_TYPE = "certledger/decision/1"
GRANTED, REFUSED, PERSON = "granted", "refused", "person"
DECIDED = (GRANTED, REFUSED, PERSON)
"""The outcomes of decisions."""
SAMPLE_TYPE = "certledger/sample/1"
SAMPLE = "sample"
"""The outcome of a sample's record."""
MAX_CANDIDATES = 65_536
MAX_DELAY_BLOCKS = 256
RECORD_OUTCOMES = (EDITION, *DECIDED, SAMPLE)
"""The outcomes of records; none is a verdict."""
_REFERENCE = re.compile("[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}")


class RecordInvalidError(CertledgerError):
    """A record is not signed by whom it should be."""

    code = "operator_record.invalid"
    exit_status = ExitStatus.AGAINST


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorRecord(OperatorDocument):
    """A signed statement of the operator: common members, and `details` by its type."""

    INVALID = RecordInvalidError

    @property
    def type(self) -> str:
        """What it is a record of."""
        return str(self.content["type"])

    @property
    def details(self) -> Mapping[str, Json]:
        """What its type adds."""
        details: Mapping[str, Json] = self.content["details"]
        return details

    @property
    def outcome(self) -> str:
        """Its result in a word."""
        return str(self.content["outcome"])

    @property
    def checked(self) -> int:
        """The instant it is for, in seconds."""
        return parse_time(str(self.content["checked"]))

    @property
    def columns(self) -> dict[str, Json]:
        """The columns of its row that follow from it."""
        return {
            "number": self.number,
            "reference": self.reference,
            "caller": self.content["caller"],
            "checked": self.checked,
            "verdict": self.outcome,
        }

    @classmethod
    def parse(cls, data: bytes) -> OperatorRecord:
        """Return the record of a file's bytes.

        Raises:
            MalformedError: it is no record of an operator.
        """
        read = Members(parse_canonical(data, MAX_OPERATOR_RECORD_BYTES), "file")
        content, signature = read.take("receipt"), read.text("signature", longest=100)
        read.done()
        _check_content(Members(content, "receipt"))
        return cls(content=content, signature=from_base64url(signature))


def is_record(value: Json) -> bool:
    """Return whether a file's value is that of a record, by the type that it names."""
    content = value.get("receipt") if type(value) is dict else None
    return type(content) is dict and content.get("type") in DETAILS


def record_digest(content: Mapping[str, Json]) -> bytes:
    """Return what is signed of a record (32 bytes)."""
    identity = from_hex(str(content["ledger"]), 32)
    return Receipt.of_content(dict(content)).digest(identity)


def record_content(
    kind: str,
    details: Mapping[str, Json],
    *,
    outcome: str,
    identity: bytes,
    operator: bytes,
    reference: str,
    caller: str,
    checked: int,
    leaves: Sequence[bytes] = (),
) -> dict[str, Json]:
    """Return the content of a record of a type, but for its number and the one before.

    `leaves` are those of the certificates that it rests on, 32 bytes each.
    """
    return {
        "caller": caller,
        "checked": format_time(checked),
        "details": dict(details),
        "leaves": sha256(b"".join(leaves)).hex(),
        "ledger": identity.hex(),
        "operator": operator.hex(),
        "outcome": outcome,
        "reference": reference,
        "type": kind,
    }


def _check_content(read: Members) -> None:
    kind = read.text("type", longest=64)
    if kind not in DETAILS:
        raise MalformedError("schema.version", f"{kind!r} is no record that is known")
    for name in ("ledger", "leaves", "previous"):
        from_hex(read.text(name), 32)
    from_hex(read.text("operator"), 20)
    read.text("caller", longest=MAX_CALLER_CHARACTERS)
    parse_time(read.text("checked"))
    read.text("reference", _REFERENCE)
    read.integer("number", 1)
    details, outcome = read.inner("details"), read.text("outcome", longest=16)
    read.done()
    DETAILS[kind](details, outcome)
    details.done()


def _check_edition(details: Members, outcome: str) -> None:
    from_hex(details.text("book"), 32)
    details.integer("edition", 1)
    read_day(details, "from")
    if outcome != EDITION:
        raise MalformedError("schema.invalid", f"an edition's outcome is {EDITION}")


def _check_decision(details: Members, outcome: str) -> None:
    if details.text("applicant", longest=16) not in _APPLICANTS:
        details.fail("applicant", "person, foreigner or company")
    from_hex(details.text("book"), 32)
    details.text("code", longest=64)
    details.text("item", longest=24)
    for name in ("condition", "line", "policy", "rule"):
        details.integer(name)
    for name in ("evidence", "leaves"):
        for one in details.array(name, 0, MAX_DECISION_EVIDENCE):
            from_hex(one if type(one) is str else "", 32)
    if outcome not in DECIDED:
        raise MalformedError("schema.invalid", f"{outcome!r} is no outcome of a decision")


def _check_sample(details: Members, outcome: str) -> None:
    from_hex(details.text("candidates"), 32)
    count = details.integer("count", 1, MAX_CANDIDATES)
    details.integer("delay", 1, MAX_DELAY_BLOCKS)
    first = details.integer("first", 1)
    details.integer("last", first)
    details.integer("size", 1, count)
    if outcome != SAMPLE:
        raise MalformedError("schema.invalid", f"a sample's outcome is {SAMPLE}")


DETAILS: dict[str, Callable[[Members, str], None]] = {
    DECISION_TYPE: _check_decision,
    EDITION_TYPE: _check_edition,
    SAMPLE_TYPE: _check_sample,
}
"""What checks the details of each type, with the outcome."""
