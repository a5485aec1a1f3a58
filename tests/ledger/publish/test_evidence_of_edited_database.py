"""Evidence is of the certificate that was asked for, whatever the database was edited to say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from certledger.ledger.node import Ledger
from certledger.ledger.publish.evidence import EvidenceInconsistentError, EvidenceMaker
from tests.ledger.live import LiveIssuer, open_live

ASKED = 1


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveIssuer]:
    with open_live(tmp_path_factory.mktemp("edited") / "home") as ledger:
        made = LiveIssuer(ledger)
        made.register()
        for count in (3, 4):
            made.submit(count)
        ledger.run_until_idle()
        yield made


@pytest.fixture
def ledger(issuer: LiveIssuer) -> Ledger:
    return issuer.ledger


EDITS = {
    "batches.first": "UPDATE batches SET first = first + 1 WHERE first = 0",
    "batches.leaves": "UPDATE batches SET leaves = zeroblob(96) WHERE first = 0",
    "batches.leaves, cut short": "UPDATE batches SET leaves = zeroblob(32) WHERE first = 0",
    "record_frames.data": "UPDATE record_frames SET data = zeroblob(200)",
    "record_frames.data, of another batch": (
        "UPDATE record_frames SET data = (SELECT data FROM record_frames ORDER BY batch DESC)"
    ),
    "anchored.signature": "UPDATE anchored SET signature = zeroblob(65)",
    "anchored.signature, of another batch": (
        "UPDATE anchored SET signature = (SELECT signature FROM anchored WHERE sequence = 2)"
    ),
    "anchored.key": "UPDATE anchored SET key = 5",
    "anchored.block": "UPDATE anchored SET block = block - 1",
    "catalogs.entries": "UPDATE catalogs SET entries = CAST('[]' AS BLOB)",
    "slot_proofs.nodes": "UPDATE slot_proofs SET nodes = '[]'",
    "status_words.word": (
        "INSERT INTO status_words (issuer, position, block, word)"
        " SELECT issuer, 0, block, CAST('11111111111111111111111111111111' AS BLOB) FROM bodies"
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_database_edited_anywhere_answers_nothing(
    edit: str, ledger: Ledger, issuer: LiveIssuer
) -> None:
    table = edit.split(".")[0]
    engine = create_engine(ledger.settings.database)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE kept AS SELECT * FROM {table}"))
        assert connection.execute(text(EDITS[edit])).rowcount
    try:
        with pytest.raises(EvidenceInconsistentError):
            EvidenceMaker(ledger.store, ledger.pin).at(issuer.issuer, ASKED)
    finally:
        with engine.begin() as connection:
            connection.execute(text("PRAGMA defer_foreign_keys = ON"))
            connection.execute(text(f"DELETE FROM {table}"))
            connection.execute(text(f"INSERT INTO {table} SELECT * FROM kept"))
            connection.execute(text("DROP TABLE kept"))
        engine.dispose()

    assert EvidenceMaker(ledger.store, ledger.pin).at(issuer.issuer, ASKED).record.index == ASKED


def test_evidence_is_the_same_however_little_is_kept(ledger: Ledger, issuer: LiveIssuer) -> None:
    roomy = EvidenceMaker(ledger.store, ledger.pin)
    narrow = EvidenceMaker(ledger.store, ledger.pin, issuers=1, leaves=1)

    for index in (0, 6, 1, 5, 2):
        assert narrow.at(issuer.issuer, index).format() == roomy.at(issuer.issuer, index).format()


def test_new_evidence_follows_the_newest_checkpoint(ledger: Ledger, issuer: LiveIssuer) -> None:
    before = ledger.maker.at(issuer.issuer, ASKED)

    issuer.submit(2)
    ledger.run_until_idle()

    after = ledger.maker.at(issuer.issuer, ASKED)
    assert (before.issuer.batches, after.issuer.batches) == (2, 3)
    assert before.record == after.record
