"""Input of the contract's rules: seats, issuers, acts and blocks (SPEC section 12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.issuer_state import ZERO, IssuerState
from certledger.verifier.formats.statements import Statement

NO_ACCOUNT = bytes(20)


class RuleBrokenError(CertledgerError):
    """An act breaks a rule; `rule` is the name of the contract's error."""

    code = "act.rule_broken"

    def __init__(self, rule: str, sentence: str) -> None:
        super().__init__(f"{rule}: {sentence}")
        self.rule = rule
        self.sentence = sentence


def broken(rule: str, sentence: str) -> NoReturn:
    """Raise RuleBrokenError."""
    raise RuleBrokenError(rule, sentence)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """The registrar of a region; `account` is zero where it was removed.

    `challenged` and `rotated` are times in seconds, zero for never.
    """

    account: bytes
    recovery: bytes = NO_ACCOUNT
    nonce: int = 0
    turn: int = 0
    challenged: int = 0
    rotated: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Issuer:
    """An issuer: its state, and whether its registrar has put it on hold."""

    state: IssuerState
    on_hold: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerState:
    """State that an act is checked against: every seat, and at least the issuers it names."""

    identity: bytes
    seats: Mapping[int, Seat]
    issuers: Mapping[str, Issuer]
    term: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockTime:
    """The number and the time (seconds) of the block that carries an act."""

    number: int
    time: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedAct:
    """A signed act: `key` is the index of the issuer's signing key, or None.

    `status_root` is the status root after a status change, whose cells were checked before.
    """

    statement: Statement
    signatures: tuple[bytes, ...]
    key: int | None = None
    status_root: bytes = ZERO


def issuers_of(statement: Statement) -> tuple[str, ...]:
    """Return the codes of the issuers that a statement names."""
    one: bytes | None = getattr(statement, "issuer", None)
    codes: tuple[bytes, ...] = getattr(statement, "issuers", ()) if one is None else (one,)
    return tuple(code.decode("ascii", "replace") for code in codes)


def changed_seats(before: LedgerState, after: LedgerState) -> list[int]:
    """Return the regions whose seat an act changed.

    An act that changed only the term returns the lowest region, whose seat records the term.
    """
    changed = [at for at, seat in after.seats.items() if before.seats.get(at) != seat]
    if not changed and before.term != after.term:
        return [min(after.seats)]
    return sorted(changed)
