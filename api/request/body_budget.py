"""Memory and disk budgets of request bodies: in total, for the public, and per caller."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.types import Scope

from certledger.api.errors import ServiceBusyError

MEGABYTE = 2**20
STEP_BYTES = 2**16
"""Bytes by which a body's share grows during reception; expected bytes are not reserved."""


@dataclass(kw_only=True)
class MemoryBudget:
    """Limits of bytes in use at once.

    Attributes:
        total: in total.
        public: of all callers without a key, so that the others always find room.
        caller: of one party, or one address of the public.
    """

    total: int
    public: int
    caller: int
    _reserved: dict[tuple[str, bool], int] = field(default_factory=dict)

    def share(self, who: str, *, public: bool) -> Share:
        """Return an empty share of `who`."""
        return Share(budget=self, key=(who, public))

    def take(self, key: tuple[str, bool], count: int) -> None:
        """Reserve `count` more bytes.

        Raises:
            ServiceBusyError: a limit is exceeded.
        """
        own = self._reserved.get(key, 0) + count
        together = sum(self._reserved.values()) + count
        public = (
            sum(current for (_, is_public), current in self._reserved.items() if is_public) + count
        )
        if own > self.caller or together > self.total or (key[1] and public > self.public):
            raise ServiceBusyError("too many bytes of requests in progress")
        self._reserved[key] = own

    def give_back(self, key: tuple[str, bool], count: int) -> None:
        """Release `count` bytes."""
        left = self._reserved.pop(key, 0) - count
        if left > 0:
            self._reserved[key] = left

    @property
    def reserved(self) -> int:
        """Bytes reserved at present."""
        return sum(self._reserved.values())


@dataclass(kw_only=True)
class Share:
    """Reservation of one request; bodies up to `STEP_BYTES` reserve nothing."""

    budget: MemoryBudget
    key: tuple[str, bool]
    _size: int = 0
    _taken: int = 0

    def grow(self, count: int) -> None:
        """Count received bytes.

        Raises:
            ServiceBusyError: a limit is exceeded.
        """
        self._size += count
        while self._size - self._taken > STEP_BYTES:
            self.budget.take(self.key, STEP_BYTES)
            self._taken += STEP_BYTES

    @property
    def size(self) -> int:
        """Bytes received and not released."""
        return self._size

    def release(self) -> None:
        """Release all of it."""
        if self._taken:
            self.budget.give_back(self.key, self._taken)
        self._size = self._taken = 0


def hold(scope: Scope, share: Share) -> None:
    """Attach a share to a request; it is released after the response."""
    scope.setdefault("state", {}).setdefault(_SHARES, []).append(share)


def size_of(scope: Scope) -> int:
    """Return the bytes of a request's body in memory."""
    return sum(share.size for share in scope.get("state", {}).get(_SHARES, ()))


def release(scope: Scope) -> None:
    """Release the shares of a request."""
    for share in scope.get("state", {}).pop(_SHARES, ()):
        share.release()


_SHARES = "shares"


def memory_budget() -> MemoryBudget:
    """Return the budget of bodies in memory."""
    return MemoryBudget(total=96 * MEGABYTE, public=32 * MEGABYTE, caller=32 * MEGABYTE)


def spool_budget() -> MemoryBudget:
    """Return the budget of bodies in files."""
    return MemoryBudget(total=1_024 * MEGABYTE, public=0, caller=256 * MEGABYTE)
