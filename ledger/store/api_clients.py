"""Store queries of API clients: keys, idempotent requests, presentations, verifications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import Any

from sqlalchemy import delete, func, insert, select, tuple_, update

from certledger.ledger.core.errors import StoreBusyError
from certledger.ledger.core.service_values import ApiKey, IdempotentRequest, Role, Verification
from certledger.ledger.store.base import Base, value_of
from certledger.ledger.store.tables import (
    API_KEYS,
    IDEMPOTENCY,
    PRESENTATIONS,
    RECEIPT_BATCHES,
    VERIFICATIONS,
)
from certledger.verifier.reform.operator_record import RECORD_OUTCOMES

_CHUNK = 500
"""References in one statement; engines limit the number of parameters."""


class CallersPart(Base):
    """API keys, idempotency keys, presentations, verifications and batches of their receipts."""

    # Keys -------------------------------------------------------------------------------------

    def add_api_key(self, key: ApiKey) -> None:
        """Store a new key; its prefix must be free."""
        values = asdict(key) | {"role": str(key.role), "scopes": " ".join(sorted(key.scopes))}
        self.connection.execute(insert(API_KEYS).values(values))

    def api_key(self, prefix: str) -> ApiKey | None:
        """Return the key with this public prefix."""
        query = select(API_KEYS).where(API_KEYS.c.prefix == prefix)
        return self.find_one(query, _key_of)

    def api_keys(self) -> Sequence[ApiKey]:
        """Return all keys, oldest first."""
        query = select(API_KEYS).order_by(API_KEYS.c.created, API_KEYS.c.prefix)
        return self.find_all(query, _key_of)

    def revoke_api_key(self, prefix: str, now: int) -> bool:
        """Revoke a key; return False if there is none or it was revoked before."""
        statement = (
            update(API_KEYS)
            .where(API_KEYS.c.prefix == prefix, API_KEYS.c.revoked.is_(None))
            .values(revoked=now)
        )
        return bool(self.connection.execute(statement).rowcount)

    def revoke_api_keys(self, now: int) -> int:
        """Revoke every key; return how many were not revoked before."""
        statement = update(API_KEYS).where(API_KEYS.c.revoked.is_(None)).values(revoked=now)
        return int(self.connection.execute(statement).rowcount)

    # Idempotency ------------------------------------------------------------------------------

    def begin_request(
        self, caller: str, key: str, request: bytes, now: int
    ) -> IdempotentRequest | None:
        """Claim an idempotency key; return the stored request if it was claimed before."""
        values = {
            "caller": caller,
            "key": key,
            "request": request,
            "created": now,
            "status": 0,
            "answer": b"",
        }
        query = select(IDEMPOTENCY).where(IDEMPOTENCY.c.caller == caller, IDEMPOTENCY.c.key == key)
        for _ in range(_CLAIMS):
            if self.insert_new(IDEMPOTENCY, values):
                return None
            found = self.find_one(query, partial(value_of, IdempotentRequest))
            # On PostgreSQL another transaction may have deleted the key between insert and select.
            if found is not None:
                return found
        raise StoreBusyError("others claim and free the same idempotency key again and again")

    def end_request(self, caller: str, key: str, status: int, answer: bytes) -> None:
        """Store the response to a claimed request."""
        self.connection.execute(
            update(IDEMPOTENCY)
            .where(IDEMPOTENCY.c.caller == caller, IDEMPOTENCY.c.key == key)
            .values(status=status, answer=answer)
        )

    def drop_request(self, caller: str, key: str) -> None:
        """Release an idempotency key: nothing was done under it."""
        self.connection.execute(
            delete(IDEMPOTENCY).where(IDEMPOTENCY.c.caller == caller, IDEMPOTENCY.c.key == key)
        )

    def drop_requests(self, before: int) -> int:
        """Delete requests created before this second; return how many."""
        done = self.connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.created < before))
        return done.rowcount

    # Presentations ----------------------------------------------------------------------------

    def accept_presentation(self, digest: bytes, *, caller: str, until: int, now: int) -> bool:
        """Record that a caller accepts a presentation; return False if it was accepted before.

        The record is deleted after `until` (seconds).
        """
        self.connection.execute(delete(PRESENTATIONS).where(PRESENTATIONS.c.until < now))
        return self.insert_new(PRESENTATIONS, {"digest": digest, "until": until, "caller": caller})

    def presentation_caller(self, digest: bytes) -> str | None:
        """Return who accepted a presentation, None where it was not accepted."""
        query = select(PRESENTATIONS.c.caller).where(PRESENTATIONS.c.digest == digest)
        return self.connection.execute(query).scalar_one_or_none()

    # Verifications ----------------------------------------------------------------------------

    def add_verifications(self, given: Sequence[Verification]) -> None:
        """Store verifications with their receipts."""
        for at in range(0, len(given), _ROWS):
            rows = [_values(one) for one in given[at : at + _ROWS]]
            # One statement for all rows: the driver releases the GIL once, not once a row.
            statement = _insert_rows(len(rows), self.connection.dialect.paramstyle)
            self.connection.exec_driver_sql(statement, tuple(chain.from_iterable(rows)))

    def verification(self, reference: str) -> Verification | None:
        """Return the verification with this reference."""
        query = select(VERIFICATIONS).where(VERIFICATIONS.c.reference == reference)
        return self.find_one(query, _verification_of)

    def verifications_of(
        self, caller: str, *, since: int = 0, after: str | None = None, limit: int
    ) -> Sequence[Verification]:
        """Return a caller's verifications since a second and `after` a reference, oldest first."""
        place = VERIFICATIONS.c.checked, VERIFICATIONS.c.number
        query = select(VERIFICATIONS).where(
            VERIFICATIONS.c.caller == caller,
            VERIFICATIONS.c.checked >= since,
            VERIFICATIONS.c.verdict.not_in(RECORD_OUTCOMES),
        )
        if after is not None:
            last = VERIFICATIONS.alias()
            found = select(last.c.checked, last.c.number).where(last.c.reference == after)
            query = query.where(tuple_(*place) > found.scalar_subquery())
        query = query.order_by(*place).limit(limit)
        return self.find_all(query, _verification_of)

    def unsealed_verifications(self, limit: int) -> Sequence[Verification]:
        """Return verifications whose receipt is in no batch yet, oldest first."""
        query = (
            select(VERIFICATIONS)
            .where(VERIFICATIONS.c.sequence.is_(None))
            .order_by(VERIFICATIONS.c.number)
            .limit(limit)
        )
        return self.find_all(query, _verification_of)

    def unsealed_count(self, most: int) -> int:
        """Return how many receipts are in no batch yet, counting to `most`."""
        unsealed = select(VERIFICATIONS.c.number).where(VERIFICATIONS.c.sequence.is_(None))
        counted = select(func.count()).select_from(unsealed.limit(most).subquery())
        return int(self.connection.execute(counted).scalar_one())

    def seal_verifications(
        self, references: Iterable[str], sequence: int, submission: bytes
    ) -> None:
        """Store a batch of the operator with these receipts."""
        listed = list(references)
        for at in range(0, len(listed), _CHUNK):
            self.connection.execute(
                update(VERIFICATIONS)
                .where(VERIFICATIONS.c.reference.in_(listed[at : at + _CHUNK]))
                .values(sequence=sequence)
            )
        values = {"sequence": sequence, "submission": submission, "handed_in": False}
        self.connection.execute(insert(RECEIPT_BATCHES).values(values))

    def receipt_batch_waiting(self) -> tuple[int, bytes] | None:
        """Return sequence and submission of a sealed batch that was not submitted yet."""
        query = select(RECEIPT_BATCHES).where(~RECEIPT_BATCHES.c.handed_in)
        row = self.connection.execute(query.order_by(RECEIPT_BATCHES.c.sequence)).first()
        return None if row is None else (row.sequence, row.submission)

    def receipt_batch_handed_in(self, sequence: int, digest: bytes) -> None:
        """Record that a sealed batch, whose statement has this digest, was submitted."""
        self._set_receipt_batch(sequence, handed_in=True, submission=digest)

    def receipt_batches_under_way(self) -> Sequence[tuple[int, bytes]]:
        """Return sequence and statement's digest of batches submitted and not final, in order."""
        query = (
            select(RECEIPT_BATCHES.c.sequence, RECEIPT_BATCHES.c.submission)
            .where(RECEIPT_BATCHES.c.handed_in, RECEIPT_BATCHES.c.submission != b"")
            .order_by(RECEIPT_BATCHES.c.sequence)
        )
        return [(row.sequence, row.submission) for row in self.connection.execute(query)]

    def receipt_batch_final(self, sequence: int) -> None:
        """Record that a batch is final."""
        self._set_receipt_batch(sequence, submission=b"")

    def _set_receipt_batch(self, sequence: int, **values: Any) -> None:
        self.connection.execute(
            update(RECEIPT_BATCHES).where(RECEIPT_BATCHES.c.sequence == sequence).values(values)
        )

    def unseal_verifications(self, sequence: int) -> None:
        """Delete a sealed batch that can no longer be included; its receipts are sealed again."""
        self.connection.execute(
            update(VERIFICATIONS).where(VERIFICATIONS.c.sequence == sequence).values(sequence=None)
        )
        self.connection.execute(
            delete(RECEIPT_BATCHES).where(RECEIPT_BATCHES.c.sequence == sequence)
        )


_CLAIMS = 3
"""Attempts to insert an idempotency key that others insert and delete at the same time."""
_VALUES = tuple(Verification.__slots__)
_values = attrgetter(*_VALUES)
_ROWS = 100
"""Rows in one insert: SQLite takes 32,766 parameters in a statement."""


def _insert_rows(count: int, paramstyle: str) -> str:
    mark = "?" if paramstyle == "qmark" else "%s"
    row = f"({', '.join([mark] * len(_VALUES))})"
    rows = ", ".join([row] * count)
    return f"INSERT INTO {VERIFICATIONS.name} ({', '.join(_VALUES)}) VALUES {rows}"


def _key_of(row: Any) -> ApiKey:
    return value_of(ApiKey, row, role=Role(row.role), scopes=frozenset(row.scopes.split()))


def _verification_of(row: Any) -> Verification:
    return value_of(Verification, row, leaves=row.leaves or b"")
