"""Making full evidence from the mirror, and never answering what does not check."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

from ledger.keys import recover_key
from ledger.ports import Anchored, BodySeen, Checkpoint, Place, ReadUnit, Store
from verifier import merkle
from verifier.catalog import Catalog, Entry, bound_root
from verifier.certificate import Record
from verifier.checks import check_inclusion
from verifier.encoding import parse_canonical
from verifier.errors import ProofInvalid, Refused
from verifier.evidence import BatchAnchor, EntryProof, Evidence
from verifier.policy import LedgerPin
from verifier.proving import check_batch, check_state
from verifier.state import BodyState
from verifier.statements import Batch
from verifier.status import CELLS, StatusTree

_LONGEST_CATALOG = 64 * 2**20
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class EvidenceUnknown(Refused):
    """The ledger has no such certificate."""

    code = "evidence.unknown"


class EvidencePending(Refused):
    """The certificate was taken in, and is not anchored under a checkpoint yet."""

    code = "evidence.pending"


class EvidenceInconsistent(Refused):
    """What the database holds does not lead to the chain: it answers nothing instead."""

    code = "evidence.inconsistent"


@dataclass(frozen=True, kw_only=True, slots=True)
class BodyView:
    """A body at a checkpoint with its trees, hashed once and used for all its certificates."""

    checkpoint: Checkpoint
    state: BodyState
    leaves: tuple[bytes, ...]
    status: StatusTree
    slot_proof: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchView:
    """An anchored batch with its trees."""

    anchored: Anchored
    statement: Batch
    signer: bytes
    leaves: tuple[bytes, ...]
    peak_path: tuple[bytes, ...]
    catalog: Catalog
    catalog_leaves: tuple[bytes, ...]


class EvidenceMaker:
    """Makes evidence at the newest checkpoint.  Keeps the trees of bodies and batches it used."""

    def __init__(self, store: Store, ledger: LedgerPin, *, bodies: int = 64, batches: int = 256):
        self._store, self._ledger = store, ledger
        self._bodies: _Kept[tuple[str, int], BodyView] = _Kept(bodies)
        self._batches: _Kept[tuple[str, int, int], BatchView] = _Kept(batches)

    def of_leaf(self, leaf: bytes) -> Evidence:
        """Return evidence, with nothing disclosed, of the certificate with this leaf hash.

        Raises:
            EvidenceUnknown: no certificate here has it.
            EvidencePending: it is not anchored under a checkpoint yet.
            EvidenceInconsistent: the database does not lead to the chain.
        """
        with self._store.begin(write=False) as unit:
            return self._make(unit, unit.place_of_leaf(leaf))

    def at(self, issuer: str, index: int) -> Evidence:
        """Return evidence of certificate `index` of a body; raises as `of_leaf`."""
        with self._store.begin(write=False) as unit:
            return self._make(unit, unit.place_at(issuer, index))

    def of_lookup(self, lookup: bytes) -> Evidence:
        """Return evidence of the newest certificate with this lookup digest; as `of_leaf`."""
        with self._store.begin(write=False) as unit:
            places = unit.places_of_lookup(lookup)
            return self._make(unit, places[-1] if places else None)

    def _make(self, unit: ReadUnit, place: Place | None) -> Evidence:
        if place is None:
            raise EvidenceUnknown("the ledger has no such certificate")
        checkpoint = unit.checkpoint()
        if checkpoint is None:
            raise EvidencePending("no block has been made a checkpoint yet")
        body = self._body(unit, checkpoint, place.issuer)
        batch = self._batch(unit, body, place)
        record = self._record(unit, place)
        found = batch.catalog.find(record.category, record.entry)
        if found is None:
            raise EvidenceInconsistent(f"the catalog of {place.issuer} lacks {record.category}")
        return self._checked(self._assemble(body, batch, record, *found))

    def _assemble(
        self, body: BodyView, batch: BatchView, record: Record, at: int, entry: Entry
    ) -> Evidence:
        place = record.index - batch.statement.first
        return Evidence(
            record=record,
            disclosures=(),
            path=tuple(merkle.prove(batch.leaves, place)),
            statement=batch.statement,
            signature=batch.anchored.signature[:64],
            signer=batch.signer,
            anchor=BatchAnchor(
                block=batch.anchored.block, key=batch.anchored.key, path=batch.peak_path
            ),
            catalog=EntryProof(
                entry=entry,
                place=at,
                count=len(batch.catalog.entries),
                path=tuple(merkle.prove(batch.catalog_leaves, at)),
            ),
            body=body.state,
            word=body.status.prove(record.index // CELLS),
            account_proof=body.checkpoint.account,
            slot_proof=body.slot_proof,
            checkpoint=body.checkpoint.note,
        )

    def _checked(self, evidence: Evidence) -> Evidence:
        """Return the evidence once every link of it leads on: a database may have been edited."""
        proof = evidence.catalog
        leaf = merkle.leaf_hash(proof.entry.canonical())
        try:
            entry_root = merkle.implied_root(leaf, proof.place, proof.count, proof.path)
            status_root = evidence.word.implied_root(evidence.record.index // CELLS)
        except ProofInvalid as error:
            raise EvidenceInconsistent(str(error)) from error
        links = {
            "leaf": self._leaf_stands(evidence),
            "entry": bound_root(proof.count, entry_root) == evidence.statement.catalog,
            "batch": self._batch_stands(evidence),
            "status": status_root == evidence.body.status,
        }
        if broken := [name for name, holds in links.items() if not holds]:
            raise EvidenceInconsistent(
                f"{evidence.record.issuer} {evidence.record.index}: the {broken[0]} leads elsewhere"
            )
        return evidence

    def _leaf_stands(self, evidence: Evidence) -> bool:
        record = evidence.record
        return (
            check_inclusion(record.leaf(), record.index, evidence.statement, evidence.path) == "ok"
        )

    def _batch_stands(self, evidence: Evidence) -> bool:
        identity = self._ledger.identity
        anchor, body = evidence.anchor, evidence.body
        return check_batch(evidence.statement, anchor, body, identity=identity) == "ok"

    def _record(self, unit: ReadUnit, place: Place) -> Record:
        data = unit.record(place.root, place.index - place.first)
        if data is None:
            raise EvidenceUnknown("the records of this batch were never handed in")
        return Record.parse(data)

    # What many certificates share ------------------------------------------------------------

    def _body(self, unit: ReadUnit, checkpoint: Checkpoint, issuer: str) -> BodyView:
        key = (issuer, checkpoint.number)
        held = self._bodies.get(key)
        if held is not None and held.checkpoint.note == checkpoint.note:
            return held
        seen = unit.body(issuer, at=checkpoint.number)
        proof = unit.slot_proof(checkpoint.number, issuer)
        if seen is None or proof is None:
            raise EvidencePending(f"{issuer} is not under a checkpoint yet")
        view = BodyView(
            checkpoint=checkpoint,
            state=seen.state,
            leaves=tuple(unit.anchored_leaves(issuer, batches=seen.state.batches)),
            status=StatusTree(unit.words(issuer, at=checkpoint.number)),
            slot_proof=tuple(proof),
        )
        self._check_body(view, seen)
        self._bodies.put(key, view)
        return view

    def _check_body(self, view: BodyView, seen: BodySeen) -> None:
        code = check_state(
            view.state,
            state_root=view.checkpoint.state_root,
            ledger=self._ledger,
            account_proof=view.checkpoint.account,
            slot_proof=view.slot_proof,
        )
        whole = tuple(merkle.peaks(view.leaves)) == view.state.peaks
        if code != "ok" or not whole or view.status.root != view.state.status:
            raise EvidenceInconsistent(f"the state of {seen.state.issuer} does not check ({code})")

    def _batch(self, unit: ReadUnit, body: BodyView, place: Place) -> BatchView:
        anchored = unit.anchored_root(place.issuer, place.root)
        if anchored is None or anchored.sequence > body.state.batches:
            raise EvidencePending("the batch is not anchored under a checkpoint yet")
        key = (place.issuer, anchored.sequence, body.checkpoint.number)
        held = self._batches.get(key)
        if held is None:
            held = _batch_view(unit, body, anchored, self._ledger.identity)
            self._batches.put(key, held)
        return held


def _batch_view(unit: ReadUnit, body: BodyView, anchored: Anchored, identity: bytes) -> BatchView:
    statement = anchored.statement
    entries = unit.catalog(anchored.catalog)
    if not isinstance(statement, Batch) or entries is None:
        raise EvidenceInconsistent(f"the catalog of batch {anchored.sequence} is not kept")
    catalog = Catalog.from_json(parse_canonical(entries, _LONGEST_CATALOG))
    return BatchView(
        anchored=anchored,
        statement=statement,
        signer=recover_key(statement.digest(identity), anchored.signature),
        leaves=tuple(unit.leaves(anchored.root)),
        peak_path=tuple(merkle.prove_to_peak(body.leaves, anchored.sequence - 1)),
        catalog=catalog,
        catalog_leaves=tuple(catalog.leaves()),
    )


class _Kept(Generic[_Key, _Value]):
    """The values used last, at most so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[_Key, _Value] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        if key in self._held:
            self._held.move_to_end(key)
        return self._held.get(key)

    def put(self, key: _Key, value: _Value) -> None:
        self._held[key] = value
        if len(self._held) > self._most:
            self._held.popitem(last=False)
