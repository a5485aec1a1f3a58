"""Runs tests of the contract in a child process, on a build in which one mutant is turned on."""

from __future__ import annotations

import importlib
import os
import re
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from eth.db.account import AccountDB
from eth.vm.forks.spurious_dragon import computation as spurious_dragon

from certledger.contracts import calls, loader

HOUSE = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 0.05
TOO_SLOW = "too slow"
SURVIVED = "survived"
# The number of the mutant stands behind the code.
OF_THE_CODE = (
    "tests/contracts/test_issuers.py::"
    "test_the_code_on_the_chain_is_the_artifacts_with_its_immutables"
)
# Woven builds are longer than EIP-170 allows.
MAX_WOVEN_BYTES = 1 << 20


def import_early(tests: Sequence[str]) -> None:
    """Import what the tests import, once for all child processes."""
    for test in tests:
        importlib.import_module(test.removesuffix(".py").replace("/", "."))


def run_tests(artifact: Path, number: int, tests: Sequence[str], seconds: float, log: Path) -> str:
    """Return `survived`, `killed by` a test, or `too slow`."""
    child = os.fork()
    if child == 0:
        _run_and_exit(artifact, number, tests, log)
    end = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return TOO_SLOW
        time.sleep(WAIT_SECONDS)
    if os.waitstatus_to_exitcode(status) == 0:
        return SURVIVED
    named = re.search(r"^(?:FAILED|ERROR) (\S+)", log.read_text(encoding="utf-8"), re.M)
    return f"killed by {named[1] if named else 'the collection'}"


def _run_and_exit(artifact: Path, number: int, tests: Sequence[str], log: Path) -> None:
    status = 70
    try:
        os.chdir(HOUSE)
        written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(written, 1)
        os.dup2(written, 2)
        loader.ARTIFACT = artifact
        loader.load_artifact.cache_clear()
        vars(spurious_dragon)["EIP170_CODE_SIZE_LIMIT"] = MAX_WOVEN_BYTES
        os.environ |= {
            "HYPOTHESIS_PROFILE": "house-ci",  # the same examples for every mutant
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }
        _turn_on(number)
        options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:randomly"]
        options += [f"--deselect={OF_THE_CODE}"]
        status = int(pytest.main([*options, *tests]))
        sys.stdout.flush()
    finally:
        os._exit(status)


def _turn_on(number: int) -> None:
    """Put the number of the mutant behind all code that is on the chain, and all that deploys."""
    word = number.to_bytes(32, "big")
    deploy, get_code = calls.deploy, AccountDB.get_code

    def deploy_mutant(*arguments):
        return deploy(*arguments) + word

    def get_code_of_mutant(self, address):
        code = get_code(self, address)
        return code + word if code else code

    calls.deploy = deploy_mutant
    AccountDB.get_code = get_code_of_mutant  # type: ignore[method-assign]
