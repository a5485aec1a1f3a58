"""Samples of decisions that anybody can draw again from published data alone (SPEC section 27).

The list of candidates is anchored first; the seed is the hash of a block that comes after it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import orjson

from certledger.verifier.crypto.hashing import keccak, sha256
from certledger.verifier.errors import CertledgerError, ExitStatus, MalformedError
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    from_base64url,
    from_hex,
    parse_canonical,
    to_base64url,
)
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.state_proof import decode_list, decode_string
from certledger.verifier.reform.operator_record import (
    MAX_CANDIDATES,
    SAMPLE_TYPE,
    OperatorRecord,
)
from certledger.verifier.verify.full import Question
from certledger.verifier.verify.receipt import AnchoredReceipt, check_anchored

MAX_SAMPLE_BYTES = 32 * 2**20
MAX_HEADERS = 16_384
"""Blocks from that of the seed to that of the checkpoint; of 12 seconds each, two days."""
MAX_HEADER_BYTES = 2_048
_TAG = b"certledger/1/sample"
_PARENT, _NUMBER = 0, 8
"""Places in the list of a block header's fields."""


class SampleInvalidError(CertledgerError):
    """A sample is not what its record, its evidence and its blocks make of it."""

    code = "sample.invalid"
    exit_status = ExitStatus.AGAINST


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleFile:
    """What the operator publishes of a sample.

    Attributes:
        record: the signed record of the candidates.
        candidates: SHA-256 (32 bytes) of each decision's record file, ascending.
        evidence: bytes of the evidence that the record is anchored.
        headers: RLP of the block headers, from the seed's block to the checkpoint's.
    """

    TYPE: ClassVar[str] = "certledger/sample-file/1"

    record: OperatorRecord
    candidates: Sequence[bytes]
    evidence: bytes
    headers: Sequence[bytes]

    def format(self) -> bytes:
        """Return the canonical bytes of the file."""
        value = {
            "candidates": [one.hex() for one in self.candidates],
            "evidence": orjson.loads(self.evidence),
            "headers": [to_base64url(one) for one in self.headers],
            "record": orjson.loads(self.record.format()),
            "type": self.TYPE,
        }
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def parse(cls, data: bytes) -> SampleFile:
        """Return the sample of a file.

        Raises:
            MalformedError: it is none.
        """
        read = Members(parse_canonical(data, MAX_SAMPLE_BYTES), "file")
        read.const("type", cls.TYPE)
        record = OperatorRecord.parse(_canonical(read.take("record")))
        if record.type != SAMPLE_TYPE:
            raise MalformedError("schema.version", f"{record.type} is no record of a sample")
        sample = cls(
            record=record,
            candidates=[_hash(one) for one in read.array("candidates", 1, MAX_CANDIDATES)],
            evidence=_canonical(read.take("evidence")),
            headers=[_header(one) for one in read.array("headers", 1, MAX_HEADERS)],
        )
        read.done()
        return sample


def _canonical(value: Json) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _hash(value: Json) -> bytes:
    return from_hex(value if type(value) is str else "", 32)


def _header(value: Json) -> bytes:
    data = from_base64url(value if type(value) is str else "")
    if len(data) > MAX_HEADER_BYTES:
        raise MalformedError("schema.invalid", f"a header has at most {MAX_HEADER_BYTES} bytes")
    return data


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleCheck:
    """A sample that was drawn again: the candidates drawn, in order, and what it rests on."""

    drawn: Sequence[bytes]
    seed: bytes
    block: int
    anchored: AnchoredReceipt


def candidates_digest(candidates: Sequence[bytes]) -> bytes:
    """Return what a sample's record names of its candidates (32 bytes)."""
    return sha256(b"".join(candidates))


def drawn_seed(sample: SampleFile) -> tuple[bytes, int]:
    """Return the seed of a sample (32 bytes), and the block that gives it.

    Raises:
        SampleInvalidError: the headers are not the chain's.
    """
    evidence = Evidence.parse(sample.evidence)
    number = evidence.anchor.block + int(sample.record.details["delay"])
    return sample_seed(sample.record, _seed_block(sample.headers, number, evidence)), number


def draw(candidates: Sequence[bytes], seed: bytes, size: int) -> Sequence[bytes]:
    """Return the `size` candidates with the smallest `sha256(seed ‖ candidate)`, in that order."""
    return sorted(candidates, key=lambda one: sha256(seed + one))[:size]


def sample_seed(record: OperatorRecord, block_hash: bytes) -> bytes:
    """Return the seed (32 bytes) that a block gives for a record of candidates."""
    identity = from_hex(str(record.content["ledger"]), 32)
    return sha256(_TAG + identity + block_hash + sha256(record.format()))


def check_sample(sample: SampleFile, question: Question) -> SampleCheck:
    """Draw a sample again, from its file and a policy; the question's `now` is any later instant.

    Raises:
        SampleInvalidError: the candidates are not those of the record, or the headers no chain.
        RecordInvalidError: the record is not signed by whom it names.
        OtherRecordError, OtherOperatorError: the evidence is of another record or operator.
    """
    record, details = sample.record, sample.record.details
    record.check()
    _check_candidates(sample)
    evidence = Evidence.parse(sample.evidence)
    anchored = check_anchored(
        evidence,
        question,
        file=record.format(),
        reference=record.reference,
        signer=record.operator,
    )
    seed, number = drawn_seed(sample)
    drawn = draw(sample.candidates, seed, int(details["size"]))
    return SampleCheck(drawn=drawn, seed=seed, block=number, anchored=anchored)


def _check_candidates(sample: SampleFile) -> None:
    details, candidates = sample.record.details, sample.candidates
    if any(first >= second for first, second in itertools.pairwise(candidates)):
        raise SampleInvalidError("the candidates do not ascend")
    named = details["count"], details["candidates"]
    if named != (len(candidates), candidates_digest(candidates).hex()):
        raise SampleInvalidError("the candidates are not those of the record")


def _seed_block(headers: Sequence[bytes], number: int, evidence: Evidence) -> bytes:
    """Return the hash of block `number`, which the headers link to the evidence's checkpoint.

    Raises:
        SampleInvalidError: they do not.
    """
    checkpoint = parse_note(evidence.checkpoint).checkpoint
    if checkpoint.number != number + len(headers) - 1:
        raise SampleInvalidError(
            f"{len(headers)} headers do not lead from block {number} to {checkpoint.number}"
        )
    expected = checkpoint.block_hash
    for header in reversed(headers):
        found = keccak(header)
        if found != expected:
            raise SampleInvalidError("a header is not the one that the next block names")
        fields = decode_list(header)
        if len(fields) <= _NUMBER:
            raise SampleInvalidError("a header has too few fields")
        expected = decode_string(fields[_PARENT])
    if int.from_bytes(decode_string(fields[_NUMBER]), "big") != number:
        raise SampleInvalidError(f"the first header is not that of block {number}")
    return found
