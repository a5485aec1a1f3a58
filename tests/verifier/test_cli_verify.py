"""`certledger verify`: exit statuses, the JSON that programs read, the words that people read."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from certledger.verifier.cli.main import main
from certledger.verifier.formats.canonical_json import format_time
from certledger.verifier.vocabulary import Status
from tests.conformance.case import Scene
from tests.conformance.force_cases import ASKED, bound, changed, present
from tests.world import NOW, signed_policy

AT = format_time(NOW)
PAPER = "示例证照\n".encode()
SCENE = Scene(documents=[PAPER])
VALID = SCENE.file()
REVOKED = changed(Status.REVOKED).file()
_PLAIN = SCENE.evidence()
FORGED = replace(_PLAIN, path=_PLAIN.path[::-1]).format()
STALE_AT = format_time(NOW + 2 * 86400)


def put(room: Path, **files: bytes) -> Mapping[str, Path]:
    """Write files and a policy into a folder; a name's last underscore is its dot."""
    (room / "policy.json").write_bytes(signed_policy().format())
    written = {}
    for name, data in files.items():
        stem, _, suffix = name.rpartition("_")
        written[name] = room / f"{stem}.{suffix}"
        written[name].write_bytes(data)
    return written


def run(room: Path, *arguments: object, at: str | None = AT, policy: bool = True) -> Result:
    words = ["verify", *map(str, arguments)]
    words += ["--policy", str(room / "policy.json")] if policy else []
    words += ["--at", at] if at else []
    return CliRunner().invoke(main, words)


def results_of(ran: Result) -> list[dict[str, Any]]:
    assert ran.exception is None or isinstance(ran.exception, SystemExit)
    whole = json.loads(ran.stdout)
    assert list(whole) == ["results"]
    listed: list[dict[str, Any]] = whole["results"]
    return listed


# Exit statuses ---------------------------------------------------------------------------------


def test_all_valid_exits_with_0(tmp_path: Path) -> None:
    files = put(tmp_path, a_json=VALID, b_json=Scene().file())
    assert run(tmp_path, *files.values()).exit_code == 0


def test_any_that_is_not_in_force_or_not_genuine_exits_with_1(
    tmp_path: Path,
) -> None:
    files = put(tmp_path, good_json=VALID, revoked_json=REVOKED, bad_json=FORGED, no_json=b"")
    good, revoked, bad, unreadable = files.values()
    assert run(tmp_path, revoked).exit_code == 1
    assert run(tmp_path, bad).exit_code == 1
    assert run(tmp_path, good, revoked, unreadable).exit_code == 1


def test_any_that_cannot_be_told_exits_with_3_where_none_is_bad(tmp_path: Path) -> None:
    files = put(tmp_path, good_json=VALID, none_json=b"")
    assert run(tmp_path, *files.values()).exit_code == 3
    assert run(tmp_path, files["good_json"], at=STALE_AT).exit_code == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["--audience", "counter"],
        ["--nonce", "n"],
        ["--at", "2026-11-18"],
        ["--at", "2026-11-18T12:26:40+08:00"],
        ["--at", "2026-02-30T00:00:00Z"],
        ["--document", "nowhere.pdf"],
        ["--rpc", "ftp://node"],
        ["--rpc", "http://node.example"],
        ["--trust-node", "http://10.0.0.1:8545"],
        ["--rpc", "https://node.example", "--trust-node", "https://node.example"],
        ["--unheard-of"],
    ],
    ids=" ".join,
)
def test_unusable_arguments_exit_with_2_and_nothing_on_standard_output(
    tmp_path: Path, arguments: list[str]
) -> None:
    files = put(tmp_path, a_json=VALID)
    ran = run(tmp_path, files["a_json"], *arguments, at=None)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "Error" in ran.stderr


def test_no_evidence_and_no_policy_exit_with_2(tmp_path: Path) -> None:
    files = put(tmp_path, a_json=VALID)
    assert run(tmp_path).exit_code == 2
    assert run(tmp_path, files["a_json"], policy=False).exit_code == 2
    nowhere = ("--policy", tmp_path / "nowhere.json")
    assert run(tmp_path, files["a_json"], *nowhere, policy=False).exit_code == 2


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff"], ids=repr)
def test_a_policy_that_is_none_exits_with_2_and_says_why(tmp_path: Path, data: bytes) -> None:
    files = put(tmp_path, a_json=VALID)
    (tmp_path / "policy.json").write_bytes(data)
    ran = run(tmp_path, files["a_json"], "--json")
    code = json.loads(ran.stdout)["error"]["code"]
    assert (ran.exit_code, code.partition(".")[0] in ("json", "schema")) == (2, True)
    assert "(json." in ran.stderr or "(schema." in ran.stderr


def test_an_unsigned_policy_is_refused(tmp_path: Path) -> None:
    files = put(tmp_path, a_json=VALID)
    unsigned = replace(signed_policy(), signatures={})
    (tmp_path / "policy.json").write_bytes(unsigned.format())
    ran = run(tmp_path, files["a_json"])
    assert ran.exit_code == 2
    assert "(policy.unsigned)" in ran.stderr


def test_the_policy_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = put(tmp_path, a_json=VALID)
    monkeypatch.setenv("CERTLEDGER_POLICY", str(tmp_path / "policy.json"))
    assert run(tmp_path, files["a_json"], policy=False).exit_code == 0


# JSON ------------------------------------------------------------------------------------------


def test_json_has_the_members_that_programs_rely_on(tmp_path: Path) -> None:
    file = put(tmp_path, a_json=VALID)["a_json"]
    (found,) = results_of(run(tmp_path, file, "--json"))
    assert set(found) == {"file", "verdict", "checks", "certificate", "as_of", "basis", "warnings"}
    assert (found["file"], found["verdict"]) == (str(file), "valid")
    assert found["as_of"] == format_time(NOW - 595)
    for number, check in enumerate(found["checks"], 1):
        assert set(check) == {"number", "name", "outcome", "code", "detail"}
        assert (check["number"], check["outcome"]) == (number, "pass")
    assert found["certificate"]["body"] == "上海市公安局"


def test_several_files_are_told_in_the_order_given(tmp_path: Path) -> None:
    files = put(tmp_path, b_json=REVOKED, a_json=VALID, c_json=b"?")
    found = results_of(run(tmp_path, *files.values(), "--json"))
    assert [one["file"] for one in found] == [str(file) for file in files.values()]
    assert [one["verdict"] for one in found] == ["not_in_force", "valid", "cannot_tell"]
    assert "as_of" not in found[2]


def test_the_same_question_gives_the_same_bytes(tmp_path: Path) -> None:
    file = put(tmp_path, a_json=VALID)["a_json"]
    first, second = (run(tmp_path, file, "--json").stdout_bytes for _ in range(2))
    assert first == second


def test_at_asks_as_of_another_instant(tmp_path: Path) -> None:
    file = put(tmp_path, a_json=VALID)["a_json"]
    (stale,) = results_of(run(tmp_path, file, "--json", at=STALE_AT))
    assert stale["checks"][6]["code"] == "freshness.stale"
    (early,) = results_of(run(tmp_path, file, "--json", at="2026-11-01T00:00:00Z"))
    assert early["checks"][6]["code"] == "freshness.future"


def test_without_at_the_clock_decides(tmp_path: Path) -> None:
    file = put(tmp_path, a_json=VALID)["a_json"]
    (tmp_path / "policy.json").write_bytes(signed_policy(ends=NOW - 10**9).format())
    (found,) = results_of(run(tmp_path, file, "--json", at=None))
    assert found["checks"][5]["code"] == "policy.ended"


def test_files_that_cannot_be_read_are_a_verdict_each(tmp_path: Path) -> None:
    files = put(tmp_path, long_json=VALID + b" " * 70_000)
    found = results_of(
        run(tmp_path, tmp_path / "nowhere.json", tmp_path, *files.values(), "--json")
    )
    assert [one["verdict"] for one in found] == ["cannot_tell"] * 3
    rules = [one["checks"][0]["detail"].rpartition(" ")[2] for one in found]
    assert rules == ["file.unreadable", "file.unreadable", "json.size"]


def test_a_bound_certificate_is_judged_for_the_counter_that_asked(tmp_path: Path) -> None:
    file = put(tmp_path, a_json=present(bound()).format())["a_json"]
    asked = ["--audience", ASKED[0], "--nonce", ASKED[1]]
    assert run(tmp_path, file, *asked).exit_code == 0
    (found,) = results_of(run(tmp_path, file, "--json"))
    assert found["checks"][9]["code"] == "holder.presentation_unusable"


# Documents -------------------------------------------------------------------------------------


def test_with_one_evidence_file_every_document_is_its(tmp_path: Path) -> None:
    files = put(tmp_path, a_json=VALID, scan_txt=PAPER, other_txt=b"x")
    assert run(tmp_path, files["a_json"], "--document", files["scan_txt"]).exit_code == 0
    (found,) = results_of(
        run(tmp_path, files["a_json"], "--document", files["other_txt"], "--json")
    )
    assert (found["verdict"], found["checks"][0]["code"]) == (
        "not_genuine",
        "content.document_differs",
    )


def test_with_several_a_document_goes_to_the_file_of_its_stem(tmp_path: Path) -> None:
    number = SCENE.file(show=("certificate_number",))
    files = put(tmp_path, a_json=number, b_json=number, a_txt=PAPER, b_txt=b"x")
    found = results_of(
        run(
            tmp_path, files["a_json"], files["b_json"],
            "--document", files["b_txt"], "--document", files["a_txt"], "--json",
        )
    )  # fmt: skip
    assert [one["verdict"] for one in found] == ["valid", "not_genuine"]


def test_a_document_that_fits_no_file_or_two_is_not_guessed_at(tmp_path: Path) -> None:
    files = put(tmp_path, a_json=VALID, b_json=VALID, c_txt=PAPER, a_txt=PAPER)
    lost = run(tmp_path, files["a_json"], files["b_json"], "--document", files["c_txt"])
    assert (lost.exit_code, lost.stdout) == (2, "")
    (tmp_path / "more").mkdir()
    same = tmp_path / "more" / "a.json"
    same.write_bytes(VALID)
    twice = run(tmp_path, files["a_json"], same, "--document", files["a_txt"])
    assert (twice.exit_code, twice.stdout) == (2, "")


# Words -----------------------------------------------------------------------------------------


def test_one_certificate_is_told_in_full_in_both_languages(tmp_path: Path) -> None:
    ran = run(tmp_path, put(tmp_path, a_json=VALID)["a_json"])
    for words in ("真实，有效", "Genuine and in force", "上海市公安局", "张示例", "withheld",
                  "截至 / As of 2026-11-18T"):  # fmt: skip
        assert words in ran.stdout
    assert "\x1b" not in ran.stdout


@pytest.mark.parametrize(
    ("data", "at", "words"),
    [
        (REVOKED, AT,
         ["真实，但已注销", "Genuine, but revoked", "it has been revoked", "请勿采信"]),
        (VALID, STALE_AT, ["暂时无法判断", "Cannot tell", "ask for fresh evidence", "新的凭据"]),
        (b"{", AT, ["暂时无法判断", "cannot be read as evidence: json.syntax"]),
        (FORGED, AT,
         ["不真实", "Not genuine", "not in the batch it names", "do not accept it"]),
    ],
    ids=["revoked", "stale", "unreadable", "forged"],
)  # fmt: skip
def test_what_is_not_valid_is_told_with_reason_and_advice_in_both_languages(
    tmp_path: Path, data: bytes, at: str, words: list[str]
) -> None:
    ran = run(tmp_path, put(tmp_path, a_json=data)["a_json"], at=at)
    for word in words:
        assert word in ran.stdout


def test_several_are_told_in_a_table_with_a_count(tmp_path: Path) -> None:
    files = put(tmp_path, a_json=VALID, b_json=REVOKED, c_json=b"")
    out = run(tmp_path, *files.values()).stdout
    assert "1 genuine and in force, 1 genuine, but not in force, 1 cannot tell" in out
    assert "status.revoked" in out
    assert "an empty file" in out


def test_a_late_anchoring_is_told_as_a_warning(tmp_path: Path) -> None:
    late = Scene(issued=date(2026, 9, 1)).file()
    out = run(tmp_path, put(tmp_path, a_json=late)["a_json"]).stdout
    assert "Genuine and in force" in out
    assert "(anchoring.late)" in out


def test_texts_cannot_speak_to_the_terminal(tmp_path: Path) -> None:
    scene = Scene(fields={"holder_name": "[red]张\x1b[2J\u202e三[/red] :smile: [/]"})
    scene.issuer.stand(name="[/bold]\u2066上海\x07局")
    name = "[bold]x_json"
    out = run(tmp_path, *put(tmp_path, **{name: scene.file()}).values()).stdout
    assert "[red]张<U+001B>[2J<U+202E>三[/red] :smile: [/]" in out
    assert "[/bold]<U+2066>上海<U+0007>局" in out
    assert "[bold]x.json" in out
    assert {"\x1b", "\u202e", "\u2066", "\x07"}.isdisjoint(out)


# As a process ----------------------------------------------------------------------------------


def test_as_a_process_json_goes_to_standard_output_and_all_else_to_standard_error(
    tmp_path: Path,
) -> None:
    file = put(tmp_path, a_json=VALID)["a_json"]
    script = Path(sys.executable).parent / "certledger"
    words = map(str, [script, "verify", file, "--policy", tmp_path / "policy.json", "--at", AT])
    command, unusable = [sys.executable, *words, "--json"], ["--nonce", "n"]
    for given, status in ((command, 0), ([*command, *unusable], 2)):
        ran = subprocess.run(given, capture_output=True, check=False, timeout=60)
        assert ran.returncode == status
        assert ("error" in json.loads(ran.stdout)) == (status == 2)
        assert bool(ran.stderr) == (status == 2)
