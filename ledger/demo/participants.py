"""Participants of the demo: registrars, roots, witnesses and issuers, with their keys."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certledger.ledger.chain.deploy import Deployment, FirstRegistrar
from certledger.ledger.foundation.deployment_match import pin_of
from certledger.ledger.foundation.document import DAY, Founding, FoundingTerms, SignedFounding
from certledger.ledger.foundation.home import RegionKeys, WitnessAddress, make_part
from certledger.ledger.foundation.part import SignedPart
from certledger.ledger.keys import Signer, draw_secret, signer_of
from certledger.ledger.node import NAME
from certledger.ledger.reference_data import Domain
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.signed_policy import SignedPolicy, sign
from certledger.verifier.vocabulary import Way

FILE = "demo-keys.json"
REGIONS: Mapping[int, str] = {
    10: "national",
    31: "shanghai",
    32: "jiangsu",
    33: "zhejiang",
    34: "anhui",
}
"""Name of each region with a registrar, by characters 3 and 4 of an issuer's code."""
OPERATORS = ("anhui", "jiangsu", "shanghai", "zhejiang")
"""Operators of the witnesses, who hold the root keys too, ascending."""
THRESHOLD = 3


class DemoElsewhereError(CertledgerError):
    """The folder contains something else than a demo."""

    code = "demo.elsewhere"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class Cast:
    """All keys and parameters of a demo, drawn once and stored in the home.

    Salts and access codes derive from `seed` (32 bytes); `today` is the day for which the samples
    are made.
    """

    seed: bytes
    today: date
    certificates: int
    secrets: Mapping[str, bytes]

    def registrar(self, region: int) -> Signer:
        """Return the key of a region's registrar."""
        return signer_of(self.secrets[f"registrar-{region}"])

    def recovery(self, region: int) -> bytes:
        """Return the account that may rotate the registrar's of a region."""
        return signer_of(self.secrets[f"recovery-{region}"]).address

    def registrars(self) -> list[FirstRegistrar]:
        """Return every region with its registrar's address and recovery account."""
        return [(one, self.registrar(one).address, self.recovery(one)) for one in REGIONS]

    def root(self, operator: str) -> Ed25519PrivateKey:
        """Return the root key of an operator."""
        return _ed25519(self.secrets[f"root-{operator}"])

    def roots(self) -> list[Ed25519PrivateKey]:
        """Return the root keys of the trust policy."""
        return [self.root(operator) for operator in OPERATORS]

    def witness(self, operator: str) -> Ed25519PrivateKey:
        """Return the key of an operator's witness."""
        return _ed25519(self.secrets[f"witness-{operator}"])


def open_cast(home: Path, *, certificates: int, today: date) -> Cast:
    """Return the cast of a home; a new one is drawn with these parameters.

    Raises:
        DemoElsewhereError: the folder is another ledger's home.
    """
    path = home / FILE
    if not path.exists():
        if (home / "deployment.json").exists():
            raise DemoElsewhereError(f"{home} holds a ledger that is not a demo")
        home.mkdir(parents=True, exist_ok=True)
        write_atomically(path, _draw(certificates, today), private=True)
    return _read(path)


def load_cast(home: Path) -> Cast | None:
    """Return the cast of a home, None if it is not the home of a demo."""
    path = home / FILE
    return _read(path) if path.exists() else None


def _read(path: Path) -> Cast:
    current = json.loads(path.read_bytes())
    return Cast(
        seed=bytes.fromhex(current["seed"]),
        today=date.fromisoformat(current["today"]),
        certificates=current["certificates"],
        secrets={name: bytes.fromhex(value) for name, value in current["secrets"].items()},
    )


def _draw(certificates: int, today: date) -> bytes:
    names = [f"{kind}-{region}" for kind in ("registrar", "recovery") for region in REGIONS]
    drawn = {name: draw_secret().hex() for name in names}
    others = [f"{kind}-{name}" for kind in ("root", "witness") for name in OPERATORS]
    drawn |= {name: os.urandom(32).hex() for name in others}
    return format_canonical(
        {
            "seed": secrets.token_hex(32),
            "today": today.isoformat(),
            "certificates": certificates,
            "secrets": drawn,
        }
    )


def _ed25519(secret: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(secret)


def found_ledger(cast: Cast, operator: SignedPart, domain: Domain, *, now: int) -> SignedFounding:
    """Return the demo's founding document, which every region has signed.

    The national office registers issuers; the others hold a root key and run a witness too.
    """
    parts = [operator, *(_part(cast, region, name) for region, name in REGIONS.items())]
    terms = FoundingTerms(
        ends=now + 365 * DAY,
        root_threshold=THRESHOLD,
        witness_threshold=THRESHOLD,
        ways=(Way.NODE, Way.RPC, Way.WITNESSES),
        ages={code: category.max_age_days * DAY for code, category in domain.categories.items()},
    )
    signed = SignedFounding(founding=Founding.of(NAME, parts, terms))
    for region in REGIONS:
        signed = signed.signed_by(region, cast.registrar(region))
    return signed


def _part(cast: Cast, region: int, name: str) -> SignedPart:
    secrets = RegionKeys(registrar=cast.registrar(region))
    if name not in OPERATORS:
        return make_part(region, name, secrets, recovery=cast.recovery(region))
    address = WitnessAddress(name=f"{name}.witness.example", url=f"https://{name}.witness.example")
    secrets = replace(secrets, root=cast.root(name), witness=cast.witness(name))
    return make_part(region, name, secrets, witness=address, recovery=cast.recovery(region))


def first_policy(cast: Cast, signed: SignedFounding, deployment: Deployment) -> SignedPolicy:
    """Return the demo's trust policy, made of its founding and signed by its roots."""
    signed.require_complete()
    policy = signed.founding.policy(pin_of(signed.founding, deployment))
    return sign(policy, cast.roots())
