"""The mirror is made again from the chain alone, and proved before it is used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from ledger.acts import ActState
from ledger.evidence import EvidencePending
from ledger.node import Ledger
from ledger.rebuilding import command, rebuild
from tests.ledger.live import Body, open_live
from verifier.vocabulary import Status


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_live(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def body(ledger: Ledger) -> Body:
    made = Body(ledger)
    made.register()
    for count in (3, 4):
        made.submit(count)
    ledger.settle()
    made.change([1], Status.REVOKED, "R01")
    ledger.settle()
    return made


def everything(ledger: Ledger, body: Body) -> list[object]:
    with ledger.store.begin(write=False) as unit:
        acts = [unit.act(batch.digest) for batch in body.sealed]
        assert all(act is not None and act.state is ActState.FINAL for act in acts)
        return [
            *acts,
            unit.head(),
            unit.bodies(),
            unit.words(body.issuer),
            unit.anchored_batches(body.issuer),
            unit.status_changes(body.issuer),
            unit.catalog_changes(body.issuer),
            unit.registrars(),
        ]


DAMAGE = [
    "DELETE FROM anchored",
    "UPDATE bodies SET state = replace(state, '\"epoch\"\\:1', '\"epoch\"\\:2')",
    "UPDATE status_words SET word = zeroblob(32)",
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_mirror_is_as_before_once_made_again(
    damage: str, ledger: Ledger, body: Body
) -> None:
    before, evidence = everything(ledger, body), ledger.maker.at(body.issuer, 0)
    engine = create_engine(ledger.settings.database)
    with engine.begin() as connection:
        assert connection.execute(text(damage)).rowcount
    engine.dispose()

    rebuilt = rebuild(ledger)

    assert (rebuilt.bodies, rebuilt.batches, rebuilt.certificates) == (1, 2, 7)
    assert rebuilt.checkpoint == rebuilt.block
    assert everything(ledger, body) == before
    assert ledger.maker.at(body.issuer, 0).body == evidence.body


def test_nothing_is_anchored_again_after_the_mirror_was_made_again(
    ledger: Ledger, body: Body
) -> None:
    nonce = ledger.chain.next_nonce()

    rebuild(ledger)
    ledger.settle()

    assert ledger.chain.next_nonce() == nonce


def test_work_goes_on_after_the_mirror_was_made_again(ledger: Ledger, body: Body) -> None:
    rebuild(ledger)

    body.submit(2)
    ledger.settle()

    assert ledger.maker.at(body.issuer, 8).record.index == 8


def test_a_body_without_a_name_has_no_evidence_until_it_is_handed_in(
    ledger: Ledger, body: Body
) -> None:
    engine = create_engine(ledger.settings.database)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM names"))
    engine.dispose()

    assert rebuild(ledger).unnamed == (body.issuer,)
    with pytest.raises(EvidencePending):
        ledger.maker.at(body.issuer, 0)

    with ledger.store.begin() as unit:
        unit.add_name(body.name)
    assert ledger.maker.at(body.issuer, 0).body.name == body.name


def test_the_command_tells_what_the_chain_could_not(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_live(home) as ledger:
        body = Body(ledger)
        body.register()
        body.submit(2)
        ledger.settle()
        database = Path(ledger.settings.database.removeprefix("sqlite:///"))
    for file in database.parent.glob(database.name + "*"):
        file.unlink()

    done = CliRunner().invoke(command, ["--home", str(home), "--json"])

    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["bodies"], told["batches"], told["certificates"]) == (1, 1, 2)
    assert told["unnamed"] == [body.issuer]
    assert told["missing"] == [{"issuer": body.issuer, "sequence": 1}]


def test_the_command_does_not_touch_a_home_that_is_in_use(ledger: Ledger) -> None:
    done = CliRunner().invoke(command, ["--home", str(ledger.settings.home)])

    assert done.exit_code == 3
    assert "(home_in_use)" in done.stderr
