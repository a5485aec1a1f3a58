"""The published interface: complete, documented, and what the contract is built from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import solcx

from certledger.contracts import build
from certledger.contracts.loader import load_artifact
from tests.contracts.published import INTERFACE, errors_by_act, reasons
from tests.contracts.test_build import has_compiler

AT_DEPLOYMENT = {"ChainUnfit", "SaltMissing"}
VIEWS = {"identity", "slot", "roll", "registrar", "registrars", "term", "eip712Domain"}


def members(kind: str) -> Iterator[Any]:
    return (entry for entry in load_artifact().abi if entry["type"] == kind)


@pytest.fixture(scope="module")
def compiled() -> Any:
    if not has_compiler():
        pytest.skip("no Solidity compiler here: make tools brings one")
    request = {
        "language": "Solidity",
        "sources": {INTERFACE.name: {"content": INTERFACE.read_text(encoding="utf-8")}},
        "settings": {"outputSelection": {"*": {"*": ["abi", "devdoc", "userdoc"]}}},
    }
    answer = solcx.compile_standard(request, **build.compiler())
    return answer["contracts"][INTERFACE.name][build.INTERFACE]


def test_it_stands_alone_and_has_all_of_the_contracts_abi_but_the_constructor(compiled):
    published = [json.dumps(entry, sort_keys=True) for entry in compiled["abi"]]
    built = [
        json.dumps(entry, sort_keys=True)
        for entry in load_artifact().abi
        if entry["type"] != "constructor"
    ]
    assert sorted(published) == sorted(built)


def test_every_function_and_event_has_a_notice_and_says_what_each_parameter_is(compiled):
    notices, details = compiled["userdoc"], compiled["devdoc"]
    for kind, table in (("function", "methods"), ("event", "events")):
        for entry in members(kind):
            signature = next(key for key in notices[table] if key.startswith(f"{entry['name']}("))
            assert notices[table][signature]["notice"]
            described = details.get(table, {}).get(signature, {}).get("params", {})
            assert set(described) == {part["name"] for part in entry["inputs"]}, signature


def test_every_error_has_a_notice(compiled):
    noticed = {signature.partition("(")[0] for signature in compiled["userdoc"]["errors"]}
    assert noticed == {entry["name"] for entry in members("error")}


def test_every_act_lists_its_errors_and_every_error_is_some_acts():
    acts = {entry["name"] for entry in members("function")} - VIEWS
    assert set(errors_by_act()) == acts
    listed = frozenset().union(*errors_by_act().values()) | reasons()
    assert listed | AT_DEPLOYMENT == {entry["name"] for entry in members("error")}


def test_only_the_packed_words_shift_and_mask():
    """Nor the tree of statuses, whose words are cells; assembly aside."""
    for path in INTERFACE.parent.glob("*.sol"):
        if path.name not in ("PackedWords.sol", "StatusTree.sol"):
            code = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
            code = re.sub(r'assembly \("memory-safe"\) \{.*?\n {8}\}', "", code, flags=re.S)
            assert not re.search(r"<<|>>| [&|^] |~", code), path.name
