"""Loading the domain data: what is right goes in, and every fault is found where it stands."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certledger.ledger.reference_data import DomainInvalidError, FaultCode, load_domain
from certledger.ledger.reference_data.fields import label_en, label_zh, load_field_names
from certledger.ledger.reference_data.loader import PACKAGED
from certledger.ledger.reference_data.model import USCC_PREFIXES
from certledger.ledger.reference_data.schemas import FILES
from tests.effort import effort

SHARED = Path(__file__).resolve().parents[4] / "shared" / "domain"
NO_SHARED = "the domain data as handed over does not lie beside this checkout"

REGIONS = "regions.csv"
CATEGORIES = "categories.csv"
ITEMS = "service_items.csv"
MATERIALS = "materials.csv"
ISSUERS = "issuers.csv"
STATUS = "status_codes.csv"
DELTA = "delta_scenarios.csv"


@pytest.fixture
def folder(tmp_path):
    for name in FILES:
        shutil.copy(PACKAGED / name, tmp_path / name)
    return tmp_path


def edit(path: Path, line: int, column: str, value: str) -> None:
    """Put `value` into a cell without commas; line 1 is the header."""
    lines = path.read_text("utf-8").split("\n")
    cells = lines[line - 1].split(",")
    cells[lines[0].split(",").index(column)] = value
    lines[line - 1] = ",".join(cells)
    path.write_text("\n".join(lines), "utf-8")


def faults_of(folder: Path) -> list[tuple[str, int, str, FaultCode]]:
    with pytest.raises(DomainInvalidError) as refused:
        load_domain(folder)
    return [(f.file, f.line, f.column, f.code) for f in refused.value.faults]


def test_the_packaged_data_is_read_whole_and_once():
    domain = load_domain()

    assert load_domain() is domain
    assert len(domain.categories) == 900
    assert len(domain.items) == 1043
    assert sum(map(len, domain.materials.values())) == 3557
    assert {issuer.kind for issuer in domain.issuers.values()} == set(USCC_PREFIXES)
    assert domain.warnings == ()


def test_a_category_says_what_a_catalog_entry_needs():
    category = load_domain().categories["ID-RESIDENT"]

    assert category.must_show == ("certificate_number", "holder_name")
    assert (category.validity_months, category.max_age_days) == (240, 1)
    assert load_domain().categories["ID-HUKOU"].validity_months is None


@pytest.mark.skipif(not SHARED.is_dir(), reason=NO_SHARED)
@pytest.mark.parametrize("name", FILES)
def test_the_packaged_data_is_the_data_handed_over(name):
    assert (PACKAGED / name).read_bytes() == (SHARED / name).read_bytes()


@pytest.mark.skipif(not SHARED.is_dir(), reason=NO_SHARED)
def test_the_packaged_data_passes_the_check_that_came_with_it(folder):
    shutil.copy(SHARED / "check.py", folder)

    run = subprocess.run(
        [sys.executable, folder / "check.py"], capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("file", "line", "column", "value", "code"),
    [
        (CATEGORIES, 2, "code", "id-resident", FaultCode.FORM),
        (CATEGORIES, 3, "code", "ID-RESIDENT", FaultCode.DUPLICATE),
        (CATEGORIES, 2, "name_zh", "", FaultCode.EMPTY),
        (CATEGORIES, 2, "name_zh", " 居民身份证", FaultCode.TEXT),
        (CATEGORIES, 2, "name_zh", "居民\u200b身份证", FaultCode.TEXT),
        (CATEGORIES, 2, "name_zh", "e\u0301", FaultCode.TEXT),
        (CATEGORIES, 3, "name_zh", "居民身份证书", FaultCode.DUPLICATE),
        (CATEGORIES, 2, "name_en", "Carte d’identité", FaultCode.NOT_ASCII),
        (CATEGORIES, 2, "kind", "证书", FaultCode.VOCABULARY),
        (CATEGORIES, 2, "holder", "person", FaultCode.VOCABULARY),
        (CATEGORIES, 2, "validity_months", "0", FaultCode.FORM),
        (CATEGORIES, 2, "validity_months", "１２", FaultCode.FORM),
        (CATEGORIES, 2, "validity_months", "1e2", FaultCode.FORM),
        (CATEGORIES, 2, "validity_months", "", FaultCode.CONTRADICTION),
        (CATEGORIES, 2, "max_age_days", "01", FaultCode.FORM),
        (CATEGORIES, 2, "personal", "true", FaultCode.VOCABULARY),
        (CATEGORIES, 2, "personal", "no", FaultCode.CONTRADICTION),
        (CATEGORIES, 4, "fields", "certificate_number;Holder", FaultCode.FORM),
        (CATEGORIES, 4, "fields", "certificate_number", FaultCode.FORM),
        (CATEGORIES, 4, "fields", "holder_name;certificate_number", FaultCode.FIRST_FIELD),
        (CATEGORIES, 4, "fields", "certificate_number;a;b;a", FaultCode.REPEATED_FIELD),
        (ITEMS, 2, "online", "", FaultCode.EMPTY),
        (ITEMS, 2, "audience", "everyone", FaultCode.VOCABULARY),
        (MATERIALS, 2, "material_no", "x", FaultCode.FORM),
        (MATERIALS, 3, "material_no", "1", FaultCode.DUPLICATE),
        (MATERIALS, 4, "category_code", "NO-SUCH-CATEGORY", FaultCode.UNKNOWN),
        (MATERIALS, 3, "name_zh", "公司登记（备案）申请书", FaultCode.DUPLICATE),
        (MATERIALS, 4, "required", "maybe", FaultCode.VOCABULARY),
        (ISSUERS, 2, "uscc", "11310000XX00000197", FaultCode.CHECK_CHARACTER),
        (ISSUERS, 2, "uscc", "11310000XX0000019", FaultCode.FORM),
        (ISSUERS, 2, "uscc", "11310000IX00000196", FaultCode.FORM),
        (ISSUERS, 2, "kind", "association", FaultCode.PREFIX),
        (ISSUERS, 2, "kind", "operator", FaultCode.VOCABULARY),
        (ISSUERS, 2, "region_code", "310115", FaultCode.REGION),
        (ISSUERS, 2, "region_code", "999999", FaultCode.UNKNOWN),
        (ISSUERS, 3, "name_zh", "上海市公安局", FaultCode.DUPLICATE),
        (STATUS, 2, "status", "revoked", FaultCode.PREFIX),
        (STATUS, 2, "code", "X00", FaultCode.FORM),
        (DELTA, 2, "verifying_region", "999999", FaultCode.UNKNOWN),
        (DELTA, 2, "issuing_region", "320000", FaultCode.REGION),
        (DELTA, 2, "category_code", "NO-SUCH-CATEGORY", FaultCode.UNKNOWN),
        (DELTA, 2, "category_code", "ID-HUKOU", FaultCode.UNKNOWN),
        (DELTA, 2, "service_item_code", "NO-SUCH-ITEM", FaultCode.UNKNOWN),
        (REGIONS, 6, "level", "town", FaultCode.VOCABULARY),
        (REGIONS, 6, "parent", "320000", FaultCode.REGION),
        (REGIONS, 6, "parent", "", FaultCode.REGION),
    ],
)
def test_a_faulty_cell_is_reported_where_it_stands(folder, file, line, column, value, code):
    edit(folder / file, line, column, value)

    place = column if (file, column, code) != (STATUS, "status", FaultCode.PREFIX) else "code"
    if code is FaultCode.PREFIX and file == ISSUERS:
        place = "uscc"
    assert (file, line, place, code) in faults_of(folder)


@pytest.mark.parametrize(
    ("change", "line", "code"),
    [
        (lambda raw: b"\xef\xbb\xbf" + raw, 1, FaultCode.BYTE_ORDER_MARK),
        (lambda raw: raw.replace(b"\n", b"\r\n", 1), 1, FaultCode.LINE_END),
        (lambda raw: raw[:-1], 21, FaultCode.LINE_END),
        (lambda raw: raw.replace(b"V01", b"V0\xff"), 3, FaultCode.NOT_UTF8),
        (lambda raw: raw.replace(b"V01", b'"V"01'), 3, FaultCode.NOT_CSV),
        (lambda raw: raw.replace(b"code,", b"kode,", 1), 1, FaultCode.HEADER),
        (lambda raw: b"", 1, FaultCode.HEADER),
        (lambda raw: raw.replace(b"V01,", b"V01,,"), 3, FaultCode.ROW_LENGTH),
        (lambda raw: raw.replace(b"V01,", b"\nV01,"), 3, FaultCode.ROW_LENGTH),
    ],
)
def test_a_faulty_file_is_reported_with_the_line(folder, change, line, code):
    path = folder / STATUS
    path.write_bytes(change(path.read_bytes()))

    assert (STATUS, line, "", code) in faults_of(folder)


def test_a_missing_file_is_one_fault_and_not_thousands(folder):
    (folder / ITEMS).unlink()

    assert faults_of(folder) == [(ITEMS, 0, "", FaultCode.FILE_MISSING)]


def test_all_faults_of_all_files_come_at_once_and_in_order(folder):
    edit(folder / CATEGORIES, 2, "personal", "si")
    edit(folder / CATEGORIES, 2, "kind", "证书")
    edit(folder / MATERIALS, 4, "required", "si")
    edit(folder / STATUS, 5, "code", "V99")

    assert faults_of(folder) == [
        (CATEGORIES, 2, "kind", FaultCode.VOCABULARY),
        (CATEGORIES, 2, "personal", FaultCode.VOCABULARY),
        (MATERIALS, 4, "required", FaultCode.VOCABULARY),
    ]


def test_a_faulty_row_is_not_reported_again_by_those_who_refer_to_it(folder):
    edit(folder / CATEGORIES, 2, "max_age_days", "never")

    assert faults_of(folder) == [(CATEGORIES, 2, "max_age_days", FaultCode.FORM)]


def test_a_line_left_out_of_a_list_of_materials_is_noticed(folder):
    lines = (folder / MATERIALS).read_text("utf-8").split("\n")
    del lines[2]
    (folder / MATERIALS).write_text("\n".join(lines), "utf-8")

    assert (MATERIALS, 3, "material_no", FaultCode.NUMBERING) in faults_of(folder)


def test_one_category_cannot_be_of_the_government_and_not(folder):
    edit(folder / MATERIALS, 4, "issued_by_government", "no")

    assert FaultCode.CONTRADICTION in {code for *_, code in faults_of(folder)}


def test_an_unattended_item_must_be_online(folder):
    edit(folder / ITEMS, 2, "unattended", "yes")
    edit(folder / ITEMS, 2, "online", "no")

    assert faults_of(folder) == [(ITEMS, 2, "unattended", FaultCode.CONTRADICTION)]


def test_a_wrong_inner_organization_check_is_a_warning_only(folder):
    # 11310000XX0000010 with another inner check character, and the outer one made right again.
    from certledger.ledger.reference_data.identifiers import compute_uscc_check

    first17 = "11310000XX0000018"
    edit(folder / ISSUERS, 2, "uscc", first17 + compute_uscc_check(first17))

    (warning,) = load_domain(folder).warnings

    assert (warning.file, warning.line, warning.column) == (ISSUERS, 2, "uscc")


def test_a_refusal_reads_as_a_list_of_places(folder):
    edit(folder / CATEGORIES, 2, "personal", "si")

    with pytest.raises(DomainInvalidError) as refused:
        load_domain(folder)

    assert refused.value.code == "domain.invalid"
    assert str(refused.value) == (
        "domain data has 1 fault:\n"
        "categories.csv line 2 column personal: 'si' is neither yes nor no (vocabulary)"
    )


@settings(
    max_examples=effort(15, 60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(raw=st.binary(max_size=300), head=st.booleans())
def test_no_bytes_whatever_make_the_loader_stumble(folder, raw, head):
    header = b"code,status,name_zh,name_en\n" if head else b""
    (folder / STATUS).write_bytes(header + raw)

    try:
        faults = load_domain(folder).warnings
    except DomainInvalidError as refused:
        faults = refused.faults

    assert all(fault.file == STATUS for fault in faults)


def test_every_field_of_every_category_has_a_chinese_label():
    names = {name for category in load_domain().categories.values() for name in category.fields}

    assert names == set(load_field_names())
    assert label_zh("holder_name") == "持证主体"


def test_a_name_outside_the_table_is_its_own_label():
    assert label_zh("hull_length_m") == label_en("hull_length_m") == "Hull length (m)"
    assert label_en("hs_code") == "HS code"
