"""Rendering of pages: templates, security headers, the language and the state of the ledger."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache, partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from certledger.api.pages.static_files import load_static_files
from certledger.api.pages.words import page_language, words_in
from certledger.api.readiness import MAX_CHECKPOINT_SECONDS
from certledger.api.service import Service, service_of
from certledger.api.translations import Language
from certledger.ledger.core.errors import StoreUnavailableError
from certledger.ledger.reference_data.fields import label_en, label_zh
from certledger.verifier.formats.canonical_json import parse_time
from certledger.verifier.plain_text import plain_lines, plain_text
from certledger.verifier.verify.codes import ADVICE, BANNERS, BANNERS_BY_CODE

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy of pages: only our own origin, and no inline script or style."""
SCANNING_CSP = CSP.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
"""The same for pages that read codes, where the reader in WebAssembly is here."""
PAGE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": CSP,
    "permissions-policy": "camera=(self), geolocation=(), microphone=(), payment=()",
    "cross-origin-opener-policy": "same-origin",
}
SECTIONS: tuple[tuple[str, str], ...] = (
    ("public", "/v"),
    ("desk", "/desk"),
    ("holder", "/holder"),
    ("offline", "/offline"),
)
"""The pages that the front page leads to: name in the words, and path."""
INSTITUTION_SECTIONS = (
    ("issuer", "/issuer"),
    ("registrar", "/registrar"),
    ("audit", "/audit"),
    ("explorer", "/explorer"),
    ("office", "/office"),
    ("docs", "/docs"),
)
"""The pages of those who run or supervise the ledger: name in the words, and path."""
CHINA = timezone(timedelta(hours=8))
_PREVIOUS_VISITOR = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerHealth:
    """What the foot of each page says of the ledger; `seconds` is the age of its checkpoint.

    `state` is `current`, `old`, `empty` or `away`.
    """

    state: str
    time: int = 0
    seconds: int = 0


def ledger_health(service: Service) -> LedgerHealth:
    """Return the state of the ledger; reads the database."""
    try:
        newest = service.mirror.newest()
    except StoreUnavailableError:
        return LedgerHealth(state="away")
    if newest is None:
        return LedgerHealth(state="empty")
    age = max(int(service.clock()) - newest.time, 0)
    state = "old" if age > MAX_CHECKPOINT_SECONDS else "current"
    return LedgerHealth(state=state, time=newest.time, seconds=age)


async def render(
    request: Request,
    template: str,
    *,
    status: int = 200,
    visitor: str | None = None,
    scanning: bool = False,
    has_ended: bool = False,
    **values: Any,
) -> HTMLResponse:
    """Render a template of `templates/` in the visitor's language.

    `visitor` is the one that the response begins, with a session, and `has_ended` says that it ends
    one; a page that is `scanning` may load the reader of codes.
    """
    service, language = service_of(request), page_language(request)
    reader = scanning and load_static_files().has_reader
    response = HTMLResponse(status_code=status, headers=_headers(reader=reader))
    visitor = visitor or service.sessions.visitor_of(request)
    if not _PREVIOUS_VISITOR.fullmatch(visitor):
        visitor = service.sessions.begin_visit(response)
    state = await service.pools.read(request, ledger_health, service)
    page = environment().get_template(template)
    response.body = page.render(
        language=language,
        other_language="en" if language == "zh" else "zh",
        w=words_in(language),
        path=request.url.path,
        sections=SECTIONS,
        institution_sections=INSTITUTION_SECTIONS,
        csrf=service.sessions.csrf_token(visitor),
        static=load_static_files().address,
        signed_in=not has_ended and service.sessions.session_of(request) is not None,
        ledger=state,
        is_demo=service.ledger.settings.home.joinpath("demo.json").is_file(),
        script_words=partial(script_words, language),
        reader="wasm" if reader else "",
        **values,
    ).encode()
    response.headers["content-length"] = str(len(response.body))
    response.headers["content-language"] = language
    response.headers["vary"] = "accept-language, cookie"
    return response


def _headers(*, reader: bool) -> Mapping[str, str]:
    return {**PAGE_HEADERS, "content-security-policy": SCANNING_CSP} if reader else PAGE_HEADERS


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the environment of the templates: escaping, and no undefined names."""
    made = Environment(
        loader=PackageLoader("certledger.api.pages"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "sort_keys": True}
    made.filters["plain"] = plain_text
    made.filters["plain_lines"] = plain_lines
    made.filters["china_time"] = china_time
    made.filters["age"] = age_in_words
    made.filters["label"] = field_label
    made.filters["instant"] = parse_time
    made.filters["since"] = seconds_since
    return made


def china_time(seconds: int) -> str:
    """Return an instant as local time of China, to the minute."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def age_in_words(seconds: int, words: dict[str, str]) -> str:
    """Return an age in minutes, hours or days, in the words of section `age`."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= size * (1 if unit == "minutes" else 2):
            return words[unit].format(n=seconds // size)
    return words["now"]


def seconds_since(instant: int) -> int:
    """Return the seconds from an instant to now."""
    return max(int(time.time()) - instant, 0)


@lru_cache(maxsize=32)
def script_words(language: Language, script: str) -> Mapping[str, object]:
    """Return the words that a script names: sections, and the verifier's banners and advice."""
    code = "\n".join(load_static_files().texts_of(script))
    words = {
        **words_in(language),
        "banner": banner_words(language),
        "advice": {str(advice): texts[language == "zh"] for advice, texts in ADVICE.items()},
    }
    return {name: words[name] for name in words if re.search(rf"[\"`]{name}\.", code)}


def banner_words(language: Language) -> Mapping[str, str]:
    """Return the words of the verdicts, and of those that name a code (`status_revoked`)."""
    named = {str(verdict): banner for verdict, banner in BANNERS.items()}
    named |= {code.replace(".", "_"): banner for code, banner in BANNERS_BY_CODE.items()}
    return {name: one.zh if language == "zh" else one.en for name, one in named.items()}


def field_label(name: str, language: str) -> str:
    """Return the label of a field."""
    return label_zh(name) if language == "zh" else label_en(name)


def redirect(address: str) -> Response:
    """Return a redirect after a form, to a path of ours."""
    return Response(status_code=303, headers={**PAGE_HEADERS, "location": address})
