"""The road to the chain when others are on it: races, holds, fees, reorganisations, kills."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import rlp

from certledger.contracts import calls
from certledger.ledger.chain.client import EthereumChain, NodeClient
from certledger.ledger.core.acts import ActState
from certledger.ledger.core.errors import ChainRefusesError
from certledger.ledger.core.values import SubmittedAct, Transaction, TxState
from certledger.ledger.intake.acts import submit_act
from certledger.ledger.issuer.signed_acts import packed_keys
from certledger.ledger.keys import Signer
from certledger.ledger.node import Ledger, open_ledger, operator_of
from certledger.ledger.outbox.worker import LEASE, Anchorer, Pace
from certledger.ledger.settings import load_settings
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.contract_events import BatchAnchored, parse_log
from certledger.verifier.formats.statements import Hold, KeysChange, Release
from certledger.verifier.vocabulary import Purpose, Status
from tests.effort import effort
from tests.ledger.chain.nodes import head_time, mined, running_anvil, signed
from tests.ledger.live import DAY, REGIONS, LiveIssuer, open_live, person, registrar

CARRIER = person("a carrier")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_live(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def issuer(ledger: Ledger) -> LiveIssuer:
    made = LiveIssuer(ledger)
    made.register()
    return made


@contextmanager
def on_anvil(folder: Path) -> Iterator[tuple[Ledger, NodeClient]]:
    """Open a ledger whose chain is anvil."""
    with running_anvil(folder) as url:
        settings = load_settings(home=folder / "home", chain_url=url)
        (folder / "home").mkdir()
        node = NodeClient(url)
        node.call("anvil_setBalance", "0x" + operator_of(settings).address.hex(), hex(10**24))
        seats = [(region, registrar(region).address) for region in REGIONS]
        with open_ledger(settings, registrars=seats) as ledger:
            ledger.follower.follow()
            yield ledger, node


def act_of(ledger: Ledger, digest: bytes) -> SubmittedAct:
    with ledger.store.begin(write=False) as unit:
        act = unit.act(digest)
    assert act is not None
    return act


def road(ledger: Ledger) -> list[Transaction]:
    with ledger.store.begin(write=False) as unit:
        return [one for one in unit.pending_transactions() if one.state is not TxState.INCLUDED]


def state_of(ledger: Ledger, transaction: Transaction) -> TxState:
    with ledger.store.begin(write=False) as unit:
        found = unit.transaction(transaction.hash)
    assert found is not None
    return found.state


def anchored(ledger: Ledger, issuer: str) -> list[int]:
    """Return the sequences that the chain's own events tell of."""
    logs = ledger.chain.logs(0, ledger.chain.head().number)
    told = [parse_log(log.topics, log.data) for log in logs]
    return [one.sequence for one in told if isinstance(one, BatchAnchored) and one.issuer == issuer]


class Before:
    """A chain before whose method something else happens, once."""

    def __init__(self, real: Any, method: str, happens: Any) -> None:
        self._real, self._method, self._happens = real, method, happens

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._real, name)
        if name != self._method or self._happens is None:
            return value

        def late(*args: Any, **named: Any) -> Any:
            happens, self._happens = self._happens, None
            happens()
            return value(*args, **named)

        return late


def worker(ledger: Ledger, chain: Any = None, **changes: Any) -> Anchorer:
    given = {"holder": ledger.anchorer.holder, "clock": ledger.clock, **changes}
    return Anchorer(store=ledger.store, chain=chain or ledger.chain, **given)


def fund(ledger: Ledger, address: bytes) -> None:
    """Pay a carrier of acts from the operator's account."""
    nonce = ledger.chain.next_nonce()
    parts: list[Any] = [ledger.pin.chain_id, nonce, 10**9, 10**10, 21_000, address, 10**18, b"", []]
    signature = ledger.operator.sign(keccak(b"\x02" + rlp.encode(parts)))
    r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    raw = b"\x02" + rlp.encode([*parts, signature[64] - 27, r, s])
    ledger.chain.broadcast(raw)
    mined(ledger.chain, keccak(raw))


def carry(ledger: Ledger, data: bytes) -> None:
    """Carry a call to the chain past the ledger's own worker."""
    chain = EthereumChain(ledger.node, ledger.pin, CARRIER)
    sent = chain.sign(data, nonce=chain.next_nonce())
    chain.broadcast(sent.raw)
    assert mined(chain, sent.hash).succeeded


def second_key(
    ledger: Ledger, issuer: LiveIssuer, revision: int = 1
) -> tuple[KeysChange, list[Signer]]:
    """Return the act that adds a key to an issuer, and who signs it."""
    added = person(f"key {revision} more")
    said = KeysChange(
        issuer=issuer.issuer.encode(),
        revision=revision,
        added=packed_keys({added.address: Purpose.STATUS}),
        ends=(),
        not_after=head_time(ledger.chain) + DAY,
    )
    return said, [issuer.registrar, issuer.key, added]


def move_state(ledger: Ledger, issuer: LiveIssuer, revision: int = 1) -> None:
    """Let somebody else move the issuer's state."""
    said, signers = second_key(ledger, issuer, revision)
    act = signed(ledger.chain, said, *signers)
    with ledger.store.begin(write=False) as unit:
        seen = unit.issuer(issuer.issuer)
    assert seen is not None
    carry(ledger, calls.change_keys(seen.state, said, key=0, signatures=act.signatures))


def hold_issuer(ledger: Ledger, issuer: LiveIssuer) -> None:
    """Let somebody else carry a hold of an issuer."""
    hold = Hold(
        region=int(issuer.issuer[2:4]),
        issuers=(issuer.issuer.encode(),),
        nonce=1,
        not_after=head_time(ledger.chain) + DAY,
    )
    carry(ledger, calls.hold(hold, signed(ledger.chain, hold, issuer.registrar).signatures))


def end_key(ledger: Ledger, issuer: LiveIssuer) -> None:
    """Let somebody else end the key of an issuer, and give it another."""
    with ledger.store.begin(write=False) as unit:
        seen = unit.issuer(issuer.issuer)
    assert seen is not None
    end = KeysChange(
        issuer=issuer.issuer.encode(),
        revision=1,
        added=packed_keys({person("new").address: Purpose.BATCHES}),
        ends=(bytes([0]) + (ledger.chain.head().number + 1).to_bytes(5, "big"),),
        not_after=head_time(ledger.chain) + DAY,
    )
    act = signed(ledger.chain, end, issuer.registrar, issuer.key, person("new"))
    carry(ledger, calls.change_keys(seen.state, end, key=0, signatures=act.signatures))


# Others on the road -----------------------------------------------------------------------------


def test_a_call_that_was_overtaken_reverts_and_is_planned_anew(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    fund(ledger, CARRIER.address)
    batch = issuer.submit(2)
    racing = worker(ledger, Before(ledger.chain, "broadcast", lambda: move_state(ledger, issuer)))

    racing.advance()
    (sent,) = road(ledger)
    mined(ledger.chain, sent.hash)
    ledger.run_until_idle()

    assert state_of(ledger, sent) is TxState.REVERTED
    assert act_of(ledger, batch.digest).state is ActState.FINAL
    assert anchored(ledger, issuer.issuer) == [1]


def test_an_issuer_that_was_overtaken_in_a_list_is_passed_over_and_sent_again_before_final(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    other = LiveIssuer(ledger, issuer="12320000XX00000276", name="江苏省示例中心")
    other.register()
    fund(ledger, CARRIER.address)
    late, punctual = issuer.submit(2), other.submit(1)
    racing = worker(ledger, Before(ledger.chain, "broadcast", lambda: move_state(ledger, issuer)))

    racing.advance()
    ledger.follower.follow()
    (sent,) = road(ledger)
    worker(ledger).advance()
    assert state_of(ledger, sent) in (TxState.INCLUDED, TxState.FINAL)
    ledger.run_until_idle()

    for batch in (late, punctual):
        assert act_of(ledger, batch.digest).state is ActState.FINAL
    assert anchored(ledger, issuer.issuer) == anchored(ledger, other.issuer) == [1]


def test_batches_of_a_held_issuer_wait_and_keep_back_nobody(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    fund(ledger, CARRIER.address)
    batch = issuer.submit(1)
    hold_issuer(ledger, issuer)
    ledger.follower.follow()
    nonce = ledger.chain.next_nonce()

    worker(ledger).advance()
    assert ledger.chain.next_nonce() == nonce, "nothing was sent in vain"
    said, signers = second_key(ledger, issuer)
    release = Release(
        region=31,
        issuers=(issuer.issuer.encode(),),
        nonce=2,
        not_after=head_time(ledger.chain) + DAY,
    )
    for act in (
        signed(ledger.chain, said, *signers),
        signed(ledger.chain, release, issuer.registrar),
    ):
        submit_act(ledger.intake, format_canonical(act.to_json()))
        ledger.run_until_idle()

        assert act_of(ledger, act.statement.digest(ledger.pin.identity)).state is ActState.FINAL
    assert act_of(ledger, batch.digest).state is ActState.FINAL


@pytest.fixture
def other(ledger: Ledger) -> LiveIssuer:
    made = LiveIssuer(ledger, issuer="12320000XX00000276", name="江苏省示例中心")
    made.register()
    return made


@pytest.mark.parametrize("why", ["held", "its key has ended"])
def test_a_batch_that_would_be_passed_over_does_not_travel_with_those_of_others(
    why: str, ledger: Ledger, issuer: LiveIssuer, other: LiveIssuer
) -> None:
    fund(ledger, CARRIER.address)
    idle, busy = issuer.submit(1), other.submit(1)
    if why == "held":
        hold_issuer(ledger, issuer)
    else:
        end_key(ledger, issuer)
    ledger.follower.follow()

    worker(ledger).advance()

    (sent,) = road(ledger)
    with ledger.store.begin(write=False) as unit:
        assert [act.digest for act in unit.acts_of(sent.hash)] == [busy.digest]
    expected = ActState.ACCEPTED if why == "held" else ActState.REJECTED
    assert act_of(ledger, idle.digest).state is expected


def test_a_transaction_that_the_node_refused_keeps_its_nonce_to_itself(
    ledger: Ledger, issuer: LiveIssuer, other: LiveIssuer
) -> None:
    batches = [issuer.submit(1)]

    def refuse() -> None:
        raise ChainRefusesError("its fee is too low")

    for _ in range(2):
        worker(ledger, Before(ledger.chain, "broadcast", refuse)).advance()
        batches.append(other.submit(1))

    nonces = [one.nonce for one in road(ledger)]
    assert len(nonces) == len(set(nonces)) == 2
    ledger.run_until_idle()
    assert {act_of(ledger, batch.digest).state for batch in batches} == {ActState.FINAL}
    assert (anchored(ledger, issuer.issuer), anchored(ledger, other.issuer)) == ([1], [1, 2])


def test_a_worker_that_writes_keeps_its_lease(
    ledger: Ledger, issuer: LiveIssuer, other: LiveIssuer
) -> None:
    for one in (issuer, other):
        one.submit(1)
    ledger.run_until_idle()
    ledger.anchorer.release()
    for one in (issuer, other):
        one.change([0], Status.REVOKED, "R01")
    now, turns = [1_000], []
    colleague = worker(ledger, holder="b", clock=lambda: now[0])

    class Slow(Before):
        """A chain that takes its time, while a colleague looks for work."""

        def __getattr__(self, name: str) -> Any:
            now[0] += 20 if name in ("sign", "broadcast") else 0
            if name == "broadcast":
                turns.append(colleague.advance())
            return getattr(self._real, name)

    worker(ledger, Slow(ledger.chain, "", None), holder="a", clock=lambda: now[0]).advance()

    assert turns == [False, False]


def test_an_act_that_the_contract_refuses_keeps_back_no_other_lane(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    issuer.submit(3)
    ledger.run_until_idle()
    fund(ledger, CARRIER.address)
    # Accepted, and then the certificate is revoked by an act that the issuer carried itself.
    (mine,) = issuer.status_acts([0], Status.SUSPENDED, "S01")
    submit_act(ledger.intake, format_canonical(mine.to_json()))
    end_key(ledger, issuer)
    ledger.follower.follow()
    said, _ = second_key(ledger, issuer, revision=2)
    later = signed(ledger.chain, said, issuer.registrar, registrar(34), person("key 2 more"))
    submit_act(ledger.intake, format_canonical(later.to_json()))

    for _ in range(3):
        ledger.step()

    digest = said.digest(ledger.pin.identity)
    assert act_of(ledger, digest).state in (ActState.INCLUDED, ActState.FINAL)
    assert act_of(ledger, mine.statement.digest(ledger.pin.identity)).state is ActState.REJECTED


def test_a_nonce_that_another_wallet_used_is_given_up(ledger: Ledger, issuer: LiveIssuer) -> None:
    batch = issuer.submit(1)

    def die() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker(ledger, Before(ledger.chain, "broadcast", die)).advance()
    (lost,) = road(ledger)
    ledger.mine_heartbeat_block()

    ledger.run_until_idle()

    assert state_of(ledger, lost) is TxState.REPLACED
    assert act_of(ledger, batch.digest).state is ActState.FINAL
    assert anchored(ledger, issuer.issuer) == [1]


# Fees and reorganisations, on a chain whose mining is in our hands ---------------------------


@pytest.mark.anvil
def test_a_stuck_transaction_gets_a_dearer_twin_and_one_of_them_counts(tmp_path: Path) -> None:
    with on_anvil(tmp_path) as (ledger, node):
        issuer = registered(ledger, node)
        now = [1_000]
        patient = worker(
            ledger, clock=lambda: now[0], pace=Pace(lease_seconds=9_999, max_replacements=3)
        )
        ledger.anchorer.release()
        node.call("evm_setAutomine", False)
        batch = issuer.submit(2)

        for _ in range(6):
            patient.advance()
            now[0] += 121
        twins = road(ledger)
        assert len(twins) == 3
        assert {one.nonce for one in twins} == {twins[0].nonce}
        node.call("evm_mine")
        patient.advance()
        ledger.follower.follow()

        assert [state_of(ledger, one) for one in twins] == [
            TxState.REPLACED,
            TxState.REPLACED,
            TxState.INCLUDED,
        ]
        assert act_of(ledger, batch.digest).tx == twins[-1].hash
        assert anchored(ledger, issuer.issuer) == [1]


@pytest.mark.anvil
def test_a_fee_that_the_chain_has_outgrown_is_raised(tmp_path: Path) -> None:
    with on_anvil(tmp_path) as (ledger, node):
        issuer = registered(ledger, node)
        now = [1_000]
        ledger.anchorer.release()
        batch = issuer.submit(2)

        def die() -> None:
            raise KeyboardInterrupt

        dying = worker(ledger, Before(ledger.chain, "broadcast", die), clock=lambda: now[0])
        with pytest.raises(KeyboardInterrupt):
            dying.advance()
        node.call("anvil_setNextBlockBaseFeePerGas", hex(10**13))
        node.call("evm_mine")

        patient = worker(ledger, clock=lambda: now[0], pace=Pace(lease_seconds=9_999))
        patient.advance()
        assert [one.state for one in road(ledger)] == [TxState.SIGNED], "the node refused it"
        now[0] += 121
        patient.advance()
        patient.advance()
        ledger.follower.follow()

        assert act_of(ledger, batch.digest).state is ActState.INCLUDED
        assert anchored(ledger, issuer.issuer) == [1]


@pytest.mark.anvil
@pytest.mark.parametrize("followed", [True, False], ids=["followed", "not yet followed"])
def test_what_a_reorganisation_took_back_is_anchored_again(tmp_path: Path, followed: bool) -> None:
    with on_anvil(tmp_path) as (ledger, node):
        issuer = registered(ledger, node)
        first = issuer.submit(2)
        settle_on(ledger, node)
        snapshot = node.call("evm_snapshot")
        batches = [issuer.submit(1), issuer.submit(3)]
        ledger.step() if followed else ledger.anchorer.advance()
        ledger.anchorer.advance()
        assert anchored(ledger, issuer.issuer) == [1, 2, 3]

        node.call("evm_revert", snapshot)
        node.call("anvil_mine", hex(3))
        assert anchored(ledger, issuer.issuer) == [1]
        settle_on(ledger, node)

        assert anchored(ledger, issuer.issuer) == [1, 2, 3]
        for batch in (first, *batches):
            assert act_of(ledger, batch.digest).state is ActState.FINAL
        assert not road(ledger)


def settle_on(ledger: Ledger, node: NodeClient) -> None:
    """Step until everything is final: anvil's finality lies 64 blocks back."""
    for _ in range(4):
        ledger.step()
        ledger.step()
        node.call("anvil_mine", hex(40))
    ledger.step()


def registered(ledger: Ledger, node: NodeClient) -> LiveIssuer:
    """Register an issuer on a chain that makes no blocks by itself."""
    issuer = LiveIssuer(ledger)
    settle = ledger.run_until_idle
    ledger.run_until_idle = lambda rounds=0: settle_on(ledger, node)  # type: ignore[method-assign]
    issuer.register()
    ledger.run_until_idle = settle  # type: ignore[method-assign]
    return issuer


# Kills ------------------------------------------------------------------------------------------

ZYGOTE = """
import os, signal, sys
from pathlib import Path
from certledger.ledger.outbox.worker import LEASE, Anchorer
from certledger.ledger.chain.follower import Follower
from certledger.ledger.node import open_ledger
from certledger.ledger.settings import load_settings

class Count:
    left = 0
    def tick(self):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

class Mortal:
    def __init__(self, real, count, names):
        self.real, self.count, self.names = real, count, names
    def __getattr__(self, name):
        value = getattr(self.real, name)
        if name not in self.names:
            return value
        def call(*args, **named):
            self.count.tick()
            answer = value(*args, **named)
            self.count.tick()
            return answer
        return call

class Unit:
    def __init__(self, real, count):
        self.real, self.count = real, count
    def __enter__(self):
        return self.real.__enter__()
    def __exit__(self, *raised):
        self.count.tick()
        self.real.__exit__(*raised)
        self.count.tick()

class Store:
    def __init__(self, real, count):
        self.real, self.count = real, count
    def begin(self, *, write=True):
        unit = self.real.begin(write=write)
        return Unit(unit, self.count) if write else unit

def work(home, url, point):
    count = Count()
    count.left = point
    ledger = open_ledger(load_settings(home=home, chain_url=url))
    store = Store(ledger.store, count)
    chain = Mortal(ledger.chain, count, {"sign", "broadcast", "find", "next_nonce", "mined_nonce"})
    worker = Anchorer(store=store, chain=chain, holder=f"worker {point}",
                      clock=lambda: ledger.clock() + 60 * point)
    follower = Follower(store, chain, ledger.deployment.block)
    for _ in range(3):
        worker.advance()
        follower.follow()

home, url = Path(sys.argv[1]), sys.argv[2]
for line in sys.stdin:
    child = os.fork()
    if not child:
        work(home, url, int(line))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print("killed" if os.WIFSIGNALED(status) else "survived", flush=True)
"""


def test_a_worker_killed_at_any_instant_loses_and_doubles_nothing(tmp_path: Path) -> None:
    home, digests, fates = tmp_path / "home", [], []
    points = effort([2, 5, 8, 11, 14, 17, 20], list(range(1, 31)))
    with open_live(home) as ledger:
        issuer = LiveIssuer(ledger)
        issuer.register()
        assert ledger.embedded is not None
        ledger.anchorer.release()
        command = [sys.executable, "-c", ZYGOTE, str(home), ledger.embedded.url]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as zygote:
            assert zygote.stdin is not None
            assert zygote.stdout is not None
            for point in points:
                digests.append(issuer.submit(1).digest)
                print(point, file=zygote.stdin, flush=True)
                fates.append(zygote.stdout.readline().strip())
                with ledger.store.begin() as unit:
                    unit.release(LEASE, f"worker {point}")  # Else it runs out by and by.
            zygote.stdin.close()
        ledger.anchorer.clock = lambda: ledger.clock() + 7_200
        ledger.run_until_idle()

        assert all(
            fate == "killed" for point, fate in zip(points, fates, strict=True) if point <= 20
        )
        assert {act_of(ledger, digest).state for digest in digests} == {ActState.FINAL}
        assert anchored(ledger, issuer.issuer) == list(range(1, len(points) + 1))
        assert not road(ledger)


# Several workers --------------------------------------------------------------------------------

COLLEAGUE = """
import sys
from pathlib import Path
from certledger.ledger.node import open_ledger
from certledger.ledger.core.errors import ChainUnreachableError, LeaseLostError, StoreBusyError
from certledger.ledger.settings import load_settings

ledger = open_ledger(load_settings(home=Path(sys.argv[1]), chain_url=sys.argv[2]))
print("ready", flush=True)
while True:
    try:
        ledger.anchorer.advance()
        ledger.follower.follow()
    except (ChainUnreachableError, LeaseLostError, StoreBusyError):
        pass
    finally:
        ledger.anchorer.release()
"""


def test_processes_that_take_turns_anchor_everything_once(tmp_path: Path) -> None:
    home, digests = tmp_path / "home", []
    with open_live(home) as ledger:
        issuer = LiveIssuer(ledger)
        issuer.register()
        ledger.anchorer.release()
        assert ledger.embedded is not None
        command = [sys.executable, "-c", COLLEAGUE, str(home), ledger.embedded.url]
        colleagues = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)
        ]
        try:
            for colleague in colleagues:
                assert colleague.stdout is not None
                assert colleague.stdout.readline() == "ready\n"
            for _ in range(12):
                digests.append(issuer.submit(1).digest)
                ledger.follower.follow()
            while {act_of(ledger, digest).state for digest in digests} != {ActState.FINAL}:
                ledger.follower.follow()
                assert all(colleague.poll() is None for colleague in colleagues)
        finally:
            for colleague in colleagues:
                colleague.kill()
                colleague.wait()

        assert anchored(ledger, issuer.issuer) == list(range(1, 13))
