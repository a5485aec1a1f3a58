"""The artifact: what is in it, and that the sources still give it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from certledger.contracts import build
from certledger.contracts.loader import ARTIFACT, load_artifact

HOUSE = Path(__file__).resolve().parents[2]


def run_build(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "certledger.contracts.build", *arguments],
        cwd=HOUSE,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def has_compiler() -> bool:
    library = os.environ.get("CERTLEDGER_OPENZEPPELIN") or build.NPM / build.OPENZEPPELIN
    compiler = os.environ.get("CERTLEDGER_SOLC") or build.NPM / ".bin" / "solcjs"
    return Path(library).exists() and Path(compiler).exists()


def test_the_tools_are_looked_for_where_make_tools_puts_them():
    assert build.NPM == HOUSE / ".tools" / "npm" / "node_modules"


@pytest.mark.skipif(not has_compiler(), reason="no Solidity compiler here: make tools brings one")
def test_the_sources_give_the_committed_artifact():
    done = run_build("--check")
    assert done.returncode == 0, done.stderr


def test_without_the_library_the_build_says_how_to_get_it(tmp_path):
    done = run_build("--check", CERTLEDGER_OPENZEPPELIN=str(tmp_path / "none"))
    assert done.returncode == build.EXIT_NO_COMPILER
    assert "make tools" in done.stderr
    assert "CERTLEDGER_SOLC" in done.stderr


@pytest.mark.skipif(not has_compiler(), reason="no OpenZeppelin here: make tools brings it")
def test_a_compiler_that_is_not_there_is_named(tmp_path):
    done = run_build("--check", CERTLEDGER_SOLC=str(tmp_path / "solc"))
    assert done.returncode == build.EXIT_NO_COMPILER
    assert "which is not there" in done.stderr


def test_another_version_of_the_library_is_refused(tmp_path):
    (tmp_path / "package.json").write_text(json.dumps({"version": "5.3.0"}))
    done = run_build("--check", CERTLEDGER_OPENZEPPELIN=str(tmp_path))
    assert done.returncode == build.EXIT_NO_COMPILER
    assert "5.3.0, not 5.2.0" in done.stderr


def test_selectors_and_topics_are_those_of_their_signatures():
    artifact = load_artifact()
    for table, size in ((artifact.selectors, 4), (artifact.errors, 4), (artifact.topics, 32)):
        for signature, value in table.items():
            assert value == keccak(text=signature)[:size]


def test_every_error_is_declared_in_the_interface_and_in_the_artifact():
    texts = {
        path.name: path.read_text(encoding="utf-8") for path in (HOUSE / "contracts").glob("*.sol")
    }
    declared = {name: re.findall(r"^ *error (\w+)\(", text, re.M) for name, text in texts.items()}
    errors = declared.pop("ICertificateLedger.sol")
    assert sorted(errors) == sorted(name.split("(")[0] for name in load_artifact().errors)
    assert not any(declared.values())


def test_what_the_interface_lacks_is_refused():
    function = {"type": "function", "name": "extra", "inputs": [], "outputs": []}
    with pytest.raises(build.SourcesInvalidError, match="extra"):
        build.published_abi([function], [])


def test_the_artifact_names_nothing_of_the_machine_it_was_built_on():
    text = ARTIFACT.read_text(encoding="utf-8")
    assert str(HOUSE) not in text
    assert "/home/" not in text


def test_immutables_are_empty_in_the_runtime_code_and_nowhere_else():
    artifact = load_artifact()
    filled = artifact.runtime_code(chain_id=2**256 - 1, salt=b"\xff" * 32, identity=b"\xff" * 32)
    places = {at for found in artifact.immutables.values() for at in found}
    expected = {at + byte for at in places for byte in range(32)}
    differ = {at for at, (a, b) in enumerate(zip(artifact.runtime, filled, strict=True)) if a != b}
    assert differ == expected


def test_the_specification_names_what_was_built():
    text = (HOUSE / "docs" / "SPEC.md").read_text(encoding="utf-8")
    artifact = load_artifact()
    for signature, topic in artifact.topics.items():
        assert f"| `{signature}` | `0x{topic.hex()}` |" in text
    for signature, selector in artifact.errors.items():
        assert f"`{signature.partition('(')[0]}` {selector.hex()}" in text
    assert (
        f"{len(artifact.creation):,} bytes, Keccak-256 `0x{keccak(artifact.creation).hex()}`"
        in text
    )
    assert f"{len(artifact.runtime):,} bytes" in text
    for places in artifact.immutables.values():
        assert ", ".join(map(str, places)) in text
