"""The type of a certificate's field: how its value is read from a sheet and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache

from certledger.ledger.reference_data.fields import UNITS, load_field_names


class FieldType(StrEnum):
    """Kind of value of a field."""

    IDENTITY = "identity"
    USCC = "uscc"
    DATE = "date"
    AMOUNT = "amount"
    QUANTITY = "quantity"
    NAME = "name"
    IDENTIFIER = "identifier"
    SCIENTIFIC = "scientific"
    TEXT = "text"


TYPE_LABEL: Mapping[FieldType, tuple[str, str]] = {
    FieldType.IDENTITY: ("公民身份号码（GB 11643）", "resident identity number (GB 11643)"),
    FieldType.USCC: ("统一社会信用代码（GB 32100）", "unified social credit code (GB 32100)"),
    FieldType.DATE: ("日期，如 2026-11-24", "day, like 2026-11-24"),
    FieldType.AMOUNT: ("金额", "amount of money"),
    FieldType.QUANTITY: ("数量", "quantity"),
    FieldType.NAME: ("名称", "name"),
    FieldType.IDENTIFIER: ("编号或代码，设为文本格式", "number or code, formatted as text"),
    FieldType.SCIENTIFIC: ("数值，可用 1.5E+10", "number, 1.5E+10 is allowed"),
    FieldType.TEXT: ("文本", "text"),
}

_BY_MAKER: Mapping[str, FieldType] = {
    "@identity": FieldType.IDENTITY,
    "@uscc": FieldType.USCC,
    "@birth_date": FieldType.DATE,
    "@issue_date": FieldType.DATE,
    "@expiry_date": FieldType.DATE,
    "@later_date": FieldType.DATE,
    "@earlier_date": FieldType.DATE,
    "@person": FieldType.NAME,
    "@holder": FieldType.NAME,
    "@representative": FieldType.NAME,
    "@company": FieldType.NAME,
    "@issuing_body": FieldType.NAME,
    "@school": FieldType.NAME,
    "@number": FieldType.IDENTIFIER,
    "@plate": FieldType.IDENTIFIER,
    "@vin": FieldType.IDENTIFIER,
    "@two_persons": FieldType.TEXT,
    "@period": FieldType.TEXT,
}
"""By how samples of a field are made, where that is more than its name says."""
_NUMERAL = re.compile(r"[0-9#]+(?:\.[0-9#]+)?")
"""A sample that is a number: `#` is any digit."""

_BY_LAST_PART: Mapping[str, FieldType] = {
    "date": FieldType.DATE,
    "cny": FieldType.AMOUNT,
    "count": FieldType.QUANTITY,
    "persons": FieldType.QUANTITY,
    "number": FieldType.IDENTIFIER,
    "code": FieldType.IDENTIFIER,
    "uscc": FieldType.USCC,
    **dict.fromkeys((unit for unit in UNITS if unit != "cny"), FieldType.QUANTITY),
}


@lru_cache(maxsize=4096)
def field_type(name: str) -> FieldType:
    """Return the type of a field, from the table of names or from the last part of its name."""
    known = load_field_names().get(name)
    values = (known.values if known else None) or ""
    if values in _BY_MAKER:
        return _BY_MAKER[values]
    if "E+" in values:
        return FieldType.SCIENTIFIC
    last = name.rpartition("_")[2]
    if last in _BY_LAST_PART:
        return _BY_LAST_PART[last]
    if values and all(map(_NUMERAL.fullmatch, values.split("|"))):
        return FieldType.QUANTITY
    return FieldType.NAME if last == "name" and not values else FieldType.TEXT
