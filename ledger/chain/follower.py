"""The follower: mirrors the contract's events in the store, and rolls back after reorgs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import structlog

from certledger.ledger.chain.client import EthereumChain
from certledger.ledger.core.acts import ACTS, Lane, counter_of, kind_of, subject_of
from certledger.ledger.core.contract_state import ledger_state, registrar_seen
from certledger.ledger.core.errors import ChainUnreachableError, MirrorDiffersError
from certledger.ledger.core.issuer_names import is_placeholder, placeholder, unnamed
from certledger.ledger.core.values import (
    AnchoredBatch,
    Block,
    CatalogRow,
    ContractLog,
    IssuerRow,
    MirroredStatusChange,
    Reorganisation,
    StoredCheckpoint,
)
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.verifier.contract_rules import apply
from certledger.verifier.contract_state import (
    BlockTime,
    Issuer,
    LedgerState,
    RuleBrokenError,
    Seat,
    SignedAct,
    changed_seats,
    issuers_of,
)
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats import contract_events
from certledger.verifier.formats.contract_events import (
    ActEvent,
    Event,
    IssuerStateEvent,
    parse_log,
    parse_state,
)
from certledger.verifier.formats.issuer_state import ZERO, IssuerState, batch_leaf
from certledger.verifier.formats.statements import (
    CatalogChange,
    Hold,
    RegistrarChange,
    Release,
    Restore,
    StatusChange,
)
from certledger.verifier.formats.status_tree import StatusTree, StepForbiddenError, move
from certledger.verifier.vocabulary import Status

log = structlog.get_logger(__name__)
SPAN = 2_000
"""Blocks whose events are read, and stored in one transaction."""
MAX_STORED_BLOCKS = 4_096
"""Blocks before the final one whose states are stored, for evidence at recent checkpoints."""
PRUNING = 256
"""Final blocks between two prunings of the mirror."""
_STATUSES = tuple(Status)


class ChainBehindError(ChainUnreachableError):
    """The node lacks blocks that a node of this chain has shown before."""

    code = "chain.behind"


@dataclass
class Follower:
    """Follows one contract from the block of its deployment.

    A node that lacks the mirror's head may be a backend that lags behind its load balancer: for
    `patience` seconds nothing is rolled back.

    Caches the status tree of each issuer that changed.  The cache is valid for the mirror's head
    `_trees_at` and cleared if the head is another, which a reorganisation or another follower may
    cause.
    """

    store: Store
    chain: EthereumChain
    start: int
    patience: float = 0.0
    clock: Callable[[], float] = time.monotonic
    _behind_since: float | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _trees: dict[str, StatusTree] = field(default_factory=dict)
    _trees_at: Block | None = None
    _pruned: int = 0
    _finalized: tuple[Block, int] | None = None

    def follow(self) -> Block:
        """Bring the mirror to the chain's head; return the newest block followed.

        A range of blocks is one transaction, so it may be stopped at any point.

        Raises:
            ChainUnreachableError: the node does not answer, or the chain changed while it was read.
            MirrorDiffersError: the events contradict the mirror.
        """
        with self._turn:
            head = self._take_back()
            if head is None or head.number < self.chain.head().number:
                while (head := self._advance()) is None:
                    pass
            self._finalize(head)
            return head

    def rebuild(self) -> Block:
        """Delete the mirror and follow the chain from the deployment; as `follow`."""
        with self.store.begin() as unit:
            unit.rollback(self.start - 1)
        self._finalized = None
        return self.follow()

    def _advance(self) -> Block | None:
        """Follow one more range; return the head once it is reached."""
        with self.store.begin(write=False) as unit:
            head = unit.head()
        newest = self.chain.head()
        if head is not None and head.number >= newest.number:
            return head
        first = self.start if head is None else head.number + 1
        last = min(first + SPAN - 1, newest.number)
        logs, blocks = self._read(first, last, head)
        if not self._keep(head, logs, blocks):
            return None  # Another follower was faster.
        return blocks[-1] if last == newest.number else None

    def _read(
        self, first: int, last: int, head: Block | None
    ) -> tuple[Sequence[ContractLog], Sequence[Block]]:
        """Return the events and blocks of a range, all on one history that contains `head`."""
        before = self.chain.block(last)
        logs = self.chain.logs(first, last)
        blocks = self._blocks(logs, last)
        if blocks[-1] != before or (head is not None and not self._stands(head)):
            raise ChainUnreachableError(f"the chain was reorganised while block {last} was read")
        return logs, blocks

    def _keep(
        self, head: Block | None, logs: Sequence[ContractLog], blocks: Sequence[Block]
    ) -> bool:
        """Store a range that follows on `head`; return False if the mirror's head has moved."""
        if self._trees_at != head:
            self._trees.clear()
        # The trees change inside the transaction below; drop them first, in case it rolls back.
        self._trees_at = None
        with self.store.begin() as unit:
            if unit.head() != head:
                return False
            times = {block.number: block.time for block in blocks}
            _Range(unit, self.chain.identity, self._trees, times).apply(logs)
            for block in blocks:
                unit.add_block(block)
        self._trees_at = blocks[-1]
        return True

    def _blocks(self, logs: Sequence[ContractLog], last: int) -> list[Block]:
        """Return the blocks of `logs` and block `last`, checked to be of one history."""
        found = []
        hashes = {one.block: one.block_hash for one in logs}
        for number in sorted({*hashes, last}):
            block = self.chain.block(number)
            if block is None or hashes.get(number, block.hash) != block.hash:
                raise ChainUnreachableError(f"block {number} changed while it was read")
            found.append(block)
        return found

    def _take_back(self) -> Block | None:
        """Roll the mirror back to the newest block that is still on the chain.

        Return the mirror's head if it is, else None.
        """
        with self.store.begin(write=False) as unit:
            head = unit.head()
        if head is None:
            return None
        found = self.chain.block(head.number)
        if found is not None:
            self._behind_since = None
            if found.hash == head.hash:
                return head
        elif self._awaits(head):
            raise ChainBehindError(f"the node has not come to block {head.number} again")
        with self.store.begin() as unit:
            fork, final = self._fork(unit, head), unit.final_block()
            if fork < final:
                # Events named these blocks as final: record it, so that new events are sent.
                unit.add_reorganisation(
                    Reorganisation(fork=fork, final=final, head=head.number, time=head.time)
                )
            unit.rollback(fork)
        self._finalized = None
        log.warning("chain_reorganised", fork=fork, head=head.number)
        if fork < final:
            log.error("final_blocks_reorganised", fork=fork, final=final)
        return None

    def _awaits(self, head: Block) -> bool:
        """Return whether to wait for a node that lacks the mirror's head, up to `patience`."""
        now = self.clock()
        if self._behind_since is None:
            log.warning("node_behind", head=head.number)
            self._behind_since = now
        return now - self._behind_since < self.patience

    def _fork(self, unit: Unit, head: Block) -> int:
        for number in range(head.number - 1, self.start - 1, -1):
            # Blocks without acts are not stored as blocks, but a checkpoint may be at one of them.
            known = unit.block(number) or unit.checkpoint(number)
            if known is not None and self._stands(known):
                return number
        return self.start - 1

    def _stands(self, block: Block | StoredCheckpoint) -> bool:
        found = self.chain.block(block.number)
        return found is not None and found.hash == block.hash

    def _finalize(self, head: Block) -> None:
        """Store what is final now; nothing is written where there is nothing."""
        final = min(self.chain.finalized().number, head.number)
        if self._finalized == (head, final):
            # The worker marks transactions as included after their block was followed.
            with self.store.begin(write=False) as unit:
                if not unit.has_unfinalized(final):
                    return
        with self.store.begin() as unit:
            unit.finalize(final)
            unit.expire(head.time)
            if final - MAX_STORED_BLOCKS >= self._pruned + PRUNING:
                unit.prune(final - MAX_STORED_BLOCKS)
                self._pruned = final - MAX_STORED_BLOCKS
        self._finalized = (head, final)


class _Range:
    """The events of a range of blocks, applied in order within one unit of work."""

    def __init__(
        self,
        unit: Unit,
        identity: bytes,
        trees: dict[str, StatusTree],
        times: Mapping[int, int],
    ) -> None:
        self._unit, self._identity, self._trees, self._times = unit, identity, trees, times
        self._issuers: dict[str, Issuer] = {}

    def apply(self, logs: Sequence[ContractLog]) -> None:
        """Apply the events.

        Raises:
            MirrorDiffersError: they are malformed, or contradict the mirror.
        """
        for one in logs:
            try:
                self._apply(parse_log(one.topics, one.data), one)
            except (MalformedError, RuleBrokenError, StepForbiddenError) as error:
                raise MirrorDiffersError(
                    f"event {one.position} of block {one.block}: {error}"
                ) from error

    def _apply(self, event: Event, at: ContractLog) -> None:
        if isinstance(event, contract_events.BatchAnchored):
            self._anchored(event, at)
        elif isinstance(event, ActEvent):
            self._apply_act(event, at)
        elif isinstance(event, IssuerStateEvent):
            self._apply_state(event, at)

    def _find_issuer(self, code: str) -> Issuer | None:
        if code not in self._issuers:
            seen = self._unit.issuer(code)
            if seen is None:
                return None
            self._issuers[code] = Issuer(state=seen.state, on_hold=seen.on_hold)
        return self._issuers[code]

    def _issuer(self, code: str) -> Issuer:
        found = self._find_issuer(code)
        if found is None:
            raise MirrorDiffersError(f"an act of {code}, which was never registered")
        return found

    def _ledger(self, codes: Iterable[str]) -> LedgerState:
        """Return the contract's state for an act that names these issuers."""
        return ledger_state(
            self._identity,
            self._unit.registrars(),
            {code: found for code in codes if (found := self._find_issuer(code)) is not None},
        )

    def _anchored(self, event: contract_events.BatchAnchored, at: ContractLog) -> None:
        issuer = self._issuer(event.issuer)
        state = issuer.state
        statement = event.statement(previous=state.last, catalog=state.catalog)
        digest = statement.digest(self._identity)
        leaf = batch_leaf(digest=digest, catalog=state.catalog, key=event.key, block=at.block)
        after = state.after_batch(digest=digest, count=event.count, leaf=leaf)
        self._issuers[event.issuer] = replace(issuer, state=after)
        batch = AnchoredBatch(
            issuer=event.issuer,
            sequence=event.sequence,
            digest=digest,
            root=event.root,
            first=event.first,
            count=event.count,
            catalog=state.catalog,
            statement=statement,
            signature=event.signature,
            key=event.key,
            leaf=leaf,
            block=at.block,
            tx=at.tx,
        )
        self._unit.add_anchored([batch])
        self._unit.mark_included(
            event.issuer, Lane.SEQUENCE, event.sequence, digest, block=at.block, tx=at.tx
        )

    def _apply_act(self, event: ActEvent, at: ContractLog) -> None:
        statement = event.statement
        kind = kind_of(statement)
        if kind is None:
            raise MirrorDiffersError(f"no call of the contract takes {statement.primary}")
        digest = statement.digest(self._identity)
        subject, lane = subject_of(statement), ACTS[kind].lane
        counter = counter_of(kind, statement)
        self._unit.mark_included(subject, lane, counter, digest, block=at.block, tx=at.tx)
        root = ZERO
        if isinstance(statement, StatusChange):
            root = self._status(statement, digest, event.signatures, at)
        elif isinstance(statement, CatalogChange):
            change = CatalogRow(
                issuer=subject,
                version=statement.version,
                root=statement.root,
                digest=digest,
                block=at.block,
                tx=at.tx,
            )
            self._unit.add_catalog_change(change)
        elif isinstance(statement, RegistrarChange) and not event.signatures:
            self._seat_first(statement, at)
            return
        act = SignedAct(
            statement=statement, signatures=event.signatures, key=event.key, status_root=root
        )
        self._take_over(act, digest, at)

    def _take_over(self, act: SignedAct, digest: bytes, at: ContractLog) -> None:
        """Store the seats and holds that an act changes; states follow by their own event."""
        codes = issuers_of(act.statement)
        before = self._ledger(codes)
        after = apply(before, act, BlockTime(number=at.block, time=self._times[at.block]))
        self._issuers.update(after.issuers)
        for code in codes:
            issuer = after.issuers[code]
            if isinstance(act.statement, Hold | Release):
                self._put(issuer, at)
            elif isinstance(act.statement, Restore):
                revision = issuer.state.revision
                self._unit.mark_included(
                    code, Lane.REVISION, revision, digest, block=at.block, tx=at.tx
                )
        for region in changed_seats(before, after):
            self._put_seat(region, after.seats[region], after.term, at)

    def _seat_first(self, statement: RegistrarChange, at: ContractLog) -> None:
        if statement.term != 0:
            raise MirrorDiffersError("a registrar was set without signatures after deployment")
        seat = Seat(account=statement.account, recovery=statement.recovery)
        self._put_seat(statement.region, seat, statement.term, at)

    def _put_seat(self, region: int, seat: Seat, term: int, at: ContractLog) -> None:
        self._unit.put_registrar(registrar_seen(region, seat, term=term, block=at.block))

    def _tree(self, issuer: str) -> StatusTree:
        if issuer not in self._trees:
            self._trees[issuer] = StatusTree(self._unit.words(issuer))
        return self._trees[issuer]

    def _status(
        self, statement: StatusChange, digest: bytes, signatures: tuple[bytes, ...], at: ContractLog
    ) -> bytes:
        """Store a change of status; return the status root after it."""
        issuer = statement.issuer.decode("ascii")
        tree, to = self._tree(issuer), _STATUSES[statement.status]
        words = {
            position: move(tree.word(position), mask, to, correction=len(signatures) > 1)
            for position, mask in zip(statement.words, statement.masks, strict=True)
        }
        tree.update(words)
        self._unit.put_words(issuer, words, at.block)
        change = MirroredStatusChange(
            issuer=issuer,
            epoch=statement.epoch,
            statement=statement,
            digest=digest,
            signatures=signatures,
            block=at.block,
            tx=at.tx,
        )
        self._unit.add_status(change)
        return tree.root

    def _apply_state(self, event: IssuerStateEvent, at: ContractLog) -> None:
        """Store a state after checking that the acts before it lead to it."""
        state = self._state(event)
        issuer = self._issuer(event.issuer)
        for one in fields(IssuerState):
            name = one.name
            if name != "name" and getattr(issuer.state, name) != getattr(state, name):
                raise MirrorDiffersError(f"the {name} of {event.issuer} does not follow")
        self._issuers[event.issuer] = replace(issuer, state=state)
        self._put(self._issuers[event.issuer], at)

    def _state(self, event: IssuerStateEvent) -> IssuerState:
        """Return the state of an event, with the issuer's name or its placeholder."""
        name = self._unit.name(event.name_digest)
        if name is None or is_placeholder(name):
            return unnamed(parse_state(event.words, placeholder(event.name_digest)))
        return event.state(name)

    def _put(self, issuer: Issuer, at: ContractLog) -> None:
        digest = issuer.state.digest()
        slot = digest[:-1] + bytes([digest[-1] | issuer.on_hold])
        self._unit.put_issuer(
            IssuerRow(state=issuer.state, on_hold=issuer.on_hold, slot=slot, block=at.block)
        )
