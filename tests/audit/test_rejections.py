"""Whether an act was rejected rightly: judged on the state at the block of the rejection."""

from __future__ import annotations

from pathlib import Path

import pytest

from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.repair.rebuild import rebuild
from certledger.verifier.audit.report import AuditVerdict
from certledger.verifier.formats.statements import KeysChange
from tests.audit.conftest import Auditor
from tests.audit.crimes import assert_told, sql
from tests.audit.little import COURT, DAY, POLICE, LittleIssuer, now, opened


@pytest.fixture
def given_up(home: Path) -> list[int]:
    """Two batches whose key ended after they were taken in: the numbers of their rejected acts."""
    with opened(home) as ledger:
        court = LittleIssuer(ledger, COURT)
        end = (ledger.chain.head().number + 4).to_bytes(5, "big")
        said = KeysChange(
            issuer=COURT.encode(), revision=1, added=(), ends=(b"\0" + end,), not_after=now() + DAY
        )
        court.submit(said, court.key)
        first = court.seal([court.issue("late 1")])
        head = first.head
        second = court.seal([court.issue("late 2")], head=head)
        for batch in (first, second):
            submit_batch(ledger.intake, batch.submission())
        for _ in range(4):
            ledger.mine_heartbeat_block()
        ledger.run_until_idle()
    found = sql(home, "SELECT number FROM acts WHERE state = 'rejected' AND reason = 'key.ended'")
    return [number for (number,) in found]


@pytest.fixture
def wronged(home: Path) -> int:
    """The number of an act that waits, and that somebody has shown as rejected."""
    with opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        submit_batch(ledger.intake, issuer.seal([issuer.issue("waits")]).submission())
        block = ledger.chain.head().number
    number: int = sql(home, "SELECT max(number) FROM acts")[0][0]
    edit = "UPDATE acts SET state = 'rejected', reason = 'key.ended', block = ? WHERE number = ?"
    sql(home, edit, block, number)
    return number


def test_acts_whose_key_has_ended_were_rejected_rightly(
    home: Path, given_up: list[int], auditor: Auditor
) -> None:
    assert len(given_up) == 2
    report = auditor.home(home)
    assert [one.to_json() for one in report.faults] == []
    assert report.verdict is AuditVerdict.CLEAN


def test_another_reason_or_an_earlier_block_than_the_right_one_is_found(
    home: Path, given_up: list[int], auditor: Auditor
) -> None:
    first, second = given_up
    sql(home, "UPDATE acts SET reason = 'issuer.struck' WHERE number = ?", second)
    sql(home, "UPDATE acts SET block = block - 4 WHERE number = ?", first)
    report = auditor.home(home)
    for number in given_up:
        assert_told(report, "receipt.rejected_wrongly", f"database/acts/{number}")


def test_an_act_that_the_contract_would_have_taken_was_rejected_wrongly(
    home: Path, wronged: int, auditor: Auditor
) -> None:
    report = auditor.home(home)
    assert_told(report, "receipt.rejected_wrongly", f"database/acts/{wronged}")


def test_a_rebuild_lets_an_act_wait_again_that_was_rejected_wrongly(
    home: Path, wronged: int, given_up: list[int], auditor: Auditor
) -> None:
    with opened(home) as ledger:
        assert rebuild(ledger).left == []
    waits = sql(home, "SELECT state, reason, block FROM acts WHERE number = ?", wronged)
    assert waits == [("accepted", None, None)]
    assert sql(home, "SELECT count(*) FROM acts WHERE reason = 'key.ended'") == [(2,)]
    assert auditor.home(home).verdict is AuditVerdict.CLEAN
