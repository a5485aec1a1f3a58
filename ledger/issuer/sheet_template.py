"""Empty sheets of a category: headers in both languages, drop-downs, notes, an example."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certledger.ledger.reference_data.field_types import TYPE_LABEL, FieldType, field_type
from certledger.ledger.reference_data.fields import label_en, label_zh
from certledger.ledger.reference_data.identifiers import (
    compute_identity_check,
    compute_organization_check,
    compute_uscc_check,
)
from certledger.ledger.sealing.sheet_columns import (
    CATEGORY,
    EXPIRY_FIELD,
    ISSUE_FIELD,
    ISSUER_FIELD,
    own_columns,
)
from certledger.ledger.sheets.cells import letters
from certledger.verifier.formats.catalog import Entry, add_months
from certledger.verifier.formats.record import NUMBER

if TYPE_CHECKING:
    from datetime import date

    from openpyxl.worksheet.worksheet import Worksheet

TEXT_FORMAT = "@"
ROWS = 2_000
"""Rows that are prepared as text and with drop-downs."""
_CHOICES = {"sex": ("男", "女")}
_OWN_TYPES = {
    CATEGORY: FieldType.IDENTIFIER, "number": FieldType.IDENTIFIER, "issued": FieldType.DATE,
    "expires": FieldType.DATE, "documents": FieldType.TEXT,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateColumn:
    """One column of a template, or one field of a category.

    Attributes:
        required: a certificate cannot be sealed without it.
        example: value in the example row.
        choices: what a cell may say, where that is a short list.
    """

    name: str
    label_zh: str
    label_en: str
    kind: FieldType
    required: bool
    example: str = ""
    choices: tuple[str, ...] = ()

    @property
    def header(self) -> str:
        """The header in both languages, which the reader of sheets takes as it is."""
        return f"{self.label_zh} {self.name}"

    def note(self) -> str:
        """Return what a clerk should know of the column, in both languages."""
        zh, en = TYPE_LABEL[self.kind]
        need = ("必填", "required") if self.required else ("可不填", "optional")
        return f"{self.label_zh}：{zh}；{need[0]}\n{self.label_en}: {en}; {need[1]}"


def template_columns(entry: Entry, today: date) -> list[TemplateColumn]:
    """Return the columns of a category's sheets: our own, and its fields in their order."""
    expires = entry.latest_expiry(today)
    own = {
        CATEGORY: (entry.category, True, (entry.category,)),
        "number": ("示例-0001", True, ()),
    }
    days = {
        "issued": (today.isoformat(), True, ()),
        "expires": (expires.isoformat() if expires else "", expires is not None, ()),
        "documents": ("", False, ()),
    }
    if CATEGORY in entry.fields:
        del own[CATEGORY]  # The field of that name; the category is named by --category.
    fields = [
        _field_column(entry, name, today)
        for name in entry.fields
        if name not in (NUMBER, ISSUE_FIELD, EXPIRY_FIELD, ISSUER_FIELD)
    ]
    return [*_own(own), *fields, *_own(days)]


def _own(columns: Mapping[str, tuple[str, bool, tuple[str, ...]]]) -> list[TemplateColumn]:
    known = own_columns()
    return [
        TemplateColumn(
            name=name,
            label_zh=known[name].label_zh,
            label_en=known[name].en[0],
            kind=_OWN_TYPES[name],
            required=required,
            example=example,
            choices=choices,
        )
        for name, (example, required, choices) in columns.items()
    ]


def _field_column(entry: Entry, name: str, today: date) -> TemplateColumn:
    kind = field_type(name)
    choices = _CHOICES.get(name, ())
    return TemplateColumn(
        name=name,
        label_zh=label_zh(name),
        label_en=label_en(name),
        kind=kind,
        required=name in entry.shown,
        example=choices[0] if choices else _example(kind, today),
        choices=choices,
    )


def _example(kind: FieldType, today: date) -> str:
    """Return an example that is sound in form and that no person can have."""
    if kind is FieldType.IDENTITY:
        first17 = "31990119900101001"
        return first17 + compute_identity_check(first17)
    if kind is FieldType.USCC:
        first17 = "91310000XX000001" + compute_organization_check("XX000001")
        return first17 + compute_uscc_check(first17)
    return {
        FieldType.DATE: add_months(today, -12).isoformat(),
        FieldType.AMOUNT: "1200.00",
        FieldType.QUANTITY: "12",
        FieldType.SCIENTIFIC: "1.5E+10",
        FieldType.NAME: "示例姓名",
        FieldType.IDENTIFIER: "SL-0001",
    }.get(kind, "示例")


def format_template(entry: Entry, today: date) -> bytes:
    """Return the sheet of a category as an XLSX workbook: every cell is formatted as text."""
    import openpyxl

    columns = template_columns(entry, today)
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = entry.category
    _write_columns(sheet, columns)
    notes = book.create_sheet("说明 notes")
    for cells in _notes(entry, columns):
        notes.append(cells)
    for place, width in enumerate((28, 28, 60, 16)):
        notes.column_dimensions[letters(place)].width = width
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write_columns(sheet: Worksheet, columns: Sequence[TemplateColumn]) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import Font
    from openpyxl.worksheet.datavalidation import DataValidation

    for place, column in enumerate(columns):
        letter = letters(place)
        header = sheet.cell(row=1, column=place + 1, value=column.header)
        header.font = Font(bold=column.required)
        header.comment = Comment(column.note(), "certledger", width=320, height=100)
        sheet.column_dimensions[letter].width = max(14, 2 * len(column.label_zh) + 6)
        for row in range(2, ROWS + 2):
            sheet.cell(row=row, column=place + 1).number_format = TEXT_FORMAT
        sheet.cell(row=2, column=place + 1).value = column.example or None
        if column.choices:
            listed = DataValidation(
                type="list", formula1=f'"{",".join(column.choices)}"', allow_blank=True
            )
            listed.add(f"{letter}2:{letter}{ROWS + 1}")
            sheet.add_data_validation(listed)
    sheet.freeze_panes = "A2"


def _notes(entry: Entry, columns: Sequence[TemplateColumn]) -> list[list[str]]:
    months = f"{entry.months}" if entry.months else "无 none"
    lines = [
        [f"{entry.name_zh} {entry.name_en}", entry.category],
        ["有效期（月） validity in months", months],
        [
            "第二行是示例，填写前请删去。",
            "Row 2 is an example: delete it before you fill in yours.",
        ],
        ["documents 列写证书文件名，多个用 ; 分隔。", "documents: names of files, separated by ;"],
        [],
        ["列 column", "名称 label", "内容 content", "必填 required"],
    ]
    for column in columns:
        zh, en = TYPE_LABEL[column.kind]
        need = "是 yes" if column.required else "否 no"
        lines.append([column.header, column.label_en, f"{zh} {en}", need])
    return lines
