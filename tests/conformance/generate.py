"""Writes the cases: the same files in every run.  `python -m tests.conformance.generate`."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

import orjson

from tests.conformance import (
    anchor_cases,
    block_cases,
    bound_cases,
    chain_cases,
    content_cases,
    decoder_cases,
    desk_cases,
    file_cases,
    force_cases,
    newer_cases,
    place_cases,
    policy_cases,
    snapshot_cases,
)
from tests.conformance.case import Case, case_json
from tests.conformance.ours import answer
from tests.conformance.run import FILES

ROOT = Path(__file__).parent / "cases"
MODULES = (
    content_cases,
    anchor_cases,
    block_cases,
    force_cases,
    newer_cases,
    file_cases,
    snapshot_cases,
    desk_cases,
    place_cases,
    bound_cases,
    policy_cases,
    chain_cases,
    decoder_cases,
)


@cache
def cases_of(module: ModuleType) -> tuple[Case, ...]:
    """Return the cases of one module."""
    return tuple(module.cases())


@cache
def cases() -> tuple[Case, ...]:
    """Return every case."""
    return tuple(case for module in MODULES for case in cases_of(module))


def files(case: Case, room: Path) -> dict[str, bytes]:
    """Return the files of a case; `room` is an empty directory to ask our own verifier in.

    Verdict and codes stand in the case; what a result says besides is what ours says.
    """
    found = case.files()
    for name, data in found.items():
        (room / name).write_bytes(data)
    arguments = [
        str(room / part) if before in FILES else part
        for before, part in zip(["", *case.arguments], case.arguments, strict=False)
    ]
    _, output = answer(arguments)
    found["case.json"] = case_json(case, orjson.loads(output) if output else None)
    return found


def main() -> None:
    """Write all cases anew."""
    shutil.rmtree(ROOT, ignore_errors=True)
    for case in cases():
        folder = ROOT / case.folder
        folder.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as room:
            for name, data in files(case, Path(room)).items():
                (folder / name).write_bytes(data)
    print(f"{len(list(ROOT.iterdir()))} cases in {ROOT}")


if __name__ == "__main__":
    main()
