"""Days as people write them in sheets."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, auto
from functools import lru_cache

MIN_SERIAL, MAX_SERIAL = 14_612, 73_050
"""Serial numbers that are taken for days: 1940 to 2099."""
NO_END = frozenset(
    {
        "长期", "长期有效", "长久", "永久", "永久有效", "无", "无期限", "无固定期限", "不限",
        "-", "--", "—", "——", "/", "//", "none", "never", "permanent", "long-term", "longterm",
        "indefinite", "n/a",
    }
)  # fmt: skip
"""What says that a certificate does not expire."""
_FIRST_DAY = date(1899, 12, 30)
_MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_MONTHS = {
    **{name: number for number, name in enumerate(_MONTH_NAMES, 1)},
    **{name[:3]: number for number, name in enumerate(_MONTH_NAMES, 1)},
    "sept": 9,
}
_DASHES = str.maketrans("‐‑‒–—―−﹣", "--------")
_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")
_TIME = (
    r"(?P<time>[T ]*(?:上午|下午|[AaPp][Mm])? ?\d{1,2}[:时]\d{1,2}"
    r"(?:[:分]\d{1,2}(?:\.\d{1,9})?秒?|分)?"
    r" ?(?:[AaPp][Mm])?)?(?P<zone> ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
)
_WEEKDAY = r"(?: ?[(]?(?:星期|周|礼拜)[一二三四五六日天][)]?)?"
_YEAR_FIRST = re.compile(
    r"(?P<year>\d{4}) ?(?P<one>[-/.年]) ?(?P<month>\d{1,2}) ?(?P<two>[-/.月]) ?(?P<day>\d{1,2})"
    r" ?[日号]?" + _WEEKDAY + _TIME
)
_COMPACT = re.compile(r"(?P<year>(?:19|20|21)\d{2})(?P<month>\d{2})(?P<day>\d{2})")
_DAY_NAME = re.compile(
    r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[ -]?(?P<name>[A-Za-z]{3,9})\.?,?[ -]?(?P<year>\d{4})"
)
_NAME_DAY = re.compile(
    r"(?P<name>[A-Za-z]{3,9})\.? ?(?P<day>\d{1,2})(?:st|nd|rd|th)?,? ?(?P<year>\d{4})"
)
_UNCLEAR = re.compile(
    r"\d{1,2} ?[-/.年] ?\d{1,2} ?[-/.月] ?\d{1,4} ?[日号]?(?: .*)?"
    r"|\d{1,2}[- ][A-Za-z]{3,9}[- ]\d{2}"
    r"|\d{1,2}月\d{1,2}[日号]|\d{6}|(?:民国|昭和|平成|令和).*"
)
_PARTIAL = re.compile(r"\d{4} ?年?|\d{4} ?[-/.年] ?\d{1,2} ?月?|(?:19|20)\d{4}")
_SERIAL = re.compile(r"(\d{5})(?:\.\d{1,12})?")
_CHINESE = re.compile(
    r"(?P<year>[〇零一二三四五六七八九]{4})年(?P<month>[一二三四五六七八九十]{1,2})月"
    r"(?P<day>[一二三四五六七八九十]{1,3})[日号]?"
)


class DayForm(Enum):
    """How a text says a day, or why it says none."""

    DAY = auto()
    WITH_TIME = auto()
    WITH_ZONE = auto()
    SERIAL = auto()
    IMPOSSIBLE = auto()
    UNCLEAR = auto()
    PARTIAL = auto()
    NO_DAY = auto()


@dataclass(frozen=True, slots=True)
class ReadDay:
    """A day as it was read; None where the form gives none."""

    form: DayForm
    day: date | None = None


@lru_cache(maxsize=65_536)
def read_day(text: str) -> ReadDay:
    """Return the day that a text says, and in what form."""
    plain = " ".join(unicodedata.normalize("NFKC", text[:100]).translate(_DASHES).split())
    if (found := _YEAR_FIRST.fullmatch(plain)) and _same_marks(found):
        if found["zone"]:
            return ReadDay(DayForm.WITH_ZONE)
        return _built(found["year"], found["month"], found["day"], timed=bool(found["time"]))
    if found := _COMPACT.fullmatch(plain):
        return _built(found["year"], found["month"], found["day"])
    if found := _CHINESE.fullmatch(plain):
        year = found["year"].translate(_DIGITS)
        return _built(year, _chinese_number(found["month"]), _chinese_number(found["day"]))
    if (found := _DAY_NAME.fullmatch(plain) or _NAME_DAY.fullmatch(plain)) and (
        month := _MONTHS.get(found["name"].lower())
    ):
        return _built(found["year"], str(month), found["day"])
    if (found := _SERIAL.fullmatch(plain)) and MIN_SERIAL <= int(found[1]) <= MAX_SERIAL:
        return ReadDay(DayForm.SERIAL, _FIRST_DAY + timedelta(days=int(found[1])))
    if _PARTIAL.fullmatch(plain):
        return ReadDay(DayForm.PARTIAL)
    return ReadDay(DayForm.UNCLEAR if _UNCLEAR.fullmatch(plain) else DayForm.NO_DAY)


def _same_marks(found: re.Match[str]) -> bool:
    """Whether both separators belong together: 年 with 月, else twice the same."""
    return (found["one"], found["two"]) == ("年", "月") or (
        found["one"] == found["two"] and found["one"] not in "年月"
    )


def _built(year: str, month: str, day: str, *, timed: bool = False) -> ReadDay:
    try:
        built = date(int(year), int(month), int(day))
    except ValueError:
        return ReadDay(DayForm.IMPOSSIBLE)
    return ReadDay(DayForm.WITH_TIME if timed else DayForm.DAY, built)


def _chinese_number(text: str) -> str:
    """Return a number up to 31 in digits: 二十一 is 21."""
    tens, mark, ones = text.rpartition("十")
    one = ones.translate(_DIGITS) or "0"
    if not mark:
        return one
    return (tens.translate(_DIGITS) or "1") + one if len(one) == 1 else "0"


def says_no_end(text: str) -> bool:
    """Whether a text says that there is no day of expiry."""
    return unicodedata.normalize("NFKC", text).strip().lower() in NO_END or text.strip() in NO_END
