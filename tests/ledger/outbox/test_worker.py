"""What was accepted becomes final once, whatever dies on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from certledger.ledger.core.acts import ActState
from certledger.ledger.core.errors import ChainUnreachableError, LeaseLostError
from certledger.ledger.core.values import SubmittedAct, TxState
from certledger.ledger.node import Ledger
from certledger.ledger.outbox.worker import LEASE, Anchorer
from certledger.verifier.vocabulary import Status
from tests.effort import effort
from tests.ledger.live import LiveIssuer, open_live
from tests.ledger.store.leases import end_lease


class Crash(Exception):
    """The worker died here."""


class Faults:
    """Stands before an object and lets one method crash, before or after it has worked."""

    def __init__(self, real: Any) -> None:
        self._real, self._armed = real, ("", False)

    def crash(self, method: str, *, applied: bool) -> None:
        self._armed = (method, applied)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._real, name)
        method, applied = self._armed
        if name != method:
            return value

        def crashing(*args: Any, **named: Any) -> Any:
            self._armed = ("", False)
            if applied:
                value(*args, **named)
            raise Crash(name)

        return crashing


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_live(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def issuer(ledger: Ledger) -> LiveIssuer:
    made = LiveIssuer(ledger)
    made.register()
    return made


def acts(ledger: Ledger, digests: list[bytes]) -> list[SubmittedAct]:
    with ledger.store.begin(write=False) as unit:
        found = [unit.act(digest) for digest in digests]
    assert None not in found
    return [act for act in found if act is not None]


def anchored(ledger: Ledger, issuer: str) -> list[int]:
    """Return the sequences that the chain's own events tell of."""
    from certledger.verifier.formats.contract_events import BatchAnchored, parse_log

    logs = ledger.chain.logs(0, ledger.chain.head().number)
    told = [parse_log(log.topics, log.data) for log in logs]
    return [one.sequence for one in told if isinstance(one, BatchAnchored) and one.issuer == issuer]


def until_final(ledger: Ledger) -> None:
    ledger.run_until_idle()


CHAIN_STEPS = ("sign", "broadcast", "find", "next_nonce", "mined_nonce")


@pytest.mark.parametrize("step", CHAIN_STEPS)
@pytest.mark.parametrize("applied", [False, True], ids=["lost", "done-but-unacknowledged"])
def test_anchoring_finishes_after_a_crash_at_any_call_of_the_chain(
    step: str, applied: bool, ledger: Ledger, issuer: LiveIssuer
) -> None:
    batches = [issuer.submit(2), issuer.submit(1)]
    faults: Any = Faults(ledger.chain)
    faults.crash(step, applied=applied)
    worker = Anchorer(
        store=ledger.store, chain=faults, holder=ledger.anchorer.holder, clock=ledger.clock
    )

    try:
        for _ in range(3):
            ledger.follower.follow()
            worker.advance()
    except Crash:
        pass
    until_final(ledger)

    assert {act.state for act in acts(ledger, [b.digest for b in batches])} == {ActState.FINAL}
    assert anchored(ledger, issuer.issuer) == [1, 2], "one batch, one anchor"


class FaultyStore:
    """A store whose n-th transaction that writes is lost, or committed without an answer."""

    def __init__(self, real: Any, dies_at: int, *, applied: bool) -> None:
        self._real, self._left, self._applied = real, dies_at, applied

    def begin(self, *, write: bool = True) -> Any:
        unit = self._real.begin(write=write)
        if not write:
            return unit
        self._left -= 1
        return Dying(unit, applied=self._applied) if self._left == 0 else unit


class Dying:
    """A transaction after which the worker is dead."""

    def __init__(self, unit: Any, *, applied: bool) -> None:
        self._unit, self._applied = unit, applied

    def __enter__(self) -> Any:
        return self._unit.__enter__()

    def __exit__(self, *raised: Any) -> None:
        if self._applied:
            self._unit.__exit__(None, None, None)
        else:
            self._unit.__exit__(Crash, Crash("lost"), None)
        raise Crash("the worker died at a commit")


@pytest.mark.parametrize("dies_at", range(1, 7))
@pytest.mark.parametrize("applied", [False, True], ids=["lost", "committed"])
def test_anchoring_finishes_after_a_crash_at_any_commit(
    dies_at: int, applied: bool, ledger: Ledger, issuer: LiveIssuer
) -> None:
    batches = [issuer.submit(2)]
    worker = Anchorer(
        store=FaultyStore(ledger.store, dies_at, applied=applied),  # type: ignore[arg-type]
        chain=ledger.chain,
        holder=ledger.anchorer.holder,
        clock=ledger.clock,
    )

    try:
        for _ in range(3):
            worker.advance()
            ledger.follower.follow()
    except Crash:
        pass
    until_final(ledger)

    assert {act.state for act in acts(ledger, [b.digest for b in batches])} == {ActState.FINAL}
    assert anchored(ledger, issuer.issuer) == [1]


def test_what_waits_of_many_issuers_goes_in_one_call(ledger: Ledger, issuer: LiveIssuer) -> None:
    other = LiveIssuer(ledger, issuer="12320000XX00000276", name="江苏省示例中心")
    other.register()
    before = ledger.chain.head().number

    for one in (issuer, other):
        one.submit(2)
        one.submit(2)
    until_final(ledger)

    logs = ledger.chain.logs(before + 1, ledger.chain.head().number)
    assert len({log.tx for log in logs}) == 1
    assert anchored(ledger, issuer.issuer) == anchored(ledger, other.issuer) == [1, 2]


def test_a_batch_and_a_status_change_of_one_issuer_do_not_collide(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    issuer.submit(3)
    until_final(ledger)

    issuer.submit(2)
    issuer.change([0], Status.REVOKED, "R01")
    issuer.submit(1)
    until_final(ledger)

    assert anchored(ledger, issuer.issuer) == [1, 2, 3]
    with ledger.store.begin(write=False) as unit:
        seen = unit.issuer(issuer.issuer)
    assert seen is not None
    assert (seen.state.certificates, seen.state.epoch) == (6, 1)


def test_a_batch_that_the_issuer_carried_itself_is_not_sent_again(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    from certledger.contracts import calls

    batch = issuer.submit(2)
    with ledger.store.begin(write=False) as unit:
        seen = unit.issuer(issuer.issuer)
    assert seen is not None
    packed = calls.pack_batch(batch.statement, key=0, signature=batch.signature)
    signed = ledger.chain.sign(
        calls.anchor([(seen.state, [packed])]), nonce=ledger.chain.next_nonce()
    )
    ledger.chain.broadcast(signed.raw)

    until_final(ledger)

    assert anchored(ledger, issuer.issuer) == [1]
    assert acts(ledger, [batch.digest])[0].state is ActState.FINAL


def test_a_second_batch_at_a_sequence_displaces_the_one_that_waits(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    from certledger.contracts import calls

    waiting = issuer.submit(2)
    issuer.head = type(issuer.head)()
    other = issuer.seal(3, label="other ")
    with ledger.store.begin(write=False) as unit:
        seen = unit.issuer(issuer.issuer)
    assert seen is not None
    packed = calls.pack_batch(other.statement, key=0, signature=other.signature)
    signed = ledger.chain.sign(
        calls.anchor([(seen.state, [packed])]), nonce=ledger.chain.next_nonce()
    )
    ledger.chain.broadcast(signed.raw)

    until_final(ledger)

    assert acts(ledger, [waiting.digest])[0].state is ActState.DISPLACED
    assert anchored(ledger, issuer.issuer) == [1]


def test_one_worker_works_and_the_other_stands_by(ledger: Ledger, issuer: LiveIssuer) -> None:
    workers = [
        Anchorer(store=ledger.store, chain=ledger.chain, holder=name, clock=lambda: 1_000)
        for name in ("a", "b")
    ]
    ledger.anchorer.release()

    assert workers[0].advance()
    assert not workers[1].advance()
    end_lease(ledger.store, LEASE)
    assert workers[1].advance()
    assert not workers[0].advance()


def test_a_worker_that_was_overtaken_stops_before_it_writes(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    issuer.submit(1)
    ledger.anchorer.release()

    class Slow(Faults):
        """A chain so slow that the lease passes on meanwhile."""

        def sign(self, *args: Any, **named: Any) -> Any:
            end_lease(ledger.store, LEASE)
            with ledger.store.begin() as unit:
                assert unit.acquire(LEASE, "b", seconds=30) is not None
            return ledger.chain.sign(*args, **named)

    slow: Any = Slow(ledger.chain)
    worker = Anchorer(store=ledger.store, chain=slow, holder="a", clock=lambda: 1_000)

    with pytest.raises(LeaseLostError):
        worker.advance()

    with ledger.store.begin(write=False) as unit:
        assert [one.state for one in unit.pending_transactions()] == [TxState.INCLUDED], "of set-up"


def test_a_node_that_is_down_loses_nothing(ledger: Ledger, issuer: LiveIssuer) -> None:
    batch = issuer.submit(1)

    class Down(Faults):
        def broadcast(self, raw: bytes) -> None:
            raise ChainUnreachableError("nobody answers")

    down: Any = Down(ledger.chain)
    worker = Anchorer(
        store=ledger.store, chain=down, holder=ledger.anchorer.holder, clock=ledger.clock
    )
    for _ in range(2):
        with pytest.raises(ChainUnreachableError):
            worker.advance()

    until_final(ledger)

    assert acts(ledger, [batch.digest])[0].state is ActState.FINAL
    assert anchored(ledger, issuer.issuer) == [1]


WORKER = """
import sys
from pathlib import Path
from tests.ledger.live import open_live
ledger = open_live(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    ledger.step()
"""


def test_a_worker_killed_while_it_anchors_loses_and_doubles_nothing(tmp_path: Path) -> None:
    home, digests = tmp_path / "home", []
    with open_live(home) as ledger:
        issuer = LiveIssuer(ledger)
        issuer.register()
    kills = effort(1, 3)
    for _ in range(kills):
        with open_live(home) as ledger:
            issuer.ledger = ledger
            digests += [issuer.submit(5).digest for _ in range(4)]
        _run_and_kill(home)

    with open_live(home) as ledger:
        ledger.run_until_idle()
        assert {act.state for act in acts(ledger, digests)} == {ActState.FINAL}
        assert anchored(ledger, issuer.issuer) == list(range(1, 4 * kills + 1))


def _run_and_kill(home: Path) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(home)], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
