"""The demo's issuers: they register, file a catalog, seal papers, and change statuses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from certledger.ledger.demo.participants import REGIONS, Cast
from certledger.ledger.intake.acts import submit_act, submit_catalog, submit_status
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.issuer.catalogs import catalog_change, entry_of
from certledger.ledger.issuer.folder import IssuerFolder, Profile
from certledger.ledger.issuer.signed_acts import packed_keys, sign_statement
from certledger.ledger.issuer.status_changes import sign_changes, status_changes
from certledger.ledger.issuer.workspace import Plan, Workspace
from certledger.ledger.keys import Signer
from certledger.ledger.node import Ledger, own_passphrase
from certledger.ledger.pdf.model import certificate_document
from certledger.ledger.pdf.writer import DocumentWriter
from certledger.ledger.reference_data import IssuerProfile
from certledger.ledger.samples.generator import SampleCertificate
from certledger.ledger.sealing.attachments import Papers
from certledger.ledger.sealing.batch import Head, SealedBatch
from certledger.ledger.sealing.issue import Issue
from certledger.ledger.sealing.records import seal_records
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.issuer_state import IssuerState, region_of
from certledger.verifier.formats.statements import MAX_LIFETIME_SECONDS, Register
from certledger.verifier.vocabulary import Purpose, Status

EVERY = Purpose.BATCHES | Purpose.STATUS | Purpose.CATALOG | Purpose.KEYS
LAG_DAYS = 1_500
"""Samples are up to some years old; this lag avoids a warning for late anchoring."""
_SCRYPT = 2**12
"""Scrypt's n: low, because the passphrase is in the same folder as the keys."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoCertificate:
    """A certificate of the demo; `stem` is the common stem of its files' names."""

    sample: SampleCertificate
    issuer: str
    index: int
    stem: str
    status: Status = Status.VALID
    edition: int = 0


class Office:
    """An issuer with its folder, key and catalog."""

    def __init__(
        self,
        ledger: Ledger,
        cast: Cast,
        profile: IssuerProfile,
        samples: Sequence[SampleCertificate],
    ) -> None:
        self._ledger, self._cast, self.profile = ledger, cast, profile
        self._folder = ledger.settings.home / "bodies" / profile.uscc
        categories = {sample.category.code: sample.category for sample in samples}
        self.catalog = Catalog.of(
            [entry_of(category, lag_days=LAG_DAYS) for category in categories.values()]
        )
        self._own = self._open()
        self.signer: Signer = self._own.signer(own_passphrase(ledger.settings.home))

    def _open(self) -> IssuerFolder:
        identity = self._ledger.pin.identity
        if (self._folder / "body.json").exists():
            return IssuerFolder(folder=self._folder)
        profile = Profile(
            issuer=self.profile.uscc,
            kind=self.profile.kind,
            name=self.profile.name_zh,
            ledger=identity,
        )
        passphrase = own_passphrase(self._ledger.settings.home)
        return IssuerFolder.create(self._folder, profile, passphrase, work=_SCRYPT)

    def state(self) -> IssuerState | None:
        """Return the issuer's state in the mirror."""
        return state_of(self._ledger, self.profile)

    def register(self) -> None:
        """Submit the registration, signed by two registrars and the issuer's first key."""
        register_issuer(self._ledger, self._cast, self.profile, self.signer)

    def file_catalog(self) -> None:
        """Submit the catalog, signed by the issuer and its registrar."""
        self._own.save_catalog(self.catalog)
        file_catalog(self._ledger, self._cast, self.profile, self.signer, self.catalog)

    def seal(
        self, sequence: int, made: Sequence[DemoCertificate], issues: Sequence[Issue]
    ) -> SealedBatch:
        """Seal certificates whose papers are printed; deterministic."""
        head = self._own.register.head() if sequence > 1 else Head()
        plan = Plan(
            issuer=self.profile.uscc,
            ledger=self._ledger.pin.identity,
            catalog=self.catalog.root(),
            head=head,
            now=self._ledger.clock(),
        )
        workspace = Workspace(folder=self._folder / f"batch-{sequence}")
        batch = workspace.seal(
            issues,
            plan,
            catalog=self.catalog,
            secret=self._own.secret(),
            signer=self.signer,
            random=lambda size: self._seed(sequence)[:size],
        )
        self._own.register.record(batch)
        return batch

    def hand_in(self, batch: SealedBatch) -> None:
        """Submit a batch; safe to repeat."""
        submit_batch(self._ledger.intake, batch.submission())

    def codes(self, sequence: int, first: int, issues: Sequence[Issue]) -> list[str]:
        """Return the access codes that sealing will give, which the papers must show."""
        sealed = seal_records(
            issues,
            issuer=self.profile.uscc,
            secret=self._own.secret(),
            seed=self._seed(sequence),
            first=first,
        )
        return [code.decode() for code in sealed.codes]

    def _seed(self, sequence: int) -> bytes:
        label = f"{self.profile.uscc} {sequence}".encode()
        return hashlib.sha256(self._cast.seed + label).digest()

    def change(self, indexes: Sequence[int], status: Status, reason: str) -> None:
        """Submit a status change of certificates."""
        state = self.state()
        assert state is not None
        changes = status_changes(
            indexes,
            issuer=self.profile.uscc,
            status=status,
            reason=reason,
            epoch=state.epoch + 1,
            now=self._ledger.clock(),
        )
        for act in sign_changes(changes, signer=self.signer, identity=self._ledger.pin.identity):
            submit_status(self._ledger.intake, format_canonical(act.to_json()))

    def holding(self, made: DemoCertificate, sequence: int) -> bytes:
        """Return the holder's file of a certificate."""
        folder = Workspace(folder=self._folder / f"batch-{sequence}").holders
        return (folder / f"{made.index}.json").read_bytes()


def state_of(ledger: Ledger, profile: IssuerProfile) -> IssuerState | None:
    """Return an issuer's state in the mirror."""
    with ledger.store.begin(write=False) as unit:
        seen = unit.issuer(profile.uscc)
    return None if seen is None else seen.state


def register_issuer(ledger: Ledger, cast: Cast, profile: IssuerProfile, signer: Signer) -> None:
    """Submit an issuer's registration with one key for everything, signed by two registrars."""
    statement = Register(
        issuer=profile.uscc.encode(),
        kind=profile.kind.number,
        name=sha256(profile.name_zh.encode()),
        keys=packed_keys({signer.address: EVERY}),
        not_after=ledger.clock() + MAX_LIFETIME_SECONDS // 2,
    )
    region = region_of(profile.uscc)
    second = next(other for other in REGIONS if other != region)
    signers = [cast.registrar(region), cast.registrar(second), signer]
    act = sign_statement(statement, signers, ledger.pin.identity)
    value = {"type": "certledger/registration/1", "act": act.to_json(), "name": profile.name_zh}
    submit_act(ledger.intake, format_canonical(value))


def file_catalog(
    ledger: Ledger, cast: Cast, profile: IssuerProfile, signer: Signer, catalog: Catalog
) -> None:
    """Submit an issuer's first catalog, signed by its registrar too."""
    statement = catalog_change(catalog, issuer=profile.uscc, version=1, now=ledger.clock())
    registrar = cast.registrar(region_of(profile.uscc))
    act = sign_statement(statement, [signer, registrar], ledger.pin.identity)
    value = {
        "type": "certledger/catalog-submission/1",
        "act": act.to_json(),
        "entries": catalog.to_json(),
    }
    submit_catalog(ledger.intake, format_canonical(value))


def issue_of(
    sample: SampleCertificate, catalog: Catalog, papers: Papers, made: DemoCertificate
) -> Issue:
    """Convert a sample for sealing; its paper is found by the stem."""
    entry = catalog.newest(sample.category.code)
    assert entry is not None
    return Issue(
        entry=entry,
        number=sample.number,
        fields={
            name: value for name, value in sample.fields.items() if name != "certificate_number"
        },
        issued=sample.issue_date,
        expires=sample.expiry_date,
        edition=made.edition,
        replaces=None,
        papers=() if papers.folder is None else (papers.find(f"{made.stem}.pdf"),),
    )


def print_papers(
    folder: Path, made: Iterable[DemoCertificate], codes: Mapping[str, str], address: str
) -> int:
    """Print the papers that do not exist yet; return how many certificates there are."""
    documents = {
        one.stem: certificate_document(
            category=one.sample.category,
            issuer=one.sample.issuer,
            fields=one.sample.fields,
            issue_date=one.sample.issue_date,
            expiry_date=one.sample.expiry_date,
            access_code=codes[one.stem],
            address=address,
        )
        for one in made
    }
    folder.mkdir(parents=True, exist_ok=True)
    missing = [stem for stem in documents if not (folder / f"{stem}.pdf").exists()]
    if missing:
        writer = DocumentWriter(list(documents.values()))
        for stem in missing:
            data = writer.render(documents[stem])
            partial = folder / f".{stem}.partial"
            partial.write_bytes(data)
            partial.replace(folder / f"{stem}.pdf")
    return len(documents)
