"""Values that the ports of store and chain pass: blocks, acts, transactions, mirror rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from certledger.ledger.core.acts import ActKind, ActState
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.statements import Statement

Address = bytes
"""20 bytes."""


# Values of the store ----------------------------------------------------------------------------


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
    """An act to store; `certificates` is the number of a batch's records."""

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
    """A stored act and its state.  `block` and `tx` are set once it is included.

    `reason` is why an accepted act is set aside, or a rejected one was rejected.
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
    """State of a transaction.  Only the first three may still change by themselves."""

    SIGNED = "signed"
    BROADCAST = "broadcast"
    INCLUDED = "included"
    FINAL = "final"
    REVERTED = "reverted"
    REPLACED = "replaced"


@dataclass(frozen=True, kw_only=True, slots=True)
class Transaction:
    """A signed transaction, stored before it is sent.  `block` once it is included."""

    hash: bytes
    raw: bytes
    nonce: int
    sender: Address
    state: TxState = TxState.SIGNED
    signed: int
    block: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerRow:
    """An issuer's state since `block`; `on_hold` is the hold flag, `slot` the storage word."""

    state: IssuerState
    on_hold: bool
    slot: bytes
    block: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrarRow:
    """A region's registrar since `block`; the greatest `term` of all rows is the ledger's.

    `account` is zero if it was removed, `recovery` if there is none; `nonce` counts holds and
    releases, `turn` rotations and challenges; `challenged` and `rotated` are times, or zero.
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
    """A batch in its issuer's tree; `key` is the index of its key, `leaf` its hash in the tree."""

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
    """A status statement that was included, with its signatures."""

    issuer: str
    epoch: int
    statement: Statement
    digest: bytes
    signatures: tuple[bytes, ...]
    block: int
    tx: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogRow:
    """A catalog that came into force."""

    issuer: str
    version: int
    root: bytes
    digest: bytes
    block: int
    tx: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredCheckpoint:
    """A final block that evidence refers to, its note, and the account proof of the contract."""

    number: int
    hash: bytes
    state_root: bytes
    time: int
    note: str
    account: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookups:
    """Search keys of a batch's certificates, column by column, in order.

    Leaf hashes, lookup digests and ids are 32 bytes each, concatenated.
    """

    leaves: bytes
    digests: bytes
    ids: bytes
    editions: Sequence[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """Location of a certificate: the batch with `root`, whose first index is `first`."""

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
    """Acts that wait to be anchored; `oldest` is when the oldest was accepted.

    `set_aside` counts acts that are set aside; the other members do not count these.
    """

    acts: int
    certificates: int
    oldest: int | None
    set_aside: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reorganisation:
    """A reorganisation that removed blocks after `fork`, although those up to `final` were final.

    `head` was the newest block then, and `time` its time.  `number` counts reorganisations.
    """

    fork: int
    final: int
    head: int
    time: int
    number: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredProposal:
    """An act that waits for signatures: its file with those so far, and who began it.

    `digest` (32 bytes) is the statement's; `created` and `not_after` in seconds.
    """

    digest: bytes
    subject: str
    party: str
    created: int
    not_after: int
    file: bytes


# The chain --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedTransaction:
    """A signed transaction: its bytes, hash (32 bytes), nonce and sender."""

    raw: bytes
    hash: bytes
    nonce: int
    sender: Address


@dataclass(frozen=True, kw_only=True, slots=True)
class Inclusion:
    """A transaction in a block; `succeeded` is False if it was reverted there."""

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
    """The proof of the contract's account and some of its slots at one block (EIP-1186)."""

    account: tuple[bytes, ...]
    slots: Mapping[int, tuple[bytes, ...]]
