"""Every table and column is compared, or stands in the list of what is not: the sweep's short form.

The long form, every column of several rows, is `make crimes`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from certledger.verifier.audit.report import AuditVerdict
from tests.audit.conftest import Auditor
from tests.audit.coverage import ALL, NOT_COVERED, ROWS, describe, reason
from tests.audit.sweep import Crime, convicts, crimes, tables
from tests.effort import effort


def test_a_served_home_is_clean(served: Path, auditor: Auditor) -> None:
    report = auditor.home(served)
    assert [one.to_json() for one in (*report.faults, *report.gaps)] == []
    assert report.verdict is AuditVerdict.CLEAN


def test_what_is_not_compared_names_columns_of_the_schema() -> None:
    columns = {table.name: {*table.columns.keys(), ROWS, ALL} for table in tables()}
    for table, listed in NOT_COVERED.items():
        assert set(listed) <= columns[table]


def test_the_documentation_shows_what_is_not_compared() -> None:
    assert describe() in (Path(__file__).parents[2] / "docs" / "audit.md").read_text()


def chosen(served: Path, table: str) -> list[Crime]:
    """Return a deletion, and changes of the first and of the last column that is compared."""
    found = [one for one in crimes(served, most=1) if one.table == table]
    compared = [one for one in found if reason(table, one.column) is None]
    rows = [one for one in compared if one.column == ROWS]
    columns = [one for one in compared if one.column != ROWS]
    return [*rows, *columns[:1], *columns[-1:]]


@pytest.mark.parametrize("table", [table.name for table in tables()][:: effort(2, 1)])
def test_an_edit_of_any_table_is_convicted_or_listed(
    served: Path, tmp_path: Path, auditor: Auditor, table: str
) -> None:
    committed = chosen(served, table)
    assert committed or reason(table, ALL)
    unnoticed = [one for one in committed if not convicts(auditor, served, one, tmp_path)]
    assert unnoticed == []
