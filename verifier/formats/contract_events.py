"""Events of the contract: raw logs parsed into typed values (SPEC section 12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from certledger.contracts import abi
from certledger.verifier.crypto.hashing import keccak, sha256
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats import statements
from certledger.verifier.formats.issuer_state import ISSUER, IssuerState, Key
from certledger.verifier.formats.statements import Statement
from certledger.verifier.vocabulary import IssuerKind, Standing

SIGNATURE_SIZE = 65
HEAD_WORDS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Created:
    """The contract was deployed."""

    identity: bytes
    salt: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ActEvent:
    """An accepted statement with its signatures (65 bytes each).

    `key` is the index of the issuer's signing key, None for an act without one.
    """

    statement: Statement
    key: int | None
    signatures: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchAnchored:
    """An anchored batch: its statement without what follows from the issuer's previous state."""

    issuer: str
    sequence: int
    first: int
    count: int
    not_after: int
    root: bytes
    countersignature: bytes
    key: int
    signature: bytes

    def statement(self, *, previous: bytes, catalog: bytes) -> statements.Batch:
        """Return the whole statement.

        `previous` is the digest of the issuer's batch statement before (zero for the first),
        `catalog` the root in force.
        """
        return statements.Batch(
            issuer=self.issuer.encode("ascii"),
            sequence=self.sequence,
            previous=previous,
            root=self.root,
            first=self.first,
            count=self.count,
            catalog=catalog,
            countersignature=self.countersignature,
            not_after=self.not_after,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A skipped batch, or with sequence 0 a skipped issuer; `reason` is an error selector.

    The contract does not check this event, and any sender of a call can forge it: use nothing of it
    for a decision.  `issuer` is empty where the bytes are no issuer's code.
    """

    issuer: str
    sequence: int
    reason: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerStateEvent:
    """An issuer's whole state after the acts before it in the same transaction."""

    issuer: str
    words: tuple[bytes, ...]

    @property
    def name_digest(self) -> bytes:
        """SHA-256 of the issuer's name."""
        return self.words[2]

    def state(self, name: str) -> IssuerState:
        """Return the state under the issuer's name.

        Raises:
            MalformedError: another name, or the words are no state.
        """
        if sha256(name.encode()) != self.name_digest:
            raise MalformedError("event.name", f"the issuer {self.issuer} is not named {name!r}")
        return parse_state(self.words, name)


Event = Created | ActEvent | BatchAnchored | Skipped | IssuerStateEvent


@dataclass(frozen=True, kw_only=True, slots=True)
class _Act:
    """Layout of an act's event: topic 1 is the statement's first member, the data all others."""

    event: str
    statement: type[Statement]
    keyed: bool = False

    def types(self) -> list[str]:
        kinds = [kind for _, _, kind in self.statement.members()]
        return kinds + ["uint8"] * self.keyed + ["bytes"]


_ACTS = (
    _Act(event="Registered", statement=statements.Register),
    _Act(event="StatusChanged", statement=statements.StatusChange, keyed=True),
    _Act(event="CatalogChanged", statement=statements.CatalogChange, keyed=True),
    _Act(event="KeysChanged", statement=statements.KeysChange, keyed=True),
    _Act(event="StandingChanged", statement=statements.StandingChange),
    _Act(event="Held", statement=statements.Hold),
    _Act(event="Released", statement=statements.Release),
    _Act(event="Restored", statement=statements.Restore),
    _Act(event="RegistrarChanged", statement=statements.RegistrarChange),
    _Act(event="RegistrarRotated", statement=statements.RegistrarRotation),
    _Act(event="RegistrarChallenged", statement=statements.RegistrarChallenge),
)
_OTHERS = {
    "Created": ["bytes32", "bytes32"],
    "Anchored": ["bytes18", "bytes32[5]"],
    "Skipped": ["bytes18", "uint64", "bytes4"],
    "BodyState": ["bytes18", "bytes32[]"],
}


def topic(event: str, types: Sequence[str]) -> bytes:
    """Return topic 0 of an event (32 bytes)."""
    return keccak(f"{event}({','.join(types)})".encode())


_ACT_OF: Mapping[bytes, _Act] = {topic(act.event, act.types()): act for act in _ACTS}
_OTHER_OF: Mapping[bytes, str] = {topic(name, types): name for name, types in _OTHERS.items()}

TOPICS: Mapping[str, bytes] = {act.event: at for at, act in _ACT_OF.items()} | {
    name: at for at, name in _OTHER_OF.items()
}
"""Topic 0 of every event by name."""
_SKIPPED = TOPICS["Skipped"]


def parse_log(topics: Sequence[bytes], data: bytes) -> Event:
    """Parse a log of the contract.

    Raises:
        MalformedError: an unknown event, or data in a non-standard encoding.
    """
    if len(topics) != 2:
        raise MalformedError(
            "event.unknown", f"a log of {len(topics)} topics is none of the ledger's"
        )
    first, subject = topics
    try:
        if act := _ACT_OF.get(first):
            return _parse_act(act, subject, data)
        if first == _SKIPPED:
            return _parse_skipped(subject, data)
        if name := _OTHER_OF.get(first):
            return _parse_other(name, abi.decode([_OTHERS[name][0]], subject)[0], data)
    except (abi.AbiError, UnicodeDecodeError, ValueError) as error:
        raise MalformedError("event.malformed", f"a log is not what it says: {error}") from error
    raise MalformedError("event.unknown", f"no event has the topic {first.hex()}")


def _parse_act(act: _Act, subject: bytes, data: bytes) -> ActEvent:
    types = act.types()
    values = [*abi.decode(types[:1], subject), *abi.decode(types[1:], data)]
    attributes = [attribute for attribute, _, _ in act.statement.members()]
    key = values[len(attributes)] if act.keyed else None
    return ActEvent(
        statement=act.statement(**dict(zip(attributes, values, strict=False))),
        key=None if key == 255 else key,
        signatures=_split(values[-1]),
    )


def _split(signatures: bytes) -> tuple[bytes, ...]:
    if len(signatures) % SIGNATURE_SIZE:
        raise abi.AbiError(f"{len(signatures)} bytes are not whole signatures")
    places = range(0, len(signatures), SIGNATURE_SIZE)
    return tuple(signatures[at : at + SIGNATURE_SIZE] for at in places)


def _parse_other(name: str, subject: bytes, data: bytes) -> Event:
    values = abi.decode(_OTHERS[name][1:], data)
    if name == "Created":
        return Created(identity=subject, salt=values[0])
    issuer = subject.decode("ascii")
    if name == "Anchored":
        return _parse_batch(issuer, values[0])
    return IssuerStateEvent(issuer=issuer, words=_state_words(values[0]))


def _parse_skipped(subject: bytes, data: bytes) -> Skipped:
    """Parse a skip; any bytes are accepted, since any sender of a call can cause this event."""
    code = subject[:18].decode("ascii", "replace")
    return Skipped(
        issuer=code if ISSUER.fullmatch(code) else "",
        sequence=int.from_bytes(data[:32], "big"),
        reason=data[32:36],
    )


def _state_words(words: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Check the number of words: six of the head, at least one key, and the peaks."""
    if len(words) > HEAD_WORDS:
        batches = int.from_bytes(words[1][:8], "big")
        if len(words) > HEAD_WORDS + batches.bit_count():
            return words
    raise abi.AbiError(f"{len(words)} words are no state")


def _parse_batch(issuer: str, words: Sequence[bytes]) -> BatchAnchored:
    head, root, countersignature, r, s = words
    return BatchAnchored(
        issuer=issuer,
        sequence=int.from_bytes(head[:8], "big"),
        first=int.from_bytes(head[8:16], "big"),
        count=int.from_bytes(head[16:20], "big"),
        not_after=int.from_bytes(head[20:28], "big"),
        root=root,
        countersignature=countersignature,
        key=head[28],
        signature=r + s + head[29:30],
    )


def parse_state(words: Sequence[bytes], name: str) -> IssuerState:
    """Parse the words of a state (SPEC section 8); `name` is not compared with its digest.

    Raises:
        MalformedError: an unknown kind or standing, or a key without a known purpose.
    """
    w0, w1, _, catalog, last, status = words[:HEAD_WORDS]
    batches = int.from_bytes(w1[:8], "big")
    keys_end = len(words) - batches.bit_count()
    kinds, standings = list(IssuerKind), list(Standing)
    if not 0 < w0[20] <= len(kinds) or not 0 < w0[21] <= len(standings):
        raise MalformedError("event.state", "a state has an unknown kind or standing")
    return IssuerState(
        issuer=w0[:18].decode("ascii"),
        kind=kinds[w0[20] - 1],
        name=name,
        keys=tuple(Key.unpacked(word[:31]) for word in words[HEAD_WORDS:keys_end]),
        standing=standings[w0[21] - 1],
        since=int.from_bytes(w0[22:27], "big"),
        catalog_version=int.from_bytes(w0[27:31], "big"),
        catalog=catalog,
        batches=batches,
        certificates=int.from_bytes(w1[8:16], "big"),
        last=last,
        peaks=tuple(words[keys_end:]),
        epoch=int.from_bytes(w1[16:24], "big"),
        status=status,
        revision=int.from_bytes(w1[24:28], "big"),
    )
