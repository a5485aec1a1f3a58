"""Trust snapshots: all that a counter needs to answer for a day (SPEC section 17)."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cbor2

from verifier.catalog import Catalog, Entry
from verifier.checkpoint import Note, parse_note
from verifier.encoding import parse_canonical
from verifier.errors import ExitStatus, Malformed, ProofInvalid, Refused
from verifier.hashing import keccak, sha256
from verifier.packing import (
    AnchoredRow,
    load_cbor,
    pack_batches,
    pack_statuses,
    unpack_batches,
    unpack_statuses,
)
from verifier.policy import LedgerPin
from verifier.state import ISSUER, KEY_SIZE, BodyState, Key, batch_leaf, without_brake
from verifier.statements import ZERO, Batch
from verifier.stateproof import ROLL, NodeSet, check_account, slot_position
from verifier.status import StatusTree
from verifier.vocabulary import BodyKind, Standing

TYPE = "certledger/snapshot/1"
MEDIA_TYPE = "application/vnd.certledger.snapshot.v1"
LONGEST = 256 * 2**20
"""Greatest size in bytes, unpacked."""
_KINDS, _STANDINGS = tuple(BodyKind), tuple(Standing)
MALFORMED = (TypeError, ValueError, IndexError, KeyError, OverflowError, AttributeError)
"""What Python raises where parts of a file have another shape than they should."""


class SnapshotUnproved(Refused):
    """A snapshot is not what the chain holds at its checkpoint."""

    code = "snapshot.unproved"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class SnapshotBody:
    """One body at the checkpoint: state, batches in order, status words that are not zero."""

    state: BodyState
    rows: tuple[AnchoredRow, ...]
    statements: tuple[Batch, ...]
    words: Mapping[int, bytes]
    firsts: Sequence[int]

    @classmethod
    def of(
        cls,
        state: BodyState,
        rows: Sequence[AnchoredRow],
        words: Mapping[int, bytes],
        identity: bytes,
    ) -> SnapshotBody:
        """Return the body whose `state` holds what no batch tells; the rest is recomputed."""
        statements = []
        for row in rows:
            statement = Batch(
                issuer=state.issuer.encode("ascii"),
                sequence=state.batches + 1,
                previous=state.last,
                root=row.root,
                first=state.certificates,
                count=row.count,
                catalog=row.catalog,
                countersignature=row.countersignature,
                not_after=row.not_after,
            )
            digest = statement.digest(identity)
            leaf = batch_leaf(digest=digest, catalog=row.catalog, key=row.key, block=row.block)
            state = state.after_batch(digest=digest, count=row.count, leaf=leaf)
            statements.append(statement)
        return cls(
            state=state,
            rows=tuple(rows),
            statements=tuple(statements),
            words=words,
            firsts=[statement.first for statement in statements],
        )

    def batch_of(self, index: int) -> tuple[AnchoredRow, Batch] | None:
        """Return the batch of certificate `index`, None if it is not issued here."""
        if index >= self.state.certificates:
            return None
        at = bisect_right(self.firsts, index) - 1
        return self.rows[at], self.statements[at]


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """A whole snapshot.  `check` proves it; until then it is only well-formed."""

    checkpoint: str
    account_proof: tuple[bytes, ...]
    nodes: tuple[bytes, ...]
    catalogs: Mapping[bytes, Catalog]
    bodies: tuple[SnapshotBody, ...]
    by_issuer: Mapping[str, SnapshotBody] = field(repr=False)
    entries: Mapping[bytes, Mapping[tuple[str, int], Entry]] = field(repr=False)

    @classmethod
    def of(
        cls,
        *,
        checkpoint: str,
        account_proof: Sequence[bytes],
        nodes: Iterable[bytes],
        catalogs: Iterable[Catalog],
        bodies: Sequence[SnapshotBody],
    ) -> Snapshot:
        """Return the snapshot of these parts; `bodies` stand in the order of registration."""
        held = {catalog.root(): catalog for catalog in catalogs if catalog.entries}
        return cls(
            checkpoint=checkpoint,
            account_proof=tuple(account_proof),
            nodes=tuple(sorted(set(nodes))),
            catalogs=dict(sorted(held.items())),
            bodies=tuple(bodies),
            by_issuer={body.state.issuer: body for body in bodies},
            entries={
                root: {entry.order: entry for entry in catalog.entries}
                for root, catalog in held.items()
            },
        )

    @property
    def note(self) -> Note:
        """The checkpoint's note, parsed."""
        return parse_note(self.checkpoint)

    def to_cbor(self) -> bytes:
        """Return the deterministic CBOR of the whole snapshot."""
        places = {root: at for at, root in enumerate(self.catalogs)}
        return cbor2.dumps(
            [
                TYPE,
                self.checkpoint,
                list(self.account_proof),
                list(self.nodes),
                [pack_catalog(catalog) for catalog in self.catalogs.values()],
                [pack_body(body, places) for body in self.bodies],
            ],
            canonical=True,
        )

    def digest(self) -> bytes:
        """Return the SHA-256 by which a delta names what it builds on."""
        return sha256(self.to_cbor())

    def format(self) -> bytes:
        """Return the bytes of the file."""
        return zlib.compress(self.to_cbor(), 9)

    @classmethod
    def parse(cls, data: bytes) -> Snapshot:
        """Return the snapshot of a file's bytes; what it claims is proved by `check`.

        Raises:
            Malformed: `snapshot.invalid` or `json.*`, anything but a whole snapshot of version 1.
        """
        whole = inflate(data)
        parts = load_cbor(whole)
        try:
            kind, checkpoint, account_proof, nodes, catalogs, bodies = parts
            if kind != TYPE:
                raise Malformed("snapshot.version", "not a snapshot of version 1")
            identity = parse_note(checkpoint).checkpoint.identity
            read = [unpack_catalog(entries) for entries in catalogs]
            roots = [catalog.root() for catalog in read]
            snapshot = cls.of(
                checkpoint=checkpoint,
                account_proof=[bytes(node) for node in account_proof],
                nodes=nodes,
                catalogs=read,
                bodies=[unpack_body(body, roots, identity) for body in bodies],
            )
            same = snapshot.to_cbor() == whole
        except MALFORMED as error:
            raise Malformed("snapshot.invalid", "parts of the snapshot are ill-formed") from error
        if not same:
            raise Malformed("snapshot.invalid", "a second spelling of the same snapshot")
        return snapshot

    def check(self, ledger: LedgerPin) -> None:
        """Check that this is what the ledger's contract holds under the checkpoint's state root.

        Whether the block itself is to be trusted is judged apart, as for any evidence.

        Raises:
            SnapshotUnproved: a proof, the roll or a body's state does not fit.
        """
        checkpoint = self.note.checkpoint
        nodes = NodeSet(self.nodes)
        try:
            account = check_account(checkpoint.state_root, ledger.address, self.account_proof)
            if account is None or account.code_hash != ledger.code_hash:
                raise SnapshotUnproved("the chain holds another contract than the policy's")
            if nodes.slot(account.storage_root, ROLL) != roll(self.by_issuer):
                raise SnapshotUnproved("the list of bodies is not complete")
            for body in self.bodies:
                slot = nodes.slot(account.storage_root, slot_position(body.state.issuer))
                if without_brake(slot) != body.state.digest():
                    raise SnapshotUnproved(f"the state of {body.state.issuer} is another one")
                if StatusTree(body.words).root != body.state.status:
                    raise SnapshotUnproved(f"the statuses of {body.state.issuer} are others")
        except ProofInvalid as error:
            raise SnapshotUnproved(str(error)) from error
        self._check_whole(nodes)

    def _check_whole(self, nodes: NodeSet) -> None:
        if nodes.used() != list(self.nodes) or len(self.by_issuer) != len(self.bodies):
            raise SnapshotUnproved("a node is not needed, or a body stands twice")
        roots = {row.catalog for body in self.bodies for row in body.rows}
        roots |= {body.state.catalog for body in self.bodies}
        if roots - {ZERO} != set(self.catalogs):
            raise SnapshotUnproved("a catalog is missing or not needed")


def roll(issuers: Iterable[str]) -> bytes:
    """Return the value of the roll's slot after `issuers` were registered in this order."""
    value = bytes(32)
    for number, issuer in enumerate(issuers, 1):
        chain = keccak(value + issuer.encode("ascii"))[:28]
        value = chain + number.to_bytes(4, "big")
    return value


def inflate(data: bytes) -> bytes:
    """Return what `data` packs, at most `LONGEST` bytes of it.

    Raises:
        Malformed: `snapshot.invalid`, not zlib, too long, or bytes left over.
    """
    unpack = zlib.decompressobj()
    try:
        whole = unpack.decompress(data, LONGEST)
    except zlib.error as error:
        raise Malformed("snapshot.invalid", "not packed by zlib") from error
    if not unpack.eof or unpack.unused_data:
        raise Malformed("snapshot.invalid", f"cut short, over {LONGEST} bytes, or bytes left over")
    return whole


def pack_catalog(catalog: Catalog) -> list[bytes]:
    """Return a catalog as a snapshot holds it."""
    return [entry.canonical() for entry in catalog.entries]


def unpack_catalog(entries: Sequence[bytes]) -> Catalog:
    """Return the catalog of a snapshot's list.

    Raises:
        Malformed: an entry is not canonical, or they do not ascend.
    """
    return Catalog.from_json([parse_canonical(entry, 65536) for entry in entries])


def pack_body(body: SnapshotBody, catalogs: Mapping[bytes, int], start: int = 0) -> list[Any]:
    """Return a body as a snapshot holds it, its batches from place `start` on."""
    state = body.state
    return [
        state.issuer,
        state.kind.number,
        state.name,
        state.standing.number,
        state.since,
        b"".join(key.packed() for key in state.keys),
        state.catalog_version,
        state.catalog,
        state.epoch,
        state.revision,
        pack_batches(body.rows[start:], catalogs),
        pack_statuses(body.words),
    ]


def unpack_body(
    parts: Any, catalogs: Sequence[bytes], identity: bytes, before: Sequence[AnchoredRow] = ()
) -> SnapshotBody:
    """Return the body that a snapshot holds; `before` are its batches in the one built upon.

    Raises:
        Malformed: `snapshot.invalid` and others, parts no body can have.
    """
    issuer, kind, name, standing, since, keys, version, catalog, epoch, revision, *rest = parts
    columns, statuses = rest
    if not ISSUER.fullmatch(issuer) or len(keys) % KEY_SIZE or not 0 < len(name) <= 128:
        raise Malformed("snapshot.invalid", "a body has an impossible code, name or key")
    numbers = (kind, standing, since, version, epoch, revision)
    if set(map(type, numbers)) != {int}:
        raise Malformed("snapshot.invalid", "a body's numbers are none")
    if kind < 1 or standing < 1 or len(catalog) != 32:
        raise Malformed("snapshot.invalid", "a body has an impossible kind, standing or catalog")
    rows = [*before, *unpack_batches(columns, catalogs)]
    words = unpack_statuses(statuses, sum(row.count for row in rows))
    state = BodyState(
        issuer=issuer,
        kind=_KINDS[kind - 1],
        name=name,
        keys=tuple(Key.unpacked(keys[at : at + KEY_SIZE]) for at in range(0, len(keys), KEY_SIZE)),
        standing=_STANDINGS[standing - 1],
        since=since,
        catalog_version=version,
        catalog=catalog,
        epoch=epoch,
        revision=revision,
        status=StatusTree(words).root,
    )
    body = SnapshotBody.of(state, rows, words, identity)
    body.state.digest()  # Numbers that no word holds show here, not when a verdict is asked for.
    return body
