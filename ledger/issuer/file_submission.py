"""Submit a sealed folder or a signed act, keep its receipt, and note what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from certledger.ledger.client.transport import ServerClient, ServerRefusedError
from certledger.ledger.issuer.folder import IssuerFolder
from certledger.ledger.issuer.submission_client import (
    SubmissionClient,
    check_handed_in,
    parcel_of,
)
from certledger.ledger.issuer.withdrawal import RECEIPT, note_refused, note_submitted
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import Json, format_canonical


@contextmanager
def noting_outcome(
    what: Path, issuer: IssuerFolder | None, notice: Callable[[str], None]
) -> Iterator[None]:
    """Store in the issuer's folder, where there is one, whether a server takes or refuses it."""
    try:
        yield
    except ServerRefusedError as refusal:
        if issuer is not None and (forgotten := note_refused(issuer, what, refusal)):
            notice(f"forgotten here, so that its counters are free again: {', '.join(forgotten)}")
        raise
    if issuer is not None:
        note_submitted(issuer, what)


def submit_file(
    what: Path, client: ServerClient, *, operator: bytes | None = None, out: Path | None = None
) -> tuple[Json, str, Path]:
    """Submit a file or folder; return the receipt, its signer, and the receipt's file.

    `operator` (20 bytes) must have signed the receipt, None if not known yet.

    Raises:
        CertledgerError: as `SubmissionClient.hand_in` and `check_handed_in`.
    """
    submission = SubmissionClient(url=client.url, token=client.token, patience=client.patience)
    receipt = submission.hand_in(parcel_of(what), client.notice)
    signer = check_handed_in(what, receipt, operator)
    place = out or (what / RECEIPT if what.is_dir() else what.with_suffix(".receipt.json"))
    write_atomically(place, format_canonical(receipt))
    return receipt, signer, place
