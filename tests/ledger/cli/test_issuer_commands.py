"""The commands of the issuer, as people and programs call them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from certledger.ledger import keys
from certledger.ledger.cli import console
from certledger.ledger.intake.batch_submission import parse_submission
from certledger.ledger.issuer import folder as body_module
from certledger.ledger.issuer import sheet_batches
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.signed_acts import signers_of
from certledger.ledger.keys import save_keystore
from certledger.verifier.cli.main import ROOM_COMMANDS, main
from certledger.verifier.formats.presentation import format_holder_key
from tests.ledger.sealing.sheet_folder import ISSUER, LEDGER, SIGNER

Call = Callable[..., Any]
HEADER = "category,number,holder_name,issued,documents,replaces"
ACCEPT = ("--accept", "sheet.column_missing")
"""These sheets have few of their category's fields."""


@pytest.fixture(autouse=True)
def _quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keystores of little work: the standard one takes a second each."""

    def quick(path: Path, secret: bytes, passphrase: str, *, work: int = 16) -> keys.Signer:
        return save_keystore(path, secret, passphrase, work=16)

    monkeypatch.setattr(keys, "save_keystore", quick)
    monkeypatch.setattr(body_module, "save_keystore", quick)
    monkeypatch.setenv("CERTLEDGER_PASSPHRASE", "p")


def call(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(part) for part in arguments])
    assert result.exit_code == code, result.output
    return result


def ask(*arguments: object, code: int = 0) -> Any:
    """Call with --json and return the one document on standard output."""
    return json.loads(call(*arguments, "--json", code=code).stdout)


@pytest.fixture
def issuer(tmp_path: Path) -> Path:
    folder = tmp_path / "body"
    call(
        "issuer", "keygen", "--body", folder, "--issuer", ISSUER, "--kind", "department",
        "--name", "上海市公安局", "--ledger", LEDGER.hex(),
    )  # fmt: skip
    call("catalog", "make", "BIZ-LICENCE", "EDU-DIPLOMA", "--body", folder)
    return folder


def write_sheet(folder: Path, *lines: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "sheet.csv"
    path.write_text("\n".join((HEADER, *lines)))
    return path


def test_an_issuer_is_made_shown_and_never_made_again(issuer: Path) -> None:
    shown = ask("issuer", "show", "--body", issuer)
    assert (shown["issuer"], shown["ledger"], shown["issued"]) == (ISSUER, LEDGER.hex(), 0)
    assert shown["next"]["sequence"] == 1
    arguments = ("issuer", "keygen", "--body", issuer, "--issuer", ISSUER, "--kind", "department")
    again = ask(*arguments, "--name", "x", "--ledger", LEDGER.hex(), code=2)
    assert again["error"]["code"] == "body.unusable"


def test_a_folder_of_documents_is_sealed_and_sealed_again_the_same(
    issuer: Path, tmp_path: Path
) -> None:
    sheet = write_sheet(tmp_path / "papers", "BIZ-LICENCE,A1,示例,2026-11-01,a.pdf,")
    (sheet.parent / "a.pdf").write_bytes(b"%PDF document")
    out = tmp_path / "out"
    first = ask("seal", sheet.parent, *ACCEPT, "--body", issuer, "--out", out)
    files = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert ask("seal", sheet, *ACCEPT, "--body", issuer, "--out", out) == first
    assert files == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    submission = parse_submission((out / "batch.json").read_bytes())
    assert submission.statement.root.hex() == first["batches"][0]["root"]
    holding = json.loads((out / "holders" / "0.json").read_bytes())
    assert holding["names"] == ["a.pdf"]


def test_a_sheet_with_faults_is_told_fault_by_fault_and_nothing_is_sealed(
    issuer: Path, tmp_path: Path
) -> None:
    sheet = write_sheet(
        tmp_path / "s", "BIZ-LICENCE,A1,,2026-11-01,,", "NONE,A2,示例,2026-11-01,,",
        "BIZ-LICENCE,A3,示例,2026-13-01,a.pdf,9",
    )  # fmt: skip
    error = ask("seal", sheet, *ACCEPT, "--body", issuer, "--out", tmp_path / "out", code=2)[
        "error"
    ]
    assert error["code"] == "sheet.invalid"
    assert [(one["file"], one["row"], one["column"], one["code"]) for one in error["faults"]] == [
        ("sheet.csv", 2, "holder_name", "sheet.field_missing"),
        ("sheet.csv", 3, "category", "sheet.category"),
        ("sheet.csv", 4, "documents", "document.missing"),
        ("sheet.csv", 4, "issued", "sheet.date"),
        ("sheet.csv", 4, "replaces", "edition.replaces_nothing"),
    ]
    assert not (tmp_path / "out").exists()
    plain = call("seal", sheet, *ACCEPT, "--body", issuer, "--out", tmp_path / "out", code=2)
    assert plain.stdout == ""
    assert (
        "sheet.csv row 3 column category (A3): 'NONE' is not in the issuer's catalog"
        in plain.stderr
    )


def test_the_next_batch_follows_and_may_replace(issuer: Path, tmp_path: Path) -> None:
    one = write_sheet(
        tmp_path / "1", "BIZ-LICENCE,A1,示例,2026-11-01,,", "BIZ-LICENCE,A2,示例,2026-11-01,,"
    )
    two = write_sheet(tmp_path / "2", "BIZ-LICENCE,A1,示例二,2026-11-02,,A1")
    first = ask("seal", one, *ACCEPT, "--body", issuer, "--out", tmp_path / "o1")["batches"][0]
    second = ask("seal", two, *ACCEPT, "--body", issuer, "--out", tmp_path / "o2")["batches"][0]
    assert (second["sequence"], second["first"]) == (2, 2)
    said = parse_submission((tmp_path / "o2" / "batch.json").read_bytes())
    assert said.statement.previous.hex() == first["digest"]
    assert (said.lookups.editions[0], said.replaces[0]) == (1, 0)
    revoked = ask("status", "supersede", "--index", 0, "--reason", "P01", "--body", issuer)
    assert (revoked["certificates"], revoked["epoch"]) == ([0], 1)


def test_more_rows_than_a_batch_are_split_without_being_asked(
    issuer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet_batches, "MAX_BATCH_CERTIFICATES", 2)
    rows = [f"BIZ-LICENCE,N{number},示例公司,2026-11-01,," for number in range(5)]
    sheet = write_sheet(tmp_path / "s", *rows)
    out = tmp_path / "out"
    batches = ask("seal", sheet, *ACCEPT, "--body", issuer, "--out", out)["batches"]
    assert [(one["sequence"], one["first"], one["count"]) for one in batches] == [
        (1, 0, 2), (2, 2, 2), (3, 4, 1),
    ]  # fmt: skip
    assert sorted(path.name for path in out.iterdir()) == ["0001", "0002", "0003", "sheet.json"]
    # The question that was accepted is remembered with the sheet.
    assert ask("seal", sheet, "--body", issuer, "--out", out)["batches"] == batches
    assert ask("issuer", "show", "--body", issuer)["next"]["first"] == 5


def test_a_displaced_batch_is_signed_anew_and_keeps_its_codes(issuer: Path, tmp_path: Path) -> None:
    sheet = write_sheet(tmp_path / "s", "BIZ-LICENCE,A1,示例,2026-11-01,,")
    out = tmp_path / "out"
    ask("seal", sheet, *ACCEPT, "--body", issuer, "--out", out)
    codes = (out / "access-codes.csv").read_text()
    head = tmp_path / "head.json"
    head.write_text(json.dumps({"sequence": 2, "previous": "ab" * 32, "first": 7}))
    moved = ask("seal", sheet, *ACCEPT, "--body", issuer, "--out", out, "--renew", "--head", head)
    assert (moved["batches"][0]["sequence"], moved["batches"][0]["first"]) == (2, 7)
    code = codes.split(",")[-2]
    assert code in (out / "access-codes.csv").read_text()
    assert ask("issuer", "show", "--body", issuer)["next"]["first"] == 8


@pytest.mark.parametrize(
    ("command", "reason", "status"),
    [("revoke", "R01", 1), ("suspend", "S01", 2), ("supersede", "P01", 3), ("resume", "V02", 0)],
)
def test_each_status_command_signs_its_status(
    command: str, reason: str, status: int, issuer: Path, tmp_path: Path
) -> None:
    out = tmp_path / "act.json"
    ask("status", command, "--index", 5, "--reason", reason, "--body", issuer, "--out", out)
    act = Envelope.read(out).act
    assert (getattr(act.statement, "status"), getattr(act.statement, "reason")) == (  # noqa: B009
        status,
        reason.encode(),
    )


def test_a_reason_of_another_status_and_no_certificate_are_refused(issuer: Path) -> None:
    told = ask("status", "revoke", "--index", 5, "--reason", "S01", "--body", issuer, code=2)
    assert told["error"]["code"] == "status.reason_unfit"
    told = ask("status", "revoke", "no such", "--reason", "R01", "--body", issuer, code=2)
    assert told["error"]["code"] == "status.certificate_unknown"
    call("status", "revoke", "--reason", "R01", "--body", issuer, code=2)


def test_registration_is_signed_by_issuer_and_two_registrars(issuer: Path, tmp_path: Path) -> None:
    act = tmp_path / "act.json"
    registrars = [tmp_path / "registrar.json", tmp_path / "second.json"]
    made = [ask("issuer", "key", registrar)["address"] for registrar in registrars]
    ask("issuer", "register", "--body", issuer, "--out", act)
    for registrar in registrars:
        signed = ask("issuer", "sign", act, "--key", registrar)
    assert signed["signers"][:2] == made, "the registrars come first"
    assert len(signed["signers"]) == 3
    held = Envelope.read(act)
    assert held.name == "上海市公安局"
    assert ask("issuer", "show", act) == signed


def test_a_catalog_travels_with_its_entries(issuer: Path, tmp_path: Path) -> None:
    out = tmp_path / "catalog.json"
    signed = ask("catalog", "sign", "--body", issuer, "--out", out)
    held = Envelope.read(out)
    assert held.catalog is not None
    assert (
        signed["root"]
        == held.catalog.root().hex()
        == ask("catalog", "show", "--body", issuer)["root"]
    )
    assert signed["version"] == 1
    call("catalog", "make", "--body", issuer, code=2)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["keys", "--issuer", ISSUER, "--revision", 1, "--end", "0:77", "--add",
          f"0x{'11' * 20}:batches,status"], "Keys"),
        (["standing", "--issuer", ISSUER, "--revision", 1, "--to", "struck"], "Standing"),
        (["hold", "--region", 31, "--issuer", ISSUER, "--nonce", 1], "Hold"),
        (["hold", "--region", 31, "--nonce", 1], "Hold"),
        (["release", "--region", 31, "--issuer", ISSUER, "--nonce", 2], "Release"),
        (["restore", "--to", f"{ISSUER}:active", "--end", f"{ISSUER}:0:9", "--term", 1],
         "Restore"),
        (["registrar", "--region", 31, "--account", f"0x{'22' * 20}", "--recovery",
          f"0x{'33' * 20}", "--term", 1], "Registrar"),
        (["registrar", "--region", 31, "--term", 1], "Registrar"),
        (["rotate", "--region", 31, "--account", f"0x{'22' * 20}", "--turn", 1], "Rotate"),
        (["challenge", "--region", 31, "--turn", 1], "Challenge"),
    ],
)  # fmt: skip
def test_registrars_acts_are_signed_and_merged(
    arguments: list[object], name: str, tmp_path: Path
) -> None:
    key = tmp_path / "key.json"
    save_keystore(key, bytes([7]) * 32, "p", work=16)
    out = tmp_path / "act.json"
    options = ("--ledger", "0x" + LEDGER.hex(), "--key", key, "--out", out)
    assert ask("issuer", *arguments, *options)["act"] == name
    merged = ask("issuer", "merge", out, out, "--out", tmp_path / "merged.json")
    assert merged["signers"] == ["0x" + SIGNER.address.hex()]
    assert signers_of(Envelope.read(tmp_path / "merged.json").act) == (SIGNER.address,)


@pytest.mark.parametrize("bad", ["--end=x", "--end=0:", "--add=0x11:batches", "--add=1"])
def test_an_end_or_a_key_of_another_form_is_a_usage_error(bad: str, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    save_keystore(key, bytes([7]) * 32, "p", work=16)
    call(
        "issuer", "keys", "--issuer", ISSUER, "--revision", 1, bad,
        "--ledger", LEDGER.hex(), "--key", key, "--out", tmp_path / "o", code=2,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_keys_for_witnesses_and_holders_are_made(kind: str, tmp_path: Path) -> None:
    made = ask("issuer", "key", tmp_path / "k.pem", "--kind", kind)
    assert made["public_key"].startswith(f"{kind}:")
    back = keys.load_pem_key(tmp_path / "k.pem", "p")
    assert format_holder_key(back.public_key()) == made["public_key"]


def test_a_wrong_passphrase_is_refused_and_a_readable_key_warned_of(
    issuer: Path, tmp_path: Path
) -> None:
    (issuer / "key.json").chmod(0o644)
    passphrase = tmp_path / "pass"
    passphrase.write_text("open sesame\n")
    arguments = ("status", "revoke", "--index", 1, "--reason", "R01", "--body", issuer)
    result = call(*arguments, "--passphrase-file", passphrase, code=2)
    assert "key.unusable" in result.stderr
    assert result.stderr.count("others may read") == 2
    assert "sesame" not in result.output


def test_a_damaged_register_is_refused_without_a_traceback(issuer: Path, tmp_path: Path) -> None:
    (issuer / "issued.sqlite").write_bytes(b"not a database" * 100)
    told = ask("status", "revoke", "A1", "--reason", "R01", "--body", issuer, code=2)
    assert told["error"]["code"] == "register.unusable"


def test_submitting_without_a_server_ends_with_a_refusal(issuer: Path, tmp_path: Path) -> None:
    sheet = write_sheet(tmp_path / "s", "BIZ-LICENCE,A1,示例,2026-11-01,,")
    ask("seal", sheet, *ACCEPT, "--body", issuer, "--out", tmp_path / "out")
    server = ("--server", "http://127.0.0.1:9", "--patience", 0)
    assert ask("submit", tmp_path / "out", *server, code=3)["error"]["code"] == "server.silent"


def test_two_sheets_in_a_folder_are_a_usage_error(issuer: Path, tmp_path: Path) -> None:
    sheet = write_sheet(tmp_path / "s", "BIZ-LICENCE,A1,示例,2026-11-01,,")
    (sheet.parent / "other.xlsx").write_bytes(b"")
    call("seal", sheet.parent, *ACCEPT, "--body", issuer, "--out", tmp_path / "out", code=2)


def test_answers_are_a_table_on_a_terminal_and_plain_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = console.Answer(document={"catalog_root": "[red]x", "certificates": [1, 2]})
    console.show(answer, as_json=False)
    assert capsys.readouterr().out == "catalog_root: [red]x\ncertificates: 1, 2\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    console.show(answer, as_json=False)
    assert "catalog root" in (shown := capsys.readouterr().out)
    assert "[red]x" in shown


def test_every_command_says_what_it_does() -> None:
    def walk(command: click.Command) -> None:
        assert command.help, command.name
        if isinstance(command, click.Group):
            for name in command.list_commands(click.Context(command)):
                inner = command.get_command(click.Context(command), name)
                assert inner is not None
                walk(inner)

    for name in ("issuer", "seal", "submit", "status", "catalog"):
        found = main.get_command(click.Context(main), name)
        assert found is not None
        walk(found)


def test_the_list_of_commands_has_a_line_for_each_of_ours() -> None:
    assert {"issuer", "seal", "submit", "status", "catalog"} <= set(ROOM_COMMANDS)
    shown = call("--help").stdout
    assert ROOM_COMMANDS["seal"] in shown
