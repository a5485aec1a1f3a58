"""Processor time and memory of `certledger seal` for a sheet of 100,000 rows, CSV and XLSX."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl

from bench.report import Row, at_most
from certledger.ledger.issuer.catalogs import catalog_of
from certledger.ledger.issuer.folder import IssuerFolder, Profile
from certledger.ledger.reference_data import load_domain
from certledger.ledger.reference_data.identifiers import compute_identity_check
from certledger.verifier.vocabulary import IssuerKind

MAX_CPU_SECONDS, MAX_MEGABYTES = 45, 250
HEADER = (
    "category", "number", "holder_name", "id_number", "post_name", "training_hours", "issued",
    "expires",
)  # fmt: skip
NAMES = "赵钱孙李周吴郑王冯陈"
ACCEPTED = ("sheet.digits_maybe_lost", "identity.two_names")
PASSPHRASE = "p"


def certificates(count: int) -> Iterator[tuple[str, ...]]:
    """Yield rows with a number, a name and an identity number of their own."""
    for at in range(count):
        first = f"310101{1950 + at % 50}{1 + at % 12:02d}{1 + at % 28:02d}{at // 1000 % 1000:03d}"
        yield (
            "AS-TRAINING", f"沪园训字〔2026〕第{at:06d}号",
            f"{NAMES[at % 10]}示{chr(0x4E00 + at % 5000)}", first + compute_identity_check(first),
            "园林绿化工", "40", "2026-11-05", "2028-11-04",
        )  # fmt: skip


def write_csv(path: Path, count: int) -> None:
    """Write a CSV file of `count` rows."""
    lines = (",".join(row) for row in (HEADER, *certificates(count)))
    path.write_text("\n".join(lines), encoding="utf-8")


def write_xlsx(path: Path, count: int) -> None:
    """Write a workbook of `count` rows."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("sheet")
    for row in (HEADER, *certificates(count)):
        sheet.append(row)
    book.save(path)


def seal(folder: Path, sheet: Path) -> tuple[float, float]:
    """Return processor seconds and peak megabytes of sealing a sheet."""
    issuer = folder / f"issuer-{sheet.stem}"
    profile = Profile(
        issuer="51310000XX0000135H",
        kind=IssuerKind.ASSOCIATION,
        name="示例协会",
        ledger=bytes(32),
    )
    made = IssuerFolder.create(issuer, profile, PASSPHRASE, work=16)
    made.save_catalog(catalog_of(load_domain(), ["AS-TRAINING"]))
    accepted = [word for code in ACCEPTED for word in ("--accept", code)]
    command = [
        sys.executable, "-m", "certledger", "seal", str(sheet), "--yes", "--json", *accepted,
        "--body", str(issuer), "--out", str(folder / f"sealed-{sheet.stem}"),
    ]  # fmt: skip
    environment = {**os.environ, "CERTLEDGER_PASSPHRASE": PASSPHRASE}
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise RuntimeError(f"certledger seal ended with {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def rows(quick: bool) -> list[Row]:
    """Return processor time and memory; the baseline is a sheet of one row."""
    count = 2_000 if quick else 100_000
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, write in (("csv", write_csv), ("xlsx", write_xlsx)):
            one, all_rows = folder / f"one.{kind}", folder / f"all.{kind}"
            write(one, 1)
            write(all_rows, count)
            (least, bare), (cpu, memory) = (
                seal(folder / kind / "one", one),
                seal(folder / kind / "all", all_rows),
            )
            figures = (
                ("cpu", cpu, least, "s", MAX_CPU_SECONDS),
                ("memory", memory, bare, "MB", MAX_MEGABYTES),
            )
            for what, value, baseline, unit, most in figures:
                found.append(
                    Row(
                        name=f"seal_{count}_rows_{kind}_{what}",
                        value=value,
                        unit=unit,
                        baseline=baseline,
                        ratio=value / baseline,
                        target=at_most(most) if kind == "csv" or what == "memory" else None,
                    )
                )
    return found
