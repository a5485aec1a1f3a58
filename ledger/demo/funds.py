"""Funds of the demo's operator on a development node, which has accounts that it signs for."""

from __future__ import annotations

from typing import Any

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from certledger.ledger.chain.block_logs import JsonRpc
from certledger.ledger.core.errors import ChainRefusesError

_WEI = 10 * 10**18
"""What the operator is given, once: far more than a demo costs on a development chain."""


def fund_operator(node: JsonRpc, address: bytes) -> bool:
    """Let the node's own richest account pay the operator; return whether it did.

    Anvil and `geth --dev` have such an account.  On any other node nothing happens: the deployment
    then says which address needs how much.

    Raises:
        ChainUnreachableError: the node does not answer.
    """
    try:
        accounts = node.call("eth_accounts")
        balances = {one: int(node.call("eth_getBalance", one, "latest"), 16) for one in accounts}
        payer = max(balances, key=lambda one: balances[one], default=None)
        if payer is None or balances[payer] <= _WEI:
            return False
        payment = {"from": payer, "to": f"0x{address.hex()}", "value": hex(_WEI)}
        sent = node.call("eth_sendTransaction", payment)
    except ChainRefusesError:
        return False
    return _wait(node, sent) is not None


def _wait(node: JsonRpc, tx: str) -> Any:
    waiting = Retrying(
        retry=retry_if_result(lambda receipt: receipt is None),
        stop=stop_after_delay(60),
        wait=wait_fixed(0.1),
        retry_error_callback=lambda state: None,
    )
    return waiting(node.call, "eth_getTransactionReceipt", tx)
