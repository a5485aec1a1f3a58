"""Repair rows of the service that follow from others: transactions, verifications, watches."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.sql.expression import literal_column

from certledger.ledger.audit.documents import Leaves
from certledger.ledger.audit.transactions import transaction_facts
from certledger.ledger.audit.verification_receipts import (
    SignedReceipt,
    anchored_batches_of,
    parse_signed,
    receipt_columns,
)
from certledger.ledger.core.acts import ActState
from certledger.ledger.core.receipt_chain import ReceiptChain
from certledger.ledger.intake.batch_submission import parse_submission
from certledger.ledger.repair.submission_receipts import repair_chain_end
from certledger.ledger.repair.transaction import raw
from certledger.ledger.store.bulk_queries import PLACES, PREFIX
from certledger.ledger.store.tables import (
    ACTS,
    ANCHORED,
    BATCHES,
    CARRIAGES,
    CERTIFICATES,
    RECEIPT_BATCHES,
    TRANSACTIONS,
    VERIFICATIONS,
    WATCHES,
)
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError


def repair_transactions(unit: Unit, operator: bytes) -> None:
    """Recompute transactions from their bytes; delete those that the operator did not sign."""
    for row in unit.connection.execute(raw(TRANSACTIONS)).all():
        mine = TRANSACTIONS.c.hash == row.hash
        facts = dict(transaction_facts(row.raw))
        if facts == {name: getattr(row, name) for name in facts}:
            continue
        if facts.get("sender") == operator and _has_no_other(unit, facts["hash"], row.hash):
            unit.connection.execute(update(TRANSACTIONS).where(mine).values(facts))
        else:
            unit.connection.execute(delete(CARRIAGES).where(CARRIAGES.c.tx == row.hash))
            unit.connection.execute(delete(TRANSACTIONS).where(mine))
    _repair_carriages(unit)


def _has_no_other(unit: Unit, named: bytes, current: Any) -> bool:
    query = select(exists().where(TRANSACTIONS.c.hash == named, TRANSACTIONS.c.hash != current))
    return not unit.connection.execute(query).scalar_one()


def _repair_carriages(unit: Unit) -> None:
    """Delete carriages without act or transaction; insert those that anchored acts imply."""
    act = exists().where(ACTS.c.number == CARRIAGES.c.act)
    transaction = exists().where(TRANSACTIONS.c.hash == CARRIAGES.c.tx)
    unit.connection.execute(delete(CARRIAGES).where(~act | ~transaction))
    carried = exists().where(CARRIAGES.c.act == ACTS.c.number, CARRIAGES.c.tx == ACTS.c.tx)
    query = select(ACTS.c.tx, ACTS.c.number).join(TRANSACTIONS, TRANSACTIONS.c.hash == ACTS.c.tx)
    query = query.where(ACTS.c.state == str(ActState.FINAL), ~carried)
    unit.connection.execute(insert(CARRIAGES).from_select(["tx", "act"], query))


def repair_verifications(unit: Unit, operator: bytes) -> None:
    """Recompute rows of verifications from their receipts, and find the batches they are in."""
    newest: tuple[int, bytes] | None = None
    _repair_receipt_batches(unit, operator)
    for row in unit.connection.execute(raw(VERIFICATIONS).order_by(VERIFICATIONS.c.number)).all():
        try:
            receipt = parse_signed(row.receipt)
            receipt.check(operator)
        except (CertledgerError, TypeError, ValueError):
            newest = None
            continue
        wanted = receipt_columns(receipt) | {"sequence": _sequence(unit, receipt, row.sequence)}
        newest = (receipt.number, sha256(row.receipt))
        if wanted != {name: getattr(row, name) for name in wanted}:
            mine = VERIFICATIONS.c.number == row.number
            unit.connection.execute(update(VERIFICATIONS).where(mine).values(wanted))
    if newest is not None:
        repair_chain_end(unit, ReceiptChain.VERIFICATIONS, *newest)


def _sequence(unit: Unit, receipt: SignedReceipt, current: Any) -> Any:
    """Return the operator's batch that anchors a receipt, else `current` if it is sealed."""
    found = anchored_batches_of(unit.connection, receipt.lookup)
    if found:
        return found[0][1]
    sealed = select(exists().where(RECEIPT_BATCHES.c.sequence == current))
    return current if unit.connection.execute(sealed).scalar_one() else None


def _repair_receipt_batches(unit: Unit, operator: bytes) -> None:
    """Set the state of each batch of receipts; delete those that cannot be submitted.

    The receipts of a deleted batch are sealed again, from their own rows.
    """
    done = {"submission": b"", "handed_in": True}
    anchored = _operator_sequences(unit, operator)
    for row in unit.connection.execute(raw(RECEIPT_BATCHES)).all():
        mine = RECEIPT_BATCHES.c.sequence == row.sequence
        if row.sequence in anchored:
            unit.connection.execute(update(RECEIPT_BATCHES).where(mine).values(done))
        elif (handed_in := _is_handed_in(unit, row)) is None:
            unit.connection.execute(delete(RECEIPT_BATCHES).where(mine))
        else:
            unit.connection.execute(update(RECEIPT_BATCHES).where(mine).values(handed_in=handed_in))
    for sequence in anchored:
        unit.insert_new(RECEIPT_BATCHES, {"sequence": sequence} | done)


def _is_handed_in(unit: Unit, row: Any) -> bool | None:
    """Return whether a batch that is not anchored was submitted, None if its row is damaged."""
    submission = row.submission
    if not isinstance(submission, bytes):
        return None
    known = select(exists().where(ACTS.c.digest == submission))
    if unit.connection.execute(known).scalar_one():
        return True
    try:
        statement = parse_submission(BytesIO(submission)).statement
    except (CertledgerError, ValueError):
        return None
    return False if statement.sequence == row.sequence else None


def _operator_sequences(unit: Unit, operator: bytes) -> set[int]:
    """Return the sequences of batches that the operator's key signed."""
    keys = {row.state.issuer: row.state.keys for row in unit.issuers()}
    found = unit.connection.execute(select(ANCHORED.c.issuer, ANCHORED.c.sequence, ANCHORED.c.key))
    return {
        sequence
        for issuer, sequence, key in found
        if key < len(keys.get(issuer, ())) and keys[issuer][key].address == operator
    }


def repair_watches(unit: Unit) -> None:
    """Correct watches of certificates that are not anchored: by leaf, else by index."""
    leaves = Leaves(unit.connection)
    for row in unit.connection.execute(raw(WATCHES)).all():
        index = row._mapping["index"]
        leaf = leaves.at(row.issuer, index)
        if row.leaf == leaf:
            continue
        mine = [WATCHES.c[name] == row._mapping[name] for name in ("caller", "issuer", "index")]
        place = _place_of(unit, row.leaf)
        if place is not None:
            unit.connection.execute(delete(WATCHES).where(*mine))
            unit.insert_new(WATCHES, dict(row._mapping) | place)
        elif leaf is not None:
            unit.connection.execute(update(WATCHES).where(*mine).values(leaf=leaf))


def _place_of(unit: Unit, leaf: Any) -> dict[str, Any] | None:
    """Return issuer and index of the anchored certificate with a leaf, None if there is none."""
    if not isinstance(leaf, bytes):
        return None
    index = BATCHES.c.first + CERTIFICATES.c.place % literal_column(str(PLACES))
    query = (
        select(BATCHES.c.issuer, index)
        .join(BATCHES, BATCHES.c.number == CERTIFICATES.c.place // PLACES)
        .where(CERTIFICATES.c.leaf == leaf[:PREFIX])
    )
    for issuer, found in unit.connection.execute(query):
        if Leaves(unit.connection).at(issuer, found) == leaf:
            return {"issuer": issuer, "index": int(found)}
    return None
