"""Admission of acts: the contract's rules, and the rules that the contract cannot check."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from certledger.ledger.core.acts import ActKind, Lane, subject_of
from certledger.ledger.intake.act_submission import HandedIn
from certledger.ledger.intake.catalog_check import known_entries
from certledger.ledger.intake.contract_check import check_contract
from certledger.ledger.intake.errors import (
    CatalogUnknownError,
    EntryChangedError,
    NameDiffersError,
    RegistrarUnknownError,
)
from certledger.ledger.intake.pending_state import head_of, require_issuer
from certledger.ledger.intake.status_check import check_status
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.formats.issuer_state import region_of
from certledger.verifier.formats.statements import (
    CatalogChange,
    Hold,
    Register,
    Release,
    Statement,
    StatusChange,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """An act to check at `now` (seconds), in an open unit of work."""

    unit: Unit
    handed: HandedIn
    now: int


def admit(kind: ActKind, case: Case) -> None:
    """Check that the contract would accept the act, and that its content is complete.

    Raises:
        CertledgerError: with the code of the broken rule.
    """
    act = case.handed.act
    region = region_acted_in(act.statement)
    if region is not None and not _has_registrar(case.unit, region):
        raise RegistrarUnknownError(f"region {region} has no registrar")
    check_contract(case.unit, act.statement, act.signatures, identity=act.ledger, now=case.now)
    if kind in _MORE:
        _MORE[kind](case, act.statement)


def region_acted_in(statement: Statement) -> int | None:
    """Return the region whose registrar signs first, if the statement alone determines it."""
    if isinstance(statement, Register):
        return region_of(subject_of(statement))
    return statement.region if isinstance(statement, Hold | Release) else None


def _has_registrar(unit: Unit, region: int) -> bool:
    seat = unit.registrar(region)
    return seat is not None and any(seat.account)


def _registration(case: Case, statement: Statement) -> None:
    assert isinstance(statement, Register)
    if case.handed.name is None:
        raise NameDiffersError("a registration must be submitted with the issuer's name")


def _status(case: Case, statement: Statement) -> None:
    assert isinstance(statement, StatusChange)
    issuer = require_issuer(case.unit, subject_of(statement))
    head = head_of(case.unit, issuer)
    correction = len(case.handed.act.signatures) == 2
    check_status(case.unit, issuer, statement, head.certificates, correction=correction)


def _check_entries(case: Case, statement: Statement) -> None:
    """Check that the entries are known, and that none differs from the same version before."""
    assert isinstance(statement, CatalogChange)
    catalog = case.handed.catalog
    if catalog is None:
        if any(statement.root) and case.unit.catalog(statement.root) is None:
            raise CatalogUnknownError("a catalog must be submitted with its entries")
        return
    new = {entry.order: entry for entry in catalog.entries}
    waiting = (act.statement for act in case.unit.queue(subject_of(statement), Lane.VERSION))
    roots = [seen.root for seen in case.unit.catalog_changes(subject_of(statement))]
    roots += [one.root for one in waiting if isinstance(one, CatalogChange)]
    for root in dict.fromkeys(roots):
        for order, entry in (known_entries(case.unit, root) or {}).items():
            if order in new and new[order] != entry:
                raise EntryChangedError(f"{order[0]} version {order[1]} differs from what it was")


_MORE: Mapping[ActKind, Callable[[Case, Statement], None]] = {
    ActKind.REGISTER: _registration,
    ActKind.STATUS: _status,
    ActKind.CATALOG: _check_entries,
}
"""Checks beyond the contract's rules."""
