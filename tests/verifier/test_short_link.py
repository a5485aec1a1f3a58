"""Short links (SPEC section 4.9): the vectors, in Python and in JavaScript."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.record import access_code, lookup_digest, normal_number
from certledger.verifier.formats.short_link import MAX_LINK_CHARACTERS, ShortLink
from certledger.verifier.js.bundle import BUNDLE

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "certificate.json").read_text(encoding="utf-8")
)
CODE = VECTORS["access_code"]["normal"]
ADDRESS = "https://certledger.example"
NODE = shutil.which("node")
TYPED = [
    "a\u200b\ufeff1\u2014\u20132\u22123",
    "沪【２０２６】12号",
    "沪（ 2026 ）12号(3)(45678)",
    "\x1c\x85ß\u3000",
    " ",
    "沪" * 65,
    "ı",
]
"""Numbers as people type them, two of which are refused."""

SCRIPT = f"""
import * as verifier from {json.dumps(BUNDLE.as_uri())};
import {{ readFileSync }} from "node:fs";
const attempt = (run) => {{
  try {{ return run(); }} catch (error) {{ return {{ error: error.code }}; }}
}};
const asked = JSON.parse(readFileSync(0, "utf8"));
const answers = {{
  parsed: asked.pasted.map((text) => attempt(() => verifier.parseShortLink(text))),
  links: asked.links.map((three) => attempt(() => verifier.formatShortLink(...three))),
  numbers: asked.numbers.map((text) => attempt(() => verifier.normalNumber(text))),
  codes: asked.codes.map((text) => attempt(() => verifier.normalAccessCode(text))),
  digest: Buffer.from(verifier.lookupDigest(...asked.digest)).toString("hex"),
}};
console.log(JSON.stringify(answers));
"""


def ask_javascript(asked: Any) -> Any:
    """Return what the JavaScript module says to the questions of the script."""
    run = subprocess.run(
        [NODE or "", "--input-type=module", "-e", SCRIPT],
        input=json.dumps(asked).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(run.stdout)


def attempt(run: Any, *arguments: Any) -> Any:
    try:
        return run(*arguments)
    except CertledgerError as error:
        return {"error": error.code}


def parsed(text: str) -> Any:
    link = ShortLink.parse(text)
    return {"number": link.number, "code": link.code}


def formatted(address: str, number: str | None, code: str) -> str:
    return ShortLink(number=number, code=code).format(address)


LINKS: list[tuple[str, str | None, str]] = [
    *((ADDRESS, one["of"], CODE) for one in VECTORS["links"]),
    (ADDRESS, None, CODE),
    ("http://127.0.0.1:8089", "沪1", CODE),
    ("https://" + "a" * 93, "1", CODE),
    ("https://" + "a" * 94, "1", CODE),
    ("https://certledger.example/", "1", CODE),
    ("certledger.example", "1", CODE),
    ("https://certledger.example?", "1", CODE),
]


@pytest.mark.parametrize("one", VECTORS["pasted"], ids=lambda one: ascii(one["text"][:50]))
def test_a_link_is_read_or_refused_as_the_vectors_say(one: dict[str, Any]) -> None:
    assert {"text": one["text"], **attempt(parsed, one["text"])} == one


def test_links_of_the_vectors_are_made_and_what_has_no_room_is_left_out() -> None:
    made = [attempt(formatted, *one) for one in LINKS]
    count = len(VECTORS["links"])
    assert made[:count] == [one["link"] for one in VECTORS["links"]]
    assert made[count:] == [
        f"{ADDRESS}/v#{CODE}",
        f"http://127.0.0.1:8089/v#~6CAA1.{CODE}",
        f"https://{'a' * 93}/v#{CODE}",
        *[{"error": "link.address"}] * 4,
    ]
    assert len(made[count + 2]) == MAX_LINK_CHARACTERS


@given(st.text(min_size=1, max_size=64), st.binary(min_size=10, max_size=10))
def test_what_is_made_is_read_again_by_any_case_and_has_only_plain_characters(
    typed: str, entropy: bytes
) -> None:
    try:
        number: str | None = normal_number(typed)
    except CertledgerError:
        number = None
    link = ShortLink(number=number, code=access_code(entropy))
    text = link.format("https://a.example")
    assert len(text) <= MAX_LINK_CHARACTERS
    assert re.fullmatch(r"https://a\.example/v#[0-9A-Z~./_-]+", text)
    found = ShortLink.parse(text.lower())
    assert found.code == link.code
    # The number of another case is the same number, but for letters whose upper case is their own.
    assert found.number in (link.number, None)


@pytest.mark.skipif(NODE is None, reason="needs Node.js, which is not installed")
def test_javascript_reads_makes_and_refuses_the_same() -> None:
    pasted = [one["text"] for one in VECTORS["pasted"]]
    pasted += [f"#\x85沪\u200b1.{CODE}\x1c", f"#1.{CODE}\ufeff", f"#{'%31' * 60}.{CODE}"]
    codes = [
        VECTORS["access_code"]["typed"],
        "ı" * 16,
        "０" * 16,
        "0123\u200b-4567‐89AB−CDEF\ufeff",
    ]
    typed = VECTORS["number"]["typed"]
    answers = ask_javascript(
        {
            "pasted": pasted,
            "links": LINKS,
            "numbers": [typed, *TYPED],
            "codes": codes,
            "digest": [typed, codes[0]],
        }
    )
    assert answers["parsed"] == [attempt(parsed, text) for text in pasted]
    assert answers["links"] == [attempt(formatted, *one) for one in LINKS]
    assert answers["numbers"] == [attempt(normal_number, text) for text in [typed, *TYPED]]
    assert [one == {"error": "number.invalid"} for one in answers["numbers"]].count(True) == 2
    assert answers["codes"] == [
        CODE,
        {"error": "access_code.invalid"},
        "0" * 16,
        "0123456789ABCDEF",
    ]
    assert answers["digest"] == lookup_digest(typed, codes[0]).hex() == VECTORS["lookup_digest"]
