"""Apply the contract's rules to a submitted act, on the state after all queued acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from certledger.ledger.core.acts import Lane
from certledger.ledger.core.contract_state import ledger_state, signing_key
from certledger.ledger.core.values import IssuerRow
from certledger.ledger.intake import errors
from certledger.ledger.intake.pending_state import after_queue, head_of
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.contract_rules import apply
from certledger.verifier.contract_state import (
    BlockTime,
    Issuer,
    LedgerState,
    RuleBrokenError,
    SignedAct,
    issuers_of,
)
from certledger.verifier.crypto.secp256k1 import recover_address
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.issuer_state import ZERO
from certledger.verifier.formats.statements import (
    Batch,
    CatalogChange,
    KeysChange,
    Statement,
    StatusChange,
)

_REFUSALS: Mapping[str, type[CertledgerError]] = {
    "BodyExists": errors.IssuerExistsError,
    "BodyUnknown": errors.IssuerUnknownError,
    "BodyHeld": errors.IssuerOnHoldError,
    "StandingForbids": errors.StandingForbidsError,
    "CounterWrong": errors.CounterWrongError,
    "StatementExpired": errors.StatementOverError,
    "StatementTooFar": errors.StatementTooLongError,
    "NothingChanges": errors.NothingChangesError,
    "SignatureCount": errors.SignatureCountError,
    "NoMajority": errors.SignatureCountError,
    "SignatureInvalid": errors.SignatureInvalidError,
    "SignerWrong": errors.SignerUnknownError,
    "RegionOrder": errors.SignerUnknownError,
    "CatalogAlone": errors.SignerUnknownError,
    "EndAlone": errors.SignerUnknownError,
    "KeyPurpose": errors.SignerWrongPurposeError,
    "KeyEnded": errors.SignerEndedError,
    "KeyUnknown": errors.KeysWrongError,
    "KeyCount": errors.KeysWrongError,
    "KeyInvalid": errors.KeysWrongError,
    "EndOrder": errors.KeysWrongError,
    "EndRaised": errors.KeysWrongError,
    "CodeInvalid": errors.IssuersWrongError,
    "KindUnknown": errors.IssuersWrongError,
    "IssuerList": errors.IssuersWrongError,
    "RegistrarAccount": errors.RegistrarWrongError,
    "RegistrarsTooFew": errors.RegistrarWrongError,
    "RotatedRecently": errors.RegistrarWrongError,
    "FirstWrong": errors.FirstWrongError,
    "BatchCount": errors.BatchCountError,
}
"""The error of intake for each error of the contract."""


def check_contract(
    unit: Unit,
    statement: Statement,
    signatures: tuple[bytes, ...],
    *,
    identity: bytes,
    now: int,
) -> None:
    """Check that the contract would accept an act in the next block, after all queued acts.

    Raises:
        CertledgerError: it would not.  Cells of a status change are not checked here.
    """
    ledger = _after_queue(unit, identity, statement)
    key = _key_of(ledger, statement, signatures)
    act = SignedAct(statement=statement, signatures=signatures, key=key)
    head = unit.head()
    block = BlockTime(number=0 if head is None else head.number + 1, time=now)
    try:
        apply(ledger, act, block)
    except RuleBrokenError as error:
        raise _REFUSALS[error.rule](error.sentence) from error


def _key_of(ledger: LedgerState, statement: Statement, signatures: tuple[bytes, ...]) -> int | None:
    """Return the index of the issuer's key that signed, None if no key of it must sign.

    Raises:
        SignerUnknownError: a key of the issuer must sign, and another signed.
        SignatureInvalidError: the bytes are no signature.
    """
    codes = issuers_of(statement)
    issuer = ledger.issuers.get(codes[0]) if len(codes) == 1 else None
    if issuer is None:
        return None
    digest = statement.digest(ledger.identity)
    key = signing_key(issuer.state, statement, digest, signatures)
    count = len(signatures)
    alone = isinstance(statement, KeysChange) and count == 1
    both = isinstance(statement, CatalogChange) and count == 2
    must = alone or both or (isinstance(statement, Batch | StatusChange) and count > 0)
    if key is None and must:
        if recover_address(digest, signatures[0]) is None:
            raise errors.SignatureInvalidError("the signature leads to no key")
        raise errors.SignerUnknownError(f"no key of {codes[0]} has signed")
    return key


def _after_queue(unit: Unit, identity: bytes, statement: Statement) -> LedgerState:
    """Return the ledger's state after all queued acts."""
    issuers = {
        code: _issuer(unit, row)
        for code in issuers_of(statement)
        if (row := unit.issuer(code)) is not None
    }
    ledger = ledger_state(identity, unit.registrars(), issuers)
    seats = {
        region: replace(
            seat,
            nonce=after_queue(unit, f"region-{region:02}", Lane.NONCE, seat.nonce),
            turn=after_queue(unit, f"region-{region:02}", Lane.TURN, seat.turn),
        )
        for region, seat in ledger.seats.items()
    }
    term = after_queue(unit, "registrars", Lane.TERM, ledger.term)
    return replace(ledger, seats=seats, term=term)


def _issuer(unit: Unit, row: IssuerRow) -> Issuer:
    head = head_of(unit, row)
    # The peaks after queued batches are unknown; no rule reads them, only their number counts.
    state = replace(
        row.state,
        peaks=(ZERO,) * head.batches.bit_count(),
        batches=head.batches,
        certificates=head.certificates,
        last=head.last,
        catalog=head.catalog,
        catalog_version=head.catalog_version,
        epoch=head.epoch,
        revision=head.revision,
    )
    return Issuer(state=state, on_hold=row.on_hold)
