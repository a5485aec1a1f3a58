"""Identity numbers, social credit codes and certificate identifiers, by their standards."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Protocol

from certledger.ledger.reference_data.identifiers import (
    CERTIFICATE_ROOT,
    REGISTERED_AS,
    CodeInvalidError,
    check_identity_number,
    check_organization_code,
    check_uscc,
    organization_check_agrees,
    parse_identifier,
)
from certledger.ledger.sealing import value_kinds
from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.findings import FindingKind

SCIENTIFIC = re.compile(r"[+-]?\d(?:[.,]\d+)?[Ee][+-]?\d{1,3}")
"""A number as spreadsheet programs show it once it is too long."""
_DECIMAL = re.compile(r"\d{6,}[.,]0*")
_OLD_IDENTITY = re.compile(r"[0-9]{6}([0-9]{2})([0-9]{2})([0-9]{2})[0-9]{3}")
_OTHER_DOCUMENT = re.compile(
    r"[A-Z]{3}[0-9]{12}|[HM][0-9]{8,10}|[A-Z]{1,2}[0-9]{7,8}|[0-9]{8}|[A-Z][0-9]{9}"
)
"""Forms of permanent residence cards, permits of Hong Kong, Macao and Taiwan, and passports."""
MAX_AGE = 120
"""Years between the birth and the day of issue about which no question is asked."""
_PROVINCES = re.compile("1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]")
"""First digits of an identity number (GB/T 2260); after a 9 in one of permanent residents."""
_NEW_IDENTITY = re.compile("[0-9]{17}[0-9X]")
_CODE = re.compile("[0-9]{15}|[0-9]{17}[0-9X]")
_DIGIT = re.compile("[0-9]")
_ROUNDED = re.compile("[0-9]{15}000")
_WHOLE_DECIMAL = re.compile(r"\d+\.0+")
_MAYBE_ROUNDED = re.compile(r"\d{13,}000")
_OLD_REGISTRATION = re.compile(r"[0-9]{13}|[0-9]{15}")


class UnfitValueError(Exception):
    """A value has a fault, so that nothing is sealed of it."""

    def __init__(self, kind: FindingKind, /, **values: object) -> None:
        super().__init__(kind.code)
        self.kind, self.values = kind, values


class Report(Protocol):
    """Reports a finding at the value that is being read."""

    def __call__(self, kind: FindingKind, /, **values: object) -> None:
        """Add a finding."""


def read_identity(text: str, report: Report, today: date) -> str:
    """Return a resident identity number in its normal form.

    Raises:
        UnfitValueError: it is none.
    """
    number = _squeeze(text)
    if SCIENTIFIC.fullmatch(number):
        raise UnfitValueError(kinds.DIGITS_LOST, value=text)
    if _DECIMAL.fullmatch(number):
        raise UnfitValueError(kinds.DIGITS_DECIMAL, value=text)
    try:
        check_identity_number(number)
    except CodeInvalidError as error:
        return _other_identity(text, number, error, report)
    if birth_of(number) > today:
        zh, en = "出生日期在今天之后", "the date of birth is after today"
        raise UnfitValueError(value_kinds.IDENTITY, value=text, why_zh=zh, why_en=en)
    if number.endswith("000"):
        report(kinds.DIGITS_MAYBE_LOST, value=number)
    if number != text:
        report(kinds.NORMALISED, typed=text, sealed=number)
    return number


def _other_identity(text: str, number: str, error: CodeInvalidError, report: Report) -> str:
    """Return what is no identity number where that is only a question."""
    if _ROUNDED.fullmatch(number):
        raise UnfitValueError(kinds.DIGITS_ROUNDED, value=text)
    if (found := _OLD_IDENTITY.fullmatch(number)) and _is_day(*found.groups()):
        report(value_kinds.IDENTITY_OLD, value=number)
        return number
    if _OTHER_DOCUMENT.fullmatch(number):
        report(value_kinds.IDENTITY_OTHER, value=number)
        return number
    zh = _reason_zh(number, 18, error.reason)
    raise UnfitValueError(value_kinds.IDENTITY, value=text, why_zh=zh, why_en=error.reason)


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        date(1900 + int(year), int(month), int(day))
    except ValueError:
        return False
    return True


def _reason_zh(number: str, length: int, reason: str) -> str:
    if len(number) != length:
        return f"共 {len(number)} 个字符，应为 {length} 个"
    if "check character" in reason:
        return "校验码不符，号码有误"
    return "出生日期不存在" if "birth" in reason else "含有不允许的字符"


def birth_of(number: str) -> date:
    """Return the date of birth in a sound identity number."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def is_male(number: str) -> bool:
    """Whether a sound identity number is that of a man: its sequence is odd."""
    return int(number[16]) % 2 == 1


_SEXES = {
    "男": True, "男性": True, "male": True, "m": True,
    "女": False, "女性": False, "female": False, "f": False,
}  # fmt: skip


class ReportAt(Protocol):
    """Reports a finding at a column of the row that is being checked."""

    def __call__(self, column: str, kind: FindingKind, /, **values: object) -> None:
        """Add a finding."""


def check_person(fields: Mapping[str, str], issued: date | None, report: ReportAt) -> None:
    """Ask where date of birth or sex are other than the identity number says."""
    birth, number = fields.get("birth_date"), fields.get("id_number", "")
    if birth is not None and issued is not None and birth > issued.isoformat():
        kind = value_kinds.BIRTH_AFTER
        report("birth_date", kind, field="birth_date", value=birth, issued=issued)
    if not _NEW_IDENTITY.fullmatch(number):
        return
    born = birth_of(number)
    inside = born.isoformat()
    if issued is not None and born > issued:
        kind = value_kinds.BIRTH_AFTER
        report("id_number", kind, field="id_number", value=inside, issued=issued)
    if issued is not None and born.year < issued.year - MAX_AGE:
        report("id_number", value_kinds.IDENTITY_AGE, value=number, inside=inside)
    region = number[number.startswith("9") :][:2]
    if not _PROVINCES.fullmatch(region):
        report("id_number", value_kinds.IDENTITY_REGION, value=number, region=region)
    if birth is not None and birth != inside:
        kind = value_kinds.IDENTITY_BIRTH
        report("birth_date", kind, field="birth_date", value=birth, inside=inside)
    sex = _SEXES.get(fields.get("sex", "").lower())
    if sex is not None and sex != is_male(number):
        zh, en = ("男", "male") if is_male(number) else ("女", "female")
        kind = value_kinds.IDENTITY_SEX
        report("sex", kind, field="sex", value=fields["sex"], inside=zh, inside_en=en)


IDENTITY_NUMBERED = frozenset({"ID-RESIDENT", "ID-TEMPORARY", "DRV-LICENCE", "CARD-SOCIAL-SEC"})
"""Categories whose certificates have the holder's identity number for their own."""
_YEAR = re.compile(r"[〔(\[【]((?:19|20)[0-9]{2})年?[〕)\]】]")


def check_number(
    number: str, category: str, fields: Mapping[str, str], issued: date | None, report: Report
) -> None:
    """Ask where a certificate number is the holder's identity number, or says another year."""
    if number and number == fields.get("id_number") and category not in IDENTITY_NUMBERED:
        report(value_kinds.NUMBER_IS_IDENTITY, number=number, category=category)
    found = _YEAR.search(number)
    # Certificates of January may have numbers of December.
    if found and issued and not issued.year - 1 <= int(found[1]) <= issued.year:
        report(value_kinds.NUMBER_YEAR, number=number, year=found[1], issued=issued)


def is_code(text: str) -> bool:
    """Whether a text is an identity number or social credit code, or has the digits of one."""
    number = _squeeze(text)
    if not _DIGIT.search(number):  # Most names; the checks below would raise and catch for each.
        return False
    if _CODE.fullmatch(number) or SCIENTIFIC.fullmatch(number):
        return True
    try:
        check_uscc(number)
    except CodeInvalidError:
        return False
    return True


def read_uscc(text: str, report: Report) -> str:
    """Return a social credit code in its normal form.

    Raises:
        UnfitValueError: it is none.
    """
    code = _squeeze(text)
    if SCIENTIFIC.fullmatch(code):
        raise UnfitValueError(kinds.DIGITS_LOST, value=text)
    if _DECIMAL.fullmatch(code):
        raise UnfitValueError(kinds.DIGITS_DECIMAL, value=text)
    try:
        check_uscc(code)
    except CodeInvalidError as error:
        if _is_old_code(code):
            report(value_kinds.USCC_OLD, value=code)
            return code
        if _ROUNDED.fullmatch(code):
            raise UnfitValueError(kinds.DIGITS_ROUNDED, value=text) from error
        zh = _reason_zh(code, 18, error.reason)
        raise UnfitValueError(
            value_kinds.USCC, value=text, why_zh=zh, why_en=error.reason
        ) from error
    if not organization_check_agrees(code):
        report(value_kinds.USCC_INNER, value=code)
    if code[:2] not in REGISTERED_AS:
        report(value_kinds.USCC_PREFIX, value=code, prefix=code[:2])
    if code != text:
        report(kinds.NORMALISED, typed=text, sealed=code)
    return code


def _is_old_code(code: str) -> bool:
    """Whether a text is an organization code (GB 11714) or an old registration number."""
    if _OLD_REGISTRATION.fullmatch(code):
        return True
    try:
        check_organization_code(code.replace("-", ""))
    except CodeInvalidError:
        return False
    return True


def read_identifier(text: str, report: Report) -> str:
    """Return a number or code.

    Raises:
        UnfitValueError: it has lost digits.
    """
    plain = unicodedata.normalize("NFKC", text)
    if SCIENTIFIC.fullmatch(plain):
        raise UnfitValueError(kinds.DIGITS_LOST, value=text)
    if _WHOLE_DECIMAL.fullmatch(plain):
        raise UnfitValueError(kinds.DIGITS_DECIMAL, value=text)
    if _MAYBE_ROUNDED.fullmatch(plain):
        report(kinds.DIGITS_MAYBE_LOST, value=text)
    if plain.startswith(CERTIFICATE_ROOT + "."):
        _check_certificate_identifier(plain, report)
    return text


def _check_certificate_identifier(text: str, report: Report) -> None:
    try:
        identifier = parse_identifier(text)
    except CodeInvalidError as error:
        report(value_kinds.IDENTIFIER, value=text, why=error.reason)
        return
    if not identifier.check_agrees():
        report(value_kinds.IDENTIFIER_CHECK, value=text)


def _squeeze(text: str) -> str:
    if text.isascii():
        return "".join(text.upper().split())
    return "".join(unicodedata.normalize("NFKC", text).upper().split())
