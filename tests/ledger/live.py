"""A whole little ledger that runs: embedded chain, contract, store, and an issuer that issues."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from certledger.ledger.intake.acts import submit_act, submit_catalog, submit_status
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.issuer.catalogs import catalog_change, catalog_of
from certledger.ledger.issuer.signed_acts import packed_keys, sign_statement
from certledger.ledger.issuer.status_changes import sign_changes, status_changes
from certledger.ledger.keys import Signer, signer_of
from certledger.ledger.node import Ledger, open_ledger
from certledger.ledger.reference_data import load_domain
from certledger.ledger.sealing.batch import Head, SealedBatch, seal_issues
from certledger.ledger.sealing.issue import Issue
from certledger.ledger.settings import load_settings
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.signed_act import Act
from certledger.verifier.formats.statements import Register
from certledger.verifier.vocabulary import IssuerKind, Purpose, Status

REGIONS = (31, 32, 33, 34)
EVERY = Purpose.BATCHES | Purpose.STATUS | Purpose.CATALOG | Purpose.KEYS
CATEGORIES = ("ID-RESIDENT", "ID-HUKOU")
DAY = 86_400


def person(name: str) -> Signer:
    """Return the key pair of somebody, always the same for a name."""
    return signer_of(sha256(name.encode()).digest())


def registrar(region: int) -> Signer:
    return person(f"registrar {region}")


def open_live(
    home: Path, *, chain_url: str | None = None, database_url: str | None = None, **options: Any
) -> Ledger:
    """Open the ledger of `home`, deployed with the four registrars."""
    registrars = [(region, registrar(region).address) for region in REGIONS]
    given = {"chain_url": chain_url, "database_url": database_url}
    chosen = {name: value for name, value in given.items() if value is not None}
    ledger = open_ledger(load_settings(home=home, **chosen), registrars=registrars, **options)
    ledger.follower.follow()
    return ledger


@dataclass
class LiveIssuer:
    """An issuer with one key, which hands in what it signs."""

    ledger: Ledger
    issuer: str = "11310000XX00000196"
    name: str = "上海市公安局"
    kind: IssuerKind = IssuerKind.DEPARTMENT
    catalog: Catalog = field(default_factory=lambda: catalog_of(load_domain(), CATEGORIES))
    head: Head = field(default_factory=Head)
    epoch: int = 0
    sealed: list[SealedBatch] = field(default_factory=list)

    @property
    def key(self) -> Signer:
        return person(f"key of {self.issuer}")

    @property
    def registrar(self) -> Signer:
        return registrar(int(self.issuer[2:4]))

    @property
    def second(self) -> Signer:
        """A registrar of another region, without whom nobody is registered."""
        return registrar(33 if self.issuer[2:4] != "33" else 34)

    def now(self) -> int:
        return int(time.time())

    def ask_to_register(self) -> None:
        """Hand in the registration, and wait for nothing."""
        said = Register(
            issuer=self.issuer.encode(),
            kind=self.kind.number,
            name=sha256(self.name.encode()).digest(),
            keys=packed_keys({self.key.address: EVERY}),
            not_after=self.now() + DAY,
        )
        signers = [self.registrar, self.second, self.key]
        act = sign_statement(said, signers, self.ledger.pin.identity)
        value = {"type": "certledger/registration/1", "act": act.to_json(), "name": self.name}
        submit_act(self.ledger.intake, format_canonical(value))

    def register(self) -> None:
        """Register and file the catalog; both are final afterwards."""
        self.ask_to_register()
        self.ledger.run_until_idle()
        change = catalog_change(self.catalog, issuer=self.issuer, version=1, now=self.now())
        act = sign_statement(change, [self.key, self.registrar], self.ledger.pin.identity)
        value = {
            "type": "certledger/catalog-submission/1",
            "act": act.to_json(),
            "entries": self.catalog.to_json(),
        }
        submit_catalog(self.ledger.intake, format_canonical(value))
        self.ledger.run_until_idle()

    def seal(self, count: int, label: str = "") -> SealedBatch:
        """Return the next batch, sealed and not handed in."""
        entry = self.catalog.entries[-1]
        first = self.head.first
        issues = [
            Issue(
                entry=entry,
                number=f"{label}{first + at}",
                fields=dict.fromkeys(entry.fields[1:4], f"值 {at}"),
                issued=date(2026, 1, 1),
                expires=date(2036, 1, 1) if entry.months else None,
            )
            for at in range(count)
        ]
        batch = seal_issues(
            issues,
            catalog=self.catalog,
            head=self.head,
            issuer=self.issuer,
            secret=bytes(32),
            seed=os.urandom(32),
            signer=self.key,
            now=self.now(),
            identity=self.ledger.pin.identity,
        )
        self.head = batch.head
        self.sealed.append(batch)
        return batch

    def submit(self, count: int) -> SealedBatch:
        """Seal the next batch and hand it in."""
        batch = self.seal(count)
        submit_batch(self.ledger.intake, batch.submission())
        return batch

    def status_acts(self, indexes: Sequence[int], to: Status, reason: str) -> list[Act]:
        """Return the signed change of statuses, not handed in."""
        self.epoch += 1
        changes = status_changes(
            indexes,
            issuer=self.issuer,
            status=to,
            reason=reason,
            epoch=self.epoch,
            now=self.now(),
        )
        return sign_changes(changes, signer=self.key, identity=self.ledger.pin.identity)

    def change(self, indexes: Sequence[int], to: Status, reason: str) -> None:
        """Hand in a change of statuses."""
        for act in self.status_acts(indexes, to, reason):
            submit_status(self.ledger.intake, format_canonical(act.to_json()))
