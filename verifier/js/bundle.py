"""Bundles the verifier's JavaScript modules into one file.

`python -m certledger.verifier.js.bundle [--check]`

It accepts a small grammar and rejects everything else:

* `import { a, b } from "./x.mjs";` before all else: no renaming, no default, no side effects.
* `function`, `class` and `const NAME =` at the top level, with or without `export`.
* `index.mjs` has only `export { a, b } from "./x.mjs";`: the public names.
* A top-level name is declared in one module only, and never shadowed.
* Every import and every export is used, and imports have no cycles.

Under these rules the concatenated modules without imports and exports are equivalent.  Comments are
left in the modules: they would be a third of what a first visit of a page transfers.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

HERE = Path(__file__).parent
BUNDLE = HERE.parents[1] / "api" / "web" / "static" / "certledger-verifier.mjs"
ENTRY = "index.mjs"
COMMAND = "python -m certledger.verifier.js.bundle"
EXIT_DIFFERS = 1

_NAMES = r"\{(\s*\w+(?:,\s*\w+)*,?\s*)\}"
_IMPORT = re.compile(rf'^import {_NAMES} from "([^"]+)";\n', re.MULTILINE)
_PUBLIC = re.compile(rf'^export {_NAMES} from "([^"]+)";\n', re.MULTILINE)
_TYPES = re.compile(r'^/\*\* @import \{[^}]*\} from "[^"]+" \*/\n', re.MULTILINE)
_DECLARATION = re.compile(
    r"^(export )?(?:(?:async )?function |class |const )(\w+)(?=\(| =| \{| extends)", re.MULTILINE
)
_HEAD = re.compile(r"\A/\*\*.*?\*/\n", re.DOTALL)
# Other first columns: comments, and the ends of declarations.
_PLAIN_LINE = re.compile(r"\s|//|/\*\*| \*|[})\]]|$")
_COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*|\s//[ ][^\n]*", re.DOTALL | re.MULTILINE)
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_TEMPLATE = re.compile(r"`(?:[^`\\]|\\.)*`", re.DOTALL)
_INSIDE = re.compile(r"\$\{((?:[^{}]|\{[^{}]*\})*)\}")
_TOKEN = re.compile(
    # What is left as it is: strings, templates, and literals of regular expressions.
    r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`"""
    r"""|(?:(?<=[(\[{,;:=!&|?>])|(?<=[(\[{,;:=!&|?>]\s))/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/)"""
    # Comments to the end of their line with the space before them, others alone; empty lines.
    r"""|\s*(?:/\*(?:[^*]|\*(?!/))*\*/|//[^\n]*)(?=\n)|/\*(?:[^*]|\*(?!/))*\*/ ?|\n\s*(?=\n)"""
)
# Neither a property (`.name`) nor a key (`name:`).
_WORD = re.compile(r"(?<![\w.$])\w+(?![\w:])|(?<=\.\.\.)\w+")


class GrammarError(ValueError):
    """A module is outside the grammar, or modules conflict."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """One JavaScript module: its imports, declarations and exports, and the text without them."""

    path: str
    imports: Mapping[str, frozenset[str]]
    """Names by the path of the module that they come from."""
    exports: frozenset[str]
    declares: frozenset[str]
    head: str
    body: str

    @property
    def words(self) -> frozenset[str]:
        """The identifiers in its code, without member names."""
        code = _STRING.sub('""', _COMMENT.sub(" ", self.body))
        code = _TEMPLATE.sub(lambda text: " ".join(_INSIDE.findall(text.group())), code)
        return frozenset(_WORD.findall(code))


def parse_module(path: str, text: str) -> Module:
    """Parse the text of a module.

    Raises:
        GrammarError: a line is outside the grammar.
    """
    head = _HEAD.match(text)
    if head is None:
        raise GrammarError(f"{path}: does not begin with a comment that says what it is")
    rest = text[head.end() :]
    linked = _PUBLIC if path == ENTRY else _IMPORT
    imports = {}
    for names, source in linked.findall(rest):
        target = _resolve(path, source)
        if target in imports:
            raise GrammarError(f"{path}: two statements import from {target}")
        imports[target] = frozenset(re.findall(r"\w+", names))
    body = _TYPES.sub("", linked.sub("", rest)).strip("\n")
    declared = [(name, bool(export)) for export, name in _DECLARATION.findall(body)]
    names = [name for name, _ in declared]
    if len(set(names)) < len(names):
        raise GrammarError(f"{path}: declares a name twice")
    _check_lines(path, body)
    return Module(
        path=path,
        imports=imports,
        exports=frozenset(name for name, export in declared if export),
        declares=frozenset(names),
        head=head.group(),
        body=_DECLARATION.sub(lambda found: found.group().removeprefix("export "), body),
    )


def _resolve(path: str, source: str) -> str:
    """Resolve a relative import of the module at `path`."""
    if not re.fullmatch(r"(\./|\.\./)[a-z0-9_/]+\.mjs", source):
        raise GrammarError(f"{path}: {source} is not a path like ./x.mjs or ../y/x.mjs")
    parts = list(PurePosixPath(path).parent.parts)
    for part in PurePosixPath(source).parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            raise GrammarError(f"{path}: {source} leads out of the folder")
    return "/".join(parts)


def _check_lines(path: str, body: str) -> None:
    """Check that the top level has only declarations, and that there is no dynamic import."""
    for line in body.split("\n"):
        plain = _PLAIN_LINE.match(line) and not re.search(r"\bimport\b *[(.]", line)
        if not plain and not (path != ENTRY and _DECLARATION.match(line)):
            raise GrammarError(f"{path}: outside the grammar: {line[:80]}")


def sort_modules(modules: Mapping[str, Module]) -> list[Module]:
    """Return the modules that the entry needs, each after its imports.

    Raises:
        GrammarError: one is missing, or there is a cycle.
    """
    done: dict[str, Module] = {}

    def visit(path: str, trail: Sequence[str]) -> None:
        if path in trail:
            raise GrammarError(f"modules import each other: {' > '.join([*trail, path])}")
        if path not in modules:
            raise GrammarError(
                f"{''.join(trail[-1:]) or 'the build'}: imports {path}, which is absent"
            )
        if path not in done:
            for source in modules[path].imports:
                visit(source, [*trail, path])
            done[path] = modules[path]

    visit(ENTRY, [])
    return list(done.values())


def faults_of(modules: Sequence[Module]) -> Iterator[str]:
    """Yield conflicting declarations and unused or missing imports and exports."""
    home: dict[str, str] = {}
    for module in modules:
        for name in sorted(module.declares):
            if name in home:
                yield f"{module.path}: declares {name}, as {home[name]} does"
            home[name] = module.path
    needed: set[tuple[str, str]] = set()
    for module in modules:
        needed |= {(source, name) for source, names in module.imports.items() for name in names}
        imported = {name for names in module.imports.values() for name in names}
        words = imported if module.path == ENTRY else module.words
        for name in sorted(imported - words):
            yield f"{module.path}: imports {name} and does not use it"
        for name in sorted((words & home.keys()) - imported - module.declares):
            yield f"{module.path}: uses {name} of {home[name]} without importing it"
    given = {(module.path, name) for module in modules for name in module.exports}
    for path, name in sorted(needed - given):
        yield f"{path}: does not export {name}, which another module imports"
    for path, name in sorted(given - needed):
        yield f"{path}: exports {name}, which no module imports"


def make_bundle(folder: Path) -> str:
    """Bundle the modules of a folder.

    Raises:
        GrammarError: a module is outside the grammar, or modules conflict.
    """
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.mjs"))
    modules = {path: parse_module(path, (folder / path).read_text("utf-8")) for path in paths}
    ordered = sort_modules(modules)
    unused = [path for path in paths if modules[path] not in ordered]
    faults = [f"{path}: no module imports it" for path in unused] + list(faults_of(ordered))
    if faults:
        raise GrammarError("\n".join(faults))
    public = sorted(name for names in modules[ENTRY].imports.values() for name in names)
    parts = [
        f"// Made from the modules in verifier/js by `{COMMAND}`. Do not edit.",
        modules[ENTRY].head,
    ]
    parts += [_section(module) for module in ordered if module.path != ENTRY]
    parts.append("export {\n" + "".join(f"  {name},\n" for name in public) + "};")
    return "\n".join(parts) + "\n"


def _section(module: Module) -> str:
    """Return a module's code after a comment with its path."""
    return f"// {module.path}\n{without_comments(module.body)}\n"


def without_comments(text: str) -> str:
    """Return code without its comments and empty lines."""
    return _TOKEN.sub(lambda token: token.group(1) or "", text).lstrip("\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the bundle, or with `--check` compare it with the modules; return the exit status."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args(arguments).check
    try:
        text = make_bundle(HERE)
    except GrammarError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_DIFFERS
    if not check:
        BUNDLE.write_text(text, encoding="utf-8", newline="\n")
    elif not BUNDLE.is_file() or BUNDLE.read_bytes() != text.encode():
        sys.stderr.write(f"{BUNDLE.name} is not what the modules give: run `make bundle`\n")
        return EXIT_DIFFERS
    return 0


if __name__ == "__main__":
    sys.exit(main())
