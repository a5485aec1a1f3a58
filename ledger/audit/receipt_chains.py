"""Check a chain of operator receipts: each names the one before, and none is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import Connection, select

from certledger.ledger.core.receipt_chain import NOTHING_BEFORE, ReceiptChain
from certledger.ledger.store.tables import RECEIPT_CHAINS
from certledger.verifier.audit.findings import AuditFault, fault
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.formats.canonical_json import Json


class ReceiptChainCheck:
    """Checks the receipts of one kind in the order of their rows.

    `expected` is the newest receipt that an earlier audit saw, as returned by `noted`.
    """

    def __init__(self, connection: Connection, name: ReceiptChain) -> None:
        self._connection, self.name = connection, str(name)
        self._number, self._digest = 0, NOTHING_BEFORE
        self.expected: Json = None

    def take(self, number: Any, receipt: Any, where: str) -> Iterator[AuditFault]:
        """Yield a fault unless this receipt is the next one and names the one before."""
        wanted, before = self._number + 1, self._digest
        try:
            content = orjson.loads(receipt)["receipt"]
            named = (content["number"], content["previous"])
        except (ValueError, KeyError, TypeError):
            named = (None, None)
        if named != (wanted, before.hex()) or number != wanted:
            detail = f"receipt {named[0]} in row {number}, where {wanted} comes next"
            yield fault("receipt.gap", where, detail, before=before.hex())
        self._number = named[0] if type(named[0]) is int else wanted
        self._digest = sha256(receipt) if isinstance(receipt, bytes) else NOTHING_BEFORE
        yield from self._compare_expected(where)

    def _compare_expected(self, where: str) -> Iterator[AuditFault]:
        same = bool(self.expected) and self.expected[0] == self._number
        if same and self.expected[1] != self._digest.hex():
            detail = f"an earlier audit saw another receipt {self._number}"
            yield fault("receipt.gap", where, detail)

    def end(self) -> Iterator[AuditFault]:
        """Yield a fault unless the last receipt is the newest that was ever stored."""
        where = f"database/receipt_chains/{self.name}"
        query = select(RECEIPT_CHAINS.c.number, RECEIPT_CHAINS.c.digest).where(
            RECEIPT_CHAINS.c.name == self.name
        )
        row = self._connection.execute(query).one_or_none()
        newest = (0, NOTHING_BEFORE) if row is None else (row.number, row.digest)
        if newest != (self._number, self._digest):
            detail = f"receipt {newest[0]} was the newest, the rows end with {self._number}"
            yield fault("receipt.gap", where, detail)
        if self.expected and self.expected[0] > self._number:
            detail = f"an earlier audit saw receipt {self.expected[0]}, now {self._number} is last"
            yield fault("receipt.gap", where, detail)

    def noted(self) -> Json:
        """Return number and digest of the newest receipt, for the auditor's state."""
        return [self._number, self._digest.hex()]
