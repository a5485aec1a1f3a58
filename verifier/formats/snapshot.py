"""Trust snapshots: all data that a counter needs offline for a day (SPEC section 17)."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from certledger.verifier.crypto.hashing import keccak, sha256
from certledger.verifier.errors import (
    CertledgerError,
    ExitStatus,
    MalformedError,
    ProofInvalidError,
)
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import parse_canonical
from certledger.verifier.formats.catalog import MAX_ENTRIES, Catalog, Entry
from certledger.verifier.formats.cbor import CborReader, encode
from certledger.verifier.formats.checkpoint import MAX_NOTE_BYTES, Note, parse_note
from certledger.verifier.formats.issuer_state import (
    ISSUER,
    KEY_SIZE,
    MAX_CERTIFICATES,
    MAX_KEYS,
    NO_END,
    UNNAMED,
    IssuerState,
    Key,
    UnnamedIssuer,
    batch_leaf,
    region_of,
    without_brake,
)
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.snapshot_columns import (
    PackedBatch,
    pack_batches,
    pack_statuses,
    unpack_batches,
    unpack_statuses,
)
from certledger.verifier.formats.state_proof import (
    MAX_NODE_BYTES,
    MAX_PROOF_NODES,
    ROLL,
    NodeSet,
    check_account,
    slot_position,
)
from certledger.verifier.formats.statements import ZERO, Batch
from certledger.verifier.formats.status_tree import root_of_words
from certledger.verifier.vocabulary import IssuerKind, Standing

TYPE = "certledger/snapshot/1"
MEDIA_TYPE = "application/vnd.certledger.snapshot.v1"
MAX_SNAPSHOT_BYTES = 256 * 2**20
"""Greatest size in bytes, decompressed."""
MAX_FREE_BYTES = 65_536
MAX_RATIO = 16
"""Decompressed bytes for each byte of a file, in addition to `MAX_FREE_BYTES`."""
MAX_LISTED = 2**32 - 1
"""Issuers, catalogs and nodes: the greatest number of issuers the contract counts."""
MAX_ENTRY_BYTES = 65_536
MAX_NAME = 128
MAX_CHECKPOINT_BYTES = 4 * MAX_NOTE_BYTES
_KINDS, _STANDINGS = tuple(IssuerKind), tuple(Standing)


class SnapshotUnprovedError(CertledgerError):
    """A snapshot differs from the contract's state at its checkpoint."""

    code = "snapshot.unproved"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True)
class SnapshotIssuer:
    """One issuer at the checkpoint: state, batches in order, status words that are not zero.

    `rootless` is the state without its status root (32 zero bytes).
    """

    rootless: IssuerState
    rows: tuple[PackedBatch, ...]
    statements: tuple[Batch, ...]
    words: Mapping[int, bytes]
    firsts: Sequence[int]

    @classmethod
    def of(
        cls,
        state: IssuerState,
        rows: Sequence[PackedBatch],
        words: Mapping[int, bytes],
        identity: bytes,
    ) -> SnapshotIssuer:
        """Complete a state from its batches: certificates, peaks and last digest are recomputed."""
        issuer, statements = state.issuer.encode("ascii"), []
        last, certificates, peaks = state.last, state.certificates, list(state.peaks)
        for number, row in enumerate(rows, state.batches):
            statement = Batch(
                issuer=issuer,
                sequence=number + 1,
                previous=last,
                root=row.root,
                first=certificates,
                count=row.count,
                catalog=row.catalog,
                countersignature=row.countersignature,
                not_after=row.not_after,
            )
            last = statement.digest(identity)
            leaf = batch_leaf(digest=last, catalog=row.catalog, key=row.key, block=row.block)
            peaks = merkle.append(peaks, number, leaf)
            certificates += row.count
            statements.append(statement)
        return cls(
            rootless=replace(
                state,
                batches=state.batches + len(rows),
                certificates=certificates,
                last=last,
                peaks=tuple(peaks),
                status=ZERO,
            ),
            rows=tuple(rows),
            statements=tuple(statements),
            words=words,
            firsts=[statement.first for statement in statements],
        )

    @cached_property
    def state(self) -> IssuerState:
        """The state; the first access hashes the status words to their root."""
        return replace(self.rootless, status=root_of_words(self.words.items()))

    def batch_of(self, index: int) -> tuple[PackedBatch, Batch] | None:
        """Return the batch of certificate `index`, None if it is not issued yet."""
        if index >= self.rootless.certificates:
            return None
        at = bisect_right(self.firsts, index) - 1
        return self.rows[at], self.statements[at]


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """A whole snapshot, well-formed; `check` proves it."""

    checkpoint: str
    account_proof: tuple[bytes, ...]
    nodes: tuple[bytes, ...]
    catalogs: Mapping[bytes, Catalog | None]
    issuers: tuple[SnapshotIssuer, ...]
    by_issuer: Mapping[str, SnapshotIssuer] = field(repr=False)
    entries: Mapping[bytes, Mapping[tuple[str, int], Entry]] = field(repr=False)

    @classmethod
    def of(
        cls,
        *,
        checkpoint: str,
        account_proof: Sequence[bytes],
        nodes: Iterable[bytes],
        catalogs: Iterable[Catalog],
        issuers: Sequence[SnapshotIssuer],
        absent: Iterable[bytes] = (),
    ) -> Snapshot:
        """Assemble a snapshot; `issuers` are in the order of registration.

        `absent` are the roots of catalogs that were not published.
        """
        current = {catalog.root(): catalog for catalog in catalogs if catalog.entries}
        return cls(
            checkpoint=checkpoint,
            account_proof=tuple(account_proof),
            nodes=tuple(sorted(set(nodes))),
            catalogs=dict(sorted({**dict.fromkeys(absent), **current}.items())),
            issuers=tuple(issuers),
            by_issuer={issuer.rootless.issuer: issuer for issuer in issuers},
            entries={
                root: {entry.order: entry for entry in catalog.entries}
                for root, catalog in current.items()
            },
        )

    def lacks(self, catalog: bytes) -> bool:
        """Return whether only the root of this catalog is included."""
        return catalog in self.catalogs and self.catalogs[catalog] is None

    @property
    def note(self) -> Note:
        """The parsed checkpoint."""
        return parse_note(self.checkpoint)

    def to_cbor(self) -> bytes:
        """Encode the whole snapshot as deterministic CBOR."""
        places = {root: at for at, root in enumerate(self.catalogs)}
        return encode(
            [
                TYPE,
                self.checkpoint,
                list(self.account_proof),
                list(self.nodes),
                [pack_catalog(root, catalog) for root, catalog in self.catalogs.items()],
                [pack_issuer(issuer, places) for issuer in self.issuers],
            ]
        )

    def digest(self) -> bytes:
        """Return the SHA-256 that a delta names as its base."""
        return sha256(self.to_cbor())

    def format(self) -> bytes:
        """Format the bytes of the file."""
        return deflate(self.to_cbor())

    @classmethod
    def parse(cls, data: bytes) -> Snapshot:
        """Parse the bytes of a file; `check` proves the content.

        Raises:
            MalformedError: `snapshot.invalid` or `json.*`, not a whole snapshot of version 1.
        """
        reader = open_item(inflate(data), TYPE, 6)
        checkpoint = reader.text(MAX_CHECKPOINT_BYTES)
        identity = parse_note(checkpoint).checkpoint.identity
        account_proof = list(reader.binaries(MAX_PROOF_NODES, MAX_NODE_BYTES))
        nodes = list(reader.binaries(MAX_LISTED, MAX_NODE_BYTES, ascending=True))
        catalogs = dict(unpack_catalogs(reader))
        roots = list(catalogs)
        snapshot = cls.of(
            checkpoint=checkpoint,
            account_proof=account_proof,
            nodes=nodes,
            catalogs=[catalog for catalog in catalogs.values() if catalog is not None],
            absent=[root for root, catalog in catalogs.items() if catalog is None],
            issuers=[
                unpack_issuer(reader, roots, identity) for _ in range(reader.list(0, MAX_LISTED))
            ],
        )
        reader.done()
        return snapshot

    def check(self, ledger: LedgerPin) -> None:
        """Check the snapshot against the contract's state under the checkpoint's state root.

        Trust in the block itself is checked separately (check 6).

        Raises:
            SnapshotUnprovedError: a proof, the list of issuers or an issuer's state does not match.
        """
        checkpoint = self.note.checkpoint
        nodes = NodeSet(self.nodes)
        try:
            account = check_account(checkpoint.state_root, ledger.address, self.account_proof)
            if account is None or account.code_hash != ledger.code_hash:
                raise SnapshotUnprovedError("the chain has another contract than the policy's")
            if nodes.slot(account.storage_root, ROLL) != roll(self.by_issuer):
                raise SnapshotUnprovedError("the list of issuers is not complete")
            for issuer in self.issuers:
                code = issuer.rootless.issuer
                slot = nodes.slot(account.storage_root, slot_position(code))
                if without_brake(slot) != issuer.state.digest():
                    raise SnapshotUnprovedError(f"the state of {code} is another one")
        except ProofInvalidError as error:
            raise SnapshotUnprovedError(str(error)) from error
        self._check_whole(nodes)

    def _check_whole(self, nodes: NodeSet) -> None:
        if nodes.used() != list(self.nodes) or len(self.by_issuer) != len(self.issuers):
            raise SnapshotUnprovedError("a node is not needed, or an issuer appears twice")
        roots = {row.catalog for issuer in self.issuers for row in issuer.rows}
        roots |= {issuer.rootless.catalog for issuer in self.issuers}
        if roots - {ZERO} != set(self.catalogs):
            raise SnapshotUnprovedError("a catalog is missing or not needed")


def roll(issuers: Iterable[str]) -> bytes:
    """Hash the issuers' codes in order of registration to the value of the contract's roll slot."""
    value = bytes(32)
    for number, issuer in enumerate(issuers, 1):
        chain = keccak(value + issuer.encode("ascii"))[:28]
        value = chain + number.to_bytes(4, "big")
    return value


def inflate(data: bytes) -> bytes:
    """Decompress a file of `data`, bounded by `longest_item`.

    Raises:
        MalformedError: `snapshot.invalid`, not zlib, too long, or bytes left over.
    """
    longest = longest_item(len(data))
    unpack = zlib.decompressobj()
    try:
        whole = unpack.decompress(data, longest)
    except zlib.error as error:
        raise MalformedError("snapshot.invalid", "not packed by zlib") from error
    if not unpack.eof or unpack.unused_data:
        raise MalformedError(
            "snapshot.invalid", f"cut short, over {longest} bytes, or bytes left over"
        )
    return whole


def longest_item(packed: int) -> int:
    """Return the greatest decompressed size of a file of `packed` bytes."""
    return min(MAX_SNAPSHOT_BYTES, MAX_FREE_BYTES + MAX_RATIO * packed)


def deflate(item: bytes) -> bytes:
    """Compress an item, at most as densely as `inflate` accepts.

    Huffman coding alone never compresses more than eight times.
    """
    packed = zlib.compress(item, 9)
    if len(item) <= longest_item(len(packed)):
        return packed
    stream = zlib.compressobj(9, strategy=zlib.Z_HUFFMAN_ONLY)
    return stream.compress(item) + stream.flush()


def pack_catalog(root: bytes, catalog: Catalog | None) -> list[bytes] | bytes:
    """Encode a catalog: its entries, or its root where it is absent."""
    return root if catalog is None else [entry.canonical() for entry in catalog.entries]


def open_item(whole: bytes, kind: str, size: int) -> CborReader:
    """Return a reader of a snapshot or delta, positioned after its type.

    Raises:
        MalformedError: `snapshot.invalid`; `snapshot.version` for another type.
    """
    reader = CborReader(whole, "snapshot.invalid", "snapshot.invalid")
    found = reader.list(1, MAX_LISTED)
    if reader.text(64) != kind:
        raise MalformedError("snapshot.version", f"not {kind}")
    if found != size:
        reader.fail(f"a list of {size}")
    return reader


def unpack_catalogs(reader: CborReader) -> Iterator[tuple[bytes, Catalog | None]]:
    """Read the list of catalogs by root, None for one without entries.

    Raises:
        MalformedError: an entry is not canonical, or entries or roots do not ascend.
    """
    last = b""
    for _ in range(reader.list(0, MAX_LISTED)):
        root, catalog = _unpack_catalog(reader)
        if root <= last:
            reader.fail("a catalog of a root greater than the one before")
        last = root
        yield root, catalog


def _unpack_catalog(reader: CborReader) -> tuple[bytes, Catalog | None]:
    if reader.is_binary():
        return reader.binary(32, 32), None
    entries = [
        parse_canonical(entry, MAX_ENTRY_BYTES)
        for entry in reader.binaries(MAX_ENTRIES, MAX_ENTRY_BYTES)
    ]
    if not entries:
        reader.fail("a catalog with entries")
    catalog = Catalog.from_json(entries)
    return catalog.root(), catalog


def pack_issuer(issuer: SnapshotIssuer, catalogs: Mapping[bytes, int], start: int = 0) -> list[Any]:
    """Encode an issuer, with its batches from number `start` on."""
    state = issuer.rootless
    return [
        state.issuer,
        state.kind.number,
        state.name_digest if isinstance(state, UnnamedIssuer) else state.name,
        state.standing.number,
        state.since,
        b"".join(key.packed() for key in state.keys),
        state.catalog_version,
        state.catalog,
        state.epoch,
        state.revision,
        pack_batches(issuer.rows[start:], catalogs),
        pack_statuses(issuer.words),
    ]


def unpack_issuer(
    reader: CborReader,
    catalogs: Sequence[bytes],
    identity: bytes,
    before: Sequence[PackedBatch] = (),
) -> SnapshotIssuer:
    """Read an issuer; `before` are its batches in the base snapshot.

    Raises:
        MalformedError: `snapshot.invalid` and others, an impossible state.
    """
    reader.list(12, 12)
    fixed = _unpack_state(reader)
    rows = [*before, *unpack_batches(reader, catalogs, len(fixed.keys))]
    certificates = sum(row.count for row in rows)
    if certificates > MAX_CERTIFICATES:
        reader.fail(f"behind at most {MAX_CERTIFICATES} certificates")
    words = unpack_statuses(reader, certificates)
    return SnapshotIssuer.of(fixed, rows, words, identity)


def _unpack_state(reader: CborReader) -> IssuerState:
    """Read an issuer's state without batches and statuses."""
    issuer = reader.text(18)
    if not ISSUER.fullmatch(issuer):
        reader.fail("behind the code of an issuer")
    region_of(issuer)
    kind = _KINDS[reader.integer(1, len(_KINDS)) - 1]
    kind_of_state, name = _unpack_name(reader)
    # Python evaluates keyword arguments in the order written, which is that of the format.
    return kind_of_state(
        issuer=issuer,
        kind=kind,
        name=name,
        standing=_STANDINGS[reader.integer(1, len(_STANDINGS)) - 1],
        since=reader.integer(0, NO_END),
        keys=_unpack_keys(reader),
        catalog_version=reader.integer(0, 2**32 - 1),
        catalog=reader.binary(32, 32),
        epoch=reader.integer(),
        revision=reader.integer(0, 2**32 - 1),
        status=ZERO,
    )


def _unpack_name(reader: CborReader) -> tuple[type[IssuerState], str]:
    """Read an issuer's name, or its SHA-256 where the name is absent; with the state's class."""
    if reader.is_binary():
        return UnnamedIssuer, f"{UNNAMED}{reader.binary(32, 32).hex()}"
    name = reader.text(4 * MAX_NAME)
    if not 0 < len(name) <= MAX_NAME:
        reader.fail(f"behind a name of 1 to {MAX_NAME} characters")
    return IssuerState, name


def _unpack_keys(reader: CborReader) -> tuple[Key, ...]:
    packed = reader.binary(KEY_SIZE, MAX_KEYS * KEY_SIZE)
    return tuple(Key.unpacked(packed[at : at + KEY_SIZE]) for at in range(0, len(packed), KEY_SIZE))
