"""What a spreadsheet program shows for a number under a format code (ECMA-376, 18.8.31).

Only what is certain is rendered: for anything else the answer is None, and the cell
becomes a fault.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from functools import lru_cache

GENERAL = "General"
MAX_GENERAL_CHARACTERS = 11
"""Characters that General shows before it rounds or turns to powers of ten."""
MAX_EXACT_DIGITS = 15
"""Digits that a spreadsheet program keeps of a number."""
MAX_FORMAT_CHARACTERS = 255
MAX_SECTIONS = 4
"""Sections of a format: positive, negative, zero, text."""
MIN_SERIAL, MAX_SERIAL = 61, 2_958_466
"""Serial numbers of days from 1900-03-01 (before it two systems differ) to 9999-12-31."""
_FIRST_DAY, _FIRST_DAY_1904 = date(1899, 12, 30), date(1904, 1, 1)

BUILT_IN: Mapping[int, str] = {
    0: GENERAL, 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00",
    12: "# ?/?", 13: "# ??/??", 14: "yyyy/m/d", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy",
    18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy/m/d h:mm",
    27: 'yyyy"年"m"月"', 28: 'm"月"d"日"', 29: 'm"月"d"日"', 30: "m-d-yy",
    31: 'yyyy"年"m"月"d"日"', 32: 'h"时"mm"分"', 33: 'h"时"mm"分"ss"秒"', 34: "h:mm AM/PM",
    35: "h:mm:ss AM/PM", 36: 'yyyy"年"m"月"', 37: "#,##0;-#,##0", 38: "#,##0;-#,##0",
    39: "#,##0.00;-#,##0.00", 40: "#,##0.00;-#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss",
    47: "mm:ss.0", 48: "##0.0E+0", 49: "@", 50: 'yyyy"年"m"月"', 51: 'm"月"d"日"',
    52: 'yyyy"年"m"月"', 53: 'm"月"d"日"', 54: 'm"月"d"日"', 55: "h:mm AM/PM",
    56: "h:mm:ss AM/PM", 57: 'yyyy"年"m"月"', 58: 'm"月"d"日"',
}  # fmt: skip
"""The formats that files name by number alone, as programs show them in Chinese."""

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|_(?P<padding>.)|\*(?P<fill>.)|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<general>General)|(?P<ampm>AM/PM|A/P|上午/下午)|(?P<exponent>E[+-])|(?P<date>y+|m+|d+|h+|s+|b+|g+|e+|a{3,4})"
    r"|(?P<digits>[0#?]+)|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_STORED = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[Ee][+-]?[0-9]{1,4})?")
_COLOURS = re.compile(
    r"(black|blue|cyan|green|magenta|red|white|yellow|color ?\d+|黑色?|红色?|蓝色?|绿色?)",
    re.IGNORECASE,
)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEKDAYS_ZH = "一二三四五六日"
_CHINESE_LOCALES = frozenset({"", "804", "0804", "zh-CN", "1004", "zh-SG"})
"""Locales in which `e` is the year: in others it counts from an era."""
_SYSTEM_DATES = frozenset({"F800", "x-sysdate", "F400", "x-systime"})
_LOCALE = re.compile(r"[0-9A-Fa-f]{1,4}|[a-z]{2,3}(?:-[A-Za-z]{2,4})*")
"""A locale without a calendar or numerals of its own, which have more digits."""
_LITERALS_OF_DAYS = re.compile(r"[-/.,:\s年月日号时分秒T()（）]*")
HALF_A_SECOND = Decimal("0.5") / 86_400


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


@lru_cache(maxsize=4096)
def _sections(code: str) -> tuple[tuple[_Token, ...], ...]:
    sections: list[list[_Token]] = [[]]
    for found in _TOKEN.finditer(code[:MAX_FORMAT_CHARACTERS]):
        kind = found.lastgroup or "other"
        text = found[kind]
        if kind == "other" and text == ";":
            sections.append([])
        else:
            sections[-1].append(_Token(kind, text))
    return tuple(map(tuple, sections))


@lru_cache(maxsize=4096)
def date_parts(code: str) -> frozenset[str]:
    """Return which of `y`, `m`, `d` a format shows, `w` for a day of the week, `t` for a time.

    Empty for a number's format.
    """
    kinds = set()
    tokens = _sections(code)[0]
    numeric = [at for at, token in enumerate(tokens) if token.kind in ("digits", "general")]
    if numeric and not _are_fractions_of_seconds(tokens, numeric):
        return frozenset()
    for place, token in enumerate(tokens):
        letter = token.text[:1].lower()
        if token.kind == "date":
            kinds.add(_date_part(letter, tokens, place))
        elif token.kind == "bracket" and re.fullmatch("h+|m+|s+", token.text, re.IGNORECASE):
            kinds.add("t")
    return frozenset(kinds)


def _are_fractions_of_seconds(tokens: tuple[_Token, ...], places: list[int]) -> bool:
    """Whether the digits of a format are those behind seconds, as in mm:ss.0."""
    before = [token.text.lower() for token in tokens[: places[0]]]
    return len(places) == 1 and len(before) >= 2 and before[-1] == "." and before[-2][0] == "s"


def _date_part(letter: str, tokens: tuple[_Token, ...], place: int) -> str:
    if letter in "hs":
        return "t"
    if letter in "beg":
        return "y"
    if letter == "a" or (letter == "d" and len(tokens[place].text) > 2):
        return "w"
    if letter == "m" and len(tokens[place].text) <= 2 and _is_minute(tokens, place):
        return "t"
    return letter


def _is_minute(tokens: tuple[_Token, ...], place: int) -> bool:
    """Whether m means minutes: it follows hours, or seconds follow it."""
    letters = [
        (token.text[:1].lower(), at) for at, token in enumerate(tokens) if token.kind == "date"
    ]
    at = next(number for number, (_, where) in enumerate(letters) if where == place)
    before = letters[at - 1][0] if at else ""
    after = letters[at + 1][0] if at + 1 < len(letters) else ""
    return before == "h" or after == "s"


def exact(stored: str) -> Decimal | None:
    """Return a stored number with the 15 digits that a spreadsheet program keeps, None if none."""
    if not _STORED.fullmatch(stored):
        return None
    value = float(stored)
    if value in (float("inf"), float("-inf")):
        return None
    return Decimal(format(value, f".{MAX_EXACT_DIGITS}g"))


def plain(value: Decimal) -> str:
    """Return a number in full: no powers of ten, no zeros at the end of decimals."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment(value: Decimal, *, since_1904: bool) -> datetime | None:
    """Return the instant of a serial number, None where it is none, or before March 1900."""
    if since_1904:
        value += (_FIRST_DAY_1904 - _FIRST_DAY).days
    if not MIN_SERIAL <= value < MAX_SERIAL:
        return None
    days = int(value)
    seconds = int(((value - days) * 86_400).to_integral_value(ROUND_HALF_UP))
    seconds = min(seconds, 86_399)  # A time before midnight is no time of the next day.
    return datetime.combine(_FIRST_DAY, datetime.min.time()) + timedelta(days=days, seconds=seconds)


def is_before_midnight(stored: str) -> bool:
    """Whether a serial number is less than half a second before the next day.

    Programs differ in which of both days they show.
    """
    if exact(stored) is None:
        return False
    value = Decimal(float(stored))
    return 0 < value.to_integral_value(ROUND_CEILING) - value < HALF_A_SECOND


def shown_number(value: Decimal, code: str) -> str | None:
    """Return what is shown for a number, None where that is uncertain."""
    if code in (GENERAL, "@", ""):
        return _general(value)
    sections = _sections(code)
    if len(sections) > MAX_SECTIONS or any(map(_is_conditional, sections)):
        return None
    chosen, signed = _choose(value, len(sections))
    return _render(abs(value), sections[chosen], "-" if signed else "")


def _is_conditional(section: tuple[_Token, ...]) -> bool:
    return any(token.kind == "bracket" and token.text[:1] in tuple("<>=") for token in section)


@lru_cache(maxsize=4096)
def changes_text(code: str) -> bool:
    """Whether a format may show a text otherwise than it is stored."""
    return code not in (GENERAL, "@", "") and _section_of_text(code) is not None


def _section_of_text(code: str) -> tuple[_Token, ...] | None:
    """Return the section for texts: the fourth, else the last where it has an @."""
    sections = _sections(code)
    if len(sections) >= MAX_SECTIONS:
        return sections[MAX_SECTIONS - 1]
    has_mark = any(token.kind == "other" and token.text == "@" for token in sections[-1])
    return sections[-1] if has_mark else None


def shown_text(text: str, code: str) -> str | None:
    """Return what is shown for a text, None where that is uncertain or nothing is."""
    section = _section_of_text(code)
    if section is None:
        return text
    parts: list[str] = []
    for token in section:
        part = text if token.kind == "other" and token.text == "@" else _literal(token)
        if part is None:
            return None
        parts.append(part)
    return "".join(parts).strip() or None


def _choose(value: Decimal, count: int) -> tuple[int, bool]:
    """Return which section shows a number, and whether a minus sign is set before it."""
    if value < 0:
        return (1, False) if count >= 2 else (0, True)
    return (2, False) if value == 0 and count >= 3 else (0, False)


def _general(value: Decimal) -> str:
    text = plain(value)
    if len(text.lstrip("-").replace(".", "", 1)) <= MAX_GENERAL_CHARACTERS - ("." in text):
        return text
    size = value.adjusted()
    if -5 < size < MAX_GENERAL_CHARACTERS:
        left = max(0, MAX_GENERAL_CHARACTERS - 1 - max(size + 1, 1))
        return plain(round_half_up(value, left))
    return format(value, ".5E").replace("E", "E") if value else "0"


def round_half_up(value: Decimal, places: int) -> Decimal:
    """Return a number rounded as spreadsheet programs do."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _render(value: Decimal, tokens: tuple[_Token, ...], sign: str) -> str | None:
    """Return a number under one section: literals, and one group of digits, or several of zeros."""
    marks = {token.text for token in tokens if token.kind == "other"}
    if sum(token.kind == "digits" for token in tokens) > 1 and not marks & {".", ","}:
        return _render_split(value, tokens, sign)
    before: list[str] = []
    group: list[_Token] = []
    after: list[str] = []
    percents = 0
    for token in tokens:
        if token.kind in ("date", "exponent", "ampm", "fill"):
            return None
        if token.kind == "general":
            group.append(token)
        elif token.kind == "digits" or (token.kind == "other" and token.text in ".," and group):
            if after:
                return None
            group.append(token)
        elif (text := _literal(token)) is None:
            return None
        else:
            percents += token.kind == "other" and text == "%"
            (after if group else before).append(text)
    if not group:
        return None
    digits = _digits(value * 100**percents, group)
    return None if digits is None else (sign + "".join(before) + digits + "".join(after)).strip()


def _render_split(value: Decimal, tokens: tuple[_Token, ...], sign: str) -> str | None:
    """Return a number whose digits stand between literals, as in `0000-00-00`."""
    left = format(round_half_up(value, 0), "f")
    parts: list[str] = []
    first = next(at for at, token in enumerate(tokens) if token.kind == "digits")
    for at in range(len(tokens) - 1, -1, -1):
        token = tokens[at]
        text = None if token.text == "%" else _literal(token)
        if token.kind == "digits" and not token.text.strip("0"):
            cut = 0 if at == first else max(len(left) - len(token.text), 0)
            text = left[cut:].rjust(len(token.text), "0")
            left = left[:cut]
        if text is None:
            return None
        parts.append(text)
    return (sign + "".join(reversed(parts))).strip()


def _literal(token: _Token) -> str | None:
    if token.kind in ("quoted", "escaped"):
        return token.text
    if token.kind == "padding":
        return " "
    if token.kind == "bracket":
        if token.text.startswith("$"):
            return token.text[1:].partition("-")[0]
        return "" if _COLOURS.fullmatch(token.text) else None
    return token.text if token.kind == "other" and token.text not in "@/" else None


def _digits(value: Decimal, group: list[_Token]) -> str | None:
    """Return the digits of a number under a pattern like `#,##0.00`."""
    if any(token.kind == "general" for token in group):
        return _general(value) if len(group) == 1 else None
    pattern = "".join(token.text for token in group)
    if "?" in pattern or pattern.count(".") > 1:
        return None
    whole, point, decimals = pattern.partition(".")
    scale = len(whole) - len(whole.rstrip(","))
    if "," in decimals or scale:
        return None
    grouped = "," in whole
    whole = whole.replace(",", "")
    text = format(round_half_up(value, len(decimals)), "f")
    left, _, right = text.partition(".")
    left = left.lstrip("0").rjust(whole.count("0"), "0")
    while right and len(right) > decimals.rfind("0") + 1 and right.endswith("0"):
        right = right[:-1]
    if grouped:
        left = re.sub(r"(?<=\d)(?=(?:\d{3})+$)", ",", left)
    return left + point + right


def shown_moment(instant: datetime, code: str) -> str | None:
    """Return what is shown for a day or time, None where that is uncertain."""
    sections = _sections(code)
    if any(map(_is_conditional, sections)):
        return None
    tokens = sections[0]
    twelve = any(token.kind == "ampm" for token in tokens)
    parts: list[str] = []
    for place, token in enumerate(tokens):
        if token.kind == "date":
            text = _date_text(instant, tokens, place, twelve)
        elif token.kind == "ampm":
            text = "AM" if instant.hour < 12 else "PM"
        elif token.kind == "digits":  # Fractions of a second.
            text = "0" * len(token.text)
        else:
            text = _literal_of_day(token)
        if text is None:
            return None
        parts.append(text)
    return "".join(parts).strip()


def _literal_of_day(token: _Token) -> str | None:
    """Return what a token between the parts of a day shows, None where that is uncertain."""
    if token.kind == "other" and token.text in "/@.":
        return "" if token.text == "@" else token.text
    if token.kind != "bracket" or _COLOURS.fullmatch(token.text):
        return _literal(token)
    if token.text.startswith("$"):
        text, _, locale = token.text[1:].partition("-")
        known = not locale or locale in _SYSTEM_DATES or _LOCALE.fullmatch(locale)
        return text if known else None
    return "" if re.fullmatch("DBNum[1-4]", token.text, re.IGNORECASE) else None


def names_each_part_once(code: str) -> bool:
    """Whether a format shows year, month and day once each, and nothing that looks like digits."""
    tokens = _sections(code)[0]
    parts: list[str] = []
    for place, token in enumerate(tokens):
        if token.kind == "date":
            parts.append(_date_part(token.text[:1].lower(), tokens, place))
        elif token.kind in ("ampm", "digits"):
            continue
        elif not _LITERALS_OF_DAYS.fullmatch(_literal_of_day(token) or ""):
            return False
        else:
            parts.append(" ")
    together = "".join(parts)
    counted = sorted(part for part in parts if part in "ymd")
    return counted == ["d", "m", "y"] and not re.search("[ymd]{2}", together)


def _locale(tokens: tuple[_Token, ...]) -> str:
    found = (one.text for one in tokens if one.kind == "bracket" and one.text.startswith("$"))
    return next((text.partition("-")[2] for text in found), "")


def _date_text(
    instant: datetime, tokens: tuple[_Token, ...], place: int, twelve: bool
) -> str | None:
    text = tokens[place].text.lower()
    size = min(len(text), 4)
    if text[0] == "y":
        return f"{instant.year % 100:02d}" if len(text) <= 2 else f"{instant.year:04d}"
    if text[0] == "e":
        return str(instant.year) if _locale(tokens) in _CHINESE_LOCALES else None
    if text[0] == "m":
        if len(text) <= 2 and _is_minute(tokens, place):
            return f"{instant.minute:0{size}d}"
        return _month_text(instant.month, text)
    if text[0] in "da" and len(text) > 2:
        return _weekday_text(instant.weekday(), text)
    if text[0] == "d":
        return f"{instant.day:0{size}d}"
    if text[0] == "h":
        return f"{(instant.hour % 12 or 12) if twelve else instant.hour:0{min(size, 2)}d}"
    return f"{instant.second:0{min(size, 2)}d}" if text[0] == "s" else None


def _month_text(month: int, pattern: str) -> str | None:
    if len(pattern) <= 2:
        return f"{month:0{len(pattern)}d}"
    name = _MONTHS[month - 1]
    return {3: name[:3], 4: name}.get(len(pattern))


def _weekday_text(day: int, pattern: str) -> str | None:
    if pattern[0] == "a":
        return ("周" if len(pattern) == 3 else "星期") + _WEEKDAYS_ZH[day]
    return {3: _WEEKDAYS[day][:3], 4: _WEEKDAYS[day]}.get(len(pattern))
