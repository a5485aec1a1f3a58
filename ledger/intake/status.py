"""Whether a status statement's steps are allowed, after those that wait."""

from __future__ import annotations

from certledger.ledger.acts import Lane
from certledger.ledger.intake.refusals import StatusBeyond, StatusMalformed
from certledger.ledger.ports import BodySeen, Unit
from certledger.verifier.statements import StatusChange
from certledger.verifier.status import CELLS, DEPTH, MOST_WORDS, ZERO_WORD, move
from certledger.verifier.vocabulary import Status

_STATUSES = tuple(Status)


def check_status(
    unit: Unit, body: BodySeen, said: StatusChange, certificates: int, *, correction: bool
) -> None:
    """Check the cells of a status statement and each step.

    Raises:
        StatusMalformed: words or masks have no possible shape, or the status is none.
        StatusBeyond: a cell at or above `certificates`.
        StepForbidden: a step that is not allowed, or changes nothing.
    """
    _check_shape(said)
    last = said.words[-1] * CELLS + (said.masks[-1].bit_length() - 1) // 2
    if last >= certificates:
        raise StatusBeyond(f"certificate {last} where {certificates} are issued")
    words = dict(unit.words(body.state.issuer))
    for act in unit.queue(body.state.issuer, Lane.EPOCH):
        if isinstance(act.statement, StatusChange):
            _apply(words, act.statement, correction=len(act.signatures) > 1)
    _apply(words, said, correction=correction)


def _check_shape(said: StatusChange) -> None:
    if not 0 < len(said.words) <= MOST_WORDS or len(said.masks) != len(said.words):
        raise StatusMalformed(f"{len(said.words)} words and {len(said.masks)} masks")
    if any(b <= a for a, b in zip(said.words, said.words[1:], strict=False)):
        raise StatusMalformed("words do not strictly increase")
    if said.words[-1] >> DEPTH or not all(said.masks):
        raise StatusMalformed("a word lies beyond the status tree, or a mask is empty")
    if said.status >= len(_STATUSES):
        raise StatusMalformed(f"{said.status} is no status")


def _apply(words: dict[int, bytes], said: StatusChange, *, correction: bool) -> None:
    for position, mask in zip(said.words, said.masks, strict=True):
        held = words.get(position, ZERO_WORD)
        words[position] = move(held, mask, _STATUSES[said.status], correction=correction)
