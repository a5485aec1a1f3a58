"""The least of a very large chain that one certificate's evidence needs, and it verifies.

Of a trie only the nodes on the way to one key are built, among as many random keys as are asked
for; what lies beside the way is a random hash, as any subtree of accounts or slots is one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import rlp

from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats import merkle
from certledger.verifier.formats.catalog import Entry
from certledger.verifier.formats.checkpoint import Checkpoint, Note, cosign
from certledger.verifier.formats.evidence import BatchAnchor, EntryProof, Evidence
from certledger.verifier.formats.issuer_state import batch_leaf
from certledger.verifier.formats.state_proof import slot_position
from certledger.verifier.formats.statements import Batch
from certledger.verifier.formats.status_tree import CELLS, WordProof
from tests.world import (
    ADDRESS,
    CODE_HASH,
    ENTRY,
    IDENTITY,
    NOW,
    OPERATORS,
    Signer,
    WorldIssuer,
    draw,
    witness_key,
)

_KEY = 32


def path_length(index: int, size: int) -> int:
    """Return the number of hashes in the inclusion path of leaf `index` of `size` leaves."""
    length, position, last = 0, index, size - 1
    while last:
        length += bool(position & 1 or position < last)
        position, last = position >> 1, last >> 1
    return length


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the chain is on which a certificate's evidence is made."""

    accounts: int = 1_000_000
    issuers: int = 100
    batches: int = 100_000
    """Of the issuer that issued it."""
    count: int = 1_000
    """Certificates in each batch."""
    entries: int = 16
    """In the issuer's catalog."""


def large_evidence(size: Size, *, seed: int = 1) -> Evidence:
    """Return valid evidence of a certificate in the middle of the largest mountain of batches."""
    luck = random.Random(seed)
    issuer = WorldIssuer.of(entries=_entries(size.entries))
    sequence = size.batches // 3
    first = (sequence - 1) * size.count
    index = first + luck.randrange(size.count)
    issued = issuer.issue(
        "沪示0100",
        index=index,
        fields={"address": "上海市黄浦区示例路一百号"},
        documents=[b"a", b"b"],
    )
    path = _hashes(luck, path_length(index - first, size.count))
    statement = Batch(
        issuer=issuer.state.issuer.encode(),
        sequence=sequence,
        previous=draw("previous"),
        root=merkle.implied_root(issued.record.leaf(), index - first, size.count, path),
        first=first,
        count=size.count,
        catalog=issuer.state.catalog,
        not_after=NOW - 20 * 86400,
    )
    block = 7_000_000
    digest = statement.digest(IDENTITY)
    leaf = batch_leaf(digest=digest, catalog=statement.catalog, key=0, block=block)
    which, place, height = merkle.mountain(sequence - 1, size.batches)
    climb = _hashes(luck, height)
    peaks = _hashes(luck, size.batches.bit_count())
    peaks[which] = merkle.implied_root(leaf, place, 1 << height, climb)
    word = _word(luck, size.batches * size.count)
    state = replace(
        issuer.state,
        batches=size.batches,
        certificates=size.batches * size.count,
        last=draw("last"),
        peaks=tuple(peaks),
        epoch=40_000,
        status=word.implied_root(index // CELLS),
    )
    slot = keccak(slot_position(state.issuer))
    storage_root, slot_proof = trie_path(
        slot, rlp.encode(int.from_bytes(state.digest(), "big")), size.issuers, luck
    )
    account = rlp.encode([1, 0, storage_root, CODE_HASH])
    state_root, account_proof = trie_path(keccak(ADDRESS), account, size.accounts, luck)
    found = issuer.catalog.find(issued.record.category, issued.record.entry)
    assert found is not None
    return Evidence(
        record=issued.record,
        disclosures=tuple(issued.named("certificate_number", "holder_name")),
        path=tuple(path),
        statement=statement,
        signature=issuer.signer.sign(digest),
        signer=Signer(state.issuer).public,
        anchor=BatchAnchor(block=block, key=0, path=tuple(climb)),
        catalog=EntryProof(
            entry=found[1],
            place=found[0],
            count=size.entries,
            path=tuple(merkle.prove(issuer.catalog.leaves(), found[0])),
        ),
        issuer=state,
        word=word,
        account_proof=tuple(account_proof),
        slot_proof=tuple(slot_proof),
        checkpoint=_note(state_root).format(),
    )


def trie_path(
    key: bytes, value: bytes, keys: int, luck: random.Random
) -> tuple[bytes, list[bytes]]:
    """Return the root of a trie of `keys` random keys and `key`, and the proof of `value`."""
    target, drawn = key.hex(), luck.randbytes(_KEY * (keys - 1)).hex()
    near = [drawn[at : at + 2 * _KEY] for at in range(0, len(drawn), 2 * _KEY)]
    beside: list[set[str]] = []
    while near:
        depth = len(beside)
        beside.append({other[depth] for other in near} - {target[depth]})
        near = [other for other in near if other[depth] == target[depth]]
    node = rlp.encode([_hex_prefix(target[len(beside) :], leaf=True), value])
    proof = [node]
    for depth in reversed(range(len(beside))):
        # Where nobody turns off, an extension skips to the branch below.
        alone = not beside[depth]
        if alone and (depth == 0 or beside[depth - 1]):
            skipped = next(at for at in range(depth, len(beside)) if beside[at])
            shared = _hex_prefix(target[depth:skipped], leaf=False)
            node = rlp.encode([shared, keccak(node)])
        elif not alone:
            children: list[bytes] = [b""] * 17
            for nibble in beside[depth]:
                children[int(nibble, 16)] = luck.randbytes(32)
            children[int(target[depth], 16)] = keccak(node)
            node = rlp.encode(children)
        if proof[-1] != node:
            proof.append(node)
    return keccak(node), proof[::-1]


def _hex_prefix(nibbles: str, *, leaf: bool) -> bytes:
    flag = 2 * leaf + len(nibbles) % 2
    return bytes.fromhex(f"{flag:x}" + ("" if len(nibbles) % 2 else "0") + nibbles)


def _entries(count: int) -> Sequence[Entry]:
    return [ENTRY, *(replace(ENTRY, category=f"ZZ-{n:04d}") for n in range(count - 1))]


def _word(luck: random.Random, certificates: int) -> WordProof:
    """Return a word in which nothing is revoked, with neighbours on every level there is."""
    levels = (-(-certificates // CELLS) - 1).bit_length()
    siblings = tuple(_hashes(luck, levels))
    return WordProof(word=bytes(32), marks=2**levels - 1, siblings=siblings)


def _note(state_root: bytes) -> Note:
    checkpoint = Checkpoint(
        identity=IDENTITY,
        number=9_000_000,
        state_root=state_root,
        block_hash=draw("block"),
        time=NOW - 600,
    )
    lines = tuple(cosign(checkpoint, name, witness_key(name), NOW - 595) for name in OPERATORS)
    return Note(checkpoint=checkpoint, cosignatures=lines)


def _hashes(luck: random.Random, count: int) -> list[bytes]:
    return [luck.randbytes(32) for _ in range(count)]
