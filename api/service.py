"""Shared state of the routes: the ledger, and the service's pools, budgets and caches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import Request

from certledger.api.auth.access import Gate, Rates
from certledger.api.auth.api_keys import KeyRing
from certledger.api.auth.oidc import OidcTokens
from certledger.api.auth.oidc_sign_in import OidcSignIn
from certledger.api.auth.oidc_sign_out import OidcSignOut
from certledger.api.auth.session_registry import SessionRegistry
from certledger.api.auth.sessions import Sessions
from certledger.api.errors import PolicyAbsentError
from certledger.api.metrics import Metrics
from certledger.api.request.body_budget import memory_budget, spool_budget
from certledger.api.request.idempotency_claims import Claims
from certledger.api.responses import ByteCache
from certledger.api.thread_pools import Pools, Slots
from certledger.ledger.core.errors import StoreUnavailableError
from certledger.ledger.node import Ledger
from certledger.ledger.publish.anchoring_cost import CostMeter
from certledger.ledger.publish.missing_data import MissingList
from certledger.ledger.publish.snapshots import SnapshotMaker
from certledger.ledger.reform.bookshelf import Bookshelf
from certledger.ledger.reform.cases import CaseFinder
from certledger.ledger.reform.certificate_search import CategoryMemory
from certledger.ledger.reform.decisions import DecisionMaker
from certledger.ledger.reform.figures import Figures
from certledger.ledger.reform.samples import Sampler
from certledger.ledger.reform.scenarios import ScenarioRunner
from certledger.ledger.store.pepper import load_pepper
from certledger.ledger.store.unit_of_work import Store
from certledger.ledger.verification.mirror_node import MirrorNode
from certledger.ledger.verification.receipt_writer import ReceiptWriter
from certledger.ledger.verification.verdicts import Verdicts
from certledger.ledger.webhooks.address_guard import RESOLVER, Resolver

PROBE_SECONDS = 1.0
MAX_RELAYS = 4
"""Open requests to the chain node per address."""
MAX_LISTS_BYTES = 32 * 2**20
"""Bytes of cached status lists."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Settings of a service; times in seconds.

    Attributes:
        public_rate: verifications per address without a key.
        lookup_floor: least duration of a lookup, found or not.
        private_targets: whether webhooks may call private addresses.
        address_rate: requests per address, with any credentials.
        public_url: the service's address in signed documents, without a trailing slash; the `Host`
            header is never signed.
        origins: allowed origins of browsers (CORS); none but the service's own by default.
    """

    public_rate: str = "60/minute"
    lookup_floor: float = 0.02
    private_targets: bool = False
    address_rate: str = "600000/minute"
    public_url: str | None = None
    origins: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Service:
    """A service on one ledger.  `clock` gives seconds since 1970."""

    ledger: Ledger
    options: Options = field(default_factory=Options)
    clock: Callable[[], float] = time.time
    tokens: OidcTokens | None = None
    resolver: Resolver = RESOLVER
    metrics: Metrics = field(default_factory=Metrics)
    stopping: bool = False

    def __post_init__(self) -> None:
        ledger = self.ledger
        self.pools = Pools()
        self.memory, self.spool = memory_budget(), spool_budget()
        self.claims, self.relays = Claims(), Slots(MAX_RELAYS)
        self._probing, self._probed = threading.Lock(), 0.0
        self._fault: StoreUnavailableError | None = None
        self.pepper = load_pepper(ledger.settings.home, ledger.store)
        self.keys = KeyRing(store=ledger.store, pepper=self.pepper, clock=self.clock)
        self.gate = self._make_gate()
        self.keeper = ReceiptWriter(store=ledger.store, operator=ledger.operator)
        self.making, self.snapping = threading.Lock(), threading.Lock()
        self.snapshots = SnapshotMaker(store=ledger.store, chain=ledger.chain, ledger=ledger.pin)
        self.lists = ByteCache(MAX_LISTS_BYTES)
        self.mirror = MirrorNode(
            store=ledger.store, ledger=ledger.pin, behind=ledger.chain, clock=self.clock
        )
        self._open_reform()
        self.cost = CostMeter(store=ledger.store, chain=ledger.chain, clock=self.clock)
        self.missing = MissingList(store=ledger.store, clock=self.clock)
        self._verdicts: Verdicts | None = None

    def _open_reform(self) -> None:
        ledger = self.ledger
        self.bookshelf = Bookshelf(
            store=ledger.store, identity=ledger.pin.identity, clock=self.clock
        )
        self.figures = Figures(store=ledger.store, shelf=self.bookshelf, clock=self.clock)
        self.decisions = DecisionMaker(
            store=ledger.store,
            maker=ledger.maker,
            making=self.making,
            identity=ledger.pin.identity,
            operator=ledger.operator,
        )
        self.cases = CaseFinder(store=ledger.store, clock=self.clock)
        self.categories = CategoryMemory()
        self.samples = Sampler(
            store=ledger.store,
            chain=ledger.chain,
            maker=ledger.maker,
            making=self.making,
            identity=ledger.pin.identity,
            operator=ledger.operator,
            clock=self.clock,
        )

    def _make_gate(self) -> Gate:
        return Gate(
            sessions=Sessions(
                pepper=self.pepper, clock=self.clock, public_url=self.options.public_url
            ),
            registry=SessionRegistry(store=self.ledger.store, clock=self.clock),
            keys=self.keys,
            rates=Rates(clock=self.clock),
            pool=self.pools.keys,
            tokens=self.tokens,
            public_rate=self.options.public_rate,
            address_rate=self.options.address_rate,
        )

    @property
    def sessions(self) -> Sessions:
        """The sessions of the pages."""
        return self.gate.sessions

    @property
    def registry(self) -> SessionRegistry:
        """The open sessions."""
        return self.gate.registry

    @property
    def sign_in(self) -> OidcSignIn | None:
        """Sign-in at an identity provider, None where it is not set up."""
        address = self.options.public_url
        if self.tokens is None or self.tokens.provider.client is None or address is None:
            return None
        return OidcSignIn(tokens=self.tokens, sessions=self.sessions, public_url=address)

    @property
    def sign_out(self) -> OidcSignOut | None:
        """Sign-out at the same provider, None where there is no sign-in."""
        found = self.sign_in
        if found is None:
            return None
        return OidcSignOut(
            tokens=found.tokens, sessions=found.sessions, public_url=found.public_url
        )

    @property
    def store(self) -> Store:
        """The ledger's store."""
        return self.ledger.store

    def check_writing(self) -> None:
        """Check that the database accepts writes, at most once a second.

        Raises:
            StoreUnavailableError: it does not, for example because its disk is full.
        """
        with self._probing:
            if self.clock() < self._probed + PROBE_SECONDS:
                if self._fault is not None:
                    raise self._fault
                return
            self._probed, self._fault = self.clock(), None
            try:
                with self.store.begin() as unit:
                    unit.begin_request("service", "probe", bytes(32), int(self.clock()))
                    unit.drop_request("service", "probe")
            except StoreUnavailableError as error:
                self._fault = type(error)(str(error))
                raise

    def scenarios(self) -> ScenarioRunner:
        """Return a runner of scenarios under the policy of now."""
        signed = self.ledger.policy
        policy = None if signed is None else signed.policy
        return ScenarioRunner(
            store=self.store,
            maker=self.ledger.maker,
            making=self.making,
            identity=self.ledger.pin.identity,
            policy=policy,
            judge=None if policy is None else self.verdicts.question().judge,
            clock=self.clock,
            memory=self.categories,
        )

    @property
    def verdicts(self) -> Verdicts:
        """The verifier of questions, created on first use.

        Raises:
            PolicyAbsentError: there is no trust policy yet.
        """
        if self._verdicts is None:
            ledger = self.ledger
            if ledger.policy is None:
                raise PolicyAbsentError("the service has no trust policy yet")
            self._verdicts = Verdicts(
                policy=ledger.policy.policy,
                identity=ledger.pin.identity,
                operator=ledger.operator.address,
                maker=ledger.maker,
                snapshots=self.snapshots,
                node=self.mirror,
                clock=self.clock,
                making=self.making,
                snapping=self.snapping,
            )
        return self._verdicts


def service_of(request: Request) -> Service:
    """Return the service of a request."""
    found: Service = request.scope["app"].service
    return found
