"""One cell becomes the text that is sealed of it, by the type of its field."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from certledger.ledger.reference_data.field_types import FieldType
from certledger.ledger.sealing import value_kinds
from certledger.ledger.sealing.dates import DayForm, ReadDay, read_day
from certledger.ledger.sealing.identity_checks import (
    SCIENTIFIC,
    Report,
    UnfitValueError,
    is_code,
    read_identifier,
    read_identity,
    read_uscc,
)
from certledger.ledger.sealing.text import refusal_of, refusal_zh
from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.cells import Cell, CellKind, CellValue, display
from certledger.ledger.sheets.findings import FindingKind
from certledger.ledger.sheets.header import INVISIBLE
from certledger.ledger.sheets.mojibake import repair, standard_character
from certledger.ledger.sheets.number_formats import (
    MAX_EXACT_DIGITS,
    is_before_midnight,
    names_each_part_once,
)
from certledger.ledger.sheets.reader import mark_kinds, unreadable_kind
from certledger.verifier.formats.record import MAX_VALUE_CHARACTERS

_ERRORS = frozenset(
    {
        "#REF!", "#N/A", "#NA", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!",
        "#CALC!", "#FIELD!", "#BLOCKED!", "#GETTING_DATA", "#BUSY!", "#UNKNOWN!", "ERR:502",
        "NULL", "(NULL)", "<NULL>", "[NULL]", "NAN", "<NA>", "NAT", "UNDEFINED",
    }
)  # fmt: skip
"""What programs write in place of a value, in capitals."""
_UNFILLED = frozenset(
    {
        "待定", "待补", "待填", "xxx", "xxxx", "n/a", "none", "nil", "tbd", "测试", "test", "(空)",
        "（空）", "true", "false", "[object object]", "***", "见附件", "见备注", "见附表", "另附",
        "详见附件", "详见备注", "...", "…", "……", "?", "??", "???", "？", "？？", "？？？",
    }
)  # fmt: skip
"""What stands in any field until somebody fills it."""
_PLACEHOLDERS = _UNFILLED | frozenset(
    {"本人", "本单位", "无", "暂无", "未知", "不详", "空", "略", "x", "xx", "na", "unknown"}
)
"""What is no name either, though another field may say it."""
_DITTO = frozenset({"同上", "同前", "〃", "″", '"', "''", "ditto", "do.", "id."})
"""What repeats the cell above for a reader, and says nothing by itself."""
_CODES = (FieldType.IDENTITY, FieldType.USCC)
_NUMBERS = (FieldType.AMOUNT, FieldType.QUANTITY, FieldType.SCIENTIFIC)
_NUMERAL = re.compile(r"[+-]?[¥$€]? ?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?")
_ODD_NUMERAL = re.compile("[+-]?(?:[$€]|0[0-9])")
"""Beginnings of amounts of other currencies, and of numbers with zeros before them."""
_FORMULA = re.compile(r"=\s*[A-Za-z(\d\"'+$-].*|@[A-Z]+\(.*", re.DOTALL)
_QUOTED_FORMULA = re.compile(r'="([^"]*)"')
_HAN = "\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_QUESTION_MARK = re.compile(rf"[{_HAN}][?？]|[?？][{_HAN}]")
_SPACED_NAME = re.compile(rf"[{_HAN}]{{1,2}}(?:\s+[{_HAN}]{{1,2}}){{1,3}}")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_PLAIN = re.compile("[ -~\u4e00-\u9fa5〔〕（）、，。：；·《》【】“”—？]+")
"""Common characters: none of them is refused, invisible or for private use."""
_RADICAL = re.compile("[\u2f00-\u2fd5]")
_DOUBTFUL_NAME = re.compile(
    rf"[{_HAN}]|(?=.{{3,4}}$)[{_HAN}]+[0-9]{{1,2}}[{_HAN}]+|[0-9]{{1,3}}[.、．)）].*|[{_HAN}]+[0-9]{{1,3}}|[{_HAN}]{{2,4}}(?:[，,/][{_HAN}]{{2,4}})+|"
    r".*(?:先生|女士|小姐|同志|师傅|老师)|.*等\s*[0-9一二三四五六七八九十两数多]*[人名位]|.*[:：].*"
    r"|[“\"'《【].*[”\"'》】]|.*[（(](?:已?注销|作废|已?撤销|补发|补办|代领|离职|退休|男|女|原名.*)[）)]"
)
"""Names with a list number, several persons, a remark."""
_HEADERS = frozenset(
    {"姓名", "名称", "持证人", "持有人", "持证主体", "单位名称", "企业名称", "name"}
)
_FULL_WIDTH = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]+")
_LOOK_ALIKE = re.compile("[ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονАВЕЅІЈКМНОРСТУХаеорсухіјѕ]")
"""Greek and Cyrillic letters with the shape of Latin ones."""
_FOREIGN = re.compile("[\u0370-\u03ff\u0400-\u04ff]{3}")
"""Letters in a row that make a Greek or Cyrillic word, and are meant so."""
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#[0-9]{2,7}|#x[0-9a-fA-F]{2,6});")
_NUMBER_IN_NAME = re.compile(r"[0-9０-９]{4,}|第[0-9０-９]+号")
_ODD_IN_NAME = re.compile(
    r"[*＊<>\\=%□■◆〓@#$^~{}|;；、+某`\u2ff0-\u2fff\u2460-\u24ff\u2600-\u27bf\u3200-\u33ff]"
    rf"|[\U0001f000-\U0001faff]|[{_HAN}](?:[.．][{_HAN}]|[-.。,，…ー—]$)"
    rf"|[{_HAN}][\u0300-\u036f\u20d0-\u20ff]"
    r"|[A-Za-z][\u0370-\u052f]|[\u0370-\u052f][A-Za-z]"
)
"""What names do not have: marks of a mask, of a program, of several names; two alphabets in one."""
_SPELT_NAME = re.compile(rf"(?=.{{2,8}}$)[{_HAN}]{{1,2}}[A-Za-z]{{2,6}}[{_HAN}]{{0,2}}")
_BLANK = re.compile("[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f]")
"""Blanks that look like the common one, which is sealed."""
_INVISIBLE = re.compile("[" + "".join(map(re.escape, map(chr, INVISIBLE))) + "]")


MAX_REMEMBERED = 20_000
"""Texts of which it is remembered what is sealed."""


@dataclass(slots=True)
class _CountingReport:
    """Counts the findings that it passes on."""

    report: Report
    count: int = 0

    def __call__(self, kind: FindingKind, /, **values: object) -> None:
        self.count += 1
        self.report(kind, **values)


@dataclass(kw_only=True, slots=True)
class ValueReader:
    """Reads cells; each finding goes to the `report` of the cell.

    `accepts` says which questions are answered, `today` is the day before which births are.
    """

    accepts: Callable[[FindingKind], bool]
    today: date
    _merged: set[str] = field(default_factory=set)
    _quiet: dict[tuple[FieldType, str], str] = field(default_factory=dict)
    _quiet_days: dict[str, tuple[str, ReadDay]] = field(default_factory=dict)

    # Most columns repeat few values.  What was sealed of a text is remembered where there was
    # nothing to report about it: by type and text, on which alone it depends within a sheet.

    def read(self, value: CellValue, kind: FieldType, report: Report) -> str | None:
        """Return the text to seal; None where the cell has a fault, which is reported."""
        if not isinstance(value, str):
            return self._read_or_report(value, kind, report)
        known = self._quiet.get((kind, value))
        if known is not None:
            return known
        counted = _CountingReport(report)
        text = self._read_or_report(value, kind, counted)
        if text is not None and not counted.count and len(self._quiet) < MAX_REMEMBERED:
            self._quiet[kind, value] = text
        return text

    def read_day(self, value: CellValue, report: Report) -> tuple[str, ReadDay] | None:
        """Return a cell's text and the day it says; None where it has a fault."""
        if not isinstance(value, str):
            return self._read_day(value, report)
        known = self._quiet_days.get(value)
        if known is not None:
            return known
        counted = _CountingReport(report)
        found = self._read_day(value, counted)
        if found is not None and not counted.count and len(self._quiet_days) < MAX_REMEMBERED:
            self._quiet_days[value] = found
        return found

    def _read_or_report(self, value: CellValue, kind: FieldType, report: Report) -> str | None:
        try:
            return self._read(value, kind, report)
        except UnfitValueError as fault:
            report(fault.kind, **fault.values)
            return None

    def _read_day(self, value: CellValue, report: Report) -> tuple[str, ReadDay] | None:
        try:
            value = self._own(value, report)
            if isinstance(value, Cell) and value.kind is CellKind.NUMBER:
                if not value.parts:
                    return _numeral_of_day(value, report)
                day = _day_of_cell(value, report)
                return day.isoformat(), ReadDay(DayForm.DAY, day)
            text = self._read(value, FieldType.DATE, report)
        except UnfitValueError as fault:
            report(fault.kind, **fault.values)
            return None
        return text, read_day(text)

    def _read(self, value: CellValue, kind: FieldType, report: Report) -> str:
        value = self._own(value, report)
        if not isinstance(value, Cell):
            text = value
        elif value.kind is CellKind.TEXT:
            text = _shown_text(value, report)
        elif value.kind is CellKind.NUMBER:
            text = _number_text(value, kind, report)
        else:
            raise UnfitValueError(unreadable_kind(value) or kinds.CELL_ERROR, value=value.stored)
        text = _clean(text, kind, report)
        if kind is FieldType.IDENTITY:
            return read_identity(text, report, self.today)
        return _CHECKS[kind](text, report) if kind in _CHECKS else text

    def _own(self, value: CellValue, report: Report) -> CellValue:
        """Return a value, that of merged cells where the issuer says that all rows share it."""
        if isinstance(value, str):
            return value
        for kind in mark_kinds(value):
            report(kind, shown=display(value))
        if value.kind is not CellKind.COVERED:
            return value
        if value.is_below and value.range not in self._merged:
            self._merged.add(value.range)
            report(kinds.CELL_MERGED_SHARED, range=value.range, shown=display(value.shared))
        if value.is_below and self.accepts(kinds.CELL_MERGED_SHARED):
            return value.shared
        raise UnfitValueError(kinds.CELL_MERGED, range=value.range)


def _clean(text: str, kind: FieldType, report: Report) -> str:
    """Return text without invisible characters."""
    text = text.strip()
    if text.startswith(("=", "'", "@")):
        text = _unwrapped(text, kind, report)
    if text.upper() in _ERRORS or (len(text) > 2 and not text.strip("#")):
        raise UnfitValueError(value_kinds.TEXT_ERROR, value=text)
    if "&" in text and _ENTITY.search(text):
        repaired = html.unescape(text)
        raise UnfitValueError(value_kinds.TEXT_ENTITY, value=text, repaired=repaired)
    if text.lower() in _DITTO:
        raise UnfitValueError(kinds.CELL_DITTO, value=text)
    if not (text.isascii() and text.isprintable()):
        text = _clean_unicode(text, report)
        text = _check_width(text, kind, report)
        if kind is FieldType.NAME and _SPACED_NAME.fullmatch(text):
            sealed = "".join(text.split())
            report(value_kinds.TEXT_INNER_BLANK, value=text, sealed=sealed)
            text = sealed
    if len(text) > MAX_VALUE_CHARACTERS:
        raise UnfitValueError(value_kinds.TEXT_TOO_LONG, count=len(text), most=MAX_VALUE_CHARACTERS)
    if not text:
        raise UnfitValueError(
            value_kinds.TEXT, why_en="nothing is left of it", why_zh="没有可见的内容"
        )
    return text


def _unwrapped(text: str, kind: FieldType, report: Report) -> str:
    """Return what a formula of nothing but a text, or a text behind an apostrophe, says."""
    if found := _QUOTED_FORMULA.fullmatch(text):
        report(kinds.NORMALISED, typed=text, sealed=found[1])
        return found[1].strip()
    if _FORMULA.fullmatch(text):
        raise UnfitValueError(kinds.CELL_FORMULA_TEXT, value=text)
    if text.startswith("'") and kind not in (FieldType.TEXT, FieldType.NAME):
        report(value_kinds.TEXT_APOSTROPHE, value=text, sealed=text[1:])
        return text[1:].strip()
    return text


def _clean_unicode(text: str, report: Report) -> str:
    if not _PLAIN.fullmatch(text):
        text = _clean_rare(text, report)
    elif (repaired := repair(text)) is not None:
        raise UnfitValueError(value_kinds.TEXT_MOJIBAKE, value=text, repaired=repaired)
    if _QUESTION_MARK.search(text):
        report(value_kinds.TEXT_QUESTION_MARK, value=text)
    return text


def _check_width(text: str, kind: FieldType, report: Report) -> str:
    """Return a name or number with half-width letters and digits; ask about look-alike letters."""
    if (found := _LOOK_ALIKE.search(text)) and not _FOREIGN.search(text):
        code = f"{ord(found[0]):04X}"
        report(value_kinds.TEXT_LOOK_ALIKE, value=text, letter=found[0], code=code)
    if kind not in (FieldType.NAME, FieldType.IDENTIFIER) or not _FULL_WIDTH.search(text):
        return text
    sealed = _FULL_WIDTH.sub(lambda one: unicodedata.normalize("NFKC", one[0]), text)
    question = value_kinds.TEXT_FULL_WIDTH
    if kind is FieldType.NAME:
        report(question, value=text, sealed=sealed)
    else:
        report(kinds.NORMALISED, typed=text, sealed=sealed)
    return sealed


def _clean_rare(text: str, report: Report) -> str:
    """Return text that has other characters than common ones, without invisible ones."""
    if "\ufffd" in text:
        raise UnfitValueError(value_kinds.TEXT_REPLACEMENT, value=text)
    if found := _PRIVATE.search(text):
        standard = standard_character(found[0])
        hint = f" {standard} (U+{ord(standard):04X})" if standard else ""
        raise UnfitValueError(
            value_kinds.TEXT_PRIVATE, value=text, code=f"{ord(found[0]):04X}", hint=hint
        )
    if found := _RADICAL.search(text):
        sealed = _RADICAL.sub(lambda one: unicodedata.normalize("NFKC", one[0]), text)
        radical, code = found[0], f"{ord(found[0]):04X}"
        report(value_kinds.TEXT_RADICAL, value=text, radical=radical, code=code, sealed=sealed)
        text = sealed
    if (repaired := repair(text)) is not None:
        raise UnfitValueError(value_kinds.TEXT_MOJIBAKE, value=text, repaired=repaired)
    if found := _INVISIBLE.search(text):
        report(value_kinds.TEXT_INVISIBLE, value=text, code=f"{ord(found[0]):04X}")
        text = text.translate(INVISIBLE).strip()
    if _BLANK.search(text):
        sealed = _BLANK.sub(" ", text)
        report(kinds.NORMALISED, typed=text, sealed=sealed)
        text = sealed
    if text and (reason := refusal_of(text)) is not None:
        raise UnfitValueError(value_kinds.TEXT, why_en=reason, why_zh=refusal_zh(text))
    return text


# Cells that hold numbers ------------------------------------------------------------------------


def _number_text(cell: Cell, kind: FieldType, report: Report) -> str:
    """Return the text of a number: what is seen, wherever that is certain."""
    number = cell.number
    if number is None:
        raise UnfitValueError(kinds.CELL_FORMAT, stored=cell.stored, format=cell.format_code)
    if cell.parts:
        return _date_text(cell, kind, report)
    stored = cell.plain()
    digits = len(stored.replace("-", "").replace(".", ""))
    if kind in _CODES and number == number.to_integral_value() and digits >= MAX_EXACT_DIGITS:
        raise UnfitValueError(kinds.IDENTITY_AS_NUMBER, value=stored, count=digits)
    if abs(number) >= Decimal(10) ** MAX_EXACT_DIGITS:
        raise UnfitValueError(kinds.DIGITS_LOST, value=stored)
    shown = cell.shown()
    if shown is None:
        raise UnfitValueError(kinds.CELL_FORMAT, stored=stored, format=cell.format_code)
    if "E" in shown and "E" not in stored:
        report(kinds.CELL_SHOWN_SHORT, shown=shown, stored=stored)
        return stored
    if shown == stored:
        if kind is FieldType.IDENTIFIER:
            report(kinds.CELL_NUMBER, stored=stored, sealed=stored)
        return stored
    if kind not in _NUMBERS or _as_number(shown) != number:
        report(kinds.CELL_SHOWN_DIFFERS, shown=shown, stored=stored, sealed=shown)
    return shown


def _shown_text(cell: Cell, report: Report) -> str:
    """Return a text as its format shows it."""
    shown = cell.shown()
    if shown is None:
        raise UnfitValueError(kinds.CELL_FORMAT, stored=cell.stored, format=cell.format_code)
    if shown != cell.stored.strip():
        report(kinds.CELL_SHOWN_DIFFERS, shown=shown, stored=cell.stored, sealed=shown)
    return shown


def _as_number(shown: str) -> Decimal | None:
    try:
        return Decimal(re.sub(r"[,¥￥$€\s]", "", shown))
    except InvalidOperation:
        return None


def _date_text(cell: Cell, kind: FieldType, report: Report) -> str:
    """Return a day in a field that is none: as it is shown in text, else a fault."""
    shown, instant = cell.shown(), cell.instant
    stored = instant.isoformat(" ") if instant else cell.stored
    if shown is None or kind is not FieldType.TEXT:
        raise UnfitValueError(kinds.CELL_DATE, shown=shown or "?", stored=stored)
    report(kinds.CELL_SHOWN_DIFFERS, shown=shown, stored=stored, sealed=shown)
    return shown


def _numeral_of_day(cell: Cell, report: Report) -> tuple[str, ReadDay]:
    """Return a number that no format makes a day, and the day that its digits say."""
    plain, shown = cell.plain(), cell.shown()
    if shown is None:
        raise UnfitValueError(kinds.CELL_FORMAT, stored=cell.stored, format=cell.format_code)
    read = read_day(plain)
    if shown != plain and read_day(shown).day != read.day:
        report(kinds.CELL_SHOWN_SHORT, shown=shown, stored=plain)
    return plain, read


def _day_of_cell(cell: Cell, report: Report) -> date:
    instant, shown = cell.instant, cell.shown()
    if instant is None:
        raise UnfitValueError(value_kinds.DATE_IMPOSSIBLE, value=shown or cell.stored)
    if shown is None or not {"m", "d"} & cell.parts:
        raise UnfitValueError(kinds.CELL_FORMAT, stored=cell.stored, format=cell.format_code)
    day = instant.date()
    if not {"y", "m", "d"} <= cell.parts:
        report(value_kinds.DATE_SHOWN_PARTLY, shown=shown, sealed=day)
    elif not _shows_day(shown, day, cell.format_code):
        report(kinds.CELL_SHOWN_SHORT, shown=shown, stored=day)
    if is_before_midnight(cell.stored):
        report(value_kinds.DATE_BEFORE_MIDNIGHT, value=cell.stored, sealed=day)
    elif (instant.hour, instant.minute, instant.second) == (16, 0, 0):
        report(value_kinds.DATE_UTC, value=shown, sealed=day)
    elif (instant.hour, instant.minute, instant.second) != (0, 0, 0):
        report(value_kinds.DATE_TIME, value=shown)
    return day


def _shows_day(shown: str, day: date, code: str) -> bool:
    """Whether people see the day in what is shown, in any order of its parts."""
    seen = read_day(shown).day
    return seen == day if seen is not None else names_each_part_once(code)


# Types ------------------------------------------------------------------------------------------


def _check_name(text: str, report: Report) -> str:
    if is_code(text):
        raise UnfitValueError(value_kinds.NAME_IS_NUMBER, value=text)
    if text[0].isdigit() and read_day(text).day is not None:
        raise UnfitValueError(value_kinds.NAME_IS_DATE, value=text)
    if not any(one.isalpha() for one in text):
        raise UnfitValueError(value_kinds.NAME_WITHOUT_LETTERS, value=text)
    if text.lower() in _PLACEHOLDERS:
        report(value_kinds.PLACEHOLDER, value=text)
    elif _NUMBER_IN_NAME.search(text):
        report(value_kinds.NAME_HAS_NUMBER, value=text)
    elif (
        _DOUBTFUL_NAME.fullmatch(text)
        or _ODD_IN_NAME.search(text)
        or _SPELT_NAME.fullmatch(text)
        or text.lower() in _HEADERS
    ):
        report(value_kinds.NAME_DOUBTFUL, value=text)
    return text


def _check_quantity(text: str, report: Report) -> str:
    if text.startswith(("-", "−")):
        report(value_kinds.NUMERAL, value=text)
        return text
    return _check_numeral(text, report)


def _check_numeral(text: str, report: Report) -> str:
    plain = unicodedata.normalize("NFKC", text)
    if SCIENTIFIC.fullmatch(plain):
        raise UnfitValueError(kinds.DIGITS_LOST, value=text)
    if not _NUMERAL.fullmatch(plain) or _ODD_NUMERAL.match(plain):
        report(value_kinds.NUMERAL, value=text)
        return text
    if plain != text and any("\uff10" <= one <= "\uff19" for one in text):
        report(kinds.NORMALISED, typed=text, sealed=plain)
        return plain
    return text


def _check_scientific(text: str, report: Report) -> str:
    plain = unicodedata.normalize("NFKC", text)
    if not (SCIENTIFIC.fullmatch(plain) or _NUMERAL.fullmatch(plain)):
        report(value_kinds.NUMERAL, value=text)
    return text


def _check_text(text: str, report: Report) -> str:
    if text[0].isdigit() and SCIENTIFIC.fullmatch(text):
        report(kinds.SCIENTIFIC, value=text)
    elif text.lower() in _UNFILLED:
        report(value_kinds.PLACEHOLDER, value=text)
    elif text[0].isdigit() and is_code(text):
        report(value_kinds.TEXT_IS_CODE, value=text)
    return text


_CHECKS: Mapping[FieldType, Callable[[str, Report], str]] = {
    FieldType.USCC: read_uscc,
    FieldType.AMOUNT: _check_numeral,
    FieldType.QUANTITY: _check_quantity,
    FieldType.SCIENTIFIC: _check_scientific,
    FieldType.NAME: _check_name,
    FieldType.IDENTIFIER: read_identifier,
    FieldType.TEXT: _check_text,
}
