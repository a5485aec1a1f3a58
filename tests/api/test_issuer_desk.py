"""An issuer's desk at a service: several offices, a way back, and the holders' folders."""

from __future__ import annotations

import html
import json
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pyzipper
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certledger.ledger.core.service_values import Role
from certledger.ledger.issuer.folder import IssuerFolder, Profile
from certledger.ledger.keys import save_keystore
from certledger.verifier.cli.main import main
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.policy import LedgerPin, Roots, Trust, WitnessKey
from certledger.verifier.formats.record import normal_code
from certledger.verifier.formats.short_link import ShortLink
from certledger.verifier.formats.signed_policy import SignedPolicy, sign
from certledger.verifier.vocabulary import IssuerKind, Way
from tests.api.world import Running, make_world, policy_of, serve

HEADER = "category,number,holder_name,issued,expires"
ACCEPT = ("--accept", "sheet.column_missing")
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "CERTLEDGER_PASSPHRASE": "p"}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Serve a ledger of its own: the tests here go on where the one before ended."""
    with make_world(tmp_path_factory.mktemp("offices") / "home") as world, serve(world) as running:
        yield running


def office(up: Running, folder: Path) -> Path:
    """Make another folder of the world's issuer, with its key and its secret, and nothing else."""
    issuer = up.world.issuer
    profile = Profile(
        issuer=issuer.issuer,
        kind=IssuerKind.DEPARTMENT,
        name=issuer.name,
        ledger=up.world.ledger.pin.identity,
    )
    made = IssuerFolder.create(folder, profile, "p", work=16)
    made.keystore.unlink()
    save_keystore(made.keystore, sha256(f"key of {issuer.issuer}".encode()).digest(), "p", work=16)
    write_atomically(folder / "ids.secret", bytes(32).hex().encode(), private=True)
    return folder


def ask(up: Running, folder: Path, *arguments: object, code: int = 0) -> Any:
    """Run a command of an office and return its answer."""
    server = {"CERTLEDGER_SERVER": up.url, "CERTLEDGER_TOKEN": up.world.keys[Role.ISSUER]}
    ran = CliRunner().invoke(
        main,
        [*map(str, arguments), "--json"],
        env={**ENVIRONMENT, **server, "CERTLEDGER_BODY": str(folder)},
    )
    assert ran.exit_code == code, ran.output
    lines = [line for line in ran.stdout.splitlines() if not line.startswith("[")]
    return json.loads("\n".join(lines))


def write(path: Path, *numbers: str) -> Path:
    rows = [f"ID-HUKOU,{number},示例,2026-01-05," for number in numbers]
    path.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    return path


def test_an_empty_folder_is_rebuilt_from_the_ledger_and_knows_what_was_issued(
    up: Running, tmp_path: Path
) -> None:
    folder = office(up, tmp_path / "new")
    first = ask(up, folder, "issuer", "sync")
    assert (first["batches"], first["certificates"], first["epoch"]) == (1, 5, 1)
    assert (first["fetched"], first["nameless"], first["catalog"]) == ([1], 5, "fetched")
    again = ask(up, folder, "issuer", "sync")
    assert (again["fetched"], again["catalog"]) == ([], "as on the ledger")
    # A number that another office has issued is found by its id; it never left that office.
    category = up.world.issuer.catalog.entries[-1].category
    twice = tmp_path / "twice.csv"
    twice.write_text(f"{HEADER}\n{category},3,示例,2026-01-05,\n", encoding="utf-8")
    refused = ask(up, folder, "seal", twice, *ACCEPT, "--preview", code=2)
    assert "edition.twice" in {one["code"] for one in refused["error"]["faults"]}
    revoked = ask(up, folder, "status", "revoke", "3", "--reason", "R01")
    assert (revoked["certificates"], revoked["epoch"]) == ([3], 2)


def test_of_two_offices_at_once_one_wins_and_the_other_is_told_and_goes_on(
    up: Running, tmp_path: Path
) -> None:
    east, west = office(up, tmp_path / "east"), office(up, tmp_path / "west")
    for folder in (east, west):
        ask(up, folder, "issuer", "sync")
    sealed = {}
    for folder in (east, west):
        sheet = write(tmp_path / f"{folder.name}.csv", f"甲{folder.name}1", f"甲{folder.name}2")
        sealed[folder] = tmp_path / f"sealed-{folder.name}"
        made = ask(up, folder, "seal", sheet, *ACCEPT, "--out", sealed[folder])
        assert made["batches"][0]["sequence"] == 2
    ask(up, east, "submit", sealed[east])
    codes = (sealed[west] / "access-codes.csv").read_bytes()
    refused = ask(up, west, "submit", sealed[west], code=3)
    assert refused["error"]["code"] == "batch.conflict"
    shown = ask(up, west, "issuer", "show")
    assert (shown["next"]["sequence"], shown["issued"]) == (2, 5)
    assert ask(up, west, "issuer", "sync")["missing"] == [2]  # It is not anchored yet.
    renewed = ask(
        up, west, "seal", tmp_path / "west.csv", *ACCEPT, "--out", sealed[west], "--renew"
    )
    assert (renewed["batches"][0]["sequence"], renewed["batches"][0]["first"]) == (3, 7)
    again = (sealed[west] / "access-codes.csv").read_bytes()
    assert [line.split(b",")[1:3] for line in again.splitlines()[1:]] == [
        line.split(b",")[1:3] for line in codes.splitlines()[1:]
    ]
    ask(up, west, "submit", sealed[west])
    up.world.ledger.run_until_idle()
    # The first office learns of the other's, with their numbers where it has the holders' files.
    found = ask(up, east, "issuer", "sync", "--sealed", sealed[west])
    assert (found["fetched"], found["nameless"]) == ([3], 0)
    late = ask(up, west, "issuer", "sync")
    assert (late["fetched"], late["missing"], late["nameless"]) == ([], [], 2)
    assert ask(up, west, "issuer", "show")["issued"] == 9


def test_what_the_service_refuses_leaves_no_trace_in_the_counters(
    up: Running, tmp_path: Path
) -> None:
    folder = office(up, tmp_path / "one")
    epoch = ask(up, folder, "issuer", "sync")["epoch"]
    bad = ask(up, folder, "status", "resume", "--index", 1, "--reason", "V01")
    later = ask(up, folder, "status", "revoke", "--index", 2, "--reason", "R01")
    assert (bad["epoch"], later["epoch"]) == (epoch + 1, epoch + 2)
    refused = ask(up, folder, "submit", bad["files"][0], code=3)
    assert refused["error"]["code"].startswith("status.")
    good = ask(up, folder, "status", "revoke", "--index", 2, "--reason", "R01")
    assert good["epoch"] == epoch + 1
    ask(up, folder, "submit", good["files"][0])
    left = ask(up, folder, "status", "revoke", "--index", 4, "--reason", "R01")
    assert left["epoch"] == epoch + 2
    assert ask(up, folder, "issuer", "sync")["unsigned"] == left["files"]


def test_a_sealed_batch_is_withdrawn_until_it_is_submitted(up: Running, tmp_path: Path) -> None:
    folder = office(up, tmp_path / "one")
    batches = ask(up, folder, "issuer", "sync")["batches"]
    sheet, out = write(tmp_path / "s.csv", "乙1", "乙2"), tmp_path / "out"
    ask(up, folder, "seal", sheet, *ACCEPT, "--out", out)
    next_sheet = write(tmp_path / "t.csv", "乙3")
    ask(up, folder, "seal", next_sheet, *ACCEPT, "--out", tmp_path / "later")
    early = ask(up, folder, "seal", "--undo", out, code=2)
    assert early["error"]["code"] == "batch.followed"
    for path in (tmp_path / "later", out):
        undone = ask(up, folder, "seal", "--undo", path)
        assert not path.exists()
    assert undone["batches"] == [{"first": undone["next"]["first"], "sequence": batches + 1}]
    assert undone["next"]["sequence"] == batches + 1
    # The numbers are free again, and a corrected sheet takes the place.
    corrected = write(tmp_path / "s.csv", "乙1", "乙9")
    made = ask(up, folder, "seal", corrected, *ACCEPT, "--out", out)["batches"][0]
    assert made["sequence"] == batches + 1
    copy = shutil.copytree(out, tmp_path / "copy")
    ask(up, folder, "submit", copy)
    # The receipt is beside the copy, but the folder and the service both know.
    for path in (copy, out):
        refused = ask(up, folder, "seal", "--undo", path, code=2)
        assert refused["error"]["code"] == "batch.submitted"
    other = office(up, tmp_path / "other")
    assert ask(up, other, "seal", "--undo", out, code=2)["error"]["code"] == "batch.submitted"


def test_a_sealed_folder_that_is_lost_gives_its_numbers_free(up: Running, tmp_path: Path) -> None:
    folder = office(up, tmp_path / "one")
    before = ask(up, folder, "issuer", "sync")
    issued = ask(up, folder, "issuer", "show")["issued"]
    sheets, sealed = {}, {}
    for name in ("己1", "己2"):
        sheets[name] = write(tmp_path / f"{name}.csv", name)
        sealed[name] = tmp_path / f"sealed-{name}"
        ask(up, folder, "seal", sheets[name], *ACCEPT, "--out", sealed[name])
    # What is there is not lost, in another place neither.
    sealed["己1"] = sealed["己1"].rename(tmp_path / "moved")
    found = ask(up, folder, "issuer", "sync", "--sealed", sealed["己1"])
    assert (found["lost"], found["dropped"]) == ([], [])
    shutil.rmtree(sealed["己1"])
    first = before["batches"] + 1
    found = ask(up, folder, "issuer", "sync")
    assert (found["lost"], found["dropped"]) == ([first], [first + 1])
    assert ask(up, folder, "issuer", "show")["issued"] == issued
    assert ask(up, folder, "issuer", "sync")["lost"] == []
    # Number and place are free again; the batch that built on the lost one is sealed anew.
    for name, more in (("己1", ()), ("己2", ("--renew",))):
        ask(up, folder, "seal", sheets[name], *ACCEPT, "--out", sealed[name], *more)
        ask(up, folder, "submit", sealed[name])
    up.world.ledger.run_until_idle()
    after = ask(up, folder, "issuer", "sync")
    assert (after["batches"], after["lost"]) == (first + 1, [])


def test_a_folder_of_key_and_secret_alone_is_rebuilt(up: Running, tmp_path: Path) -> None:
    folder, issuer = office(up, tmp_path / "one"), up.world.issuer.issuer
    profile = (folder / "body.json").read_bytes()
    (folder / "body.json").unlink()
    ledger = up.world.ledger.pin.identity.hex()
    assert "--issuer" in ask(up, folder, "issuer", "sync", code=2)["error"]["detail"]
    named = ("--issuer", issuer, "--ledger", ledger)
    key = (folder / "key.json").read_bytes()
    (folder / "key.json").unlink()
    save_keystore(folder / "key.json", sha256(b"another").digest(), "p", work=16)
    foreign = ask(up, folder, "issuer", "sync", *named, code=2)
    assert (foreign["error"]["code"], (folder / "body.json").exists()) == ("body.unusable", False)
    (folder / "key.json").write_bytes(key)
    ask(up, folder, "issuer", "sync", *named)
    assert (folder / "body.json").read_bytes() == profile


def test_holders_get_a_folder_each_that_follows_the_ledger(up: Running, tmp_path: Path) -> None:
    folder = office(up, tmp_path / "one")
    ask(up, folder, "issuer", "sync")
    documents = tmp_path / "documents"
    documents.mkdir()
    sheet = documents / "s.csv"
    rows = [f"ID-HUKOU,丙/{at},示例,2026-01-05,,{at}.pdf" for at in (1, 2)]
    sheet.write_text("\n".join([f"{HEADER},documents", *rows]), encoding="utf-8")
    for at in (1, 2):
        (documents / f"{at}.pdf").write_bytes(b"%PDF " + bytes([at]))
    out = tmp_path / "out"
    made = ask(up, folder, "seal", sheet, *ACCEPT, "--out", out)["batches"][0]
    number = made["sequence"]
    assert ask(up, folder, "evidence", "--batch", number, code=3)["pending"] == [
        made["first"],
        made["first"] + 1,
    ]
    ask(up, folder, "submit", out)
    up.world.ledger.run_until_idle()
    first = ask(up, folder, "evidence", "--batch", number, "--zip")
    assert (first["certificates"], first["changed"], first["without_document"]) == (2, 2, 0)
    names = sorted(path.name for path in (out / "for-holders").iterdir())
    assert names[0] == f"{made['first']:06d}-丙-1"
    assert names[1] == f"{made['first']:06d}-丙-1.zip"
    home = out / "for-holders" / names[0]
    assert {path.name for path in home.iterdir()} == {
        "1.pdf", "evidence.json", "holder.json", "sheet.html"
    }  # fmt: skip
    assert stat.S_IMODE((home / "holder.json").stat().st_mode) == 0o600
    evidence = Evidence.parse((home / "evidence.json").read_bytes())
    assert evidence.record.index == made["first"]
    listed = (out / "access-codes.csv").read_text(encoding="utf-8-sig").splitlines()
    code = listed[1].split(",")[2]
    page = (home / "sheet.html").read_text(encoding="utf-8")
    link = ShortLink(number="丙/1", code=normal_code(code)).format(up.url)
    assert all(text in page for text in (code, html.escape(link), "持证主体", "示例", "丙/1"))
    assert "http" not in page.replace(link, "").replace("http://www.w3.org/2000/svg", "")
    with pyzipper.AESZipFile(out / "for-holders" / names[1]) as archive:
        with pytest.raises(RuntimeError, match="password"):
            archive.read(archive.namelist()[0])
        archive.setpassword(code.encode())
        inside = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert inside == {path.name: path.read_bytes() for path in home.iterdir()}
    # Again: nothing has changed, until a status does.
    assert ask(up, folder, "evidence", "--sealed", out)["changed"] == 0
    act = ask(up, folder, "status", "revoke", "丙/2", "--reason", "R01")
    ask(up, folder, "submit", act["files"][0])
    up.world.ledger.run_until_idle()
    again = ask(up, folder, "evidence", "--batch", number, "--zip")
    assert again["changed"] == 2  # Evidence of both is of a newer block.
    # The holder shows a field by its Chinese label.
    shown = CliRunner().invoke(
        main,
        ["present", str(home / "evidence.json"), "--holding", str(home / "holder.json"),
         "--show", "证书编号", "--show", "持证主体"],
    )  # fmt: skip
    assert shown.exit_code == 0, shown.output
    names = [part.name for part in Evidence.parse(shown.stdout_bytes).disclosures]
    assert names == ["certificate_number", "holder_name"]
    (documents / "1.pdf").write_bytes(b"%PDF another")
    differs = ask(up, folder, "evidence", "--batch", number, code=2)
    assert differs["error"]["code"] == "document.differs"


def test_submitting_waits_until_the_holders_folders_are_there(
    up: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = office(up, tmp_path / "one")
    ask(up, folder, "issuer", "sync")
    out = tmp_path / "out"
    ask(up, folder, "seal", write(tmp_path / "s.csv", "丁1"), *ACCEPT, "--out", out)
    settling = threading.Thread(target=settle_once_submitted, args=(up, out))
    settling.start()
    made = ask(up, folder, "submit", out, "--wait")
    settling.join()
    assert (made["certificates"], made["changed"], made["pending"]) == (1, 1, [])
    assert (Path(made["folder"]) / sorted(Path(made["folder"]).iterdir())[0].name).is_dir()
    assert ask(up, folder, "evidence", "--sealed", out)["unwitnessed"] == []
    # Where the policy asks for witnesses, and fewer have signed, the command says so.
    monkeypatch.setattr(up.world.ledger, "policy", witnessed(up.world.ledger.pin))
    lacking = ask(up, folder, "evidence", "--sealed", out, code=3)
    assert (len(lacking["unwitnessed"]), lacking["pending"]) == (1, [])


def witnessed(pin: LedgerPin) -> SignedPolicy:
    """Return a policy that asks for the cosignature of a witness."""
    root, witness = (Ed25519PrivateKey.generate() for _ in range(2))
    key = WitnessKey(
        operator="a", name="a.example", key=witness.public_key().public_bytes_raw(), start=0
    )
    policy = replace(
        policy_of(pin, int(time.time())).policy,
        roots=Roots(keys=(root.public_key().public_bytes_raw(),), threshold=1),
        trust=Trust(ways=(Way.WITNESSES,), threshold=1, confirmations=12),
        witnesses=(key,),
    )
    return sign(policy, [root])


def settle_once_submitted(up: Running, sealed: Path) -> None:
    """Let the ledger work as `certledger serve` does, once the receipt of a folder is there."""
    for _ in range(6_000):
        if (sealed / "receipt.json").exists():
            break
        threading.Event().wait(0.01)
    up.world.ledger.run_until_idle()
