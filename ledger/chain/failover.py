"""Failover between several JSON-RPC nodes of one chain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from certledger.ledger.chain.block_logs import JsonRpc
from certledger.ledger.chain.client import NodeClient, WrongChainError, check_chain
from certledger.ledger.core.errors import ChainRefusesError, ChainUnreachableError


class Nodes:
    """JSON-RPC nodes, of which the one that answered last is asked first."""

    def __init__(self, members: Sequence[JsonRpc]) -> None:
        self._members, self._preferred = tuple(members), 0

    @property
    def members(self) -> Sequence[JsonRpc]:
        """The nodes, the one that answered last first."""
        return self._members[self._preferred :] + self._members[: self._preferred]

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of a call from the first node that gives one.

        Raises:
            ChainUnreachableError: none answers.
            NodeRefusesError: a node answered with an error, which is not tried elsewhere.
        """
        failure = ChainUnreachableError("no node is set")
        for member in self.members:
            try:
                result = member.call(method, *params)
            except ChainUnreachableError as error:
                if isinstance(error, ChainRefusesError) and not isinstance(error, WrongChainError):
                    raise
                failure = error
            else:
                self._preferred = self._members.index(member)
                return result
        raise failure


class ChainNode:
    """A node whose chain id and genesis are checked before its first call."""

    def __init__(self, node: JsonRpc, chain_id: int, genesis: bytes) -> None:
        self._node, self._chain_id, self._genesis = node, chain_id, genesis
        self._checked = False

    @property
    def members(self) -> Sequence[JsonRpc]:
        """This node alone."""
        return (self,)

    def check(self) -> None:
        """Check that the node is of the chain.

        Raises:
            WrongChainError: it is of another.
            ChainUnreachableError: it does not answer.
        """
        if not self._checked:
            check_chain(self._node, self._chain_id, self._genesis)
            self._checked = True

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of a call; raises as `check` and `Node.call`."""
        self.check()
        return self._node.call(method, *params)


def nodes_at(urls: str) -> Nodes:
    """Return the nodes at addresses separated by commas."""
    return Nodes([NodeClient(url.strip()) for url in urls.split(",")])
