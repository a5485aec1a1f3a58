"""The application of the issuer's desk: pages and forms, served on loopback alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from certledger.api.errors import RequestInvalidError
from certledger.api.local_desk.desk import LocalDesk
from certledger.api.local_desk.first_steps import FirstStepError
from certledger.api.local_desk.jobs import JobAbsentError, SheetJob
from certledger.api.pages.renderer import environment, script_words
from certledger.api.pages.static_files import load_static_files
from certledger.api.pages.words import LANGUAGES, words_in
from certledger.api.translations import Language, language_of
from certledger.ledger.client.transport import ServerRefusedError, ServerUnreachableError
from certledger.ledger.issuer.status_changes import CertificateUnknownError
from certledger.ledger.keys import KeyUnusableError
from certledger.ledger.sheets.findings import SheetInvalidError
from certledger.verifier.errors import CertledgerError, ExitStatus

MAX_FILES = 10_000
"""Files of one form; more documents are dropped in several times."""
MAX_FIELD_BYTES = 64 * 2**10
T = TypeVar("T")
Page = Callable[[Request, LocalDesk], Awaitable[Response]]
_UNAUTHORIZED = 401


class StorageFailedError(CertledgerError):
    """A file of the desk cannot be read or written, as on a full disk."""

    code = "desk.storage"
    exit_status = ExitStatus.UNUSABLE


def storage_error(error: OSError) -> StorageFailedError:
    """Return what the system says of a file, with the file's name."""
    name = f"{error.filename}: " if isinstance(error.filename, str) else ""
    return StorageFailedError(f"{name}{error.strerror}")


def language_here(request: Request) -> Language:
    """Return the language of the desk: chosen on a page, else the browser's."""
    chosen: Language | None = request.app.state.language
    return chosen or language_of(request.headers.get("accept-language", ""))


def render(
    request: Request, template: str, *, problem: Problem | None = None, **values: Any
) -> HTMLResponse:
    """Render a page of the desk, with the status of the problem that it tells of."""
    language = language_here(request)
    desk: LocalDesk = request.app.state.desk
    base = request.scope["root_path"]
    profile = desk.issuer.profile() if desk.issuer.has_profile else None
    text = (
        environment()
        .get_template(template)
        .render(
            base=base,
            language=language,
            other_language="en" if language == "zh" else "zh",
            profile=profile,
            script_words=partial(script_words, language),
            server=desk.server,
            static=lambda name: base + load_static_files().address(name),
            t=words_in(language)["local"],
            w=words_in(language),
            problem=problem,
            **values,
        )
    )
    return HTMLResponse(text, status_code=200 if problem is None else problem.status)


def page(handler: Page) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of a page: what fails is a page too, in words and with its code."""

    async def endpoint(request: Request) -> Response:
        if (chosen := request.query_params.get("lang")) in LANGUAGES:
            request.app.state.language = chosen
        try:
            return await handler(request, request.app.state.desk)
        except CertledgerError as error:
            return trouble(request, error)
        except OSError as error:
            return trouble(request, storage_error(error))

    return endpoint


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What failed, for people: a title in the desk's words, the reason, the stable code."""

    title: str
    sentence: str
    code: str
    status: int


def problem_of(request: Request, error: CertledgerError) -> Problem:
    """Return an error in the desk's language."""
    language = language_here(request)
    name, status = _kind_of(error)
    title, sentence = words_in(language)["local"][name], str(error)
    if isinstance(error, FirstStepError):
        title, sentence = words_in(language)["first"][f"trouble_{error.name}"], error.detail
    elif isinstance(error, SheetInvalidError):
        sentence = str(error.in_language(language))
    return Problem(title=title, sentence=sentence, code=error.code, status=status)


def trouble(request: Request, error: CertledgerError) -> Response:
    """Return the page of an error; scripts get its sentence as JSON."""
    problem = problem_of(request, error)
    if request.headers.get("accept") == "application/json":
        body = {"code": problem.code, "detail": f"{problem.title} {problem.sentence}"}
        return JSONResponse(body, status_code=problem.status)
    return render(request, "local_trouble.html", problem=problem)


def _kind_of(error: CertledgerError) -> tuple[str, int]:
    """Return the name of the words of an error, and its HTTP status."""
    if isinstance(error, StorageFailedError):
        return "not_written", 507
    if isinstance(error, KeyUnusableError):
        return "wrong_passphrase", 400
    if isinstance(error, ServerUnreachableError):
        return "server_away", 503
    if isinstance(error, ServerRefusedError):
        return ("key_needed" if error.status == _UNAUTHORIZED else "server_refuses"), 400
    if isinstance(error, CertificateUnknownError):
        return "no_such_certificate", 400
    return "not_done", 404 if isinstance(error, JobAbsentError) else 400


async def off_loop(work: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Run work that reads files or asks the service in a thread."""
    return await run_in_threadpool(partial(work, *arguments, **options))


async def read_form(request: Request) -> FormData:
    """Return the fields and files of a form.

    Raises:
        RequestInvalidError: it is none, or has too many files.
    """
    try:
        return await request.form(max_files=MAX_FILES, max_part_size=MAX_FIELD_BYTES)
    except HTTPException as error:
        raise RequestInvalidError(str(error.detail)) from error


def text_of(form: FormData, name: str) -> str:
    """Return a field of a form, without blanks around it."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def secret_of(form: FormData, name: str) -> str:
    """Return a passphrase as it was typed: blanks at its ends count."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def job_of(request: Request, desk: LocalDesk) -> SheetJob:
    """Return the sheet that the path names.

    Raises:
        JobAbsentError: there is none.
    """
    return desk.jobs.get(request.path_params["job"])


def to_page(request: Request, path: str) -> Response:
    """Redirect to a page of the desk after a form."""
    return RedirectResponse(request.scope["root_path"] + path, status_code=303)


async def _get_static(request: Request) -> Response:
    found = load_static_files().find(**request.path_params)
    if found is None:
        return Response("absent\n", status_code=404, media_type="text/plain")
    data, media = found
    headers = {"cache-control": "private, max-age=86400", "content-type": media}
    return Response(data, headers=headers)


def desk_app(desk: LocalDesk) -> Starlette:
    """Return the application of a desk, which its guard stands before."""
    from certledger.api.local_desk.pages import PAGES

    app = Starlette(routes=[*PAGES, Route("/static/{digest}/{name}", _get_static, methods=["GET"])])
    app.state.desk, app.state.language = desk, None
    return app


def serve_desk(desk: LocalDesk, port: int, ready: Callable[[str], None]) -> None:
    """Serve a desk on loopback until it is interrupted; `ready` is called with its link."""
    import uvicorn

    from certledger.api.local_desk.guard import DeskGuard
    from certledger.api.server import listen

    listening = listen("127.0.0.1", port)
    guard = DeskGuard(desk_app(desk))
    ready(guard.link(listening.getsockname()[1]))
    config = uvicorn.Config(guard, log_config=None, access_log=False, server_header=False)
    try:
        asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))
    except KeyboardInterrupt:
        return
    finally:
        listening.close()
