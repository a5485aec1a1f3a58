"""Reading a node: every answer has the right shape or is refused, and none is waited for long."""

import contextlib
import json
import socket
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certledger.verifier.node_rpc import (
    MAX_RESPONSE_BYTES,
    NodeAnsweredNonsenseError,
    NodeBlock,
    NodeFailedError,
    NodeRefusedError,
    NodeUnreachableError,
    RpcClient,
    SlotProof,
)

RAW = {
    "number": "0x2a",
    "hash": "0x" + "0a" * 32,
    "stateRoot": "0x" + "0b" * 32,
    "timestamp": "0x6afd4c80",
    "miner": "0x" + "00" * 20,
}
BLOCK = NodeBlock(number=42, hash=b"\x0a" * 32, state_root=b"\x0b" * 32, time=0x6AFD4C80)
RAW_PROOF: dict[str, Any] = {
    "address": "0x" + "01" * 20,
    "accountProof": ["0x0102", "0x03"],
    "storageProof": [{"key": "0x0", "value": "0x1", "proof": ["0x04"]}],
}


@pytest.fixture
def rpc(node):
    return RpcClient(node.url, timeout=5)


def test_a_block_is_read_by_number(node, rpc):
    node.answers["eth_getBlockByNumber"] = RAW
    assert rpc.block(42) == BLOCK
    assert node.asked == [("eth_getBlockByNumber", ["0x2a", False])]


def test_a_block_is_read_by_tag(node, rpc):
    node.answers["eth_getBlockByNumber"] = RAW
    assert rpc.block("finalized") == BLOCK
    assert node.asked == [("eth_getBlockByNumber", ["finalized", False])]


def test_a_block_that_the_node_does_not_have_is_none(node, rpc):
    node.answers["eth_getBlockByNumber"] = None
    assert rpc.block(42) is None


def test_a_busy_node_is_asked_again_when_it_says_so(node, rpc):
    def answer(*_: Any) -> Any:
        node.status = 503 if len(node.asked) == 1 else 429 if len(node.asked) == 2 else 200
        return RAW

    node.answers["eth_getBlockByNumber"] = answer
    node.headers = {"Retry-After": "0"}
    assert rpc.block(42) == BLOCK
    assert len(node.asked) == 3


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "60"}])
def test_a_busy_node_is_not_awaited_beyond_the_timeout(node, rpc, headers):
    node.status, node.headers = 503, headers
    with pytest.raises(NodeUnreachableError, match="503"):
        rpc.block(42)
    assert len(node.asked) == 1


def test_a_proof_is_read(node, rpc):
    node.answers["eth_getProof"] = RAW_PROOF
    proof = rpc.proof(b"\x01" * 20, b"\x02" * 32, 42)
    assert proof == SlotProof(account=(b"\x01\x02", b"\x03"), slot=(b"\x04",))
    assert node.asked == [("eth_getProof", ["0x" + "01" * 20, ["0x" + "02" * 32], "0x2a"])]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {**RAW_PROOF, "accountProof": None},
        {**RAW_PROOF, "storageProof": [{"proof": None}]},
    ],
)
def test_state_that_the_node_has_forgotten_is_none(node, rpc, answer):
    node.answers["eth_getProof"] = answer
    assert rpc.proof(bytes(20), bytes(32), 42) is None


@pytest.mark.parametrize(
    "change",
    [
        {"number": "0x2b"},
        {"number": 42},
        {"number": "42"},
        {"number": "0x02a"},
        {"number": "0x"},
        {"number": "-0x2a"},
        {"number": "0x2A"},
        {"number": None},
        {"timestamp": "0x" + "f" * 64},
        {"timestamp": "0x" + "f" * 100_000},
        {"timestamp": ["0x1"]},
        {"hash": "0x" + "0a" * 31},
        {"hash": "0x" + "0a" * 33},
        {"hash": "0a" * 32},
        {"hash": "0x" + "0g" * 32},
        {"hash": None},
        {"stateRoot": {}},
        {"stateRoot": "0x" + "0" * 63},
    ],
    ids=lambda change: str(change)[:40],
)
def test_a_block_of_another_shape_is_nonsense(node, rpc, change):
    node.answers["eth_getBlockByNumber"] = {**RAW, **change}
    with pytest.raises(NodeAnsweredNonsenseError):
        rpc.block(42)


@pytest.mark.parametrize("name", ["number", "hash", "stateRoot", "timestamp"])
def test_a_block_without_a_member_is_nonsense(node, rpc, name):
    node.answers["eth_getBlockByNumber"] = {key: RAW[key] for key in RAW if key != name}
    with pytest.raises(NodeAnsweredNonsenseError, match=name):
        rpc.block("latest")


@pytest.mark.parametrize(
    "answer",
    [
        [],
        "0x",
        {},
        {**RAW_PROOF, "storageProof": []},
        {**RAW_PROOF, "storageProof": RAW_PROOF["storageProof"] * 2},
        {**RAW_PROOF, "storageProof": {}},
        {**RAW_PROOF, "storageProof": [None]},
        {**RAW_PROOF, "storageProof": [{"proof": "0x04"}]},
        {**RAW_PROOF, "accountProof": ["0x1"]},
        {**RAW_PROOF, "accountProof": [1]},
        {**RAW_PROOF, "accountProof": ["0x00"] * 65},
        {**RAW_PROOF, "accountProof": ["0x" + "00" * 1025]},
        {**RAW_PROOF, "accountProof": ["0x00", None]},
    ],
    ids=range(13),
)
def test_a_proof_of_another_shape_is_nonsense(node, rpc, answer):
    node.answers["eth_getProof"] = answer
    with pytest.raises(NodeAnsweredNonsenseError):
        rpc.proof(bytes(20), bytes(32), 42)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>bad gateway</html>",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"jsonrpc":"2.0","id":1}',
        b'{"jsonrpc":"2.0","id":2,"result":null}',
        b'{"jsonrpc":"2.0","id":"1","result":null}',
        b'{"jsonrpc":"2.0","id":true,"result":null}',
        b'{"jsonrpc":"2.0","result":null}',
        b'{"jsonrpc":"1.0","id":1,"result":null}',
        b'{"id":1,"result":null}',
        b'{"jsonrpc":"2.0","id":1,"error":null}',
        b'{"jsonrpc":"2.0","id":1,"error":"no"}',
        b'{"jsonrpc":"2.0","id":1,"error":{"message":"no"}}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":"-1","message":"no"}}',
    ],
    ids=lambda body: body[:44].decode("latin-1"),
)
def test_what_is_not_json_rpc_is_nonsense(node, rpc, body):
    node.answers["eth_getBlockByNumber"] = body
    with pytest.raises(NodeAnsweredNonsenseError):
        rpc.block(42)


def test_an_error_of_the_node_carries_its_number(node, rpc):
    node.answers["eth_getBlockByNumber"] = ValueError(-39001, "unknown block")
    with pytest.raises(NodeRefusedError, match="-39001 'unknown block'") as caught:
        rpc.block("finalized")
    assert caught.value.number == -39001


def test_an_answer_longer_than_the_limit_is_not_read_to_its_end(node, rpc):
    node.answers["eth_getBlockByNumber"] = b" " * (MAX_RESPONSE_BYTES + 1)
    with pytest.raises(NodeAnsweredNonsenseError, match="longer than"):
        rpc.block(42)


@pytest.mark.parametrize("status", [204, 400, 401, 404, 429, 500, 503])
def test_another_status_of_http_is_no_answer(node, rpc, status):
    node.status = status
    node.answers["eth_getBlockByNumber"] = b""
    with pytest.raises(NodeFailedError):
        rpc.block(42)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(node, rpc, status):
    node.status = status
    node.headers["Location"] = node.url + "elsewhere"
    node.answers["eth_getBlockByNumber"] = RAW
    with pytest.raises(NodeUnreachableError, match=f"status {status}"):
        rpc.block(42)
    assert len(node.asked) == 1


def test_a_node_that_is_not_there_cannot_be_reached():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(NodeUnreachableError, match="cannot be reached: connection refused"):
            RpcClient(f"http://127.0.0.1:{port}", timeout=5).block(1)


def test_a_node_that_never_answers_is_left_after_the_timeout():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(NodeUnreachableError, match="no answer in time"):
            RpcClient(f"http://127.0.0.1:{port}", timeout=0.1).block(1)


def test_a_node_that_answers_in_drops_is_left_after_the_timeout(node):
    enough = threading.Event()

    def drip(file: Any, body: bytes) -> None:
        # Each byte comes well within the timeout; only the sum of them does not.
        with contextlib.suppress(OSError):
            while not enough.wait(0.02):
                file.write(b" ")
                file.flush()

    node.write = drip
    node.answers["eth_getBlockByNumber"] = RAW
    with pytest.raises(NodeUnreachableError, match=r"too slowly|in time"):
        RpcClient(node.url, timeout=0.3).block(1)
    enough.set()


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", b"SSH-2.0\r\n"]
)
def test_a_connection_that_breaks_off_is_no_answer(start):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(start)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(NodeFailedError):
            RpcClient(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=5).block(1)
        thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8545",
        "file:///etc/passwd",
        "ftp://host/",
        "data:,x",
        "http://",
        "http://user:word@host/",
        "http://host:port/",
        "http://host:99999/",
        "http://host:0/",
        "http://[::1/",
        "http://ho st/",
        "http://host/\r\nX: y",
        "http://主机/",
        "HTTP:",
    ],
)
def test_an_address_of_another_kind_is_refused_before_anything_is_sent(url):
    with pytest.raises(NodeUnreachableError):
        RpcClient(url)


def test_a_refusal_does_not_give_away_the_path_of_the_address(node):
    node.status = 403
    with pytest.raises(NodeUnreachableError) as caught:
        RpcClient(node.url + "v3/secret-key", timeout=5).block(1)
    assert "secret-key" not in str(caught.value)


FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("0x2a"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*RAW, *RAW_PROOF, "proof"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@FUZZ
@given(body=st.one_of(st.binary(max_size=200), junk.map(lambda value: json.dumps(value).encode())))
def test_any_body_at_all_is_an_answer_or_a_refusal(node, rpc, body):
    node.answers["eth_getBlockByNumber"] = body
    with pytest.raises(NodeFailedError):
        rpc.block(42)


@FUZZ
@given(result=st.one_of(junk, junk.map(lambda value: {**RAW, "hash": value})))
def test_any_result_at_all_is_a_block_none_or_a_refusal(node, rpc, result):
    node.answers["eth_getBlockByNumber"] = result
    node.answers["eth_getProof"] = result
    with contextlib.suppress(NodeFailedError):
        assert rpc.block(42) in (None, BLOCK)
    with contextlib.suppress(NodeFailedError):
        assert rpc.proof(bytes(20), bytes(32), 1) is None
