"""Tables of the reform: editions of the book, figures of each day."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary
from sqlmodel import Field

from certledger.ledger.store.tables import Big, Row


class BookEditionRow(Row, table=True):
    """An edition of the book: its file, and what it is found by."""

    __tablename__ = "book_editions"

    number: int = Field(sa_type=Big, primary_key=True, sa_column_kwargs={"autoincrement": False})
    holds_from: str = Field(max_length=10, unique=True)
    digest: bytes = Field(sa_type=LargeBinary, unique=True)
    reference: str = Field(max_length=16)
    created: int = Field(sa_type=Big)
    content: bytes = Field(sa_type=LargeBinary)


class CoverageDayRow(Row, table=True):
    """The reform's figures as they were on a day, as canonical JSON."""

    __tablename__ = "coverage_days"

    day: str = Field(max_length=10, primary_key=True)
    figures: bytes = Field(sa_type=LargeBinary)


class DecisionRow(Row, table=True):
    """An unattended decision; its record is in `verifications`, under the same reference."""

    __tablename__ = "decisions"

    reference: str = Field(max_length=16, primary_key=True)
    item: str = Field(max_length=24)
    outcome: str = Field(max_length=16)
    party: str = Field(max_length=80)
    checked: int = Field(sa_type=Big, index=True)


class DecisionLeafRow(Row, table=True):
    """A certificate that a decision rests on."""

    __tablename__ = "decision_leaves"
    __table_args__ = (Index("ix_decision_leaves_issuer_index", "issuer", "index"),)

    reference: str = Field(max_length=16, primary_key=True)
    leaf: bytes = Field(sa_type=LargeBinary(32), primary_key=True)
    issuer: str = Field(max_length=18)
    index: int = Field(sa_type=Big)


class CaseRow(Row, table=True):
    """A decision that rested on a certificate which is no longer in force."""

    __tablename__ = "cases"
    __table_args__ = (Index("ix_cases_closed_opened", "closed", "opened"),)

    reference: str = Field(max_length=16, primary_key=True)
    leaf: bytes = Field(sa_type=LargeBinary(32), primary_key=True)
    cause: str = Field(max_length=16, primary_key=True)
    item: str = Field(max_length=24)
    party: str = Field(max_length=80)
    opened: int = Field(sa_type=Big)
    block: int = Field(sa_type=Big)
    closed: int | None = Field(sa_type=Big)
    closed_by: str | None = Field(max_length=80)
    reason: str | None = Field(max_length=200)
