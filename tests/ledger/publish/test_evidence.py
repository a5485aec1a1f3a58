"""Evidence from a real chain proves itself, and a database that lies answers nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from certledger.ledger.node import Ledger
from certledger.ledger.publish.evidence import (
    EvidenceInconsistentError,
    EvidenceMaker,
    EvidencePendingError,
    EvidenceUnknownError,
)
from certledger.verifier.formats.holder_file import Holding
from certledger.verifier.formats.record import lookup_digest
from certledger.verifier.node_rpc import RpcClient
from certledger.verifier.verify.full import Question, verify_bytes
from certledger.verifier.verify.trust_sources import RememberingNode, choose_judge
from certledger.verifier.vocabulary import Status, Verdict
from tests.ledger.live import LiveIssuer, open_live
from tests.world import policy


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with open_live(tmp_path_factory.mktemp("evidence") / "home") as opened:
        yield opened


@pytest.fixture(scope="module")
def issuer(ledger: Ledger) -> LiveIssuer:
    made = LiveIssuer(ledger)
    made.register()
    for count in (5, 1, 130):
        made.submit(count)
        ledger.run_until_idle()
    made.change([7], Status.REVOKED, "R01")
    ledger.run_until_idle()
    return made


def holding(issuer: LiveIssuer, index: int) -> Holding:
    batch = next(b for b in reversed(issuer.sealed) if b.statement.first <= index)
    return Holding.parse(list(batch.holdings())[index - batch.statement.first])


@pytest.mark.parametrize("index", [0, 4, 5, 6, 135])
def test_evidence_of_any_batch_is_valid_by_a_node_one_trusts(
    index: int, ledger: Ledger, issuer: LiveIssuer
) -> None:
    shown = [p for p in holding(issuer, index).disclosures if p.name != "document"][:2]
    data = ledger.maker.at(issuer.issuer, index).showing(shown).format()

    assert _verdict(ledger, data) is Verdict.VALID


def test_a_revoked_certificate_is_not_in_force(ledger: Ledger, issuer: LiveIssuer) -> None:
    data = ledger.maker.at(issuer.issuer, 7).showing(holding(issuer, 7).disclosures[:2]).format()

    assert _verdict(ledger, data) is Verdict.NOT_IN_FORCE


def _verdict(ledger: Ledger, data: bytes) -> Verdict:
    assert ledger.embedded is not None
    now = ledger.clock() + 60
    trusted = policy(ledgers=(ledger.pin,), ends=now + 1000, witnesses=policy().witnesses)
    judge = choose_judge(trusted, trusted=RememberingNode(RpcClient(ledger.embedded.url)))
    return verify_bytes(data, Question(policy=trusted, judge=judge, now=now)).verdict


def test_number_and_access_code_lead_to_the_certificate(ledger: Ledger, issuer: LiveIssuer) -> None:
    held = holding(issuer, 3)
    code = held.disclosures[0].salt

    evidence = ledger.maker.of_lookup(lookup_digest("3", code))

    assert evidence.record == held.record
    assert ledger.maker.of_leaf(held.record.leaf()).record == held.record


def test_what_the_ledger_has_not_is_unknown(ledger: Ledger, issuer: LiveIssuer) -> None:
    with pytest.raises(EvidenceUnknownError):
        ledger.maker.of_leaf(bytes(32))
    with pytest.raises(EvidenceUnknownError):
        ledger.maker.at(issuer.issuer, 136)


def test_what_waits_is_pending(ledger: Ledger, issuer: LiveIssuer) -> None:
    batch = issuer.submit(1)

    with pytest.raises(EvidencePendingError):
        ledger.maker.at(issuer.issuer, batch.statement.first)

    ledger.run_until_idle()
    assert ledger.maker.at(issuer.issuer, batch.statement.first).record.index == 136


CRIMES = {
    "a status word": "UPDATE status_words SET word = zeroblob(32)",
    "the leaf of a batch": "UPDATE anchored SET leaf = zeroblob(32) WHERE sequence = 1",
    "a proof": "UPDATE slot_proofs SET nodes = '[]'",
    "a state": "UPDATE bodies SET state = replace(state, '\"epoch\"\\:1', '\"epoch\"\\:2')",
}


@pytest.mark.parametrize("crime", CRIMES)
def test_a_database_that_was_edited_answers_nothing(
    crime: str, ledger: Ledger, issuer: LiveIssuer
) -> None:
    from sqlalchemy import create_engine

    engine = create_engine(ledger.settings.database)
    with Undone(engine, CRIMES[crime]), pytest.raises(EvidenceInconsistentError):
        EvidenceMaker(ledger.store, ledger.pin).at(issuer.issuer, 7)

    assert EvidenceMaker(ledger.store, ledger.pin).at(issuer.issuer, 7).record.index == 7


class Undone:
    """Commit a crime, and put the tables back afterwards."""

    TABLES = ("status_words", "anchored", "slot_proofs", "bodies")

    def __init__(self, engine: object, crime: str) -> None:
        self._engine, self._crime = engine, crime

    def __enter__(self) -> None:
        with self._engine.begin() as connection:  # type: ignore[attr-defined]
            for table in self.TABLES:
                connection.execute(text(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}"))
            assert connection.execute(text(self._crime)).rowcount

    def __exit__(self, *raised: object) -> None:
        with self._engine.begin() as connection:  # type: ignore[attr-defined]
            for table in self.TABLES:
                connection.execute(text(f"DELETE FROM {table}"))
                connection.execute(text(f"INSERT INTO {table} SELECT * FROM kept_{table}"))
                connection.execute(text(f"DROP TABLE kept_{table}"))
