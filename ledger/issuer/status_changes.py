"""Status statements of an issuer: certificates, their new status, and the reason."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from certledger.ledger.issuer.certificate_register import IssuanceDatabase
from certledger.ledger.keys import Signer
from certledger.ledger.reference_data import load_domain
from certledger.ledger.sealing import value_kinds
from certledger.ledger.sealing.batch import LIFE
from certledger.ledger.sheets.findings import Findings
from certledger.ledger.sheets.reader import SheetRow, read_rows, report_cell
from certledger.verifier.errors import CertledgerError, ExitStatus, MalformedError
from certledger.verifier.formats.issuer_state import MAX_CERTIFICATES
from certledger.verifier.formats.record import NUMBER, normal_number
from certledger.verifier.formats.signed_act import Act
from certledger.verifier.formats.statements import StatusChange
from certledger.verifier.formats.status_tree import MAX_STATUS_WORDS, choose
from certledger.verifier.vocabulary import MEANING, Status

INDEX = "index"


class ReasonUnfitError(CertledgerError):
    """The reason code is unknown, or its letter belongs to another status."""

    code = "status.reason_unfit"
    exit_status = ExitStatus.UNUSABLE


class CertificateUnknownError(CertledgerError):
    """The number or index names no certificate of this issuer, or more than one."""

    code = "status.certificate_unknown"
    exit_status = ExitStatus.UNUSABLE


def reasons_for(status: Status) -> dict[str, str]:
    """Return the reason codes that lead to `status`, with their English names."""
    return {
        code: meaning.name_en
        for code, meaning in load_domain().status_codes.items()
        if meaning.status is status
    }


def check_reason(reason: str, status: Status) -> None:
    """Check that a reason code leads to `status`.

    Raises:
        ReasonUnfitError: it is not in the table of codes, or its letter belongs to another status.
    """
    known = load_domain().status_codes
    letter = MEANING[status].letter
    if reason not in known:
        fitting = ", ".join(reasons_for(status))
        raise ReasonUnfitError(
            f"{reason[:20]!r} is no reason code; for {status} there are {fitting}"
        )
    if not reason.startswith(letter):
        raise ReasonUnfitError(
            f"{reason} is for {known[reason].status}, and {status} wants {letter}"
        )


def status_changes(
    indexes: Sequence[int], *, issuer: str, status: Status, reason: str, epoch: int, now: int
) -> list[StatusChange]:
    """Return the statements that move the certificates `indexes` to `status`.

    A statement touches at most 512 words; more become consecutive epochs from `epoch`, which is
    the value after the first of them.  `now` is in seconds.

    Raises:
        ReasonUnfitError: the reason code does not lead to `status`.
        CertificateUnknownError: no index, or one that no certificate can have.
    """
    check_reason(reason, status)
    if not indexes or min(indexes) < 0 or max(indexes) >= MAX_CERTIFICATES:
        raise CertificateUnknownError("indexes of certificates are needed, from 0 to 2^32-1")
    words, masks = choose(indexes)
    return [
        StatusChange(
            issuer=issuer.encode("ascii"),
            epoch=epoch + number,
            words=words[at : at + MAX_STATUS_WORDS],
            masks=masks[at : at + MAX_STATUS_WORDS],
            status=status.number,
            reason=reason.encode("ascii"),
            not_after=now + LIFE,
        )
        for number, at in enumerate(range(0, len(words), MAX_STATUS_WORDS))
    ]


def sign_changes(changes: Sequence[StatusChange], *, signer: Signer, identity: bytes) -> list[Act]:
    """Sign status statements under the ledger's identity (32 bytes)."""
    return [
        Act(
            ledger=identity,
            statement=change,
            signatures=(signer.sign(change.digest(identity)),),
        )
        for change in changes
    ]


# Which certificates ----------------------------------------------------------------------------


def index_of(number: str, register: IssuanceDatabase, category: str | None = None) -> int:
    """Return the index of the newest edition under a number as people write it.

    Raises:
        CertificateUnknownError: none is registered here, or several categories have the number.
        MalformedError: it is no number.
    """
    found = register.find(normal_number(number), category)
    if not found:
        raise CertificateUnknownError(f"no certificate {number[:80]!r} was issued here")
    if len(found) > 1:
        several = ", ".join(one.category for one in found)
        raise CertificateUnknownError(
            f"{number[:80]!r} is a number of {several}; name the category"
        )
    return found[0].index


def read_indexes(path: Path, register: IssuanceDatabase) -> list[int]:
    """Return the certificates in a sheet, by `index` or by `number` and `category`.

    Raises:
        SheetInvalidError: with every fault of every row.
    """
    findings = Findings(file=path.name)
    found = [_index_in(row, register, findings) for row in read_rows(path)]
    findings.raise_any()
    return [index for index in found if index is not None]


def _index_in(row: SheetRow, register: IssuanceDatabase, findings: Findings) -> int | None:
    number = row.text("number") or row.text(NUMBER)
    typed = row.text(INDEX)
    column = INDEX if typed else "number"
    try:
        if typed:
            return _parse_index(typed)
        if not number:
            raise CertificateUnknownError("neither an index nor a number is given")
        return index_of(number, register, row.text("category"))
    except (CertificateUnknownError, MalformedError) as error:
        report_cell(
            findings, row, column, value_kinds.NUMBER, value=number or typed or "", why=error
        )
        return None


def _parse_index(typed: str) -> int:
    if not typed.isascii() or not typed.isdecimal() or int(typed[:12]) >= MAX_CERTIFICATES:
        raise CertificateUnknownError(f"{typed[:40]!r} is no index of a certificate")
    return int(typed)
