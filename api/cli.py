"""Commands of the service: `serve`, `desk`, `issuer-desk`, `apikey`, `verify-receipt`."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from certledger.verifier.cli.address_options import (
    SERVER,
    NodeChoice,
    node_options,
    plain_http_option,
)
from certledger.verifier.cli.policy_options import PolicyChoice, policy_options
from certledger.verifier.console import bilingual, print_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from certledger.api.auth.api_keys import KeyRing
    from certledger.api.service import Options
    from certledger.ledger.node import Ledger
    from certledger.ledger.settings import Settings
    from certledger.ledger.store import SqlStore
    from certledger.verifier.formats.policy import TrustPolicy
    from certledger.verifier.verify.operator_document import OperatorDocument
    from certledger.verifier.verify.receipt import AnchoredReceipt

_HOME = click.option(
    "--home",
    envvar="CERTLEDGER_HOME",
    type=click.Path(file_okay=False, path_type=Path),
    help="The ledger's folder (also CERTLEDGER_HOME).",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")
_ROLES = ("issuer", "counter", "partner", "auditor", "administrator")
_DAY = 86_400
_MAX_ANSWER_BYTES = 64 * 2**20
_OIDC = {
    "issuer": "An identity provider whose access tokens are accepted in addition to keys.",
    "client": "This service's client id there, for sign-in to the pages; the secret, if it has one,"
    " is read from CERTLEDGER_OIDC_CLIENT_SECRET.",
    "scope": "What sign-in asks the provider for; openid by default.",
    "audience": "What its tokens for this service name as their audience.",
    "roles": "The claim with the role; dots lead into objects, as in realm_access.roles.",
    "body": "The claim with the issuer that a token speaks for.",
    "counter": "The claim with the counter that a counter's token speaks for.",
    "region": "The claim with the region that a token is for.",
}
"""Options of `serve` for an identity provider: members of `Provider`."""


def _oidc_options(command: Callable[..., None]) -> Callable[..., None]:
    for name, what in reversed(_OIDC.items()):
        envvar = f"CERTLEDGER_OIDC_{name.upper()}"
        type_ = SERVER if name == "issuer" else click.STRING
        option = click.option(f"--oidc-{name}", name, type=type_, envvar=envvar, help=what)
        command = option(command)
    return command


@click.command()
@_HOME
@click.option("--host", help="The address to listen on, 127.0.0.1 by default.")
@click.option("--port", type=click.IntRange(0, 65_535), help="The port, 0 for a free one.")
@click.option("--chain", "chain_url", help="A node's address, instead of the chain in the home.")
@plain_http_option
@click.option(
    "--private-hooks", is_flag=True, help="Let web hooks call private addresses, and plain http."
)
@click.option(
    "--allow-origin", multiple=True, metavar="ORIGIN", help="Whose pages may call from a browser."
)
@click.option(
    "--public-url",
    envvar="CERTLEDGER_PUBLIC_URL",
    metavar="URL",
    help="The address that callers know the service by, which signed lists name.",
)
@_oidc_options
def serve(
    home: Path | None,
    host: str | None,
    port: int | None,
    chain_url: str | None,
    plain_http: bool,
    private_hooks: bool,
    allow_origin: tuple[str, ...],
    public_url: str | None,
    **oidc: str | None,
) -> None:
    """Serve the ledger of a home: chain, API and anchoring.

    Prints its address once it is ready.  SIGTERM finishes open requests; a restart resumes.
    """
    from certledger.api import server
    from certledger.api.auth.oidc import Provider
    from certledger.api.logging import log_to_stderr
    from certledger.ledger.settings import load_settings

    response: dict[str, Any] = {name: value for name, value in oidc.items() if value}
    if response and not {"issuer", "audience"} <= response.keys():
        raise click.UsageError("a provider needs --oidc-issuer and --oidc-audience")
    secret = os.environ.get("CERTLEDGER_OIDC_CLIENT_SECRET")
    provider = Provider(**response, client_secret=secret) if response else None
    lines = log_to_stderr()
    try:
        settings = load_settings(
            home=home, host=host, port=port, chain_url=chain_url, plain_http=plain_http or None
        )
        server.serve(
            partial(_opened, settings),
            host=settings.host,
            port=settings.port,
            ready=_tell_ready,
            options=_options(private_hooks, allow_origin, public_url),
            provider=provider,
        )
    finally:
        lines.close()


def _options(private: bool, origins: tuple[str, ...], url: str | None) -> Options:
    from certledger.api.service import Options

    address = None if url is None else url.rstrip("/")
    return Options(private_targets=private, origins=origins, public_url=address)


@contextmanager
def _opened(settings: Settings) -> Iterator[Ledger]:
    """Open the ledger of a home, with the witnesses of a demo."""
    from certledger.ledger.demo.witnesses import demo_witnesses
    from certledger.ledger.node import open_ledger

    with open_ledger(settings, heartbeat=_HEARTBEAT) as ledger, demo_witnesses(ledger):
        yield ledger


_HEARTBEAT = 30.0
"""Seconds after which an idle chain mines a block, so that verdicts stay fresh."""


def _tell_ready(url: str) -> None:
    print_line(f"certledger serves {url}")
    sys.stdout.flush()


@click.command("desk")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Where to write."
)
@click.option("--language", type=click.Choice(("zh", "en")), default="zh", show_default=True)
def desk(out: Path, language: str) -> None:
    """Write the offline desk as one HTML file, for a USB stick with policy and snapshot.

    It is opened in a browser from the stick itself, and calls no server.
    """
    from certledger.api.pages.offline import one_file
    from certledger.verifier.files import write_atomically

    write_atomically(out, one_file("zh" if language == "zh" else "en"))


@click.command("issuer-desk")
@click.option(
    "--body",
    "issuer_folder",
    default=lambda: Path.home() / "certledger-issuer",
    show_default="~/certledger-issuer",
    envvar="CERTLEDGER_BODY",
    type=click.Path(file_okay=False, path_type=Path),
    help="The issuer's own folder (also CERTLEDGER_BODY); made by the page where it is absent.",
)
@click.option(
    "--server",
    type=SERVER,
    envvar="CERTLEDGER_SERVER",
    help="Address of the service that batches are submitted to; else the one chosen on the page.",
)
@click.option("--token", envvar="CERTLEDGER_TOKEN", help="Its API key; else a page asks for it.")
@click.option(
    "--deployment",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file that says where the ledger is, so that a wallet can sign.",
)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="The port, 0 for any.")
def issuer_desk(
    issuer_folder: Path,
    server: str | None,
    token: str | None,
    deployment: Path | None,
    port: int,
) -> None:
    """Serve the issuer's desk to the browser of this computer: check, sign, submit, hand out.

    It does in a browser what `seal`, `submit`, `evidence` and `status` do. Where there is no issuer
    yet, its pages make the key and ask for registration. Prints a link that works once. Sheets,
    documents and keys stay on this computer; the service gets digests and signatures.
    """
    from certledger.api.local_desk.app import serve_desk
    from certledger.api.local_desk.desk import open_desk

    desk = open_desk(issuer_folder, server=server, token=token, deployment=deployment)
    serve_desk(desk, port, _tell_link)


def _tell_link(url: str) -> None:
    print_line(
        f"{bilingual('在本机浏览器打开（仅可用一次）', 'open in a browser here, works once')}:"
    )
    print_line(url)
    sys.stdout.flush()


# Keys -------------------------------------------------------------------------------------------


@click.group()
def apikey() -> None:
    """Keys of those who call the API."""


@apikey.command("create")
@_HOME
@click.option("--name", required=True, help="Whose key it is, for people.")
@click.option("--role", required=True, type=click.Choice(_ROLES))
@click.option("--issuer", help="The issuer that the key speaks for.")
@click.option("--counter", help="The counter that the key speaks for.")
@click.option("--region", type=click.IntRange(0, 99), help="The region that the key is for.")
@click.option("--scope", "scopes", multiple=True, help="An operation; without any, all of a role.")
@click.option("--days", type=click.IntRange(1, 3_650), help="How long it is good.")
@_JSON
def create(home: Path | None, as_json: bool, days: int | None, **asked: Any) -> None:
    """Make a key and show it, this once."""
    from certledger.api.auth.permissions import RULES
    from certledger.api.routes.api_keys import check_binding, key_to_json
    from certledger.ledger.core.service_values import ApiKey, Role

    now = int(time.time())
    asked["scopes"] = frozenset(asked["scopes"])
    if unknown := asked["scopes"] - RULES.keys():
        raise click.UsageError(f"there is no operation {sorted(unknown)[0]}")
    asked |= {"role": Role(asked["role"]), "expires": None if days is None else now + days * _DAY}
    check_binding(ApiKey(prefix="", digest=b"", created=now, **asked))
    key, text = _ring(home).create(**asked)
    _print(key_to_json(key) | {"key": text}, text, as_json=as_json)


@apikey.command("list")
@_HOME
@_JSON
def list_keys(home: Path | None, as_json: bool) -> None:
    """List all keys, without their secrets."""
    from certledger.api.routes.api_keys import key_to_json

    with _ring(home).store.begin(write=False) as unit:
        keys = [key_to_json(key) for key in unit.api_keys()]
    lines = "\n".join(
        f"{key['prefix']}  {key['role']:<13}  {_state(key)}  {key['name']}" for key in keys
    )
    _print({"keys": keys}, lines, as_json=as_json)


def _state(key: dict[str, Any]) -> str:
    if "revoked" in key:
        return f"revoked {key['revoked']}"
    return f"until {key['expires']}" if "expires" in key else "open"


@apikey.command("revoke")
@_HOME
@click.argument("prefix")
@_JSON
def revoke(home: Path | None, prefix: str, as_json: bool) -> None:
    """Shut off the key with this visible PREFIX."""
    if not _ring(home).revoke(prefix):
        raise click.UsageError(f"there is no open key {prefix}")
    _print({"revoked": prefix}, f"{prefix} is revoked", as_json=as_json)


@apikey.command("reset")
@_HOME
@_JSON
def reset(home: Path | None, as_json: bool) -> None:
    """Draw another secret where the old one (keys/api.pepper) is lost, and end every key.

    Keys and web hooks are made anew.  Nothing else may be running on the home or its database.
    """
    from certledger.ledger.settings import load_settings
    from certledger.ledger.store.pepper import renew_pepper

    store, path = _store(home), load_settings(home=home).home
    keys, hooks = renew_pepper(path, store, now=int(time.time()))
    text = f"{keys} keys are revoked and {hooks} web hooks removed: make them anew"
    _print({"hooks": hooks, "keys": keys}, text, as_json=as_json)


def _ring(home: Path | None) -> KeyRing:
    from certledger.api.auth.api_keys import KeyRing
    from certledger.ledger.settings import load_settings
    from certledger.ledger.store.pepper import load_pepper

    store = _store(home)
    pepper = load_pepper(load_settings(home=home).home, store)
    return KeyRing(store=store, pepper=pepper, clock=time.time)


def _store(home: Path | None) -> SqlStore:
    """Open the database of a home; it must have a ledger."""
    from certledger.ledger.chain.deploy import load_deployment
    from certledger.ledger.node import LedgerAbsentError
    from certledger.ledger.settings import load_settings
    from certledger.ledger.store import open_store

    settings = load_settings(home=home)
    deployment = load_deployment(settings.home)
    if deployment is None:
        raise LedgerAbsentError.of(settings.home)
    return open_store(settings.database, ledger=deployment.identity)


def _print(value: Any, text: str, *, as_json: bool) -> None:
    import orjson

    click.echo(orjson.dumps(value) if as_json else text)


# Receipts ---------------------------------------------------------------------------------------


@click.command("verify-receipt")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--operator", metavar="ADDRESS", help="The operator's address, 0x and 40 digits.")
@click.option(
    "--answer",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The service's whole answer, to compare with what was signed.",
)
@click.option(
    "--evidence",
    "evidence_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Evidence that the receipt is anchored, from /v1/verifications/REFERENCE/evidence.",
)
@policy_options("--home")
@node_options
@click.option("--at", "instant", metavar="TIME", help="Judge as of 2026-11-24T06:00:00Z.")
@_JSON
def verify_receipt(
    file: Path,
    operator: str | None,
    answer: Path | None,
    evidence_file: Path | None,
    policy: PolicyChoice,
    nodes: NodeChoice,
    instant: str | None,
    as_json: bool,
) -> None:
    """Check a verification receipt, offline.  FILE may be the service's whole response.

    Also a record of an edition, a decision or a sample, as /v1/records/REFERENCE gives it.

    With --evidence, check too that the receipt is in an anchored batch of the registered operator,
    who then cannot deny it; --operator is not needed in that case.

    Exits with 0 if the named or proved operator signed it, 3 if neither is given or the evidence
    cannot tell, 1 if it is not good, 2 if a file is not what it should be.
    """
    from certledger.ledger.verification.verification_receipt import VerificationReceipt
    from certledger.verifier.errors import ExitStatus
    from certledger.verifier.vocabulary import Outcome

    expected, response = _address(operator), None
    if evidence_file is None and policy.fingerprint is not None:
        raise click.UsageError("--fingerprint is of the policy that --evidence is judged by")
    trusted = None if evidence_file is None else policy.open()
    receipt, results = _read_receipt(file)
    if answer is not None:
        results = _read_receipt(answer)[1]
    receipt.check(expected)
    if results and isinstance(receipt, VerificationReceipt):
        receipt.check_results(results)
    if evidence_file is not None and trusted is not None:
        response = _check_anchored(receipt, evidence_file, trusted, nodes, instant)
    known = expected is not None if response is None else response.outcome is Outcome.PASS
    document = {
        "good": known,
        "operator": f"0x{receipt.operator.hex()}",
        "receipt": dict(receipt.content),
        "reference": receipt.reference,
        "results": bool(results),
    }
    if response is not None:
        document["anchored"] = response.to_json()
    _print(document, _sentence(receipt, known, response), as_json=as_json)
    if response is not None and response.outcome is Outcome.FAIL:
        raise SystemExit(ExitStatus.AGAINST)
    raise SystemExit(ExitStatus.OK if known else ExitStatus.UNDECIDED)


def _check_anchored(
    receipt: OperatorDocument,
    evidence_file: Path,
    policy: TrustPolicy,
    nodes: NodeChoice,
    instant: str | None,
) -> AnchoredReceipt:
    """Check that evidence proves a receipt anchored."""
    from certledger.verifier.cli.evidence_file import read_evidence
    from certledger.verifier.formats.canonical_json import parse_time
    from certledger.verifier.verify.full import Question
    from certledger.verifier.verify.receipt import check_anchored

    question = Question(
        policy=policy,
        judge=nodes.judge(policy),
        now=parse_time(instant) if instant else int(time.time()),
    )
    return check_anchored(
        read_evidence(evidence_file),
        question,
        file=receipt.format(),
        reference=receipt.reference,
        signer=receipt.operator,
    )


def _sentence(receipt: OperatorDocument, known: bool, response: AnchoredReceipt | None) -> str:
    signed = f"{receipt.reference} is signed by 0x{receipt.operator.hex()}"
    if response is not None:
        return f"{signed}; {response.sentence()}"
    return signed if known else f"{signed}; compare that with the operator's address (--operator)"


def _address(operator: str | None) -> bytes | None:
    if operator is None:
        return None
    try:
        address = bytes.fromhex(operator.removeprefix("0x"))
    except ValueError:
        address = b""
    if len(address) != 20:
        raise click.UsageError("an address is 0x and 40 hexadecimal digits")
    return address


def _read_receipt(file: Path) -> tuple[OperatorDocument, Sequence[bytes]]:
    """Read a receipt or record, with the results if the file is a whole response."""
    import orjson

    from certledger.ledger.verification.verification_receipt import VerificationReceipt
    from certledger.verifier.files import read_file
    from certledger.verifier.formats.canonical_json import parse
    from certledger.verifier.reform.operator_record import OperatorRecord, is_record

    value = parse(read_file(file, _MAX_ANSWER_BYTES), _MAX_ANSWER_BYTES)
    record = value.get("record", value) if type(value) is dict else value
    if is_record(record):
        return OperatorRecord.parse(orjson.dumps(record, option=orjson.OPT_SORT_KEYS)), ()
    if type(value) is not dict or "reference" not in value:
        return VerificationReceipt.from_json(value), ()
    listed = value.get("results", [value])
    results = [orjson.dumps(one["result"], option=orjson.OPT_SORT_KEYS) for one in listed]
    return VerificationReceipt.from_json(value["receipt"]), results
