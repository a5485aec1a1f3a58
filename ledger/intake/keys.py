"""Keys that are added or ended: what the contract would refuse of them."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.intake.refusals import KeysWrong, SignerUnknown
from verifier.state import MOST_KEYS, Key

ALL_PURPOSES = 15


def check_added(held: Sequence[Key], added: Sequence[bytes], signers: Sequence[bytes]) -> None:
    """Check keys given (`address ‖ purposes`), each of which must have signed, in order.

    Raises:
        KeysWrong: none or more than 16 in all, an address twice or zero, or an unknown purpose.
        SignerUnknown: a key that did not sign.
    """
    if not 1 <= len(held) + len(added) <= MOST_KEYS:
        raise KeysWrong(f"a body has 1 to {MOST_KEYS} keys, not {len(held) + len(added)}")
    addresses = {key.address for key in held}
    for key, signer in zip(added, signers, strict=True):
        address, purposes = key[:20], key[20]
        if not any(address) or address in addresses:
            raise KeysWrong(f"0x{address.hex()} is zero or stands twice")
        if not 0 < purposes <= ALL_PURPOSES:
            raise KeysWrong(f"{purposes} is no set of purposes")
        if signer != address:
            raise SignerUnknown(f"0x{address.hex()} has not signed its own adding")
        addresses.add(address)


def check_ends(held: Sequence[Key], ends: Sequence[bytes], *, raising: bool) -> None:
    """Check ends given (`u8(index) ‖ u40(block)`); only with `raising` may an end move up.

    Raises:
        KeysWrong: indexes out of range or order, or an end that is not lower.
    """
    before = -1
    for end in ends:
        index, block = end[0], int.from_bytes(end[1:], "big")
        if not before < index < len(held):
            raise KeysWrong(f"key {index} is out of order, or not one of {len(held)}")
        if not raising and block >= held[index].end:
            raise KeysWrong(f"key {index} ends at {held[index].end}, not later")
        before = index
