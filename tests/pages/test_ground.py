"""The ground of all pages: words, headers, languages, sessions, forms."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from certledger.api import local_desk
from certledger.api.auth.permissions import PAGE_RULES
from certledger.api.auth.sessions import Sessions
from certledger.api.pages.front import DEMO_PAGES
from certledger.api.pages.renderer import SECTIONS, script_words
from certledger.api.pages.routes import PAGES
from certledger.api.pages.static_files import FOLDER
from certledger.api.pages.words import LANGUAGES as TABLE_LANGUAGES
from certledger.api.pages.words import load_table
from certledger.ledger.core.acts import ActKind, ActState
from certledger.ledger.core.service_values import PageSession, Role
from certledger.ledger.demo import tries
from certledger.ledger.reform.cases import CAUSES
from certledger.verifier.plain_text import plain_text
from certledger.verifier.reform.book import ApplicantKind, CounterKind
from certledger.verifier.reform.exemptions import Exemption
from certledger.verifier.reform.operator_record import DECIDED
from certledger.verifier.vocabulary import IssuerKind
from tests.pages.conftest import LANGUAGES, WIDTHS, PageWorld

VOCABULARIES = (
    ActKind,
    ActState,
    ApplicantKind,
    CAUSES,
    CounterKind,
    Exemption,
    IssuerKind,
    DECIDED,
)
"""Values that templates look words up by."""
TEMPLATES = Path(__file__).parents[2] / "api" / "pages" / "templates"


@pytest.fixture
def client(pages: PageWorld) -> Any:
    with httpx.Client(base_url=pages.url, headers={"accept-language": "en"}) as opened:
        yield opened


def token(client: httpx.Client, path: str = "/sign-in") -> str:
    found = re.search(r'name="csrf" content="([^"]+)"', client.get(path).text)
    assert found is not None
    return found[1]


def test_every_word_is_there_in_both_languages_and_is_used() -> None:
    table = load_table()
    texts = [texts for names in table.values() for texts in names.values()]
    assert all(set(one) == set(TABLE_LANGUAGES) and all(one.values()) for one in texts)
    slots = [
        {*re.findall(r"\{(\w+)\}", one["zh"])} ^ {*re.findall(r"\{(\w+)\}", one["en"])}
        for one in texts
    ]
    assert not any(slots)
    sources = [*TEMPLATES.glob("*.html"), *FOLDER.glob("*.mjs"), *TEMPLATES.parent.glob("*.py")]
    sources += [Path(tries.__file__), *Path(local_desk.__file__).parent.glob("*.py")]
    used = "\n".join(path.read_text("utf-8") for path in sources)
    used += " ".join(str(value) for vocabulary in VOCABULARIES for value in vocabulary)
    unused = [
        name
        for names in table.values()
        for name in names
        if not re.search(rf"\b{name.removesuffix('_what').removeprefix('trouble_')}\b", used)
    ]
    assert unused == []


def test_no_template_reads_a_word_that_is_a_method_of_a_dict() -> None:
    """Jinja would print `<built-in method …>` in its place."""
    methods = "|".join(name for name in vars(dict) if not name.startswith("_"))
    found = re.compile(rf"\b(?:t|w\.\w+)\.({methods})\b")
    faults = [
        f"{path.name}: {match[0]}"
        for path in TEMPLATES.glob("*.html")
        for match in found.finditer(path.read_text("utf-8"))
    ]
    assert faults == []


def test_every_page_names_a_rule_and_every_rule_has_a_page() -> None:
    assert {path for _, path in SECTIONS} <= {page.path for page in PAGES}
    assert {page.operation_id for page in PAGES} == PAGE_RULES.keys()


def test_a_page_allows_no_inline_script_and_no_other_origin(client: httpx.Client) -> None:
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert (
        re.findall(r"<script(?![^>]*\bsrc=|[^>]*application/json)|\son\w+=|style=", answer.text)
        == []
    )


def test_a_page_that_is_not_there_is_a_page_to_people_and_a_problem_to_programs(
    client: httpx.Client,
) -> None:
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for path, headers, media in (
        ("/nowhere", browser, "text/html"),
        ("/nowhere", {"accept": "*/*"}, "application/problem+json"),
        ("/v1/nowhere", browser, "application/problem+json"),
        ("/static/x/nowhere", browser, "application/problem+json"),
    ):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (404, media)
    assert "There is no such page" in client.get("/nowhere", headers=browser).text
    assert client.post("/nowhere", headers=browser).headers["content-type"].endswith("json")


def test_static_files_are_immutable_under_their_digest(client: httpx.Client) -> None:
    address = re.findall(r'href="(/static/[^"]+pages\.css)"', client.get("/").text)[0]
    assert "immutable" in client.get(address).headers["cache-control"]
    assert (
        client.get(re.sub("/static/[0-9a-f]+/", "/static/0123456789abcdef/", address)).status_code
        == 404
    )
    assert client.get(address.replace("pages.css", "..%2fx")).status_code in (400, 404)


def test_a_session_begins_with_a_key_that_is_typed_once(
    pages: PageWorld, client: httpx.Client
) -> None:
    wrong = client.post(
        "/sign-in", data={"csrf": token(client), "key": "clk_WRONG000_x", "next": ""}
    )
    assert wrong.status_code == 400
    assert "ask your administrator" in wrong.text
    right = client.post(
        "/sign-in", data={"csrf": token(client), "key": pages.counter_key, "next": "//evil.example"}
    )
    assert right.status_code == 303
    assert right.headers["location"] == "/desk"
    cookies = right.headers.get_list("set-cookie")
    session = next(one for one in cookies if one.startswith("certledger_session="))
    assert "HttpOnly" in session
    assert "SameSite=strict" in session
    assert pages.counter_key not in session
    assert "Sign out" in client.get("/").text


def test_a_visitor_of_a_demo_enters_each_page_without_a_key_on_this_machine_alone(
    pages: PageWorld, client: httpx.Client
) -> None:
    world = pages.running.world
    folder = world.ledger.settings.home / "example"
    folder.mkdir()
    (folder / "tries.json").write_text('{"certificates":[{"kind":"forged","files":{}}]}')
    (folder / "body").write_text(str(folder / world.issuer.issuer))
    try:
        form = {"csrf": token(client, "/"), "page": "desk"}
        elsewhere = {"x-forwarded-for": "203.0.113.7"}
        assert "/demo/enter" not in client.get("/", headers=elsewhere).text
        assert "/demo/enter" not in client.get("/sign-in?next=/desk", headers=elsewhere).text
        assert "/demo/enter" not in client.get("/sign-in?next=/v").text
        assert client.post("/demo/enter", data=form, headers=elsewhere).status_code == 404
        assert client.post("/demo/enter", data={**form, "page": "keys"}).status_code == 404
        for name in DEMO_PAGES:
            assert f'value="{name}"' in client.get("/").text
            asked = client.get("/sign-in", params={"next": f"/{name}"})
            assert f'name="page" value="{name}"' in asked.text, "who is asked for a key may go in"
            form = {"csrf": token(client, "/"), "page": name}
            entered = client.post("/demo/enter", data=form)
            assert (entered.status_code, entered.headers["location"]) == (303, f"/{name}")
            assert client.get(f"/{name}").status_code == 200
            rebound = {"host": "elsewhere.example"}  # A foreign name that resolves to this machine.
            form = {"csrf": token(client, "/"), "page": name}
            assert client.post("/demo/enter", data=form, headers=rebound).status_code == 404
            if name == "registrar":
                headers = {"x-csrf-token": token(client, "/registrar")}
                made = client.post("/v1/api-keys", json={"role": "auditor"}, headers=headers)
                assert made.status_code == 403, "a demo's registrar makes no keys"
    finally:
        shutil.rmtree(folder)


def test_a_form_of_another_site_is_refused(pages: PageWorld, client: httpx.Client) -> None:
    client.get("/sign-in")
    for csrf in ("", "x" * 32):
        answer = client.post("/sign-in", data={"csrf": csrf, "key": pages.counter_key})
        assert answer.status_code == 400
        assert "certledger_session" not in answer.headers.get("set-cookie", "")


def test_a_session_calls_the_api_only_with_its_token(
    pages: PageWorld, client: httpx.Client
) -> None:
    client.post("/sign-in", data={"csrf": token(client), "key": pages.counter_key})
    assert client.get("/v1/issuers").status_code == 401
    answer = client.get("/v1/issuers", headers={"x-csrf-token": token(client, "/")})
    assert answer.status_code == 200


def test_a_revoked_key_ends_its_session(pages: PageWorld, client: httpx.Client) -> None:
    keys = pages.running.world.service.keys
    key, text = keys.create(name="short", role=Role.COUNTER, counter="pudong-9")
    client.post("/sign-in", data={"csrf": token(client), "key": text})
    header = {"x-csrf-token": token(client, "/")}
    assert client.get("/v1/issuers", headers=header).status_code == 200
    keys.revoke(key.prefix)
    assert client.get("/v1/issuers", headers=header).status_code == 401


def test_a_changed_cookie_is_no_session(client: httpx.Client, pages: PageWorld) -> None:
    client.post("/sign-in", data={"csrf": token(client), "key": pages.counter_key})
    text = client.cookies["certledger_session"]
    changed = ("B" if text[40] == "A" else "A").join((text[:40], text[41:]))
    for cookie, signed_in in ((text, True), (changed, False)):
        headers = {"cookie": f"certledger_session={cookie}", "accept-language": "en"}
        assert ("Sign out" in httpx.get(pages.url, headers=headers).text) is signed_in


def test_with_https_only_this_host_sets_our_cookies() -> None:
    sessions = Sessions(pepper=bytes(32), clock=time.time, public_url="https://ledger.example")
    response, now = Response(), int(time.time())
    opened = PageSession(id=bytes(16), caller="a", began=now, ends=now + 60)
    sessions.begin(response, opened, key="k", visitor="v" * 20)
    cookies = [value for name, value in response.raw_headers if name == b"set-cookie"]
    found = {}
    for text in map(bytes.decode, cookies):
        assert "Secure" in text
        assert "Path=/;" in text
        assert "Domain" not in text
        name, _, value = text.partition(";")[0].partition("=")
        found[name] = value
    assert set(found) == {"__Host-certledger_session", "__Host-certledger_visitor"}

    def session_of(cookies: dict[str, str]) -> object:
        text = "; ".join(f"{name}={value}" for name, value in cookies.items())
        scope = {"type": "http", "headers": [(b"cookie", text.encode())]}
        return sessions.session_of(Request(scope))

    assert session_of(found) is not None
    tossed = {name.removeprefix("__Host-"): value for name, value in found.items()}
    assert session_of(tossed) is None, "a neighbouring subdomain could have set it"


def test_names_cannot_hide_or_turn_text() -> None:
    assert plain_text("甲\u202e乙\u200b丙\x00") == "甲⟨U+202E⟩乙⟨U+200B⟩丙⟨U+0000⟩"
    assert plain_text("上海市 Müller 𠮷") == "上海市 Müller 𠮷"


@pytest.mark.browser
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_front_page_leads_on_and_changes_its_language(
    visit: Any, language: str, width: int
) -> None:
    page = visit(language, width).open("/")
    other = "en" if language == "zh" else "zh-CN"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.click("#language")
    assert page.evaluate("document.documentElement.lang") == other
    page.goto(page.url)
    assert page.evaluate("document.documentElement.lang") == other, "the choice is remembered"


def test_a_language_is_chosen_at_any_path(client: httpx.Client) -> None:
    for path in ("/receipt/%E6%B2%AA", "/receipt/a%0d%0ax1"):
        answer = client.get(f"{path}?lang=en")
        assert (answer.status_code, answer.headers["location"]) == (303, path.replace("%0d%0a", ""))


def test_a_script_gets_the_sections_of_words_that_it_names_and_no_more() -> None:
    desk, offline = (set(script_words("zh", f"{name}.mjs")) for name in ("desk", "offline"))
    assert {"age", "advice", "banner", "checks", "desk", "reader", "v", "verdict"} <= desk
    assert not desk & {"acts", "docs", "holder", "office", "offline"}
    assert "offline" in offline
