"""The folder of an issuer: its key, secret, catalog and register."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from certledger.ledger.issuer.certificate_register import IssuanceDatabase
from certledger.ledger.keys import (
    Signer,
    draw_secret,
    keystore_address,
    load_keystore,
    save_keystore,
)
from certledger.ledger.sealing.records import SECRET_SIZE, certificate_id
from certledger.ledger.sealing.text import refusal_of
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    format_canonical,
    from_hex,
    parse,
)
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.issuer_state import ISSUER, region_of
from certledger.verifier.vocabulary import IssuerKind

MAX_CATALOG_BYTES = 16 * 2**20
_PROFILE, _KEY, _IDS = "body.json", "key.json", "ids.secret"
_CATALOG, _REGISTER = "catalog.json", "issued.sqlite"


class IssuerUnusableError(CertledgerError):
    """The folder is not an issuer's, or cannot become one."""

    code = "body.unusable"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """An issuer's code, kind and name, and the identity of its ledger (32 bytes)."""

    TYPE: ClassVar[str] = "certledger/body/1"

    issuer: str
    kind: IssuerKind
    name: str
    ledger: bytes

    def to_json(self) -> Json:
        """Return the profile as a JSON value."""
        return {
            "issuer": self.issuer,
            "kind": str(self.kind),
            "ledger": self.ledger.hex(),
            "name": self.name,
            "type": self.TYPE,
        }

    @classmethod
    def from_json(cls, value: Json) -> Profile:
        """Return the profile of a JSON value.

        Raises:
            MalformedError: an unknown, missing or ill-typed member.
        """
        read = Members(value, "body")
        read.const("type", cls.TYPE)
        kind = read.text("kind")
        if kind not in [str(member) for member in IssuerKind]:
            read.fail("kind", "known")
        profile = cls(
            issuer=read.text("issuer", ISSUER),
            kind=IssuerKind(kind),
            name=read.text("name", longest=128),
            ledger=from_hex(read.text("ledger"), 32),
        )
        read.done()
        region_of(profile.issuer)
        return profile


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerFolder:
    """An issuer's own folder; everything in it except profile and catalog is private."""

    folder: Path

    @classmethod
    def create(
        cls,
        folder: Path,
        profile: Profile,
        passphrase: str,
        *,
        random: Callable[[int], bytes] = os.urandom,
        work: int | None = None,
    ) -> IssuerFolder:
        """Create an issuer's folder with a new key and a new secret for its certificate ids.

        A key or a secret that is there already, from a copy or from an attempt that was cut short,
        stays; the passphrase must open the key.  Where a file cannot be written, nothing is left.
        `work` is scrypt's n for a new keystore, None for the standard.

        Raises:
            IssuerUnusableError: the folder is an issuer's already, or the name cannot be sealed.
            KeyUnusableError: the passphrase is empty, or does not open the key that is there.
            MalformedError: the code is invalid.
            OSError: the folder cannot be written.
        """
        region_of(profile.issuer)
        if (reason := refusal_of(profile.name)) is not None:
            raise IssuerUnusableError(f"the name is unfit for a certificate: {reason}")
        made = cls(folder=folder)
        if made.has_profile:
            raise IssuerUnusableError(f"{folder} is an issuer's folder already")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = [path for path in (folder / _KEY, folder / _IDS) if not path.exists()]
        try:
            made._complete(profile, passphrase, random, {} if work is None else {"work": work})
        except BaseException:
            for path in new:
                path.unlink(missing_ok=True)
            raise
        return made

    def _complete(
        self,
        profile: Profile,
        passphrase: str,
        random: Callable[[int], bytes],
        options: Mapping[str, int],
    ) -> None:
        """Make what the folder lacks; the profile last, so that without it there is no issuer."""
        if self.keystore.exists():
            self.signer(passphrase)
        else:
            save_keystore(self.keystore, draw_secret(random), passphrase, **options)
        if (self.folder / _IDS).exists():
            self.secret()
        else:
            secret = random(SECRET_SIZE).hex().encode() + b"\n"
            write_atomically(self.folder / _IDS, secret, private=True)
        self.save_profile(profile)

    @property
    def has_profile(self) -> bool:
        """Whether the folder says whose it is."""
        return (self.folder / _PROFILE).exists()

    def save_profile(self, profile: Profile) -> None:
        """Write whose folder it is."""
        write_atomically(self.folder / _PROFILE, format_canonical(profile.to_json()))

    def remove_profile(self) -> None:
        """Forget whose folder it is; key and secret stay."""
        (self.folder / _PROFILE).unlink(missing_ok=True)

    @property
    def keystore(self) -> Path:
        """The file of the issuer's key."""
        return self.folder / _KEY

    @property
    def register(self) -> IssuanceDatabase:
        """The register of issued certificates."""
        return IssuanceDatabase(path=self.folder / _REGISTER, id_of=self._id_of)

    def _id_of(self, category: str, number: str) -> bytes:
        return certificate_id(self.secret(), self.profile().issuer, category, number)

    def profile(self) -> Profile:
        """Read the issuer's profile.

        Raises:
            IssuerUnusableError: the folder has none.
            MalformedError: it is damaged.
        """
        return Profile.from_json(parse(self._read(_PROFILE), 65_536))

    def address(self) -> bytes:
        """Return the address of the issuer's key (20 bytes), without opening it."""
        return keystore_address(self.keystore)

    def signer(self, passphrase: str) -> Signer:
        """Return the signer of the issuer's key.

        Raises:
            KeyUnusableError: the passphrase does not open it.
        """
        return load_keystore(self.keystore, passphrase)

    @property
    def has_catalog(self) -> bool:
        """Whether the folder has a catalog, under which certificates may be sealed."""
        return (self.folder / _CATALOG).exists()

    def secret(self) -> bytes:
        """Read the secret of the issuer's certificate ids (32 bytes).

        Raises:
            IssuerUnusableError: the file is missing.
            MalformedError: it is damaged.
        """
        return from_hex(self._read(_IDS).decode("ascii", "replace").strip(), SECRET_SIZE)

    def catalog(self) -> Catalog:
        """Read the issuer's catalog.

        Raises:
            IssuerUnusableError: there is none yet.
            MalformedError: it is damaged.
        """
        return Catalog.from_json(parse(self._read(_CATALOG), MAX_CATALOG_BYTES))

    def save_catalog(self, catalog: Catalog) -> None:
        """Write the catalog under which certificates are sealed."""
        write_atomically(self.folder / _CATALOG, format_canonical(catalog.to_json()))

    def _read(self, name: str) -> bytes:
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            reason = f"{self.folder / name} cannot be read: {error.strerror}"
            raise IssuerUnusableError(reason) from error
