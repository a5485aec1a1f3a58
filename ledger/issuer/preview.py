"""What a sheet would become, for people to look at before anything is signed."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from certledger.ledger.reference_data.fields import label_en, label_zh
from certledger.ledger.sealing import value_kinds
from certledger.ledger.sealing.issue import Issue
from certledger.ledger.sealing.sheet_columns import EXPIRY_FIELD, ISSUE_FIELD, own_columns
from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.cells import letters
from certledger.ledger.sheets.findings import Grade, SheetFinding
from certledger.ledger.sheets.reader import Sheet
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.record import NUMBER

MAX_END_ROWS = 3
"""First rows that are shown, and last ones."""
MAX_ODD_ROWS = 20
_WORDS = {
    "file": ("文件", "file"),
    "form": ("编码", "read as"),
    "separator": ("分隔符", "separator"),
    "worksheet": ("工作表", "worksheet"),
    "rows": ("行数", "rows"),
    "certificates": ("证书份数", "certificates"),
    "categories": ("类别", "categories"),
    "issued": ("签发日期", "issued"),
    "documents": ("文件份数", "documents"),
    "accepted": ("已确认的问题", "questions accepted"),
    "columns": ("列", "columns"),
    "row": ("行", "row"),
    "why": ("说明", "why"),
    "first": ("首行", "first"),
    "last": ("末行", "last"),
    "odd": ("其他字段不同", "other fields than most"),
    "left_out": ("不封存", "left out"),
    "title": ("封存预览：尚未签名", "Preview: nothing is signed yet"),
    "sealed_as": ("将封存的内容", "as it will be sealed"),
    "notes": ("读取说明", "how it was read"),
}
_SEPARATORS = {
    "comma": "逗号",
    "semicolon": "分号",
    "tab": "制表符",
    "bar": "竖线",
    "full-width comma": "全角逗号",
}
_COMMON_NOTES = (kinds.BLANKS_DROPPED, kinds.NORMALISED, value_kinds.DATE_TIME)
"""Notes of which there is one a cell: they are counted, and their rows shown as odd ones."""


def word(name: str, language: str) -> str:
    """Return a word of the preview in a language."""
    return _WORDS[name][language != "zh"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewRow:
    """One certificate as it would be sealed, and why it is shown."""

    row: int
    why: str
    values: dict[str, str]

    def to_json(self) -> Json:
        """Return the row as a JSON value."""
        return {"row": self.row, "values": dict(self.values), "why": self.why}


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """Counts, how the sheet was read, the columns, and first, last and odd rows.

    Attributes:
        facts: pairs of a label and a text.
        notes: what was passed over or changed, a sentence each.
        columns: letter, header, and what becomes of the column.
    """

    language: str
    facts: Sequence[tuple[str, str]]
    notes: Sequence[str]
    columns: Sequence[tuple[str, str, str]]
    rows: Sequence[PreviewRow]

    @classmethod
    def of(cls, sheet: Sheet, issues: Sequence[Issue], language: str) -> Preview:
        """Return the preview of a sheet whose rows have been checked."""
        return cls(
            language=language,
            facts=[*_facts(sheet, issues, language)],
            notes=[*_notes(sheet, language)],
            columns=[*_columns(sheet, language)],
            rows=[*_rows(sheet, issues, language)],
        )

    def to_json(self) -> dict[str, Json]:
        """Return the preview for a program."""
        return {
            "columns": [
                {"becomes": name, "column": letter, "header": header}
                for letter, header, name in self.columns
            ],
            "facts": dict(self.facts),
            "notes": list(self.notes),
            "rows": [row.to_json() for row in self.rows],
        }

    def fields(self) -> list[str]:
        """Return the names of all values that any row has, in the order they come."""
        return list(dict.fromkeys(name for row in self.rows for name in row.values))

    def html(self) -> bytes:
        """Return the preview as a page of its own, without script."""
        return _page(self).encode()


def _facts(sheet: Sheet, issues: Sequence[Issue], language: str) -> Iterator[tuple[str, str]]:
    days = sorted({issue.issued for issue in issues})
    categories = Counter(issue.entry.category for issue in issues)
    names = {
        issue.entry.category: issue.entry.name_zh if language == "zh" else issue.entry.name_en
        for issue in issues
    }
    facts = {
        "file": sheet.file,
        "form": sheet.form,
        "separator": _separator(sheet.separator, language),
        "worksheet": sheet.worksheet,
        "rows": str(sheet.count),
        "certificates": str(len(issues)),
        "categories": ", ".join(f"{names[code]} ({count})" for code, count in categories.items()),
        "issued": " – ".join(map(str, dict.fromkeys([days[0], days[-1]]))) if days else "",
        "documents": str(sum(len(issue.papers) for issue in issues) or ""),
        "accepted": ", ".join(sheet.findings.answered()),
    }
    return ((word(name, language), text) for name, text in facts.items() if text)


def _separator(name: str, language: str) -> str:
    return _SEPARATORS.get(name, name) if language == "zh" else name


def _notes(sheet: Sheet, language: str) -> Iterator[str]:
    findings = sheet.findings
    for one in findings.of(Grade.NOTE):
        if one.kind not in _COMMON_NOTES:
            place = f"{one.row}: " if one.row else ""
            yield place + one.sentence(language)
    for kind in _COMMON_NOTES:
        if count := findings.counts[kind]:
            example = next(one for one in findings.items if one.kind is kind)
            yield f"{example.cell or example.row}: {example.sentence(language)} (× {count})"


def _columns(sheet: Sheet, language: str) -> Iterator[tuple[str, str, str]]:
    for column in sheet.columns:
        name = column.name or word("left_out", language)
        yield letters(column.place), column.header, name


def _rows(sheet: Sheet, issues: Sequence[Issue], language: str) -> Iterator[PreviewRow]:
    """Yield the first rows, the last ones, and between them those that are odd."""
    why = _reasons(sheet, issues, language)
    ends = {place: word("first", language) for place in range(min(MAX_END_ROWS, len(issues)))}
    for place in range(max(len(issues) - MAX_END_ROWS, 0), len(issues)):
        ends.setdefault(place, word("last", language))
    odd = 0
    for place, issue in enumerate(issues):
        reasons = [ends[place]] if place in ends else []
        if issue.row in why and odd < MAX_ODD_ROWS:
            odd += 1
            reasons.append(why[issue.row])
        if reasons:
            yield PreviewRow(row=issue.row, why="; ".join(reasons), values=issue_values(issue))


def _reasons(sheet: Sheet, issues: Sequence[Issue], language: str) -> dict[int, str]:
    """Return why rows are odd: a finding in them, or other fields than most have."""
    why: dict[int, str] = {}
    for one in _row_findings(sheet):
        why.setdefault(one.row, one.sentence(language))
    shapes = [(issue.entry.category, frozenset(issue.fields)) for issue in issues]
    common = {shape for shape, count in Counter(shapes).items() if count * 10 > len(issues)}
    for issue, shape in zip(issues, shapes, strict=True):
        if shape not in common:
            why.setdefault(issue.row, word("odd", language))
    return why


def _row_findings(sheet: Sheet) -> list[SheetFinding]:
    return [
        one
        for one in (*sheet.findings.of(Grade.QUESTION), *sheet.findings.of(Grade.NOTE))
        if one.row
    ]


def issue_values(issue: Issue) -> dict[str, str]:
    """Return everything that a certificate will say, by name."""
    fields = {
        name: text
        for name, text in issue.fields.items()
        if name not in (ISSUE_FIELD, EXPIRY_FIELD)  # They are the days below.
    }
    values = {"category": issue.entry.category, NUMBER: issue.number, **fields}
    values["issued"] = issue.issued.isoformat()
    values["expires"] = issue.expires.isoformat() if issue.expires else "–"
    if issue.replaces is not None:
        values["replaces"] = str(issue.replaces)
    if issue.holder_key is not None:
        values["holder_key"] = issue.holder_key
    if issue.papers:
        values["documents"] = ", ".join(
            f"{paper.name} ({paper.value['size']} B)" for paper in issue.papers
        )
    return values


def column_label(name: str, language: str) -> str:
    """Return the label of a value in a language."""
    own = own_columns().get(name)
    if own is not None:
        return own.label_zh if language == "zh" else own.en[0]
    return label_zh(name) if language == "zh" else label_en(name)


# The page ---------------------------------------------------------------------------------------

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem}table{border-collapse:collapse;margin:1rem"
    " 0}td,th{border:1px solid #bbb;padding:.25rem .5rem;text-align:left;vertical-align:top}th{back"
    "ground:#eee}@media print{body{margin:0}}@media (prefers-color-scheme:dark){body{background:#11"
    "1;color:#eee}th{background:#333}}"
)


def _page(preview: Preview) -> str:
    language = preview.language
    title = html.escape(word("title", language))
    fields = preview.fields()
    facts = "".join(_line("th", "td", pair) for pair in preview.facts)
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in preview.notes)
    columns = "".join(_line("td", "td", column) for column in preview.columns)
    head = (word("row", language), word("why", language))
    labels = [column_label(name, language) for name in fields]
    header = "".join(f"<th>{html.escape(text)}</th>" for text in (*head, *labels))
    rows = "".join(
        _line("th", "td", (str(row.row), row.why, *(row.values.get(name, "") for name in fields)))
        for row in preview.rows
    )
    parts = [
        f"<table>{facts}</table>",
        f"<h2>{html.escape(word('notes', language))}</h2><ul>{notes}</ul>" if notes else "",
        f"<h2>{html.escape(word('columns', language))}</h2><table>{columns}</table>",
        f"<h2>{html.escape(word('sealed_as', language))}</h2>",
        f"<table><tr>{header}</tr>{rows}</table>",
    ]
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>{''.join(parts)}</body></html>\n"
    )


def _line(first: str, other: str, cells: Sequence[str]) -> str:
    tags = [first, *[other] * (len(cells) - 1)]
    inside = "".join(
        f"<{tag}>{html.escape(cell)}</{tag}>" for tag, cell in zip(tags, cells, strict=True)
    )
    return f"<tr>{inside}</tr>"
