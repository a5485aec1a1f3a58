"""Every command on every console: exit status, one JSON document, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import click.testing
import pytest
from click.testing import CliRunner

from certledger.verifier.cli.main import main
from certledger.verifier.formats.canonical_json import format_time
from certledger.verifier.formats.foreign_formats import FORMATS, recognise
from certledger.verifier.formats.scanned_code import scanned_bytes, scanned_text
from certledger.verifier.formats.snapshot import deflate
from certledger.verifier.vocabulary import Status
from tests.conformance.case import Scene
from tests.verifier.test_compact import compact_of
from tests.world import NOW, signed_policy

SCRIPT = Path(sys.executable).parent / "certledger"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    room, scene = tmp_path_factory.mktemp("desk"), Scene()
    (room / "policy.json").write_bytes(signed_policy().format())
    (room / "good.json").write_bytes(scene.file())
    (room / "code.txt").write_text(compact_of(scene.evidence()).format())
    (room / "day.snapshot").write_bytes(scene.world.snapshot().format())
    scene.issuer.change([scene.mine.record.index], Status.REVOKED)
    scene.world.number += 1
    (room / "revoked.json").write_bytes(scene.file())
    (room / "huge.json").write_bytes(b"[" * 5_000_000)
    with (room / "sparse.json").open("wb") as sparse:
        sparse.truncate(3 << 30)
    (room / "damaged").mkdir()
    (room / "damaged" / "trust-memory.json").write_bytes(b"{'")
    (room / "empty.pdf").write_bytes(b"")
    (room / "page.json").write_bytes(b"<!DOCTYPE html><title>certificate</title>")
    return room


def run(room: Path, *words: str, encoding: str = "utf-8") -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if "CERTLEDGER" not in name}
    return subprocess.run(
        [str(SCRIPT), *words],
        cwd=room,
        env={**environment, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


VERIFY = ("verify", "--policy", "policy.json", "--at", format_time(NOW))
NOWHERE = "http://127.0.0.1:9"
FAULTS: list[tuple[tuple[str, ...], int]] = [
    ((*VERIFY, "good.json"), 0),
    ((*VERIFY, "revoked.json"), 1),
    ((*VERIFY, "good.json", "revoked.json", "page.json"), 1),
    ((*VERIFY, "page.json"), 3),
    ((*VERIFY, "nowhere.json"), 3),
    ((*VERIFY, "huge.json"), 3),
    ((*VERIFY, "good.json", "--document", "empty.pdf"), 2),
    ((*VERIFY, "good.json", "--document", "nowhere.pdf"), 2),
    ((*VERIFY, "code.txt"), 2),
    ((*VERIFY, "code.txt", "--snapshot", "page.json"), 2),
    (("verify", "good.json", "--policy", "page.json"), 2),
    (("verify", "good.json", "--policy", "huge.json"), 2),
    (("verify", "--unheard-of"), 2),
    (("snapshot", "show", "page.json"), 2),
    (("policy", "show", "policy.json"), 0),
    (("policy", "show", "huge.json"), 2),
    (("policy", "check", "policy.json", "page.json"), 2),
    (("policy", "check", "policy.json", "--fingerprint", "lusab babad"), 2),
    (("policy", "keep", "policy.json", "--home", "counter"), 0),
    (("policy", "keep", "policy.json", "--home", "page.json"), 2),
    (("verify", "good.json", "--home", "new-counter"), 2),
    (("snapshot", "fetch", "new.bin", "--from", NOWHERE, "--policy", "policy.json"), 3),
    (("present", "page.json", "--out", "shown.json"), 2),
    (("present", "nowhere.json"), 2),
    (("audit", "--home", "nowhere"), 3),
    (("audit", "--rpc", NOWHERE, "--policy", "policy.json"), 3),
    (("audit",), 2),
    (("rebuild", "--home", "nowhere"), 2),
    (
        (
            "ask",
            "good.json",
            "--policy",
            "policy.json",
            "--operator",
            "0x" + "1" * 40,
            "--server",
            NOWHERE,
            "--patience",
            "0",
        ),
        3,
    ),
    (("hooks", "list", "--server", NOWHERE, "--patience", "0"), 3),
    (("seal", "good.json", "--body", "nowhere"), 2),
    (("apikey", "list", "--home", "nowhere"), 2),
    (("verify-receipt", "page.json"), 2),
    (("verify-receipt", "nowhere.json"), 2),
    (("no-such-command",), 2),
    (("present", "good.json", "--holding", "sparse.json"), 2),
    (("present", "sparse.json"), 2),
    (("submit", "sparse.json", "--server", NOWHERE), 2),
    (("verify-receipt", "sparse.json"), 2),
    ((*VERIFY, "good.json", "--home", "damaged"), 2),
    ((*VERIFY, "good.json", "--rpc", NOWHERE), 0),
    (("snapshot", "check", "page.json", "--policy", "policy.json"), 2),
    (("snapshot", "check", "empty.pdf", "--policy", "policy.json"), 2),
    (("submit", "nowhere", "--server", NOWHERE), 2),
    (("submit", "page.json", "--server", NOWHERE, "--patience", "0"), 2),
    (("status", "revoke", "1", "--reason", "R01", "--body", "nowhere"), 2),
    (("catalog", "show", "--body", "nowhere"), 2),
    (("issuer", "show", "--body", "nowhere"), 2),
    (("serve", "--home", "nowhere", "--port", "0"), 2),
    (("demo", "--home", "policy.json"), 2),
    (("demo", "--home", "new", "--certificates", "1"), 2),
    (
        (
            "witness",
            "--home",
            "new",
            "--name",
            "w",
            "--key",
            "page.json",
            "--policy",
            "policy.json",
            "--rpc",
            NOWHERE,
        ),
        2,
    ),
]
ENCODINGS = ("utf-8", "gbk", "ascii")  # fmt: skip


@pytest.mark.parametrize(
    ("words", "status"),
    FAULTS,
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_a_command_ends_with_its_status_and_one_json_document(
    desk: Path, words: tuple[str, ...], status: int
) -> None:
    encoding = ENCODINGS[FAULTS.index((words, status)) % len(ENCODINGS)]
    ran = run(desk, *words, "--json", encoding=encoding)

    assert (ran.returncode, b"Traceback" in ran.stderr) == (status, False), ran.stderr.decode()
    assert type(json.loads(ran.stdout)) is dict


@pytest.mark.parametrize("encoding", ["gbk", "cp1252", "ascii"])
@pytest.mark.parametrize(
    "words",
    [
        (*VERIFY, "good.json"),
        (*VERIFY, "revoked.json", "page.json"),
        (*VERIFY, "--wrong"),
        ("policy", "show", "policy.json"),
    ],
    ids=["one", "several", "usage", "policy"],
)
def test_words_come_out_on_any_console(desk: Path, words: tuple[str, ...], encoding: str) -> None:
    ran, plain = run(desk, *words, encoding=encoding), run(desk, *words)

    assert (ran.returncode, b"Traceback" in ran.stderr) == (plain.returncode, False)
    text = (ran.stdout + ran.stderr).decode(encoding)
    english = ("Genuine and in force", "Cannot tell", "Error", "Fingerprint")
    assert any(word in text for word in english)
    assert any(word in text for word in ("真实", "暂时", "指纹")) == (
        encoding == "gbk" and bool(plain.stdout)
    )


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["words", "json"])
@pytest.mark.parametrize(
    ("words", "status"),
    [((*VERIFY, "revoked.json"), 1), ((*VERIFY, "page.json", "good.json"), 3),
     (("audit", "--home", "nowhere"), 3), (("verify-receipt", "page.json"), 2)],
    ids=["one", "several", "audit", "receipt"],
)  # fmt: skip
def test_a_closed_pipe_does_not_change_the_status(
    desk: Path, words: tuple[str, ...], status: int, as_json: tuple[str, ...]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        ran = subprocess.run(
            [str(SCRIPT), *words, *as_json],
            cwd=desk, stdout=pipe, stderr=subprocess.PIPE, timeout=60, check=False,
        )  # fmt: skip

    assert (ran.returncode, b"Traceback" in ran.stderr) == (status, False)


NOTHING = "the node that was named told nothing newer than the evidence"


def here(*words: str) -> click.testing.Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, list(words))


@pytest.mark.parametrize(
    "words",
    [
        (*VERIFY, "good.json"),
        (*VERIFY, "code.txt", "--snapshot", "day.snapshot"),
        ("snapshot", "check", "day.snapshot", "--policy", "policy.json", *VERIFY[-2:]),
    ],
    ids=["file", "code", "snapshot"],
)
def test_a_node_that_adds_nothing_is_a_warning_of_the_result(
    desk: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk)
    told, alone = here(*words, "--rpc", NOWHERE, "--json"), here(*words, "--json")
    assert (told.exit_code, alone.exit_code, alone.stderr) == (0, 0, "")
    assert f"{NOTHING} (block.node_unreachable)" in told.stderr
    with_node, without = json.loads(told.stdout), json.loads(alone.stdout)
    with_node, without = (one.get("results", [one])[0] for one in (with_node, without))
    assert (with_node["warnings"], without["warnings"]) == (["node.adds_nothing"], [])
    assert f"{NOTHING} (node.adds_nothing)" in here(*words, "--rpc", NOWHERE).stdout


def test_a_table_says_why_stale_evidence_tells_nothing(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk)
    late = ("verify", "--policy", "policy.json", "--at", format_time(NOW + 40 * 86_400))
    assert here(*late, "good.json", "page.json").stdout.count("(freshness.stale)") == 1


def test_a_table_counts_the_warnings(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    ran = here(*VERIFY, "good.json", "page.json", "--rpc", NOWHERE)
    assert f"{NOTHING} (node.adds_nothing): 1" in ran.stdout


def test_a_table_tells_the_reason_that_decided_in_words(desk: Path) -> None:
    out = run(desk, *VERIFY, "good.json", "revoked.json", "page.json").stdout.decode()

    assert "(status.revoked)" in out
    assert "this looks like a web page" in out


CODE = "CL1:ABC DEF"


@pytest.mark.parametrize(
    "text",
    [CODE, CODE + "\r\n", "\ufeff" + CODE, "]Q3" + CODE, "]d2" + CODE.lower(), CODE.lower(),
     "CL1:ABC\n DEF", "\u200e" + CODE + "\u200b", "  " + CODE],
    ids=repr,
)  # fmt: skip
def test_what_a_scanner_adds_is_taken_away(text: str) -> None:
    assert scanned_text(text) == CODE


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "ascii"])
def test_a_code_in_a_text_file_is_read(encoding: str) -> None:
    assert scanned_bytes((CODE + "\r\n").encode(encoding)) == CODE


def test_what_is_no_code_stays_as_it_came() -> None:
    assert scanned_text("hello\n") == "hello\n"
    assert scanned_bytes(b"%PDF-1.7") is None


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"%PDF-1.7", "pdf"),
        (b"", "empty"),
        (b"\xef\xbb\xbf <html>", "web_page"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"PK\x03\x04", "archive"),
        (b"PK\x03\x04\x14\x00\x00\x00", "archive"),
        (b"PK\x03\x04\x33\x00\x01\x00\x63\x00", "encrypted_zip"),
        (b"HC1:6BF", "dcc"),
        (b'{"@context":["https://w3id.org/blockcerts/v3"]}', "blockcerts"),
        (b'{"version":"https://schema.openattestation.com/2.0/schema.json"}', "open_attestation"),
        (b'{"@context":["https://www.w3.org/ns/credentials/v2"]}', "verifiable_credential"),
        (b"wxp://f2f0", "payment"),
        (b"https://example.cn/v", "link"),
        (b'{"type":"certledger/policy/1"}', "policy"),
        (signed_policy().format(), "policy"),
        (b'<?xml version="1.0"?>\n<!-- x -->\n<!DOCTYPE html><html>', "web_page"),
        ("<html>".encode("utf-16"), "web_page"),
        (Scene().world.snapshot().format(), "snapshot"),
        (deflate(b"\x87\x72certledger/delta/1"), "delta"),
        (deflate(b"\x87\x72something/else/1"), None),
        (b"\x78\x9c damaged", None),
        (Scene().world.note().format().encode(), "checkpoint"),
        (b'{"receipt":{"content":{"type":"certledger/verification-receipt/1"}}}', "receipt"),
        (b'{"act":{"type":"certledger/act/1"},"type":"certledger/registration/1"}', "submission"),
        (b"<!-->" * 13_000, None),
        (b"{\\rtf1 text}", None),
        (b"{ }", "json"),
        (b'{"type":"certledger/evidence/1"}', None),
        (b"\xffnothing", None),
    ],
    ids=str,
)  # fmt: skip
def test_foreign_files_are_named(data: bytes, name: str | None) -> None:
    assert recognise(data) == name
    assert name is None or FORMATS[name].en


FOREIGN = [
    ("day.snapshot", "snapshot", "certledger snapshot check FILE"),
    ("policy.json", "policy", "certledger policy show FILE"),
]


@pytest.mark.parametrize(("file", "name", "command"), FOREIGN)
def test_a_file_of_ours_that_is_no_evidence_is_named_with_its_command(
    desk: Path, file: str, name: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk)
    told = here(*VERIFY, file, "--json")
    (result,) = json.loads(told.stdout)["results"]
    assert (told.exit_code, result["looks_like"], result["command"]) == (3, name, command)
    sentence = f"this looks like {FORMATS[name].en}; it is taken by {command}"
    assert sentence in here(*VERIFY, file).stdout
    assert sentence in here(*VERIFY, file, "good.json").stdout
    presented = here("present", file)
    assert (presented.exit_code, sentence in presented.stderr) == (2, True)
    server = ("--operator", "0x" + "1" * 40, "--server", NOWHERE, "--patience", "0")
    asked = here("ask", file, "--policy", "policy.json", *server)
    assert (asked.exit_code, sentence in asked.stderr) == (3, True)


def test_a_file_too_long_for_evidence_is_named_too(tmp_path: Path) -> None:
    file = tmp_path / "large.snapshot"
    file.write_bytes(zlib.compress(b"\x87\x75certledger/snapshot/1" + os.urandom(1 << 20)))
    presented = here("present", str(file))
    assert (presented.exit_code, "this looks like a snapshot" in presented.stderr) == (2, True)


@pytest.mark.parametrize("words", [w.command for w in FORMATS.values() if w.command])
def test_the_command_that_a_file_is_named_with_exists(words: str) -> None:
    ran = here(*words.split()[1:2], "--help")
    assert ran.exit_code == 0
    options = [word for word in words.split() if word.startswith("--")]
    assert all(option in ran.stdout for option in options)


@pytest.mark.parametrize("file", ["good.json", "code.txt", "page.json", "day.snapshot"])
def test_a_pipe_is_judged_as_the_file_is(
    desk: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk)
    given = (*VERIFY, "--snapshot", "day.snapshot", "--json")
    (whole,) = json.loads(here(*given, file).stdout)["results"]
    reader, writer = os.pipe()
    try:
        assert os.write(writer, (desk / file).read_bytes()) == (desk / file).stat().st_size
        os.close(writer)
        ran = here(*given, f"/dev/fd/{reader}")
    finally:
        os.close(reader)
    (piped,) = json.loads(ran.stdout)["results"]
    assert piped == {**whole, "file": f"/dev/fd/{reader}"}
