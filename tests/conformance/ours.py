"""The conformance suite's protocol, spoken by `certledger verify`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import orjson
from click.testing import CliRunner

from verifier.cli import main


def answer(arguments: Sequence[str]) -> tuple[int, bytes]:
    """Return (exit status, standard output) for the arguments of the protocol."""
    given = list(arguments)
    evidence = given.pop((at := given.index("--evidence")) + 1)
    given[at] = evidence
    run = CliRunner().invoke(main, ["verify", *given, "--json"])
    if run.exit_code == 2:
        return 2, b""
    result = orjson.loads(run.stdout_bytes)["results"][0]
    del result["file"]
    return run.exit_code, orjson.dumps(result, option=orjson.OPT_SORT_KEYS)


if __name__ == "__main__":
    status, output = answer(sys.argv[1:])
    sys.stdout.buffer.write(output)
    raise SystemExit(status)
