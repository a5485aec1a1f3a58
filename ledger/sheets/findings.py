"""Findings in a sheet: grade, code, place, and a sentence in Chinese and English."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from certledger.verifier.errors import CertledgerError, ExitStatus

MAX_STORED_PER_KIND = 1_000
"""Findings of one kind that are stored with their places; more are counted."""
MAX_SHOWN_PER_KIND = 20
"""Findings of one kind that are printed for people."""
MAX_SHOWN_CHARACTERS = 60
"""Characters of a cell that a sentence quotes."""
LANGUAGES = ("zh", "en")


class Grade(StrEnum):
    """What a finding does: a fault stops sealing, a question stops it until it is accepted."""

    FAULT = "fault"
    QUESTION = "question"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class FindingKind:
    """A kind of finding: stable code, grade, and its sentence in both languages.

    `zh` and `en` are templates; the names in braces are the values of a finding.
    """

    code: str
    grade: Grade
    zh: str
    en: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetFinding:
    """One finding and its place.

    Attributes:
        file: name of the file.
        worksheet: name of the worksheet; empty where the file has none.
        row: row of the sheet, or line of a JSON lines file, from 1; 0 for the whole sheet.
        column: header of the column as it is in the sheet; empty for the whole row.
        cell: reference like B5; empty where there is no single cell.
    """

    kind: FindingKind
    file: str
    worksheet: str = ""
    row: int = 0
    column: str = ""
    cell: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The stable code."""
        return self.kind.code

    @property
    def reason(self) -> str:
        """The sentence in English."""
        return self.sentence("en")

    def sentence(self, language: str) -> str:
        """Return the sentence without the place."""
        template = self.kind.zh if language == "zh" else self.kind.en
        return template.format_map(self.values)

    def place(self, language: str) -> str:
        """Return the place for people."""
        parts = [self.file]
        if self.worksheet:
            parts.append(
                f"“{self.worksheet}”" if language == "zh" else f"worksheet {self.worksheet}"
            )
        if self.row:
            parts.append(f"第 {self.row} 行" if language == "zh" else f"row {self.row}")
        if self.column:
            name = " ".join(self.column.split())
            parts.append(f"“{name}”列" if language == "zh" else f"column {name}")
        if self.cell:
            parts.append(f"({self.cell})")
        return " ".join(parts)

    def line(self, language: str) -> str:
        """Return place, sentence and code."""
        if language == "zh":
            return f"{self.place('zh')}：{self.sentence('zh')}（{self.code}）"
        return f"{self.place('en')}: {self.sentence('en')} ({self.code})"

    def to_json(self, language: str = "en") -> dict[str, str | int]:
        """Return the finding for a program; `reason` in the language."""
        return {
            "cell": self.cell,
            "code": self.code,
            "column": self.column,
            "file": self.file,
            "grade": str(self.kind.grade),
            "reason": self.sentence(language),
            "row": self.row,
            "worksheet": self.worksheet,
        }

    def __str__(self) -> str:
        return self.line("en")


class SheetInvalidError(CertledgerError):
    """A sheet has faults or questions not accepted; nothing of it is sealed.

    `faults` and `questions` have the findings with their places, at most 1,000 of each kind.
    """

    code = "sheet.invalid"
    exit_status = ExitStatus.UNUSABLE

    def __init__(self, findings: Findings, language: str = "en") -> None:
        self.findings, self.language = findings, language
        self.faults = findings.of(Grade.FAULT)
        self.questions = findings.open_questions()
        if not self.faults:
            self.code = "sheet.questions"
        super().__init__(_message(findings, self.faults, self.questions, language))

    def in_language(self, language: str) -> SheetInvalidError:
        """Return the same refusal with its sentences in a language."""
        return SheetInvalidError(self.findings, language)

    def to_json(self) -> dict[str, Any]:
        """Return code and sentence with the place of every fault and question."""
        return {
            **super().to_json(),
            "faults": [one.to_json(self.language) for one in self.faults],
            "questions": [one.to_json(self.language) for one in self.questions],
        }


@dataclass(kw_only=True, slots=True)
class Findings:
    """Gathers what is found in one file, in one round.

    `accepted` are the codes of questions that the issuer has answered with yes.
    """

    file: str
    worksheet: str = ""
    accepted: Collection[str] = frozenset()
    items: list[SheetFinding] = field(default_factory=list)
    counts: Counter[FindingKind] = field(default_factory=Counter)

    def report(
        self,
        kind: FindingKind,
        row: int = 0,
        column: str = "",
        cell: str = "",
        /,
        **values: object,
    ) -> None:
        """Add a finding; values that are quoted are cut to a bounded length."""
        self.counts[kind] += 1
        if self.counts[kind] > MAX_STORED_PER_KIND:
            return
        self.items.append(
            SheetFinding(
                kind=kind,
                file=self.file,
                worksheet=self.worksheet,
                row=row,
                column=shorten(column),
                cell=cell,
                values={name: shorten(str(value)) for name, value in values.items()},
            )
        )

    def fail(
        self, kind: FindingKind, row: int = 0, column: str = "", /, **values: object
    ) -> SheetInvalidError:
        """Return the refusal of the whole file, for a fault that ends the reading."""
        self.report(kind, row, column, "", **values)
        return SheetInvalidError(self)

    def accepts(self, kind: FindingKind) -> bool:
        """Whether the issuer has answered this kind of question with yes."""
        return kind.code in self.accepted

    def of(self, grade: Grade) -> tuple[SheetFinding, ...]:
        """Return the findings of a grade in the order of their places."""
        return tuple(sorted((one for one in self.items if one.kind.grade is grade), key=_order))

    def open_questions(self) -> tuple[SheetFinding, ...]:
        """Return the questions that are not accepted."""
        return tuple(one for one in self.of(Grade.QUESTION) if one.code not in self.accepted)

    def answered(self) -> list[str]:
        """Return the codes of questions that arose and were accepted, sorted."""
        asked = {kind.code for kind in self.counts if kind.grade is Grade.QUESTION}
        return sorted(asked & set(self.accepted))

    def has_fault(self) -> bool:
        """Whether any fault was found."""
        return any(kind.grade is Grade.FAULT for kind in self.counts)

    def raise_any(self) -> None:
        """Raise the refusal if there is a fault or an open question.

        Raises:
            SheetInvalidError: with all of them.
        """
        if self.has_fault() or self.open_questions():
            raise SheetInvalidError(self)


def shorten(text: str) -> str:
    """Return text for a sentence: on one line, printable, of a bounded length."""
    plain = "".join(
        one if one.isprintable() else f"<U+{ord(one):04X}>"
        for one in text[: MAX_SHOWN_CHARACTERS + 1]
    )
    return plain if len(plain) <= MAX_SHOWN_CHARACTERS else plain[:MAX_SHOWN_CHARACTERS] + "…"


def _order(finding: SheetFinding) -> tuple[object, ...]:
    return finding.file, finding.row, finding.column, finding.code, sorted(finding.values.items())


def _message(
    findings: Findings,
    faults: Sequence[SheetFinding],
    questions: Sequence[SheetFinding],
    language: str,
) -> str:
    kinds = {one.kind for one in (*faults, *questions)}
    total = {
        grade: sum(findings.counts[kind] for kind in kinds if kind.grade is grade)
        for grade in Grade
    }
    lines = [_headline(total[Grade.FAULT], total[Grade.QUESTION], language)]
    shown: Counter[FindingKind] = Counter()
    for one in (*faults, *questions):
        shown[one.kind] += 1
        if shown[one.kind] <= MAX_SHOWN_PER_KIND:
            lines.append(("? " if one.kind.grade is Grade.QUESTION else "") + one.line(language))
    for kind in sorted(kinds, key=lambda kind: kind.code):
        more = findings.counts[kind] - min(shown[kind], MAX_SHOWN_PER_KIND)
        if more:
            lines.append(
                f"{kind.code}：另有 {more} 处" if language == "zh" else f"{kind.code}: {more} more"
            )
    if questions:
        options = " ".join(f"--accept {code}" for code in sorted({one.code for one in questions}))
        lines.append(
            f"问题须改正表格，或确认无误后以 {options} 对全表作答"
            if language == "zh"
            else f"correct the sheet, or answer the questions for all of it with {options}"
        )
    return "\n".join(lines)


def _headline(faults: int, questions: int, language: str) -> str:
    if language == "zh":
        counted = [f"{faults} 处错误"] * bool(faults) + [f"{questions} 个问题"] * bool(questions)
        return f"表格有{'、'.join(counted)}，未封存任何内容："
    counted = [
        f"{count} {name}" + ("s" if count != 1 else "")
        for count, name in ((faults, "fault"), (questions, "question"))
        if count
    ]
    return f"the sheet has {' and '.join(counted)}:"
