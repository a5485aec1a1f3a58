"""Signing in at a real OIDC provider on loopback, and asking the service with what it gives."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

REDIRECT = "http://127.0.0.1/callback"


class SignIn:
    """A provider, a client registered with it, and a service that takes its tokens."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        registered = httpx.post(
            f"{provider}/oauth2/clients", json={"redirect_uris": [REDIRECT]}
        ).json()
        self.client, self.secret = registered["client_id"], registered["client_secret"]
        self.url = ""

    def token(self, subject: str, **claims: Any) -> str:
        """Sign somebody in, as a browser would, and return the token."""
        httpx.put(f"{self.provider}/users/{subject}", json=claims).raise_for_status()
        asked = {
            "client_id": self.client,
            "redirect_uri": REDIRECT,
            "response_type": "code",
            "scope": "openid",
        }
        granted = httpx.post(
            f"{self.provider}/oauth2/authorize", params=asked, data={"sub": subject}
        )
        code = parse_qs(urlsplit(granted.headers["location"]).query)["code"][0]
        told = httpx.post(
            f"{self.provider}/oauth2/token",
            data={"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT},
            auth=(self.client, self.secret),
        )
        token: str = told.json()["id_token"]
        return token

    def get(self, token: str, path: str = "/v1/issuers") -> httpx.Response:
        """Ask the service with a token."""
        return httpx.get(self.url + path, headers={"authorization": f"Bearer {token}"})
