"""Progress of long work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """Passes items on, and may show how many have passed."""

    def __call__(self, items: Iterable[T], label: str, total: int) -> Iterable[T]:
        """Return `items` unchanged; `label` says what is done with each of `total`."""


def unwatched(items: Iterable[T], label: str, total: int) -> Iterable[T]:
    """Return `items` without showing progress."""
    return items
