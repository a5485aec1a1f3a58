"""Batches of receipts in every store: written down once, followed until they are final."""

from __future__ import annotations

import pytest

from certledger.ledger.core.errors import LeaseLostError
from certledger.ledger.core.service_values import Verification
from certledger.ledger.store import SqlStore
from tests.ledger.store.leases import end_lease


def told(number: int) -> Verification:
    return Verification(
        reference=f"AAAA-BBBB-{number:04d}",
        caller="key:clk_AAAAAAAA",
        party="key:clk_AAAAAAAA",
        checked=1_795_500_000 + number,
        verdict="valid",
        leaves=b"",
        receipt=b"{}",
        number=number + 1,
    )


def test_receipts_wait_in_order_and_are_counted_to_a_limit(store: SqlStore) -> None:
    given = [told(number) for number in range(5)]
    with store.begin() as unit:
        unit.add_verifications(given)
    with store.begin(write=False) as unit:
        assert unit.unsealed_verifications(3) == given[:3]
        assert [unit.unsealed_count(most) for most in (3, 9)] == [3, 5]


def test_a_batch_is_sealed_handed_in_and_final(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.add_verifications([told(number) for number in range(3)])
        unit.seal_verifications([told(0).reference, told(1).reference], 7, b"the batch")
    with store.begin() as unit:
        assert unit.receipt_batch_waiting() == (7, b"the batch")
        assert unit.receipt_batches_under_way() == []
        unit.receipt_batch_handed_in(7, bytes(32))
    with store.begin() as unit:
        assert unit.receipt_batch_waiting() is None
        assert unit.receipt_batches_under_way() == [(7, bytes(32))]
        unit.receipt_batch_final(7)
    with store.begin(write=False) as unit:
        assert unit.receipt_batches_under_way() == []
        assert [one.reference for one in unit.unsealed_verifications(9)] == [told(2).reference]
        sealed = unit.verification(told(1).reference)
        assert sealed is not None
        assert sealed.sequence == 7


def test_receipts_of_a_batch_that_cannot_come_wait_again(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.add_verifications([told(0)])
        unit.seal_verifications([told(0).reference], 7, b"the batch")
        unit.receipt_batch_handed_in(7, bytes(32))
        unit.unseal_verifications(7)
    with store.begin(write=False) as unit:
        assert unit.receipt_batches_under_way() == []
        assert unit.unsealed_verifications(9) == [told(0)]


def test_who_lost_its_turn_seals_nothing(store: SqlStore) -> None:
    with store.begin() as unit:
        unit.add_verifications([told(0)])
        token = unit.acquire("logbook", "one", seconds=10)
        assert token is not None
    end_lease(store, "logbook")
    with store.begin() as unit:
        assert unit.acquire("logbook", "another", seconds=10) is not None
    with pytest.raises(LeaseLostError), store.begin() as unit:
        unit.fence("logbook", token)
