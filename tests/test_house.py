"""The rules of the house: who may import whom, what the lock and the tracked files may hold."""

import ast
import io
import os
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import certledger

HOUSE = Path(__file__).resolve().parent.parent

MAY_IMPORT = {
    "api": {"api", "contracts", "ledger", "verifier"},
    "ledger": {"contracts", "ledger", "verifier"},
    "verifier": {"contracts", "verifier"},
    "contracts": {"contracts"},
}
# What a light install has: the base dependencies, by the names they are imported under.
LIGHT = {"Crypto", "click", "cryptography", "orjson", "segno", "sha3"}
# What makes it quicker where it happens to be installed, and is never needed.
QUICKER = {("verifier/crypto/secp256k1.py", "coincurve")}
HEAVY = {"eth", "eth_tester", "fastapi", "solcx", "sqlalchemy", "web3"}
HEAVY_PARTS = {"certledger.api", "certledger.ledger"}

MAX_FUNCTION_LINES = 40
MAX_MODULE_LINES = 600

REGISTRIES = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(org|com)|deb\.debian\.org|proxy\.golang\.org"
    r"|sum\.golang\.org|static\.crates\.io|index\.crates\.io|repo1?\.maven"
)
MACHINE_PATH = re.compile(r"(^|[^A-Za-z0-9_.])/(work|root|farm)/[A-Za-z.]", re.MULTILINE)


@cache
def tracked() -> tuple[Path, ...]:
    if not (HOUSE / ".git").exists():
        pytest.skip("not a git checkout, so nothing is tracked")
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=HOUSE, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    return tuple(HOUSE / name for name in names if name and (HOUSE / name).is_file())


def tracked_texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data:
            yield str(path.relative_to(HOUSE)), data.decode("utf-8", "replace")


def modules(room: str) -> list[Path]:
    return sorted((HOUSE / room).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and top-level package of each absolute import in `path`, also inside functions.

    A part of our own package goes by its own name: `verifier` for `certledger.verifier`.
    """
    for node in ast.walk(tree_of(path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
            if node.module == "certledger":
                names = [f"certledger.{name.name}" for name in node.names]
        for name in names:
            yield getattr(node, "lineno", 0), name.removeprefix("certledger.").partition(".")[0]


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    skipped: set[int] = set()
    if ast.get_docstring(function, clean=False) is not None:
        docstring = function.body[0]
        skipped = set(range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1))
    body = range(function.lineno, (function.end_lineno or function.lineno) + 1)
    return sum(
        1
        for number in body
        if number not in skipped
        and lines[number - 1].strip()
        and not lines[number - 1].strip().startswith("#")
    )


# Functions, methods and arrow functions with a block, as Prettier lays them out.
JS_FUNCTION = re.compile(
    r"^( *)(?:export )?(?:(?:async )?function (\w+)|const (\w+) = (?=.*=> \{$)"
    r"|(?!if\b|for\b|while\b|switch\b)(?:async |static )?(\w+)(?=\(.*\) \{$))"
)


def js_functions(text: str) -> Iterator[tuple[int, str, int]]:
    """Yield line, name and code lines of each function of a JavaScript module."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if found := JS_FUNCTION.match(line):
            end = next(n for n in range(number, len(lines)) if lines[n].startswith(found[1] + "}"))
            code = [
                part
                for part in map(str.strip, lines[number : end + 1])
                if part and not part.startswith(("//", "/*", "*"))
            ]
            yield number + 1, found[2] or found[3] or found[4], len(code)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_between_rooms_go_down_only(room: str) -> None:
    forbidden = set(MAY_IMPORT) | {"tests", "bench"}
    faults = [
        f"{path.relative_to(HOUSE)}:{line} imports {package}"
        for path in modules(room)
        for line, package in imports_of(path)
        if package in forbidden - MAY_IMPORT[room]
    ]
    assert faults == []


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_the_parts_are_imported_as_those_of_one_package(part: str) -> None:
    assert (HOUSE / "certledger" / part).readlink() == Path("..") / part
    text = "|".join(MAY_IMPORT)
    bare = re.compile(rf"^\s*(?:from|import) (?:{text})\b", re.MULTILINE)
    files = [path for path in tracked() if path.suffix == ".py"]
    assert [str(path) for path in files if bare.search(path.read_text(encoding="utf-8"))] == []


def test_the_verifier_imports_only_what_a_light_install_has() -> None:
    known = set(sys.stdlib_module_names) | LIGHT | MAY_IMPORT["verifier"]
    faults = [
        f"{path.relative_to(HOUSE)}:{line} imports {package}"
        for path in modules("verifier")
        for line, package in imports_of(path)
        if package not in known and (str(path.relative_to(HOUSE)), package) not in QUICKER
    ]
    assert faults == []


@pytest.mark.parametrize("arguments", [["--help"], ["verify", "--help"]], ids=" ".join)
def test_the_command_line_starts_without_the_server_parts(arguments: list[str]) -> None:
    script = Path(sys.executable).parent / "certledger"
    run = subprocess.run(
        [sys.executable, "-X", "importtime", str(script), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    imported = {
        line.rpartition("|")[2].strip()
        for line in run.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "certledger.verifier.cli.main" in imported
    assert {name.partition(".")[0] for name in imported} & HEAVY == set()
    assert imported & HEAVY_PARTS == set()


def lock_entries() -> dict[str, str]:
    """Return each package the lock pins, with its whole entry."""
    text = (HOUSE / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    return {entry: re.split(r"[=\s]", entry, maxsplit=1)[0] for entry in entries}


def test_the_lock_names_no_index_and_no_address() -> None:
    text = (HOUSE / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert re.findall(r"^\s*-(?!-hash=sha256:).*", text, re.MULTILINE) == []


def test_every_package_in_the_lock_is_pinned_and_has_hashes() -> None:
    entries = lock_entries()
    assert len(entries) > 50
    assert [entry for entry in entries if not re.match(r"[a-z0-9.-]+==\S+", entry)] == []
    assert [name for entry, name in entries.items() if "--hash=sha256:" not in entry] == []


def test_the_lock_holds_every_dependency_and_the_build_backend() -> None:
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["server"],
        *project["project"]["optional-dependencies"]["test"],
        *project["build-system"]["requires"],
        *project["dependency-groups"]["build"],
    ]
    assert names_in(wanted) - set(lock_entries().values()) == set()


def runtime_distributions() -> dict[str, metadata.Distribution]:
    """Return what `certledger[server]` brings into this environment, itself included."""
    found: dict[str, metadata.Distribution] = {}
    wanted, seen = [("certledger", "server")], set()
    while wanted:
        name, extra = wanted.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found[name] = metadata.distribution(name)
        for requirement in map(Requirement, found[name].requires or []):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                wanted += [(requirement.name, each) for each in ("", *requirement.extras)]
    return found


def test_nothing_under_gpl_or_agpl_runs_with_the_product() -> None:
    copyleft = {}
    for name, distribution in runtime_distributions().items():
        fields = distribution.metadata
        terms = fields.get_all("License-Expression") or fields.get_all("License") or [""]
        terms += [entry for entry in fields.get_all("Classifier") or [] if "License" in entry]
        if re.search(r"GPL|General Public", " ".join(terms)):
            copyleft[name] = terms[0]
    # Libraries used unmodified, as NOTICE says.
    assert copyleft == dict.fromkeys(("psycopg", "psycopg-binary", "psycopg-pool"), "LGPL-3.0-only")


def test_no_tracked_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    faults = [
        f"{name}: {match.group()}"
        for name, text in tracked_texts()
        for pattern in (REGISTRIES, MACHINE_PATH)
        for match in pattern.finditer(text)
    ]
    assert faults == []


def makefile_targets() -> dict[str, str]:
    text = (HOUSE / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z][a-z-]*):(?!=)(.*)$", text, re.MULTILINE))


def test_every_make_target_says_what_it_does() -> None:
    assert [name for name, rest in makefile_targets().items() if " ## " not in rest] == []


def test_make_help_lists_every_target() -> None:
    # Under `make test` the outer make's variables would colour what the inner one prints.
    environment = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    listed = subprocess.run(
        ["make", "help"], cwd=HOUSE, capture_output=True, text=True, check=True, env=environment
    ).stdout
    assert {line.split()[0] for line in listed.splitlines()} == set(makefile_targets())


def test_links_between_documents_lead_somewhere() -> None:
    faults = [
        f"{path.relative_to(HOUSE)}: {target}"
        for path in tracked()
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert faults == []


def test_functions_and_modules_stay_short() -> None:
    faults = []
    for path in (path for room in MAY_IMPORT for path in modules(room)):
        text = path.read_text(encoding="utf-8")
        lines, where = text.splitlines(), path.relative_to(HOUSE)
        if len(lines) > MAX_MODULE_LINES:
            faults.append(f"{where}: {len(lines)} lines")
        faults += [
            f"{where}:{node.lineno} {node.name}: {length} code lines"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (length := code_lines(node, lines)) > MAX_FUNCTION_LINES
        ]
    assert faults == []


def test_every_type_ignore_of_the_product_says_why() -> None:
    bare = re.compile(r"# type: ignore(\[[a-z, -]+\])?$", re.MULTILINE)
    assert [
        str(path.relative_to(HOUSE))
        for room in MAY_IMPORT
        for path in modules(room)
        if bare.search(path.read_text(encoding="utf-8"))
    ] == []


def test_functions_of_the_JavaScript_modules_stay_short() -> None:
    functions = [
        (f"{path.relative_to(HOUSE)}:{line} {name}", length)
        for path in sorted((HOUSE / "verifier" / "js").rglob("*.mjs"))
        for line, name, length in js_functions(path.read_text(encoding="utf-8"))
    ]
    assert len(functions) > 200
    assert [function for function in functions if function[1] > MAX_FUNCTION_LINES] == []


def test_the_JavaScript_modules_use_the_terms_of_the_field() -> None:
    private = re.compile(
        r"\b(told|said|held|kept|beside|whoever|nobody|stands)\b|\b(MOST|LONGEST|GREATEST|LEAST)_"
    )
    faults = [
        f"{path.relative_to(HOUSE)}:{number}: {line.strip()}"
        for path in sorted((HOUSE / "verifier" / "js").rglob("*.mjs"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if private.search(line) and path.name != "codes.mjs"  # whose sentences are those of SPEC
    ]
    assert faults == []


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (HOUSE / "docs" / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_paths_that_documents_name_are_there() -> None:
    path = re.compile(r"`((?:api|bench|contracts|docs|ledger|tests|verifier)/[\w./-]*)`")
    faults = [
        f"{file.name}: {name}"
        for file in (*HOUSE.glob("*.md"), *(HOUSE / "docs").glob("*.md"))
        for name in path.findall(file.read_text(encoding="utf-8"))
        if not (HOUSE / name).exists()
    ]
    assert faults == []


def top_level_classes() -> Iterator[tuple[str, str]]:
    """Yield name and file of each public top-level class of the product."""
    for path in (path for room in MAY_IMPORT for path in modules(room)):
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, str(path.relative_to(HOUSE))


def test_no_two_classes_of_the_product_have_one_name() -> None:
    places: dict[str, list[str]] = {}
    for name, place in top_level_classes():
        places.setdefault(name, []).append(place)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_constants_that_bound_begin_with_MAX_or_MIN() -> None:
    other = re.compile(r"^_?(?:MOST|LONGEST|GREATEST|LARGEST|LEAST|FEWEST|SHORTEST|SMALLEST)_\w+ =")
    faults = [
        f"{path.relative_to(HOUSE)}:{number}"
        for path in (path for room in (*MAY_IMPORT, "bench", "tests") for path in modules(room))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if other.match(line)
    ]
    assert faults == []


PARTICIPLES = re.compile(r"(ing|told|kept|held|said|shown|seen|given|beside)$")
NOUNS_IN_ING = {"hashing", "logging", "sealing"}


def test_no_module_is_named_by_a_participle() -> None:
    names = {path.stem for room in MAY_IMPORT for path in modules(room)}
    names |= {path.parent.name for room in MAY_IMPORT for path in modules(room)}
    assert {name for name in names if PARTICIPLES.search(name)} - NOUNS_IN_ING == set()


_PRIVATE = "(?:told|said|held|kept|beside|whoever|nobody)"
PRIVATE_WORD = re.compile(rf"\b{_PRIVATE}\b", re.IGNORECASE)
PRIVATE_NAME = re.compile(rf"(?:^|_){_PRIVATE}(?:_|$)", re.IGNORECASE)
SCHEMA_NAMES = {"ledger/store/rows.py: held"}
"""Columns of the database."""
LAYOUT = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def prose_and_names(path: Path) -> tuple[list[str], list[str]]:
    """Return comments and docstrings, which are strings that are a statement, and all names."""
    prose, names, before = [], [], tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and before in LAYOUT):
            prose.append(token.string)
        elif token.type == tokenize.NAME:
            names.append(token.string)
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            before = token.type
    return prose, names


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_prose_and_names_use_the_terms_of_the_field(room: str) -> None:
    found = {path: prose_and_names(path) for path in modules(room)}
    words = sum(len(PRIVATE_WORD.findall(text)) for prose, _ in found.values() for text in prose)
    lines = sum(path.read_text("utf-8").count("\n") for path in found)
    names = {
        f"{path.relative_to(HOUSE)}: {name}"
        for path, (_, names) in found.items()
        for name in names
        if PRIVATE_NAME.search(name)
    }
    assert names - SCHEMA_NAMES == set()
    assert sum(len(prose) for prose, _ in found.values()) > 20
    assert words < lines / 1000


def names_in(requirements: list[str]) -> set[str]:
    """Return the normal names of the distributions that requirements name."""
    return {
        re.sub(r"[-_.]+", "-", re.split(r"[^A-Za-z0-9._-]", entry)[0]).lower()
        for entry in requirements
    }


def imported_by(parts: tuple[str, ...]) -> set[str]:
    """Return the normal names of the distributions that modules of these parts import."""
    found = metadata.packages_distributions()
    ours = {*sys.stdlib_module_names, *MAY_IMPORT}
    return {
        re.sub(r"[-_.]+", "-", distribution).lower()
        for part in parts
        for path in modules(part)
        for _, package in imports_of(path)
        if package not in ours
        for distribution in found.get(package, [package])
    }


# Needed by the build of the contracts alone, which an installation does not have.
BUILD_ONLY = {"py-solc-x"}


def test_dependencies_are_those_that_are_imported() -> None:
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    light = names_in(project["dependencies"])
    server = names_in(project["optional-dependencies"]["server"])

    assert imported_by(("verifier",)) == light
    assert imported_by(("ledger", "api", "contracts")) - light - BUILD_ONLY == server


# What the product itself does not call, by file or by file and name, and why it is there.
WITHOUT_CALLER: Mapping[str, str] = {
    "ledger/sealing/batch.py holdings": "tests seal without a folder, where files would be written",
    "api/request/body_budget.py reserved": "tests of faults read that nothing stays reserved",
}
HOOKS = {
    "atomic_batch": "py-evm writes a block in it",
    "format_commands": "click lists commands by it",
    "get_command": "click finds a command by it",
    "makefile": "http.client reads a response from it",
    "readinto": "io.BufferedReader reads by it",
}
"""Methods that a library calls."""


@dataclass(frozen=True)
class Definition:
    """A public name at the top of a module, or of a method; the lines that it takes."""

    file: str
    module: str
    name: str
    lines: range
    method: bool


def module_of(path: Path) -> str:
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join(
        ("certledger", *(part for part in parts if part not in ("__init__", "certledger")))
    )


def definitions(path: Path, tree: ast.Module) -> Iterator[Definition]:
    """Yield what a module defines and does not register with a decorator, nor a framework calls."""
    imported = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        if not str(getattr(node, "module", "")).startswith("certledger")
        for name in node.names
    }
    plain = {"cache", "cached_property", "classmethod", "contextmanager", "dataclass", "lru_cache"}
    plain |= {"property", "staticmethod", "unique"}

    def found(node: ast.stmt, *, method: bool) -> Iterator[Definition]:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return
        decorators = {re.split(r"\W", ast.unparse(each))[0] for each in node.decorator_list}
        if not node.name.startswith("_") and decorators <= plain:
            file, lines = str(path.relative_to(HOUSE)), range(node.lineno, node.end_lineno or 0)
            yield Definition(file, module_of(path), node.name, lines, method)

    for node in tree.body:
        yield from found(node, method=False)
        if isinstance(node, ast.ClassDef):
            bases = {re.split(r"\W", ast.unparse(base))[0] for base in node.bases}
            if not bases & (imported - {"Protocol", "StrEnum", "IntEnum"}):
                for part in node.body:
                    yield from found(part, method=True)


def uses(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """Yield (module or empty, name, line) of every name, attribute and import of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield "", node.id, node.lineno
        elif isinstance(node, ast.Attribute):
            yield "", node.attr, node.lineno
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                yield str(node.module), name.name, node.lineno


def test_everything_public_has_a_caller_in_the_product() -> None:
    trees = {
        path: tree_of(path)
        for room in (*MAY_IMPORT, "certledger")
        for path in modules(room)
        if "migrations" not in path.parts
    }
    used: dict[str, list[tuple[str, str, int]]] = {}
    whole: set[tuple[str, str]] = set()
    for path, tree in trees.items():
        module = module_of(path)
        for origin, name, line in uses(tree):
            used.setdefault(name, []).append((module, origin, line))
            whole.add((module, f"{origin}.{name}"))
    project = (HOUSE / "pyproject.toml").read_text(encoding="utf-8")
    outside = set(re.findall(r"certledger[\w.]*:(\w+)", project)) | {*certledger.__all__}

    def is_used(one: Definition) -> bool:
        return one.name in outside or any(
            not (module == one.module and line in one.lines)
            and (
                one.method
                or origin == one.module
                or module == one.module
                or (not origin and (module, one.module) in whole)
            )
            for module, origin, line in used.get(one.name, ())
        )

    unused = {
        f"{one.file} {one.name}"
        for path, tree in trees.items()
        for one in definitions(path, tree)
        if one.name not in HOOKS and not is_used(one)
    }
    assert {
        one for one in unused if not {one, one.partition(" ")[0]} & WITHOUT_CALLER.keys()
    } == set()
