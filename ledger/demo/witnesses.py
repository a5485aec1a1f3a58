"""The demo's four witnesses, each with a chain of its own to look at and an HTTP server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from certledger.ledger.demo.participants import OPERATORS, Cast, load_cast
from certledger.ledger.node import Ledger
from certledger.ledger.publish.cosignatures import Collector
from certledger.ledger.witness.deployment_check import require_deployment
from certledger.ledger.witness.nodes import ExecutingNode, RpcNode, RpcSource
from certledger.ledger.witness.server import WitnessServer
from certledger.ledger.witness.witness import OwnNode, Witness
from certledger.verifier.formats.policy import TrustPolicy
from certledger.verifier.node_rpc import RpcClient


@contextmanager
def witnesses(ledger: Ledger, cast: Cast, policy: TrustPolicy) -> Iterator[Collector]:
    """Run the four witnesses, and yield a collector of their cosignatures."""
    urls = {}
    require_deployment(ledger.node, ledger.pin)
    with ExitStack() as stack:
        for place, (operator, member) in enumerate(zip(OPERATORS, policy.witnesses, strict=True)):
            home = ledger.settings.home / "witnesses" / operator
            home.mkdir(parents=True, exist_ok=True)
            server = WitnessServer(
                Witness(
                    name=member.name,
                    key=cast.witness(operator),
                    identity=ledger.pin.identity,
                    node=_own_node(ledger, policy, home, place, stack),
                    home=home,
                    lag=policy.block_lag,
                    clock=ledger.clock,
                )
            )
            server.start()
            stack.callback(server.close)
            urls[member.name] = server.url
        yield Collector(policy=policy, urls=urls, timeout=60.0)


def _own_node(
    ledger: Ledger, policy: TrustPolicy, home: Path, place: int, stack: ExitStack
) -> OwnNode:
    """Return a witness's node: a replica of the embedded chain, else one of the chain's nodes."""
    if ledger.settings.chain is not None:
        urls = ledger.settings.chain.split(",")
        return RpcNode(RpcClient(urls[place % len(urls)].strip()), policy.trust.confirmations)
    node = ExecutingNode(
        home,
        RpcSource(lambda method, params: ledger.node.call(method, *params)),
        ledger.pin.genesis,
        lag=policy.block_lag,
        clock=ledger.clock,
    )
    stack.callback(node.close)
    return node


@contextmanager
def demo_witnesses(ledger: Ledger) -> Iterator[None]:
    """Run the demo's witnesses for a ledger served from a demo's home.

    In any other home do nothing: its witnesses are other parties', at the URLs in the settings.
    """
    cast = load_cast(ledger.settings.home)
    if cast is None or ledger.policy is None:
        yield
        return
    with witnesses(ledger, cast, ledger.policy.policy) as collector:
        ledger.collector = collector
        yield
