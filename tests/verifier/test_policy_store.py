"""A home relies on one policy after another, each signed by the roots of the one before."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.policy_fingerprint import (
    FingerprintDiffersError,
    check_fingerprint,
    fingerprint_of,
    format_words,
    parse_fingerprint,
)
from certledger.verifier.formats.signed_policy import (
    PolicyOlderError,
    PolicyUnsignedError,
    SignedPolicy,
    find_successors,
    sign,
)
from certledger.verifier.policy_store import (
    PolicyMissingError,
    adopt_chain,
    current_policy,
    open_chain,
    policy_files,
    read_chain,
)
from tests.rotation import LAST, ONE, OTHERS, STRANGERS_TWO, THREE, TWO, roots_of
from tests.verifier.refusals import refused_as
from tests.world import ROOT_KEYS, policy, signed_policy


def test_the_first_policy_is_kept_whole(tmp_path: Path) -> None:
    adopted = adopt_chain(tmp_path / "home", [ONE])
    assert adopted.current == adopted.first == ONE
    (file,) = policy_files(tmp_path / "home")
    assert file.read_bytes() == ONE.format()
    assert current_policy(tmp_path / "home") == ONE


def test_a_home_that_has_one_needs_no_policy_and_a_new_one_does(tmp_path: Path) -> None:
    with pytest.raises(PolicyMissingError):
        adopt_chain(tmp_path, [])
    adopt_chain(tmp_path, [ONE])
    again = adopt_chain(tmp_path, [])
    assert (again.current, again.first) == (ONE, None)


def test_a_version_2_that_the_first_has_not_signed_is_refused_and_the_genuine_one_is_not(
    tmp_path: Path,
) -> None:
    adopt_chain(tmp_path, [ONE])
    with pytest.raises(PolicyUnsignedError):
        adopt_chain(tmp_path, [STRANGERS_TWO])
    assert current_policy(tmp_path) == ONE
    assert adopt_chain(tmp_path, [TWO]).current == TWO


def test_a_rotation_over_several_versions_takes_the_policies_between(tmp_path: Path) -> None:
    adopt_chain(tmp_path, [ONE])
    with pytest.raises(PolicyUnsignedError):
        adopt_chain(tmp_path, [THREE])
    assert policy_files(tmp_path) == policy_files(tmp_path)[:1]
    assert adopt_chain(tmp_path, [TWO, THREE]).current == THREE
    assert read_chain(policy_files(tmp_path)) == [ONE, TWO, THREE]


def test_a_chain_may_begin_before_what_a_home_relies_on(tmp_path: Path) -> None:
    adopt_chain(tmp_path, [ONE, TWO])
    assert adopt_chain(tmp_path, [ONE, TWO]).current == TWO
    assert adopt_chain(tmp_path, [ONE, TWO, THREE]).current == THREE


def test_a_chain_that_ends_before_what_a_home_relies_on_is_refused(tmp_path: Path) -> None:
    adopt_chain(tmp_path, [ONE, TWO, THREE])
    for chain in ([ONE], [ONE, TWO]):
        with pytest.raises(PolicyOlderError):
            adopt_chain(tmp_path, chain)
    assert current_policy(tmp_path) == THREE


def test_a_chain_that_leaves_what_a_home_relies_on_is_refused(tmp_path: Path) -> None:
    """Strangers that sign a chain of their own cannot join it to the home's policy."""
    adopt_chain(tmp_path, [ONE, TWO])
    other_one = sign(policy(version=1, roots=roots_of(LAST)), LAST)
    other_two = sign(policy(version=2, roots=roots_of(LAST)), LAST)
    other_three = sign(policy(version=3, roots=roots_of(LAST)), LAST)
    with pytest.raises(PolicyOlderError):
        adopt_chain(tmp_path, [other_one, other_two, other_three])
    with pytest.raises(PolicyUnsignedError):
        adopt_chain(tmp_path, [other_one, other_three])
    assert current_policy(tmp_path) == TWO


def test_one_bad_step_keeps_nothing_of_a_chain(tmp_path: Path) -> None:
    adopt_chain(tmp_path, [ONE])
    forged = sign(policy(version=4, roots=roots_of(LAST)), LAST[:1])
    for chain in ([TWO, forged], [TWO, THREE, TWO], [TWO, ONE]):
        with pytest.raises((PolicyOlderError, PolicyUnsignedError)):
            adopt_chain(tmp_path, chain)
    assert read_chain(policy_files(tmp_path)) == [ONE]


def test_the_same_policy_with_other_signatures_is_the_same_and_another_is_not(
    tmp_path: Path,
) -> None:
    adopt_chain(tmp_path, [sign(policy(version=1), ROOT_KEYS[:2])])
    adopt_chain(tmp_path, [sign(policy(version=1), ROOT_KEYS[1:])])
    with pytest.raises(PolicyOlderError, match="another policy"):
        adopt_chain(tmp_path, [signed_policy(version=1, block_lag=121)])
    assert len(policy_files(tmp_path)) == 1


def test_a_fingerprint_pins_the_first_policy_before_anything_is_kept(tmp_path: Path) -> None:
    named = fingerprint_of(ONE.policy)
    other = sign(policy(version=1, roots=roots_of(OTHERS)), OTHERS)
    with pytest.raises(FingerprintDiffersError):
        adopt_chain(tmp_path, [other], named)
    assert policy_files(tmp_path) == []
    assert adopt_chain(tmp_path, [ONE, TWO], named).first == ONE
    # The same command goes on working, and one that pins another first policy does not.
    assert adopt_chain(tmp_path, [TWO], named).current == TWO
    assert adopt_chain(tmp_path, [], named).current == TWO
    with pytest.raises(FingerprintDiffersError):
        adopt_chain(tmp_path, [THREE], fingerprint_of(other.policy))
    assert current_policy(tmp_path) == TWO


def test_without_a_home_a_chain_is_checked_too() -> None:
    assert open_chain([ONE, TWO, THREE], fingerprint_of(ONE.policy)) == THREE
    with pytest.raises(FingerprintDiffersError):
        open_chain([TWO], fingerprint_of(ONE.policy))
    with pytest.raises(PolicyUnsignedError):
        open_chain([ONE, STRANGERS_TWO])
    with pytest.raises(PolicyMissingError):
        open_chain([])


@pytest.mark.parametrize("data", [b"", b"{}", TWO.format(), replace(ONE, signatures={}).format()])
def test_a_damaged_policy_is_refused_rather_than_forgotten(tmp_path: Path, data: bytes) -> None:
    adopt_chain(tmp_path, [ONE])
    (file,) = policy_files(tmp_path)
    file.write_bytes(data)
    assert refused_as(current_policy, tmp_path)
    assert refused_as(adopt_chain, tmp_path, [ONE, TWO])
    assert file.read_bytes() == data


def test_processes_that_adopt_at_once_end_with_the_newest(tmp_path: Path) -> None:
    for number, one in enumerate((ONE, TWO, THREE)):
        (tmp_path / f"{number}.json").write_bytes(one.format())
    script = (
        "import sys; from pathlib import Path; from certledger.verifier import policy_store\n"
        "from certledger.verifier.errors import CertledgerError\n"
        "home, *files = map(Path, sys.argv[1:])\n"
        "for _ in range(20):\n"
        "    try:\n"
        "        policy_store.adopt_chain(home, policy_store.read_chain(files))\n"
        "    except CertledgerError as error:\n"
        "        assert error.code == 'policy.older', error\n"
    )
    house = Path(__file__).resolve().parents[2]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "home"),
             *(str(tmp_path / f"{number}.json") for number in range(last))],
            env={**os.environ, "PYTHONPATH": str(house)},
        )
        for last in (1, 2, 3)
    ]  # fmt: skip
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert current_policy(tmp_path / "home") == THREE


@given(st.permutations([ONE, TWO, THREE, STRANGERS_TWO]), st.integers(0, 4))
def test_what_a_chain_adds_always_leads_on_from_what_was_there(
    chain: list[SignedPolicy], length: int
) -> None:
    for current in (ONE, TWO, THREE):
        try:
            new = find_successors(current, chain[:length])
        except (PolicyOlderError, PolicyUnsignedError):
            continue
        assert STRANGERS_TWO not in new
        versions = [one.policy.version for one in [current, *new]]
        assert versions == sorted(set(versions))


# Fingerprints ------------------------------------------------------------------------------------


def test_words_are_five_letters_for_sixteen_bits() -> None:
    # The worked examples of the scheme: 127.0.0.1 and 63.84.220.193.
    head = bytes([127, 0, 0, 1, 63, 84, 220, 193])
    assert format_words(head + bytes(24)) == "lusab babad gutih tugad babab babab babab babab"


@given(st.binary(min_size=32, max_size=32))
def test_a_fingerprint_is_read_from_hex_and_from_words_however_they_are_typed(
    found: bytes,
) -> None:
    words = format_words(found)
    assert parse_fingerprint(found.hex()) == parse_fingerprint(found.hex().upper()) == found
    for typed in (words, words.upper(), words.replace(" ", "-"), f" {words}\n"):
        assert parse_fingerprint(typed) == found[:16]


@pytest.mark.parametrize(
    "text",
    ["", "00", "0" * 63, "0" * 65, "g" * 64, "lusab", "lusab " * 7, "lusab " * 9, "lusaq " * 8,
     "aaaaa " * 8, "０" * 64, "lusab " * 7 + "lusab" + " " * 300],
)  # fmt: skip
def test_anything_else_is_no_fingerprint(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_fingerprint(text)
    assert caught.value.code == "fingerprint.invalid"


def test_no_other_policy_has_the_fingerprint_and_signatures_do_not_change_it() -> None:
    named = fingerprint_of(ONE.policy)
    check_fingerprint(sign(policy(version=1), ROOT_KEYS[1:]).policy, named)
    for text in (named[:16], named):
        check_fingerprint(ONE.policy, text)
        with pytest.raises(FingerprintDiffersError):
            check_fingerprint(policy(version=1, clock_tolerance=301), text)
    with pytest.raises(FingerprintDiffersError):
        check_fingerprint(ONE.policy, named[:31] + bytes([named[31] ^ 1]))
