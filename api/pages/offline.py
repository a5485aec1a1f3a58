"""The offline desk: its page, its service worker, and one HTML file for a USB stick."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import partial

import orjson
from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.pages.renderer import CSP, SCANNING_CSP, environment, render, script_words
from certledger.api.pages.static_files import FIELD_LABELS, READER, load_static_files
from certledger.api.pages.words import words_in
from certledger.api.responses import cached
from certledger.api.translations import Language

MODULES = (
    "certledger-verifier.mjs",
    "checker.mjs",
    "code_reader.mjs",
    "input.mjs",
    "offline.mjs",
    "page.mjs",
    "pdf_scan.mjs",
    "scanner.mjs",
    "verdict_view.mjs",
)
"""The modules of the offline desk, without which it does not start."""
_IMPORT = re.compile(rb'from "\./([a-z_-]+)\.mjs"')
_SCRIPT = "text/javascript; charset=utf-8"
_START = 'import "certledger/offline";'


async def show_offline(request: Request, caller: Caller) -> Response:
    """Show the offline desk, which its service worker keeps for days without a network."""
    return await render(request, "offline.html", scanning=True, counter=caller.counter or "")


async def get_worker(request: Request, caller: Caller) -> Response:
    """Return the service worker, with the addresses of what it stores."""
    static = load_static_files()
    stored = [static.address(name) for name in (*MODULES, "pages.css", "icon.svg")]
    stored += [static.address(name) for name in FIELD_LABELS.values()]
    if static.has_reader:
        stored += [static.address(name) for name in READER]
    text = b"const STORED = %b;\nconst VERSION = %b;\n%b" % (
        orjson.dumps(stored),
        orjson.dumps(static.digest),
        static.files["offline_worker.mjs"],
    )
    response = await cached(request, text, media=_SCRIPT, control="no-cache")
    # What a service worker may fetch follows from the policy of its own script.
    response.headers["content-security-policy"] = SCANNING_CSP if static.has_reader else CSP
    return response


def one_file(language: Language) -> bytes:
    """Return the offline desk as one HTML file, which loads nothing and needs no server.

    Modules stand in an import map as `data:` addresses, since a page opened from a file may not
    load other files.
    """
    files = load_static_files().files
    importmap = orjson.dumps({"imports": dict(_addresses(files))}).decode()
    style = files["pages.css"].decode()
    page = (
        environment()
        .get_template("usb.html")
        .render(
            language=language,
            counter="",
            w=words_in(language),
            csp=_policy(importmap, style),
            style=style,
            importmap=importmap,
            start=_START,
            script_words=partial(script_words, language),
            labels=orjson.loads(files[FIELD_LABELS[language]]),
        )
    )
    return page.encode()


def _addresses(files: Mapping[str, bytes]) -> Mapping[str, str]:
    """Return the modules by name, each importing the others by name."""
    return {
        f"certledger/{name.removesuffix('.mjs')}": "data:text/javascript;base64,"
        + base64.b64encode(_IMPORT.sub(rb'from "certledger/\1"', files[name])).decode()
        for name in MODULES
    }


def _policy(importmap: str, style: str) -> str:
    """Return the file's Content-Security-Policy: its own script and style, and no connection."""
    scripts = " ".join(_hash(text) for text in (importmap, _START))
    return (
        f"default-src 'none'; script-src {scripts} data:; style-src {_hash(style)}; "
        "img-src data: blob:; media-src blob:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
