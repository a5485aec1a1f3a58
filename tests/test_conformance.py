"""The conformance suite: our verifier passes it, and its files are what the generator writes."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.conformance import run
from tests.conformance.generate import MODULES, ROOT, cases, cases_of, files
from tests.conformance.ours import answer


def test_there_are_enough_cases_and_most_of_them_fail() -> None:
    failing = [case for case in cases() if case.verdict != "valid"]
    assert len({case.folder for case in cases()}) == len(cases()) >= 480
    assert len(failing) > len(cases()) / 2


def test_every_directory_is_a_case_and_every_case_has_one() -> None:
    assert {path.name for path in ROOT.iterdir()} == {case.folder for case in cases()}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.split(".")[-1])
def test_the_committed_files_are_what_the_generator_writes(
    module: ModuleType, tmp_path: Path
) -> None:
    changed = []
    for case in cases_of(module):
        room = tmp_path / case.folder
        room.mkdir()
        committed = {path.name: path.read_bytes() for path in (ROOT / case.folder).iterdir()}
        if committed != files(case, room):
            changed.append(case.folder)
    assert changed == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.split(".")[-1])
def test_our_verifier_answers_as_the_case_says(module: ModuleType) -> None:
    answers = {case.folder: run.faults_of(ROOT / case.folder, answer) for case in cases_of(module)}
    assert {folder: faults for folder, faults in answers.items() if faults} == {}


def test_a_name_ends_in_fail_where_valid_must_not_come_out() -> None:
    for folder in (case.folder for case in cases()):
        expected = json.loads((ROOT / folder / "case.json").read_bytes())["expected"]
        assert folder.endswith("_fail") == (expected.get("verdict") != "valid")


def test_the_runner_asks_a_command_and_names_what_is_wrong() -> None:
    one = ROOT / "fields_shown"
    ours = [sys.executable, "-m", "tests.conformance.ours"]
    assert run.faults_of(one, run.command(ours)) == []
    silent = run.command([sys.executable, "-c", "raise SystemExit(1)"])
    exit_status, no_result = run.faults_of(one, silent)
    assert exit_status == "exit status 1, not 0"
    assert no_result.startswith("no result on standard output")


def test_a_verifier_that_always_says_valid_fails_every_case_that_must_fail() -> None:
    good = (ROOT / "fields_shown" / "case.json").read_bytes()
    said = {
        "verdict": "valid",
        "checks": [{"code": code} for code in json.loads(good)["expected"]["codes"]],
    }

    def credulous(arguments: object) -> tuple[int, bytes]:
        return 0, json.dumps(said).encode()

    folders = [case.folder for case in cases()]
    passed = [folder for folder in folders if not run.faults_of(ROOT / folder, credulous)]
    assert [folder for folder in passed if folder.endswith("_fail")] == []


def test_make_runs_the_suite_on_any_command() -> None:
    shown = subprocess.run(
        ["make", "-n", "--no-print-directory", "conformance", "VERIFIER=node my.js"],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shlex.split(shown.splitlines()[-1])[-4:] == [
        "-m",
        "tests.conformance.run",
        "node",
        "my.js",
    ]
