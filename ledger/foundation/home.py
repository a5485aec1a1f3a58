"""The home of a region: the keys of its registrar, its root and its witness, and its part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certledger.ledger import keys
from certledger.ledger.foundation.errors import FoundationError
from certledger.ledger.foundation.part import (
    MAX_PART_BYTES,
    REGISTRAR,
    ROOT,
    WITNESS,
    RegionPart,
    RootPart,
    SignedPart,
    WitnessPart,
    sign_part,
)
from certledger.ledger.keys import Signer
from certledger.verifier.files import read_file, write_atomically
from certledger.verifier.formats.canonical_json import parse_canonical

PART = "part.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionKeys:
    """The secrets behind a region's part; root and witness where it has them."""

    registrar: Signer | None = None
    root: Ed25519PrivateKey | None = None
    witness: Ed25519PrivateKey | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WitnessAddress:
    """A witness's name in the policy, and where it will answer."""

    name: str
    url: str
    replaces: str | None = None


def make_part(
    region: int,
    operator: str,
    secrets: RegionKeys,
    *,
    witness: WitnessAddress | None = None,
    recovery: bytes | None = None,
    replaced_root: bytes | None = None,
) -> SignedPart:
    """Return a region's part, signed by each of its keys; `witness` goes with a witness's key."""
    part = RegionPart(
        region=region,
        operator=operator,
        registrar=secrets.registrar.address if secrets.registrar else None,
        recovery=recovery,
        root=RootPart(key=public_bytes(secrets.root), replaces=replaced_root)
        if secrets.root
        else None,
        witness=WitnessPart(
            name=witness.name,
            key=public_bytes(secrets.witness),
            url=witness.url,
            replaces=witness.replaces,
        )
        if secrets.witness and witness
        else None,
    )
    # What came from a command line is read as what comes from a file.
    part = RegionPart.from_json(part.to_json())
    accounts = {REGISTRAR: secrets.registrar} if secrets.registrar else {}
    own: Mapping[str, Ed25519PrivateKey | None] = {ROOT: secrets.root, WITNESS: secrets.witness}
    return sign_part(
        part, accounts, {name: key for name, key in own.items() if key and name in part.keys}
    )


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Return the public key (32 bytes) of a secret one."""
    return key.public_key().public_bytes_raw()


@dataclass(frozen=True, kw_only=True, slots=True)
class RegionHome:
    """A region's folder.  Its keys never leave it; its part does, and is public."""

    folder: Path

    @classmethod
    def create(
        cls,
        folder: Path,
        region: int,
        operator: str,
        passphrase: str,
        *,
        witness: WitnessAddress | None,
        recovery: bytes | None = None,
    ) -> RegionHome:
        """Make a region's keys and its part, signed by them.

        Raises:
            FoundationError: `foundation.home`, the folder has a part already.
            KeyUnusableError: a key is there already, or the passphrase is empty.
            MalformedError: the region, a name or the address is none.
        """
        home = cls(folder=folder)
        if (folder / PART).exists():
            raise FoundationError("home", f"{folder} has a part already: show it with found show")
        probe = RegionPart(region=region, operator=operator, recovery=recovery)
        RegionPart.from_json(probe.to_json())  # Before any key is made.
        (folder / "keys").mkdir(parents=True, exist_ok=True, mode=0o700)
        registrar = keys.save_keystore(home.registrar_file, keys.draw_secret(), passphrase)
        secrets = RegionKeys(
            registrar=registrar,
            root=home.draw_key(ROOT, passphrase),
            witness=home.draw_key(WITNESS, passphrase) if witness else None,
        )
        part = make_part(region, operator, secrets, witness=witness, recovery=recovery)
        write_atomically(folder / PART, part.format())
        return home

    @property
    def registrar_file(self) -> Path:
        """The registrar's keystore."""
        return self.folder / "keys" / "registrar.json"

    def part(self) -> SignedPart:
        """Return the part that this home brought.

        Raises:
            FoundationError: `foundation.home`, there is none.
        """
        path = self.folder / PART
        if not path.exists():
            raise FoundationError(
                "home", f"{self.folder} is no region's home: found join makes one"
            )
        return SignedPart.from_json(
            parse_canonical(read_file(path, MAX_PART_BYTES), MAX_PART_BYTES)
        )

    def region_part(self) -> RegionPart:
        """Return the same without signatures."""
        part = self.part().part
        if not isinstance(part, RegionPart):
            raise FoundationError("home", f"{self.folder} is an operator's home")
        return part

    def draw_key(self, purpose: str, passphrase: str) -> Ed25519PrivateKey:
        """Make the next key of a root or witness, next to those before it."""
        key = Ed25519PrivateKey.generate()
        place = len(self._files(purpose)) + 1
        (self.folder / "keys").mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / "keys" / f"{purpose}-{place}.pem"
        keys.save_pem_key(path, key, passphrase)
        return key

    def secret_keys(self, purpose: str, passphrase: str) -> list[Ed25519PrivateKey]:
        """Return all keys of a root or witness, the newest first.

        Raises:
            KeyUnusableError: the passphrase does not open one.
        """
        found = [keys.load_pem_key(path, passphrase) for path in self._files(purpose)]
        return [key for key in reversed(found) if isinstance(key, Ed25519PrivateKey)]

    def _files(self, purpose: str) -> list[Path]:
        found = list((self.folder / "keys").glob(f"{purpose}-*.pem"))
        return sorted(found, key=lambda path: (len(path.name), path.name))
