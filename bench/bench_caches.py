"""What each cache saves of a command's processor time: of the demo, an audit, and a service."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from bench.bench_api import CONNECTIONS, FULL, JSON, QUICK, Sizes, numbers, prepared
from bench.bench_commands import run
from bench.load import hammer
from bench.report import Row
from bench.served import running
from certledger.verifier.formats.record import lookup_digest

COUNTED = ("-m", "bench.counted_cli")


def rows(quick: bool) -> list[Row]:
    """Return a row for each cache that was asked: the share of the command that it saved.

    The baseline is what the command used and what its caches saved it, in seconds. A computation
    within another that is cached too counts in both.
    """
    with tempfile.TemporaryDirectory(prefix="certledger-bench-") as folder:
        return [*_commands(Path(folder), quick), *_service(Path(folder), QUICK if quick else FULL)]


def _commands(folder: Path, quick: bool) -> Iterator[Row]:
    home, out = folder / "home", folder / "counts.json"
    count = "20" if quick else "500"
    run(sys.executable, *COUNTED, out, "demo", "--home", home, "--certificates", count)
    yield from _read(out, "demo")
    run(sys.executable, *COUNTED, out, "audit", "--home", home, "--policy", home / "policy.json")
    yield from _read(out, "audit")


def _service(folder: Path, sizes: Sizes) -> Iterator[Row]:
    """Yield the rows of a service that is asked for verdicts, look-ups and status lists."""
    out = folder / "counts.json"
    with prepared(sizes) as made:
        files = [b'{"evidence":%b}' % data for each in made.files for data in each]
        digests = [lookup_digest(*pair).hex() for pair in numbers(made)]
        kinds = [
            made.asking("POST", "/v1/verifications", files, JSON),
            made.asking(
                "POST", "/v1/lookups", [orjson.dumps({"digest": d}) for d in digests], JSON
            ),
            made.asking("GET", f"/v1/status-lists/{made.issuer.issuer}"),
        ]
        served = (*COUNTED, str(out), "serve", "--home", str(made.place), "--port", "0")
        with running(*served) as service:
            for requests in kinds:
                count = sizes.requests * sizes.rounds
                hammer(service.port, requests, connections=CONNECTIONS, count=count)
    yield from _read(out, "serve")


def _read(out: Path, command: str) -> Iterator[Row]:
    counts: dict[str, Any] = json.loads(out.read_text())
    for name, counted in counts["caches"].items():
        if asked := counted["hits"] + counted["misses"]:
            saved, whole = counted["saved"], counts["seconds"] + counted["saved"]
            told = f"{command}: {name} ({counted['hits']:,.0f} of {asked:,.0f})"
            yield Row(told, saved, "s", whole, saved / whole)
