"""A backend that lags behind its balancer: what it leaves out is noticed, and asked for again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from certledger.ledger.chain.block_logs import (
    LogsIncompleteError,
    complete_logs,
    may_contain,
    receipts_root,
)
from certledger.ledger.chain.client import EthereumChain, NodeClient
from certledger.ledger.chain.failover import Nodes, nodes_at
from certledger.ledger.chain.follower import ChainBehindError, Follower
from certledger.ledger.core.errors import ChainUnreachableError
from certledger.ledger.devchain.node import open_node
from certledger.ledger.node import Ledger, operator_of
from certledger.ledger.settings import load_settings
from certledger.ledger.store import SqlStore, open_store
from certledger.verifier.formats.contract_events import TOPICS
from certledger.verifier.vocabulary import Status
from tests.effort import effort
from tests.ledger.chain.nodes import NODES, PAYER, deployed, mined, running_node
from tests.ledger.chain.proxy import between, told
from tests.ledger.chain.test_client import World
from tests.ledger.live import LiveIssuer, open_live, person


@dataclass
class Lag:
    """Leaves out of the answers to one method, as often as it is told to."""

    method: str = ""
    times: int = 0
    lacking: Callable[[Any], Any] = lambda honest: []
    asked: list[str] = field(default_factory=list)

    def __call__(self, asked: dict[str, Any], honest: Callable[[], Any]) -> Any:
        self.asked.append(asked["method"])
        if asked["method"] == self.method and self.times > 0:
            self.times -= 1
            return told(self.lacking(honest()))
        return told(honest())


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_live(tmp_path / "home") as opened:
        issuer = LiveIssuer(opened)
        issuer.register()
        issuer.submit(3)
        opened.run_until_idle()
        issuer.change([1], Status.REVOKED, "R01")
        opened.run_until_idle()
        yield opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path}/other.db")
    yield opened
    opened.close()


def states(store: SqlStore) -> list[bytes]:
    with store.begin(write=False) as unit:
        return [seen.state.digest() for seen in unit.issuers()]


def without_logs(receipts: Any) -> Any:
    """Return receipts from which the logs of the last one are gone."""
    return [*receipts[:-1], receipts[-1] | {"logs": receipts[-1]["logs"][:-1]}]


LAGS = [
    ("eth_getLogs", lambda honest: []),
    ("eth_getLogs", lambda honest: honest[:-1]),
    ("eth_getBlockReceipts", lambda honest: []),
    ("eth_getBlockReceipts", lambda honest: None),
    ("eth_getBlockReceipts", without_logs),
    ("eth_getBlockByNumber", lambda honest: None),
]


@pytest.mark.parametrize(("method", "lacking"), LAGS)
def test_what_a_lagging_backend_leaves_out_is_asked_for_again(
    method: str, lacking: Callable[[Any], Any], ledger: Ledger, store: SqlStore
) -> None:
    lag = Lag(lacking=lacking)
    assert ledger.embedded is not None
    with between(ledger.embedded.url, lag) as url:
        chain = EthereumChain(NodeClient(url), ledger.pin, person("payer"))
        follower = Follower(store, chain, ledger.deployment.block or 0)
        lag.method, lag.times = method, 1
        for _ in range(2):
            try:
                follower.follow()
            except ChainUnreachableError:
                continue
    assert states(store) == states(ledger.store)
    assert len(states(store)) == 1


def test_a_gap_is_fetched_from_another_node_at_once(ledger: Ledger, store: SqlStore) -> None:
    lag = Lag()
    assert ledger.embedded is not None
    with between(ledger.embedded.url, lag) as lagging:
        nodes = nodes_at(f"{lagging}, {ledger.embedded.url}")
        chain = EthereumChain(nodes, ledger.pin, person("payer"))
        lag.method, lag.times = "eth_getBlockReceipts", 1_000

        Follower(store, chain, ledger.deployment.block or 0).follow()

    assert lag.times < 1_000
    assert states(store) == states(ledger.store)


def test_a_node_that_is_away_is_replaced_by_the_next(ledger: Ledger) -> None:
    assert ledger.embedded is not None
    with between(ledger.embedded.url, Lag()) as gone:
        pass
    chain = EthereumChain(nodes_at(f"{gone},{ledger.embedded.url}"), ledger.pin, person("payer"))
    assert chain.head().number == ledger.chain.head().number
    with pytest.raises(ChainUnreachableError):
        Nodes([]).call("eth_chainId")


def test_a_node_that_has_not_come_to_the_head_again_takes_nothing_back(
    ledger: Ledger, store: SqlStore
) -> None:
    now, lag = [0.0], Lag()
    assert ledger.embedded is not None
    with between(ledger.embedded.url, lag) as url:
        chain = EthereumChain(NodeClient(url), ledger.pin, person("payer"))
        follower = Follower(
            store, chain, ledger.deployment.block or 0, patience=60.0, clock=lambda: now[0]
        )
        held = follower.follow()
        lag.method, lag.times, lag.lacking = "eth_getBlockByNumber", 1, lambda honest: None
        with pytest.raises(ChainBehindError):
            follower.follow()
        with store.begin(write=False) as unit:
            assert unit.head() == held
        assert follower.follow() == held
    assert states(store) == states(ledger.store)


@pytest.mark.parametrize("kind", NODES)
def test_all_events_are_proved_by_the_receipts_of_each_kind_of_node(
    kind: str, tmp_path: Path
) -> None:
    with running_node(kind, tmp_path) as url:
        chain, made = deployed(tmp_path / "home", url)
        for number in range(3):
            mined(chain, World(url, chain, made).register(f"11310000XX0000010{number}").hash)
        node, head = NodeClient(url), chain.head().number
        address = made.pin("ledger").address

        found = complete_logs(node, address, 0, head)

        assert found == chain.reported_logs(0, head)
        assert len(found) == 4 + 1 + 3 * 2
        assert complete_logs(node, PAYER.address, 0, head) == []
        for number in {log.block for log in found}:
            header = node.call("eth_getBlockByNumber", hex(number), False)
            receipts = node.call("eth_getBlockReceipts", hex(number))
            assert "0x" + receipts_root(receipts).hex() == header["receiptsRoot"]
            assert may_contain(bytes.fromhex(header["logsBloom"][2:]), address)


@pytest.mark.parametrize("garbled", effort([7, [{}]], [7, [7], {}, [{}], "0x"]))
def test_garbled_receipts_are_incomplete(garbled: Any, ledger: Ledger) -> None:
    lag = Lag(method="eth_getBlockReceipts", times=1_000, lacking=lambda honest: garbled)
    assert ledger.embedded is not None
    with between(ledger.embedded.url, lag) as url, pytest.raises(LogsIncompleteError):
        complete_logs(NodeClient(url), ledger.pin.address, 0, ledger.chain.head().number)


@pytest.mark.parametrize(
    "method", ["eth_getProof", "eth_getBlockReceipts", "eth_getTransactionReceipt"]
)
def test_a_method_that_is_answered_wrongly_does_not_keep_acts_from_being_sent(
    method: str, tmp_path: Path
) -> None:
    home, lag = tmp_path / "home", Lag(lacking=lambda honest: 7)
    home.mkdir()
    operator = operator_of(load_settings(home=home)).address
    with (
        open_node(tmp_path / "node", funded={operator: 10**24}) as node,
        between(node.url, lag) as url,
        open_live(home, chain_url=url) as ledger,
    ):
        issuer = LiveIssuer(ledger)
        issuer.register()
        lag.method, lag.times = method, 1_000
        for _ in range(2):
            issuer.submit(1)
            with suppress(ChainUnreachableError):
                ledger.anchor()
            with suppress(ChainUnreachableError):
                ledger.publish()
        honest = EthereumChain(NodeClient(node.url), ledger.pin, person("payer"))
        logs = honest.logs(0, honest.head().number)
        sent = [log for log in logs if log.topics[0] == TOPICS["Anchored"]]
        lag.times = 0
        ledger.run_until_idle()
        with ledger.store.begin(write=False) as unit:
            assert [one.sequence for one in unit.anchored_batches(issuer.issuer)] == [1, 2]
    assert len(sent) >= 1
