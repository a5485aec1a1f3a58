"""What README tells a newcomer to type works as it is written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the lines of README's blocks of a language."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [line for block in found for line in block.splitlines() if line.strip()]


def steps() -> list[str]:
    """Return what is typed, in order: single commands, and scripts as a whole."""
    found = re.findall(r"^```(sh|bash)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [
        step
        for language, block in found
        for step in (block.splitlines() if language == "sh" else [block])
    ]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("newcomer")


@pytest.mark.parametrize("line", steps())
def test_a_command_works_as_it_is_written(line: str, desk: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["bash", "-euc", line],
        cwd=desk,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if line.startswith("unshare") and "unshare:" in done.stderr:
        pytest.skip(f"no network can be taken away here: {done.stderr.strip()}")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("line", blocks("text"))
def test_the_two_commands_are_targets_of_make(line: str) -> None:
    done = subprocess.run(
        [*shlex.split(line), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
