"""Fees of past blocks (`eth_feeHistory`), and the tip to offer for the next."""

from collections.abc import Sequence
from typing import Any, Final

from eth.abc import BlockHeaderAPI

from certledger.ledger.devchain.formats import effective_price, quantity
from certledger.ledger.devchain.params import invalid
from certledger.ledger.devchain.view import View

Json = Any
#: Wei a gas above the base fee that suffices: blocks are never full for long.
TIP: Final = 1
MAX_BLOCKS: Final = 1_024
_MAX_PERCENTILES: Final = 100


def parse_percentiles(value: Json) -> list[float]:
    """Parse ascending percentiles, each from 0 to 100."""
    listed = [] if value is None else value
    if not isinstance(listed, list) or len(listed) > _MAX_PERCENTILES:
        invalid(f"percentiles are a list of at most {_MAX_PERCENTILES}")
    for one in listed:
        if isinstance(one, bool) or not isinstance(one, int | float) or not 0 <= one <= 100:
            invalid("a percentile is a number from 0 to 100")
    if listed != sorted(listed):
        invalid("percentiles ascend")
    return listed


def fee_history(
    view: View, headers: Sequence[BlockHeaderAPI], last: BlockHeaderAPI, percentiles: list[float]
) -> Json:
    """Return fees and gas use of the blocks `headers`, of which `last` is the newest."""
    following = view.chain.next_header(last, last.timestamp)
    history = {
        "oldestBlock": quantity(last.block_number + 1 - len(headers)),
        "baseFeePerGas": [quantity(h.base_fee_per_gas or 0) for h in [*headers, following]],
        "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
    }
    if percentiles:
        history["reward"] = [_tips(view, header, percentiles) for header in headers]
    return history


def _tips(view: View, header: BlockHeaderAPI, percentiles: list[float]) -> list[str]:
    """Return the tip at each percentile of the block's gas, sorted by tip."""
    body, before, paid = view.body(header), 0, []
    for sent, receipt in zip(body.transactions, body.receipts, strict=True):
        tip = effective_price(sent, header) - (header.base_fee_per_gas or 0)
        paid.append((tip, receipt.gas_used - before))
        before = receipt.gas_used
    paid.sort()
    return [
        quantity(_tip_at(paid, header.gas_used * percentile / 100)) for percentile in percentiles
    ]


def _tip_at(paid: list[tuple[int, int]], threshold: float) -> int:
    total = 0
    for tip, gas in paid:
        total += gas
        if total >= threshold:
            return tip
    return 0
