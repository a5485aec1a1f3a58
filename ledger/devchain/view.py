"""Reads of the chain, each from one read-only connection, while blocks are mined."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, LifoQueue

import rlp
from eth.abc import BlockHeaderAPI, ReceiptAPI, SignedTransactionAPI, StateAPI
from eth.exceptions import HeaderNotFound, TransactionNotFound
from eth.rlp.accounts import Account
from eth.vm.chain_context import ChainContext
from eth.vm.forks.paris import ParisVM
from eth_hash.auto import keccak
from eth_typing import Address, BlockNumber, Hash32
from trie.hexary import HexaryTrie

from certledger.ledger.devchain.chain import DurableChain
from certledger.ledger.devchain.db import SqliteDB, connect_reader
from certledger.ledger.devchain.logs import LogQuery, StoredLog, find_logs


@dataclass(frozen=True, kw_only=True, slots=True)
class FullBlock:
    """A block with its transactions and receipts."""

    header: BlockHeaderAPI
    transactions: tuple[SignedTransactionAPI, ...]
    receipts: tuple[ReceiptAPI, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountProof:
    """An account and the RLP nodes that prove it, or its absence (EIP-1186)."""

    account: Account
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotValueProof:
    """A storage slot's value and the RLP nodes from the account's storage root."""

    slot: int
    value: int
    nodes: tuple[bytes, ...]


class View:
    """The chain for one reader, in one thread at a time.

    While it is open the chain only grows, so results stay valid.
    """

    def __init__(self, db: SqliteDB, chain_id: int) -> None:
        self.db = db
        self.chain = DurableChain(db, chain_id)

    def head(self) -> BlockHeaderAPI:
        return self.chain.get_canonical_head()

    def header_by_number(self, number: int) -> BlockHeaderAPI | None:
        try:
            return self.chain.get_canonical_block_header_by_number(BlockNumber(number))
        except HeaderNotFound:
            return None

    def header_by_hash(self, block_hash: bytes) -> BlockHeaderAPI | None:
        try:
            header = self.chain.get_block_header_by_hash(Hash32(block_hash))
        except HeaderNotFound:
            return None
        except (rlp.exceptions.RLPException, ValueError, TypeError):
            # Headers, trie nodes and code share one table: this hash is not a header's.
            return None
        found = self.header_by_number(header.block_number)
        return header if found is not None and found.hash == block_hash else None

    def body(self, header: BlockHeaderAPI) -> FullBlock:
        return FullBlock(
            header=header,
            transactions=self.transactions(header),
            receipts=tuple(self.chain.chaindb.get_receipts(header, ParisVM.get_receipt_builder())),
        )

    def transactions(self, header: BlockHeaderAPI) -> tuple[SignedTransactionAPI, ...]:
        builder = ParisVM.get_transaction_builder()
        return tuple(self.chain.chaindb.get_block_transactions(header, builder))

    def place_of(self, tx_hash: bytes) -> tuple[BlockHeaderAPI, int] | None:
        """Return the header and the index of a mined transaction."""
        try:
            number, index = self.chain.chaindb.get_transaction_index(Hash32(tx_hash))
        except TransactionNotFound:
            return None
        return self.chain.get_canonical_block_header_by_number(number), index

    def raw_block(self, header: BlockHeaderAPI) -> bytes:
        """Return the RLP of a block with its transactions, as a replica imports it."""
        block = ParisVM.get_block_class()(header, self.transactions(header), ())
        return bytes(rlp.encode(block))

    def logs(self, query: LogQuery, limit: int) -> list[StoredLog]:
        return find_logs(self.db, query, limit)

    def state(self, header: BlockHeaderAPI) -> StateAPI:
        """Return the state after block `header`, of any age."""
        return ParisVM.build_state(self.db, header, ChainContext(self.chain.chain_id))

    def nonce(self, address: bytes) -> int:
        """Return the nonce of `address` at the head."""
        return self.state(self.head()).get_nonce(Address(address))

    def prove_account(self, header: BlockHeaderAPI, address: bytes) -> AccountProof:
        found, nodes = self._prove(header.state_root, bytes(keccak(address)))
        account = rlp.decode(found, sedes=Account) if found else Account()
        return AccountProof(account=account, nodes=nodes)

    def prove_slot(self, storage_root: bytes, slot: int) -> SlotValueProof:
        found, nodes = self._prove(storage_root, bytes(keccak(slot.to_bytes(32, "big"))))
        value = int.from_bytes(rlp.decode(found), "big") if found else 0
        return SlotValueProof(slot=slot, value=value, nodes=nodes)

    def _prove(self, root: bytes, key: bytes) -> tuple[bytes, tuple[bytes, ...]]:
        trie = HexaryTrie(self.db, root)
        proof = trie.get_proof(key)  # type: ignore[no-untyped-call]  # trie has no types
        encoded = [bytes(rlp.encode(node)) for node in proof]
        # A node under 32 bytes is embedded in its parent, where the verifier finds it.
        nodes = [node for i, node in enumerate(encoded) if i == 0 or len(node) >= 32]
        return bytes(trie[key]), tuple(nodes)


class Readers:
    """A pool of views, each used by one thread at a time."""

    def __init__(self, path: Path, chain_id: int) -> None:
        self._path, self._chain_id = path, chain_id
        self._idle: LifoQueue[View] = LifoQueue()

    @contextmanager
    def view(self) -> Iterator[View]:
        """Lend a view for the length of a `with` block."""
        try:
            view = self._idle.get_nowait()
        except Empty:
            view = View(SqliteDB(connect_reader(self._path)), self._chain_id)
        try:
            yield view
        finally:
            self._idle.put(view)

    def close(self) -> None:
        """Close every idle view."""
        while True:
            try:
                self._idle.get_nowait().db.close()
            except Empty:
                return
