"""Write a sheet that an issuer of the demo could seal next, to try the tools."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from certledger.ledger.samples.generator import SampleCertificate
from certledger.verifier.files import write_atomically

ROWS = 3


def write_example(folder: Path, home: Path, sample: SampleCertificate) -> None:
    """Write `sheet.csv`, old fields under new numbers, and `body`, the path of its issuer."""
    folder.mkdir(exist_ok=True)
    fields = [name for name in sample.fields if name != "certificate_number"]
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(["category", "number", "issued", "expires", *fields])
    for row in range(1, ROWS + 1):
        expires = "" if sample.expiry_date is None else sample.expiry_date.isoformat()
        sheet.writerow(
            [
                sample.category.code,
                f"{sample.number}-{row}",
                sample.issue_date.isoformat(),
                expires,
                *[sample.fields[name] for name in fields],
            ]
        )
    write_atomically(folder / "sheet.csv", text.getvalue().encode())
    issuer_folder = home / "bodies" / sample.issuer.uscc
    write_atomically(folder / "body", str(issuer_folder).encode())
