"""Repair rows of acts from the chain, their own statements and their signed receipts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import exists, func, select, update

from certledger.ledger.audit.rejections import RejectionJudge
from certledger.ledger.core.acts import ACTS as KINDS
from certledger.ledger.core.acts import ActKind, ActState, kind_of
from certledger.ledger.core.values import NewAct
from certledger.ledger.intake.submission_receipt import read_receipt
from certledger.ledger.repair.chain_acts import ChainActs
from certledger.ledger.repair.sources import BatchFiles
from certledger.ledger.repair.transaction import raw
from certledger.ledger.store import rows
from certledger.ledger.store.tables import ACTS, ISSUERS
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.crypto.secp256k1 import recover_address
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.signed_act import SIGNATURE_SIZE, statement_from_json
from certledger.verifier.formats.statements import Batch, Statement

UNREADABLE = "act.unreadable"
"""Rejection code of an act whose statement is damaged and neither on the chain nor in files."""


def read_statement(row: Any, identity: bytes) -> Statement | None:
    """Return the statement of a row of acts, of any kind; None if there is none."""
    found = None
    for kind in sorted(ActKind, key=lambda kind: str(kind) != row.kind):
        try:
            statement = statement_from_json(KINDS[kind].statement, orjson.loads(row.statement))
        except (CertledgerError, ValueError, TypeError, KeyError):
            continue
        if statement.digest(identity) == row.digest:
            return statement
        found = found or statement
    return found


class ActRepair:
    """Repairs the rows of acts; the follower marks included ones afterwards."""

    def __init__(
        self, unit: Unit, chain: ChainActs, files: BatchFiles, identity: bytes, operator: bytes
    ) -> None:
        self._unit, self._chain = unit, chain
        self._identity, self._operator = identity, operator
        unsound = {act.digest: (act.statement, act.signatures) for act in chain.unsound.values()}
        self._known = files.signed(identity) | unsound
        self._gone: set[tuple[str, str]] = set()
        self.rejected_at: dict[int, int] = {}
        """Block of each rejected act, by its number; following the chain resets the column."""

    def run(self) -> None:
        """Repair every row whose act is known."""
        found = self._unit.connection.execute(raw(ACTS).order_by(ACTS.c.number)).all()
        for row in found:
            wanted = self._columns(row)
            if wanted is None:
                wanted = {"state": str(ActState.REJECTED), "reason": UNREADABLE, "tx": None}
            else:
                wanted |= self._standing(row, wanted)
            if wanted["state"] == ActState.REJECTED:
                head = self._chain.head.number
                known = isinstance(row.block, int) and row.block <= head
                self.rejected_at[wanted.get("number", row.number)] = row.block if known else head
            changed = {key: one for key, one in wanted.items() if getattr(row, key) != one}
            if changed:
                change = update(ACTS).where(ACTS.c.number == row.number).values(changed)
                self._unit.connection.execute(change)

    def _columns(self, row: Any) -> dict[str, Any] | None:
        """Return the columns that follow from the act's statement, None if it is unknown."""
        own = read_statement(row, self._identity)
        digest = None if own is None else own.digest(self._identity)
        claim = read_receipt(row.receipt, self._identity)
        if claim is not None and claim.signer != self._operator:
            claim = None
        named = None if claim is None else claim.digest
        known = self._known
        if digest is None or digest not in (row.digest, named):
            digest = next((one for one in (named, row.digest, digest) if one in known), None)
        if digest is None:
            return None
        statement = known[digest][0] if digest in known else own
        kind = None if statement is None else kind_of(statement)
        if statement is None or kind is None:
            return None
        sound = claim if named == digest else None
        act = NewAct(
            kind=kind,
            statement=statement,
            digest=digest,
            signatures=(),
            accepted=row.accepted if sound is None else sound.accepted,
            receipt=row.receipt,
            certificates=statement.count if isinstance(statement, Batch) else 0,
            number=row.number if sound is None else self._number(row, sound.number),
        )
        values = rows.act_values(act)
        values["signatures"] = row.signatures
        if digest in known and not self._signed(row.signatures, digest):
            values["signatures"] = b"".join(known[digest][1])
        return values

    def _number(self, row: Any, number: int) -> int:
        """Return the number in an act's receipt, unless another row has it."""
        taken = select(exists().where(ACTS.c.number == number))
        free = number == row.number or not self._unit.connection.execute(taken).scalar_one()
        return number if free else int(row.number)

    def _signed(self, signatures: Any, digest: bytes) -> bool:
        """Return whether the same keys signed as on the chain, perhaps with other signatures."""
        known = b"".join(self._known[digest][1])
        if not isinstance(signatures, bytes) or len(signatures) != len(known):
            return False
        return all(
            recover_address(digest, signatures[at : at + SIGNATURE_SIZE])
            == recover_address(digest, known[at : at + SIGNATURE_SIZE])
            for at in range(0, len(known), SIGNATURE_SIZE)
        )

    # States -----------------------------------------------------------------------------------

    def _standing(self, row: Any, wanted: dict[str, Any]) -> dict[str, Any]:
        """Return the state of an act before the chain is followed: accepted, or dead."""
        place = (wanted["subject"], wanted["lane"])
        state = self._state(row, wanted, place)
        dead = not state.alive
        if dead:
            self._gone.add(place)
        displaced, rejected = state is ActState.DISPLACED, state is ActState.REJECTED
        block = row.block if isinstance(row.block, int) else self._chain.head.number
        return {
            "state": str(state),
            "block": block if displaced else None,
            "tx": None,
            "reason": row.reason if rejected else None,
        }

    def _state(self, row: Any, wanted: dict[str, Any], place: tuple[str, str]) -> ActState:
        try:
            state = ActState(row.state)
        except ValueError:
            state = ActState.ACCEPTED
            return state if self._is_free(row, wanted) else ActState.DISPLACED
        if state.alive:
            return ActState.ACCEPTED
        due = wanted["not_after"] < self._chain.head.time
        early = state is ActState.EXPIRED and not due and place not in self._gone
        baseless = state is ActState.REJECTED and row.reason is None
        if (early or baseless) and self._is_free(row, wanted):
            return ActState.ACCEPTED
        return ActState.DISPLACED if baseless else state

    def _is_free(self, row: Any, wanted: dict[str, Any]) -> bool:
        """Return whether no other living act has this act's counter."""
        place = (wanted["subject"], wanted["lane"], wanted["counter"])
        return is_place_free(self._unit, row.number, *place)


def repair_rejected(unit: Unit, identity: bytes, rejected_at: Mapping[int, int]) -> None:
    """Restore the block of rejected acts, and accept again those that were rejected wrongly.

    They are judged on the chain's states.  An act whose counter another act has by now stays
    rejected.
    """

    def version_at(issuer: str, block: int) -> int | None:
        query = select(func.max(ISSUERS.c.block))
        query = query.where(ISSUERS.c.issuer == issuer, ISSUERS.c.block <= block)
        found: int | None = unit.connection.execute(query).scalar_one()
        return found

    head = unit.head()
    final = 0 if head is None else head.number
    judge = RejectionJudge(unit.connection, identity, final=final, version_at=version_at)
    for number, block in rejected_at.items():
        mine = [ACTS.c.number == number, ACTS.c.state == str(ActState.REJECTED)]
        unit.connection.execute(update(ACTS).where(*mine).values(block=block))
    rejected = raw(ACTS).where(ACTS.c.state == str(ActState.REJECTED)).order_by(ACTS.c.number)
    waits = {"state": str(ActState.ACCEPTED), "block": None, "reason": None}
    for row in unit.connection.execute(rejected).all():
        if row.reason == UNREADABLE or judge.objection(row) is None:
            continue
        if is_place_free(unit, row.number, row.subject, row.lane, row.counter):
            unit.connection.execute(update(ACTS).where(ACTS.c.number == row.number).values(waits))


def is_place_free(unit: Unit, number: int, subject: str, lane: str, counter: int) -> bool:
    """Return whether no living act but number `number` has this counter."""
    alive = ACTS.c.state.in_([str(state) for state in ActState if state.alive])
    same = [ACTS.c.subject == subject, ACTS.c.lane == lane, ACTS.c.counter == counter]
    other = exists().where(*same, alive, ACTS.c.number != number)
    return not unit.connection.execute(select(other)).scalar_one()
