"""Conversions between values and rows; no other module knows how a value is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from certledger.ledger.core.acts import ACTS, ActKind, ActState, counter_of, subject_of
from certledger.ledger.core.issuer_names import unnamed
from certledger.ledger.core.values import (
    AnchoredBatch,
    IssuerRow,
    MirroredStatusChange,
    NewAct,
    StoredCheckpoint,
    SubmittedAct,
    Transaction,
    TxState,
)
from certledger.ledger.store.base import value_of, values_of
from certledger.ledger.store.tables import STATUS_CHANGES, TRANSACTIONS
from certledger.verifier.formats.canonical_json import (
    format_canonical,
    from_base64url,
    to_base64url,
)
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.signed_act import (
    SIGNATURE_SIZE,
    statement_from_json,
    statement_to_json,
)
from certledger.verifier.formats.statements import Batch, Statement, StatusChange

Found = Any
"""A row of SQLAlchemy Core: attributes by column name."""


def _statement(statement: Statement) -> bytes:
    return format_canonical(statement_to_json(statement))


def _split(signatures: bytes) -> tuple[bytes, ...]:
    size = SIGNATURE_SIZE
    return tuple(signatures[at : at + size] for at in range(0, len(signatures), size))


def act_values(act: NewAct) -> dict[str, Any]:
    """Return the columns of a submitted act."""
    statement: Any = act.statement
    numbered = {} if act.number is None else {"number": act.number}
    return numbered | {
        "kind": str(act.kind),
        "subject": subject_of(statement),
        "lane": str(ACTS[act.kind].lane),
        "counter": counter_of(act.kind, statement),
        "digest": act.digest,
        "root": statement.root if isinstance(statement, Batch) else None,
        "statement": _statement(statement),
        "signatures": b"".join(act.signatures),
        "state": str(ActState.ACCEPTED),
        "accepted": act.accepted,
        "not_after": statement.not_after,
        "receipt": act.receipt,
        "certificates": act.certificates,
        "block": None,
        "tx": None,
        "reason": None,
    }


def act_of(row: Found) -> SubmittedAct:
    """Return the act of a row."""
    kind = ActKind(row.kind)
    return value_of(
        SubmittedAct,
        row,
        kind=kind,
        statement=statement_from_json(ACTS[kind].statement, orjson.loads(row.statement)),
        signatures=_split(row.signatures),
        state=ActState(row.state),
    )


def transaction_values(transaction: Transaction) -> dict[str, Any]:
    """Return the columns of a transaction."""
    return values_of(TRANSACTIONS, transaction) | {"state": str(transaction.state)}


def transaction_of(row: Found) -> Transaction:
    """Return the transaction of a row."""
    return value_of(Transaction, row, state=TxState(row.state))


def issuer_values(issuer: IssuerRow) -> dict[str, Any]:
    """Return the columns of an issuer's state."""
    return {
        "issuer": issuer.state.issuer,
        "block": issuer.block,
        "state": format_canonical(issuer.state.to_json()),
        "held": issuer.on_hold,
        "slot": issuer.slot,
    }


def issuer_of(row: Found) -> IssuerRow:
    """Return the issuer's state of a row."""
    state = unnamed(IssuerState.from_json(orjson.loads(row.state)))
    return value_of(IssuerRow, row, state=state, on_hold=bool(row.held))


def anchored_values(batch: AnchoredBatch) -> dict[str, Any]:
    """Return the columns of an anchored batch."""
    return {
        "issuer": batch.issuer,
        "sequence": batch.sequence,
        "digest": batch.digest,
        "root": batch.root,
        "first": batch.first,
        "size": batch.count,
        "catalog": batch.catalog,
        "statement": _statement(batch.statement),
        "signature": batch.signature,
        "key": batch.key,
        "leaf": batch.leaf,
        "block": batch.block,
        "tx": batch.tx,
    }


def anchored_of(row: Found) -> AnchoredBatch:
    """Return the anchored batch of a row."""
    statement = statement_from_json(Batch, orjson.loads(row.statement))
    return value_of(AnchoredBatch, row, count=row.size, statement=statement)


def status_values(change: MirroredStatusChange) -> dict[str, Any]:
    """Return the columns of a status statement."""
    return values_of(STATUS_CHANGES, change) | {
        "statement": _statement(change.statement),
        "signatures": b"".join(change.signatures),
    }


def status_of(row: Found) -> MirroredStatusChange:
    """Return the status statement of a row."""
    statement = statement_from_json(StatusChange, orjson.loads(row.statement))
    return value_of(
        MirroredStatusChange, row, statement=statement, signatures=_split(row.signatures)
    )


def checkpoint_of(row: Found) -> StoredCheckpoint:
    """Return the checkpoint of a row."""
    return value_of(StoredCheckpoint, row, account=unpack_nodes(row.account))


def pack_nodes(nodes: Sequence[bytes]) -> bytes:
    """Return trie nodes as one column."""
    return orjson.dumps([to_base64url(node) for node in nodes])


def unpack_nodes(data: bytes) -> tuple[bytes, ...]:
    """Return the trie nodes of a column."""
    return tuple(from_base64url(node) for node in orjson.loads(data))
