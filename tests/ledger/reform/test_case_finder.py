"""Cases on a real chain: revoked, suspended and lifted, struck issuers, and who closes first."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from certledger.ledger.core.book_values import DecisionLeaf, StoredDecision, SupervisionCase
from certledger.ledger.intake.acts import submit_act
from certledger.ledger.issuer.signed_acts import change_standing, sign_statement
from certledger.ledger.node import Ledger
from certledger.ledger.reform.cases import (
    CaseClosedError,
    CaseClosingError,
    CaseFinder,
    CaseUnknownError,
    close_cases,
)
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.verifier.cli.main import main
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.vocabulary import Standing, Status
from tests.ledger.live import LiveIssuer, open_live, registrar


@dataclass
class Office:
    ledger: Ledger
    issuer: LiveIssuer
    home: Path
    decided: int = 0

    def decide(self, index: int) -> str:
        """Store a decision on a certificate of the issuer."""
        self.decided += 1
        reference = f"CASE-CASE-{self.decided:04d}"
        leaf = DecisionLeaf(
            leaf=self.issuer.sealed[0].sealed.leaves[index], issuer=self.issuer.issuer, index=index
        )
        decision = StoredDecision(
            reference=reference, item="NOCRIME-APPLY", outcome="granted", party="a", checked=1
        )
        with self.ledger.store.begin() as unit:
            unit.add_decision(decision, [leaf])
        return reference

    def cases(self, reference: str) -> list[SupervisionCase]:
        """Return the cases of a decision after a step of the finder."""
        self.ledger.run_until_idle()
        CaseFinder(store=self.ledger.store, clock=self.ledger.clock).step()
        with self.ledger.store.begin(write=False) as unit:
            return list(unit.cases_of(reference))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    home = tmp_path_factory.mktemp("cases") / "home"
    with open_live(home) as ledger:
        issuer = LiveIssuer(ledger)
        issuer.register()
        issuer.submit(6)
        ledger.run_until_idle()
        yield Office(ledger=ledger, issuer=issuer, home=home)


def close(office: Office, reference: str, by: str) -> str:
    try:
        close_cases(office.ledger.store, reference, by=by, reason="looked at", now=9)
    except CaseClosedError as error:
        return f"{error.code} {error}"
    return "closed"


def test_a_revocation_opens_a_case_within_a_block(office: Office) -> None:
    reference, other = office.decide(0), office.decide(1)
    assert office.cases(reference) == []

    office.issuer.change([0], Status.REVOKED, "R01")
    (case,) = office.cases(reference)

    with office.ledger.store.begin(write=False) as unit:
        included = unit.status_changes(office.issuer.issuer)[-1].block
    assert case.cause == "revoked"
    assert 0 <= case.block - included <= 1
    assert office.cases(other) == []


def test_of_two_people_who_close_at_once_one_wins_and_the_other_is_told(office: Office) -> None:
    reference = office.decide(0)
    assert len(office.cases(reference)) == 1
    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(lambda name: close(office, reference, name), ("Li", "Wang")))

    (case,) = office.cases(reference)
    assert said == [f"case.closed it was closed by {case.closed_by} before", "closed"]
    assert (case.reason, case.closed) == ("looked at", 9)


def test_a_suspension_that_is_lifted_closes_its_case_by_rule(office: Office) -> None:
    reference = office.decide(2)
    office.issuer.change([2], Status.SUSPENDED, "S01")
    (opened,) = office.cases(reference)
    office.issuer.change([2], Status.VALID, "V01")
    (lifted,) = office.cases(reference)

    assert (opened.cause, opened.closed) == ("suspended", None)
    assert (lifted.closed_by, lifted.reason) == ("rule", "lifted")


@dataclass
class CountingStore:
    """A store that counts the transactions which may write."""

    store: Store
    writes: int = 0

    def begin(self, *, write: bool = True) -> AbstractContextManager[Unit]:
        self.writes += write
        return self.store.begin(write=write)

    def close(self) -> None:
        self.store.close()


def test_a_block_without_news_writes_nothing(office: Office) -> None:
    """Tens of thousands of certificates may have decisions: most never change."""
    for index in range(6):
        office.cases(office.decide(index))
    counted = CountingStore(office.ledger.store)
    CaseFinder(store=counted, clock=office.ledger.clock).step()

    assert counted.writes == 0


@pytest.mark.parametrize(
    ("by", "reason"),
    [
        *[("", "why"), ("a", " "), ("a" * 81, "why"), ("a", "r" * 201)],
        *[("rule", "why"), ("a\u202eb", "why"), ("a", "why\nnot")],
    ],
)
def test_a_case_is_closed_with_a_name_and_a_reason(office: Office, by: str, reason: str) -> None:
    with pytest.raises(CaseClosingError):
        close_cases(office.ledger.store, "CASE-CASE-0001", by=by, reason=reason, now=9)


def test_a_decision_without_a_case_is_said_to_have_none(office: Office) -> None:
    with pytest.raises(CaseUnknownError):
        close_cases(office.ledger.store, "CASE-CASE-9999", by="a", reason="why", now=9)


def test_cases_are_listed_and_closed_on_the_command_line(office: Office) -> None:
    reference = office.decide(0)
    office.cases(reference)
    home = ["--home", str(office.home)]
    listed = CliRunner().invoke(main, ["case", "list", *home, "--json"])
    arguments = ["case", "close", reference, *home, "--by", "Zhao", "--reason", "asked again"]
    done = CliRunner().invoke(main, [*arguments, "--json"])
    again = CliRunner().invoke(main, [*arguments, "--json"])
    closed = CliRunner().invoke(main, ["case", "list", *home, "--closed"])

    assert reference in {one["reference"] for one in orjson.loads(listed.stdout)["cases"]}
    assert orjson.loads(done.stdout)["cases"][0]["closed_by"] == "Zhao"
    assert (again.exit_code, orjson.loads(again.stdout)["error"]["code"]) == (3, "case.closed")
    assert "closed by Zhao: asked again" in closed.stdout


def test_an_issuer_that_is_struck_opens_a_case_for_each_decision(office: Office) -> None:
    references = [office.decide(index) for index in (3, 4)]
    assert office.cases(references[0]) == []
    statement = change_standing(
        office.issuer.issuer, revision=1, standing=Standing.STRUCK, now=office.issuer.now()
    )
    signers = [office.issuer.registrar, registrar(32)]
    act = sign_statement(statement, signers, office.ledger.pin.identity)
    submit_act(office.ledger.intake, format_canonical(act.to_json()))

    found = [case.cause for one in references for case in office.cases(one)]
    assert found == ["struck", "struck"]
