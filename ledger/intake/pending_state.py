"""What intake works with, and where each counter of a body stands after the work that waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from certledger.ledger.core.acts import Lane
from certledger.ledger.core.ports import IssuerRow, Store, SubmittedAct, Unit
from certledger.ledger.core.receipt_chain import NOTHING_BEFORE, ReceiptChain
from certledger.ledger.intake.batch_submission import MAX_SUBMISSION_BYTES
from certledger.ledger.intake.errors import (
    ActDeadError,
    ChainAbsentError,
    CounterWrongError,
    IntakeOverloadedError,
    IssuerUnknownError,
    StatementOverError,
    StatementTooLongError,
)
from certledger.ledger.intake.submission_receipt import issue_receipt
from certledger.ledger.keys import Signer
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.formats.statements import (
    MAX_LIFETIME_SECONDS,
    Batch,
    CatalogChange,
    Statement,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class IntakeLimits:
    """How much intake takes, and what it promises: certificates, bytes, seconds.

    Once the oldest act that can move has waited for `longest_wait`, nothing more is taken in.
    What is set aside counts for its issuer alone, so that no issuer closes intake for others.
    """

    waiting_certificates: int = 2_000_000
    waiting_acts: int = 10_000
    issuer_certificates: int = 1_000_000
    issuer_acts: int = 2_000
    longest_wait: int = 7_200
    submission_bytes: int = MAX_SUBMISSION_BYTES
    anchored_within: int = 3_600
    retry_after: int = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """What intake works with.

    `identity` is the ledger's (32 bytes), `operator` signs receipts, `clock` gives seconds.
    """

    store: Store
    identity: bytes
    operator: Signer
    clock: Callable[[], int]
    limits: IntakeLimits = field(default_factory=IntakeLimits)

    def receipt_for(self, unit: Unit, statement: Statement, now: int) -> tuple[int, bytes]:
        """Return number and file of the receipt for a statement accepted now.

        It is the next in the chain of receipts, so nobody else adds one before the unit ends.
        """
        last, previous = unit.receipt_chain(ReceiptChain.ACTS)
        file = self.format_receipt(statement, now, last + 1, previous)
        unit.extend_receipt_chain(ReceiptChain.ACTS, last + 1, sha256(file))
        return last + 1, file

    def receipt_of_anchored(self, statement: Statement, now: int) -> bytes:
        """Return the receipt for a statement that the chain holds: nothing waits, so 0 numbers it.

        No act is stored for it, so it is no link of the chain of receipts.
        """
        return self.format_receipt(statement, now, 0, NOTHING_BEFORE)

    def format_receipt(self, statement: Statement, now: int, number: int, previous: bytes) -> bytes:
        """Return the file of receipt `number`, always the same for the same arguments."""
        not_after: int = getattr(statement, "not_after")  # noqa: B009  (all that are carried)
        return issue_receipt(
            statement,
            identity=self.identity,
            accepted=now,
            anchored_by=min(now + self.limits.anchored_within, not_after),
            number=number,
            previous=previous,
            operator=self.operator,
        ).format()

    def check_room(self, unit: Unit, subject: str, certificates: int) -> None:
        """Check that more may wait, of one subject and in all.

        Raises:
            ChainAbsentError: what waits has waited too long already.
            IntakeOverloadedError: more would wait than may.
        """
        backlog, limits = unit.backlog(), self.limits
        waited = 0 if backlog.oldest is None else self.clock() - backlog.oldest
        if waited > limits.longest_wait:
            raise ChainAbsentError(waited, limits.retry_after)
        own = unit.backlog_of(subject)
        for waiting, most in (
            (own.acts + 1, limits.issuer_acts),
            (own.certificates + certificates, limits.issuer_certificates),
            (backlog.acts + 1, limits.waiting_acts),
            (backlog.certificates + certificates, limits.waiting_certificates),
        ):
            if waiting > most:
                raise IntakeOverloadedError(waiting, most, limits.retry_after)


@dataclass(frozen=True, kw_only=True, slots=True)
class PendingHead:
    """What a body's next statement builds on, once all that waits has been anchored.

    The next batch has sequence `batches + 1`, first index `certificates`, and `last` as previous.
    """

    issuer: str
    batches: int
    certificates: int
    last: bytes
    catalog: bytes
    catalog_version: int
    epoch: int
    revision: int


def head(store: Store, issuer: str) -> PendingHead:
    """Return the head of a body after queued work, so that two offices of it do not collide.

    Raises:
        IssuerUnknownError: the ledger has no such body.
    """
    with store.begin(write=False) as unit:
        return head_of(unit, body_of(unit, issuer))


def body_of(unit: Unit, issuer: str) -> IssuerRow:
    """Return a body as the mirror has it, or raise IssuerUnknownError."""
    body = unit.body(issuer)
    if body is None:
        raise IssuerUnknownError(f"the ledger has no body {issuer}")
    return body


def head_of(unit: Unit, body: IssuerRow) -> PendingHead:
    """Return the head of a body after the work that waits in `unit`."""
    state = body.state
    batches, certificates, last = state.batches, state.certificates, state.last
    waiting = unit.last_waiting(state.issuer, Lane.SEQUENCE)
    if waiting is not None and isinstance(statement := waiting.statement, Batch):
        batches, certificates, last = (
            statement.sequence,
            statement.first + statement.count,
            waiting.digest,
        )
    catalog, version = state.catalog, state.catalog_version
    waiting = unit.last_waiting(state.issuer, Lane.VERSION)
    if waiting is not None and isinstance(change := waiting.statement, CatalogChange):
        catalog, version = change.root, change.version
    return PendingHead(
        issuer=state.issuer,
        batches=batches,
        certificates=certificates,
        last=last,
        catalog=catalog,
        catalog_version=version,
        epoch=after_queue(unit, state.issuer, Lane.EPOCH, state.epoch),
        revision=after_queue(unit, state.issuer, Lane.REVISION, state.revision),
    )


def after_queue(unit: Unit, subject: str, lane: Lane, current: int) -> int:
    """Return the value of a counter that is `held` now, after the acts that wait."""
    waiting = unit.last_waiting(subject, lane)
    return current if waiting is None else max(current, waiting.counter)


def check_counter(statement: int, current: int, what: str) -> None:
    """Check that a statement's counter is the next one.

    Raises:
        CounterWrongError: it is not.
    """
    if statement != current + 1:
        raise CounterWrongError(f"{what} {statement} where {current + 1} is next")


def check_time(not_after: int, now: int) -> None:
    """Check that a statement lives, and not for too long.

    Raises:
        StatementOverError: `not_after` has passed.
        StatementTooLongError: it lies more than seven days ahead.
    """
    if not_after < now:
        raise StatementOverError(f"the statement was good until {not_after}, now is {now}")
    if not_after > now + MAX_LIFETIME_SECONDS:
        ahead = not_after - now
        raise StatementTooLongError(
            f"notAfter lies {ahead} seconds ahead, at most {MAX_LIFETIME_SECONDS}"
        )


def earlier_receipt(act: SubmittedAct | None) -> bytes | None:
    """Return the receipt of the same statement taken in before, None if it was not.

    Raises:
        ActDeadError: it was, and has expired, been displaced or been rejected since.
    """
    if act is None:
        return None
    if not act.state.alive:
        why = "" if act.reason is None else f": {act.reason}"
        raise ActDeadError(f"this statement was accepted at {act.accepted} and is {act.state}{why}")
    return act.receipt
