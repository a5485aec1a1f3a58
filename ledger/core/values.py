"""What store and chain speak of: values that are read, kept and handed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from certledger.ledger.core.acts import ActKind, ActState
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.statements import Statement

Address = bytes
"""20 bytes."""


# What the store speaks of -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A block of the chain; `time` in seconds, hashes 32 bytes."""

    number: int
    hash: bytes
    parent: bytes
    time: int
    state_root: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAct:
    """An act that is taken in; `certificates` is how many a batch has."""

    kind: ActKind
    statement: Statement
    digest: bytes
    signatures: tuple[bytes, ...]
    accepted: int
    receipt: bytes
    certificates: int = 0
    number: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmittedAct:
    """An act that was taken in, and how far it has come.  `block` and `tx` once included.

    `reason` says why an accepted act is set aside, and why a rejected one was.
    """

    number: int
    kind: ActKind
    subject: str
    counter: int
    statement: Statement
    digest: bytes
    signatures: tuple[bytes, ...]
    state: ActState
    accepted: int
    not_after: int
    receipt: bytes
    certificates: int
    block: int | None
    tx: bytes | None
    reason: str | None = None


class TxState(StrEnum):
    """How far a transaction has come.  Only the first three are still on the road."""

    SIGNED = "signed"
    BROADCAST = "broadcast"
    INCLUDED = "included"
    FINAL = "final"
    REVERTED = "reverted"
    REPLACED = "replaced"


@dataclass(frozen=True, kw_only=True, slots=True)
class Transaction:
    """A signed transaction, recorded before it is sent.  `block` once it is in one."""

    hash: bytes
    raw: bytes
    nonce: int
    sender: Address
    state: TxState = TxState.SIGNED
    signed: int
    block: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerRow:
    """A body's state since `block`; `held` is the brake, and `slot` what the contract stores."""

    state: IssuerState
    held: bool
    slot: bytes
    block: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrarSeen:
    """A region's registrar since `block`; the greatest `term` of all rows is the ledger's.

    `account` is zero where it was removed, `recovery` where there is none; `nonce` counts holds
    and releases, `turn` rotations and challenges; `challenged` and `rotated` are times, or zero.
    """

    region: int
    account: Address
    term: int
    nonce: int
    block: int
    recovery: Address = bytes(20)
    turn: int = 0
    challenged: int = 0
    rotated: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class AnchoredBatch:
    """A batch that stands in its body's tree.  `key` is an index, `leaf` its hash in that tree."""

    issuer: str
    sequence: int
    digest: bytes
    root: bytes
    first: int
    count: int
    catalog: bytes
    statement: Statement
    signature: bytes
    key: int
    leaf: bytes
    block: int
    tx: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class MirroredStatusChange:
    """A status statement that was carried out, and by which signatures."""

    issuer: str
    epoch: int
    statement: Statement
    digest: bytes
    signatures: tuple[bytes, ...]
    block: int
    tx: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogSeen:
    """A catalog that came into force."""

    issuer: str
    version: int
    root: bytes
    digest: bytes
    block: int
    tx: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredCheckpoint:
    """A final block that evidence speaks of, its note, and the trie nodes of the contract."""

    number: int
    hash: bytes
    state_root: bytes
    time: int
    note: str
    account: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookups:
    """What the certificates of a batch are found by, column by column, in order.

    Leaf hashes, lookup digests and ids are 32 bytes each, one after another.
    """

    leaves: bytes
    digests: bytes
    ids: bytes
    editions: Sequence[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """Where a certificate stands: in the batch with `root`, whose first index is `first`."""

    issuer: str
    index: int
    root: bytes
    first: int
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AnchoredEdition:
    """An edition of a certificate id that is anchored or waiting to be."""

    id: bytes
    edition: int
    index: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Backlog:
    """What waits to be anchored; `oldest` is when the oldest was accepted.

    `set_aside` are acts that wait for something about their issuer; no other member counts them.
    """

    acts: int
    certificates: int
    oldest: int | None
    set_aside: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reorganisation:
    """The chain took back blocks after `fork`, although those up to `final` had been final.

    `head` was the newest block then, and `time` its time.  `number` counts them.
    """

    fork: int
    final: int
    head: int
    time: int
    number: int = 0


# The chain --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedTransaction:
    """A signed transaction: its bytes, hash (32 bytes), nonce and sender."""

    raw: bytes
    hash: bytes
    nonce: int
    sender: Address


@dataclass(frozen=True, kw_only=True, slots=True)
class Included:
    """A transaction stands in a block; `succeeded` is False where it was reverted there."""

    block: Block
    succeeded: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ContractLog:
    """An event of the ledger's contract."""

    block: int
    block_hash: bytes
    tx: bytes
    position: int
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class StateProof:
    """The trie nodes of the contract's account and some of its slots at one block (EIP-1186)."""

    account: tuple[bytes, ...]
    slots: Mapping[int, tuple[bytes, ...]]
