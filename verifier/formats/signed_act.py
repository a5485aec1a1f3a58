"""Signed acts as files, with their statements as JSON (SPEC section 20)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import (
    MAX_INTEGER,
    Json,
    Members,
    format_canonical,
    hash_list,
    parse,
    to_base64url,
)
from certledger.verifier.formats.issuer_state import ISSUER
from certledger.verifier.formats.statements import (
    Batch,
    CatalogChange,
    Hold,
    KeysChange,
    Receipt,
    Register,
    RegistrarChallenge,
    RegistrarChange,
    RegistrarRotation,
    Release,
    Restore,
    StandingChange,
    Statement,
    StatusChange,
)

REASON = re.compile(r"[A-Z0-9]{3}")
MAX_ACT_BYTES = 65_536
"""Greatest bytes of a file; an act with 512 status words has some 30,000."""
MAX_ACT_ITEMS = 512
MAX_SIGNATURES = 64
SIGNATURE_SIZE = 65

ACTS: Mapping[str, type[Statement]] = {
    kind.primary: kind
    for kind in (
        Register,
        Batch,
        StatusChange,
        CatalogChange,
        KeysChange,
        StandingChange,
        Hold,
        Release,
        Restore,
        RegistrarChange,
        RegistrarRotation,
        RegistrarChallenge,
        Receipt,
    )
}
"""Statement classes by EIP-712 name."""

_TEXTS: Mapping[str, re.Pattern[str]] = {"issuer": ISSUER, "issuers": ISSUER, "reason": REASON}
"""Members that are bytes in the statement and ASCII text, or lists of it, in JSON."""

_S = TypeVar("_S", bound=Statement)


def statement_to_json(statement: Statement) -> dict[str, Json]:
    """Encode a statement as JSON; member names are its attributes in snake case.

    `issuer` and `reason` are text, `issuers` is a list of it; other bytes and addresses are
    base64url, numbers are integers.  An array of bytes, or of 256-bit numbers (big-endian), is
    base64url of the concatenation.
    """
    return {
        name: _part_to_json(name, solidity, getattr(statement, name))
        for name, _, solidity in statement.members()
    }


def _part_to_json(name: str, solidity: str, value: Any) -> Json:
    if name in _TEXTS:
        # The contract accepts any bytes as a reason; escaped text is for display only.
        if isinstance(value, tuple):
            return [part.decode("ascii", "backslashreplace") for part in value]
        return value.decode("ascii", "backslashreplace")
    if solidity == "uint256[]":
        return hash_list(number.to_bytes(32, "big") for number in value)
    if solidity.endswith("[]"):
        return list(value) if solidity.startswith("uint") else to_base64url(b"".join(value))
    return to_base64url(value) if isinstance(value, bytes) else value


def statement_from_json(kind: type[_S], value: Json) -> _S:
    """Parse a statement of class `kind` from JSON.

    Raises:
        MalformedError: an unknown, missing or ill-typed member, or a number over its width or
            2^53-1.
    """
    read = Members(value, kind.primary.lower())
    parts = {name: _part_from_json(read, name, solidity) for name, _, solidity in kind.members()}
    read.done()
    return kind(**parts)


def _part_from_json(read: Members, name: str, solidity: str) -> Any:
    if name in _TEXTS and solidity.endswith("[]"):
        items = read.array(name, 0, MAX_ACT_ITEMS)
        return tuple(
            Members({name: item}, name).text(name, _TEXTS[name]).encode("ascii") for item in items
        )
    if name in _TEXTS:
        return read.text(name, _TEXTS[name]).encode("ascii")
    if solidity == "uint256[]":
        return tuple(int.from_bytes(part, "big") for part in _slices(read, name, 32))
    if solidity.endswith("[]") and solidity.startswith("bytes"):
        return _slices(read, name, int(solidity[5:-2]))
    if solidity.endswith("[]"):
        items = read.array(name, 0, MAX_ACT_ITEMS)
        return tuple(_number(Members({name: item}, name), name, solidity) for item in items)
    if solidity.startswith("uint"):
        return _number(read, name, solidity)
    return read.binary(name, 20 if solidity == "address" else int(solidity[5:]))


def _number(read: Members, name: str, solidity: str) -> int:
    width = int(solidity.removesuffix("[]").removeprefix("uint"))
    return read.integer(name, greatest=min(MAX_INTEGER, 2**width - 1))


def _slices(read: Members, name: str, size: int) -> tuple[bytes, ...]:
    data = read.binary(name)
    if len(data) % size or len(data) > MAX_ACT_ITEMS * size:
        read.fail(name, f"at most {MAX_ACT_ITEMS} times {size} bytes")
    return tuple(data[at : at + size] for at in range(0, len(data), size))


@dataclass(frozen=True, kw_only=True, slots=True)
class Act:
    """A statement and the signatures collected so far (65 bytes each).

    `ledger` is the ledger's identity (32 bytes), part of the signed digest.
    """

    TYPE: ClassVar[str] = "certledger/act/1"

    ledger: bytes
    statement: Statement
    signatures: tuple[bytes, ...]

    @property
    def digest(self) -> bytes:
        """The signed digest (32 bytes)."""
        return self.statement.digest(self.ledger)

    def to_json(self) -> Json:
        """Return the act as a JSON value."""
        return {
            "act": self.statement.primary,
            "ledger": self.ledger.hex(),
            "signatures": [to_base64url(signature) for signature in self.signatures],
            "statement": statement_to_json(self.statement),
            "type": self.TYPE,
        }

    def canonical(self) -> bytes:
        """Return the canonical bytes."""
        return format_canonical(self.to_json())

    @classmethod
    def parse(cls, data: bytes) -> Act:
        """Parse a file; white space and member order are free.

        Raises:
            MalformedError: not JSON of the subset, or an unknown, missing or ill-typed member.
        """
        return cls.from_json(parse(data, MAX_ACT_BYTES))

    @classmethod
    def from_json(cls, value: Json) -> Act:
        """Parse an act from JSON.

        Raises:
            MalformedError: an unknown act, or an unknown, missing or ill-typed member.
        """
        read = Members(value, "act")
        read.const("type", cls.TYPE)
        name = read.text("act", longest=32)
        if name not in ACTS:
            raise MalformedError("schema.version", f"act.act is {name!r}, which is no known act")
        act = cls(
            ledger=bytes.fromhex(read.text("ledger", re.compile("[0-9a-f]{64}"))),
            statement=statement_from_json(ACTS[name], read.take("statement")),
            signatures=tuple(
                Members({"signature": part}, "act").binary("signature", SIGNATURE_SIZE)
                for part in read.array("signatures", 0, MAX_SIGNATURES)
            ),
        )
        read.done()
        return act
