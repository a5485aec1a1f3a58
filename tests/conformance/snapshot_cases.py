"""Cases of compact codes, judged by a trust snapshot (SPEC 16.2 and 17)."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import cbor2

from certledger.verifier.formats.base45 import to_base45
from certledger.verifier.formats.compact_evidence import PREFIX, Compact, CompactDisclosure
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.issuer_state import UNNAMED, IssuerState, UnnamedIssuer
from certledger.verifier.formats.snapshot import Snapshot
from certledger.verifier.formats.snapshot_delta import format_delta
from certledger.verifier.vocabulary import Standing, Status
from tests.conformance.case import BLOCKED, UNANCHORED, UNREADABLE, Case, Scene
from tests.conformance.force_cases import ASKED, DAY, T, bound, changed, present
from tests.world import IDENTITY, NOW, OPERATORS, Issued, World, draw, policy, signed_policy

UNTRUSTED = {
    **BLOCKED,
    "content": "content.nothing_compared",
    "inclusion": "inclusion.path_unusable",
}
"""A snapshot whose block is not trusted speaks neither for a certificate nor against it."""


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    yield from good()
    yield from bad()
    yield from codes()
    yield from blocks()
    yield from snapshots()


def pack(data: bytes) -> bytes:
    """Return `data` as zlib without compression, which every library spells alike."""
    blocks = [data[at : at + 65535] for at in range(0, len(data), 65535)]
    stored = b"".join(
        bytes([at == len(blocks) - 1])
        + len(block).to_bytes(2, "little")
        + (len(block) ^ 0xFFFF).to_bytes(2, "little")
        + block
        for at, block in enumerate(blocks)
    )
    return b"\x78\x01" + stored + zlib.adler32(data).to_bytes(4, "big")


def taken(world: World, **wishes: Any) -> dict[str, bytes]:
    """Return the file of a world's snapshot."""
    return {"snapshot.bin": pack(world.snapshot(**wishes).to_cbor())}


def code_of(evidence: Evidence) -> Compact:
    """Return the compact form of evidence."""
    return Compact.of(
        IDENTITY, evidence.record, evidence.path, evidence.disclosures, evidence.presentation
    )


def compact(name: str, why: str, code: Compact | bytes, world: World, **wishes: Any) -> Case:
    """Return a case of a code, judged by the snapshot of a world."""
    wishes.setdefault("snapshots", taken(world))
    return Case(
        name=name,
        why=why,
        evidence=code if isinstance(code, bytes) else code.format().encode(),
        evidence_name="evidence.txt",
        **wishes,
    )


def good() -> Iterator[Case]:
    """Yield codes that are valid."""
    scene = Scene(first_batches=2, documents=[b"paper"])
    yield compact(
        "compact_fields_shown",
        "Number and the field that must be shown.",
        code_of(scene.evidence()),
        scene.world,
    )
    yield compact(
        "compact_document",
        "The document is found by the number's access code.",
        code_of(scene.evidence(show=("certificate_number",))),
        scene.world,
        documents={"document1.txt": b"paper"},
    )
    holder = bound()
    yield compact(
        "compact_presented",
        "The holder has answered this counter.",
        code_of(present(holder)),
        holder.world,
        request=ASKED,
    )
    closed = changed(standing=Standing.CLOSED)
    yield compact(
        "compact_body_closed", "A closed issuer.", code_of(closed.evidence()), closed.world
    )


def bad() -> Iterator[Case]:
    """Yield codes of certificates that are not in force or not genuine."""
    for name, why, moved, status in (
        ("revoked", "It is revoked.", changed(Status.REVOKED), "status.revoked"),
        ("superseded", "It is superseded.", changed(Status.SUPERSEDED), "status.superseded"),
        ("suspended", "It is suspended.", changed(Status.SUSPENDED), "status.suspended"),
        ("body_struck", "Its issuer was struck off.", changed(standing=Standing.STRUCK),
         "status.body_struck"),
    ):  # fmt: skip
        yield compact(
            f"compact_{name}",
            why,
            code_of(moved.evidence()),
            moved.world,
            verdict="not_in_force",
            codes={"status": status},
        )
    scene = Scene()
    plain = code_of(scene.evidence())
    ended = Scene()
    ended.issuer.end_key(20)
    holder = plain.shown[1]
    forged = CompactDisclosure(place=1, salt=holder.salt, value="李示例")
    for name, why, code, world, codes in (
        ("path_order", "The hashes of the path are swapped.",
         replace(plain, path=plain.path[::-1]), scene.world,
         {"inclusion": "inclusion.path_differs"}),
        ("record_changed", "The record claims another id.",
         replace(plain, record=replace(plain.record, id=draw("id"))), scene.world,
         {"inclusion": "inclusion.path_differs"}),
        ("field_changed", "The name is another.",
         replace(plain, shown=(plain.shown[0], forged)), scene.world,
         {"content": "content.field_differs"}),
        ("place_changed", "A disclosure stands at another place.",
         replace(plain, shown=(plain.shown[0], replace(holder, place=2))), scene.world,
         {"content": "content.field_differs"}),
        ("key_ended", "The key had ended.", code_of(ended.evidence()), ended.world,
         {"signature": "signature.key_ended"}),
        ("category_unheard_of", "The catalog under the batch is here whole: what it does not have"
         " was never granted.", *unheard(), {"content": "content.nothing_compared",
                                            "entitlement": "entitlement.category_absent"}),
    ):  # fmt: skip
        yield compact(f"compact_{name}", why, code, world, verdict="not_genuine", codes=codes)


def unheard() -> tuple[Compact, World]:
    """Return the code of a certificate whose category its issuer was never granted."""
    scene = Scene()
    record = replace(scene.mine.record, category="NEVER-GRANTED", index=5)
    scene.mine = Issued(record=record, disclosures=scene.mine.disclosures, code=scene.mine.code)
    scene.issuer.anchor([scene.mine])
    shown = tuple(scene.mine.disclosures[:2])
    return Compact.of(IDENTITY, record, (), shown), scene.world


def codes() -> Iterator[Case]:
    """Yield texts that are no codes, and codes that the snapshot knows nothing of."""
    scene = Scene()
    plain = code_of(scene.evidence())
    text = plain.format()
    parts = cbor2.loads(plain.to_cbor())

    def spelt(data: bytes) -> bytes:
        return (PREFIX + to_base45(data)).encode()

    for name, why, code in (
        ("empty", "The file is empty.", b""),
        ("lower_case", "Base45 has no small letters.", text.lower().encode()),
        ("other_prefix", "Another kind of code.", text.replace("CL1", "HC1").encode()),
        ("cut", "The code was cut.", text[: len(text) // 2].encode()),
        ("line_feed", "A line feed follows.", text.encode() + b"\n"),
        ("other_version", "A version unknown here.",
         spelt(cbor2.dumps([2, *parts[1:]], canonical=True))),
        ("second_spelling", "A number is longer than it need be.",
         spelt(b"\x85\x18\x01" + plain.to_cbor()[2:])),
        ("trailing", "A byte follows.", spelt(plain.to_cbor() + b"\x00")),
        ("out_of_order", "Disclosures out of order.",
         spelt(cbor2.dumps([*parts[:4], parts[4][::-1]], canonical=True))),
        ("ledger_as_text", "The ledger is text where it is bytes.",
         spelt(cbor2.dumps([1, "12345678", *parts[2:]], canonical=True))),
        ("value_empty", "A field without a value.",
         spelt(cbor2.dumps([*parts[:4], [[0, "A" * 16, ""]]], canonical=True))),
        ("nested", "A thousand lists in one another.", spelt(b"\x81" * 1000 + b"\x01")),
        ("not_ascii", "A character that base45 does not have.", text.encode() + "。".encode()),
    ):  # fmt: skip
        yield compact(
            f"compact_{name}", why, code, scene.world, verdict="cannot_tell", codes=UNREADABLE
        )
    unseen = {**UNANCHORED, "inclusion": "inclusion.path_unusable",
              "content": "content.nothing_compared"}  # fmt: skip
    late = Scene()
    snapshot = taken(late.world)
    late.mine = late.issuer.issue("沪迟1")
    late.issuer.anchor([late.mine])
    for name, why, unknown, world, more in (
        ("body_absent", "The snapshot has no such issuer: it may have come since.", plain,
         World(issuers=[scene.other]), {"anchor": "anchor.body_absent"}),
        ("batch_pending", "The snapshot has no such certificate: it may have come since.",
         code_of(late.evidence()), late.world, {"anchor": "anchor.batch_pending"}),
    ):  # fmt: skip
        wishes = {"snapshots": snapshot} if name == "batch_pending" else {}
        yield compact(
            f"compact_{name}", why, unknown, world, verdict="cannot_tell", codes=unseen | more,
            **wishes,
        )  # fmt: skip
    yield compact(
        "compact_nothing_compared",
        "Only the number is shown.",
        code_of(scene.evidence(show=("certificate_number",))),
        scene.world,
        verdict="cannot_tell",
        codes={"content": "content.nothing_compared"},
    )


def blocks() -> Iterator[Case]:
    """Yield cases of the snapshot's block and its age."""
    scene = Scene()
    plain = code_of(scene.evidence())
    few = scene.world.note(dict.fromkeys(OPERATORS[:2], T))
    for name, why, wishes, codes in (
        ("stale", "The snapshot is too old for the category.", {"at": T + DAY + 1},
         {"freshness": "freshness.stale"}),
        ("from_the_future", "The snapshot is from the future.", {"at": T - 301},
         {"freshness": "freshness.future"}),
        ("policy_ended", "The policy has ended.",
         {"policy": signed_policy(ends=NOW - 1).format()}, {**UNTRUSTED, "block": "policy.ended"}),
        ("two_witnesses", "Too few witnesses have cosigned the snapshot's checkpoint.",
         {"snapshots": taken(scene.world, note=few)},
         {**UNTRUSTED, "block": "block.witnesses_too_few"}),
    ):  # fmt: skip
        yield compact(
            f"compact_{name}", why, plain, scene.world, verdict="cannot_tell", codes=codes,
            **wishes,
        )  # fmt: skip
    yield compact(
        "compact_of_other_ledger",
        "The code names another ledger than the snapshot.",
        replace(plain, ledger=draw("ledger", 8)),
        scene.world,
        verdict="cannot_tell",
        codes={**UNTRUSTED, "block": "block.other_ledger"},
    )


def lacking_catalogs(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot as a service makes it that was never handed in the catalogs."""
    return Snapshot.of(
        checkpoint=snapshot.checkpoint,
        account_proof=snapshot.account_proof,
        nodes=snapshot.nodes,
        catalogs=(),
        issuers=snapshot.issuers,
        absent=snapshot.catalogs,
    )


def lacking_name(snapshot: Snapshot, code: str) -> Snapshot:
    """Return the snapshot as a service makes it that was never handed in an issuer's name."""
    return replace(
        snapshot,
        issuers=tuple(
            replace(issuer, rootless=unnamed(issuer.rootless))
            if issuer.state.issuer == code
            else issuer
            for issuer in snapshot.issuers
        ),
    )


def unnamed(state: IssuerState) -> UnnamedIssuer:
    """Return a state of which only the digest of the name is known."""
    parts = {each.name: getattr(state, each.name) for each in fields(state)}
    digest = hashlib.sha256(state.name.encode()).hexdigest()
    return UnnamedIssuer(**{**parts, "name": f"{UNNAMED}{digest}"})


def absences() -> Iterator[Case]:
    """Yield cases of snapshots that lack what the chain holds only the hash of."""
    scene = Scene()
    other = scene.other.issue("沪他1")
    scene.other.anchor([other])
    whole = scene.world.snapshot()
    mine = code_of(scene.evidence())
    shown = ("certificate_number", "holder_name")
    theirs = code_of(scene.world.evidence(scene.other, other, show=shown))
    nameless = pack(lacking_name(whole, mine.record.issuer).to_cbor())
    bare = lacking_catalogs(whole)
    known = zlib.decompress(format_delta(bare, whole))
    for name, why, code, files, lacks in (
        ("name_absent", "The snapshot has the digest of the issuer's name alone.",
         mine, [nameless], "anchor.name_absent"),
        ("name_of_another_absent", "Another issuer's name is missing: nothing to this one.",
         theirs, [nameless], None),
        ("catalog_absent", "The snapshot has the root of the catalog alone.",
         mine, [pack(bare.to_cbor())], "anchor.catalog_absent"),
        ("catalog_came_later", "The delta brings the catalog that was missing.",
         mine, [pack(bare.to_cbor()), pack(known)], None),
    ):  # fmt: skip
        bad = {} if lacks is None else {
            "verdict": "cannot_tell",
            "codes": {**UNANCHORED, "inclusion": "inclusion.path_unusable", "anchor": lacks,
                      "content": "content.nothing_compared"},
        }  # fmt: skip
        yield compact(
            f"compact_{name}", why, code, scene.world,
            snapshots={f"snapshot{n}.bin": data for n, data in enumerate(files)}, **bad,
        )  # fmt: skip


def snapshots() -> Iterator[Case]:
    """Yield cases of the snapshot itself, and of deltas."""
    scene = Scene()
    plain = code_of(scene.evidence())
    old = Snapshot.parse(scene.world.snapshot().format())
    whole = old.to_cbor()
    without = World(issuers=[scene.issuer]).snapshot()
    scene.issuer.change([scene.mine.record.index], Status.REVOKED)
    scene.world.number += 1
    scene.world.time += 5
    new = scene.world.snapshot()
    delta = zlib.decompress(format_delta(old, new))
    pin = replace(policy().ledgers[0], identity=draw("identity"))
    yield compact(
        "delta_revoked",
        "The delta brings the revocation.",
        plain,
        scene.world,
        snapshots={"snapshot.bin": pack(whole), "delta.bin": pack(delta)},
        verdict="not_in_force",
        codes={"status": "status.revoked"},
    )
    yield from absences()
    lacking = replace(old, issuers=without.issuers, by_issuer=without.by_issuer)
    for name, why, files, wishes in (
        ("snapshot_not_packed", "The snapshot is not packed.", [whole], {}),
        ("snapshot_trailing", "A byte follows the snapshot.", [pack(whole) + b"\x00"], {}),
        ("snapshot_without_a_body", "An issuer was left out: the roll does not fit.",
         [pack(lacking.to_cbor())], {}),
        ("snapshot_status_hidden", "A revocation was taken out: the state is another.",
         [pack(replace(new, issuers=old.issuers, by_issuer=old.by_issuer).to_cbor())], {}),
        ("snapshot_of_other_ledger", "The policy does not know the snapshot's ledger.",
         [pack(whole)], {"policy": signed_policy(ledgers=(pin,)).format()}),
        ("delta_alone", "A delta is no snapshot.", [pack(delta)], {}),
        ("delta_twice", "The delta builds on another snapshot.",
         [pack(whole), pack(delta), pack(delta)], {}),
    ):  # fmt: skip
        yield compact(
            name,
            f"{why} It is refused: no verdict, exit status 2.",
            plain,
            scene.world,
            snapshots={f"snapshot{n}.bin": data for n, data in enumerate(files)},
            verdict="refused",
            **wishes,
        )
