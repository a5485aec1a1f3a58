"""Cases of CBOR and JSON beyond what the formats need: types, ranges, tags, counts (SPEC 19)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import cbor2

from certledger.verifier.formats.base45 import to_base45
from certledger.verifier.formats.compact_evidence import PREFIX
from certledger.verifier.formats.snapshot import Snapshot
from certledger.verifier.formats.snapshot_delta import format_delta
from certledger.verifier.vocabulary import Status
from tests.conformance.case import UNREADABLE, Case, Scene
from tests.conformance.desk_cases import edited
from tests.conformance.snapshot_cases import code_of, compact, pack

LINKED = b"\xd8\x1c\x82\xd8\x1d\x00\xd8\x1d\x00"
"""A list that shares itself: tags 28 and 29."""


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    yield from codes()
    yield from columns()
    yield from items()
    yield from deltas()
    yield from files()


def codes() -> Iterator[Case]:
    """Yield codes with CBOR that they do not need."""
    scene = Scene()
    whole = code_of(scene.evidence()).to_cbor()
    tagged = cbor2.CBORTag(2, (5).to_bytes(1, "big"))
    for name, why, data in (
        ("tagged", "The whole item stands under the tag of CBOR itself.", b"\xd9\xd9\xf7" + whole),
        ("shared", "Lists that share one another.", b"\x85\x01" + LINKED * 4),
        ("unending", "The list has no length.", b"\x9f" + whole[1:] + b"\xff"),
        ("bignum", "A number as a tagged byte string.", edited(whole, 2, 1, to=lambda _: tagged)),
        ("float", "A number as a float.", edited(whole, 2, 1, to=lambda _: 0.5)),
        ("place_below_zero", "A place that is below zero.",
         edited(whole, 4, 1, 0, to=lambda _: -1)),
        ("place_beyond", "A place of 2^63.", edited(whole, 4, 1, 0, to=lambda _: 2**63)),
        ("place_twice", "A disclosure stands twice.", edited(whole, 4, to=lambda s: [*s, s[-1]])),
        ("many_shown", "More disclosures than a record has.",
         edited(whole, 4, to=lambda s: [[at, bytes(16), "a"] for at in range(1, 98)])),
        ("digest_cut", "The digest of a document has 31 bytes.",
         edited(whole, 4, 1, 2, to=lambda _: [bytes(31), 1])),
    ):  # fmt: skip
        text = (PREFIX + to_base45(data)).encode()
        yield compact(
            f"code_{name}", why, text, scene.world, verdict="cannot_tell", codes=UNREADABLE
        )


def refused(name: str, why: str, scene: Scene, *files: bytes) -> Case:
    """Return a case of a snapshot, and deltas to it, that no verifier opens."""
    return compact(
        name,
        f"{why} It is refused: no verdict, exit status 2.",
        code_of(scene.evidence()),
        scene.world,
        snapshots={f"snapshot{at}.bin": pack(file) for at, file in enumerate(files)},
        verdict="refused",
    )


def instead(value: Any) -> Callable[[Any], Any]:
    """Return what puts `value` in a part's place."""
    return lambda _: value


def led_by(values: list[int]) -> Callable[[list[int]], list[int]]:
    """Return what puts `values` in the place of a column's first."""
    return lambda column: [*values, *column[1:]]


OTHER_TYPES: tuple[tuple[str, Any], ...] = (
    ("map", {}),
    ("false", False),
    ("float", 0.0),
    ("bytes", b"\x00"),
    ("text", "0"),
    ("null", None),
)


def columns() -> Iterator[Case]:
    """Yield snapshots whose batches have numbers out of range, or columns of another type."""
    scene = Scene(first_batches=1)
    item = scene.world.snapshot().to_cbor()
    for name, why, place, value in (
        ("count_zero", "A batch of no certificate.", 1, [0]),
        ("count_beyond", "A batch of 65,537 certificates.", 1, [65_537]),
        ("instant_before", "A last instant before 1970.", 2, [-1]),
        ("instant_after", "A last instant after the year 9999.", 2, [253_402_300_800]),
        ("block_beyond", "A block of 2^40.", 3, [2**40]),
        ("key_beyond", "A key that the issuer does not have.", 4, [16]),
        ("catalog_below", "A catalog below none.", 5, [-2]),
    ):
        yield refused(
            f"snapshot_{name}", why, scene,
            edited(item, 5, 1, 10, place, to=led_by(value)),
        )  # fmt: skip
    for name, value in OTHER_TYPES:
        yield refused(
            f"snapshot_column_{name}", "A column is no list.", scene,
            edited(item, 5, 1, 10, 1, to=instead(value)),
        )  # fmt: skip
    countersignatures: tuple[tuple[str, str, Any], ...] = (
        ("zeros", "A countersignature of zeros.", {0: bytes(32)}),
        ("short", "A countersignature of 31 bytes.", {0: b"\x01" * 31}),
        ("text_key", "A place as text.", {"0": b"\x01" * 32}),
    )
    for name, why, given in countersignatures:
        yield refused(
            f"snapshot_countersignature_{name}", why, scene,
            edited(item, 5, 1, 10, 6, to=instead(given)),
        )  # fmt: skip


def items() -> Iterator[Case]:
    """Yield snapshots with parts of other types, ranges and counts."""
    scene = Scene(first_batches=1)
    item = scene.world.snapshot().to_cbor()
    key = scene.world.snapshot().issuers[1].state.keys[0].packed()
    for name, why, place, value in (
        ("without_keys", "An issuer without keys.", 5, b""),
        ("of_17_keys", "An issuer of 17 keys.", 5, key * 17),
        ("epoch_beyond", "An epoch of 2^53.", 8, 2**53),
        ("catalog_number", "The catalog is a number.", 7, 32),
        ("since_beyond", "Since a block of 2^40.", 4, 2**40),
    ):
        yield refused(
            f"snapshot_body_{name}", why, scene,
            edited(item, 5, 1, place, to=instead(value)),
        )  # fmt: skip
    for name, why, data in (
        ("node_number", "A number where a node is wanted.",
         edited(item, 3, to=lambda _: [2**34])),
        ("node_empty", "An empty node.", edited(item, 3, to=lambda n: [b"", *n])),
        ("node_long", "A node of 1,025 bytes.", edited(item, 3, to=lambda n: [*n, b"\xff" * 1025])),
        ("proof_of_65", "An account proof of 65 nodes.",
         edited(item, 2, to=lambda _: [b"\x01"] * 65)),
        ("empty_catalogs", "Ten thousand empty catalogs.",
         edited(item, 4, to=lambda _: [[]] * 10_000)),
        ("shared_key", "A key that is a list that shares itself.", b"\xa1" + LINKED + b"\0"),
        ("tagged", "The item stands under the tag of CBOR itself.", b"\xd9\xd9\xf7" + item),
    ):  # fmt: skip
        yield refused(f"snapshot_{name}", why, scene, data)
    sparse = zlib.compress(edited(item, 5, 1, 11, 0, to=lambda _: bytes(2**20)), 9)
    yield compact(
        "snapshot_packed_too_closely",
        "It unpacks to more than 65,536 bytes and 16 times its size: no verdict, exit status 2.",
        code_of(scene.evidence()),
        scene.world,
        snapshots={"snapshot.bin": sparse},
        verdict="refused",
    )


def deltas() -> Iterator[Case]:
    """Yield deltas with parts of other types."""
    scene = Scene()
    old = Snapshot.parse(scene.world.snapshot().format())
    scene.issuer.change([0], Status.REVOKED)
    scene.world.number, scene.world.time = scene.world.number + 1, scene.world.time + 5
    new = scene.world.snapshot()
    delta = zlib.decompress(format_delta(old, new))
    for name, value in OTHER_TYPES:
        for place, what in ((1, "counts"), (4, "keys")):
            yield refused(
                f"delta_{what}_{name}", "A delta's column is no list.", scene, old.to_cbor(),
                edited(delta, 6, 1, 1, 10, place, to=instead(value)),
            )  # fmt: skip
    for name, why, data in (
        ("proof_map", "The account proof is a map.", edited(delta, 3, to=lambda _: {})),
        ("nodes_map", "The nodes are a map.", edited(delta, 4, to=lambda _: {})),
        ("nodes_unordered", "Nodes do not ascend.",
         edited(delta, 4, to=lambda n: sorted([*n, b"\x01"], reverse=True))),
        ("place_true", "An issuer's place is true.", edited(delta, 6, 1, 0, to=lambda _: True)),
        ("catalog_again", "A catalog that the snapshot has already.",
         edited(delta, 5, to=lambda _: cbor2.loads(old.to_cbor())[4])),
    ):  # fmt: skip
        yield refused(f"delta_{name}", why, scene, old.to_cbor(), data)


def files() -> Iterator[Case]:
    """Yield evidence of many values, members and names."""
    for name, why, data in (
        ("zeros", "Thirty thousand numbers.", b"[" + b"0," * 30_000 + b"0]"),
        ("empty_lists", "Twenty thousand empty lists.", b"[" + b"[]," * 20_000 + b"[]]"),
        ("members", "More members than an object may have.",
         b"{" + b",".join(b'"m%04d":10000' % at for at in range(4_097)) + b"}"),
        ("name_twice_among_many", "Of four thousand members one stands twice.",
         b"{" + b",".join(b'"m%04d":10000' % at for at in range(4_000)) + b',"m3999":10000}'),
    ):  # fmt: skip
        yield Case(
            name=f"file_of_{name}",
            why=why,
            evidence=data,
            verdict="cannot_tell",
            codes=UNREADABLE,
        )
