"""Dropping blocks that a wrong clock put into the future, while nobody has signed them.

Once the clock is right again, such blocks would keep every verdict at *cannot tell* until their
time has come.  They are dropped at a start, before anybody reads the chain.
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
    """What others have signed: the newest block (it and those before it stay), and when (seconds).

    Attributes:
        lag: seconds that a block's time and a signer's clock differ by at most.
    """

    number: int
    time: int
    lag: int


def drop_future_blocks(
    chain: DurableChain, now: int, find_signed: Callable[[], SignedHead | None]
) -> int:
    """Drop the newest blocks if they lie ahead of the clock and nobody has signed them.

    A block further ahead than twice the lag cannot have been signed by anybody whose clock is
    within the lag of `now` (seconds), even if the signature never came here.  Nothing is dropped
    where the clock itself lies before a signature: then the clock is wrong.

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
    """Return the newest block of a time up to `latest`; the genesis block where there is none."""
    while head.timestamp > latest and head.block_number > 0:
        head = chain.get_block_header_by_hash(head.parent_hash)
    return head


def _truncate(chain: DurableChain, head: BlockHeaderAPI, stored: BlockHeaderAPI) -> None:
    """Make `kept` the head, in one transaction; states of dropped blocks stay, unreachable."""
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
        # Where py-evm expects the next header and the next block.
        for key, (missing, _) in (
            (SchemaV1.make_header_chain_gaps_lookup_key(), blocks.get_header_chain_gaps()),
            (SchemaV1.make_chain_gaps_lookup_key(), blocks.get_chain_gaps()),
        ):
            tail = BlockNumber(stored.block_number + 1)
            db[key] = bytes(rlp.encode((missing, tail), sedes=chain_gaps))
