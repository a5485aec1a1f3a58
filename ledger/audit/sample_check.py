"""Audit samples: each covers all decisions since the one before, and none is left out."""

from __future__ import annotations

from dataclasses import dataclass, field

from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.reform.operator_record import DECISION_TYPE, SAMPLE_TYPE, OperatorRecord
from certledger.verifier.reform.sample import candidates_digest


@dataclass(kw_only=True)
class SampleCoverage:
    """Takes the operator's records in the order of their numbers."""

    _decisions: list[tuple[int, bytes]] = field(default_factory=list)
    _last: int = 0

    def take(self, record: OperatorRecord, file: bytes) -> str:
        """Return what is wrong with a sample's candidates, empty for every other record."""
        if record.type == DECISION_TYPE:
            self._decisions.append((record.number, sha256(file)))
        if record.type != SAMPLE_TYPE:
            return ""
        first, last = int(record.details["first"]), int(record.details["last"])
        before, self._last = self._last, last
        candidates = sorted(digest for number, digest in self._decisions if number <= last)
        self._decisions = [one for one in self._decisions if one[0] > last]
        if first != before + 1:
            return f"it covers the records from {first}, and the one before ends with {before}"
        if candidates_digest(candidates).hex() != record.details["candidates"]:
            return f"its candidates are not the decisions among the records {first} to {last}"
        return ""
