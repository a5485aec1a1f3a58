"""From a sheet to signed batches: the rules that the command `seal` and the issuer's desk share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from certledger.ledger.issuer.chain_submission import read_batch
from certledger.ledger.issuer.folder import IssuerFolder
from certledger.ledger.issuer.preview import Preview
from certledger.ledger.issuer.sheet_record import SheetRecord
from certledger.ledger.issuer.used_codes import UsedCodes
from certledger.ledger.issuer.workspace import Plan, Workspace
from certledger.ledger.sealing.access_codes import LinkAddresses
from certledger.ledger.sealing.attachments import Papers
from certledger.ledger.sealing.batch import BatchSigner, Head
from certledger.ledger.sealing.issue import CheckContext, Issue
from certledger.ledger.sealing.progress import Progress, unwatched
from certledger.ledger.sealing.row_checks import check_rows
from certledger.ledger.sealing.sheet_columns import catalog_columns
from certledger.ledger.sheets.reader import SUFFIXES, Sheet, read_sheet
from certledger.verifier.formats.canonical_json import parse
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES, MAX_CERTIFICATES
from certledger.verifier.formats.statements import Batch

MAX_HEAD_BYTES = 4_096


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetRequest:
    """A sheet to be sealed, and the issuer's answers about it.

    Attributes:
        file: the sheet.
        documents: the folder of its documents.
        are_documents_named: the issuer named that folder, so that what lies in it is meant.
        out: the folder to seal into, None to check only.
        accepted: codes of questions that are answered with yes for the whole sheet.
        category: of rows that name none.
        tab: the worksheet to read, else the active one.
        sm3: describe documents by SM3 too.
        head: a file with the place of the first batch, else where the register ends.
        renew: sign the same certificates anew.
        server: address of the service that the batches are handed in to, None if it is not known.
    """

    file: Path
    documents: Path
    are_documents_named: bool = True
    out: Path | None = None
    accepted: Sequence[str] = ()
    category: str | None = None
    tab: str | None = None
    sm3: bool = False
    head: Path | None = None
    renew: bool = False
    server: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedSheet:
    """A sheet that may be sealed: its certificates, and where they start."""

    sheet: Sheet
    issues: list[Issue] = field(repr=False)
    start: Head
    documents: Path | None

    def preview(self, language: str) -> Preview:
        """Return what would be sealed, for people."""
        return Preview.of(self.sheet, self.issues, language)


def is_sheet(file: Path) -> bool:
    """Whether a file is a sheet, and not what a spreadsheet program keeps while it is open."""
    opened = file.name.startswith(("~$", ".~"))
    return file.suffix.lower() in SUFFIXES and not opened


def check_sheet(
    issuer: IssuerFolder, request: SheetRequest, watch: Progress = unwatched
) -> CheckedSheet:
    """Read and check a sheet.

    Raises:
        SheetInvalidError: with every fault and open question of it at once.
    """
    out, accepted = request.out, request.accepted
    names = catalog_columns(issuer.catalog())
    sheet = read_sheet(request.file, names, tab=request.tab, accepted=accepted)
    before = SheetRecord.find(out, sheet.digest) if out is not None else None
    if before is not None:
        sheet.findings.accepted = frozenset((*accepted, *before.accepted))
    start, current = _head(issuer, out, request.head, renew=request.renew)
    apart = range(current.first, current.first + len(sheet.rows)) if current else range(0)
    papers = Papers(
        folder=request.documents, with_sm3=request.sm3, is_asked_for=request.are_documents_named
    )
    columns = sheet.named.keys() or {name for row in sheet.rows for name in row.cells}
    context = CheckContext(
        catalog=issuer.catalog(),
        issued=issuer.register.before(start.first, apart),
        first=start.first,
        papers=papers,
        category=request.category,
        name=issuer.profile().name,
        most=MAX_CERTIFICATES,
        columns=columns,
        used_codes=UsedCodes(register=issuer.register, own=out),
        addresses=LinkAddresses(drawn_for=issuer.register.link_address(), server=request.server),
    )
    issues = check_rows(sheet.rows, context, watch, sheet.findings, drain=True)
    return CheckedSheet(sheet=sheet, issues=issues, start=start, documents=papers.folder)


def _head(
    issuer: IssuerFolder, out: Path | None, file: Path | None, *, renew: bool
) -> tuple[Head, Head | None]:
    """Return the head that the first batch starts at, and the head of an interrupted run."""
    folders = [] if out is None else [out, out / "0001"]
    plans = [plan for folder in folders if (plan := Workspace(folder=folder).plan())]
    current = plans[0].head if plans else None
    if file is not None and (current is None or renew):
        return Head.from_json(parse(file.read_bytes(), MAX_HEAD_BYTES)), current
    if current is None or (renew and not _is_known(issuer, folders)):
        return issuer.register.head(), current
    return current, current


def _is_known(issuer: IssuerFolder, folders: Sequence[Path]) -> bool:
    """Whether the register has the first batch that was sealed into one of the folders."""
    sealed = next((one for one in folders if Workspace(folder=one).batch_file), None)
    if sealed is None:
        return True
    statement = read_batch(sealed).statement
    digest = statement.digest(issuer.profile().ledger)
    return issuer.register.digest_at(statement.sequence) == digest


def seal_sheet(
    issuer: IssuerFolder,
    work: CheckedSheet,
    out: Path,
    signer: BatchSigner,
    *,
    now: int,
    renew: bool = False,
    watch: Progress = unwatched,
) -> list[tuple[Batch, bytes]]:
    """Seal batch after batch, and let go of each; return statements and digests.

    Interrupted and run again, the same bytes come out.

    Raises:
        SignatureAwaitedError: `signer` waits for a signature that is made elsewhere.
        SealError: as `Workspace.seal`.
    """
    profile, catalog, batches = issuer.profile(), issuer.catalog(), []
    head, issues = work.start, work.issues
    SheetRecord.of(work.sheet).write(out)
    for folder in _folders(len(issues), out):
        plan = Plan(
            issuer=profile.issuer,
            ledger=profile.ledger,
            catalog=catalog.root(),
            head=head,
            now=now,
        )
        part = issues[:MAX_BATCH_CERTIFICATES]
        del issues[:MAX_BATCH_CERTIFICATES]
        batch = Workspace(folder=folder).seal(
            part,
            plan,
            catalog=catalog,
            secret=issuer.secret(),
            signer=signer,
            renew=renew,
            watch=watch,
        )
        issuer.register.record(batch)
        issuer.register.note_folders(batch.statement.sequence, folder, work.documents)
        batches.append((batch.statement, batch.digest))
        head = batch.head
        del batch, part
    return batches


def _folders(count: int, out: Path) -> list[Path]:
    """Return the folder of each batch."""
    if count <= MAX_BATCH_CERTIFICATES:
        return [out]
    return [out / f"{number:04d}" for number in range(1, -(-count // MAX_BATCH_CERTIFICATES) + 1)]
