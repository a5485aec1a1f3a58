"""`certledger present`: a holder shows chosen fields, as a file or as a QR code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from verifier.evidence import Evidence
    from verifier.presentation import HolderPrivateKey, Presentation

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
    help="A field to show, again for more; by default what must be shown.",
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
    if len({audience is None, nonce is None, key is None}) > 1:
        raise click.UsageError("--audience, --nonce and --key go together")
    if qr is not None and qr.suffix not in _PICTURES:
        raise click.UsageError(f"a QR code is written as {' or '.join(_PICTURES)}")
    shown = _shown(evidence, holding, show, audience is not None)
    if audience is not None and nonce is not None and key is not None:
        shown = _sign(shown, key, _passphrase(passphrase_file), (audience, nonce))
    text = _compact(shown) if compact or qr is not None else ""
    if qr is not None:
        _write_qr(text, qr)
    data = text.encode() if compact else shown.format()
    if out is not None:
        out.write_bytes(data)
    elif qr is None or compact:
        sys.stdout.buffer.write(data)


def _passphrase(file: Path | None) -> str | None:
    """Return the passphrase of a file or the environment; never of the command line."""
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    return os.environ.get("CERTLEDGER_PASSPHRASE")


def _shown(evidence: Path, holding: Path | None, show: Sequence[str], bound: bool) -> Evidence:
    """Return the evidence with the fields `show`, or else with those that must be shown."""
    from verifier.certificate import HOLDER_KEY, NUMBER
    from verifier.errors import Malformed
    from verifier.evidence_file import read_evidence
    from verifier.files import read_file
    from verifier.holding import LONGEST_HOLDING, Holding

    held = read_evidence(evidence)
    own = held.disclosures
    if holding is not None:
        own = Holding.parse(read_file(holding, LONGEST_HOLDING)).disclosures
    names = {*(show or (NUMBER, *held.catalog.entry.shown)), *((HOLDER_KEY,) if bound else ())}
    if missing := names - {part.name for part in own}:
        raise Malformed("disclosure.unknown", f"there is no {min(missing)!r} here to show")
    return held.showing([part for part in own if part.name in names])


def _sign(
    evidence: Evidence, key: Path, passphrase: str | None, request: tuple[str, str]
) -> Evidence:
    from dataclasses import replace

    from verifier.certificate import HOLDER_KEY
    from verifier.checkpoint import parse_note
    from verifier.errors import Malformed
    from verifier.presentation import Request, Subject, format_holder_key, sign

    private = _load_key(key, passphrase)
    bound = [part.value for part in evidence.disclosures if part.name == HOLDER_KEY]
    if bound != [format_holder_key(private.public_key())]:
        raise Malformed("holder.key", f"the certificate is not bound to the key in {key}")
    subject = Subject(
        identity=parse_note(evidence.checkpoint).checkpoint.identity,
        leaf=evidence.record.leaf(),
        shown=tuple(part.digest for part in evidence.disclosures),
    )
    asked = Request(audience=request[0], nonce=request[1])
    given: Presentation = sign(private, asked, subject, time=int(time.time()))
    return replace(evidence, presentation=given)


def _load_key(key: Path, passphrase: str | None) -> HolderPrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from verifier.errors import Malformed
    from verifier.files import read_file

    data = read_file(key, MAX_KEY_BYTES)
    try:
        found = load_pem_private_key(data, passphrase.encode() if passphrase else None)
    except (TypeError, ValueError) as error:
        raise Malformed("holder.key", f"{key} is no key, or the passphrase is wrong") from error
    if not isinstance(found, EllipticCurvePrivateKey | Ed25519PrivateKey):
        raise Malformed("holder.key", f"{key} is neither P-256 nor Ed25519")
    return found


def _compact(evidence: Evidence) -> str:
    from verifier.checkpoint import parse_note
    from verifier.compact import Compact

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
