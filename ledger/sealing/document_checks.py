"""The documents that rows of a sheet name: each there, what it is named, and one row's own."""

from __future__ import annotations

from dataclasses import dataclass, field

from certledger.ledger.sealing import value_kinds
from certledger.ledger.sealing.access_codes import CellReport
from certledger.ledger.sealing.attachments import Paper, Papers, PaperUnusableError
from certledger.ledger.sheets.findings import Findings
from certledger.ledger.sheets.reader import LIST_MARK

DOCUMENTS = "documents"


@dataclass(kw_only=True, slots=True)
class DocumentChecks:
    """Checks the documents of one sheet's rows, one after the other."""

    papers: Papers
    _rows: dict[str, int] = field(default_factory=dict)
    _contents: dict[object, tuple[int, str]] = field(default_factory=dict)

    def read(self, listed: str, row: int, report: CellReport) -> tuple[Paper, ...]:
        """Return the documents that a row lists."""
        found = []
        names = listed.replace("；", LIST_MARK).split(LIST_MARK)
        for name in filter(None, map(str.strip, names)):
            try:
                paper = self.papers.find(name)
            except PaperUnusableError as error:
                known = {value_kinds.DOCUMENT_NAME.code: value_kinds.DOCUMENT_NAME}
                kind = known.get(error.code, value_kinds.DOCUMENT_MISSING)
                report(DOCUMENTS, kind, why=error)
                continue
            self._check(name, paper, row, report)
            found.append(paper)
        return tuple(found)

    def _check(self, name: str, paper: Paper, row: int, report: CellReport) -> None:
        if paper.value["size"] == 0:
            report(DOCUMENTS, value_kinds.DOCUMENT_EMPTY, name=name)
            return
        if not paper.is_what_it_is_named:
            report(DOCUMENTS, value_kinds.DOCUMENT_NO_PDF, name=name)
        first = self._rows.setdefault(name, row)
        before, other = self._contents.setdefault(paper.value["sha256"], (row, name))
        if first != row:
            report(DOCUMENTS, value_kinds.DOCUMENT_SHARED, name=name, first=first)
        elif other != name:
            report(DOCUMENTS, value_kinds.DOCUMENT_SAME, name=name, first=before, other=other)

    def check_unnamed(self, findings: Findings) -> None:
        """Ask about PDFs in the folder that no row names, where any row names documents."""
        if self._rows or self.papers.is_asked_for:
            for name in self.papers.unnamed():
                findings.report(value_kinds.DOCUMENT_UNNAMED, 0, DOCUMENTS, name=name)
