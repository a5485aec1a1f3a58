"""The receipt log: verification receipts become records in the operator's daily batches."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson
import structlog

from certledger.ledger.core.acts import ActState
from certledger.ledger.core.leases import LOGBOOK, lease_holder
from certledger.ledger.core.service_values import Verification
from certledger.ledger.core.values import IssuerRow
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.intake.errors import (
    ActDeadError,
    BatchConflictError,
    CatalogNotInForceError,
    FirstWrongError,
    PreviousWrongError,
    SequenceWrongError,
    SignerEndedError,
    StatementOverError,
)
from certledger.ledger.intake.pending_state import Intake, head_of
from certledger.ledger.keys import Signer
from certledger.ledger.sealing.batch import Head, SealedBatch, seal_issues
from certledger.ledger.sealing.issue import Issue
from certledger.ledger.sealing.records import SEED_SIZE
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.formats.canonical_json import parse_canonical
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES, NO_END
from certledger.verifier.verify.checks import today
from certledger.verifier.verify.receipt import DIGEST, RECEIPT_ENTRY, code_of
from certledger.verifier.vocabulary import IssuerKind, Purpose, Standing

if TYPE_CHECKING:
    from certledger.ledger.node import Ledger

log = structlog.get_logger(__name__)
LEASE = LOGBOOK
DAY = 86_400
_LEASE_SECONDS = 120
_MAX_CATALOG_BYTES = 64 * 2**20

_ANEW = (
    ActDeadError,
    BatchConflictError,
    CatalogNotInForceError,
    FirstWrongError,
    PreviousWrongError,
    SequenceWrongError,
    SignerEndedError,
    StatementOverError,
)
"""Errors after which the same receipts are sealed again, on the issuer's new state."""


@dataclass(kw_only=True)
class Logbook:
    """Seals receipts as the issuer with the operator's key.  `every` is in seconds.

    A sealed batch is stored before it is submitted, so that a crash leaves one batch.
    """

    store: Store
    intake: Intake
    operator: Signer
    secret: bytes
    clock: Callable[[], float]
    every: int = DAY
    holder: str = field(default_factory=lease_holder)

    def step(self) -> int:
        """Submit a sealed batch, or seal what is due; return how many receipts were submitted."""
        now = int(self.clock())
        with self.store.begin() as unit:
            token = unit.acquire(LEASE, self.holder, seconds=_LEASE_SECONDS)
            if token is None:
                return 0
            _follow_up(unit)
        self.seal_due(now, token)
        return self._hand_in()

    def release(self) -> None:
        """Release the lease, so that another worker need not wait until it ends."""
        with self.store.begin() as unit:
            unit.release(LEASE, self.holder)

    def seal_due(self, now: int, token: int) -> None:
        """Seal what is due at `now`, under the lease's `token`, unless a sealed batch waits.

        Sealing comes before the write transaction, which other writers wait for.
        """
        with self.store.begin(write=False) as unit:
            due = self._due(unit, now)
            made = self._sealed(unit, due, now) if due else None
        if made is None:
            return
        with self.store.begin() as unit:
            # Crash before this commit: the same receipts are sealed again.  Crash after it: the
            # stored batch is submitted, which is safe to repeat.
            unit.fence(LEASE, token)
            references = [one.reference for one in due]
            unit.seal_verifications(references, made.statement.sequence, made.submission())

    def _due(self, unit: Unit, now: int) -> Sequence[Verification]:
        if unit.receipt_batch_waiting() is not None:
            return ()
        oldest = unit.unsealed_verifications(1)
        if not oldest:
            return ()
        if (
            oldest[0].checked + self.every > now
            and unit.unsealed_count(MAX_BATCH_CERTIFICATES) < MAX_BATCH_CERTIFICATES
        ):
            return ()
        return unit.unsealed_verifications(MAX_BATCH_CERTIFICATES)

    def _sealed(self, unit: Unit, due: Sequence[Verification], now: int) -> SealedBatch | None:
        """Return the batch of what is due, None if no operator with the receipt entry can seal."""
        issuer = operator_issuer(unit, self.operator.address)
        if issuer is None:
            return None
        head = head_of(unit, issuer)
        entries = unit.catalog(head.catalog)
        catalog = Catalog.from_json(parse_canonical(entries or b"[]", _MAX_CATALOG_BYTES))
        if RECEIPT_ENTRY not in catalog.entries:
            log.warning("logbook_uncatalogued", issuer=issuer.state.issuer)
            return None
        place = Head(sequence=head.batches + 1, previous=head.last, first=head.certificates)
        return self.seal(due, issuer.state.issuer, catalog, place, now)

    def seal(
        self, given: Sequence[Verification], issuer: str, catalog: Catalog, head: Head, now: int
    ) -> SealedBatch:
        """Return the batch of these receipts; deterministic in its arguments."""
        return seal_issues(
            [issue_of(one) for one in given],
            catalog=catalog,
            head=head,
            issuer=issuer,
            secret=hmac.digest(self.secret, b"certledger/logbook/1/ids", "sha256"),
            # Unused: both salts derive from the access code, and that from the receipt.
            seed=bytes(SEED_SIZE),
            signer=self.operator,
            now=now,
            identity=self.intake.identity,
        )

    def _hand_in(self) -> int:
        with self.store.begin(write=False) as unit:
            waiting = unit.receipt_batch_waiting()
        if waiting is None:
            return 0
        sequence, submission = waiting
        try:
            receipt = orjson.loads(submit_batch(self.intake, submission))["receipt"]
        except _ANEW as error:
            with self.store.begin() as unit:
                _seal_anew(unit, sequence, error.code)
            return 0
        with self.store.begin() as unit:
            unit.receipt_batch_handed_in(sequence, bytes.fromhex(receipt["digest"]))
        return int(receipt["count"])


def _follow_up(unit: Unit) -> None:
    """Mark batches final; unseal the receipts of batches that can no longer be included."""
    for sequence, digest in unit.receipt_batches_under_way():
        act = unit.act(digest)
        if act is not None and act.state is ActState.FINAL:
            unit.receipt_batch_final(sequence)
        elif act is not None and not act.state.alive:
            _seal_anew(unit, sequence, act.state)


def _seal_anew(unit: Unit, sequence: int, code: str) -> None:
    log.warning("logbook_sealed_anew", sequence=sequence, code=code)
    unit.unseal_verifications(sequence)


def logbook_of(ledger: Ledger, secret: bytes) -> Logbook:
    """Return the receipt log of an open ledger; `secret` (32 bytes) is the service's.

    It acquires its lease under the name of the ledger's outbox worker.
    """
    return Logbook(
        store=ledger.store,
        intake=ledger.intake,
        operator=ledger.operator,
        secret=secret,
        clock=ledger.clock,
        every=ledger.settings.receipts_every,
        holder=ledger.anchorer.holder,
    )


def issue_of(given: Verification) -> Issue:
    """Return the certificate of a receipt: its reference and the digest of its file."""
    return Issue(
        entry=RECEIPT_ENTRY,
        number=given.reference,
        fields={DIGEST: sha256(given.receipt).hex()},
        issued=today(given.checked),
        expires=None,
        access_code=code_of(given.receipt),
    )


def operator_issuer(unit: Unit, address: bytes) -> IssuerRow | None:
    """Return the active operator with this address among its keys for batches, None without."""
    for issuer in unit.issuers():
        if issuer.state.kind is not IssuerKind.OPERATOR:
            continue
        signs = any(
            key.address == address and key.end == NO_END and key.purposes & Purpose.BATCHES
            for key in issuer.state.keys
        )
        if signs and issuer.state.standing is Standing.ACTIVE and not issuer.on_hold:
            return issuer
    return None
