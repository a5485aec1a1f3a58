"""The work of the issuer's desk: the steps of the commands, on sheets that are stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from certledger.api.local_desk.fault_rows import FaultRow, rows_with_findings
from certledger.api.local_desk.first_steps import ChosenService
from certledger.api.local_desk.jobs import FOR_HOLDERS, JobState, SheetJob, SheetJobs
from certledger.ledger.chain.deploy import Deployment
from certledger.ledger.client.transport import ServerClient
from certledger.ledger.core.acts import ActState
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.chain_submission import read_batch
from certledger.ledger.issuer.file_submission import noting_outcome, submit_file
from certledger.ledger.issuer.folder import IssuerFolder
from certledger.ledger.issuer.holder_folders import HolderFolders, Writer, write_folders
from certledger.ledger.issuer.sheet_batches import (
    CheckedSheet,
    SheetRequest,
    check_sheet,
    seal_sheet,
)
from certledger.ledger.issuer.signed_acts import add_signature
from certledger.ledger.issuer.status_changes import index_of
from certledger.ledger.issuer.status_files import SignedStatus, sign_status
from certledger.ledger.issuer.synchronisation import (
    EPOCH,
    SyncReport,
    next_value,
    synchronise,
)
from certledger.ledger.issuer.typed_data import typed_data
from certledger.ledger.issuer.withdrawal import RECEIPT, undo_seal
from certledger.ledger.keys import recover, wallet_signature
from certledger.ledger.sealing.batch import (
    BatchSigner,
    RemoteSigner,
    SealError,
    SignatureAwaitedError,
)
from certledger.ledger.sealing.sheet_columns import catalog_columns
from certledger.ledger.sheets.findings import SheetFinding, SheetInvalidError
from certledger.ledger.sheets.reader import read_sheet
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.files import read_file, write_atomically
from certledger.verifier.formats.canonical_json import Json, from_hex, parse
from certledger.verifier.formats.statements import Batch
from certledger.verifier.vocabulary import Status

PATIENCE_SECONDS = 20.0
"""How long a page waits for the service; whatever failed may be tried again."""
DESK, DEPLOYMENT = "desk", "deployment.json"
MAX_DEPLOYMENT_BYTES = 2**20


class WalletUnfitError(CertledgerError):
    """A wallet cannot sign here, or its signature is of no key of the issuer."""

    code = "desk.wallet"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetCheck:
    """What checking a sheet gave: `work` may be sealed, or `refusal` says why nothing may."""

    work: CheckedSheet | None = None
    refusal: SheetInvalidError | None = None
    rows: Sequence[FaultRow] = ()

    @property
    def whole_sheet(self) -> list[SheetFinding]:
        """Findings without a row, and those in rows that are not shown in full."""
        if self.refusal is None:
            return []
        shown = {row.number for row in self.rows}
        found = (*self.refusal.faults, *self.refusal.questions)
        return [one for one in found if one.row not in shown]


@dataclass(kw_only=True)
class LocalDesk:
    """An issuer's desk: its folder, its service, and the sheets under way.

    `server` is empty until one is chosen.  `deployment` is where the ledger is, which wallets show;
    without it only the key file signs.  `key_work` is scrypt's n of a new key, None for the
    standard.  One thing is done at a time, since counters and register are the issuer's.
    """

    issuer: IssuerFolder
    server: str
    token: str | None = field(default=None, repr=False)
    deployment: Deployment | None = None
    clock: Callable[[], float] = time.time
    key_work: int | None = None
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _checks: dict[str, SheetCheck] = field(default_factory=dict, repr=False)
    _awaited: dict[str, SignatureAwaitedError] = field(default_factory=dict, repr=False)
    _signatures: dict[bytes, bytes] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        """The desk's own folder, in the issuer's."""
        return self.issuer.folder / DESK

    @property
    def jobs(self) -> SheetJobs:
        """The sheets under way, in the issuer's folder."""
        return SheetJobs(self.folder)

    def bring_up(self, language: str = "en") -> SyncReport:
        """Bring the issuer's folder up to what the ledger has, its catalog too.

        Raises:
            CertledgerError: as `synchronise`.
        """
        with self.lock:
            return synchronise(self.issuer, self.client(language), follow_catalog=True)

    def client(self, language: str = "en") -> ServerClient:
        """Return a client of the service, whose refusals are in a language."""
        headers = {"accept-language": language}
        return ServerClient(
            url=self.server, token=self.token, patience=PATIENCE_SECONDS, headers=headers
        )

    # Sheets ------------------------------------------------------------------------------------

    def _forget(self, job: SheetJob) -> None:
        self._checks.pop(job.id, None)
        self._awaited.pop(job.id, None)

    def check(self, job: SheetJob) -> SheetCheck:
        """Return what checking a sheet gives, from memory where nothing has changed."""
        with self.lock:
            if job.id not in self._checks:
                self._checks[job.id] = self._check(job)
            return self._checks[job.id]

    def _check(self, job: SheetJob) -> SheetCheck:
        request = self._request(job)
        try:
            return SheetCheck(work=check_sheet(self.issuer, request))
        except SheetInvalidError as refusal:
            return SheetCheck(refusal=refusal, rows=self._fault_rows(request, refusal))

    def _request(self, job: SheetJob, *, renew: bool = False) -> SheetRequest:
        answers = job.answers()
        return SheetRequest(
            file=job.sheet,
            documents=job.documents,
            are_documents_named=bool(job.document_names()),
            out=job.sealed,
            accepted=answers.accepted,
            category=answers.category or None,
            tab=answers.tab or None,
            sm3=answers.sm3,
            renew=renew,
            server=self.server,
        )

    def _fault_rows(self, request: SheetRequest, refusal: SheetInvalidError) -> list[FaultRow]:
        names = catalog_columns(self.issuer.catalog())
        try:
            sheet = read_sheet(request.file, names, tab=request.tab)
        except SheetInvalidError:
            return []  # It cannot be read as rows at all, which is the finding.
        return rows_with_findings(sheet, [*refusal.faults, *refusal.questions])

    @contextmanager
    def editing(self, job: SheetJob) -> Iterator[None]:
        """Let sheet, documents or answers be changed, and forget what rested on them.

        Raises:
            SealError: the sheet is signed already.
        """
        with self.lock:
            if job.state() is not JobState.DRAFT:
                raise SealError("the sheet is signed: withdraw that first")
            if job.batches():  # Begun for a wallet that did not sign.
                undo_seal(self.issuer, job.sealed, None)
            try:
                yield
            finally:
                self._forget(job)

    # Signing -----------------------------------------------------------------------------------

    def seal(
        self, job: SheetJob, passphrase: str, *, renew: bool = False, language: str = "en"
    ) -> None:
        """Seal a sheet, signed by the key in the issuer's folder.

        Raises:
            KeyUnusableError: the passphrase does not open it.
            SheetInvalidError: the sheet has faults or open questions.
            CertledgerError: as `synchronise` and `seal_sheet`.
        """
        with self.lock:
            signer = self.issuer.signer(passphrase)
            self.bring_up(language)
            self._seal(job, signer, renew=renew)

    def ask_wallet(self, job: SheetJob, language: str = "en", *, renew: bool = False) -> Json:
        """Return what a wallet has to sign for a sheet, None once nothing is left.

        Raises:
            WalletUnfitError: it is not known where the ledger is.
            CertledgerError: as `seal`.
        """
        deployment = self._deployment()
        with self.lock:
            if renew or not job.batches():
                self.bring_up(language)
            awaited = self._await_signature(job, renew=renew)
            if awaited is None:
                return None
            return {
                "may_sign": [f"0x{one.hex()}" for one in self._batch_keys(language)],
                "signed_by": [],
                "typed_data": typed_data(awaited.statement, deployment),
            }

    def _await_signature(self, job: SheetJob, *, renew: bool) -> SignatureAwaitedError | None:
        """Seal as far as signatures are here; return the next that is needed."""
        try:
            self._seal(job, RemoteSigner(self._signatures), renew=renew)
        except SignatureAwaitedError as awaited:
            self._awaited[job.id] = awaited
            return awaited
        return None

    def take_signature(self, job: SheetJob, text: str, language: str = "en") -> Json:
        """Take a wallet's signature; return what it has to sign next, None once nothing is left.

        Raises:
            WalletUnfitError: it is not of a key of the issuer that signs batches.
            MalformedError, KeyUnusableError: it is none.
        """
        with self.lock:
            awaited = self._awaited.get(job.id) or self._await_signature(job, renew=False)
            if awaited is not None:
                signature = wallet_signature(text)
                if recover(awaited.digest, signature) not in self._batch_keys(language):
                    raise WalletUnfitError("the signature is of no key that signs batches here")
                self._signatures[awaited.digest] = signature
            return self.ask_wallet(job, language)

    def _seal(self, job: SheetJob, signer: BatchSigner, *, renew: bool) -> None:
        self._forget(job)
        work = check_sheet(self.issuer, self._request(job, renew=renew))
        seal_sheet(self.issuer, work, job.sealed, signer, now=int(self.clock()), renew=renew)

    def set_deployment(self, data: bytes) -> None:
        """Store where the ledger is, so that a wallet can sign.

        Raises:
            WalletUnfitError, MalformedError: as `parse_deployment`.
        """
        with self.lock:
            deployment = parse_deployment(data, self.issuer.profile().ledger)
            self.folder.mkdir(exist_ok=True, mode=0o700)
            write_atomically(self.folder / DEPLOYMENT, data)
            self.deployment = deployment

    def _deployment(self) -> Deployment:
        if self.deployment is None:
            raise WalletUnfitError("the desk does not know where the ledger is: see its first page")
        return self.deployment

    def _batch_keys(self, language: str) -> list[bytes]:
        """Return the addresses of the issuer's keys that sign batches and have no end."""
        code = self.issuer.profile().issuer
        answer = self.client(language).ask("GET", f"/v1/issuers/{code}").json()
        return [
            from_hex(str(key["address"]).removeprefix("0x"), 20)
            for key in answer["keys"]
            if "batches" in key["purposes"] and "end" not in key
        ]

    def undo(self, job: SheetJob, language: str = "en") -> None:
        """Withdraw what was sealed and not submitted.

        Raises:
            CertledgerError: as `undo_seal`.
        """
        with self.lock:
            undo_seal(self.issuer, job.sealed, self.client(language))
            self._forget(job)

    def discard(self, job: SheetJob) -> None:
        """Remove a sheet of which nothing is sealed.

        Raises:
            SealError: something is.
        """
        with self.lock:
            if job.batches():
                raise SealError("withdraw what was signed first")
            self._forget(job)
            job.discard()

    # The service -------------------------------------------------------------------------------

    def submit(self, job: SheetJob, language: str = "en") -> None:
        """Submit the batches of a sheet; those that have a receipt are not sent again.

        Raises:
            ServerRefusedError, ServerUnreachableError, AnswerInvalidError: as they say.
        """
        with self.lock:
            for batch in job.batches():
                if not (batch.folder / RECEIPT).exists():
                    with noting_outcome(batch.folder, self.issuer, _no_notice):
                        submit_file(batch.folder, self.client(language))

    def statements(self, job: SheetJob) -> list[Batch]:
        """Return the statements of the batches that are sealed."""
        sealed = [one for one in job.batches() if one.batch_file is not None]
        return [read_batch(one.folder).statement for one in sealed]

    def progress(self, job: SheetJob, language: str = "en") -> list[ActState]:
        """Return how far each batch has come at the service.

        Raises:
            ServerRefusedError, ServerUnreachableError: as they say.
        """
        client, found = self.client(language), []
        # A page asks every other second: the plans are small, the batches may have 65,536 records.
        plans = [one.plan() for one in job.batches() if one.batch_file is not None]
        for plan in filter(None, plans):
            path = f"/v1/batches/{plan.issuer}/{plan.head.sequence}"
            answer = client.ask("GET", path).json()
            found.append(ActState(str(answer["state"])))
        return found

    def write_holders(
        self, job: SheetJob, *, zipped: bool, language: str = "en"
    ) -> list[HolderFolders]:
        """Write the holders' folders of a sheet, with evidence as it is now.

        Raises:
            SealError: nothing is sealed.
            CertledgerError: as `write_folders`.
        """
        with self.lock:
            if job.state() is JobState.DRAFT:
                raise SealError("the sheet is not signed yet")
            made = []
            for batch in job.batches():
                writer = Writer(
                    out=batch.folder / FOR_HOLDERS,
                    address=self.server.rstrip("/"),
                    documents=job.documents if job.document_names() else None,
                    zipped=zipped,
                )
                made.append(write_folders(self.client(language), batch.holders, writer))
            if not any(one.pending for one in made):
                job.note_fetched(made)
            return made

    # Other acts --------------------------------------------------------------------------------

    def change_status(
        self,
        numbers: Sequence[str],
        status: Status,
        reason: str,
        passphrase: str,
        language: str = "en",
    ) -> SignedStatus:
        """Sign a change of status of certificates by their numbers, and submit it.

        Raises:
            CertificateUnknownError, ReasonUnfitError, KeyUnusableError: as they say.
            ServerRefusedError, ServerUnreachableError: as they say.
        """
        with self.lock:
            chosen = [index_of(number, self.issuer.register) for number in numbers]
            signer = self.issuer.signer(passphrase)
            client = self.client(language)
            signed = sign_status(
                self.issuer,
                signer,
                chosen,
                status=status,
                reason=reason,
                epoch=next_value(self.issuer, EPOCH, client),
                now=int(self.clock()),
            )
            for file in signed.files:
                with noting_outcome(file, self.issuer, _no_notice):
                    submit_file(file, client)
            return signed

    def sign_act(self, data: bytes, passphrase: str) -> Envelope:
        """Add the signature of the issuer's key to an act that a page has prepared.

        Raises:
            CertledgerError: it is no act, or the passphrase does not open the key.
        """
        with self.lock:
            envelope = Envelope.parse(data)
            signer = self.issuer.signer(passphrase)
            signed = envelope.with_act(add_signature(envelope.act, signer))
            place = self.issuer.folder / f"act-{signed.act.digest.hex()[:8]}.json"
            write_atomically(place, signed.format())
            return signed


def _no_notice(sentence: str) -> None:
    """Drop a notice: the page shows the refusal itself."""


def open_desk(
    folder: Path, *, server: str | None, token: str | None, deployment: Path | None
) -> LocalDesk:
    """Open the desk of an issuer's folder, which may be empty; what is not named is its own.

    Raises:
        WalletUnfitError, MalformedError: as `parse_deployment`.
        IssuerUnusableError: a deployment is named, and the folder is no issuer's.
    """
    desk = LocalDesk(issuer=IssuerFolder(folder=folder), server=server or "", token=token)
    desk.jobs.remove_remains(desk.clock())
    chosen = ChosenService.load(desk.folder)
    if chosen is not None and server is None:
        desk.server = chosen.server
    place = deployment or desk.folder / DEPLOYMENT
    if deployment is not None or place.exists():
        data = read_file(place, MAX_DEPLOYMENT_BYTES)
        desk.deployment = parse_deployment(data, desk.issuer.profile().ledger)
    return desk


def parse_deployment(data: bytes, identity: bytes) -> Deployment:
    """Return the deployment in a file, which must be of the issuer's ledger.

    Raises:
        WalletUnfitError: it is of another ledger.
        MalformedError: it is none.
    """
    deployment = Deployment.from_json(parse(data, MAX_DEPLOYMENT_BYTES))
    if deployment.identity != identity:
        raise WalletUnfitError("the deployment is of another ledger than the issuer's folder")
    return deployment
