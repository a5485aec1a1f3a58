"""`certledger found`: from everybody's keys to a ledger with its first policy, file by file."""

from __future__ import annotations

import time
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
    ask_passphrase,
    confirm,
    notice,
    passphrase_option,
    yes_option,
)
from certledger.verifier.cli.address_options import NODE, SERVER, plain_http_option

if TYPE_CHECKING:
    from certledger.ledger.foundation.document import FoundingTerms, SignedFounding
    from certledger.ledger.foundation.part import SignedPart

_DAY = 86_400
home_option = click.option("--home", required=True, type=FOLDER, help="The party's own folder.")
out_option = click.option("--out", required=True, type=FILE, help="The file to write, and to send.")
_SERVER_URL = click.option("--url", required=True, type=SERVER, help="Where others reach it.")


@click.group()
def found() -> None:
    """Found a ledger: each party makes its part, all sign the whole, one deploys.

    Every step writes a file that travels by mail or on a stick; `found status FILES` says what is
    missing next.
    """


# Parts


@found.command("operator")
@home_option
@click.option("--name", required=True, help="The operator's name, for people.")
@_SERVER_URL
@click.option("--chain", type=NODE, help="A node of the chain to deploy on; else an embedded one.")
@click.option("--another", is_flag=True, help="Make a part that differs from the one before.")
@plain_http_option
@out_option
@answers
def make_operator(
    home: Path,
    name: str,
    url: str,
    chain: str | None,
    another: bool,
    plain_http: bool,
    out: Path,
) -> Answer:
    """Make the operator's key and chain in its home, and the operator's part.

    Run again it writes the same part; another name, address or chain is refused, because a document
    may have the part already.
    """
    from certledger.ledger.foundation.operator import operator_part
    from certledger.ledger.settings import load_settings, save_settings
    from certledger.verifier.files import write_atomically

    settings = load_settings(home=home, chain_url=chain, plain_http=plain_http or None)
    signed = operator_part(settings, name, url, another=another)
    save_settings(settings.home, chain_url=chain, plain_http=plain_http or None)
    write_atomically(out, signed.format())
    if chain is not None:
        notice(
            f"the deployment is paid by 0x{signed.part.keys['operator'].hex()}: send funds there"
        )
    return _part_answer(signed, out)


@found.command("join")
@home_option
@click.option("--region", required=True, type=click.IntRange(1, 99), help="GB/T 2260, two digits.")
@click.option("--operator", required=True, help="The name under which the region's witness counts.")
@click.option("--witness", "name", help="The witness's name, like shanghai.witness.example.")
@click.option("--url", type=SERVER, help="Where the witness will answer.")
@click.option("--recovery", metavar="ADDRESS", help="An account that may rotate the registrar's.")
@plain_http_option
@passphrase_option
@out_option
@answers
def join_founding(
    home: Path,
    region: int,
    operator: str,
    name: str | None,
    url: str | None,
    recovery: str | None,
    plain_http: bool,  # For `AddressType`.
    passphrase_file: Path | None,
    out: Path,
) -> Answer:
    """Make a region's keys (registrar, root, witness) in its home, and its part."""
    from certledger.ledger.cli.console import address_of_text
    from certledger.ledger.foundation.home import RegionHome, WitnessAddress
    from certledger.verifier.files import write_atomically

    if (name is None) != (url is None):
        raise click.UsageError("a witness has a --witness name and a --url")
    made = RegionHome.create(
        home,
        region,
        operator,
        ask_passphrase(passphrase_file, what="the new keys", new=True),
        witness=WitnessAddress(name=name, url=url) if name and url else None,
        recovery=address_of_text(recovery) if recovery else None,
    )
    signed = made.part()
    write_atomically(out, signed.format())
    return _part_answer(signed, out)


@found.command("key")
@click.argument("kind", type=click.Choice(["root", "witness"]))
@home_option
@click.option("--witness", "name", help="The new witness's name, which no witness had before.")
@click.option("--url", type=SERVER, help="Where the new witness will answer.")
@plain_http_option
@passphrase_option
@out_option
@answers
def make_key(
    kind: str,
    home: Path,
    name: str | None,
    url: str | None,
    plain_http: bool,  # For `AddressType`.
    passphrase_file: Path | None,
    out: Path,
) -> Answer:
    """Make a region's next root or witness key, in place of the one that its policy has.

    The part goes to the maker of the next policy: `policy renew --replace PART`.
    """
    from certledger.ledger.foundation.home import RegionHome, WitnessAddress
    from certledger.ledger.foundation.rotation import next_part
    from certledger.verifier.files import write_atomically

    if kind == "witness" and (name is None or url is None):
        raise click.UsageError("a witness has a --witness name and a --url")
    address = WitnessAddress(name=name, url=url) if name and url else None
    passphrase = ask_passphrase(passphrase_file, what="the region's keys")
    signed = next_part(RegionHome(folder=home), kind, passphrase, address)
    write_atomically(out, signed.format())
    return _part_answer(signed, out)


def _part_answer(signed: SignedPart, out: Path) -> Answer:
    from certledger.ledger.foundation.description import describe_part

    for one in describe_part(signed):
        notice(one)
    return Answer(document={"file": str(out), **signed.part.to_json()}, rows=[("file", str(out))])


# The document


@found.command("merge")
@click.argument("files", nargs=-1, required=True, type=THERE)
@out_option
@click.option("--name", help="The ledger's name; makes the document of everybody's parts.")
@click.option("--witnesses", type=click.IntRange(1, 16), help="How many operators must witness.")
@click.option("--roots", type=click.IntRange(1, 64), help="How many root keys sign a policy.")
@click.option("--days", default=365, show_default=True, help="Days until the first policy ends.")
@click.option("--max-age", default=7, show_default=True, help="Days that a status is relied on.")
@click.option(
    "--category-ages/--no-category-ages",
    default=True,
    show_default=True,
    help="Give each category of the reference data its own greatest age.",
)
@click.option(
    "--block-lag", default=600, show_default=True, help="Seconds from block to signature."
)
@click.option("--confirmations", default=12, show_default=True, help="Where no tag `finalized` is.")
@answers
def merge_files(files: Sequence[Path], out: Path, name: str | None, **options: Any) -> Answer:
    """Make the document of parts (with --name), or put signatures of one document together."""
    from certledger.ledger.foundation.document import Founding, SignedFounding, merge
    from certledger.ledger.foundation.files import read_founding, read_part
    from certledger.verifier.files import write_atomically

    if name is None:
        signed = merge(map(read_founding, files))
    else:
        parts = [read_part(file) for file in files]
        terms = _terms(parts, **options)
        signed = SignedFounding(founding=Founding.of(name, parts, terms))
    write_atomically(out, signed.format())
    return _founding_answer(signed, out)


def _terms(
    parts: Sequence[SignedPart],
    *,
    witnesses: int | None,
    roots: int | None,
    days: int,
    max_age: int,
    category_ages: bool,
    block_lag: int,
    confirmations: int,
) -> FoundingTerms:
    """Return the terms; thresholds are more than half of the operators, and of the roots."""
    from certledger.ledger.foundation.document import FoundingTerms
    from certledger.ledger.foundation.terms import reference_ages

    def majority(purpose: str) -> int:
        return sum(purpose in one.part.keys for one in parts) // 2 + 1

    return FoundingTerms(
        ends=int(time.time()) + days * _DAY,
        root_threshold=roots or majority("root"),
        witness_threshold=witnesses or majority("witness"),
        default_age=max_age * _DAY,
        ages=reference_ages() if category_ages else {},
        block_lag=block_lag,
        confirmations=confirmations,
    )


@found.command("show")
@click.argument("file", type=THERE)
@answers
def show_file(file: Path) -> Answer:
    """Say in full what a part or a founding document says."""
    from certledger.ledger.foundation.description import describe_founding
    from certledger.ledger.foundation.document import SignedFounding
    from certledger.ledger.foundation.files import read_any
    from certledger.ledger.foundation.part import SignedPart

    value = read_any(file)
    if isinstance(value, SignedPart):
        return _part_answer(value, file)
    if not isinstance(value, SignedFounding):
        raise click.UsageError(f"{file} is neither a part nor a founding document")
    for one in describe_founding(value):
        notice(one)
    return _founding_answer(value, file)


@found.command("sign")
@click.argument("file", type=THERE)
@home_option
@click.option("--instead", is_flag=True, help="Though this home has signed another document.")
@yes_option
@passphrase_option
@click.option("--out", type=FILE, help="Where to write the signed document; else FILE itself.")
@answers
def sign_founding(
    file: Path,
    home: Path,
    instead: bool,
    yes: bool,
    passphrase_file: Path | None,
    out: Path | None,
) -> Answer:
    """Sign a founding document with the region's registrar's key, once it was shown in full.

    Refused where the document does not hold the part that this home brought, or where this home has
    signed another one.
    """
    from certledger.ledger.cli.console import unlock
    from certledger.ledger.foundation.description import describe_founding
    from certledger.ledger.foundation.files import DOCUMENT, read_founding
    from certledger.ledger.foundation.home import RegionHome
    from certledger.ledger.foundation.signing_record import check_founding
    from certledger.verifier.files import write_atomically

    own, signed = RegionHome(folder=home), read_founding(file)
    part = signed.own_part(own.part())
    check_founding(home, signed, instead=instead)
    confirm(describe_founding(signed), yes=yes)
    signed = signed.signed_by(part.region, unlock(own.registrar_file, passphrase_file))
    write_atomically(home / DOCUMENT, signed.format())
    write_atomically(out or file, signed.format())
    return _founding_answer(signed, out or file)


def _founding_answer(signed: SignedFounding, file: Path) -> Answer:
    document = {
        "digest": signed.founding.digest.hex(),
        "file": str(file),
        "missing": list(signed.missing),
        "words": signed.founding.words,
    }
    return Answer(document=document)


# Deployment and policy


@found.command("deploy")
@click.argument("file", type=THERE)
@home_option
@click.option("--chain", type=NODE, help="A node of the chain; else what the home's settings name.")
@click.option("--payer", type=THERE, help="A keystore that pays; else the operator's key does.")
@plain_http_option
@yes_option
@passphrase_option
@answers
def deploy_founding(
    file: Path,
    home: Path,
    chain: str | None,
    payer: Path | None,
    plain_http: bool,
    yes: bool,
    passphrase_file: Path | None,
) -> Answer:
    """Deploy the contract that the signed document asks for; `deployment.json` goes to all.

    Says which account needs how much before it sends anything.  Run again, it goes on.
    """
    from certledger.ledger.cli.console import unlock
    from certledger.ledger.foundation.description import describe_founding
    from certledger.ledger.foundation.files import read_founding
    from certledger.ledger.foundation.operator import deploy_for
    from certledger.ledger.settings import load_settings

    settings = load_settings(home=home, chain_url=chain, plain_http=plain_http or None)
    signed = read_founding(file)
    signed.require_complete()
    confirm(describe_founding(signed), yes=yes)
    signer = unlock(payer, passphrase_file) if payer else None
    deployment, place = deploy_for(settings, signed, signer)
    return Answer(
        document={
            "address": f"0x{deployment.address.hex()}",
            "block": deployment.block or 0,
            "file": str(place),
            "ledger": deployment.identity.hex(),
        }
    )


@found.command("policy")
@click.argument("file", type=THERE)
@click.argument("deployment", type=THERE)
@out_option
@answers
def make_policy(file: Path, deployment: Path, out: Path) -> Answer:
    """Make the first trust policy of the signed document and its deployment, to be signed."""
    from certledger.ledger.foundation.deployment_match import pin_of
    from certledger.ledger.foundation.files import read_deployment, read_founding
    from certledger.verifier.files import write_atomically
    from certledger.verifier.formats.policy_fingerprint import fingerprint_of, format_words
    from certledger.verifier.formats.signed_policy import SignedPolicy

    signed = read_founding(file)
    signed.require_complete()
    policy = signed.founding.policy(pin_of(signed.founding, read_deployment(deployment)))
    write_atomically(out, SignedPolicy(policy=policy, signatures={}).format())
    found_words = format_words(fingerprint_of(policy))
    return Answer(document={"file": str(out), "fingerprint": found_words, "version": 1})


@found.command("address")
@click.argument("parts", nargs=-1, required=True, type=THERE)
@home_option
@answers
def set_address(parts: Sequence[Path], home: Path) -> Answer:
    """Store the addresses of the witnesses of PARTS in an operator's home; `serve` reads them."""
    from certledger.ledger.foundation.files import read_region_part
    from certledger.ledger.settings import load_settings, save_settings

    witnesses = [part.witness for part in map(read_region_part, parts) if part.witness]
    urls = {one.name: one.url for one in witnesses}
    save_settings(load_settings(home=home).home, witnesses=urls)
    return Answer(document=dict(urls))


@found.command("status")
@click.argument("files", nargs=-1, required=True, type=THERE)
@answers
def show_status(files: Sequence[Path]) -> Answer:
    """Say of the files of a founding what is done, and what is missing next."""
    from certledger.ledger.foundation.progress import progress_of

    done, missing = progress_of(files)
    rows = [("done", one) for one in done] + [("next", one) for one in missing]
    return Answer(document={"done": list(done), "next": list(missing)}, rows=rows)
