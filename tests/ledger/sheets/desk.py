"""One issuer's desk for tests of sheets: the catalog of an association, and what a sheet gives."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from certledger.ledger.issuer.catalogs import catalog_of
from certledger.ledger.reference_data import load_domain
from certledger.ledger.sealing.access_codes import CodeHistory, LinkAddresses
from certledger.ledger.sealing.attachments import Papers
from certledger.ledger.sealing.issue import CheckContext, Issue
from certledger.ledger.sealing.row_checks import review_rows
from certledger.ledger.sealing.sheet_columns import catalog_columns
from certledger.ledger.sheets.findings import Findings, Grade, SheetFinding, SheetInvalidError
from certledger.ledger.sheets.reader import Sheet, read_sheet
from tests.ledger.sealing.sheet_folder import NothingIssued

ISSUER_NAME = "上海市示例园林协会"
TODAY = date(2026, 11, 30)
NAMES = ("category", "number", "holder_name", "id_number", "post_name", "training_hours", "issued",
         "expires")  # fmt: skip
HEADER = ",".join(NAMES)
IDENTITY = "310101199003071230"


def cells(place: int = 1, /, **changes: object) -> list[object]:
    """Return the cells of a good row, some changed."""
    values: dict[str, object] = {
        "category": "AS-TRAINING",
        "number": f"沪园训字〔2026〕第{place:04d}号",
        "holder_name": "张示例",
        "id_number": IDENTITY,
        "post_name": "园林绿化工",
        "training_hours": "40",
        "issued": "2026-11-05",
        "expires": "2028-11-04",
        **changes,
    }
    return [values[name] for name in NAMES]


def line(place: int = 1, /, **changes: object) -> str:
    """Return a good row as a line of CSV, some cells changed."""
    return ",".join(map(str, cells(place, **changes)))


@dataclass(frozen=True)
class Outcome:
    """What a sheet gives: certificates, or findings that stop them."""

    issues: list[Issue]
    findings: Findings
    sheet: Sheet | None = None

    @property
    def word(self) -> str:
        """Sealed, question or fault."""
        if self.findings.has_fault():
            return "fault"
        return "question" if self.findings.open_questions() else "sealed"

    def places(self, *grades: Grade) -> list[tuple[str, str]]:
        """Return cell (or row, or column) and code of each finding of the grades, sorted."""
        found: list[SheetFinding] = [one for grade in grades for one in self.findings.of(grade)]
        return sorted((one.cell or str(one.row or one.column), one.code) for one in found)

    def stops(self) -> list[tuple[str, str]]:
        """Return the places of faults and open questions."""
        return self.places(Grade.FAULT) + sorted(
            (one.cell or str(one.row or one.column), one.code)
            for one in self.findings.open_questions()
        )

    def sentences(self, language: str = "en") -> str:
        """Return all findings with their places, one a line."""
        return "\n".join(one.line(language) for one in self.findings.items)


def judge(
    path: Path,
    *,
    accept: Collection[str] = (),
    categories: Collection[str] = ("AS-TRAINING",),
    tab: str | None = None,
    documents: Path | None = None,
    category: str | None = None,
    used_codes: CodeHistory | None = None,
    addresses: LinkAddresses | None = None,
) -> Outcome:
    """Read and check a sheet as `certledger seal` does, up to the signature."""
    catalog = catalog_of(load_domain(), categories)
    try:
        sheet = read_sheet(path, catalog_columns(catalog), tab=tab, accepted=frozenset(accept))
    except SheetInvalidError as refusal:
        return Outcome([], refusal.findings)
    context = CheckContext(
        catalog=catalog,
        issued=NothingIssued(),
        first=0,
        papers=Papers(folder=documents, is_asked_for=documents is not None),
        name=ISSUER_NAME,
        today=TODAY,
        current_day=TODAY,
        used_codes=used_codes,
        addresses=addresses,
        columns=set(sheet.named),
        category=category,
    )
    issues = review_rows(sheet.rows, context, sheet.findings)
    return Outcome(issues, sheet.findings, sheet)
