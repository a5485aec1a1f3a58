"""An office's own program reads the tables, which it declares with SQLModel; it shares no code."""

from __future__ import annotations

from sqlmodel import Field, Session, SQLModel, select

from certledger.ledger.core.book_values import StoredDecision
from certledger.ledger.store import SqlStore


class Decision(SQLModel, table=True):
    """What an office counts of the decisions."""

    __tablename__ = "decisions"

    reference: str = Field(primary_key=True)
    item: str
    outcome: str
    checked: int


def test_an_offices_own_program_reads_the_tables_with_sqlmodel(store: SqlStore) -> None:
    with store.begin() as unit:
        for number, outcome in enumerate(["granted", "refused", "granted"]):
            decision = StoredDecision(
                reference=f"AAAA-BBBB-{number:04d}",
                item="NOCRIME-APPLY",
                outcome=outcome,
                party="a",
                checked=number,
            )
            unit.add_decision(decision, [])
    with Session(store.engine) as session:
        granted = session.exec(
            select(Decision).where(Decision.outcome == "granted").order_by(Decision.reference)
        ).all()
    assert [(one.reference, one.checked) for one in granted] == [
        ("AAAA-BBBB-0000", 0),
        ("AAAA-BBBB-0002", 2),
    ]
