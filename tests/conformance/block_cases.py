"""Cases of check 6: ledgers, witnesses, checkpoints and the policy itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certledger.verifier.formats.checkpoint import Cosignature, Note, cosign
from certledger.verifier.formats.policy import LedgerPin, Trust, WitnessKey
from certledger.verifier.formats.signed_policy import SignedPolicy, sign
from certledger.verifier.formats.statements import ledger_identity
from certledger.verifier.vocabulary import Way
from tests.conformance.case import BLOCKED, Case, Scene
from tests.world import (
    ADDRESS,
    CHAIN_ID,
    NOW,
    OPERATORS,
    ROOT_KEYS,
    World,
    draw,
    policy,
    signed_policy,
    witness_key,
)


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    yield from ledgers()
    yield from retired()
    yield from witnesses()
    yield from clocks()
    yield from notes()
    yield from unknown_lines()
    yield from policies()


def blocked(name: str, why: str, code: str, **wishes: object) -> Case:
    """Return a case in which check 6 does not pass."""
    codes = {**BLOCKED, "block": code}
    return Case(name=name, why=why, verdict="cannot_tell", codes=codes, **wishes)  # type: ignore[arg-type]


def pin() -> LedgerPin:
    """Return the ledger of the world."""
    return policy().ledgers[0]


def ledgers() -> Iterator[Case]:
    """Yield cases of a checkpoint's ledger."""
    scene = Scene()
    fresh = replace(pin(), identity=ledger_identity(CHAIN_ID, ADDRESS, draw("other salt")))
    elsewhere = replace(
        pin(), chain_id=CHAIN_ID + 1, identity=ledger_identity(CHAIN_ID + 1, ADDRESS, draw("salt"))
    )
    yield Case(
        name="one_of_two_ledgers",
        why="The policy knows two ledgers; the checkpoint names one of them.",
        evidence=scene.file(),
        policy=signed_policy(ledgers=(replace(fresh, name="other"), pin())).format(),
    )
    for name, why, ledger in (
        ("other_chain", "The policy's ledger is on another chain.", elsewhere),
        ("other_ledger_same_address", "Another ledger with the same chain id and address: fresh"
         " private chains share both, the salt tells them apart.", fresh),
    ):  # fmt: skip
        yield blocked(
            name,
            why,
            "block.other_ledger",
            evidence=scene.file(),
            policy=signed_policy(ledgers=(ledger,)).format(),
        )
    yield Case(
        name="code_hash_not_pinned",
        why="The policy pins other code than the contract has.",
        evidence=scene.file(),
        policy=signed_policy(ledgers=(replace(pin(), code_hash=draw("code")),)).format(),
        verdict="not_genuine",
        codes={
            "anchor": "anchor.other_contract",
            **dict.fromkeys(("signature", "entitlement", "status"), "anchor.needed"),
        },
    )


def retired() -> Iterator[Case]:
    """Yield cases of a ledger that has ended with a last checkpoint."""
    scene = Scene()
    scene.world.number = 900
    last = scene.world.checkpoint()
    file = scene.file()
    after = replace(last, number=950, time=last.time + 50)
    for name, why, final in (
        ("retired_ledger_before_its_end", "The ledger was retired later.", after),
        ("retired_ledger_at_its_end", "The checkpoint is the ledger's last.", last),
    ):
        yield Case(
            name=name,
            why=why,
            evidence=file,
            policy=signed_policy(ledgers=(replace(pin(), retired=final),)).format(),
        )
    month = 30 * 86400
    for name, why, evidence, final, at in (
        ("retired_ledger_long_after_its_end", "The checkpoint is the ledger's last, so that nothing"
         " newer can be had: ages count up to it.", file, last, NOW + month),
        ("retired_ledger_before_its_end_long_after", "The evidence was fresh enough when the ledger"
         " ended, and is judged as of then.", file, after, NOW + month),
        ("retired_ledger_without_witnesses", "For its last checkpoint the policy vouches.",
         scene.file(note=Note(checkpoint=last)), last, NOW + month),
    ):  # fmt: skip
        yield Case(
            name=name,
            why=why,
            evidence=evidence,
            policy=signed_policy(ledgers=(replace(pin(), retired=final),)).format(),
            at=at,
        )
    late = replace(last, number=950, time=last.time + 9 * 86400)
    yield Case(
        name="retired_ledger_stale_at_its_end",
        why="When the ledger ended, the evidence was too old already.",
        evidence=file,
        policy=signed_policy(ledgers=(replace(pin(), retired=late),)).format(),
        at=NOW + month,
        verdict="cannot_tell",
        codes={"freshness": "freshness.stale"},
    )
    yield blocked(
        "retired_ledger_damaged_line",
        "For its last checkpoint the policy vouches, and a witness's line on it is damaged.",
        "checkpoint.unusable",
        evidence=scene.file(note=damaged(scene)),
        policy=signed_policy(ledgers=(replace(pin(), retired=last),)).format(),
    )
    for name, why, final, code in (
        ("retired_ledger_after_its_end", "Whatever a retired ledger still says, nobody answers for"
         " it.", replace(last, number=899), "block.untrusted"),
        ("retired_ledger_forked", "The policy names another block as the ledger's last.",
         replace(last, block_hash=draw("fork")), "block.differs"),
    ):  # fmt: skip
        yield blocked(
            name,
            why,
            code,
            evidence=file,
            policy=signed_policy(ledgers=(replace(pin(), retired=final),)).format(),
        )


def damaged(scene: Scene) -> Note:
    """Return the checkpoint with a line of a witness that does not verify."""
    note = scene.world.note(times("anhui"))
    line = note.cosignatures[0]
    wrong = replace(line, signature=bytes([line.signature[0] ^ 1]) + line.signature[1:])
    return Note(checkpoint=note.checkpoint, cosignatures=(wrong,))


def times(*names: str, at: int = NOW - 595) -> dict[str, int]:
    """Return the cosignatures of witnesses, all at one instant."""
    return dict.fromkeys(names, at)


def witnesses() -> Iterator[Case]:
    """Yield cases of who has cosigned; the policy asks for three operators."""
    scene = Scene()
    yield Case(
        name="three_of_four_witnesses",
        why="Exactly as many operators as the policy asks for.",
        evidence=scene.file(note=scene.world.note(times(*OPERATORS[:3]))),
    )
    for name, why, names in (
        ("two_of_four_witnesses", "One operator fewer than the policy asks for.", OPERATORS[:2]),
        ("no_witness", "A checkpoint without cosignatures is somebody's word.", ()),
    ):
        yield blocked(
            name,
            why,
            "block.witnesses_too_few",
            evidence=scene.file(note=scene.world.note(times(*names))),
        )
    doubled = with_witnesses(
        WitnessKey(operator="anhui", name="anhui-2", key=public("anhui-2"), start=0)
    )
    yield blocked(
        "operator_with_two_keys",
        "Three cosignatures, two of them by keys of one operator: operators are counted.",
        "block.witnesses_too_few",
        evidence=scene.file(note=scene.world.note(times("anhui", "anhui-2", "jiangsu"))),
        policy=doubled.format(),
    )
    yield Case(
        name="operator_counts_by_its_later_clock",
        why="One operator signed with two keys, a minute apart: its later time counts for T, so the"
        " evidence is not yet stale.",
        evidence=scene.file(
            note=scene.world.note(
                {**times("anhui-2", "jiangsu", "shanghai"), **times("anhui", at=NOW - 655)}
            )
        ),
        policy=doubled.format(),
        at=NOW - 595 + 86400,
    )
    for name, why, start, until, good in (
        ("witness_retired", "One witness had retired before this block.", 0, 999, False),
        ("witness_retired_at_the_block", "It was in service up to this block.", 0, 1000, True),
        ("witness_not_yet", "One witness was in service only from the next block on.", 1001, None,
         False),
        ("witness_new", "One witness was in service from this block on.", 1000, None, True),
    ):  # fmt: skip
        changed = signed_policy(
            witnesses=tuple(
                replace(one, start=start, until=until) if one.name == "jiangsu" else one
                for one in policy().witnesses
            )
        ).format()
        file = scene.file(note=scene.world.note(times("anhui", "jiangsu", "shanghai")))
        if good:
            yield Case(name=name, why=why, evidence=file, policy=changed)
        else:
            yield blocked(name, why, "block.witnesses_too_few", evidence=file, policy=changed)
    yield blocked(
        "witnesses_not_a_way",
        "The policy trusts nodes only, and none is at hand.",
        "block.untrusted",
        evidence=scene.file(),
        policy=signed_policy(trust=Trust(ways=(Way.NODE,), threshold=3, confirmations=12)).format(),
    )


def public(name: str) -> bytes:
    """Return the public key of a witness."""
    return witness_key(name).public_key().public_bytes_raw()


def with_witnesses(*more: WitnessKey) -> SignedPolicy:
    """Return the policy with more witnesses."""
    known = sorted((*policy().witnesses, *more), key=lambda one: one.name)
    return signed_policy(witnesses=tuple(known))


def clocks() -> Iterator[Case]:
    """Yield cases of witnesses' clocks; T is the third greatest time of distinct operators."""
    scene = Scene()
    block = scene.world.time
    years = 3 * 365 * 86400
    for name, why, signed, good in (
        ("one_clock_years_ahead", "One clock is years ahead: the third greatest time counts.",
         times(*OPERATORS[:3]) | {"zhejiang": block + years}, True),
        ("one_clock_years_behind", "One clock is years behind: the other three count.",
         times(*OPERATORS[:3]) | {"zhejiang": block - years}, True),
        ("clocks_at_the_lag", "The cosignatures are as late as the policy allows.",
         times(*OPERATORS, at=block + 120), True),
        ("three_clocks_years_ahead", "Three clocks are years ahead, so that old evidence would"
         " look fresh.", times(*OPERATORS[:3], at=block + years) | {"zhejiang": block}, False),
        ("clocks_beyond_the_lag", "The cosignatures are one second later than the policy allows.",
         times(*OPERATORS, at=block + 121), False),
        ("clocks_before_the_block", "The cosignatures are from long before the block.",
         times(*OPERATORS, at=block - 121), False),
    ):  # fmt: skip
        file = scene.file(note=scene.world.note(signed))
        if good:
            yield Case(name=name, why=why, evidence=file)
        else:
            yield blocked(name, why, "block.clock", evidence=file)


def lines_of(world: World, count: int, name: str = "aaa") -> tuple[Cosignature, ...]:
    """Return the lines of witnesses that no policy here knows, before all others."""
    signed = [
        cosign(
            world.checkpoint(),
            f"{name}-{n:02}",
            Ed25519PrivateKey.from_private_bytes(draw(f"stranger {n}")),
            NOW - 595,
        )
        for n in range(count)
    ]
    return tuple(signed)


def unknown_lines() -> Iterator[Case]:
    """Yield notes with lines that the policy does not know: ignored, never counted."""
    scene = Scene()
    plain, world = scene.evidence(), scene.world
    note = world.note()
    anhui, *rest = note.cosignatures
    renewed = cosign(
        world.checkpoint(), "anhui", Ed25519PrivateKey.from_private_bytes(draw("new")), NOW - 595
    )
    both = sorted((anhui, renewed), key=lambda line: line.key_id)
    for name, why, lines in (
        ("note_by_a_stranger", "A line by a witness that this policy does not know yet.",
         (*lines_of(world, 1), *note.cosignatures)),
        ("note_by_twelve_strangers", "16 lines, of which the policy knows four.",
         (*lines_of(world, 12), *note.cosignatures)),
        ("note_with_a_new_key", "A witness signs with a key that this policy does not know yet: a"
         " line is known by name and key id together.", (renewed, *rest)),
        ("note_with_both_keys", "A witness signs with the key that the policy knows, and with its"
         " next one.", (*both, *rest)),
        ("note_unknown_line_bad", "A line that the policy does not know is not verified.",
         (replace(lines_of(world, 1)[0], signature=bytes(64)), *note.cosignatures)),
    ):  # fmt: skip
        changed = Note(checkpoint=note.checkpoint, cosignatures=tuple(lines))
        yield Case(
            name=name, why=why, evidence=replace(plain, checkpoint=changed.format()).format()
        )
    few = Note(
        checkpoint=note.checkpoint, cosignatures=(*lines_of(world, 14), *note.cosignatures[:2])
    )
    yield blocked(
        "note_strangers_do_not_count",
        "Two known operators and fourteen strangers have signed where three operators must.",
        "block.witnesses_too_few",
        evidence=replace(plain, checkpoint=few.format()).format(),
    )


def notes() -> Iterator[Case]:
    """Yield notes that are not what a witness signed."""
    scene = Scene()
    plain = scene.evidence()
    note, world = scene.world.note(), scene.world
    first, second, *others = note.cosignatures
    mallory = Ed25519PrivateKey.from_private_bytes(draw("x"))
    forged = replace(cosign(world.checkpoint(), "anhui", mallory, NOW), key_id=first.key_id)
    bit = replace(first, signature=bytes([first.signature[0] ^ 1]) + first.signature[1:])
    lines: Mapping[str, tuple[str, tuple[object, ...]]] = {
        "note_signature_bit": ("One cosignature does not verify.", (bit, second, *others)),
        "note_time_changed": (
            "A cosignature claims another time than was signed.",
            (replace(first, time=first.time + 1), second, *others),
        ),
        "note_key_of_another": (
            "A line under a witness's name and key id by another key.",
            (forged, second, *others),
        ),
        "note_line_twice": ("A line stands twice.", (first, first, second, *others)),
        "note_lines_out_of_order": ("Lines stand in another order.", (second, first, *others)),
        "note_of_17_lines": (
            "A note has at most 16 lines, known or not.",
            (*lines_of(world, 13), first, second, *others),
        ),
        "note_strangers_out_of_order": (
            "Lines ascend also where the policy knows none of them.",
            (*lines_of(world, 2)[::-1], first, second, *others),
        ),
    }
    for name, (why, signed) in lines.items():
        changed = Note(checkpoint=note.checkpoint, cosignatures=signed)  # type: ignore[arg-type]
        yield blocked(
            name,
            why,
            "checkpoint.unusable",
            evidence=replace(plain, checkpoint=changed.format()).format(),
        )
    text = plain.checkpoint
    for name, why, changed_text in (
        ("note_number_changed", "The checkpoint names another block than was signed.",
         text.replace("\n1000\n", "\n1001\n")),
        ("note_time_of_block_changed", "The checkpoint names another time of the block.",
         text.replace(f"time {world.time}", f"time {world.time + 1}")),
        ("note_number_padded", "The number has a leading zero.",
         text.replace("\n1000\n", "\n01000\n")),
        ("note_upper_case", "The block's hash is in upper case.",
         "\n".join(line.upper() if line.startswith("block") else line
                   for line in text.split("\n")).replace("BLOCK", "block")),
        ("note_cut", "The last line lacks its line feed.", text[:-1]),
        ("note_of_other_format", "The first line names another version.",
         text.replace("certledger/1/", "certledger/2/")),
        ("note_line_feeds", "Lines end in carriage return and line feed.",
         text.replace("\n", "\r\n")),
        ("note_blank_line", "A blank line follows.", text + "\n"),
        ("note_too_long", "The note has more than 4,096 bytes, though not as many characters.",
         text + "\u2014" * 1200),
        ("note_extension", "An unknown line follows the five.",
         text.replace("\n\n", "\nmore 1\n\n", 1)),
    ):  # fmt: skip
        yield blocked(
            name,
            why,
            "checkpoint.unusable",
            evidence=replace(plain, checkpoint=changed_text).format(),
        )


def policies() -> Iterator[Case]:
    """Yield cases of the policy file."""
    scene = Scene()
    ends = signed_policy(ends=NOW).format()
    yield Case(
        name="policy_in_its_last_second",
        why="The policy ends in the second of the question.",
        evidence=scene.file(),
        policy=ends,
    )
    yield blocked(
        "policy_ended",
        "The policy ended a second ago.",
        "policy.ended",
        evidence=scene.file(),
        policy=ends,
        at=NOW + 1,
    )
    good = signed_policy()
    one = sign(good.policy, ROOT_KEYS[:1])
    wrong = replace(one, signatures={**good.signatures, next(iter(good.signatures)): bytes(64)})
    foreign = Ed25519PrivateKey.from_private_bytes(draw("foreign"))
    text = good.format()
    for name, why, data in (
        ("policy_unsigned", "Nobody has signed the policy.",
         SignedPolicy(policy=good.policy, signatures={}).format()),
        ("policy_signed_by_one", "One root key has signed where two must.", one.format()),
        ("policy_signed_by_strangers", "Other keys than the roots have signed.",
         sign(good.policy, [foreign]).format()),
        ("policy_signature_bad", "One of the signatures does not verify.", wrong.format()),
        ("policy_changed", "The policy was changed after it was signed.",
         text.replace(b'"clock_tolerance":300', b'"clock_tolerance":301')),
        ("policy_of_unknown_version", "The policy is of a version unknown here.",
         text.replace(b"certledger/policy/1", b"certledger/policy/2")),
        ("policy_with_unknown_member", "The policy has a member that nobody knows.",
         text.replace(b'{"policy":{', b'{"policy":{"also":true,')),
        ("policy_spaced", "The policy is another spelling of itself.",
         text.replace(b":", b": ", 1)),
        ("policy_empty", "The policy is an empty file.", b""),
    ):  # fmt: skip
        yield Case(
            name=name,
            why=f"{why} Such a policy is refused: no verdict, exit status 2.",
            evidence=scene.file(),
            policy=data,
            verdict="refused",
        )
    yield replace(
        unaccepted(scene),
        policy=signed_policy(evidence=("certledger/evidence/2",)).format(),
    )


def unaccepted(scene: Scene) -> Case:
    """Return a case of evidence in a version that the policy does not accept."""
    from tests.conformance.case import UNREADABLE

    return Case(
        name="evidence_version_not_accepted",
        why="The policy accepts another version of evidence only.",
        evidence=scene.file(),
        verdict="cannot_tell",
        codes=UNREADABLE,
    )
