"""Cases of a counter's desk: holders, documents, dates and entries of codes; forged snapshots."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import cbor2

from certledger.verifier.formats.snapshot import Snapshot
from certledger.verifier.formats.snapshot_delta import format_delta
from certledger.verifier.vocabulary import HolderKind, Standing, Status
from tests.conformance.case import Case, Scene
from tests.conformance.force_cases import ASKED, DAY, T, bound, changed, present
from tests.conformance.snapshot_cases import code_of, compact, pack, taken
from tests.world import LICENCE, NOW, signed_policy


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    yield from holders()
    yield from certificates()
    yield from entries()
    yield from forged_snapshots()
    yield from forged_deltas()


def holders() -> Iterator[Case]:
    """Yield codes of certificates bound to their holder."""
    scene, other = bound(), bound("p256")
    yield compact(
        "compact_presented_p256",
        "The holder's key is on P-256.",
        code_of(present(other, kind="p256")),
        other.world,
        request=ASKED,
    )
    bare = scene.evidence(show=("certificate_number", "holder_name", "holder_key"))
    for name, why, evidence, request, code in (
        ("not_presented", "A bound certificate without a presentation.", bare, ASKED,
         "presentation_missing"),
        ("nobody_asked", "A presentation that answers no question of ours.", present(scene), None,
         "presentation_unusable"),
        ("presented_to_another", "It answers another counter.",
         present(scene, asked=("wuxi-2", ASKED[1])), ASKED, "other_audience"),
        ("presented_again", "It answers an earlier question of this counter.",
         present(scene, asked=(ASKED[0], "nonce-0")), ASKED, "other_nonce"),
        ("presented_too_long_ago", "Ten minutes and a second ago.",
         present(scene, time=NOW - 601), ASKED, "presentation_old"),
        ("presented_by_other_curve", "The key is on P-256, the signature by Ed25519.",
         replace(present(other, kind="p256"), presentation=present(scene).presentation), ASKED,
         "presentation_unusable"),
    ):  # fmt: skip
        world = other.world if name == "presented_by_other_curve" else scene.world
        yield compact(
            f"compact_{name}",
            why,
            code_of(evidence),
            world,
            request=request,
            verdict="cannot_tell",
            codes={"holder": f"holder.{code}"},
        )


def certificates() -> Iterator[Case]:
    """Yield codes of documents, dates, standings, and of what decides where several speak."""
    papers = Scene(documents=[b"paper"])
    code = code_of(papers.evidence())
    yield compact(
        "compact_document_differs",
        "Another document was handed in.",
        code,
        papers.world,
        documents={"document1.txt": b"another"},
        verdict="not_genuine",
        codes={"content": "content.document_differs"},
    )
    ended = Scene(expires=date(2026, 10, 31))
    ahead = Scene(issued=date(2026, 12, 1))
    late = {"at": T + DAY + 1}
    stale = {"freshness": "freshness.stale"}
    for name, why, scene, wishes, codes in (
        ("expired", "It expired last month.", ended, {}, {"dates": "dates.expired"}),
        ("body_suspended", "Its issuer is suspended.", changed(standing=Standing.SUSPENDED), {},
         {"status": "status.body_suspended"}),
        ("revoked_long_ago", "Stale, but what is revoked stays revoked.",
         changed(Status.REVOKED), late, {"status": "status.revoked", **stale}),
        ("expired_long_ago", "Stale, but what has expired stays so.", ended, late,
         {"dates": "dates.expired", **stale}),
        ("not_yet", "It is good from December.", ahead, {}, {"dates": "dates.not_yet"}),
    ):  # fmt: skip
        yield compact(
            f"compact_{name}",
            why,
            code_of(scene.evidence()),
            scene.world,
            verdict="not_in_force",
            codes=codes,
            **wishes,
        )
    waiting = changed(Status.SUSPENDED)
    yield compact(
        "compact_suspended_long_ago",
        "Stale: the suspension may have been lifted since.",
        code_of(waiting.evidence()),
        waiting.world,
        verdict="cannot_tell",
        codes={"status": "status.suspended", **stale},
        **late,
    )
    lifted = changed(Status.SUSPENDED, Status.VALID)
    yield compact(
        "compact_suspension_lifted",
        "It was suspended, and is not any more.",
        code_of(lifted.evidence()),
        lifted.world,
    )
    yield Case(
        name="full_evidence_beside_a_snapshot",
        why="Full evidence needs no snapshot, and is judged by itself.",
        evidence=papers.file(),
        snapshots=taken(Scene().world),
    )


def entries() -> Iterator[Case]:
    """Yield codes of records that do not obey the catalog, and of what the policy asks besides."""
    kind = Scene(entry=replace(LICENCE, holder=HolderKind.NATURAL))
    long = Scene(expires=date(2046, 10, 2))
    for name, why, scene, code in (
        ("holder_kind", "A natural person holds what only companies may.", kind, "holder_kind"),
        ("validity_too_long", "It is good for a day longer than the entry allows.", long,
         "validity_too_long"),
    ):  # fmt: skip
        yield compact(
            f"compact_{name}",
            why,
            code_of(scene.evidence()),
            scene.world,
            verdict="not_genuine",
            codes={"entitlement": f"entitlement.{code}"},
        )
    scene = Scene()
    yield compact(
        "compact_countersignature_missing",
        "The policy asks for a countersignature, and there is none.",
        code_of(scene.evidence()),
        scene.world,
        policy=signed_policy(countersignature=True).format(),
        verdict="cannot_tell",
        codes={"signature": "signature.countersignature_missing"},
    )


def refused(name: str, why: str, files: list[bytes]) -> Case:
    """Return a case of a snapshot, and deltas to it, that no verdict can be reached with."""
    scene = Scene()
    return compact(
        name,
        f"{why} It is refused: no verdict, exit status 2.",
        code_of(scene.evidence()),
        scene.world,
        snapshots={f"snapshot{n}.bin": pack(data) for n, data in enumerate(files)},
        verdict="refused",
    )


def edited(item: bytes, *path: int, to: Callable[[Any], Any]) -> bytes:
    """Return the CBOR of an item in which the part at `path` is changed."""
    parts = cbor2.loads(item)
    *where, last = path
    inner = parts
    for at in where:
        inner = inner[at]
    inner[last] = to(inner[last])
    return cbor2.dumps(parts, canonical=True)


def forged_snapshots() -> Iterator[Case]:
    """Yield snapshots with one thing wrong."""
    scene = Scene(first_batches=1)
    scene.issuer.change([0], Status.REVOKED)
    item = scene.world.snapshot().to_cbor()
    stray = b"\xc2\x01\x02" * 11
    for name, why, data in (
        ("version", "A version unknown here.",
         edited(item, 0, to=lambda _: "certledger/snapshot/2")),
        ("node_missing", "A node of the proof is missing.", edited(item, 3, to=lambda n: n[1:])),
        ("node_stray", "A node that proves nothing.",
         edited(item, 3, to=lambda n: sorted([*n, stray]))),
        ("node_twice", "A node stands twice.", edited(item, 3, to=lambda n: [*n, n[-1]])),
        ("nodes_unordered", "Nodes out of order.", edited(item, 3, to=lambda n: n[::-1])),
        ("catalog_missing", "A catalog is missing.", edited(item, 4, to=lambda c: c[1:])),
        ("catalog_edited", "An entry allows more months: the catalog is another.",
         edited(item, 4, 0, 0, to=lambda e: e.replace(b'"lag_days":30', b'"lag_days":90'))),
        ("bodies_unordered", "Issuers in another order than they were registered in.",
         edited(item, 5, to=lambda b: b[::-1])),
        ("body_renamed", "An issuer has another name.",
         edited(item, 5, 1, 2, to=lambda _: "上海市公安分局")),
        ("key_lives_on", "The end of a key was changed.",
         edited(item, 5, 1, 5, to=lambda k: k[:-1] + b"\xfe")),
        ("root_edited", "A batch has another root.",
         edited(item, 5, 1, 10, 0, to=lambda r: bytes(32) + r[32:])),
        ("block_edited", "A batch was anchored earlier.",
         edited(item, 5, 1, 10, 3, to=lambda b: [b[0] - 1, *b[1:]])),
        ("status_beyond", "A certificate that was never issued is revoked.",
         edited(item, 5, 0, 11, 0, to=lambda _: b"\x10")),
        ("status_twice", "A certificate is revoked and suspended.",
         edited(item, 5, 1, 11, 1, to=lambda _: b"\x00")),
        ("gap_spelling", "A gap has a second spelling.",
         edited(item, 5, 1, 11, 0, to=lambda _: b"\x80\x00")),
        ("true_for_one", "A number is written as true.",
         edited(item, 5, 1, 10, 1, to=lambda c: [True, *c[1:]])),
        ("number_long", "A number is longer than it need be.",
         item.replace(b"\x84\x20", b"\x84\x38\x00") if b"\x84\x20" in item
         else b"\x98\x06" + item[1:]),
        ("byte_after", "A byte follows the item.", item + b"\x00"),
        ("empty", "An empty item.", b""),
    ):  # fmt: skip
        yield refused(f"snapshot_{name}", why, [data])


def forged_deltas() -> Iterator[Case]:
    """Yield deltas that do not lead on, and one that does."""
    scene = Scene()
    plain = code_of(scene.evidence())
    old = Snapshot.parse(scene.world.snapshot().format())
    scene.issuer.change([0], Status.REVOKED)
    scene.issuer.anchor([scene.issuer.issue("沪新1")])
    scene.world.number, scene.world.time = scene.world.number + 1, scene.world.time + 5
    new = scene.world.snapshot()
    forth, back = (zlib.decompress(format_delta(*pair)) for pair in ((old, new), (new, old)))
    yield compact(
        "delta_of_another_certificate",
        "The delta brings a batch, and revokes another certificate.",
        plain,
        scene.world,
        snapshots={"snapshot.bin": pack(old.to_cbor()), "delta.bin": pack(forth)},
    )
    for name, why, files in (
        ("backwards", "The delta leads to an older block.", [new.to_cbor(), back]),
        ("revocation_hidden", "The delta leaves a revocation out.",
         [old.to_cbor(), edited(forth, 6, 1, 1, 11, 0, to=lambda _: b"")]),
        ("batch_hidden", "The delta leaves a batch out.",
         [old.to_cbor(), edited(forth, 6, 1, 1, 10,
                                to=lambda _: [b"", [], [], [], [], [], {}])]),
        ("change_hidden", "The delta says that an issuer has not changed.",
         [old.to_cbor(), edited(forth, 6, 1, to=lambda _: 1)]),
        ("body_dropped", "The delta leaves an issuer out.",
         [old.to_cbor(), edited(forth, 6, to=lambda b: b[1:])]),
        ("version", "A version unknown here.",
         [old.to_cbor(), edited(forth, 0, to=lambda _: "certledger/delta/2")]),
    ):  # fmt: skip
        yield refused(f"delta_{name}", why, files)
