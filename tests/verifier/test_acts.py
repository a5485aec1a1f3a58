"""Statements and acts as JSON."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import format_canonical, to_base64url
from certledger.verifier.formats.signed_act import ACTS, Act, statement_from_json, statement_to_json
from certledger.verifier.formats.statements import Batch, KeysChange, Statement, StatusChange

ISSUER = b"11310000XX00000196"


def values_of(name: str, solidity: str) -> st.SearchStrategy[Any]:
    if solidity.endswith("[]"):
        return st.lists(values_of(name, solidity[:-2]), max_size=4).map(tuple)
    if name in ("issuer", "issuers"):
        return st.just(ISSUER)
    if name == "reason":
        return st.sampled_from([b"R01", b"S10", b"V02"])
    if solidity.startswith("uint"):
        width = int(solidity[4:])
        return st.integers(0, 2**width - 1 if width == 256 else min(2**width, 2**53) - 1)
    size = 20 if solidity == "address" else int(solidity[5:])
    return st.binary(min_size=size, max_size=size)


def statements() -> st.SearchStrategy[Statement]:
    return st.sampled_from(sorted(ACTS)).flatmap(
        lambda name: st.builds(
            ACTS[name],
            **{part: values_of(part, solidity) for part, _, solidity in ACTS[name].members()},
        )
    )


@given(statements())
def test_every_statement_comes_back_from_its_json(statement: Statement) -> None:
    spelled = orjson.loads(format_canonical(statement_to_json(statement)))
    assert statement_from_json(type(statement), spelled) == statement


@given(statements(), st.binary(min_size=32, max_size=32), st.binary(min_size=65, max_size=65))
def test_every_act_comes_back_from_its_file(
    statement: Statement, ledger: bytes, signature: bytes
) -> None:
    act = Act(ledger=ledger, statement=statement, signatures=(signature,))
    assert Act.parse(act.canonical()) == act
    assert Act.parse(orjson.dumps(act.to_json(), option=orjson.OPT_INDENT_2)) == act
    assert act.digest == statement.digest(ledger)


BATCH = Batch(
    issuer=ISSUER,
    sequence=1,
    previous=bytes(32),
    root=bytes(range(32)),
    first=0,
    count=3,
    catalog=bytes([7]) * 32,
    not_after=1_800_000_000,
)


def test_a_batch_reads_as_the_specification_says() -> None:
    zero = to_base64url(bytes(32))
    assert statement_to_json(BATCH) == {
        "catalog": to_base64url(bytes([7]) * 32),
        "count": 3,
        "countersignature": zero,
        "first": 0,
        "issuer": "11310000XX00000196",
        "not_after": 1_800_000_000,
        "previous": zero,
        "root": to_base64url(bytes(range(32))),
        "sequence": 1,
    }


def test_masks_are_bytes_because_json_numbers_stop_at_2_53() -> None:
    change = StatusChange(
        issuer=ISSUER, epoch=1, words=(0, 9), masks=(3, 3 << 254), status=1, reason=b"R01",
        not_after=1,
    )  # fmt: skip
    spelled = statement_to_json(change)
    assert spelled["masks"] == to_base64url(
        (3).to_bytes(32, "big") + (3 << 254).to_bytes(32, "big")
    )
    assert (spelled["words"], spelled["reason"]) == ([0, 9], "R01")


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("issuer", "11310000xx00000196"),
        ("issuer", to_base64url(ISSUER)),
        ("sequence", -1),
        ("sequence", True),
        ("count", 2**32),
        ("first", 2**53),
        ("root", to_base64url(bytes(31))),
        ("root", "+" * 43),
        ("extra", 1),
        ("catalog", None),
    ],
)
def test_a_member_that_does_not_fit_is_refused(member: str, value: object) -> None:
    with pytest.raises(MalformedError):
        statement_from_json(Batch, {**statement_to_json(BATCH), member: value})


def test_a_missing_member_is_refused() -> None:
    spelled = statement_to_json(BATCH)
    del spelled["countersignature"]
    with pytest.raises(MalformedError, match=r"batch\.countersignature is missing"):
        statement_from_json(Batch, spelled)


def test_a_key_of_another_size_inside_a_list_is_refused() -> None:
    change = KeysChange(issuer=ISSUER, revision=1, added=(bytes(21),), ends=(), not_after=1)
    with pytest.raises(MalformedError):
        statement_from_json(
            KeysChange, {**statement_to_json(change), "added": to_base64url(bytes(20))}
        )


@pytest.mark.parametrize(
    "change",
    [
        {"type": "certledger/act/2"},
        {"act": "Mint"},
        {"ledger": "AB" * 32},
        {"signatures": [to_base64url(bytes(64))]},
        {"signatures": ""},
        {"note": "x"},
    ],
)
def test_an_act_of_another_shape_is_refused(change: dict[str, object]) -> None:
    act = Act(ledger=bytes(32), statement=BATCH, signatures=(bytes(65),))
    with pytest.raises(MalformedError):
        Act.from_json({**act.to_json(), **change})


@given(st.binary(max_size=300))
def test_any_bytes_are_an_act_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        Act.parse(data)
