"""An install without extras: the verifier alone, and small."""

import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.verifier.test_light_reform import published

HOUSE = Path(__file__).resolve().parent.parent
MAX_PACKAGES = 20
MAX_BYTES = 32_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Install:
    """A fresh environment with the project in it, and what that added."""

    bin: Path
    packages: frozenset[str]
    size: int


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=300
    )


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory) -> Install:
    home = tmp_path_factory.mktemp("light")
    venv.create(home / "venv")
    python = home / "venv" / "bin" / "python"
    quiet = ("--disable-pip-version-check", "--no-input")
    pip = (sys.executable, "-m", "pip", *quiet, "--python", str(python))
    probe = run(*pip, "download", "--no-deps", "--dest", home / "probe", "hatchling", cwd=home)
    if probe.returncode:
        pytest.skip("pip reaches no package registry from here")
    before = size_of(home / "venv")
    done = run(*pip, "install", "--only-binary", ":all:", HOUSE, cwd=home)
    assert done.returncode == 0, done.stderr[-2000:]
    listed = json.loads(run(*pip, "list", "--format", "json", cwd=home).stdout)
    return Install(
        bin=python.parent,
        packages=frozenset(package["name"] for package in listed),
        size=size_of(home / "venv") - before,
    )


@pytest.mark.slow
def test_a_light_install_adds_few_packages_and_few_bytes(install: Install) -> None:
    assert len(install.packages) <= MAX_PACKAGES, sorted(install.packages)
    assert install.size <= MAX_BYTES


@pytest.mark.slow
def test_a_light_install_can_verify(install: Install, tmp_path: Path) -> None:
    done = run(install.bin / "certledger", "verify", "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


@pytest.mark.slow
def test_an_install_is_one_package(install: Install, tmp_path: Path) -> None:
    for part in ("api", "contracts", "ledger", "verifier"):
        assert run(install.bin / "python", "-c", f"import {part}", cwd=tmp_path).returncode == 1
    done = run(install.bin / "python", "-c", "from certledger import verify", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    done = run(install.bin / "python", "-m", "certledger", "--version", cwd=tmp_path)
    assert done.stdout.startswith("certledger, version")


@pytest.mark.slow
def test_a_light_install_has_no_server_commands_but_says_nothing_of_it_on_start(
    install: Install, tmp_path: Path
) -> None:
    done = run(install.bin / "certledger", "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_a_light_install_draws_a_sample_and_makes_a_decision_again(
    install: Install, tmp_path: Path
) -> None:
    files = published(tmp_path)
    command = install.bin / "certledger"
    drawn = run(
        *(command, "sample", "check", files["sample"]),
        *("--policy", files["policy"], "--json"),
        cwd=tmp_path,
    )
    again = run(
        *(command, "decision", "replay", files["answer"], files["answer"]),
        *("--book", files["book"], "--policy", files["policy"], "--json"),
        cwd=tmp_path,
    )

    assert (drawn.returncode, drawn.stderr) == (0, "")
    assert json.loads(drawn.stdout)["anchored"]["outcome"] == "pass"
    assert again.returncode == 0, again.stderr
    assert [one["same"] for one in json.loads(again.stdout)["decisions"]] == [True, True]
