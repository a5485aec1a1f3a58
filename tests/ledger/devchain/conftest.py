"""An embedded chain with a rich account, and calls to it over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from certledger.ledger.devchain.node import RunningNode, open_node

GENESIS_TIME = 1_790_000_000
CHAIN_ID = 424242
RICH: LocalAccount = Account.from_key(b"\x07" * 32)
FUNDED = {bytes.fromhex(RICH.address[2:]): 10**24}
OTHER = "0x" + "ab" * 20

# Stores its first argument word in slot 0, logs it, and reverts with it where it is zero:
#   calldataload(0) dup1 dup1 iszero jumpi(revert) ; sstore(0, x) ; log1(topic=x)
RUNTIME = bytes.fromhex("60003580156016578060005560005260206000a0000000")


def deploy_code(runtime: bytes) -> bytes:
    """Return creation code that leaves `runtime` behind."""
    size = len(runtime).to_bytes(1, "big")
    return b"\x60" + size + bytes.fromhex("600c60003960") + size + bytes.fromhex("6000f3") + runtime


def open_chain(home: Path, **options: Any) -> RunningNode:
    return open_node(home, chain_id=CHAIN_ID, funded=FUNDED, timestamp=GENESIS_TIME, **options)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "chain"


@pytest.fixture
def chain(home: Path) -> Iterator[RunningNode]:
    with open_chain(home) as node:
        yield node


Post = Callable[[bytes], Any]


def post(url: str, body: bytes) -> Any:
    request = Request(url, data=body, headers={"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as answer:
        data = answer.read()
    return json.loads(data) if data else None


def call(url: str, method: str, *params: Any) -> Any:
    """Return the result of a call; an error fails the test."""
    answer = ask(url, method, *params)
    assert "error" not in answer, answer
    return answer["result"]


def ask(url: str, method: str, *params: Any) -> Any:
    """Return the whole answer to a call."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    return post(url, json.dumps(asked).encode())


def transfer(nonce: int, *, chain_id: int = CHAIN_ID, **changes: Any) -> str:
    """Return a signed transfer of 1 wei."""
    made = {
        "nonce": nonce,
        "to": bytes.fromhex(OTHER[2:]),
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 1,
        "chainId": chain_id,
        **changes,
    }
    return "0x" + RICH.sign_transaction(made).raw_transaction.hex()
