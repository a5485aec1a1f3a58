"""State of a counter between runs: its policy, latest accepted time and accepted presentations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from certledger.verifier.accepted_time import recall, remember_time
from certledger.verifier.errors import MalformedError
from certledger.verifier.files import locked, write_atomically
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    format_canonical,
    from_hex,
    parse_canonical,
)
from certledger.verifier.formats.signed_policy import SignedPolicy
from certledger.verifier.policy_store import AdoptedPolicy, adopt_chain
from certledger.verifier.verify.verdict import Result
from certledger.verifier.vocabulary import CheckName, Verdict

TYPE = "certledger/accepted/1"
FILE = "accepted-presentations.json"
MIN_RETENTION_SECONDS = 86_400
"""Least retention of an accepted presentation, in case a later policy allows older ones."""
_MAX_FILE_BYTES = 64 * 2**20
_MARK_SIZE = 32


@dataclass(kw_only=True)
class Counter:
    """One counter's home, opened at `now` (seconds since 1970).

    Presentations are stored for `retention` seconds.  Several processes may share a home.
    """

    home: Path
    now: int
    retention: int
    trusted: AdoptedPolicy
    _shown: bytes | None = field(default=None, repr=False)

    @classmethod
    def open(
        cls,
        home: Path,
        chain: Sequence[SignedPolicy],
        clock: int,
        fingerprint: bytes | None = None,
    ) -> Counter:
        """Open the counter of a home and adopt the last policy of `chain`.

        An empty chain uses the home's policy.  `fingerprint` is that of the home's first policy.
        `now` is the later of `clock` and the latest accepted time.

        Raises:
            PolicyMissingError, FingerprintDiffersError, PolicyOlderError, PolicyUnsignedError: as
                `adopt_chain`.
            MalformedError: a stored file is damaged.
        """
        memory = recall(home)
        trusted = adopt_chain(home, chain, fingerprint)
        policy = trusted.current.policy
        retention = max(MIN_RETENTION_SECONDS, policy.presentation_age + policy.clock_tolerance)
        return cls(home=home, now=max(clock, memory.time), retention=retention, trusted=trusted)

    def seen(self, mark: bytes) -> bool:
        """Return whether a presentation with this mark was accepted before (replay protection).

        Raises:
            MalformedError: the stored file is damaged.
        """
        self._shown = mark
        return mark in _accepted(self.home)

    def relied(self, result: Result) -> bool:
        """Store the accepted time and presentation of the last question's `result`.

        Returns False where another process accepted the same presentation meanwhile: ask again.

        Raises:
            MalformedError: the stored file is damaged.
        """
        mark, self._shown = self._shown, None
        codes = {finding.check: finding.code for finding in result.findings}
        if result.as_of is not None and codes[CheckName.FRESHNESS] == "ok":
            remember_time(self.home, result.as_of)
        if mark is None or result.verdict is not Verdict.VALID:
            return True
        return self._accept(mark)

    def _accept(self, mark: bytes) -> bool:
        with locked(self.home / FILE):
            current = _accepted(self.home)
            if mark in current:
                return False
            # Drop marks that are too old for any policy to accept their presentation.
            known = {one: at for one, at in current.items() if at >= self.now - self.retention}
            write_atomically(self.home / FILE, _format({**known, mark: self.now}), private=True)
            return True


def _format(accepted: dict[bytes, int]) -> bytes:
    listed: list[Json] = [
        {"accepted": at, "mark": mark.hex()} for mark, at in sorted(accepted.items())
    ]
    return format_canonical({"presentations": listed, "type": TYPE})


def _accepted(home: Path) -> dict[bytes, int]:
    """Return the acceptance time of each stored presentation by its mark."""
    try:
        data = (home / FILE).read_bytes()
    except FileNotFoundError:
        return {}
    read = Members(parse_canonical(data, _MAX_FILE_BYTES), "file")
    read.const("type", TYPE)
    listed = [_line(value) for value in read.array("presentations", 0, _MAX_FILE_BYTES)]
    read.done()
    found = dict(listed)
    if len(found) != len(listed):
        raise MalformedError("schema.invalid", "a presentation was accepted twice")
    return found


def _line(value: Json) -> tuple[bytes, int]:
    read = Members(value, "presentation")
    line = from_hex(read.text("mark"), _MARK_SIZE), read.integer("accepted")
    read.done()
    return line
