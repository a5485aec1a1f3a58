"""Full evidence: all input of a verdict except the trust policy (SPEC section 16.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    format_canonical,
    from_base64url,
    hash_list,
    parse_canonical,
    to_base64url,
)
from certledger.verifier.formats.catalog import MAX_ENTRIES, Entry
from certledger.verifier.formats.checkpoint import MAX_TIME_SECONDS
from certledger.verifier.formats.issuer_state import (
    MAX_BATCH_CERTIFICATES,
    MAX_CERTIFICATES,
    NO_END,
    IssuerState,
)
from certledger.verifier.formats.presentation import Presentation
from certledger.verifier.formats.record import MAX_DIGESTS, Disclosure, Record
from certledger.verifier.formats.state_proof import MAX_NODE_BYTES, MAX_PROOF_NODES
from certledger.verifier.formats.statements import Batch
from certledger.verifier.formats.status_tree import WordProof
from certledger.verifier.slot_init import slot_init
from certledger.verifier.verify.content_check import Showing

MAX_EVIDENCE_BYTES = 65536
MEDIA_TYPE = "application/vnd.certledger.evidence.v1+json"
_PATH = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchAnchor:
    """Anchoring of a batch: block, index of the signing key, path to its peak."""

    block: int
    key: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryProof:
    """A catalog entry and its path in a catalog of `count` entries."""

    entry: Entry
    place: int
    count: int
    path: tuple[bytes, ...]


@slot_init
@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Parsed evidence of one certificate; `verifier.verify.full` checks it."""

    TYPE: ClassVar[str] = "certledger/evidence/1"

    record: Record
    disclosures: tuple[Disclosure, ...]
    path: tuple[bytes, ...]
    statement: Batch
    signature: bytes
    signer: bytes
    anchor: BatchAnchor
    catalog: EntryProof
    issuer: IssuerState
    word: WordProof
    account_proof: tuple[bytes, ...]
    slot_proof: tuple[bytes, ...]
    checkpoint: str
    presentation: Presentation | None = None
    _showing: Showing | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def shown(self) -> Showing:
        """The record with its disclosures."""
        if self._showing is None:
            self._keep(Showing.of(self.record, self.disclosures))
        assert self._showing is not None
        return self._showing

    def _keep(self, showing: Showing) -> None:
        object.__setattr__(
            self, "_showing", showing
        )  # A cache derived from the fields; equality and hash do not change.

    @property
    def place(self) -> int:
        """Index of the record in its batch; out of range if the record's index does not fit."""
        return self.record.index - self.statement.first

    @classmethod
    def parse(cls, data: bytes) -> Evidence:
        """Parse the bytes of a file.

        Raises:
            MalformedError: not the canonical bytes of evidence of a known version.
        """
        return cls.from_json(parse_canonical(data, MAX_EVIDENCE_BYTES))

    def format(self) -> bytes:
        """Format the bytes of the file."""
        return format_canonical(self.to_json())

    @classmethod
    def from_json(cls, value: Json) -> Evidence:
        """Parse evidence from JSON.

        Raises:
            MalformedError: an unknown, missing or ill-typed member at any level.
        """
        read = Members(value, "evidence")
        read.const("type", cls.TYPE)
        record, shown = Record.from_json(read.take("record")), CertificatePart.read(read)
        evidence = cls.of(
            Showing.of(record, shown.disclosures),
            shown,
            BatchProof.read(read),
            Proof.read(read),
            SignedStatement.read(read, record.issuer),
            WordProof.from_json(read.take("status")),
        )
        read.done()
        return evidence

    @classmethod
    def of(
        cls,
        showing: Showing,
        shown: CertificatePart,
        backing: BatchProof,
        proof: Proof,
        signed: SignedStatement,
        word: WordProof,
    ) -> Evidence:
        """Assemble evidence from its parts.

        Raises:
            MalformedError: disclosures out of order, or a presentation of an unbound record.
        """
        if not showing.ascends:
            raise MalformedError("schema.invalid", "disclosures do not strictly ascend by place")
        if shown.presentation is not None and not showing.record.bound:
            raise MalformedError("schema.invalid", "a presentation of an unbound record")
        evidence = cls(
            record=showing.record,
            disclosures=shown.disclosures,
            path=shown.path,
            statement=signed.statement,
            signature=signed.signature,
            signer=signed.signer,
            anchor=backing.anchor,
            catalog=backing.catalog,
            issuer=backing.issuer,
            word=word,
            account_proof=proof.account,
            slot_proof=proof.slot,
            checkpoint=backing.checkpoint,
            presentation=shown.presentation,
        )
        evidence._keep(showing)
        return evidence

    def to_json(self) -> Json:
        """Return the evidence as a JSON value."""
        value: dict[str, Json] = {
            "type": self.TYPE,
            "record": self.record.to_json(),
            "disclosures": [disclosure.text for disclosure in self.disclosures],
            "path": hash_list(self.path),
            "statement": batch_to_json(self.statement),
            "signature": to_base64url(self.signature),
            "signer": to_base64url(self.signer),
            "anchor": {
                "block": self.anchor.block,
                "key": self.anchor.key,
                "path": hash_list(self.anchor.path),
            },
            "catalog": {
                "entry": self.catalog.entry.to_json(),
                "place": self.catalog.place,
                "count": self.catalog.count,
                "path": hash_list(self.catalog.path),
            },
            "body": self.issuer.to_json(),
            "status": self.word.to_json(),
            "proof": {
                "account": [to_base64url(node) for node in self.account_proof],
                "slot": [to_base64url(node) for node in self.slot_proof],
            },
            "checkpoint": self.checkpoint,
        }
        if self.presentation is not None:
            value["presentation"] = self.presentation.to_json()
        return value

    def showing(self, disclosures: Sequence[Disclosure]) -> Evidence:
        """Return this evidence with exactly `disclosures`, sorted by index.

        Raises:
            MalformedError: `disclosure.foreign`, a disclosure of another record.
        """
        places = {digest: place for place, digest in enumerate(self.record.digests)}
        foreign = [part.name for part in disclosures if part.digest not in places]
        if foreign:
            raise MalformedError("disclosure.foreign", f"{foreign[0]!r} is not of this record")
        ordered = sorted(disclosures, key=lambda part: places[part.digest])
        return replace(self, disclosures=tuple(ordered))


def batch_to_json(statement: Batch) -> Json:
    """Encode a batch statement without its issuer, which the record has."""
    return {
        "sequence": statement.sequence,
        "previous": to_base64url(statement.previous),
        "root": to_base64url(statement.root),
        "first": statement.first,
        "count": statement.count,
        "catalog": to_base64url(statement.catalog),
        "countersignature": to_base64url(statement.countersignature),
        "not_after": statement.not_after,
    }


def batch_from_json(value: Json, issuer: str) -> Batch:
    """Parse the batch statement of `issuer` from evidence.

    Raises:
        MalformedError: an unknown, missing or ill-typed member.
    """
    read = Members(value, "statement")
    statement = Batch(
        issuer=issuer.encode("ascii"),
        sequence=read.integer("sequence", 1),
        previous=read.binary("previous", 32),
        root=read.binary("root", 32),
        first=read.integer("first", greatest=MAX_CERTIFICATES - 1),
        count=read.integer("count", 1, MAX_BATCH_CERTIFICATES),
        catalog=read.binary("catalog", 32),
        countersignature=read.binary("countersignature", 32),
        not_after=read.integer("not_after", greatest=MAX_TIME_SECONDS),
    )
    read.done()
    return statement


# Parts, contiguous in the sorted members of a canonical file ----------------------------------


@slot_init
@dataclass(frozen=True, kw_only=True, slots=True)
class CertificatePart:
    """Members that belong to one certificate, without its record."""

    disclosures: tuple[Disclosure, ...]
    path: tuple[bytes, ...]
    presentation: Presentation | None

    @classmethod
    def read(cls, read: Members) -> CertificatePart:
        """Read `disclosures`, `path` and `presentation`; raises MalformedError."""
        texts = read.array("disclosures", 0, MAX_DIGESTS)
        if list(map(type, texts)).count(str) != len(texts):
            read.fail("disclosures", "a list of texts")
        return cls(
            disclosures=tuple(map(Disclosure.parse, texts)),
            path=tuple(read.hashes("path", _PATH)),
            presentation=(
                Presentation.from_json(read.take("presentation"))
                if read.has("presentation")
                else None
            ),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchProof:
    """Members that all certificates of one batch and category share."""

    anchor: BatchAnchor
    issuer: IssuerState
    catalog: EntryProof
    checkpoint: str

    @classmethod
    def read(cls, read: Members) -> BatchProof:
        """Read `anchor`, `body`, `catalog` and `checkpoint`; raises MalformedError."""
        return cls(
            anchor=_anchor(read.inner("anchor")),
            issuer=IssuerState.from_json(read.take("body")),
            catalog=_entry_proof(read.inner("catalog")),
            checkpoint=read.string("checkpoint"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """The state proof (EIP-1186) of an issuer's slot."""

    account: tuple[bytes, ...]
    slot: tuple[bytes, ...]

    @classmethod
    def read(cls, read: Members) -> Proof:
        """Read `proof`; raises MalformedError."""
        inner = read.inner("proof")
        proof = cls(account=_nodes(inner, "account"), slot=_nodes(inner, "slot"))
        inner.done()
        return proof


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedStatement:
    """A batch statement and the issuer's signature."""

    signature: bytes
    signer: bytes
    statement: Batch

    @classmethod
    def read(cls, read: Members, issuer: str) -> SignedStatement:
        """Read `signature`, `signer` and `statement` (of `issuer`); raises MalformedError."""
        return cls(
            signature=read.binary("signature", 64),
            signer=read.binary("signer", 64),
            statement=batch_from_json(read.take("statement"), issuer),
        )


def _anchor(read: Members) -> BatchAnchor:
    anchor = BatchAnchor(
        block=read.integer("block", greatest=NO_END),
        key=read.integer("key", greatest=15),
        path=tuple(read.hashes("path", _PATH)),
    )
    read.done()
    return anchor


def _entry_proof(read: Members) -> EntryProof:
    proof = EntryProof(
        entry=Entry.from_json(read.take("entry")),
        place=read.integer("place", greatest=MAX_ENTRIES - 1),
        count=read.integer("count", 1, MAX_ENTRIES),
        path=tuple(read.hashes("path", _PATH)),
    )
    read.done()
    return proof


def _nodes(read: Members, name: str) -> tuple[bytes, ...]:
    nodes = read.array(name, 1, MAX_PROOF_NODES)
    if not all(type(node) is str for node in nodes):
        read.fail(name, "a list of base64url texts")
    found = tuple(from_base64url(node) for node in nodes)
    if any(len(node) > MAX_NODE_BYTES for node in found):
        read.fail(name, f"nodes of at most {MAX_NODE_BYTES} bytes")
    return found
