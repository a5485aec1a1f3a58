"""Options that name nodes, servers and published data; one rule for plain http in all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from certledger.verifier.formats.policy import TrustPolicy
    from certledger.verifier.verify.trust_sources import Judge

PLAIN_HTTP = "plain_http"
"""Name of the parameter that allows plain http to other machines."""


class AddressType(click.ParamType):  # type: ignore[type-arg]  # Generic in new versions of click.
    """Address of a node or a server: https, or plain http to this machine.

    `kind` is "node" or "server"; with `folders` other values are paths of folders.
    """

    name = "url"

    def __init__(self, kind: str, *, folders: bool = False) -> None:
        self.kind, self.folders = kind, folders

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address.

        Raises:
            AddressInsecureError: plain http to another machine, which others can read and change.
        """
        from certledger.verifier.http_client import require_secure

        if ctx is not None and ctx.params.get(PLAIN_HTTP):
            return value
        return require_secure(value, self.kind)


NODE = AddressType("node")
SERVER = AddressType("server")
DATA = AddressType("server", folders=True)

plain_http_option = click.option(
    "--plain-http",
    is_flag=True,
    is_eager=True,  # `HttpDirectory` reads it while the other options are read.
    help="Let addresses be plain http, over a network of your own.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeChoice:
    """Nodes named on the command line: `rpc` supplements the witnesses, `trusted` replaces them."""

    rpc: str | None = None
    trusted: str | None = None

    def __bool__(self) -> bool:
        """Whether a node was named."""
        return self.rpc is not None or self.trusted is not None

    def judge(self, policy: TrustPolicy) -> Judge:
        """Return the judge of blocks by `policy` and these nodes.

        Raises:
            NodeUnreachableError: the value is no address of a node.
            NodeNotAllowedError: the policy does not allow trust in a node alone.
        """
        from certledger.verifier.verify.trust_sources import open_judge

        return open_judge(policy, self.rpc, self.trusted)


def node_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name a node; the command gets them as `nodes: NodeChoice`."""

    @click.option(
        "--rpc",
        type=NODE,
        help="A node to ask for newer knowledge: it can refuse, and never replaces witnesses.",
    )
    @click.option(
        "--trust-node",
        type=NODE,
        help="Your own node, to rest on without witnesses, where the policy allows it.",
    )
    @wraps(command)
    def run(*arguments: Any, rpc: str | None, trust_node: str | None, **others: Any) -> None:
        if rpc is not None and trust_node is not None:
            raise click.UsageError("name either --rpc or --trust-node")
        command(*arguments, nodes=NodeChoice(rpc=rpc, trusted=trust_node), **others)

    return run
