"""Supervision cases: decisions whose certificates are no longer in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, insert, literal, or_, select, update

from certledger.ledger.core.book_values import BY_RULE, SupervisionCase
from certledger.ledger.store.base import Base
from certledger.ledger.store.tables import (
    API_KEYS,
    CASES,
    DECISION_LEAVES,
    DECISIONS,
    VERIFICATIONS,
)


class CasesPart(Base):
    """Queries of the reform."""

    def decided_issuers(self) -> Sequence[str]:
        """Return the issuers of certificates that decisions rest on."""
        query = select(DECISION_LEAVES.c.issuer).distinct()
        return list(self.connection.execute(query).scalars())

    def decided_indexes(self, issuer: str) -> Sequence[int]:
        """Return the indexes of an issuer's certificates that decisions rest on."""
        column = DECISION_LEAVES.c["index"]
        query = select(column).where(DECISION_LEAVES.c.issuer == issuer).distinct()
        return list(self.connection.execute(query.order_by(column)).scalars())

    def lacks_case(self, issuer: str, index: int, cause: str) -> bool:
        """Return whether a decision on a certificate has no case of this cause.

        A case that was closed by rule is none: it is opened again.
        """
        leaves = DECISION_LEAVES
        there = select(CASES.c.reference).where(
            CASES.c.reference == leaves.c.reference,
            CASES.c.leaf == leaves.c.leaf,
            CASES.c.cause == cause,
            or_(CASES.c.closed_by.is_(None), CASES.c.closed_by != BY_RULE),
        )
        query = select(leaves.c.reference).where(
            leaves.c.issuer == issuer, leaves.c["index"] == index, ~there.exists()
        )
        return self.exists(query)

    def certificates_with_open_cases(self, cause: str) -> set[tuple[str, int]]:
        """Return issuer and index of each certificate with an open case of this cause."""
        leaves = DECISION_LEAVES
        on = and_(leaves.c.reference == CASES.c.reference, leaves.c.leaf == CASES.c.leaf)
        query = (
            select(leaves.c.issuer, leaves.c["index"])
            .join(CASES, on)
            .where(CASES.c.closed.is_(None), CASES.c.cause == cause)
            .distinct()
        )
        return {(issuer, index) for issuer, index in self.connection.execute(query)}

    def open_cases(
        self, issuer: str, index: int, cause: str, *, now: int, block: int
    ) -> Sequence[SupervisionCase]:
        """Open a case for each decision on a certificate that has none of this cause; return them.

        One that was closed by rule is opened again.
        """
        wanted = _new_cases(issuer, index, cause, now=now, block=block)
        names = [column.name for column in wanted.selected_columns]
        self.connection.execute(insert(CASES).from_select(names, wanted))
        again = (
            update(CASES)
            .where(*_on(issuer, index, cause), CASES.c.closed_by == BY_RULE)
            .values(opened=now, block=block, closed=None, closed_by=None, reason=None)
        )
        self.connection.execute(again)
        opened = select(CASES).where(*_on(issuer, index, cause), CASES.c.block == block)
        query = opened.where(CASES.c.closed.is_(None)).order_by(CASES.c.reference)
        return [_case_of(row) for row in self.connection.execute(query)]

    def lift_cases(self, issuer: str, index: int, cause: str, *, now: int) -> int:
        """Close the open cases of this cause on a certificate by rule; return how many."""
        lifted = update(CASES).where(*_on(issuer, index, cause), CASES.c.closed.is_(None))
        values = {"closed": now, "closed_by": BY_RULE, "reason": "lifted"}
        return int(self.connection.execute(lifted.values(values)).rowcount)

    def cases(
        self, *, party: str | None, closed: bool, limit: int, region: int | None = None
    ) -> Sequence[SupervisionCase]:
        """Return the open cases, or with `closed` all, oldest first.

        `party` and `region` (of the key that asked for the decision) limit them.
        """
        query = select(CASES).where(*_within(party, region))
        if not closed:
            query = query.where(CASES.c.closed.is_(None))
        query = query.order_by(CASES.c.opened, CASES.c.reference).limit(limit)
        return [_case_of(row) for row in self.connection.execute(query)]

    def open_case_count(self) -> int:
        """Return how many cases are open."""
        query = select(func.count()).select_from(CASES).where(CASES.c.closed.is_(None))
        return int(self.connection.execute(query).scalar_one())

    def cases_of(
        self, reference: str, *, party: str | None = None, region: int | None = None
    ) -> Sequence[SupervisionCase]:
        """Return the cases of a decision, open and closed, limited as `cases`."""
        query = select(CASES).where(CASES.c.reference == reference, *_within(party, region))
        rows = self.connection.execute(query.order_by(CASES.c.leaf, CASES.c.cause))
        return [_case_of(row) for row in rows]

    def close_case(
        self, reference: str, leaf: bytes, cause: str, *, now: int, by: str, reason: str
    ) -> bool:
        """Close an open case; return False where it is not open (any more)."""
        closing = update(CASES).where(*_named(reference, leaf, cause), CASES.c.closed.is_(None))
        done = self.connection.execute(closing.values(closed=now, closed_by=by, reason=reason))
        return bool(done.rowcount)


def _within(party: str | None, region: int | None) -> list[ColumnElement[bool]]:
    """Return the conditions of cases of a party, or of decisions that a region's keys asked for."""
    conditions = [] if party is None else [CASES.c.party == party]
    if region is not None:
        asked = select(VERIFICATIONS.c.reference).join(
            API_KEYS, VERIFICATIONS.c.caller == "key:" + API_KEYS.c.prefix
        )
        conditions.append(CASES.c.reference.in_(asked.where(API_KEYS.c.region == region)))
    return conditions


def _named(reference: str, leaf: bytes, cause: str) -> tuple[Any, ...]:
    return CASES.c.reference == reference, CASES.c.leaf == leaf, CASES.c.cause == cause


def _on(issuer: str, index: int, cause: str) -> tuple[Any, ...]:
    """Return the conditions of cases of a cause on one certificate."""
    decided = select(DECISION_LEAVES.c.reference).where(
        DECISION_LEAVES.c.issuer == issuer, DECISION_LEAVES.c["index"] == index
    )
    leaves = select(DECISION_LEAVES.c.leaf).where(
        DECISION_LEAVES.c.issuer == issuer, DECISION_LEAVES.c["index"] == index
    )
    return CASES.c.cause == cause, CASES.c.reference.in_(decided), CASES.c.leaf.in_(leaves)


def _new_cases(issuer: str, index: int, cause: str, *, now: int, block: int) -> Select[Any]:
    """Return the rows of cases that a certificate is to have and has not."""
    leaves = DECISION_LEAVES
    there = (
        select(CASES.c.reference)
        .where(CASES.c.reference == leaves.c.reference, CASES.c.leaf == leaves.c.leaf)
        .where(CASES.c.cause == cause)
    )
    return (
        select(
            leaves.c.reference,
            leaves.c.leaf,
            literal(cause).label("cause"),
            DECISIONS.c.item,
            DECISIONS.c.party,
            literal(now).label("opened"),
            literal(block).label("block"),
        )
        .join(DECISIONS, DECISIONS.c.reference == leaves.c.reference)
        .where(leaves.c.issuer == issuer, leaves.c["index"] == index, ~there.exists())
    )


def _case_of(row: Any) -> SupervisionCase:
    return SupervisionCase(**row._mapping)
