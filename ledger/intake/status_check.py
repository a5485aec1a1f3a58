"""Check the steps of a status statement, after all queued ones."""

from __future__ import annotations

from certledger.ledger.core.acts import Lane
from certledger.ledger.core.values import IssuerRow
from certledger.ledger.intake.errors import StatusBeyondError, StatusMalformedError
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.formats.statements import StatusChange
from certledger.verifier.formats.status_tree import CELLS, DEPTH, MAX_STATUS_WORDS, ZERO_WORD, move
from certledger.verifier.vocabulary import Status

_STATUSES = tuple(Status)


def check_status(
    unit: Unit, issuer: IssuerRow, statement: StatusChange, certificates: int, *, correction: bool
) -> None:
    """Check the cells of a status statement and each step.

    Raises:
        StatusMalformedError: invalid words, masks or status.
        StatusBeyondError: a cell at or above `certificates`.
        StepForbiddenError: a step that is not allowed, or changes nothing.
    """
    _check_shape(statement)
    last = statement.words[-1] * CELLS + (statement.masks[-1].bit_length() - 1) // 2
    if last >= certificates:
        raise StatusBeyondError(f"certificate {last} where {certificates} are issued")
    words = dict(unit.words(issuer.state.issuer))
    for act in unit.queue(issuer.state.issuer, Lane.EPOCH):
        if isinstance(act.statement, StatusChange):
            _apply(words, act.statement, correction=len(act.signatures) > 1)
    _apply(words, statement, correction=correction)


def _check_shape(statement: StatusChange) -> None:
    if not 0 < len(statement.words) <= MAX_STATUS_WORDS or len(statement.masks) != len(
        statement.words
    ):
        raise StatusMalformedError(f"{len(statement.words)} words and {len(statement.masks)} masks")
    if any(b <= a for a, b in zip(statement.words, statement.words[1:], strict=False)):
        raise StatusMalformedError("words do not strictly increase")
    if statement.words[-1] >> DEPTH or not all(statement.masks):
        raise StatusMalformedError("a word lies beyond the status tree, or a mask is empty")
    if statement.status >= len(_STATUSES):
        raise StatusMalformedError(f"{statement.status} is no status")


def _apply(words: dict[int, bytes], statement: StatusChange, *, correction: bool) -> None:
    for position, mask in zip(statement.words, statement.masks, strict=True):
        current = words.get(position, ZERO_WORD)
        words[position] = move(current, mask, _STATUSES[statement.status], correction=correction)
