"""Updates of a counter's snapshot: by delta if there is one, and never to an older block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Protocol
from urllib.error import HTTPError
from urllib.request import Request

from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
from certledger.verifier.formats.snapshot import MAX_SNAPSHOT_BYTES, Snapshot, SnapshotUnprovedError
from certledger.verifier.formats.snapshot_delta import apply_delta
from certledger.verifier.http_client import AnswerTooLongError, fetch

TIMEOUT = 60.0
"""Seconds of one whole exchange."""


class SnapshotUnreachableError(CertledgerError):
    """The publisher of snapshots does not respond."""

    code = "snapshot.unreachable"


class SnapshotSource(Protocol):
    """A publisher of snapshots."""

    def newest(self) -> bytes:
        """Return the file of the newest snapshot.  Raises SnapshotUnreachableError."""

    def delta(self, digest: str) -> bytes | None:
        """Return the delta from the snapshot with this digest (hex) to the newest, or None."""


@dataclass(frozen=True, slots=True)
class SnapshotService:
    """The API of a ledger at an http(s) address; `token` is an optional API key.

    `timeout` is in seconds.
    """

    url: str
    token: str | None = None
    timeout: float = TIMEOUT

    def newest(self) -> bytes:
        """Return the file of the newest snapshot."""
        data = self._get("/v1/snapshots/latest")
        if data is None:
            raise SnapshotUnreachableError("no snapshot is published there")
        return data

    def delta(self, digest: str) -> bytes | None:
        """Return the delta from a snapshot to the newest."""
        return self._get(f"/v1/snapshots/{digest}/delta")

    def _get(self, path: str) -> bytes | None:
        if not self.url.startswith(("http://", "https://")):
            raise SnapshotUnreachableError("an address starts with http:// or https://")
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        try:
            asked = Request(self.url.rstrip("/") + path, headers=headers)
            return fetch(asked, seconds=self.timeout, longest=MAX_SNAPSHOT_BYTES)
        except HTTPError as error:
            if error.code in (404, 410):
                return None
            raise SnapshotUnreachableError(f"{path} answers HTTP status {error.code}") from error
        except AnswerTooLongError as error:
            raise SnapshotUnreachableError(f"{path} has over {MAX_SNAPSHOT_BYTES} bytes") from error
        except (OSError, HTTPException, ValueError) as error:
            raise SnapshotUnreachableError(f"{path} cannot be fetched") from error


@dataclass(frozen=True, slots=True)
class Whole:
    """Source of whole snapshots without deltas, such as a home on this machine."""

    make: Callable[[], bytes]

    def newest(self) -> bytes:
        """Return the file of the newest snapshot."""
        return self.make()

    def delta(self, digest: str) -> bytes | None:
        """Return None."""
        return None


def pin_of(policy: TrustPolicy, snapshot: Snapshot) -> LedgerPin:
    """Return the policy's ledger of a snapshot.

    Raises:
        SnapshotUnprovedError: the policy does not have it.
    """
    ledger = policy.for_ledger(snapshot.note.checkpoint.identity)
    if ledger is None:
        raise SnapshotUnprovedError("the policy does not know this ledger")
    return ledger


def refresh(source: SnapshotSource, policy: TrustPolicy, current: Snapshot | None) -> Snapshot:
    """Fetch and prove the newest snapshot of `source`; `current` is a proved one, or None.

    Raises:
        SnapshotUnreachableError: the source does not respond.
        MalformedError: not a snapshot; `snapshot.older`, one older than `current`.
        SnapshotUnprovedError: not the contract's state, or of another ledger than `current`.
    """
    if current is not None and (delta := source.delta(current.digest().hex())) is not None:
        return apply_delta(current, delta, pin_of(policy, current))
    found = Snapshot.parse(source.newest())
    found.check(pin_of(policy, found))
    if current is not None:
        old, new = current.note.checkpoint, found.note.checkpoint
        if new.identity != old.identity:
            raise SnapshotUnprovedError("the snapshot is of another ledger than the one at hand")
        if new.number < old.number:
            raise MalformedError("snapshot.older", f"block {new.number} is before the current one")
    return found
