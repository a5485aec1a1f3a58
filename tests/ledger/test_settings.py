"""Settings come from arguments, variables, one file and defaults, in that order."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from certledger.ledger.settings import (
    SettingRow,
    SettingsUnusableError,
    describe_settings,
    load_settings,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABASE_URL", "CHAIN_URL", "HOST", "PORT", "OPERATOR_PASSPHRASE"):
        monkeypatch.delenv(f"CERTLEDGER_{name}", raising=False)
    monkeypatch.setenv("CERTLEDGER_HOME", str(tmp_path))
    return tmp_path


def write(home: Path, text: str) -> None:
    (home / "certledger.toml").write_text(text, encoding="utf-8")


def row(name: str) -> SettingRow:
    (found,) = [row for row in describe_settings() if row.name == name]
    return found


def test_by_default_everything_lies_in_the_home(home: Path) -> None:
    settings = load_settings()
    assert settings.home == home
    assert settings.database == f"sqlite:///{home}/ledger.db"
    assert settings.chain is None
    assert settings.operator_keystore == home / "keys" / "operator.json"
    assert settings.host == "127.0.0.1"


def test_an_argument_counts_before_a_variable_before_the_file_before_the_default(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (row("port").value, row("port").origin) == ("8080", "default")
    write(home, "port = 9001")
    assert (row("port").value, row("port").origin) == ("9001", str(home / "certledger.toml"))
    monkeypatch.setenv("CERTLEDGER_PORT", "9002")
    assert (row("port").value, row("port").origin) == ("9002", "CERTLEDGER_PORT")
    assert load_settings(port=9003).port == 9003
    (found,) = [row for row in describe_settings(port=9003) if row.name == "port"]
    assert (found.value, found.origin) == ("9003", "argument")


def test_an_argument_that_is_none_is_not_given() -> None:
    assert load_settings(port=None, home=None).port == 8080


def test_the_file_is_that_of_the_home_that_is_asked_for(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write(other, 'chain_url = "http://127.0.0.1:8545"')
    assert load_settings(home=other).chain == "http://127.0.0.1:8545"
    assert load_settings().chain is None


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load_settings().port = 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("prot = 1", "prot"),
        ("port = 'many'", "port"),
        ("port = 70000", "port"),
        ("chain_url = 'ftp://node'", "chain_url"),
        ("database_url = 'somewhere'", "database_url"),
        ("waiting_acts = 0", "waiting_acts"),
        ("port = ", "TOML"),
    ],
)
def test_what_cannot_be_is_refused_by_name(home: Path, text: str, named: str) -> None:
    write(home, text)
    with pytest.raises(SettingsUnusableError, match=named):
        load_settings()


def test_secrets_are_hidden_wherever_settings_are_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTLEDGER_DATABASE_URL", "postgresql://ledger:hunter2@db/ledger")
    monkeypatch.setenv("CERTLEDGER_CHAIN_URL", "https://user:hunter2@node.example/hunter2")
    monkeypatch.setenv("CERTLEDGER_OPERATOR_PASSPHRASE", "hunter2")
    settings = load_settings()
    assert settings.database == "postgresql://ledger:hunter2@db/ledger"
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(describe_settings())
    assert row("database_url").value == "postgresql://ledger:***@db/ledger"
    assert row("operator_passphrase").value == "********"
    assert row("chain_url").value == "https://********@node.example/********"


def test_a_secret_does_not_leak_through_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTLEDGER_CHAIN_URL", "wss://hunter2@node")
    with pytest.raises(SettingsUnusableError) as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)


def test_every_setting_says_what_it_means() -> None:
    assert [row.name for row in describe_settings() if not row.meaning] == []


def test_the_file_itself_cannot_move_the_home(home: Path, tmp_path: Path) -> None:
    write(home, f"home = '{tmp_path}/elsewhere'")
    assert load_settings().home == home
