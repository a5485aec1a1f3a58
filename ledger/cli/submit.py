"""The issuer's commands `submit`, `status` and `catalog`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from certledger.ledger.cli.console import (
    FILE,
    FOLDER,
    THERE,
    Answer,
    answers,
    issuer_folder_option,
    notice,
    now,
    open_issuer,
    out_option,
    passphrase_option,
    unlock,
)
from certledger.verifier.cli.address_options import NODE, SERVER

own_folder_option = click.option(
    "--body",
    "own_folder",
    envvar="CERTLEDGER_BODY",
    type=FOLDER,
    help="The issuer's own folder, which learns what came of it (also CERTLEDGER_BODY).",
)

if TYPE_CHECKING:
    from certledger.ledger.client.transport import ServerClient
    from certledger.ledger.issuer.folder import IssuerFolder
    from certledger.ledger.keys import Signer
    from certledger.verifier.formats.catalog import Entry

_EPOCH = "epoch"
CURRENT_PATIENCE = 30.0
"""Seconds to ask for an issuer's counters before something is signed."""


def counters_options(command: Any) -> Any:
    """Add the options of the server whose counters the next statement follows."""
    for option in (
        click.option("--token", envvar="CERTLEDGER_TOKEN", help="Where the server wants one."),
        click.option(
            "--server",
            type=SERVER,
            envvar="CERTLEDGER_SERVER",
            help="Ask this ledger for the counter; else it follows what is known here.",
        ),
    ):
        command = option(command)
    return command


def client_of(server: str, token: str | None, patience: float = CURRENT_PATIENCE) -> ServerClient:
    """Return a client of a server."""
    from certledger.ledger.client.transport import ServerClient

    return ServerClient(url=server, token=token, patience=patience, notice=notice)


# Submit ----------------------------------------------------------------------------------------


@click.command()
@click.argument("what", type=click.Path(exists=True, path_type=Path))
@click.option("--server", type=SERVER, envvar="CERTLEDGER_SERVER", help="The ledger's address.")
@click.option("--token", envvar="CERTLEDGER_TOKEN", help="Where the server wants one.")
@click.option("--operator", metavar="ADDRESS", help="Who must have signed the receipt.")
@click.option("--patience", default=600.0, show_default=True, help="Seconds to keep trying.")
@click.option(
    "--wait", is_flag=True, help="Wait until a sealed folder is final, and write its holders'."
)
@click.option("--rpc", type=NODE, help="Send it to the chain oneself, over this node.")
@click.option(
    "--deployment", type=THERE, help="With --rpc: the file that says where the ledger is."
)
@click.option("--carrier", type=THERE, help="With --rpc: the keystore of the account that pays.")
@own_folder_option
@passphrase_option
@out_option
@answers
def submit(
    what: Path,
    server: str | None,
    token: str | None,
    operator: str | None,
    patience: float,
    wait: bool,
    rpc: str | None,
    deployment: Path | None,
    carrier: Path | None,
    own_folder: Path | None,
    passphrase_file: Path | None,
    out: Path | None,
) -> Answer:
    """Submit WHAT: a folder that was sealed, its batch, or the file of a signed act.

    While the server is unreachable or busy, the same bytes are sent again. The receipt is checked
    to be for exactly this and written next to WHAT. Where the server refuses it, the issuer forgets
    it (--body), so that its numbers and counters are free again. If a server delays, --rpc sends a
    batch, a registration or a registrar's act to the chain without it.
    """
    if rpc is not None:
        if deployment is None or carrier is None:
            raise click.UsageError("--rpc wants --deployment and --carrier")
        return _carry(what, rpc, deployment, unlock(carrier, passphrase_file), patience)
    if server is None or (wait and not what.is_dir()):
        raise click.UsageError("name a --server, or a node with --rpc; --wait is for a folder")
    from certledger.ledger.cli.evidence import await_holder_folders, holders_answer
    from certledger.ledger.issuer.file_submission import noting_outcome, submit_file
    from certledger.verifier.formats.canonical_json import from_hex

    known = from_hex(operator.removeprefix("0x").lower(), 20) if operator else None
    issuer = None if own_folder is None else open_issuer(own_folder)
    with noting_outcome(what, issuer, notice):
        receipt, signer, place = submit_file(
            what, client_of(server, token, patience), operator=known, out=out
        )
    if wait:
        client = client_of(server, token, patience)
        return holders_answer(await_holder_folders(client, what))
    rows = [("receipt", str(place)), ("signed by", signer)]
    statement = receipt.get("receipt", receipt) if isinstance(receipt, dict) else {}
    rows += [(name, str(part)) for name, part in statement.items() if name != "type"]
    return Answer(document={"answer": receipt, "file": str(place), "signer": signer}, rows=rows)


def _carry(what: Path, rpc: str, deployment: Path, payer: Signer, patience: float) -> Answer:
    from certledger.ledger.chain.client import EthereumChain, NodeClient
    from certledger.ledger.chain.deploy import Deployment
    from certledger.ledger.issuer.act_file import Envelope
    from certledger.ledger.issuer.chain_submission import carry_act, carry_batch, read_batch
    from certledger.ledger.issuer.submission_client import is_batch
    from certledger.verifier.formats.canonical_json import parse

    made = Deployment.from_json(parse(deployment.read_bytes(), 2**20))
    chain = EthereumChain(NodeClient(rpc), made.pin("ledger"), payer)
    if not is_batch(what):
        included = carry_act(chain, Envelope.read(what).act, patience=patience)
        return Answer(document={"block": included.block.number})
    carried = carry_batch(chain, read_batch(what), since=made.block or 0, patience=patience)
    document = {
        "block": carried.block,
        "sequence": carried.sequence,
        "transaction": "0x" + carried.transaction.hex() if carried.transaction else "",
    }
    return Answer(document=document)


# Status ----------------------------------------------------------------------------------------


@click.group()
def status() -> None:
    """Change the status of certificates: signed here, carried by anyone."""


def _status_command(name: str, to: str, help_text: str) -> None:
    @status.command(name, help=help_text)
    @click.argument("numbers", nargs=-1)
    @click.option("--index", "indexes", multiple=True, type=click.IntRange(0, 2**32 - 1))
    @click.option("--sheet", type=THERE, help="A sheet with a column index, or number.")
    @click.option("--category", help="Where several categories have the number.")
    @click.option("--reason", required=True, help="A code of the table of reasons, like R01.")
    @click.option("--epoch", type=click.IntRange(1), help="The value after this change.")
    @counters_options
    @issuer_folder_option
    @passphrase_option
    @out_option
    @answers
    def change(
        numbers: Sequence[str],
        indexes: Sequence[int],
        sheet: Path | None,
        category: str | None,
        reason: str,
        epoch: int | None,
        server: str | None,
        token: str | None,
        issuer_folder: Path,
        passphrase_file: Path | None,
        out: Path | None,
    ) -> Answer:
        if not numbers and not indexes and sheet is None:
            raise click.UsageError("name certificates: NUMBERS, --index or --sheet")
        issuer = open_issuer(issuer_folder)
        _check_reason(reason, to)
        chosen = _certificates(issuer, numbers, indexes, sheet, category)
        epoch = epoch or _next_value(issuer, _EPOCH, server, token)
        signer = unlock(issuer.keystore, passphrase_file)
        return _sign_status(issuer, signer, chosen, to, reason, epoch, out)


def _check_reason(reason: str, to: str) -> None:
    from certledger.ledger.issuer.status_changes import check_reason
    from certledger.verifier.vocabulary import Status

    check_reason(reason, Status(to))


def _certificates(
    issuer: IssuerFolder,
    numbers: Sequence[str],
    indexes: Sequence[int],
    sheet: Path | None,
    category: str | None,
) -> list[int]:
    """Return the indexes of the certificates that are named in any way."""
    from certledger.ledger.issuer.status_changes import index_of, read_indexes

    chosen = [index_of(number, issuer.register, category) for number in numbers]
    chosen += indexes
    return chosen if sheet is None else chosen + read_indexes(sheet, issuer.register)


def _next_value(issuer: IssuerFolder, name: str, server: str | None, token: str | None) -> int:
    from certledger.ledger.issuer.synchronisation import next_value

    return next_value(issuer, name, None if server is None else client_of(server, token))


def _sign_status(
    issuer: IssuerFolder,
    signer: Signer,
    chosen: Sequence[int],
    to: str,
    reason: str,
    epoch: int,
    out: Path | None,
) -> Answer:
    from certledger.ledger.issuer.status_files import sign_status
    from certledger.verifier.vocabulary import Status

    signed = sign_status(
        issuer,
        signer,
        chosen,
        status=Status(to),
        reason=reason,
        epoch=epoch,
        now=now(),
        out=out,
    )
    certificates, files = sorted(set(signed.certificates)), list(map(str, signed.files))
    document = {
        "certificates": certificates,
        "epoch": signed.epoch,
        "files": files,
        "reason": signed.reason,
        "status": str(signed.status),
    }
    rows = [
        ("status", f"{signed.status} ({signed.reason}), {len(certificates)} certificates"),
        ("epoch", str(signed.epoch)),
        *(("file", file) for file in files),
    ]
    return Answer(document=document, rows=rows)


for _name, _to, _help in (
    ("revoke", "revoked", "Revoke certificates, for good (reasons R..)."),
    ("suspend", "suspended", "Suspend certificates until they are resumed (reasons S..)."),
    ("resume", "valid", "Make suspended certificates valid again (reasons V..)."),
    ("supersede", "superseded", "Mark certificates as replaced by a later edition (reasons P..)."),
):
    _status_command(_name, _to, _help)


# Catalog ---------------------------------------------------------------------------------------


@click.group()
def catalog() -> None:
    """What the issuer may issue: make it, sign it, show it."""


@catalog.command("make")
@click.argument("categories", nargs=-1)
@click.option("--from", "source", type=THERE, help="A JSON list of entries, or a sheet of them.")
@issuer_folder_option
@answers
def make_catalog(categories: Sequence[str], source: Path | None, issuer_folder: Path) -> Answer:
    """Make the catalog of CATEGORIES of the reform's list, or of a file, in the issuer's folder."""
    from certledger.ledger.issuer.catalogs import catalog_of, read_catalog
    from certledger.ledger.reference_data import load_domain

    if bool(categories) == (source is not None):
        raise click.UsageError("name CATEGORIES or a file with --from, one of both")
    issuer = open_issuer(issuer_folder)
    issuer.profile()
    made = catalog_of(load_domain(), categories) if source is None else read_catalog(source)
    issuer.save_catalog(made)
    return _catalog_answer(issuer)


@catalog.command("sign")
@click.option("--version", type=click.IntRange(1), help="The catalog's version after this change.")
@counters_options
@issuer_folder_option
@passphrase_option
@out_option
@answers
def sign_catalog(
    version: int | None,
    server: str | None,
    token: str | None,
    issuer_folder: Path,
    passphrase_file: Path | None,
    out: Path | None,
) -> Answer:
    """Sign the issuer's catalog; its registrar signs the same file with `issuer sign`."""
    from certledger.ledger.issuer import catalogs
    from certledger.ledger.issuer.synchronisation import VERSION

    issuer = open_issuer(issuer_folder)
    issuer.profile()
    stored_catalog = issuer.catalog()
    wanted = version or _next_value(issuer, VERSION, server, token)
    place = out or issuer.folder / f"catalog-{wanted}.json"
    signer = unlock(issuer.keystore, passphrase_file)
    catalogs.sign_catalog(issuer, stored_catalog, signer, version=wanted, now=now(), place=place)
    document = {"file": str(place), "root": stored_catalog.root().hex(), "version": wanted}
    return Answer(document=document)


@catalog.command("show")
@click.argument("category", required=False)
@issuer_folder_option
@answers
def show_catalog(category: str | None, issuer_folder: Path) -> Answer:
    """Show the issuer's catalog, or the fields of CATEGORY and what stands in them."""
    issuer = open_issuer(issuer_folder)
    return _catalog_answer(issuer) if category is None else _entry_answer(_entry(issuer, category))


@catalog.command("template")
@click.argument("category")
@click.option("--out", required=True, type=FILE, help="The .xlsx file to write.")
@issuer_folder_option
@answers
def write_template(category: str, out: Path, issuer_folder: Path) -> Answer:
    """Write an empty sheet for CATEGORY: headers, notes, drop-downs and an example row."""
    import datetime

    from certledger.ledger.issuer.sheet_template import format_template
    from certledger.verifier.files import write_atomically

    entry = _entry(open_issuer(issuer_folder), category)
    today = datetime.datetime.fromtimestamp(now(), datetime.UTC).date()
    write_atomically(out, format_template(entry, today))
    return Answer(document={"category": entry.category, "file": str(out)})


def _entry(issuer: IssuerFolder, category: str) -> Entry:
    entry = issuer.catalog().newest(category)
    if entry is None:
        raise click.UsageError(f"{category!r} is not in the issuer's catalog")
    return entry


def _entry_answer(entry: Entry) -> Answer:
    import datetime

    from certledger.ledger.issuer.sheet_template import template_columns
    from certledger.ledger.reference_data.field_types import TYPE_LABEL

    today = datetime.datetime.fromtimestamp(now(), datetime.UTC).date()
    columns = template_columns(entry, today)
    rows = [(entry.category, f"{entry.name_zh} {entry.name_en}")]
    for column in columns:
        zh, en = TYPE_LABEL[column.kind]
        need = ", required" if column.required else ""
        rows.append((column.name, f"{column.label_zh} / {column.label_en}: {zh} / {en}{need}"))
    fields = [
        {
            "label_en": column.label_en,
            "label_zh": column.label_zh,
            "name": column.name,
            "required": column.required,
            "type": str(column.kind),
        }
        for column in columns
    ]
    return Answer(document={"category": entry.category, "columns": fields}, rows=rows)


def _catalog_answer(issuer: IssuerFolder) -> Answer:
    stored_catalog = issuer.catalog()
    rows = [("root", stored_catalog.root().hex()), ("entries", str(len(stored_catalog.entries)))]
    rows += [
        (f"{entry.category} {entry.version}", f"{entry.name_zh} {entry.name_en}")
        for entry in stored_catalog.entries
    ]
    return Answer(
        document={"entries": stored_catalog.to_json(), "root": stored_catalog.root().hex()},
        rows=rows,
    )
