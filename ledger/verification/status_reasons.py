"""When and for what reason an issuer changed the status of a certificate, by the mirror.

A verdict itself proves the status; its reason is in the issuer's signed statement, which the
ledger has and an evidence file does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from certledger.ledger.core.values import MirroredStatusChange
from certledger.ledger.reference_data import load_domain
from certledger.ledger.reference_data.model import StatusCode
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.verifier.formats.statements import StatusChange
from certledger.verifier.formats.status_tree import cell
from certledger.verifier.verify.checks import STATUS_CODES, today
from certledger.verifier.verify.verdict import Result
from certledger.verifier.vocabulary import MEANING, Status, Verdict

MAX_SEARCHED_STATEMENTS = 32
"""Statements among which the one about a certificate is looked for, from its word's last one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusReason:
    """The last change of a certificate's status: its reason, and the day in China.

    `day` is None where neither the block nor the acceptance of the statement is stored.
    """

    status: Status
    reason: StatusCode
    day: date | None

    def in_words(self) -> tuple[str, str]:
        """Return one sentence in Chinese and in English."""
        reason = self.reason
        meaning = MEANING[self.status]
        begins_zh = f"{self.day} {meaning.label_zh}" if self.day else meaning.label_zh
        begins_en = f"{meaning.label_en} on {self.day}" if self.day else meaning.label_en
        return (
            f"{begins_zh}：{reason.name_zh}（{reason.code}）",
            f"{begins_en}: {reason.name_en} ({reason.code})",
        )


def find_reasons(store: Store, results: Iterable[Result]) -> list[StatusReason | None]:
    """Return the reason for the status of each result, None where it was not changed or found.

    A reason is given only where the ledger's newest statement is about the status of the verdict.
    """
    with store.begin(write=False) as unit:
        return [_reason_of(unit, result) for result in results]


def is_by_status(result: Result) -> bool:
    """Return whether a certificate is not in force because of its own status."""
    return result.verdict is Verdict.NOT_IN_FORCE and any(
        finding.code in _ENDED for finding in result.findings
    )


_ENDED = {code for status, code in STATUS_CODES.items() if status is not Status.VALID}


def _reason_of(unit: Unit, result: Result) -> StatusReason | None:
    if not is_by_status(result):
        return None
    issuer, index = result.certificate["issuer"], result.certificate["index"]
    assert isinstance(issuer, str)
    assert isinstance(index, int)
    found = _last_change(unit, issuer, index)
    is_of_verdict = found is not None and any(
        finding.code == STATUS_CODES[found.status] for finding in result.findings
    )
    return found if is_of_verdict else None


def _last_change(unit: Unit, issuer: str, index: int) -> StatusReason | None:
    position, shift = cell(index)
    for change in unit.changes_of_word(issuer, position, MAX_SEARCHED_STATEMENTS):
        statement = change.statement
        assert isinstance(statement, StatusChange)
        masks = dict(zip(statement.words, statement.masks, strict=True))
        if masks.get(position, 0) >> shift & 3:
            # Who writes to the contract without the service may write any three bytes.
            reason = load_domain().status_codes.get(statement.reason.decode("ascii", "replace"))
            if reason is None:
                return None
            status = list(Status)[statement.status]
            return StatusReason(status=status, reason=reason, day=_day_of(unit, change))
    return None


def _day_of(unit: Unit, change: MirroredStatusChange) -> date | None:
    block, act = unit.block(change.block), unit.act(change.digest)
    if block is not None:
        return today(block.time)
    return None if act is None else today(act.accepted)
