"""Sheets that were once sealed into something else than their owners meant, each as a file.

They lie beside the checkout, with what must come of each in a table; without them nothing is run.
"""

import csv
from pathlib import Path

import pytest

from tests.ledger.sheets.desk import Outcome, judge

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "faults" / "sheets"
EXPECTED = FOLDER / "expected.csv"

if not EXPECTED.exists():
    pytest.skip("the sheets are not beside the checkout", allow_module_level=True)

with EXPECTED.open(encoding="utf-8", newline="") as table:
    ROWS = {row["sheet"]: row["outcome"] for row in csv.DictReader(table)}

# What stops each sheet, by place and code; a sheet that is not here is sealed as it is.
STOPS: dict[str, list[tuple[str, str]]] = {
    "08_slightly_off.csv": [
        ("A1", "sheet.header_spelling"), ("B1", "sheet.header_spelling"),
        ("C1", "sheet.header_spelling"),
    ],
    "11_dates.csv": [("H7", "sheet.date"), ("G6", "sheet.date_serial")],
    "13_scientific.csv": [
        ("D2", "sheet.digits_lost"), ("D3", "sheet.digits_lost"), ("D4", "sheet.digits_lost"),
    ],
    "15_wrong_check.csv": [
        ("D2", "identity.invalid"), ("D5", "identity.invalid"), ("D6", "identity.invalid"),
        ("D4", "identity.old_form"),
    ],
    "18_dup.csv": [("B3", "edition.twice_in_sheet")],
    "31_dates.xlsx": [("G3", "sheet.date_serial")],
    "33_merged.xlsx": [
        ("G3", "sheet.cell_merged"), ("G4", "sheet.cell_merged"), ("H3", "sheet.cell_merged"),
        ("H4", "sheet.cell_merged"),
        ("G3", "sheet.cell_merged_shared"), ("H3", "sheet.cell_merged_shared"),
    ],
    "37_formula_nocache.xlsx": [("B2", "sheet.cell_formula"), ("F3", "sheet.cell_formula")],
    "42_old.xls": [("", "sheet.file_kind")],
    "d_num.xlsx": [
        ("D2", "sheet.digits_lost"), ("B5", "sheet.cell_shown_differs"),
        ("B7", "sheet.cell_number"), ("F8", "sheet.cell_shown_differs"),
        ("F8", "sheet.numeral"),
    ],
    "e_missingcol.csv": [("id_number", "sheet.column_missing")],
    "g_swapped.csv": [("C2", "sheet.columns_swapped")],
    "i_mojibake.csv": [
        ("B2", "text.mojibake"), ("C2", "text.mojibake"), ("E2", "text.mojibake"),
    ],
}  # fmt: skip
SENTENCES = {
    "08_slightly_off.csv": ["'Category'", "'category'", "'holder name'", "'holder_name'"],
    "11_dates.csv": ["46331 looks like the serial number of a day, 2026-11-05"],
    "18_dup.csv": ["第0001号 stands in rows 2 and 3 of this sheet"],
    "20d_title.csv": ["上海市示例园林协会培训证书发放表"],
    "33_merged.xlsx": ["G2:G4", "H2:H4", "do all of their rows share it"],
    "35_hidden_sheet.xlsx": ["worksheet 草稿 (hidden) is left out"],
    "42_old.xls": ["save it as .xlsx"],
    "d_num.xlsx": ["shows 00123 but holds 123", "shows 85% but holds 0.85", "15 digits"],
    "i_mojibake.csv": ["张示例", "园林绿化工", "沪园训字〔2026〕第0001号"],
}
READ = {"02_gbk.csv": "GB18030", "04_utf16.csv": "UTF-16"}


def outcome_of(name: str, **options: object) -> Outcome:
    return judge(FOLDER / name, **options)  # type: ignore[arg-type]  # options of a table


@pytest.mark.parametrize("name", ROWS)
def test_a_known_sheet_gives_what_its_table_says(name: str) -> None:
    outcome = outcome_of(name)
    assert outcome.stops() == STOPS.get(name, [])
    # The one question of a sheet of dates stops it until it is answered.
    assert outcome.word == ("question" if name == "31_dates.xlsx" else ROWS[name])
    for text in SENTENCES.get(name, []):
        assert text in outcome.sentences()
    assert all(one.sentence("zh") and one.sentence("en") for one in outcome.findings.items)
    if name in READ:
        assert outcome.sheet is not None
        assert outcome.sheet.form == READ[name]


@pytest.mark.parametrize("name", [name for name, outcome in ROWS.items() if outcome == "sealed"])
def test_a_known_sheet_that_may_be_sealed_gives_what_people_see(name: str) -> None:
    outcome = outcome_of(name, accept={"sheet.date_serial"})
    assert outcome.word == "sealed"
    assert [issue.number for issue in outcome.issues] == [
        f"沪园训字〔2026〕第{number:04d}号" for number in range(1, len(outcome.issues) + 1)
    ]
    assert len(outcome.issues) == {"31_dates.xlsx": 5, "10_trailing_space.csv": 2}.get(name, 3)
    for issue in outcome.issues:
        assert (issue.fields["holder_name"], issue.fields["id_number"]) == (
            "张示例", "310101199003071230",
        )  # fmt: skip
        assert (str(issue.issued), str(issue.expires)) == ("2026-11-05", "2028-11-04")
