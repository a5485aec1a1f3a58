"""The first steps at an issuer's desk: ledger, issuer and key, registration, catalog.

Each step leaves a file, so that a desk that stops goes on where it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from certledger.api.local_desk.act_files import ActFile
from certledger.ledger.client.transport import ServerClient, ServerRefusedError
from certledger.ledger.issuer.catalogs import changed_catalog, sign_catalog
from certledger.ledger.issuer.folder import IssuerFolder, Profile
from certledger.ledger.issuer.registration import fetch_identity, request_registration
from certledger.ledger.issuer.synchronisation import (
    NOT_FOUND,
    VERSION,
    LedgerHead,
    fetch_head,
    next_value,
    restore_profile,
    synchronise,
)
from certledger.ledger.keys import Signer
from certledger.ledger.reference_data import load_domain
from certledger.ledger.sealing.text import refusal_of
from certledger.verifier.errors import CertledgerError, ExitStatus, MalformedError
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import from_hex
from certledger.verifier.formats.issuer_state import region_of
from certledger.verifier.http_client import (
    AddressInsecureError,
    is_server_address,
    require_secure,
)
from certledger.verifier.vocabulary import IssuerKind

if TYPE_CHECKING:
    from certledger.api.local_desk.desk import LocalDesk

MIN_PASSPHRASE_CHARACTERS = 8
MAX_NAME_CHARACTERS = 128
FIRST_PATIENCE_SECONDS = 5.0
"""How long the first question to an address may take, which may be mistyped."""
UNKNOWN_ISSUER = "body.unknown"
_IDENTITY = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")
_UNAUTHORIZED = 401
KINDS = tuple(kind for kind in IssuerKind if kind is not IssuerKind.OPERATOR)


class FirstStepError(CertledgerError):
    """What was typed cannot be used; `name` is that of the sentence, `detail` stands beside it."""

    exit_status = ExitStatus.UNUSABLE

    def __init__(self, name: str, detail: str = "") -> None:
        super().__init__(detail or name)
        self.name, self.detail = name, detail
        self.code = f"setup.{name}"


class FirstStep(StrEnum):
    """What is to be done next; `DONE` where sheets can be issued."""

    LEDGER = "ledger"
    ISSUER = "issuer"
    REGISTRATION = "registration"
    CATALOG = "catalog"
    DONE = "done"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenService:
    """The service and the ledger that were chosen, in a file of the desk."""

    server: str
    identity: bytes

    @classmethod
    def load(cls, folder: Path) -> ChosenService | None:
        """Read what was chosen, None before that."""
        path = folder / _SERVICE
        if not path.exists():
            return None
        found = json.loads(path.read_bytes())
        return cls(server=str(found["server"]), identity=bytes.fromhex(found["identity"]))

    def save(self, folder: Path) -> None:
        """Store what was chosen."""
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        value = {"identity": self.identity.hex(), "server": self.server}
        write_atomically(folder / _SERVICE, json.dumps(value).encode())


_SERVICE = "service.json"


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """The first steps of a desk."""

    desk: LocalDesk

    @property
    def registration(self) -> ActFile:
        """The request for registration."""
        return ActFile(self.desk.folder / "registration.json")

    @property
    def catalog(self) -> ActFile:
        """The change of the catalog that waits."""
        return ActFile(self.desk.folder / "catalog-change.json")

    @property
    def service(self) -> ChosenService | None:
        """The service and ledger that were chosen."""
        return ChosenService.load(self.desk.folder)

    def next_step(self, language: str = "en") -> FirstStep:
        """Return what is to be done next; the service is asked where only it knows.

        Raises:
            CertledgerError: it does not say, and there is nothing to wait with.
        """
        issuer = self.desk.issuer
        if issuer.has_profile and issuer.has_catalog and self.desk.server:
            return FirstStep.DONE
        if not self.desk.server:
            return FirstStep.LEDGER
        if not issuer.has_profile:
            return FirstStep.LEDGER if self.service is None else FirstStep.ISSUER
        try:
            head = self.head(language)
        except CertledgerError:
            if self.registration.exists:
                return FirstStep.REGISTRATION
            raise
        if head is None:
            return FirstStep.REGISTRATION
        if not any(head.catalog):
            return FirstStep.CATALOG
        synchronise(issuer, self.desk.client(language), follow_catalog=True)
        return FirstStep.DONE

    def head(self, language: str = "en") -> LedgerHead | None:
        """Return the issuer's counters on the ledger, None where it is not registered.

        Raises:
            CertledgerError: the service does not say.
        """
        try:
            return fetch_head(self.desk.client(language), self.desk.issuer.profile().issuer)
        except ServerRefusedError as refusal:
            if refusal.code == UNKNOWN_ISSUER:
                return None
            raise

    # Ledger ------------------------------------------------------------------------------------

    def choose_ledger(self, server: str, identity: str, token: str) -> None:
        """Choose the service and its ledger, which must be the one that was published.

        Raises:
            FirstStepError: address, identity or API key cannot be used.
            ServerUnreachableError, AnswerInvalidError: no service answers there.
        """
        server = server.rstrip("/")
        if not is_server_address(server):
            raise FirstStepError("address")
        try:
            require_secure(server, "server")
        except AddressInsecureError as error:
            raise FirstStepError("insecure") from error
        written = _IDENTITY.fullmatch(re.sub(r"\s", "", identity))
        if written is None:
            raise FirstStepError("identity")
        chosen = ChosenService(server=server, identity=from_hex(written[1].lower(), 32))
        if (found := fetch_identity(_asking(server))) != chosen.identity:
            raise FirstStepError("other_ledger", found.hex())
        issuer = self.desk.issuer
        if issuer.has_profile and issuer.profile().ledger != chosen.identity:
            raise FirstStepError("other_ledger", issuer.profile().ledger.hex())
        if token:
            _check_token(server, token)
        with self.desk.lock:
            chosen.save(self.desk.folder)
            self.desk.server = server
            self.desk.token = token or self.desk.token

    # Issuer and key ----------------------------------------------------------------------------

    def name_issuer(
        self, code: str, kind: str, name: str, passphrase: str, again: str, language: str = "en"
    ) -> None:
        """Make the issuer's folder and key, and sign the request for registration.

        A key that is there already is used, if the passphrase opens it.

        Raises:
            FirstStepError: what was typed cannot be used.
            KeyUnusableError: the passphrase does not open the key that is there.
            OSError: the folder cannot be written; nothing new is left in it.
        """
        chosen = self.service
        if chosen is None:
            raise FirstStepError("identity")
        profile = Profile(
            issuer=_code_of(code),
            kind=_kind_of(kind),
            name=_name_of(name),
            ledger=chosen.identity,
        )
        issuer = self.desk.issuer
        if not issuer.keystore.exists():
            if len(passphrase) < MIN_PASSPHRASE_CHARACTERS:
                raise FirstStepError("short")
            if passphrase != again:
                raise FirstStepError("differ")
        with self.desk.lock:
            if self._is_registered(profile.issuer, language):
                self._restore(profile, passphrase, language)
                return
            made = IssuerFolder.create(issuer.folder, profile, passphrase, work=self.desk.key_work)
            self._request(made.signer(passphrase))

    def _is_registered(self, code: str, language: str) -> bool:
        """Return whether the ledger has an issuer of this code; unknown without an API key."""
        if self.desk.token is None:
            return False
        try:
            self.desk.client(language).ask("GET", f"/v1/issuers/{code}")
        except ServerRefusedError as refusal:
            if refusal.status == NOT_FOUND:
                return False
            raise
        return True

    def _restore(self, profile: Profile, passphrase: str, language: str) -> None:
        """Take over key and secret from a copy, for an issuer that the ledger has already."""
        issuer = self.desk.issuer
        if not issuer.keystore.exists():
            raise FirstStepError("registered", str(issuer.folder))
        issuer.signer(passphrase)
        restore_profile(issuer, self.desk.client(language), profile.issuer, profile.ledger)

    # Registration ------------------------------------------------------------------------------

    def request(self, passphrase: str) -> None:
        """Sign a request for registration, in place of one that is over.

        Raises:
            KeyUnusableError: the passphrase does not open the key.
        """
        with self.desk.lock:
            self._request(self.desk.issuer.signer(passphrase))

    def correct(self, language: str = "en") -> None:
        """Go back to the issuer's name and code, which no registrar has signed; the key stays.

        Raises:
            FirstStepError: the issuer is registered.
        """
        with self.desk.lock:
            if self.desk.token is not None and self.head(language) is not None:
                raise FirstStepError("registered", str(self.desk.issuer.folder))
            self.desk.issuer.remove_profile()
            self.registration.remove()

    def _request(self, signer: Signer) -> None:
        now = int(self.desk.clock())
        self.desk.folder.mkdir(exist_ok=True, mode=0o700)
        self.registration.save(request_registration(self.desk.issuer, signer, now=now))

    # Catalog -----------------------------------------------------------------------------------

    def change_catalog(
        self, categories: Sequence[str], passphrase: str, language: str = "en"
    ) -> None:
        """Sign a catalog of these categories; the registrar signs next.

        Raises:
            FirstStepError: no category was chosen.
            KeyUnusableError: the passphrase does not open the key.
            ServerRefusedError, ServerUnreachableError: as they say.
        """
        if not categories:
            raise FirstStepError("nothing_chosen")
        issuer, client = self.desk.issuer, self.desk.client(language)
        with self.desk.lock:
            entries = issuer.catalog().entries if issuer.has_catalog else ()
            changed = changed_catalog(entries, categories, load_domain())
            if issuer.has_catalog and changed.root() == issuer.catalog().root():
                raise FirstStepError("nothing_changes")
            signer = issuer.signer(passphrase)
            version = next_value(issuer, VERSION, client)
            self.desk.folder.mkdir(exist_ok=True, mode=0o700)
            self.catalog.remove()
            sign_catalog(
                issuer,
                changed,
                signer,
                version=version,
                now=int(self.desk.clock()),
                place=self.catalog.file,
            )
            self.catalog.send(client)

    def follow_catalog(self, language: str = "en") -> bool:
        """Take over the ledger's catalog once the change that waited is in force.

        Raises:
            ServerRefusedError, ServerUnreachableError: as they say.
        """
        waiting = self.catalog
        head = self.head(language)
        envelope = waiting.read() if waiting.exists else None
        if head is None or envelope is None or envelope.catalog is None:
            return False
        if head.catalog != envelope.catalog.root():
            return False
        with self.desk.lock:
            synchronise(self.desk.issuer, self.desk.client(language), follow_catalog=True)
            waiting.remove()
        return True


def _asking(server: str, token: str | None = None) -> ServerClient:
    return ServerClient(
        url=server, token=token, patience=FIRST_PATIENCE_SECONDS, timeout=FIRST_PATIENCE_SECONDS
    )


def _check_token(server: str, token: str) -> None:
    """Check that a service knows an API key."""
    if not token.isascii() or not token.isprintable():
        raise FirstStepError("api_key")
    try:
        _asking(server, token).ask("GET", "/v1/policy")
    except ServerRefusedError as refusal:
        if refusal.status == _UNAUTHORIZED:
            raise FirstStepError("api_key") from refusal


def _code_of(text: str) -> str:
    code = re.sub(r"\s", "", text).upper()
    try:
        region_of(code)
    except MalformedError as error:
        raise FirstStepError("code") from error
    return code


def _kind_of(text: str) -> IssuerKind:
    if text not in KINDS:
        raise FirstStepError("kind")
    return IssuerKind(text)


def _name_of(text: str) -> str:
    if (reason := refusal_of(text)) is not None:
        raise FirstStepError("name", reason)
    if len(text) > MAX_NAME_CHARACTERS:
        raise FirstStepError("name", f"{len(text)} > {MAX_NAME_CHARACTERS}")
    return text
