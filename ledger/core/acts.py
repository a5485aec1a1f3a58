"""The acts that travel to the chain: one table says what each is signed as and what it moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from certledger.verifier.formats import statements
from certledger.verifier.formats.statements import Statement


class ActKind(StrEnum):
    """What somebody signs and anybody may carry to the chain."""

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
    """A counter that acts move; of one body, one act at each value of it ever happens."""

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
        """Whether the act holds its place: no other act is taken in at the same counter."""
        return self not in (ActState.DISPLACED, ActState.EXPIRED, ActState.REJECTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class ActSpecification:
    """What an act is signed as, the lane it moves, and the member that holds the counter."""

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
    """Return whose counter a statement moves.

    Mostly an issuer's code; of a region for its registrar's nonce and turn (`region-31`), and
    `registrars` for the one term of all acts of a majority.
    """
    if isinstance(statement, statements.RegistrarChange | statements.Restore):
        return "registrars"
    region: int | None = getattr(statement, "region", None)
    if region is not None:
        return f"region-{region:02}"
    issuer: bytes = getattr(statement, "issuer")  # noqa: B009  (every other has one)
    return issuer.decode("ascii")


def kind_of(statement: Statement) -> ActKind | None:
    """Return what kind of act a statement is, None where it is never carried to the chain."""
    for kind, meaning in ACTS.items():
        if meaning.statement is type(statement):
            return kind
    return None


def counter_of(kind: ActKind, statement: Statement) -> int:
    """Return the value of the counter after the act; a registration has 0."""
    name = ACTS[kind].counter
    return 0 if name is None else int(getattr(statement, name))
