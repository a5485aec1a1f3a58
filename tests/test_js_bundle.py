"""The served JavaScript verifier is what its modules give, and the grammar of the modules holds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from certledger.verifier.js.bundle import (
    BUNDLE,
    EXIT_DIFFERS,
    HERE,
    GrammarError,
    main,
    make_bundle,
    without_comments,
)
from tests.conformance.run import folders

NODE = shutil.which("node")
HOUSE = Path(__file__).parents[1]
COMMAND = Path(__file__).parent / "conformance" / "js_verifier.mjs"

INDEX = '/** All. @module */\n\nexport { answer } from "./one.mjs";\n'
ONE = """/** One. @module */

import { NUMBERS, sumOf } from "./parts/two.mjs";
/** @import { Sum } from "./parts/two.mjs" */

/** @param {Sum} more @returns {number} */
export const answer = (more) => sumOf([...NUMBERS, more]);
"""
TWO = """/** Two. @module */

/** @typedef {number} Sum */

export const NUMBERS = [
  40, 2,
];

/** Not the `answer`. */
export function sumOf(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0);
}
"""
FILES = {"index.mjs": INDEX, "one.mjs": ONE, "parts/two.mjs": TWO}


def write(folder: Path, **changes: tuple[str, str]) -> Path:
    """Write the three modules, in one of which a text is replaced."""
    for path, text in FILES.items():
        old, new = changes.get(Path(path).stem, ("", ""))
        assert old in text
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text.replace(old, new, 1) if old else text)
    return folder


def test_the_file_that_is_served_is_what_the_modules_give_today() -> None:
    assert BUNDLE.read_bytes() == make_bundle(HERE).encode(), "run `make bundle`"
    assert main(["--check"]) == 0


def are_same_scripts(written: Sequence[str], made: Sequence[str]) -> list[bool]:
    """Return of each two scripts whether the parser that Node.js has inside finds the same tree."""
    program = """
    const { parse } = require("internal/deps/acorn/acorn/dist/acorn");
    const options = { ecmaVersion: "latest", sourceType: "module" };
    const plain = (key, value) => (typeof value === "bigint" ? `${value}` : value);
    const kept = (key, value) => (["start", "end"].includes(key) ? undefined : plain(key, value));
    const tree = (text) => JSON.stringify(parse(text, options), kept);
    const [written, made] = JSON.parse(require("fs").readFileSync(0, "utf8"));
    console.log(JSON.stringify(written.map((text, at) => tree(text) === tree(made[at]))));
    """
    words = [NODE or "", "--expose-internals", "--eval", program]
    given = json.dumps([written, made]).encode()
    run = subprocess.run(words, input=given, capture_output=True, check=True, timeout=60)
    same: list[bool] = json.loads(run.stdout)
    return same


@pytest.mark.skipif(NODE is None, reason="needs Node.js, which is not installed")
def test_what_is_left_out_of_the_file_are_comments() -> None:
    modules = [path.read_text("utf-8") for path in sorted(HERE.rglob("*.mjs"))]
    stripped = [without_comments(text) for text in modules]
    assert are_same_scripts(modules, stripped) == [True] * len(modules)
    assert are_same_scripts(["answer(2);"], ["answer(3);"]) == [False]
    assert sum(map(len, stripped)) < 0.75 * sum(map(len, modules))
    assert not [line for text in stripped for line in text.splitlines() if "@param" in line]


def test_what_looks_like_a_comment_inside_a_text_stays() -> None:
    script = r"""/** A module. @module */

const address = "https://example/*"; // To see.

const pattern = [/^https?:\/\/[^/*]"/, 'a // b'];
/** Two. @param {string} one */
export const two = (one) => /** @type {string} */ (`${one} // c

/* d */`);
"""
    code = r"""const address = "https://example/*";
const pattern = [/^https?:\/\/[^/*]"/, 'a // b'];
export const two = (one) => (`${one} // c

/* d */`);
"""
    assert without_comments(script) == code


def test_check_fails_without_writing_where_the_file_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = tmp_path / BUNDLE.name
    edited.write_bytes(BUNDLE.read_bytes() + b"// by hand\n")
    monkeypatch.setattr("certledger.verifier.js.bundle.BUNDLE", edited)
    assert main(["--check"]) == EXIT_DIFFERS
    assert "make bundle" in capsys.readouterr().err
    assert edited.read_bytes().endswith(b"// by hand\n")
    assert main([]) == 0
    assert edited.read_bytes() == BUNDLE.read_bytes()


def test_the_bundle_has_the_modules_in_the_order_of_their_imports_and_one_export(
    tmp_path: Path,
) -> None:
    text = make_bundle(write(tmp_path))
    assert re.findall(r"^(?:import|export).*", text, re.MULTILINE) == ["export {"]
    assert text.endswith("export {\n  answer,\n};\n")
    assert text.index("function sumOf") < text.index("const answer")
    assert "Do not edit" in text.splitlines()[0]


@pytest.mark.skipif(NODE is None, reason="needs Node.js")
def test_the_bundle_does_what_the_modules_do(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "bundle.mjs").write_text(make_bundle(tmp_path))
    for name in ("bundle.mjs", "index.mjs"):
        script = f'import("./{name}").then((m) => console.log(Object.keys(m), m.answer(1)))'
        run = subprocess.run(
            [NODE or "", "-e", script], cwd=tmp_path, stdout=subprocess.PIPE, check=True
        )
        assert run.stdout == b"[ 'answer' ] 43\n"


REFUSED: dict[str, tuple[str, str, str, str]] = {
    "a default export": (
        "two",
        "export function sumOf",
        "export default function sumOf",
        "grammar",
    ),
    "a name exported under two names": ("index", "{ answer }", "{ answer as other }", "grammar"),
    "a name imported under another": ("one", "{ NUMBERS,", "{ NUMBERS as LIST,", "grammar"),
    "a namespace": ("one", "{ NUMBERS, sumOf }", "* as two", "grammar"),
    "an import of a package": ("one", "./parts/two.mjs", "two", "not a path"),
    "a path out of the folder": ("one", "./parts/two.mjs", "../two.mjs", "out of the folder"),
    "an import of a file that is absent": ("one", "./parts/two.mjs", "./parts/three.mjs", "absent"),
    "an import for its effects": ("one", "/** @param", 'import "./parts/two.mjs";\n/**', "grammar"),
    "a dynamic import": ("two", "return numbers", 'import("./one.mjs"); return numbers', "grammar"),
    "a statement at the top level": (
        "two",
        "export const",
        "NUMBERS.push(1);\nexport const",
        "grammar",
    ),
    "a variable at the top level": (
        "two",
        "export const",
        "let count = 0;\nexport const",
        "grammar",
    ),
    "a pattern at the top level": ("two", "const NUMBERS", "const [A, B]", "grammar"),
    "code in the entry": ("index", "export", "const one = 1;\nexport", "grammar"),
    "no comment at the front": ("two", "/** Two. @module */", "", "comment"),
    "a name declared in two modules": (
        "two",
        "export const",
        "const answer = 1;\nexport const",
        "declares answer",
    ),
    "a name declared twice": ("two", "export const", "const NUMBERS = 1;\nexport const", "twice"),
    "modules that import each other": (
        "two",
        "\n\n",
        '\n\nimport { answer } from "../one.mjs";\n',
        "each other",
    ),
    "an import of what is not exported": (
        "two",
        "export function",
        "function",
        "does not export sumOf",
    ),
    "an import that is not used": ("one", "[...NUMBERS, more]", "[more]", "does not use it"),
    "an export that is not used": (
        "one",
        "NUMBERS, sumOf",
        "sumOf",
        "exports NUMBERS, which no module",
    ),
    "a name that is used and not imported": (
        "one",
        "NUMBERS, sumOf",
        "sumOf",
        "uses NUMBERS of parts/two.mjs",
    ),
    "a local name like one of another module": (
        "two",
        "(numbers)",
        "(answer, numbers)",
        "uses answer",
    ),
    "a module that nothing imports": (
        "index",
        'answer } from "./one',
        'sumOf } from "./parts/two',
        "one.mjs: no module",
    ),
}


@pytest.mark.parametrize(("module", "old", "new", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_outside_the_grammar_is_refused_by_name(
    tmp_path: Path, module: str, old: str, new: str, why: str
) -> None:
    write(tmp_path, **{module: (old, new)})
    with pytest.raises(GrammarError) as refused:
        make_bundle(tmp_path)
    assert why in str(refused.value)
    assert ".mjs" in str(refused.value)


def test_a_wheel_has_the_file_and_not_the_modules(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    subprocess.run([*pip, "wheel", *options, str(HOUSE)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        modules = {
            path.relative_to(HOUSE).as_posix()
            for folder in (BUNDLE.parent, BUNDLE.parents[1] / "built")
            for path in folder.glob("*.mjs")
        }
        assert {name for name in names if name.endswith("js")} == modules
        assert archive.read(BUNDLE.relative_to(HOUSE).as_posix()) == BUNDLE.read_bytes()
    assert [name for name in names if "/js/" in name] == []
    for folder in ("certledger/api/web", "certledger/api/pages"):
        files = [path for path in (HOUSE / folder).rglob("*.*") if path.suffix != ".pyc"]
        shipped = {path.relative_to(HOUSE).as_posix() for path in files if path.is_file()}
        assert len(shipped) > 10
        assert shipped - set(names) == set(), "all that the pages serve is in the wheel"


@pytest.mark.skipif(NODE is None, reason="needs Node.js")
def test_the_modules_answer_the_conformance_suite_as_the_bundle_does() -> None:
    chosen = folders()[::5]
    lines = [json.dumps(words_of(folder)) + "\n" for folder in chosen]
    bundle, modules = (
        subprocess.run(
            [NODE or "", str(COMMAND), "--batch"],
            input="".join(lines).encode(),
            stdout=subprocess.PIPE,
            check=True,
            env=os.environ | {"CERTLEDGER_JS": str(source)},
        ).stdout
        for source in (BUNDLE, HERE / "index.mjs")
    )
    assert len(bundle.splitlines()) == len(chosen) > 100
    assert modules == bundle


def words_of(folder: Path) -> list[str]:
    """Return the arguments of a case, with whole paths."""
    words = json.loads((folder / "case.json").read_bytes())["arguments"]
    return [str(folder / word) if (folder / word).is_file() else word for word in words]
