"""The OIDC provider of the tests: it verifies PKCE (RFC 7636), and offers sign-out or does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from flask import Flask, g
from joserfc import jwt
from joserfc.jwk import RSAKey
from oidc_provider_mock import run_server_in_thread

from certledger.verifier.formats.canonical_json import to_base64url

Environment = dict[str, Any]
Start = Callable[..., Any]


@dataclass(kw_only=True)
class OidcProvider:
    """A provider on loopback, as a WSGI application around the one of the package.

    The package issues codes and tokens, but looks at no `code_challenge`.
    """

    inner: Flask
    port: int
    has_sign_out: bool = True
    sign_outs: list[Mapping[str, str]] = field(default_factory=list)
    _challenges: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Sign a token with the provider's own key."""
        with self.inner.test_request_context():
            self.inner.preprocess_request()
            key = g.oidc_provider_mock_storage.jwk.as_dict(is_private=True)
        return jwt.encode({"alg": "RS256"}, dict(claims), RSAKey.import_key(key))

    def __call__(self, environ: Environment, start: Start) -> Any:
        path, query = environ["PATH_INFO"], dict(parse_qsl(environ.get("QUERY_STRING", "")))
        if path == "/oauth2/authorize" and environ["REQUEST_METHOD"] == "POST":
            return self.inner(environ, self._noting(query, start))
        if path == "/oauth2/token" and not self._is_proved(environ):
            return _answer({"error": "invalid_grant"}, "400 Bad Request", start)
        if path == "/oauth2/end_session":
            self.sign_outs.append(query)
        if path == "/.well-known/openid-configuration" and not self.has_sign_out:
            return self._without_sign_out(environ, start)
        return self.inner(environ, start)

    def _noting(self, query: Mapping[str, str], start: Start) -> Start:
        """Return a `start` that notes which challenge the code was given for."""

        def noting(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            location = dict(headers).get("Location", "")
            for code in parse_qs(urlsplit(location).query).get("code", ()):
                method = query.get("code_challenge_method", "")
                self._challenges[code] = method, query.get("code_challenge", "")
            return start(status, headers, *rest)

        return noting

    def _is_proved(self, environ: Environment) -> bool:
        """Return whether who brings a code began the sign-in: by S256, or neither has PKCE."""
        data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(data)
        form = dict(parse_qsl(data.decode()))
        method, challenge = self._challenges.get(form.get("code", ""), ("", ""))
        verifier = form.get("code_verifier", "")
        if not challenge:
            return not verifier  # RFC 9700, section 4.8
        return method == "S256" and challenge == to_base64url(sha256(verifier.encode()).digest())

    def _without_sign_out(self, environ: Environment, start: Start) -> Any:
        def ignore(*_: Any) -> Any:
            """Take the headers, which are written anew."""

        found = json.loads(b"".join(self.inner(environ, ignore)))
        del found["end_session_endpoint"]
        return _answer(found, "200 OK", start)


def _answer(value: Mapping[str, Any], status: str, start: Start) -> list[bytes]:
    start(status, [("Content-Type", "application/json")])
    return [json.dumps(value).encode()]


@contextmanager
def running_provider(**options: Any) -> Iterator[OidcProvider]:
    """Run a provider until the block is left."""
    with run_server_in_thread(**options) as server:
        assert isinstance(server.app, Flask)
        provider = OidcProvider(inner=server.app, port=server.server_port)
        server.app = provider
        yield provider
