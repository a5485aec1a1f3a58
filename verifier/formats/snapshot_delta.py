"""Deltas between snapshots (SPEC section 17)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from certledger.verifier.errors import MalformedError, ProofInvalidError
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.cbor import CborReader, encode
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.snapshot import (
    MAX_CHECKPOINT_BYTES,
    MAX_LISTED,
    Snapshot,
    SnapshotIssuer,
    SnapshotUnprovedError,
    deflate,
    inflate,
    open_item,
    pack_catalog,
    pack_issuer,
    unpack_catalogs,
    unpack_issuer,
)
from certledger.verifier.formats.state_proof import (
    MAX_NODE_BYTES,
    MAX_PROOF_NODES,
    ROLL,
    NodeSet,
    check_account,
    slot_position,
)

TYPE = "certledger/delta/1"


def format_delta(old: Snapshot, new: Snapshot) -> bytes:
    """Format the delta from `old` to `new`."""
    places = _places({**old.catalogs, **new.catalogs})
    current = set(old.nodes)
    parts = [
        TYPE,
        old.digest(),
        new.checkpoint,
        list(new.account_proof),
        [node for node in new.nodes if node not in current],
        [
            pack_catalog(root, part)
            for root, part in new.catalogs.items()
            if root not in old.catalogs or (part is not None and old.lacks(root))
        ],
        [_pack_change(at, old, issuer, places) for at, issuer in enumerate(new.issuers)],
    ]
    return deflate(encode(parts))


def _places(catalogs: Mapping[bytes, Catalog | None]) -> dict[bytes, int]:
    return {root: at for at, root in enumerate(sorted(catalogs))}


def _pack_change(
    at: int, old: Snapshot, issuer: SnapshotIssuer, places: Mapping[bytes, int]
) -> Any:
    known = old.issuers[at] if at < len(old.issuers) else None
    if known is not None and known.state == issuer.state:
        return at
    return [at, pack_issuer(issuer, places, start=0 if known is None else len(known.rows))]


def apply_delta(old: Snapshot, data: bytes, ledger: LedgerPin) -> Snapshot:
    """Apply a delta to `old` and prove the result with `Snapshot.check`.

    Raises:
        MalformedError: `snapshot.invalid`, `snapshot.version`; `snapshot.other_base` for another
            base; `snapshot.older` for an older block.
        SnapshotUnprovedError: the result differs from the contract's state.
    """
    reader = open_item(inflate(data), TYPE, 7)
    try:
        snapshot = _apply(old, reader, ledger)
    except ProofInvalidError as error:
        raise SnapshotUnprovedError(str(error)) from error
    snapshot.check(ledger)
    return snapshot


def _apply(old: Snapshot, reader: CborReader, ledger: LedgerPin) -> Snapshot:
    if reader.binary(32, 32) != old.digest():
        raise MalformedError("snapshot.other_base", "the delta builds on another snapshot")
    checkpoint = reader.text(MAX_CHECKPOINT_BYTES)
    head = parse_note(checkpoint).checkpoint
    if head.number < old.note.checkpoint.number:
        raise MalformedError("snapshot.older", f"block {head.number} is before the current one")
    account_proof = list(reader.binaries(MAX_PROOF_NODES, MAX_NODE_BYTES))
    nodes = list(reader.binaries(MAX_LISTED, MAX_NODE_BYTES, ascending=True))
    added = dict(unpack_catalogs(reader))
    # A catalog that the base has only by root may come with its entries.
    if any(root in old.catalogs and not old.lacks(root) for root in added):
        raise MalformedError(
            "snapshot.invalid", "a catalog that the snapshot built upon has already"
        )
    current = {**old.catalogs, **added}
    roots = sorted(current)
    issuers = [
        _unpack_change(at, reader, old, roots, head.identity)
        for at in range(reader.list(0, MAX_LISTED))
    ]
    reader.done()
    account = check_account(head.state_root, ledger.address, account_proof)
    if account is None:
        raise ProofInvalidError("the contract is absent")
    needed = {row.catalog for issuer in issuers for row in issuer.rows}
    needed |= {issuer.rootless.catalog for issuer in issuers}
    return Snapshot.of(
        checkpoint=checkpoint,
        account_proof=account_proof,
        nodes=_needed([*old.nodes, *nodes], account.storage_root, issuers),
        catalogs=[part for root, part in current.items() if root in needed and part is not None],
        absent=[root for root, part in current.items() if root in needed and part is None],
        issuers=issuers,
    )


def _needed(
    nodes: Iterable[bytes], storage_root: bytes, issuers: Iterable[SnapshotIssuer]
) -> list[bytes]:
    """Return those of `nodes` that prove the roll and the slots of `issuers`."""
    known = NodeSet(nodes)
    known.slot(storage_root, ROLL)
    for issuer in issuers:
        known.slot(storage_root, slot_position(issuer.rootless.issuer))
    return known.used()


def _unpack_change(
    at: int, reader: CborReader, old: Snapshot, roots: list[bytes], identity: bytes
) -> SnapshotIssuer:
    if at < len(old.issuers) and reader.is_integer():
        reader.integer(at, at)
        return old.issuers[at]
    reader.list(2, 2)
    reader.integer(at, at)
    before = old.issuers[at].rows if at < len(old.issuers) else ()
    return unpack_issuer(reader, roots, identity, before)
