"""The acts of the contract: one table of the statement of each and the counter it advances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from certledger.verifier.formats import statements
from certledger.verifier.formats.statements import Statement


class ActKind(StrEnum):
    """An act that is signed, and that anyone may send to the contract."""

    REGISTER = "register"
    BATCH = "batch"
    STATUS = "status"
    CATALOG = "catalog"
    KEYS = "keys"
    STANDING = "standing"
    HOLD = "hold"
    RELEASE = "release"
    RESTORE = "restore"
    REGISTRAR = "registrar"
    ROTATE = "rotate"
    CHALLENGE = "challenge"


class Lane(StrEnum):
    """A counter that acts advance; of one subject the chain includes one act at each value."""

    REGISTRATION = "registration"
    SEQUENCE = "sequence"
    EPOCH = "epoch"
    VERSION = "version"
    REVISION = "revision"
    NONCE = "nonce"
    TERM = "term"
    TURN = "turn"


class ActState(StrEnum):
    """How far an act has come."""

    ACCEPTED = "accepted"
    INCLUDED = "included"
    FINAL = "final"
    DISPLACED = "displaced"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def alive(self) -> bool:
        """Whether the act occupies its counter: intake refuses another act at the same value."""
        return self not in (ActState.DISPLACED, ActState.EXPIRED, ActState.REJECTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class ActSpecification:
    """The statement type of an act, its lane, and the member with the counter."""

    statement: type[Statement]
    lane: Lane
    counter: str | None


ACTS: Mapping[ActKind, ActSpecification] = {
    ActKind.REGISTER: ActSpecification(
        statement=statements.Register, lane=Lane.REGISTRATION, counter=None
    ),
    ActKind.BATCH: ActSpecification(
        statement=statements.Batch, lane=Lane.SEQUENCE, counter="sequence"
    ),
    ActKind.STATUS: ActSpecification(
        statement=statements.StatusChange, lane=Lane.EPOCH, counter="epoch"
    ),
    ActKind.CATALOG: ActSpecification(
        statement=statements.CatalogChange, lane=Lane.VERSION, counter="version"
    ),
    ActKind.KEYS: ActSpecification(
        statement=statements.KeysChange, lane=Lane.REVISION, counter="revision"
    ),
    ActKind.STANDING: ActSpecification(
        statement=statements.StandingChange, lane=Lane.REVISION, counter="revision"
    ),
    ActKind.HOLD: ActSpecification(statement=statements.Hold, lane=Lane.NONCE, counter="nonce"),
    ActKind.RELEASE: ActSpecification(
        statement=statements.Release, lane=Lane.NONCE, counter="nonce"
    ),
    ActKind.RESTORE: ActSpecification(statement=statements.Restore, lane=Lane.TERM, counter="term"),
    ActKind.REGISTRAR: ActSpecification(
        statement=statements.RegistrarChange, lane=Lane.TERM, counter="term"
    ),
    ActKind.ROTATE: ActSpecification(
        statement=statements.RegistrarRotation, lane=Lane.TURN, counter="turn"
    ),
    ActKind.CHALLENGE: ActSpecification(
        statement=statements.RegistrarChallenge, lane=Lane.TURN, counter="turn"
    ),
}


def subject_of(statement: Statement) -> str:
    """Return the subject whose counter a statement advances.

    Mostly an issuer's code; `region-31` for a registrar's nonce and turn, `registrars` for the
    term of all acts of a majority.
    """
    if isinstance(statement, statements.RegistrarChange | statements.Restore):
        return "registrars"
    region: int | None = getattr(statement, "region", None)
    if region is not None:
        return f"region-{region:02}"
    issuer: bytes = getattr(statement, "issuer")  # noqa: B009  (every other has one)
    return issuer.decode("ascii")


def kind_of(statement: Statement) -> ActKind | None:
    """Return the kind of act of a statement, None for statements that no contract call takes."""
    for kind, meaning in ACTS.items():
        if meaning.statement is type(statement):
            return kind
    return None


def counter_of(kind: ActKind, statement: Statement) -> int:
    """Return the value of the counter after the act; a registration has 0."""
    name = ACTS[kind].counter
    return 0 if name is None else int(getattr(statement, name))
