"""Tokens of a real OIDC provider on loopback, and every way in which a token can be wrong."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from httpx import ConnectError
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from certledger.api.app import app_of
from certledger.api.auth.oidc import OidcTokens, Provider, caller_of, usable, usable_endpoint
from certledger.api.errors import CredentialsInvalidError, ProviderUnreachableError
from certledger.api.service import Service
from tests.api.oidc_login import SignIn
from tests.api.oidc_provider import running_provider
from tests.api.world import World, listening


@pytest.fixture(scope="module")
def sign_in(world: World) -> Iterator[SignIn]:
    with running_provider() as server:
        made = SignIn(server.url)
        provider = Provider(issuer=made.provider, audience=made.client)
        tokens = OidcTokens(provider=provider, clock=world.service.clock)
        service = Service(ledger=world.ledger, options=world.service.options, tokens=tokens)
        with listening(app_of(service)) as url:
            made.url = url
            yield made


def test_whoever_signed_in_has_the_role_of_the_token(world: World, sign_in: SignIn) -> None:
    auditor = sign_in.token("anna", roles=["auditor", "something else"])
    assert sign_in.get(auditor).status_code == 200
    assert sign_in.get(auditor, "/v1/api-keys").status_code == 403
    issuer = sign_in.token("bo", roles="issuer", certledger_issuer=world.issuer.issuer)
    assert sign_in.get(issuer, f"/v1/issuers/{world.issuer.issuer}/head").status_code == 200
    assert sign_in.get(issuer, f"/v1/issuers/{world.other.issuer}/head").status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"roles": []},
        {"roles": "public"},
        {"roles": ["auditor", "counter"]},
        {"roles": "issuer"},
        {"roles": "issuer", "certledger_issuer": "short"},
        {"roles": "counter", "certledger_counter": ["a"]},
        {"roles": "auditor", "certledger_region": "31"},
    ],
)
def test_claims_that_make_nobody(sign_in: SignIn, claims: dict[str, Any]) -> None:
    answer = sign_in.get(sign_in.token("nobody", **claims))
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.invalid")


@pytest.mark.parametrize(
    ("names", "claims"),
    [
        ({"roles": "realm_access.roles"}, {"realm_access": {"roles": ["offline", "auditor"]}}),
        ({"roles": "https://id.example/role"}, {"https://id.example/role": "auditor"}),
        ({"roles": "a.b.c", "region": "at.region"}, {"a": {"b": {"c": "auditor"}}, "at": "31"}),
    ],
    ids=["nested", "a name with dots", "deeper"],
)
def test_a_provider_may_nest_its_claims_and_call_them_otherwise(
    world: World, sign_in: SignIn, names: dict[str, Any], claims: dict[str, Any]
) -> None:
    provider = Provider(issuer=sign_in.provider, audience=sign_in.client, **names)
    tokens = OidcTokens(provider=provider, clock=world.service.clock)
    with listening(app_of(Service(ledger=world.ledger, tokens=tokens))) as url:
        for token, status in (
            (sign_in.token("anna", **claims), 200),
            (sign_in.token("bo", roles="auditor"), 401),
            (sign_in.token("cy", realm_access="auditor", a=["auditor"]), 401),
        ):
            answer = httpx.get(f"{url}/v1/issuers", headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == status, answer.text


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def test_forged_tokens_of_every_kind_are_refused(sign_in: SignIn) -> None:
    good = sign_in.token("anna", roles="auditor")
    claims = claims_of(good)
    header, payload, signature = good.split(".")
    public = httpx.get(f"{sign_in.provider}/jwks").json()["keys"][0]

    def spell(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    forged = {
        "alg none": f"{spell({'alg': 'none'})}.{payload}.",
        "no signature": f"{header}.{payload}.",
        "another key": jwt.encode({"alg": "RS256"}, claims, RSAKey.generate_key(2048)),
        "a curve's key": jwt.encode({"alg": "ES256"}, claims, ECKey.generate_key("P-256")),
        "the public key as a shared secret": jwt.encode(
            {"alg": "HS256"}, claims, OctKey.import_key(json.dumps(public))
        ),
        "changed claims": f"{header}.{spell(claims | {'roles': 'administrator'})}.{signature}",
        "a key it brings itself": jwt.encode(
            {"alg": "RS256", "jwk": RSAKey.generate_key(2048).as_dict(private=False)},
            claims,
            RSAKey.generate_key(2048),
        ),
        "nonsense": "a.b.c",
        "two dots": "..",
    }
    answers = {what: sign_in.get(token).status_code for what, token in forged.items()}
    assert answers == dict.fromkeys(forged, 401)
    assert sign_in.get(good).status_code == 200


def test_a_token_for_another_audience_or_of_another_time_is_refused(
    world: World, sign_in: SignIn
) -> None:
    token = sign_in.token("anna", roles="auditor")
    now = world.service.clock()
    here = Provider(issuer=sign_in.provider, audience=sign_in.client)
    cases = {
        "elsewhere": OidcTokens(provider=replace(here, audience="another"), clock=lambda: now),
        "later": OidcTokens(provider=here, clock=lambda: now + 7_200),
        "earlier": OidcTokens(provider=here, clock=lambda: now - 7_200),
    }
    for what, tokens in cases.items():
        service = Service(ledger=world.ledger, tokens=tokens)
        with listening(app_of(service)) as url:
            answer = httpx.get(f"{url}/v1/issuers", headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == 401, what


class Named(OidcTokens):
    """Tokens whose provider's keys are handed in; how often they were asked for is counted."""

    def __init__(self, now: list[float], *listed: dict[str, Any]) -> None:
        super().__init__(
            provider=Provider(issuer="https://id.example", audience="here"),
            clock=lambda: now[0],
        )
        self.listed, self.asked = list(listed), 0

    async def _fetch(self) -> KeySet:
        self.asked += 1
        if not self.listed:
            raise ConnectError("away")
        return KeySet(list(usable(self.listed)))


def say(key: RSAKey, now: float, **claims: Any) -> str:
    held = {"iss": "https://id.example", "aud": "here", "exp": int(now) + 600, "sub": "anna@x"}
    return jwt.encode(
        {"alg": "RS256", "kid": key.kid or ""}, held | {"roles": "auditor"} | claims, key
    )


def test_a_caller_is_named_without_its_subject_and_apart_from_every_other() -> None:
    key, now = RSAKey.generate_key(2048, {"kid": "a"}), [1e9]
    tokens = Named(now, key.as_dict(private=False))
    names = set()
    for subject in ("anna@x", "u" * 300 + "1", "u" * 300 + "2"):
        caller = asyncio.run(tokens.authenticate(say(key, now[0], sub=subject)))
        assert subject not in caller.id + caller.party
        assert len(caller.id) <= 80
        names.add(caller.id)
    assert len(names) == 3


@pytest.mark.parametrize("subject", [{"a": 1}, 7, True, "\ud800", ""])
def test_a_subject_that_is_no_text_is_nobody(subject: object) -> None:
    provider = Provider(issuer="https://id.example", audience="a")
    with pytest.raises(CredentialsInvalidError):
        caller_of({"sub": subject, "roles": "auditor"}, provider)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "//elsewhere.example/",
        "http://elsewhere.example/",
        "https:///path",
        "https://[id.example/",
        "https://id.example/\r\nset-cookie:a=b",
        'https://id.example/"><script>',
        "https://id.example/#here",
        5,
        ["https://id.example/"],
    ],
)
def test_an_address_of_a_provider_that_is_none_leads_nobody_there(address: object) -> None:
    assert usable_endpoint(address) == ""
    assert usable_endpoint("https://id.example:8443/end?x=1") == "https://id.example:8443/end?x=1"


def test_keys_that_are_not_understood_are_passed_over() -> None:
    key, now = RSAKey.generate_key(2048, {"kid": "a"}), [1e9]
    odd: list[Any] = [
        {"kty": "AKP", "kid": "q"},
        {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"},
        {"kty": "RSA"},
        7,
    ]
    tokens = Named(now, *odd, key.as_dict(private=False))
    assert asyncio.run(tokens.authenticate(say(key, now[0]))).id.startswith("oidc:")


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"exp": 1}, "it has expired"),
        ({"aud": "elsewhere"}, "its claim aud is missing or wrong"),
        ({"roles": [{}, None]}, "the claim roles does not have exactly one role of this service"),
        ({"roles": "counter"}, "a token of role counter is bound to its counter"),
    ],
)
def test_a_refused_token_is_told_why_and_not_repeated(claims: Any, sentence: str) -> None:
    key, now = RSAKey.generate_key(2048, {"kid": "a"}), [1e9]
    with pytest.raises(CredentialsInvalidError) as refused:
        asyncio.run(Named(now, key.as_dict(private=False)).authenticate(say(key, 1e9, **claims)))
    assert sentence in str(refused.value)


def test_a_provider_that_is_away_is_not_asked_by_everybody_and_its_keys_end_at_last() -> None:
    key, now = RSAKey.generate_key(2048, {"kid": "a"}), [1e9]
    tokens, token = Named(now, key.as_dict(private=False)), say(key, 1e9, exp=int(3e9))
    assert asyncio.run(tokens.authenticate(token)).role == "auditor"
    tokens.listed = []
    now[0] += 3_600
    assert asyncio.run(tokens.authenticate(token)).role == "auditor"
    now[0] += 86_400
    asked = tokens.asked
    for _ in range(5):
        with pytest.raises(ProviderUnreachableError):
            asyncio.run(tokens.authenticate(token))
    assert tokens.asked == asked + 1
    tokens.listed = [key.as_dict(private=False)]
    now[0] += 60
    assert asyncio.run(tokens.authenticate(token)).role == "auditor"


def test_a_provider_that_is_away_is_503_and_keys_still_work(world: World) -> None:
    provider = Provider(issuer="http://127.0.0.1:9", audience="x")
    tokens = OidcTokens(provider=provider, clock=world.service.clock)
    service = Service(ledger=world.ledger, tokens=tokens)
    with listening(app_of(service)) as url:
        answer = httpx.get(f"{url}/v1/issuers", headers={"authorization": "Bearer a.b.c"})
        assert (answer.status_code, answer.json()["code"]) == (503, "auth.provider_silent")
        assert int(answer.headers["retry-after"]) > 0
        key = next(iter(world.keys.values()))
        answer = httpx.get(f"{url}/v1/issuers", headers={"authorization": f"Bearer {key}"})
        assert answer.status_code == 200
