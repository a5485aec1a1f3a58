"""A little ledger in a folder: chain, database, two issuers, and all that can happen to it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from certledger.ledger.intake.acts import submit_act, submit_catalog, submit_status
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.issuer.catalogs import catalog_change, catalog_of
from certledger.ledger.issuer.signed_acts import packed_keys, sign_statement
from certledger.ledger.keys import Signer, signer_of
from certledger.ledger.node import POLICY, Ledger, open_ledger
from certledger.ledger.reference_data import load_domain
from certledger.ledger.sealing.attachments import Paper
from certledger.ledger.sealing.batch import Head, SealedBatch, seal_issues
from certledger.ledger.sealing.issue import Issue
from certledger.ledger.settings import load_settings
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.checkpoint import Note, cosign, parse_note
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.record import describe_document
from certledger.verifier.formats.signed_act import Act
from certledger.verifier.formats.statements import Register, Statement, StatusChange
from certledger.verifier.formats.status_tree import choose
from certledger.verifier.vocabulary import Purpose, Status
from tests.world import OPERATORS, signed_policy, witness_key

ALL = Purpose.BATCHES | Purpose.STATUS | Purpose.CATALOG | Purpose.KEYS
REGIONS = (31, 32, 33, 34)
POLICE = "11310000XX00000196"
COURT = "11320000XX00000270"
NAMES = {POLICE: "上海市公安局", COURT: "江苏省司法厅"}
DAY = 86_400


def person(name: str) -> Signer:
    """Return the key pair of somebody, always the same for a name."""
    return signer_of(hashlib.sha256(name.encode()).digest())


def registrar(region: int) -> Signer:
    return person(f"registrar {region}")


@dataclass
class LittleIssuer:
    """An issuer at work on an open ledger."""

    ledger: Ledger
    issuer: str
    key: Signer = field(init=False)
    catalog: Catalog = field(init=False)

    def __post_init__(self) -> None:
        self.key = person(f"key of {self.issuer}")
        self.catalog = catalog_of(load_domain(), ["ID-RESIDENT", "ID-HUKOU"])

    @property
    def state(self) -> IssuerState:
        with self.ledger.store.begin(write=False) as unit:
            seen = unit.issuer(self.issuer)
        assert seen is not None
        return seen.state

    @property
    def registrar(self) -> Signer:
        return registrar(int(self.issuer[2:4]))

    def act(self, said: Statement, *signers: Signer) -> Act:
        return sign_statement(said, signers, self.ledger.pin.identity)

    def submit(self, said: Statement, *signers: Signer) -> None:
        submit_act(self.ledger.intake, self.act(said, *signers).canonical())
        self.ledger.run_until_idle()

    def register(self) -> None:
        name = NAMES[self.issuer]
        said = Register(
            issuer=self.issuer.encode(),
            kind=1,
            name=sha256(name.encode()),
            keys=packed_keys({self.key.address: ALL}),
            not_after=now() + DAY,
        )
        second = registrar(33 if self.issuer[2:4] != "33" else 34)
        act = self.act(said, self.registrar, second, self.key)
        value = {"type": "certledger/registration/1", "act": act.to_json(), "name": name}
        submit_act(self.ledger.intake, format_canonical(value))
        self.ledger.run_until_idle()

    def file_catalog(self, catalog: Catalog | None = None) -> None:
        self.catalog = catalog or self.catalog
        version = self.state.catalog_version + 1
        said = catalog_change(self.catalog, issuer=self.issuer, version=version, now=now())
        act = self.act(said, self.key, self.registrar)
        value = {
            "type": "certledger/catalog-submission/1",
            "act": act.to_json(),
            "entries": self.catalog.to_json(),
        }
        submit_catalog(self.ledger.intake, format_canonical(value))
        self.ledger.run_until_idle()

    def issue(self, number: str, **changes: Any) -> Issue:
        entry = self.catalog.entries[1]
        made = Issue(
            entry=entry,
            number=number,
            fields=dict.fromkeys(entry.fields[1:4], "值"),
            issued=date.today(),
            expires=date(date.today().year + 9, 1, 1),
        )
        return replace(made, **changes)

    def seal(self, issues: Sequence[Issue], **changes: Any) -> SealedBatch:
        options: dict[str, Any] = {
            "catalog": self.catalog,
            "head": Head.of(self.state),
            "issuer": self.issuer,
            "secret": bytes(32),
            "seed": hashlib.sha256(f"{self.issuer} {self.state.batches}".encode()).digest(),
            "signer": self.key,
            "now": now(),
            "identity": self.ledger.pin.identity,
        }
        return seal_issues(issues, **(options | changes))

    def hand_in(self, batch: SealedBatch) -> SealedBatch:
        submit_batch(self.ledger.intake, batch.submission())
        self.ledger.run_until_idle()
        return batch

    def change(self, indexes: Sequence[int], to: Status, reason: str, *also: Signer) -> None:
        words, masks = choose(indexes)
        said = StatusChange(
            issuer=self.issuer.encode(),
            epoch=self.state.epoch + 1,
            words=words,
            masks=masks,
            status=to.number,
            reason=reason.encode(),
            not_after=now() + DAY,
        )
        submit_status(self.ledger.intake, self.act(said, self.key, *also).canonical())
        self.ledger.run_until_idle()


def now() -> int:
    return int(time.time())


@contextmanager
def opened(home: Path, **options: Any) -> Iterator[Ledger]:
    """Open the little ledger, beginning it where there is none."""
    seats = [(region, registrar(region).address) for region in REGIONS]
    with open_ledger(load_settings(home=home), registrars=seats, **options) as ledger:
        yield ledger


def begin(home: Path) -> None:
    """Make the pristine ledger in `home`: nothing in it is wrong."""
    with opened(home) as ledger:
        ledger.run_until_idle()
        police, court = LittleIssuer(ledger, POLICE), LittleIssuer(ledger, COURT)
        for issuer in (police, court):
            issuer.register()
            issuer.file_catalog()
        _issue(police, home)
        court.hand_in(court.seal([court.issue(f"C{n}") for n in range(5)]))
        police.change([5, 6, 140], Status.REVOKED, "R01")
        police.change([7], Status.SUSPENDED, "S05")
        police.change([7], Status.VALID, "V02")
        renewed = police.issue("N3", edition=1, replaces=3)
        police.hand_in(police.seal([renewed, police.issue("N-new")]))
        police.change([3], Status.SUPERSEDED, "P01")
        _publish(ledger)
        for index in (0, 5):
            evidence = ledger.maker.at(POLICE, index)
            (home / "evidence" / f"paper{index}.json").write_bytes(evidence.format())


def _issue(police: LittleIssuer, home: Path) -> None:
    """Issue 300 certificates, the first ten with a document, and write the holders' files."""
    for name in ("documents", "holders", "evidence"):
        (home / name).mkdir()
    issues = []
    for number in range(300):
        papers: tuple[Paper, ...] = ()
        if number < 10:
            content = f"document {number}".encode()
            (home / "documents" / f"paper{number}.pdf").write_bytes(content)
            papers = (Paper(name=f"paper{number}.pdf", value=describe_document(content)),)
        issues.append(police.issue(f"N{number}", papers=papers))
    sealed = police.hand_in(police.seal(issues))
    for number, holding in zip(range(10), sealed.holdings(), strict=False):
        (home / "holders" / f"paper{number}.json").write_bytes(holding)


def _publish(ledger: Ledger) -> None:
    """Sign the policy, and let its witnesses cosign the newest checkpoint."""
    signed = signed_policy(ledgers=(ledger.pin,), ends=now() + 100 * DAY)
    write_atomically(ledger.settings.home / POLICY, signed.format())
    with ledger.store.begin() as unit:
        newest = unit.checkpoint()
        assert newest is not None
        unit.set_note(newest.number, cosigned(newest.note).format())


def cosigned(note: str) -> Note:
    checkpoint = parse_note(note).checkpoint
    lines = [cosign(checkpoint, name, witness_key(name), checkpoint.time) for name in OPERATORS]
    return Note(checkpoint=checkpoint, cosignatures=tuple(lines))
