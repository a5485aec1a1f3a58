"""`python -m bench [--quick] [--json] [NAME...]`: run `bench/bench_NAME.py`, tell the figures."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path

from rich.console import Console

from bench.report import Row, missed, print_table

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "latest.jsonl"


def modules() -> dict[str, str]:
    """Return the modules that measure, by the names they are asked for with."""
    return {
        path.stem.removeprefix("bench_"): f"bench.{path.stem}"
        for path in sorted(HERE.glob("bench_*.py"))
    }


def main() -> int:
    """Measure, print a table, keep the lines; exit 1 if a target is missed at full size."""
    known = modules()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--json", action="store_true", help="JSON lines on standard output")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(known)):
        parser.error(f"no measurement is called {', '.join(unknown)}")
    # Progress and tables go to standard error where standard output is for JSON.
    width = None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "140"))
    console = Console(stderr=given.json, width=width)
    rows: list[Row] = []
    for name in given.names or known:
        console.print(f"measuring {name}", style="dim")
        rows += importlib.import_module(known[name]).rows(given.quick)
    print_table(rows, console)
    lines = "".join(row.to_json() + "\n" for row in rows)
    if given.json:
        sys.stdout.write(lines)
    else:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(lines, encoding="utf-8")
    if failed := missed(rows):
        console.print(f"targets missed: {', '.join(failed)}")
    # Small sizes say nothing about targets.
    return int(bool(failed) and not given.quick)


if __name__ == "__main__":
    sys.exit(main())
