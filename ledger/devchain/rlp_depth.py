"""Bound the nesting of lists in RLP before decoding.

The decoder copies the rest at every level: 90,000 levels in 400 kB took it 14 GB.
"""

from typing import Final

#: A transaction's access list contains pairs, whose second member is a list of slots.
TRANSACTION_DEPTH: Final = 4
#: A block contains a list of legacy transactions; typed ones are bytes in it.
BLOCK_DEPTH: Final = 3


def check_nesting(data: bytes, most: int) -> None:
    """Scan the items of `data` without decoding them.

    Raises:
        ValueError: lists are nested deeper than `most`, the outermost counted.
    """
    ends: list[int] = []
    at = 0
    while at < len(data):
        while ends and at >= ends[-1]:
            ends.pop()
        start, size = _payload(data, at)
        if data[at] < 0xC0:
            at = start + size
            continue
        ends.append(start + size)
        if len(ends) > most:
            raise ValueError(f"lists are nested more than {most} deep")
        at = start


def _payload(data: bytes, at: int) -> tuple[int, int]:
    """Return where the payload of the item at `at` begins, and its length (yellow paper, B)."""
    first = data[at]
    if first < 0x80:
        return at, 1
    base = 0x80 if first < 0xC0 else 0xC0
    if first - base < 56:
        return at + 1, first - base
    width = first - base - 55
    return at + 1 + width, int.from_bytes(data[at + 1 : at + 1 + width], "big")
