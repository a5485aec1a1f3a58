"""Trust policies: a verifier's pinned ledgers, witnesses and age limits (SPEC section 15)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import AnyStr, TypeVar

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    format_time,
    from_hex,
    parse_time,
)
from certledger.verifier.formats.checkpoint import (
    MAX_BLOCK_NUMBER,
    MAX_SIGNATURE_LINES,
    MAX_TIME_SECONDS,
    WITNESS_NAME,
    Checkpoint,
    CheckpointUnusableError,
    Cosignature,
    Note,
    key_id,
    parse_note,
)
from certledger.verifier.vocabulary import Way

TYPE = "certledger/policy/1"
READABLE = ("certledger/compact/1", "certledger/evidence/1", "certledger/snapshot/1")
"""Versions of codes, evidence and snapshots that this verifier reads, as a policy lists them."""
MAX_POLICY_KEYS = 64
MAX_LEDGERS = 16
MAX_WITNESSES = 256
MAX_CATEGORIES = 1024
MAX_SPAN = 2**32 - 1
"""Greatest span of a policy, in seconds or blocks."""

_CATEGORY = re.compile(r"[A-Z0-9-]{2,24}")
_EVIDENCE = re.compile(r"certledger/[a-z]+/[1-9][0-9]{0,3}")
_Part = TypeVar("_Part")


@dataclass(frozen=True, kw_only=True, slots=True)
class Roots:
    """Ed25519 keys (32 bytes each, ascending) of which `threshold` sign a policy."""

    keys: tuple[bytes, ...]
    threshold: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerPin:
    """A pinned ledger: `address` has 20 bytes; hashes and the identity have 32."""

    name: str
    chain_id: int
    genesis: bytes
    address: bytes
    code_hash: bytes
    identity: bytes
    deployment: bytes
    retired: Checkpoint | None = None

    def to_json(self) -> Json:
        """Return the ledger as a policy lists it."""
        value: dict[str, Json] = {
            "name": self.name,
            "chain_id": self.chain_id,
            "genesis": f"0x{self.genesis.hex()}",
            "address": f"0x{self.address.hex()}",
            "code_hash": f"0x{self.code_hash.hex()}",
            "identity": f"0x{self.identity.hex()}",
            "deployment": f"0x{self.deployment.hex()}",
        }
        if self.retired is not None:
            value["retired"] = Note(checkpoint=self.retired).format()
        return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """Ways to trust a block, number of operators, and depth where `finalized` is unknown."""

    ways: tuple[Way, ...]
    threshold: int
    confirmations: int


@dataclass(frozen=True, kw_only=True, slots=True)
class WitnessKey:
    """A witness's Ed25519 key (32 bytes), and the first and last block it counts for.

    `ledger` is the identity (32 bytes) of the ledger whose blocks these are, None for every ledger.
    On another ledger a witness counts from its first block on, and not at all once it has a last.
    """

    operator: str
    name: str
    key: bytes
    start: int
    until: int | None = None
    ledger: bytes | None = None

    def in_service(self, checkpoint: Checkpoint) -> bool:
        """Return whether a cosignature of `checkpoint` by this witness counts."""
        if self.ledger is not None and self.ledger != checkpoint.identity:
            return self.until is None
        block = checkpoint.number
        return self.start <= block and (self.until is None or block <= self.until)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustPolicy:
    """A trust policy.  Times and ages are in seconds."""

    version: int
    ends: int
    roots: Roots
    ledgers: tuple[LedgerPin, ...]
    trust: Trust
    witnesses: tuple[WitnessKey, ...]
    block_lag: int
    default_age: int
    ages: Mapping[str, int]
    clock_tolerance: int
    presentation_age: int
    evidence: tuple[str, ...]
    countersignature: bool

    def ended(self, now: int) -> bool:
        """Return whether `now` lies after the policy's end."""
        return now > self.ends

    def accepts(self, version: str) -> bool:
        """Return whether the policy accepts this version of codes, evidence or snapshots."""
        return version in self.evidence

    def for_ledger(self, identity: bytes) -> LedgerPin | None:
        """Return the ledger of this identity (32 bytes), None where the policy has none."""
        return next((pin for pin in self.ledgers if pin.identity == identity), None)

    def max_age(self, category: str) -> int:
        """Return the greatest accepted age of a status of `category`, in seconds."""
        return self.ages.get(category, self.default_age)

    def in_service(self, checkpoint: Checkpoint) -> tuple[WitnessKey, ...]:
        """Return the witnesses whose cosignature of `checkpoint` counts."""
        return tuple(witness for witness in self.witnesses if witness.in_service(checkpoint))

    def witness(self, name: str) -> WitnessKey | None:
        """Return the witness of this name, in service or not."""
        return next((witness for witness in self.witnesses if witness.name == name), None)

    def find_witness(self, line: Cosignature) -> WitnessKey | None:
        """Return the witness, in service or not, whose key a signature line names.

        C2SP identifies a line by name and key id together.
        """
        found = self.witness(line.name)
        known = found is not None and key_id(found.name, found.key) == line.key_id
        return found if known else None

    def to_json(self) -> Json:
        """Encode the member `policy` of the file."""
        return {
            "type": TYPE,
            "version": self.version,
            "ends": format_time(self.ends),
            "roots": {
                "keys": [key.hex() for key in self.roots.keys],
                "threshold": self.roots.threshold,
            },
            "ledgers": [pin.to_json() for pin in self.ledgers],
            "trust": {
                "ways": [str(way) for way in self.trust.ways],
                "threshold": self.trust.threshold,
                "confirmations": self.trust.confirmations,
            },
            "witnesses": [_witness_to_json(witness) for witness in self.witnesses],
            "block_lag": self.block_lag,
            "max_age": {
                "default": self.default_age,
                "categories": [
                    {"category": category, "seconds": self.ages[category]}
                    for category in sorted(self.ages)
                ],
            },
            "clock_tolerance": self.clock_tolerance,
            "presentation_age": self.presentation_age,
            "evidence": list(self.evidence),
            "countersignature": self.countersignature,
        }

    @classmethod
    def from_json(cls, value: Json) -> TrustPolicy:
        """Parse the member `policy` of the file.

        Raises:
            MalformedError: an unknown, missing or ill-typed member, a list out of order, a
                duplicate key or name, or a threshold above the number of operators.
        """
        read = Members(value, "policy")
        read.const("type", TYPE)
        ages = read.inner("max_age")
        policy = cls(
            version=read.integer("version", 1),
            ends=_time(read, "ends"),
            roots=_roots(read.inner("roots")),
            ledgers=parts(read, "ledgers", 1, MAX_LEDGERS, _ledger),
            trust=_trust(read.inner("trust")),
            witnesses=parts(read, "witnesses", 0, MAX_WITNESSES, _witness),
            block_lag=read.integer("block_lag", greatest=MAX_SPAN),
            default_age=ages.integer("default", greatest=MAX_SPAN),
            ages=_ages(ages),
            clock_tolerance=read.integer("clock_tolerance", greatest=MAX_SPAN),
            presentation_age=read.integer("presentation_age", greatest=MAX_SPAN),
            evidence=_evidence(read),
            countersignature=read.boolean("countersignature"),
        )
        ages.done()
        read.done()
        _check_whole(policy)
        return policy


# Parts -----------------------------------------------------------------------------------------


def parts(
    read: Members, name: str, least: int, most: int, part: Callable[[Members], _Part]
) -> tuple[_Part, ...]:
    """Return a list of `least` to `most` objects, each read completely by `part`."""
    found = []
    for place, value in enumerate(read.array(name, least, most)):
        inner = Members(value, f"{name}[{place}]")
        found.append(part(inner))
        inner.done()
    return tuple(found)


def _hex(read: Members, name: str, size: int) -> bytes:
    return from_hex(read.text(name), size)


def _prefixed(read: Members, name: str, size: int) -> bytes:
    """Parse an Ethereum address or hash: lower-case hex after `0x`."""
    text = read.text(name)
    if not text.startswith("0x"):
        read.fail(name, f"0x and {size} bytes in lower-case hex")
    return from_hex(text[2:], size)


def _time(read: Members, name: str) -> int:
    seconds = parse_time(read.text(name))
    if not 0 <= seconds <= MAX_TIME_SECONDS:
        read.fail(name, "a time since 1970")
    return seconds


def _roots(read: Members) -> Roots:
    texts = read.array("keys", 1, MAX_POLICY_KEYS)
    if not all(type(text) is str for text in texts):
        read.fail("keys", "a list of keys in hex")
    keys = tuple(from_hex(text, 32) for text in texts)
    check_ascending("policy.roots.keys", keys)
    roots = Roots(keys=keys, threshold=read.integer("threshold", 1, len(keys)))
    read.done()
    return roots


def _ledger(read: Members) -> LedgerPin:
    identity = _prefixed(read, "identity", 32)
    return LedgerPin(
        name=read.text("name", longest=128),
        chain_id=read.integer("chain_id", 1),
        genesis=_prefixed(read, "genesis", 32),
        address=_prefixed(read, "address", 20),
        code_hash=_prefixed(read, "code_hash", 32),
        identity=identity,
        deployment=_prefixed(read, "deployment", 32),
        retired=_retired(read, identity) if read.has("retired") else None,
    )


def _retired(read: Members, identity: bytes) -> Checkpoint:
    """Parse the last checkpoint of a retired ledger, trusted by the policy's signatures."""
    try:
        note = parse_note(read.text("retired", longest=512))
    except CheckpointUnusableError as error:
        raise MalformedError("schema.invalid", f"ledgers.retired: {error}") from error
    if note.cosignatures or note.checkpoint.identity != identity:
        read.fail("retired", "a checkpoint of this ledger without cosignatures")
    return note.checkpoint


def _trust(read: Members) -> Trust:
    trust = Trust(
        ways=tuple(Way(way) for way in _texts(read, "ways", list(Way))),
        threshold=read.integer("threshold", 1, MAX_SIGNATURE_LINES),
        confirmations=read.integer("confirmations", greatest=MAX_SPAN),
    )
    read.done()
    return trust


def _texts(read: Members, name: str, known: Sequence[StrEnum]) -> list[str]:
    texts = read.array(name, 1, len(known))
    words = [str(word) for word in known]
    if not all(type(text) is str and text in words for text in texts):
        read.fail(name, f"a list of {', '.join(words)}")
    check_ascending(f"policy.{name}", texts)
    return texts


def _witness(read: Members) -> WitnessKey:
    start = read.integer("from", greatest=MAX_BLOCK_NUMBER)
    return WitnessKey(
        operator=read.text("operator", longest=128),
        name=read.text("name", WITNESS_NAME),
        key=_hex(read, "key", 32),
        start=start,
        until=read.integer("until", start, MAX_BLOCK_NUMBER) if read.has("until") else None,
        ledger=_prefixed(read, "ledger", 32) if read.has("ledger") else None,
    )


def _witness_to_json(witness: WitnessKey) -> Json:
    value: dict[str, Json] = {
        "operator": witness.operator,
        "name": witness.name,
        "key": witness.key.hex(),
        "from": witness.start,
    }
    if witness.until is not None:
        value["until"] = witness.until
    if witness.ledger is not None:
        value["ledger"] = f"0x{witness.ledger.hex()}"
    return value


def _ages(read: Members) -> dict[str, int]:
    pairs = parts(read, "categories", 0, MAX_CATEGORIES, _age)
    check_ascending("policy.max_age.categories", [category for category, _ in pairs])
    return dict(pairs)


def _age(read: Members) -> tuple[str, int]:
    return read.text("category", _CATEGORY), read.integer("seconds", greatest=MAX_SPAN)


def _evidence(read: Members) -> tuple[str, ...]:
    texts = read.array("evidence", 1, 16)
    if not all(type(text) is str and _EVIDENCE.fullmatch(text) for text in texts):
        read.fail("evidence", "a list of versions like certledger/evidence/1")
    check_ascending("policy.evidence", texts)
    return tuple(texts)


def check_ascending(where: str, values: Sequence[AnyStr]) -> None:
    """Check that `values` strictly ascend, so that a list is canonical and has no duplicates.

    Raises:
        MalformedError: they do not.
    """
    if list(values) != sorted(set(values)):
        raise MalformedError("schema.invalid", f"{where} do not strictly ascend")


def _check_whole(policy: TrustPolicy) -> None:
    """Check rules across members.

    Raises:
        MalformedError: a duplicate ledger, witness name or key, or a threshold out of reach.
    """
    check_ascending("policy.witnesses", [witness.name for witness in policy.witnesses])
    _check_distinct("identities of ledgers", [pin.identity for pin in policy.ledgers])
    _check_distinct("names of ledgers", [pin.name for pin in policy.ledgers])
    _check_distinct("keys of witnesses", [witness.key for witness in policy.witnesses])
    known = {pin.identity for pin in policy.ledgers} | {None}
    if any(witness.ledger not in known for witness in policy.witnesses):
        raise MalformedError("schema.invalid", "a witness names a ledger that the policy has not")
    operators = {witness.operator for witness in policy.witnesses}
    if Way.WITNESSES in policy.trust.ways and len(operators) < policy.trust.threshold:
        raise MalformedError(
            "schema.invalid",
            f"{policy.trust.threshold} operators must witness where the policy has "
            f"{len(operators)}",
        )


def _check_distinct(what: str, values: Sequence[str] | Sequence[bytes]) -> None:
    if len(set(values)) != len(values):
        raise MalformedError("schema.invalid", f"two {what} in the policy are the same")
