"""How long whole commands take, against starting the interpreter for nothing."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.report import Row, at_most, seconds

CERTLEDGER = Path(sys.executable).with_name("certledger")


def run(*arguments: str | Path) -> None:
    """Run a command; it must end well."""
    subprocess.run([str(part) for part in arguments], check=True, capture_output=True)


def rows(quick: bool) -> list[Row]:
    """Return the wall time of `verify` on one file and of the demo."""
    certificates = 20 if quick else 500
    with tempfile.TemporaryDirectory(prefix="certledger-bench-") as folder:
        home = Path(folder) / "home"
        demo, _ = seconds(
            1,
            lambda: run(CERTLEDGER, "demo", "--home", home, "--certificates", str(certificates)),
            lambda: run(sys.executable, "-c", "pass"),
        )
        evidence = sorted((home / "evidence").glob("00001-*.json"))[0]
        policy = home / "policy.json"
        verify, bare = seconds(
            5 if quick else 15,
            lambda: run(CERTLEDGER, "verify", evidence, "--policy", policy),
            lambda: run(sys.executable, "-c", "pass"),
        )
    return [
        Row("verify_one_file", verify, "s", bare, verify / bare, at_most(0.5)),
        Row(
            f"demo_{certificates}",
            demo,
            "s",
            verify,
            demo / verify,
            None if quick else at_most(60),
        ),
    ]
