"""Commands that call a service over HTTP: `ask` for a counter, `hooks` for webhooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import orjson

from certledger.ledger.cli.console import THERE, Answer, answers, notice
from certledger.verifier.cli.address_options import SERVER
from certledger.verifier.cli.policy_options import PolicyChoice, policy_options
from certledger.verifier.console import print_json, print_line
from certledger.verifier.formats.canonical_json import Json

if TYPE_CHECKING:
    from certledger.ledger.client.service_client import SignedVerdict
    from certledger.ledger.client.transport import ServerClient

PATIENCE = 30.0
MAX_QUESTIONS = 1_000
_Command = TypeVar("_Command", bound=Callable[..., Any])


def server_options(command: _Command) -> _Command:
    """Add the options of the server, the API key and the patience."""
    for option in (
        click.option("--patience", default=PATIENCE, show_default=True, help="Seconds to try."),
        click.option("--token", envvar="CERTLEDGER_TOKEN", help="Your key (or CERTLEDGER_TOKEN)."),
        click.option(
            "--server",
            type=SERVER,
            envvar="CERTLEDGER_SERVER",
            required=True,
            help="Its address.",
        ),
    ):
        command = option(command)
    return command


# A counter ---------------------------------------------------------------------------------------


@click.command()
@click.argument("evidence", nargs=-1, required=True, type=THERE)
@policy_options("--home")
@click.option("--operator", required=True, metavar="ADDRESS", help="Who signs its receipts.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Keep the answer.")
@click.option("--language", type=click.Choice(("zh", "en")), default="zh", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@server_options
def ask(
    evidence: Sequence[Path],
    policy: PolicyChoice,
    operator: str,
    out: Path | None,
    language: str,
    as_json: bool,
    server: str,
    token: str | None,
    patience: float,
) -> None:
    """Ask a service of EVIDENCE files, and check its receipt instead of believing it.

    A file *.txt holds the text of a QR code, or a short link, of which a digest alone is sent.
    What --out keeps is for `verify-receipt`.  Exits as `verify` does: 0 if all are valid, 1 if any
    is not, 3 if for any it cannot tell, also because the service cannot be reached or its receipt
    does not check.
    """
    from certledger.ledger.client.service_client import Client
    from certledger.verifier.cli.verify import exit_status
    from certledger.verifier.files import write_atomically
    from certledger.verifier.formats.canonical_json import format_canonical, from_hex
    from certledger.verifier.vocabulary import Verdict as VerdictName

    if len(evidence) > MAX_QUESTIONS:
        raise click.UsageError(f"at most {MAX_QUESTIONS} files at once")
    client = Client(
        url=server,
        key=token,
        ledger=policy.open().ledgers[0],
        operator=from_hex(operator.removeprefix("0x").lower(), 20),
        patience=patience,
        language=language,
        notice=notice,
    )
    verdicts = client.verify([_question(file) for file in evidence])
    document = _document(verdicts)
    if out is not None:
        write_atomically(out, format_canonical(document))
    _show(evidence, verdicts, document, as_json=as_json)
    raise SystemExit(exit_status(VerdictName(one.verdict) for one in verdicts))


def _question(path: Path) -> Json:
    from certledger.verifier.cli.evidence_file import EvidenceFile
    from certledger.verifier.errors import MalformedError
    from certledger.verifier.formats.canonical_json import parse
    from certledger.verifier.formats.evidence import MAX_EVIDENCE_BYTES
    from certledger.verifier.formats.foreign_formats import SHORT_LINK, words_of

    file = EvidenceFile.read(path)
    if file.data is None:
        notice(f"{path} cannot be read")
        return {"evidence": {}}
    found = file.looks_like
    if found == SHORT_LINK:
        return _lookup(path, file.data)
    if code := file.code:
        return {"code": code}
    # The other files are asked about all the same; the service answers that this is no evidence.
    if found is not None:
        notice(f"{path} is no evidence: {words_of(found)}")
    try:
        return {"evidence": parse(file.data, MAX_EVIDENCE_BYTES)}
    except MalformedError as error:
        if found is None:
            notice(f"{path} is no evidence: {error} ({error.code})")
        return {"evidence": {}}


def _lookup(path: Path, data: bytes) -> Json:
    """Return the question of a short link: the digest of number and access code alone."""
    from certledger.verifier.errors import MalformedError
    from certledger.verifier.formats.record import lookup_digest
    from certledger.verifier.formats.short_link import ShortLink

    try:
        link = ShortLink.parse(data.decode("utf-8-sig", "replace"))
    except MalformedError as error:
        notice(f"{path} has no short link that can be read: {error} ({error.code})")
        return {"evidence": {}}
    if link.number is None:
        notice(f"the link in {path} has no number; look it up by the number on the certificate")
        return {"evidence": {}}
    return {"lookup": {"digest": lookup_digest(link.number, link.code).hex()}}


def _document(verdicts: Sequence[SignedVerdict]) -> Json:
    receipt = verdicts[0].receipt
    return {
        "receipt": receipt.to_json(),
        "reference": receipt.reference,
        "results": [{"result": one.result, "words": one.words} for one in verdicts],
    }


def _show(
    evidence: Sequence[Path], verdicts: Sequence[SignedVerdict], document: Json, *, as_json: bool
) -> None:

    if as_json:
        print_json(document)
        return
    for file, one in zip(evidence, verdicts, strict=True):
        as_of = f"  {one.result['as_of']}" if "as_of" in one.result else ""
        print_line(f"{one.words['mark']} {one.words['banner']}  {file}{as_of}")
    print_line(document["reference"])


# Webhooks ----------------------------------------------------------------------------------------


@click.group()
def hooks() -> None:
    """Webhooks of a service, failed deliveries, and the same events as a feed."""


def _asker(server: str, token: str | None, patience: float) -> ServerClient:
    from certledger.ledger.client.transport import ServerClient

    return ServerClient(url=server, token=token, patience=patience, notice=notice)


@hooks.command("add")
@click.argument("url")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    required=True,
    help="Kind of event to deliver; may be given several times.",
)
@server_options
@answers
def add(url: str, kinds: Sequence[str], server: str, token: str | None, patience: float) -> Answer:
    """Create a webhook that calls URL; its signing secret is shown this once."""
    asker = _asker(server, token, patience)
    headers = {"content-type": "application/json"}
    body = orjson.dumps({"url": url, "kinds": list(kinds)})
    found = asker.ask("POST", "/v1/hooks", content=body, headers=headers).json()
    return Answer(document=found)


@hooks.command("list")
@server_options
@answers
def list_hooks(server: str, token: str | None, patience: float) -> Answer:
    """List your webhooks."""
    asker = _asker(server, token, patience)
    found = asker.ask("GET", "/v1/hooks").json()
    rows = [(one["id"], f"{one['url']} {' '.join(one['kinds'])}") for one in found["hooks"]]
    return Answer(document=found, rows=rows or [("hooks", "none")])


@hooks.command("remove")
@click.argument("hook")
@server_options
@answers
def remove(hook: str, server: str, token: str | None, patience: float) -> Answer:
    """Delete the webhook HOOK."""
    asker = _asker(server, token, patience)
    asker.ask("DELETE", f"/v1/hooks/{hook}")
    return Answer(document={"removed": hook})


@hooks.command("failed")
@click.option("--replay", is_flag=True, help="Let each be tried again, from the start.")
@server_options
@answers
def failed(replay: bool, server: str, token: str | None, patience: float) -> Answer:
    """List the deliveries that fail: those tried again, with the time, and those given up."""
    asker = _asker(server, token, patience)
    found = asker.ask("GET", "/v1/deliveries/failed").json()
    for one in found["deliveries"] if replay else ():
        path = f"/v1/deliveries/{one['event']['number']}/{one['hook']}/replay"
        asker.ask("POST", path)
    rows = [
        (
            f"event {one['event']['number']}",
            f"{one['hook']} {one.get('due', 'given up')} {one['fault']}",
        )
        for one in found["deliveries"]
    ]
    return Answer(document=found, rows=rows or [("failed", "none")])


@hooks.command("events")
@click.option("--after", default=0, type=click.IntRange(0), help="The last number you have heard.")
@server_options
@answers
def events(after: int, server: str, token: str | None, patience: float) -> Answer:
    """List the events that your webhooks get."""
    asker = _asker(server, token, patience)
    found = asker.ask("GET", "/v1/events", params={"after": after}).json()
    rows = [(str(one["number"]), f"{one['kind']} {one['data']}") for one in found["events"]]
    return Answer(document=found, rows=[*rows, ("next", str(found["next"]))])
