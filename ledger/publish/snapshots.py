"""Make trust snapshots (SPEC section 17) from the mirror, and deltas; checked before release."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from certledger.ledger.chain.client import EthereumChain
from certledger.ledger.core.values import AnchoredBatch, IssuerRow, StoredCheckpoint
from certledger.ledger.publish.checkpoints import ROLL_NAME
from certledger.ledger.publish.evidence import EvidenceInconsistentError, EvidencePendingError
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import parse_canonical
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.contract_events import ActEvent, parse_log
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.snapshot import Snapshot, SnapshotIssuer, SnapshotUnprovedError
from certledger.verifier.formats.snapshot_columns import PackedBatch
from certledger.verifier.formats.snapshot_delta import format_delta
from certledger.verifier.formats.statements import ZERO, Batch, Register

_MAX_CATALOG_BYTES = 64 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class SnapshotFile:
    """A snapshot, its file, and the digest by which deltas name it."""

    snapshot: Snapshot
    data: bytes
    digest: str


@dataclass(kw_only=True)
class SnapshotMaker:
    """Makes the snapshot of the newest checkpoint; caches the last few, for deltas.

    Not thread-safe.  `_made` is keyed by digest, in order of making; `_deltas` by both digests,
    and drops pairs whose snapshot was dropped; `_orders`, by block, holds for final blocks only.
    """

    store: Store
    chain: EthereumChain
    ledger: LedgerPin
    max_cached: int = 8
    _made: OrderedDict[str, SnapshotFile] = field(default_factory=OrderedDict)
    _deltas: dict[tuple[str, str], bytes] = field(default_factory=dict)
    _orders: dict[int, list[str]] = field(default_factory=dict)

    def latest(self) -> SnapshotFile:
        """Return the snapshot at the newest checkpoint.

        Raises:
            EvidencePendingError: there is no checkpoint yet. EvidenceInconsistentError: the mirror
            contradicts the chain's proofs. ChainUnreachableError: the order of registration is
            needed, and the node does not answer.
        """
        with self.store.begin(write=False) as unit:
            checkpoint = unit.checkpoint()
            if checkpoint is None:
                raise EvidencePendingError("there is no checkpoint yet")
            if (cached := self.at(checkpoint.note)) is not None:
                return cached
            snapshot = self._make(unit, checkpoint)
        made = SnapshotFile(
            snapshot=snapshot, data=snapshot.format(), digest=snapshot.digest().hex()
        )
        self._made[made.digest] = made
        while len(self._made) > self.max_cached:
            self._made.popitem(last=False)
        self._deltas = {
            pair: data for pair, data in self._deltas.items() if set(pair) <= set(self._made)
        }
        return made

    def at(self, note: str) -> SnapshotFile | None:
        """Return the newest snapshot made, if it is of the checkpoint with this note."""
        cached = next(reversed(self._made.values()), None)
        return cached if cached is not None and cached.snapshot.checkpoint == note else None

    def find(self, digest: str) -> SnapshotFile | None:
        """Return a cached snapshot by its digest (lower-case hex), None if not cached."""
        return self._made.get(digest)

    def delta(self, base: str) -> tuple[bytes, SnapshotFile] | None:
        """Return the delta from a cached snapshot to the latest, None if it is not cached."""
        newest, old = self.latest(), self._made.get(base)
        if old is None:
            return None
        pair = (base, newest.digest)
        if pair not in self._deltas:
            self._deltas[pair] = format_delta(old.snapshot, newest.snapshot)
        return self._deltas[pair], newest

    # Making -----------------------------------------------------------------------------------

    def _make(self, unit: Unit, checkpoint: StoredCheckpoint) -> Snapshot:
        seen = self._in_order(list(unit.issuers(at=checkpoint.number)))
        issuers = [self._snapshot_issuer(unit, checkpoint, row.state) for row in seen]
        names = [ROLL_NAME, *(row.state.issuer for row in seen)]
        proofs = [unit.slot_proof(checkpoint.number, name) for name in names]
        roots = _roots(issuers)
        found = {root: _catalog(unit, root) for root in sorted(roots)}
        catalogs = {root: one for root, one in found.items() if one is not None}
        nodes = {node for proof in proofs for node in proof or ()}
        snapshot = Snapshot.of(
            checkpoint=checkpoint.note,
            account_proof=checkpoint.account,
            nodes=nodes,
            catalogs=catalogs.values(),
            issuers=issuers,
            absent=roots - catalogs.keys(),
        )
        try:
            snapshot.check(self.ledger)
        except SnapshotUnprovedError as error:
            raise EvidenceInconsistentError(f"the snapshot does not check: {error}") from error
        return snapshot

    def _snapshot_issuer(
        self, unit: Unit, checkpoint: StoredCheckpoint, state: IssuerState
    ) -> SnapshotIssuer:
        batches = unit.anchored_batches(state.issuer, limit=state.batches)
        return SnapshotIssuer.of(
            _founding(state),
            [_row(batch) for batch in batches],
            unit.words(state.issuer, at=checkpoint.number),
            self.ledger.identity,
        )

    def _in_order(self, seen: list[IssuerRow]) -> list[IssuerRow]:
        """Sort issuers by registration; within one block the chain's logs have the order."""
        ordered: list[IssuerRow] = []
        by_block = sorted(seen, key=lambda row: (row.state.keys[0].start, row.state.issuer))
        for block, group in groupby(by_block, key=lambda row: row.state.keys[0].start):
            issuers = list(group)
            if len(issuers) > 1:
                order = self._registered(block)
                issuers.sort(key=lambda row: order.index(row.state.issuer))
            ordered += issuers
        return ordered

    def _registered(self, block: int) -> list[str]:
        if block not in self._orders:
            events = [parse_log(one.topics, one.data) for one in self.chain.logs(block, block)]
            self._orders[block] = [
                event.statement.issuer.decode("ascii")
                for event in events
                if isinstance(event, ActEvent) and isinstance(event.statement, Register)
            ]
        return self._orders[block]


def _founding(state: IssuerState) -> IssuerState:
    """Return a state before its first batch; `SnapshotIssuer.of` adds the batches."""
    return replace(state, batches=0, certificates=0, last=ZERO, peaks=())


def _row(batch: AnchoredBatch) -> PackedBatch:
    statement = batch.statement
    assert isinstance(statement, Batch)
    return PackedBatch(
        root=batch.root,
        count=batch.count,
        not_after=statement.not_after,
        block=batch.block,
        key=batch.key,
        catalog=batch.catalog,
        countersignature=statement.countersignature,
    )


def _roots(issuers: Sequence[SnapshotIssuer]) -> set[bytes]:
    roots = {row.catalog for issuer in issuers for row in issuer.rows}
    return (roots | {issuer.rootless.catalog for issuer in issuers}) - {ZERO}


def _catalog(unit: Unit, root: bytes) -> Catalog | None:
    """Return a catalog, None if it is missing or damaged: its certificates cannot be judged."""
    try:
        entries = unit.catalog(root)
        if entries is None:
            return None
        catalog = Catalog.from_json(parse_canonical(entries, _MAX_CATALOG_BYTES))
    except MalformedError:
        return None
    return catalog if catalog.root() == root else None
