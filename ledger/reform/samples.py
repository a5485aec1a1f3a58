"""Draw samples of decisions: the candidates are anchored first, a later block gives the seed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from certledger.ledger.chain.client import EthereumChain
from certledger.ledger.core.book_values import StoredSample
from certledger.ledger.core.receipt_chain import ReceiptChain
from certledger.ledger.keys import Signer
from certledger.ledger.publish.evidence import EvidenceMaker
from certledger.ledger.reform.record_writer import add_record
from certledger.ledger.store.unit_of_work import Store
from certledger.ledger.verification.receipt_evidence import ReceiptPendingError, prove_receipt
from certledger.ledger.verification.verification_receipt import draw_reference
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.reform.operator_record import (
    MAX_CANDIDATES,
    SAMPLE,
    SAMPLE_TYPE,
    OperatorRecord,
    record_content,
)
from certledger.verifier.reform.sample import (
    MAX_HEADERS,
    SampleFile,
    SampleInvalidError,
    candidates_digest,
    draw,
    drawn_seed,
)

OFFICE = "operator:samples"
"""Who a sample's record names as the caller."""
DELAY_BLOCKS = 8
"""Blocks between the candidates' block and that of the seed."""


class SampleEmptyError(CertledgerError):
    """There was no decision since the last sample."""

    code = "sample.empty"
    exit_status = ExitStatus.UNUSABLE


class SampleUnknownError(CertledgerError):
    """There is no sample of this reference."""

    code = "sample.unknown"


class SamplePendingError(CertledgerError):
    """The candidates are not anchored yet, or the seed's block is not under a checkpoint."""

    code = "sample.pending"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampler:
    """Opens samples and publishes those whose block is there.

    Safe for several threads: `making` is locked while `maker` works.
    """

    store: Store
    chain: EthereumChain
    maker: EvidenceMaker
    making: threading.Lock
    identity: bytes
    operator: Signer
    clock: Callable[[], float]

    def open(self, size: int) -> StoredSample:
        """Sign and store the candidates of a new sample; raises as `create_sample`."""
        return create_sample(
            self.store, self.operator, identity=self.identity, now=int(self.clock()), size=size
        )

    def step(self) -> None:
        """Publish the samples whose seed's block is there."""
        with self.store.begin(write=False) as unit:
            waiting = unit.samples(waiting=True)
        for sample in waiting:
            data = self._file(sample)
            if data is not None:
                with self.store.begin() as unit:
                    unit.publish_sample(sample.reference, data)

    def _file(self, sample: StoredSample) -> bytes | None:
        """Return the file of a sample, None while its block is not under a checkpoint."""
        with self.store.begin(write=False) as unit:
            stored = unit.verification(sample.reference)
            records = unit.decision_records(sample.first, last=sample.last, limit=MAX_CANDIDATES)
        assert stored is not None  # Both are stored in one transaction.
        record = OperatorRecord.parse(stored.receipt)
        try:
            with self.making:
                evidence = prove_receipt(self.store, self.maker, stored)
        except ReceiptPendingError:
            return None
        headers = self._headers(evidence, int(record.details["delay"]))
        if headers is None:
            return None
        file = SampleFile(
            record=record,
            candidates=sorted(sha256(data) for _, data in records),
            evidence=evidence.format(),
            headers=headers,
        )
        try:
            drawn_seed(file)
        except SampleInvalidError:
            return None  # The node is on another branch than the checkpoint: asked again later.
        return file.format()

    def _headers(self, evidence: Evidence, delay: int) -> Sequence[bytes] | None:
        """Return the headers from the seed's block to the evidence's checkpoint, None without."""
        first = evidence.anchor.block + delay
        last = parse_note(evidence.checkpoint).checkpoint.number
        if not first <= last < first + MAX_HEADERS:
            return None
        return [self.chain.header(number) for number in range(first, last + 1)]


def create_sample(
    store: Store,
    operator: Signer,
    *,
    identity: bytes,
    now: int,
    size: int,
    delay: int = DELAY_BLOCKS,
) -> StoredSample:
    """Sign and store the record of all decisions since the last sample, the oldest first.

    Where there are more than `MAX_CANDIDATES`, the next sample goes on after them.

    Raises:
        SampleEmptyError: there is none.
    """
    reference = draw_reference()
    with store.begin() as unit:
        unit.receipt_chain(ReceiptChain.VERIFICATIONS)  # Locks: no record comes in between.
        first = unit.last_sampled() + 1
        rows = unit.decision_records(first, limit=MAX_CANDIDATES)
        if not rows:
            raise SampleEmptyError("there is no decision since the last sample")
        sample = StoredSample(
            reference=reference, first=first, last=rows[-1][0], created=now, file=None
        )
        content = record_content(
            SAMPLE_TYPE,
            _details(sample, [data for _, data in rows], size, delay),
            outcome=SAMPLE,
            identity=identity,
            operator=operator.address,
            reference=reference,
            caller=OFFICE,
            checked=now,
        )
        add_record(unit, content, operator, party=OFFICE)
        unit.add_sample(sample)
    return sample


def _details(
    sample: StoredSample, files: Sequence[bytes], size: int, delay: int
) -> dict[str, Json]:
    candidates = sorted(map(sha256, files))
    return {
        "candidates": candidates_digest(candidates).hex(),
        "count": len(candidates),
        "delay": delay,
        "first": sample.first,
        "last": sample.last,
        "size": min(size, len(candidates)),
    }


def published_file(store: Store, reference: str) -> bytes:
    """Return a sample's file.

    Raises:
        SampleUnknownError: there is no such sample.
        SamplePendingError: it is not drawn yet.
    """
    with store.begin(write=False) as unit:
        found = unit.sample(reference)
    if found is None:
        raise SampleUnknownError(f"there is no sample {reference}")
    if found.file is None:
        raise SamplePendingError(f"the sample {reference} waits for its block")
    return found.file


def drawn_references(store: Store, data: bytes) -> Sequence[str]:
    """Return the references of the decisions that a published file draws, in that order."""
    sample = SampleFile.parse(data)
    details = sample.record.details
    with store.begin(write=False) as unit:
        first, last = int(details["first"]), int(details["last"])
        records = unit.decision_records(first, last=last, limit=MAX_CANDIDATES)
    named = {sha256(data): OperatorRecord.parse(data).reference for _, data in records}
    seed, _ = drawn_seed(sample)
    return [named[one] for one in draw(sample.candidates, seed, int(details["size"]))]
