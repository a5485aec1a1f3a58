"""The same transactions give the same roots as on another implementation: anvil."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rlp
from eth_hash.auto import keccak

from certledger.contracts.loader import load_artifact
from tests.ledger.anvil import mined, running_anvil
from tests.ledger.devchain.conftest import CHAIN_ID, GENESIS_TIME, OTHER, RICH, call, transfer
from tests.ledger.devchain.test_rpc import REGISTRARS

pytestmark = pytest.mark.anvil


@pytest.fixture
def anvil(tmp_path: Path) -> Iterator[str]:
    options = ("--hardfork", "paris", "--timestamp", str(GENESIS_TIME))
    with running_anvil(tmp_path, *options, "--disable-default-create2-deployer") as url:
        call(url, "anvil_setBalance", RICH.address, hex(10**24))
        yield url


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


def of_every_kind(nonce: int, contract: int) -> list[str]:
    """Return a transaction without a type, one with a list of accesses, and one that reverts.

    The last calls the contract made at the nonce `contract`, and comes after its creation.

    Not a creation that fails: this anvil leaves an empty account behind it, against EIP-161.
    """
    made: dict[str, Any] = {"chainId": CHAIN_ID, "gasPrice": 10**10, "value": 3}
    to = bytes.fromhex(OTHER[2:])
    refusing = keccak(rlp.encode([bytes.fromhex(RICH.address[2:]), contract]))[12:]
    listed = [{"address": OTHER, "storageKeys": ["0x" + "07" * 32]}]
    kinds: list[dict[str, Any]] = [
        {**made, "nonce": nonce, "gas": 21_000, "to": to},
        {**made, "nonce": nonce + 1, "gas": 30_000, "to": to, "type": 1, "accessList": listed},
        {**made, "nonce": contract + 1, "gas": 90_000, "to": refusing, "value": 0, "data": b"?"},
    ]
    return ["0x" + RICH.sign_transaction(kind).raw_transaction.hex() for kind in kinds]


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
    *plain, refused = of_every_kind(3, contract=5)
    before = [*funded, transfer(2), *plain]
    sent = [*before, creation(5), refused]

    # This anvil keeps leaves of value zero for what the constructor writes as zero, against the
    # Yellow Paper (section 4.1), so from the creation on its state roots are its own.
    for number, raw in enumerate(sent):
        compared = COMPARED if number < len(before) else COMPARED[1:]
        call(chain.url, "eth_sendRawTransaction", raw)
        block = call(chain.url, "eth_getBlockByNumber", "latest", False)
        call(anvil, "evm_setNextBlockTimestamp", block["timestamp"])
        mined(anvil, call(anvil, "eth_sendRawTransaction", raw))
        same = call(anvil, "eth_getBlockByNumber", "latest", False)
        assert {name: block[name] for name in compared} == {name: same[name] for name in compared}

    tx = call(chain.url, "eth_getBlockByNumber", hex(len(before) + 1), False)["transactions"][0]
    address = call(chain.url, "eth_getTransactionReceipt", tx)["contractAddress"]
    slots = ["0x" + n.to_bytes(32, "big").hex() for n in range(6)]
    ours, theirs = (
        call(url, "eth_getProof", address, slots, "latest") for url in (chain.url, anvil)
    )
    for name in ("balance", "codeHash", "nonce"):
        assert ours[name] == theirs[name], name
    assert [p["value"] for p in ours["storageProof"]] == [
        p["value"] for p in theirs["storageProof"]
    ]
