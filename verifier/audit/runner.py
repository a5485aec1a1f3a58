"""Run of an audit: replays block ranges, checks batches, compares proofs at the final block.

It resumes from its notes after a kill; the report does not depend on where it resumed.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from certledger.verifier.audit.batches import ROW, BatchReport, BatchTask, check_batch
from certledger.verifier.audit.certificate_index import CertificateIndex
from certledger.verifier.audit.checkpoints import Heights, newest_cosigned
from certledger.verifier.audit.deployment import (
    DeploymentUnknownError,
    check_deployment,
    deployment_block,
)
from certledger.verifier.audit.final_state import check_state
from certledger.verifier.audit.findings import AuditFault, fault, log_evidence
from certledger.verifier.audit.last_audit import AuditMemory, LastAudit
from certledger.verifier.audit.progress import Notes
from certledger.verifier.audit.replay import Mark, NullObserver, Observer, Replay, Watch
from certledger.verifier.audit.report import AuditReport
from certledger.verifier.audit.sources import DataUnreachableError, Nothing, PublishedData
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
from certledger.verifier.node_rpc import NodeBlock, NodeFailedError, RpcClient
from certledger.verifier.verify.block_trust import newest_final
from certledger.verifier.vocabulary import Status, Way

SPAN = 2_000
"""Blocks per `eth_getLogs` request."""
CLOCKS_DIFFER = 86_400
"""Tolerated difference in seconds between the auditor's clock and the chain's."""
MAX_BLOCKS_A_SECOND = 32
"""Blocks that a second may have: a development node makes one of every transaction."""
WINDOW = 8
"""Batches in flight; bounds the results in memory."""
_GONE = (Status.REVOKED, Status.SUPERSEDED)

Work: TypeAlias = Callable[[BatchTask], BatchReport]
"""Checks one batch; a module-level function, so that it pickles."""


def unwatched(what: str, done: int, of: int) -> None:
    """Progress callback that does nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Input and settings of an audit.

    Attributes:
        confirmations: depth at which a block is final where the chain has no `finalized` tag.
        now: seconds; decides only what was due by now.
        reasons: the known reason codes; empty accepts any well-formed one.
        folder: where progress notes are stored, None for a temporary folder.
        memory: results of earlier audits, None to ignore them.
        known: a block that an earlier report names, which the node must still have.
        own_chain: whether the node serves the ledger's only chain, so that it cannot lag behind.
        notes_every: least seconds between two notes.
    """

    pin: LedgerPin
    policy: TrustPolicy | None
    published: PublishedData
    now: int
    confirmations: int = 12
    reasons: frozenset[str] = frozenset()
    observer: Observer = field(default_factory=NullObserver)
    work: Work = check_batch
    folder: Path | None = None
    memory: AuditMemory | None = None
    known: NodeBlock | None = None
    own_chain: bool = False
    span: int = SPAN
    notes_every: float = 5.0


def audit(
    node: RpcClient,
    job: Job,
    executor: Executor,
    *,
    watch: Watch = unwatched,
    others: Callable[[Replay, NodeBlock], Iterable[AuditFault]] | None = None,
) -> AuditReport:
    """Audit a ledger; whatever prevents a complete audit is a gap in the report.

    `executor` runs the batches; `others` yields faults of further comparisons at the end.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = job.folder or Path(scratch) / "notes"
        running = _Running(node, job, executor, watch, Notes(folder, job.notes_every))
        return running.run(others)


class _Running:
    """One running audit."""

    def __init__(
        self, node: RpcClient, job: Job, executor: Executor, watch: Watch, notes: Notes
    ) -> None:
        self._node, self._job, self._executor, self._watch = node, job, executor, watch
        self._notes = notes
        self._replay = Replay(
            pin=job.pin,
            published=job.published,
            observer=job.observer,
            now=job.now,
            reasons=job.reasons,
        )
        self._withheld: set[str] = set()
        self._final: NodeBlock | None = None
        self._start: int | None = None

    def run(
        self, others: Callable[[Replay, NodeBlock], Iterable[AuditFault]] | None
    ) -> AuditReport:
        try:
            self._whole(others)
        except NodeFailedError as error:
            self._found([fault("node.unreachable", "node", str(error))])
        except DeploymentUnknownError as error:
            self._found([fault("deployment.unknown", "deployment", str(error))])
        except DataUnreachableError as error:
            self._found([fault("data.unreachable", "data", str(error))])
        except BrokenExecutor as error:
            self._found([fault("work.lost", "workers", str(error))])
        job = self._job
        report = AuditReport.of(
            job.pin, self._final, self._replay, start=self._start, policy=job.policy
        )
        if job.memory is not None:
            job.memory.write_report(report.to_json(), job.now)
        return report

    def _found(self, faults: Iterable[AuditFault]) -> None:
        self._replay.faults.extend(faults)

    def _whole(self, others: Callable[[Replay, NodeBlock], Iterable[AuditFault]] | None) -> None:
        if not self._right_chain():
            return
        start = self._start = deployment_block(self._node, self._job.pin)
        seen = self._job.memory.read() if self._job.memory is not None else None
        final = self._final = self._newest(seen)
        if not self._has_history(start, final):
            return
        self._check_height(self._block(start), final)
        register, at = self._go_on(start, final)
        while at <= final.number:
            last = min(at + self._job.span - 1, final.number)
            self._range(at, last, register)
            at = last + 1
            self._notes.write(self._replay, self._block(last), register, self._withheld)
            self._watch("blocks", last - start + 1, final.number - start + 1)
        self._end(register, final)
        if others is not None:
            self._watch("comparing", 0, 0)
            self._found(others(self._replay, final))
        if self._node.block(final.number) != final:
            self._found([_changed(final)])
        register.close()
        self._notes.remove()
        if self._job.memory is not None and (seen is None or seen.block.number <= final.number):
            self._job.memory.write(final, self._job.observer.noted())

    def _right_chain(self) -> bool:
        pin, genesis = self._job.pin, self._node.block(0)
        if self._node.chain_id() == pin.chain_id and genesis and genesis.hash == pin.genesis:
            return True
        self._found([fault("node.chain_differs", "node")])
        return False

    def _newest(self, seen: LastAudit | None) -> NodeBlock:
        """Return the newest final block of the node, of the witnesses or of an earlier audit.

        The witnesses' is that of their newest cosigned checkpoint.
        """
        final = newest_final(self._node, self._job.confirmations)
        if final is None:
            raise NodeFailedError("the node has no final block")
        cosigned = newest_cosigned(self._job.published.notes(), self._job.pin, self._job.policy)
        if cosigned is not None:
            final = self._reach(final, cosigned, "checkpoint.not_on_chain", "checkpoints")
        elif self._asks_witnesses() and not isinstance(self._job.published, Nothing):
            self._found([fault("checkpoint.uncosigned", "checkpoints")])
        for block in (seen.block if seen is not None else None, self._job.known):
            if block is not None:
                final = self._reach(final, block, "node.history_changed", "audit")
        return final

    def _asks_witnesses(self) -> bool:
        policy = self._job.policy
        return policy is not None and Way.WITNESSES in policy.trust.ways

    def _reach(self, final: NodeBlock, known: NodeBlock, code: str, where: str) -> NodeBlock:
        """Return the later of two final blocks, if the node has the known one; else report it."""
        there = self._node.block(known.number)
        if there == known:
            return max(final, known, key=lambda block: block.number)
        place = f"{where}/{known.number}"
        if there is not None:
            detail = f"block {known.number} was {known.hash.hex()}"
            self._found([fault(code, place, detail)])
        else:
            detail = f"its newest final block is {final.number}, known is {known.number}"
            missing = "chain.rolled_back" if self._job.own_chain else "node.behind"
            self._found([fault(missing, place, detail)])
        return final

    def _has_history(self, start: int, final: NodeBlock) -> bool:
        """Check that the node still has the events of the deployment."""
        if final.number < start:
            detail = f"its newest final block is {final.number}, the deployment {start}"
            self._found([fault("node.behind", f"blocks/{start}", detail)])
            return False
        logs = self._node.logs(self._job.pin.address, start, start)
        if any(log.tx == self._job.pin.deployment for log in logs):
            return True
        self._found([fault("node.history_missing", f"blocks/{start}")])
        return False

    def _check_height(self, start: NodeBlock, final: NodeBlock) -> None:
        """Check the claimed height against the clock.

        Without it a node that claims a great height would make the audit request blocks for ever.

        Raises:
            NodeFailedError: there are more blocks than `MAX_BLOCKS_A_SECOND` allows.
        """
        newest = min(final.time, self._job.now + CLOCKS_DIFFER)
        if final.number - start.number > MAX_BLOCKS_A_SECOND * (newest - start.time + 1):
            raise NodeFailedError(
                f"the node claims block {final.number}, for which there was no time"
            )

    def _block(self, number: int) -> NodeBlock:
        block = self._node.block(number)
        if block is None:
            raise NodeFailedError(f"the node has no block {number}")
        return block

    def _go_on(self, start: int, final: NodeBlock) -> tuple[CertificateIndex, int]:
        """Return the certificate index and the next block, from the notes if there are any."""
        current = self._notes.read(self._replay, final.number)
        rows = self._notes.folder / "rows"
        if current is None:
            return CertificateIndex(rows), start
        self._withheld = set(current.withheld)
        if self._node.block(current.block.number) != current.block:
            self._found([_changed(current.block)])
        return CertificateIndex(rows, current.sizes), current.block.number + 1

    # A range --------------------------------------------------------------------------------

    def _range(self, first: int, last: int, register: CertificateIndex) -> None:
        block: NodeBlock | None = None
        waiting: deque[tuple[BatchTask, Future[BatchReport]]] = deque()
        for log in self._node.logs(self._job.pin.address, first, last):
            if block is None or block.number != log.block:
                block = self._block(log.block)
            if block.hash != log.block_hash:
                detail = f"the block has hash {block.hash.hex()}"
                where = f"blocks/{log.block}/events/{log.position}"
                self._found([fault("node.event_unplaced", where, detail, **log_evidence(log))])
                continue
            self._replay.apply(log, block.time)
            self._send(waiting)
            while len(waiting) >= WINDOW:
                self._receive(waiting, register)
        while waiting:
            self._receive(waiting, register)
        self._replay.end_range()

    def _send(self, waiting: deque[tuple[BatchTask, Future[BatchReport]]]) -> None:
        for task in self._replay.tasks:
            if not isinstance(task.published, Nothing):
                waiting.append((task, self._executor.submit(self._job.work, task)))
        self._replay.tasks.clear()

    def _receive(
        self, waiting: deque[tuple[BatchTask, Future[BatchReport]]], register: CertificateIndex
    ) -> None:
        task, future = waiting.popleft()
        report = future.result()
        register.add(report.rows)
        self._replay.count("records", report.records)
        if len(report.rows) != task.count * ROW:
            self._withheld.add(task.issuer)
        if report.late:
            detail = f"{report.late} of {task.count}"
            report.faults.append(fault("anchoring.late", task.where, detail))
        self._found(report.faults)
        self._watch("certificates", self._replay.counts.get("records", 0), 0)

    # The end --------------------------------------------------------------------------------

    def _end(self, register: CertificateIndex, final: NodeBlock) -> None:
        self._watch("proofs", 0, 0)
        job, replay = self._job, self._replay
        self._found(check_deployment(self._node, job.pin, final.number))
        self._found(check_state(self._node, job.pin, replay, final))
        self._watch("editions", 0, 0)
        self._found(register.check(list(replay.order), self._withheld, self._status))
        self._found(self._lost_keys())
        if isinstance(job.published, Nothing):
            self._found([fault("data.missing", "data")])
        heights = Heights(self._node, job.pin, job.policy, final.number)
        self._found(heights.check(job.published.notes()))
        replay.count("checkpoints", heights.count)
        replay.counts["bodies"] = len(replay.issuers)

    def _status(self, issuer: str, index: int) -> Status:
        return self._replay.issuers[issuer].tree.status(index)

    def _lost_keys(self) -> Iterable[AuditFault]:
        """Yield a fault for each batch whose key's end was later lowered to before the batch."""
        for issuer, marks in self._replay.marks.items():
            keys = self._replay.issuers[issuer].state.keys
            for mark in marks:
                if mark[3] < len(keys) and mark[4] >= keys[mark[3]].end:
                    yield self._lost(issuer, mark, keys[mark[3]].end)

    def _lost(self, issuer: str, mark: Mark, end: int) -> AuditFault:
        sequence, first, count, key, block = mark
        gone = all(self._status(issuer, at) in _GONE for at in range(first, first + count))
        logs = self._node.logs(self._job.pin.address, block, block)
        code = "batch.key_lost_resolved" if gone else "batch.key_lost"
        detail = f"anchored in block {block} by key {key}, which ended at block {end}"
        evidence = [log_evidence(log) for log in logs]
        return fault(code, f"{issuer}/batches/{sequence}", detail, key_end=end, events=evidence)


def _changed(current: NodeBlock) -> AuditFault:
    detail = f"block {current.number} was {current.hash.hex()}"
    return fault("node.history_changed", f"blocks/{current.number}", detail)
