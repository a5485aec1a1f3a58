"""A registrar reads an act against the chain, and signs none that is not its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from certledger.ledger.chain.client import NodeClient
from certledger.ledger.issuer import signed_acts
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.catalogs import catalog_change, catalog_of
from certledger.ledger.issuer.status_changes import status_changes
from certledger.ledger.node import Ledger
from certledger.ledger.reference_data import load_domain
from certledger.ledger.registrar.chain_view import ChainView
from certledger.ledger.registrar.review import (
    OtherRegionError,
    RegistrarOffice,
    Review,
    ReviewFaultError,
    review,
)
from certledger.verifier.formats.statements import Statement
from certledger.verifier.node_rpc import RpcClient
from certledger.verifier.vocabulary import Purpose, Standing, Status
from tests.ledger.live import REGIONS, LiveIssuer, open_live, person, registrar

ISSUER = "11310000XX00000196"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with open_live(tmp_path_factory.mktemp("home")) as opened:
        LiveIssuer(opened).register()
        yield opened


def office(ledger: Ledger, region: int) -> RegistrarOffice:
    assert ledger.embedded is not None
    url = ledger.embedded.url
    chain = ChainView.open(RpcClient(url), NodeClient(url), ledger.pin)
    return RegistrarOffice(
        region=region,
        ledger=ledger.pin.identity,
        accounts={one: seat.account for one, seat in chain.seats(dict.fromkeys(REGIONS)).items()},
        domain=load_domain(),
        now=int(time.time()),
        chain=chain,
    )


def asked(ledger: Ledger, statement: Statement, *signers: str | int) -> Envelope:
    keys = [registrar(one) if isinstance(one, int) else person(one) for one in signers]
    return Envelope(act=signed_acts.sign_statement(statement, keys, ledger.pin.identity))


def suspend(revision: int = 1, standing: Standing = Standing.SUSPENDED) -> Statement:
    return signed_acts.change_standing(
        ISSUER, revision=revision, standing=standing, now=int(time.time())
    )


def test_the_chain_is_read_and_proved(ledger: Ledger) -> None:
    chain = office(ledger, 31).chain
    assert chain is not None
    issuer = chain.issuer(ISSUER)
    assert issuer is not None
    assert (issuer.state.catalog_version, issuer.on_hold) == (1, False)
    assert chain.issuer("11320000XX00000196") is None
    assert chain.seat(32) is not None
    assert chain.seat(35) is None


def test_an_act_is_shown_against_the_chain_with_who_must_sign(ledger: Ledger) -> None:
    found = review(asked(ledger, suspend()), office(ledger, 31))
    found.check()
    assert "active → suspended" in "\n".join(found.lines)
    assert found.missing == ["the registrar of region 31"]
    signed = review(asked(ledger, suspend(), 31), office(ledger, 31))
    assert (signed.missing, signed.signed) == ([], True)


def test_a_change_of_status_names_certificates_status_and_reason(ledger: Ledger) -> None:
    (change,) = status_changes(
        [3, 5, 6, 7, 200],
        issuer=ISSUER,
        status=Status.REVOKED,
        reason="R01",
        epoch=1,
        now=int(time.time()),
    )
    found = review(asked(ledger, change), office(ledger, 31))
    text = "\n".join(found.lines)
    assert "3, 5-7, 200 (5)" in text
    assert "revoked" in text
    assert "R01" in text
    assert "Revoked as a penalty" in text
    assert found.missing == ["a key of the issuer"], "the registrar signs only on a hold"
    assert review(asked(ledger, change, f"key of {ISSUER}"), office(ledger, 31)).missing == []


def test_an_act_of_another_region_is_refused(ledger: Ledger) -> None:
    with pytest.raises(OtherRegionError):
        review(asked(ledger, suspend()), office(ledger, 32)).check()


def test_the_second_registrar_signs_after_the_first(ledger: Ledger) -> None:
    strike = suspend(standing=Standing.STRUCK)
    with pytest.raises(OtherRegionError):
        review(asked(ledger, strike), office(ledger, 32)).check()
    found = review(asked(ledger, strike, 31), office(ledger, 32))
    found.check()
    assert found.missing == ["a second registrar, of another region"]
    assert review(asked(ledger, strike, 31, 32), office(ledger, 33)).missing == []


def test_what_the_contract_would_refuse_is_refused_here(ledger: Ledger) -> None:
    with pytest.raises(ReviewFaultError, match="the chain takes 1 next"):
        review(asked(ledger, suspend(revision=7)), office(ledger, 31)).check()
    other = signed_acts.sign_statement(suspend(), [], bytes(32))
    with pytest.raises(ReviewFaultError, match="another ledger"):
        review(Envelope(act=other), office(ledger, 31)).check()
    late = signed_acts.change_standing(ISSUER, revision=1, standing=Standing.SUSPENDED, now=1)
    with pytest.raises(ReviewFaultError, match="could be carried until"):
        review(asked(ledger, late), office(ledger, 31)).check()


def catalog_review(ledger: Ledger, *categories: str) -> Review:
    catalog = catalog_of(load_domain(), categories)
    change = catalog_change(catalog, issuer=ISSUER, version=2, now=int(time.time()))
    act = asked(ledger, change, f"key of {ISSUER}").act
    return review(Envelope(act=act, catalog=catalog), office(ledger, 31))


def test_categories_of_another_kind_of_issuer_are_marked(ledger: Ledger) -> None:
    assert catalog_review(ledger, "ID-RESIDENT").notes == []
    (note,) = catalog_review(ledger, "ID-RESIDENT", "AS-MEMBER").notes
    assert "AS-MEMBER" in note
    assert "association" in note


def test_keys_that_come_and_end_are_named(ledger: Ledger) -> None:
    change = signed_acts.change_keys(
        ISSUER, revision=1, added={person("new").address: Purpose.BATCHES}, ends={0: 99},
        now=int(time.time()),
    )  # fmt: skip
    lines = "\n".join(review(asked(ledger, change), office(ledger, 31)).lines)
    assert person("new").address.hex() in lines
    assert person(f"key of {ISSUER}").address.hex() in lines
    assert "99" in lines


def test_a_file_that_is_no_act_is_none(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"{}")
    with pytest.raises(Exception, match="act"):
        Envelope.read(tmp_path / "x.json")
