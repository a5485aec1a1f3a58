"""Deltas between snapshots: what changed since the last one (SPEC section 17)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import cbor2

from verifier.catalog import Catalog
from verifier.checkpoint import parse_note
from verifier.errors import Malformed, ProofInvalid
from verifier.packing import load_cbor
from verifier.policy import LedgerPin
from verifier.snapshot import (
    MALFORMED,
    Snapshot,
    SnapshotBody,
    SnapshotUnproved,
    inflate,
    pack_body,
    pack_catalog,
    unpack_body,
    unpack_catalog,
)
from verifier.stateproof import ROLL, NodeSet, check_account, slot_position

TYPE = "certledger/delta/1"


def format_delta(old: Snapshot, new: Snapshot) -> bytes:
    """Return the bytes of the file that leads from `old` to `new`."""
    places = _places({**old.catalogs, **new.catalogs})
    held = set(old.nodes)
    parts = [
        TYPE,
        old.digest(),
        new.checkpoint,
        list(new.account_proof),
        [node for node in new.nodes if node not in held],
        [pack_catalog(part) for root, part in new.catalogs.items() if root not in old.catalogs],
        [_pack_change(at, old, body, places) for at, body in enumerate(new.bodies)],
    ]
    return zlib.compress(cbor2.dumps(parts, canonical=True), 9)


def _places(catalogs: Mapping[bytes, Catalog]) -> dict[bytes, int]:
    return {root: at for at, root in enumerate(sorted(catalogs))}


def _pack_change(at: int, old: Snapshot, body: SnapshotBody, places: Mapping[bytes, int]) -> Any:
    known = old.bodies[at] if at < len(old.bodies) else None
    if known is not None and known.state == body.state:
        return at
    return [at, pack_body(body, places, start=0 if known is None else len(known.rows))]


def apply_delta(old: Snapshot, data: bytes, ledger: LedgerPin) -> Snapshot:
    """Return the snapshot that `data` leads to from `old`, proved as `Snapshot.check` proves it.

    Raises:
        Malformed: `snapshot.invalid`, `snapshot.version`; `snapshot.other_base`, where it builds
            on another snapshot; `snapshot.older`, where it would go back.
        SnapshotUnproved: it does not lead to what the chain holds.
    """
    whole = inflate(data)
    parts = load_cbor(whole)
    try:
        if cbor2.dumps(parts, canonical=True) != whole:
            raise Malformed("snapshot.invalid", "a second spelling of the same delta")
        snapshot = _apply(old, parts, ledger)
    except (*MALFORMED, cbor2.CBOREncodeError, RecursionError) as error:
        raise Malformed("snapshot.invalid", "parts of the delta are ill-formed") from error
    except ProofInvalid as error:
        raise SnapshotUnproved(str(error)) from error
    snapshot.check(ledger)
    return snapshot


def _apply(old: Snapshot, parts: Any, ledger: LedgerPin) -> Snapshot:
    kind, base, checkpoint, account_proof, nodes, catalogs, changes = parts
    if kind != TYPE:
        raise Malformed("snapshot.version", "not a delta of version 1")
    if base != old.digest():
        raise Malformed("snapshot.other_base", "the delta builds on another snapshot")
    head = parse_note(checkpoint).checkpoint
    if head.number < old.note.checkpoint.number:
        raise Malformed("snapshot.older", f"block {head.number} is before the one held")
    held = {**old.catalogs, **{part.root(): part for part in map(unpack_catalog, catalogs)}}
    roots = sorted(held)
    bodies = [
        _unpack_change(at, change, old, roots, head.identity) for at, change in enumerate(changes)
    ]
    account = check_account(head.state_root, ledger.address, account_proof)
    if account is None:
        raise ProofInvalid("the contract is absent")
    needed = {row.catalog for body in bodies for row in body.rows}
    needed |= {body.state.catalog for body in bodies}
    return Snapshot.of(
        checkpoint=checkpoint,
        account_proof=account_proof,
        nodes=_needed([*old.nodes, *nodes], account.storage_root, bodies),
        catalogs=[part for root, part in held.items() if root in needed],
        bodies=bodies,
    )


def _needed(
    nodes: Iterable[bytes], storage_root: bytes, bodies: Iterable[SnapshotBody]
) -> list[bytes]:
    """Return those of `nodes` that prove the roll and the slots of `bodies`."""
    known = NodeSet(nodes)
    known.slot(storage_root, ROLL)
    for body in bodies:
        known.slot(storage_root, slot_position(body.state.issuer))
    return known.used()


def _unpack_change(
    at: int, change: Any, old: Snapshot, roots: list[bytes], identity: bytes
) -> SnapshotBody:
    if change == at:
        return old.bodies[at]
    place, parts = change
    if place != at:
        raise Malformed("snapshot.invalid", "a body changes its place")
    before = old.bodies[at].rows if at < len(old.bodies) else ()
    return unpack_body(parts, roots, identity, before)
