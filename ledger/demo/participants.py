"""Participants of the demo: registrars, roots, witnesses and issuers, with their keys."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certledger.ledger.keys import Signer, draw_secret, signer_of
from certledger.ledger.reference_data import Domain
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.policy import (
    READABLE,
    LedgerPin,
    Roots,
    Trust,
    TrustPolicy,
    WitnessKey,
)
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
"""Operators of the witnesses, ascending."""
THRESHOLD = 3
_DAY = 86_400
_ROOTS = 3


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

    def registrars(self) -> list[tuple[int, bytes]]:
        """Return every region with its registrar's address."""
        return [(region, self.registrar(region).address) for region in REGIONS]

    def roots(self) -> list[Ed25519PrivateKey]:
        """Return the root keys of the trust policy."""
        return [_ed25519(self.secrets[f"root-{number}"]) for number in range(_ROOTS)]

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
    names = [f"registrar-{region}" for region in REGIONS]
    drawn = {name: draw_secret().hex() for name in names}
    others = [f"root-{n}" for n in range(_ROOTS)] + [f"witness-{name}" for name in OPERATORS]
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


def make_policy(cast: Cast, pin: LedgerPin, domain: Domain, *, now: int) -> SignedPolicy:
    """Return the trust policy of the demo, signed by its roots; three of four operators count."""
    roots = cast.roots()
    keys = tuple(sorted(key.public_key().public_bytes_raw() for key in roots))
    ages = {code: category.max_age_days * _DAY for code, category in domain.categories.items()}
    policy = TrustPolicy(
        version=1,
        ends=now + 365 * _DAY,
        roots=Roots(keys=keys, threshold=2),
        ledgers=(pin,),
        trust=Trust(ways=(Way.NODE, Way.RPC, Way.WITNESSES), threshold=THRESHOLD, confirmations=12),
        witnesses=tuple(
            WitnessKey(
                operator=name,
                name=f"{name}.witness.example",
                key=cast.witness(name).public_key().public_bytes_raw(),
                start=0,
            )
            for name in OPERATORS
        ),
        block_lag=600,
        default_age=7 * _DAY,
        ages=dict(sorted(ages.items())),
        clock_tolerance=300,
        presentation_age=600,
        evidence=READABLE,
        countersignature=False,
    )
    return sign(policy, roots)
