"""The embedded chain over HTTP answers as any Ethereum node does."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import rlp
from eth_hash.auto import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trie.hexary import HexaryTrie
from web3 import Web3
from web3.exceptions import ContractCustomError

from certledger.contracts.loader import load_artifact
from certledger.ledger.devchain.errors import NotLoopbackError
from certledger.ledger.devchain.node import RunningNode
from certledger.ledger.devchain.rpc import METHODS
from certledger.ledger.devchain.server import MAX_CALLS, MAX_REQUEST_BYTES
from tests.ledger.devchain.conftest import (
    CHAIN_ID,
    OTHER,
    RICH,
    ask,
    call,
    open_chain,
    post,
    transfer,
)

REGISTRARS = [(n, "0x" + str(n) * 20, "0x" + "00" * 20) for n in (31, 32, 33)]


def deploy(web3: Web3) -> Any:
    artifact = load_artifact()
    contract = web3.eth.contract(abi=artifact.abi, bytecode=artifact.creation)
    made = contract.constructor(b"\x01" * 32, REGISTRARS).build_transaction(
        {"from": RICH.address, "nonce": web3.eth.get_transaction_count(RICH.address)}
    )
    sent = web3.eth.send_raw_transaction(RICH.sign_transaction(made).raw_transaction)
    receipt = web3.eth.get_transaction_receipt(sent)
    return web3.eth.contract(receipt["contractAddress"], abi=artifact.abi)


@pytest.fixture
def web3(chain: RunningNode) -> Web3:
    return Web3(Web3.HTTPProvider(chain.url))


def test_web3_deploys_calls_and_finds_what_was_logged(web3: Web3) -> None:
    contract = deploy(web3)

    assert contract.functions.term().call() == 0
    assert len(contract.functions.identity().call()) == 32
    logs = web3.eth.get_logs({"fromBlock": 0, "address": contract.address})
    assert len(logs) == 1 + len(REGISTRARS)
    assert [log["logIndex"] for log in logs] == [0, 1, 2, 3]
    by_hash = web3.eth.get_logs(
        {"blockHash": logs[0]["blockHash"], "topics": [logs[0]["topics"][0]]}
    )
    assert [log["topics"] for log in by_hash] == [logs[0]["topics"]]


def test_a_refusal_of_a_contract_reaches_the_caller_with_its_data(web3: Web3) -> None:
    contract = deploy(web3)

    with pytest.raises(ContractCustomError) as refused:
        contract.functions.changeRegistrar(
            (31, Web3.to_checksum_address(OTHER), "0x" + "00" * 20, 5, 10**10), b""
        ).call()

    assert str(refused.value.data).startswith("0x")
    assert len(str(refused.value.data)) == 10


def test_a_filter_tells_what_came_since_it_was_made(web3: Web3) -> None:
    search = web3.eth.filter({"fromBlock": 0})

    contract = deploy(web3)

    assert {log["address"] for log in search.get_new_entries()} == {contract.address}
    assert search.get_new_entries() == []


def from_proof(root: bytes, key: bytes, nodes: Any) -> bytes:
    trie: Any = HexaryTrie
    found: bytes = trie.get_from_proof(root, key, [rlp.decode(node) for node in nodes])
    return found


@pytest.mark.parametrize("slot", [0, 1, 4, 99], ids=["absent", "roll", "registrars", "beyond"])
def test_proofs_verify_under_the_state_root_by_an_independent_trie(web3: Any, slot: int) -> None:
    contract = deploy(web3)

    proof = web3.eth.get_proof(contract.address, [slot])

    root = bytes(web3.eth.get_block("latest")["stateRoot"])
    address = keccak(bytes.fromhex(contract.address[2:]))
    account = from_proof(root, address, proof["accountProof"])
    _, _, storage, code = rlp.decode(account)
    assert code == bytes(proof["codeHash"])
    value = from_proof(storage, keccak(slot.to_bytes(32, "big")), proof["storageProof"][0]["proof"])
    held = int.from_bytes(rlp.decode(value) if value else b"", "big")
    assert held == int.from_bytes(web3.eth.get_storage_at(contract.address, slot), "big")


def test_old_state_stays_provable(chain: RunningNode) -> None:
    for nonce in range(3):
        call(chain.url, "eth_sendRawTransaction", transfer(nonce))

    balances = [
        int(call(chain.url, "eth_getBalance", OTHER, hex(number)), 16) for number in range(4)
    ]

    assert balances == [0, 1, 2, 3]
    assert int(call(chain.url, "eth_getProof", OTHER, [], "0x2")["balance"], 16) == 2


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: transfer(5), "nonce too high"),
        (lambda: transfer(0, chain_id=1), "invalid chain id"),
        (lambda: transfer(0, value=10**30), "insufficient funds"),
        (lambda: transfer(0, gas=20_000), "intrinsic gas too low"),
        (lambda: transfer(0, gas=10**9), "exceeds block gas limit"),
        (lambda: transfer(0, maxFeePerGas=1), "max fee per gas less than block base fee"),
        (lambda: "0x02", "invalid transaction"),
    ],
)
def test_a_transaction_that_cannot_be_mined_is_refused_in_geths_words(
    chain: RunningNode, made: Any, words: str
) -> None:
    answer = ask(chain.url, "eth_sendRawTransaction", made())

    assert answer["error"]["code"] == -32000
    assert words in answer["error"]["message"]
    assert call(chain.url, "eth_blockNumber") == "0x0"


def test_a_transaction_sent_again_is_already_known(chain: RunningNode) -> None:
    call(chain.url, "eth_sendRawTransaction", transfer(0))

    again = ask(chain.url, "eth_sendRawTransaction", transfer(0))

    assert again["error"]["message"] == "already known"
    assert ask(chain.url, "eth_sendRawTransaction", transfer(0, value=2))["error"][
        "message"
    ].startswith("nonce too low")


def test_unknown_things_are_null(chain: RunningNode) -> None:
    nothing = "0x" + "11" * 32

    assert call(chain.url, "eth_getTransactionReceipt", nothing) is None
    assert call(chain.url, "eth_getTransactionByHash", nothing) is None
    assert call(chain.url, "eth_getBlockByHash", nothing, False) is None
    assert call(chain.url, "eth_getBlockByNumber", "0x99", False) is None


def test_a_batch_is_answered_in_order_and_notifications_are_not(chain: RunningNode) -> None:
    batch = [
        {"jsonrpc": "2.0", "id": 7, "method": "eth_chainId"},
        {"jsonrpc": "2.0", "method": "eth_chainId"},
        {"jsonrpc": "2.0", "id": "x", "method": "no_such"},
        5,
    ]

    answers = post(chain.url, json.dumps(batch).encode())

    assert [answer["id"] for answer in answers] == [7, "x", None]
    assert answers[0]["result"] == hex(CHAIN_ID)
    assert [answer["error"]["code"] for answer in answers[1:]] == [-32601, -32600]


def test_a_batch_has_a_bound(chain: RunningNode) -> None:
    one = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}

    answer = post(chain.url, json.dumps([one] * (MAX_CALLS + 1)).encode())

    assert answer["error"]["code"] == -32600


def test_a_request_beyond_the_bound_is_refused_before_it_is_read(chain: RunningNode) -> None:
    parts = urlsplit(chain.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", str(MAX_REQUEST_BYTES + 1))
    connection.endheaders()

    assert connection.getresponse().status == http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_only_loopback_is_served(tmp_path: Any) -> None:
    with pytest.raises(NotLoopbackError):
        open_chain(tmp_path, host="0.0.0.0")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with open_chain(tmp_path_factory.mktemp("fuzzed")) as node:
        yield node.url


quick = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(body=st.binary(max_size=200))
def test_any_bytes_get_an_answer_of_json_rpc(shared: str, body: bytes) -> None:
    answer = post(shared, body)

    assert answer is None or isinstance(answer, dict | list)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["0x", "0x0", "latest", OTHER, "0x" + "00" * 32, "finalized"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["from", "to", "data", "blockHash", "fromBlock", "topics", "address"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_no_parameters_break_a_method(shared: str, method: str) -> None:
    @settings(max_examples=25, deadline=None)
    @given(params=st.lists(values, max_size=3) | values)
    def check(params: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        answer = post(shared, body.encode())
        assert answer.get("error", {}).get("code") != -32603, (params, answer)

    check()
