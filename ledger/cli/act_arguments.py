"""Values of acts on the command line: keys with purposes, ends of keys, standings.

Unless it says otherwise, a function raises `click.UsageError` where a text is none of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from certledger.ledger.cli.console import address_of_text

if TYPE_CHECKING:
    from certledger.verifier.vocabulary import Purpose, Standing

STANDINGS = ["active", "suspended", "closed", "struck"]
_PURPOSES = ["batches", "status", "catalog", "keys"]


def parse_added_key(text: str) -> tuple[bytes, Purpose]:
    """Parse `0x…:batches,status`: a key's address, and the purposes that it is given."""
    from certledger.verifier.vocabulary import Purpose

    address, _, names = text.partition(":")
    purposes = Purpose(0)
    for name in names.split(","):
        if name not in _PURPOSES:
            raise click.UsageError(f"{name!r} is none of {', '.join(_PURPOSES)}")
        purposes |= Purpose[name.upper()]
    return address_of_text(address), purposes


def parse_ends(texts: Sequence[str]) -> dict[int, int]:
    """Parse `0:123456`: a key's index, and the block from which it signs nothing."""
    found = {}
    for text in texts:
        match = re.fullmatch("([0-9]{1,2}):([0-9]{1,13})", text)
        if not match:
            raise click.UsageError(f"{text!r} is no end like 0:123456")
        found[int(match[1])] = int(match[2])
    return found


def parse_standing(text: str) -> tuple[str, Standing]:
    """Parse `CODE:active`: an issuer, and the standing that it is given."""
    from certledger.verifier.vocabulary import Standing

    code, _, name = text.partition(":")
    if name not in STANDINGS:
        raise click.UsageError(f"{name!r} is none of {', '.join(STANDINGS)}")
    return code, Standing(name)


def parse_ends_by_code(texts: Sequence[str]) -> dict[str, dict[int, int]]:
    """Parse `CODE:0:123456`: for each issuer its keys that end, as `parse_ends` has them."""
    found: dict[str, dict[int, int]] = {}
    for text in texts:
        code, _, end = text.partition(":")
        found.setdefault(code, {}).update(parse_ends([end]))
    return found


def parse_ledger(text: str) -> bytes:
    """Return a ledger's identity, with or without 0x before it.

    Raises:
        MalformedError: not 64 hexadecimal digits.
    """
    from certledger.verifier.formats.canonical_json import from_hex

    return from_hex(text.removeprefix("0x").lower(), 32)
