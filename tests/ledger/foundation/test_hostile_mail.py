"""What comes by mail while a ledger is founded may be anything; each command refuses it whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from certledger.ledger.foundation.document import SignedFounding
from certledger.ledger.foundation.home import PART, RegionHome
from certledger.ledger.foundation.part import OPERATOR, OperatorPart, SignedPart, sign_part
from certledger.ledger.keys import checksum_address, save_keystore, save_pem_key
from certledger.verifier.cli.main import main
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.signed_policy import SignedPolicy, sign
from certledger.verifier.policy_store import policy_files
from tests.ledger.foundation.parties import (
    NAMES,
    PIN,
    account,
    ed25519,
    founded,
    operator_part,
    parts,
    region_part,
)

PASSPHRASE = "its own"


@dataclass
class Desk:
    """Region 31 at its machine: its home, and what came by mail."""

    home: Path
    mail: Path

    def write(self, name: str, data: bytes) -> str:
        """Put a file into the mail; return its path."""
        (self.mail / name).write_bytes(data)
        return str(self.mail / name)

    def ask(self, *words: str) -> Any:
        """Run a command; return its answer with the exit status."""
        env = {"CERTLEDGER_PASSPHRASE": PASSPHRASE, "LC_ALL": "C.UTF-8"}
        ran = CliRunner().invoke(main, [*words, "--json"], env=env)
        return {"status": ran.exit_code} | json.loads(ran.stdout.splitlines()[-1])

    def refused(self, *words: str) -> tuple[str, str]:
        """Return code and sentence of a refusal, which changed no file."""
        before = self.files()
        answer = self.ask(*words)
        assert answer["status"] == 2, answer
        assert self.files() == before
        return answer["error"]["code"], answer["error"]["detail"]

    def files(self) -> dict[str, int]:
        found = [path for folder in (self.home, self.mail) for path in folder.rglob("*")]
        return {str(path): path.stat().st_mtime_ns for path in found}

    def sign(self, file: str, *more: str) -> tuple[str, ...]:
        return ("found", "sign", file, "--home", str(self.home), "--yes", *more)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(home=tmp_path / "home", mail=tmp_path / "mail")
    (desk.home / "keys").mkdir(parents=True)
    desk.mail.mkdir()
    home = RegionHome(folder=desk.home)
    save_keystore(home.registrar_file, sha256(b"registrar 31").digest(), PASSPHRASE, work=2**12)
    save_pem_key(desk.home / "keys" / "root-1.pem", ed25519("root 31"), PASSPHRASE)
    write_atomically(desk.home / PART, region_part(31).format())
    return desk


def changed(document: SignedFounding, change: Callable[[Any], None]) -> bytes:
    """Return the bytes of a document whose JSON somebody edited."""
    value = json.loads(document.format())
    change(value)
    return format_canonical(value)


def swap_signatures(value: Any) -> None:
    first, second = value["founding"]["regions"][:2]
    first["signatures"], second["signatures"] = second["signatures"], first["signatures"]


def sign_twice(value: Any) -> None:
    value["signatures"].insert(0, value["signatures"][0])


def swap_seats(value: Any) -> None:
    for one, region in zip(value["signatures"], (31, 32), strict=True):
        one["region"] = {31: 32, 32: 31}[region]


EDITS: dict[str, tuple[Callable[[Any], None], str, str]] = {
    "the parts' signatures swapped": (swap_signatures, "foundation.part_signature", "region 31"),
    "changed after two signed": (
        lambda value: value["founding"].update(name="another"),
        "foundation.signature",
        "was changed since",
    ),
    "the regions' signatures swapped": (swap_seats, "foundation.signature", "region 32"),
    "region 31 twice": (sign_twice, "foundation.region_twice", "signed twice"),
    "a mistyped address": (
        lambda value: value["founding"]["regions"][0]["part"].update(registrar=f"0x{'1' * 40}"),
        "foundation.part_signature",
        "it was changed",
    ),
    "an address that is none": (
        lambda value: value["founding"]["regions"][0]["part"].update(registrar="0x12"),
        "schema.invalid",
        "registrar",
    ),
    "another chain id": (
        lambda value: value["founding"]["operator"]["part"].update(chain_id=5),
        "foundation.part_signature",
        "operator",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_document_that_was_edited_is_refused_with_what_is_wrong(desk: Desk, edit: str) -> None:
    change, code, words = EDITS[edit]
    document = founded()
    for region in (31, 32):
        document = document.signed_by(region, account(f"registrar {region}"))
    file = desk.write("founding.json", changed(document, change))
    found = desk.refused(*desk.sign(file))
    assert (found[0], words in found[1]) == (code, True), found
    assert desk.refused("found", "show", file)[0] == code
    assert desk.refused("found", "status", file)[0] == code
    out = str(desk.mail / "merged.json")
    assert desk.refused("found", "merge", file, "--out", out)[0] == code


@pytest.mark.parametrize("harm", ["cut", "large", "not json", "empty", "pretty"])
def test_a_file_that_is_none_is_refused_quickly(desk: Desk, harm: str) -> None:
    whole = founded().format()
    data, code = {
        "cut": (whole[: len(whole) // 2], "json.syntax"),
        "large": (b"[" + b"0," * (50 << 20) + b"0]", "file.size"),
        "not json": (b"%PDF-1.4", "json.syntax"),
        "empty": (b"", "json.syntax"),
        "pretty": (json.dumps(json.loads(whole), indent=1).encode(), "json.not_canonical"),
    }[harm]
    file = desk.write("founding.json", data)
    for words in (desk.sign(file), ("found", "show", file), ("found", "status", file)):
        found = desk.refused(*words)
        assert (found[0], len(found[1]) < 300, file in found[1]) == (code, True, True), found


def test_parts_that_do_not_go_together_make_no_document(desk: Desk) -> None:
    other = OperatorPart(
        name="另一运营", address=account("other").address, url="https://b.example", chain_id=1,
        genesis=bytes(32), embedded=False,
    )  # fmt: skip
    another: SignedPart = sign_part(other, {OPERATOR: account("other")}, {})
    cases = {
        "foundation.operator_twice": [*parts(), another],
        "foundation.region_twice": [*parts(), region_part(31)],
        "foundation.too_few": parts()[1:],
    }
    for code, brought in cases.items():
        files = [desk.write(f"{at}.json", part.format()) for at, part in enumerate(brought)]
        out = str(desk.mail / "founding.json")
        assert desk.refused("found", "merge", *files, "--name", "甲", "--out", out)[0] == code


def test_a_home_signs_one_document_and_another_only_where_that_is_said(desk: Desk) -> None:
    first = desk.write("first.json", founded().format())
    others = [operator_part(), *(region_part(region) for region in (31, 32, 33))]
    second = desk.write("second.json", founded(*others).format())
    assert desk.ask(*desk.sign(first))["status"] == 0
    assert desk.ask(*desk.sign(first))["status"] == 0
    assert desk.refused(*desk.sign(second))[0] == "foundation.signed_other"
    assert desk.ask(*desk.sign(second, "--instead"))["status"] == 0


def test_a_home_signs_the_next_policy_and_one_of_each_version(desk: Desk) -> None:
    roots = [ed25519(f"root {region}") for region in NAMES]
    first = founded().founding.policy(PIN)
    second = replace(first, version=2, ends=first.ends + 1)
    rival = replace(second, ends=first.ends + 2)
    files = {
        name: desk.write(f"{name}.json", SignedPolicy(policy=policy, signatures={}).format())
        for name, policy in (("older", first), ("second", second), ("rival", rival),
                             ("third", replace(rival, version=3)))
    }  # fmt: skip

    def sign_policy(name: str, *more: str) -> tuple[str, ...]:
        return ("policy", "sign", files[name], "--home", str(desk.home), "--yes", *more)

    assert desk.refused(*sign_policy("second"))[0] == "foundation.version"
    kept = desk.write("kept.json", sign(first, roots).format())
    assert desk.ask("policy", "keep", kept, "--home", str(desk.home))["status"] == 0
    assert desk.refused(*sign_policy("third"))[0] == "foundation.version"
    assert desk.ask(*sign_policy("second"))["status"] == 0
    assert desk.refused(*sign_policy("rival"))[0] == "foundation.signed_other"
    newer = desk.write("newer.json", sign(second, roots).format())
    assert desk.ask("policy", "keep", newer, "--home", str(desk.home))["status"] == 0
    # The older one offered as the new one, to be signed or kept.
    assert desk.refused(*sign_policy("older"))[0] == "foundation.version"
    third = desk.write(
        "3.json", sign(replace(first, version=1, ends=first.ends + 9), roots).format()
    )
    assert desk.refused("policy", "keep", third, "--home", str(desk.home))[0] == "policy.older"
    assert len(policy_files(desk.home)) == 2


def test_an_account_that_is_mistyped_on_the_command_line_is_refused(tmp_path: Path) -> None:
    right = checksum_address(bytes.fromhex("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"))
    assert right == "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    words = ["found", "join", "--home", str(tmp_path / "new"), "--region", "31", "--operator", "a"]
    more = ["--recovery", right.replace("Aeb", "Aea"), "--out", str(tmp_path / "part.json")]
    ran = CliRunner().invoke(main, [*words, *more], env={"CERTLEDGER_PASSPHRASE": "p"})
    assert (ran.exit_code, "mistyped" in ran.output) == (2, True), ran.output
    assert list(tmp_path.iterdir()) == []
