"""A small ledger with people in it, and its service over HTTP."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from certledger.api.app import app_of
from certledger.api.service import Options, Service
from certledger.ledger.core.service_values import Role
from certledger.ledger.node import POLICY, Ledger, load_policy
from certledger.ledger.sealing.batch import SealedBatch
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.policy import READABLE, LedgerPin, Roots, Trust, TrustPolicy
from certledger.verifier.formats.record import Disclosure, lookup_digest
from certledger.verifier.formats.signed_policy import sign
from certledger.verifier.vocabulary import Status, Way
from tests.ledger.live import LiveIssuer, open_live

OTHER = "11320000XX00000258"
DAY = 86_400
ROLES = tuple(role for role in Role if role is not Role.PUBLIC)


@dataclass
class World:
    """The ledger, its issuers, and a key of each role."""

    ledger: Ledger
    issuer: LiveIssuer
    other: LiveIssuer
    service: Service
    keys: dict[Role, str] = field(default_factory=dict)

    def evidence(self, place: int = 0, batch: int = 0) -> Evidence:
        """Return evidence of a certificate of the issuer, showing number and what must be shown."""
        sealed = self.issuer.sealed[batch]
        evidence = self.ledger.maker.of_leaf(sealed.sealed.leaves[place])
        wanted = {"certificate_number", *evidence.catalog.entry.shown}
        parts = disclosures(sealed, place)
        return evidence.showing([part for part in parts if part.name in wanted])

    def lookup(self, place: int = 0, batch: int = 0) -> bytes:
        """Return the lookup digest of a certificate of the issuer."""
        sealed = self.issuer.sealed[batch]
        return lookup_digest(sealed.issues[place].number, sealed.sealed.codes[place].decode())


def disclosures(batch: SealedBatch, place: int) -> list[Disclosure]:
    """Return all disclosures of a sealed certificate."""
    return [Disclosure.parse(text.decode()) for text in batch.sealed.disclosures[place]]


def policy_of(pin: LedgerPin, now: int) -> Any:
    """Return a signed policy that trusts a node."""
    key = Ed25519PrivateKey.generate()
    policy = TrustPolicy(
        version=1,
        ends=now + 365 * DAY,
        roots=Roots(keys=(key.public_key().public_bytes_raw(),), threshold=1),
        ledgers=(pin,),
        trust=Trust(ways=(Way.NODE, Way.RPC), threshold=1, confirmations=12),
        witnesses=(),
        block_lag=600,
        default_age=7 * DAY,
        ages={},
        clock_tolerance=300,
        presentation_age=600,
        evidence=READABLE,
        countersignature=False,
    )
    return sign(policy, [key])


@contextmanager
def make_world(home: Path, options: Options | None = None) -> Iterator[World]:
    """Open a ledger with two issuers; the first's second certificate of five is revoked."""
    with open_live(home) as ledger:
        write_atomically(home / POLICY, policy_of(ledger.pin, int(time.time())).format())
        ledger.policy = load_policy(home)
        issuer, other = LiveIssuer(ledger), LiveIssuer(ledger, issuer=OTHER, name="江苏省公安厅")
        for one in (issuer, other):
            one.register()
        issuer.submit(5)
        other.submit(2)
        ledger.run_until_idle()
        issuer.change([1], Status.REVOKED, "R01")
        ledger.run_until_idle()
        service = Service(ledger=ledger, options=options or Options(lookup_floor=0.0))
        made = World(ledger=ledger, issuer=issuer, other=other, service=service)
        make_keys(made)
        yield made


def make_keys(world: World) -> None:
    """Give the world a key of each role."""
    for role in ROLES:
        _, text = world.service.keys.create(
            name=f"the {role}",
            role=role,
            issuer=world.issuer.issuer if role is Role.ISSUER else None,
            counter="pudong-7" if role is Role.COUNTER else None,
        )
        world.keys[role] = text


@dataclass
class Running:
    """A service that listens."""

    url: str
    app: FastAPI
    world: World

    def client(self, role: Role | None, **options: Any) -> httpx.Client:
        """Return a client with the key of a role."""
        headers = {} if role is None else {"authorization": f"Bearer {self.world.keys[role]}"}
        # Loading certificates takes longer than most requests here, which are all in plain http.
        return httpx.Client(
            base_url=self.url, headers=headers, timeout=60.0, verify=False, **options
        )


@contextmanager
def serve(world: World) -> Iterator[Running]:
    """Serve a world over HTTP on a free port of loopback."""
    app = app_of(world.service)
    with listening(app) as url:
        yield Running(url=url, app=app, world=world)


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """Serve an application on a free port of loopback, in a thread; give its address."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    started = threading.Event()
    told: list[str] = []

    async def run() -> None:
        serving = asyncio.ensure_future(server.serve())
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        if server.started:
            port = server.servers[0].sockets[0].getsockname()[1]
            told.append(f"http://127.0.0.1:{port}")
        started.set()
        await serving

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    started.wait()
    try:
        yield told[0]
    finally:
        server.should_exit = True
        thread.join()
