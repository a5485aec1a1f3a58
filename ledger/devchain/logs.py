"""Logs in a table of their own, so that a search does not walk the blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth.abc import BlockAPI, ReceiptAPI

from certledger.ledger.devchain.db import SqliteDB

_TOPICS: Final = ("topic0", "topic1", "topic2", "topic3")


@dataclass(frozen=True, kw_only=True, slots=True)
class LogQuery:
    """Which logs: blocks `first` to `last`, any of `addresses`, and per place any of its topics.

    An empty tuple lets everything through; a log with fewer topics than places does not match.
    """

    first: int
    last: int
    addresses: tuple[bytes, ...] = ()
    topics: tuple[tuple[bytes, ...], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredLog:
    """One event and where it stands; `position` counts within the block."""

    block: int
    position: int
    tx_index: int
    tx_hash: bytes
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


def record_logs(db: SqliteDB, block: BlockAPI, receipts: Sequence[ReceiptAPI]) -> None:
    """Write the logs of `block`; part of the transaction that keeps the block."""
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
            # A place without a choice still asks for a topic to be there.
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
