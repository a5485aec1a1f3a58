"""Text that was read in a wrong encoding, and characters that GBK had no standard place for."""

from __future__ import annotations

import re

_LATIN = re.compile("[\u0080-\u00ff]")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")
_KNOWN = ("锟斤拷", "烫烫", "屯屯", "锘縞", "锘")
"""What is left of text that went through a wrong encoding more than once."""
_PRIVATE = {
    0xE816: "\U00020087", 0xE817: "\U00020089", 0xE818: "\U000200cc", 0xE81E: "\u9fb4",
    0xE826: "\u9fb5", 0xE82B: "\u9fb6", 0xE82C: "\u9fb7", 0xE831: "\U000215d7", 0xE832: "\u9fb8",
    0xE83B: "\U0002298f", 0xE843: "\u9fb9", 0xE854: "\u9fba", 0xE855: "\U000241fe",
    0xE864: "\u9fbb", 0xE7C7: "\u1e3f", 0xE7C8: "\u01f9",
    **{0xE78D + place: chr(code) for place, code in enumerate(
        (0xFE10, 0xFE12, 0xFE11, 0xFE13, 0xFE14, 0xFE15, 0xFE16, 0xFE17, 0xFE18, 0xFE19)
    )},
}  # fmt: skip
"""Private-use characters of GB 18030-2000 and the standard ones of GB 18030-2005 and 2022."""
_FIRST_OF_ROW, _LAST_OF_ROW = 0xE815, 0xE864
"""Private-use characters that GBK tables gave the bytes FE50 to FEA0, in their order."""


def standard_character(private: str) -> str | None:
    """Return the standard character for a private-use one that GBK is known to have meant."""
    code = ord(private)
    if code in _PRIVATE:
        return _PRIVATE[code]
    if not _FIRST_OF_ROW <= code <= _LAST_OF_ROW:
        return None
    trail = 0x50 + code - _FIRST_OF_ROW
    found = bytes([0xFE, trail + (trail >= 0x7F)]).decode("gb18030")
    return None if "\ue000" <= found <= "\uf8ff" else found


def repair(text: str) -> str | None:
    """Return what mis-decoded text should read, None where it seems to be right."""
    if text.isascii():
        return None
    if _LATIN.search(text) and not _HAN.search(text):
        return _repair_latin(text)
    if _HAN.search(text):
        if any(known in text for known in _KNOWN):
            return "?"
        return _repair_gbk(text)
    return None


def _repair_latin(text: str) -> str | None:
    """Repair GBK or UTF-8 that was read as Latin-1 or Windows-1252."""
    for wrong in ("cp1252", "latin-1"):
        data = _encode_mixed(text, wrong)
        if data is None:
            continue
        for right in ("utf-8", "gb18030", "big5"):
            found = _decode(data, right)
            if found is not None and _is_plausible(found, text):
                return found
    return None


def _encode_mixed(text: str, encoding: str) -> bytes | None:
    """Encode; the five bytes that Windows-1252 lacks are control characters."""
    try:
        return b"".join(
            one.encode("latin-1") if "\x80" <= one <= "\x9f" else one.encode(encoding)
            for one in text
        )
    except UnicodeEncodeError:
        return None


def _repair_gbk(text: str) -> str | None:
    """Repair UTF-8 that was read as GBK; the bytes of the last character may have been lost."""
    first = _NOT_ASCII.search(text)
    if first is None or not _begins_utf8(first[0]):
        return None  # Most texts: what is below takes five times as long to say so.
    try:
        data = text.rstrip("?\ufffd").encode("gb18030")
        found = data.decode("utf-8")
    except UnicodeEncodeError:
        return None
    except UnicodeDecodeError as error:
        if error.start < len(data) - 3 or not error.start:
            return None
        found = data[: error.start].decode("utf-8")
    return found if _is_plausible(found, text) else None


def _begins_utf8(character: str) -> bool:
    """Whether the bytes of a character in GBK may begin a character of two bytes or more."""
    data = character.encode("gb18030", "replace")
    return 0xC2 <= data[0] <= 0xF4 and 0x80 <= data[1] <= 0xBF if len(data) > 1 else False


def _decode(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_plausible(found: str, text: str) -> bool:
    """Whether the repaired text is Chinese throughout, with as many Han as it must have."""
    other = [one for one in found if not one.isascii()]
    han = sum(1 for one in other if _HAN.match(one) or "\u3000" <= one <= "\u303f")
    wide = sum(1 for one in other if "\uff00" <= one <= "\uffef" or "\u2010" <= one <= "\u203b")
    high = sum(1 for one in text if not one.isascii())
    chinese = han > 0 and han + wide == len(other) and han >= wide
    # A pair of GBK has one high byte at least; names with accents have one high byte a pair.
    return chinese and len(found) < len(text) and (high >= 1.5 * han or bool(_HAN.search(text)))
