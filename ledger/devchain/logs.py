"""Event logs in an indexed table, so that a search does not read the blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth.abc import BlockAPI, ReceiptAPI

from certledger.ledger.devchain.db import SqliteDB

_TOPICS: Final = ("topic0", "topic1", "topic2", "topic3")


@dataclass(frozen=True, kw_only=True, slots=True)
class LogQuery:
    """A log filter: blocks `first` to `last`, any of `addresses`, any topic at each position.

    An empty tuple matches everything; a log with fewer topics than positions does not match.
    """

    first: int
    last: int
    addresses: tuple[bytes, ...] = ()
    topics: tuple[tuple[bytes, ...], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredLog:
    """An event log; `position` is its index in the block."""

    block: int
    position: int
    tx_index: int
    tx_hash: bytes
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


def record_logs(db: SqliteDB, block: BlockAPI, receipts: Sequence[ReceiptAPI]) -> None:
    """Store the logs of `block`, in the transaction that stores the block."""
    position = 0
    for index, (transaction, receipt) in enumerate(zip(block.transactions, receipts, strict=True)):
        for log in receipt.logs:
            topics = [topic.to_bytes(32, "big") for topic in log.topics]
            padded = topics + [None] * (4 - len(topics))
            row = (block.number, position, index, transaction.hash, log.address, *padded, log.data)
            db.execute(f"INSERT INTO logs VALUES ({', '.join('?' * len(row))})", row)
            position += 1


def find_logs(db: SqliteDB, query: LogQuery, limit: int) -> list[StoredLog]:
    """Return at most `limit` logs that match `query`, in the order of the chain."""
    clauses, values = ["block BETWEEN ? AND ?"], [query.first, query.last]
    wanted = [("address", query.addresses)]
    for place, topics in enumerate(query.topics):
        if topics:
            wanted.append((_TOPICS[place], topics))
        else:
            # An empty position still requires a topic to exist there.
            clauses.append(f"{_TOPICS[place]} IS NOT NULL")
    bound: list[object] = [*values]
    for column, choices in wanted:
        if choices:
            clauses.append(f"{column} IN ({', '.join('?' * len(choices))})")
            bound.extend(choices)
    rows = db.execute(
        "SELECT block, position, tx_index, tx_hash, address, topic0, topic1, topic2, topic3, data"
        f" FROM logs WHERE {' AND '.join(clauses)} ORDER BY block, position LIMIT ?",
        (*bound, limit),
    )
    return [
        StoredLog(
            block=row[0],
            position=row[1],
            tx_index=row[2],
            tx_hash=row[3],
            address=row[4],
            topics=tuple(topic for topic in row[5:9] if topic is not None),
            data=row[9],
        )
        for row in rows
    ]
