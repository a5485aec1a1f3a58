"""What is told is signed and durable before it is given, however many are told at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from certledger.ledger.core.errors import StoreBusyError
from certledger.ledger.core.service_values import Verification
from certledger.ledger.store.engine import SqlStore, open_store
from certledger.ledger.verification.questions import VerifyRequest
from certledger.ledger.verification.receipt_writer import ReceiptWriter
from certledger.ledger.verification.verdicts import VerificationAnswer
from certledger.ledger.verification.verification_receipt import VerificationReceipt
from tests.api.world import World


def told(world: World, caller: str) -> VerificationAnswer:
    asked = VerifyRequest(evidence=world.evidence().format())
    return world.service.verdicts.answer([asked], caller=caller, party=caller, audience=None)


async def keep(
    keeper: ReceiptWriter, many: list[VerificationAnswer]
) -> list[Verification | BaseException]:
    kept = await asyncio.gather(*map(keeper.keep, many), return_exceptions=True)
    await keeper.close()
    return kept


def test_each_caller_gets_its_own_receipt_and_all_are_kept(world: World, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/kept.db")
    many = [told(world, f"key:clk_{number:08}") for number in range(50)]
    given = asyncio.run(keep(ReceiptWriter(store=store, operator=world.ledger.operator), many))
    for one, kept in zip(many, given, strict=True):
        assert isinstance(kept, Verification)
        receipt = VerificationReceipt.parse(kept.receipt)
        receipt.check(world.ledger.operator.address)
        receipt.check_results(one.spelled)
        assert receipt.content["caller"] == kept.caller == one.content["caller"]
        with store.begin(write=False) as unit:
            assert unit.verification(kept.reference) == kept
    store.close()


def test_where_nothing_can_be_written_nothing_is_given(world: World, tmp_path: Path) -> None:
    store: SqlStore = open_store(f"sqlite:///{tmp_path}/kept.db", patience=0.1)
    other = open_store(f"sqlite:///{tmp_path}/kept.db")
    many = [told(world, "public") for _ in range(3)]
    with other.begin():
        given = asyncio.run(keep(ReceiptWriter(store=store, operator=world.ledger.operator), many))
    assert [type(one) for one in given] == [StoreBusyError] * 3
    with store.begin(write=False) as unit:
        assert not unit.verifications_of("public", limit=9)
    store.close()
    other.close()


def test_who_goes_away_keeps_nobody_else_from_an_answer(world: World, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/kept.db")
    keeper = ReceiptWriter(store=store, operator=world.ledger.operator)

    async def run() -> tuple[Verification, bool]:
        gone, stays = (keeper.keep(told(world, name)) for name in ("gone", "stays"))
        gone.cancel()
        kept = await stays
        await keeper.close()
        return kept, gone.cancelled()

    kept, cancelled = asyncio.run(run())
    assert cancelled
    with store.begin(write=False) as unit:
        assert unit.verifications_of("stays", limit=9) == [kept]
        # It was told, as far as anybody knows.
        assert len(unit.verifications_of("gone", limit=9)) == 1
    store.close()


def test_a_keeper_that_is_closed_takes_nothing(world: World, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/kept.db")
    keeper = ReceiptWriter(store=store, operator=world.ledger.operator)

    async def run() -> None:
        await keeper.close()
        with pytest.raises(RuntimeError):
            await keeper.keep(told(world, "late"))

    asyncio.run(run())
    store.close()
