"""Cases of full evidence with a trust snapshot at hand: what is newer decides (SPEC 18.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from certledger.verifier.vocabulary import Standing, Status
from tests.conformance.case import Case, Scene
from tests.conformance.snapshot_cases import taken
from tests.world import NOW, OPERATORS, World

LATER = 100
"""Blocks, and seconds, between the evidence and the snapshot."""


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    yield from moved()
    yield from unmoved()
    yield from older()
    yield from unusable()


def since(name: str, why: str, change: Callable[[Scene], object], **wishes: Any) -> Case:
    """Return a case of evidence from before `change`, beside a snapshot from after it."""
    scene = Scene()
    file = scene.file()
    change(scene)
    advance(scene.world)
    snapshots = wishes.pop("snapshots", None) or taken(scene.world)
    return Case(name=name, why=why, evidence=file, snapshots=snapshots, **wishes)


def advance(world: World, by: int = LATER) -> None:
    """Let blocks pass."""
    world.number += by
    world.time += by


def step(to: Status) -> Callable[[Scene], object]:
    """Return what changes the status of the certificate that matters."""
    return lambda scene: scene.issuer.change([scene.mine.record.index], to)


def moved() -> Iterator[Case]:
    """Yield cases in which something happened after the evidence was made."""
    for name, why, change, code in (
        ("revoked", "It was revoked after the evidence was made.", step(Status.REVOKED),
         "status.revoked"),
        ("superseded", "It was replaced after the evidence was made.", step(Status.SUPERSEDED),
         "status.superseded"),
        ("suspended", "It was suspended after the evidence was made.", step(Status.SUSPENDED),
         "status.suspended"),
        ("body_struck", "Its issuer was struck off after the evidence was made.",
         lambda scene: scene.issuer.stand(standing=Standing.STRUCK, since=1050, revision=1),
         "status.body_struck"),
        ("body_suspended", "Its issuer was suspended after the evidence was made.",
         lambda scene: scene.issuer.stand(standing=Standing.SUSPENDED, since=1050, revision=1),
         "status.body_suspended"),
    ):  # fmt: skip
        yield since(f"newer_{name}", why, change, verdict="not_in_force", codes={"status": code})
    yield since(
        "newer_key_ended",
        "The key's end was set back to before the batch was anchored, after the evidence was made.",
        lambda scene: scene.issuer.end_key(20),
        verdict="not_genuine",
        codes={"signature": "signature.key_ended"},
    )
    yield since(
        "newer_neighbour_revoked",
        "Another certificate in its word was revoked: this one is valid as of the snapshot.",
        lambda scene: scene.issuer.change([scene.mine.record.index + 1], Status.REVOKED),
    )
    yield since(
        "newer_batch",
        "The issuer has anchored another batch since.",
        lambda scene: scene.issuer.anchor([scene.issuer.issue("沪后")], block=1050),
    )
    scene = Scene()
    scene.issuer.change([scene.mine.record.index], Status.SUSPENDED)
    file = scene.file()
    scene.issuer.change([scene.mine.record.index], Status.VALID)
    advance(scene.world)
    yield Case(
        name="newer_lifted",
        why="It was suspended when the evidence was made, and is not any more.",
        evidence=file,
        snapshots=taken(scene.world),
    )


def unmoved() -> Iterator[Case]:
    """Yield cases in which nothing happened: T is that of the snapshot."""
    yield since("newer_unmoved", "Nothing has happened since.", lambda scene: None)
    scene = Scene()
    file = scene.file()
    advance(scene.world, 86400)
    yield Case(
        name="newer_refreshes",
        why="The evidence alone is stale: the snapshot says how things are a day later.",
        evidence=file,
        snapshots=taken(scene.world),
        at=NOW + 86400,
    )
    yield Case(
        name="newer_stale_too",
        why="The snapshot is stale as well.",
        evidence=file,
        snapshots=taken(scene.world),
        at=NOW + 2 * 86400,
        verdict="cannot_tell",
        codes={"freshness": "freshness.stale"},
    )


def older() -> Iterator[Case]:
    """Yield cases in which the evidence is as new as the snapshot or newer."""
    scene = Scene()
    old = taken(scene.world)
    scene.issuer.change([scene.mine.record.index], Status.REVOKED)
    advance(scene.world)
    yield Case(
        name="older_snapshot_revoked",
        why="The evidence is newer than the snapshot, in which it was not revoked yet.",
        evidence=scene.file(),
        snapshots=old,
        verdict="not_in_force",
        codes={"status": "status.revoked"},
    )
    lifted_again = Scene()
    lifted_again.issuer.change([lifted_again.mine.record.index], Status.SUSPENDED)
    suspended = taken(lifted_again.world)
    lifted_again.issuer.change([lifted_again.mine.record.index], Status.VALID)
    advance(lifted_again.world)
    yield Case(
        name="older_snapshot_suspended",
        why="The evidence is newer than the snapshot, in which it was suspended still.",
        evidence=lifted_again.file(),
        snapshots=suspended,
    )
    same = Scene()
    yield Case(
        name="snapshot_of_the_same_block",
        why="Evidence and snapshot are of one block.",
        evidence=same.file(),
        snapshots=taken(same.world),
    )


def unusable() -> Iterator[Case]:
    """Yield cases of snapshots that hold nothing about the evidence."""
    yield since(
        "newer_without_the_issuer",
        "A later block that three operators cosigned does not have the issuer: somebody lies, and"
        " nothing is known of the status.",
        lambda scene: scene.world.issuers.remove(scene.issuer),
        verdict="cannot_tell",
        codes={"freshness": "freshness.overtaken"},
    )
    scene = Scene()
    file = scene.file()
    scene.issuer.change([scene.mine.record.index], Status.REVOKED)
    advance(scene.world)
    two = scene.world.note(dict.fromkeys(OPERATORS[:2], scene.world.time))
    yield Case(
        name="newer_not_trusted",
        why="The snapshot's block has too few witnesses: anybody could have made it.",
        evidence=file,
        snapshots=taken(scene.world, note=two),
    )
    yield Case(
        name="newer_broken",
        why="A snapshot that is none is refused, beside full evidence too.",
        evidence=file,
        snapshots={"snapshot.bin": b"x\x9c"},
        verdict="refused",
    )
