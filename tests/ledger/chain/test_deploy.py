"""Deploying: one contract a home, whatever dies on the way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certledger.ledger.chain.client import NodeClient
from certledger.ledger.chain.deploy import (
    FILE,
    Deployment,
    DeploymentFailedError,
    deploy,
    load_deployment,
)
from certledger.ledger.core.errors import ChainRefusesError
from certledger.ledger.devchain.node import open_node
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import format_canonical
from tests.ledger.chain.nodes import NODES, PAYER, REGISTRARS, running_anvil, running_node


@pytest.fixture(params=NODES)
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NodeClient]:
    with running_node(request.param, tmp_path) as url:
        yield NodeClient(url)


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[NodeClient]:
    with running_node("embedded", tmp_path) as url:
        yield NodeClient(url)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


def nonce(node: NodeClient) -> int:
    return int(node.call("eth_getTransactionCount", "0x" + PAYER.address.hex(), "latest"), 16)


def test_a_ledger_stands_where_the_home_remembers_it(node: NodeClient, home: Path) -> None:
    made = deploy(home, node, PAYER, REGISTRARS, os.urandom)

    assert load_deployment(home) == made
    assert made.block is not None
    assert made.pin("x").identity == made.identity
    code = node.call("eth_getCode", "0x" + made.address.hex(), "latest")
    assert keccak(bytes.fromhex(code[2:])) == made.code_hash


def test_deploying_twice_gives_the_same_ledger(embedded: NodeClient, home: Path) -> None:
    first = deploy(home, embedded, PAYER, REGISTRARS, os.urandom)

    assert deploy(home, embedded, PAYER, REGISTRARS, os.urandom) == first
    assert nonce(embedded) == 1


def test_two_homes_have_two_ledgers(embedded: NodeClient, home: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()

    made = [
        deploy(folder, embedded, PAYER, REGISTRARS, os.urandom)
        for folder in (home, tmp_path / "other")
    ]

    assert made[0].address != made[1].address
    assert made[0].identity != made[1].identity


class Crash(Exception):
    """The process died here."""


class Dying(NodeClient):
    """A node whose caller dies at one method, before or after it has worked."""

    def __init__(self, real: NodeClient, method: str, *, applied: bool) -> None:
        self._real, self._method, self._applied = real, method, applied

    def call(self, method: str, *params: Any) -> Any:
        if method == self._method:
            if self._applied:
                self._real.call(method, *params)
            raise Crash(method)
        return self._real.call(method, *params)


@pytest.mark.parametrize("applied", [False, True], ids=["lost", "done-but-unacknowledged"])
@pytest.mark.parametrize(
    "method",
    [
        "eth_getTransactionCount",
        "eth_getTransactionByHash",
        "eth_sendRawTransaction",
        "eth_getTransactionReceipt",
        "eth_getCode",
    ],
)
def test_a_death_at_any_step_leaves_one_contract(
    method: str, applied: bool, embedded: NodeClient, home: Path
) -> None:
    with pytest.raises(Crash):
        deploy(home, Dying(embedded, method, applied=applied), PAYER, REGISTRARS, os.urandom)
    remembered = load_deployment(home)

    made = deploy(home, embedded, PAYER, REGISTRARS, os.urandom)

    assert nonce(embedded) == 1
    assert made.block is not None
    if remembered is not None:
        assert made == replace(remembered, block=made.block)


def test_registrars_that_the_contract_refuses_are_no_ledger(
    embedded: NodeClient, home: Path
) -> None:
    with pytest.raises(DeploymentFailedError):
        deploy(home, embedded, PAYER, REGISTRARS[:2], os.urandom)


def test_a_home_of_another_chain_is_refused(
    embedded: NodeClient, home: Path, tmp_path: Path
) -> None:
    made = deploy(home, embedded, PAYER, REGISTRARS, os.urandom)

    with (
        open_node(tmp_path / "fresh", chain_id=made.chain_id, funded={}) as node,
        pytest.raises(ChainRefusesError, match="begins with"),
    ):
        deploy(home, NodeClient(node.url), PAYER, REGISTRARS, os.urandom)


def test_a_deployment_whose_nonce_was_used_by_another_says_so(
    embedded: NodeClient, home: Path
) -> None:
    with pytest.raises(Crash):
        deploy(
            home,
            Dying(embedded, "eth_sendRawTransaction", applied=False),
            PAYER,
            REGISTRARS,
            os.urandom,
        )
    other = home / "other"
    other.mkdir()
    deploy(other, embedded, PAYER, REGISTRARS, os.urandom)

    with pytest.raises(DeploymentFailedError, match="cannot be sent"):
        deploy(home, embedded, PAYER, REGISTRARS, os.urandom)


def test_a_file_with_anything_unknown_is_refused(embedded: NodeClient, home: Path) -> None:
    made = deploy(home, embedded, PAYER, REGISTRARS, os.urandom)
    value = made.to_json()
    assert isinstance(value, dict)
    assert Deployment.from_json(value) == made

    for bad in (value | {"more": 1}, value | {"salt": "00"}, value | {"raw": "zz"}, {}):
        (home / FILE).write_bytes(format_canonical(bad))
        with pytest.raises(MalformedError):
            load_deployment(home)


@pytest.mark.anvil
def test_a_deployment_that_a_reorganisation_took_back_is_sent_again(
    home: Path, tmp_path: Path
) -> None:
    with running_anvil(tmp_path) as url:
        node = NodeClient(url)
        snapshot = node.call("evm_snapshot")
        made = deploy(home, node, PAYER, REGISTRARS, os.urandom)
        node.call("evm_revert", snapshot)
        node.call("evm_mine")

        again = deploy(home, node, PAYER, REGISTRARS, os.urandom)

        assert made.block is not None
        assert again == replace(made, block=made.block + 1)
        assert load_deployment(home) == again
