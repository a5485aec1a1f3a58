"""The two doors of the ledger: the store that remembers, and the chain that decides.

What a caller may count on
--------------------------
*Store.*  `with store.begin() as unit:` is one transaction: it commits when the block ends and
leaves nothing behind when the block raises.  Once the block has ended, what was written survives
the death of the process and of the machine.  A unit sees its own writes, and of the others only
what was committed; where two units would undo each other's premises the later one waits or fails
with `StoreBusy`, and the caller simply runs again.  No method of a unit commits.

*Mirror.*  What the store holds of the chain is a cache: each row carries the block that made it,
so that `rollback` forgets exactly what a reorganisation took back, and so that a question may be
asked as of any block since the last `prune`.  Answers from it are checked against a state root.

*Chain.*  Somewhere public that remembers what was said and will not take it back once final.
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
    """What the chain tells or proves does not agree with the mirror: nothing of it is kept."""

    code = "mirror.differs"


class LeaseLostError(CertledgerError):
    """Another worker has taken over; whoever gets this stops at once."""

    code = "lease.lost"

    def __init__(self, name: str) -> None:
        super().__init__(f"the lease {name!r} has passed to another worker")


# The store, as each of its users sees it --------------------------------------------------------


class IntakeUnit(ReceiptChainUnit, Protocol):
    """What submitting needs."""

    def lock(self, subject: str) -> None:
        """Let no other unit take in acts of `subject` until this one ends."""

    def body(self, issuer: str, *, at: int | None = None) -> IssuerRow | None:
        """Return the body's state, newest or as of block `at`."""

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
        """Take an act in.  Its digest, and its place among the living, must be free."""

    def add_records(
        self, root: bytes, issuer: str, first: int, records: Iterable[bytes], lookups: Lookups
    ) -> None:
        """Keep the records of a batch under its root, once; what is there whole already stays.

        `records` are gone through once, and never held together.
        """

    def editions(self, issuer: str, ids: Sequence[bytes]) -> Sequence[AnchoredEdition]:
        """Return the editions of these ids that are anchored or alive."""

    def anchored(self, issuer: str, sequence: int) -> AnchoredBatch | None:
        """Return the batch that the chain holds at this sequence."""

    def catalog_changes(self, issuer: str) -> Sequence[CatalogSeen]:
        """Return the catalogs that were in force, ascending by version."""

    def add_name(self, name: str) -> None:
        """Remember a name under its SHA-256; bodies followed without it bear it from now on."""

    def records_whole(self, root: bytes) -> bool:
        """Return whether the records of a batch are here, all of them, each with its look-up."""

    def catalog(self, root: bytes) -> bytes | None:
        """Return the canonical JSON list of a catalog's entries."""

    def add_catalog(self, root: bytes, entries: bytes) -> None:
        """Keep a catalog under its root, in place of what stands there: the root names it."""

    def backlog(self) -> Backlog:
        """Return what waits and can move; of what is set aside only the number."""

    def backlog_of(self, subject: str) -> Backlog:
        """Return all that waits of one subject, what is set aside included."""

    def expire(self, now: int) -> int:
        """Let accepted acts whose `notAfter` lies before `now` expire; return how many.

        Acts that wait behind an expired one expire with it: their counter cannot be reached.
        """


class RoadUnit(Protocol):
    """What the anchoring worker needs."""

    def fence(self, name: str, token: int) -> None:
        """Raise LeaseLostError unless `token` is the lease's newest; holds until the unit ends."""

    def waiting(self, limit: int, per_lane: int = 100) -> Sequence[SubmittedAct]:
        """Return accepted acts that no transaction signed or broadcast carries, oldest first.

        At most the next `per_lane` of each lane, so that no issuer fills the answer, and none
        that is set aside.

        One that is carried by an included transaction was passed over there, or the mirror has
        not followed its block yet.
        """

    def set_aside(self, act: SubmittedAct, reason: str) -> None:
        """Let an act, and those behind it in its lane, wait for something about their subject."""

    def reject(self, act: SubmittedAct, reason: str, block: int) -> None:
        """Give up an act, and those behind it: at `block` it was known that none can come."""

    def reconsider(self, subject: str | None = None) -> None:
        """Take back what was set aside, of one subject or of all."""

    def pending_transactions(self) -> Sequence[Transaction]:
        """Return transactions that are signed, broadcast or included, ascending by nonce."""

    def transaction(self, tx: bytes) -> Transaction | None:
        """Return the transaction with this hash."""

    def acts_of(self, tx: bytes) -> Sequence[SubmittedAct]:
        """Return the acts that a transaction carries."""

    def add_transaction(self, transaction: Transaction, acts: Iterable[int]) -> None:
        """Record a signed transaction and the numbers of the acts it carries, before it is sent."""

    def set_transaction(self, tx: bytes, state: TxState, block: int | None = None) -> None:
        """Record how far a transaction has come."""


class MirrorUnit(Protocol):
    """What the follower of the chain needs."""

    def head(self) -> Block | None:
        """Return the newest block that the mirror follows."""

    def block(self, number: int) -> Block | None:
        """Return a followed block, if it has not been pruned."""

    def add_block(self, block: Block) -> None:
        """Follow one block more.  Blocks without acts may be left out."""

    def rollback(self, number: int) -> None:
        """Forget what blocks after `number` said; acts they included or displaced wait again."""

    def finalize(self, number: int) -> int:
        """Acts and transactions included up to block `number` are final; return how many acts."""

    def final_block(self) -> int:
        """Return the newest block that acts or checkpoints made final; -1 for none."""

    def add_reorganisation(self, reorganisation: Reorganisation) -> None:
        """Record, before the rollback, that final blocks are taken back.

        Whoever was told that a batch in them is final, or of a status at a checkpoint in them, is
        told anew once a later checkpoint shows what is so.
        """

    def reorganisations(self) -> Sequence[Reorganisation]:
        """Return each time that final blocks were taken back, newest first."""

    def prune(self, number: int) -> None:
        """Give up answering questions about blocks before `number`.  The newest state stays."""

    def put_body(self, body: IssuerRow) -> None:
        """Record a body's state since its block."""

    def put_registrar(self, registrar: RegistrarSeen) -> None:
        """Record a region's registrar since its block."""

    def put_words(self, issuer: str, words: Mapping[int, bytes], block: int) -> None:
        """Record status words (position to 32 bytes) since `block`."""

    def add_anchored(self, batches: Iterable[AnchoredBatch]) -> None:
        """Record batches that were anchored."""

    def add_status(self, change: MirroredStatusChange) -> None:
        """Record a status statement that was carried out."""

    def add_catalog_change(self, change: CatalogSeen) -> None:
        """Record that a catalog came into force."""

    def add_name(self, name: str) -> None:
        """Remember a name under its SHA-256; bodies followed without it bear it from now on."""

    def name(self, digest: bytes) -> str | None:
        """Return the name whose SHA-256 is `digest`; a row that was edited is none."""

    def settle(
        self, subject: str, lane: Lane, counter: int, digest: bytes, *, block: int, tx: bytes
    ) -> None:
        """Record that the statement `digest` took this place on the chain.

        An act with this digest becomes included, even from expired or displaced; a living act
        with another digest at the same place becomes displaced, and so do waiting batches behind
        it that name another as the one before.
        """

    def add_checkpoint(
        self, checkpoint: StoredCheckpoint, proofs: Mapping[str, Sequence[bytes]]
    ) -> None:
        """Keep a checkpoint with the trie nodes of each body's slot."""

    def set_note(self, number: int, note: str) -> None:
        """Replace the note of a checkpoint, once witnesses have cosigned it."""

    def drop_checkpoints(self, before: int) -> None:
        """Forget checkpoints of blocks before `before`, except the newest that is cosigned."""


class ReadUnit(Protocol):
    """What evidence, snapshots, pages and the background check read."""

    def bodies(self, *, at: int | None = None) -> Sequence[IssuerRow]:
        """Return every body, ascending by code, newest or as of block `at`."""

    def body(self, issuer: str, *, at: int | None = None) -> IssuerRow | None:
        """Return one body, newest or as of block `at`."""

    def words(self, issuer: str, *, at: int | None = None) -> Mapping[int, bytes]:
        """Return the status words that are not zero, newest or as of block `at`."""

    def acts_at(self, subject: str, lane: Lane, counter: int) -> Sequence[SubmittedAct]:
        """Return every act taken in at this value of the counter, dead ones too, oldest first."""

    def place_of_leaf(self, leaf: bytes) -> Location | None:
        """Return where a certificate stands that is anchored or alive."""

    def places_of_lookup(self, lookup: bytes) -> Sequence[Location]:
        """Return where certificates with this lookup digest stand, newest last."""

    def place_at(self, issuer: str, index: int) -> Location | None:
        """Return where certificate `index` of a body stands, if its records are kept."""

    def record(self, root: bytes, place: int) -> bytes | None:
        """Return the canonical bytes of one record of a batch."""

    def records(self, root: bytes) -> Iterator[bytes]:
        """Yield the canonical bytes of a batch's records in order; nothing if not kept."""

    def leaves(self, root: bytes) -> Sequence[bytes]:
        """Return the leaf hashes of a batch; empty if its records are not kept."""

    def anchored(self, issuer: str, sequence: int) -> AnchoredBatch | None:
        """Return the batch that the chain holds at this sequence."""

    def anchored_root(self, issuer: str, root: bytes) -> AnchoredBatch | None:
        """Return the batch of a body with this root."""

    def anchored_batches(
        self, issuer: str, *, after: int = 0, limit: int | None = None
    ) -> Sequence[AnchoredBatch]:
        """Return a body's batches with a sequence above `after`, ascending."""

    def anchored_leaves(self, issuer: str, *, batches: int) -> Sequence[bytes]:
        """Return the leaves of the first `batches` of a body's tree."""

    def status_changes(self, issuer: str, *, after: int = 0) -> Sequence[MirroredStatusChange]:
        """Return a body's status statements with an epoch above `after`, ascending."""

    def catalog_changes(self, issuer: str) -> Sequence[CatalogSeen]:
        """Return the catalogs that were in force, ascending by version."""

    def catalog(self, root: bytes) -> bytes | None:
        """Return the canonical JSON list of a catalog's entries."""

    def checkpoint(self, number: int | None = None) -> StoredCheckpoint | None:
        """Return a checkpoint, the newest by default."""

    def cosigned_checkpoint(self) -> StoredCheckpoint | None:
        """Return the newest checkpoint that any witness has cosigned."""

    def slot_proof(self, number: int, issuer: str) -> Sequence[bytes] | None:
        """Return the trie nodes of a body's slot at a checkpoint."""

    def missing_records(self, limit: int | None = None) -> Sequence[AnchoredBatch]:
        """Return anchored batches whose records are not here, or not all of them."""

    def missing_catalogs(self, limit: int | None = None) -> Sequence[tuple[str, bytes]]:
        """Return (issuer, root) of catalogs that were in force and are not here."""


class LeaseUnit(Protocol):
    """What workers take turns by."""

    def acquire(self, name: str, holder: str, *, seconds: int) -> int | None:
        """Take or renew a lease; return its fencing token, or None while another holds it.

        A renewal keeps the token; a take-over raises it.  Time is the database's: two machines
        whose clocks differ agree on when a lease ends.
        """

    def release(self, name: str, holder: str) -> None:
        """Give a lease back early."""


class IdentityUnit(Protocol):
    """What a database is: whose ledger, and under whose secret."""

    def identity(self, name: str) -> bytes | None:
        """Return what the database is named as (`ledger`, `pepper`), None if not yet."""

    def claim_identity(self, name: str, value: bytes) -> bytes:
        """Name the database where it has no such name; return what it is named."""

    def replace_identity(self, name: str, value: bytes) -> None:
        """Name the database otherwise than before."""


class Unit(IntakeUnit, RoadUnit, MirrorUnit, ReadUnit, LeaseUnit, IdentityUnit, Protocol):
    """One transaction of the store, seen whole."""


class Store(Protocol):
    """Where the ledger remembers; one promise for every engine behind it."""

    def begin(self, *, write: bool = True) -> AbstractContextManager[Unit]:
        """Open one transaction; with `write=False` it may only read, and waits for nobody.

        Raises:
            StoreBusyError: others were at work on the same things for too long.
            StoreUnavailableError: the database does not answer, is full or damaged.
            TextUnusableError: a text was to be kept that no database can hold.
        """

    def close(self) -> None:
        """Let go of every connection."""


# The chain --------------------------------------------------------------------------------------


class ChainUnreachableError(CertledgerError):
    """The node does not answer, or not sensibly; trying again later may help."""

    code = "chain.unreachable"


class ChainRefusesError(ChainUnreachableError):
    """The node answers, but will not do what it was asked."""

    code = "chain.refused"


class CallRevertedError(CertledgerError):
    """The contract refuses the call, and says why."""

    code = "chain.reverted"

    def __init__(self, error: str) -> None:
        super().__init__(f"the contract refuses the call: {error}")
        self.error = error


class Chain(Protocol):
    """Somewhere public that remembers what was said and will not take it back.

    Every method raises ChainUnreachableError where the node fails.
    """

    @property
    def identity(self) -> bytes:
        """The ledger's identity: the EIP-712 domain separator of its contract."""

    def next_nonce(self) -> int:
        """Return the sender's next nonce, counting what the node has in its pool."""

    def sign(self, data: bytes, *, nonce: int) -> SignedTransaction:
        """Return the signed transaction that calls the contract with `data`.  Sends nothing.

        Raises:
            CallRevertedError: the contract would refuse it now.
        """

    def resign(self, raw: bytes) -> SignedTransaction:
        """Return the same call with the same nonce, for a fee that nodes take in its place."""

    def mined_nonce(self) -> int:
        """Return the sender's next nonce, counting only what stands in blocks."""

    def broadcast(self, raw: bytes) -> None:
        """Offer a transaction to the network.  Safe to repeat: the same bytes are the same one.

        Raises:
            ChainRefusesError: the node will not take it: its fee is too low, or its nonce is used.
        """

    def find(self, tx: bytes) -> Included | None:
        """Return where a transaction stands, or None while it is unknown or pending."""

    def head(self) -> Block:
        """Return the newest block."""

    def finalized(self) -> Block:
        """Return the newest block that will not be taken back."""

    def block(self, number: int) -> Block | None:
        """Return a block, or None beyond the head."""

    def logs(self, first: int, last: int) -> Sequence[ContractLog]:
        """Return the contract's events in blocks `first` to `last`, in order, and all of them.

        Raises:
            ChainUnreachableError: also where no node proves that none is missing.
        """

    def prove(self, slots: Sequence[int], block: int) -> StateProof:
        """Return the proof of these storage positions under the block's state root."""
