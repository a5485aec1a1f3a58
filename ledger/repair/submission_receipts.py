"""Repair the chain of submission receipts: sign a lost receipt again, bit for bit.

The operator's signature is deterministic (RFC 6979), and the next receipt names the SHA-256 of
the lost one: only a receipt with that digest is stored, so that it cannot be a different one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import func, select, update

from certledger.ledger.core.acts import kind_of
from certledger.ledger.core.receipt_chain import NOTHING_BEFORE, ReceiptChain
from certledger.ledger.core.values import NewAct
from certledger.ledger.intake.pending_state import Intake
from certledger.ledger.intake.submission_receipt import ReceiptContent, read_receipt
from certledger.ledger.repair.acts import read_statement
from certledger.ledger.repair.transaction import raw
from certledger.ledger.store import rows
from certledger.ledger.store.tables import ACTS, RECEIPT_CHAINS
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.audit.replay import ReplayedAct
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.formats.statements import Batch, Statement

SEARCH_SECONDS = 7_200
"""Seconds before its block in which an act without a row may have been accepted."""
MAX_SEARCHED = 64
"""Acts whose receipt is searched for in one rebuild; each takes up to a second."""


class ReceiptRepair:
    """Repairs submission receipts; `absent` are acts of the chain without a row, by digest."""

    def __init__(self, unit: Unit, intake: Intake, absent: Mapping[bytes, ReplayedAct]) -> None:
        self._unit, self._intake, self._absent = unit, intake, dict(absent)
        self._left = MAX_SEARCHED

    def run(self) -> None:
        """Sign lost receipts again, as far as the receipts after them prove their digest."""
        connection = self._unit.connection
        self._repair_head()
        head = self._head()
        last = connection.execute(select(func.max(ACTS.c.number))).scalar_one() or 0
        before = NOTHING_BEFORE
        for number in range(1, max(last, head[0]) + 1):
            row = connection.execute(raw(ACTS).where(ACTS.c.number == number)).one_or_none()
            claim = None if row is None else self._claim(row)
            if row is not None and claim is not None:
                before = sha256(row.receipt)
                continue
            wanted = head[1] if number == head[0] else self._named_by(number + 1)
            if wanted is not None:
                self._sign_again(number, row, before, wanted)
                before = wanted

    def _claim(self, row: Any) -> ReceiptContent | None:
        """Return the content of a row's receipt, None unless it is for the row's act."""
        claim = read_receipt(row.receipt, self._intake.identity)
        if claim is None or claim.signer != self._intake.operator.address:
            return None
        return claim if (claim.digest, claim.number) == (row.digest, row.number) else None

    def _named_by(self, number: int) -> bytes | None:
        query = raw(ACTS).where(ACTS.c.number == number)
        row = self._unit.connection.execute(query).one_or_none()
        claim = None if row is None else self._claim(row)
        return None if claim is None else claim.previous

    def _sign_again(self, number: int, row: Any, before: bytes, wanted: bytes) -> None:
        for statement, accepted, act in self._candidates(row):
            receipt = self._intake.format_receipt(statement, accepted, number, before)
            if sha256(receipt) != wanted:
                continue
            if row is not None:
                mended = {"receipt": receipt, "accepted": accepted}
                change = update(ACTS).where(ACTS.c.number == number).values(mended)
                self._unit.connection.execute(change)
            elif act is not None:
                self._insert(number, act, accepted, receipt)
            return

    def _candidates(self, row: Any) -> Iterator[tuple[Statement, int, ReplayedAct | None]]:
        """Yield possible statements and times of acceptance."""
        if row is not None:
            statement = read_statement(row, self._intake.identity)
            if statement is not None and isinstance(row.accepted, int):
                yield statement, row.accepted, None
            return
        for act in list(self._absent.values()):
            if self._left == 0:
                return
            self._left -= 1
            for accepted in range(act.time, act.time - SEARCH_SECONDS, -1):
                yield act.statement, accepted, act

    def _insert(self, number: int, act: ReplayedAct, accepted: int, receipt: bytes) -> None:
        statement, kind = act.statement, kind_of(act.statement)
        if kind is None:
            return
        new = NewAct(
            kind=kind,
            statement=statement,
            digest=act.digest,
            signatures=act.signatures,
            accepted=accepted,
            receipt=receipt,
            certificates=statement.count if isinstance(statement, Batch) else 0,
            number=number,
        )
        self._unit.connection.execute(ACTS.insert().values(rows.act_values(new)))
        del self._absent[act.digest]

    # The end of the chain ----------------------------------------------------------------------

    def _head(self) -> tuple[int, bytes]:
        number, digest = self._unit.receipt_chain(ReceiptChain.ACTS)
        return int(number), bytes(digest)

    def _repair_head(self) -> None:
        """Set the end of the chain to the newest receipt, if that one can be read."""
        newest = raw(ACTS).order_by(ACTS.c.number.desc()).limit(1)
        row = self._unit.connection.execute(newest).one_or_none()
        if row is not None and self._claim(row) is not None:
            repair_chain_end(self._unit, ReceiptChain.ACTS, row.number, sha256(row.receipt))


def repair_chain_end(unit: Unit, chain: ReceiptChain, number: int, digest: bytes) -> None:
    """Set the end of a chain to its newest receipt, unless the end shows that one is lost."""
    query = raw(RECEIPT_CHAINS).where(RECEIPT_CHAINS.c.name == str(chain))
    end = unit.connection.execute(query).one_or_none()
    if end is None or end.number <= number or end.digest == digest:
        unit.receipt_chain(chain)  # Inserts the row if it was deleted.
        unit.extend_receipt_chain(chain, number, digest)
