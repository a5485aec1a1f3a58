"""`certledger issuer`: keys and folders of issuers, and the acts of `issuer_acts`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from certledger.ledger.cli.act_arguments import parse_ledger
from certledger.ledger.cli.ask import server_options
from certledger.ledger.cli.console import (
    FILE,
    FOLDER,
    THERE,
    Answer,
    answers,
    ask_passphrase,
    issuer_folder_option,
    notice,
    open_issuer,
    passphrase_option,
)
from certledger.ledger.cli.issuer_acts import act_answer, acts, ledger_option, read_act

KINDS = ["department", "institution", "association", "appraisal", "consulting", "operator"]


@click.group()
def issuer() -> None:
    """Keys and acts of issuers and registrars."""


for _name, _command in acts.commands.items():
    issuer.add_command(_command, _name)


# Keys and folders


@issuer.command()
@issuer_folder_option
@click.option("--issuer", "code", required=True, help="The issuer's code, 18 characters.")
@click.option("--kind", required=True, type=click.Choice(KINDS))
@click.option("--name", required=True, help="The issuer's name.")
@ledger_option
@passphrase_option
@answers
def keygen(
    issuer_folder: Path, code: str, kind: str, name: str, ledger: str, passphrase_file: Path | None
) -> Answer:
    """Make an issuer's folder, with a new key and a new secret of its certificate ids."""
    from certledger.ledger.issuer.folder import IssuerFolder, Profile
    from certledger.verifier.vocabulary import IssuerKind

    profile = Profile(issuer=code, kind=IssuerKind(kind), name=name, ledger=parse_ledger(ledger))
    passphrase = ask_passphrase(passphrase_file, what="the new key", new=True)
    folder = IssuerFolder.create(issuer_folder, profile, passphrase)
    return Answer(
        document={
            "address": "0x" + folder.address().hex(),
            "folder": str(issuer_folder),
            "issuer": code,
            "keystore": str(folder.keystore),
        }
    )


@issuer.command("key")
@click.argument("file", type=FILE)
@click.option(
    "--kind",
    default="secp256k1",
    show_default=True,
    type=click.Choice(["secp256k1", "ed25519", "p256"]),
    help="For acts; for witnesses and policies; for holders.",
)
@passphrase_option
@answers
def make_key(file: Path, kind: str, passphrase_file: Path | None) -> Answer:
    """Make a key in FILE: an Ethereum keystore, or PEM for Ed25519 and P-256."""
    from certledger.ledger import keys
    from certledger.verifier.formats.presentation import format_holder_key

    passphrase = ask_passphrase(passphrase_file, what="the new key", new=True)
    if kind == "secp256k1":
        signer = keys.save_keystore(file, keys.draw_secret(), passphrase)
        return Answer(document={"address": "0x" + signer.address.hex(), "file": str(file)})
    key = keys.make_pem_key("ed25519" if kind == "ed25519" else "p256")
    keys.save_pem_key(file, key, passphrase)
    public = format_holder_key(key.public_key())
    return Answer(document={"file": str(file), "public_key": public})


@issuer.command()
@click.argument("file", required=False, type=THERE)
@click.option("--body", "issuer_folder", envvar="CERTLEDGER_BODY", type=click.Path(path_type=Path))
@answers
def show(file: Path | None, issuer_folder: Path | None) -> Answer:
    """Show an issuer's folder, the address of the keystore FILE, or the act in FILE."""
    if file is not None:
        return _keystore_answer(file) or act_answer(read_act(file), file)
    if issuer_folder is None:
        raise click.UsageError("name FILE or --body")
    folder = open_issuer(issuer_folder)
    return Answer(
        document={
            **{name: part for name, part in folder.profile().to_json().items() if name != "type"},
            "address": "0x" + folder.address().hex(),
            "issued": folder.register.count(),
            "next": folder.register.head().to_json(),
        }
    )


@issuer.command("sync")
@click.option(
    "--sealed",
    multiple=True,
    type=FOLDER,
    help="A folder with sealed batches, for the numbers of certificates; may be given several"
    " times.",
)
@click.option("--issuer", "code", help="The issuer's code, where `body.json` is gone too.")
@click.option("--ledger", envvar="CERTLEDGER_LEDGER", metavar="HEX", help="With --issuer.")
@server_options
@issuer_folder_option
@answers
def sync(
    sealed: Sequence[Path],
    code: str | None,
    ledger: str | None,
    server: str,
    token: str | None,
    patience: float,
    issuer_folder: Path,
) -> Answer:
    """Bring the issuer's folder up to what the ledger has, whichever of its offices submitted it.

    Counters, batches and certificates are the service's, and the catalog where the folder has none.
    What was signed or sealed here and is not on the ledger has no place any more where another
    office took it: sign it again, or seal it with --renew. A batch whose sealed folder is gone
    before it was handed in is forgotten, and its numbers can be sealed again. A number of another
    office's certificate is found by its id; --sealed names folders where numbers are known, or that
    were moved. Key (`key.json`) and secret (`ids.secret`) come from your own copy; where that lacks
    `body.json`, name --issuer and --ledger.
    """
    from certledger.ledger.client.transport import ServerClient
    from certledger.ledger.issuer.folder import IssuerFolder
    from certledger.ledger.issuer.synchronisation import restore_profile, synchronise

    client = ServerClient(url=server, token=token, patience=patience, notice=notice)
    folder = IssuerFolder(folder=issuer_folder)
    if not folder.has_profile:
        if code is None or ledger is None:
            raise click.UsageError(f"{issuer_folder} has no body.json: name --issuer and --ledger")
        restore_profile(folder, client, code, parse_ledger(ledger))
    report = synchronise(folder, client, sealed)
    for sentence in report.sentences:
        notice(sentence)
    return Answer(
        document={
            "batches": report.head.batches,
            "catalog": report.catalog,
            "certificates": report.head.certificates,
            "dropped": list(report.dropped),
            "epoch": report.head.epoch,
            "fetched": list(report.fetched),
            "lost": list(report.lost),
            "missing": list(report.missing),
            "nameless": report.nameless,
            "unsigned": list(report.unsigned),
        }
    )


def _keystore_answer(file: Path) -> Answer | None:
    """Return the address of a keystore, None if the file is something else."""
    from certledger.ledger.keys import KeyUnusableError, keystore_address

    try:
        return Answer(document={"address": "0x" + keystore_address(file).hex(), "file": str(file)})
    except KeyUnusableError:
        return None
