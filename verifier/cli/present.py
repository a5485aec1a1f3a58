"""`certledger present`: disclose chosen fields of evidence, as a file or as a QR code."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from certledger.verifier.formats.evidence import Evidence
    from certledger.verifier.formats.presentation import HolderPrivateKey, Request

MAX_KEY_BYTES = 65_536
_PICTURES = (".svg", ".png")


@click.command()
@click.argument("evidence", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--holding",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The holder's file, which holds every field; else only what EVIDENCE shows can be shown.",
)
@click.option(
    "--show",
    multiple=True,
    metavar="FIELD",
    help="A field to show by its name or Chinese label (持证主体), again for more; by default what"
    " must be shown.",
)
@click.option("--audience", help="The counter's id, for a certificate bound to its holder.")
@click.option("--nonce", help="What the counter gave to sign.")
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The holder's private key (PEM).",
)
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Holds the passphrase of the key, if it has one (else CERTLEDGER_PASSPHRASE).",
)
@click.option("--compact", is_flag=True, help="The text of a QR code instead of a file.")
@click.option(
    "--qr", type=click.Path(dir_okay=False, path_type=Path), help="A QR code (.svg, .png)."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write.")
def present(
    evidence: Path,
    holding: Path | None,
    show: Sequence[str],
    audience: str | None,
    nonce: str | None,
    key: Path | None,
    passphrase_file: Path | None,
    compact: bool,
    qr: Path | None,
    out: Path | None,
) -> None:
    """Make of EVIDENCE a file or code that shows only the fields chosen with --show."""
    from certledger.verifier.formats.presentation import Request

    if len({audience is None, nonce is None, key is None}) > 1:
        raise click.UsageError("--audience, --nonce and --key go together")
    if qr is not None and qr.suffix not in _PICTURES:
        raise click.UsageError(f"a QR code is written as {' or '.join(_PICTURES)}")
    signer = None
    if audience is not None and nonce is not None and key is not None:
        request = Request(audience=audience, nonce=nonce)
        signer = (request, _load_key(key, _passphrase(passphrase_file)))
    shown = _present(evidence, holding, show, signer)
    text = _compact(shown) if compact or qr is not None else ""
    if qr is not None:
        _write_qr(text, qr)
    data = text.encode() if compact else shown.format()
    if out is not None:
        out.write_bytes(data)
    elif qr is None or compact:
        sys.stdout.buffer.write(data)


def _passphrase(file: Path | None) -> str | None:
    """Return the passphrase of a file or the environment; `ps` would show an argument."""
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    return os.environ.get("CERTLEDGER_PASSPHRASE")


def _present(
    file: Path,
    holding: Path | None,
    show: Sequence[str],
    signer: tuple[Request, HolderPrivateKey] | None,
) -> Evidence:
    """Return the evidence with the fields `show`, by default those that must be shown."""
    from certledger.verifier.cli.evidence_file import read_evidence
    from certledger.verifier.files import read_file
    from certledger.verifier.formats.holder_file import MAX_HOLDING_BYTES, Holding
    from certledger.verifier.library import present

    evidence = read_evidence(file)
    disclosures = None
    if holding is not None:
        disclosures = Holding.parse(read_file(holding, MAX_HOLDING_BYTES)).disclosures
    request, key = signer or (None, None)
    known = {part.name for part in (disclosures or evidence.disclosures)}
    show = [_field(text, known) for text in show]
    return present(evidence, show, disclosures=disclosures, request=request, key=key)


def _field(text: str, known: Collection[str]) -> str:
    """Return the field of a certificate that a name or a Chinese label means.

    Raises:
        click.UsageError: the label is that of several of its fields.
    """
    if text in known:
        return text
    (finder,) = entry_points(group="certledger.fields", name="names_of")
    found = sorted(finder.load()(text) & {*known})
    if len(found) > 1:
        raise click.UsageError(f"{text!r} may be any of {', '.join(found)}")
    return found[0] if found else text


def _load_key(key: Path, passphrase: str | None) -> HolderPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from certledger.verifier.errors import MalformedError
    from certledger.verifier.files import read_file

    data = read_file(key, MAX_KEY_BYTES)
    try:
        found = load_pem_private_key(data, passphrase.encode() if passphrase else None)
    except (TypeError, ValueError) as error:
        raise MalformedError(
            "holder.key", f"{key} is no key, or the passphrase is wrong"
        ) from error
    if not isinstance(found, EllipticCurvePrivateKey | Ed25519PrivateKey):
        raise MalformedError("holder.key", f"{key} is neither P-256 nor Ed25519")
    return found


def _compact(evidence: Evidence) -> str:
    from certledger.verifier.formats.checkpoint import parse_note
    from certledger.verifier.formats.compact_evidence import Compact

    return Compact.of(
        parse_note(evidence.checkpoint).checkpoint.identity,
        evidence.record,
        evidence.path,
        evidence.disclosures,
        evidence.presentation,
    ).format()


def _write_qr(text: str, file: Path) -> None:
    import segno

    # Level L: codes are dense, and counters scan from good screens and printers.
    segno.make(text, error="l", boost_error=False).save(str(file), scale=4, border=4)
