"""After crimes on every table that chain and batch files can mend: rebuild, and the audit is clean.

The long form, a rebuild after each crime, is part of `make crimes`.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from certledger.ledger.audit.database_source import StoredFiles
from certledger.ledger.audit.export import publish
from certledger.ledger.repair.rebuild import rebuild
from certledger.verifier.audit.report import AuditVerdict
from tests.audit import sweep
from tests.audit.conftest import Auditor
from tests.audit.coverage import ROWS
from tests.audit.little import opened
from tests.audit.sweep import Crime


def rounds(served: Path) -> list[list[Crime]]:
    """Return rounds of crimes: a row of each table deleted, its last column edited, rows moved."""
    by_table: dict[str, list[Crime]] = {}
    for crime in sweep.mendable(served):
        by_table.setdefault(crime.table, []).append(crime)
    deleted = [one for found in by_table.values() for one in found if one.column == ROWS]
    edited = [found[-1] for found in by_table.values() if found[-1].column != ROWS]
    moved = [Crime("receipt_batches", "sequence", 1), Crime("watches", "issuer", 1)]
    return [deleted, edited, moved]


def commit(crimes: list[Crime], home: Path) -> int:
    committed = 0
    for crime in crimes:
        try:
            crime.commit(home)
            committed += 1
        except (sqlite3.IntegrityError, TypeError):
            continue  # The database refuses it, or the row has another number by now.
    return committed


@pytest.mark.parametrize("which", [0, 1, 2], ids=["deleted", "edited", "moved"])
def test_after_crimes_on_every_table_a_rebuild_makes_the_audit_clean(
    served: Path, tmp_path: Path, auditor: Auditor, which: int
) -> None:
    home = Path(shutil.copytree(served, tmp_path / "home"))
    with opened(home) as ledger:
        kept = StoredFiles(ledger.settings.database, home)
        publish(kept, tmp_path / "published")
        kept.close()
        assert commit(rounds(served)[which], home) >= (2 if which == 2 else 10)
        rebuilt = rebuild(ledger, [tmp_path / "published"])
    assert [one.to_json() for one in rebuilt.left] == []
    assert [one.to_json() for one in rebuilt.missing] == []
    report = auditor.home(home)
    assert [one.to_json() for one in (*report.faults, *report.gaps)] == []
    assert report.verdict is AuditVerdict.CLEAN
