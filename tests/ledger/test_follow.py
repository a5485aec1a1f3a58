"""The mirror holds what the chain told, forgets what was taken back, and can be made again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.acts import ActState
from ledger.chain.follow import Follower, MirrorDiffers
from ledger.node import Ledger
from ledger.ports import Log
from ledger.store import open_store
from tests.ledger.anvil import running_anvil
from tests.ledger.chain.embedded.conftest import call
from tests.ledger.live import Body, open_live
from verifier.status import StatusTree
from verifier.vocabulary import Status


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_live(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def body(ledger: Ledger) -> Body:
    made = Body(ledger)
    made.register()
    made.submit(300)
    ledger.settle()
    made.change([1, 130, 299], Status.REVOKED, "R01")
    made.change([2], Status.SUSPENDED, "S01")
    ledger.settle()
    return made


def test_the_mirror_has_the_state_that_the_slot_holds(ledger: Ledger, body: Body) -> None:
    with ledger.store.begin(write=False) as unit:
        seen, words = unit.body(body.issuer), unit.words(body.issuer)

    assert seen is not None
    slot = ledger.node.call(
        "eth_call",
        {
            "to": "0x" + ledger.pin.address.hex(),
            "data": "0x" + _selector("slot(bytes18)") + body.issuer.encode().hex().ljust(64, "0"),
        },
        "latest",
    )
    assert bytes.fromhex(slot[2:]) == seen.slot == seen.state.digest()
    assert StatusTree(words).root == seen.state.status
    assert StatusTree(words).status(130) is Status.REVOKED


def _selector(signature: str) -> str:
    from contracts.loader import load_artifact

    return load_artifact().selectors[signature].hex()


def test_a_mirror_made_again_from_the_chain_is_the_same(
    ledger: Ledger, body: Body, tmp_path: Path
) -> None:
    fresh = open_store(f"sqlite:///{tmp_path}/again.db")
    with fresh.begin() as unit:
        unit.add_name(body.name)

    Follower(fresh, ledger.chain, ledger.deployment.block or 0).follow()

    with fresh.begin(write=False) as again, ledger.store.begin(write=False) as held:
        assert again.body(body.issuer) == held.body(body.issuer)
        assert again.words(body.issuer) == held.words(body.issuer)
        assert again.registrars() == held.registrars()
        assert again.anchored_batches(body.issuer) == held.anchored_batches(body.issuer)
        assert again.status_changes(body.issuer) == held.status_changes(body.issuer)
    fresh.close()


class Editing:
    """A chain whose events are edited on their way."""

    def __init__(self, real: Any, edit: Any) -> None:
        self._real, self._edit = real, edit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def logs(self, first: int, last: int) -> list[Log]:
        return [one for log in self._real.logs(first, last) if (one := self._edit(log)) is not None]


def test_an_event_left_out_is_noticed_and_nothing_of_it_kept(
    ledger: Ledger, body: Body, tmp_path: Path
) -> None:
    from contracts.loader import load_artifact

    anchored = load_artifact().topics["Anchored(bytes18,bytes32[5])"]
    fresh = open_store(f"sqlite:///{tmp_path}/again.db")
    with fresh.begin() as unit:
        unit.add_name(body.name)
    lying = Editing(ledger.chain, lambda log: None if log.topics[0] == anchored else log)

    with pytest.raises(MirrorDiffers):
        Follower(fresh, lying, ledger.deployment.block or 0).follow()

    with fresh.begin(write=False) as unit:
        assert unit.head() is None
    fresh.close()


@pytest.mark.anvil
def test_a_reorganisation_takes_back_and_what_was_lost_is_anchored_again(tmp_path: Path) -> None:
    with running_anvil(tmp_path, "--slots-in-an-epoch", "1") as url:
        home = tmp_path / "home"
        ledger = _open_on(url, home)
        body = Body(ledger)
        _register(url, ledger, body)
        fork = call(url, "evm_snapshot")
        batch = body.submit(3)
        _steps(url, ledger, 2, mine=False)
        with ledger.store.begin(write=False) as unit:
            act = unit.act(batch.digest)
            assert act is not None
            assert act.state is ActState.INCLUDED

        call(url, "evm_revert", fork)
        call(url, "anvil_mine", "0x3")
        ledger.follower.follow()

        with ledger.store.begin(write=False) as unit:
            act, seen = unit.act(batch.digest), unit.body(body.issuer)
            assert act is not None
            assert act.state is ActState.ACCEPTED
            assert seen is not None
            assert seen.state.batches == 0
        _steps(url, ledger, 8, mine=True)
        with ledger.store.begin(write=False) as unit:
            act = unit.act(batch.digest)
            assert act is not None
            assert act.state is ActState.FINAL
            assert len(unit.anchored_batches(body.issuer)) == 1
        ledger.close()


def _open_on(url: str, home: Path) -> Ledger:
    from ledger.node import operator_of
    from ledger.settings import load_settings

    operator = operator_of(load_settings(home=home))
    call(url, "anvil_setBalance", "0x" + operator.address.hex(), hex(10**24))
    return open_live(home, chain_url=url)


def _steps(url: str, ledger: Ledger, count: int, *, mine: bool) -> None:
    """Follow and send; no checkpoints, since this node proves no older block."""
    for _ in range(count):
        ledger.follower.follow()
        ledger.anchorer.advance()
        if mine:
            call(url, "anvil_mine", "0x2")
        ledger.follower.follow()


def _register(url: str, ledger: Ledger, body: Body) -> None:
    original = ledger.settle

    def settle(rounds: int = 12) -> None:
        _steps(url, ledger, rounds, mine=True)

    ledger.settle = settle  # type: ignore[method-assign]  # this chain makes a block only if asked
    body.register()
    ledger.settle = original  # type: ignore[method-assign]
