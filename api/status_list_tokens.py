"""Status lists as signed tokens for other tools: JWS with ES256K (RFC 8812)."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from certledger.ledger.keys import Signer
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.formats.canonical_json import Json, format_time, to_base64url

STATUS_LIST = "application/statuslist+jwt"
CREDENTIAL = "application/vc+jwt"
LIFE = 86_400
"""Seconds from its block's time to a token's expiry."""
FRESH = 60
"""Seconds until a client should fetch a newer token."""
_CONTEXT = "https://www.w3.org/ns/credentials/v2"


def status_list_token(operator: Signer, uri: str, status_list: Json, at: int) -> bytes:
    """Return a Status List Token (IETF, section 5.1) of the list at `uri` as of `at` (seconds)."""
    claims = {
        "iss": _name_of(operator),
        "sub": uri,
        "iat": at,
        "exp": at + LIFE,
        "ttl": FRESH,
        "status_list": status_list,
    }
    return _signed(operator, {"typ": "statuslist+jwt"}, claims)


def status_list_credential(operator: Signer, uri: str, subject: Json, at: int) -> Json:
    """Return an unsigned BitstringStatusListCredential (W3C, section 2.2)."""
    return {
        "@context": [_CONTEXT],
        "id": uri,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": _name_of(operator),
        "validFrom": format_time(at),
        "validUntil": format_time(at + LIFE),
        "credentialSubject": {"id": f"{uri}#list", "type": "BitstringStatusList", **subject},
    }


def secure(operator: Signer, credential: Json) -> bytes:
    """Sign a credential as in VC-JOSE-COSE (W3C, section 3.1.1)."""
    return _signed(operator, {"typ": "vc+jwt", "cty": "vc"}, credential)


def _name_of(operator: Signer) -> str:
    return f"urn:certledger:operator:0x{operator.address.hex()}"


def _signed(operator: Signer, header: Mapping[str, Json], claims: Json) -> bytes:
    """Return a compact JWS; its header has the key, which hashes to the operator's address."""
    key = {
        "kty": "EC",
        "crv": "secp256k1",
        "x": to_base64url(operator.public_key[:32]),
        "y": to_base64url(operator.public_key[32:]),
    }
    head = {"alg": "ES256K", "kid": _name_of(operator), "jwk": key, **header}
    text = f"{to_base64url(orjson.dumps(head))}.{to_base64url(orjson.dumps(claims))}"
    signature = operator.sign(sha256(text.encode("ascii")))[:64]
    return f"{text}.{to_base64url(signature)}".encode("ascii")
