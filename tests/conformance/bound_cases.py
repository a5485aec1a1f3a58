"""Cases of bounds: the least and greatest number, length and width that each format has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import cbor2
import orjson
import rlp
from trie.hexary import HexaryTrie

from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats.base45 import to_base45
from certledger.verifier.formats.canonical_json import to_base64url
from certledger.verifier.formats.compact_evidence import PREFIX, Compact
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.state_proof import slot_position
from tests.conformance.anchor_cases import unanchored
from tests.conformance.block_cases import blocked
from tests.conformance.case import UNANCHORED, UNREADABLE, Case, Scene
from tests.conformance.file_cases import unreadable
from tests.conformance.force_cases import ASKED, bound, present
from tests.conformance.snapshot_cases import UNTRUSTED, code_of, compact, pack, taken
from tests.world import ADDRESS, LICENCE, World, draw

LAST_TIME = 253402300799
"""The last second of the year 9999."""
GREATEST = {
    "epoch": 2**53 - 1,
    "revision": 2**32 - 1,
    "catalog_version": 2**32 - 1,
    "since": 2**40 - 1,
}


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    yield from numbers()
    yield from lists()
    yield from greatest()
    yield from accounts()
    yield from notes()
    yield from snapshot_notes()
    yield from codes()
    yield from holders()
    yield from issuers()


def changed(data: bytes, *path: str, to: Callable[[Any], Any]) -> bytes:
    """Return canonical JSON in which the value at `path` is another."""
    whole = orjson.loads(data)
    *where, last = path
    inner = whole
    for name in where:
        inner = inner[name]
    inner[last] = to(inner.get(last))
    return orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)


def always(value: Any) -> Callable[[Any], Any]:
    """Return what puts `value` in the place of any other."""
    return lambda _: value


def numbers() -> Iterator[Case]:
    """Yield evidence with a number one beyond what its format has, so that it cannot be read."""
    plain, presented = Scene().file(), present(bound()).format()
    for path, beyond in (
        ("record.index", 2**32),
        ("record.edition", 2**16),
        ("record.entry", 0),
        ("record.entry", 2**16),
        ("statement.sequence", 0),
        ("statement.first", 2**32),
        ("statement.not_after", LAST_TIME + 1),
        ("anchor.block", 2**40),
        ("anchor.key", 16),
        ("catalog.place", 4096),
        ("catalog.count", 0),
        ("catalog.count", 4097),
        ("catalog.entry.version", 0),
        ("catalog.entry.version", 2**16),
        ("catalog.entry.months", 0),
        ("catalog.entry.months", 1201),
        ("catalog.entry.lag_days", 36501),
        ("body.since", 2**40),
        ("body.catalog_version", 2**32),
        ("body.batches", 2**32 + 1),
        ("body.certificates", 2**32 + 1),
        ("body.revision", 2**32),
        ("status.marks", 2**25),
        ("presentation.time", LAST_TIME + 1),
    ):
        name = path.replace(".", "_")
        yield unreadable(
            f"number_{name}_{'0' if not beyond else 'beyond'}",
            f"`{path}` is {beyond}, one beyond its range.",
            changed(
                presented if path.startswith("presentation") else plain,
                *path.split("."),
                to=always(beyond),
            ),
        )


def lists() -> Iterator[Case]:
    """Yield evidence with a list or text one longer than its format has, or an empty one."""
    plain = Scene().file()
    presented = present(bound()).format()
    key = Scene().issuer.state.keys[0].packed()
    long = to_base64url(b"\1" * 1025)
    for name, path, to in (
        ("path_of_33", "path", lambda _: to_base64url(draw("path", 33 * 32))),
        ("anchor_path_of_33", "anchor.path", lambda _: to_base64url(draw("path", 33 * 32))),
        ("catalog_path_of_33", "catalog.path", lambda _: to_base64url(draw("path", 33 * 32))),
        ("siblings_of_26", "status.siblings", lambda _: to_base64url(draw("path", 26 * 32))),
        ("keys_of_17", "body.keys", lambda _: to_base64url(key * 17)),
        ("keys_of_0", "body.keys", lambda _: ""),
        ("account_of_0", "proof.account", lambda _: []),
        ("slot_of_0", "proof.slot", lambda _: []),
        ("account_of_65", "proof.account", lambda nodes: [nodes[0]] * 65),
        ("node_of_1025_bytes", "proof.slot", lambda nodes: [*nodes[:-1], long]),
        ("disclosures_of_97", "disclosures", lambda texts: [texts[0]] * 97),
        ("name_of_129_characters", "body.name", lambda _: "名" * 129),
        ("name_empty", "body.name", lambda _: ""),
        ("audience_of_65_characters", "presentation.audience", lambda _: "a" * 65),
        ("nonce_empty", "presentation.nonce", lambda _: ""),
        (
            "fields_of_65",
            "catalog.entry.fields",
            lambda f: [*f, *(f"field_{n}" for n in range(61))],
        ),
        ("field_name_of_65", "catalog.entry.fields", lambda f: [*f, "f" * 65]),
        ("entry_name_of_129", "catalog.entry.name_en", lambda _: "n" * 129),
    ):
        data = presented if path.startswith("presentation") else plain
        yield unreadable(
            f"list_{name}", f"`{path}` has another length.", changed(data, *path.split("."), to=to)
        )


def greatest() -> Iterator[Case]:
    """Yield what is as great as can be, and still good or judged."""
    scene = Scene()
    scene.issuer.stand(**GREATEST)
    yield Case(
        name="state_of_greatest_numbers",
        why="Epoch, revision, version and block of a state are as great as they can be.",
        evidence=scene.file(),
    )
    yield compact(
        "compact_state_of_greatest_numbers",
        "Epoch, revision, version and block of a state are as great as they can be.",
        code_of(scene.evidence()),
        scene.world,
    )
    plain = Scene().file()
    yield unanchored(
        "sequence_of_53_bits",
        "A sequence beyond all batches is readable: the batch has not come.",
        changed(plain, "statement", "sequence", to=lambda _: 2**53 - 1),
        "anchor.batch_pending",
    )
    yield Case(
        name="first_of_32_bits",
        why="The batch claims to begin at the last certificate there can be.",
        evidence=changed(plain, "statement", "first", to=lambda _: 2**32 - 1),
        verdict="not_genuine",
        codes={
            **UNANCHORED,
            "inclusion": "inclusion.index_outside",
            "anchor": "anchor.batch_unproved",
        },
    )
    for name, why, issued, expires in (
        ("issued_in_year_1", "A day long before 1970.", date(1, 1, 1), None),
        ("expires_in_year_9999", "The last day there is.", date(2026, 10, 1), date(9999, 12, 31)),
    ):
        days = Scene(entry=LICENCE, issued=issued, expires=expires)
        yield Case(name=name, why=why, evidence=days.file())
        yield compact(f"compact_{name}", why, code_of(days.evidence()), days.world)
    ended = Scene(issued=date(2026, 9, 1))
    ended.issuer.end_key(20)
    yield Case(
        name="late_and_key_ended",
        why="Anchored late, but check 4 did not pass: there is no warning, and no name is told.",
        evidence=ended.file(),
        verdict="not_genuine",
        codes={"signature": "signature.key_ended"},
    )


@dataclass
class OddWorld(World):
    """A world whose contract has an account or a slot of another kind."""

    nonce: int = 1
    balance: int = 0
    alone: bool = False
    """The slot of the last issuer holds nothing but the brake."""

    def _storage(self) -> HexaryTrie:
        trie = super()._storage()
        if self.alone:
            trie[keccak(slot_position(self.issuers[-1].state.issuer))] = rlp.encode(1)
        return trie

    def _accounts(self, storage_root: bytes) -> HexaryTrie:
        trie = super()._accounts(storage_root)
        trie[keccak(ADDRESS)] = rlp.encode([self.nonce, self.balance, storage_root, self.code_hash])
        return trie


def odd(**wishes: Any) -> Evidence:
    """Return evidence of a world of another kind."""
    scene = Scene()
    scene.world = OddWorld(issuers=scene.world.issuers, **wishes)
    return scene.evidence()


def accounts() -> Iterator[Case]:
    """Yield accounts as wide as can be, and wider; and a slot that holds the brake alone."""
    for name, wishes in (("nonce", {"nonce": 2**64 - 1}), ("balance", {"balance": 2**256 - 1})):
        yield Case(
            name=f"account_{name}_widest",
            why="The account has the widest number it can have: 8 bytes, 32 bytes.",
            evidence=odd(**wishes).format(),
        )
    for name, wishes in (("nonce", {"nonce": 2**64}), ("balance", {"balance": 2**256})):
        yield unanchored(
            f"account_{name}_wider",
            "The account has a wider number than a chain has.",
            odd(**wishes).format(),
            "anchor.proof_unusable",
        )
    yield unanchored(
        "slot_of_brake_alone",
        "The slot holds the brake and nothing else: there is no issuer.",
        odd(alone=True).format(),
        "anchor.body_absent",
    )


def notes() -> Iterator[Case]:
    """Yield checkpoints of any length: each is read, and check 6 says that it is unusable."""
    plain = Scene().file()
    text = orjson.loads(plain)["checkpoint"]
    for name, why, to in (
        ("empty", "The checkpoint is an empty text.", ""),
        ("of_4097_characters", "The checkpoint has more than 4,096 characters.",
         text + "x" * (4097 - len(text))),
        ("of_30000_characters", "The checkpoint has 30,000 characters.", "x" * 30000),
        ("of_4096_characters", "4,096 characters, more bytes.",
         text + "\u2014" * (4096 - len(text))),
        ("block_of_2_40", "The block's number is 2^40.", text.replace("\n1000\n", f"\n{2**40}\n")),
        ("time_after_9999", "The block's time lies after the year 9999.",
         text.replace("\ntime 1794999400\n", f"\ntime {LAST_TIME + 1}\n")),
        ("number_of_20_digits", "The block's number has twenty digits.",
         text.replace("\n1000\n", f"\n{10**19}\n")),
    ):  # fmt: skip
        yield blocked(
            f"checkpoint_{name}",
            why,
            "checkpoint.unusable",
            evidence=changed(plain, "checkpoint", to=always(to)),
        )


def snapshot_notes() -> Iterator[Case]:
    """Yield snapshots whose note is ill-formed, which is refused, or has a bad line (check 6)."""
    scene = Scene()
    code, note = code_of(scene.evidence()), scene.world.note()
    lines = note.cosignatures
    bit = replace(lines[0], signature=bytes([lines[0].signature[0] ^ 1]) + lines[0].signature[1:])
    for name, why, signed in (
        ("unordered", "Lines stand in another order.", lines[::-1]),
        ("twice", "A line stands twice.", (lines[0], *lines)),
    ):
        yield compact(
            f"snapshot_note_{name}",
            f"{why} That needs no policy to see: refused, exit status 2.",
            code,
            scene.world,
            snapshots=taken(scene.world, note=replace(note, cosignatures=signed)),
            verdict="refused",
        )
    yield compact(
        "snapshot_note_signature_bit",
        "A known line does not verify: check 6 says so, as of any evidence.",
        code,
        scene.world,
        snapshots=taken(scene.world, note=replace(note, cosignatures=(bit, *lines[1:]))),
        verdict="cannot_tell",
        codes={**UNTRUSTED, "block": "checkpoint.unusable"},
    )
    data = pack(scene.world.snapshot().to_cbor().replace(b"\ntime 17949994", b"\ntime 07949994"))
    yield compact(
        "snapshot_note_padded",
        "A number of the note has a leading zero: refused, exit status 2.",
        code,
        scene.world,
        snapshots={"snapshot.bin": data},
        verdict="refused",
    )


def respelt(code: Compact, place: int, to: Callable[[Any], Any], at: int = 2) -> bytes:
    """Return the text of a code in which one part of its record, or another list, is another."""
    parts = cbor2.loads(code.to_cbor())
    if place < 0:
        parts[at] = to(parts[at])
    else:
        parts[at][place] = to(parts[at][place])
    return (PREFIX + to_base45(cbor2.dumps(parts, canonical=True))).encode()


RECORD = ("issuer", "index", "id", "edition", "replaces", "category", "entry", "holder", "issued",
          "expires", "bound", "digests")  # fmt: skip


def codes() -> Iterator[Case]:
    """Yield codes with a part of another kind, or beyond its range."""
    scene = Scene()
    code = code_of(scene.evidence())
    for part, name, to in (
        ("index", "beyond", 2**32), ("index", "negative", -1), ("edition", "negative", -1),
        ("replaces", "false", False), ("entry", "beyond", 2**16), ("entry", "true", True),
        ("holder", "beyond", 3), ("holder", "negative", -1), ("holder", "true", True),
        ("issued", "before_year_1", -719163), ("expires", "after_9999", 2932897),
        ("issued", "true", True), ("bound", "number", 0), ("id", "short", b"\0" * 31),
        ("id", "text", "A" * 32), ("digests", "empty", b""), ("digests", "uneven", b"\0" * 33),
        ("digests", "of_97", b"\0" * 97 * 32), ("digests", "text", "A" * 32),
        ("category", "bytes", b"ID-RESIDENT"),
    ):  # fmt: skip
        yield compact(
            f"compact_{part}_{name}",
            f"`{part}` of the record is of another kind, or beyond its range.",
            respelt(code, RECORD.index(part), always(to)),
            scene.world,
            verdict="cannot_tell",
            codes=UNREADABLE,
        )
    presented = code_of(present(bound()))
    for name, made in (
        ("path_of_33", respelt(code, -1, lambda _: draw("path", 33 * 32), at=3)),
        ("path_uneven", respelt(code, -1, lambda path: path[:-1], at=3)),
        ("path_of_list", respelt(code, -1, lambda path: [path], at=3)),
        ("ledger_of_7_bytes", respelt(code, -1, lambda ledger: ledger[:7], at=1)),
        ("version_true", respelt(code, -1, lambda _: True, at=0)),
        ("record_of_13", respelt(code, -1, lambda record: [*record, 0])),
        ("record_of_map", respelt(code, -1, lambda record: dict(enumerate(record)))),
        ("shown_of_map", respelt(code, -1, lambda shown: dict(enumerate(shown)), at=4)),
        ("shown_null", respelt(code, -1, lambda _: None, at=4)),
        ("presented_after_9999", respelt(presented, 2, lambda _: LAST_TIME + 1, at=5)),
        ("presented_in_text", respelt(presented, 2, str, at=5)),
        ("presented_by_65_bytes", respelt(presented, 3, lambda s: s + b"\0", at=5)),
    ):
        yield compact(
            f"compact_{name}",
            "A part of the code is of another kind or length.",
            made,
            scene.world,
            verdict="cannot_tell",
            codes=UNREADABLE,
        )
    lone = replace(code, presentation=code_of(present(bound())).presentation)
    yield compact(
        "compact_presented_unbound",
        "A presentation stands beside a record that is not bound.",
        lone,
        scene.world,
        verdict="cannot_tell",
        codes=UNREADABLE,
    )


def holders() -> Iterator[Case]:
    """Yield holder keys of other forms: check 10 judges them, not the reader."""
    short = f"ed25519:{to_base64url(draw('key', 31))}"
    off = f"p256:{to_base64url(b'%c' % 2 + bytes(31) + b'%c' % 5)}"
    for name, key in (("form", "x25519:" + "A" * 43), ("length", short), ("curve", off)):
        scene = Scene(holder_key=key)
        shown = scene.evidence(show=("certificate_number", "holder_name", "holder_key"))
        given = present(bound()).presentation
        for asked, code, presentation in (
            ("presented", "presentation_unusable", given),
            ("not_presented", "presentation_missing", None),
        ):
            yield Case(
                name=f"holder_key_of_other_{name}_{asked}",
                why="The issuer bound the certificate to a key that nobody can sign with.",
                evidence=replace(shown, presentation=presentation).format(),
                request=ASKED,
                verdict="cannot_tell",
                codes={"holder": f"holder.{code}"},
            )


def issuers() -> Iterator[Case]:
    """Yield codes of issuers that name no region: unreadable in a record as in a state."""
    scene = Scene()
    plain = scene.file()
    why = "Characters 3 and 4 of an issuer's code are the digits of its region."
    for name, issuer in (("letters", "11AB0000XX00000196"), ("one_letter", "113A0000XX00000196")):
        yield unreadable(
            f"issuer_region_of_{name}",
            why,
            changed(plain, "record", "issuer", to=always(issuer)),
        )
        yield compact(
            f"compact_issuer_region_of_{name}",
            why,
            respelt(code_of(scene.evidence()), 0, always(issuer)),
            scene.world,
            verdict="cannot_tell",
            codes=UNREADABLE,
        )
