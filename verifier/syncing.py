"""Keeping a counter's snapshot new: by a delta where there is one, and never backwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Protocol
from urllib.error import HTTPError
from urllib.request import Request

from certledger.verifier.delta import apply_delta
from certledger.verifier.errors import Malformed, Refused
from certledger.verifier.http_client import AnswerTooLong, fetch
from certledger.verifier.policy import LedgerPin, TrustPolicy
from certledger.verifier.snapshot import LONGEST, Snapshot, SnapshotUnproved

TIMEOUT = 60.0
"""Seconds of one question with its whole answer."""


class SnapshotUnreachable(Refused):
    """Whoever publishes snapshots does not answer."""

    code = "snapshot.unreachable"


class Source(Protocol):
    """Where snapshots are published."""

    def newest(self) -> bytes:
        """Return the file of the newest snapshot.  Raises SnapshotUnreachable."""

    def delta(self, digest: str) -> bytes | None:
        """Return what leads from the snapshot of this digest (hex) to the newest, None for none."""


@dataclass(frozen=True, slots=True)
class Service:
    """The API of a ledger at an http or https address; `token` is one's key there, if one has it.

    `timeout` is in seconds.
    """

    url: str
    token: str | None = None
    timeout: float = TIMEOUT

    def newest(self) -> bytes:
        """Return the file of the newest snapshot."""
        data = self._get("/v1/snapshots/latest")
        if data is None:
            raise SnapshotUnreachable("no snapshot is published there")
        return data

    def delta(self, digest: str) -> bytes | None:
        """Return the delta from a snapshot to the newest."""
        return self._get(f"/v1/snapshots/{digest}/delta")

    def _get(self, path: str) -> bytes | None:
        if not self.url.startswith(("http://", "https://")):
            raise SnapshotUnreachable("an address starts with http:// or https://")
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        try:
            asked = Request(self.url.rstrip("/") + path, headers=headers)
            return fetch(asked, seconds=self.timeout, longest=LONGEST)
        except HTTPError as error:
            if error.code in (404, 410):
                return None
            raise SnapshotUnreachable(f"{path} answers HTTP status {error.code}") from error
        except AnswerTooLong as error:
            raise SnapshotUnreachable(f"{path} has over {LONGEST} bytes") from error
        except (OSError, HTTPException, ValueError) as error:
            raise SnapshotUnreachable(f"{path} cannot be fetched") from error


@dataclass(frozen=True, slots=True)
class Whole:
    """A source that makes whole snapshots and no deltas, as a home on this machine does."""

    make: Callable[[], bytes]

    def newest(self) -> bytes:
        """Return the file of the newest snapshot."""
        return self.make()

    def delta(self, digest: str) -> bytes | None:
        """Return None."""
        return None


def pin_of(policy: TrustPolicy, snapshot: Snapshot) -> LedgerPin:
    """Return the policy's ledger that a snapshot is of.

    Raises:
        SnapshotUnproved: there is none.
    """
    ledger = policy.for_ledger(snapshot.note.checkpoint.identity)
    if ledger is None:
        raise SnapshotUnproved("the policy does not know this ledger")
    return ledger


def refresh(source: Source, policy: TrustPolicy, held: Snapshot | None) -> Snapshot:
    """Return the newest snapshot of `source`, proved; `held` is the proved one at hand.

    Raises:
        SnapshotUnreachable: the source does not answer.
        Malformed: it is no snapshot; `snapshot.older`, where it is older than `held`.
        SnapshotUnproved: it is not what the chain holds, or of another ledger than `held`.
    """
    if held is not None and (delta := source.delta(held.digest().hex())) is not None:
        return apply_delta(held, delta, pin_of(policy, held))
    found = Snapshot.parse(source.newest())
    found.check(pin_of(policy, found))
    if held is not None:
        old, new = held.note.checkpoint, found.note.checkpoint
        if new.identity != old.identity:
            raise SnapshotUnproved("the snapshot is of another ledger than the one at hand")
        if new.number < old.number:
            raise Malformed("snapshot.older", f"block {new.number} is before the one held")
    return found
