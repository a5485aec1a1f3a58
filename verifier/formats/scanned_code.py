"""Clean-up of a code's text: undoes what scanners, mail programs and editors add."""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE

from certledger.verifier.formats.compact_evidence import (
    MAX_COMPACT_CHARACTERS as MAX_CODE_CHARACTERS,
)
from certledger.verifier.formats.compact_evidence import PREFIX

MAX_SCANNED_BYTES = 4 * MAX_CODE_CHARACTERS
"""A code in UTF-16, with some additions of scanners and mail programs."""
_ADDED = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\xad\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff]+"
)
"""Control characters, line breaks and invisible ones; spaces stay, they are base45 digits."""
_AIM = re.compile(r"^\][A-Za-z][0-9A-Za-z]")
"""Symbology identifier (ISO/IEC 15424) that many scanners prepend."""


def scanned_text(text: str) -> str:
    """Return a code as printed: one line, upper case, without a scanner's prefix.

    Text that is no code is returned unchanged.  Spaces at both ends are dropped: no base45 group
    ends with one, since its value would be out of range.
    """
    plain = _AIM.sub("", _ADDED.sub("", text).strip())
    return plain.upper() if plain[: len(PREFIX)].upper() == PREFIX else text


def scanned_bytes(data: bytes) -> str | None:
    """Return the code in a file's bytes, or None."""
    if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        text = data.decode("utf-16", "replace")
    else:
        text = data.removeprefix(BOM_UTF8).decode("utf-8", "replace")
    found = scanned_text(text)
    return found if found.startswith(PREFIX) else None
