"""How much the tests try: a little in `make test`, all of it in `make test-long`."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

LONG = os.environ.get("CERTLEDGER_TESTS") == "long"


def effort(short: T, long: T) -> T:
    """Return what the length of this run asks for."""
    return long if LONG else short
