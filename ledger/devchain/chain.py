"""Blocks on py-evm: mined or replayed, each stored in one SQLite transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import rlp
from eth.abc import BlockAPI, BlockHeaderAPI, ReceiptAPI, SignedTransactionAPI
from eth.chains.base import Chain
from eth.constants import ZERO_ADDRESS
from eth.exceptions import PyEVMError
from eth.rlp.headers import BlockHeader
from eth.vm.chain_context import ChainContext
from eth.vm.forks.paris import ParisVM
from eth_typing import Address, BlockNumber
from eth_utils.exceptions import ValidationError

from certledger.ledger.devchain.db import SCHEMA_VERSION, SqliteDB
from certledger.ledger.devchain.errors import (
    BlockAheadError,
    BlockMalformedError,
    BlockMismatchError,
    BlockOutOfPlaceError,
    GenesisMismatchError,
)
from certledger.ledger.devchain.genesis import Genesis, format_genesis, parse_genesis
from certledger.ledger.devchain.logs import record_logs
from certledger.ledger.devchain.rlp_depth import BLOCK_DEPTH, TRANSACTION_DEPTH, check_nesting

_GENESIS_KEY: Final = "genesis"
_HASH_KEY: Final = "genesis_hash"
_SCHEMA_KEY: Final = "schema"


@dataclass(frozen=True, kw_only=True, slots=True)
class MinedBlock:
    """A mined block; `header` is None if no transaction was valid."""

    header: BlockHeaderAPI | None
    included: tuple[SignedTransactionAPI, ...]
    refused: Mapping[bytes, str]


class DurableChain(Chain):
    """A chain under the rules of Paris, whose every block is one SQLite transaction.

    All state is in its database, so it goes on after any error.
    """

    vm_configuration = ((BlockNumber(0), ParisVM),)

    def __init__(self, db: SqliteDB, chain_id: int) -> None:
        super().__init__(db)
        self.db = db
        self.chain_id = chain_id

    def next_header(self, parent: BlockHeaderAPI, timestamp: int) -> BlockHeaderAPI:
        """Return the empty header after `parent`; times must increase."""
        return self.create_header_from_parent(
            parent,
            coinbase=ZERO_ADDRESS,
            gas_limit=parent.gas_limit,
            timestamp=max(parent.timestamp + 1, timestamp),
        )

    def mine(self, transactions: Sequence[SignedTransactionAPI], timestamp: int) -> MinedBlock:
        """Mine one block of the valid `transactions`, in their order.

        An empty block is mined only if no transaction was given.
        """
        with self.db.transaction():
            vm = self.get_vm(self.next_header(self.get_canonical_head(), timestamp))
            header = vm.get_header()
            included: list[SignedTransactionAPI] = []
            receipts: list[ReceiptAPI] = []
            refused: dict[bytes, str] = {}
            for transaction in transactions:
                try:
                    # py-evm rejects it before it changes the state, so the next one is unaffected.
                    receipt, _ = vm.apply_transaction(header, transaction)
                except ValidationError as error:
                    refused[transaction.hash] = str(error)
                    continue
                header = vm.add_receipt_to_header(header, receipt)
                included.append(transaction)
                receipts.append(receipt)
            if transactions and not included:
                return MinedBlock(header=None, included=(), refused=refused)
            filled = vm.set_block_transactions_and_withdrawals(
                vm.get_block(), header, included, receipts
            )
            block = vm.mine_block(filled).block
            self._keep(block, receipts)
            return MinedBlock(header=block.header, included=tuple(included), refused=refused)

    def follow(self, raw: bytes, latest: int) -> BlockHeaderAPI:
        """Execute the RLP-encoded block `raw` on the head, and store it.

        `latest` (seconds) is the latest time that the block may have.

        Raises:
            BlockMalformedError: `raw` is not one block of this fork.
            BlockAheadError: it is of a later time.
            BlockOutOfPlaceError: its parent is not the head.
            BlockMismatchError: it breaks the rules, or its header claims another result.
        """
        block = self.parse_block(raw)
        if block.header.timestamp > latest:
            raise BlockAheadError(block.number, block.header.timestamp, latest)
        with self.db.transaction():
            head = self.get_canonical_head()
            if block.header.parent_hash != head.hash or block.number != head.block_number + 1:
                raise BlockOutOfPlaceError(
                    block.number, block.header.parent_hash, head.block_number, head.hash
                )
            self._check_fixed(block, head)
            try:
                vm = self.get_vm(self.next_header(head, block.header.timestamp))
                computed = vm.import_block(block).block
            except (ValidationError, PyEVMError, rlp.exceptions.RLPException) as error:
                raise BlockMismatchError(block.number, str(error)) from error
            _compare(block.header, computed.header)
            receipts = self.chaindb.get_receipts(computed.header, vm.get_receipt_builder())
            self._keep(computed, receipts)
        return computed.header

    def parse_block(self, raw: bytes) -> BlockAPI:
        """Decode one RLP-encoded block.

        Raises:
            BlockMalformedError: `raw` is something else, or has bytes after it.
        """
        block_class = ParisVM.get_block_class()
        try:
            check_nesting(raw, BLOCK_DEPTH)
            for transaction in rlp.decode(raw)[1]:
                if isinstance(transaction, bytes):
                    check_nesting(transaction[1:], TRANSACTION_DEPTH)
            block = rlp.decode(raw, sedes=block_class)
        except Exception as error:  # rlp and its sedes raise many kinds on hostile bytes
            raise BlockMalformedError(
                f"not a block of this fork: {type(error).__name__}"
            ) from error
        if not isinstance(block, block_class):
            raise BlockMalformedError(f"not a block of this fork: {type(block).__name__}")
        return block

    def _check_fixed(self, block: BlockAPI, head: BlockHeaderAPI) -> None:
        """Check rules of this chain that py-evm does not: gas limit and chain id."""
        if block.header.gas_limit != head.gas_limit:
            raise BlockMismatchError(block.number, f"gas limit {block.header.gas_limit} moved")
        for transaction in block.transactions:
            if transaction.chain_id != self.chain_id:
                raise BlockMismatchError(
                    block.number,
                    f"transaction 0x{transaction.hash.hex()} is for chain {transaction.chain_id}",
                )

    def _keep(self, block: BlockAPI, receipts: Sequence[ReceiptAPI]) -> None:
        # Crash point: the caller's transaction covers block, receipts, state and logs together.
        self.validate_block(block)
        self.chaindb.persist_block(block)
        record_logs(self.db, block, receipts)


def open_chain(db: SqliteDB, genesis: Genesis) -> DurableChain:
    """Open the chain in `db`, or begin it with `genesis` if the file is new.

    Raises:
        GenesisMismatchError: the stored chain has another genesis.
    """
    current = stored_genesis(db)
    if current is None:
        return _begin(db, genesis)
    for name in ("chain_id", "timestamp", "gas_limit", "base_fee"):
        if getattr(current, name) != getattr(genesis, name):
            raise GenesisMismatchError(name, getattr(current, name), getattr(genesis, name))
    if dict(current.alloc) != dict(genesis.alloc):
        raise GenesisMismatchError(
            "accounts", len(current.alloc), f"the {len(genesis.alloc)} given"
        )
    chain = DurableChain(db, genesis.chain_id)
    stored, actual = db.meta(_HASH_KEY), genesis_hash(chain).hex()
    if stored != actual:
        raise GenesisMismatchError("genesis block", actual, stored)
    return chain


def stored_genesis(db: SqliteDB) -> Genesis | None:
    """Return the genesis parameters of the chain in `db`, None if there is no chain.

    Raises:
        GenesisMismatchError: the file is of another layout.
        GenesisMalformedError: it is of another fork, or damaged.
    """
    text = db.meta(_GENESIS_KEY)
    if text is None:
        return None
    schema = db.meta(_SCHEMA_KEY)
    if schema != str(SCHEMA_VERSION):
        raise GenesisMismatchError("layout", schema, SCHEMA_VERSION)
    return parse_genesis(json.loads(text))


def genesis_hash(chain: DurableChain) -> bytes:
    """Return the hash of block 0."""
    return bytes(chain.chaindb.get_canonical_block_hash(BlockNumber(0)))


def _begin(db: SqliteDB, genesis: Genesis) -> DurableChain:
    with db.transaction():
        chain = DurableChain(db, genesis.chain_id)
        before = BlockHeader(difficulty=0, block_number=BlockNumber(-1), gas_limit=0)
        state = ParisVM.build_state(db, before, ChainContext(genesis.chain_id))
        for address, wei in sorted(genesis.alloc.items()):
            state.set_balance(Address(address), wei)
        state.persist()
        header = ParisVM.create_genesis_header(
            state_root=state.state_root,
            timestamp=genesis.timestamp,
            gas_limit=genesis.gas_limit,
            base_fee_per_gas=genesis.base_fee,
        )
        chain.chaindb.persist_header(header)
        db.set_meta(_SCHEMA_KEY, str(SCHEMA_VERSION))
        db.set_meta(_GENESIS_KEY, json.dumps(format_genesis(genesis)))
        db.set_meta(_HASH_KEY, header.hash.hex())
    return chain


def _compare(claimed: BlockHeaderAPI, computed: BlockHeaderAPI) -> None:
    """Raise BlockMismatchError for the first member of the header that differs."""
    if claimed.hash == computed.hash:
        return
    for name, value in claimed.as_dict().items():
        if value != computed.as_dict()[name]:
            shown, found = _show(value), _show(computed.as_dict()[name])
            raise BlockMismatchError(
                claimed.block_number, f"{name} is {found}, the header says {shown}"
            )
    raise BlockMismatchError(claimed.block_number, "the header is encoded otherwise")


def _show(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
