"""The same transactions give the same roots as on another implementation: anvil."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from contracts.loader import load_artifact
from tests.ledger.chain.embedded.conftest import CHAIN_ID, GENESIS_TIME, RICH, call, transfer
from tests.ledger.chain.embedded.test_rpc import REGISTRARS

pytestmark = pytest.mark.anvil


@pytest.fixture
def anvil(tmp_path: Path) -> Iterator[str]:
    binary = os.environ.get("CERTLEDGER_ANVIL", "")
    if not Path(binary).is_file():
        pytest.skip("anvil is not here: set CERTLEDGER_ANVIL, or run `make tools`")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [
            binary, "--port", str(port), "--silent", "--hardfork", "paris", "--accounts", "0",
            "--chain-id", str(CHAIN_ID), "--timestamp", str(GENESIS_TIME),
            "--base-fee", "7", "--gas-limit", "30000000", "--disable-default-create2-deployer",
        ],
        cwd=tmp_path,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process)
        call(url, "anvil_setBalance", RICH.address, hex(10**24))
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            call(url, "eth_chainId")
        except URLError:
            continue
        return
    raise AssertionError("anvil ended before it answered")


def _mined(url: str, tx_hash: str) -> None:
    while call(url, "eth_getTransactionReceipt", tx_hash) is None:
        pass


def creation(nonce: int) -> str:
    from web3 import Web3

    artifact = load_artifact()
    contract = Web3().eth.contract(abi=artifact.abi, bytecode=artifact.creation)
    made = contract.constructor(b"\x01" * 32, REGISTRARS).build_transaction(
        {
            "from": RICH.address, "nonce": nonce, "gas": 5_000_000, "chainId": CHAIN_ID,
            "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 1,
        }
    )  # fmt: skip
    return "0x" + RICH.sign_transaction(made).raw_transaction.hex()


COMPARED = (
    "stateRoot",
    "receiptsRoot",
    "transactionsRoot",
    "gasUsed",
    "logsBloom",
    "baseFeePerGas",
)


def test_state_receipts_and_gas_are_the_same_as_on_anvil(chain: Any, anvil: str) -> None:
    # The contract calls precompiles; this anvil keeps them as empty accounts, against EIP-161, so
    # they are given something before.
    funded = [transfer(at, to=bytes(19) + bytes([at + 1]), gas=60_000) for at in range(2)]
    sent = [*funded, creation(2), transfer(3)]

    for raw in sent:
        call(chain.url, "eth_sendRawTransaction", raw)
        block = call(chain.url, "eth_getBlockByNumber", "latest", False)
        call(anvil, "evm_setNextBlockTimestamp", block["timestamp"])
        _mined(anvil, call(anvil, "eth_sendRawTransaction", raw))
        same = call(anvil, "eth_getBlockByNumber", "latest", False)
        assert {name: block[name] for name in COMPARED} == {name: same[name] for name in COMPARED}

    tx = call(chain.url, "eth_getBlockByNumber", "0x3", False)["transactions"][0]
    address = call(chain.url, "eth_getTransactionReceipt", tx)["contractAddress"]
    slots = ["0x" + n.to_bytes(32, "big").hex() for n in range(6)]
    ours, theirs = (
        call(url, "eth_getProof", address, slots, "latest") for url in (chain.url, anvil)
    )
    assert ours["accountProof"] == theirs["accountProof"]
    assert [p["proof"] for p in ours["storageProof"]] == [
        p["proof"] for p in theirs["storageProof"]
    ]
