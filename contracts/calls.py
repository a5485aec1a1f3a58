"""Calldata for every act of the contract.  Statements and states are structural protocols."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from certledger.contracts import abi
from certledger.contracts.loader import load_artifact

NO_KEY = 255
"""Key index of calls without a signature by a key of the issuer."""
SIGNATURE_SIZE = 65


class TypedStatement(Protocol):
    """An EIP-712 statement that lists its members as (attribute, name, Solidity type)."""

    @classmethod
    def members(cls) -> tuple[tuple[str, str, str], ...]: ...


class State(Protocol):
    """The state of an issuer (SPEC section 8), which every call passes in whole."""

    @property
    def peaks(self) -> tuple[bytes, ...]: ...
    def words(self) -> tuple[bytes, ...]: ...
    def key_words(self) -> tuple[bytes, ...]: ...


class BatchStatement(TypedStatement, Protocol):
    """Members of a batch statement that are packed; the rest follows from the state."""

    @property
    def sequence(self) -> int: ...
    @property
    def first(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def root(self) -> bytes: ...
    @property
    def countersignature(self) -> bytes: ...
    @property
    def not_after(self) -> int: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusProof:
    """The status words before a change, with their multi-proof."""

    words: Sequence[bytes]
    marks: bytes
    siblings: Sequence[bytes]


def state_words(state: State) -> tuple[bytes, ...]:
    """Return a state in the contract's order: w0 to w5, key words, peaks."""
    return (*state.words(), *state.key_words(), *state.peaks)


def pack_batch(statement: BatchStatement, *, key: int, signature: bytes) -> tuple[bytes, ...]:
    """Pack a signed batch into five words (SPEC section 12).

    `signature` is 65 bytes `r ‖ s ‖ v` by the issuer's key of index `key`.
    """
    _check_signature(signature)
    # Head word: sequence 8 ‖ first 8 ‖ count 4 ‖ notAfter 8 ‖ key 1 ‖ v 1 ‖ zero 2.
    head = (
        statement.sequence.to_bytes(8, "big")
        + statement.first.to_bytes(8, "big")
        + statement.count.to_bytes(4, "big")
        + statement.not_after.to_bytes(8, "big")
        + bytes([key, signature[64], 0, 0])
    )
    return head, statement.root, statement.countersignature, signature[:32], signature[32:64]


def deploy(
    salt: bytes, registrars: Iterable[tuple[int, bytes] | tuple[int, bytes, bytes]]
) -> bytes:
    """Return the creation code with its arguments.

    `salt` is 32 random bytes, `registrars` at least three (region, account[, recovery account]),
    regions ascending.
    """
    seats = tuple((*one, bytes(20))[:3] for one in registrars)
    arguments = abi.encode(["bytes32", "(uint16,address,address)[]"], [salt, seats])
    return load_artifact().creation + arguments


def register(statement: TypedStatement, signatures: Sequence[bytes]) -> bytes:
    """Call `register`.

    Signatures: the registrar's, another region's registrar's, then each key's.
    """
    return _stateless("register", statement, signatures)


def anchor(entries: Iterable[tuple[State, Sequence[tuple[bytes, ...]]]]) -> bytes:
    """Call `anchor` with each issuer's state and packed batches."""
    rows = tuple((state_words(state), tuple(batches)) for state, batches in entries)
    return _call("anchor", ["(bytes32[],bytes32[5][])[]"], [rows])


def change_status(
    state: State,
    statement: TypedStatement,
    *,
    key: int,
    signatures: Sequence[bytes],
    witness: StatusProof,
) -> bytes:
    """Call `changeStatus`; signed by a key of the issuer, and its registrar for a correction."""
    kind, values = _without_issuer(statement)
    proof = (tuple(witness.words), witness.marks, tuple(witness.siblings))
    return _call(
        "changeStatus",
        ["bytes32[]", kind, "uint8", "bytes", "(bytes32[],bytes,bytes32[])"],
        [state_words(state), values, key, _joined(signatures), proof],
    )


def change_catalog(
    state: State, statement: TypedStatement, *, key: int, signatures: Sequence[bytes]
) -> bytes:
    """Call `changeCatalog`; signed by key and registrar, or with `NO_KEY` by the registrar."""
    return _keyed("changeCatalog", state, statement, key, signatures)


def change_keys(
    state: State, statement: TypedStatement, *, key: int, signatures: Sequence[bytes]
) -> bytes:
    """Call `changeKeys`.

    Signatures: the registrar's, that of key `key` (with `NO_KEY` another registrar's), then each
    added key's; or that of key `key` alone.
    """
    return _keyed("changeKeys", state, statement, key, signatures)


def change_standing(
    state: State, statement: TypedStatement, *, signatures: Sequence[bytes]
) -> bytes:
    """Call `changeStanding`; striking off needs a second registrar."""
    return _stated("changeStanding", state, statement, signatures)


def restore(
    states: Iterable[State], statement: TypedStatement, *, signatures: Sequence[bytes]
) -> bytes:
    """Call `restore`, signed by a majority of registrars.

    `states` are those of the statement's issuers, in their order.
    """
    kind, values = _without_issuer(statement)
    return _call(
        "restore",
        ["bytes32[][]", kind, "bytes"],
        [tuple(map(state_words, states)), values, _joined(signatures)],
    )


def hold(statement: TypedStatement, signatures: Sequence[bytes]) -> bytes:
    """Call `hold`, signed by the registrar."""
    return _stateless("hold", statement, signatures)


def release(statement: TypedStatement, signatures: Sequence[bytes]) -> bytes:
    """Call `release`, signed by the registrar."""
    return _stateless("release", statement, signatures)


def change_registrar(statement: TypedStatement, signatures: Sequence[bytes]) -> bytes:
    """Call `changeRegistrar`, signed by a majority of registrars, ascending by region."""
    return _stateless("changeRegistrar", statement, signatures)


def rotate_registrar(statement: TypedStatement, signatures: Sequence[bytes]) -> bytes:
    """Call `rotateRegistrar`.

    Signatures: the present account's or the recovery account's, then the new one's.
    """
    return _stateless("rotateRegistrar", statement, signatures)


def challenge_registrar(statement: TypedStatement, signatures: Sequence[bytes]) -> bytes:
    """Call `challengeRegistrar`, signed by a majority of the other registrars."""
    return _stateless("challengeRegistrar", statement, signatures)


def _keyed(
    name: str, state: State, statement: TypedStatement, key: int, signatures: Sequence[bytes]
) -> bytes:
    kind, values = _without_issuer(statement)
    return _call(
        name,
        ["bytes32[]", kind, "uint8", "bytes"],
        [state_words(state), values, key, _joined(signatures)],
    )


def _stated(
    name: str, state: State, statement: TypedStatement, signatures: Sequence[bytes]
) -> bytes:
    kind, values = _without_issuer(statement)
    return _call(
        name, ["bytes32[]", kind, "bytes"], [state_words(state), values, _joined(signatures)]
    )


def _stateless(name: str, statement: TypedStatement, signatures: Sequence[bytes]) -> bytes:
    kind, values = _tuple_of(statement)
    return _call(name, [kind, "bytes"], [values, _joined(signatures)])


def _without_issuer(statement: TypedStatement) -> tuple[str, tuple[Any, ...]]:
    """Return a statement for calls with the state, which contains the issuer's code."""
    return _tuple_of(statement, {"issuer", "issuers"})


def _tuple_of(
    statement: TypedStatement, without: Container[str] = frozenset()
) -> tuple[str, tuple[Any, ...]]:
    """Return the tuple type and values of a statement's members except `without`."""
    members = [member for member in statement.members() if member[0] not in without]
    return (
        f"({','.join(kind for _, _, kind in members)})",
        tuple(getattr(statement, attribute) for attribute, _, _ in members),
    )


def _call(name: str, types: Sequence[str], values: Sequence[Any]) -> bytes:
    selector = load_artifact().selectors[f"{name}({','.join(types)})"]
    return selector + abi.encode(types, values)


def _joined(signatures: Sequence[bytes]) -> bytes:
    for signature in signatures:
        _check_signature(signature)
    return b"".join(signatures)


def _check_signature(signature: bytes) -> None:
    if len(signature) != SIGNATURE_SIZE:
        raise abi.AbiError(f"a signature of {len(signature)} bytes, not {SIGNATURE_SIZE}")
