"""Find the decisions that rest on certificates which are no longer in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from certledger.ledger.core.book_values import BY_RULE, SupervisionCase
from certledger.ledger.core.service_values import DECISION_CASE
from certledger.ledger.core.values import StoredCheckpoint
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.formats.canonical_json import Json, format_canonical, format_time
from certledger.verifier.formats.status_tree import CELLS, read_cell
from certledger.verifier.vocabulary import Standing, Status

STRUCK = "struck"
CAUSES = (str(Status.REVOKED), str(Status.SUSPENDED), str(Status.SUPERSEDED), STRUCK)


class CaseClosedError(CertledgerError):
    """Another was quicker to close the case, or it is closed already."""

    code = "case.closed"


class CaseUnknownError(CertledgerError):
    """There is no case of this decision."""

    code = "case.unknown"


class CaseClosingError(CertledgerError):
    """A case is closed with a name and a reason of a bounded length."""

    code = "case.reason"
    exit_status = ExitStatus.UNUSABLE


MAX_NAME_CHARACTERS = 80
MAX_REASON_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseScope:
    """Whose cases are meant: of a party, of a region's keys, or without either all."""

    party: str | None = None
    region: int | None = None


EVERY_CASE = CaseScope()


def close_cases(
    store: Store,
    reference: str,
    *,
    by: str,
    reason: str,
    now: int,
    scope: CaseScope = EVERY_CASE,
    only: tuple[bytes, str] | None = None,
) -> Sequence[SupervisionCase]:
    """Close every open case of a decision, or `only` that of a leaf and cause; return them.

    Raises:
        CaseClosingError: the name or the reason is empty, too long or not printable.
        CaseUnknownError: the scope has no such case.
        CaseClosedError: all of them are closed.
    """
    by, reason = (
        _closing_text(by, MAX_NAME_CHARACTERS),
        _closing_text(reason, MAX_REASON_CHARACTERS),
    )
    with store.begin() as unit:
        found = [
            one
            for one in unit.cases_of(reference, party=scope.party, region=scope.region)
            if only is None or (one.leaf, one.cause) == only
        ]
        if not found:
            raise CaseUnknownError(f"the decision {reference} has no such case")
        done = {
            (one.leaf, one.cause)
            for one in found
            if unit.close_case(reference, one.leaf, one.cause, now=now, by=by, reason=reason)
        }
        after = unit.cases_of(reference)
        if not done:
            names = ", ".join(sorted({str(one.closed_by) for one in after}))
            raise CaseClosedError(f"it was closed by {names} before")
        return [one for one in after if (one.leaf, one.cause) in done]


def _closing_text(text: str, longest: int) -> str:
    """Return a name or reason without blanks around it; `rule` is reserved."""
    text = text.strip()
    if not 0 < len(text) <= longest or not text.isprintable() or text == BY_RULE:
        most = f"{MAX_NAME_CHARACTERS} and {MAX_REASON_CHARACTERS}"
        raise CaseClosingError(f"a name and a reason are needed, of at most {most} characters")
    return text


@dataclass(kw_only=True)
class CaseFinder:
    """Opens a case for each decision on a certificate that the newest checkpoint shows not valid.

    Safe to repeat, and for several at once: a case is a row of its decision, leaf and cause.
    """

    store: Store
    clock: Callable[[], float]
    _done: int = -1

    def step(self) -> None:
        """Open and lift cases by the newest checkpoint, where there is a newer one."""
        with self.store.begin(write=False) as unit:
            checkpoint = unit.checkpoint()
            if checkpoint is None or checkpoint.number == self._done:
                return
            found = list(_changes(unit, checkpoint))
        now = int(self.clock())
        for issuer, index, cause in found:
            with self.store.begin() as unit:
                if cause != str(Status.SUSPENDED):
                    unit.lift_cases(issuer, index, str(Status.SUSPENDED), now=now)
                if cause is not None:
                    opened = unit.open_cases(issuer, index, cause, now=now, block=checkpoint.number)
                    _add_events(unit, opened, now)
        self._done = checkpoint.number


_Change = tuple[str, int, str | None]
"""A certificate, by issuer and index, with the cause of a case or None."""


def _changes(unit: Unit, checkpoint: StoredCheckpoint) -> Iterator[_Change]:
    """Yield each certificate whose decisions lack a case, or whose suspension is lifted.

    Most certificates never change, and most that did have their cases: neither is written again.
    """
    suspended = unit.certificates_with_open_cases(str(Status.SUSPENDED))
    for issuer, index, cause in _causes(unit, checkpoint):
        lifted = cause != str(Status.SUSPENDED) and (issuer, index) in suspended
        if lifted or (cause is not None and unit.lacks_case(issuer, index, cause)):
            yield issuer, index, cause


def _causes(unit: Unit, checkpoint: StoredCheckpoint) -> Iterator[_Change]:
    """Yield each certificate that decisions rest on, with the cause of a case or None."""
    for issuer in unit.decided_issuers():
        row = unit.issuer(issuer, at=checkpoint.number)
        struck = row is not None and row.state.standing is Standing.STRUCK
        words = unit.words(issuer, at=checkpoint.number)
        for index in unit.decided_indexes(issuer):
            word = words.get(index // CELLS)
            status = Status.VALID if word is None else read_cell(word, index)
            valid = STRUCK if struck else None
            yield issuer, index, valid if status is Status.VALID else str(status)


def _add_events(unit: Unit, cases: Sequence[SupervisionCase], now: int) -> None:
    """Store an event for each case, by party: thousands of decisions may rest on a certificate."""
    by_party: dict[str, dict[str, bytes]] = {}
    for case in cases:
        about = f"case/{case.reference}/{case.leaf[:16].hex()}/{case.cause}/{case.block}"
        body = format_canonical(case_to_json(case))
        by_party.setdefault(case.party, {})[about] = body
    for party, bodies in by_party.items():
        unit.add_events(party, DECISION_CASE, bodies, now)


def case_to_json(case: SupervisionCase) -> Json:
    """Return a case as JSON."""
    value: dict[str, Json] = {
        "block": case.block,
        "cause": case.cause,
        "item": case.item,
        "leaf": case.leaf.hex(),
        "opened": format_time(case.opened),
        "reference": case.reference,
    }
    if case.closed is not None:
        value |= {
            "closed": format_time(case.closed),
            "closed_by": case.closed_by,
            "reason": case.reason,
        }
    return value
