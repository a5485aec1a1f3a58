"""Submission of any act but a batch: catalogs, status, keys, standings, holds, registrars."""

from __future__ import annotations

from collections.abc import Collection

from certledger.ledger.core.acts import ACTS, ActKind, counter_of, kind_of, subject_of
from certledger.ledger.core.issuer_names import placeholder
from certledger.ledger.core.values import NewAct
from certledger.ledger.intake.act_submission import HandedIn, parse_handed_in
from certledger.ledger.intake.admission import Case, admit
from certledger.ledger.intake.errors import ActConflictError, OtherLedgerError
from certledger.ledger.intake.pending_state import Intake, check_time, earlier_receipt
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.contract_state import NO_ACCOUNT
from certledger.verifier.crypto.secp256k1 import recover_address
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.statements import CatalogChange, Register, not_after_of

ANY = frozenset(ActKind) - {ActKind.BATCH}


def submit_status(intake: Intake, data: bytes) -> bytes:
    """Submit a status change; as `submit_act`."""
    return submit_act(intake, data, {ActKind.STATUS})


def submit_catalog(intake: Intake, data: bytes) -> bytes:
    """Submit a catalog with its entries; as `submit_act`."""
    return submit_act(intake, data, {ActKind.CATALOG})


def is_registrars(intake: Intake, data: bytes) -> bool:
    """Return whether a registrar in office, or its recovery account, has signed the act in `data`.

    Raises:
        CertledgerError: it is no act.
    """
    act = parse_handed_in(data).act
    signers = {recover_address(act.digest, signature) for signature in act.signatures}
    with intake.store.begin(write=False) as unit:
        seats = list(unit.registrars())
    accounts = {account for seat in seats for account in (seat.account, seat.recovery)}
    return not signers.isdisjoint(accounts - {NO_ACCOUNT})


def submit_act(intake: Intake, data: bytes, kinds: Collection[ActKind] = ANY) -> bytes:
    """Check and store an act of one of `kinds`; return the receipt's file, canonical bytes.

    `data` is what `parse_handed_in` reads.  The same statement gets the same receipt.  A catalog
    or name that this store lacks is stored whenever its act is submitted again, even one that the
    chain has already: it is checked against its hash alone.

    Raises:
        CertledgerError: with the code of the broken rule; nothing was stored.
        StoreBusyError: other transactions took too long; run again.
    """
    handed = parse_handed_in(data)
    statement = handed.act.statement
    kind = kind_of(statement)
    if kind is None or kind not in kinds:
        raise MalformedError("schema.invalid", f"{statement.primary} is not accepted here")
    if handed.act.ledger != intake.identity:
        raise OtherLedgerError(f"the act is for the ledger {handed.act.ledger.hex()}")
    with intake.store.begin() as unit:
        unit.lock(subject_of(statement))
        receipt = earlier_receipt(unit.act(handed.act.digest))
        if receipt is None and _stands(unit, handed):
            receipt = intake.receipt_of_anchored(statement, intake.clock())
        if receipt is not None:
            _keep_named(unit, handed)
            return receipt
        return _take_in(intake, unit, kind, handed)


def _take_in(intake: Intake, unit: Unit, kind: ActKind, handed: HandedIn) -> bytes:
    statement, digest, now = handed.act.statement, handed.act.digest, intake.clock()
    subject, counter = subject_of(statement), counter_of(kind, statement)
    check_time(not_after_of(statement), now)
    if unit.act_at(subject, ACTS[kind].lane, counter) is not None:
        raise ActConflictError(
            f"another act was accepted as {ACTS[kind].lane} {counter} of {subject}"
        )
    admit(kind, Case(unit=unit, handed=handed, now=now))
    intake.check_room(unit, subject, 0)
    _keep_named(unit, handed)
    number, receipt = intake.receipt_for(unit, statement, now)
    unit.add_act(
        NewAct(
            kind=kind,
            statement=statement,
            digest=digest,
            signatures=handed.act.signatures,
            accepted=now,
            receipt=receipt,
            number=number,
        )
    )
    return receipt


def _stands(unit: Unit, handed: HandedIn) -> bool:
    """Return whether the chain has the act, and only its catalog or name is missing here."""
    statement = handed.act.statement
    if isinstance(statement, CatalogChange) and handed.catalog is not None:
        changes = unit.catalog_changes(subject_of(statement))
        return any(change.digest == handed.act.digest for change in changes)
    if isinstance(statement, Register) and handed.name is not None:
        row = unit.issuer(subject_of(statement))
        return row is not None and row.state.name == placeholder(statement.name)
    return False


def _keep_named(unit: Unit, handed: HandedIn) -> None:
    """Store the catalog or name that the act commits to."""
    if handed.catalog is not None:
        unit.add_catalog(handed.catalog.root(), format_canonical(handed.catalog.to_json()))
    if handed.name is not None:
        unit.add_name(handed.name)
