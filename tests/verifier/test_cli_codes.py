"""`certledger verify` with codes, snapshots and a home that remembers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from certledger.verifier.accepted_time import recall
from certledger.verifier.cli.main import main
from certledger.verifier.formats.canonical_json import format_time
from certledger.verifier.formats.scanned_code import scanned_bytes
from certledger.verifier.formats.snapshot import MAX_SNAPSHOT_BYTES
from certledger.verifier.formats.snapshot_delta import format_delta
from certledger.verifier.vocabulary import Status
from tests.conformance.case import Scene
from tests.conformance.force_cases import ASKED, bound, present
from tests.verifier.test_compact import compact_of
from tests.world import NOW, policy, signed_policy

T = NOW - 595
COUNTER = ("--audience", ASKED[0], "--nonce", ASKED[1])


def put(room: Path, scene: Scene) -> None:
    (room / "policy.json").write_bytes(signed_policy().format())
    (room / "code.txt").write_text(compact_of(scene.evidence()).format())
    (room / "full.json").write_bytes(scene.file())
    (room / "day.snapshot").write_bytes(scene.world.snapshot().format())


def run(room: Path, *words: object, at: int = NOW) -> Result:
    given = ["verify", *words, "--policy", room / "policy.json", "--at", format_time(at)]
    return CliRunner().invoke(main, [str(word) for word in given])


def results(ran: Result) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ran.stdout)["results"]
    return found


def test_a_code_is_judged_by_a_snapshot_and_beside_it_full_evidence(tmp_path: Path) -> None:
    put(tmp_path, Scene())
    snapshot = ("--snapshot", tmp_path / "day.snapshot")
    ran = run(tmp_path, tmp_path / "code.txt", tmp_path / "full.json", *snapshot, "--json")
    assert ran.exit_code == 0
    code, full = results(ran)
    assert {**code, "file": 0} == {**full, "file": 0}


def test_a_code_without_a_snapshot_cannot_be_judged(tmp_path: Path) -> None:
    put(tmp_path, Scene())
    ran = run(tmp_path, tmp_path / "full.json", tmp_path / "code.txt")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "--snapshot" in ran.stderr


def test_deltas_follow_the_snapshot_in_order(tmp_path: Path) -> None:
    scene = Scene()
    put(tmp_path, scene)
    old = scene.world.snapshot()
    scene.issuer.change([scene.mine.record.index], Status.REVOKED)
    scene.world.number += 1
    (tmp_path / "delta").write_bytes(format_delta(old, scene.world.snapshot()))
    words = ("--snapshot", tmp_path / "day.snapshot", "--snapshot", tmp_path / "delta")
    assert run(tmp_path, tmp_path / "code.txt", *words).exit_code == 1
    reverse = ("--snapshot", tmp_path / "delta", "--snapshot", tmp_path / "day.snapshot")
    assert run(tmp_path, tmp_path / "code.txt", *reverse).exit_code == 2


@pytest.mark.parametrize("data", [b"", b"x" * 100], ids=len)
def test_what_is_no_snapshot_exits_with_2_and_says_why(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, Scene())
    (tmp_path / "day.snapshot").write_bytes(data)
    ran = run(tmp_path, tmp_path / "code.txt", "--snapshot", tmp_path / "day.snapshot")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "(snapshot.invalid)" in ran.stderr


def test_a_code_that_is_gone_or_no_text_is_a_verdict(tmp_path: Path) -> None:
    put(tmp_path, Scene())
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe")
    snapshot = ("--snapshot", tmp_path / "day.snapshot")
    files = (tmp_path / "gone.txt", tmp_path / "bytes.txt")
    ran = run(tmp_path, *files, *snapshot, "--json")
    assert ran.exit_code == 3
    assert [one["checks"][0]["code"] for one in results(ran)] == ["evidence.unusable"] * 2


# A home ----------------------------------------------------------------------------------------


def home_of(room: Path) -> tuple[str, Path]:
    return "--home", room / "counter"


def test_a_home_refuses_an_older_policy(tmp_path: Path) -> None:
    put(tmp_path, Scene())
    (tmp_path / "policy.json").write_bytes(signed_policy(version=2).format())
    assert run(tmp_path, tmp_path / "full.json", *home_of(tmp_path)).exit_code == 0
    (tmp_path / "policy.json").write_bytes(signed_policy(version=1).format())
    ran = run(tmp_path, tmp_path / "full.json", *home_of(tmp_path))
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "(policy.older)" in ran.stderr
    assert run(tmp_path, tmp_path / "full.json").exit_code == 0


def test_a_home_does_not_let_the_clock_go_back(tmp_path: Path) -> None:
    scene = Scene()
    put(tmp_path, scene)
    old = (tmp_path / "old.json").write_bytes(scene.file())
    assert old
    scene.world.number, scene.world.time = scene.world.number + 1, NOW + 2 * 86400
    (tmp_path / "new.json").write_bytes(scene.file())
    later = NOW + 2 * 86400 + 60
    assert run(tmp_path, tmp_path / "new.json", *home_of(tmp_path), at=later).exit_code == 0
    ran = run(tmp_path, tmp_path / "old.json", *home_of(tmp_path), "--json", at=NOW)
    assert (ran.exit_code, results(ran)[0]["checks"][6]["code"]) == (3, "freshness.stale")
    assert run(tmp_path, tmp_path / "old.json", at=NOW).exit_code == 0


@pytest.mark.parametrize("name", ["p.json", "p.txt"])
def test_a_home_takes_no_presentation_twice(tmp_path: Path, name: str) -> None:
    scene = bound()
    put(tmp_path, scene)
    evidence = present(scene)
    for other in (tmp_path / name, tmp_path / f"copy-{name}"):
        code = compact_of(evidence).format().encode()
        other.write_bytes(code if name.endswith(".txt") else evidence.format())
    words = (*COUNTER, "--snapshot", tmp_path / "day.snapshot", "--json", *home_of(tmp_path))
    first, second = results(run(tmp_path, tmp_path / name, tmp_path / f"copy-{name}", *words))
    assert (first["verdict"], second["verdict"]) == ("valid", "cannot_tell")
    assert second["checks"][9]["code"] == "holder.replayed"
    assert run(tmp_path, tmp_path / name, *words).exit_code == 3
    assert run(tmp_path, tmp_path / name, *words[:-2]).exit_code == 0


def test_a_presentation_in_a_code_and_in_a_file_is_the_same_one(tmp_path: Path) -> None:
    scene = bound()
    put(tmp_path, scene)
    evidence = present(scene)
    (tmp_path / "p.json").write_bytes(evidence.format())
    (tmp_path / "p.txt").write_text(compact_of(evidence).format())
    words = (*COUNTER, "--snapshot", tmp_path / "day.snapshot", *home_of(tmp_path))
    assert run(tmp_path, tmp_path / "p.json", *words).exit_code == 0
    assert run(tmp_path, tmp_path / "p.txt", *words).exit_code == 3


def test_without_a_home_nothing_is_remembered_whatever_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, Scene())
    monkeypatch.setenv("CERTLEDGER_HOME", str(tmp_path / "counter"))
    assert run(tmp_path, tmp_path / "full.json").exit_code == 0
    assert not (tmp_path / "counter").exists()


def test_a_damaged_home_exits_with_2(tmp_path: Path) -> None:
    put(tmp_path, Scene())
    assert run(tmp_path, tmp_path / "full.json", *home_of(tmp_path)).exit_code == 0
    assert recall(tmp_path / "counter").time == T
    (tmp_path / "counter" / "trust-memory.json").write_bytes(b"?")
    ran = run(tmp_path, tmp_path / "full.json", *home_of(tmp_path))
    assert (ran.exit_code, ran.stdout) == (2, "")


def test_a_policy_that_shortens_the_memory_changes_nothing(tmp_path: Path) -> None:
    scene = bound()
    put(tmp_path, scene)
    (tmp_path / "p.json").write_bytes(present(scene).format())
    words = (tmp_path / "p.json", *COUNTER, *home_of(tmp_path))
    assert run(tmp_path, *words).exit_code == 0
    longer = replace(policy(), presentation_age=10**6)
    assert longer.presentation_age > policy().presentation_age
    (tmp_path / "policy.json").write_bytes(
        signed_policy(version=2, presentation_age=10**6).format()
    )
    assert run(tmp_path, *words).exit_code == 3


@pytest.mark.parametrize(
    "added",
    [
        "\x02{}\x03",
        "{}\x04",
        "{}\x00",
        "{}  ",
        "{}  \r\n",
        "\u3000{}\xa0",
        "\u2028{}\u2029",
        "\xad{}",
    ],
)
def test_what_frames_a_scanned_code_is_no_part_of_it(added: str) -> None:
    code = compact_of(Scene().evidence()).format()

    assert scanned_bytes(added.format(code).encode()) == code


def test_a_snapshot_larger_than_any_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    put(tmp_path, Scene())
    with (tmp_path / "huge.snapshot").open("wb") as file:
        file.truncate(MAX_SNAPSHOT_BYTES + 1)
    whole, huge = tmp_path / "day.snapshot", tmp_path / "huge.snapshot"

    for snapshots in (("--snapshot", huge), ("--snapshot", whole, "--snapshot", huge)):
        ran = run(tmp_path, tmp_path / "code.txt", *snapshots, "--json")

        assert ran.exit_code == 2
        assert json.loads(ran.stdout)["error"]["code"] == "file.size"
