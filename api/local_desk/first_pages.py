"""The pages of the first steps, and of the catalog, which is the last of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from certledger.api.local_desk.act_files import ActFile
from certledger.api.local_desk.app import (
    Page,
    Problem,
    language_here,
    off_loop,
    page,
    problem_of,
    read_form,
    render,
    secret_of,
    storage_error,
    text_of,
    to_page,
)
from certledger.api.local_desk.desk import LocalDesk
from certledger.api.local_desk.first_steps import (
    KINDS,
    MIN_PASSPHRASE_CHARACTERS,
    FirstStep,
    FirstSteps,
)
from certledger.api.local_desk.jobs import FileUnfitError, JobAbsentError
from certledger.ledger.intake.act_submission import MAX_HANDED_IN_BYTES
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.reference_data import Category, load_domain
from certledger.ledger.registrar.review import KINDS as KIND_NAMES
from certledger.verifier.errors import CertledgerError
from certledger.verifier.vocabulary import IssuerKind

STEPS = (FirstStep.LEDGER, FirstStep.ISSUER, FirstStep.REGISTRATION, FirstStep.CATALOG)
TYPED = ("server", "identity", "code", "kind", "name")
"""Fields whose content is shown again after a fault; passphrases and keys are not among them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingView:
    """What a page shows of an act that waits; `key` is the address of the issuer's key here."""

    act: ActFile
    name: str
    envelope: Envelope
    key: bytes
    is_over: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """The categories that a catalog may have: those of the issuer's kind, and all others.

    `unlisted` are entries in force that the reference data do not have, which stay; `is_mixed`
    where one of another kind is chosen.
    """

    own: list[Category]
    others: list[Category]
    chosen: frozenset[str]
    unlisted: list[str]
    is_mixed: bool


def waiting_view(desk: LocalDesk, name: str, act: ActFile) -> WaitingView | None:
    """Return what there is to show of an act, None where there is none."""
    if not act.exists:
        return None
    return WaitingView(
        act=act,
        name=name,
        envelope=act.read(),
        key=desk.issuer.address(),
        is_over=act.is_over(desk.clock()),
    )


def choices_of(desk: LocalDesk) -> Choices:
    """Return the categories to choose from; those of the present catalog are chosen."""
    issuer = desk.issuer
    kind = issuer.profile().kind
    known = load_domain().categories
    entries = issuer.catalog().entries if issuer.has_catalog else ()
    chosen = dict.fromkeys(one.category for one in entries)
    others = [one for one in known.values() if one.issuer_kind is not kind]
    return Choices(
        own=[one for one in known.values() if one.issuer_kind is kind],
        others=others,
        chosen=frozenset(chosen),
        unlisted=[one for one in chosen if one not in known],
        is_mixed=any(one.code in chosen for one in others),
    )


async def show_first_step(
    request: Request,
    desk: LocalDesk,
    step: FirstStep,
    problem: Problem | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """Show a step; with `problem`, what was typed stands there again."""
    first, issuer = FirstSteps(desk), desk.issuer
    chosen = await off_loop(lambda: first.service)
    fields = {
        **dict.fromkeys(TYPED, ""),
        "server": desk.server,
        "identity": issuer.profile().ledger.hex() if issuer.has_profile else "",
        "kind": str(IssuerKind.ASSOCIATION),
        **(typed or {}),
    }
    waiting = first.registration if step is FirstStep.REGISTRATION else first.catalog
    name = "registration" if step is FirstStep.REGISTRATION else "catalog"
    return render(
        request,
        "local_first.html",
        problem=problem,
        step=step,
        steps=STEPS,
        typed=fields,
        chosen=chosen,
        kinds=KINDS,
        kind_names={
            kind: names[0 if language_here(request) == "zh" else 1]
            for kind, names in KIND_NAMES.items()
        },
        shortest=MIN_PASSPHRASE_CHARACTERS,
        folder=issuer.folder,
        address=issuer.address() if issuer.keystore.exists() else None,
        has_token=desk.token is not None,
        waiting=await off_loop(waiting_view, desk, name, waiting),
        choices=choices_of(desk) if step is FirstStep.CATALOG else None,
    )


Form = Callable[[Request, LocalDesk, FormData], Awaitable[None]]


def first_form(step: FirstStep) -> Callable[[Form], Page]:
    """Return a decorator of a form of a step: what fails is said on the page of what is next."""

    def decorate(handler: Form) -> Page:
        async def handle(request: Request, desk: LocalDesk) -> Response:
            form = await read_form(request)
            try:
                await handler(request, desk, form)
            except (CertledgerError, OSError) as error:
                known = storage_error(error) if isinstance(error, OSError) else error
                typed = {name: text_of(form, name) for name in TYPED if name in form}
                return await _show_problem(request, desk, step, problem_of(request, known), typed)
            return to_page(request, "/catalog" if _has_catalog(desk) else "/")

        return handle

    return decorate


def _has_catalog(desk: LocalDesk) -> bool:
    return desk.issuer.has_profile and desk.issuer.has_catalog


async def _show_problem(
    request: Request, desk: LocalDesk, step: FirstStep, problem: Problem, typed: Mapping[str, str]
) -> Response:
    if _has_catalog(desk):
        return await show_catalog(request, desk, problem)
    with suppress(CertledgerError):  # Else it is shown on the page that it came from.
        step = await off_loop(FirstSteps(desk).next_step, language_here(request))
    return await show_first_step(request, desk, step, problem, typed)


@first_form(FirstStep.LEDGER)
async def choose_ledger(request: Request, desk: LocalDesk, form: FormData) -> None:
    """Choose the service and its ledger."""
    await off_loop(
        FirstSteps(desk).choose_ledger,
        text_of(form, "server"),
        text_of(form, "identity"),
        text_of(form, "key"),
    )


@first_form(FirstStep.ISSUER)
async def name_issuer(request: Request, desk: LocalDesk, form: FormData) -> None:
    """Make folder, key and request."""
    await off_loop(
        FirstSteps(desk).name_issuer,
        *(text_of(form, name) for name in ("code", "kind", "name")),
        secret_of(form, "passphrase"),
        secret_of(form, "again"),
        language_here(request),
    )


@first_form(FirstStep.REGISTRATION)
async def request_again(request: Request, desk: LocalDesk, form: FormData) -> None:
    """Sign a request in place of one that is over or was lost."""
    await off_loop(FirstSteps(desk).request, secret_of(form, "passphrase"))


@first_form(FirstStep.REGISTRATION)
async def correct(request: Request, desk: LocalDesk, form: FormData) -> None:
    """Go back to the issuer's name."""
    await off_loop(FirstSteps(desk).correct, language_here(request))


# Catalog -----------------------------------------------------------------------------------------


async def show_catalog(
    request: Request, desk: LocalDesk, problem: Problem | None = None
) -> Response:
    """Show the catalog, and the change of it that waits."""
    if not _has_catalog(desk):
        return to_page(request, "/")
    first = FirstSteps(desk)
    return render(
        request,
        "local_catalog.html",
        problem=problem,
        entries=desk.issuer.catalog().entries,
        has_token=desk.token is not None,
        waiting=await off_loop(waiting_view, desk, "catalog", first.catalog),
        choices=choices_of(desk),
    )


@first_form(FirstStep.CATALOG)
async def change_catalog(request: Request, desk: LocalDesk, form: FormData) -> None:
    """Sign a catalog and send it."""
    chosen = [code for code in form.getlist("categories") if isinstance(code, str)]
    await off_loop(
        FirstSteps(desk).change_catalog,
        chosen,
        secret_of(form, "passphrase"),
        language_here(request),
    )


# Acts that wait ----------------------------------------------------------------------------------


def _act_of(request: Request, desk: LocalDesk) -> ActFile:
    first = FirstSteps(desk)
    acts = {"registration": first.registration, "catalog": first.catalog}
    act = acts.get(request.path_params["name"])
    if act is None or not act.exists:
        raise JobAbsentError("no such act waits here")
    return act


async def get_waiting(request: Request, desk: LocalDesk) -> Response:
    """Return the file of an act, to hand to a registrar."""
    act = _act_of(request, desk)
    data = await off_loop(act.read)
    name = f"{request.path_params['name']}-{desk.issuer.profile().issuer}.json"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data.format(), media_type="application/json", headers=headers)


@first_form(FirstStep.REGISTRATION)
async def send_waiting(request: Request, desk: LocalDesk, form: FormData) -> None:
    """Send an act to the service."""
    act = _act_of(request, desk)
    desk.token = text_of(form, "key") or desk.token
    await off_loop(act.send, desk.client(language_here(request)))


@first_form(FirstStep.REGISTRATION)
async def add_signed(request: Request, desk: LocalDesk, form: FormData) -> None:
    """Take the file that came back from a registrar, and send it."""
    act, file = _act_of(request, desk), form.get("signed")
    if not isinstance(file, UploadFile) or not file.filename:
        raise FileUnfitError("no file was chosen")
    await off_loop(act.add_signed, await file.read(MAX_HANDED_IN_BYTES + 1))
    await off_loop(act.send, desk.client(language_here(request)))


async def get_waiting_progress(request: Request, desk: LocalDesk) -> Response:
    """Return whether an act is in force."""
    first, language = FirstSteps(desk), language_here(request)
    _act_of(request, desk)
    if request.path_params["name"] == "catalog":
        done = await off_loop(first.follow_catalog, language)
    else:
        done = await off_loop(first.head, language) is not None
    return JSONResponse({"done": done})


_WAITING = "/waiting/{name}"
FIRST_PAGES = [
    Route("/first/ledger", page(choose_ledger), methods=["POST"]),
    Route("/first/issuer", page(name_issuer), methods=["POST"]),
    Route("/first/request", page(request_again), methods=["POST"]),
    Route("/first/correct", page(correct), methods=["POST"]),
    Route("/catalog", page(show_catalog), methods=["GET"]),
    Route("/catalog", page(change_catalog), methods=["POST"]),
    Route(f"{_WAITING}/file", page(get_waiting), methods=["GET"]),
    Route(f"{_WAITING}/send", page(send_waiting), methods=["POST"]),
    Route(f"{_WAITING}/signed", page(add_signed), methods=["POST"]),
    Route(f"{_WAITING}/progress", page(get_waiting_progress), methods=["GET"]),
]
"""The pages of the first steps and of acts that wait."""
