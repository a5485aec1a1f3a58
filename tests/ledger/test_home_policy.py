"""A ledger's home goes from one trust policy to the next only as a verifier would."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from certledger.ledger.node import POLICY, adopt_policy, load_policy
from certledger.verifier.cli.main import main
from certledger.verifier.formats.signed_policy import PolicyUnsignedError, SignedPolicy
from certledger.verifier.policy_store import current_policy, policy_files
from tests.ledger.live import open_live
from tests.rotation import ONE, STRANGERS_TWO, THREE, TWO


def put(home: Path, signed: SignedPolicy) -> None:
    (home / POLICY).write_bytes(signed.format())


def test_a_home_opens_with_a_policy_that_follows_the_one_before_and_with_no_other(
    tmp_path: Path,
) -> None:
    with open_live(tmp_path) as ledger:
        assert ledger.policy is None
    put(tmp_path, ONE)
    with open_live(tmp_path) as ledger:
        assert ledger.policy == ONE
    put(tmp_path, STRANGERS_TWO)
    with pytest.raises(PolicyUnsignedError):
        open_live(tmp_path)
    put(tmp_path, TWO)
    with open_live(tmp_path) as ledger:
        assert ledger.policy == TWO


def test_reading_the_policy_of_a_home_writes_nothing(tmp_path: Path) -> None:
    put(tmp_path, ONE)
    assert load_policy(tmp_path) == ONE
    assert policy_files(tmp_path) == []
    adopt_policy(tmp_path)
    put(tmp_path, TWO)
    assert load_policy(tmp_path) == TWO
    assert current_policy(tmp_path) == ONE


def test_an_older_file_or_none_does_not_bring_an_older_policy_back(tmp_path: Path) -> None:
    for signed in (ONE, TWO):
        put(tmp_path, signed)
        assert adopt_policy(tmp_path) == signed
    put(tmp_path, ONE)
    assert adopt_policy(tmp_path) == TWO
    (tmp_path / POLICY).unlink()
    assert adopt_policy(tmp_path) == TWO


def test_policies_between_are_given_to_a_home_by_the_command(tmp_path: Path) -> None:
    put(tmp_path, ONE)
    adopt_policy(tmp_path)
    put(tmp_path, THREE)
    with pytest.raises(PolicyUnsignedError):
        adopt_policy(tmp_path)
    (tmp_path / "two.json").write_bytes(TWO.format())
    words = ["policy", "keep", str(tmp_path / "two.json"), "--home", str(tmp_path)]
    assert CliRunner().invoke(main, words).exit_code == 0
    assert adopt_policy(tmp_path) == THREE
