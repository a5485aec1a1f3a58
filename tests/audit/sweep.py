"""One crime after another on every table and column of a served home: does the audit convict?

python -m tests.audit.sweep        # every row, some minutes: `make crimes`
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Column, Integer, LargeBinary, Table

from certledger.ledger.audit.database_source import StoredFiles
from certledger.ledger.audit.export import publish
from certledger.ledger.core.service_values import ApiKey, Hook, Role, Watch
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.repair.rebuild import rebuild
from certledger.ledger.settings import load_settings
from certledger.ledger.store.tables import METADATA
from certledger.ledger.verification.receipt_log import logbook_of
from certledger.verifier.audit.report import AuditVerdict
from certledger.verifier.formats.issuer_state import NO_END
from tests.api.operator_issuer import operator_issuer
from tests.audit import little
from tests.audit.conftest import Auditor
from tests.audit.coverage import ALL, ROWS, reason
from tests.audit.little import POLICE, LittleIssuer, cosigned, now, opened
from tests.audit.test_told import tell

assert NO_END
MAX_ROWS = 3
"""Rows of a table that are changed one by one: the first, one in the middle, the last."""


@dataclass(frozen=True, slots=True)
class Crime:
    """A row of a table (its number from SQLite) whose column is changed, or that is deleted."""

    table: str
    column: str
    row: int

    def commit(self, home: Path) -> None:
        """Commit it behind the ledger's back."""
        with sqlite3.connect(home / "ledger.db") as connection:
            if self.column == ROWS:
                connection.execute(f"DELETE FROM {self.table} WHERE rowid = ?", [self.row])
                return
            query = f'SELECT "{self.column}" FROM {self.table} WHERE rowid = ?'
            (value,) = connection.execute(query, [self.row]).fetchone()
            column = METADATA.tables[self.table].columns[self.column]
            statement = f'UPDATE {self.table} SET "{self.column}" = ? WHERE rowid = ?'
            connection.execute(statement, [changed(column, value), self.row])


def changed(column: Column[Any], value: Any) -> Any:
    """Return another value of a column's type."""
    if isinstance(column.type, Boolean):
        return int(not value)
    if isinstance(column.type, Integer):
        return 7 if value is None else value + 1
    if isinstance(column.type, LargeBinary):
        return b"\x01" if not value else value[:-1] + bytes([value[-1] ^ 1])
    if value is None:
        return "x"
    return value[:-1] + ("y" if value[-1:] == "x" else "x")


def make_home(home: Path) -> None:
    """Make a home in which every table has rows: the little ledger, served for a while."""
    little.begin(home)
    with opened(home) as ledger:
        operator_issuer(ledger).register()
        for _ in range(3):
            tell(ledger)
        assert replace(logbook_of(ledger, bytes(32)), every=0).step() == 3
        ledger.run_until_idle()
        for _ in range(2):
            tell(ledger)
        issuer = LittleIssuer(ledger, POLICE)
        submit_batch(ledger.intake, issuer.seal([issuer.issue("waits")]).submission())
        with ledger.store.begin() as unit:
            newest = unit.checkpoint()
            assert newest is not None
            unit.set_note(newest.number, cosigned(newest.note).format())
            _serve(unit)
        evidence = ledger.maker.at(POLICE, 1)
        (home / "evidence" / "paper1.json").write_bytes(evidence.format())


def _serve(unit: Any) -> None:
    """Write what a service writes for its callers."""
    caller = "key:clk_AAAAAAAA"
    key = ApiKey(
        prefix="clk_AAAAAAAA",
        digest=bytes(32),
        name="desk",
        role=Role.COUNTER,
        issuer=None,
        counter="desk-7",
        region=31,
        scopes=frozenset(),
        created=now(),
        expires=None,
        revoked=None,
    )
    unit.add_api_key(key)
    unit.begin_request(caller, "once", bytes(32), now())
    kinds = frozenset({"certificate.status"})
    unit.add_hook(Hook(id="hook_1", caller=caller, url="https://desk", kinds=kinds, created=now()))
    assert unit.accept_presentation(bytes(32), caller="x", until=now() + 600, now=now())
    place = unit.place_at(POLICE, 4)
    leaf = unit.leaves(place.root)[4]
    watch = {"issuer": POLICE, "index": 4, "leaf": leaf, "status": "valid", "created": now()}
    unit.add_watch(Watch(caller=caller, **watch))
    unit.add_event(caller, "certificate.status", "about", b"{}", now())


def tables() -> list[Table]:
    """Return every table of the schema."""
    return sorted(METADATA.tables.values(), key=lambda table: table.name)


def crimes(home: Path, *, most: int = MAX_ROWS) -> Iterator[Crime]:
    """Yield every crime on a home: each column of up to so many rows changed, each row deleted."""
    with sqlite3.connect(home / "ledger.db") as connection:
        for table in tables():
            if reason(table.name, ALL):
                continue
            query = f"SELECT rowid FROM {table.name} ORDER BY rowid"
            rows = [row for (row,) in connection.execute(query)]
            assert rows, f"{table.name} has no row"
            chosen = sorted({rows[0], rows[len(rows) // 2], rows[-1]})[-most:]
            for column in (ROWS, *table.columns.keys()):
                yield from (Crime(table.name, column, row) for row in chosen)


def convicts(auditor: Auditor, pristine: Path, crime: Crime, folder: Path) -> bool:
    """Return whether the audit convicts a crime on a copy of a home."""
    home = folder / "home"
    shutil.copytree(pristine, home)
    try:
        crime.commit(home)
        return auditor.home(home).verdict is AuditVerdict.FAULTS
    except sqlite3.IntegrityError:
        return True  # The database itself refuses it.
    finally:
        shutil.rmtree(home)


LIVES_HERE_ALONE = {
    ("verifications", ROWS): "what a caller was told is kept here until it is anchored",
    ("verifications", "receipt"): "likewise",
    ("verifications", "leaves"): "the receipt has only their hash",
}
"""What neither the chain nor a batch file holds: a backup does (`docs/operations.md`)."""


def mendable(home: Path) -> Iterator[Crime]:
    """Yield one crime on each column, and a deletion in each table, that a rebuild mends.

    An act that waits is nowhere else, so that it is an anchored one that is deleted or re-signed.
    """
    found: dict[tuple[str, str], list[Crime]] = {}
    for crime in crimes(home):
        found.setdefault((crime.table, crime.column), []).append(crime)
    for key, same in found.items():
        if key not in LIVES_HERE_ALONE and reason(*key) is None:
            anchored = key in {("acts", ROWS), ("acts", "statement"), ("acts", "signatures")}
            yield same[0] if anchored else same[-1]


def main() -> int:
    """Commit every crime; return 1 if one goes unnoticed that is not listed as such."""
    auditor, unnoticed, count = Auditor(), 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        pristine = Path(scratch) / "pristine"
        make_home(pristine)
        report = auditor.home(pristine)
        assert report.verdict is AuditVerdict.CLEAN, [one.to_json() for one in report.faults]
        rebuilt, unmended = rebuild_each(pristine, Path(scratch) / "rebuilt")
        print(f"{rebuilt} crimes, {unmended} not mended by a rebuild", flush=True)
        for crime in crimes(pristine):
            if reason(crime.table, crime.column) is not None:
                continue
            count += 1
            if not convicts(auditor, pristine, crime, Path(scratch)):
                unnoticed += 1
                print(f"unnoticed: {crime.table}.{crime.column} of row {crime.row}", flush=True)
    print(f"{count} crimes, {unnoticed} unnoticed by the audit")
    return int(unnoticed + unmended > 0)


def rebuild_each(pristine: Path, home: Path) -> tuple[int, int]:
    """Commit one mendable crime after another, rebuild after each; return how many, and left."""
    count = left = 0
    _fresh(pristine, home)
    for crime in mendable(pristine):
        with opened(home) as ledger:
            try:
                crime.commit(home)
            except (sqlite3.IntegrityError, TypeError):
                continue  # The database refuses it, or the row has another number by now.
            count += 1
            rebuilt = rebuild(ledger, [home / "published"])
        if rebuilt.exit_status:
            left += 1
            print(f"not mended: {crime}: {rebuilt.to_json()}", flush=True)
            _fresh(pristine, home)
    return count, left


def _fresh(pristine: Path, home: Path) -> None:
    """Put a copy of a home, with what it publishes, in place of one that is past mending."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(pristine, home)
    kept = StoredFiles(load_settings(home=home).database, home)
    publish(kept, home / "published")
    kept.close()


if __name__ == "__main__":
    sys.exit(main())
