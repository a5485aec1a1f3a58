"""Drop unsigned blocks whose time a wrong clock put into the future.

Once the clock is right again, such blocks would make every verdict *cannot tell* until their time
has come.  They are dropped when the node starts, before anyone reads the chain.
"""

from collections.abc import Callable
from dataclasses import dataclass

import rlp
import structlog
from eth.abc import BlockHeaderAPI
from eth.db.chain import ChainDB
from eth.db.schema import SchemaV1
from eth.rlp.sedes import chain_gaps
from eth.vm.forks.paris import ParisVM
from eth_typing import BlockNumber

from certledger.ledger.devchain.chain import DurableChain

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedHead:
    """The newest block that a witness signed, which must stay, and when it was signed (seconds).

    Attributes:
        lag: bound of the difference between a block's time and a signer's clock, in seconds.
    """

    number: int
    time: int
    lag: int


def drop_future_blocks(
    chain: DurableChain, now: int, find_signed: Callable[[], SignedHead | None]
) -> int:
    """Drop the newest blocks if they lie ahead of the clock and no witness can have signed them.

    A witness whose clock is within the lag of `now` (seconds) refuses blocks further ahead than
    twice the lag, so none of these has a signature, not even an unknown one.  Nothing is dropped if
    the clock is before a known signature: then the clock is wrong.

    Returns the number of blocks that were dropped.
    """
    head = chain.get_canonical_head()
    if head.timestamp <= now:
        return 0
    signed = find_signed()
    if signed is None or head.timestamp <= now + 2 * signed.lag:
        return 0
    stored = _newest_before(chain, head, now + 2 * signed.lag)
    if now < signed.time or stored.block_number < signed.number:
        log.error("chain_ahead_of_clock", head=head.timestamp, signed=signed.time, now=now)
        return 0
    _truncate(chain, head, stored)
    dropped = head.block_number - stored.block_number
    log.warning("future_blocks_dropped", after=stored.block_number, blocks=dropped)
    return dropped


def _newest_before(chain: DurableChain, head: BlockHeaderAPI, latest: int) -> BlockHeaderAPI:
    """Return the newest block with a time up to `latest`, or the genesis block."""
    while head.timestamp > latest and head.block_number > 0:
        head = chain.get_block_header_by_hash(head.parent_hash)
    return head


def _truncate(chain: DurableChain, head: BlockHeaderAPI, stored: BlockHeaderAPI) -> None:
    """Make `stored` the head, in one transaction; states of dropped blocks stay, unreachable."""
    db, builder = chain.db, ParisVM.get_transaction_builder()
    blocks = ChainDB(db)
    with db.transaction():
        while head.block_number > stored.block_number:
            for transaction in blocks.get_block_transactions(head, builder):
                del db[SchemaV1.make_transaction_hash_to_block_lookup_key(transaction.hash)]
            number = BlockNumber(head.block_number)
            del db[SchemaV1.make_block_number_to_hash_lookup_key(number)]
            head = chain.get_block_header_by_hash(head.parent_hash)
        db.execute("DELETE FROM logs WHERE block > ?", (stored.block_number,))
        db[SchemaV1.make_canonical_head_hash_lookup_key()] = stored.hash
        # py-evm stores which header and which block it expects next.
        for key, (missing, _) in (
            (SchemaV1.make_header_chain_gaps_lookup_key(), blocks.get_header_chain_gaps()),
            (SchemaV1.make_chain_gaps_lookup_key(), blocks.get_chain_gaps()),
        ):
            tail = BlockNumber(stored.block_number + 1)
            db[key] = bytes(rlp.encode((missing, tail), sedes=chain_gaps))
