"""The pages of the issuer's desk: sheets, signing, submission, holders' folders, status."""

from __future__ import annotations

import datetime
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import orjson
from starlette.background import BackgroundTask
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from certledger.api.local_desk.app import (
    Page,
    Problem,
    job_of,
    language_here,
    off_loop,
    page,
    problem_of,
    read_form,
    render,
    secret_of,
    text_of,
    to_page,
)
from certledger.api.local_desk.desk import MAX_DEPLOYMENT_BYTES, LocalDesk
from certledger.api.local_desk.first_pages import FIRST_PAGES, show_first_step
from certledger.api.local_desk.first_steps import FirstStep, FirstSteps
from certledger.api.local_desk.jobs import (
    FOR_HOLDERS,
    FileUnfitError,
    JobAbsentError,
    JobState,
    SheetAnswers,
    SheetJob,
)
from certledger.ledger.issuer import sheet_codes
from certledger.ledger.issuer.folder import IssuerUnusableError
from certledger.ledger.issuer.preview import column_label
from certledger.ledger.issuer.sheet_template import format_template
from certledger.ledger.issuer.status_files import SignedStatus
from certledger.ledger.reference_data import load_domain
from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats.canonical_json import parse
from certledger.verifier.vocabulary import Status

MAX_BODY_BYTES = 65_536
CHANGES = (Status.REVOKED, Status.SUSPENDED, Status.VALID, Status.SUPERSEDED)


async def show_home(request: Request, desk: LocalDesk) -> Response:
    """Show the sheets under way and what else is done at the desk, or the first steps to it."""
    first = FirstSteps(desk)
    step = await off_loop(first.next_step, language_here(request))
    if step is not FirstStep.DONE:
        return await show_first_step(request, desk, step)
    return await _home(request, desk)


async def _home(
    request: Request,
    desk: LocalDesk,
    *,
    problem: Problem | None = None,
    typed: Mapping[str, str] | None = None,
    **done: object,
) -> Response:
    """Show the first page; with `problem`, what was typed stands there again."""
    catalog = await off_loop(_catalog_of, desk, language_here(request))
    codes = load_domain().status_codes
    return render(
        request,
        "local_home.html",
        problem=problem,
        typed=typed or dict.fromkeys(("numbers", "status", "reason"), ""),
        jobs=[(job, job.state()) for job in desk.jobs],
        entries=catalog,
        changes=CHANGES,
        reasons={
            str(status): [(code, one) for code, one in codes.items() if one.status is status]
            for status in CHANGES
        },
        address=desk.issuer.address(),
        folder=desk.issuer.folder,
        deployment=desk.deployment,
        done={"changed": 0, "status": "", "fetched": 0, "head": None, **done},
    )


def _catalog_of(desk: LocalDesk, language: str) -> list[object]:
    """Return the entries that may be issued; fetched where the folder has none yet."""
    try:
        catalog = desk.issuer.catalog()
    except IssuerUnusableError:
        desk.bring_up(language)
        catalog = desk.issuer.catalog()
    newest = {one.category: one for one in catalog.entries}
    return list(newest.values())


async def set_key(request: Request, desk: LocalDesk) -> Response:
    """Take the API key of the service, for as long as the desk runs."""
    form = await read_form(request)
    desk.token = text_of(form, "key") or None
    return to_page(request, "/")


async def set_wallet_place(request: Request, desk: LocalDesk) -> Response:
    """Take the file that says where the ledger is, so that a wallet can sign."""
    form = await read_form(request)
    file = form.get("deployment")
    if not isinstance(file, UploadFile) or not file.filename:
        raise FileUnfitError("no file was chosen")
    data = await file.read(MAX_DEPLOYMENT_BYTES + 1)
    await off_loop(desk.set_deployment, data)
    return to_page(request, "/")


# Sheets ------------------------------------------------------------------------------------------


async def add_sheet(request: Request, desk: LocalDesk) -> Response:
    """Store a sheet with its documents, and show what was found in it."""
    form = await read_form(request)
    sheet = form.get("sheet")
    if not isinstance(sheet, UploadFile) or not sheet.filename:
        raise FileUnfitError("no sheet was chosen")
    job = desk.jobs.new(desk.clock())
    answers = SheetAnswers(
        category=text_of(form, "category"),
        tab=text_of(form, "tab"),
        sm3=text_of(form, "sm3") == "yes",
    )

    def store() -> None:
        try:
            job.put_sheet(sheet.filename or "", sheet.file)
            _put_documents(job, form.getlist("documents"))
            job.save_answers(answers)
        except BaseException:
            job.discard()
            raise

    await off_loop(store)
    return to_page(request, f"/sheets/{job.id}")


def _put_documents(job: SheetJob, files: list[UploadFile | str]) -> None:
    for file in files:
        if isinstance(file, UploadFile) and file.filename:
            job.put_document(file.filename, file.file)


async def show_sheet(request: Request, desk: LocalDesk) -> Response:
    """Show a sheet: faults and questions, preview, or how far its batches have come."""
    return await _sheet(request, desk)


def sheet_form(handler: Page) -> Page:
    """Return a handler of a form on a sheet's page: errors are shown on that page."""

    async def handle(request: Request, desk: LocalDesk) -> Response:
        try:
            return await handler(request, desk)
        except JobAbsentError:
            raise
        except CertledgerError as error:
            return await _sheet(request, desk, problem_of(request, error))

    return handle


async def _sheet(request: Request, desk: LocalDesk, problem: Problem | None = None) -> Response:
    job = job_of(request, desk)
    state, language = job.state(), language_here(request)
    check = await off_loop(desk.check, job) if state is JobState.DRAFT else None
    work = None if check is None else check.work
    preview = None if work is None else await off_loop(work.preview, language)
    asked: dict[str, list[object]] = {}
    if check is not None and check.refusal is not None:
        for one in check.refusal.questions:
            asked.setdefault(one.code, []).append(one)
    return render(
        request,
        "local_sheet.html",
        problem=problem,
        job=job,
        state=state,
        check=check,
        others=[] if check is None else check.whole_sheet,
        preview=preview,
        asked=asked,
        answers=job.answers(),
        batches=await off_loop(desk.statements, job),
        has_wallet=desk.deployment is not None,
        column_label=column_label,
        fetched=job.fetched(),
        pending=request.query_params.get("pending", "")[:6],
    )


async def change_sheet(request: Request, desk: LocalDesk) -> Response:
    """Put another sheet in place, add documents, or both."""
    job, form = job_of(request, desk), await read_form(request)
    sheet = form.get("sheet")

    def store() -> None:
        with desk.editing(job):
            if isinstance(sheet, UploadFile) and sheet.filename:
                job.put_sheet(sheet.filename, sheet.file)
            _put_documents(job, form.getlist("documents"))

    await off_loop(store)
    return to_page(request, f"/sheets/{job.id}")


async def answer_questions(request: Request, desk: LocalDesk) -> Response:
    """Answer questions with yes for the whole sheet."""
    job, form = job_of(request, desk), await read_form(request)
    accepted = {code for code in form.getlist("accepted") if isinstance(code, str)}

    def store() -> None:
        with desk.editing(job):
            answers = job.answers()
            every = sorted({*answers.accepted, *accepted})
            job.save_answers(replace(answers, accepted=tuple(every)))

    await off_loop(store)
    return to_page(request, f"/sheets/{job.id}")


async def withdraw_answers(request: Request, desk: LocalDesk) -> Response:
    """Take back every answer, so that the questions are asked again."""
    job = job_of(request, desk)

    def store() -> None:
        with desk.editing(job):
            job.save_answers(replace(job.answers(), accepted=()))

    await off_loop(store)
    return to_page(request, f"/sheets/{job.id}")


async def discard_sheet(request: Request, desk: LocalDesk) -> Response:
    """Remove a sheet of which nothing is signed."""
    await off_loop(desk.discard, job_of(request, desk))
    return to_page(request, "/")


# Signing and submitting --------------------------------------------------------------------------


async def seal_by_key(request: Request, desk: LocalDesk) -> Response:
    """Sign a sheet by the key in the issuer's folder."""
    job, form = job_of(request, desk), await read_form(request)
    await off_loop(
        desk.seal,
        job,
        secret_of(form, "passphrase"),
        renew=text_of(form, "renew") == "yes",
        language=language_here(request),
    )
    return to_page(request, f"/sheets/{job.id}")


async def seal_by_wallet(request: Request, desk: LocalDesk) -> Response:
    """Take a wallet's signature, if there is one, and return what it has to sign next."""
    job, language = job_of(request, desk), language_here(request)
    value = parse(await request.body(), MAX_BODY_BYTES)
    if not isinstance(value, dict):
        raise MalformedError("json.type", "an object is wanted")
    if (signature := value.get("signature")) is not None:
        act = await off_loop(desk.take_signature, job, str(signature), language)
    else:
        act = await off_loop(desk.ask_wallet, job, language, renew=value.get("renew") is True)
    return JSONResponse({"act": act})


async def undo_seal(request: Request, desk: LocalDesk) -> Response:
    """Withdraw what was signed and not submitted."""
    job = job_of(request, desk)
    await off_loop(desk.undo, job, language_here(request))
    return to_page(request, f"/sheets/{job.id}")


async def submit_sheet(request: Request, desk: LocalDesk) -> Response:
    """Submit the batches of a sheet."""
    job = job_of(request, desk)
    await off_loop(desk.submit, job, language_here(request))
    return to_page(request, f"/sheets/{job.id}")


async def get_progress(request: Request, desk: LocalDesk) -> Response:
    """Return how far the batches of a sheet have come."""
    job = job_of(request, desk)
    states = await off_loop(desk.progress, job, language_here(request))
    return JSONResponse({"states": [str(one) for one in states]})


async def write_holders(request: Request, desk: LocalDesk) -> Response:
    """Fetch evidence and write one folder a holder."""
    job, form = job_of(request, desk), await read_form(request)
    made = await off_loop(
        desk.write_holders,
        job,
        zipped=text_of(form, "zipped") == "yes",
        language=language_here(request),
    )
    pending = sum(len(one.pending) for one in made)
    return to_page(request, f"/sheets/{job.id}" + (f"?pending={pending}" if pending else ""))


async def get_holders(request: Request, desk: LocalDesk) -> Response:
    """Return all holders' folders of a sheet as one ZIP."""
    job = job_of(request, desk)
    path = await off_loop(_pack, job)
    return FileResponse(
        path,
        filename=f"{FOR_HOLDERS}-{job.id}.zip",
        media_type="application/zip",
        background=BackgroundTask(path.unlink, missing_ok=True),
    )


def _pack(job: SheetJob) -> Path:
    """Return a copy of all holders' folders.

    Raises:
        JobAbsentError: none is written yet.
    """
    if not any((batch.folder / FOR_HOLDERS).exists() for batch in job.batches()):
        raise JobAbsentError("no holder's folder is written yet")
    with tempfile.NamedTemporaryFile(dir=job.folder, suffix=".zip", delete=False) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for batch in job.batches():
                root = batch.folder / FOR_HOLDERS
                for path in sorted(root.rglob("*")):
                    if path.is_file():
                        archive.write(path, path.relative_to(root).as_posix())
        return Path(file.name)


# Tools -------------------------------------------------------------------------------------------


async def get_template(request: Request, desk: LocalDesk) -> Response:
    """Return an empty sheet of a category."""
    entry = desk.issuer.catalog().newest(request.query_params.get("category", ""))
    if entry is None:
        raise MalformedError("catalog.category", "the category is not in the issuer's catalog")
    today = datetime.datetime.fromtimestamp(desk.clock(), datetime.UTC).date()
    data = await off_loop(format_template, entry, today)
    return Response(
        data,
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"content-disposition": f'attachment; filename="{entry.category}.xlsx"'},
    )


async def get_codes(request: Request, desk: LocalDesk) -> Response:
    """Return a sheet with an access code and a short link in every row."""
    form = await read_form(request)
    sheet = form.get("sheet")
    if not isinstance(sheet, UploadFile) or not sheet.filename:
        raise FileUnfitError("no sheet was chosen")
    data, suffix = await off_loop(_with_codes, desk, sheet.filename, sheet.file)
    return Response(
        data,
        media_type="application/octet-stream",
        headers={"content-disposition": f'attachment; filename="with-codes{suffix}"'},
    )


def _with_codes(desk: LocalDesk, name: str, file: BinaryIO) -> tuple[bytes, str]:
    job = desk.jobs.new(desk.clock())
    try:
        job.put_sheet(name, file)
        made = sheet_codes.draw_codes(desk.issuer, job.sheet, desk.server)
        return made.data, job.sheet.suffix.lower()
    finally:
        job.discard()


async def change_status(request: Request, desk: LocalDesk) -> Response:
    """Sign and submit a change of status of certificates."""
    form = await read_form(request)
    typed = {name: text_of(form, name) for name in ("numbers", "status", "reason")}
    try:
        signed = await _change_status(request, desk, form)
    except CertledgerError as error:
        return await _home(request, desk, problem=problem_of(request, error), typed=typed)
    changed = len(set(signed.certificates))
    return await _home(request, desk, changed=changed, status=str(signed.status))


async def _change_status(request: Request, desk: LocalDesk, form: FormData) -> SignedStatus:
    numbers = [one.strip() for one in text_of(form, "numbers").splitlines() if one.strip()]
    try:
        status = Status(text_of(form, "status"))
    except ValueError as error:
        raise MalformedError("status.unknown", "no such status") from error
    return await off_loop(
        desk.change_status,
        numbers,
        status,
        text_of(form, "reason"),
        secret_of(form, "passphrase"),
        language_here(request),
    )


async def sign_act(request: Request, desk: LocalDesk) -> Response:
    """Add the issuer's signature to an act that the service's page prepared, and return it."""
    form = await read_form(request)
    file = form.get("act")
    if not isinstance(file, UploadFile) or not file.filename:
        raise FileUnfitError("no file was chosen")
    data = await file.read()
    envelope = await off_loop(desk.sign_act, data, secret_of(form, "passphrase"))
    name = f"act-{envelope.act.digest.hex()[:8]}-signed.json"
    return Response(
        orjson.dumps(orjson.loads(envelope.format())),
        media_type="application/json",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


async def update(request: Request, desk: LocalDesk) -> Response:
    """Bring the issuer's folder up to what the ledger has."""
    report = await off_loop(desk.bring_up, language_here(request))
    return await _home(request, desk, fetched=len(report.fetched), head=report.head)


_SHEET = "/sheets/{job}"
PAGES = [
    *FIRST_PAGES,
    Route("/", page(show_home), methods=["GET"]),
    Route("/key", page(set_key), methods=["POST"]),
    Route("/wallet-place", page(set_wallet_place), methods=["POST"]),
    Route("/update", page(update), methods=["POST"]),
    Route("/sheets", page(add_sheet), methods=["POST"]),
    Route("/template", page(get_template), methods=["GET"]),
    Route("/codes", page(get_codes), methods=["POST"]),
    Route("/status", page(change_status), methods=["POST"]),
    Route("/act", page(sign_act), methods=["POST"]),
    Route(_SHEET, page(show_sheet), methods=["GET"]),
    Route(_SHEET, page(sheet_form(change_sheet)), methods=["POST"]),
    Route(f"{_SHEET}/answers", page(sheet_form(answer_questions)), methods=["POST"]),
    Route(f"{_SHEET}/ask-again", page(sheet_form(withdraw_answers)), methods=["POST"]),
    Route(f"{_SHEET}/discard", page(discard_sheet), methods=["POST"]),
    Route(f"{_SHEET}/seal", page(sheet_form(seal_by_key)), methods=["POST"]),
    Route(f"{_SHEET}/wallet", page(seal_by_wallet), methods=["POST"]),
    Route(f"{_SHEET}/undo", page(sheet_form(undo_seal)), methods=["POST"]),
    Route(f"{_SHEET}/submit", page(sheet_form(submit_sheet)), methods=["POST"]),
    Route(f"{_SHEET}/progress", page(get_progress), methods=["GET"]),
    Route(f"{_SHEET}/holders", page(sheet_form(write_holders)), methods=["POST"]),
    Route(f"{_SHEET}/holders.zip", page(get_holders), methods=["GET"]),
]
"""The pages of the desk."""
