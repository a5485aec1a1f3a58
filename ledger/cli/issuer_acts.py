"""The acts of `certledger issuer`: made, signed by one party at a time, and merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from certledger.ledger.cli.act_arguments import (
    STANDINGS,
    parse_added_key,
    parse_ends,
    parse_ends_by_code,
    parse_ledger,
    parse_standing,
)
from certledger.ledger.cli.console import (
    FILE,
    THERE,
    Answer,
    address_of_text,
    answers,
    issuer_folder_option,
    now,
    open_issuer,
    passphrase_option,
    unlock,
)

if TYPE_CHECKING:
    from certledger.ledger.issuer.act_file import Envelope
    from certledger.verifier.formats.statements import Statement

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

acts = click.Group("acts")
"""The commands, which become those of the group `certledger issuer`."""


def new_act(make: Callable[..., Statement]) -> Callable[..., Any]:
    """Return a command that signs the statement that `make` returns, and writes the act's file."""

    @ledger_option
    @key_option
    @passphrase_option
    @out_option
    @answers
    @wraps(make)
    def command(
        *, ledger: str, key: Path, passphrase_file: Path | None, out: Path, **named: Any
    ) -> Answer:
        from certledger.ledger.issuer.act_file import Envelope
        from certledger.ledger.issuer.signed_acts import sign_statement

        statement = make(**named)
        act = sign_statement(statement, [unlock(key, passphrase_file)], parse_ledger(ledger))
        return _write(Envelope(act=act), out)

    return command


@acts.command()
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
    from certledger.ledger.issuer.registration import request_registration

    folder = open_issuer(issuer_folder)
    folder.profile()
    signer = unlock(folder.keystore, passphrase_file)
    more = dict(map(parse_added_key, added))
    return _write(request_registration(folder, signer, now=now(), added=more), out)


@acts.command("sign")
@click.argument("file", type=THERE)
@key_option
@passphrase_option
@answers
def sign_act(file: Path, key: Path, passphrase_file: Path | None) -> Answer:
    """Add a signature to the act in FILE."""
    from certledger.ledger.issuer.signed_acts import add_signature

    current = read_act(file)
    return _write(current.with_act(add_signature(current.act, unlock(key, passphrase_file))), file)


@acts.command("merge")
@click.argument("files", nargs=-1, required=True, type=THERE)
@out_option
@answers
def merge_acts(files: Sequence[Path], out: Path) -> Answer:
    """Put the signatures of FILES, all of one act, together in their order."""
    from certledger.ledger.issuer.signed_acts import merge

    current = [read_act(file) for file in files]
    return _write(current[0].with_act(merge(one.act for one in current)), out)


@acts.command("keys")
@issuer_option
@revision_option
@click.option(
    "--add", "added", multiple=True, metavar="ADDRESS:PURPOSES", help="Like 0x…:batches,status."
)
@end_option
@new_act
def change_keys(code: str, revision: int, added: Sequence[str], ends: Sequence[str]) -> Statement:
    """Add and end keys of an issuer (registrar, a second party, each added key)."""
    from certledger.ledger.issuer import signed_acts

    return signed_acts.change_keys(
        code,
        revision=revision,
        added=dict(map(parse_added_key, added)),
        ends=parse_ends(ends),
        now=now(),
    )


@acts.command("standing")
@issuer_option
@revision_option
@click.option("--to", "wanted", required=True, type=click.Choice(STANDINGS))
@new_act
def change_standing(code: str, revision: int, wanted: str) -> Statement:
    """Suspend, resume, close or strike an issuer (registrar; to strike, a second one)."""
    from certledger.ledger.issuer import signed_acts
    from certledger.verifier.vocabulary import Standing

    return signed_acts.change_standing(
        code, revision=revision, standing=Standing(wanted), now=now()
    )


def _brake_command(name: str, help_text: str) -> None:
    """Add the command `hold` or `release`: one statement for several issuers."""

    @acts.command(name, help=help_text)
    @region_option
    @issuers_option
    @nonce_option
    @new_act
    def brake(region: int, codes: Sequence[str], nonce: int) -> Statement:
        from certledger.ledger.issuer import signed_acts

        statement = signed_acts.hold if name == "hold" else signed_acts.release
        return statement(region, codes, nonce=nonce, now=now())


_brake_command(
    "hold", "Set the brake on issuers at once (registrar); on none, to say that it is there."
)
_brake_command("release", "Clear the brake of issuers on hold (registrar).")


@acts.command("restore")
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
@new_act
def restore_issuers(wanted: Sequence[str], ends: Sequence[str], term: int) -> Statement:
    """Set any standing and any end (a majority of registrars, ascending by region)."""
    from certledger.ledger.issuer import signed_acts

    return signed_acts.restore(
        dict(map(parse_standing, wanted)), term=term, ends=parse_ends_by_code(ends), now=now()
    )


@acts.command("registrar")
@region_option
@click.option("--account", metavar="ADDRESS", help="Left out, the region's registrar is removed.")
@click.option("--recovery", metavar="ADDRESS", help="The account that may rotate it too.")
@term_option
@new_act
def change_registrar(
    region: int, account: str | None, recovery: str | None, term: int
) -> Statement:
    """Seat or remove a region's registrar (a majority of registrars, ascending by region)."""
    from certledger.ledger.issuer import signed_acts

    return signed_acts.change_registrar(
        region,
        account=address_of_text(account or _NO_ACCOUNT),
        recovery=address_of_text(recovery or _NO_ACCOUNT),
        term=term,
        now=now(),
    )


@acts.command("rotate")
@region_option
@click.option("--account", required=True, metavar="ADDRESS", help="The new one; it signs too.")
@turn_option
@new_act
def rotate_registrar(region: int, account: str, turn: int) -> Statement:
    """Give a registrar another account (its present or its recovery account, the new one)."""
    from certledger.ledger.issuer import signed_acts

    return signed_acts.rotate_registrar(
        region, account=address_of_text(account), turn=turn, now=now()
    )


@acts.command("challenge")
@region_option
@turn_option
@new_act
def challenge_registrar(region: int, turn: int) -> Statement:
    """Ask a registrar for an answer within 30 days (a majority of the others)."""
    from certledger.ledger.issuer import signed_acts

    return signed_acts.challenge_registrar(region, turn=turn, now=now())


def read_act(file: Path) -> Envelope:
    """Return the act in a file."""
    from certledger.ledger.issuer.act_file import Envelope

    return Envelope.read(file)


def _write(envelope: Envelope, out: Path) -> Answer:
    from certledger.verifier.files import write_atomically

    write_atomically(out, envelope.format())
    return act_answer(envelope, out)


def act_answer(envelope: Envelope, file: Path) -> Answer:
    """Return what a command says of an act."""
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
