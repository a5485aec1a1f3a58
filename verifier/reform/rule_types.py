"""The types of rules: each field, function and operator fits, or the rule is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from certledger.verifier.reform.rule_syntax import (
    Call,
    FieldPath,
    ListExpression,
    Literal,
    Node,
    RuleInvalidError,
)


class RuleType(StrEnum):
    """Types of values; a day is text like 2026-11-30, which compares as days do."""

    BOOL = "bool"
    INT = "int"
    TEXT = "string"
    INTS = "list of int"
    TEXTS = "list of string"


B, N, S = RuleType.BOOL, RuleType.INT, RuleType.TEXT
Signature = tuple[tuple[RuleType, ...], RuleType]
_COMPARED: Sequence[Signature] = (((N, N), B), ((S, S), B))
_COUNTED: Sequence[Signature] = (((N, N), N),)
_SOUGHT: Sequence[Signature] = (((S, S), B),)
_SPANS: Sequence[Signature] = (((S, S), N),)
SIGNATURES: Mapping[str, Sequence[Signature]] = {
    "!": (((B,), B),),
    "neg": (((N,), N),),
    "||": (((B, B), B),),
    "&&": (((B, B), B),),
    "==": (*_COMPARED, ((B, B), B)),
    "!=": (*_COMPARED, ((B, B), B)),
    "<": _COMPARED,
    "<=": _COMPARED,
    ">": _COMPARED,
    ">=": _COMPARED,
    "in": (((N, RuleType.INTS), B), ((S, RuleType.TEXTS), B)),
    "+": (*_COUNTED, ((S, S), S)),
    "-": _COUNTED,
    "*": _COUNTED,
    "/": _COUNTED,
    "%": _COUNTED,
    "?:": tuple(((B, of, of), of) for of in RuleType),
    "int": (((S,), N), ((N,), N)),
    "size": (((S,), N), ((RuleType.INTS,), N), ((RuleType.TEXTS,), N)),
    "startsWith": _SOUGHT,
    "endsWith": _SOUGHT,
    "contains": _SOUGHT,
    "days": _SPANS,
    "years": _SPANS,
}
"""What each operator and function takes and gives."""
_BRANCHING = ("&&", "||", "?:")
Variables = Mapping[str, RuleType | Mapping[str, RuleType]]
"""The type of each variable, or of each of its fields."""


def check_condition(node: Node, variables: Variables) -> None:
    """Check that an expression is a condition that may come out either way.

    Raises:
        RuleInvalidError: `rule.unknown`, a variable, field or function that is not there;
            `rule.type`, a value of another type; `rule.division`, a division by zero;
            `rule.unreachable`, a part that always comes out the same.
    """
    found = _type_of(node, variables)
    if found is not B:
        raise RuleInvalidError("rule.type", f"a condition is a bool, and this a {found}", node.at)
    for part in _choices(node):
        if _is_constant(part):
            sentence = "it always comes out the same, so something is never reached"
            raise RuleInvalidError("rule.unreachable", sentence, part.at)


def _type_of(node: Node, variables: Variables) -> RuleType:
    if isinstance(node, Literal):
        return B if type(node.value) is bool else N if type(node.value) is int else S
    if isinstance(node, FieldPath):
        return _field_type(node, variables)
    if isinstance(node, ListExpression):
        return _list_type(node, variables)
    return _call_type(node, variables)


def _field_type(node: FieldPath, variables: Variables) -> RuleType:
    found = variables.get(node.names[0])
    if isinstance(found, RuleType) and len(node.names) == 1:
        return found
    if isinstance(found, Mapping) and len(node.names) == 2 and node.names[1] in found:
        return found[node.names[1]]
    raise RuleInvalidError("rule.unknown", f"there is no field {'.'.join(node.names)}", node.at)


def _list_type(node: ListExpression, variables: Variables) -> RuleType:
    types = {_type_of(part, variables) for part in node.parts}
    if types == {N}:
        return RuleType.INTS
    if types == {S}:
        return RuleType.TEXTS
    raise RuleInvalidError("rule.type", "a list has only integers, or only texts", node.at)


def _call_type(node: Call, variables: Variables) -> RuleType:
    if node.name not in SIGNATURES:
        raise RuleInvalidError("rule.unknown", f"there is no function {node.name}", node.at)
    given = tuple(_type_of(part, variables) for part in node.arguments)
    for taken, result in SIGNATURES[node.name]:
        if taken == given:
            _check_divisor(node)
            return result
    sentence = f"{node.name} does not take {', '.join(given) or 'nothing'}"
    raise RuleInvalidError("rule.type", sentence, node.at)


def _check_divisor(node: Call) -> None:
    last = node.arguments[-1]
    if node.name in ("/", "%") and isinstance(last, Literal) and last.value == 0:
        raise RuleInvalidError("rule.division", "it divides by zero", node.at)


def _choices(node: Node) -> Iterator[Node]:
    """Yield the whole condition, and each part that decides which others are reached."""
    yield node
    left = [node]
    while left:
        one = left.pop()
        if isinstance(one, Call):
            left.extend(one.arguments)
            if one.name in _BRANCHING:
                yield from one.arguments[:1] if one.name == "?:" else one.arguments
        elif isinstance(one, ListExpression):
            left.extend(one.parts)


def _is_constant(node: Node) -> bool:
    """Return whether an expression has no variable."""
    left = [node]
    while left:
        one = left.pop()
        if isinstance(one, FieldPath):
            return False
        left.extend(one.arguments if isinstance(one, Call) else ())
        left.extend(one.parts if isinstance(one, ListExpression) else ())
    return True
