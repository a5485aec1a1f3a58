"""Evidence files: one spelling, every member known, anything else refused (SPEC section 16)."""

import copy
import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from certledger.verifier.formats.base45 import from_base45, to_base45
from certledger.verifier.formats.canonical_json import format_canonical, to_base64url
from certledger.verifier.formats.compact_evidence import PREFIX, Compact
from certledger.verifier.formats.evidence import (
    MAX_EVIDENCE_BYTES,
    Evidence,
    batch_from_json,
    batch_to_json,
)
from certledger.verifier.formats.holder_file import Holding
from certledger.verifier.formats.record import Disclosure
from certledger.verifier.verify.cached import Reader
from tests.verifier.mutations import json_values, mutated, one_byte_changed, parts_of
from tests.verifier.refusals import refused_as, tried
from tests.world import World, WorldIssuer

VECTORS = Path(__file__).parent.parent / "vectors"


def vector(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


FILE = vector("evidence")["file"].encode()
HOLDING = vector("evidence")["holding"].encode()
CODE = vector("compact")["text"]
GOOD = json.loads(FILE)
EVIDENCE = Evidence.parse(FILE)


def bound_evidence() -> bytes:
    """Return evidence of a bound certificate with its presentation."""
    issuer = WorldIssuer.of()
    key = vector("certificate")["holder_key"]["text"]
    issued = issuer.issue("1", holder_key=key)
    issuer.anchor([issued])
    value = World(issuers=[issuer]).evidence(issuer, issued).to_json()
    return format_canonical(value | {"presentation": vector("compact")["presentation"]})


BOUND = bound_evidence()


def spelled(value: Any) -> bytes:
    """Return `value` in sorted order without white space, whatever it holds."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def put(*path: Any, to: Any) -> Any:
    """Return good evidence with the part at `path` set, or removed where `to` is None."""
    value = copy.deepcopy(GOOD)
    *path_to, last = path
    inside = value
    for key in path_to:
        inside = inside[key]
    if to is None:
        del inside[last]
    else:
        inside[last] = to
    return value


# The file --------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [FILE, BOUND], ids=["unbound", "bound"])
def test_a_file_is_read_and_written_back(data):
    evidence = Evidence.parse(data)
    assert evidence.format() == data == rfc8785.dumps(evidence.to_json())
    assert Evidence.from_json(evidence.to_json()) == evidence
    assert Reader(4).read(data) == evidence


@given(one_byte_changed(FILE) | one_byte_changed(BOUND))
def test_one_byte_changed_is_refused_or_says_something_else(data):
    evidence, code = tried(Evidence.parse, data)
    if code is None:
        assert evidence.format() == data
        assert (evidence == EVIDENCE) == (data == FILE)


@given(st.integers(0, len(FILE) - 1))
def test_a_file_cut_short_is_refused(end):
    assert refused_as(Evidence.parse, FILE[:end]) in {"json.syntax"}


@pytest.mark.parametrize("around", [b" ", b"\n", b"\0", b"{}", b"\xef\xbb\xbf"])
def test_a_byte_before_or_after_a_file_is_refused(around):
    assert refused_as(Evidence.parse, FILE + around).startswith("json.")
    assert refused_as(Evidence.parse, around + FILE).startswith("json.")


@given(st.binary(max_size=80))
@example(b"")
@example(b"null")
@example(b"[]")
@example(b"{}")
def test_any_bytes_are_refused(data):
    assert tried(Evidence.parse, data)[1] is not None
    assert tried(Holding.parse, data)[1] is not None


def test_more_bytes_than_evidence_has_are_not_read():
    assert refused_as(Evidence.parse, FILE + b" " * MAX_EVIDENCE_BYTES) == "json.size"


@given(json_values | mutated(GOOD))
def test_any_JSON_is_evidence_or_refused(value):
    evidence, code = tried(Evidence.from_json, value)
    assert code is not None or evidence.to_json() == value
    assert value == GOOD or evidence != EVIDENCE


@given(one_byte_changed(FILE) | one_byte_changed(BOUND) | mutated(GOOD).map(spelled))
def test_reading_part_by_part_answers_as_reading_whole(data):
    assert tried(Reader(4).read, data) == tried(Evidence.parse, data)
    warm = Reader(4)
    for known in (FILE, BOUND):
        warm.read(known)
    assert tried(warm.read, data) == tried(Evidence.parse, data)


# Rules, one by one -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", [path for path in parts_of(GOOD) if isinstance(path[-1], str)])
def test_no_member_may_be_absent_or_unknown(path):
    missing = refused_code(put(*path, to=None))
    optional = {("record", "expires"), ("catalog", "entry", "months")}
    assert missing is None if path in optional else missing == "schema.invalid"
    unknown = put(*path[:-1], path[-1] + "_", to=1)
    assert refused_code(unknown) == "schema.invalid"


def refused_code(value: Any) -> str | None:
    return tried(Evidence.from_json, value)[1]


HASH = to_base64url(bytes(32))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (put("type", to="certledger/evidence/2"), "schema.version"),
        (put("record", "type", to="certledger/record/2"), "schema.version"),
        (put("catalog", "entry", "type", to="certledger/entry/0"), "schema.version"),
        (put("signature", to=to_base64url(bytes(65))), "schema.invalid"),
        (put("signer", to=to_base64url(bytes(33))), "schema.invalid"),
        (put("path", to=to_base64url(bytes(33 * 32))), "schema.invalid"),
        (put("path", to=HASH + "="), "base64.not_canonical"),
        (put("path", to=HASH[:-1] + "B"), "base64.not_canonical"),
        (put("disclosures", to="x"), "schema.invalid"),
        (put("disclosures", to=[1]), "schema.invalid"),
        (put("disclosures", to=GOOD["disclosures"][::-1]), "schema.invalid"),
        (put("disclosures", to=GOOD["disclosures"][:1] * 2), "schema.invalid"),
        (put("disclosures", to=["AA"]), "json.syntax"),
        (put("statement", "sequence", to=0), "schema.invalid"),
        (put("statement", "count", to=0), "schema.invalid"),
        (put("statement", "count", to=65537), "schema.invalid"),
        (put("statement", "first", to=2**32), "schema.invalid"),
        (put("statement", "not_after", to=253_402_300_800), "schema.invalid"),
        (put("statement", "issuer", to="11310000XX00000196"), "schema.invalid"),
        (put("anchor", "key", to=16), "schema.invalid"),
        (put("anchor", "block", to=2**40), "schema.invalid"),
        (put("catalog", "place", to=4096), "schema.invalid"),
        (put("catalog", "count", to=0), "schema.invalid"),
        (put("catalog", "count", to=4097), "schema.invalid"),
        (put("status", "marks", to=2**25), "schema.invalid"),
        (put("proof", "account", to=[]), "schema.invalid"),
        (put("proof", "slot", to=["AA"] * 65), "schema.invalid"),
        (put("proof", "slot", to=[1]), "schema.invalid"),
        (put("proof", "slot", to=[to_base64url(bytes(1025))]), "schema.invalid"),
        (put("checkpoint", to=1), "schema.invalid"),
        (put("presentation", to=vector("compact")["presentation"]), "schema.invalid"),
        (put("presentation", to={}), "schema.invalid"),
        (put("note", to="hello"), "schema.invalid"),
    ],
)
def test_evidence_that_breaks_a_rule_is_refused_by_it(value, code):
    assert refused_as(Evidence.from_json, value) == code


def test_a_disclosure_of_another_record_is_read_so_that_check_1_can_fail():
    stray = to_base64url(format_canonical(["s", "holder_name", "李示例"]))
    value = put("disclosures", to=[stray, *GOOD["disclosures"]])
    assert Evidence.from_json(value).record.places(Evidence.from_json(value).disclosures) == [
        None,
        0,
        1,
    ]


def test_a_statement_is_read_back_without_its_issuer():
    said = EVIDENCE.statement
    assert batch_from_json(batch_to_json(said), EVIDENCE.record.issuer) == said


def test_what_is_shown_can_be_chosen_in_any_order_and_is_written_in_place_order():
    held = [Disclosure.parse(part["text"]) for part in vector("certificate")["disclosures"]]
    chosen = EVIDENCE.showing(held[::-1])
    assert list(chosen.disclosures) == held
    assert Evidence.parse(chosen.format()) == chosen
    stray = Disclosure.parse(to_base64url(format_canonical(["s", "n", "v"])))
    assert refused_as(EVIDENCE.showing, [stray]) == "disclosure.foreign"


# The holder's file and the code ----------------------------------------------------------------


def test_a_holding_is_read_and_written_back():
    holding = Holding.parse(HOLDING)
    assert holding.format() == HOLDING == rfc8785.dumps(holding.to_json())


@given(one_byte_changed(HOLDING))
def test_a_holding_with_one_byte_changed_is_refused_or_another(data):
    holding, code = tried(Holding.parse, data)
    assert code is not None or holding.format() == data


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"type": "certledger/holding/2"}, "schema.version"),
        ({"names": []}, "schema.invalid"),
        ({"names": [1]}, "schema.invalid"),
        ({"disclosures": []}, "schema.invalid"),
        ({"disclosures": [to_base64url(b'["s","n","v"]')]}, "disclosure.foreign"),
        ({"note": 1}, "schema.invalid"),
    ],
    ids=str,
)
def test_a_holding_that_breaks_a_rule_is_refused_by_it(changed, code):
    value = json.loads(HOLDING) | changed
    assert refused_as(Holding.parse, format_canonical(value)) == code


@given(one_byte_changed(CODE.encode()) | st.text(max_size=40).map(lambda t: (PREFIX + t).encode()))
def test_a_code_with_one_character_changed_is_refused_or_another(data):
    text = data.decode("utf-8", "replace")
    compact, code = tried(Compact.parse, text)
    if code is None:
        assert compact.format() == text
        assert (compact == Compact.parse(CODE)) == (text == CODE)


@given(st.binary(max_size=60) | json_values.map(cbor2.dumps))
@example(b"\x9f" * 2000)
@example(b"\x81" * 2000)
@example(b"\xd8\x1c\x81\xd8\x1d\x00")
@example(b"\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00")
def test_any_CBOR_is_a_code_or_refused(data):
    assert tried(Compact.from_cbor, data)[1] is not None


@given(mutated(cbor2.loads(from_base45(CODE.removeprefix(PREFIX)))))
def test_a_code_with_one_part_changed_is_refused_or_another(parts):
    data = cbor2.dumps(parts, canonical=True)
    compact, code = tried(Compact.from_cbor, data)
    assert code is not None or compact.to_cbor() == data
    whole = PREFIX + to_base45(data)
    assert (tried(Compact.parse, whole)[1] is None) == (code is None and len(whole) <= 4096)
