"""Replay of the contract's events in order, each checked against the contract's rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Protocol, TypeAlias

from certledger.verifier.audit import rules
from certledger.verifier.audit.batches import BatchTask, read_catalog
from certledger.verifier.audit.findings import AuditFault, AuditFaults, fault, log_evidence
from certledger.verifier.audit.rules import ReplayedIssuer, RuleViolationError
from certledger.verifier.audit.sources import DataUnreachableError, Nothing, PublishedData
from certledger.verifier.contract_state import (
    BlockTime,
    Issuer,
    LedgerState,
    Seat,
    SignedAct,
    changed_seats,
    issuers_of,
)
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats import contract_events
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.contract_events import (
    ActEvent,
    IssuerStateEvent,
    parse_log,
    parse_state,
)
from certledger.verifier.formats.issuer_state import ZERO, IssuerState, batch_leaf
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.signed_act import statement_to_json
from certledger.verifier.formats.statements import (
    CatalogChange,
    Hold,
    Register,
    RegistrarChange,
    Release,
    Statement,
    StatusChange,
    ledger_identity,
)
from certledger.verifier.formats.status_tree import StepForbiddenError, chosen, move
from certledger.verifier.node_rpc import Log
from certledger.verifier.vocabulary import MEANING, Status

_STATUSES = tuple(Status)
_TERMINAL = frozenset(status for status in Status if not MEANING[status].may_become)
Mark: TypeAlias = tuple[int, int, int, int, int]
"""A batch: sequence, first, count, key index, block."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayedAct:
    """An act as the contract's event reports it.  `leaf` is a batch's leaf in its issuer's tree."""

    statement: Statement
    digest: bytes
    signatures: tuple[bytes, ...]
    key: int | None
    log: Log
    time: int
    leaf: bytes = b""


class Observer(Protocol):
    """Compares further data, such as a database, with the chain during the replay."""

    def observe_act(self, act: ReplayedAct) -> list[AuditFault]:
        """Compare an act that the contract accepted."""

    def words(self, issuer: str, words: dict[int, bytes], block: int) -> list[AuditFault]:
        """Compare the status words that an act changed."""

    def observe_state(self, issuer: ReplayedIssuer, block: int) -> list[AuditFault]:
        """Compare an issuer's new state."""

    def seated(self, region: int, seat: Seat, term: int, block: int) -> list[AuditFault]:
        """Compare a registrar's seat, or the term, after a change."""

    def noted(self) -> Json:
        """Return the data that the next audit compares with."""

    def to_json(self) -> Json:
        """Return the observer's state for the progress notes."""

    def from_json(self, value: Json) -> None:
        """Restore the output of `to_json`."""


class NullObserver:
    """Observer that compares nothing."""

    def observe_act(self, act: ReplayedAct) -> list[AuditFault]:
        return []

    def words(self, issuer: str, words: dict[int, bytes], block: int) -> list[AuditFault]:
        return []

    def observe_state(self, issuer: ReplayedIssuer, block: int) -> list[AuditFault]:
        return []

    def seated(self, region: int, seat: Seat, term: int, block: int) -> list[AuditFault]:
        return []

    def noted(self) -> Json:
        return None

    def to_json(self) -> Json:
        return None

    def from_json(self, value: Json) -> None:
        return None


@dataclass(kw_only=True)
class Replay:
    """State of the ledger after the events so far, and the faults found.

    `reasons` are the known reason codes, empty to accept any.  `tasks` are the batches whose
    records are not checked yet.
    """

    pin: LedgerPin
    published: PublishedData
    observer: Observer
    now: int
    reasons: frozenset[str] = frozenset()
    faults: AuditFaults = field(default_factory=AuditFaults)
    issuers: dict[str, ReplayedIssuer] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    registrars: dict[int, Seat] = field(default_factory=dict)
    term: int = 0
    roll: bytes = ZERO
    marks: dict[str, list[Mark]] = field(default_factory=dict)
    entries: dict[str, dict[str, str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    tasks: list[BatchTask] = field(default_factory=list)
    _moved: set[str] = field(default_factory=set)

    def count(self, what: str, number: int = 1) -> None:
        """Add to a counter of the report."""
        self.counts[what] = self.counts.get(what, 0) + number

    def apply(self, log: Log, time: int) -> None:
        """Apply one event; `time` is that of its block (seconds)."""
        self.count("events")
        try:
            event = parse_log(log.topics, log.data)
        except MalformedError as error:
            self.faults.add(
                fault("node.event_malformed", _at(log), str(error), **log_evidence(log))
            )
            return
        try:
            if isinstance(event, contract_events.Created):
                self._created(event, log)
            elif isinstance(event, contract_events.BatchAnchored):
                self._anchored(event, log, time)
            elif isinstance(event, ActEvent):
                self._apply_act(event, log, time)
            elif isinstance(event, IssuerStateEvent):
                self._apply_state(event, log)
        except RuleViolationError as error:
            where = f"{_subject(event)}/{_at(log)}"
            self.faults.add(fault(error.code, where, str(error), **log_evidence(log)))
        except (CertledgerError, ValueError) as error:
            where = f"{_subject(event)}/{_at(log)}"
            self.faults.add(fault("act.content", where, str(error), **log_evidence(log)))

    def _created(self, event: contract_events.Created, log: Log) -> None:
        found = ledger_identity(self.pin.chain_id, self.pin.address, event.salt)
        if event.identity != self.pin.identity or found != self.pin.identity:
            detail = f"the event has {event.identity.hex()}"
            evidence = log_evidence(log)
            self.faults.add(fault("deployment.identity_differs", _at(log), detail, **evidence))

    # Batches --------------------------------------------------------------------------------

    def _anchored(self, event: contract_events.BatchAnchored, log: Log, time: int) -> None:
        issuer = self._issuer(event.issuer)
        catalog = issuer.state.catalog
        statement = event.statement(previous=issuer.state.last, catalog=catalog)
        digest = statement.digest(self.pin.identity)
        self.count("batches")
        self.count("certificates", event.count)
        self._moved.add(event.issuer)
        leaf = batch_leaf(digest=digest, catalog=catalog, key=event.key, block=log.block)
        act = ReplayedAct(
            statement=statement,
            digest=digest,
            signatures=(event.signature,),
            key=event.key,
            log=log,
            time=time,
            leaf=leaf,
        )
        self.faults.extend(self.observer.observe_act(act))
        self.tasks.append(self._task(event, catalog, _proof(act), time))
        mark = (event.sequence, event.first, event.count, event.key, log.block)
        self.marks.setdefault(event.issuer, []).append(mark)
        after = rules.judge_batch(
            self._ledger((event.issuer,)),
            SignedAct(statement=statement, signatures=(event.signature,), key=event.key),
            BlockTime(number=log.block, time=time),
        )
        issuer.state = after.issuers[event.issuer].state

    def _task(
        self,
        event: contract_events.BatchAnchored,
        catalog: bytes,
        proof: dict[str, Json],
        time: int,
    ) -> BatchTask:
        return BatchTask(
            published=self.published,
            issuer=event.issuer,
            issuer_number=self.order[event.issuer],
            sequence=event.sequence,
            first=event.first,
            count=event.count,
            root=event.root,
            catalog=catalog,
            time=time,
            now=self.now,
            evidence=proof,
        )

    # Other acts -----------------------------------------------------------------------------

    def _apply_act(self, event: ActEvent, log: Log, time: int) -> None:
        statement = event.statement
        act = ReplayedAct(
            statement=statement,
            digest=statement.digest(self.pin.identity),
            signatures=event.signatures,
            key=event.key,
            log=log,
            time=time,
        )
        self.count("acts")
        self.faults.extend(self.observer.observe_act(act))
        if isinstance(statement, RegistrarChange) and self._first(statement, act):
            self._seat(
                statement.region, Seat(account=statement.account, recovery=statement.recovery), log
            )
            return
        codes = issuers_of(statement)
        if not isinstance(statement, Hold | Release):  # Their events carry no state.
            self._moved.update(codes)
        root = ZERO
        if isinstance(statement, StatusChange):
            self._status(statement, self._issuer(codes[0]), act)
            root = self._issuer(codes[0]).tree.root
        elif isinstance(statement, CatalogChange):
            self._catalog(statement, codes[0], act)
        before = self._ledger(codes)
        carried = SignedAct(
            statement=statement, signatures=event.signatures, key=event.key, status_root=root
        )
        after = rules.judge(before, carried, BlockTime(number=log.block, time=time))
        self._take_over(statement, before, after, log)

    def _first(self, statement: RegistrarChange, act: ReplayedAct) -> bool:
        """Return whether the constructor seats a registrar, which needs no signature."""
        return statement.term == 0 and act.log.tx == self.pin.deployment and not act.signatures

    def _ledger(self, codes: Sequence[str]) -> LedgerState:
        """Return the state that the rules need to check an act on these issuers."""
        return LedgerState(
            identity=self.pin.identity,
            seats=self.registrars,
            issuers={
                code: Issuer(state=self.issuers[code].state, on_hold=self.issuers[code].on_hold)
                for code in codes
                if code in self.issuers
            },
            term=self.term,
        )

    def _take_over(
        self, statement: Statement, before: LedgerState, after: LedgerState, log: Log
    ) -> None:
        self.term = after.term
        for code, issuer in after.issuers.items():
            if code not in self.issuers:
                assert isinstance(statement, Register)
                self._judge_name(statement, code, log)
                self.issuers[code] = ReplayedIssuer(state=issuer.state, name=statement.name)
                self.order[code] = len(self.order)
                self.roll = rules.roll_after(self.roll, code)
            self.issuers[code].state, self.issuers[code].on_hold = issuer.state, issuer.on_hold
            if isinstance(statement, Hold | Release):
                self.faults.extend(self.observer.observe_state(self.issuers[code], log.block))
        for region in changed_seats(before, after):
            self._seat(region, after.seats[region], log)

    def _judge_name(self, statement: Register, code: str, log: Log) -> None:
        """Report a name that another issuer registered before."""
        others = [one for one, issuer in self.issuers.items() if issuer.name == statement.name]
        if others:
            detail = f"the name of {', '.join(others[:20])}"
            where = f"{code}/{_at(log)}"
            self.faults.add(fault("issuer.name_in_use", where, detail, **log_evidence(log)))

    def _seat(self, region: int, seat: Seat, log: Log) -> None:
        self.registrars[region] = seat
        self.faults.extend(self.observer.seated(region, seat, self.term, log.block))

    def _status(self, statement: StatusChange, issuer: ReplayedIssuer, act: ReplayedAct) -> None:
        if not 0 <= statement.status < len(_STATUSES):
            raise RuleViolationError("act.content", f"{statement.status} is no status")
        to, correction = _STATUSES[statement.status], len(act.signatures) > 1
        moved: dict[int, bytes] = {}
        for position, mask in zip(statement.words, statement.masks, strict=True):
            word = issuer.tree.word(position)
            try:
                moved[position] = move(word, mask, to, correction=correction)
            except StepForbiddenError as error:
                self._judged("status.step_forbidden", statement, act, f"word {position}: {error}")
                bits = int.from_bytes(word, "big") & ~mask
                every = int("01" * 128, 2) * to.number
                moved[position] = (bits | every & mask).to_bytes(32, "big")
        self.count("status_changes", sum(mask.bit_count() // 2 for mask in statement.masks))
        self._judge_steps(statement, issuer, to, act)
        issuer.tree.update(moved)
        self.faults.extend(self.observer.words(issuer.state.issuer, moved, act.log.block))

    def _judge_steps(
        self, statement: StatusChange, issuer: ReplayedIssuer, to: Status, act: ReplayedAct
    ) -> None:
        """Report certificates that left a final status, and whether the reason code is known."""
        indexes = chosen(statement.words, statement.masks)
        if indexes and indexes[-1] >= issuer.state.certificates:
            self._judged(
                "act.content", statement, act, f"certificate {indexes[-1]} was never issued"
            )
        left = [index for index in indexes if issuer.tree.status(index) in _TERMINAL]
        if not left or len(act.signatures) < 2:
            return
        reason = statement.reason.decode("ascii", "replace")
        known = reason in self.reasons if self.reasons else reason[1:].isdigit()
        good = known and reason[:1] == MEANING[to].letter
        code = "status.corrected" if good else "status.reason_missing"
        detail = f"certificates {', '.join(map(str, left[:20]))} became {to} for {reason!r}"
        self._judged(code, statement, act, detail)

    def _judged(self, code: str, statement: StatusChange, act: ReplayedAct, detail: str) -> None:
        where = f"{statement.issuer.decode('ascii', 'replace')}/statuses/{statement.epoch}"
        self.faults.add(fault(code, where, detail, **_proof(act)))

    def _catalog(self, statement: CatalogChange, issuer: str, act: ReplayedAct) -> None:
        """Check the published entries against the root, and against earlier versions of them."""
        where = f"{issuer}/catalogs/{statement.version}"
        self.count("catalogs")
        if isinstance(self.published, Nothing):
            return  # The report has one gap for the whole audit.
        try:
            catalog = read_catalog(self.published, statement.root)
        except DataUnreachableError as error:
            self.faults.add(fault("data.unreachable", where, str(error)))
            return
        except CertledgerError as error:
            self.faults.add(fault("catalog.root_differs", where, str(error), **_proof(act)))
            return
        if catalog is None:
            self.faults.add(fault("catalog.withheld", where, statement.root.hex(), **_proof(act)))
            return
        known = self.entries.setdefault(issuer, {})
        for entry in catalog.entries:
            name = f"{entry.category} version {entry.version}"
            digest = sha256(entry.canonical()).hex()
            if known.setdefault(name, digest) != digest:
                self.faults.add(fault("catalog.entry_changed", where, name, **_proof(act)))

    # States ---------------------------------------------------------------------------------

    def _apply_state(self, event: IssuerStateEvent, log: Log) -> None:
        """Compare the reported state with the replayed one, and continue from the reported one."""
        issuer = self._issuer(event.issuer)
        self._moved.discard(event.issuer)
        if issuer.words() != event.words:
            state = replace(parse_state(event.words, ""), name="")
            self.faults.extend(_differences(issuer.state, state, log))
            issuer.state, issuer.name = state, event.name_digest
        self.faults.extend(self.observer.observe_state(issuer, log.block))

    def end_range(self) -> None:
        """Report issuers whose state event is missing after an act: events were left out."""
        for issuer in sorted(self._moved):
            where = f"{issuer}/state"
            self.faults.add(fault("state.differs", where, "no state was emitted after an act"))
        self._moved.clear()

    def _issuer(self, issuer: str) -> ReplayedIssuer:
        if issuer not in self.issuers:
            raise RuleViolationError("act.body_unknown", issuer)
        return self.issuers[issuer]


def _proof(act: ReplayedAct) -> dict[str, Json]:
    """Return the evidence of an act: statement, signatures, place on the chain."""
    return {
        "act": act.statement.primary,
        "statement": statement_to_json(act.statement),
        "digest": act.digest.hex(),
        "signatures": [signature.hex() for signature in act.signatures],
        "block": act.log.block,
        "transaction": act.log.tx.hex(),
        "position": act.log.position,
    }


def _differences(current: IssuerState, response: IssuerState, log: Log) -> list[AuditFault]:
    """Return the faults for a reported state that differs from the replayed one."""
    parts = [one.name for one in fields(IssuerState)]
    other = [name for name in parts if getattr(current, name) != getattr(response, name)]
    evidence = log_evidence(log)
    where, detail = f"{response.issuer}/{_at(log)}", f"another {', '.join(other) or 'name'}"
    found = [fault("state.differs", where, detail, **evidence)]
    if response.batches > current.batches:
        missing = f"{response.issuer}/batches/{current.batches + 1}"
        detail = f"up to batch {response.batches} nothing was emitted"
        found.append(fault("batch.sequence_gap", missing, detail, **evidence))
    return found


def _at(log: Log) -> str:
    return f"blocks/{log.block}/events/{log.position}"


def _subject(event: contract_events.Event) -> str:
    """Return the codes of the issuers that an event is about."""
    if isinstance(event, ActEvent):
        return ",".join(issuers_of(event.statement)) or "registrars"
    return getattr(event, "issuer", "ledger")


Watch: TypeAlias = Callable[[str, int, int], None]
"""Progress callback: name of the step, units done, units in all."""
