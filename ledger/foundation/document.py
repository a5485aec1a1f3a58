"""The founding document: who founds a ledger, on which chain and by which rules, signed by all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from certledger.ledger.chain.deploy import FirstRegistrar
from certledger.ledger.foundation.errors import FoundationError
from certledger.ledger.foundation.part import (
    MAX_REGION,
    OperatorPart,
    RegionPart,
    SignedPart,
    check_name,
    title_of,
)
from certledger.ledger.keys import Signer
from certledger.verifier.crypto.hashing import keccak, sha256
from certledger.verifier.crypto.secp256k1 import recover_address
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    format_canonical,
    format_time,
    from_hex,
    parse_canonical,
)
from certledger.verifier.formats.policy import READABLE, LedgerPin, TrustPolicy
from certledger.verifier.formats.policy import TYPE as POLICY_TYPE
from certledger.verifier.formats.policy_fingerprint import format_words
from certledger.verifier.vocabulary import Way

MAX_FOUNDING_BYTES = 262_144
MIN_REGISTRARS = 3
"""The contract wants as many at deployment."""
DAY = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundingTerms:
    """What the first policy says except keys and the ledger; times and ages are seconds."""

    ends: int
    root_threshold: int
    witness_threshold: int
    ways: tuple[Way, ...] = (Way.NODE, Way.WITNESSES)
    confirmations: int = 12
    block_lag: int = 600
    default_age: int = 7 * DAY
    ages: Mapping[str, int] = field(default_factory=dict)
    clock_tolerance: int = 300
    presentation_age: int = 600
    countersignature: bool = False

    def to_json(self) -> dict[str, Json]:
        """Return the member `terms`: members of the policy, and the roots' threshold."""
        return {
            "block_lag": self.block_lag,
            "clock_tolerance": self.clock_tolerance,
            "countersignature": self.countersignature,
            "ends": format_time(self.ends),
            "evidence": list(READABLE),
            "max_age": {
                "categories": [
                    {"category": category, "seconds": self.ages[category]}
                    for category in sorted(self.ages)
                ],
                "default": self.default_age,
            },
            "presentation_age": self.presentation_age,
            "root_threshold": self.root_threshold,
            "trust": {
                "confirmations": self.confirmations,
                "threshold": self.witness_threshold,
                "ways": [str(way) for way in sorted(self.ways)],
            },
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Founding:
    """What is founded.  `terms` is the JSON of `FoundingTerms`, checked by building a policy."""

    TYPE: ClassVar[str] = "certledger/founding/1"

    name: str
    operator: SignedPart
    regions: tuple[SignedPart, ...]
    terms: Mapping[str, Json]

    def __post_init__(self) -> None:
        check_name(self.name)

    @classmethod
    def of(cls, name: str, parts: Iterable[SignedPart], terms: FoundingTerms) -> Self:
        """Return the document made of everybody's parts.

        Raises:
            FoundationError: a party twice, a key twice, or too few registrars or operators.
            MalformedError: terms that no policy can have, like a threshold out of reach.
        """
        given = list(parts)
        operators = [one for one in given if isinstance(one.part, OperatorPart)]
        if len(operators) > 1:
            names = " and ".join(title_of(one.part) for one in operators)
            raise FoundationError("operator_twice", f"two operators bring a part: {names}")
        if not operators:
            raise FoundationError("too_few", "no operator brings a part")
        regions = sorted(
            (one for one in given if isinstance(one.part, RegionPart)),
            key=lambda one: one.part.region if isinstance(one.part, RegionPart) else 0,
        )
        founding = cls(
            name=name, operator=operators[0], regions=tuple(regions), terms=terms.to_json()
        )
        founding.check()
        return founding

    def to_json(self) -> dict[str, Json]:
        """Return the member `founding` of the file."""
        return {
            "name": self.name,
            "operator": self.operator.to_json(),
            "regions": [one.to_json() for one in self.regions],
            "terms": dict(self.terms),
            "type": self.TYPE,
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return the document of a JSON value; raises as `of`."""
        read = Members(value, "founding")
        read.const("type", cls.TYPE)
        terms = read.take("terms")
        founding = cls(
            name=read.text("name", longest=128),
            operator=SignedPart.from_json(read.take("operator")),
            regions=tuple(map(SignedPart.from_json, read.array("regions", 1, MAX_REGION))),
            terms=terms if isinstance(terms, dict) else {},
        )
        read.done()
        founding.check()
        return founding

    def check(self) -> None:
        """Check what no single part shows; raises as `of`."""
        numbers = [part.region for part in self.parts]
        if isinstance(self.operator.part, RegionPart) or len(numbers) != len(self.regions):
            raise FoundationError("too_few", "an operator's part is in the place of a region's")
        for number in numbers:
            if numbers.count(number) > 1:
                raise FoundationError("region_twice", f"two parts are of region {number}")
        if numbers != sorted(numbers):
            raise FoundationError("region_twice", "the regions do not ascend")
        self._check_keys()
        seated = sum(part.registrar is not None for part in self.parts)
        if seated < MIN_REGISTRARS or seated < len(numbers):
            raise FoundationError(
                "too_few",
                f"{seated} regions bring a registrar; each must, at least {MIN_REGISTRARS}",
            )
        self.policy(UNDEPLOYED)

    def _check_keys(self) -> None:
        owners: dict[bytes, str] = {}
        for signed in (self.operator, *self.regions):
            part = signed.part
            keys = list(part.keys.values())
            if isinstance(part, RegionPart) and part.recovery is not None:
                keys.append(part.recovery)
            for key in keys:
                if key in owners:
                    raise FoundationError(
                        "key_twice",
                        f"{owners[key]} and {title_of(part)} bring the same key {key.hex()}",
                    )
                owners[key] = title_of(part)

    @property
    def parts(self) -> Sequence[RegionPart]:
        """The regions' parts, ascending."""
        return [one.part for one in self.regions if isinstance(one.part, RegionPart)]

    @property
    def operator_part(self) -> OperatorPart:
        """The operator's part."""
        part = self.operator.part
        assert isinstance(part, OperatorPart)  # `check` has seen to it.
        return part

    @property
    def registrars(self) -> Sequence[FirstRegistrar]:
        """The regions with their registrars, as the contract is deployed with them."""
        return [
            (part.region, part.registrar or bytes(20), part.recovery or bytes(20))
            for part in self.parts
        ]

    @property
    def witness_urls(self) -> Mapping[str, str]:
        """Where each witness answers, by its name."""
        return {part.witness.name: part.witness.url for part in self.parts if part.witness}

    def policy(self, pin: LedgerPin) -> TrustPolicy:
        """Return the first policy, for the ledger that was deployed.

        Raises:
            MalformedError: the terms make none.
        """
        terms = dict(self.terms)
        threshold = terms.pop("root_threshold", 0)
        roots = sorted(part.root.key.hex() for part in self.parts if part.root)
        witnesses = [
            {
                "from": 0,
                "key": part.witness.key.hex(),
                "name": part.witness.name,
                "operator": part.operator,
            }
            for part in sorted(self.parts, key=lambda one: one.witness.name if one.witness else "")
            if part.witness
        ]
        made: dict[str, Json] = {
            **terms,
            "ledgers": [pin.to_json()],
            "roots": {"keys": list(roots), "threshold": threshold},
            "type": POLICY_TYPE,
            "version": 1,
            "witnesses": list(witnesses),
        }
        return TrustPolicy.from_json(made)

    @property
    def digest(self) -> bytes:
        """The SHA-256 of what the registrars sign: two people compare it by its words."""
        return sha256(self.signed_bytes())

    @property
    def words(self) -> str:
        """The digest in words."""
        return format_words(self.digest)

    def signed_bytes(self) -> bytes:
        """Return the bytes whose Keccak-256 the registrars sign."""
        return self.TYPE.encode() + b"\n" + format_canonical(self.to_json())


UNDEPLOYED = LedgerPin(
    name="-",
    chain_id=1,
    genesis=bytes(32),
    address=bytes(20),
    code_hash=bytes(32),
    identity=bytes(32),
    deployment=bytes(32),
)
"""Placeholder of the ledger while there is none, so that the terms can be checked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedFounding:
    """A founding document with the signatures (65 bytes) of registrars, by region."""

    founding: Founding
    signatures: Mapping[int, bytes] = field(default_factory=dict)

    def format(self) -> bytes:
        """Return the bytes of the file."""
        return format_canonical(
            {
                "founding": self.founding.to_json(),
                "signatures": [
                    {"region": region, "signature": self.signatures[region].hex()}
                    for region in sorted(self.signatures)
                ],
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Return the document of a file.

        Raises:
            MalformedError: anything but canonical bytes of this format.
            FoundationError: a part or a signature is not good, or a party occurs twice.
        """
        read = Members(parse_canonical(data, MAX_FOUNDING_BYTES), "file")
        founding = Founding.from_json(read.take("founding"))
        signatures: dict[int, bytes] = {}
        for at, value in enumerate(read.array("signatures", 0, MAX_REGION)):
            one = Members(value, f"signatures[{at}]")
            region = one.integer("region", 1, MAX_REGION)
            if region in signatures:
                raise FoundationError("region_twice", f"region {region} signed twice")
            signatures[region] = from_hex(one.text("signature"), 65)
            one.done()
        read.done()
        signed = cls(founding=founding, signatures=signatures)
        signed.check()
        return signed

    def check(self) -> None:
        """Check every signature that is there.

        Raises:
            FoundationError: `foundation.stranger`, `foundation.signature`.
        """
        accounts = {part.region: part.registrar for part in self.founding.parts}
        digest = keccak(self.founding.signed_bytes())
        for region, signature in self.signatures.items():
            if region not in accounts:
                raise FoundationError(
                    "stranger", f"region {region} signed, and founds nothing here"
                )
            if recover_address(digest, signature) != accounts[region]:
                raise FoundationError(
                    "signature",
                    f"the signature of region {region} is not its registrar's over this document:"
                    " the document was changed since, or another key signed",
                )

    @property
    def missing(self) -> Sequence[int]:
        """The regions that have not signed, ascending."""
        return [part.region for part in self.founding.parts if part.region not in self.signatures]

    def require_complete(self) -> None:
        """Check that every region has signed.

        Raises:
            FoundationError: `foundation.unsigned`.
        """
        if self.missing:
            names = ", ".join(map(str, self.missing))
            raise FoundationError("unsigned", f"these regions have not signed yet: {names}")

    def signed_by(self, region: int, registrar: Signer) -> SignedFounding:
        """Return the document with a region's signature.

        Raises:
            FoundationError: the key is not that region's registrar's.
        """
        signature = registrar.sign(keccak(self.founding.signed_bytes()))
        signed = replace(self, signatures={**self.signatures, region: signature})
        signed.check()
        return signed

    def own_part(self, part: SignedPart) -> RegionPart:
        """Return the part that this document has of a region, if it is the one it brought.

        Raises:
            FoundationError: `foundation.part_differs`, `foundation.stranger`.
        """
        own = part.part
        for one in self.founding.regions:
            if isinstance(own, RegionPart) and isinstance(one.part, RegionPart):
                if one.part.region != own.region:
                    continue
                if one.part != own:
                    raise FoundationError(
                        "part_differs",
                        f"the document does not hold the part that region {own.region} made here",
                    )
                return own
        raise FoundationError("stranger", f"{title_of(own)} has no part in this document")


def merge(files: Iterable[SignedFounding]) -> SignedFounding:
    """Return one document with the signatures of all.

    Raises:
        FoundationError: they are not all of one document.
    """
    first, *others = files
    for other in others:
        if other.founding != first.founding:
            raise FoundationError(
                "document_differs",
                f"the documents differ: {first.founding.words} and {other.founding.words}",
            )
        first = replace(first, signatures={**first.signatures, **other.signatures})
    return first
