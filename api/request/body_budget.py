"""Bytes of request bodies that are held at once: bounded in all, for the public, and a caller."""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.types import Scope

from certledger.api.errors import ServiceBusyError

MEGABYTE = 2**20
STEP_BYTES = 2**16
"""Bytes by which a body's share grows as it comes: what did not come yet takes nothing."""


@dataclass(kw_only=True)
class MemoryBudget:
    """Bytes that may be held at once.

    Attributes:
        total: in all.
        public: by all callers without a key together, so that the others always find room.
        caller: by one party, or one address of the public.
    """

    total: int
    public: int
    caller: int
    _reserved: dict[tuple[str, bool], int] = field(default_factory=dict)

    def share(self, who: str, *, public: bool) -> Share:
        """Return a share of `who`, with nothing in it yet."""
        return Share(budget=self, key=(who, public))

    def take(self, key: tuple[str, bool], count: int) -> None:
        """Hold `count` bytes more.

        Raises:
            ServiceBusyError: there is no room.
        """
        own = self._reserved.get(key, 0) + count
        together = sum(self._reserved.values()) + count
        public = (
            sum(current for (_, is_public), current in self._reserved.items() if is_public) + count
        )
        if own > self.caller or together > self.total or (key[1] and public > self.public):
            raise ServiceBusyError("this service holds as many bytes of requests as it can")
        self._reserved[key] = own

    def give_back(self, key: tuple[str, bool], count: int) -> None:
        """Hold `count` bytes no more."""
        left = self._reserved.pop(key, 0) - count
        if left > 0:
            self._reserved[key] = left

    @property
    def held(self) -> int:
        """Bytes that are held at present."""
        return sum(self._reserved.values())


@dataclass(kw_only=True)
class Share:
    """What one request holds; small bodies hold nothing."""

    budget: MemoryBudget
    key: tuple[str, bool]
    _size: int = 0
    _taken: int = 0

    def grow(self, count: int) -> None:
        """Count bytes that came.

        Raises:
            ServiceBusyError: there is no room for them.
        """
        self._size += count
        while self._size - self._taken > STEP_BYTES:
            self.budget.take(self.key, STEP_BYTES)
            self._taken += STEP_BYTES

    @property
    def size(self) -> int:
        """Bytes that came and are held."""
        return self._size

    def release(self) -> None:
        """Give back all of it."""
        if self._taken:
            self.budget.give_back(self.key, self._taken)
        self._size = self._taken = 0


def hold(scope: Scope, share: Share) -> None:
    """Let a request hold a share until it is answered."""
    scope.setdefault("state", {}).setdefault(_SHARES, []).append(share)


def size_of(scope: Scope) -> int:
    """Return the bytes of its body that a request holds."""
    return sum(share.size for share in scope.get("state", {}).get(_SHARES, ()))


def release(scope: Scope) -> None:
    """Give back what a request held."""
    for share in scope.get("state", {}).pop(_SHARES, ()):
        share.release()


_SHARES = "shares"


def memory_budget() -> MemoryBudget:
    """Return the budget of bodies that are held in memory."""
    return MemoryBudget(total=96 * MEGABYTE, public=32 * MEGABYTE, caller=32 * MEGABYTE)


def spool_budget() -> MemoryBudget:
    """Return the budget of bodies that lie in files."""
    return MemoryBudget(total=1_024 * MEGABYTE, public=0, caller=256 * MEGABYTE)
