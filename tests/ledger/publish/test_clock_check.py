"""A clock that was wrong at one start does not outlast that start."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import httpx
import orjson
import pytest

from certledger.api.app import app_of
from certledger.api.readiness import find_faults
from certledger.api.service import Service
from certledger.ledger.core.service_values import BATCH_FINAL, BATCH_REORGANISED, STATUS_CHANGED
from certledger.ledger.node import POLICY, Ledger, open_ledger
from certledger.ledger.publish.checkpoints import Cadence, checkpoint
from certledger.ledger.publish.clock_check import (
    CHECK_SECONDS,
    MAX_CLOCK_DIFFERENCE_SECONDS,
    RECHECK_SECONDS,
    ClockDiffersError,
    clock_difference,
)
from certledger.ledger.publish.cosignatures import Collector
from certledger.ledger.settings import load_settings
from certledger.ledger.webhooks.events import EventDispatcher
from certledger.ledger.witness.nodes import ExecutingNode, RpcSource
from certledger.ledger.witness.server import WitnessServer
from certledger.ledger.witness.witness import Witness
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.verify.block_trust import judge_by_witnesses
from certledger.verifier.vocabulary import Status
from tests.api.world import listening
from tests.ledger.chain.test_final_reorganisation import watch
from tests.ledger.live import DAY, LiveIssuer, open_live
from tests.world import signed_policy, witness_key

LAG = 600
AHEAD = 3 * DAY


class Clock:
    """The clock of one machine, wrong by so many seconds."""

    def __init__(self) -> None:
        self.wrong = 0

    def __call__(self) -> int:
        return int(time.time()) + self.wrong


class Place:
    """A ledger's home, the witnesses of its policy, and the clocks of both."""

    def __init__(self, home: Path) -> None:
        self.home, self.clock, self.witness_clock = home, Clock(), Clock()
        self.opened: Ledger | None = None
        self.servers: list[WitnessServer] = []
        self.nodes: list[ExecutingNode] = []
        self.urls: dict[str, str] = {}

    @contextmanager
    def open(self) -> Iterator[Ledger]:
        with open_live(self.home, clock=self.clock) as self.opened:
            yield self.opened

    def call(self, method: str, params: list[object]) -> object:
        assert self.opened is not None
        return self.opened.node.call(method, *params)

    def begin(self, ledger: Ledger) -> None:
        """Write the policy, and start three of its four witnesses."""
        policy = signed_policy(ledgers=(ledger.pin,), ends=self.clock() + 365 * DAY, block_lag=LAG)
        write_atomically(self.home / POLICY, policy.format())
        for member in policy.policy.witnesses[:3]:
            self.start(member.name, ledger.pin)

    def start(self, name: str, pin: LedgerPin) -> None:
        folder = self.home.parent / name
        node = ExecutingNode(
            folder, RpcSource(self.call), pin.genesis, lag=LAG, clock=self.witness_clock
        )
        witness = Witness(
            name=name,
            key=witness_key(name),
            identity=pin.identity,
            node=node,
            home=folder,
            lag=LAG,
            clock=self.witness_clock,
        )
        server = WitnessServer(witness)
        server.start()
        self.nodes.append(node)
        self.servers.append(server)
        self.urls[name] = server.url

    def collect(self, ledger: Ledger) -> str:
        """Have the newest block cosigned; return how a verifier judges the newest checkpoint."""
        policy = signed_policy(
            ledgers=(ledger.pin,), ends=self.clock() + 365 * DAY, block_lag=LAG
        ).policy
        checkpoint(ledger.store, ledger.chain, ledger.pin, Cadence(seconds=0))
        Collector(policy=policy, urls=self.urls).collect(ledger.store)
        with ledger.store.begin(write=False) as unit:
            newest = unit.checkpoint()
        assert newest is not None
        assert newest.number == ledger.chain.head().number
        return judge_by_witnesses(parse_note(newest.note), policy, ledger.pin).code

    def close(self) -> None:
        for server in self.servers:
            server.close()
        for node in self.nodes:
            node.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "home")
    yield made
    made.close()


def begun(place: Place) -> tuple[LiveIssuer, int]:
    """Return an issuer on a ledger whose newest block is cosigned, and that block's number."""
    with place.open() as ledger:
        place.begin(ledger)
        issuer = LiveIssuer(ledger)
        issuer.register()
        issuer.submit(1)
        ledger.run_until_idle(40)
        assert place.collect(ledger) == "ok"
        return issuer, ledger.chain.head().number


def anchored_ahead(place: Place, issuer: LiveIssuer) -> None:
    """Anchor a batch while the ledger's clock is three days ahead."""
    place.clock.wrong = AHEAD
    with place.open() as ledger:
        issuer.ledger = ledger
        issuer.submit(1)
        ledger.run_until_idle(40)
        assert ledger.chain.head().time >= time.time() + AHEAD - LAG


def test_blocks_of_a_wrong_clock_are_dropped_and_their_acts_anchored_again(place: Place) -> None:
    issuer, cosigned = begun(place)
    anchored_ahead(place, issuer)
    with place.open() as ledger:
        assert place.collect(ledger) == "block.witnesses_too_few"
        assert [node.final().number for node in place.nodes] == [cosigned] * 3

    place.clock.wrong = 0
    with place.open() as ledger:
        assert ledger.chain.head().number == cosigned
        ledger.run_until_idle(40)
        assert ledger.chain.head().time <= time.time() + LAG
        assert place.collect(ledger) == "ok"
        with ledger.store.begin(write=False) as unit:
            found = unit.issuer(issuer.issuer)
            taken_back = unit.reorganisations()
    assert found is not None
    assert found.state.batches == 2, "what was anchored in the future is anchored again"
    assert [one.fork for one in taken_back] == [cosigned]


def events(ledger: Ledger, issuer: str) -> list[tuple[str, int]]:
    """Return kind and block of what an issuer is sent by now."""
    teller = EventDispatcher(store=ledger.store, pepper=bytes(32), clock=ledger.clock)
    teller.step()
    teller.release()
    with ledger.store.begin(write=False) as unit:
        found = unit.events_of(f"body:{issuer}", after=0, limit=10)
    return [(event.kind, orjson.loads(event.body)["block"]) for event in found]


def test_what_was_sent_of_dropped_blocks_is_taken_back_and_sent_again(place: Place) -> None:
    issuer, cosigned = begun(place)
    place.clock.wrong = AHEAD
    with place.open() as ledger:
        watch(ledger, issuer, 0)
        issuer.ledger = ledger
        issuer.submit(1)
        issuer.change([0], Status.REVOKED, "R01")
        ledger.run_until_idle(40)
        first, second, revoked = events(ledger, issuer.issuer)
        assert first[0] == second[0] == BATCH_FINAL
        assert revoked == (STATUS_CHANGED, ledger.chain.head().number)

    place.clock.wrong = 0
    with place.open() as ledger:
        assert ledger.chain.head().number == cosigned
        ledger.follower.follow()
        taken_back = (BATCH_REORGANISED, second[1])
        assert events(ledger, issuer.issuer) == [first, second, revoked, taken_back]
        ledger.run_until_idle(40)
        *before, final, again = events(ledger, issuer.issuer)
        assert before == [first, second, revoked, taken_back]
        assert (final[0], again[0]) == (BATCH_FINAL, STATUS_CHANGED)
        with ledger.store.begin(write=False) as unit:
            newest = unit.checkpoint()
        assert newest is not None
        assert again[1] == newest.number
        assert len(events(ledger, issuer.issuer)) == 6


def test_it_does_not_anchor_while_its_clock_differs_from_the_witnesses_and_then_goes_on(
    place: Place,
) -> None:
    issuer, cosigned = begun(place)
    seconds = [0.0]
    with place.open() as ledger:
        assert ledger.policy is not None
        ledger.collector = Collector(policy=ledger.policy.policy, urls=place.urls)
        ledger.clock_watch.timer = lambda: seconds[0]
        service = Service(ledger=ledger, clock=place.clock)
        issuer.ledger = ledger
        issuer.submit(1)
        for wrong in (AHEAD, -AHEAD, MAX_CLOCK_DIFFERENCE_SECONDS + 60):
            place.clock.wrong = wrong
            seconds[0] += CHECK_SECONDS
            for step in (ledger.step, ledger.anchor):
                with pytest.raises(ClockDiffersError):
                    step()
            assert ledger.chain.head().number == cosigned
            assert "clock.differs" in find_faults(service)
            assert abs(ledger.clock_watch.difference - wrong) < 30

        with listening(app_of(service)) as url:
            metrics = httpx.get(f"{url}/metrics").text
            ready = httpx.get(f"{url}/readyz").json()
        assert f"certledger_clock_difference_seconds {ledger.clock_watch.difference}" in metrics
        assert "clock.differs" in ready["faults"]
        assert not ready["parts"]["anchoring"]
        assert ready["parts"]["intake"]
        place.clock.wrong = 0
        seconds[0] += RECHECK_SECONDS
        ledger.run_until_idle(40)
        assert find_faults(service) == []
        assert ledger.chain.head().time <= time.time() + LAG
        with ledger.store.begin(write=False) as unit:
            found = unit.issuer(issuer.issuer)
    assert found is not None
    assert found.state.batches == 2


def test_the_chain_mines_nothing_of_itself_at_a_start_with_a_wrong_clock(place: Place) -> None:
    _, cosigned = begun(place)
    place.clock.wrong = AHEAD
    settings = load_settings(home=place.home, witnesses=place.urls)
    with open_ledger(settings, clock=place.clock, heartbeat=0.05) as ledger:
        assert abs(ledger.clock_watch.difference - AHEAD) < 30
        ledger.clock_watch.timer = lambda: float("inf")
        beating = Thread(target=ledger.mine_heartbeat_block)
        beating.start()
        place.clock.wrong = 0
        ledger.anchor()
        beating.join()
        assert ledger.chain.head().number > cosigned
        assert ledger.chain.head().time <= time.time() + LAG


BEYOND = MAX_CLOCK_DIFFERENCE_SECONDS + 1


@pytest.mark.parametrize(
    ("measured", "since_signed", "difference"),
    [
        ([], [], 0),
        ([BEYOND] * 3, [], BEYOND),
        ([BEYOND - 1] * 4, [], 0),
        ([BEYOND, 9 * BEYOND, 8 * BEYOND, 0], [], BEYOND),
        ([BEYOND, BEYOND, 0, 0], [], 0),
        ([BEYOND, BEYOND, -BEYOND, -BEYOND], [], 0),
        ([-BEYOND, -2 * BEYOND, -3 * BEYOND], [], -BEYOND),
        ([], [-BEYOND] * 3, -BEYOND),
        ([], [BEYOND] * 4, 0),
        ([0, -BEYOND], [-BEYOND, 5, -BEYOND], -BEYOND),
    ],
)
def test_the_clock_differs_where_as_many_operators_as_a_block_needs_say_so(
    measured: list[int], since_signed: list[int], difference: int
) -> None:
    operators = "abcd"
    found = clock_difference(
        dict(zip(operators, measured, strict=False)),
        dict(zip(operators, since_signed, strict=False)),
        threshold=3,
    )
    assert found == difference


def test_blocks_that_witnesses_have_signed_are_never_dropped(place: Place) -> None:
    issuer, _ = begun(place)
    place.witness_clock.wrong = AHEAD
    anchored_ahead(place, issuer)
    with place.open() as ledger:
        assert place.collect(ledger) == "ok"
        head = ledger.chain.head()

    place.clock.wrong = 0
    with place.open() as ledger:
        assert ledger.chain.head() == head


def test_a_clock_that_lies_before_a_cosignature_drops_nothing(place: Place) -> None:
    issuer, _ = begun(place)
    with place.open() as ledger:
        issuer.ledger = ledger
        issuer.submit(1)
        ledger.run_until_idle(40)
        head = ledger.chain.head()

    place.clock.wrong = -AHEAD
    with place.open() as ledger:
        assert ledger.chain.head() == head
