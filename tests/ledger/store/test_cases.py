"""Supervision cases in every store: opened once, closed by one, lifted by rule."""

from __future__ import annotations

from certledger.ledger.core.book_values import DecisionLeaf, StoredDecision
from certledger.ledger.store import SqlStore

ISSUER = "11310000XX00000196"
LEAF = DecisionLeaf(leaf=b"\x01" * 32, issuer=ISSUER, index=7)
OTHER = DecisionLeaf(leaf=b"\x02" * 32, issuer=ISSUER, index=8)


def decide(store: SqlStore, number: int, *leaves: DecisionLeaf) -> str:
    reference = f"AAAA-BBBB-{number:04d}"
    decision = StoredDecision(
        reference=reference, item="NOCRIME-APPLY", outcome="granted", party="a", checked=1
    )
    with store.begin() as unit:
        unit.add_decision(decision, leaves)
    return reference


def test_each_decision_on_a_certificate_gets_one_case(store: SqlStore) -> None:
    first, second = decide(store, 1, LEAF, OTHER), decide(store, 2, LEAF)
    decide(store, 3, OTHER)
    with store.begin() as unit:
        assert unit.decided_issuers() == [ISSUER]
        assert unit.decided_indexes(ISSUER) == [7, 8]
        opened = unit.open_cases(ISSUER, 7, "revoked", now=5, block=9)
        assert [one.reference for one in opened] == [first, second]
        assert unit.open_cases(ISSUER, 7, "revoked", now=6, block=10) == []
    with store.begin(write=False) as unit:
        assert unit.certificates_with_open_cases("revoked") == {(ISSUER, 7)}
        assert unit.certificates_with_open_cases("suspended") == set()
        assert unit.lacks_case(ISSUER, 8, "revoked")
        assert not unit.lacks_case(ISSUER, 7, "revoked")
        assert not unit.lacks_case(ISSUER, 9, "revoked")
        cases = unit.cases(party="a", closed=False, limit=9)
        assert unit.cases(party="b", closed=False, limit=9) == []
    assert [(one.leaf, one.cause, one.opened, one.block) for one in cases] == [
        (LEAF.leaf, "revoked", 5, 9)
    ] * 2


def test_of_two_that_close_a_case_one_wins(store: SqlStore) -> None:
    reference = decide(store, 1, LEAF)
    with store.begin() as unit:
        unit.open_cases(ISSUER, 7, "revoked", now=5, block=9)
    closed = []
    for name in ("first", "second"):
        with store.begin() as unit:
            closed.append(
                unit.close_case(reference, LEAF.leaf, "revoked", now=6, by=name, reason="looked at")
            )
    with store.begin() as unit:
        (found,) = unit.cases_of(reference)
        assert unit.open_cases(ISSUER, 7, "revoked", now=7, block=11) == []
        assert unit.cases(party=None, closed=False, limit=9) == []
    assert closed == [True, False]
    assert (found.closed, found.closed_by, found.reason) == (6, "first", "looked at")


def test_a_suspension_that_is_lifted_closes_its_case_and_another_opens_it(store: SqlStore) -> None:
    reference = decide(store, 1, LEAF)
    with store.begin() as unit:
        unit.open_cases(ISSUER, 7, "suspended", now=5, block=9)
        assert unit.lift_cases(ISSUER, 7, "suspended", now=6) == 1
        assert unit.lift_cases(ISSUER, 7, "suspended", now=6) == 0
        (found,) = unit.cases_of(reference)
        assert (found.closed, found.closed_by) == (6, "rule")
        assert unit.lacks_case(ISSUER, 7, "suspended")
        again = unit.open_cases(ISSUER, 7, "suspended", now=8, block=12)
        assert not unit.lacks_case(ISSUER, 7, "suspended")
    assert [(one.opened, one.closed) for one in again] == [(8, None)]
