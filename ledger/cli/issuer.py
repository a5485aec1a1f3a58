"""`certledger issuer`: keys, and acts of issuers and registrars, signed by one party at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from certledger.ledger.cli.act_arguments import (
    STANDINGS,
    parse_added_key,
    parse_ends,
    parse_ends_by_code,
    parse_standing,
)
from certledger.ledger.cli.ask import server_options
from certledger.ledger.cli.console import (
    FILE,
    FOLDER,
    THERE,
    Answer,
    address_of_text,
    answers,
    ask_passphrase,
    issuer_folder_option,
    notice,
    now,
    open_issuer,
    passphrase_option,
    unlock,
)

if TYPE_CHECKING:
    from certledger.ledger.issuer.act_file import Envelope
    from certledger.verifier.formats.statements import Statement

KINDS = ["department", "institution", "association", "appraisal", "consulting", "operator"]

out_option = click.option("--out", required=True, type=FILE, help="The act's file to write.")
key_option = click.option("--key", required=True, type=THERE, help="The keystore that signs.")
ledger_option = click.option(
    "--ledger",
    required=True,
    envvar="CERTLEDGER_LEDGER",
    metavar="HEX",
    help="The ledger's identity, 64 hexadecimal digits (also CERTLEDGER_LEDGER).",
)
issuer_option = click.option("--issuer", "code", required=True, help="The issuer's code.")
revision_option = click.option(
    "--revision", required=True, type=click.IntRange(1), help="The issuer's revision after the act."
)
end_option = click.option(
    "--end", "ends", multiple=True, metavar="INDEX:BLOCK", help="Key INDEX ends at BLOCK."
)

region_option = click.option("--region", required=True, type=click.IntRange(1, 99))
issuers_option = click.option(
    "--issuer", "codes", multiple=True, help="An issuer's code; may be given several times."
)
nonce_option = click.option(
    "--nonce", required=True, type=click.IntRange(1), help="The registrar's, after the act."
)
term_option = click.option(
    "--term", required=True, type=click.IntRange(1), help="The term after the act."
)
turn_option = click.option(
    "--turn", required=True, type=click.IntRange(1), help="The seat's turn after the act."
)
_NO_ACCOUNT = "0x" + "0" * 40


@click.group()
def issuer() -> None:
    """Keys and acts of issuers and registrars."""


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
    from certledger.verifier.formats.canonical_json import from_hex
    from certledger.verifier.vocabulary import IssuerKind

    profile = Profile(
        issuer=code, kind=IssuerKind(kind), name=name, ledger=from_hex(_bare(ledger), 32)
    )
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
        return _keystore_answer(file) or _act_answer(_read(file), file)
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
    """Bring the issuer's folder up to what the ledger has, whoever of its offices handed it in.

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
    from certledger.verifier.formats.canonical_json import from_hex

    client = ServerClient(url=server, token=token, patience=patience, notice=notice)
    folder = IssuerFolder(folder=issuer_folder)
    if not folder.has_profile:
        if code is None or ledger is None:
            raise click.UsageError(f"{issuer_folder} has no body.json: name --issuer and --ledger")
        restore_profile(folder, client, code, from_hex(_bare(ledger), 32))
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


# Acts


@issuer.command()
@click.option(
    "--add",
    "added",
    multiple=True,
    metavar="ADDRESS:PURPOSES",
    help="Another key, like 0x…:batches; it must sign too.",
)
@issuer_folder_option
@passphrase_option
@out_option
@answers
def register(
    added: Sequence[str], issuer_folder: Path, passphrase_file: Path | None, out: Path
) -> Answer:
    """Ask for registration: signed by the issuer's key, to be signed by two registrars next."""
    from certledger.ledger.issuer import signed_acts
    from certledger.ledger.issuer.act_file import Envelope

    folder = open_issuer(issuer_folder)
    profile = folder.profile()
    signer = unlock(folder.keystore, passphrase_file)
    keys = {signer.address: signed_acts.EVERY_PURPOSE, **dict(map(parse_added_key, added))}
    statement = signed_acts.register(profile, keys, now=now())
    act = signed_acts.sign_statement(statement, [signer], profile.ledger)
    return _write(Envelope(act=act, name=profile.name), out)


@issuer.command("sign")
@click.argument("file", type=THERE)
@key_option
@passphrase_option
@answers
def sign_act(file: Path, key: Path, passphrase_file: Path | None) -> Answer:
    """Add a signature to the act in FILE."""
    from certledger.ledger.issuer.signed_acts import add_signature

    current = _read(file)
    return _write(current.with_act(add_signature(current.act, unlock(key, passphrase_file))), file)


@issuer.command("merge")
@click.argument("files", nargs=-1, required=True, type=THERE)
@out_option
@answers
def merge_acts(files: Sequence[Path], out: Path) -> Answer:
    """Put the signatures of FILES, all of one act, together in their order."""
    from certledger.ledger.issuer.signed_acts import merge

    current = [_read(file) for file in files]
    return _write(current[0].with_act(merge(one.act for one in current)), out)


@issuer.command("keys")
@issuer_option
@revision_option
@click.option(
    "--add", "added", multiple=True, metavar="ADDRESS:PURPOSES", help="Like 0x…:batches,status."
)
@end_option
@ledger_option
@key_option
@passphrase_option
@out_option
@answers
def change_keys(
    code: str, revision: int, added: Sequence[str], ends: Sequence[str], **options: Any
) -> Answer:
    """Add and end keys of an issuer (registrar, a second party, each added key)."""
    from certledger.ledger.issuer import signed_acts

    statement = signed_acts.change_keys(
        code,
        revision=revision,
        added=dict(map(parse_added_key, added)),
        ends=parse_ends(ends),
        now=now(),
    )
    return _sign_new(statement, **options)


@issuer.command("standing")
@issuer_option
@revision_option
@click.option("--to", "wanted", required=True, type=click.Choice(STANDINGS))
@ledger_option
@key_option
@passphrase_option
@out_option
@answers
def change_standing(code: str, revision: int, wanted: str, **options: Any) -> Answer:
    """Suspend, resume, close or strike an issuer (registrar; to strike, a second one)."""
    from certledger.ledger.issuer import signed_acts
    from certledger.verifier.vocabulary import Standing

    statement = signed_acts.change_standing(
        code, revision=revision, standing=Standing(wanted), now=now()
    )
    return _sign_new(statement, **options)


def _brake_command(name: str, help_text: str) -> None:
    """Add the command `hold` or `release`: one statement for several issuers."""

    @issuer.command(name, help=help_text)
    @region_option
    @issuers_option
    @nonce_option
    @ledger_option
    @key_option
    @passphrase_option
    @out_option
    @answers
    def brake(region: int, codes: Sequence[str], nonce: int, **options: Any) -> Answer:
        from certledger.ledger.issuer import signed_acts

        statement = signed_acts.hold if name == "hold" else signed_acts.release
        return _sign_new(statement(region, codes, nonce=nonce, now=now()), **options)


_brake_command(
    "hold", "Set the brake on issuers at once (registrar); on none, to say that it is there."
)
_brake_command("release", "Clear the brake of issuers on hold (registrar).")


@issuer.command("restore")
@click.option(
    "--to",
    "wanted",
    required=True,
    multiple=True,
    metavar="CODE:STANDING",
    help="An issuer and the standing it gets; may be given several times.",
)
@click.option(
    "--end",
    "ends",
    multiple=True,
    metavar="CODE:INDEX:BLOCK",
    help="Key INDEX of an issuer ends at BLOCK.",
)
@term_option
@ledger_option
@key_option
@passphrase_option
@out_option
@answers
def restore_issuers(
    wanted: Sequence[str], ends: Sequence[str], term: int, **options: Any
) -> Answer:
    """Set any standing and any end (a majority of registrars, ascending by region)."""
    from certledger.ledger.issuer import signed_acts

    statement = signed_acts.restore(
        dict(map(parse_standing, wanted)), term=term, ends=parse_ends_by_code(ends), now=now()
    )
    return _sign_new(statement, **options)


@issuer.command("registrar")
@region_option
@click.option("--account", metavar="ADDRESS", help="Left out, the region's registrar is removed.")
@click.option("--recovery", metavar="ADDRESS", help="The account that may rotate it too.")
@term_option
@ledger_option
@key_option
@passphrase_option
@out_option
@answers
def change_registrar(
    region: int, account: str | None, recovery: str | None, term: int, **options: Any
) -> Answer:
    """Seat or remove a region's registrar (a majority of registrars, ascending by region)."""
    from certledger.ledger.issuer import signed_acts

    statement = signed_acts.change_registrar(
        region,
        account=address_of_text(account or _NO_ACCOUNT),
        recovery=address_of_text(recovery or _NO_ACCOUNT),
        term=term,
        now=now(),
    )
    return _sign_new(statement, **options)


@issuer.command("rotate")
@region_option
@click.option("--account", required=True, metavar="ADDRESS", help="The new one; it signs too.")
@turn_option
@ledger_option
@key_option
@passphrase_option
@out_option
@answers
def rotate_registrar(region: int, account: str, turn: int, **options: Any) -> Answer:
    """Give a registrar another account (its present or its recovery account, the new one)."""
    from certledger.ledger.issuer import signed_acts

    statement = signed_acts.rotate_registrar(
        region, account=address_of_text(account), turn=turn, now=now()
    )
    return _sign_new(statement, **options)


@issuer.command("challenge")
@region_option
@turn_option
@ledger_option
@key_option
@passphrase_option
@out_option
@answers
def challenge_registrar(region: int, turn: int, **options: Any) -> Answer:
    """Ask a registrar for an answer within 30 days (a majority of the others)."""
    from certledger.ledger.issuer import signed_acts

    return _sign_new(signed_acts.challenge_registrar(region, turn=turn, now=now()), **options)


# Parts


def _sign_new(
    statement: Statement, *, ledger: str, key: Path, passphrase_file: Path | None, out: Path
) -> Answer:
    from certledger.ledger.issuer.act_file import Envelope
    from certledger.ledger.issuer.signed_acts import sign_statement
    from certledger.verifier.formats.canonical_json import from_hex

    identity = from_hex(_bare(ledger), 32)
    act = sign_statement(statement, [unlock(key, passphrase_file)], identity)
    return _write(Envelope(act=act), out)


def _read(file: Path) -> Envelope:
    from certledger.ledger.issuer.act_file import Envelope

    return Envelope.read(file)


def _write(envelope: Envelope, out: Path) -> Answer:
    from certledger.verifier.files import write_atomically

    write_atomically(out, envelope.format())
    return _act_answer(envelope, out)


def _act_answer(envelope: Envelope, file: Path) -> Answer:
    from certledger.ledger.issuer.signed_acts import signers_of
    from certledger.verifier.formats.signed_act import statement_to_json

    act = envelope.act
    return Answer(
        document={
            "act": act.statement.primary,
            "digest": act.digest.hex(),
            "file": str(file),
            "ledger": act.ledger.hex(),
            "signers": ["0x" + address.hex() for address in signers_of(act)],
            "statement": statement_to_json(act.statement),
        }
    )


def _keystore_answer(file: Path) -> Answer | None:
    """Return the address of a keystore, None if the file is something else."""
    from certledger.ledger.keys import KeyUnusableError, keystore_address

    try:
        return Answer(document={"address": "0x" + keystore_address(file).hex(), "file": str(file)})
    except KeyUnusableError:
        return None


def _bare(text: str) -> str:
    return text.removeprefix("0x").lower()
