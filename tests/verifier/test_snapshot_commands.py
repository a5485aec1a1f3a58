"""`certledger snapshot`: fetched, proved, shown, exported, and never replaced by a worse one."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from certledger.verifier.cli.main import main
from certledger.verifier.formats.canonical_json import format_time
from certledger.verifier.formats.snapshot import Snapshot
from certledger.verifier.formats.snapshot_delta import format_delta
from certledger.verifier.vocabulary import Status
from tests.conformance.case import Scene
from tests.verifier.test_statuslists import read_bitstring, read_token
from tests.world import NOW, OPERATORS, World, signed_policy

ISSUER = "11310000XX00000196"


@dataclass
class Publisher:
    """Serves snapshots and deltas over real HTTP; `broken` answers everything with its status."""

    newest: Snapshot | None = None
    kept: list[Snapshot] = field(default_factory=list)
    broken: int | None = None
    lie: Callable[[bytes], bytes] = lambda data: data
    asked: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    moved: str | None = None
    url: str = ""

    def publish(self, snapshot: Snapshot) -> None:
        if self.newest is not None:
            self.kept.append(self.newest)
        self.newest = snapshot

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        if self.broken is not None:
            return self.broken, b""
        if self.newest is None:
            return 404, b""
        if path == "/v1/snapshots/latest":
            return 200, self.lie(self.newest.format())
        for old in self.kept:
            if path == f"/v1/snapshots/{old.digest().hex()}/delta":
                return 200, self.lie(format_delta(old, self.newest))
        return 404, b""


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    made = Publisher()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.keys.append(self.headers["Authorization"])
            status, data = made.answer(self.path)
            self.send_response(302 if made.moved else status)
            if made.moved:
                self.send_header("Location", made.moved + self.path)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: Any) -> None:
            """Keep the output of tests clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def room(tmp_path: Path) -> Path:
    (tmp_path / "policy.json").write_bytes(signed_policy().format())
    return tmp_path


def run(*words: object) -> Result:
    ran = CliRunner().invoke(main, ["snapshot", *map(str, words)])
    assert ran.exception is None or isinstance(ran.exception, SystemExit)
    return ran


def judged(room: Path, *words: object, at: int = NOW) -> Result:
    return run(*words, "--policy", room / "policy.json", "--at", format_time(at))


def fetch(room: Path, publisher: Publisher) -> Result:
    return judged(room, "fetch", room / "day", "--from", publisher.url)


def put(file: Path, snapshot: Snapshot) -> Path:
    file.write_bytes(snapshot.format())
    return file


def later(world: World) -> Snapshot:
    world.number, world.time = world.number + 1, world.time + 5
    return world.snapshot()


# Fetching --------------------------------------------------------------------------------------


def test_a_snapshot_is_fetched_whole_and_then_by_deltas(room: Path, publisher: Publisher) -> None:
    scene = Scene()
    publisher.publish(scene.world.snapshot())
    first = fetch(room, publisher)
    assert first.exit_code == 0
    assert "block 1000 of 2026-11-18T" in first.stdout
    scene.issuer.change([scene.mine.record.index], Status.REVOKED)
    publisher.publish(later(scene.world))
    second = fetch(room, publisher)
    assert second.exit_code == 0
    assert "revoked 1" in second.stdout
    assert Snapshot.parse((room / "day").read_bytes()) == publisher.newest
    assert [path.rpartition("/")[2] for path in publisher.asked] == ["latest", "delta"]


def test_where_there_is_no_delta_the_whole_is_fetched(room: Path, publisher: Publisher) -> None:
    scene = Scene()
    put(room / "day", scene.world.snapshot())
    publisher.publish(later(scene.world))
    assert fetch(room, publisher).exit_code == 0
    assert Snapshot.parse((room / "day").read_bytes()) == publisher.newest


def test_an_older_snapshot_does_not_take_a_newer_ones_place(
    room: Path, publisher: Publisher
) -> None:
    scene = Scene()
    publisher.publish(scene.world.snapshot())
    held = put(room / "day", later(scene.world)).read_bytes()
    ran = fetch(room, publisher)
    assert (ran.exit_code, (room / "day").read_bytes()) == (2, held)
    assert "(snapshot.older)" in ran.stderr


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (lambda data: b"", "snapshot.invalid"),
        (lambda data: data[:-1], "snapshot.invalid"),
        (lambda data: Scene(before=9).world.snapshot().format(), "snapshot.unproved"),
    ],
)
def test_what_is_not_proved_does_not_take_the_files_place(
    room: Path, publisher: Publisher, lie: Callable[[bytes], bytes], code: str
) -> None:
    scene = Scene()
    old = scene.world.snapshot()
    held = put(room / "day", old).read_bytes()
    publisher.lie = lie
    if code == "snapshot.unproved":
        new = later(scene.world)
        forged = Scene(before=9).world.snapshot()
        publisher.lie = lambda data: _mixed(new, forged)
    publisher.publish(later(scene.world))
    ran = fetch(room, publisher)
    assert (ran.exit_code, (room / "day").read_bytes()) == (2, held)
    assert f"({code})" in ran.stderr


def _mixed(new: Snapshot, forged: Snapshot) -> bytes:
    return Snapshot.of(
        checkpoint=new.checkpoint,
        account_proof=new.account_proof,
        nodes=new.nodes,
        catalogs=filter(None, new.catalogs.values()),
        issuers=forged.issuers,
    ).format()


def test_a_block_that_cannot_be_trusted_yet_does_not_take_the_files_place(
    room: Path, publisher: Publisher
) -> None:
    scene = Scene()
    few = scene.world.note(dict.fromkeys(OPERATORS[:2], NOW - 595))
    publisher.publish(scene.world.snapshot(note=few))
    ran = fetch(room, publisher)
    assert (ran.exit_code, (room / "day").exists()) == (3, False)
    assert "(block.witnesses_too_few)" in ran.stderr


@pytest.mark.parametrize("status", [404, 429, 500])
def test_a_publisher_that_does_not_answer_is_told_as_such(
    room: Path, publisher: Publisher, status: int
) -> None:
    publisher.broken = status
    ran = fetch(room, publisher)
    assert ran.exit_code == 3
    assert "(snapshot.unreachable)" in ran.stderr


def test_a_key_goes_to_whom_it_is_meant_for_alone(room: Path, publisher: Publisher) -> None:
    publisher.publish(Scene().world.snapshot())
    source = ("fetch", room / "day", "--from", publisher.url, "--token", "secret")
    assert judged(room, *source).exit_code == 0
    assert publisher.keys == ["Bearer secret"]
    publisher.moved = "http://127.0.0.1:9"
    ran = judged(room, *source)
    assert ran.exit_code == 3
    assert "HTTP status 302 (snapshot.unreachable)" in ran.stderr
    assert len(publisher.keys) == 2


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "file:///etc", "nowhere"])
def test_an_address_that_leads_nowhere_is_told_as_such(room: Path, url: str) -> None:
    ran = judged(room, "fetch", room / "day", "--from", url)
    assert ran.exit_code == 3
    assert "(snapshot.unreachable)" in ran.stderr


def test_one_source_must_be_named(room: Path) -> None:
    assert judged(room, "fetch", room / "day").exit_code == 2
    both = ("--from", "http://127.0.0.1:9/", "--home", room)
    assert judged(room, "fetch", room / "day", *both).exit_code == 2


# Proving and showing ---------------------------------------------------------------------------


def test_a_snapshot_is_proved_and_shown(room: Path) -> None:
    scene = Scene(first_batches=2)
    scene.issuer.change([0, 2], Status.SUSPENDED)
    file = put(room / "day", scene.world.snapshot())
    checked = judged(room, "check", file, "--json")
    shown = run("show", file, "--json")
    assert (checked.exit_code, checked.stdout) == (0, shown.stdout)
    value = json.loads(shown.stdout)
    assert value["digest"] == scene.world.snapshot().digest().hex()
    assert (value["block"], value["time"]) == (1000, format_time(NOW - 600))
    assert value["bodies"][1] == {
        "issuer": ISSUER,
        "name": "上海市公安局",
        "standing": "active",
        "batches": 3,
        "certificates": 7,
        "revoked": 0,
        "suspended": 2,
        "superseded": 0,
    }


def test_check_applies_deltas_and_writes_what_they_lead_to(room: Path) -> None:
    scene = Scene()
    old = scene.world.snapshot()
    new = later(scene.world)
    files = put(room / "old", old), put(room / "new", new)
    assert run("delta", *files, room / "delta").exit_code == 0
    ran = judged(room, "check", room / "old", room / "delta", "--out", room / "led")
    assert ran.exit_code == 0
    assert (room / "led").read_bytes() == (room / "new").read_bytes()
    again = judged(room, "check", room / "new", room / "delta", "--out", room / "none")
    assert (again.exit_code, (room / "none").exists()) == (2, False)


def test_check_refuses_what_is_not_proved_or_not_trusted(room: Path) -> None:
    scene = Scene()
    snapshot = scene.world.snapshot()
    good = put(room / "good", snapshot)
    bad = room / "bad"
    bad.write_bytes(_mixed(snapshot, Scene(before=9).world.snapshot()))
    few = scene.world.note(dict.fromkeys(OPERATORS[:1], NOW - 595))
    alone = put(room / "alone", scene.world.snapshot(note=few))
    assert judged(room, "check", bad).exit_code == 2
    assert judged(room, "check", alone).exit_code == 3
    assert judged(room, "check", good, at=NOW + 400 * 86400).exit_code == 3
    (room / "policy.json").write_bytes(b"{}")
    assert judged(room, "check", good).exit_code == 2


def test_names_cannot_speak_to_the_terminal(room: Path) -> None:
    scene = Scene()
    scene.issuer.stand(name="上海\x1b[2J局")
    out = run("show", put(room / "day", scene.world.snapshot())).stdout
    assert "上海<U+001B>[2J局" in out
    assert "\x1b" not in out


# Exports ---------------------------------------------------------------------------------------


def test_statuses_are_exported_as_lists_of_others(room: Path) -> None:
    scene = Scene()
    scene.issuer.change([1], Status.REVOKED)
    scene.issuer.change([2], Status.SUSPENDED)
    file = put(room / "day", scene.world.snapshot())
    export = ("export", file, ISSUER, "--policy", room / "policy.json")
    token = json.loads(run(*export).stdout)
    assert read_token(token, 2)[:5] == [0, 1, 2, 0, 0]
    for purpose, index in (("revocation", 1), ("suspension", 2)):
        value = json.loads(run(*export, "--as", purpose).stdout)
        assert [n for n, bit in enumerate(read_bitstring(value)) if bit] == [index]


def test_only_what_is_proved_is_exported(room: Path) -> None:
    snapshot = Scene().world.snapshot()
    (room / "bad").write_bytes(_mixed(snapshot, Scene(before=9).world.snapshot()))
    policy = ("--policy", room / "policy.json")
    ran = run("export", room / "bad", ISSUER, *policy)
    assert (ran.exit_code, ran.stdout) == (2, "")
    nobody = run("export", put(room / "good", snapshot), "11310000XX00000999", *policy)
    assert (nobody.exit_code, nobody.stdout) == (2, "")
