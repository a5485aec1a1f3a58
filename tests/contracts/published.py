"""What the published interface says of each act: the errors it can refuse with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from certledger.contracts.loader import load_artifact

INTERFACE = Path(__file__).resolve().parents[2] / "contracts" / "ICertificateLedger.sol"
_ACT = re.compile(
    r"@custom:errors (?P<errors>[\w,\s/]+?)\s*"
    r"(?:/// @custom:reasons (?P<reasons>[\w,\s/]+?)\s*)?function (?P<name>\w+)\("
)


def _names(listed: str | None) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", listed or ""))


@cache
def errors_by_act() -> Mapping[str, frozenset[str]]:
    """Return the errors that each act's function can revert with."""
    return {act["name"]: _names(act["errors"]) for act in _acts()}


@cache
def reasons() -> frozenset[str]:
    """Return the errors that a call may name without reverting with them."""
    return frozenset().union(*(_names(act["reasons"]) for act in _acts()))


def is_published(data: bytes, error: str) -> bool:
    """Whether the interface has `error` among those of the act that calldata `data` call."""
    signatures = {value: name for name, value in load_artifact().selectors.items()}
    act = signatures[data[:4]].partition("(")[0]
    return error in errors_by_act().get(act, frozenset())


def _acts() -> list[re.Match[str]]:
    return list(_ACT.finditer(INTERFACE.read_text(encoding="utf-8")))
