"""Signed changes of status as files in the issuer's folder, with the counter that they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from certledger.ledger.issuer.folder import IssuerFolder
from certledger.ledger.issuer.status_changes import sign_changes, status_changes
from certledger.ledger.issuer.synchronisation import EPOCH
from certledger.ledger.keys import Signer
from certledger.verifier.files import write_atomically
from certledger.verifier.vocabulary import Status


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedStatus:
    """A change of status that was signed; `epoch` is the issuer's after the last file."""

    certificates: Sequence[int]
    status: Status
    reason: str
    epoch: int
    files: Sequence[Path]


def sign_status(
    issuer: IssuerFolder,
    signer: Signer,
    certificates: Sequence[int],
    *,
    status: Status,
    reason: str,
    epoch: int,
    now: int,
    out: Path | None = None,
) -> SignedStatus:
    """Sign the change of `certificates` to `status`, and note the files that were signed.

    `epoch` is the value after the first of them; `out` is the file of a change that is one.

    Raises:
        ReasonUnfitError, CertificateUnknownError: as `status_changes`.
    """
    profile, register, files = issuer.profile(), issuer.register, []
    changes = status_changes(
        certificates, issuer=profile.issuer, status=status, reason=reason, epoch=epoch, now=now
    )
    acts = sign_changes(changes, signer=signer, identity=profile.ledger)
    for act, change in zip(acts, changes, strict=True):
        place = out if out and len(changes) == 1 else issuer.folder / f"status-{change.epoch}.json"
        write_atomically(place, act.canonical())
        register.add_signed(EPOCH, change.epoch, str(place))
        files.append(place)
    return SignedStatus(
        certificates=certificates,
        status=status,
        reason=reason,
        epoch=changes[-1].epoch,
        files=files,
    )
