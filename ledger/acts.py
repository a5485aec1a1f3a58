"""The acts that travel to the chain: one table says what each is signed as and what it moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from verifier import statements
from verifier.encoding import Json, Members, from_base64url, hash_list, to_base64url
from verifier.errors import Malformed
from verifier.state import ISSUER
from verifier.statements import Statement


class ActKind(StrEnum):
    """What somebody signs and anybody may carry to the chain."""

    REGISTER = "register"
    BATCH = "batch"
    STATUS = "status"
    CATALOG = "catalog"
    KEYS = "keys"
    STANDING = "standing"
    HOLD = "hold"
    RESTORE = "restore"
    REGISTRAR = "registrar"


class Lane(StrEnum):
    """A counter that acts move; of one body, one act at each value of it ever happens."""

    REGISTRATION = "registration"
    SEQUENCE = "sequence"
    EPOCH = "epoch"
    VERSION = "version"
    REVISION = "revision"
    NONCE = "nonce"
    TERM = "term"


class ActState(StrEnum):
    """How far an act has come."""

    ACCEPTED = "accepted"
    INCLUDED = "included"
    FINAL = "final"
    DISPLACED = "displaced"
    EXPIRED = "expired"

    @property
    def alive(self) -> bool:
        """Whether the act holds its place: no other act is taken in at the same counter."""
        return self not in (ActState.DISPLACED, ActState.EXPIRED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """What an act is signed as, the lane it moves, and how many bytes its JSON may have."""

    statement: type[Statement]
    lane: Lane
    counter: str | None


ACTS: Mapping[ActKind, Meaning] = {
    ActKind.REGISTER: Meaning(
        statement=statements.Register, lane=Lane.REGISTRATION, counter=None
    ),
    ActKind.BATCH: Meaning(statement=statements.Batch, lane=Lane.SEQUENCE, counter="sequence"),
    ActKind.STATUS: Meaning(statement=statements.StatusChange, lane=Lane.EPOCH, counter="epoch"),
    ActKind.CATALOG: Meaning(
        statement=statements.CatalogChange, lane=Lane.VERSION, counter="version"
    ),
    ActKind.KEYS: Meaning(statement=statements.KeysChange, lane=Lane.REVISION, counter="revision"),
    ActKind.STANDING: Meaning(
        statement=statements.StandingChange, lane=Lane.REVISION, counter="revision"
    ),
    ActKind.HOLD: Meaning(statement=statements.Hold, lane=Lane.NONCE, counter="nonce"),
    ActKind.RESTORE: Meaning(statement=statements.Restore, lane=Lane.REVISION, counter="revision"),
    ActKind.REGISTRAR: Meaning(statement=statements.RegistrarChange, lane=Lane.TERM, counter="term"),
}


def subject_of(statement: Statement) -> str:
    """Return whose counter a statement moves: a body's code, or `region-31` for a registrar's."""
    if isinstance(statement, statements.RegistrarChange):
        return f"region-{statement.region:02d}"
    issuer: bytes = getattr(statement, "issuer")  # noqa: B009  (every other act has one)
    return issuer.decode("ascii")


def counter_of(kind: ActKind, statement: Statement) -> int:
    """Return the value of the counter after the act; a registration has 0."""
    name = ACTS[kind].counter
    return 0 if name is None else int(getattr(statement, name))


# Statements as JSON (SPEC sections 16.1 and 20) ------------------------------------------------


def statement_to_json(statement: Statement) -> dict[str, Json]:
    """Return a statement as JSON: members named as the attributes, `issuer` as text.

    Bytes are base64url; a list of bytes or of 256-bit numbers is base64url of the concatenation.
    """
    value: dict[str, Json] = {}
    for attribute, _, solidity in type(statement).members():
        part = getattr(statement, attribute)
        if attribute == "issuer":
            value[attribute] = part.decode("ascii")
        elif solidity == "uint256[]":
            value[attribute] = hash_list(mask.to_bytes(32, "big") for mask in part)
        elif solidity.endswith("[]"):
            value[attribute] = list(part) if solidity[0] == "u" else to_base64url(b"".join(part))
        else:
            value[attribute] = to_base64url(part) if isinstance(part, bytes) else part
    return value


def statement_from_json(kind: ActKind, value: Json) -> Statement:
    """Return the statement that a JSON object spells.

    Raises:
        Malformed: an unknown, missing or ill-typed member, or a number over its Solidity type.
    """
    read = Members(value, "statement")
    made = ACTS[kind].statement
    parts = {name: _read(read, name, solidity) for name, _, solidity in made.members()}
    read.done()
    return made(**parts)


def _read(read: Members, name: str, solidity: str) -> object:
    if name == "issuer":
        return read.text(name, ISSUER).encode("ascii")
    if solidity == "uint32[]":
        return _numbers(read, name)
    if solidity.endswith("[]"):
        size = 32 if solidity == "uint256[]" else int(solidity[5:-2])
        parts = _slices(read, name, size)
        if solidity == "uint256[]":
            return tuple(int.from_bytes(part, "big") for part in parts)
        return parts
    if solidity.startswith("uint"):
        return read.integer(name, greatest=min(2 ** int(solidity[4:]), 2**53) - 1)
    return read.binary(name, 20 if solidity == "address" else int(solidity[5:]))


def _numbers(read: Members, name: str) -> tuple[int, ...]:
    found = read.array(name, 0, 512)
    for number in found:
        if type(number) is not int or number >= 2**32:
            read.refuse(name, "a list of integers below 2^32")
    return tuple(found)


def _slices(read: Members, name: str, size: int) -> tuple[bytes, ...]:
    value = read.take(name)
    if type(value) is not str:
        read.refuse(name, "base64url")
    data = from_base64url(value)
    if len(data) % size or len(data) > 512 * size:
        raise Malformed("schema.invalid", f"statement.{name} is no list of {size} bytes each")
    return tuple(data[at : at + size] for at in range(0, len(data), size))
