"""The intake's dependencies and limits, and an issuer's counters after all queued acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from certledger.ledger.core.acts import Lane
from certledger.ledger.core.receipt_chain import NOTHING_BEFORE, ReceiptChain
from certledger.ledger.core.values import IssuerRow, SubmittedAct
from certledger.ledger.intake.batch_submission import MAX_SUBMISSION_BYTES
from certledger.ledger.intake.errors import (
    ActDeadError,
    ChainAbsentError,
    IntakeOverloadedError,
    IssuerUnknownError,
    LedgerRetiredError,
    StatementOverError,
    StatementTooLongError,
)
from certledger.ledger.intake.submission_receipt import issue_receipt
from certledger.ledger.keys import Signer
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.formats.statements import (
    MAX_LIFETIME_SECONDS,
    Batch,
    CatalogChange,
    Statement,
    not_after_of,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class IntakeLimits:
    """Limits of intake, in certificates, acts, bytes and seconds.

    Once the oldest act that is not set aside has waited `longest_wait`, nothing more is accepted.
    Acts set aside count for their issuer alone, so that no issuer closes intake for others.
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
    """Dependencies of intake.

    `identity` is the ledger's (32 bytes), `operator` signs receipts, `clock` returns seconds.
    """

    store: Store
    identity: bytes
    operator: Signer
    clock: Callable[[], int]
    limits: IntakeLimits = field(default_factory=IntakeLimits)
    retired: bool = False

    def receipt_for(self, unit: Unit, statement: Statement, now: int) -> tuple[int, bytes]:
        """Return number and file of the receipt for a statement accepted now.

        Locks the chain of receipts until the unit ends: each receipt names the one before.
        """
        last, previous = unit.receipt_chain(ReceiptChain.ACTS)
        file = self.format_receipt(statement, now, last + 1, previous)
        unit.extend_receipt_chain(ReceiptChain.ACTS, last + 1, sha256(file))
        return last + 1, file

    def receipt_of_anchored(self, statement: Statement, now: int) -> bytes:
        """Return the receipt for a statement that the chain has already, with number 0.

        No act is stored for it, so it is not part of the chain of receipts (SPEC section 20).
        """
        return self.format_receipt(statement, now, 0, NOTHING_BEFORE)

    def format_receipt(self, statement: Statement, now: int, number: int, previous: bytes) -> bytes:
        """Return the file of receipt `number`, deterministic in its arguments."""
        return issue_receipt(
            statement,
            identity=self.identity,
            accepted=now,
            anchored_by=min(now + self.limits.anchored_within, not_after_of(statement)),
            number=number,
            previous=previous,
            operator=self.operator,
        ).format()

    def check_room(self, unit: Unit, subject: str, certificates: int) -> None:
        """Check the limits of waiting acts and certificates, of one subject and in all.

        Raises:
            LedgerRetiredError: the ledger has ended.
            ChainAbsentError: the oldest act has waited longer than `longest_wait`.
            IntakeOverloadedError: a limit would be exceeded.
        """
        if self.retired:
            raise LedgerRetiredError("the ledger has ended at its final checkpoint")
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
    """What an issuer's next statement builds on, once all queued acts are anchored.

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
    """Return the head of an issuer after its queued acts, so that its offices do not collide.

    Raises:
        IssuerUnknownError: the ledger has no such issuer.
    """
    with store.begin(write=False) as unit:
        return head_of(unit, require_issuer(unit, issuer))


def require_issuer(unit: Unit, issuer: str) -> IssuerRow:
    """Return an issuer's state in the mirror, or raise IssuerUnknownError."""
    row = unit.issuer(issuer)
    if row is None:
        raise IssuerUnknownError(f"the ledger has no issuer {issuer}")
    return row


def head_of(unit: Unit, issuer: IssuerRow) -> PendingHead:
    """Return the head of an issuer after the acts that are queued in `unit`."""
    state = issuer.state
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
    """Return a counter that is `current` on the chain, after the queued acts."""
    waiting = unit.last_waiting(subject, lane)
    return current if waiting is None else max(current, waiting.counter)


def check_time(not_after: int, now: int) -> None:
    """Check that a statement has not expired and does not live too long.

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
    """Return the receipt of a statement that was accepted before, None if it was not.

    Raises:
        ActDeadError: it has expired, been displaced or been rejected since.
    """
    if act is None:
        return None
    if not act.state.alive:
        why = "" if act.reason is None else f": {act.reason}"
        raise ActDeadError(f"this statement was accepted at {act.accepted} and is {act.state}{why}")
    return act.receipt
