"""What README tells a newcomer to type works as it is written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fork_server import write_client

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the lines of README's blocks of a language."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [line for block in found for line in block.splitlines() if line.strip()]


def steps() -> list[str]:
    """Return what is typed, in order: single commands, and scripts as a whole.

    What a newcomer's terminal remembers of the steps before, their `export PATH`, goes with each.
    """
    found = re.findall(r"^```(sh|bash)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    typed = [
        step
        for language, block in found
        for step in (block.splitlines() if language == "sh" else [block])
    ]
    path = [step for step in typed if step.startswith("export PATH")]
    return ["\n".join([*path, step]) for step in typed if step not in path]


def link_environment(room: Path) -> None:
    """Make `.venv` as `make setup` does, its `certledger` a client of a fork server."""
    own = Path(sys.executable).parent
    programs = room / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("lib", "pyvenv.cfg"):
        (programs.parent / name).symlink_to(own.parent / name)
    for program in own.iterdir():
        if program.name != "certledger":
            (programs / program.name).symlink_to(program)
    write_client(programs)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as `make demo` leaves it: with `.venv`, and with a home of its own."""
    room = tmp_path_factory.mktemp("newcomer")
    link_environment(room)
    run_demo(room)
    return room


def run_demo(room: Path) -> None:
    """Run what `make demo` runs after its setup."""
    recipe = re.search(r"^demo:.*\n\t(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    line = recipe[1].replace("$(VENV)", ".venv").replace("$(DIR)", ".home")
    done = type_in(room, line.replace("$(CERTIFICATES)", "20"))
    assert done.returncode == 0, done.stdout + done.stderr


def type_in(room: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Return what a terminal that knows nothing of the project makes of a line."""
    own = str(Path(sys.executable).parent)
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != own)
    return subprocess.run(
        ["bash", "-euc", line],
        cwd=room,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("line", steps())
def test_a_command_works_as_it_is_written_after_make_demo(line: str, checkout: Path) -> None:
    done = type_in(checkout, line)
    if "unshare" in line and "unshare:" in done.stderr:
        pytest.skip(f"no network can be taken away here: {done.stderr.strip()}")

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_library_is_used_as_it_is_written(checkout: Path) -> None:
    script = "\n".join(blocks("python"))
    python = str(checkout / ".venv" / "bin" / "python")
    done = subprocess.run(
        [python, "-c", script], cwd=checkout, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", blocks("text"))
def test_the_two_commands_are_targets_of_make(line: str) -> None:
    done = subprocess.run(
        [*shlex.split(line), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_the_Chinese_README_has_the_same_commands_links_and_sections() -> None:
    for pattern in (r"^```.*?^```$", r"^#+ ", r"^\|[^\n]*$", r"^\* "):
        found = [re.findall(pattern, text, re.MULTILINE | re.DOTALL) for text in (README, CHINESE)]
        if pattern.startswith("^```"):
            assert found[0] == found[1]
        assert len(found[0]) == len(found[1]) > 0, pattern
    links = [sorted(re.findall(r"\]\(([^)]+)\)", text)) for text in (README, CHINESE)]
    assert [one for one in links[0] if one != "README.zh.md"] == [
        one for one in links[1] if one != "README.md"
    ]
    literals = [set(re.findall(r"`([^`\n]+)`", text)) for text in (README, CHINESE)]
    assert literals[0] == literals[1]
