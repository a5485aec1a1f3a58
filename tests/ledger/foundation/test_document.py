"""A founding document is what all parties made and signed, and nothing else passes for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from certledger.ledger.chain.deploy import Deployment, FundsNeededError, deploy
from certledger.ledger.chain.failover import nodes_at
from certledger.ledger.devchain.node import RunningNode, open_node
from certledger.ledger.foundation import operator
from certledger.ledger.foundation.deployment_match import pin_of
from certledger.ledger.foundation.description import describe_founding
from certledger.ledger.foundation.document import Founding, SignedFounding, merge
from certledger.ledger.foundation.errors import FoundationError
from certledger.ledger.foundation.operator import check_chain_of
from certledger.ledger.foundation.part import OperatorPart, RegionPart, SignedPart
from certledger.ledger.foundation.renewal import check_first
from certledger.ledger.settings import load_settings
from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats.canonical_json import parse_canonical
from tests.ledger.foundation.parties import (
    NAMES,
    account,
    founded,
    operator_part,
    parts,
    region_part,
    secrets_of,
    signed_by_all,
    terms,
)


def code_of(error: pytest.ExceptionInfo[CertledgerError]) -> str:
    return error.value.code


def test_what_every_region_signed_is_complete_and_read_back_the_same() -> None:
    copies = [founded().signed_by(region, account(f"registrar {region}")) for region in NAMES]
    whole = merge(SignedFounding.parse(copy.format()) for copy in copies)

    assert whole.missing == []
    assert SignedFounding.parse(whole.format()) == whole == signed_by_all(founded())
    said = "\n".join(describe_founding(whole))
    for part in whole.founding.parts:
        assert part.registrar is not None
        assert part.root is not None
        assert part.witness is not None
        assert part.registrar.hex() in said
        assert part.root.key.hex() in said
        assert part.witness.key.hex() in said


def test_a_document_that_one_region_has_not_signed_is_not_deployed() -> None:
    signed = founded().signed_by(31, account("registrar 31"))
    with pytest.raises(FoundationError, match="32, 33, 34") as error:
        signed.require_complete()
    assert code_of(error) == "foundation.unsigned"


@pytest.mark.parametrize(
    ("brought", "code"),
    [
        ([*parts(), region_part(31, secrets_of(35), "again")], "foundation.region_twice"),
        ([*parts()[:-1], region_part(34, secrets_of(33))], "foundation.key_twice"),
        (parts()[:3], "foundation.too_few"),
        (parts()[1:], "foundation.too_few"),
        ([operator_part(), *parts()], "foundation.operator_twice"),
    ],
    ids=["two parts of a region", "one key in two parts", "two regions", "no operator", "two"],
)
def test_parts_that_make_no_ledger_are_refused(brought: list[SignedPart], code: str) -> None:
    with pytest.raises(FoundationError) as error:
        founded(*brought)
    assert code_of(error) == code


@pytest.mark.parametrize("name", ["长\u202e三角", "长三角\u200b", " 长三角", "", "长\ufe0f三角"])
def test_a_name_that_shows_otherwise_than_it_is_signed_is_refused(name: str) -> None:
    whole = founded()
    with pytest.raises(FoundationError) as refused:
        replace(whole.founding, name=name)
    assert code_of(refused) == "foundation.name"
    operator, region = whole.founding.operator.part, whole.founding.regions[0].part
    assert isinstance(operator, OperatorPart)
    assert isinstance(region, RegionPart)
    with pytest.raises(FoundationError):
        replace(operator, name=name)
    with pytest.raises(FoundationError):
        replace(region, operator=name)


def test_a_threshold_out_of_reach_is_refused() -> None:
    with pytest.raises(MalformedError):
        Founding.of("x", parts(), terms(witnesses=5))
    with pytest.raises(MalformedError):
        Founding.of("x", parts(), terms(roots=5))


@pytest.mark.parametrize("key", ["registrar", "root", "witness"])
def test_a_part_that_a_key_of_it_did_not_sign_is_refused(key: str) -> None:
    signed, other = region_part(31), region_part(32)
    mixed = replace(signed, signatures={**signed.signatures, key: other.signatures[key]})
    for wrong in (mixed, replace(signed, signatures={})):
        with pytest.raises(FoundationError) as error:
            SignedPart.from_json(parse_canonical(wrong.format(), 10_000))
        assert code_of(error) == "foundation.part_signature"


def test_a_part_moved_to_another_region_or_address_is_refused() -> None:
    data = region_part(31).format()
    for changed in (
        data.replace(b'"region":31', b'"region":32'),
        data.replace(b"https://shanghai.example", b"https://thief.example"),
    ):
        with pytest.raises(FoundationError) as error:
            SignedPart.from_json(parse_canonical(changed, 10_000))
        assert code_of(error) == "foundation.part_signature"


def test_a_document_changed_after_a_region_signed_is_refused() -> None:
    data = founded().signed_by(31, account("registrar 31")).format()
    with pytest.raises(FoundationError) as error:
        SignedFounding.parse(data.replace(b'"block_lag":600', b'"block_lag":601'))
    assert code_of(error) == "foundation.signature"


def test_another_key_and_another_region_do_not_sign() -> None:
    with pytest.raises(FoundationError) as error:
        founded().signed_by(31, account("registrar 32"))
    assert code_of(error) == "foundation.signature"
    with pytest.raises(FoundationError) as error:
        founded().signed_by(35, account("registrar 35"))
    assert code_of(error) == "foundation.stranger"


def test_a_region_finds_its_own_part_in_the_document_or_refuses() -> None:
    document, own = founded(), region_part(31)
    assert document.own_part(own) == own.part
    assert isinstance(own.part, RegionPart)
    with pytest.raises(FoundationError) as error:
        document.own_part(replace(own, part=replace(own.part, operator="another")))
    assert code_of(error) == "foundation.part_differs"
    with pytest.raises(FoundationError) as error:
        document.own_part(region_part(35, secrets_of(35), "fujian"))
    assert code_of(error) == "foundation.stranger"


def test_copies_of_different_documents_are_not_merged() -> None:
    other = SignedFounding(founding=replace(founded().founding, name="another"))
    with pytest.raises(FoundationError) as error:
        merge([founded(), other])
    assert code_of(error) == "foundation.document_differs"


# The deployment --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    funded = {account("operator").address: 10**30}
    with open_node(tmp_path_factory.mktemp("chain"), funded=funded) as node:
        yield node


def founded_on(chain: RunningNode) -> SignedFounding:
    brought = operator_part(chain.chain_id, chain.genesis_hash)
    return signed_by_all(founded(brought, *parts()[1:]))


@pytest.fixture(scope="module")
def deployment(chain: RunningNode, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    founding, home = founded_on(chain).founding, tmp_path_factory.mktemp("operator")
    node = nodes_at(chain.url)
    return deploy(home, node, account("operator"), founding.registrars, os.urandom)


def test_the_first_policy_is_what_the_document_gives_for_its_deployment(
    chain: RunningNode, deployment: Deployment
) -> None:
    founding = founded_on(chain).founding
    pin = pin_of(founding, deployment)
    policy = founding.policy(pin)

    assert (policy.version, policy.ledgers) == (1, (pin,))
    assert [one.operator for one in policy.witnesses] == sorted(NAMES.values())
    check_first(policy, founding, pin)
    with pytest.raises(FoundationError) as error:
        check_first(replace(policy, default_age=policy.default_age + 1), founding, pin)
    assert code_of(error) == "foundation.policy_differs"


def test_a_deployment_with_other_registrars_or_bytes_is_refused(
    chain: RunningNode, deployment: Deployment
) -> None:
    founding = founded_on(chain).founding
    others = [*parts()[1:4], region_part(34, secrets_of(35))]
    elsewhere = founded(founding.operator, *others).founding
    last = bytes([deployment.raw[-1] ^ 1])
    for document, wrong in (
        (elsewhere, deployment),
        (founding, replace(deployment, salt=bytes(31) + b"\1")),
        (founding, replace(deployment, raw=deployment.raw[:-1] + last)),
        (founding, replace(deployment, raw=deployment.raw[:-1])),
        (founding, replace(deployment, address=bytes(20))),
    ):
        with pytest.raises(FoundationError) as error:
            pin_of(document, wrong)
        assert code_of(error) == "foundation.deployment_differs"


def test_another_chain_is_refused_before_and_after_the_deployment(
    chain: RunningNode, deployment: Deployment
) -> None:
    document = founded().founding
    for refuse in (
        lambda: check_chain_of(document, nodes_at(chain.url)),
        lambda: pin_of(document, deployment),
    ):
        with pytest.raises(FoundationError) as error:
            refuse()
        assert code_of(error) == "foundation.wrong_chain"


def test_an_account_without_funds_is_named_before_anything_is_sent(
    chain: RunningNode, tmp_path: Path
) -> None:
    poor = account("somebody without funds")
    registrars = founded_on(chain).founding.registrars
    with pytest.raises(FundsNeededError, match=poor.address.hex()) as error:
        deploy(tmp_path, nodes_at(chain.url), poor, registrars, os.urandom)
    assert code_of(error) == "deployment.funds_needed"
    assert list(tmp_path.iterdir()) == []


def test_an_operator_that_brought_a_part_brings_the_same_again_or_says_so(
    chain: RunningNode, tmp_path: Path
) -> None:
    def bring(name: str, url: str, **more: bool) -> bytes:
        settings = load_settings(home=tmp_path, chain_url=chain.url)
        return operator.operator_part(settings, name, url, **more).format()

    first = bring("示例运营", "https://a.example")
    assert bring("示例运营", "https://a.example") == first
    for name, url in (("示例账本", "https://a.example"), ("示例运营", "https://b.example")):
        with pytest.raises(FoundationError, match="this home has brought a part") as error:
            bring(name, url)
        assert code_of(error) == "foundation.part_other"
    assert bring("示例运营", "https://a.example") == first
    changed = bring("示例账本", "https://a.example", another=True)
    assert changed == bring("示例账本", "https://a.example") != first
