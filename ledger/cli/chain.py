"""`certledger chain`: a node of one's own that follows an operator's embedded chain."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from certledger.ledger.cli.console import FOLDER, now
from certledger.verifier.cli.address_options import NODE, plain_http_option
from certledger.verifier.console import print_line


@click.command()
@click.option("--home", required=True, type=FOLDER, help="The folder of the chain.")
@click.option("--follow", required=True, type=NODE, help="A node of the chain: a service's /rpc.")
@click.option(
    "--genesis", metavar="HEX", help="The first block's hash, as the policy pins it; by default"
    " that of the founding document in the home.",
)  # fmt: skip
@click.option("--block-lag", default=600, show_default=True, help="Seconds a block may be ahead.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, show_default=True, help="0 picks one.")
@plain_http_option
def chain(
    home: Path,
    follow: str,
    genesis: str | None,
    block_lag: int,
    host: str,
    port: int,
    plain_http: bool,  # For `AddressType`.
) -> None:
    """Execute every block of an embedded chain again, and answer JSON-RPC from one's own copy.

    Nothing is believed: a block that does not follow from its transactions ends it with 3.  Its
    address is for `witness --believe --rpc`, `verify --rpc`, `audit --rpc` and `registrar --rpc`.
    """
    from certledger.ledger.chain.client import NodeClient
    from certledger.ledger.logging import quiet
    from certledger.ledger.witness.nodes import RpcSource
    from certledger.ledger.witness.replica_node import ReplicaNode

    quiet()
    client = NodeClient(follow)
    source = RpcSource(lambda method, params: client.call(method, *params))
    node = ReplicaNode(
        home, source, _genesis(home, genesis), lag=block_lag, clock=now, host=host, port=port
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    print_line(f"certledger chain answers at {node.url}")
    try:
        node.follow(stop)
    finally:
        node.close()


def _genesis(home: Path, given: str | None) -> bytes:
    from certledger.ledger.foundation.files import DOCUMENT, read_founding
    from certledger.verifier.formats.canonical_json import from_hex

    if given is not None:
        return from_hex(given.removeprefix("0x").lower(), 32)
    if not (home / DOCUMENT).exists():
        raise click.UsageError("name the --genesis: the home has no founding document")
    return read_founding(home / DOCUMENT).founding.operator_part.genesis
