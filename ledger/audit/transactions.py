"""Compare transactions with their raw bytes, and with the acts in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import rlp
from sqlalchemy import Connection, exists, select

from certledger.ledger.core.acts import ActState
from certledger.ledger.core.values import TxState
from certledger.ledger.store.tables import ACTS, CARRIAGES, TRANSACTIONS
from certledger.verifier.audit.findings import AuditFault, fault
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.crypto.secp256k1 import recover_address

_TYPE, _NONCE = b"\x02", 1


class TravelComparison:
    """Compares transactions with their raw bytes, and carriages with acts and transactions."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self) -> Iterator[AuditFault]:
        """Yield the faults of transactions and carriages."""
        for row in self._connection.execute(select(TRANSACTIONS)):
            changed = [
                name for name, value in transaction_facts(row.raw) if getattr(row, name) != value
            ]
            if changed:
                where = f"database/transactions/{row.hash.hex()}"
                yield fault("database.row_changed", where, f"it has another {', '.join(changed)}")
        yield from self._carriages()
        yield from self._landed()

    def _carriages(self) -> Iterator[AuditFault]:
        """Yield carriages whose act or transaction is missing."""
        act = exists().where(ACTS.c.number == CARRIAGES.c.act)
        transaction = exists().where(TRANSACTIONS.c.hash == CARRIAGES.c.tx)
        for row in self._connection.execute(select(CARRIAGES).where(~act | ~transaction)).all():
            where = f"database/carriages/{row.tx.hex()}/{row.act}"
            yield fault("database.row_extra", where, "it has lost its act or transaction")

    def _landed(self) -> Iterator[AuditFault]:
        """Yield differences between anchored acts and our transactions that included them."""
        query = select(ACTS.c.number, TRANSACTIONS.c.block, TRANSACTIONS.c.state, ACTS.c.block)
        query = query.join(TRANSACTIONS, TRANSACTIONS.c.hash == ACTS.c.tx)
        landed = (str(TxState.INCLUDED), str(TxState.FINAL))
        final = ACTS.c.state == str(ActState.FINAL)
        for number, block, state, wanted in self._connection.execute(query.where(final)).all():
            # The worker updates its last transaction only in its next round.
            if block != wanted and (state in landed or block is not None):
                where = f"database/transactions/{number}"
                yield fault("database.row_changed", where, f"it is {state} in block {block}")
        carried = exists().where(CARRIAGES.c.act == ACTS.c.number, CARRIAGES.c.tx == ACTS.c.tx)
        query = select(ACTS.c.number).join(TRANSACTIONS, TRANSACTIONS.c.hash == ACTS.c.tx)
        for number in self._connection.execute(query.where(final, ~carried)).scalars().all():
            yield fault("database.row_missing", f"database/carriages/{number}")


def transaction_facts(raw: Any) -> list[tuple[str, Any]]:
    """Return hash, nonce and sender computed from a transaction's bytes."""
    if not isinstance(raw, bytes) or raw[:1] != _TYPE:
        return [("raw", b"")]
    try:
        parts = rlp.decode(raw[1:])
        parity, r, s = parts[-3:]
        signature = r.rjust(32, b"\x00") + s.rjust(32, b"\x00")
        signature += bytes([27 + int.from_bytes(parity, "big")])
        sender = recover_address(keccak(_TYPE + rlp.encode(parts[:-3])), signature)
        nonce = int.from_bytes(parts[_NONCE], "big")
    except (rlp.DecodingError, ValueError, TypeError):
        return [("raw", b"")]
    return [("hash", keccak(raw)), ("nonce", nonce), ("sender", sender)]
