"""Rules of the book's rules: each condition is right, and something can come of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from certledger.ledger.reference_data.checks import refer
from certledger.ledger.reference_data.csv_reader import Table
from certledger.ledger.reference_data.faults import FaultCode
from certledger.verifier.reform.rule_syntax import RuleInvalidError
from certledger.verifier.reform.rule_types import RuleType, Variables
from certledger.verifier.reform.rules import LINE_FIELDS, check_expression

Tables = Mapping[str, Table[Any]]


def check_rules(tables: Tables) -> None:
    """Report conditions that cannot be evaluated or reached; fields are those of the materials."""
    table, items = tables["rules"], tables["service_items"]
    unattended = {row.code for _, row in items.rows if row.unattended}
    variables = _variables(tables, {row.item_code for _, row in table.rows})
    versions: dict[str, int] = {}
    seen: set[tuple[str, str]] = set()
    for line, row in table.rows:
        refer(table, line, "item_code", row.item_code, items)
        if (row.item_code,) in items.keys and row.item_code not in unattended:
            reason = f"{row.item_code} is not handled unattended, so its rule is never reached"
            table.report(line, "item_code", FaultCode.RULE_UNREACHABLE, reason)
        if versions.setdefault(row.item_code, row.version) != row.version:
            reason = f"{row.item_code} has a condition of version {versions[row.item_code]} too"
            table.report(line, "version", FaultCode.CONTRADICTION, reason)
        before = row.condition_no - 1
        if before and (row.item_code, str(before)) not in table.keys:
            reason = f"condition {row.condition_no} stands without condition {before}"
            table.report(line, "condition_no", FaultCode.NUMBERING, reason)
        if (row.item_code, row.expression) in seen:
            reason = "the same condition stands before, so this one never decides"
            table.report(line, "expression", FaultCode.RULE_UNREACHABLE, reason)
        seen.add((row.item_code, row.expression))
        _check_expression(table, line, row, variables)


def _check_expression(
    table: Table[Any], line: int, row: Any, variables: Mapping[str, Variables]
) -> None:
    try:
        check_expression(row.expression, variables[row.item_code])
    except RuleInvalidError as error:
        table.report(line, "expression", FaultCode(error.code), str(error))


def _variables(tables: Tables, items: set[str]) -> Mapping[str, Variables]:
    """Return the variables that the rule of each of some items may name."""
    fields = {row.code: row.fields for _, row in tables["categories"].rows}
    found: dict[str, dict[str, RuleType | Mapping[str, RuleType]]] = {
        item: {"today": RuleType.TEXT, "applicant": RuleType.TEXT} for item in items
    }
    for _, row in tables["materials"].rows:
        if row.item_code in found:
            texts = {
                name: RuleType.TEXT
                for code in row.category_code or ()
                for name in fields.get(code, ())
            }
            found[row.item_code][f"m{row.material_no}"] = {**texts, **LINE_FIELDS}
    return found
