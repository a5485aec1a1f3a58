"""The ledger on one machine: store, chain, intake, outbox worker and evidence, put together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import structlog

from certledger.ledger.chain.block_logs import JsonRpc
from certledger.ledger.chain.client import (
    CONFIRMATIONS,
    EthereumChain,
    NodeClient,
    Payment,
    WrongChainError,
    sign_transaction,
)
from certledger.ledger.chain.deploy import (
    Deployment,
    FirstRegistrar,
    deploy,
    load_deployment,
)
from certledger.ledger.chain.failover import Nodes, nodes_at
from certledger.ledger.chain.follower import Follower
from certledger.ledger.core.errors import ChainUnreachableError
from certledger.ledger.core.leases import LOGBOOK, lease_holder, succeed_holder
from certledger.ledger.intake.pending_state import Intake
from certledger.ledger.keys import Signer, draw_secret, load_keystore, save_keystore
from certledger.ledger.outbox.worker import LEASE, Anchorer
from certledger.ledger.publish.checkpoints import Cadence, checkpoint
from certledger.ledger.publish.clock_check import ClockDiffersError, ClockWatch
from certledger.ledger.publish.cosignatures import Collector
from certledger.ledger.publish.evidence import EvidenceMaker
from certledger.ledger.settings import Settings
from certledger.ledger.store import SqlStore, check_unnamed, open_store
from certledger.ledger.store.unit_of_work import Store
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.checkpoint import Checkpoint, Cosignature, parse_note
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.signed_policy import SignedPolicy, find_successors
from certledger.verifier.policy_store import adopt_chain, current_policy, read_chain, was_adopted

if TYPE_CHECKING:
    from certledger.ledger.devchain.future_blocks import SignedHead
    from certledger.ledger.devchain.node import RunningNode

log = structlog.get_logger(__name__)
POLICY = "policy.json"
PASSPHRASE = "keys/passphrase"
NAME = "certledger"
BEHIND_SECONDS = 120.0
"""Seconds for which a node may lack blocks that it has shown, before they count as reorganised."""
_IDLE_SECONDS, _POLL_SECONDS = 1.0, 0.1
"""Seconds without a new block after which one is asked for by a payment, and between two looks."""
_RICH = 10**30
"""Wei of the operator on the embedded chain: at a few wei a gas it never runs out."""
_LIGHT_SCRYPT = 2**12
"""Scrypt's n for a passphrase of 32 random bytes, which cannot be guessed."""


class LedgerAbsentError(CertledgerError):
    """There is no ledger in this home yet."""

    code = "ledger.absent"
    exit_status = ExitStatus.UNUSABLE

    @classmethod
    def of(cls, home: Path) -> Self:
        """Return the error for a home, with the three ways to come to a ledger."""
        return cls(
            f"there is no ledger in {home} yet; three ways on: `certledger demo --home {home}`"
            " tries one out, `certledger found operator` founds a real one with others"
            " (docs/operations.md), and `certledger join --policy policy.json --chain URL` follows"
            " one that is there"
        )


def operator_of(settings: Settings) -> Signer:
    """Return the operator's key, made if the home has none.

    Without a configured passphrase, one is drawn and stored in the home with mode 0600.
    """
    passphrase = settings.operator_passphrase.get_secret_value()
    if not passphrase:
        passphrase = own_passphrase(settings.home)
    path = settings.operator_keystore
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        save_keystore(path, draw_secret(), passphrase, work=_LIGHT_SCRYPT)
    return load_keystore(path, passphrase)


def own_passphrase(home: Path) -> str:
    """Return the passphrase stored in the home, drawn if there is none."""
    path = home / PASSPHRASE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(path, os.urandom(32).hex().encode(), private=True)
    return path.read_text()


def _clock() -> int:
    return int(time.time())


@dataclass(kw_only=True)
class Ledger:
    """An open ledger.  `step` advances all waiting work one step; closing is safe at any time."""

    settings: Settings
    store: SqlStore
    node: JsonRpc
    chain: EthereumChain
    deployment: Deployment
    operator: Signer
    policy: SignedPolicy | None
    clock: Callable[[], int] = _clock
    cadence: Cadence = field(default_factory=Cadence)
    collector: Collector | None = None
    clock_watch: ClockWatch
    embedded: RunningNode | None = None
    _stack: ExitStack = field(default_factory=ExitStack, repr=False)

    def __post_init__(self) -> None:
        self.pin: LedgerPin = self.deployment.pin(NAME)
        self.intake = Intake(
            store=self.store,
            identity=self.pin.identity,
            operator=self.operator,
            clock=self.clock,
            limits=self.settings.limits,
            retired=self.final is not None,
        )
        self.maker = EvidenceMaker(self.store, self.pin)
        self.follower = self.make_follower(self.store)
        self.anchorer = Anchorer(
            store=self.store,
            chain=self.chain,
            holder=self._holder(),
            clock=self.clock,
        )

    @property
    def final(self) -> Checkpoint | None:
        """The final checkpoint that the policy has of this ledger, None while it is in service."""
        pin = None if self.policy is None else self.policy.policy.for_ledger(self.pin.identity)
        return None if pin is None else pin.retired

    def make_follower(self, store: Store) -> Follower:
        """Return a follower of this ledger's chain that writes to `store`."""
        return Follower(
            store,
            self.chain,
            self.deployment.block or 0,
            # The embedded chain is one node: a block that it lacks is gone.
            patience=BEHIND_SECONDS if self.embedded is None else 0.0,
        )

    def _holder(self) -> str:
        """Return the name under which this process holds the leases of worker and receipt log."""
        if self.embedded is None:
            return lease_holder()
        return succeed_holder(self.settings.home / "chain", self.store, LEASE, LOGBOOK)

    def step(self) -> None:
        """Follow the chain, send waiting acts, and make a checkpoint if one is due.

        A service runs the three in threads of their own, so that an error of the node stops only
        the part that meets it.

        Raises:
            ChainUnreachableError: the node does not answer; call again.
            ClockDiffersError: our clock differs from the witnesses'; call again.
        """
        self.follower.follow()
        self._check_clock()
        if self.anchorer.advance():
            self.follower.follow()
            self._publish()

    def anchor(self) -> None:
        """Send waiting acts, on the state that was followed last, and follow the result.

        Raises:
            ChainUnreachableError: the node does not answer; call again.
            ClockDiffersError: our clock differs from the witnesses'; call again.
        """
        self._check_clock()
        before = self.anchorer.changes
        if self.anchorer.advance() and self.anchorer.changes != before:
            with suppress(ChainUnreachableError):  # The follower's own thread reports it.
                self.follower.follow()

    def publish(self) -> None:
        """Make the checkpoint that is due and collect cosignatures, if this process anchors.

        Raises:
            ChainUnreachableError: the node does not answer; call again.
        """
        if self.anchorer.leads:
            self._publish()

    def _check_clock(self) -> None:
        self.clock_watch.check(self.collector, partial(_newest_cosignatures, self.store))

    def _publish(self) -> None:
        if self.final is not None:
            return  # A later one would not be trusted.
        checkpoint(self.store, self.chain, self.pin, self.cadence)
        if self.collector is not None:
            self._collect(self.collector)

    def _collect(self, collector: Collector) -> None:
        """Collect cosignatures of the newest checkpoint; again if a newer block came meanwhile."""
        collector.collect(self.store)
        if collector.overtaken:
            self.follower.follow()
            if checkpoint(self.store, self.chain, self.pin, Cadence(seconds=0)) is not None:
                collector.collect(self.store)

    def run_until_idle(self, rounds: int = 1_000) -> None:
        """Step until nothing waits and the newest checkpoint covers all that was anchored.

        On a chain of others each further step waits for a block.

        Raises:
            LedgerStuckError: work still waits after so many rounds.
        """
        self._step_until(self._is_idle, rounds)

    def run_until_included(self, rounds: int = 1_000) -> None:
        """Step until every act is in a block, final or not; as `run_until_idle`."""
        self._step_until(self._is_included, rounds)

    def _step_until(self, done: Callable[[], bool], rounds: int) -> None:
        for _ in range(rounds):
            self.step()
            if done():
                return
            if self.embedded is None:
                self._await_block()
        raise LedgerStuckError(f"acts still wait after {rounds} rounds")

    def _await_block(self) -> None:
        """Wait for a new block; on an idle chain, which makes none by itself, pay for one."""
        followed, until = self.follower.follow(), time.monotonic() + _IDLE_SECONDS
        while self.chain.head().number <= followed.number:
            if time.monotonic() > until:
                return self.mine_heartbeat_block()
            time.sleep(_POLL_SECONDS)

    def mine_heartbeat_block(self) -> None:
        """Make the chain mine a block, by an empty payment of the operator to itself.

        Without other users an idle chain has no new blocks, and evidence would become stale.
        """
        payment = Payment(
            chain_id=self.pin.chain_id,
            nonce=self.chain.next_nonce(),
            gas=21_000,
            to=self.operator.address,
            data=b"",
        )
        self.chain.broadcast(sign_transaction(self.node, self.operator, payment).raw)
        self.follower.follow()

    def _is_included(self) -> bool:
        with self.store.begin(write=False) as unit:
            return unit.backlog().acts == 0

    def _is_idle(self) -> bool:
        with self.store.begin(write=False) as unit:
            last = unit.checkpoint()
            moved = max((issuer.block for issuer in unit.issuers()), default=0)
            return unit.backlog().acts == 0 and last is not None and last.number >= moved

    def close(self) -> None:
        """Close everything; accepted acts continue when the home is opened again."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class LedgerStuckError(CertledgerError):
    """Waiting acts are not being anchored."""

    code = "ledger.stuck"


def open_ledger(
    settings: Settings,
    *,
    registrars: Sequence[FirstRegistrar] = (),
    chain_port: int = 0,
    heartbeat: float | None = None,
    clock: Callable[[], int] = _clock,
) -> Ledger:
    """Open the ledger of a home; deploy its contract with `registrars` if it is not deployed.

    Raises:
        LedgerAbsentError: nothing is deployed, and no registrars are given to deploy with.
        DatabaseLedgerError: the database belongs to another ledger.
        HomeInUseError: another process runs the embedded chain of this home.
        ChainUnreachableError: nothing is deployed, and the node does not answer.
        WrongChainError: the node is of another chain.
        StoreUnavailableError: the database does not answer.
    """
    if load_deployment(settings.home) is None:
        _check_new(settings, registrars)
    settings.home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        operator = operator_of(settings)
        embedded, clock_watch = None, ClockWatch(clock=clock)
        if settings.chain is None:
            _check_clock_at_start(settings, clock_watch)
            embedded = _open_embedded(settings, operator, chain_port, heartbeat, clock_watch)
            stack.callback(embedded.close)
        node = nodes_at(settings.chain or "") if embedded is None else _nodes_of(embedded)
        deployment = _deployed(settings.home, node, operator, registrars)
        store = open_store(settings.database, ledger=deployment.identity)
        stack.callback(store.close)
        policy = adopt_policy(settings.home)
        ledger = Ledger(
            settings=settings,
            store=store,
            node=node,
            chain=_chain_at(node, deployment, operator, policy),
            deployment=deployment,
            operator=operator,
            policy=policy,
            clock=clock,
            clock_watch=clock_watch,
            embedded=embedded,
        )
        ledger.collector = _collector(settings, ledger.policy)
        stack.callback(ledger.anchorer.release)
        _drop_after_final(ledger)
        ledger._stack.push(stack.pop_all())
        return ledger


def _check_new(settings: Settings, registrars: Sequence[FirstRegistrar]) -> None:
    """Check, before anything is written, that a home without a ledger may get one."""
    if not registrars:
        raise LedgerAbsentError.of(settings.home)
    check_unnamed(settings.database)


def _chain_at(
    node: Nodes, deployment: Deployment, operator: Signer, policy: SignedPolicy | None
) -> EthereumChain:
    depth = CONFIRMATIONS if policy is None else policy.policy.trust.confirmations
    return EthereumChain(node, deployment.pin(NAME), operator, confirmations=depth)


def _drop_after_final(ledger: Ledger) -> None:
    """Drop checkpoints after a retired ledger's final one: evidence is made at the newest."""
    if ledger.final is not None:
        with ledger.store.begin() as unit:
            unit.drop_checkpoints_after(ledger.final.number)


def _deployed(
    home: Path, node: Nodes, operator: Signer, registrars: Sequence[FirstRegistrar]
) -> Deployment:
    """Return the deployment of a home; one that was included needs no node."""
    try:
        return deploy(home, node, operator, registrars, os.urandom)
    except WrongChainError:
        raise
    except ChainUnreachableError:
        known = load_deployment(home)
        if known is None or known.block is None:
            raise
        log.warning("chain_away_at_start")
        return known


def load_policy(home: Path) -> SignedPolicy | None:
    """Return the trust policy of a home, None if it has none; nothing is written.

    `policy.json`, unless it is absent or older than the newest that the home has adopted: then that
    one.

    Raises:
        PolicyOlderError, PolicyUnsignedError: it may not replace the newest.
        MalformedError: a file is damaged.
    """
    current, path = current_policy(home), home / POLICY
    if not path.exists():
        return current
    (given,) = read_chain([path])
    if was_adopted(home, given):
        return current
    return find_successors(current, [given])[-1]


def adopt_policy(home: Path) -> SignedPolicy | None:
    """Return the trust policy of a home as `load_policy`, and adopt it."""
    signed = load_policy(home)
    if signed is None or was_adopted(home, signed):
        return signed
    return adopt_chain(home, [signed]).current


@contextmanager
def running_chain(settings: Settings, operator: Signer) -> Iterator[Nodes]:
    """Give the nodes of a home's chain; the embedded one runs meanwhile, begun if there is none.

    Raises:
        HomeInUseError: another process runs it.
    """
    if settings.chain is not None:
        yield nodes_at(settings.chain)
        return
    settings.home.mkdir(parents=True, exist_ok=True)
    with _open_embedded(settings, operator, 0, None, ClockWatch(clock=_clock)) as embedded:
        yield _nodes_of(embedded)


def _nodes_of(embedded: RunningNode) -> Nodes:
    """Return the embedded chain as the only node; it is asked in this process, not by HTTP."""
    return Nodes([NodeClient(embedded.url, answer=embedded.answer)])


def _open_embedded(
    settings: Settings,
    operator: Signer,
    port: int,
    heartbeat: float | None,
    clock_watch: ClockWatch,
) -> RunningNode:
    from certledger.ledger.devchain.node import open_node

    return open_node(
        settings.home / "chain",
        funded={operator.address: _RICH},
        port=port,
        heartbeat=heartbeat,
        clock=clock_watch.clock,
        find_signed=partial(_find_signed, settings),
        paused=clock_watch.differs,
    )


def _collector(settings: Settings, policy: SignedPolicy | None) -> Collector | None:
    """Return a collector of cosignatures, None without a policy or addresses of witnesses."""
    if policy is None or not settings.witnesses:
        return None
    return Collector(policy=policy.policy, urls=settings.witnesses)


def _check_clock_at_start(settings: Settings, clock_watch: ClockWatch) -> None:
    """Compare the clocks before the embedded chain mines, which it does from its start."""
    with suppress(ClockDiffersError):  # The chain opens, paused.
        clock_watch.check(_collector(settings, load_policy(settings.home)), tuple)


def _newest_cosignatures(store: Store) -> tuple[Cosignature, ...]:
    """Return the witnesses' lines under the newest checkpoint that has any."""
    with store.begin(write=False) as unit:
        newest = unit.cosigned_checkpoint()
    return () if newest is None else parse_note(newest.note).cosignatures


def _find_signed(settings: Settings) -> SignedHead | None:
    """Return the newest block that witnesses signed, as far as the database knows."""
    from certledger.ledger.devchain.future_blocks import SignedHead

    deployment, policy = load_deployment(settings.home), load_policy(settings.home)
    if deployment is None or policy is None:
        return None
    with (
        closing(open_store(settings.database, ledger=deployment.identity)) as store,
        store.begin(write=False) as unit,
    ):
        newest = unit.cosigned_checkpoint()
    if newest is None:
        return None
    times = [line.time for line in parse_note(newest.note).cosignatures]
    return SignedHead(number=newest.number, time=max(times), lag=policy.policy.block_lag)
