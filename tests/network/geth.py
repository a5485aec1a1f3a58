"""Real geth nodes: a development chain, and four validators of a Clique network."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from certledger.ledger.chain.client import NodeClient
from certledger.ledger.keys import save_keystore, signer_of
from tests.ledger.chain.nodes import wait_for_node
from tests.ports import free_ports

TOOLS = Path(__file__).parents[2] / ".tools" / "geth"
PASSWORD = "of a test alone"
RICH = hex(10**27)
COMMON = (
    "--http", "--http.addr", "127.0.0.1", "--ipcdisable", "--nodiscover", "--nat", "none",
    "--verbosity", "2",
)  # fmt: skip


def binary(kind: str) -> str:
    """Return the path of geth, `dev` or `clique`; skip where it could not be built."""
    path = os.environ.get(f"CERTLEDGER_GETH_{kind.upper()}", str(TOOLS / kind / "geth"))
    if not Path(path).is_file():
        pytest.skip(f"geth ({kind}) is not here: `make geth` builds it with Go")
    return path


@contextmanager
def running_dev(folder: Path) -> Iterator[str]:
    """Run `geth --dev`, which makes a block a second; yield its URL."""
    http, engine = free_ports(2)
    command = [
        binary("dev"), "--dev", "--dev.period", "1", "--datadir", str(folder), *COMMON,
        "--http.port", str(http), "--authrpc.port", str(engine), "--port", "0",
    ]  # fmt: skip
    with (folder.parent / "geth.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{http}"
    try:
        wait_for_node(url, process)
        yield url
    finally:
        process.terminate()
        process.wait()


@dataclass
class Validator:
    """One validator of the network."""

    folder: Path
    address: bytes
    http: int
    port: int
    engine: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.http}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [
            binary("clique"), "--datadir", str(self.folder), *COMMON, "--networkid", "4711",
            "--http.port", str(self.http), "--http.api", "eth,net,web3,admin",
            "--port", str(self.port), "--authrpc.port", str(self.engine),
            "--netrestrict", "127.0.0.0/8", "--syncmode", "full", "--gcmode", "archive",
            "--mine", "--miner.etherbase", f"0x{self.address.hex()}", "--miner.gasprice", "1",
            "--unlock", f"0x{self.address.hex()}", "--password", str(self.folder / "password"),
            "--allow-insecure-unlock",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for_node(self.url, self.process)

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None


@dataclass
class CliqueNetwork:
    """Validators that make a block a second; more than half of them must run."""

    validators: Sequence[Validator] = field(default_factory=list)

    @classmethod
    def create(cls, folder: Path, count: int = 4) -> CliqueNetwork:
        """Make keys, genesis and data folders of `count` validators."""
        secrets = [sha256(f"validator {number}".encode()).digest() for number in range(count)]
        addresses = [signer_of(secret).address for secret in secrets]
        genesis = folder / "genesis.json"
        genesis.write_bytes(orjson.dumps(genesis_of(addresses)))
        made = []
        for number, (secret, address) in enumerate(zip(secrets, addresses, strict=True)):
            home = folder / f"validator-{number}"
            (home / "keystore").mkdir(parents=True)
            save_keystore(home / "keystore" / f"UTC--{number}", secret, PASSWORD, work=2**12)
            (home / "password").write_text(PASSWORD)
            command = [binary("clique"), "--datadir", str(home), "--verbosity", "1", "init"]
            subprocess.run([*command, str(genesis)], check=True)
            http, port, engine = free_ports(3)
            made.append(
                Validator(folder=home, address=address, http=http, port=port, engine=engine)
            )
        return cls(validators=made)

    @property
    def urls(self) -> list[str]:
        """Where the validators answer."""
        return [one.url for one in self.validators]

    def start(self, *numbers: int) -> None:
        """Start validators, and connect all that run."""
        for number in numbers:
            self.validators[number].start()
        running = [one for one in self.validators if one.process is not None]
        for one in running:
            name = NodeClient(one.url).call("admin_nodeInfo")["enode"]
            for other in running:
                if other is not one:
                    NodeClient(other.url).call("admin_addPeer", name)

    def stop(self, *numbers: int) -> None:
        """Stop validators."""
        for number in numbers:
            self.validators[number].stop()


def genesis_of(signers: Sequence[bytes]) -> dict[str, object]:
    """Return the genesis of a Clique network, whose signers are rich."""
    forks = (
        "homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople", "petersburg",
        "istanbul", "berlin", "london",
    )  # fmt: skip
    return {
        "config": {
            "chainId": 4711,
            **{f"{name}Block": 0 for name in forks},
            "clique": {"period": 1, "epoch": 30_000},
        },
        "difficulty": "1",
        "gasLimit": "30000000",
        "extradata": "0x" + bytes(32).hex() + b"".join(sorted(signers)).hex() + bytes(65).hex(),
        "alloc": {signer.hex(): {"balance": RICH} for signer in signers},
    }


@contextmanager
def running_validators(folder: Path) -> Iterator[CliqueNetwork]:
    """Run four validators; all that still run end at the end."""
    network = CliqueNetwork.create(folder)
    try:
        network.start(*range(len(network.validators)))
        yield network
    finally:
        network.stop(*range(len(network.validators)))
