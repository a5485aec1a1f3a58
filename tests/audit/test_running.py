"""Audits from published data, stopped and gone on with, and what the command prints."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from certledger.ledger.audit.database_source import StoredFiles
from certledger.ledger.audit.export import publish
from certledger.ledger.audit.home import audit_home, chain_of, pinned
from certledger.ledger.node import Ledger
from certledger.ledger.settings import load_settings
from certledger.verifier.audit.findings import SENTENCE
from certledger.verifier.audit.report import AuditReport, AuditVerdict
from certledger.verifier.audit.runner import Job, audit
from certledger.verifier.audit.sources import Folder, HttpDirectory, Nothing, PublishedData
from certledger.verifier.cli.audit import PatientExecutor
from certledger.verifier.cli.main import main
from certledger.verifier.node_rpc import MAX_LOG_RESPONSE_BYTES, RpcClient
from tests.audit import little
from tests.audit.conftest import Auditor
from tests.audit.crimes import assert_told, codes, edit_records, sql, told
from tests.audit.little import POLICE


@pytest.fixture(scope="module")
def truth(pristine: Path) -> Iterator[str]:
    with chain_of(load_settings(home=pristine)) as url:
        yield url


@pytest.fixture(scope="module")
def public(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pristine ledger publishes."""
    folder = tmp_path_factory.mktemp("public")
    settings = load_settings(home=pristine)
    assert publish(StoredFiles(settings.database, settings.home), folder) == 3
    return folder


def run(
    pristine: Path, url: str, published: PublishedData, auditor: Auditor, **more: Any
) -> AuditReport:
    pin, policy = pinned(pristine)
    job = Job(pin=pin, policy=policy, published=published, now=little.now(), **more)
    return audit(RpcClient(url, longest=MAX_LOG_RESPONSE_BYTES), job, auditor.executor)


class Server(SimpleHTTPRequestHandler):
    """Serves a folder as it is, and a list of its checkpoints."""

    def do_GET(self) -> None:
        if self.path != "/checkpoints/":
            super().do_GET()
            return
        names = sorted(path.name for path in (Path(self.directory) / "checkpoints").iterdir())
        self.send_response(200)
        self.end_headers()
        self.wfile.write("\n".join(names).encode())

    def log_message(self, *arguments: Any) -> None:
        """Keep the output of tests clean."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    for packed in (folder / "records").glob("*.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_folder_is_enough(pristine: Path, truth: str, public: Path, auditor: Auditor) -> None:
    report = run(pristine, truth, Folder(public), auditor)
    assert report.verdict is AuditVerdict.CLEAN
    assert report.counts["records"] == 307
    assert report.counts["checkpoints"] > 10


def test_without_published_data_the_audit_is_incomplete(
    pristine: Path, truth: str, auditor: Auditor
) -> None:
    report = run(pristine, truth, Nothing(), auditor)
    assert codes(report.gaps) == {"data.missing"}
    assert report.verdict is AuditVerdict.INCOMPLETE


def test_an_address_that_serves_another_record_than_anchored_is_found(
    pristine: Path, truth: str, public: Path, auditor: Auditor, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(public, tmp_path / "served"))
    with served(folder) as url:
        assert run(pristine, truth, HttpDirectory(url), auditor).verdict is AuditVerdict.CLEAN
        root = sql(pristine, "SELECT root FROM anchored WHERE sequence = 2")[0][0].hex()
        file = folder / "records" / f"{root}.jsonl"
        file.write_bytes(file.read_bytes().replace(b'"entry":1', b'"entry":2', 1))
        report = run(pristine, truth, HttpDirectory(url), auditor)
    assert_told(report, "records.root_differs", f"{POLICE}/batches/2")


def test_an_address_that_does_not_answer_leaves_the_audit_incomplete(
    pristine: Path, truth: str, auditor: Auditor
) -> None:
    report = run(pristine, truth, HttpDirectory("http://127.0.0.1:9", timeout=1.0), auditor)
    assert report.verdict is AuditVerdict.INCOMPLETE
    assert codes(report.gaps) == {"data.unreachable"}


def test_other_processes_say_the_same(home: Path, auditor: Auditor) -> None:
    edit_records(home, lambda records: records[::-1])
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        theirs = audit_home(home, pool, now=little.now())
    assert theirs.to_json() == auditor.home(home).to_json()
    assert theirs.faults


def test_work_is_handed_on_once_it_has_taken_too_long_here() -> None:
    with PatientExecutor(2, alone=0.0) as patient:
        assert [future.result() for future in map(patient.submit, [abs] * 3, [-1, -2, -3])]
    with PatientExecutor(1) as alone, pytest.raises(ZeroDivisionError):
        alone.submit(divmod, 1, 0).result()


# Stopped and gone on with ----------------------------------------------------------------------


class Killed(BaseException):
    """The audit is killed."""


@pytest.mark.parametrize("ranges", [1, 4, 9])
def test_an_audit_goes_on_where_it_was_killed_and_says_the_same(
    home: Path, auditor: Auditor, ranges: int
) -> None:
    edit_records(home, lambda records: records[::-1])
    sql(home, "UPDATE anchored SET tx = zeroblob(32) WHERE sequence = 2")
    sql(home, "INSERT INTO certificates VALUES (999999999, x'01', x'02', x'03', 0)")
    seen = 0

    def kill(what: str, done: int, of: int) -> None:
        nonlocal seen
        seen += what == "blocks"
        if seen == ranges:
            raise Killed

    options: dict[str, Any] = {"now": little.now(), "span": 1, "notes_every": 0.0}
    whole = audit_home(home, auditor.executor, **options)
    with pytest.raises(Killed):
        audit_home(home, auditor.executor, watch=kill, **options)
    blocks: list[int] = []

    def watch(what: str, done: int, of: int) -> None:
        if what == "blocks":
            blocks.append(done)

    again = audit_home(home, auditor.executor, watch=watch, **options)
    assert again.to_json() == whole.to_json()
    assert 1 < blocks[0] <= ranges + 1
    assert whole.faults
    stored = sorted(file.name.partition("-")[0] for file in (home / "audit").iterdir())
    assert stored == ["report", "seen"], "the notes of the stopped audit are gone"


def test_a_block_that_changed_while_the_audit_was_stopped_is_found(
    home: Path, auditor: Auditor
) -> None:
    def kill(what: str, done: int, of: int) -> None:
        raise Killed

    options: dict[str, Any] = {"now": little.now(), "notes_every": 0.0}
    with pytest.raises(Killed):
        audit_home(home, auditor.executor, watch=kill, span=5, **options)
    notes = home / "audit" / "audit.json"
    held = json.loads(notes.read_bytes())
    held["block"][1] = "ab" * 32
    notes.write_text(json.dumps(held))
    report = audit_home(home, auditor.executor, **options)
    assert told(report, "node.history_changed") == [f"blocks/{held['block'][0]}"]


# The command -----------------------------------------------------------------------------------


def call(*arguments: str | Path) -> tuple[int, Any]:
    done = CliRunner().invoke(main, ["audit", *map(str, arguments)])
    return done.exit_code, done.stdout


def test_the_command_says_clean_faults_and_incomplete_by_its_exit(
    home: Path, public: Path, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    code, out = call("--home", home, "--json", "--publish", tmp_path / "out")
    assert (code, json.loads(out)["verdict"]) == (0, "clean")
    assert len(list((tmp_path / "out" / "records").iterdir())) == 3
    sql(home, "UPDATE status_words SET word = zeroblob(32) WHERE position = 1")
    code, out = call("--home", home, "--json", "--report", page)
    value = json.loads(out)
    assert (code, value["verdict"]) == (1, "faults")
    assert {"code", "where", "detail", "evidence"} == set(value["faults"][0])
    assert value["faults"][0]["code"] == "database.row_changed"
    assert "database.row_changed" in page.read_text()
    code, out = call("--home", home)
    assert code == 1
    assert "database.row_changed" in out
    code, out = call("--home", tmp_path / "nothing", "--json")
    assert (code, json.loads(out)["verdict"]) == (3, "incomplete")


def test_the_command_audits_a_node_from_a_policy_and_a_folder(
    home: Path, truth: str, public: Path
) -> None:
    asked: list[str | Path] = ["--rpc", truth, "--policy", home / "policy.json"]
    assert call(*asked, "--data", public)[0] == 0
    assert call(*asked)[0] == 3
    assert call("--rpc", "http://127.0.0.1:9", "--policy", home / "policy.json")[0] == 3


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--rpc", "http://127.0.0.1:9"],
        ["--home", "x", "--rpc", "http://127.0.0.1:9"],
        ["--rpc", "http://127.0.0.1:9", "--policy", "POLICY", "--data", "/nowhere/at/all"],
        ["--rpc", "http://127.0.0.1:9", "--policy", "POLICY", "--publish", "x"],
    ],
)
def test_unusable_arguments_exit_with_2(pristine: Path, arguments: list[str]) -> None:
    policy = str(pristine / "policy.json")
    assert call(*[policy if part == "POLICY" else part for part in arguments])[0] == 2


def test_a_home_is_audited_while_it_is_in_use(home: Path, auditor: Auditor) -> None:
    with little.opened(home) as ledger:
        issuer = little.LittleIssuer(ledger, POLICE)
        issuer.hand_in(issuer.seal([issuer.issue("meanwhile")]))
        report = auditor.home(home)
        assert report.verdict is AuditVerdict.CLEAN
        assert report.counts["certificates"] == 308
        with chain_of(load_settings(home=home)) as url:
            asked = {"jsonrpc": "2.0", "id": 1, "params": [ledger_raw(ledger)]}
            asked["method"] = "eth_sendRawTransaction"
            answer = httpx.post(url, json=asked).json()
    assert "only reads" in answer["error"]["message"]


def ledger_raw(ledger: Ledger) -> str:
    """Return a transaction that was carried, as JSON-RPC takes it."""
    return "0x" + ledger.deployment.raw.hex()


def test_every_code_stands_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    missing = [code for code in SENTENCE if f"| `{code}` | {SENTENCE[code]} |" not in page]
    assert missing == []
