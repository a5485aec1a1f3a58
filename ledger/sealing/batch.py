"""Seal certificates into a signed batch and the holders' files."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

import orjson

from certledger.ledger.sealing.issue import Issue
from certledger.ledger.sealing.records import HandOn, SealedRecords, seal_records
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    format_canonical,
    from_hex,
    to_base64url,
)
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.holder_file import Holding
from certledger.verifier.formats.issuer_state import (
    MAX_BATCH_CERTIFICATES,
    MAX_CERTIFICATES,
    IssuerState,
)
from certledger.verifier.formats.record import printed_code
from certledger.verifier.formats.signed_act import statement_to_json
from certledger.verifier.formats.statements import MAX_LIFETIME_SECONDS, ZERO, Batch

SUBMISSION = "certledger/submission/1"
GZIP_LEVEL, GZIP_WINDOW = 1, 31
"""The quickest level; a window of 2^15 bytes with the header of gzip, which has no time in it."""
LINES_PACKED = 256
"""Records that are compressed in one call."""
LIFE = 6 * 24 * 3600
"""Seconds that a statement lives: a day less than the contract allows, as clocks differ."""
assert LIFE < MAX_LIFETIME_SECONDS


class SealError(CertledgerError):
    """A batch cannot be sealed as requested."""

    code = "seal.refused"


class SignatureAwaitedError(CertledgerError):
    """The batch's signature is made elsewhere, as by a wallet, and is not here yet."""

    code = "seal.signature_awaited"

    def __init__(self, statement: Batch, digest: bytes) -> None:
        super().__init__(f"batch {statement.sequence} awaits its signature")
        self.statement, self.digest = statement, digest


class BatchSigner(Protocol):
    """Signs batches: a key that is here, or one elsewhere."""

    def sign_batch(self, statement: Batch, digest: bytes) -> bytes:
        """Return the signature (65 bytes) over a statement's digest (32 bytes)."""


@dataclass(frozen=True, slots=True)
class RemoteSigner:
    """A key elsewhere: `signatures` are those that it has made, by digest."""

    signatures: Mapping[bytes, bytes]

    def sign_batch(self, statement: Batch, digest: bytes) -> bytes:
        """Return the signature that was made elsewhere.

        Raises:
            SignatureAwaitedError: it is not here yet.
        """
        if digest not in self.signatures:
            raise SignatureAwaitedError(statement, digest)
        return self.signatures[digest]


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """Where an issuer's next batch continues: its sequence, the digest before, its first index."""

    sequence: int = 1
    previous: bytes = ZERO
    first: int = 0

    @classmethod
    def of(cls, state: IssuerState) -> Head:
        """Return the head after everything that `state` has anchored."""
        return cls(sequence=state.batches + 1, previous=state.last, first=state.certificates)

    def to_json(self) -> Json:
        """Return the head as a JSON value; the digest in hexadecimal, because people compare it."""
        return {
            "first": self.first,
            "previous": self.previous.hex(),
            "sequence": self.sequence,
        }

    @classmethod
    def from_json(cls, value: Json) -> Head:
        """Return the head of a JSON value.

        Raises:
            MalformedError: an unknown, missing or ill-typed member.
        """
        read = Members(value, "head")
        head = cls(
            sequence=read.integer("sequence", 1),
            previous=from_hex(read.text("previous"), 32),
            first=read.integer("first", greatest=MAX_CERTIFICATES - 1),
        )
        read.done()
        return head


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedBatch:
    """A signed batch, with the private parts for issuer and holders.

    `digest` is that of the statement under the ledger's identity, `signature` 65 bytes.
    """

    statement: Batch
    digest: bytes
    signature: bytes
    sealed: SealedRecords
    issues: Sequence[Issue]

    @property
    def records(self) -> list[bytes]:
        """The canonical bytes of the records, in order."""
        return self.sealed.records

    @property
    def head(self) -> Head:
        """The head after this batch."""
        return Head(
            sequence=self.statement.sequence + 1,
            previous=self.digest,
            first=self.statement.first + self.statement.count,
        )

    def holdings(self) -> Iterator[bytes]:
        """Yield the canonical bytes of each certificate's holder's file, in order.

        Only where the disclosures were not handed on when the batch was sealed.
        """
        parts = zip(self.sealed.records, self.sealed.disclosures, self.issues, strict=True)
        for record, disclosures, issue in parts:
            yield format_holding(record, disclosures, issue)

    def access_codes(self) -> Iterator[tuple[int, str, str]]:
        """Yield (index, number, access code as it is printed) of each certificate, in order."""
        for place, (issue, code) in enumerate(zip(self.issues, self.sealed.codes, strict=True)):
            yield self.statement.first + place, issue.number, printed_code(code.decode())

    def submission_head(self) -> dict[str, Json]:
        """Return the submission without its records (SPEC section 20)."""
        return {
            "signature": to_base64url(self.signature),
            "statement": statement_to_json(self.statement),
            "type": SUBMISSION,
        }

    def submission(self) -> bytes:
        """Return the submission as one canonical JSON object."""
        # Members are sorted by name, so the records go between the empty list's brackets.
        whole = format_canonical({**self.submission_head(), "records": []})
        before, _, after = whole.partition(b"[]")
        return before + b"[" + b",".join(self.records) + b"]" + after

    def submission_lines(self) -> Iterator[bytes]:
        """Yield the pieces of the submission as gzip of JSON lines; deterministic."""
        # Piece by piece, since all of it would take as much memory again as the records.  Level 1:
        # a record is mostly digests, which no level makes smaller.
        packer = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WINDOW)
        yield packer.compress(format_canonical(self.submission_head()) + b"\n")
        for first in range(0, len(self.records), LINES_PACKED):
            lines = self.records[first : first + LINES_PACKED]
            yield packer.compress(b"\n".join(lines) + b"\n")
        yield packer.flush()


def format_holding(record: bytes, disclosures: Sequence[bytes], issue: Issue) -> bytes:
    """Return the canonical bytes of a certificate's holder's file, given those of its parts."""
    listed = b'"' + b'","'.join(disclosures) + b'"'
    return b'{"disclosures":[%b],"names":%b,"record":%b,"type":"%b"}' % (
        listed,
        orjson.dumps([paper.name for paper in issue.papers]),
        record,
        Holding.TYPE.encode(),
    )


def seal_issues(
    issues: Sequence[Issue],
    *,
    catalog: Catalog,
    head: Head,
    issuer: str,
    secret: bytes,
    seed: bytes,
    signer: BatchSigner,
    now: int,
    identity: bytes,
    hand_on: HandOn | None = None,
) -> SealedBatch:
    """Seal certificates that have been checked.

    `secret` is the 32 bytes of the issuer's certificate ids, `seed` the 32 bytes from which
    everything random is derived, `now` in seconds, `identity` the ledger's (32 bytes), `hand_on` as
    in `seal_records`.

    Raises:
        SealError: no certificate, more than 65,536, or beyond an issuer's 2^32.
        SignatureAwaitedError: the signature is made elsewhere, and is not here yet.
    """
    if not 0 < len(issues) <= MAX_BATCH_CERTIFICATES or head.first + len(issues) > MAX_CERTIFICATES:
        raise SealError(f"{len(issues)} certificates, a batch has 1 to {MAX_BATCH_CERTIFICATES}")
    sealed = seal_records(
        issues, issuer=issuer, secret=secret, seed=seed, first=head.first, hand_on=hand_on
    )
    statement = Batch(
        issuer=issuer.encode("ascii"),
        sequence=head.sequence,
        previous=head.previous,
        root=merkle.root(sealed.leaves),
        first=head.first,
        count=len(issues),
        catalog=catalog.root(),
        not_after=now + LIFE,
    )
    digest = statement.digest(identity)
    return SealedBatch(
        statement=statement,
        digest=digest,
        signature=signer.sign_batch(statement, digest),
        sealed=sealed,
        issues=issues,
    )


def issue_to_json(issue: Issue) -> Json:
    """Return the content of a certificate, to recognise it again."""
    value: dict[str, Json] = {
        "category": issue.entry.category,
        "edition": issue.edition,
        "fields": dict(issue.fields),
        "issued": issue.issued.isoformat(),
        "number": issue.number,
        "papers": [{"name": paper.name, **paper.value} for paper in issue.papers],
    }
    for name, part in (
        ("expires", issue.expires and issue.expires.isoformat()),
        ("holder_key", issue.holder_key),
        ("access_code", issue.access_code),
    ):
        if part is not None:
            value[name] = part
    return value


def fingerprint(issues: Sequence[Issue]) -> bytes:
    """Return a digest (32 bytes) of the content of `issues`, without their indexes."""
    running = sha256()
    for issue in issues:
        running.update(orjson.dumps(issue_to_json(issue), option=orjson.OPT_SORT_KEYS) + b"\n")
    return running.digest()
