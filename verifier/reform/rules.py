"""Rules of unattended handling: one a version an item, conditions in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from certledger.verifier.reform.rule_syntax import Node, parse_rule
from certledger.verifier.reform.rule_types import RuleType, Variables, check_condition

if TYPE_CHECKING:
    from certledger.verifier.reform.book import Name

MAX_CONDITIONS = 32
LINE_FIELDS: Mapping[str, RuleType] = {
    "met": RuleType.BOOL,
    "category": RuleType.TEXT,
    "own": RuleType.BOOL,
    "age_days": RuleType.INT,
}
"""Fields of every line in addition to those of its categories' certificates, which are texts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleCondition:
    """A condition; where it does not hold, the decision is `otherwise` for the reason in words."""

    expression: str
    otherwise: str
    words: Name


@dataclass(frozen=True, kw_only=True, slots=True)
class HandlingRule:
    """The rule of an item: granted where every condition holds."""

    item: str
    version: int
    conditions: tuple[RuleCondition, ...]


@lru_cache(maxsize=4_096)
def parsed_condition(expression: str) -> Node:
    """Return the expression of a condition, parsed once; raises as `parse_rule`."""
    return parse_rule(expression)


def check_expression(expression: str, variables: Variables) -> None:
    """Check that a condition can be evaluated and may come out either way.

    Raises:
        RuleInvalidError: it is no condition, or names what the materials do not have.
    """
    check_condition(parse_rule(expression), variables)
