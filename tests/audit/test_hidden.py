"""What is hidden, put back or stripped: an audit is never clean of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from certledger.ledger.audit.home import chain_of
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.node import POLICY
from certledger.ledger.settings import load_settings
from certledger.verifier.audit.report import AuditVerdict
from certledger.verifier.cli.audit import command
from certledger.verifier.formats.canonical_json import format_canonical
from tests.audit import little
from tests.audit.conftest import Auditor
from tests.audit.crimes import assert_told, codes, sql, told
from tests.audit.little import POLICE, LittleIssuer, opened
from tests.audit.test_lying_nodes import Ask, Lie, lying, no_events
from tests.world import signed_policy


def audit(*arguments: object) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(command, [*map(str, arguments), "--json"])
    return done.exit_code, orjson.loads(done.stdout)


def listed(report: dict[str, Any], kind: str) -> set[str]:
    return {one["code"] for one in report[kind]}


@pytest.fixture(scope="module")
def public(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pristine ledger published."""
    from certledger.ledger.audit.database_source import StoredFiles
    from certledger.ledger.audit.export import publish

    folder = tmp_path_factory.mktemp("public")
    settings = load_settings(home=pristine)
    publish(StoredFiles(settings.database, settings.home), folder)
    return folder


# Nodes -----------------------------------------------------------------------------------------


def hiding(last: int) -> Lie:
    """Say that the chain ends with block `last`."""

    def hide(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
        if method == "eth_blockNumber":
            return hex(last)
        if method == "eth_getBlockByNumber":
            if params[0] in ("latest", "finalized"):
                return ask(method, [hex(last), False])
            return None if int(params[0], 16) > last else result
        if method == "eth_getLogs":
            return [log for log in result if int(log["blockNumber"], 16) <= last]
        return result

    return hide


def final_at(number: int) -> Lie:
    """Say that nothing after a block is final."""

    def lie(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
        if method == "eth_getBlockByNumber" and params[0] == "finalized":
            return ask(method, [hex(number), False])
        return result

    return lie


def remotely(pristine: Path, public: Path, lie: Lie) -> tuple[int, dict[str, Any]]:
    with chain_of(load_settings(home=pristine)) as truth, lying(truth, lie) as url:
        return audit("--rpc", url, "--policy", pristine / POLICY, "--data", public)


@pytest.mark.parametrize("last", [1, 8])
def test_a_node_without_the_newest_witnessed_block_leaves_the_audit_incomplete(
    pristine: Path, public: Path, last: int
) -> None:
    code, report = remotely(pristine, public, hiding(last))
    assert (code, report["verdict"]) == (3, "incomplete")
    assert "node.behind" in listed(report, "incomplete")


def test_a_node_that_calls_too_little_final_is_read_up_to_the_witnessed_block(
    pristine: Path, public: Path
) -> None:
    code, report = remotely(pristine, public, final_at(1))
    newest = sql(pristine, "SELECT max(number) FROM checkpoints")[0][0]
    assert (code, report["as_of"]["block"]) == (0, newest)


def test_a_pruned_node_is_no_fault_of_the_ledger(pristine: Path, public: Path) -> None:
    code, report = remotely(pristine, public, no_events)
    assert (code, report["faults"]) == (3, [])
    assert "node.history_missing" in listed(report, "incomplete")


def test_without_a_witnessed_checkpoint_an_audit_is_not_whole(home: Path, auditor: Auditor) -> None:
    for number, note in sql(home, "SELECT number, note FROM checkpoints"):
        bare = note[: note.index("\n\n") + 2]
        sql(home, "UPDATE checkpoints SET note = ? WHERE number = ?", bare, number)
    for file in (home / "evidence").iterdir():
        file.unlink()
    report = auditor.home(home)
    assert report.verdict is AuditVerdict.INCOMPLETE
    assert codes(report.gaps) == {"checkpoint.uncosigned"}


# Put back --------------------------------------------------------------------------------------


def go_on(home: Path, *, more: bool = True) -> None:
    """Let the ledger go on: another batch, and one that waits."""
    with opened(home) as ledger:
        issuer = LittleIssuer(ledger, POLICE)
        if more:
            issuer.hand_in(issuer.seal([issuer.issue("later")]))
        submit_batch(ledger.intake, issuer.seal([issuer.issue("waits")]).submission())


def test_an_older_backup_of_the_database_is_found(
    home: Path, tmp_path: Path, auditor: Auditor
) -> None:
    shutil.copy(home / "ledger.db", tmp_path / "backup.db")
    go_on(home, more=False)
    assert auditor.home(home).verdict is AuditVerdict.CLEAN
    for file in home.glob("ledger.db*"):
        file.unlink()
    shutil.copy(tmp_path / "backup.db", home / "ledger.db")
    assert_told(auditor.home(home), "receipt.gap", "database/receipt_chains/acts")


def test_an_older_backup_of_chain_and_database_is_found(
    home: Path, tmp_path: Path, auditor: Auditor
) -> None:
    backup = Path(shutil.copytree(home, tmp_path / "backup"))
    go_on(home)
    report = auditor.home(home)
    assert report.verdict is AuditVerdict.CLEAN
    assert report.block is not None
    shutil.copytree(home / "audit", backup / "audit", dirs_exist_ok=True)
    assert_told(auditor.home(backup), "chain.rolled_back", f"audit/{report.block.number}")


def test_an_auditor_elsewhere_notices_a_node_that_was_put_back(
    pristine: Path, public: Path, tmp_path: Path
) -> None:
    asked = ("--policy", pristine / POLICY, "--data", tmp_path / "nothing", "--notes", tmp_path)
    (tmp_path / "nothing").mkdir()
    with chain_of(load_settings(home=pristine)) as truth:
        audit("--rpc", truth, *asked)
        with lying(truth, hiding(8)) as url:
            code, report = audit("--rpc", url, *asked)
    assert code != 0
    assert "node.behind" in listed(report, "incomplete")


# Stripped and deleted --------------------------------------------------------------------------


def test_stripped_cosignatures_are_found_by_the_files_that_carry_them(
    home: Path, auditor: Auditor
) -> None:
    number, note = sql(home, "SELECT number, note FROM checkpoints ORDER BY number DESC")[0]
    lines = note.splitlines(keepends=True)
    sql(home, "UPDATE checkpoints SET note = ? WHERE number = ?", "".join(lines[:-1]), number)
    where = f"database/checkpoints/{number}"
    assert_told(auditor.home(home), "checkpoint.cosignature_missing", where)


def test_a_checkpoint_deleted_with_its_proofs_is_found_by_the_files_that_carry_it(
    home: Path, auditor: Auditor
) -> None:
    number = sql(home, "SELECT max(number) FROM checkpoints")[0][0]
    sql(home, "DELETE FROM checkpoints WHERE number = ?", number)
    sql(home, "DELETE FROM slot_proofs WHERE number = ?", number)
    assert_told(auditor.home(home), "database.row_missing", f"database/checkpoints/{number}")


def test_an_accepted_act_deleted_with_its_records_is_found(home: Path, auditor: Auditor) -> None:
    go_on(home, more=False)
    number, root = sql(home, "SELECT number, root FROM acts ORDER BY number DESC")[0]
    batch = sql(home, "SELECT number FROM batches WHERE root = ?", root)[0][0]
    sql(home, "DELETE FROM acts WHERE number = ?", number)
    sql(home, "DELETE FROM batches WHERE number = ?", batch)
    sql(home, "DELETE FROM record_frames WHERE batch = ?", batch)
    sql(home, "DELETE FROM certificates WHERE place / 65536 = ?", batch)
    assert told(auditor.home(home), "receipt.gap") == ["database/receipt_chains/acts"]


def test_an_act_shown_as_final_in_a_block_to_come_is_found(home: Path, auditor: Auditor) -> None:
    go_on(home, more=False)
    number = sql(home, "SELECT max(number) FROM acts")[0][0]
    for state in ("final", "included"):
        sql(home, "UPDATE acts SET state = ?, block = 900 WHERE number = ?", state, number)
        assert_told(auditor.home(home), "database.act_not_on_chain", f"database/acts/{number}")


def test_the_name_of_a_stranger_is_found(home: Path, auditor: Auditor) -> None:
    from certledger.verifier.crypto.hashing import sha256

    digest = sha256("某某".encode())
    sql(home, "INSERT INTO names (digest, name) VALUES (?, ?)", digest, "某某")
    assert_told(auditor.home(home), "database.row_extra", f"database/names/{digest.hex()}")


# Files and policies ----------------------------------------------------------------------------


def members(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every leaf of a JSON value."""
    if isinstance(value, dict):
        return [one for name, inner in value.items() for one in members(inner, (*path, name))]
    if isinstance(value, list):
        return [one for at, inner in enumerate(value) for one in members(inner, (*path, at))]
    return [path]


def other(value: Any) -> Any:
    """Return another value of a leaf's type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    middle = len(value) // 2
    return value[:middle] + ("B" if value[middle] == "A" else "A") + value[middle + 1 :]


def changed(file: Path, path: tuple[Any, ...]) -> bytes:
    held = orjson.loads(file.read_bytes())
    place = held
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = other(place[path[-1]])
    return format_canonical(held)


def test_an_evidence_file_changed_in_any_member_is_found(
    home: Path, pristine: Path, auditor: Auditor
) -> None:
    original = pristine / "evidence" / "paper0.json"
    (home / "evidence" / "paper0.json").unlink()
    every = members(orjson.loads(original.read_bytes()))
    assert len(every) > 60
    for place, path in enumerate(every):
        (home / "evidence" / f"changed{place:03}.json").write_bytes(changed(original, path))
    report = auditor.home(home)
    found = {one.where for one in report.faults if one.where.startswith("evidence/")}
    unnoticed = [
        every[place]
        for place in range(len(every))
        if f"evidence/changed{place:03}.json" not in found
    ]
    assert unnoticed == []


def test_a_policy_beside_a_home_is_the_one_that_counts(home: Path, tmp_path: Path) -> None:
    assert audit("--home", home, "--policy", home / POLICY)[0] == 0
    done = CliRunner().invoke(command, ["--home", str(home), "--json"])
    assert (done.exit_code, "--policy" in done.stderr) == (0, True)

    foreign = tmp_path / "foreign.json"
    foreign.write_bytes(signed_policy(ends=little.now() + 1_000).format())
    code, report = audit("--home", home, "--policy", foreign)
    assert (code, report["verdict"]) == (3, "incomplete")
