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
import orjson
import pytest

from certledger.api.app import app_of
from certledger.api.auth.oidc import OidcTokens, Provider
from certledger.api.auth.oidc_sign_in import CALLBACK, FLOW_COOKIE
from certledger.api.auth.oidc_sign_out import ID_TOKEN_COOKIE, LOGOUT_EVENT, SIGNED_OUT
from certledger.api.service import Options, Service
from certledger.verifier.formats.canonical_json import from_base64url, to_base64url
from tests.api.oidc_provider import OidcProvider, running_provider
from tests.api.world import listening
from tests.pages.axe import faults_of
from tests.pages.conftest import HTML, PageWorld
from tests.pages.institutions import csrf_of


@dataclass
class Signing:
    """A provider, and a service whose pages send people there."""

    server: OidcProvider
    service: Service
    url: str

    @property
    def provider(self) -> str:
        return self.server.url

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

    def sign_in(self, client: httpx.Client, subject: str) -> None:
        """Sign somebody in to the pages."""
        assert client.get(self.grant(self.begin(client), subject)).status_code == 200

    def sign_out(self, client: httpx.Client) -> httpx.Response:
        """Press the button of the page."""
        return client.post("/sign-out", data={"csrf": csrf_of(client.get("/audit").text)})

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"accept-language": "en"}, timeout=30.0)


@pytest.fixture(scope="module")
def signing(pages: PageWorld) -> Iterator[Signing]:
    ledger = pages.running.world.ledger
    with running_provider() as server:
        provider = server.url
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
            yield Signing(server=server, service=service, url=url)


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


def _address_in(text: str) -> str:
    """Return where a page goes on to by itself."""
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', text)
    assert found is not None
    return unescape(found[1])


def test_signing_out_goes_on_to_the_provider_and_comes_back(signing: Signing) -> None:
    signing.add("ida", roles="auditor")
    with signing.client() as client:
        signing.sign_in(client, "ida")
        left = signing.sign_out(client)
        assert (left.status_code, "so that nobody else" in left.text) == (200, True)
        assert 'action="/sign-out"' not in left.text, "the page shows nobody as signed in"
        cookies = {one.split("=")[0]: one for one in left.headers.get_list("set-cookie")}
        assert "Max-Age=0" in cookies[ID_TOKEN_COOKIE]
        assert client.get("/audit").status_code == 303
        address = _address_in(left.text)
        assert address.startswith(f"{signing.provider}/oauth2/end_session?")
        asked = parse_qs(urlsplit(address).query)
        claims = decode(asked["id_token_hint"][0])
        provider = signing.service.tokens
        assert provider is not None
        assert (claims["sub"], asked["client_id"]) == ("ida", [provider.provider.client])
        assert asked["post_logout_redirect_uri"] == [signing.url + SIGNED_OUT]
        back = f"{asked['post_logout_redirect_uri'][0]}?state={asked['state'][0]}"
        assert "has dealt with" in client.get(back).text
        for forged in ("", "?state=", f"?state={asked['state'][0][:-4]}AAAA"):
            assert client.get(SIGNED_OUT + forged).status_code == 303


def decode(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = orjson.loads(from_base64url(token.split(".")[1]))
    return claims


def test_where_a_provider_offers_no_sign_out_the_page_says_that_only_ours_ended(
    signing: Signing,
) -> None:
    signing.add("jo", roles="auditor")
    tokens = signing.service.tokens
    assert tokens is not None
    signing.server.has_sign_out = False
    signing.service.tokens = signing.service.gate.tokens = replace(tokens, _keys=None, _tried=0.0)
    try:
        with signing.client() as client:
            signing.sign_in(client, "jo")
            left = signing.sign_out(client)
            shown = client.get(left.headers["location"]).text
            assert "signed out of this service only" in shown
            assert "localhost" in shown
            assert client.get("/audit").status_code == 303
    finally:
        signing.server.has_sign_out = True
        signing.service.tokens = signing.service.gate.tokens = tokens


def test_an_id_token_too_long_for_a_cookie_is_left_out(signing: Signing) -> None:
    signing.add("kim", roles="auditor", groups=["g" * 40] * 80)
    with signing.client() as client:
        signing.sign_in(client, "kim")
        assert ID_TOKEN_COOKIE not in {one.name for one in client.cookies.jar}
        asked = parse_qs(urlsplit(_address_in(signing.sign_out(client).text)).query)
        assert ("id_token_hint" in asked, "client_id" in asked) == (False, True)


def logout_token(signing: Signing, subject: str, **changed: Any) -> str:
    """Sign a logout token, with claims changed or, where they are None, left out."""
    tokens, now = signing.service.tokens, int(signing.service.clock())
    assert tokens is not None
    claims = {
        "iss": signing.provider,
        "aud": tokens.provider.client,
        "sub": subject,
        "iat": now,
        "exp": now + 120,
        "jti": "1",
        "events": {LOGOUT_EVENT: {}},
        **changed,
    }
    return signing.server.sign({name: one for name, one in claims.items() if one is not None})


def test_whom_the_provider_signs_out_is_signed_out_here(signing: Signing) -> None:
    signing.add("lea", roles="auditor")
    signing.add("max", roles="auditor")
    with signing.client() as desk, signing.client() as phone, signing.client() as other:
        for client, subject in ((desk, "lea"), (phone, "lea"), (other, "max")):
            signing.sign_in(client, subject)
        early = logout_token(signing, "lea", iat=int(signing.service.clock()) - 3_600)
        for token, status in ((early, 200), (logout_token(signing, "lea"), 303)):
            done = httpx.post(f"{signing.url}/sign-out/provider", data={"logout_token": token})
            assert (done.status_code, done.headers["cache-control"]) == (200, "no-store")
            assert [one.get("/audit").status_code for one in (desk, phone)] == [status] * 2
        assert other.get("/audit").status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"events": None},
        {"events": {"another": {}}},
        {"events": LOGOUT_EVENT},
        {"nonce": "n"},
        {"jti": None},
        {"iat": "now"},
        {"sub": None, "sid": "s"},
        {"aud": "another"},
        {"iss": "https://evil.example"},
        {"exp": 1},
    ],
    ids=str,
)
def test_a_token_that_is_no_logout_token_ends_nothing(
    signing: Signing, changed: dict[str, Any]
) -> None:
    signing.add("nia", roles="auditor")
    with signing.client() as client:
        signing.sign_in(client, "nia")
        token = logout_token(signing, "nia", **changed)
        done = httpx.post(f"{signing.url}/sign-out/provider", data={"logout_token": token})
        assert (done.status_code, done.json()["error"]) == (400, "invalid_request")
        assert client.get("/audit").status_code == 200


def _row_of(text: str, session: str) -> str:
    return next(row for row in text.split("<tr>") if session in row)


@pytest.mark.parametrize(
    "harm", ["state", "no cookie", "code", "verifier", "issuer", "another flow", "error"]
)
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
        elif harm == "verifier":
            flow = signing.service.sessions.open(client.cookies[FLOW_COOKIE], FLOW_COOKIE)
            forged = signing.service.sessions.seal(
                {**(flow or {}), "verifier": "v" * 64}, FLOW_COOKIE
            )
            client.cookies.clear()
            client.cookies.set(FLOW_COOKIE, forged)
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
        back = client.get(signing.grant(_address_in(left.text), "hal"))
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
        assert client.post("/sign-out/provider", data={"logout_token": "x"}).status_code == 404


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


@pytest.mark.browser
def test_a_person_signs_out_at_the_provider_too(signing: Signing, browser: Any) -> None:
    """With the policy of the pages, which lets no form lead to another site."""
    signing.add("pia", roles="auditor")
    page = browser.new_context(locale="en-GB", viewport={"width": 390, "height": 900}).new_page()
    page.goto(f"{signing.url}/sign-in/provider")
    page.fill("input[name=sub]", "pia")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{signing.url}/audit")
    page.click("form[action='/sign-out'] button")
    page.wait_for_url(f"{signing.provider}/oauth2/end_session**")
    page.click("button, input[type=submit]")
    page.wait_for_url(f"{signing.url}{SIGNED_OUT}?**")
    assert "You are signed out" in page.inner_text("h1")
    assert "has dealt with" in page.inner_text("main")
    page.context.close()
