"""Verification receipts as records in the operator's own batches (SPEC section 21)."""

from __future__ import annotations

from dataclasses import dataclass

from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.formats.canonical_json import Json, format_time
from certledger.verifier.formats.catalog import Entry
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.record import (
    NUMBER,
    Disclosure,
    Record,
    access_code,
    derived_salt,
    digest_of,
    format_disclosure,
)
from certledger.verifier.verify.codes import WARNINGS
from certledger.verifier.verify.full import Question, verify
from certledger.verifier.verify.verdict import GENUINE, Result
from certledger.verifier.vocabulary import EntryKind, HolderKind, IssuerKind, Outcome, Verdict

DIGEST = "receipt_digest"
MAX_ANCHORING_SECONDS = 2 * 86_400
"""Seconds within which the operator must anchor a receipt."""
_CODE_TAG = b"certledger/1/receipt"
_CODE_BYTES = 10

RECEIPT_ENTRY = Entry(
    category="OP-RECEIPT",
    version=1,
    kind=EntryKind.PROOF,
    holder=HolderKind.OBJECT,
    name_zh="核验回执",
    name_en="Verification receipt",
    fields=(NUMBER, DIGEST),
    shown=(DIGEST,),
    months=None,
    lag_days=7,
)
"""Catalog entry of the operator: the number is the receipt's reference, the digest its file's."""


class OtherRecordError(CertledgerError):
    """The evidence is of another record than the receipt's."""

    code = "receipt.other_record"
    exit_status = ExitStatus.AGAINST


class OtherOperatorError(CertledgerError):
    """The record is in a batch of another issuer than the operator who signed the receipt."""

    code = "receipt.other_operator"
    exit_status = ExitStatus.AGAINST


def code_of(file: bytes) -> str:
    """Derive the access code of a receipt's record from its canonical bytes.

    Everyone with the receipt can compute it, so no operator can withhold the record; others cannot,
    since the file ends with a signature.
    """
    return access_code(sha256(_CODE_TAG + file)[:_CODE_BYTES])


def disclosures_of(file: bytes, reference: str) -> tuple[Disclosure, Disclosure]:
    """Return the disclosures of a receipt's record: number and digest."""
    code = code_of(file)
    statement = ((code, NUMBER, reference), (derived_salt(code, 1), DIGEST, sha256(file).hex()))
    number, digest = (
        Disclosure(text=format_disclosure(*parts), salt=parts[0], name=parts[1], value=parts[2])
        for parts in statement
    )
    return number, digest


def lookup_of(file: bytes, reference: str) -> bytes:
    """Return the lookup digest (32 bytes) of a receipt's record."""
    return digest_of(format_disclosure(code_of(file), NUMBER, reference))


def show(evidence: Evidence, file: bytes, reference: str) -> Evidence:
    """Return evidence of a receipt's record with both fields disclosed.

    Raises:
        OtherRecordError: the evidence is of another record.
    """
    disclosures = disclosures_of(file, reference)
    record = evidence.record
    wanted = tuple(part.digest for part in disclosures)
    order = (record.category, record.entry)
    if order != RECEIPT_ENTRY.order or record.digests != wanted:
        raise OtherRecordError(
            f"the evidence is of {record.issuer} {record.index}, not of this receipt"
        )
    return evidence.showing(disclosures)


_STATUSES = {
    Outcome.PASS: ExitStatus.OK,
    Outcome.FAIL: ExitStatus.AGAINST,
    Outcome.UNKNOWN: ExitStatus.UNDECIDED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AnchoredReceipt:
    """Whether a receipt is in the operator's batches, with the underlying checks."""

    outcome: Outcome
    record: Record
    result: Result

    @property
    def exit_status(self) -> ExitStatus:
        """The status that a command ends with."""
        return _STATUSES[self.outcome]

    def to_json(self) -> Json:
        """Return the result as JSON, with the checks that it depends on."""
        value: dict[str, Json] = {
            "checks": [finding.to_json() for finding in self.result.findings[: len(GENUINE)]],
            "index": self.record.index,
            "issuer": self.record.issuer,
            "outcome": str(self.outcome),
            "warnings": list(self.result.warnings),
        }
        if self.result.as_of is not None:
            value["as_of"] = format_time(self.result.as_of)
        if self.outcome is Outcome.PASS:
            value |= self.result.certificate["anchored"]
        return value

    def sentence(self) -> str:
        """Return the result as a sentence without a full stop."""
        place = f"record {self.record.index} of {self.record.issuer}"
        if self.outcome is Outcome.PASS:
            anchored = self.result.certificate["anchored"]
            warnings = [f"; {WARNINGS[one][0]} ({one})" for one in self.result.warnings]
            return f"it is {place}, anchored in block {anchored['block']}{''.join(warnings)}"
        open_ones = [one for one in self.result.findings[: len(GENUINE)] if one.code != "ok"]
        reasons = ", ".join(f"{one.to_json()['detail']} ({one.code})" for one in open_ones)
        failed = self.outcome is Outcome.FAIL
        return f"{place} {'does not prove it' if failed else 'cannot tell'}: {reasons}"


def check_anchored(
    evidence: Evidence, question: Question, *, file: bytes, reference: str, signer: bytes
) -> AnchoredReceipt:
    """Check that a receipt is in the operator's batches.

    Checks 1 to 6 must pass; later revocation, age or the operator's standing do not matter.
    `signer` (20 bytes) signed the receipt.

    Raises:
        OtherRecordError: the evidence is of another record.
        OtherOperatorError: the issuer is no operator, or the signer's key was never one of its
        keys.
    """
    shown, issuer = show(evidence, file, reference), evidence.issuer
    keys = {key.address for key in issuer.keys}
    if issuer.kind is not IssuerKind.OPERATOR or signer not in keys:
        raise OtherOperatorError(
            f"{issuer.issuer} is not the operator whose key is 0x{signer.hex()}"
        )
    result = verify(shown, question)
    passed = all(one.code == "ok" for one in result.findings[: len(GENUINE)])
    outcome = Outcome.PASS if passed else Outcome.UNKNOWN
    if result.verdict is Verdict.NOT_GENUINE:
        outcome = Outcome.FAIL
    return AnchoredReceipt(outcome=outcome, record=evidence.record, result=result)
