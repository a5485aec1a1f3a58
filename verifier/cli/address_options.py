"""The options by which commands name nodes, servers and published data: one rule for them all."""

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
"""The parameter of a command that lets plain http lead elsewhere than to this machine."""


class AddressType(click.ParamType):  # type: ignore[type-arg]  # Generic in new versions of click.
    """An address of a node or a server: https, or plain http on this machine.

    `kind` is "node" or "server"; with `folders` what is no address may be a folder.
    """

    name = "url"

    def __init__(self, kind: str, *, folders: bool = False) -> None:
        self.kind, self.folders = kind, folders

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address.

        Raises:
            AddressInsecureError: others may read and change what is asked there.
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
    """The nodes that a command was told to ask: `rpc` beside the witnesses, `trusted` alone."""

    rpc: str | None = None
    trusted: str | None = None

    def __bool__(self) -> bool:
        """Whether a node was named."""
        return self.rpc is not None or self.trusted is not None

    def judge(self, policy: TrustPolicy) -> Judge:
        """Return the judge of blocks by `policy` and these nodes.

        Raises:
            NodeUnreachableError: no address of a node.
            NodeNotAllowedError: the policy does not let a node be relied on alone.
        """
        from certledger.verifier.verify.trust_sources import open_judge

        return open_judge(policy, self.rpc, self.trusted)


def node_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that name a node to ask; the command gets them as `nodes: NodeChoice`."""

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
