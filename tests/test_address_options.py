"""Every option that takes an address of a node or a server asks for https beyond this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import httpx
import pytest
from click.testing import CliRunner

from certledger.api.auth import oidc
from certledger.ledger.settings import load_settings
from certledger.verifier.cli.address_options import AddressType
from certledger.verifier.cli.main import main
from certledger.verifier.http_client import AddressInsecureError, require_secure
from tests.test_policy_options import commands, options

ELSEWHERE = "http://node.example:8545/path"
NODES = [
    *((name, "--rpc") for name in ("audit", "registrar hold", "registrar queue",
                                   "registrar release", "registrar review", "registrar sign",
                                   "submit", "witness")),
    *((name, "--chain") for name in ("demo", "found deploy", "found operator", "join")),
    ("chain", "--follow"),
    *(
        (name, option)
        for name in ("decision replay", "sample check", "snapshot check", "snapshot fetch",
                     "verify", "verify-receipt")
        for option in ("--rpc", "--trust-node")
    ),
]  # fmt: skip
SERVERS = [
    *((name, "--server") for name in ("ask", "codes", "hooks add", "hooks events", "hooks failed",
                                      "hooks list", "hooks remove", "registrar hold",
                                      "registrar release", "submit",
                                      "catalog sign", "evidence", "issuer sync", "issuer-desk",
                                      "seal", "status resume", "status revoke", "status supersede",
                                      "status suspend")),
    *((name, "--url") for name in ("found join", "found key", "found operator")),
    ("audit", "--data"),
    ("serve", "--oidc-issuer"),
    ("snapshot fetch", "--from"),
    ("witness", "--published"),
]  # fmt: skip
NOT_ASKED = {("serve", "--chain"), ("serve", "--public-url")}
"""The settings judge the chain's nodes, by the same rule; the public address is the service's."""
TAKING = {"--rpc", "--trust-node", "--server", "--chain", "--data", "--published"}
"""How options are called that take addresses, if their type does not tell."""
SECURE = [
    "https://node.example", "http://127.0.0.1:8545", "http://127.9.9.9", "http://[::1]:8545/rpc",
    "http://localhost", "HTTP://LOCALHOST:1", "/a/folder", "folder",
]  # fmt: skip
INSECURE = [
    ELSEWHERE, "HTTP://node.example", "http://10.0.0.1", "http://localhost.example",
    "http://127.0.0.1@node.example", "http://127.0.0.1.node.example", " http://node.example",
    "ht\ntp://node.example", "http://[::ffff:10.0.0.1]/", "http://0.0.0.0:1", "http:///rpc",
]  # fmt: skip


def test_every_option_that_takes_an_address_is_in_the_table() -> None:
    typed, named = set(), set()
    for name, command in commands():
        for option, parameter in options(command).items():
            if isinstance(parameter.type, AddressType):
                typed.add((name, option))
            if option in TAKING or "URL" in (parameter.make_metavar(click.Context(command)) or ""):
                named.add((name, option))
    assert typed == {*NODES, *SERVERS}
    assert named - typed == NOT_ASKED | {("hooks add", "url")}  # Which the service judges.


@pytest.mark.parametrize(("name", "option"), [*NODES, *SERVERS])
def test_plain_http_elsewhere_is_refused(name: str, option: str) -> None:
    kind = "node" if (name, option) in NODES else "server"
    ran = CliRunner().invoke(main, [*name.split(), option, ELSEWHERE])

    assert (ran.exit_code, ran.stdout) == (2, "")
    assert f"({kind}.insecure)" in ran.stderr


@pytest.mark.parametrize("name", ["ask", "hooks list", "submit"])
def test_the_environment_is_no_way_around(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CERTLEDGER_SERVER", ELSEWHERE)
    words = {"ask": [__file__, "--operator", "0x"], "hooks list": [], "submit": [__file__]}[name]
    ran = CliRunner().invoke(main, [*name.split(), *words])

    assert (ran.exit_code, "(server.insecure)" in ran.stderr) == (2, True)


@pytest.mark.parametrize("url", SECURE)
def test_https_and_this_machine_are_taken(url: str) -> None:
    assert require_secure(url, "node") == url


@pytest.mark.parametrize("url", INSECURE)
def test_whatever_leads_elsewhere_by_plain_http_is_not(url: str) -> None:
    with pytest.raises(AddressInsecureError) as caught:
        require_secure(url, "node")
    assert (caught.value.code, caught.value.exit_status) == ("node.insecure", 2)


@pytest.mark.parametrize("last", [True, False], ids=["before", "after"])
def test_a_witness_may_be_told_that_the_network_is_its_own(last: bool) -> None:
    words = ["--plain-http", "--rpc", ELSEWHERE]
    ran = CliRunner().invoke(main, ["witness", *(words if last else [*words[1:], words[0]])])

    assert (ran.exit_code, "insecure" in ran.stderr) == (2, False)
    assert "Missing option" in ran.stderr


def test_a_ledgers_nodes_are_judged_however_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = ["serve", "--home", str(tmp_path), "--port", "0"]
    ran = CliRunner().invoke(main, [*served, "--chain", ELSEWHERE])
    assert (ran.exit_code, "(node.insecure)" in ran.stderr) == (2, True)
    allowed = CliRunner().invoke(main, [*served, "--chain", ELSEWHERE, "--plain-http"])
    assert (allowed.exit_code, "(ledger.absent)" in allowed.stderr) == (2, True)
    with pytest.raises(AddressInsecureError):
        load_settings(home=tmp_path, chain_url=f"https://node.example, {ELSEWHERE}")
    (tmp_path / "certledger.toml").write_text(f'chain_url = "{ELSEWHERE}"\n')
    with pytest.raises(AddressInsecureError):
        load_settings(home=tmp_path)
    assert load_settings(home=tmp_path, plain_http=True).chain == ELSEWHERE
    monkeypatch.setenv("CERTLEDGER_PLAIN_HTTP", "true")
    assert load_settings(home=tmp_path).chain == ELSEWHERE


def test_a_providers_keys_are_not_fetched_by_plain_http_from_elsewhere() -> None:
    async def fetch() -> None:
        async with httpx.AsyncClient() as client:
            await oidc.read_json(client, ELSEWHERE)

    with pytest.raises(AddressInsecureError):
        asyncio.run(fetch())
