"""The demo on another chain than the embedded one: a node of another make."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from certledger.ledger.keys import keystore_address
from certledger.ledger.settings import load_settings
from certledger.verifier.cli.main import main
from tests.ledger.anvil import running_anvil

pytestmark = pytest.mark.anvil


def test_the_demo_runs_on_a_development_node_and_the_home_remembers_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_anvil(tmp_path, "--slots-in-an-epoch", "1", accounts=1) as url:
        made = ["demo", "--home", str(home), "--certificates", "10", "--chain", url, "--json"]
        ran = CliRunner().invoke(main, made)
        assert ran.exit_code == 0, ran.stderr
        told = json.loads(ran.stdout)
        assert told["holds"]
        assert told["audit"]["verdict"] == "clean"
        assert load_settings(home=home).chain == url
        assert not (home / "chain").exists()
        assert not list(home.glob("witnesses/*/followed.sqlite"))

        # The witnesses' signatures are enough without the node, and the node agrees with them.
        (good, *_) = [one for one in told["results"] if one["verdict"] == "valid"]
        words = ["verify", str(home / good["file"]), "--policy", str(home / "policy.json")]
        for more in ([], ["--rpc", url]):
            assert CliRunner().invoke(main, [*words, *more]).exit_code == 0


def test_an_account_without_funds_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_anvil(tmp_path) as url:
        words = ["--home", str(home), "--chain", url]
        ran = CliRunner().invoke(main, ["demo", *words, "--certificates", "10"])

    address = keystore_address(load_settings(home=home).operator_keystore).hex()
    assert ran.exit_code == 3
    assert f"0x{address} needs" in ran.stderr
    assert "(deployment.funds_needed)" in ran.stderr
    assert not (home / "deployment.json").exists()


def test_the_operators_account_is_named_when_it_is_made(tmp_path: Path) -> None:
    home, part = tmp_path / "home", tmp_path / "operator.json"
    with running_anvil(tmp_path) as url:
        words = ["--home", str(home), "--chain", url, "--name", "示例", "--url", url]
        ran = CliRunner().invoke(main, ["found", "operator", *words, "--out", str(part)])

    address = keystore_address(load_settings(home=home).operator_keystore).hex()
    assert ran.exit_code == 0, ran.stderr
    assert f"the deployment is paid by 0x{address}: send funds there" in ran.stderr
