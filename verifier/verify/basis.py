"""Texts of the result's member `basis`: who vouches for the block (SPEC section 18.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable

OWN_NODE = "your own node alone"
"""Only a node that the verifier chose vouches for the block."""
OPERATOR_NODE = "the operator's node alone"
"""Only the service itself vouches for the block: too few witnesses have cosigned it."""

FINAL_CHECKPOINT = "the trust policy: the ledger's final checkpoint"
"""The ledger was retired, and the signers of the policy vouch for its last block."""

_WITNESSES = re.compile(r"(\d+) of (\d+) witnesses: (.*)", re.DOTALL)
_CHINESE = {
    OWN_NODE: "仅凭您自己的节点",
    OPERATOR_NODE: "仅凭运营方的节点",
    FINAL_CHECKPOINT: "信任策略：账本的最终检查点",
}


def by_witnesses(operators: Iterable[str], total: int) -> str:
    """Return the basis for a block cosigned by these operators, of `total` in service."""
    names = sorted(operators)
    return f"{len(names)} of {total} witnesses: {', '.join(names)}"


def in_chinese(basis: str) -> str:
    """Translate a basis; unknown texts are returned unchanged."""
    if found := _WITNESSES.fullmatch(basis):
        return f"{found[2]} 家见证机构中的 {found[1]} 家：{found[3].replace(', ', '、')}"
    return _CHINESE.get(basis, basis)
