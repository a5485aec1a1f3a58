"""Somebody edits the ledger's database or folders: the audit names the row, and why."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.sealing.batch import Head
from certledger.verifier.audit.report import AuditVerdict
from certledger.verifier.audit.sources import DataUnreachableError
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.checkpoint import parse_note
from tests.audit import little
from tests.audit.conftest import Auditor
from tests.audit.crimes import assert_told, edit_records, sql, told
from tests.audit.little import POLICE, LittleIssuer, cosigned, opened


def test_a_pristine_ledger_is_clean(pristine: Path, auditor: Auditor) -> None:
    report = auditor.home(pristine)
    assert [one.to_json() for one in (*report.faults, *report.gaps)] == []
    assert report.verdict is AuditVerdict.CLEAN
    assert report.counts["records"] == report.counts["certificates"] == 307


def alter(records: list[bytes]) -> list[bytes]:
    changed = records[7].replace(b'"holder":"natural"', b'"holder":"legal"')
    assert changed != records[7]
    return [*records[:7], changed, *records[8:]]


def reorder(records: list[bytes]) -> list[bytes]:
    return [*records[:7], records[8], records[7], *records[9:]]


def test_an_altered_record_is_named_by_its_index(home: Path, auditor: Auditor) -> None:
    edit_records(home, alter)
    report = auditor.home(home)
    assert_told(report, "records.root_differs", f"{POLICE}/batches/1")
    assert told(report, "database.record_differs") == [f"{POLICE}/certificates/7"]


def test_reordered_records_are_named_both(home: Path, auditor: Auditor) -> None:
    edit_records(home, reorder)
    report = auditor.home(home)
    assert_told(report, "records.root_differs", f"{POLICE}/batches/1")
    both = [f"{POLICE}/certificates/7", f"{POLICE}/certificates/8"]
    assert told(report, "database.record_differs") == both


def test_a_dropped_record_is_found(home: Path, auditor: Auditor) -> None:
    edit_records(home, lambda records: records[:-1], frame=1)
    report = auditor.home(home)
    assert_told(report, "records.root_differs", f"{POLICE}/batches/1")
    assert_told(report, "database.record_differs", f"{POLICE}/certificates/299")


def test_an_added_record_is_found(home: Path, auditor: Auditor) -> None:
    edit_records(home, lambda records: [*records, records[-1]], frame=1)
    report = auditor.home(home)
    assert_told(report, "records.root_differs", f"{POLICE}/batches/1")
    assert_told(report, "database.record_differs", f"{POLICE}/certificates/300")


def test_a_damaged_frame_is_found(home: Path, auditor: Auditor) -> None:
    sql(home, "UPDATE record_frames SET data = x'00000001ff'")
    assert_told(auditor.home(home), "records.root_differs", f"{POLICE}/batches/1")


def test_a_kept_leaf_that_was_altered_is_named(home: Path, auditor: Auditor) -> None:
    query = "SELECT number, leaves FROM batches WHERE issuer = ? AND first = 0"
    number, leaves = sql(home, query, POLICE)[0]
    changed = leaves[:64] + bytes(32) + leaves[96:]
    sql(home, "UPDATE batches SET leaves = ? WHERE number = ?", changed, number)
    assert_told(auditor.home(home), "database.leaf_differs", f"{POLICE}/certificates/2")


@pytest.mark.parametrize(
    ("crime", "code"),
    [
        ("DELETE FROM certificates WHERE place = {place}", "database.row_missing"),
        ("UPDATE certificates SET lookup = x'00' WHERE place = {place}", "database.leaf_differs"),
        ("UPDATE certificates SET edition = 9 WHERE place = {place}", "database.leaf_differs"),
    ],
)
def test_a_lookup_row_is_held_against_its_record(
    home: Path, auditor: Auditor, crime: str, code: str
) -> None:
    place = sql(home, "SELECT min(place) + 4 FROM certificates")[0][0]
    sql(home, crime.format(place=place))
    assert_told(auditor.home(home), code, f"database/certificates/{place}")


def test_a_lookup_row_of_nothing_is_found(home: Path, auditor: Auditor) -> None:
    place = 999 * 65_536
    sql(home, f"INSERT INTO certificates VALUES ({place}, x'01', x'02', x'03', 0)")
    assert_told(auditor.home(home), "database.row_extra", "database/certificates/999")


def test_a_batch_row_that_points_at_another_transaction_is_found(
    home: Path, auditor: Auditor
) -> None:
    other = sql(home, "SELECT tx FROM anchored WHERE sequence = 2")[0][0]
    sql(home, "UPDATE anchored SET tx = ? WHERE issuer = ? AND sequence = 1", other, POLICE)
    sql(home, "UPDATE acts SET tx = ? WHERE lane = 'sequence' AND counter = 1", other)
    report = auditor.home(home)
    assert_told(report, "database.row_changed", f"database/anchored/{POLICE}/1")
    assert any(where.startswith("database/acts/") for where in told(report, "database.row_changed"))


@pytest.mark.parametrize(
    ("table", "where"),
    [
        ("anchored", f"{POLICE}/1"),
        ("status_changes", f"{POLICE}/1"),
        ("catalog_changes", f"{POLICE}/1"),
    ],
)
def test_a_row_that_is_gone_is_missed(home: Path, auditor: Auditor, table: str, where: str) -> None:
    key = {"anchored": "sequence", "status_changes": "epoch", "catalog_changes": "version"}[table]
    sql(home, f"DELETE FROM {table} WHERE issuer = ? AND {key} = 1", POLICE)
    assert_told(auditor.home(home), "database.row_missing", f"database/{table}/{where}")


@pytest.mark.parametrize("table", ["anchored", "status_changes", "catalog_changes"])
def test_a_row_that_no_act_made_is_found(home: Path, auditor: Auditor, table: str) -> None:
    key = {"anchored": "sequence", "status_changes": "epoch", "catalog_changes": "version"}[table]
    columns = [row[1] for row in sql(home, f"PRAGMA table_info({table})")]
    copied = ", ".join("99" if name == key else name for name in columns)
    sql(home, f"INSERT INTO {table} SELECT {copied} FROM {table} WHERE issuer = ? LIMIT 1", POLICE)
    assert_told(auditor.home(home), "database.row_extra", f"database/{table}/{POLICE}/99")


def test_a_status_row_that_was_flipped_is_found(home: Path, auditor: Auditor) -> None:
    sql(home, "UPDATE status_words SET word = zeroblob(32) WHERE position = 1")
    report = auditor.home(home)
    where = told(report, "database.row_changed")
    assert len(where) == 1
    assert where[0].startswith(f"database/status_words/{POLICE}/1/")


def test_a_status_row_of_no_statement_is_found(home: Path, auditor: Auditor) -> None:
    sql(
        home,
        "INSERT INTO status_words SELECT issuer, 77, block, word FROM status_words LIMIT 1",
    )
    report = auditor.home(home)
    assert told(report, "database.row_extra")[0].startswith(f"database/status_words/{POLICE}/77/")


@pytest.mark.parametrize(
    "change", ["held = 1", "slot = zeroblob(32)", "state = replace(state, 'active', 'closed')"]
)
def test_an_issuer_row_that_was_changed_is_found(home: Path, auditor: Auditor, change: str) -> None:
    block = sql(home, "SELECT max(block) FROM bodies WHERE issuer = ?", POLICE)[0][0]
    sql(home, f"UPDATE bodies SET {change} WHERE issuer = ? AND block = ?", POLICE, block)
    assert_told(auditor.home(home), "database.row_changed", f"database/bodies/{POLICE}/{block}")


def test_a_registrar_row_that_was_changed_is_found(home: Path, auditor: Auditor) -> None:
    sql(home, "UPDATE registrars SET account = zeroblob(20) WHERE region = 31")
    report = auditor.home(home)
    assert told(report, "database.row_changed")[0].startswith("database/registrars/31/")


def test_a_name_under_anothers_digest_is_found(home: Path, auditor: Auditor) -> None:
    sql(home, "UPDATE names SET name = 'somebody'")
    report = auditor.home(home)
    assert report.verdict is AuditVerdict.FAULTS
    assert told(report, "database.row_changed")[0].startswith("database/names/")


def test_an_expired_batch_shown_as_anchored_is_found(home: Path, auditor: Auditor) -> None:
    with opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        waits = issuer.seal([issuer.issue("late")], head=Head.of(issuer.state))
        issuer.hand_in(waits)
    number = sql(home, "SELECT max(number) FROM acts")[0][0]
    dead = sql(home, "SELECT digest FROM acts WHERE number = ?", number)[0][0]
    assert dead == waits.digest
    columns = [row[1] for row in sql(home, "PRAGMA table_info(acts)")]
    changed = {"number": "500", "digest": "zeroblob(32)", "counter": "90", "state": "'final'"}
    copied = ", ".join(changed.get(name, name) for name in columns)
    sql(home, f"INSERT INTO acts SELECT {copied} FROM acts WHERE number = ?", number)
    assert_told(auditor.home(home), "database.act_not_on_chain", "database/acts/500")


def test_an_anchored_act_shown_as_waiting_is_found(home: Path, auditor: Auditor) -> None:
    number = sql(home, "SELECT min(number) FROM acts WHERE kind = 'batch'")[0][0]
    sql(home, "UPDATE acts SET state = 'accepted' WHERE number = ?", number)
    assert_told(auditor.home(home), "database.row_changed", f"database/acts/{number}")


def test_a_receipt_of_another_act_is_found(home: Path, auditor: Auditor) -> None:
    other = sql(home, "SELECT receipt FROM acts WHERE number = 1")[0][0]
    sql(home, "UPDATE acts SET receipt = ? WHERE number = 2", other)
    assert_told(auditor.home(home), "receipt.unusable", "database/acts/2")


def test_an_act_that_waits_beyond_its_promise_is_found(home: Path, auditor: Auditor) -> None:
    with opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        submit_batch(ledger.intake, issuer.seal([issuer.issue("waits")]).submission())
    assert auditor.home(home).verdict is AuditVerdict.CLEAN
    number = sql(home, "SELECT max(number) FROM acts")[0][0]
    report = auditor.home(home, later=2 * 3_600)
    assert_told(report, "receipt.broken", f"database/acts/{number}")


def test_records_that_the_ledger_lost_are_missed(home: Path, auditor: Auditor) -> None:
    root = sql(home, "SELECT root FROM batches WHERE issuer = ? AND first = 0", POLICE)[0][0]
    sql(home, "DELETE FROM batches WHERE root = ?", root)
    assert_told(auditor.home(home), "database.row_missing", f"database/batches/{root.hex()}")


def test_a_catalog_that_was_lost_is_missed(home: Path, auditor: Auditor) -> None:
    sql(home, "DELETE FROM catalogs")
    assert_told(auditor.home(home), "catalog.withheld", f"{POLICE}/catalogs/1")


def test_a_catalog_that_was_changed_is_found(home: Path, auditor: Auditor) -> None:
    sql(home, "UPDATE catalogs SET entries = x'789c'")
    assert_told(auditor.home(home), "catalog.root_differs", f"{POLICE}/catalogs/1")


def test_a_block_row_of_another_history_is_found(home: Path, auditor: Auditor) -> None:
    block = sql(home, "SELECT max(number) FROM blocks")[0][0]
    sql(home, "UPDATE blocks SET hash = zeroblob(32) WHERE number = ?", block)
    assert_told(auditor.home(home), "database.row_changed", f"database/blocks/{block}")


def test_a_kept_proof_of_another_issuer_is_found(home: Path, auditor: Auditor) -> None:
    number = sql(home, "SELECT max(number) FROM checkpoints")[0][0]
    sql(home, "UPDATE slot_proofs SET nodes = '[]' WHERE issuer = ?", POLICE)
    where = f"database/checkpoints/{number}/{POLICE}"
    assert_told(auditor.home(home), "database.proof_differs", where)


def test_a_database_that_lags_is_told_and_no_fault(home: Path, auditor: Auditor) -> None:
    head = sql(home, "SELECT max(number) FROM blocks")[0][0]
    with little.opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        issuer.hand_in(issuer.seal([issuer.issue("later")]))
        with ledger.store.begin() as unit:
            unit.rollback(head)
    report = auditor.home(home)
    assert [one.to_json() for one in report.faults] == []
    assert [one.code for one in report.findings] == ["database.behind"]


def test_rows_beyond_the_newest_block_followed_are_found(home: Path, auditor: Auditor) -> None:
    sql(home, "DELETE FROM blocks WHERE number > 5")
    report = auditor.home(home)
    assert any(where.startswith("database/bodies/") for where in told(report, "database.row_extra"))


def test_without_block_rows_the_others_are_compared_all_the_same(
    home: Path, auditor: Auditor
) -> None:
    sql(home, "DELETE FROM blocks")
    sql(home, "UPDATE anchored SET tx = zeroblob(32) WHERE sequence = 2")
    assert_told(auditor.home(home), "database.row_changed", f"database/anchored/{POLICE}/2")


# Checkpoints and documents ---------------------------------------------------------------------


def rewrite(file: Path, member: str, value: object) -> None:
    held = orjson.loads(file.read_bytes())
    file.write_bytes(format_canonical(held | {member: value}))


def forged(home: Path, number: int) -> str:
    """Return a note that witnesses signed for a block that never was."""
    note = sql(home, "SELECT note FROM checkpoints WHERE number = ?", number)[0][0]
    told_hash = parse_note(note).checkpoint.block_hash.hex()
    return cosigned(note.replace(told_hash, "ab" * 32)).format()


def test_two_checkpoints_at_one_height_are_found(home: Path, auditor: Auditor) -> None:
    number = sql(home, "SELECT max(number) FROM checkpoints")[0][0]
    rewrite(home / "evidence" / "paper0.json", "checkpoint", forged(home, number))
    report = auditor.home(home)
    assert_told(report, "checkpoint.two_at_height", f"checkpoints/{number}")
    found = next(one for one in report.faults if one.code == "checkpoint.two_at_height")
    both = [parse_note(str(found.evidence[name])) for name in ("note", "other")]
    assert both[0].checkpoint.number == both[1].checkpoint.number
    assert both[0].checkpoint != both[1].checkpoint


def test_a_checkpoint_of_a_block_that_is_not_on_the_chain_is_found(
    home: Path, auditor: Auditor
) -> None:
    number = sql(home, "SELECT max(number) FROM checkpoints")[0][0]
    note = forged(home, number)
    sql(home, "DELETE FROM checkpoints")
    for name in ("paper0.json", "paper5.json"):
        rewrite(home / "evidence" / name, "checkpoint", note)
    assert_told(auditor.home(home), "checkpoint.not_on_chain", "evidence/paper0.json")


def test_a_checkpoint_row_beside_another_note_is_found(home: Path, auditor: Auditor) -> None:
    number = sql(home, "SELECT max(number) FROM checkpoints")[0][0]
    sql(home, "UPDATE checkpoints SET hash = zeroblob(32) WHERE number = ?", number)
    assert_told(auditor.home(home), "database.row_changed", f"database/checkpoints/{number}")


def test_a_cosignature_by_nobody_is_found(home: Path, auditor: Auditor) -> None:
    number = sql(home, "SELECT max(number) FROM checkpoints")[0][0]
    note = sql(home, "SELECT note FROM checkpoints WHERE number = ?", number)[0][0]
    changed = note.replace("— anhui ", "— beijing ")
    sql(home, "UPDATE checkpoints SET note = ? WHERE number = ?", changed, number)
    where = f"database/checkpoints/{number}"
    assert_told(auditor.home(home), "checkpoint.cosignature_missing", where)


def test_a_swapped_document_is_found(home: Path, auditor: Auditor) -> None:
    (home / "documents" / "paper4.pdf").write_bytes(b"another paper")
    assert told(auditor.home(home), "document.swapped") == ["documents/paper4.pdf"]


def test_a_holders_file_with_another_record_is_found(home: Path, auditor: Auditor) -> None:
    file = home / "holders" / "paper2.json"
    record = orjson.loads(file.read_bytes())["record"]
    rewrite(file, "record", record | {"expires": "2099-01-01"})
    assert_told(auditor.home(home), "evidence.differs", "holders/paper2.json")


def test_an_evidence_file_with_another_field_is_found(home: Path, auditor: Auditor) -> None:
    file = home / "evidence" / "paper0.json"
    other = orjson.loads((home / "holders" / "paper1.json").read_bytes())["disclosures"]
    rewrite(file, "disclosures", other[:1])
    assert_told(auditor.home(home), "evidence.differs", "evidence/paper0.json")


def test_an_evidence_file_with_another_batch_is_found(home: Path, auditor: Auditor) -> None:
    file = home / "evidence" / "paper0.json"
    statement = orjson.loads(file.read_bytes())["statement"]
    rewrite(file, "statement", statement | {"count": 299})
    assert_told(auditor.home(home), "evidence.differs", "evidence/paper0.json")


def test_an_evidence_file_with_another_path_is_found(home: Path, auditor: Auditor) -> None:
    file = home / "evidence" / "paper0.json"
    rewrite(file, "path", orjson.loads((home / "evidence" / "paper5.json").read_bytes())["path"])
    assert_told(auditor.home(home), "evidence.differs", "evidence/paper0.json")


# Values that no column has ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "crime",
    [
        "UPDATE acts SET receipt = 'text'",
        "UPDATE acts SET receipt = x'5b5d'",
        "UPDATE acts SET statement = 'text', signatures = 5",
        "UPDATE acts SET digest = 'text' || number",
        "UPDATE anchored SET statement = x'7b', leaf = 'text'",
        "UPDATE status_changes SET statement = x'00'",
        "UPDATE status_words SET word = 'text'",
        "UPDATE batches SET leaves = 'text'",
        "UPDATE batches SET leaves = x''",
        "UPDATE record_frames SET data = 'text'",
        "UPDATE certificates SET leaf = 'text', edition = 'text'",
        "UPDATE catalogs SET entries = 'text'",
        "UPDATE names SET name = x'ff'",
        "UPDATE bodies SET state = 'text'",
        "UPDATE registrars SET account = 1",
        "UPDATE blocks SET hash = 'text'",
        "UPDATE checkpoints SET note = x'ff00'",
        "UPDATE checkpoints SET account = x'35'",
        "UPDATE slot_proofs SET nodes = x'5b315d'",
    ],
)
def test_values_of_any_type_are_found_and_stop_nobody(
    home: Path, auditor: Auditor, crime: str
) -> None:
    sql(home, crime)
    report = auditor.home(home)
    assert report.verdict is AuditVerdict.FAULTS
    assert report.block is not None


def test_a_database_that_is_none_leaves_the_audit_unfinished(home: Path, auditor: Auditor) -> None:
    data = bytearray((home / "ledger.db").read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    (home / "ledger.db").write_bytes(data)
    with pytest.raises(DataUnreachableError):
        auditor.home(home)
