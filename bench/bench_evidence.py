"""How fast evidence is judged: cold, with its issuer and batch known, and as compact codes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bench.report import Row, at_least
from certledger.verifier.formats import merkle
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.policy import TrustPolicy
from certledger.verifier.formats.statements import signed_by
from certledger.verifier.node_rpc import NodeBlock, SlotProof
from certledger.verifier.verify.block_trust import judge_by_witnesses
from certledger.verifier.verify.cached import Verifier
from certledger.verifier.verify.compact import CompactVerifier
from certledger.verifier.verify.full import Question, verify_bytes
from certledger.verifier.verify.trust_sources import choose_judge
from tests.world import IDENTITY, NOW, World, WorldIssuer, draw, policy, witness_key

BATCH = 4_096
ISSUERS = 100


@dataclass(frozen=True, kw_only=True)
class OwnNode:
    """One's own node, here without a network: it knows one block."""

    known: NodeBlock

    def block(self, which: int | str) -> NodeBlock | None:
        """Return the block that is known, whatever was asked for."""
        return self.known

    def proof(self, address: bytes, position: bytes, number: int) -> SlotProof | None:
        """Have no state: the checkpoint's time counts."""
        return None


@dataclass(frozen=True, kw_only=True)
class Material:
    """Evidence of `count` certificates of one batch, with and without cosignatures."""

    world: World
    node: OwnNode
    bare: list[bytes]
    witnessed: list[bytes]
    codes: list[bytes]
    sample: Evidence


def material(count: int) -> Material:
    """Return evidence out of a batch of 4,096, one of 100 issuers on a chain of 300 accounts."""
    issuer = WorldIssuer.of()
    others = [WorldIssuer.of(f"1232{n:06d}XX000001"[:18]) for n in range(ISSUERS - 1)]
    world = World(issuers=[issuer, *others], accounts=300)
    issued = [issuer.issue(f"沪示{n:06d}", index=n) for n in range(BATCH)]
    issuer.anchor(issued)
    cosigned, unsigned = world.note(), world.note({})
    first = world.evidence(issuer, issued[0], note=cosigned)
    leaves = [one.record.leaf() for one in issued]
    chosen = range(0, BATCH, BATCH // count)
    paths = merkle.prove_all(leaves, chosen)
    found = [
        replace(
            first,
            record=issued[at].record,
            disclosures=tuple(issued[at].named("certificate_number", "holder_name")),
            path=tuple(path),
        )
        for at, path in zip(chosen, paths, strict=True)
    ]
    checkpoint = world.checkpoint()
    return Material(
        world=world,
        node=OwnNode(
            known=NodeBlock(
                number=checkpoint.number,
                hash=checkpoint.block_hash,
                state_root=checkpoint.state_root,
                time=checkpoint.time,
            )
        ),
        bare=[replace(one, checkpoint=unsigned.format()).format() for one in found],
        witnessed=[one.format() for one in found],
        codes=[
            Compact.of(IDENTITY, one.record, one.path, one.disclosures).to_cbor() for one in found
        ],
        sample=first,
    )


def per_second(work: Callable[[bytes], object], files: Sequence[bytes], rounds: int) -> float:
    """Return how many files a second `work` does in its best round."""
    least = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        for file in files:
            work(file)
        least = min(least, time.perf_counter() - began)
    return len(files) / least


def rows(quick: bool) -> list[Row]:
    """Return verdicts a second on one core, each against the least that it must compute."""
    count, rounds = (64, 2) if quick else (128, 25)
    made, chosen = material(count), policy()
    rate = partial(per_second, rounds=rounds)
    curve = rate(partial(_secp256k1, made.sample), made.bare)
    both = rate(partial(_signatures, made), made.bare)
    hashed = rate(lambda file: sha256(file).digest(), made.bare)
    packed = rate(lambda code: sha256(code).digest(), made.codes)
    node = Verifier(chosen, choose_judge(chosen, made.node))
    witnesses = Verifier(chosen, choose_judge(chosen))
    desk = _desk(made.world, chosen)
    return [
        _row("evidence_cold", rate(partial(_cold, chosen, made.node), made.bare), curve, 1_500),
        _row(
            "evidence_cold_4_witnesses",
            rate(partial(_cold, chosen, None), made.witnessed),
            both,
            1_000,
        ),
        _row("evidence_warm", rate(partial(_warm, node), made.bare), hashed, 15_000),
        _row(
            "evidence_warm_4_witnesses",
            rate(partial(_warm, witnesses), made.witnessed),
            hashed,
            15_000,
        ),
        _row("compact_parsed", rate(Compact.from_cbor, made.codes), packed, 10_000),
        _row(
            "compact_verdict",
            rate(lambda code: desk.verify(Compact.from_cbor(code), now=NOW), made.codes),
            packed,
            10_000,
        ),
    ]


def _row(name: str, value: float, baseline: float, target: int) -> Row:
    return Row(
        name=name,
        value=value,
        unit="1/s",
        baseline=baseline,
        ratio=value / baseline,
        target=at_least(target),
    )


def _cold(chosen: TrustPolicy, node: OwnNode | None, file: bytes) -> None:
    question = Question(policy=chosen, judge=choose_judge(chosen, node), now=NOW)
    assert verify_bytes(file, question).verdict == "valid"


def _warm(verifier: Verifier, file: bytes) -> None:
    assert verifier.verify_bytes(file, now=NOW).verdict == "valid"


def _desk(world: World, chosen: TrustPolicy) -> CompactVerifier:
    return CompactVerifier.open(
        chosen,
        world.snapshot(),
        lambda snapshot, pin: judge_by_witnesses(snapshot.note, chosen, pin),
    )


def _secp256k1(sample: Evidence, file: bytes) -> None:
    assert signed_by(sample.statement.digest(IDENTITY), sample.signature, sample.signer)


def _signatures(made: Material, file: bytes) -> None:
    """Check one signature of an issuer and four of witnesses, and nothing else."""
    _secp256k1(made.sample, file)
    message, signature = _SIGNED
    for _ in range(4):
        Ed25519PublicKey.from_public_bytes(_PUBLIC).verify(signature, message)


_KEY = witness_key("bench")
_PUBLIC = _KEY.public_key().public_bytes_raw()
_SIGNED = (draw("message", 250), _KEY.sign(draw("message", 250)))
