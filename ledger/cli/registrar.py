"""`certledger registrar`: review and sign acts, and hold issuers, from a region's home."""

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
    confirm,
    notice,
    now,
    passphrase_option,
    unlock,
    yes_option,
)
from certledger.verifier.cli.address_options import NODE, SERVER, plain_http_option

if TYPE_CHECKING:
    from certledger.ledger.registrar.chain_view import ChainView
    from certledger.ledger.registrar.review import RegistrarOffice, Review
    from certledger.verifier.formats.policy import LedgerPin

home_option = click.option(
    "--home", required=True, envvar="CERTLEDGER_REGION", type=FOLDER,
    help="The region's home (also CERTLEDGER_REGION).",
)  # fmt: skip
rpc_option = click.option(
    "--rpc", type=NODE, envvar="CERTLEDGER_RPC", help="A node, to compare with the chain (also"
    " CERTLEDGER_RPC); the service's own is at its address with /rpc.",
)  # fmt: skip
ledger_option = click.option("--ledger", "name", help="Which ledger of the policy, if several.")


@click.group()
def registrar() -> None:
    """What waits for a registrar's signature, shown in full; signed or refused; and the hold."""


@registrar.command("review")
@click.argument("file", type=THERE)
@home_option
@rpc_option
@ledger_option
@plain_http_option
@answers
def review_act(
    file: Path, home: Path, rpc: str | None, name: str | None, plain_http: bool
) -> Answer:
    """Say in full what the act in FILE asks for, and whether this region signs it.

    Ends with 2 where it is another region's, or where the contract would refuse it.
    """
    found = _review(file, _office(home, rpc, name))
    for one in found.lines:
        notice(one)
    found.check()
    return _review_answer(found, file)


@registrar.command("sign")
@click.argument("file", type=THERE)
@home_option
@rpc_option
@ledger_option
@click.option("--out", type=FILE, help="Where to write it; else FILE itself.")
@plain_http_option
@yes_option
@passphrase_option
@answers
def sign_act(
    file: Path,
    home: Path,
    rpc: str | None,
    name: str | None,
    out: Path | None,
    plain_http: bool,
    yes: bool,
    passphrase_file: Path | None,
) -> Answer:
    """Sign the act in FILE with the region's registrar's key, once it was shown in full."""
    from certledger.ledger.foundation.home import RegionHome
    from certledger.ledger.issuer.act_file import Envelope
    from certledger.ledger.issuer.signed_acts import add_signature
    from certledger.ledger.registrar.review import review
    from certledger.verifier.files import write_atomically

    office, envelope = _office(home, rpc, name), Envelope.read(file)
    found = review(envelope, office)
    found.check()
    confirm([*found.lines, *(f"? {one}" for one in found.notes)], yes=yes)
    signer = unlock(RegionHome(folder=home).registrar_file, passphrase_file)
    signed = envelope.with_act(add_signature(envelope.act, signer))
    write_atomically(out or file, signed.format())
    return _review_answer(review(signed, office), out or file)


@registrar.command("queue")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@home_option
@rpc_option
@ledger_option
@plain_http_option
@answers
def list_queue(
    folder: Path, home: Path, rpc: str | None, name: str | None, plain_http: bool
) -> Answer:
    """Say of each act in FOLDER what it waits for: this region, others, or nothing any more."""
    from certledger.verifier.errors import CertledgerError

    office, rows = _office(home, rpc, name), []
    for file in sorted(folder.glob("*.json")):
        try:
            found = _review(file, office)
        except CertledgerError as error:
            rows.append((file.name, f"no act ({error.code})"))
            continue
        rows.append((file.name, f"{_standing_of(found)}; {found.lines[0]}"))
    return Answer(document=dict(rows), rows=rows)


def _standing_of(found: Review) -> str:
    if found.faults:
        return f"unfit: {found.faults[0]}"
    if found.signed or found.may_sign:
        return f"waits for {', '.join(found.missing)}" if found.missing else "signed by all"
    return "waits for this region" if found.missing else "no registrar need sign it"


def _brake_command(name: str, help_text: str) -> None:
    """Add the command `hold` or `release`, which signs and hands in for several issuers at once."""

    @registrar.command(name, help=help_text)
    @click.argument("codes", nargs=-1, required=True)
    @home_option
    @rpc_option
    @ledger_option
    @click.option(
        "--server",
        type=SERVER,
        envvar="CERTLEDGER_SERVER",
        help="Hand it in there at once; the registrar's signature is enough.",
    )
    @click.option(
        "--token", envvar="CERTLEDGER_TOKEN", help="A key of the API, where there is one."
    )
    @click.option("--out", type=FILE, default=Path(f"{name}.json"), show_default=True)
    @plain_http_option
    @yes_option
    @passphrase_option
    @answers
    def brake(codes: Sequence[str], server: str | None, out: Path, **options: Any) -> Answer:
        return _brake(name, codes, server, out, **options)


_brake_command(
    "hold", "Set the brake on the issuers CODES: signed, counted on the chain, handed in."
)
_brake_command("release", "Clear the brake of the issuers CODES; as `hold`.")


def _brake(
    kind: str,
    codes: Sequence[str],
    server: str | None,
    out: Path,
    *,
    home: Path,
    rpc: str | None,
    name: str | None,
    token: str | None,
    plain_http: bool,  # For `AddressType`.
    yes: bool,
    passphrase_file: Path | None,
) -> Answer:
    from certledger.ledger.cli.submit import client_of
    from certledger.ledger.foundation.home import RegionHome
    from certledger.ledger.issuer import signed_acts
    from certledger.ledger.issuer.act_file import Envelope
    from certledger.ledger.issuer.file_submission import submit_file
    from certledger.ledger.issuer.submission_client import PATIENCE
    from certledger.ledger.registrar.review import review
    from certledger.verifier.files import write_atomically

    rpc = rpc or (f"{server.rstrip('/')}/rpc" if server else None)
    if rpc is None:
        raise click.UsageError("name a --server, or a node with --rpc: the act is counted there")
    office = _office(home, rpc, name)
    seat = office.chain.seat(office.region) if office.chain else None
    nonce = 1 if seat is None else seat.nonce + 1
    make = signed_acts.hold if kind == "hold" else signed_acts.release
    statement = make(office.region, codes, nonce=nonce, now=now())
    act = signed_acts.sign_statement(statement, [], office.ledger)
    found = review(Envelope(act=act), office)
    found.check()
    confirm(found.lines, yes=yes)
    signer = unlock(RegionHome(folder=home).registrar_file, passphrase_file)
    write_atomically(out, Envelope(act=signed_acts.add_signature(act, signer)).format())
    if server is not None:
        submit_file(out, client_of(server, token, PATIENCE))
    return Answer(document={"file": str(out), "issuers": list(codes), "nonce": nonce})


def _review(file: Path, office: RegistrarOffice) -> Review:
    from certledger.ledger.issuer.act_file import Envelope
    from certledger.ledger.registrar.review import review

    return review(Envelope.read(file), office)


def _review_answer(found: Review, file: Path) -> Answer:
    document = {
        "file": str(file),
        "missing": list(found.missing),
        "notes": list(found.notes),
        "signed": found.signed,
    }
    return Answer(document=document)


def _office(home: Path, rpc: str | None, name: str | None) -> RegistrarOffice:
    """Return the office of a region's home: its policy, and the registrars' accounts."""
    from certledger.ledger.foundation.files import DOCUMENT, read_founding
    from certledger.ledger.foundation.home import RegionHome
    from certledger.ledger.foundation.rotation import home_policy
    from certledger.ledger.reference_data import load_domain
    from certledger.ledger.registrar.review import RegistrarOffice

    own = RegionHome(folder=home)
    pins = [pin for pin in home_policy(own).ledgers if name in (None, pin.name)]
    if len(pins) != 1:
        raise click.UsageError("name one of the policy's ledgers with --ledger")
    founding = read_founding(home / DOCUMENT).founding
    accounts = {part.region: part.registrar or b"" for part in founding.parts}
    chain = _chain(rpc, pins[0])
    if chain is not None:
        seats = chain.seats(accounts)
        accounts = {region: seat.account for region, seat in seats.items()}
    return RegistrarOffice(
        region=own.region_part().region,
        ledger=pins[0].identity,
        accounts=accounts,
        domain=load_domain(),
        now=now(),
        chain=chain,
    )


def _chain(rpc: str | None, pin: LedgerPin) -> ChainView | None:
    from certledger.ledger.chain.client import NodeClient
    from certledger.ledger.registrar.chain_view import ChainView
    from certledger.verifier.node_rpc import RpcClient

    return None if rpc is None else ChainView.open(RpcClient(rpc), NodeClient(rpc), pin)
