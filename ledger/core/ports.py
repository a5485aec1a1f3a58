"""The two ports of the ledger: the store (SQL) and the chain (an Ethereum node).

Guarantees
----------
*Store.*  `with store.begin() as unit:` is one transaction: it commits when the block ends and
rolls back when the block raises.  A commit survives a crash of process and machine.  A unit
sees its own writes, and of the others only what was committed; if two units conflict, the later
one waits or fails with `StoreBusyError`, and the caller runs again.  No method of a unit commits.

*Mirror.*  The store's copy of the chain is a cache: each row names the block that made it, so
that `rollback` undoes a reorganisation exactly, and queries may be as of any block since the last
`prune`.  Reads from it are checked against a state root.

*Chain.*  An append-only public log; what is final does not change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from certledger.ledger.core.acts import Lane
from certledger.ledger.core.receipt_chain import ReceiptChainUnit
from certledger.ledger.core.store_errors import (
    StoreBusyError,
    StoreDamagedError,
    StoreFullError,
    StoreUnavailableError,
    TextUnusableError,
)
from certledger.ledger.core.values import (
    Address,
    AnchoredBatch,
    AnchoredEdition,
    Backlog,
    Block,
    CatalogSeen,
    ContractLog,
    Included,
    IssuerRow,
    Location,
    Lookups,
    MirroredStatusChange,
    NewAct,
    RegistrarSeen,
    Reorganisation,
    SignedTransaction,
    StateProof,
    StoredCheckpoint,
    SubmittedAct,
    Transaction,
    TxState,
)
from certledger.verifier.errors import CertledgerError

__all__ = [
    "Address",
    "AnchoredBatch",
    "AnchoredEdition",
    "Backlog",
    "Block",
    "CallRevertedError",
    "CatalogSeen",
    "Chain",
    "ChainRefusesError",
    "ChainUnreachableError",
    "ContractLog",
    "Included",
    "IntakeUnit",
    "IssuerRow",
    "LeaseLostError",
    "LeaseUnit",
    "Location",
    "Lookups",
    "MirrorDiffersError",
    "MirrorUnit",
    "MirroredStatusChange",
    "NewAct",
    "ReadUnit",
    "RegistrarSeen",
    "Reorganisation",
    "RoadUnit",
    "SignedTransaction",
    "StateProof",
    "Store",
    "StoreBusyError",
    "StoreDamagedError",
    "StoreFullError",
    "StoreUnavailableError",
    "StoredCheckpoint",
    "SubmittedAct",
    "TextUnusableError",
    "Transaction",
    "TxState",
    "Unit",
]  # fmt: skip


class MirrorDiffersError(CertledgerError):
    """The chain's events or proofs contradict the mirror; nothing of them was stored."""

    code = "mirror.differs"


class LeaseLostError(CertledgerError):
    """Another worker has the lease now; the caller must stop at once."""

    code = "lease.lost"

    def __init__(self, name: str) -> None:
        super().__init__(f"the lease {name!r} has passed to another worker")


# The store, one protocol for each of its users --------------------------------------------------


class IntakeUnit(ReceiptChainUnit, Protocol):
    """Queries of intake."""

    def lock(self, subject: str) -> None:
        """Block other units from accepting acts of `subject` until this one ends."""

    def body(self, issuer: str, *, at: int | None = None) -> IssuerRow | None:
        """Return the issuer's state, newest or as of block `at`."""

    def registrar(self, region: int, *, at: int | None = None) -> RegistrarSeen | None:
        """Return the region's registrar, newest or as of block `at`."""

    def registrars(self) -> Sequence[RegistrarSeen]:
        """Return the registrar of each region, ascending by region."""

    def head(self) -> Block | None:
        """Return the newest block that the mirror follows."""

    def act(self, digest: bytes) -> SubmittedAct | None:
        """Return the act whose statement has this digest."""

    def act_at(self, subject: str, lane: Lane, counter: int) -> SubmittedAct | None:
        """Return the living act at this value of the counter."""

    def queue(self, subject: str, lane: Lane) -> Sequence[SubmittedAct]:
        """Return the acts of the lane that are accepted and not yet included, in order."""

    def last_waiting(self, subject: str, lane: Lane) -> SubmittedAct | None:
        """Return the last of the queue."""

    def add_act(self, act: NewAct) -> SubmittedAct:
        """Store an act; no living act may have its digest or its counter."""

    def add_records(
        self, root: bytes, issuer: str, first: int, records: Iterable[bytes], lookups: Lookups
    ) -> None:
        """Store the records of a batch under its root, unless all are stored already.

        `records` is iterated once and never in memory as a whole.
        """

    def editions(self, issuer: str, ids: Sequence[bytes]) -> Sequence[AnchoredEdition]:
        """Return the editions of these ids that are anchored or alive."""

    def anchored(self, issuer: str, sequence: int) -> AnchoredBatch | None:
        """Return the batch that the chain has at this sequence."""

    def catalog_changes(self, issuer: str) -> Sequence[CatalogSeen]:
        """Return the catalogs that were in force, ascending by version."""

    def add_name(self, name: str) -> None:
        """Store a name under its SHA-256, and give it to issuers mirrored without a name."""

    def records_whole(self, root: bytes) -> bool:
        """Return whether all records of a batch are stored, each with its lookup row."""

    def catalog(self, root: bytes) -> bytes | None:
        """Return the canonical JSON list of a catalog's entries."""

    def add_catalog(self, root: bytes, entries: bytes) -> None:
        """Store a catalog under its root, replacing what is stored there."""

    def backlog(self) -> Backlog:
        """Return the accepted acts that can move; of acts set aside only the number."""

    def backlog_of(self, subject: str) -> Backlog:
        """Return the accepted acts of one subject, acts set aside included."""

    def expire(self, now: int) -> int:
        """Expire accepted acts whose `notAfter` lies before `now`; return how many.

        Acts behind an expired one in its lane expire too: their counter cannot be reached.
        """


class RoadUnit(Protocol):
    """Queries of the outbox worker."""

    def fence(self, name: str, token: int) -> None:
        """Raise LeaseLostError unless `token` is the newest; lock the lease until the unit ends."""

    def waiting(self, limit: int, per_lane: int = 100) -> Sequence[SubmittedAct]:
        """Return accepted acts that no signed or broadcast transaction contains, oldest first.

        At most the next `per_lane` of each lane, so that no issuer fills the list, and none that is
        set aside.  An act in an included transaction was skipped by the contract there, or the
        mirror has not followed its block yet.
        """

    def set_aside(self, act: SubmittedAct, reason: str) -> None:
        """Set aside an act, and those behind it in its lane, until its subject changes."""

    def reject(self, act: SubmittedAct, reason: str, block: int) -> None:
        """Reject an act, and those behind it, that can never be included, as known at `block`."""

    def reconsider(self, subject: str | None = None) -> None:
        """Undo `set_aside`, for one subject or for all."""

    def pending_transactions(self) -> Sequence[Transaction]:
        """Return transactions that are signed, broadcast or included, ascending by nonce."""

    def transaction(self, tx: bytes) -> Transaction | None:
        """Return the transaction with this hash."""

    def acts_of(self, tx: bytes) -> Sequence[SubmittedAct]:
        """Return the acts in a transaction."""

    def add_transaction(self, transaction: Transaction, acts: Iterable[int]) -> None:
        """Store a signed transaction and the numbers of its acts, before it is sent."""

    def set_transaction(self, tx: bytes, state: TxState, block: int | None = None) -> None:
        """Set the state of a transaction."""


class MirrorUnit(Protocol):
    """Queries of the chain follower."""

    def head(self) -> Block | None:
        """Return the newest block that the mirror follows."""

    def block(self, number: int) -> Block | None:
        """Return a followed block, if it has not been pruned."""

    def add_block(self, block: Block) -> None:
        """Add a followed block.  Blocks without acts may be left out."""

    def rollback(self, number: int) -> None:
        """Undo blocks after `number`; acts that they included or displaced are accepted again."""

    def finalize(self, number: int) -> int:
        """Mark acts and transactions of blocks up to `number` final; return how many acts."""

    def final_block(self) -> int:
        """Return the newest block with final acts or a checkpoint, -1 for none."""

    def add_reorganisation(self, reorganisation: Reorganisation) -> None:
        """Record, before the rollback, that final blocks are rolled back.

        Callers who got events of a final batch, or of a status at a checkpoint, in these blocks get
        new events once a later checkpoint shows the outcome.
        """

    def reorganisations(self) -> Sequence[Reorganisation]:
        """Return all reorganisations of final blocks, newest first."""

    def prune(self, number: int) -> None:
        """Delete versions that only blocks before `number` need; the newest state stays."""

    def put_body(self, body: IssuerRow) -> None:
        """Store an issuer's state since its block."""

    def put_registrar(self, registrar: RegistrarSeen) -> None:
        """Store a region's registrar since its block."""

    def put_words(self, issuer: str, words: Mapping[int, bytes], block: int) -> None:
        """Store status words (position to 32 bytes) since `block`."""

    def add_anchored(self, batches: Iterable[AnchoredBatch]) -> None:
        """Store batches that were anchored."""

    def add_status(self, change: MirroredStatusChange) -> None:
        """Store a status statement that was included."""

    def add_catalog_change(self, change: CatalogSeen) -> None:
        """Store that a catalog came into force."""

    def add_name(self, name: str) -> None:
        """Store a name under its SHA-256, and give it to issuers mirrored without a name."""

    def name(self, digest: bytes) -> str | None:
        """Return the name whose SHA-256 is `digest`, checked against the digest."""

    def settle(
        self, subject: str, lane: Lane, counter: int, digest: bytes, *, block: int, tx: bytes
    ) -> None:
        """Record that the chain included the statement `digest` at this counter.

        An act with this digest becomes included, even if expired or displaced; a living act with
        another digest at the same counter becomes displaced, and so do waiting batches behind it
        that name another predecessor.
        """

    def add_checkpoint(
        self, checkpoint: StoredCheckpoint, proofs: Mapping[str, Sequence[bytes]]
    ) -> None:
        """Store a checkpoint with the proof of each issuer's slot (trie nodes)."""

    def set_note(self, number: int, note: str) -> None:
        """Replace the note of a checkpoint, once witnesses have cosigned it."""

    def drop_checkpoints(self, before: int) -> None:
        """Delete checkpoints of blocks before `before`, except the newest that is cosigned."""

    def drop_checkpoints_after(self, last: int) -> None:
        """Delete checkpoints of blocks after `last`, the final one of a retired ledger."""


class ReadUnit(Protocol):
    """Queries of evidence, snapshots, pages and the background check."""

    def bodies(self, *, at: int | None = None) -> Sequence[IssuerRow]:
        """Return every issuer, ascending by code, newest or as of block `at`."""

    def body(self, issuer: str, *, at: int | None = None) -> IssuerRow | None:
        """Return one issuer, newest or as of block `at`."""

    def words(self, issuer: str, *, at: int | None = None) -> Mapping[int, bytes]:
        """Return the status words that are not zero, newest or as of block `at`."""

    def acts_at(self, subject: str, lane: Lane, counter: int) -> Sequence[SubmittedAct]:
        """Return every act accepted at this counter, dead ones too, oldest first."""

    def place_of_leaf(self, leaf: bytes) -> Location | None:
        """Return the location of a certificate that is anchored or alive."""

    def places_of_lookup(self, lookup: bytes) -> Sequence[Location]:
        """Return the locations of certificates with this lookup digest, newest last."""

    def place_at(self, issuer: str, index: int) -> Location | None:
        """Return the location of an issuer's certificate `index`, if its records are stored."""

    def record(self, root: bytes, place: int) -> bytes | None:
        """Return the canonical bytes of one record of a batch."""

    def records(self, root: bytes) -> Iterator[bytes]:
        """Yield the canonical bytes of a batch's records in order; none if not stored."""

    def leaves(self, root: bytes) -> Sequence[bytes]:
        """Return the leaf hashes of a batch; empty if its records are not stored."""

    def anchored(self, issuer: str, sequence: int) -> AnchoredBatch | None:
        """Return the batch that the chain has at this sequence."""

    def anchored_root(self, issuer: str, root: bytes) -> AnchoredBatch | None:
        """Return the batch of an issuer with this root."""

    def anchored_batches(
        self, issuer: str, *, after: int = 0, limit: int | None = None
    ) -> Sequence[AnchoredBatch]:
        """Return an issuer's batches with a sequence above `after`, ascending."""

    def anchored_leaves(self, issuer: str, *, batches: int) -> Sequence[bytes]:
        """Return the leaves of the first `batches` of an issuer's tree."""

    def status_changes(self, issuer: str, *, after: int = 0) -> Sequence[MirroredStatusChange]:
        """Return an issuer's status statements with an epoch above `after`, ascending."""

    def catalog_changes(self, issuer: str) -> Sequence[CatalogSeen]:
        """Return the catalogs that were in force, ascending by version."""

    def catalog(self, root: bytes) -> bytes | None:
        """Return the canonical JSON list of a catalog's entries."""

    def checkpoint(self, number: int | None = None) -> StoredCheckpoint | None:
        """Return a checkpoint, the newest by default."""

    def cosigned_checkpoint(self) -> StoredCheckpoint | None:
        """Return the newest checkpoint that any witness has cosigned."""

    def slot_proof(self, number: int, issuer: str) -> Sequence[bytes] | None:
        """Return the trie nodes of an issuer's slot at a checkpoint."""

    def missing_records(self, limit: int | None = None) -> Sequence[AnchoredBatch]:
        """Return anchored batches of which records are missing here."""

    def missing_catalogs(self, limit: int | None = None) -> Sequence[tuple[str, bytes]]:
        """Return (issuer, root) of catalogs that were in force and are missing here."""


class LeaseUnit(Protocol):
    """Leases, by which workers take turns."""

    def acquire(self, name: str, holder: str, *, seconds: int) -> int | None:
        """Acquire or renew a lease; return its fencing token, None while another holder has it.

        A renewal returns the same token, a take-over a greater one.  Time is the database's, so
        that machines with different clocks agree on when a lease ends.
        """

    def release(self, name: str, holder: str) -> None:
        """Release a lease before it ends."""


class IdentityUnit(Protocol):
    """Identity of a database: its ledger, and the pepper of its API keys."""

    def identity(self, name: str) -> bytes | None:
        """Return the value stored under `ledger` or `pepper`, None if not set."""

    def claim_identity(self, name: str, value: bytes) -> bytes:
        """Set a value unless it is set; return the stored one."""

    def replace_identity(self, name: str, value: bytes) -> None:
        """Replace a value."""


class Unit(IntakeUnit, RoadUnit, MirrorUnit, ReadUnit, LeaseUnit, IdentityUnit, Protocol):
    """One transaction of the store, with all queries of the ledger."""


class Store(Protocol):
    """The database; SQLite and PostgreSQL give the same guarantees."""

    def begin(self, *, write: bool = True) -> AbstractContextManager[Unit]:
        """Begin one transaction; with `write=False` it may only read, and waits for no lock.

        Raises:
            StoreBusyError: a lock was not released in time.
            StoreUnavailableError: the database does not answer, is full or damaged.
            TextUnusableError: a text contains NUL.
        """

    def close(self) -> None:
        """Close every connection."""


# The chain --------------------------------------------------------------------------------------


class ChainUnreachableError(CertledgerError):
    """The node does not answer, or not with JSON-RPC; trying again later may help."""

    code = "chain.unreachable"


class ChainRefusesError(ChainUnreachableError):
    """The node answered with an error."""

    code = "chain.refused"


class CallRevertedError(CertledgerError):
    """The contract would revert the call; `error` is the name of its error."""

    code = "chain.reverted"

    def __init__(self, error: str) -> None:
        super().__init__(f"the contract refuses the call: {error}")
        self.error = error


class Chain(Protocol):
    """The ledger's contract on a chain, and the account that sends transactions to it.

    Every method raises ChainUnreachableError if the node fails.
    """

    @property
    def identity(self) -> bytes:
        """The ledger's identity: the EIP-712 domain separator of its contract."""

    def next_nonce(self) -> int:
        """Return the sender's next nonce, counting transactions in the node's pool."""

    def sign(self, data: bytes, *, nonce: int) -> SignedTransaction:
        """Sign a transaction that calls the contract with `data`, without sending it.

        Raises:
            CallRevertedError: the contract would refuse it now.
        """

    def resign(self, raw: bytes) -> SignedTransaction:
        """Sign the same call with the same nonce and a fee high enough to replace it."""

    def mined_nonce(self) -> int:
        """Return the sender's next nonce, counting only included transactions."""

    def broadcast(self, raw: bytes) -> None:
        """Send a transaction to the network.  Safe to repeat with the same bytes.

        Raises:
            ChainRefusesError: the fee is too low, or the nonce is used.
        """

    def find(self, tx: bytes) -> Included | None:
        """Return the block of a transaction, None while it is unknown or pending."""

    def head(self) -> Block:
        """Return the newest block."""

    def finalized(self) -> Block:
        """Return the newest final block."""

    def block(self, number: int) -> Block | None:
        """Return a block, or None beyond the head."""

    def logs(self, first: int, last: int) -> Sequence[ContractLog]:
        """Return the contract's events in blocks `first` to `last`, in order and complete.

        Raises:
            ChainUnreachableError: also if no node proves that none is missing.
        """

    def prove(self, slots: Sequence[int], block: int) -> StateProof:
        """Return the proof of these storage positions under the block's state root."""
