"""Sign-in to the pages at a real OIDC provider on loopback, another site than the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from oidc_provider_mock import run_server_in_thread

from certledger.api.app import app_of
from certledger.api.auth.oidc import OidcTokens, Provider
from certledger.api.auth.oidc_sign_in import CALLBACK, FLOW_COOKIE
from certledger.api.service import Options, Service
from certledger.verifier.formats.canonical_json import to_base64url
from tests.api.world import listening
from tests.pages.conftest import HTML, PageWorld
from tests.pages.institutions import csrf_of
from tests.pages.test_accessibility import faults_of


@dataclass
class Signing:
    """A provider, and a service whose pages send people there."""

    provider: str
    service: Service
    url: str

    def add(self, subject: str, **claims: Any) -> None:
        """Make an account at the provider."""
        httpx.put(f"{self.provider}/users/{subject}", json=claims).raise_for_status()

    def begin(self, client: httpx.Client, next_path: str = "") -> str:
        """Follow the link to the provider, and return its address."""
        answer = client.get("/sign-in/provider", params={"next": next_path})
        assert answer.status_code == 303
        return answer.headers["location"]

    def grant(self, address: str, subject: str) -> str:
        """Sign in at the provider, and return the address that it sends the browser back to."""
        granted = httpx.post(address, data={"sub": subject})
        return granted.headers["location"]

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"accept-language": "en"}, timeout=30.0)


@pytest.fixture(scope="module")
def signing(pages: PageWorld) -> Iterator[Signing]:
    ledger = pages.running.world.ledger
    with run_server_in_thread() as server:
        provider = f"http://localhost:{server.server_port}"
        service = Service(ledger=ledger, options=Options())
        with listening(app_of(service)) as url:
            registered = httpx.post(
                f"{provider}/oauth2/clients", json={"redirect_uris": [url + CALLBACK]}
            ).json()
            client = registered["client_id"]
            at = Provider(
                issuer=provider,
                audience=client,
                client=client,
                client_secret=registered["client_secret"],
            )
            service.tokens = OidcTokens(provider=at, clock=service.clock)
            service.gate.tokens = service.tokens
            service.options = replace(service.options, public_url=url)
            yield Signing(provider=provider, service=service, url=url)


def test_an_account_with_a_role_opens_its_page_and_signs_out_for_good(
    pages: PageWorld, signing: Signing
) -> None:
    issuer = pages.running.world.issuer.issuer
    signing.add("anna", roles="issuer", certledger_issuer=issuer)
    with signing.client() as client:
        address = signing.begin(client, "/issuer")
        query = parse_qs(urlsplit(address).query)
        assert query["code_challenge_method"] == ["S256"]
        assert len(query["state"][0]) >= 32
        assert len(query["nonce"][0]) >= 32
        flow = signing.service.sessions.open(client.cookies[FLOW_COOKIE], FLOW_COOKIE)
        assert flow is not None
        challenge = to_base64url(sha256(flow["verifier"].encode()).digest())
        assert query["code_challenge"] == [challenge]
        back = signing.grant(address, "anna")
        answer = client.get(back)
        assert answer.status_code == 200
        assert 'content="0;url=/issuer"' in answer.text
        cookies = {one.split("=")[0]: one for one in answer.headers.get_list("set-cookie")}
        assert "HttpOnly" in cookies["certledger_session"]
        assert "SameSite=strict" in cookies["certledger_session"]
        assert "Max-Age=0" in cookies[FLOW_COOKIE]
        page = client.get("/issuer")
        assert issuer in page.text
        stolen = dict(client.cookies)
        # The answer is good once: the flow's cookie is gone, and the provider's code is used.
        again = client.get(back)
        assert (again.status_code, "You are not signed in" in again.text) == (400, True)
        client.post("/sign-out", data={"csrf": csrf_of(page.text)})
        assert client.get("/issuer").status_code == 303
    with signing.client() as thief:
        thief.cookies.update(stolen)
        assert thief.get("/issuer").status_code == 303, "a copy of the cookie ended too"


def test_of_two_sessions_one_is_ended_alone(pages: PageWorld, signing: Signing) -> None:
    signing.add("bo", roles="auditor")
    signing.add("cy", roles="auditor")
    with signing.client() as desk, signing.client() as phone, signing.client() as other:
        for client, subject in ((desk, "bo"), (phone, "bo"), (other, "cy")):
            assert client.get(signing.grant(signing.begin(client), subject)).status_code == 200
        listed = re.findall(r'name="session" value="([0-9a-f]{32})"', desk.get("/sessions").text)
        assert len(listed) == 2
        theirs = re.findall(r'name="session" value="([0-9a-f]{32})"', other.get("/sessions").text)
        own = [one for one in listed if "this one" in _row_of(desk.get("/sessions").text, one)]
        (away,) = set(listed) - set(own)
        csrf = csrf_of(desk.get("/sessions").text)
        for session in (away, *theirs, "nonsense"):
            done = desk.post("/sessions", data={"csrf": csrf, "session": session})
            assert done.status_code == 303
        assert phone.get("/audit").status_code == 303
        assert desk.get("/audit").status_code == 200
        assert other.get("/audit").status_code == 200, "the session of another account stays"
        assert desk.post("/sessions", data={"csrf": "x", "session": own[0]}).status_code == 400
        assert desk.get("/audit").status_code == 200


def _row_of(text: str, session: str) -> str:
    return next(row for row in text.split("<tr>") if session in row)


@pytest.mark.parametrize("harm", ["state", "no cookie", "code", "issuer", "another flow", "error"])
def test_an_answer_that_is_not_of_this_flow_signs_nobody_in(signing: Signing, harm: str) -> None:
    signing.add("dora", roles="auditor")
    with signing.client() as client:
        back = signing.grant(signing.begin(client), "dora")
        if harm == "state":
            back = re.sub(r"state=[^&]+", "state=another", back)
        elif harm == "no cookie":
            client.cookies.clear()
        elif harm == "code":
            back = re.sub(r"code=[^&]+", "code=guessed", back)
        elif harm == "issuer":
            back += "&iss=https://evil.example"
        elif harm == "another flow":
            # Somebody's answer is put under this browser's flow: verifier and nonce differ.
            with signing.client() as attacker:
                theirs = signing.grant(signing.begin(attacker), "dora")
            state = re.search(r"state=([^&]+)", back)
            assert state is not None
            back = re.sub(r"state=[^&]+", f"state={state[1]}", theirs)
        elif harm == "error":
            back = re.sub(r"code=[^&]+", "error=access_denied", back)
        answer = client.get(back)
        assert answer.status_code == 400
        assert "certledger_session" not in client.cookies
        assert ("cancelled" if harm == "error" else "You are not signed in") in answer.text


def test_what_was_typed_when_a_session_ended_goes_along_to_the_provider(
    pages: PageWorld, signing: Signing
) -> None:
    signing.add("hal", roles="auditor")
    with signing.client() as client:
        client.get(signing.grant(signing.begin(client), "hal"))
        token = csrf_of(client.get("/audit").text)
        client.cookies.delete("certledger_session")
        typed = {"csrf": token, "reference": "0000-0000-0000", "reason": HTML, "by": "王"}
        asked = client.post("/office/cases", data=typed)
        assert (asked.status_code, "What you typed is kept" in asked.text) == (401, True)
        fields = dict(re.findall(r'name="(carried[^"]*)" value="([^"]*)"', asked.text))
        fields = {name: unescape(text) for name, text in fields.items()}
        left = client.post("/sign-in/provider", data=fields | {"csrf": csrf_of(asked.text)})
        address = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', left.text)
        assert address is not None
        back = client.get(signing.grant(unescape(address[1]), "hal"))
        shown = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', back.text))
        assert unescape(shown["reason"]) == HTML
        assert "<img src=x" not in back.text
        sent = {name: unescape(text) for name, text in shown.items()}
        done = client.post("/office/cases", data=sent)
        assert done.status_code == 404, "signed in and taken: there is no such case"


def test_a_form_of_another_site_waits_nowhere(signing: Signing) -> None:
    with signing.client() as client:
        client.get("/sign-in")
        asked = client.post("/office/cases", data={"csrf": "x", "reason": "theirs", "by": "x"})
        assert (asked.status_code, "theirs" in asked.text) == (303, False)


def test_an_account_without_a_role_is_told_so(signing: Signing) -> None:
    signing.add("emil")
    with signing.client() as client:
        answer = client.get(signing.grant(signing.begin(client), "emil"))
        assert (answer.status_code, "no role here" in answer.text) == (400, True)


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_no_sign_in_leads_to_another_site(signing: Signing, path: str) -> None:
    signing.add("flo", roles="auditor")
    with signing.client() as client:
        answer = client.get(signing.grant(signing.begin(client, path), "flo"))
        assert 'content="0;url=/audit"' in answer.text
        assert "evil.example" not in answer.text


def test_without_a_provider_the_page_offers_a_key_alone(pages: PageWorld) -> None:
    with httpx.Client(base_url=pages.url) as client:
        assert 'id="provider"' not in client.get("/sign-in").text
        assert client.get("/sign-in/provider").status_code == 404
        assert client.get("/sign-in/callback").status_code == 404


def test_a_provider_that_is_away_is_said_to_be(pages: PageWorld) -> None:
    away = Provider(issuer="http://127.0.0.1:9", audience="c", client="c")
    service = Service(
        ledger=pages.running.world.ledger,
        options=Options(public_url="http://127.0.0.1:1"),
        tokens=OidcTokens(provider=away, clock=pages.running.world.service.clock),
    )
    with listening(app_of(service)) as url, httpx.Client(base_url=url) as client:
        answer = client.get("/sign-in/provider", headers={"accept-language": "en"})
        assert answer.status_code == 503
        assert "cannot be done at present" in answer.text


@pytest.mark.browser
@pytest.mark.parametrize(("language", "width"), [("zh", 390), ("en", 1280)])
def test_a_person_signs_in_at_the_provider_by_keyboard(
    signing: Signing, browser: Any, language: str, width: int
) -> None:
    signing.add("gus", roles="auditor")
    context = browser.new_context(
        locale="zh-CN" if language == "zh" else "en-GB",
        viewport={"width": width, "height": 900},
        bypass_csp=True,  # For axe alone.
    )
    page = context.new_page()
    page.goto(f"{signing.url}/audit")
    page.wait_for_url("**/sign-in?next=/audit")
    assert faults_of(page) == []
    page.focus("#provider")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{signing.provider}/**")
    page.fill("input[name=sub]", "gus")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{signing.url}/audit")
    page.focus("a[href='/sessions']")
    page.keyboard.press("Enter")
    page.wait_for_selector("table")
    assert faults_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
