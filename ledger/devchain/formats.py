"""Ethereum's JSON forms of blocks, transactions, receipts and logs (execution API)."""

from typing import Any

import rlp
from eth.abc import BlockHeaderAPI, ReceiptAPI, SignedTransactionAPI
from eth.vm.forks.paris import ParisVM
from eth_hash.auto import keccak

from certledger.ledger.devchain.logs import StoredLog
from certledger.ledger.devchain.view import FullBlock

Json = Any


def data(value: bytes) -> str:
    """Return bytes as `0x` and all their digits."""
    return "0x" + value.hex()


def quantity(value: int) -> str:
    """Return a number as `0x` and digits without a leading zero."""
    return hex(value)


def block(body: FullBlock, *, full: bool) -> Json:
    """Return a block with the hashes of its transactions, or with the transactions in full."""
    header, transactions = body.header, body.transactions
    return {
        "number": quantity(header.block_number),
        "hash": data(header.hash),
        "parentHash": data(header.parent_hash),
        "nonce": data(header.nonce),
        "mixHash": data(header.mix_hash),
        "sha3Uncles": data(header.uncles_hash),
        "logsBloom": data(header.bloom.to_bytes(256, "big")),
        "transactionsRoot": data(header.transaction_root),
        "stateRoot": data(header.state_root),
        "receiptsRoot": data(header.receipt_root),
        "miner": data(header.coinbase),
        "difficulty": quantity(header.difficulty),
        "totalDifficulty": quantity(0),
        "extraData": data(header.extra_data),
        "size": quantity(len(rlp.encode(ParisVM.get_block_class()(header, transactions, ())))),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "baseFeePerGas": quantity(header.base_fee_per_gas or 0),
        "uncles": [],
        "transactions": [
            transaction(one, header, index) if full else data(one.hash)
            for index, one in enumerate(transactions)
        ],
    }


def transaction(
    found: SignedTransactionAPI, header: BlockHeaderAPI | None, index: int | None
) -> Json:
    """Return a transaction; `header` and `index` are None while it is pending."""
    kind = found.type_id or 0
    value: dict[str, Json] = {
        "type": quantity(kind),
        "hash": data(found.hash),
        "nonce": quantity(found.nonce),
        "from": data(found.sender),
        "to": data(found.to) if found.to else None,
        "value": quantity(found.value),
        "gas": quantity(found.gas),
        "input": data(found.data),
        "r": quantity(found.r),
        "s": quantity(found.s),
        "v": quantity(found.y_parity if kind else found.y_parity + 35 + 2 * (found.chain_id or 0)),
        "blockHash": None if header is None else data(header.hash),
        "blockNumber": None if header is None else quantity(header.block_number),
        "transactionIndex": None if index is None else quantity(index),
    }
    if found.chain_id is not None:
        value["chainId"] = quantity(found.chain_id)
    if kind:
        value["yParity"] = quantity(found.y_parity)
        value["accessList"] = [
            {"address": data(address), "storageKeys": [data(k.to_bytes(32, "big")) for k in keys]}
            for address, keys in found.access_list
        ]
    return value | _fees(found, header)


def _fees(found: SignedTransactionAPI, header: BlockHeaderAPI | None) -> Json:
    if (found.type_id or 0) < 2:
        return {"gasPrice": quantity(found.gas_price)}
    price = found.max_fee_per_gas if header is None else effective_price(found, header)
    return {
        "maxFeePerGas": quantity(found.max_fee_per_gas),
        "maxPriorityFeePerGas": quantity(found.max_priority_fee_per_gas),
        "gasPrice": quantity(price),
    }


def effective_price(found: SignedTransactionAPI, header: BlockHeaderAPI) -> int:
    """Return the wei a gas that was paid (EIP-1559)."""
    base = header.base_fee_per_gas or 0
    tip = min(found.max_priority_fee_per_gas, found.max_fee_per_gas - base)
    return int(base + tip)


def receipts(body: FullBlock) -> list[Json]:
    """Return the receipts of a block, in order."""
    found, before, position = [], 0, 0
    for index, (sent, receipt) in enumerate(zip(body.transactions, body.receipts, strict=True)):
        used = receipt.gas_used - before
        found.append(_receipt(body.header, sent, receipt, index, used, position))
        before, position = receipt.gas_used, position + len(receipt.logs)
    return found


def _receipt(
    header: BlockHeaderAPI,
    sent: SignedTransactionAPI,
    receipt: ReceiptAPI,
    index: int,
    used: int,
    position: int,
) -> Json:
    logs = [
        StoredLog(
            block=header.block_number,
            position=position + at,
            tx_index=index,
            tx_hash=sent.hash,
            address=one.address,
            topics=tuple(topic.to_bytes(32, "big") for topic in one.topics),
            data=one.data,
        )
        for at, one in enumerate(receipt.logs)
    ]
    return {
        "type": quantity(sent.type_id or 0),
        "transactionHash": data(sent.hash),
        "transactionIndex": quantity(index),
        "blockHash": data(header.hash),
        "blockNumber": quantity(header.block_number),
        "from": data(sent.sender),
        "to": data(sent.to) if sent.to else None,
        "cumulativeGasUsed": quantity(receipt.gas_used),
        "gasUsed": quantity(used),
        "contractAddress": None if sent.to else data(_created(sent)),
        "logs": [log(one, header.hash) for one in logs],
        "logsBloom": data(receipt.bloom.to_bytes(256, "big")),
        # py-evm has the status (1 or empty) where receipts before Byzantium have a state root.
        "status": quantity(int.from_bytes(receipt.state_root, "big")),
        "effectiveGasPrice": quantity(effective_price(sent, header)),
    }


def _created(sent: SignedTransactionAPI) -> bytes:
    return bytes(keccak(rlp.encode([sent.sender, sent.nonce])))[12:]


def log(found: StoredLog, block_hash: bytes) -> Json:
    """Return an event."""
    return {
        "address": data(found.address),
        "topics": [data(topic) for topic in found.topics],
        "data": data(found.data),
        "blockNumber": quantity(found.block),
        "blockHash": data(block_hash),
        "transactionHash": data(found.tx_hash),
        "transactionIndex": quantity(found.tx_index),
        "logIndex": quantity(found.position),
        "removed": False,
    }
