"""A later policy changes what was asked for, and is signed by the roots of the one before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from certledger.ledger.foundation.errors import FoundationError
from certledger.ledger.foundation.home import RegionKeys, WitnessAddress, make_part
from certledger.ledger.foundation.part import RegionPart
from certledger.ledger.foundation.renewal import (
    PolicyChanges,
    add_signatures,
    merge_drafts,
    missing_signatures,
    next_policy,
)
from certledger.verifier.cli.policy_text import describe_changes
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.checkpoint import Checkpoint, Note, cosign
from certledger.verifier.formats.policy import TrustPolicy
from certledger.verifier.formats.signed_policy import (
    PolicyUnsignedError,
    SignedPolicy,
    check_succession,
    sign,
)
from tests.ledger.foundation.parties import NAMES, NOW, PIN, ed25519, founded

ENDS = NOW + 500 * 86_400


def first() -> SignedPolicy:
    return sign(founded().founding.policy(PIN), [ed25519(f"root {region}") for region in NAMES])


def part(region: int, secrets: RegionKeys, **options: object) -> RegionPart:
    made = make_part(region, NAMES[region], secrets, **options).part  # type: ignore[arg-type]
    assert isinstance(made, RegionPart)
    return made


def new_witness(region: int = 31, replaces: str | None = "shanghai.example") -> RegionPart:
    address = WitnessAddress(
        name="shanghai-2.example", url="https://two.example", replaces=replaces
    )
    return part(region, RegionKeys(witness=ed25519("witness 31 again")), witness=address)


def new_root(replaced: str = "root 34") -> RegionPart:
    old = ed25519(replaced).public_key().public_bytes_raw()
    return part(34, RegionKeys(root=ed25519("root 34 again")), replaced_root=old)


def draft_of(policy: TrustPolicy) -> SignedPolicy:
    return SignedPolicy(policy=policy, signatures={})


def test_a_witness_and_a_root_are_replaced_and_both_sets_of_roots_sign() -> None:
    old = first()
    changes = PolicyChanges(ends=ENDS, replacing=[new_witness(), new_root()], at=100)
    draft = draft_of(next_policy(old.policy, changes))

    witnesses = {one.name: (one.start, one.until) for one in draft.policy.witnesses}
    assert witnesses["shanghai.example"] == (0, 99)
    assert witnesses["shanghai-2.example"] == (100, None)
    counted = {one.name: one.ledger for one in draft.policy.witnesses if one.ledger is not None}
    identity = old.policy.ledgers[0].identity
    assert counted == dict.fromkeys(("shanghai.example", "shanghai-2.example"), identity)
    assert len(draft.policy.roots.keys) == 4
    said = "\n".join(describe_changes(old.policy, draft.policy))
    assert "shanghai-2.example" in said
    assert "jiangsu.example" not in said

    keys = [ed25519(f"root {region}") for region in (31, 32)] + [ed25519("root 34 again")]
    copies = [add_signatures(draft, old.policy, [key]) for key in keys]
    two = merge_drafts(copies)
    assert missing_signatures(two, old.policy) == [
        "1 more of the version before's root keys must sign"
    ]
    with pytest.raises(PolicyUnsignedError):
        check_succession(old, SignedPolicy.parse(two.format()))
    whole = merge_drafts([two, add_signatures(draft, old.policy, [ed25519("root 33")])])
    assert missing_signatures(whole, old.policy) == []
    check_succession(old, SignedPolicy.parse(whole.format()))


def test_a_witness_is_added_or_removed() -> None:
    policy = first().policy
    more = next_policy(policy, PolicyChanges(ends=ENDS, added=[new_witness(31, None)], at=50))
    assert [one.start for one in more.witnesses if one.operator == "shanghai"] == [50, 0]
    fewer = next_policy(
        policy, PolicyChanges(ends=ENDS, removed_witnesses=["anhui.example"], at=50)
    )
    assert fewer.witness("anhui.example").until == 49  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "changes",
    [
        PolicyChanges(ends=ENDS, removed_witnesses=["stranger.example"], at=5),
        PolicyChanges(ends=ENDS, removed_witnesses=["anhui.example"]),
        PolicyChanges(ends=ENDS, removed_roots=[bytes(32)]),
        PolicyChanges(ends=ENDS, replacing=[new_witness(32)], at=5),
        PolicyChanges(ends=ENDS, replacing=[new_witness(31, None)], at=5),
        PolicyChanges(ends=ENDS, replacing=[new_root("root 35")]),
    ],
    ids=[
        "no such witness",
        "from when",
        "no such root",
        "another's witness",
        "whose",
        "whose root",
    ],
)
def test_a_key_that_is_not_there_is_not_ended(changes: PolicyChanges) -> None:
    with pytest.raises(FoundationError) as error:
        next_policy(first().policy, changes)
    assert error.value.code == "foundation.other_key"


def test_no_version_says_the_same_or_has_a_threshold_out_of_reach() -> None:
    policy = first().policy
    with pytest.raises(FoundationError) as error:
        next_policy(policy, PolicyChanges(ends=policy.ends))
    assert error.value.code == "foundation.nothing_changes"
    with pytest.raises(MalformedError):
        next_policy(policy, PolicyChanges(ends=ENDS, witness_threshold=5))


def test_a_stranger_does_not_sign_and_other_policies_are_not_merged() -> None:
    draft = draft_of(first().policy)
    with pytest.raises(FoundationError) as error:
        add_signatures(draft, None, [ed25519("stranger")])
    assert error.value.code == "foundation.other_key"
    with pytest.raises(FoundationError) as error:
        merge_drafts([draft, draft_of(replace(draft.policy, ends=ENDS))])
    assert error.value.code == "foundation.document_differs"


def final_note(signers: int) -> Note:
    checkpoint = Checkpoint(
        identity=PIN.identity,
        number=200,
        state_root=bytes(32),
        block_hash=bytes([9]) * 32,
        time=NOW,
    )
    lines = [
        cosign(checkpoint, f"{name}.example", ed25519(f"witness {region}"), NOW + 1)
        for region, name in list(NAMES.items())[:signers]
    ]
    ordered = sorted(lines, key=lambda line: (line.name, line.key_id))
    return Note(checkpoint=checkpoint, cosignatures=tuple(ordered))


def test_a_ledger_ends_at_a_checkpoint_that_the_witnesses_signed() -> None:
    policy, note = first().policy, final_note(3)
    ended = next_policy(policy, PolicyChanges(ends=ENDS, retired={PIN.name: note}))
    assert ended.ledgers[0].retired == note.checkpoint
    with pytest.raises(FoundationError) as error:
        next_policy(policy, PolicyChanges(ends=ENDS, retired={PIN.name: final_note(2)}))
    assert error.value.code == "foundation.final_checkpoint"
    with pytest.raises(FoundationError) as error:
        next_policy(policy, PolicyChanges(ends=ENDS, retired={"another": note}))
    assert error.value.code == "foundation.policy_differs"
