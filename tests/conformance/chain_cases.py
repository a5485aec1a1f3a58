"""Cases of chains of policies: each must follow the one before (SPEC section 15)."""

from __future__ import annotations

from collections.abc import Iterator

from certledger.verifier.formats.signed_policy import SignedPolicy, sign
from tests.conformance.case import Case, Scene
from tests.rotation import LAST, ONE, OTHERS, STRANGERS_TWO, THREE, TWO, roots_of
from tests.world import NOW, ROOT_KEYS, policy, signed_policy


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    yield from followed()
    yield from refused()


def case(name: str, why: str, *chain: SignedPolicy, refuse: bool = False) -> Case:
    """Return the case of good evidence that is judged by the last policy of a chain."""
    *before, last = (one.format() for one in chain)
    return Case(
        name=f"chain_{name}",
        why=f"{why} Refused: no verdict, exit status 2." if refuse else why,
        evidence=Scene().file(),
        policy=last,
        policies_before=before,
        verdict="refused" if refuse else "valid",
    )


def followed() -> Iterator[Case]:
    """Yield chains that lead to their last policy."""
    ended = signed_policy(version=1, ends=NOW - 10**6)
    for name, why, chain in (
        ("of_two", "Version 2 is signed by two of three roots of version 1, and of its own.",
         (ONE, TWO)),
        ("of_three", "All root keys change twice. Version 3 has no signature by the first ones.",
         (ONE, TWO, THREE)),
        ("version_skipped", "Version 9 follows version 1, whose roots have signed it.",
         (ONE, sign(policy(version=9, roots=roots_of(OTHERS)), [*ROOT_KEYS, *OTHERS]))),
        ("of_one_twice", "The same file stands twice.", (ONE, ONE)),
        ("same_with_other_signatures", "The same policy, signed by other two of its three roots.",
         (sign(ONE.policy, ROOT_KEYS[:2]), sign(ONE.policy, ROOT_KEYS[1:]))),
        ("from_an_ended_policy", "A policy that has ended is followed all the same.",
         (ended, signed_policy(version=2))),
    ):  # fmt: skip
        yield case(name, why, *chain)


def refused() -> Iterator[Case]:
    """Yield chains of which one policy does not follow the one before."""
    roots = roots_of(OTHERS)
    for name, why, chain in (
        ("threshold_of_the_new_only", "Version 2 is signed by all its own roots, and by none of"
         " version 1.", (ONE, STRANGERS_TWO)),
        ("one_of_the_old_too_few", "Version 2 is signed by one root of version 1, where two must.",
         (ONE, sign(TWO.policy, [ROOT_KEYS[0], *OTHERS]))),
        ("threshold_of_the_old_only", "Version 2 is signed by all roots of version 1, and by one of"
         " its own, where two must.", (ONE, sign(TWO.policy, [*ROOT_KEYS, OTHERS[0]]))),
        ("version_skipped", "Version 3 is signed by the roots of version 2, which is not there, and"
         " by none of version 1.", (ONE, THREE)),
        ("same_version_other_bytes", "Another policy of version 1, signed by the same roots.",
         (ONE, signed_policy(version=1, clock_tolerance=301))),
        ("same_version_in_between", "Two policies of version 2 stand in the chain.",
         (ONE, TWO, sign(policy(version=2), [*ROOT_KEYS, *OTHERS]), THREE)),
        ("older", "Version 1 comes after version 2.", (TWO, ONE)),
        ("older_by_the_new_roots", "Version 1 comes after version 2, whose roots have signed it"
         " too.", (TWO, sign(ONE.policy, [*ROOT_KEYS, *OTHERS]))),
        ("broken_in_the_middle", "Version 2 does not follow version 1; version 3 is signed by the"
         " roots of both.", (ONE, STRANGERS_TWO, sign(
             policy(version=3, roots=roots_of(LAST)), [*ROOT_KEYS, *OTHERS, *LAST]))),
        ("first_unsigned", "Version 1 does not carry its own signatures.",
         (SignedPolicy(policy=policy(version=1, roots=roots), signatures={}), TWO)),
    ):  # fmt: skip
        yield case(f"{name}", why, *chain, refuse=True)
