"""Settings: one frozen value from arguments, variables and one TOML file.

Precedence: argument, variable `CERTLEDGER_*`, `certledger.toml` in the home, default.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from certledger.ledger.intake.pending_state import IntakeLimits
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.files import write_atomically
from certledger.verifier.http_client import require_secure

PREFIX = "CERTLEDGER_"
FILE = "certledger.toml"
EMBEDDED = "embedded"
HIDDEN = "********"


class SettingsUnusableError(CertledgerError):
    """A setting is unknown or has an invalid value."""

    code = "settings.unusable"
    exit_status = ExitStatus.UNUSABLE


class Settings(BaseSettings):
    """All settings.  Secrets are printed as stars."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=True,
    )

    home: Path = Field(
        default=Path("~/.certledger"),
        description="folder of everything this ledger keeps: chain, database, keys, policy",
    )
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="where the ledger remembers: sqlite:///FILE or postgresql://USER@HOST/NAME;"
        " by default a SQLite file in the home",
    )
    chain_url: SecretStr = Field(
        default=SecretStr(EMBEDDED),
        description="JSON-RPC address of the chain, several separated by commas that stand in for"
        " one another, or `embedded` for the chain in the home",
    )
    plain_http: bool = Field(
        default=False,
        description="let the chain's nodes be asked by plain http elsewhere than on this machine,"
        " over a network of one's own",
    )
    host: str = Field(default="127.0.0.1", description="address that `serve` listens on")
    port: int = Field(default=8080, ge=0, le=65_535, description="port of `serve`; 0 picks one")
    operator_key: Path = Field(
        default=Path("keys/operator.json"),
        description="keystore of the operator, who signs receipts and transactions;"
        " relative to the home",
    )
    operator_passphrase: SecretStr = Field(
        default=SecretStr(""), description="passphrase of the operator's keystore"
    )
    witnesses: dict[str, str] = Field(
        default_factory=dict,
        description="addresses of the policy's witnesses, by name, who are asked to cosign",
    )
    waiting_certificates: int = Field(
        default=IntakeLimits().waiting_certificates,
        ge=1,
        description="certificates that may wait to be anchored before intake refuses",
    )
    waiting_acts: int = Field(
        default=IntakeLimits().waiting_acts,
        ge=1,
        description="statements that may wait to be anchored before intake refuses",
    )
    issuer_certificates: int = Field(
        default=IntakeLimits().issuer_certificates,
        ge=1,
        description="certificates of one issuer that may wait before intake refuses its next",
    )
    issuer_acts: int = Field(
        default=IntakeLimits().issuer_acts,
        ge=1,
        description="statements of one issuer that may wait before intake refuses its next",
    )
    longest_wait: int = Field(
        default=IntakeLimits().longest_wait,
        ge=1,
        description="seconds that the oldest that can move may have waited before intake refuses",
    )
    longest_block: int = Field(
        default=300,
        ge=1,
        description="seconds without a new block after which the service says that none comes",
    )
    submission_bytes: int = Field(
        default=IntakeLimits().submission_bytes,
        ge=4096,
        description="greatest bytes of a submission",
    )
    anchored_within: int = Field(
        default=IntakeLimits().anchored_within,
        ge=1,
        description="seconds within which a receipt promises anchoring",
    )
    retry_after: int = Field(
        default=IntakeLimits().retry_after,
        ge=1,
        description="seconds after which to try again where intake is overloaded",
    )

    receipts_every: int = Field(
        default=86_400,
        ge=0,
        description="seconds after which receipts of verifications are anchored, all that wait",
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("database_url")
    @classmethod
    def _is_url(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            try:
                make_url(value.get_secret_value())
            except ArgumentError as error:
                raise ValueError(
                    "not like sqlite:///FILE or postgresql://USER@HOST/NAME"
                ) from error
        return value

    @field_validator("chain_url")
    @classmethod
    def _is_chain(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        nodes = [one.strip() for one in url.split(",")]
        if url != EMBEDDED and not all(one.startswith(("http://", "https://")) for one in nodes):
            raise ValueError("neither `embedded` nor an address that starts with http")
        return value

    @property
    def database(self) -> str:
        """The URL of the database, password included."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.home}/ledger.db"

    @property
    def chain(self) -> str | None:
        """The address of the chain's node with credentials; None for the embedded chain."""
        url = self.chain_url.get_secret_value()
        return None if url == EMBEDDED else url

    @property
    def operator_keystore(self) -> Path:
        """The operator's keystore."""
        return self.home / self.operator_key

    @property
    def limits(self) -> IntakeLimits:
        """Limits of intake."""
        return IntakeLimits(
            waiting_certificates=self.waiting_certificates,
            waiting_acts=self.waiting_acts,
            issuer_certificates=self.issuer_certificates,
            issuer_acts=self.issuer_acts,
            longest_wait=self.longest_wait,
            submission_bytes=self.submission_bytes,
            anchored_within=self.anchored_within,
            retry_after=self.retry_after,
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources in order of precedence."""
        arguments = (
            init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        )
        file = file_of(arguments)
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)


def file_of(arguments: Mapping[str, Any]) -> Path:
    """Return the TOML file of the home in arguments or variables."""
    home = arguments.get("home") or os.environ.get(f"{PREFIX}HOME")
    return Path(home or Settings.model_fields["home"].default).expanduser() / FILE


def load_settings(**arguments: Any) -> Settings:
    """Load the settings; an argument that is None counts as not given.

    Raises:
        SettingsUnusableError: a setting is unknown or ill-formed, or the file is no TOML.
        AddressInsecureError: a node on another machine has a plain http address.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].lower()}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise SettingsUnusableError(f"settings cannot be used: {faults}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsUnusableError(f"{file_of(given)} is no TOML: {error}") from error
    for url in (settings.chain or "").split(","):
        if not settings.plain_http:
            require_secure(url.strip(), "node")
    return settings


def save_settings(home: Path, **values: str | bool | Mapping[str, str] | None) -> None:
    """Write settings to the home's file, in place of those of the same names; None is left out.

    Names in a table that is there already stay; other lines of the file do too.

    Raises:
        SettingsUnusableError: the file is no TOML.
    """
    path = home / FILE
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        current = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsUnusableError(f"{path} is no TOML: {error}") from error
    for name, value in values.items():
        if isinstance(value, Mapping):
            merged = {**current.get(name, {}), **value}
            rows = "".join(f"{_toml(key)} = {_toml(merged[key])}\n" for key in sorted(merged))
            text = re.sub(rf"(?m)^\[{name}\]\n(?:[^\[].*\n|\n)*", "", text)
            text = f"{text.rstrip()}\n\n[{name}]\n{rows}".lstrip()
        elif value is not None:
            text = re.sub(rf"(?m)^{name} *=.*\n", "", text)
            text = f"{name} = {_toml(value)}\n{text}"
    if text:
        home.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode(), private=True)  # Addresses may hold credentials.


def _toml(value: str | bool) -> str:
    """Return a TOML value or quoted key: JSON spells both alike."""
    return json.dumps(value, ensure_ascii=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingRow:
    """A setting as `certledger settings` prints it."""

    name: str
    meaning: str
    value: str
    origin: str


def describe_settings(**arguments: Any) -> list[SettingRow]:
    """Return each setting with its meaning, value (secrets hidden) and origin.

    Raises:
        SettingsUnusableError: as `load_settings`.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    settings, file = load_settings(**given), file_of(given)
    written = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    variables = {name.upper() for name in os.environ}
    return [
        SettingRow(
            name=name,
            meaning=field.description or "",
            value=_shown(settings, name),
            origin=_origin(name, given, variables, written, file),
        )
        for name, field in Settings.model_fields.items()
    ]


def _origin(
    name: str,
    given: Mapping[str, Any],
    variables: set[str],
    written: Mapping[str, Any],
    file: Path,
) -> str:
    variable = f"{PREFIX}{name.upper()}"
    if name in given:
        return "argument"
    if variable in variables:
        return variable
    return str(file) if name in written else "default"


def _shown(settings: Settings, name: str) -> str:
    """Return a value for printing: secrets, and passwords inside addresses, as stars."""
    if name == "database_url":
        return make_url(settings.database).render_as_string(hide_password=True)
    if name == "chain_url":
        return _without_credentials(settings.chain_url.get_secret_value())
    value = getattr(settings, name)
    if isinstance(value, SecretStr):
        return HIDDEN if value.get_secret_value() else ""
    return str(value)


def _without_credentials(url: str) -> str:
    """Return addresses with scheme and host alone: any other part may contain a key."""
    if url == EMBEDDED:
        return url
    if "," in url:
        return ", ".join(_without_credentials(one.strip()) for one in url.split(","))
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    host = place.rpartition("@")[2]
    credentials = f"{HIDDEN}@" if "@" in place else ""
    return f"{scheme}://{credentials}{host}{slash}{HIDDEN if path else ''}"
