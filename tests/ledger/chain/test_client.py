"""What a caller may count on of any chain: the same promises on every kind of node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import rlp

from certledger.contracts import calls
from certledger.ledger.chain.client import (
    MAX_CALLDATA_BYTES,
    EthereumChain,
    NodeClient,
    NodeRefusesError,
)
from certledger.ledger.chain.deploy import Deployment
from certledger.ledger.core.errors import (
    CallRevertedError,
    ChainRefusesError,
    ChainUnreachableError,
)
from certledger.ledger.core.values import SignedTransaction
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats.contract_events import (
    ActEvent,
    Created,
    IssuerStateEvent,
    parse_log,
)
from certledger.verifier.formats.state_proof import check_account, check_slot, slot_position
from tests.ledger.chain.nodes import (
    NODES,
    PAYER,
    REGIONS,
    deployed,
    mined,
    person,
    registration,
    running_anvil,
    running_node,
)
from tests.ledger.chain.proxy import between, told

ISSUER = "11310000XX00000196"


@dataclass(frozen=True)
class World:
    """A ledger on a node."""

    url: str
    chain: EthereumChain
    made: Deployment

    def register(self, issuer: str = ISSUER) -> SignedTransaction:
        signed = self.sign(issuer)
        self.chain.broadcast(signed.raw)
        return signed

    def sign(self, issuer: str = ISSUER) -> SignedTransaction:
        act = registration(self.chain, issuer)
        data = calls.register(act.statement, act.signatures)
        return self.chain.sign(data, nonce=self.chain.next_nonce())


@pytest.fixture(params=NODES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with running_node(request.param, tmp_path) as url:
        chain, made = deployed(tmp_path / "home", url)
        yield World(url, chain, made)


# Transactions -----------------------------------------------------------------------------------


def test_a_call_is_signed_sent_found_and_tells_its_events(world: World) -> None:
    signed = world.sign()
    assert world.chain.find(signed.hash) is None, "signing sends nothing"
    assert signed.hash == keccak(signed.raw)
    assert signed.sender == PAYER.address

    world.chain.broadcast(signed.raw)
    found = mined(world.chain, signed.hash)

    assert found.succeeded
    assert found.block == world.chain.block(found.block.number)
    logs = world.chain.logs(found.block.number, found.block.number)
    assert [type(parse_log(log.topics, log.data)) for log in logs] == [ActEvent, IssuerStateEvent]
    assert {(log.tx, log.block_hash) for log in logs} == {(signed.hash, found.block.hash)}


def test_the_same_bytes_may_be_sent_again_before_and_after_they_are_mined(world: World) -> None:
    signed = world.sign()

    for _ in range(3):
        world.chain.broadcast(signed.raw)
    mined(world.chain, signed.hash)
    world.chain.broadcast(signed.raw)

    assert world.chain.mined_nonce() == world.chain.next_nonce() == signed.nonce + 1


def test_a_call_that_the_contract_refuses_is_refused_by_name_and_not_signed(world: World) -> None:
    mined(world.chain, world.register().hash)

    with pytest.raises(CallRevertedError) as refused:
        world.sign()

    assert refused.value.error == "BodyExists"


def test_calldata_that_nodes_would_not_pass_on_is_refused(world: World) -> None:
    with pytest.raises(CallRevertedError, match="BytesOver"):
        world.chain.sign(bytes(MAX_CALLDATA_BYTES + 1), nonce=0)


def test_a_nonce_that_is_used_is_refused_and_not_taken_for_a_dead_node(world: World) -> None:
    first = world.register()
    mined(world.chain, first.hash)
    act = registration(world.chain, "12320000XX00000276")
    late = world.chain.sign(calls.register(act.statement, act.signatures), nonce=first.nonce)

    with pytest.raises(ChainRefusesError):
        world.chain.broadcast(late.raw)

    assert world.chain.find(late.hash) is None


def test_resigning_keeps_the_call_and_raises_the_fee_enough_for_any_node(world: World) -> None:
    signed = world.sign()

    again = world.chain.resign(signed.raw)
    once_more = world.chain.resign(again.raw)

    kept = [0, 1, 4, 5, 6, 7]  # chain id, nonce, gas, to, value, data
    one, two, three = (rlp.decode(tx.raw[1:]) for tx in (signed, again, once_more))
    assert [one[at] for at in kept] == [two[at] for at in kept] == [three[at] for at in kept]
    for place in (2, 3):
        fees = [int.from_bytes(tx[place], "big") for tx in (one, two, three)]
        assert fees[1] >= 1.1 * fees[0]
        assert fees[2] >= 1.1 * fees[1]


@pytest.mark.anvil
def test_a_transaction_that_waits_is_replaced_by_its_dearer_twin(tmp_path: Path) -> None:
    with running_anvil(tmp_path) as url:
        chain, made = deployed(tmp_path / "home", url)
        NodeClient(url).call("evm_setAutomine", False)
        first = World(url, chain, made).register()
        second = chain.resign(first.raw)
        chain.broadcast(second.raw)
        assert chain.next_nonce() == first.nonce + 1
        assert chain.mined_nonce() == first.nonce

        NodeClient(url).call("evm_mine")

        assert chain.find(first.hash) is None
        assert mined(chain, second.hash).succeeded


@pytest.mark.anvil
def test_what_a_reorganisation_took_back_is_not_found_any_more(tmp_path: Path) -> None:
    with running_anvil(tmp_path) as url:
        chain, made = deployed(tmp_path / "home", url)
        snapshot = NodeClient(url).call("evm_snapshot")
        signed = World(url, chain, made).register()
        assert mined(chain, signed.hash).succeeded

        NodeClient(url).call("evm_revert", snapshot)

        assert chain.find(signed.hash) is None
        assert chain.mined_nonce() == signed.nonce


# Blocks, events, proofs -------------------------------------------------------------------------


def test_blocks_are_linked_and_end_at_the_head(world: World) -> None:
    mined(world.chain, world.register().hash)
    head = world.chain.head()
    before = world.chain.block(head.number - 1)

    assert before is not None
    assert head.parent == before.hash
    assert head.time >= before.time
    assert world.chain.block(head.number + 1_000) is None
    assert world.chain.finalized().number <= head.number


def test_the_contract_tells_its_birth_first(world: World) -> None:
    logs = world.chain.logs(0, world.chain.head().number)

    created, *seats = [parse_log(log.topics, log.data) for log in logs]

    assert created == Created(identity=world.made.identity, salt=world.made.salt)
    assert [seat.statement.region for seat in seats] == list(REGIONS)  # type: ignore[union-attr]
    assert world.chain.identity == world.made.identity


def test_a_proof_leads_from_the_state_root_to_contract_and_slot(world: World) -> None:
    found = mined(world.chain, world.register().hash)
    position = slot_position(ISSUER)
    absent = slot_position("12320000XX00000276")
    slots = [int.from_bytes(one, "big") for one in (position, absent)]

    proof = world.chain.prove(slots, found.block.number)

    account = check_account(found.block.state_root, world.made.address, proof.account)
    assert account is not None
    assert account.code_hash == world.made.code_hash
    told = world.chain.logs(found.block.number, found.block.number)[-1]
    state = parse_log(told.topics, told.data)
    assert isinstance(state, IssuerStateEvent)
    digest = state.state(f"单位 {ISSUER}").digest()
    assert check_slot(account.storage_root, position, proof.slots[slots[0]]) == digest
    assert check_slot(account.storage_root, absent, proof.slots[slots[1]]) == bytes(32)


def test_a_node_of_another_chain_is_refused(world: World) -> None:
    pin = world.made.pin("ledger")

    for other in (replace(pin, chain_id=pin.chain_id + 1), replace(pin, genesis=b"\x01" * 32)):
        with pytest.raises(NodeRefusesError, match="chain"):
            EthereumChain(NodeClient(world.url), other, PAYER)


# Nodes that fail or lie -------------------------------------------------------------------------


def test_a_range_that_is_too_large_for_the_node_is_asked_for_in_parts(tmp_path: Path) -> None:
    spans: list[int] = []

    def at_most_two(asked: dict[str, Any], honest: Callable[[], Any]) -> Any:
        if asked["method"] == "eth_getLogs":
            (query,) = asked["params"]
            spans.append(int(query["toBlock"], 16) - int(query["fromBlock"], 16) + 1)
            if spans[-1] > 2:
                error = {"code": -32005, "message": "range too large"}
                return {"jsonrpc": "2.0", "id": 1, "error": error}
        return told(honest())

    with running_node("embedded", tmp_path) as url:
        chain, made = deployed(tmp_path / "home", url)
        for number in range(4):
            mined(chain, World(url, chain, made).register(f"11310000XX0000010{number}").hash)
        head = chain.head().number
        with between(url, at_most_two) as narrow:
            seen = EthereumChain(NodeClient(narrow), made.pin("ledger"), PAYER).reported_logs(
                0, head
            )

        assert seen == chain.logs(0, head)
        assert max(spans) > 2


NONSENSE = [
    b"<html>busy</html>",
    b"",
    b"[]",
    b"null",
    b'{"jsonrpc":"2.0","id":1}',
    told(None),
    told(7),
    told("0xzz"),
    told([]),
    told({}),
    told([{"blockNumber": "0x1"}]),
    told({"number": "0x1", "hash": 5}),
    told({"blockNumber": "0x1", "blockHash": "ab", "status": None}),
    told({"accountProof": [1], "storageProof": [{}]}),
    told({"accountProof": ["0x0"], "storageProof": [{"proof": ["0x123"]}]}),
]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("honest")
    with running_node("embedded", folder) as url:
        yield World(url, *deployed(folder / "home", url))


@pytest.mark.parametrize("nonsense", NONSENSE, ids=str)
def test_nonsense_from_a_node_is_unreachable_and_nothing_worse(
    nonsense: Any, honest: World
) -> None:
    lying = [False]

    def lie(asked: dict[str, Any], answer: Callable[[], Any]) -> Any:
        return nonsense if lying[0] else told(answer())

    with between(honest.url, lie) as url:
        chain = EthereumChain(NodeClient(url), honest.made.pin("ledger"), PAYER)
        lying[0] = True
        asking: list[Callable[[], Any]] = [
            chain.next_nonce,
            chain.mined_nonce,
            chain.head,
            chain.finalized,
            lambda: chain.block(1),
            lambda: chain.find(bytes(32)),
            lambda: chain.logs(0, 1),
            lambda: chain.prove([0], 1),
            lambda: chain.sign(b"\x01", nonce=0),
        ]
        for ask in asking:
            try:
                given = ask()
            except ChainUnreachableError:
                continue
            assert given in (None, []) or nonsense == told([]), given


def test_a_node_that_is_away_is_unreachable(honest: World) -> None:
    with between(honest.url, lambda asked, answer: told(answer())) as url:
        chain = EthereumChain(NodeClient(url), honest.made.pin("ledger"), person("payer"))

    with pytest.raises(ChainUnreachableError):
        chain.head()
