"""The demo's four witnesses, each with a replica of the chain and an HTTP server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from certledger.ledger.demo.participants import OPERATORS, Cast, load_cast
from certledger.ledger.node import Ledger
from certledger.ledger.publish.cosignatures import Collector
from certledger.ledger.witness.deployment_check import require_deployment
from certledger.ledger.witness.nodes import ExecutingNode, RpcSource
from certledger.ledger.witness.server import WitnessServer
from certledger.ledger.witness.witness import Witness
from certledger.verifier.formats.policy import TrustPolicy


@contextmanager
def witnesses(ledger: Ledger, cast: Cast, policy: TrustPolicy) -> Iterator[Collector]:
    """Run the four witnesses, and yield a collector of their cosignatures."""
    urls = {}
    require_deployment(ledger.node, ledger.pin)
    with ExitStack() as stack:
        for operator, member in zip(OPERATORS, policy.witnesses, strict=True):
            home = ledger.settings.home / "witnesses" / operator
            node = ExecutingNode(
                home,
                RpcSource(lambda method, params: ledger.node.call(method, *params)),
                ledger.pin.genesis,
                lag=policy.block_lag,
                clock=ledger.clock,
            )
            stack.callback(node.close)
            server = WitnessServer(
                Witness(
                    name=member.name,
                    key=cast.witness(operator),
                    identity=ledger.pin.identity,
                    node=node,
                    home=home,
                    lag=policy.block_lag,
                    clock=ledger.clock,
                )
            )
            server.start()
            stack.callback(server.close)
            urls[member.name] = server.url
        yield Collector(policy=policy, urls=urls, timeout=60.0)


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
