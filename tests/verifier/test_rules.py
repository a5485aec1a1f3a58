"""Expressions of rules: a subset of CEL that always ends, held against a CEL library."""

from __future__ import annotations

from typing import Any

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certledger.verifier.reform.rule_evaluator import RuleError, evaluate
from certledger.verifier.reform.rule_syntax import RuleInvalidError, parse_rule
from certledger.verifier.reform.rule_types import RuleType, Variables, check_condition
from certledger.verifier.reform.rules import LINE_FIELDS
from tests.effort import effort

VARIABLES: Variables = {
    "today": RuleType.TEXT,
    "applicant": RuleType.TEXT,
    "m1": {"birth_date": RuleType.TEXT, "kind": RuleType.TEXT, **LINE_FIELDS},
    "m2": {"amount": RuleType.TEXT, **LINE_FIELDS},
}
VALUES: dict[str, Any] = {
    "today": "2026-11-30",
    "applicant": "person",
    "m1": {
        "birth_date": "2008-11-30",
        "kind": "甲",
        "met": True,
        "own": False,
        "category": "ID-RESIDENT",
        "age_days": 3,
    },
    "m2": {"amount": "1200", "met": True, "own": True, "category": "X", "age_days": 0},
}


def holds(text: str) -> bool:
    node = parse_rule(text)
    check_condition(node, VARIABLES)
    return evaluate(node, VALUES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m1.met && m2.met", True),
        ("years(m1.birth_date, today) >= 18", True),
        ("years(m1.birth_date, today) >= 19", False),
        ("days('2026-11-01', today) == 29", True),
        ("int(m2.amount) / 7 == 171 && int(m2.amount) % 7 == 3", True),
        ("(0 - int(m2.amount)) / 7 == -171", True),
        ("m1.kind in ['甲', '乙']", True),
        ("!(m1.kind in ['丙']) && m2.age_days < 1", True),
        ("m1.category.startsWith('ID-') ? m2.own : m1.own", True),
        ("today >= '2026-12-01'", False),
        ("size(m1.kind) == 1", True),
        ('m1.own || applicant == "person"', True),
        (r"m1.kind == 'it\'s' || m2.met", True),
    ],
)
def test_a_condition_holds_or_not(text: str, expected: bool) -> None:
    assert holds(text) is expected


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("m1.met &&", "rule.syntax", 9),
        ("m1.met m2.met", "rule.syntax", 7),
        ("m1.met && #", "rule.syntax", 10),
        ("'open", "rule.syntax", 0),
        ("1.5 < 2", "rule.syntax", 0),
        ("9007199254740992 == 1", "rule.syntax", 0),
        ("m3.met", "rule.unknown", 0),
        ("m1.nothing == ''", "rule.unknown", 0),
        ("m1.met.more", "rule.unknown", 0),
        ("[1, 2].all(x, x > 0)", "rule.syntax", 6),
        ("exec('rm')", "rule.unknown", 0),
        ("m1.birth_date", "rule.type", 0),
        ("m1.age_days == '3'", "rule.type", 12),
        ("m1.met && m1.age_days", "rule.type", 7),
        ("m1.kind in [1, '甲']", "rule.type", 11),
        ("years(m1.birth_date) > 1", "rule.type", 0),
        ("m1.age_days / 0 == 1", "rule.division", 12),
        ("true", "rule.unreachable", 0),
        ("1 == 2", "rule.unreachable", 2),
        ("m1.met || true", "rule.unreachable", 10),
        ("false && m1.met", "rule.unreachable", 0),
        ("true ? m1.met : m2.met", "rule.unreachable", 0),
        ("m1.met && " * 500 + "m1.met", "rule.size", 0),
        ("(" * 40 + "m1.met" + ")" * 40, "rule.size", 32),
        ("!" * 40 + "m1.met", "rule.size", 0),
        ("m1.kind in [" + "'a'," * 65 + "'a']", "rule.size", 0),
        ("x" * 1_000_000, "rule.size", 0),
        # Chains nest to the left: each operator is within the next.
        ("today" + " + today" * 500 + " == today", "rule.size", 0),
        ("m1.age_days" + " - 1" * 128 + " == 0", "rule.size", 0),
    ],
)
def test_what_is_no_condition_is_refused_with_its_place(text: str, code: str, at: int) -> None:
    with pytest.raises(RuleInvalidError) as refused:
        holds(text)

    assert refused.value.code == code
    if code != "rule.size":
        assert refused.value.at == at


def test_the_longest_chain_is_evaluated() -> None:
    assert holds("m1.age_days" + " - 1" * 127 + " < 0")


@pytest.mark.parametrize(
    "text",
    [
        "int(m1.kind) == 1",
        "years(m1.kind, today) > 1",
        "days('2026-02-30', today) > 1",
        "m1.age_days / m2.age_days == 1",
        "m1.age_days % m2.age_days == 1",
        "m1.age_days * 9007199254740991 * 9007199254740991 > 0",
        "m1.met && int(m1.kind) == 1",
    ],
)
def test_an_error_is_no_decision(text: str) -> None:
    with pytest.raises(RuleError):
        holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "1 < 'a'",
        "size(1) == 1",
        "exec('rm')",
        "!m1.kind.x()",
        "years(1, 2) > 1",
        "[[1]] == 1",
        "-'a'",
    ],
)
def test_an_expression_that_nobody_checked_is_an_error(text: str) -> None:
    with pytest.raises(RuleError):
        evaluate(parse_rule(text), VALUES)


@pytest.mark.parametrize("text", ["m1.birth_date == ''", "m1.kind == '' || m1.met"])
def test_a_missing_field_is_an_error(text: str) -> None:
    node = parse_rule(text)
    with pytest.raises(RuleError, match="missing"):
        evaluate(node, {"today": "2026-11-30", "m1": {"met": True}})


def test_what_is_not_reached_is_not_evaluated() -> None:
    assert not holds("m1.own && int(m1.kind) == 1")
    assert holds("m1.met || int(m1.kind) == 1")


INTS = st.one_of(
    st.integers(0, 2**53 - 1).map(str), st.sampled_from(["m1.age_days", "int(m2.amount)"])
)
TEXTS = st.sampled_from(["'甲'", '"ab"', "''", "m1.kind", "today", "m1.category"])
ASCII = st.sampled_from(['"ab"', "''", "today", "m1.category"])
BOOLS = st.sampled_from(["m1.met", "m1.own", "m2.own", "true", "false"])


def grown(depth: int) -> tuple[Any, Any, Any]:
    """Return strategies of integers, texts and conditions nested so deep."""
    if not depth:
        return INTS, TEXTS, BOOLS
    ints, texts, bools = grown(depth - 1)
    signs = st.sampled_from(["+", "-", "*", "/", "%"])
    compared = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    return (
        st.one_of(INTS, st.builds("({} {} {})".format, ints, signs, ints)),
        st.one_of(TEXTS, st.builds("({} + {})".format, texts, texts)),
        st.one_of(
            BOOLS,
            st.builds("({} {} {})".format, ints, compared, ints),
            st.builds("({} {} {})".format, texts, compared, texts),
            st.builds("({} {} {})".format, bools, st.sampled_from(["&&", "||"]), bools),
            st.builds("(!{})".format, bools),
            st.builds("({} ? {} : {})".format, bools, bools, bools),
            st.builds("({} in [{}, {}])".format, texts, texts, texts),
            # The library counts bytes of UTF-8, where CEL and we count characters.
            st.builds("(size({}) < {})".format, ASCII, ints),
            st.builds("{}.contains({})".format, st.just("m1.kind"), texts),
        ),
    )


@settings(max_examples=effort(150, 5_000), deadline=None)
@given(grown(3)[2])
def test_a_value_is_that_of_a_CEL_library(text: str) -> None:
    try:
        found = evaluate(parse_rule(text), VALUES)
    except RuleError:
        return
    assert cel.evaluate(text, VALUES) is found


@settings(max_examples=effort(300, 20_000), deadline=None)
@given(st.text(alphabet="m1.et&|!=<>()[]'\"in ?:+-*/%2,甲", max_size=60))
def test_any_text_is_refused_or_evaluated(text: str) -> None:
    refused = None
    try:
        held = holds(text)
    except (RuleInvalidError, RuleError) as error:
        refused = error.code
    assert held in (True, False) if refused is None else refused.startswith("rule.")
