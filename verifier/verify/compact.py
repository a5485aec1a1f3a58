"""Offline verdicts on compact evidence, by a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats import presentation
from certledger.verifier.formats.catalog import Entry, disobeyed
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.compact_evidence import TYPE as CODE
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.issuer_state import IssuerState, UnnamedIssuer
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
from certledger.verifier.formats.record import Record
from certledger.verifier.formats.snapshot import TYPE as SNAPSHOT
from certledger.verifier.formats.snapshot import Snapshot, SnapshotIssuer, SnapshotUnprovedError
from certledger.verifier.formats.snapshot_columns import PackedBatch
from certledger.verifier.formats.state_proof import slot_position
from certledger.verifier.formats.statements import ZERO, Batch
from certledger.verifier.formats.status_tree import CELLS
from certledger.verifier.verify.block_trust import Judgement, Slot
from certledger.verifier.verify.checks import (
    check_dates,
    check_freshness,
    check_holder,
    check_inclusion,
    check_key,
    check_status,
)
from certledger.verifier.verify.content_check import Paper, Showing, check_content
from certledger.verifier.verify.full import Current
from certledger.verifier.verify.proved_states import ProvedStates
from certledger.verifier.verify.result import ProvedCertificate, result_of
from certledger.verifier.verify.trust_sources import Judge
from certledger.verifier.verify.verdict import Result, unusable
from certledger.verifier.vocabulary import CheckName


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchContext:
    """Data of the snapshot for one certificate."""

    issuer: SnapshotIssuer
    row: PackedBatch
    statement: Batch
    entry: Entry | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CompactVerifier:
    """Verifies compact evidence by a proved snapshot and the trust in its block.

    `seen` returns whether this counter accepted a presentation (by its mark) before; `follow`
    checks the block again for one issuer's state, where a node may have a newer one; `states` are
    those that evidence files prove in addition to the snapshot.
    """

    policy: TrustPolicy
    ledger: LedgerPin
    snapshot: Snapshot
    judgement: Judgement
    seen: Callable[[bytes], bool] = field(default=lambda mark: False)
    follow: Judge | None = None
    states: ProvedStates = field(default_factory=ProvedStates)

    @classmethod
    def open(
        cls,
        policy: TrustPolicy,
        snapshot: Snapshot,
        judge: Callable[[Snapshot, LedgerPin], Judgement],
        seen: Callable[[bytes], bool] = lambda mark: False,
        follow: Judge | None = None,
    ) -> CompactVerifier:
        """Prove a snapshot and check the trust in its block.

        Raises:
            MalformedError: `snapshot.version`, one that the policy does not list.
            SnapshotUnprovedError: it is of no ledger of the policy, or not the contract's state.
        """
        if not policy.accepts(SNAPSHOT):
            raise MalformedError("snapshot.version", f"the policy does not list {SNAPSHOT}")
        ledger = policy.for_ledger(snapshot.note.checkpoint.identity)
        if ledger is None:
            raise SnapshotUnprovedError("the policy does not know this ledger")
        snapshot.check(ledger)
        judgement = judge(snapshot, ledger)
        return cls(
            policy=policy,
            ledger=ledger,
            snapshot=snapshot,
            judgement=judgement,
            seen=seen,
            follow=follow,
        )

    def newer(self, evidence: Evidence, ledger: LedgerPin, judgement: Judgement) -> Current | None:
        """Return an issuer's newest state, if it is newer than the evidence.

        It is the snapshot's, or that of a still newer evidence file.
        """
        number = parse_note(evidence.checkpoint).checkpoint.number  # Parsed by the block's check.
        head = self.snapshot.note.checkpoint
        if self.judgement.code != "ok" or head.identity != ledger.identity or head.number <= number:
            return self.states.after(number, ledger, evidence.record, None)
        return self._newest(evidence.record)

    def _newest(self, record: Record) -> Current:
        """Return the newest state of a record's issuer: the snapshot's or a newer file's."""
        known, number = self._state(record), self.snapshot.note.checkpoint.number
        return self.states.after(number, self.ledger, record, known) or known

    def _state(self, record: Record) -> Current:
        """Return the snapshot's state of a record's issuer."""
        issuer = self.snapshot.by_issuer.get(record.issuer)
        if issuer is None or issuer.batch_of(record.index) is None:
            return Current(judgement=self.judgement)
        word = issuer.words.get(record.index // CELLS, ZERO)
        return Current(judgement=self._followed(issuer.state), state=issuer.state, word=word)

    def _followed(self, state: IssuerState) -> Judgement:
        """Check the block again for one issuer's state."""
        if self.follow is None or self.judgement.code != "ok":
            return self.judgement
        slot = Slot(position=slot_position(state.issuer), value=state.digest())
        return self.follow(self.snapshot.note, self.ledger, slot)

    def verify_text(
        self,
        text: str,
        *,
        now: int,
        documents: Sequence[Paper] = (),
        request: presentation.Request | None = None,
    ) -> Result:
        """Return the verdict on the text of a code; bad input is a verdict, not an error."""
        try:
            compact = Compact.parse(text)
        except CertledgerError as error:
            return unusable(error.code)
        return self.verify(compact, now=now, documents=documents, request=request)

    def verify(
        self,
        compact: Compact,
        *,
        now: int,
        documents: Sequence[Paper] = (),
        request: presentation.Request | None = None,
    ) -> Result:
        """Return the verdict on compact evidence at `now` (seconds since 1970)."""
        if not self.policy.accepts(CODE):
            return unusable("schema.version")
        judgement = self._judge(compact, now)
        # A snapshot of another ledger, or an untrusted one, decides nothing.
        found = self._find(compact) if judgement.code == "ok" else judgement.code
        backing = found if isinstance(found, BatchContext) else None
        current = Current(judgement=judgement)
        if backing is not None:
            current = self._newest(compact.record)
        entry = backing.entry if backing is not None else None
        showing = _show(compact, entry)
        codes = {
            CheckName.CONTENT: check_content(showing, documents, entry),
            CheckName.DATES: check_dates(compact.record, now),
            CheckName.HOLDER: self._holder(compact, showing, request, now),
            **self._backed(compact, showing.leaf, found, current, now),
        }
        judgement, time = current.judgement, current.judgement.time
        return result_of(
            codes,
            showing=showing,
            proved=None
            if backing is None or entry is None or current.state is None
            else ProvedCertificate.of(
                current.state.name, entry, backing.statement, backing.row.block
            ),
            time=time,
            timely=time is not None and time <= now + self.policy.clock_tolerance,
            basis=judgement.basis,
            unanswered=judgement.unanswered,
            retired=judgement.end is not None,
        )

    def _judge(self, compact: Compact, now: int) -> Judgement:
        if self.policy.ended(now):
            return Judgement(code="policy.ended")
        if compact.ledger != self.ledger.identity[:8]:
            return Judgement(code="block.other_ledger")
        return self.judgement

    def _find(self, compact: Compact) -> BatchContext | str:
        """Return the snapshot's data for a record, or the code of check 3."""
        record = compact.record
        issuer = self.snapshot.by_issuer.get(record.issuer)
        if issuer is None:
            return "anchor.body_absent"
        if isinstance(issuer.state, UnnamedIssuer):
            return "anchor.name_absent"
        found = issuer.batch_of(record.index)
        if found is None:
            return "anchor.batch_pending"
        row, statement = found
        if self.snapshot.lacks(statement.catalog):
            return "anchor.catalog_absent"
        entries = self.snapshot.entries.get(statement.catalog, {})
        return BatchContext(
            issuer=issuer,
            row=row,
            statement=statement,
            entry=entries.get((record.category, record.entry)),
        )

    def _backed(
        self,
        compact: Compact,
        leaf: bytes,
        found: BatchContext | str,
        current: Current,
        now: int,
    ) -> dict[CheckName, str]:
        """Return the codes of the checks that depend on the issuer's state."""
        judgement = current.judgement
        trusted, time = judgement.code == "ok", judgement.time
        rests = (CheckName.SIGNATURE, CheckName.ENTITLEMENT, CheckName.STATUS)
        fresh = "block.needed"
        if trusted and time is not None:
            category = compact.record.category
            fresh = check_freshness(category, self.policy, time=time, now=now, end=judgement.end)
            fresh = "freshness.overtaken" if judgement.overtaken else fresh
        codes = {CheckName.BLOCK: judgement.code, CheckName.FRESHNESS: fresh}
        if isinstance(found, str):
            # Undecided: the batch may have been anchored after the snapshot.
            codes |= {CheckName.INCLUSION: "inclusion.path_unusable"}
            codes |= {CheckName.ANCHOR: found if trusted else "block.needed"}
            return codes | dict.fromkeys(rests, "anchor.needed" if trusted else "block.needed")
        codes[CheckName.INCLUSION] = check_inclusion(
            leaf, compact.record.index, found.statement, compact.path
        )
        codes[CheckName.ANCHOR] = "ok"
        return codes | self._relied(compact, found, current)

    def _relied(
        self, compact: Compact, backing: BatchContext, current: Current
    ) -> dict[CheckName, str]:
        record, state = compact.record, current.state or backing.issuer.state
        signature = check_key(state.keys[backing.row.key], backing.row.block)
        if signature == "ok" and self.policy.countersignature:
            lacking = backing.statement.countersignature == ZERO
            signature = "signature.countersignature_missing" if lacking else "ok"
        return {
            CheckName.SIGNATURE: signature,
            CheckName.ENTITLEMENT: _entitlement(compact, backing.entry),
            CheckName.STATUS: check_status(record.index, current.word, state.standing),
        }

    def _holder(
        self,
        compact: Compact,
        showing: Showing,
        request: presentation.Request | None,
        now: int,
    ) -> str:
        presented = compact.presentation
        code = check_holder(
            showing,
            presented,
            request,
            identity=self.ledger.identity,
            policy=self.policy,
            now=now,
        )
        if code == "ok" and presented is not None and self.seen(presented.mark):
            return "holder.replayed"
        return code


def _entitlement(compact: Compact, entry: Entry | None) -> str:
    """Return the code of check 5; the snapshot has whole catalogs, so a missing entry is absent."""
    if entry is None:
        return "entitlement.category_absent"
    broken = disobeyed(compact.record, entry)
    return broken[0] if broken else "ok"


def _show(compact: Compact, entry: Entry | None) -> Showing:
    """Return the disclosures under the names of their indexes; none without the entry."""
    if entry is None:
        return Showing.of(compact.record, [])
    bound = compact.record.bound
    disclosures = [part.named(entry, bound=bound) for part in compact.shown]
    return Showing.at(compact.record, disclosures, [part.place for part in compact.shown])
