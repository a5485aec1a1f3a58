"""Make full evidence (SPEC section 16.1) from the mirror, and check every link of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from certledger.ledger.core.issuer_names import is_placeholder
from certledger.ledger.core.values import AnchoredBatch, Location, StoredCheckpoint
from certledger.ledger.keys import KeyUnusableError, recover_key
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.verifier.errors import CertledgerError, MalformedError, ProofInvalidError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import parse_canonical
from certledger.verifier.formats.catalog import Catalog, bound_root
from certledger.verifier.formats.evidence import BatchAnchor, EntryProof, Evidence
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.record import Record
from certledger.verifier.formats.statements import Batch, address_of
from certledger.verifier.formats.status_tree import CELLS, StatusTree
from certledger.verifier.verify.checks import check_inclusion
from certledger.verifier.verify.proofs import check_batch, check_state

_MAX_CATALOG_BYTES = 64 * 2**20
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class EvidenceUnknownError(CertledgerError):
    """The ledger has no such certificate."""

    code = "evidence.unknown"


class EvidencePendingError(CertledgerError):
    """The certificate was submitted, but is not anchored under a checkpoint yet."""

    code = "evidence.pending"


class EvidenceInconsistentError(CertledgerError):
    """The database contradicts the chain's proofs, so no evidence is made."""

    code = "evidence.inconsistent"


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerTrees:
    """The batches and statuses of an issuer, checked against its state."""

    leaves: tuple[bytes, ...]
    status: StatusTree


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerView:
    """An issuer's state at a checkpoint, with its proof."""

    checkpoint: StoredCheckpoint
    state: IssuerState
    digest: bytes
    trees: IssuerTrees
    slot_proof: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogView:
    """A catalog with its Merkle tree."""

    catalog: Catalog
    tree: merkle.Tree


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchView:
    """An anchored batch with its Merkle tree."""

    anchored: AnchoredBatch
    statement: Batch
    signer: bytes
    tree: merkle.Tree
    peak_path: tuple[bytes, ...]
    catalog: CatalogView


class EvidenceMaker:
    """Makes evidence at the newest checkpoint.

    LRU caches, all keyed by content, so that nothing needs invalidation: views by issuer and
    checkpoint number (the note is compared too, for it gains cosignatures), trees by digest of
    the state, catalogs by root, batches by state digest and sequence.  `issuers` bounds the first
    three, `leaves` the certificates of all cached batches together (64 bytes each).
    """

    def __init__(
        self, store: Store, ledger: LedgerPin, *, issuers: int = 64, leaves: int = 2**20
    ) -> None:
        self._store, self._ledger = store, ledger
        self._views: _WeightedCache[tuple[str, int], IssuerView] = _WeightedCache(issuers)
        self._trees: _WeightedCache[bytes, IssuerTrees] = _WeightedCache(issuers)
        self._catalogs: _WeightedCache[bytes, CatalogView] = _WeightedCache(issuers)
        self._batches: _WeightedCache[tuple[bytes, int], BatchView] = _WeightedCache(
            leaves, weight=lambda batch: batch.tree.size
        )

    def of_leaf(self, leaf: bytes) -> Evidence:
        """Return evidence of the certificate with this leaf hash, without disclosures.

        Raises:
            EvidenceUnknownError: no certificate here has it.
            EvidencePendingError: it is not anchored under a checkpoint yet.
            EvidenceInconsistentError: the database contradicts the chain.
        """
        with self._store.begin(write=False) as unit:
            evidence = self._make(unit, unit.place_of_leaf(leaf))
        return _asked(evidence, evidence.record.leaf() == leaf)

    def at(self, issuer: str, index: int) -> Evidence:
        """Return evidence of an issuer's certificate `index`; raises as `of_leaf`."""
        with self._store.begin(write=False) as unit:
            evidence = self._make(unit, unit.place_at(issuer, index))
        record = evidence.record
        return _asked(evidence, (record.issuer, record.index) == (issuer, index))

    def of_lookup(self, lookup: bytes) -> Evidence:
        """Return evidence of the newest certificate with this lookup digest; as `of_leaf`."""
        with self._store.begin(write=False) as unit:
            places = unit.places_of_lookup(lookup)
            evidence = self._make(unit, places[-1] if places else None)
        return _asked(evidence, evidence.record.digests[0] == lookup)

    def of_issuer(self, issuer: str) -> IssuerView:
        """Return an issuer at the newest checkpoint, proved by its slot; raises as `of_leaf`."""
        with self._store.begin(write=False) as unit:
            checkpoint = unit.checkpoint()
            if checkpoint is None:
                raise EvidencePendingError("there is no checkpoint yet")
            return self._issuer_view(unit, checkpoint, issuer)

    def _make(self, unit: Unit, place: Location | None) -> Evidence:
        if place is None:
            raise EvidenceUnknownError("the ledger has no such certificate")
        checkpoint = unit.checkpoint()
        if checkpoint is None:
            raise EvidencePendingError("there is no checkpoint yet")
        try:
            view = self._issuer_view(unit, checkpoint, place.issuer)
            batch = self._batch(unit, view, place)
            return self._checked(self._assemble(view, batch, self._record(unit, place)))
        except (ProofInvalidError, MalformedError, KeyUnusableError) as error:
            raise EvidenceInconsistentError(f"{place.issuer} {place.index}: {error}") from error

    def _assemble(self, view: IssuerView, batch: BatchView, record: Record) -> Evidence:
        return Evidence(
            record=record,
            disclosures=(),
            path=tuple(batch.tree.prove(record.index - batch.statement.first)),
            statement=batch.statement,
            signature=batch.anchored.signature[:64],
            signer=batch.signer,
            anchor=BatchAnchor(
                block=batch.anchored.block, key=batch.anchored.key, path=batch.peak_path
            ),
            catalog=_entry_proof(batch.catalog, record),
            issuer=view.state,
            word=view.trees.status.prove(record.index // CELLS),
            account_proof=view.checkpoint.account,
            slot_proof=view.slot_proof,
            checkpoint=view.checkpoint.note,
        )

    def _checked(self, evidence: Evidence) -> Evidence:
        """Return the evidence after checking every link: the database may have been edited."""
        proof, state = evidence.catalog, evidence.issuer
        leaf = merkle.leaf_hash(proof.entry.canonical())
        entry_root = merkle.implied_root(leaf, proof.place, proof.count, proof.path)
        status_root = evidence.word.implied_root(evidence.record.index // CELLS)
        links = {
            "leaf": self._leaf_stands(evidence),
            "entry": bound_root(proof.count, entry_root) == evidence.statement.catalog,
            "batch": self._batch_stands(evidence),
            "signature": address_of(evidence.signer) == _address_at(state, evidence.anchor.key),
            "status": status_root == state.status,
        }
        if broken := [name for name, holds in links.items() if not holds]:
            raise EvidenceInconsistentError(
                f"{evidence.record.issuer} {evidence.record.index}: the {broken[0]} does not verify"
            )
        return evidence

    def _leaf_stands(self, evidence: Evidence) -> bool:
        record = evidence.record
        return (
            check_inclusion(record.leaf(), record.index, evidence.statement, evidence.path) == "ok"
        )

    def _batch_stands(self, evidence: Evidence) -> bool:
        identity = self._ledger.identity
        anchor, state = evidence.anchor, evidence.issuer
        return check_batch(evidence.statement, anchor, state, identity=identity) == "ok"

    def _record(self, unit: Unit, place: Location) -> Record:
        data = unit.record(place.root, place.index - place.first)
        if data is None:
            raise EvidenceUnknownError("the records of this batch were never submitted")
        return Record.parse(data)

    # Shared by many certificates -----------------------------------------------------------

    def _issuer_view(self, unit: Unit, checkpoint: StoredCheckpoint, issuer: str) -> IssuerView:
        key = (issuer, checkpoint.number)
        cached = self._views.get(key)
        if cached is not None and cached.checkpoint.note == checkpoint.note:
            return cached
        seen = unit.issuer(issuer, at=checkpoint.number)
        proof = unit.slot_proof(checkpoint.number, issuer)
        if seen is None or proof is None:
            raise EvidencePendingError(f"{issuer} is not under a checkpoint yet")
        if is_placeholder(seen.state.name):
            raise EvidencePendingError(f"the name of {issuer} was not submitted yet")
        code = check_state(
            seen.state,
            state_root=checkpoint.state_root,
            ledger=self._ledger,
            account_proof=checkpoint.account,
            slot_proof=tuple(proof),
        )
        if code != "ok":
            raise EvidenceInconsistentError(f"the state of {issuer} does not check ({code})")
        view = IssuerView(
            checkpoint=checkpoint,
            state=seen.state,
            digest=seen.state.digest(),
            trees=self._issuer_trees(unit, checkpoint, seen.state),
            slot_proof=tuple(proof),
        )
        self._views.put(key, view)
        return view

    def _issuer_trees(
        self, unit: Unit, checkpoint: StoredCheckpoint, state: IssuerState
    ) -> IssuerTrees:
        """Return the trees of a proved state; few states change from one checkpoint to the next."""
        digest = state.digest()
        cached = self._trees.get(digest)
        if cached is not None:
            return cached
        trees = IssuerTrees(
            leaves=tuple(unit.anchored_leaves(state.issuer, batches=state.batches)),
            status=StatusTree(unit.words(state.issuer, at=checkpoint.number)),
        )
        if tuple(merkle.peaks(trees.leaves)) != state.peaks or trees.status.root != state.status:
            raise EvidenceInconsistentError(
                f"batches or statuses of {state.issuer} are not its state's"
            )
        self._trees.put(digest, trees)
        return trees

    def _batch(self, unit: Unit, view: IssuerView, place: Location) -> BatchView:
        anchored = unit.anchored_root(place.issuer, place.root)
        if anchored is None or anchored.sequence > view.state.batches:
            raise EvidencePendingError("the batch is not anchored under a checkpoint yet")
        key = (view.digest, anchored.sequence)
        cached = self._batches.get(key)
        if cached is None:
            cached = self._batch_view(unit, view, anchored)
            self._batches.put(key, cached)
        return cached

    def _batch_view(self, unit: Unit, view: IssuerView, anchored: AnchoredBatch) -> BatchView:
        statement = anchored.statement
        if not isinstance(statement, Batch):
            raise EvidenceInconsistentError(f"batch {anchored.sequence} is not stored as a batch")
        digest = statement.digest(self._ledger.identity)
        return BatchView(
            anchored=anchored,
            statement=statement,
            signer=recover_key(digest, anchored.signature),
            tree=merkle.Tree(unit.leaves(anchored.root)),
            peak_path=tuple(merkle.prove_to_peak(view.trees.leaves, anchored.sequence - 1)),
            catalog=self._catalog(unit, anchored),
        )

    def _catalog(self, unit: Unit, anchored: AnchoredBatch) -> CatalogView:
        cached = self._catalogs.get(anchored.catalog)
        if cached is None:
            entries = unit.catalog(anchored.catalog)
            if entries is None:
                raise EvidencePendingError(
                    f"the catalog of batch {anchored.sequence} of {anchored.issuer}"
                    " was not submitted yet"
                )
            catalog = Catalog.from_json(parse_canonical(entries, _MAX_CATALOG_BYTES))
            cached = CatalogView(catalog=catalog, tree=merkle.Tree(catalog.leaves()))
            self._catalogs.put(anchored.catalog, cached)
        return cached


def _asked(evidence: Evidence, holds: bool) -> Evidence:
    """Return the evidence if it is of the requested certificate."""
    if not holds:
        record = evidence.record
        raise EvidenceInconsistentError(
            f"the database leads to {record.issuer} {record.index} instead"
        )
    return evidence


def _entry_proof(view: CatalogView, record: Record) -> EntryProof:
    found = view.catalog.find(record.category, record.entry)
    if found is None:
        raise EvidenceInconsistentError(f"the catalog of {record.issuer} lacks {record.category}")
    place, entry = found
    return EntryProof(
        entry=entry,
        place=place,
        count=len(view.catalog.entries),
        path=tuple(view.tree.prove(place)),
    )


def _address_at(state: IssuerState, key: int) -> bytes | None:
    return state.keys[key].address if key < len(state.keys) else None


class _WeightedCache(Generic[_Key, _Value]):
    """LRU cache bounded by the sum of its values' weights, 1 each by default."""

    def __init__(self, most: int, weight: Callable[[_Value], int] = lambda value: 1) -> None:
        self._most, self._weight = most, weight
        self._entries: OrderedDict[_Key, _Value] = OrderedDict()
        self._sum = 0

    def get(self, key: _Key) -> _Value | None:
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, key: _Key, value: _Value) -> None:
        if (before := self._entries.pop(key, None)) is not None:
            self._sum -= self._weight(before)
        self._entries[key] = value
        self._sum += self._weight(value)
        while self._sum > self._most and len(self._entries) > 1:
            self._sum -= self._weight(self._entries.popitem(last=False)[1])
