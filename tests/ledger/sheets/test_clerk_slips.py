"""Slips of clerks in sheets of any form: what is probably not meant is asked about at its cell."""

from datetime import date
from pathlib import Path

import pytest

from certledger.ledger.reference_data.identifiers import compute_identity_check
from certledger.ledger.sealing.access_codes import LinkAddresses
from certledger.verifier.formats.record import access_code, normal_code, printed_code
from certledger.verifier.formats.short_link import ShortLink
from tests.ledger.sheets.desk import HEADER, IDENTITY, TODAY, judge, line


def person(day: int) -> str:
    first = f"3101011990{1 + day // 28:02d}{1 + day % 28:02d}123"
    return first + compute_identity_check(first)


def people(count: int, **changes: dict[int, str]) -> list[str]:
    """Return rows of people with two posts in turn; `changes` are cells by row."""
    rows = []
    for place in range(1, count + 1):
        values = {
            "holder_name": f"张{chr(0x4E00 + place)}",
            "id_number": person(place),
            "post_name": ("园林绿化工", "花卉工")[place % 2],
        }
        given = {name: cells[place] for name, cells in changes.items() if place in cells}
        rows.append(line(place, **{**values, **given}))
    return rows


def sheet(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "s.csv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    return path


# Days -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expires", "expired"), [("2026-11-29", True), ("2026-11-30", False), ("2026-12-01", False)]
)
def test_a_certificate_that_is_expired_already_is_asked_about(
    expires: str, expired: bool, tmp_path: Path
) -> None:
    assert date(2026, 11, 30) == TODAY
    outcome = judge(sheet(tmp_path, line(1, issued="2026-11-01", expires=expires)))
    assert outcome.stops() == ([("H2", "sheet.date_expired")] if expired else [])


# Cells in the wrong places ----------------------------------------------------------------------


def test_one_row_with_name_and_post_swapped_is_found_in_a_long_sheet(tmp_path: Path) -> None:
    rows = people(40, holder_name={17: "园林绿化工"}, post_name={17: "李示例"})
    outcome = judge(sheet(tmp_path, *rows))
    assert outcome.stops() == [("C18", "sheet.cells_misplaced")]
    assert "other rows have '园林绿化工' in post_name" in outcome.sentences()


def test_a_post_in_place_of_a_name_is_found_where_the_post_is_empty(tmp_path: Path) -> None:
    rows = people(8, holder_name={3: "花卉工", 5: "园林绿化工"}, post_name={3: "", 5: "李示例"})
    assert judge(sheet(tmp_path, *rows)).stops() == [
        ("C4", "sheet.cells_misplaced"), ("C6", "sheet.cells_misplaced")
    ]  # fmt: skip


def test_names_and_posts_that_are_merely_alike_are_not_asked_about(tmp_path: Path) -> None:
    # A holder named like a post that stands in the sheet once; and one person in many rows.
    rows = people(6, holder_name={2: "金工"}, post_name={4: "金工"})
    assert judge(sheet(tmp_path, *rows)).word == "sealed"
    same = [line(place) for place in range(1, 5)]
    assert judge(sheet(tmp_path, *same)).word == "sealed"


# Numbers ----------------------------------------------------------------------------------------


def test_the_holders_identity_number_for_a_certificate_number_is_asked_about(
    tmp_path: Path,
) -> None:
    assert judge(sheet(tmp_path, line(1, number=IDENTITY))).stops() == [
        ("B2", "number.is_identity")
    ]
    header = "category,number,holder_name,id_number,issued,expires"
    card = f"ID-RESIDENT,{IDENTITY},张示例,{IDENTITY},2026-11-05,2036-11-04"
    outcome = judge(
        sheet(tmp_path, card, header=header),
        categories=["ID-RESIDENT"],
        accept={"sheet.column_missing"},
    )
    assert outcome.word == "sealed", outcome.sentences()


# Codes and links --------------------------------------------------------------------------------

CODES = [access_code(bytes((place * 37 + at * at * 11) % 256 for at in range(10)))
         for place in range(1, 4)]  # fmt: skip


class Used:
    """Codes of earlier batches."""

    def find(self, codes: object) -> dict[str, tuple[int, str]]:
        """Return the second one."""
        return {CODES[1]: (7, "旧证1")}


def test_a_code_of_an_earlier_batch_is_a_fault_at_its_cell(tmp_path: Path) -> None:
    rows = [f"{line(place)},{printed_code(code)}" for place, code in enumerate(CODES, 1)]
    path = sheet(tmp_path, *rows, header=f"{HEADER},access_code")
    outcome = judge(path, used_codes=Used())
    assert outcome.stops() == [("I3", "access_code.used")]
    assert "that of 旧证1 in batch 7" in outcome.sentences()


ADDRESS, OTHER = "https://certledger.example", "https://other.example"


@pytest.mark.parametrize(
    ("links", "addresses", "codes"),
    [
        ((ADDRESS, ADDRESS), LinkAddresses(drawn_for=ADDRESS), []),
        ((ADDRESS, "HTTPS://CERTLEDGER.example:443"), LinkAddresses(drawn_for=ADDRESS), []),
        ((ADDRESS, OTHER), LinkAddresses(drawn_for=ADDRESS), [("J3", "link.address")]),
        ((ADDRESS, OTHER), LinkAddresses(drawn_for=ADDRESS, server=OTHER), []),
        (("http://certledger.example", ADDRESS), LinkAddresses(drawn_for=ADDRESS),
         [("J2", "link.address")]),
        (("https://certledger.example.evil.example", "https://certledger.example:8443"),
         LinkAddresses(drawn_for=ADDRESS), [("J2", "link.address"), ("J3", "link.address")]),
        (("", ADDRESS), LinkAddresses(drawn_for=ADDRESS), [("J2", "link.address")]),
        ((OTHER, OTHER), LinkAddresses(), [("J2", "link.address_unknown")]),
        ((OTHER, ADDRESS), LinkAddresses(server=ADDRESS), [("J2", "link.address_unknown")]),
        ((OTHER, ADDRESS), None, []),
    ],
)  # fmt: skip
def test_links_lead_to_the_service_that_codes_were_drawn_for(
    links: tuple[str, str],
    addresses: LinkAddresses | None,
    codes: list[tuple[str, str]],
    tmp_path: Path,
) -> None:
    rows = []
    for place, address in enumerate(links, 1):
        number = f"沪园训字〔2026〕第{place:04d}号"
        link = ShortLink(number=None, code=normal_code(CODES[place - 1])).format(ADDRESS)
        assert number in line(place)
        link = link.replace(f"{ADDRESS}/v", f"{address}/v" if address else "")
        rows.append(f"{line(place)},{printed_code(CODES[place - 1])},{link}")
    path = sheet(tmp_path, *rows, header=f"{HEADER},access_code,short_link")
    assert judge(path, addresses=addresses).stops() == codes


# Series -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "values", "at"),
    [
        ("issued", [f"2026-11-{day:02d}" for day in range(1, 9)], ["G2"]),
        ("expires", [f"2028-11-{day:02d}" for day in range(1, 5)] * 2, []),
        ("training_hours", [str(40 + place) for place in range(8)], ["F2"]),
        ("training_hours", ["40", "40", "41", "42", "43", "44", "40", "40"], ["F3"]),
        ("training_hours", ["40", "41", "40", "42", "43", "45", "40", "40"], []),
    ],
)
def test_values_that_go_up_by_one_a_row_are_asked_about(
    column: str, values: list[str], at: list[str], tmp_path: Path
) -> None:
    days = dict(enumerate(values, 1))
    rows = people(8, **{"expires": dict.fromkeys(range(1, 9), "2028-10-31"), column: days})
    outcome = judge(sheet(tmp_path, *rows))
    assert outcome.stops() == [(cell, "sheet.dragged_down") for cell in at], outcome.sentences()


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"issued": {7: "2016-11-05"}, "expires": {7: "2018-11-04"}},
         [("G8", "sheet.date_outlier"), ("H8", "sheet.date_expired")]),
        ({"expires": {7: "2027-11-04"}}, [("H8", "sheet.date_outlier")]),
        ({"issued": {7: "2026-10-05"}, "expires": {7: "2028-10-04"}}, []),
    ],
)  # fmt: skip
def test_days_that_nearly_all_others_are_not_are_asked_about(
    changes: dict[str, dict[int, str]], at: list[tuple[str, str]], tmp_path: Path
) -> None:
    outcome = judge(sheet(tmp_path, *people(12, **changes)), accept={"number.year_differs"})
    assert outcome.stops() == at, outcome.sentences()


@pytest.mark.parametrize(
    ("changes", "stops"),
    [
        ({"number": "沪园训字〔2027〕第1号"}, [("B2", "number.year_differs")]),
        ({"number": "沪园训字（2025）第1号"}, []),
        ({"number": "沪园训字(2062)第1号"}, [("B2", "number.year_differs")]),
        ({"issued": "2026-11-04 16:00:00"}, [("G2", "sheet.date_utc")]),
        ({"issued": "2026-11-04 16:30:00"}, []),
        ({"post_name": IDENTITY}, [("E2", "text.is_code")]),
        ({"holder_name": "张示例等3人"}, [("C2", "name.doubtful")]),
        ({"holder_name": "张示例先生"}, [("C2", "name.doubtful")]),
        ({"holder_name": "姓名：张示例"}, [("C2", "name.doubtful")]),
        ({"holder_name": "“张示例”"}, [("C2", "name.doubtful")]),
        *[
            ({"holder_name": name}, [("C2", "name.doubtful")])
            for name in ("张", "张3例", "张示例.", "张示例①", "张示例😀", "买买提.艾力", "`张示例")
        ],
        ({"holder_name": "张 示 例"}, [("C2", "text.inner_blank")]),
        ({"holder_name": "本人"}, [("C2", "sheet.placeholder")]),
        ({"post_name": "见附件"}, [("E2", "sheet.placeholder")]),
        ({"post_name": "???"}, [("E2", "sheet.placeholder")]),
        ({"post_name": "@VLOOKUP(A1)"}, [("E2", "sheet.cell_formula")]),
        *[
            ({"number": number}, [("B2", "number.doubtful")])
            for number in (
                "021-12345678",
                "000",
                "0001至0010",
                "第0001号(2)",
                "“沪园1”",
                "编号：0001",
                "a1@b.cn",
                "第0001号副本",
                "第0001号（作废）",
                "第XXXX1号",
                "待编1",
                "第___1号",
            )
        ],
        *[({"number": number}, []) for number in ("2026-0001", "沪-1", "XX0001", "SL-2026-001")],
        *[({"holder_name": name}, []) for name in ("欧阳示例", "买买提·艾力", "Li Shili", "李示")],
        ({"training_hours": "$40"}, [("F2", "sheet.numeral")]),
        ({"training_hours": "040"}, [("F2", "sheet.numeral")]),
    ],
)
def test_slips_in_one_cell_are_asked_about(
    changes: dict[str, str], stops: list[tuple[str, str]], tmp_path: Path
) -> None:
    outcome = judge(sheet(tmp_path, line(1, **changes)))
    assert outcome.stops() == stops, outcome.sentences()
