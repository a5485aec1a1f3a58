"""Cases of policies: bounds, orders, and which versions of codes and snapshots they list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import orjson

from certledger.verifier.formats.checkpoint import Note
from certledger.verifier.formats.policy import READABLE
from tests.conformance.case import UNREADABLE, Case, Scene
from tests.conformance.snapshot_cases import code_of, compact, pack, taken
from tests.world import ROOT_KEYS, draw, policy, signed_policy


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    yield from refusals()
    yield from accepted()
    yield from versions()
    yield from beside()


def resigned(change: Callable[[Any], None]) -> bytes:
    """Return the file of a policy that was changed, and then signed by its roots."""
    value = orjson.loads(signed_policy().format())["policy"]
    change(value)
    return signed_again(value)


def signed_again(value: Any) -> bytes:
    """Return the file of a policy that is any JSON, signed by the roots of the world."""
    canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    data = b"certledger/policy/1\n" + canonical
    signatures = [
        {"key": key.public_key().public_bytes_raw().hex(), "signature": key.sign(data).hex()}
        for key in ROOT_KEYS
    ]
    signatures.sort(key=lambda one: one["key"])
    whole = {"policy": value, "signatures": signatures}
    return orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)


def put(*path: Any) -> Callable[[Any], None]:
    """Return what puts the last of `path` at the place that the others name."""
    *where, last, to = path

    def change(value: Any) -> None:
        for name in where:
            value = value[name]
        value[last] = (
            to(value.get(last) if isinstance(value, dict) else value[last]) if callable(to) else to
        )

    return change


def refusals() -> Iterator[Case]:
    """Yield policies, rightly signed, that have a number or a list that none may have."""
    scene = Scene()
    witness = ("witnesses", 0)
    listed = list(READABLE)
    ages = ("max_age", "categories")
    noted = scene.world.note().format()
    for name, change in (
        ("version_0", put("version", 0)),
        ("ends_before_1970", put("ends", "1969-12-31T23:59:59Z")),
        ("ends_with_offset", put("ends", "2027-11-18T11:06:40+00:00")),
        ("ends_in_a_fraction", put("ends", "2027-11-18T11:06:40.5Z")),
        ("roots_unordered", put("roots", "keys", lambda keys: keys[::-1])),
        ("roots_twice", put("roots", "keys", lambda keys: [*keys, keys[-1]])),
        ("roots_empty", put("roots", "keys", [])),
        ("roots_threshold_0", put("roots", "threshold", 0)),
        ("roots_threshold_beyond", put("roots", "threshold", len(ROOT_KEYS) + 1)),
        ("no_ledger", put("ledgers", [])),
        ("ledger_twice", put("ledgers", lambda ledgers: ledgers * 2)),
        ("chain_id_0", put("ledgers", 0, "chain_id", 0)),
        ("ledger_without_name", put("ledgers", 0, "name", "")),
        ("ledger_name_of_129", put("ledgers", 0, "name", "n" * 129)),
        ("address_of_19_bytes", put("ledgers", 0, "address", lambda text: text[:-2])),
        ("address_upper", put("ledgers", 0, "address", lambda text: "0x" + text[2:].upper())),
        ("address_without_0x", put("ledgers", 0, "address", lambda text: text[2:])),
        ("retired_with_lines", put("ledgers", 0, "retired", noted)),
        ("retired_of_other_ledger", put("ledgers", 0, "retired", other_checkpoint(scene))),
        ("no_way", put("trust", "ways", [])),
        ("ways_unordered", put("trust", "ways", ["witnesses", "rpc"])),
        ("way_twice", put("trust", "ways", ["rpc", "rpc"])),
        ("way_unknown", put("trust", "ways", ["notary"])),
        ("threshold_0", put("trust", "threshold", 0)),
        ("threshold_beyond_operators", put("trust", "threshold", 5)),
        ("threshold_17", put("trust", "threshold", 17)),
        ("confirmations_beyond", put("trust", "confirmations", 2**32)),
        ("witnesses_unordered", put("witnesses", lambda witnesses: witnesses[::-1])),
        ("witness_ends_before_it_begins", put(*witness, lambda w: {**w, "from": 5, "until": 4})),
        ("witness_from_beyond", put(*witness, "from", 2**40)),
        ("witness_until_beyond", put(*witness, "until", 2**40)),
        ("witness_name_spaced", put(*witness, "name", "an hui")),
        ("witness_of_an_unknown_ledger", put(*witness, "ledger", f"0x{draw('identity').hex()}")),
        ("witness_key_twice", put("witnesses", 1, "key", policy().witnesses[0].key.hex())),
        ("block_lag_beyond", put("block_lag", 2**32)),
        ("age_beyond", put("max_age", "default", 2**32)),
        ("category_age_beyond", put(*ages, 0, "seconds", 2**32)),
        ("category_lower", put(*ages, 0, "category", "id-resident")),
        ("category_twice", put(*ages, lambda pairs: [*pairs, pairs[-1]])),
        ("tolerance_beyond", put("clock_tolerance", 2**32)),
        ("presentation_age_beyond", put("presentation_age", 2**32)),
        ("versions_empty", put("evidence", [])),
        ("versions_unordered", put("evidence", listed[::-1])),
        ("version_twice", put("evidence", [*listed, listed[-1]])),
        ("version_of_five_digits", put("evidence", ["certledger/evidence/10000"])),
        ("version_zero", put("evidence", ["certledger/evidence/0"])),
        ("version_of_another", put("evidence", ["other/evidence/1"])),
        ("versions_of_17", put("evidence", [f"certledger/evidence/{n}" for n in range(10, 27)])),
        ("countersignature_1", put("countersignature", 1)),
    ):  # fmt: skip
        yield Case(
            name=f"policy_{name}",
            why="A member of the policy lies beyond its range, or out of order. Such a policy is"
            " refused, though its roots have signed it: no verdict, exit status 2.",
            evidence=scene.file(),
            policy=resigned(change),
            verdict="refused",
        )


def other_checkpoint(scene: Scene) -> str:
    """Return the checkpoint of a ledger that the policy does not name there."""
    checkpoint = replace(scene.world.checkpoint(), identity=draw("identity"))
    return Note(checkpoint=checkpoint).format()


def accepted() -> Iterator[Case]:
    """Yield policies whose numbers are as small or as great as they can be."""
    scene = Scene()
    span = 2**32 - 1
    for name, why, changes in (
        ("greatest_numbers", "Every number is as great as it can be.",
         {"version": 2**53 - 1, "ends": 253402300799, "block_lag": span, "default_age": span,
          "ages": {"ID-RESIDENT": span}, "clock_tolerance": span, "presentation_age": span}),
        ("chain_id_of_53_bits", "A private chain may have any id.",
         {"ledgers": (replace(policy().ledgers[0], chain_id=2**53 - 1),)}),
        ("witness_for_one_block", "A witness is in service for this block alone.",
         {"witnesses": (replace(policy().witnesses[0], start=1000, until=1000),
                        *policy().witnesses[1:3])}),
        ("witness_for_blocks_of_another_ledger",
         "A witness begins late on another ledger, whose blocks are others: here it counts.",
         {"witnesses": (replace(policy().witnesses[0], start=10**6, ledger=draw("identity")),
                        *policy().witnesses[1:3]),
          "ledgers": (policy().ledgers[0],
                      replace(policy().ledgers[0], name="zz", identity=draw("identity")))}),
        ("of_many_versions", "The policy lists versions that nobody here knows, too.",
         {"evidence": tuple(sorted([*READABLE, "certledger/evidence/2", "certledger/other/1"]))}),
        ("ledgers_in_any_order", "Ledgers stand in any order.",
         {"ledgers": (replace(policy().ledgers[0], name="zz", identity=draw("identity")),
                      policy().ledgers[0])}),
    ):  # fmt: skip
        yield Case(
            name=f"policy_{name}",
            why=why,
            evidence=scene.file(),
            policy=signed_policy(**changes).format(),
        )


def versions() -> Iterator[Case]:
    """Yield policies that list some of evidence, codes and snapshots."""
    scene = Scene()
    code, whole = code_of(scene.evidence()), taken(scene.world)
    for name, why, left_out in (
        ("of_codes_withdrawn", "The policy lists no version of codes: they cannot be relied on.",
         READABLE[0]),
        ("of_evidence_withdrawn", "The policy lists no version of evidence.", READABLE[1]),
    ):  # fmt: skip
        chosen = signed_policy(evidence=tuple(set_without(left_out))).format()
        full = left_out == READABLE[1]
        yield Case(
            name=f"policy_{name}",
            why=why,
            evidence=scene.file() if full else code.format().encode(),
            evidence_name="evidence.json" if full else "code.txt",
            snapshots={} if full else whole,
            policy=chosen,
            verdict="cannot_tell",
            codes=UNREADABLE,
        )
    yield compact(
        "policy_of_codes_alone",
        "The policy lists codes and snapshots, and no full evidence: the code is good.",
        code,
        scene.world,
        policy=signed_policy(evidence=(READABLE[0], READABLE[2])).format(),
    )
    for name, why, evidence in (
        ("later_code", "The policy lists a later version of codes only.", "certledger/compact/2"),
        ("later_snapshot", "The policy lists a later version of snapshots only.",
         "certledger/snapshot/2"),
    ):  # fmt: skip
        kept = [one for one in READABLE if one[:-1] != evidence[:-1]]
        snapshot = name == "later_snapshot"
        yield compact(
            f"policy_of_{name}",
            f"{why} The snapshot is refused: no verdict, exit status 2." if snapshot else why,
            code,
            scene.world,
            policy=signed_policy(evidence=tuple(sorted([*kept, evidence]))).format(),
            verdict="refused" if snapshot else "cannot_tell",
            codes={} if snapshot else UNREADABLE,
        )


def set_without(version: str) -> list[str]:
    """Return the versions that can be read, but one."""
    return [one for one in READABLE if one != version]


def beside() -> Iterator[Case]:
    """Yield full evidence beside snapshots that cannot be used: they are read all the same."""
    scene = Scene()
    whole = scene.world.snapshot().to_cbor()
    for name, why, data in (
        ("broken", "The snapshot is no snapshot.", b"no snapshot"),
        ("unproved", "The snapshot is not what the chain holds.",
         pack(whole.replace("上海市公安局".encode(), "上海市公安所".encode()))),
    ):  # fmt: skip
        yield Case(
            name=f"full_evidence_beside_a_{name}_snapshot",
            why=f"{why} A snapshot that is named is refused like a policy, whatever it was named"
            " for: no verdict, exit status 2.",
            evidence=scene.file(),
            snapshots={"snapshot.bin": data},
            verdict="refused",
        )
    yield Case(
        name="full_evidence_beside_a_later_snapshot_version",
        why="The policy does not list snapshots of this version: refused, exit status 2.",
        evidence=scene.file(),
        snapshots={"snapshot.bin": pack(whole)},
        policy=signed_policy(evidence=("certledger/evidence/1",)).format(),
        verdict="refused",
    )
