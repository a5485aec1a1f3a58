"""A node that lies is caught, or the audit says that it could not finish; never clean."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from certledger.ledger.audit.database_source import StoredFiles
from certledger.ledger.audit.home import chain_of, pinned
from certledger.ledger.settings import load_settings
from certledger.verifier.audit.report import AuditReport, AuditVerdict
from certledger.verifier.audit.runner import Job, audit
from certledger.verifier.formats.contract_events import TOPICS
from certledger.verifier.node_rpc import MAX_LOG_RESPONSE_BYTES, RpcClient
from tests.audit import little
from tests.audit.conftest import Auditor
from tests.audit.crimes import codes
from tests.audit.little import POLICE

Ask = Callable[[str, list[Any]], Any]
Lie = Callable[[str, list[Any], Any, Ask], Any]
"""Method, parameters, the true result, and a way to ask something else: gives what is said."""


class LiarInTheMiddle:
    """A node of real HTTP that passes questions on to a true one, and changes what it hears."""

    def __init__(self, truth: str, lie: Lie) -> None:
        self._truth = truth
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = liar.ask_whole(asked)
                if "result" in answer:
                    method, params = asked["method"], asked["params"]
                    answer["result"] = lie(method, params, answer["result"], liar.ask)
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                """Keep the output of tests clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def ask_whole(self, asked: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            self._truth, json.dumps(asked).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def ask(self, method: str, params: list[Any]) -> Any:
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return self.ask_whole(asked)["result"]


@contextmanager
def lying(truth: str, lie: Lie) -> Iterator[str]:
    liar = LiarInTheMiddle(truth, lie)
    thread = threading.Thread(target=liar.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield liar.url
    finally:
        liar.server.shutdown()
        liar.server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def truth(pristine: Path) -> Iterator[str]:
    """The address of the pristine ledger's own node."""
    with chain_of(load_settings(home=pristine)) as url:
        yield url


def listen(pristine: Path, url: str, executor: Executor) -> AuditReport:
    pin, policy = pinned(pristine)
    settings = load_settings(home=pristine)
    job = Job(
        pin=pin,
        policy=policy,
        published=StoredFiles(settings.database, settings.home),
        now=little.now(),
    )
    return audit(RpcClient(url, longest=MAX_LOG_RESPONSE_BYTES), job, executor)


def honest(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
    return result


def wrong_root(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
    if method == "eth_getBlockByNumber" and params[0] == "finalized":
        result["stateRoot"] = "0x" + "ab" * 32
    return result


def old_proof(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
    if method == "eth_getProof":
        earlier = hex(int(params[2], 16) - 2)
        return ask(method, [params[0], params[1], earlier])
    return result


def old_state(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
    """Say that the last block changed nothing: its root and proofs are those of an earlier one."""
    last = ask("eth_blockNumber", [])
    if method == "eth_getProof":
        return ask(method, [params[0], params[1], hex(int(last, 16) - 2)])
    if method == "eth_getBlockByNumber" and params[0] in ("finalized", "latest", last):
        earlier = ask(method, [hex(int(last, 16) - 2), False])
        result["stateRoot"] = earlier["stateRoot"]
    return result


def null_proofs(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
    return None if method == "eth_getProof" else result


def null_nodes(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
    if method == "eth_getProof":
        result["accountProof"] = None
    return result


def dropping(event: str, *, every: bool = True) -> Lie:
    def drop(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
        if method != "eth_getLogs":
            return result
        topic = "0x" + TOPICS[event].hex()
        places = [place for place, log in enumerate(result) if log["topics"][0] == topic]
        gone = set(places if every else places[:1])
        return [log for place, log in enumerate(result) if place not in gone]

    return drop


def no_events(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
    return [] if method == "eth_getLogs" else result


def last_events_missing(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
    return result[:-2] if method == "eth_getLogs" else result


def event_changed(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
    if method == "eth_getLogs":
        for log in result:
            if log["topics"][0] == "0x" + TOPICS["Anchored"].hex():
                log["data"] = log["data"][:-2] + "00"
    return result


def other_past(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
    """Tell other blocks than the ones that checkpoints name and events stand in."""
    if method == "eth_getBlockByNumber" and params[0] not in ("0x0", "finalized"):
        result["hash"] = "0x" + "cd" * 32
    return result


def high_head(answered: list[str], *, invents: bool) -> Lie:
    """Claim a head that is far too high; `invents` makes up the blocks below it too."""

    def claim(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
        answered.append(method)
        if method == "eth_getBlockByNumber" and params[0] == "finalized":
            seconds = 0 if invents else 10**9
            return {
                **result,
                "number": hex(10**9),
                "timestamp": hex(int(result["timestamp"], 16) + seconds),
            }
        if method == "eth_getBlockByNumber" and result is None and invents:
            return {**ask(method, ["latest", False]), "number": params[0]}
        return result

    return claim


def other_code(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
    return "0x6000" if method == "eth_getCode" else result


def other_deployment(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
    if method == "eth_getTransactionByHash":
        result["input"] = result["input"] + "00"
    return result


def other_chain(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
    return "0x1" if method == "eth_chainId" else result


def nonsense(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
    return "nonsense" if method == "eth_getTransactionReceipt" else result


def test_what_an_honest_node_says_is_clean(pristine: Path, truth: str, auditor: Auditor) -> None:
    with lying(truth, honest) as url:
        report = listen(pristine, url, auditor.executor)
    assert [one.to_json() for one in (*report.faults, *report.gaps)] == []


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (wrong_root, "node.proof_unusable"),
        (old_proof, "node.proof_unusable"),
        (old_state, "node.state_differs"),
        (dropping("Anchored"), "state.differs"),
        (dropping("Anchored", every=False), "batch.sequence_gap"),
        (dropping("StatusChanged", every=False), "state.differs"),
        (dropping("Registered", every=False), "act.body_unknown"),
        (dropping("BodyState"), "state.differs"),
        (dropping("RegistrarChanged"), "node.registrars_differ"),
        (last_events_missing, "node.state_differs"),
        (event_changed, "act.signature"),
        (other_past, "node.event_unplaced"),
        (other_past, "checkpoint.not_on_chain"),
        (other_code, "deployment.code_differs"),
        (other_deployment, "deployment.transaction_differs"),
        (other_deployment, "deployment.creation_differs"),
    ],
)
def test_a_lie_is_caught(pristine: Path, truth: str, auditor: Auditor, lie: Lie, code: str) -> None:
    with lying(truth, lie) as url:
        report = listen(pristine, url, auditor.executor)
    assert report.verdict is AuditVerdict.FAULTS
    assert code in codes(report.faults)


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (null_proofs, "node.proof_missing"),
        (null_nodes, "node.proof_missing"),
        (other_chain, "node.chain_differs"),
        (no_events, "node.history_missing"),
        (nonsense, "node.unreachable"),
    ],
)
def test_what_a_node_does_not_say_leaves_the_audit_incomplete(
    pristine: Path, truth: str, auditor: Auditor, lie: Lie, code: str
) -> None:
    with lying(truth, lie) as url:
        report = listen(pristine, url, auditor.executor)
    assert report.verdict is AuditVerdict.INCOMPLETE
    assert code in codes(report.gaps)


def test_the_place_of_a_gap_in_the_sequences_is_named(
    pristine: Path, truth: str, auditor: Auditor
) -> None:
    with lying(truth, dropping("Anchored", every=False)) as url:
        report = listen(pristine, url, auditor.executor)
    gaps = [one for one in report.faults if one.code == "batch.sequence_gap"]
    assert [one.where for one in gaps] == [f"{POLICE}/batches/1"]
    assert gaps[0].evidence["data"]


@pytest.mark.parametrize("invents", [True, False])
def test_a_head_that_is_not_there_ends_the_audit_after_few_questions(
    pristine: Path, truth: str, auditor: Auditor, invents: bool
) -> None:
    questions: list[str] = []
    with lying(truth, high_head(questions, invents=invents)) as url:
        report = listen(pristine, url, auditor.executor)
    assert report.verdict is AuditVerdict.INCOMPLETE
    assert codes(report.gaps) == {"node.unreachable"}
    assert len(questions) < 10


def test_a_node_that_lacks_blocks_below_its_head_ends_the_audit(
    pristine: Path, truth: str, auditor: Auditor
) -> None:
    questions: list[str] = []

    def lack(method: str, params: list[Any], result: Any, ask: Ask) -> Any:
        questions.append(method)
        if method == "eth_getBlockByNumber" and params[0] == "finalized":
            # Slow enough a chain for the height to be possible.
            return {**result, "number": hex(int(result["number"], 16) + 80_000)}
        return result

    with lying(truth, lack) as url:
        report = listen(pristine, url, auditor.executor)
    assert report.verdict is AuditVerdict.INCOMPLETE
    assert "node.unreachable" in codes(report.gaps)
    assert len(questions) < 200
