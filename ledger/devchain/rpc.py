"""The JSON-RPC methods of the embedded chain, in one table."""

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import rlp
from eth.abc import BlockHeaderAPI, SignedTransactionAPI
from eth_typing import Address

from certledger.ledger.devchain import formats
from certledger.ledger.devchain.block_lookup import (
    block_hash,
    header_of,
    header_or_none,
    parse_query,
)
from certledger.ledger.devchain.calls import call, estimate, parse_call
from certledger.ledger.devchain.chain import stored_genesis
from certledger.ledger.devchain.errors import TransactionRejectedError
from certledger.ledger.devchain.fees import MAX_BLOCKS, TIP, fee_history, parse_percentiles
from certledger.ledger.devchain.formats import data, quantity
from certledger.ledger.devchain.genesis import format_genesis
from certledger.ledger.devchain.logs import LogQuery
from certledger.ledger.devchain.params import (
    RpcError,
    binary,
    count,
    invalid,
    number,
)
from certledger.ledger.devchain.view import Readers, View

Json = Any
CLIENT: Final = "certledger-embedded/1"
MAX_LOGS: Final = 10_000
MAX_FILTERS: Final = 1_000
MAX_SLOTS: Final = 1_024
MINING_SECONDS: Final = 15
"""Less than the 20 seconds that the ledger's own client waits for an answer over HTTP."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """An installed filter: its next poll begins at block `next`; without a query, for blocks."""

    query: LogQuery | None
    next: int


class Mines(Protocol):
    """The queue of transactions: a miner, or its read-only substitute."""

    def submit(self, raw: bytes, view: View) -> "Future[bytes]":
        """Queue a signed transaction; raises TransactionRejectedError."""

    def find(self, tx_hash: bytes) -> SignedTransactionAPI | None:
        """Return a transaction while it is queued."""

    def next_nonce(self, address: bytes, view: View) -> int:
        """Return the nonce after all mined and queued transactions."""


class RpcDispatcher:
    """Dispatches calls to their methods, each on a view of its own."""

    def __init__(self, readers: Readers, miner: Mines, chain_id: int) -> None:
        self._readers, self._miner, self._chain_id = readers, miner, chain_id
        self._filters: OrderedDict[int, Filter] = OrderedDict()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def answer(self, method: str, params: Json) -> Json:
        """Return the result of a call.

        Raises:
            RpcError: the error of JSON-RPC or of the execution API.
        """
        return self.begin(method, params)()

    def begin(self, method: str, params: Json) -> Callable[[], Json]:
        """Execute a call, and return a function that returns its result.

        Only `eth_sendRawTransaction` waits in that function, for its block.

        Raises:
            RpcError: the error of JSON-RPC or of the execution API.
        """
        found = METHODS.get(method)
        if found is None:
            raise RpcError(-32601, f"the method {method[:64]} does not exist")
        with self._readers.view() as view:
            result = found(self, view, [] if params is None else params)
        return result if callable(result) else lambda: result

    # The chain -------------------------------------------------------------------------------

    def client_version(self, view: View, params: Json) -> Json:
        return CLIENT

    def chain_id(self, view: View, params: Json) -> Json:
        return quantity(self._chain_id)

    def network(self, view: View, params: Json) -> Json:
        return str(self._chain_id)

    def syncing(self, view: View, params: Json) -> Json:
        return False

    def listening(self, view: View, params: Json) -> Json:
        return True

    def accounts(self, view: View, params: Json) -> Json:
        return []

    def block_number(self, view: View, params: Json) -> Json:
        return quantity(view.head().block_number)

    def genesis(self, view: View, params: Json) -> Json:
        current = stored_genesis(view.db)
        return None if current is None else format_genesis(current)

    # Blocks ----------------------------------------------------------------------------------

    def block_by_number(self, view: View, params: Json) -> Json:
        which, full = count(params, 1, 2)
        return self._block(view, header_or_none(view, which), full)

    def block_by_hash(self, view: View, params: Json) -> Json:
        which, full = count(params, 1, 2)
        return self._block(view, view.header_by_hash(binary(which, "a block hash", 32)), full)

    def _block(self, view: View, header: BlockHeaderAPI | None, full: Json) -> Json:
        if full not in (None, True, False):
            invalid("the second parameter is true or false")
        return None if header is None else formats.block(view.body(header), full=bool(full))

    def block_receipts(self, view: View, params: Json) -> Json:
        header = header_or_none(view, count(params, 1, 1)[0])
        return None if header is None else formats.receipts(view.body(header))

    def raw_block(self, view: View, params: Json) -> Json:
        return data(view.raw_block(header_of(view, count(params, 1, 1)[0])))

    def raw_header(self, view: View, params: Json) -> Json:
        return data(rlp.encode(header_of(view, count(params, 1, 1)[0])))

    def transaction_count_in_block(self, view: View, params: Json) -> Json:
        header = header_or_none(view, count(params, 1, 1)[0])
        return None if header is None else quantity(len(view.transactions(header)))

    def raw_receipts(self, view: View, params: Json) -> Json:
        body = view.body(header_of(view, count(params, 1, 1)[0]))
        return [data(receipt.encode()) for receipt in body.receipts]

    # Transactions ----------------------------------------------------------------------------

    def send_raw(self, view: View, params: Json) -> Json:
        raw = binary(count(params, 1, 1)[0], "a transaction")
        try:
            waiting = self._miner.submit(raw, view)
        except TransactionRejectedError as error:
            raise RpcError(-32000, str(error)) from error
        return lambda: _await(waiting)

    def transaction(self, view: View, params: Json) -> Json:
        tx_hash = binary(count(params, 1, 1)[0], "a transaction hash", 32)
        waiting = self._miner.find(tx_hash)
        found = view.place_of(tx_hash)
        if found is None:
            return None if waiting is None else formats.transaction(waiting, None, None)
        header, index = found
        return formats.transaction(view.transactions(header)[index], header, index)

    def transaction_at(self, view: View, params: Json) -> Json:
        which, place = count(params, 2, 2)
        header, index = header_or_none(view, which), number(place, "an index", 32)
        listed = () if header is None else view.transactions(header)
        return formats.transaction(listed[index], header, index) if index < len(listed) else None

    def raw_transaction(self, view: View, params: Json) -> Json:
        tx_hash = binary(count(params, 1, 1)[0], "a transaction hash", 32)
        found = view.place_of(tx_hash)
        return None if found is None else data(view.transactions(found[0])[found[1]].encode())

    def receipt(self, view: View, params: Json) -> Json:
        found = view.place_of(binary(count(params, 1, 1)[0], "a transaction hash", 32))
        return None if found is None else formats.receipts(view.body(found[0]))[found[1]]

    def transaction_count(self, view: View, params: Json) -> Json:
        address, which = count(params, 1, 2)
        owner = Address(binary(address, "an address", 20))
        if which == "pending":
            return quantity(self._miner.next_nonce(owner, view))
        return quantity(view.state(header_of(view, which)).get_nonce(owner))

    # State -----------------------------------------------------------------------------------

    def balance(self, view: View, params: Json) -> Json:
        address, which = count(params, 1, 2)
        owner = Address(binary(address, "an address", 20))
        return quantity(view.state(header_of(view, which)).get_balance(owner))

    def code(self, view: View, params: Json) -> Json:
        address, which = count(params, 1, 2)
        owner = Address(binary(address, "an address", 20))
        return data(view.state(header_of(view, which)).get_code(owner))

    def storage(self, view: View, params: Json) -> Json:
        address, slot, which = count(params, 2, 3)
        owner, place = Address(binary(address, "an address", 20)), number(slot, "a slot")
        value = view.state(header_of(view, which)).get_storage(owner, place)
        return data(value.to_bytes(32, "big"))

    def proof(self, view: View, params: Json) -> Json:
        address, slots, which = count(params, 2, 3)
        owner = Address(binary(address, "an address", 20))
        if not isinstance(slots, list) or len(slots) > MAX_SLOTS:
            invalid(f"slots are a list of at most {MAX_SLOTS}")
        found = view.prove_account(header_of(view, which), owner)
        proofs = [
            view.prove_slot(found.account.storage_root, number(slot, "a slot")) for slot in slots
        ]
        return {
            "address": data(owner),
            "balance": quantity(found.account.balance),
            "codeHash": data(found.account.code_hash),
            "nonce": quantity(found.account.nonce),
            "storageHash": data(found.account.storage_root),
            "accountProof": [data(node) for node in found.nodes],
            "storageProof": [
                {
                    "key": slot,
                    "value": quantity(proof.value),
                    "proof": [data(node) for node in proof.nodes],
                }
                for slot, proof in zip(slots, proofs, strict=True)
            ],
        }

    def call(self, view: View, params: Json) -> Json:
        asked, which, overrides = count(params, 1, 3)
        if overrides:
            invalid("state overrides are not supported")
        return data(call(view, header_of(view, which), parse_call(asked)))

    def estimate(self, view: View, params: Json) -> Json:
        asked, which = count(params, 1, 2)
        return quantity(estimate(view, header_of(view, which), parse_call(asked)))

    # Fees ------------------------------------------------------------------------------------

    def gas_price(self, view: View, params: Json) -> Json:
        # Twice the base fee, so that the price stays sufficient while the fee rises.
        return quantity(2 * (view.head().base_fee_per_gas or 0) + TIP)

    def priority_fee(self, view: View, params: Json) -> Json:
        return quantity(TIP)

    def fee_history(self, view: View, params: Json) -> Json:
        blocks, newest, percentiles = count(params, 2, 3)
        last = header_of(view, newest)
        wanted = blocks if isinstance(blocks, int) else number(blocks, "the number of blocks", 32)
        size = max(0, min(wanted, MAX_BLOCKS, last.block_number + 1))
        headers = [
            header_of(view, quantity(at))
            for at in range(last.block_number + 1 - size, last.block_number + 1)
        ]
        return fee_history(view, headers, last, parse_percentiles(percentiles))

    # Logs ------------------------------------------------------------------------------------

    def logs(self, view: View, params: Json) -> Json:
        return self._logs(view, parse_query(view, count(params, 1, 1)[0]))

    def _logs(self, view: View, query: LogQuery) -> Json:
        found = view.logs(query, MAX_LOGS + 1)
        if len(found) > MAX_LOGS:
            raise RpcError(-32005, f"query returned more than {MAX_LOGS} results")
        hashes = {height: block_hash(view, height) for height in {one.block for one in found}}
        return [formats.log(one, hashes[one.block]) for one in found]

    def new_filter(self, view: View, params: Json) -> Json:
        return self._keep_filter(view, parse_query(view, count(params, 1, 1)[0]))

    def new_block_filter(self, view: View, params: Json) -> Json:
        count(params, 0, 0)
        return self._keep_filter(view, None)

    def _keep_filter(self, view: View, query: LogQuery | None) -> str:
        with self._lock:
            name = next(self._numbers)
            self._filters[name] = Filter(query=query, next=view.head().block_number + 1)
            if len(self._filters) > MAX_FILTERS:
                self._filters.popitem(last=False)
        return quantity(name)

    def filter_changes(self, view: View, params: Json) -> Json:
        name = number(count(params, 1, 1)[0], "a filter")
        with self._lock:
            current = self._filters.get(name)
            if current is None:
                raise RpcError(-32000, "filter not found")
            head = view.head().block_number
            self._filters[name] = replace(current, next=head + 1)
        if current.query is not None:
            return self._logs(view, replace(current.query, first=current.next, last=head))
        return [data(block_hash(view, at)) for at in range(current.next, head + 1)]

    def filter_logs(self, view: View, params: Json) -> Json:
        with self._lock:
            current = self._filters.get(number(count(params, 1, 1)[0], "a filter"))
        if current is None or current.query is None:
            raise RpcError(-32000, "filter not found")
        return self._logs(view, current.query)

    def remove_filter(self, view: View, params: Json) -> Json:
        with self._lock:
            name = number(count(params, 1, 1)[0], "a filter")
            return self._filters.pop(name, None) is not None


def _await(waiting: "Future[bytes]") -> str:
    try:
        return data(waiting.result(timeout=MINING_SECONDS))
    except TransactionRejectedError as error:
        raise RpcError(-32000, str(error)) from error
    except TimeoutError as error:
        raise RpcError(-32000, f"not mined within {MINING_SECONDS} seconds, look it up") from error


METHODS: Final[Mapping[str, Callable[[RpcDispatcher, View, Json], Json]]] = {
    "web3_clientVersion": RpcDispatcher.client_version,
    "net_version": RpcDispatcher.network,
    "net_listening": RpcDispatcher.listening,
    "eth_chainId": RpcDispatcher.chain_id,
    "eth_syncing": RpcDispatcher.syncing,
    "eth_accounts": RpcDispatcher.accounts,
    "eth_blockNumber": RpcDispatcher.block_number,
    "eth_getBlockByNumber": RpcDispatcher.block_by_number,
    "eth_getBlockByHash": RpcDispatcher.block_by_hash,
    "eth_getBlockReceipts": RpcDispatcher.block_receipts,
    "eth_getBlockTransactionCountByNumber": RpcDispatcher.transaction_count_in_block,
    "eth_getBlockTransactionCountByHash": RpcDispatcher.transaction_count_in_block,
    "eth_getTransactionByBlockNumberAndIndex": RpcDispatcher.transaction_at,
    "eth_getTransactionByBlockHashAndIndex": RpcDispatcher.transaction_at,
    "eth_getRawTransactionByHash": RpcDispatcher.raw_transaction,
    "eth_sendRawTransaction": RpcDispatcher.send_raw,
    "eth_getTransactionByHash": RpcDispatcher.transaction,
    "eth_getTransactionReceipt": RpcDispatcher.receipt,
    "eth_getTransactionCount": RpcDispatcher.transaction_count,
    "eth_getBalance": RpcDispatcher.balance,
    "eth_getCode": RpcDispatcher.code,
    "eth_getStorageAt": RpcDispatcher.storage,
    "eth_getProof": RpcDispatcher.proof,
    "eth_call": RpcDispatcher.call,
    "eth_estimateGas": RpcDispatcher.estimate,
    "eth_gasPrice": RpcDispatcher.gas_price,
    "eth_maxPriorityFeePerGas": RpcDispatcher.priority_fee,
    "eth_feeHistory": RpcDispatcher.fee_history,
    "eth_getLogs": RpcDispatcher.logs,
    "eth_newFilter": RpcDispatcher.new_filter,
    "eth_newBlockFilter": RpcDispatcher.new_block_filter,
    "eth_getFilterChanges": RpcDispatcher.filter_changes,
    "eth_getFilterLogs": RpcDispatcher.filter_logs,
    "eth_uninstallFilter": RpcDispatcher.remove_filter,
    "debug_getRawBlock": RpcDispatcher.raw_block,
    "debug_getRawHeader": RpcDispatcher.raw_header,
    "debug_getRawReceipts": RpcDispatcher.raw_receipts,
    "debug_getRawTransaction": RpcDispatcher.raw_transaction,
    "certledger_genesis": RpcDispatcher.genesis,
}
