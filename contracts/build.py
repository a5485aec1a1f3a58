"""Builds the contracts into `artifacts/`, or compares.

`python -m certledger.contracts.build [--check]`

With `--runs N` it compiles with N optimizer runs and prints the code size.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from certledger.contracts.loader import ARTIFACT

SOLC_VERSION = "0.8.30"
CONTRACT = "CertificateLedger"
INTERFACE = f"I{CONTRACT}"
# The real folder; the import package reaches it by a symbolic link.
HERE = Path(__file__).resolve().parent
NPM = HERE.parent / ".tools" / "npm" / "node_modules"
OPENZEPPELIN = "@openzeppelin/contracts"
OPENZEPPELIN_VERSION = "5.2.0"

EXIT_DIFFERS = 1
EXIT_NO_COMPILER = 3
MAX_CODE_BYTES = 24_576
"""Greatest code size of a contract (EIP-170)."""

SETTINGS: Mapping[str, Any] = {
    "evmVersion": "london",
    "viaIR": True,
    "optimizer": {"enabled": True, "runs": 200},
    # Without the hash of the sources, comments do not change the bytecode.
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
    "remappings": [],
}
_OUTPUT = (
    "abi",
    "evm.bytecode.object",
    "evm.deployedBytecode",
    "evm.methodIdentifiers",
    "storageLayout",
)

HOW_TO = f"""cannot build the contracts here: {{}}
  the Solidity compiler {SOLC_VERSION} and {OPENZEPPELIN} {OPENZEPPELIN_VERSION} are needed. Either
    make tools                        brings both from npm into .tools, or set
    CERTLEDGER_SOLC=/path/to/solc     any executable that reads standard JSON and answers --version
    CERTLEDGER_OPENZEPPELIN=/path     the folder of the npm package (it has utils/cryptography)"""


class BuildError(Exception):
    """The compiler or OpenZeppelin is missing on this machine."""


class SourcesInvalidError(Exception):
    """The compiler rejects the sources."""


def main() -> int:
    """Build, or compare with the committed artifact; return 0, 1 (differs) or 3 (no compiler)."""
    parser = argparse.ArgumentParser(
        prog="python -m certledger.contracts.build", description=__doc__
    )
    parser.add_argument(
        "--check", action="store_true", help="compare with artifacts/, write nothing"
    )
    parser.add_argument(
        "--runs", type=int, nargs="+", help="only try these numbers of optimizer runs"
    )
    arguments = parser.parse_args()
    check = arguments.check
    try:
        if arguments.runs:
            return _try_runs(arguments.runs)
        built = build()
    except BuildError as error:
        print(HOW_TO.format(error), file=sys.stderr)
        return EXIT_NO_COMPILER
    except SourcesInvalidError as error:
        print(error, file=sys.stderr)
        return EXIT_DIFFERS
    if check:
        return _compare(built)
    ARTIFACT.parent.mkdir(exist_ok=True)
    ARTIFACT.write_text(built, encoding="utf-8")
    print(f"{ARTIFACT.name}: {len(json.loads(built)['runtime']) // 2:,} bytes of code")
    return 0


def _try_runs(numbers: Iterable[int]) -> int:
    for runs in numbers:
        built = build({**SETTINGS, "optimizer": {**SETTINGS["optimizer"], "runs": runs}})
        size = len(json.loads(built)["runtime"]) // 2
        print(f"{runs:,} optimizer runs: {size:,} bytes of code")
        if size > MAX_CODE_BYTES:
            print(f"more than the {MAX_CODE_BYTES:,} bytes of EIP-170", file=sys.stderr)
            return EXIT_DIFFERS
    return 0


def _compare(built: str) -> int:
    if ARTIFACT.exists() and ARTIFACT.read_text(encoding="utf-8") == built:
        print(f"{ARTIFACT.name} is what the sources give")
        return 0
    print(
        f"{ARTIFACT.name} is not what the sources give: run python -m certledger.contracts.build",
        file=sys.stderr,
    )
    return EXIT_DIFFERS


def build(settings: Mapping[str, Any] = SETTINGS, sources: Mapping[str, str] | None = None) -> str:
    """Compile the sources to the artifact's text; the compiler's warnings go to stderr.

    `sources` replaces or adds sources by file name.

    Raises:
        BuildError: no compiler or no OpenZeppelin.
        SourcesInvalidError: the sources have errors.
    """
    try:
        import solcx
        import solcx.exceptions
    except ImportError as error:
        raise BuildError("py-solc-x is not installed (make setup)") from error
    texts = dict(_sources()) | dict(sources or {})
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in texts.items()},
        "settings": {**settings, "outputSelection": {"*": {"*": list(_OUTPUT), "": ["ast"]}}},
    }
    try:
        answer = solcx.compile_standard(request, **compiler())
    except solcx.exceptions.SolcError as error:
        raise SourcesInvalidError(str(error)) from error
    for warning in answer.get("errors", ()):
        print(warning["formattedMessage"], file=sys.stderr)
    return json.dumps(_artifact(answer), indent=1, sort_keys=True) + "\n"


def compiler() -> dict[str, Any]:
    """Return the keyword arguments that select py-solc-x's compiler.

    Raises:
        BuildError: there is none.
    """
    import solcx

    if binary := os.environ.get("CERTLEDGER_SOLC"):
        if not Path(binary).exists():
            raise BuildError(f"CERTLEDGER_SOLC names {binary}, which is not there")
        return {"solc_binary": binary}
    if (NPM / ".bin" / "solcjs").exists():
        return {"solc_binary": str(HERE.parent / ".ci" / "solc")}
    try:
        solcx.install_solc(SOLC_VERSION)
    except Exception as error:  # whatever the download runs into
        raise BuildError(
            f"no compiler, and none could be downloaded ({type(error).__name__})"
        ) from error
    return {"solc_version": SOLC_VERSION}


def _sources() -> Iterator[tuple[str, str]]:
    """Yield name and text of our sources and of the OpenZeppelin files they import."""
    library = Path(os.environ.get("CERTLEDGER_OPENZEPPELIN") or NPM / OPENZEPPELIN)
    package = library / "package.json"
    if not package.exists():
        raise BuildError(f"{OPENZEPPELIN} is not there")
    if (
        found := json.loads(package.read_text(encoding="utf-8"))["version"]
    ) != OPENZEPPELIN_VERSION:
        raise BuildError(f"{OPENZEPPELIN} is {found}, not {OPENZEPPELIN_VERSION}")
    pending = {f"./{path.name}" for path in HERE.glob("*.sol")}
    done: set[str] = set()
    while pending - done:
        name = min(pending - done)
        done.add(name)
        theirs = name.startswith(OPENZEPPELIN)
        path = library / name.removeprefix(OPENZEPPELIN + "/") if theirs else HERE / name[2:]
        text = path.read_text(encoding="utf-8")
        yield name.removeprefix("./"), text
        pending |= {
            _resolve(name, target)
            for target in re.findall(r'^import .*?"(.+?)";', text, re.M | re.S)
        }


def _resolve(importer: str, target: str) -> str:
    """Resolve an import to the name of a source."""
    if not target.startswith("."):
        return target
    if importer.startswith("./"):
        return target
    return os.path.normpath(os.path.join(os.path.dirname(importer), target))


def _artifact(answer: Mapping[str, Any]) -> dict[str, Any]:
    compiled = answer["contracts"][f"{CONTRACT}.sol"][CONTRACT]
    deployed = compiled["evm"]["deployedBytecode"]
    abi = published_abi(compiled["abi"], answer["contracts"][f"{INTERFACE}.sol"][INTERFACE]["abi"])
    return {
        "contract": CONTRACT,
        "compiler": SOLC_VERSION,
        "libraries": {OPENZEPPELIN: OPENZEPPELIN_VERSION},
        "settings": SETTINGS,
        "abi": abi,
        "creation": compiled["evm"]["bytecode"]["object"],
        "runtime": deployed["object"],
        "immutables": _immutables(answer, deployed["immutableReferences"]),
        "storage": [
            {name: entry[name] for name in ("label", "slot", "offset")}
            | {"type": _plain(entry["type"])}
            for entry in compiled["storageLayout"]["storage"]
        ],
        "functions": compiled["evm"]["methodIdentifiers"],
        "errors": {name: digest[:8] for name, digest in _selectors(abi, "error").items()},
        "events": _selectors(abi, "event"),
    }


def _plain(kind: str) -> str:
    """Strip the compiler's numbering from a storage type."""
    return re.sub(r"\)\d+_storage", ")_storage", kind)


def _immutables(answer: Mapping[str, Any], references: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return the offsets of each immutable by name; the compiler lists them by AST node."""
    names = {}
    for source in answer["sources"].values():
        for part in source["ast"]["nodes"]:
            for node in part.get("nodes", ()):
                names[str(node["id"])] = node.get("name")
    return {
        names[key]: sorted(place["start"] for place in places) for key, places in references.items()
    }


def published_abi(
    abi: Iterable[Mapping[str, Any]], interface: Iterable[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the contract's ABI, checked against its interface.

    Errors are the interface's: the compiler also lists those of libraries, which never leave the
    contract.

    Raises:
        SourcesInvalidError: the interface lacks a function or an event of the contract.
    """
    found = [entry for entry in abi if entry["type"] != "error"]
    published = [entry for entry in interface if entry["type"] != "error"]
    errors = [entry for entry in interface if entry["type"] == "error"]
    missing = [
        entry["name"]
        for entry in found
        if entry["type"] != "constructor" and entry not in published
    ]
    if missing:
        raise SourcesInvalidError(f"{INTERFACE} does not have, or otherwise, {', '.join(missing)}")
    return found + sorted(errors, key=lambda entry: str(entry["name"]))


def _selectors(abi: Iterable[Mapping[str, Any]], kind: str) -> dict[str, str]:
    """Return Keccak-256 by signature of every entry of one kind."""
    found = {}
    for entry in abi:
        if entry["type"] == kind:
            signature = f"{entry['name']}({','.join(_type_of(part) for part in entry['inputs'])})"
            found[signature] = _keccak(signature)
    return found


def _type_of(part: Mapping[str, Any]) -> str:
    kind: str = part["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type_of(inner) for inner in part['components'])}){kind[5:]}"


def _keccak(text: str) -> str:
    from eth_utils.crypto import keccak

    return keccak(text=text).hex()


if __name__ == "__main__":
    sys.exit(main())
