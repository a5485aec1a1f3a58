"""What the tests of the issuing tools share: a catalog, sheets, an issuer that seals."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from certledger.ledger.keys import signer_of
from certledger.ledger.sealing.attachments import Papers
from certledger.ledger.sealing.batch import Head, SealedBatch, seal_issues
from certledger.ledger.sealing.issue import CheckContext, Issue, IssuedCertificates, IssuedEdition
from certledger.ledger.sealing.row_checks import check_rows
from certledger.ledger.sheets.reader import SheetRow
from certledger.verifier.formats.catalog import Catalog, Entry
from certledger.verifier.formats.statements import ledger_identity
from certledger.verifier.vocabulary import EntryKind, HolderKind


class NothingIssued:
    """An issuer that has issued nothing yet."""

    def newest(self, category: str, number: str) -> IssuedEdition | None:
        """Return None."""
        return None


ISSUER = "11310000XX00000196"
LEDGER = ledger_identity(7, bytes(range(20)), bytes(range(32)))
NOW = 1_795_000_000
TODAY = date(2026, 11, 30)
SECRET = bytes(range(32))
SEED = bytes(range(100, 132))
SIGNER = signer_of(bytes([7]) * 32)

LICENCE = Entry(
    category="BIZ-LICENCE",
    version=2,
    kind=EntryKind.LICENCE,
    holder=HolderKind.LEGAL,
    name_zh="营业执照",
    name_en="Business licence",
    fields=("certificate_number", "holder_name", "address", "scope", "issue_date", "expiry_date"),
    shown=("holder_name",),
    months=12,
    lag_days=30,
)
PROOF = Entry(
    category="PROOF-TAX",
    version=1,
    kind=EntryKind.PROOF,
    holder=HolderKind.NATURAL,
    name_zh="完税证明",
    name_en="Proof of tax paid",
    fields=("certificate_number", "holder_name", "amount_cny"),
    shown=("holder_name", "amount_cny"),
    months=None,
    lag_days=30,
)
CATALOG = Catalog.of([LICENCE, PROOF])

GOOD: Mapping[str, str] = {
    "category": "BIZ-LICENCE",
    "number": "沪示许 2026-1",
    "holder_name": "示例有限公司",
    "address": "上海市黄浦区示例路100号",
    "issued": "2026-11-01",
    "expires": "2027-10-31",
}


def row(line: int = 2, /, **changes: str | None) -> SheetRow:
    """Return a good row with some cells changed, or taken out where None."""
    cells = {**GOOD, **changes}
    return SheetRow(
        file="sheet.csv", number=line, cells={name: cell for name, cell in cells.items() if cell}
    )


def desk(
    folder: Path | None = None, issued: IssuedCertificates | None = None, first: int = 0
) -> CheckContext:
    return CheckContext(
        catalog=CATALOG,
        issued=issued or NothingIssued(),
        first=first,
        papers=Papers(folder=folder),
        current_day=TODAY,
    )


def issue(number: str = "A1", **changes: object) -> Issue:
    values: dict[str, object] = {
        "entry": LICENCE,
        "number": number,
        "fields": {"holder_name": "示例有限公司", "scope": '引号 " 与 \\'},
        "issued": date(2026, 11, 1),
        "expires": date(2027, 10, 31),
    }
    return Issue(**{**values, **changes})  # type: ignore[arg-type]  # built from a table


def sealed(issues: Sequence[Issue], head: Head | None = None) -> SealedBatch:
    return seal_issues(
        issues,
        catalog=CATALOG,
        head=head or Head(),
        issuer=ISSUER,
        secret=SECRET,
        seed=SEED,
        signer=SIGNER,
        now=NOW,
        identity=LEDGER,
    )


def row_of(cells: Mapping[str, str], *, file: str = "rows", number: int = 0) -> SheetRow:
    """Return a row that a program made, with the place to name in findings."""
    return SheetRow(
        file=file, number=number, cells={name: cell for name, cell in cells.items() if cell}
    )


def seal(
    rows: Sequence[SheetRow],
    *,
    catalog: Catalog,
    head: Head,
    documents: Papers | None = None,
    issued: IssuedCertificates | None = None,
    name: str | None = None,
    **options: Any,
) -> SealedBatch:
    """Return the batch of rows, checked and sealed."""
    context = CheckContext(
        catalog=catalog,
        issued=issued or NothingIssued(),
        first=head.first,
        papers=documents or Papers(),
        name=name,
        current_day=date.min,  # Some samples are expired on purpose.
    )
    return seal_issues(check_rows([*rows], context), catalog=catalog, head=head, **options)
