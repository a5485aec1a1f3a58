"""Check rejections of acts, on the issuer's state at the block of each rejection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, select

from certledger.ledger.core.acts import ActState, Lane
from certledger.ledger.core.contract_state import after_act, ledger_state
from certledger.ledger.core.values import IssuerRow
from certledger.ledger.outbox.obstacles import BEFORE_ENDED, COUNTED, PASSED, final_reason
from certledger.ledger.store import rows
from certledger.ledger.store.tables import ACTS, ISSUERS
from certledger.verifier.contract_state import Issuer, RuleBrokenError

_DEAD = [str(state) for state in ActState if not state.alive]


class RejectionJudge:
    """Judges rejected acts of the ledger `identity` by the rules that rejected them.

    `version_at` returns the block since which an issuer had its state of a block; the rows of these
    versions are compared with the chain elsewhere.  `final` is the newest block judged.
    """

    def __init__(
        self,
        connection: Connection,
        identity: bytes,
        *,
        final: int,
        version_at: Callable[[str, int], int | None],
    ) -> None:
        self._connection, self._identity = connection, identity
        self._final, self._version_at = final, version_at

    def objection(self, row: Any) -> str | None:
        """Return why an act should not have been rejected, None if it was rejected rightly.

        Rejections after the final block, or at a block whose state is pruned, pass.
        """
        lane = Lane(row.lane)
        if lane not in COUNTED:
            return "no act of its kind is ever rejected"
        if row.block > self._final:
            return None
        version = self._version_at(row.subject, row.block)
        if version is None:
            return f"at block {row.block} the ledger has no issuer {row.subject}"
        seen = self._issuer_at(row.subject, version)
        if seen is None:
            return None
        reached = COUNTED[lane](seen.state)
        if row.counter > reached + 1:
            return self._after_dead(row)
        wanted = PASSED if row.counter <= reached else self._reason(row, seen)
        if wanted is None:
            return f"at block {row.block} the contract would have taken it, or could later"
        return None if wanted == row.reason else f"it was rejected for {row.reason}, not {wanted}"

    def _reason(self, row: Any, seen: IssuerRow) -> str | None:
        """Return why the act can never be included, None if it can."""
        act, state = rows.act_of(row), seen.state
        # No rule that rejects an act for good reads registrars, so no seats are needed.
        ledger = ledger_state(self._identity, (), {state.issuer: Issuer(state=state)})
        try:
            after_act(ledger, act, state.issuer, row.block + 1)
        except RuleBrokenError as broken:
            return final_reason(state, act.statement, broken.rule)
        return None

    def _after_dead(self, row: Any) -> str | None:
        """Return what is wrong with the rejection of an act whose predecessor was not included."""
        query = select(ACTS.c.reason).where(
            ACTS.c.subject == row.subject,
            ACTS.c.lane == row.lane,
            ACTS.c.counter == row.counter - 1,
            ACTS.c.state.in_(_DEAD),
        )
        reasons = self._connection.execute(query).scalars().all()
        if not reasons:
            return "the act before it has not ended"
        if row.reason == BEFORE_ENDED or row.reason in reasons:
            return None
        return f"it was rejected for {row.reason}, the act before it for another reason"

    def _issuer_at(self, issuer: str, version: int) -> IssuerRow | None:
        query = select(ISSUERS).where(ISSUERS.c.issuer == issuer, ISSUERS.c.block == version)
        found = self._connection.execute(query).one_or_none()
        return None if found is None else rows.issuer_of(found)
