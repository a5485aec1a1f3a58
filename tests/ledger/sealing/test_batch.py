"""Batches: signed, handed in as the specification says, and the same again after a crash."""

import csv
import gzip
import io
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from eth_account import Account

from certledger.ledger.issuer import workspace
from certledger.ledger.issuer.workspace import Plan, SheetChangedError, Workspace
from certledger.ledger.sealing.attachments import Papers
from certledger.ledger.sealing.batch import Head, SealedBatch, SealError
from certledger.ledger.sealing.issue import Issue
from certledger.verifier import files
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import format_canonical, from_base64url, parse
from certledger.verifier.formats.holder_file import Holding
from certledger.verifier.formats.record import Record, lookup_digest
from certledger.verifier.formats.signed_act import statement_from_json
from certledger.verifier.formats.statements import MAX_LIFETIME_SECONDS, ZERO, Batch
from tests.ledger.sealing.sheet_folder import (
    CATALOG,
    GOOD,
    ISSUER,
    LEDGER,
    NOW,
    SECRET,
    SEED,
    SIGNER,
    issue,
    row_of,
    seal,
    sealed,
)

PLAN = Plan(issuer=ISSUER, ledger=LEDGER, catalog=CATALOG.root(), head=Head(), now=NOW)


def test_a_batch_says_where_it_stands_and_eth_account_recovers_who_signed() -> None:
    head = Head(sequence=3, previous=bytes([9]) * 32, first=41)
    batch = sealed([issue("A1"), issue("A2")], head)
    said = batch.statement
    assert (said.sequence, said.previous, said.first, said.count) == (3, head.previous, 41, 2)
    assert said.root == merkle.root([Record.parse(data).leaf() for data in batch.records])
    assert said.catalog == CATALOG.root()
    assert said.countersignature == ZERO
    assert NOW < said.not_after <= NOW + MAX_LIFETIME_SECONDS
    assert batch.digest == said.digest(LEDGER)
    recovered = Account._recover_hash(batch.digest, signature=batch.signature)
    assert recovered.lower() == "0x" + SIGNER.address.hex()
    assert batch.head == Head(sequence=4, previous=batch.digest, first=43)


def test_a_submission_is_what_the_specification_says() -> None:
    batch = sealed([issue("A1"), issue("A2")])
    value = parse(batch.submission(), 100_000)
    assert format_canonical(value) == batch.submission()
    assert set(value) == {"type", "statement", "signature", "records"}
    assert value["type"] == "certledger/submission/1"
    assert statement_from_json(Batch, value["statement"]) == batch.statement
    assert from_base64url(value["signature"]) == batch.signature
    assert [format_canonical(record) for record in value["records"]] == batch.records

    head, *records = gzip.decompress(b"".join(batch.submission_lines())).splitlines()
    assert orjson.loads(head) == {name: value[name] for name in ("type", "statement", "signature")}
    assert records == batch.records


def test_rows_are_checked_and_sealed_in_one_call(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    batch = seal(
        [row_of({**GOOD, "documents": "a.pdf"})],
        catalog=CATALOG,
        head=Head(),
        issuer=ISSUER,
        secret=SECRET,
        seed=SEED,
        signer=SIGNER,
        now=NOW,
        identity=LEDGER,
        documents=Papers(folder=tmp_path, with_sm3=True),
    )
    (holding,) = batch.holdings()
    assert Holding.parse(holding).names == ("a.pdf",)


def test_an_empty_batch_and_one_too_large_are_refused() -> None:
    with pytest.raises(SealError):
        sealed([])
    with pytest.raises(SealError):
        sealed([issue()] * 65_537)
    with pytest.raises(SealError):
        sealed([issue()], Head(sequence=2, first=2**32))


def test_a_head_comes_back_from_its_json() -> None:
    head = Head(sequence=3, previous=bytes([9]) * 32, first=41)
    assert Head.from_json(head.to_json()) == head


# The folder


def run(
    folder: Path, issues: list[Issue], plan: Plan = PLAN, *, renew: bool = False
) -> SealedBatch:
    return Workspace(folder=folder).seal(
        issues, plan, catalog=CATALOG, secret=SECRET, signer=SIGNER, renew=renew
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_folder_holds_the_batch_and_apart_from_it_what_is_secret(tmp_path: Path) -> None:
    issues = [issue("A1"), issue("沪2")]
    batch = run(tmp_path / "w", issues)
    found = contents(tmp_path / "w")
    assert set(found) == {
        "seed", "seal.json", "batch.json", "access-codes.csv", "holders/0.json", "holders/1.json",
    }  # fmt: skip
    assert found["batch.json"] == batch.submission()
    holdings = [Holding.parse(found[f"holders/{place}.json"]) for place in range(2)]
    assert [one.record.canonical() for one in holdings] == batch.records
    assert [one.disclosures[0].salt.encode() for one in holdings] == batch.sealed.codes
    assert batch.sealed.disclosures == []  # Written as they were made, and not held.
    for secret in ("seed", "seal.json", "access-codes.csv", "holders/0.json"):
        assert (tmp_path / "w" / secret).stat().st_mode & 0o077 == 0
    rows = list(csv.DictReader(io.StringIO(found["access-codes.csv"].decode("utf-8-sig"))))
    assert [(row["index"], row["number"], row["file"]) for row in rows] == [
        ("0", "A1", "holders/0.json"),
        ("1", "沪2", "holders/1.json"),
    ]
    record = Holding.parse(found["holders/1.json"]).record
    assert record.digests[0] == lookup_digest("沪2", rows[1]["access_code"])


def test_many_certificates_become_compressed_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "MAX_PLAIN_CERTIFICATES", 1)
    batch = run(tmp_path, [issue("A1"), issue("A2")])
    file = Workspace(folder=tmp_path).batch_file
    assert file is not None
    assert file.name == "batch.jsonl.gz"
    assert file.read_bytes() == b"".join(batch.submission_lines())


class Crash(Exception):
    """The machine stops here."""


def steps() -> Iterator[tuple[str, int]]:
    """Every durable write, rename and folder of a seal, in the order they happen."""
    for call, count in (("write_atomically", 4), ("sync_folder", 6), ("replace", 4), ("mkdir", 1)):
        for number in range(count):
            yield call, number


@pytest.mark.parametrize("applied", [False, True], ids=["lost", "done"])
@pytest.mark.parametrize(("call", "number"), list(steps()), ids=str)
def test_a_seal_interrupted_anywhere_and_run_again_gives_the_same_bytes(
    call: str, number: int, applied: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issues, folder = [issue("A1"), issue("A2")], tmp_path / "w"
    with monkeypatch.context() as broken:
        crash_at(call, number, applied, broken)
        try:
            run(folder, issues)
        except Crash:
            pass
        else:
            pytest.fail("the seal has fewer steps than the test thinks")
    before = contents(folder)
    run(folder, issues)
    after = contents(folder)
    again = run(folder, issues)
    assert contents(folder) == after
    assert after["batch.json"] == again.submission()
    for name in before.keys() - {name for name in before if "partial" in name}:
        assert before[name] == after[name], name
    assert not [name for name in after if "partial" in name]


def crash_at(call: str, number: int, applied: bool, broken: pytest.MonkeyPatch) -> None:
    places = {
        "write_atomically": (workspace, "write_atomically"),
        "sync_folder": (files, "sync_folder"),
        "replace": (Path, "replace"),
        "mkdir": (Path, "mkdir"),
    }
    owner, name = places[call]
    real, left = getattr(owner, name), [number]

    def stand_in(*arguments: object, **options: object) -> object:
        if call == "mkdir" and "partial" not in str(arguments[0]):
            return real(*arguments, **options)
        left[0] -= 1
        if left[0] == -1 and not applied:
            raise Crash
        result = real(*arguments, **options)
        if left[0] == -1:
            raise Crash
        return result

    broken.setattr(owner, name, stand_in)
    if call == "sync_folder":
        broken.setattr(workspace, name, stand_in)


def test_a_folder_begun_for_other_certificates_is_refused(tmp_path: Path) -> None:
    run(tmp_path, [issue("A1")])
    with pytest.raises(SheetChangedError):
        run(tmp_path, [issue("A2")])


def test_a_folder_begun_for_another_ledger_is_refused(tmp_path: Path) -> None:
    run(tmp_path, [issue("A1")])
    with pytest.raises(SealError, match="begun for another"):
        run(tmp_path, [issue("A1")], replace(PLAN, ledger=bytes(32)))


def test_the_instant_and_head_of_the_first_run_are_kept(tmp_path: Path) -> None:
    one = run(tmp_path, [issue("A1")])
    two = run(tmp_path, [issue("A1")], replace(PLAN, now=NOW + 50, head=Head(sequence=2)))
    assert (one.statement, one.signature) == (two.statement, two.signature)
    assert Workspace(folder=tmp_path).plan() == PLAN


def test_renewing_moves_the_batch_and_keeps_codes_that_may_be_printed(tmp_path: Path) -> None:
    one = run(tmp_path, [issue("A1")])
    codes = (tmp_path / "access-codes.csv").read_text().split(",")[-2]
    later = replace(PLAN, now=NOW + 900_000, head=Head(sequence=2, previous=SEED, first=1))
    two = run(tmp_path, [issue("A1")], later, renew=True)
    assert two.statement.not_after > one.statement.not_after
    assert (two.statement.sequence, two.statement.first) == (2, 1)
    assert one.sealed.disclosures == two.sealed.disclosures
    assert (tmp_path / "access-codes.csv").read_text().split(",")[-2] == codes
    assert list((tmp_path / "holders").iterdir()) == [tmp_path / "holders" / "1.json"]


def test_a_holders_file_that_was_lost_comes_back(tmp_path: Path) -> None:
    run(tmp_path, [issue("A1"), issue("A2")])
    before = contents(tmp_path)
    (tmp_path / "holders" / "1.json").unlink()
    run(tmp_path, [issue("A1"), issue("A2")])
    assert contents(tmp_path) == before


def test_a_damaged_seed_is_refused_rather_than_drawn_again(tmp_path: Path) -> None:
    run(tmp_path, [issue("A1")])
    (tmp_path / "seed").write_bytes(os.urandom(31))
    with pytest.raises(SealError, match="31 bytes"):
        run(tmp_path, [issue("A1")])


def test_a_seed_that_is_lost_is_not_replaced_by_another(tmp_path: Path) -> None:
    run(tmp_path, [issue("A1")])
    (tmp_path / "seed").unlink()
    with pytest.raises(SealError, match="seed is lost"):
        run(tmp_path, [issue("A1")])
