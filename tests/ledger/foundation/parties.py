"""The parties of a founding with keys in memory, always the same for a name."""

from __future__ import annotations

from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certledger.ledger.foundation.document import DAY, Founding, FoundingTerms, SignedFounding
from certledger.ledger.foundation.home import RegionKeys, WitnessAddress, make_part
from certledger.ledger.foundation.part import OPERATOR, OperatorPart, SignedPart, sign_part
from certledger.ledger.keys import Signer, signer_of
from certledger.verifier.formats.policy import LedgerPin

NAMES = {31: "shanghai", 32: "jiangsu", 33: "zhejiang", 34: "anhui"}
NOW = 1_800_000_000
PIN = LedgerPin(
    name="长三角证照账本",
    chain_id=1_234_567,
    genesis=bytes(32),
    address=bytes(20),
    code_hash=bytes(32),
    identity=b"\x01" * 32,
    deployment=bytes(32),
)


def account(name: str) -> Signer:
    return signer_of(sha256(name.encode()).digest())


def ed25519(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())


def secrets_of(region: int) -> RegionKeys:
    return RegionKeys(
        registrar=account(f"registrar {region}"),
        root=ed25519(f"root {region}"),
        witness=ed25519(f"witness {region}"),
    )


def region_part(region: int, secrets: RegionKeys | None = None, name: str = "") -> SignedPart:
    operator = name or NAMES[region]
    address = WitnessAddress(name=f"{operator}.example", url=f"https://{operator}.example")
    return make_part(region, operator, secrets or secrets_of(region), witness=address)


def operator_part(chain_id: int = 1_234_567, genesis: bytes = bytes(32)) -> SignedPart:
    part = OperatorPart(
        name="示例运营",
        address=account("operator").address,
        url="https://ledger.example",
        chain_id=chain_id,
        genesis=genesis,
        embedded=True,
    )
    return sign_part(part, {OPERATOR: account("operator")}, {})


def parts() -> list[SignedPart]:
    return [operator_part(), *(region_part(region) for region in NAMES)]


def terms(roots: int = 3, witnesses: int = 3) -> FoundingTerms:
    return FoundingTerms(ends=NOW + 365 * DAY, root_threshold=roots, witness_threshold=witnesses)


def founded(*brought: SignedPart) -> SignedFounding:
    return SignedFounding(founding=Founding.of("长三角证照账本", brought or parts(), terms()))


def signed_by_all(document: SignedFounding) -> SignedFounding:
    for region in NAMES:
        document = document.signed_by(region, account(f"registrar {region}"))
    return document
