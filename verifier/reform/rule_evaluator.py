"""Evaluate a checked expression: time linear in its length, and an error is never a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from operator import contains, eq, ge, gt, le, lt, ne

from certledger.verifier.errors import CertledgerError
from certledger.verifier.reform.rule_syntax import Call, FieldPath, ListExpression, Literal, Node

MAX_VALUE = 2**63 - 1
MAX_TEXT_CHARACTERS = 8_192
Scalar = bool | int | str
Value = Scalar | tuple[Scalar, ...]
Values = Mapping[str, Scalar | Mapping[str, Scalar]]
_INTEGER = re.compile("-?[0-9]{1,18}")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class RuleError(CertledgerError):
    """A condition has no value: a field is missing, a number or day is none, a division by zero."""

    code = "rule.error"


def evaluate(node: Node, values: Values) -> bool:
    """Return whether a checked condition holds.

    Raises:
        RuleError: it cannot be evaluated.
    """
    return bool(_value(node, values))


def _value(node: Node, values: Values) -> Value:
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, FieldPath):
        return _field(node, values)
    if isinstance(node, ListExpression):
        return tuple(_scalar(part, values) for part in node.parts)
    return _call(node, values)


def _scalar(node: Node, values: Values) -> Scalar:
    value = _value(node, values)
    if isinstance(value, tuple):
        raise RuleError("a list within a list")
    return value


def _field(node: FieldPath, values: Values) -> Scalar:
    found = values.get(node.names[0])
    if len(node.names) == 2:
        found = found.get(node.names[1]) if isinstance(found, Mapping) else None
    if found is None or isinstance(found, Mapping):
        raise RuleError(f"{'.'.join(node.names)} is missing")
    return found


def _call(node: Call, values: Values) -> Value:
    if node.name in ("&&", "||"):
        left, right = node.arguments
        # What decides alone leaves the other side unasked; an error is no decision.
        return bool(_value(right if _value(left, values) is (node.name == "&&") else left, values))
    if node.name == "?:":
        condition, good, bad = node.arguments
        return _value(good if _value(condition, values) else bad, values)
    arguments = [_value(part, values) for part in node.arguments]
    try:
        return _bounded(FUNCTIONS[node.name](*arguments))
    except (KeyError, TypeError):
        # An importer checks names and types; who replays a decision has only the edition's file.
        raise RuleError(f"{node.name} does not take this") from None


def _bounded(value: Value) -> Value:
    if type(value) is int and not -MAX_VALUE - 1 <= value <= MAX_VALUE:
        raise RuleError("a number leaves the range of 64 bits")
    if type(value) is str and len(value) > MAX_TEXT_CHARACTERS:
        raise RuleError(f"a text of more than {MAX_TEXT_CHARACTERS} characters")
    return value


def _quotient(left: int, right: int) -> int:
    """Divide towards zero, as CEL does."""
    if right == 0:
        raise RuleError("it divides by zero")
    found = abs(left) // abs(right)
    return found if (left < 0) == (right < 0) else -found


def _remainder(left: int, right: int) -> int:
    return left - right * _quotient(left, right)


def _integer(value: int | str) -> int:
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value):
            raise RuleError("a text that is no integer")
        return int(value)
    return value


def _day(text: str) -> date:
    if not _DAY.fullmatch(text):
        raise RuleError("a text that is no day")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RuleError("a text that is no day of the calendar") from None


def _days(first: str, last: str) -> int:
    return (_day(last) - _day(first)).days


def _years(first: str, last: str) -> int:
    """Return whole years from a day to another, as an age is counted; negative if it is later."""
    start, end = _day(first), _day(last)
    if end < start:
        return -_years(last, first)
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))


FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "!": lambda value: not value,
    "neg": lambda value: -value,
    "==": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
    "in": lambda value, parts: contains(parts, value),
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _quotient,
    "%": _remainder,
    "int": _integer,
    "size": len,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": contains,
    "days": _days,
    "years": _years,
}
"""Functions of `rule_types.SIGNATURES` but for those that choose what is evaluated."""
