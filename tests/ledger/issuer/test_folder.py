"""An issuer's folder and its register."""

from dataclasses import replace
from pathlib import Path

import pytest

from certledger.ledger.issuer.certificate_register import Certificate, IssuanceDatabase
from certledger.ledger.issuer.folder import IssuerFolder, IssuerUnusableError, Profile
from certledger.ledger.keys import KeyUnusableError
from certledger.ledger.sealing.batch import Head
from certledger.ledger.sealing.row_checks import check_rows
from certledger.ledger.sheets.findings import SheetInvalidError
from certledger.verifier.errors import MalformedError
from certledger.verifier.vocabulary import IssuerKind
from tests.ledger.sealing.sheet_folder import CATALOG, ISSUER, LEDGER, desk, issue, row, sealed

PROFILE = Profile(issuer=ISSUER, kind=IssuerKind.DEPARTMENT, name="上海市公安局", ledger=LEDGER)
QUICK = 16


def test_an_issuer_folder_keeps_key_secret_and_catalog_for_itself(tmp_path: Path) -> None:
    issuer = IssuerFolder.create(tmp_path / "body", PROFILE, "p", work=QUICK)
    assert issuer.profile() == PROFILE
    assert issuer.signer("p").address == issuer.address()
    assert len(issuer.secret()) == 32
    assert (tmp_path / "body").stat().st_mode & 0o077 == 0
    for name in ("key.json", "ids.secret"):
        assert (tmp_path / "body" / name).stat().st_mode & 0o077 == 0
    with pytest.raises(IssuerUnusableError, match="catalog"):
        issuer.catalog()
    issuer.save_catalog(CATALOG)
    assert issuer.catalog() == CATALOG


def test_an_issuer_is_never_made_over_another(tmp_path: Path) -> None:
    IssuerFolder.create(tmp_path, PROFILE, "p", work=QUICK)
    with pytest.raises(IssuerUnusableError, match="folder already"):
        IssuerFolder.create(tmp_path, PROFILE, "p", work=QUICK)


def test_an_empty_passphrase_and_a_code_that_is_none_leave_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusableError):
        IssuerFolder.create(tmp_path / "a", PROFILE, "", work=QUICK)
    with pytest.raises(MalformedError):
        IssuerFolder.create(tmp_path / "b", replace(PROFILE, issuer="x"), "p", work=QUICK)
    with pytest.raises(IssuerUnusableError, match="unfit for a certificate"):
        IssuerFolder.create(tmp_path / "b", replace(PROFILE, name="x "), "p", work=QUICK)
    assert not (tmp_path / "a" / "key.json").exists()
    assert not (tmp_path / "b").exists()


def test_a_key_that_is_there_stays_and_its_passphrase_must_open_it(tmp_path: Path) -> None:
    first = IssuerFolder.create(tmp_path, PROFILE, "p", work=QUICK)
    address, secret = first.address(), first.secret()
    (tmp_path / "body.json").unlink()  # As after a stop before the last file.
    with pytest.raises(KeyUnusableError):
        IssuerFolder.create(tmp_path, PROFILE, "another", work=QUICK)
    assert not first.has_profile
    again = IssuerFolder.create(tmp_path, replace(PROFILE, name="上海市教委"), "p", work=QUICK)
    assert (again.address(), again.secret()) == (address, secret)
    assert again.profile().name == "上海市教委"


def test_a_folder_that_cannot_be_written_whole_is_left_as_it_was(tmp_path: Path) -> None:
    drawn: list[int] = []

    def full(size: int) -> bytes:
        drawn.append(size)
        if len(drawn) > 1:
            raise OSError(28, "No space left on device")
        return bytes([7]) * size

    with pytest.raises(OSError, match="No space"):
        IssuerFolder.create(tmp_path / "body", PROFILE, "p", random=full, work=QUICK)
    assert list((tmp_path / "body").iterdir()) == []


def test_an_empty_folder_is_no_issuer(tmp_path: Path) -> None:
    with pytest.raises(IssuerUnusableError):
        IssuerFolder(folder=tmp_path).profile()


def test_the_register_knows_head_and_newest_editions(tmp_path: Path) -> None:
    register = IssuanceDatabase(path=tmp_path / "issued.sqlite")
    assert register.head() == Head()
    one = sealed([issue("A1"), issue("A2")])
    register.record(one)
    two = sealed([issue("A1", edition=1, replaces=0)], one.head)
    register.record(two)
    assert register.head() == two.head
    assert register.count() == 3
    assert register.find("A1") == [
        Certificate(index=2, category="BIZ-LICENCE", number="A1", edition=1)
    ]
    assert register.find("A1", "PROOF-TAX") == []
    known = register.before(2).newest("BIZ-LICENCE", "A1")
    assert known is not None
    assert (known.index, known.edition) == (0, 0)


def test_recording_a_batch_again_changes_nothing_and_another_takes_its_place(
    tmp_path: Path,
) -> None:
    register = IssuanceDatabase(path=tmp_path / "issued.sqlite")
    one = sealed([issue("A1"), issue("A2")])
    register.record(one)
    register.record(one)
    assert register.count() == 2
    two = sealed([issue("C1")], one.head)
    register.record(two)
    register.record(one)
    assert register.head() == two.head, "an old folder run again forgets nothing"
    register.record(sealed([issue("B1")]))
    assert register.find("A1") == register.find("C1") == []
    assert register.head().first == 1


def test_a_batch_that_moved_takes_its_certificates_along(tmp_path: Path) -> None:
    register = IssuanceDatabase(path=tmp_path / "issued.sqlite")
    register.record(sealed([issue("A1")]))
    later = Head(sequence=2, previous=bytes(32), first=5)
    assert register.before(5, range(0, 1)).newest("BIZ-LICENCE", "A1") is None
    register.record(sealed([issue("A1")], later))
    (found,) = register.find("A1")
    assert (found.index, register.count()) == (5, 1)


def test_counters_are_remembered(tmp_path: Path) -> None:
    register = IssuanceDatabase(path=tmp_path / "issued.sqlite")
    assert register.counter("epoch") == 0
    register.reach("epoch", 3)
    register.reach("epoch", 4)
    assert register.counter("epoch") == 4


def test_a_sheet_is_judged_by_what_was_issued_before_it(tmp_path: Path) -> None:
    register = IssuanceDatabase(path=tmp_path / "issued.sqlite")
    rows = [row()]
    batch = sealed(check_rows(rows, desk()))
    register.record(batch)
    with pytest.raises(SheetInvalidError, match="issued already, as certificate 0"):
        check_rows(rows, desk(issued=register.before(1), first=1))
    assert check_rows(rows, desk(issued=register.before(0)))
