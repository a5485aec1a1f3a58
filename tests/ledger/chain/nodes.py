"""Real nodes to speak to: the embedded chain, and anvil where it can be had."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from certledger.ledger.chain.client import EthereumChain, NodeClient
from certledger.ledger.chain.deploy import Deployment, deploy
from certledger.ledger.core.errors import ChainUnreachableError
from certledger.ledger.core.values import Block, Inclusion
from certledger.ledger.devchain.node import open_node
from certledger.ledger.issuer.signed_acts import packed_keys
from certledger.ledger.keys import Signer, signer_of
from certledger.verifier.formats.signed_act import Act
from certledger.verifier.formats.statements import Register, Statement
from certledger.verifier.vocabulary import Purpose
from tests.ports import free_ports

REGIONS = (31, 32, 33, 34)
RICH = 10**24
DAY = 86_400
EVERY = Purpose.BATCHES | Purpose.STATUS | Purpose.CATALOG | Purpose.KEYS
NODES = [
    pytest.param("embedded", id="embedded"),
    pytest.param("anvil", id="anvil", marks=pytest.mark.anvil),
]


def person(name: str) -> Signer:
    """Return the key pair of somebody, always the same for a name."""
    return signer_of(sha256(name.encode()).digest())


PAYER = person("payer")
REGISTRARS = [(region, person(f"registrar {region}").address) for region in REGIONS]


@contextmanager
def running_anvil(folder: Path, *options: str) -> Iterator[str]:
    """Run anvil on a free port, with a rich payer; skip where there is none."""
    binary = os.environ.get("CERTLEDGER_ANVIL", "")
    if not Path(binary).is_file():
        pytest.skip("anvil is not here: set CERTLEDGER_ANVIL, or run `make tools`")
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [binary, "--port", str(port), "--silent", "--accounts", "0", *options], cwd=folder
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for_node(url, process)
        NodeClient(url).call("anvil_setBalance", "0x" + PAYER.address.hex(), hex(RICH))
        yield url
    finally:
        process.terminate()
        process.wait()


def wait_for_node(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a node answers."""
    while process.poll() is None:
        try:
            NodeClient(url).call("eth_chainId")
        except ChainUnreachableError:
            continue
        return
    raise AssertionError("the node ended before it answered")


@contextmanager
def running_node(kind: str, folder: Path) -> Iterator[str]:
    """Run a node of one of the kinds; give its URL."""
    if kind == "anvil":
        with running_anvil(folder) as url:
            yield url
        return
    with open_node(folder / "chain", funded={PAYER.address: RICH}) as node:
        yield node.url


def deployed(home: Path, url: str) -> tuple[EthereumChain, Deployment]:
    """Return a fresh ledger on the node at `url`, as the payer sees it."""
    home.mkdir(parents=True, exist_ok=True)
    node = NodeClient(url)
    made = deploy(home, node, PAYER, REGISTRARS, os.urandom)
    return EthereumChain(node, made.pin("ledger"), PAYER), made


def mined(chain: EthereumChain, tx: bytes) -> Inclusion:
    """Return where a transaction stands, once it does."""
    for _ in range(10_000):
        found = chain.find(tx)
        if found is not None:
            return found
    raise AssertionError("no block took the transaction")


def head_time(chain: EthereumChain) -> int:
    head: Block = chain.head()
    return head.time


def signed(chain: EthereumChain, said: Statement, *signers: Signer) -> Act:
    """Return an act of this ledger under the signatures of `signers`, in this order."""
    digest = said.digest(chain.identity)
    signatures = tuple(signer.sign(digest) for signer in signers)
    return Act(ledger=chain.identity, statement=said, signatures=signatures)


def registration(chain: EthereumChain, issuer: str = "11310000XX00000196", **said: int) -> Act:
    """Return the act that registers an issuer with one key."""
    key = person(f"key of {issuer}")
    statement = Register(
        issuer=issuer.encode(),
        kind=1,
        name=sha256(f"单位 {issuer}".encode()).digest(),
        keys=packed_keys({key.address: EVERY}),
        not_after=said.get("not_after", head_time(chain) + DAY),
    )
    second = "33" if issuer[2:4] != "33" else "32"
    registrars = [person(f"registrar {region}") for region in (issuer[2:4], second)]
    return signed(chain, statement, *registrars, key)
