"""Compare submitted acts with their statements, their receipts and the chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from certledger.ledger.audit.mirror import PREFIX, STANDS, MirrorObserver
from certledger.ledger.audit.receipt_chains import ReceiptChainCheck
from certledger.ledger.audit.rejections import RejectionJudge
from certledger.ledger.core.acts import ACTS as KINDS
from certledger.ledger.core.acts import ActKind, ActState, Lane
from certledger.ledger.core.receipt_chain import ReceiptChain
from certledger.ledger.core.values import NewAct
from certledger.ledger.intake.submission_receipt import read_receipt
from certledger.ledger.store import rows
from certledger.ledger.store.tables import ACTS, CHECKPOINTS
from certledger.verifier.audit.findings import AuditFault, fault
from certledger.verifier.audit.replay import Replay
from certledger.verifier.crypto.secp256k1 import recover_address
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.policy import LedgerPin
from certledger.verifier.formats.signed_act import SIGNATURE_SIZE, statement_from_json
from certledger.verifier.formats.statements import Batch, KeysChange, Register, Statement
from certledger.verifier.node_rpc import NodeBlock, RpcClient

_ADDRESS = 20


class ActComparison:
    """Compares every row of `acts`.  `operator` (20 bytes) signs receipts, None if unknown."""

    def __init__(
        self,
        connection: Connection,
        observer: MirrorObserver,
        *,
        node: RpcClient,
        pin: LedgerPin,
        operator: bytes | None,
        now: int,
    ) -> None:
        self._connection, self._observer, self._node = connection, observer, node
        self._pin, self._operator, self._now = pin, operator, now
        self._times: dict[int, int] = {}
        self.chain = ReceiptChainCheck(connection, ReceiptChain.ACTS)

    def run(self, replay: Replay, final: NodeBlock) -> Iterator[AuditFault]:
        """Yield the faults of all acts.

        Raises:
            NodeFailedError: the node does not answer.
        """
        settled = self._connection.execute(select(func.max(CHECKPOINTS.c.number))).scalar_one()
        gone: set[tuple[str, str]] = set()
        for row in self._connection.execute(select(ACTS).order_by(ACTS.c.number)):
            replay.count("database_acts")
            where = f"database/acts/{row.number}"
            anchored = row.digest[:PREFIX] in self._observer.acts
            yield from self.chain.take(row.number, row.receipt, where)
            yield from self._columns(row, where, replay)
            yield from self._standing(row, where, anchored, final, settled or 0)
            yield from self._dead(row, where, replay, final, gone)
            if (promised := self._promised(row)) is None:
                yield fault("receipt.unusable", where, "", receipt=readable(row.receipt))
            else:
                yield from self._check_promise(row, where, promised, anchored)
        yield from self.chain.end()

    # Columns ----------------------------------------------------------------------------------

    def _columns(self, row: Any, where: str, replay: Replay) -> Iterator[AuditFault]:
        """Yield a fault if a column contradicts the statement or the kind of the act."""
        statement = _statement_of(row)
        if statement is None:
            yield fault("database.row_changed", where, "its statement is not of its kind")
            return
        count = statement.count if isinstance(statement, Batch) else 0
        act = NewAct(
            kind=ActKind(row.kind),
            statement=statement,
            digest=statement.digest(self._pin.identity),
            signatures=(),
            accepted=row.accepted,
            receipt=row.receipt,
            certificates=count,
        )
        own_columns = ("state", "block", "tx", "signatures", "reason")
        wanted = {
            name: value for name, value in rows.act_values(act).items() if name not in own_columns
        }
        changed = [name for name, value in wanted.items() if getattr(row, name) != value]
        if not self._signed(row, statement, act.digest, replay):
            changed.append("signatures")
        if changed:
            yield fault("database.row_changed", where, f"it has another {', '.join(changed)}")

    def _signed(self, row: Any, statement: Statement, digest: bytes, replay: Replay) -> bool:
        """Return whether each signature is by an account that ever could sign such an act."""
        size = SIGNATURE_SIZE
        if not row.signatures or len(row.signatures) % size:
            return False
        known = set(self._observer.accounts)
        subject = getattr(statement, "issuer", b"").decode("ascii", "replace")
        if (issuer := replay.issuers.get(subject)) is not None:
            known |= {key.address for key in issuer.state.keys}
        own = [getattr(statement, one.name) for one in fields(statement)]
        known |= {value for value in own if isinstance(value, bytes) and len(value) == _ADDRESS}
        if isinstance(statement, Register | KeysChange):
            added = statement.keys if isinstance(statement, Register) else statement.added
            known |= {key[:_ADDRESS] for key in added}
        signers = [
            recover_address(digest, row.signatures[at : at + size])
            for at in range(0, len(row.signatures), size)
        ]
        if row.state not in STANDS and issuer is None and not isinstance(statement, Register):
            return None not in signers  # Its issuer is not final yet.
        return known.issuperset(signers)

    # States -----------------------------------------------------------------------------------

    def _standing(
        self, row: Any, where: str, anchored: bool, final: NodeBlock, settled: int
    ) -> Iterator[AuditFault]:
        """Yield a fault if an act's state contradicts the chain: too far, or not far enough."""
        reach = self._observer.reach
        pends = (
            row.state == ActState.INCLUDED
            and row.block is not None
            and final.number < row.block <= min(reach.head, self._observer.newest)
        )
        if row.state in STANDS and not anchored and not pends:
            evidence: dict[str, Json] = {
                "statement": readable(row.statement),
                "digest": row.digest.hex(),
                "receipt": readable(row.receipt),
            }
            detail = f"{row.subject} {row.lane} {row.counter}, shown as {row.state}"
            yield fault("database.act_not_on_chain", where, detail, **evidence)
        elif row.state == ActState.INCLUDED and anchored and row.block <= settled:
            yield fault("database.row_changed", where, "it is final, and shown as included")
        elif row.state == ActState.ACCEPTED and (row.block is not None or row.tx is not None):
            yield fault("database.row_changed", where, "it waits, and names a block")

    def _dead(
        self, row: Any, where: str, replay: Replay, final: NodeBlock, gone: set[tuple[str, str]]
    ) -> Iterator[AuditFault]:
        """Yield a fault if nothing on the chain explains why an act is dead."""
        place = (row.subject, row.lane)
        if row.state == ActState.DISPLACED:
            reached = _counter(replay, row.subject, row.lane)
            # Batches behind a displaced one name it as their predecessor, and are displaced too.
            if reached is not None and reached < row.counter and place not in gone:
                detail = f"displaced at {row.counter}, where the chain's counter is {reached}"
                yield fault("database.row_changed", where, detail)
            gone.add(place)
            if row.block is None or row.block > self._observer.reach.head:
                yield fault("database.row_changed", where, "nothing displaced it in this block")
            if row.tx is not None:
                yield fault(
                    "database.row_changed", where, "it is displaced, and names a transaction"
                )
        elif row.state == ActState.EXPIRED:
            newest = max(final.time, self._observer.reach.time)
            if row.not_after >= newest and place not in gone:
                yield fault("database.row_changed", where, "it has not expired yet")
            gone.add(place)
            if row.block is not None or row.tx is not None:
                yield fault("database.row_changed", where, "it expired, and names a block")
        elif ActState(row.state) is ActState.REJECTED:
            gone.add(place)
            yield from self._rejected(row, where, final)

    def _rejected(self, row: Any, where: str, final: NodeBlock) -> Iterator[AuditFault]:
        """Yield a fault if an act was rejected that the contract would have accepted."""
        head = self._observer.reach.head
        if row.reason is None or row.tx is not None:
            yield fault("database.row_changed", where, "it was rejected for no reason")
        elif row.block is None or row.block > head:
            yield fault("database.row_changed", where, "nothing rejected it in this block")
        elif _statement_of(row) is not None:
            judge = RejectionJudge(
                self._connection,
                self._pin.identity,
                final=min(final.number, head),
                version_at=self._observer.version_at,
            )
            if (objection := judge.objection(row)) is not None:
                evidence: dict[str, Json] = {
                    "statement": readable(row.statement),
                    "signatures": row.signatures.hex(),
                    "receipt": readable(row.receipt),
                }
                yield fault("receipt.rejected_wrongly", where, objection, **evidence)

    # Receipts ---------------------------------------------------------------------------------

    def _promised(self, row: Any) -> int | None:
        """Return the time by which a receipt promises anchoring, None if it is not this act's."""
        receipt = read_receipt(row.receipt, self._pin.identity)
        if receipt is None or self._operator not in (None, receipt.signer):
            return None
        own = (receipt.digest, receipt.accepted) == (row.digest, row.accepted)
        return receipt.anchored_by if own else None

    def _check_promise(
        self, row: Any, where: str, promised: int, anchored: bool
    ) -> Iterator[AuditFault]:
        evidence: dict[str, Json] = {"receipt": readable(row.receipt)}
        if row.state in (ActState.EXPIRED, ActState.REJECTED):
            yield fault("receipt.expired", where, f"{row.subject} {row.counter}", **evidence)
        elif row.state == ActState.ACCEPTED and not anchored and self._now > promised:
            yield fault("receipt.broken", where, f"{row.subject} {row.counter}", **evidence)
        elif anchored and row.block is not None:
            if row.block not in self._times:
                block = self._node.block(row.block)
                self._times[row.block] = block.time if block else 0
            if self._times[row.block] > promised:
                yield fault("receipt.late", where, f"in block {row.block}", **evidence)


def _statement_of(row: Any) -> Statement | None:
    try:
        return statement_from_json(KINDS[ActKind(row.kind)].statement, orjson.loads(row.statement))
    except (CertledgerError, ValueError, TypeError, KeyError):
        return None


def _counter(replay: Replay, subject: str, lane: str) -> int | None:
    """Return the value of a counter on the chain, None if the chain has no such counter."""
    if subject == "registrars":
        return replay.term
    if lane == Lane.NONCE:
        seat = replay.registrars.get(int(subject[-2:]))
        return None if seat is None else seat.nonce
    if (issuer := replay.issuers.get(subject)) is None:
        return -1
    names = {
        Lane.SEQUENCE: "batches",
        Lane.EPOCH: "epoch",
        Lane.VERSION: "catalog_version",
        Lane.REVISION: "revision",
    }
    if lane == Lane.REGISTRATION:
        return 0
    name = names.get(Lane(lane))
    return None if name is None else int(getattr(issuer.state, name))


def readable(data: Any) -> Json:
    """Return submitted bytes as text; bytes that are not UTF-8 are replaced."""
    return data.decode("utf-8", "replace") if isinstance(data, bytes) else repr(data)
