"""The Python and the JavaScript verifier answer mutants of good files alike (short form)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.conformance.fuzz import Answer, Second, disagreements, first, mutants

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
MUTANTS = 150
"""`python -m tests.conformance.fuzz` asks about thousands."""


def test_mutants_of_good_files_are_answered_alike(tmp_path: Path) -> None:
    second = Second()
    try:
        assert list(disagreements(mutants(1, MUTANTS), first, second, tmp_path)) == []
    finally:
        second.close()


def test_mutants_are_the_same_in_every_run_and_most_are_not_valid(tmp_path: Path) -> None:
    found = list(mutants(2, 40))
    assert found == list(mutants(2, 40))
    assert found != list(mutants(3, 40))
    changed = {mutant.part for mutant in found}
    assert {"policy.json", "evidence.json", "snapshot.bin"} <= changed
    statuses = [status_of(tmp_path / str(n), mutant.arguments, mutant.files)
                for n, mutant in enumerate(found)]  # fmt: skip
    assert statuses.count(0) < len(statuses) / 2


def status_of(folder: Path, arguments: Sequence[str], files: Mapping[str, bytes]) -> int:
    """Return the exit status of the Python verifier on a mutant."""
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return first([str(folder / word) if word in files else word for word in arguments])[0]


def test_a_verifier_that_says_something_else_is_noticed(tmp_path: Path) -> None:
    def credulous(arguments: Sequence[str]) -> Answer:
        return 0, {"verdict": "valid"}

    noticed = list(disagreements(mutants(1, 5), first, credulous, tmp_path))
    assert len(noticed) == 5
    assert str(tmp_path / "0") in noticed[0]
