"""Status statements, catalogs and acts that several parties sign."""

from dataclasses import replace
from pathlib import Path

import pytest

from certledger.ledger.issuer import signed_acts
from certledger.ledger.issuer.catalogs import catalog_change, catalog_of, entry_of, read_catalog
from certledger.ledger.issuer.certificate_register import IssuanceDatabase
from certledger.ledger.issuer.folder import Profile
from certledger.ledger.issuer.signed_acts import (
    ActsDifferError,
    KeysUnfitError,
    add_signature,
    merge,
    sign_statement,
    signers_of,
)
from certledger.ledger.issuer.status_changes import (
    CertificateUnknownError,
    ReasonUnfitError,
    index_of,
    read_indexes,
    reasons_for,
    sign_changes,
    status_changes,
)
from certledger.ledger.keys import KeyUnusableError, signer_of
from certledger.ledger.reference_data import load_domain
from certledger.ledger.sheets.findings import SheetInvalidError
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats import statements
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.catalog import Entry
from certledger.verifier.formats.signed_act import Act
from certledger.verifier.formats.statements import MAX_LIFETIME_SECONDS, StatusChange, signed_by
from certledger.verifier.formats.status_tree import chosen
from certledger.verifier.vocabulary import IssuerKind, Purpose, Standing, Status
from tests.ledger.sealing.sheet_folder import (
    CATALOG,
    ISSUER,
    LEDGER,
    NOW,
    PROOF,
    SIGNER,
    issue,
    sealed,
)

OTHER_ISSUER = ISSUER[:-1] + "Z"
OTHER = signer_of(bytes([8]) * 32)
PROFILE = Profile(issuer=ISSUER, kind=IssuerKind.DEPARTMENT, name="上海市公安局", ledger=LEDGER)


def changes(indexes: list[int], **options: object) -> list[StatusChange]:
    values: dict[str, object] = {
        "issuer": ISSUER, "status": Status.REVOKED, "reason": "R01", "epoch": 5, "now": NOW,
    }  # fmt: skip
    return status_changes(indexes, **{**values, **options})  # type: ignore[arg-type]  # a table


def test_a_status_statement_chooses_exactly_the_certificates_named() -> None:
    (change,) = changes([129, 0, 5, 129])
    assert chosen(change.words, change.masks) == [0, 5, 129]
    assert (change.status, change.reason, change.epoch) == (1, b"R01", 5)
    assert NOW < change.not_after <= NOW + MAX_LIFETIME_SECONDS


def test_more_words_than_a_statement_holds_become_consecutive_epochs() -> None:
    several = changes([128 * word for word in range(1025)])
    assert [change.epoch for change in several] == [5, 6, 7]
    assert [len(change.words) for change in several] == [512, 512, 1]
    assert [change.words[0] for change in several] == [0, 512, 1024]


@pytest.mark.parametrize(
    ("status", "reason"),
    [(Status.REVOKED, "S01"), (Status.SUSPENDED, "R01"), (Status.VALID, "R01"),
     (Status.REVOKED, "R99"), (Status.REVOKED, "revoked"), (Status.REVOKED, "")],
)  # fmt: skip
def test_a_reason_that_leads_elsewhere_is_refused(status: Status, reason: str) -> None:
    with pytest.raises(ReasonUnfitError):
        changes([1], status=status, reason=reason)


def test_every_reason_code_leads_to_its_status_alone() -> None:
    codes = {status: set(reasons_for(status)) for status in Status}
    assert set.union(*codes.values()) == set(load_domain().status_codes)
    assert sum(map(len, codes.values())) == len(load_domain().status_codes)


@pytest.mark.parametrize("indexes", [[], [-1], [2**32]])
def test_an_index_that_no_certificate_has_is_refused(indexes: list[int]) -> None:
    with pytest.raises(CertificateUnknownError):
        changes(indexes)


def test_status_statements_are_signed_under_the_ledger() -> None:
    (act,) = sign_changes(changes([1]), signer=SIGNER, identity=LEDGER)
    assert signers_of(act) == (SIGNER.address,)
    assert signed_by(act.statement.digest(LEDGER), act.signatures[0][:64], SIGNER.public_key)


@pytest.fixture
def register(tmp_path: Path) -> IssuanceDatabase:
    register = IssuanceDatabase(path=tmp_path / "issued.sqlite")
    proof = issue("A1", entry=PROOF, fields={"holder_name": "x", "amount_cny": "1"})
    register.record(sealed([issue("A1"), issue("A2"), proof]))
    return register


def test_a_certificate_is_found_by_its_number_as_people_write_it(
    register: IssuanceDatabase,
) -> None:
    assert index_of(" ａ2", register) == 1
    assert index_of("A1", register, "PROOF-TAX") == 2
    with pytest.raises(CertificateUnknownError, match="BIZ-LICENCE, PROOF-TAX; name the category"):
        index_of("A1", register)
    with pytest.raises(CertificateUnknownError, match="was issued here"):
        index_of("A3", register)


def test_a_sheet_names_certificates_by_index_or_number(
    register: IssuanceDatabase, tmp_path: Path
) -> None:
    path = tmp_path / "s.csv"
    path.write_text("index,number,category\n7,,\n,a2,\n,A1,PROOF-TAX\n")
    assert read_indexes(path, register) == [7, 1, 2]


def test_all_unknown_certificates_of_a_sheet_are_told_at_once(
    register: IssuanceDatabase, tmp_path: Path
) -> None:
    path = tmp_path / "s.csv"
    path.write_text("index,number,category\nx,,\n,A1,\n,A2,\n,,BIZ-LICENCE\n4294967296,,\n")
    with pytest.raises(SheetInvalidError) as refusal:
        read_indexes(path, register)
    assert [(fault.row, fault.column) for fault in refusal.value.faults] == [
        (2, "index"), (3, "number"), (5, "number"), (6, "index"),
    ]  # fmt: skip


# Catalogs


def test_every_category_of_the_domain_data_has_an_entry() -> None:
    domain = load_domain()
    catalog = catalog_of(domain, domain.categories)
    assert len(catalog.entries) == len(domain.categories)
    for category in domain.categories.values():
        entry = entry_of(category, 3)
        assert Entry.from_json(entry.to_json()) == entry
        assert (entry.version, entry.shown) == (3, category.fields[1:2])


def test_an_unknown_category_or_one_twice_makes_no_catalog() -> None:
    domain = load_domain()
    with pytest.raises(MalformedError, match="NO-SUCH"):
        catalog_of(domain, ["NO-SUCH"])
    with pytest.raises(MalformedError, match="twice"):
        catalog_of(domain, ["BIZ-LICENCE", "BIZ-LICENCE"])


def test_a_catalog_is_read_from_json_and_from_a_sheet(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(format_canonical(CATALOG.to_json()))
    assert read_catalog(tmp_path / "c.json") == CATALOG
    lines = ["category,version,kind,holder,name_zh,name_en,fields,shown,months,lag_days"]
    for entry in CATALOG.entries:
        lines.append(
            f"{entry.category},{entry.version},{entry.kind},{entry.holder},{entry.name_zh},"
            f"{entry.name_en},{';'.join(entry.fields)},{';'.join(entry.shown)},"
            f"{entry.months or ''},{entry.lag_days}"
        )
    (tmp_path / "c.csv").write_text("\n".join(lines))
    assert read_catalog(tmp_path / "c.csv") == CATALOG


def test_every_unfit_entry_of_a_sheet_is_told(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(
        "category,kind,holder,name_zh,name_en,fields,shown\n"
        "AA,licence,legal,x,y,certificate_number;a,a\n"
        "bb,licence,legal,x,y,certificate_number;a,a\n"
        "CC,licence,legal,x,y,a;certificate_number,a\n"
        "DD,paper,legal,x,y,certificate_number;a,a\n"
    )
    with pytest.raises(SheetInvalidError) as refusal:
        read_catalog(tmp_path / "c.csv")
    assert [(fault.row, fault.column) for fault in refusal.value.faults] == [
        (3, "category"), (4, ""), (5, "kind"),
    ]  # fmt: skip


def test_a_catalog_statement_names_root_and_version() -> None:
    change = catalog_change(CATALOG, issuer=ISSUER, version=2, now=NOW)
    assert (change.root, change.version) == (CATALOG.root(), 2)


# Several signers


def registration() -> statements.Register:
    return signed_acts.register(PROFILE, {SIGNER.address: signed_acts.EVERY_PURPOSE}, now=NOW)


def test_parties_sign_one_after_the_other_or_apart_and_are_merged() -> None:
    one = sign_statement(registration(), [SIGNER], LEDGER)
    two = sign_statement(registration(), [OTHER], LEDGER)
    merged = merge([one, Act.parse(two.canonical()), one])
    assert signers_of(merged) == (OTHER.address, SIGNER.address), "the key brought in is last"
    assert merged == add_signature(one, OTHER)
    assert add_signature(merged, SIGNER) == merged


def test_acts_that_differ_are_not_merged() -> None:
    one = sign_statement(registration(), [SIGNER], LEDGER)
    with pytest.raises(ActsDifferError):
        merge([one, replace(one, ledger=bytes(32))])
    with pytest.raises(ActsDifferError):
        merge([one, replace(one, statement=replace(registration(), not_after=1))])


def test_a_signature_that_leads_to_no_key_is_refused() -> None:
    act = replace(sign_statement(registration(), [], LEDGER), signatures=(bytes(65),))
    with pytest.raises(KeyUnusableError):
        merge([act])


def test_registrars_statements_carry_what_was_asked() -> None:
    added = {OTHER.address: Purpose.BATCHES | Purpose.STATUS}
    register = registration()
    assert register.keys == (SIGNER.address + b"\x0f",)
    assert register.kind == 1
    keys = signed_acts.change_keys(ISSUER, revision=1, added=added, ends={0: 77}, now=NOW)
    assert keys.added == (OTHER.address + b"\x03",)
    assert keys.ends == (b"\x00" + (77).to_bytes(5, "big"),)
    standing = signed_acts.change_standing(ISSUER, revision=2, standing=Standing.STRUCK, now=NOW)
    assert standing.standing == 4
    held = signed_acts.hold(31, [OTHER_ISSUER, ISSUER], nonce=1, now=NOW)
    assert (held.nonce, held.region) == (1, 31)
    assert held.issuers == (ISSUER.encode(), OTHER_ISSUER.encode()), "ascending"
    assert signed_acts.release(31, [ISSUER], nonce=2, now=NOW).issuers == (ISSUER.encode(),)
    restored = signed_acts.restore(
        {OTHER_ISSUER: Standing.CLOSED, ISSUER: Standing.ACTIVE},
        term=3,
        ends={OTHER_ISSUER: {1: 2**40 - 1, 0: 7}},
        now=NOW,
    )
    assert restored.standings == (1, 3)
    assert restored.ends == (
        b"\x00\x01\x00" + (7).to_bytes(5, "big"),
        b"\x00\x01\x01" + b"\xff" * 5,
    )
    with pytest.raises(KeysUnfitError):
        signed_acts.restore({}, term=1, ends={ISSUER: {0: 1}}, now=NOW)
    changed = signed_acts.change_registrar(31, account=OTHER.address, term=2, now=NOW)
    assert (changed.region, changed.account) == (31, OTHER.address)
    turned = signed_acts.rotate_registrar(31, account=SIGNER.address, turn=1, now=NOW)
    act = sign_statement(turned, [SIGNER, OTHER], LEDGER)
    assert signers_of(act) == (OTHER.address, SIGNER.address), "the new account is last"
    assert signed_acts.challenge_registrar(31, turn=4, now=NOW).turn == 4


def test_keys_that_cannot_stand_are_refused() -> None:
    with pytest.raises(KeysUnfitError):
        signed_acts.register(PROFILE, {}, now=NOW)
    with pytest.raises(KeysUnfitError):
        signed_acts.packed_keys({bytes(19): Purpose.BATCHES})
    with pytest.raises(KeysUnfitError):
        signed_acts.packed_keys({bytes(20): Purpose(0)})
    with pytest.raises(KeysUnfitError):
        signed_acts.packed_keys({bytes([n] * 20): Purpose.BATCHES for n in range(17)})
    with pytest.raises(KeysUnfitError):
        signed_acts.packed_ends({16: 1})
    with pytest.raises(KeysUnfitError):
        signed_acts.change_keys(ISSUER, revision=1, added={}, ends={}, now=NOW)
