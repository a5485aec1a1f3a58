"""On whom a trusted block rests: the texts of the member `basis` (SPEC section 18.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable

OWN_NODE = "your own node alone"
"""No witness vouches for the block, only a node that the verifier chose to rest on."""
OPERATOR_NODE = "the operator's node alone"
"""The service that answers vouches for the block itself: too few witnesses have by now."""

_WITNESSES = re.compile(r"(\d+) of (\d+) witnesses: (.*)", re.DOTALL)
_CHINESE = {OWN_NODE: "仅凭您自己的节点", OPERATOR_NODE: "仅凭运营方的节点"}


def by_witnesses(operators: Iterable[str], total: int) -> str:
    """Return the basis of a block that these operators cosigned, of `total` in service there."""
    names = sorted(operators)
    return f"{len(names)} of {total} witnesses: {', '.join(names)}"


def in_chinese(basis: str) -> str:
    """Return a basis in Chinese, as it is where it is none of ours."""
    if found := _WITNESSES.fullmatch(basis):
        return f"{found[2]} 家见证机构中的 {found[1]} 家：{found[3].replace(', ', '、')}"
    return _CHINESE.get(basis, basis)
