"""Outcome of an audit: its verdict, what was found, and the issuers of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from certledger.verifier.audit.findings import AuditFault, AuditFaults, Weight, fault
from certledger.verifier.audit.replay import Replay
from certledger.verifier.audit.rules import ReplayedIssuer
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import Json, format_time
from certledger.verifier.formats.look_alikes import look_of_name
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
from certledger.verifier.node_rpc import NodeBlock


class AuditVerdict(StrEnum):
    """How an audit ended."""

    CLEAN = "clean"
    FAULTS = "faults"
    INCOMPLETE = "incomplete"

    @property
    def exit_code(self) -> int:
        """The exit status of the command."""
        return {AuditVerdict.CLEAN: 0, AuditVerdict.FAULTS: 1, AuditVerdict.INCOMPLETE: 3}[self]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditedIssuer:
    """An issuer as it stands at the audit's block; `batches` are (sequence, first index, count).

    `name` is None where no source had the text of the registered digest.
    """

    issuer: str
    name: str | None
    kind: str
    standing: str
    on_hold: bool
    certificates: int
    batches: Sequence[tuple[int, int, int]]

    @classmethod
    def of(cls, issuer: str, replayed: ReplayedIssuer, replay: Replay) -> AuditedIssuer:
        """Return the issuer after a replay."""
        state = replayed.state
        marks = replay.marks.get(issuer, [])
        return cls(
            issuer=issuer,
            name=_name_of(issuer, replayed.name, replay),
            kind=str(state.kind),
            standing=str(state.standing),
            on_hold=replayed.on_hold,
            certificates=state.certificates,
            batches=[(sequence, first, count) for sequence, first, count, *_ in marks],
        )


def _name_of(issuer: str, digest: bytes, replay: Replay) -> str | None:
    """Return the issuer's name from the published data, if it has the registered digest."""
    try:
        name = replay.published.name(issuer, digest)
    except CertledgerError:
        return None
    return name if name is not None and sha256(name.encode()) == digest else None


def find_alike_names(issuers: Iterable[AuditedIssuer]) -> Iterator[AuditFault]:
    """Yield a finding for each issuer whose name looks like an earlier one's, and is another."""
    first: dict[str, AuditedIssuer] = {}
    for issuer in issuers:
        if issuer.name is not None:
            other = first.setdefault(look_of_name(issuer.name), issuer)
            if other.name != issuer.name:
                detail = f"{issuer.name!r} and {other.name!r} of {other.issuer}"
                yield fault("issuer.name_alike", issuer.issuer, detail)


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditReport:
    """The report of an audit as of a block, None where the audit failed before it had one.

    `start` is the block of the deployment.
    """

    pin: LedgerPin
    block: NodeBlock | None
    faults: Sequence[AuditFault]
    findings: Sequence[AuditFault]
    gaps: Sequence[AuditFault]
    counts: dict[str, int]
    found: dict[str, int]
    start: int | None = None
    policy: TrustPolicy | None = None
    issuers: Sequence[AuditedIssuer] = ()

    @classmethod
    def of(
        cls,
        pin: LedgerPin,
        block: NodeBlock | None,
        replay: Replay,
        *,
        start: int | None,
        policy: TrustPolicy | None,
    ) -> AuditReport:
        """Return the report of a replay under a policy."""
        found: AuditFaults = replay.faults
        issuers = [AuditedIssuer.of(code, one, replay) for code, one in replay.issuers.items()]
        found.extend(find_alike_names(issuers))
        return cls(
            pin=pin,
            block=block,
            faults=found.of(Weight.FAULT),
            findings=found.of(Weight.FINDING),
            gaps=found.of(Weight.GAP),
            counts=dict(sorted(replay.counts.items())),
            found=dict(sorted(found.counts.items())),
            start=start,
            policy=policy,
            issuers=issuers,
        )

    @property
    def verdict(self) -> AuditVerdict:
        """Faults take precedence over gaps."""
        if self.faults:
            return AuditVerdict.FAULTS
        return AuditVerdict.INCOMPLETE if self.gaps else AuditVerdict.CLEAN

    def to_json(self) -> dict[str, Json]:
        """Return the report as JSON; `found` counts every code, also beyond those listed."""
        block = self.block
        return {
            "verdict": str(self.verdict),
            "faults": [one.to_json() for one in self.faults],
            "findings": [one.to_json() for one in self.findings],
            "incomplete": [one.to_json() for one in self.gaps],
            "found": self.found,
            "counts": self.counts,
            "ledger": {
                "name": self.pin.name,
                "identity": f"0x{self.pin.identity.hex()}",
                "address": f"0x{self.pin.address.hex()}",
                "chain_id": self.pin.chain_id,
            },
            "as_of": None
            if block is None
            else {
                "block": block.number,
                "hash": f"0x{block.hash.hex()}",
                "state_root": f"0x{block.state_root.hex()}",
                "time": format_time(block.time),
            },
        }
