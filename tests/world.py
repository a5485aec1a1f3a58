"""A small world without a chain: issuers, batches, a state trie, witnesses, a policy.

Everything in it is real but the consensus: real signatures, real trees, a real Merkle-Patricia
state (by the `trie` package), real cosignatures.  Tests break it on purpose.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, lru_cache
from typing import Any

import rlp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from trie.hexary import HexaryTrie

from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import to_base64url
from certledger.verifier.formats.catalog import Catalog, Entry
from certledger.verifier.formats.checkpoint import Checkpoint, Note, cosign
from certledger.verifier.formats.evidence import BatchAnchor, EntryProof, Evidence
from certledger.verifier.formats.issuer_state import IssuerState, Key, batch_leaf
from certledger.verifier.formats.policy import (
    READABLE,
    LedgerPin,
    Roots,
    Trust,
    TrustPolicy,
    WitnessKey,
)
from certledger.verifier.formats.record import (
    DOCUMENT,
    HOLDER_KEY,
    Disclosure,
    Record,
    Value,
    access_code,
    derived_salt,
    describe_document,
    format_disclosure,
    normal_number,
)
from certledger.verifier.formats.signed_policy import SignedPolicy, sign
from certledger.verifier.formats.snapshot import Snapshot, SnapshotIssuer, roll
from certledger.verifier.formats.snapshot_columns import PackedBatch
from certledger.verifier.formats.state_proof import ROLL, slot_position
from certledger.verifier.formats.statements import (
    SECP256K1_ORDER,
    ZERO,
    Batch,
    address_of,
    ledger_identity,
)
from certledger.verifier.formats.status_tree import CELLS, EMPTY_ROOT, StatusTree, choose, move
from certledger.verifier.vocabulary import EntryKind, HolderKind, IssuerKind, Purpose, Status, Way
from tests.record_rules import certificate_id

NOW = 1_795_000_000
"""2026-11-18, the instant at which the world asks its questions."""

CODE_HASH = keccak(b"the pinned contract")
ADDRESS = keccak(b"address")[12:]
SALT = keccak(b"salt")
CHAIN_ID = 31337
IDENTITY = ledger_identity(CHAIN_ID, ADDRESS, SALT)
EVERY = Purpose.BATCHES | Purpose.STATUS | Purpose.CATALOG | Purpose.KEYS

ENTRY = Entry(
    category="ID-RESIDENT",
    version=1,
    kind=EntryKind.CERTIFICATE,
    holder=HolderKind.NATURAL,
    name_zh="居民身份证",
    name_en="Resident identity card",
    fields=("certificate_number", "holder_name", "sex", "address"),
    shown=("holder_name",),
    months=240,
    lag_days=30,
)
LICENCE = replace(
    ENTRY,
    category="BIZ-LICENCE",
    kind=EntryKind.LICENCE,
    holder=HolderKind.LEGAL,
    name_zh="营业执照",
    name_en="Business licence",
    months=None,
)


def draw(label: str, size: int = 32) -> bytes:
    """Return bytes that look random and are the same in every run."""
    return hashlib.shake_256(label.encode()).digest(size)


@cache
def _private_key(label: str) -> ec.EllipticCurvePrivateKey:
    secret = int.from_bytes(draw(label), "big") % (SECP256K1_ORDER - 1) + 1
    return ec.derive_private_key(secret, ec.SECP256K1())


@dataclass(frozen=True)
class Signer:
    """A secp256k1 key drawn from its label."""

    label: str

    @property
    def private(self) -> ec.EllipticCurvePrivateKey:
        return _private_key(self.label)

    @property
    def public(self) -> bytes:
        key = self.private.public_key()
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]

    @property
    def address(self) -> bytes:
        return address_of(self.public)

    def sign(self, digest: bytes) -> bytes:
        """Return r ‖ s, 64 bytes, low s, the same in every run."""
        algorithm = ec.ECDSA(Prehashed(hashes.SHA256()), deterministic_signing=True)
        r, s = decode_dss_signature(self.private.sign(digest, algorithm))
        return r.to_bytes(32, "big") + min(s, SECP256K1_ORDER - s).to_bytes(32, "big")


@cache
def witness_key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(draw(f"witness {name}"))


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate as its holder has it."""

    record: Record
    disclosures: tuple[Disclosure, ...]
    code: str

    def named(self, *names: str) -> list[Disclosure]:
        return [part for part in self.disclosures if part.name in names]


@dataclass
class Anchored:
    """A batch as the chain has it."""

    statement: Batch
    signature: bytes
    signer: Signer
    key: int
    block: int
    issued: list[Issued]
    catalog: Catalog

    def leaf(self) -> bytes:
        return batch_leaf(
            digest=self.statement.digest(IDENTITY),
            catalog=self.statement.catalog,
            key=self.key,
            block=self.block,
        )

    def row(self) -> PackedBatch:
        return PackedBatch(
            root=self.statement.root,
            count=self.statement.count,
            not_after=self.statement.not_after,
            block=self.block,
            key=self.key,
            catalog=self.statement.catalog,
            countersignature=self.statement.countersignature,
        )


@dataclass
class WorldIssuer:
    """An issuer, its state moved by hand exactly as the contract would."""

    state: IssuerState
    signer: Signer
    catalog: Catalog
    batches: list[Anchored] = field(default_factory=list)
    tree: StatusTree = field(default_factory=StatusTree)

    @classmethod
    def of(
        cls,
        issuer: str = "11310000XX00000196",
        name: str = "上海市公安局",
        entries: Sequence[Entry] = (ENTRY, LICENCE),
        kind: IssuerKind = IssuerKind.DEPARTMENT,
    ) -> WorldIssuer:
        signer, catalog = Signer(issuer), Catalog.of(entries)
        key = Key(address=signer.address, purposes=EVERY, start=10)
        state = IssuerState(
            issuer=issuer,
            kind=kind,
            name=name,
            keys=(key,),
            since=10,
            catalog=catalog.root(),
            catalog_version=1,
            status=EMPTY_ROOT,
        )
        return cls(state=state, signer=signer, catalog=catalog)

    def issue(
        self,
        number: str,
        *,
        entry: Entry = ENTRY,
        index: int | None = None,
        fields: Mapping[str, str] | None = None,
        documents: Sequence[bytes] = (),
        holder_key: str | None = None,
        issued: date = date(2026, 10, 1),
        expires: date | None = date(2036, 10, 1),
        edition: int = 0,
        replaces: int | None = None,
        with_sm3: bool = False,
    ) -> Issued:
        """Return a certificate of this issuer, not yet in a batch."""
        label, place = f"{self.state.issuer} {number} {edition}", 0
        code = access_code(draw(f"{label} code", 10))
        values: dict[str, str] = {"holder_name": "张示例", "sex": "女", **(fields or {})}
        parts: list[Disclosure | None] = []
        for place, name in enumerate(entry.fields):
            if place == 0:
                parts.append(_disclose(code, name, normal_number(number)))
            elif name not in values:
                parts.append(None)
            else:
                salt = (
                    derived_salt(code, place)
                    if name in entry.shown
                    else to_base64url(draw(f"{label} salt {place}", 16))
                )
                parts.append(_disclose(salt, name, values[name]))
        if holder_key is not None:
            parts.append(_disclose(to_base64url(draw(f"{label} key", 16)), HOLDER_KEY, holder_key))
        for content in documents:
            value = describe_document(content, with_sm3=with_sm3)
            parts.append(_disclose(derived_salt(code, len(parts)), DOCUMENT, value))
        record = Record(
            issuer=self.state.issuer,
            index=self.state.certificates if index is None else index,
            id=certificate_id(
                draw(self.state.issuer), self.state.issuer, entry.category, normal_number(number)
            ),
            edition=edition,
            replaces=replaces,
            category=entry.category,
            entry=entry.version,
            holder=entry.holder,
            issued=issued,
            expires=expires,
            bound=holder_key is not None,
            digests=tuple(
                draw(f"{label} decoy {place}") if part is None else part.digest
                for place, part in enumerate(parts)
            ),
        )
        return Issued(
            record=record,
            disclosures=tuple(part for part in parts if part is not None),
            code=code,
        )

    def anchor(self, certificates: Sequence[Issued], *, block: int | None = None) -> Anchored:
        """Put certificates into the next batch and move the state."""
        statement = Batch(
            issuer=self.state.issuer.encode(),
            sequence=self.state.batches + 1,
            previous=self.state.last,
            root=merkle.root([part.record.leaf() for part in certificates]),
            first=self.state.certificates,
            count=len(certificates),
            catalog=self.state.catalog,
            not_after=NOW - 20 * 86400,
        )
        batch = Anchored(
            statement=statement,
            signature=self.signer.sign(statement.digest(IDENTITY)),
            signer=self.signer,
            key=0,
            block=20 + len(self.batches) if block is None else block,
            issued=list(certificates),
            catalog=self.catalog,
        )
        self.batches.append(batch)
        self.state = self.state.after_batch(
            digest=statement.digest(IDENTITY), count=len(certificates), leaf=batch.leaf()
        )
        return batch

    def change(self, indexes: Iterable[int], to: Status) -> None:
        """Move the status of certificates, as a signed statement would."""
        words, masks = choose(indexes)
        self.tree.update(
            {
                word: move(self.tree.word(word), mask, to)
                for word, mask in zip(words, masks, strict=True)
            }
        )
        self.state = replace(self.state, epoch=self.state.epoch + 1, status=self.tree.root)

    def end_key(self, block: int) -> None:
        """End the issuer's only key at `block`."""
        keys = (replace(self.state.keys[0], end=block),)
        self.state = replace(self.state, keys=keys, revision=self.state.revision + 1)

    def stand(self, **changes: object) -> None:
        """Change the state as an act of a registrar would."""
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]


def _disclose(salt: str, name: str, value: Value) -> Disclosure:
    return Disclosure.parse(format_disclosure(salt, name, value))


def nodes_of(trie: HexaryTrie, key: bytes) -> tuple[bytes, ...]:
    """Return the nodes, encoded, that prove what stands at `key`."""
    found: Any = trie
    return tuple(rlp.encode(node) for node in found.get_proof(key))


def copy_of(trie: HexaryTrie) -> HexaryTrie:
    """Return a trie that may be changed; building one takes far longer."""
    return HexaryTrie(dict(trie.db), trie.root_hash)


@lru_cache(maxsize=64)
def _trie(slots: tuple[tuple[bytes, bytes], ...]) -> HexaryTrie:
    trie = HexaryTrie({})
    for key, value in slots:
        trie[key] = value
    return trie


@lru_cache(maxsize=8)
def _other_accounts(count: int) -> HexaryTrie:
    nothing = HexaryTrie({}).root_hash
    return _trie(
        tuple(
            (
                keccak(keccak(b"account %d" % other)[12:]),
                rlp.encode([other, 10**18, nothing, keccak(b"")]),
            )
            for other in range(count)
        )
    )


@lru_cache(maxsize=64)
def _accounts_with(count: int, ledger: bytes) -> HexaryTrie:
    trie = copy_of(_other_accounts(count))
    trie[keccak(ADDRESS)] = ledger
    return trie


OPERATORS = ("anhui", "jiangsu", "shanghai", "zhejiang")


@dataclass
class World:
    """The state of a chain that holds the ledger's contract, and those who speak for it."""

    issuers: list[WorldIssuer] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    number: int = 1000
    time: int = NOW - 600
    accounts: int = 40
    code_hash: bytes = CODE_HASH

    def _storage(self) -> HexaryTrie:
        slots = {}
        for issuer in self.issuers:
            value = int.from_bytes(issuer.state.digest(), "big") | (
                issuer.state.issuer in self.held
            )
            slots[keccak(slot_position(issuer.state.issuer))] = rlp.encode(value)
        if self.issuers:  # A slot that is zero is absent.
            slots[keccak(ROLL)] = rlp.encode(
                int.from_bytes(roll(issuer.state.issuer for issuer in self.issuers), "big")
            )
        for other in range(2, 7):  # Registrars have slots too.
            slots[keccak(other.to_bytes(32, "big"))] = rlp.encode(other)
        return copy_of(_trie(tuple(slots.items())))

    def _accounts(self, storage_root: bytes) -> HexaryTrie:
        ledger = rlp.encode([1, 0, storage_root, self.code_hash])
        return copy_of(_accounts_with(self.accounts, ledger))

    def checkpoint(self) -> Checkpoint:
        state = self._accounts(self._storage().root_hash)
        return Checkpoint(
            identity=IDENTITY,
            number=self.number,
            state_root=state.root_hash,
            block_hash=keccak(b"block %d" % self.number + state.root_hash),
            time=self.time,
        )

    def note(self, times: Mapping[str, int] | None = None) -> Note:
        """Return the checkpoint cosigned by the witnesses in `times`, all by default."""
        checkpoint = self.checkpoint()
        signed = dict.fromkeys(OPERATORS, self.time + 5) if times is None else times
        return Note(
            checkpoint=checkpoint,
            cosignatures=tuple(
                cosign(checkpoint, name, witness_key(name), signed[name]) for name in sorted(signed)
            ),
        )

    def proofs(self, issuer: WorldIssuer) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        storage = self._storage()
        accounts = self._accounts(storage.root_hash)
        slot = keccak(slot_position(issuer.state.issuer))
        return (
            nodes_of(accounts, keccak(ADDRESS)),
            nodes_of(storage, slot),
        )

    def snapshot(self, note: Note | None = None) -> Snapshot:
        """Return the trust snapshot of this instant."""
        storage = self._storage()
        accounts = self._accounts(storage.root_hash)
        positions = [ROLL, *(slot_position(issuer.state.issuer) for issuer in self.issuers)]
        return Snapshot.of(
            checkpoint=(self.note() if note is None else note).format(),
            account_proof=nodes_of(accounts, keccak(ADDRESS)),
            nodes={node for position in positions for node in nodes_of(storage, keccak(position))},
            catalogs=[batch.catalog for issuer in self.issuers for batch in issuer.batches]
            + [issuer.catalog for issuer in self.issuers],
            issuers=[
                SnapshotIssuer.of(
                    replace(issuer.state, batches=0, certificates=0, last=ZERO, peaks=()),
                    [batch.row() for batch in issuer.batches],
                    dict(issuer.tree.words),
                    IDENTITY,
                )
                for issuer in self.issuers
            ],
        )

    def evidence(
        self,
        issuer: WorldIssuer,
        issued: Issued,
        *,
        show: Sequence[str] = ("certificate_number", "holder_name"),
        note: Note | None = None,
    ) -> Evidence:
        """Return full evidence of one certificate that shows the fields `show`."""
        batch = next(batch for batch in issuer.batches if issued in batch.issued)
        leaves = [part.record.leaf() for part in batch.issued]
        found = batch.catalog.find(issued.record.category, issued.record.entry)
        assert found is not None
        place, entry = found
        account, slot = self.proofs(issuer)
        return Evidence(
            record=issued.record,
            disclosures=tuple(issued.named(*show)),
            path=tuple(merkle.prove(leaves, issued.record.index - batch.statement.first)),
            statement=batch.statement,
            signature=batch.signature,
            signer=batch.signer.public,
            anchor=BatchAnchor(
                block=batch.block,
                key=batch.key,
                path=tuple(
                    merkle.prove_to_peak(
                        [other.leaf() for other in issuer.batches], batch.statement.sequence - 1
                    )
                ),
            ),
            catalog=EntryProof(
                entry=entry,
                place=place,
                count=len(batch.catalog.entries),
                path=tuple(merkle.prove(batch.catalog.leaves(), place)),
            ),
            issuer=issuer.state,
            word=issuer.tree.prove(issued.record.index // CELLS),
            account_proof=account,
            slot_proof=slot,
            checkpoint=(self.note() if note is None else note).format(),
        )


ROOT_KEYS = tuple(
    sorted(
        (Ed25519PrivateKey.from_private_bytes(draw(f"root {n}")) for n in range(3)),
        key=lambda key: key.public_key().public_bytes_raw(),
    )
)


def policy(**changes: object) -> TrustPolicy:
    """Return the policy of the world, with members changed."""
    made = TrustPolicy(
        version=1,
        ends=NOW + 365 * 86400,
        roots=Roots(
            keys=tuple(key.public_key().public_bytes_raw() for key in ROOT_KEYS), threshold=2
        ),
        ledgers=(
            LedgerPin(
                name="test",
                chain_id=CHAIN_ID,
                genesis=keccak(b"genesis"),
                address=ADDRESS,
                code_hash=CODE_HASH,
                identity=IDENTITY,
                deployment=keccak(b"deployment"),
            ),
        ),
        trust=Trust(ways=(Way.NODE, Way.RPC, Way.WITNESSES), threshold=3, confirmations=12),
        witnesses=tuple(
            WitnessKey(
                operator=name,
                name=name,
                key=witness_key(name).public_key().public_bytes_raw(),
                start=0,
            )
            for name in OPERATORS
        ),
        block_lag=120,
        default_age=7 * 86400,
        ages={"ID-RESIDENT": 86400},
        clock_tolerance=300,
        presentation_age=600,
        evidence=READABLE,
        countersignature=False,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def signed_policy(**changes: object) -> SignedPolicy:
    return sign(policy(**changes), ROOT_KEYS)


__all__ = ["ENTRY", "LICENCE", "NOW", "ZERO", "Issued", "Signer", "World", "WorldIssuer", "policy"]
