"""A witness signs what its own node knows as final, and never two histories."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from certledger.ledger.node import Ledger
from certledger.ledger.publish.checkpoints import Cadence, checkpoint
from certledger.ledger.publish.cosignatures import Collector
from certledger.ledger.witness.deployment_check import DeploymentForeignError, require_deployment
from certledger.ledger.witness.nodes import ChainForeignError, ExecutingNode, RpcSource
from certledger.ledger.witness.server import MAX_CONNECTIONS, WitnessServer
from certledger.ledger.witness.state import (
    FILE,
    FORK,
    HomeLockedError,
    MemoryDamagedError,
    OtherLedgerHomeError,
    release_home,
)
from certledger.ledger.witness.witness import (
    BlockDiffersError,
    BlockUnknownError,
    CheckpointLedgerError,
    ClockOffError,
    NotNewestError,
    PublishedUnknownError,
    RollbackError,
    TwoHistoriesError,
    Witness,
)
from certledger.verifier.audit.sources import DataUnreachableError
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats.checkpoint import (
    Checkpoint,
    Cosignature,
    Note,
    check_cosignature,
    cosign,
    parse_note,
)
from certledger.verifier.formats.policy import TrustPolicy
from certledger.verifier.formats.policy import WitnessKey as PolicyWitness
from certledger.verifier.node_rpc import NodeBlock
from certledger.verifier.verify.block_trust import judge_by_witnesses
from tests.ledger.live import LiveIssuer, open_live
from tests.world import IDENTITY, NOW, policy, witness_key

NAME = "shanghai"


def history(label: str, number: int) -> NodeBlock:
    return NodeBlock(
        number=number,
        hash=keccak(f"{label} hash {number}".encode()),
        state_root=keccak(f"{label} root {number}".encode()),
        time=NOW + number,
    )


class Chain:
    """The witness's own node, which a test can turn to another history."""

    def __init__(self, label: str = "one", final: int = 5) -> None:
        self.label, self.last, self.fork = label, final, 0

    def advance(self) -> None:
        pass

    def final(self) -> NodeBlock:
        return self.block(self.last)  # type: ignore[return-value]

    def block(self, number: int) -> NodeBlock | None:
        label = self.label if number >= self.fork else "one"
        return history(label, number) if number <= self.last else None


def checkpoint_of(number: int, label: str = "one") -> Checkpoint:
    block = history(label, number)
    return Checkpoint(
        identity=IDENTITY,
        number=number,
        state_root=block.state_root,
        block_hash=block.hash,
        time=block.time,
    )


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
def witness(chain: Chain, tmp_path: Path) -> Witness:
    return Witness(
        name=NAME,
        key=witness_key(NAME),
        identity=IDENTITY,
        node=chain,
        home=tmp_path,
        lag=120,
        clock=lambda: NOW + 20,
    )


@pytest.fixture(autouse=True)
def unlocked(tmp_path: Path) -> Iterator[None]:
    yield
    release_home(tmp_path)


def remembered(witness: Witness) -> tuple[Checkpoint, int]:
    memory = witness.recall()
    assert memory is not None
    return memory.checkpoint, memory.time


def is_signed(line: Cosignature, signed: Checkpoint) -> bool:
    return check_cosignature(signed, line, witness_key(NAME).public_key().public_bytes_raw())


def test_a_final_block_of_its_own_node_is_signed_and_remembered(witness: Witness) -> None:
    line = witness.cosign(checkpoint_of(5))

    assert is_signed(line, checkpoint_of(5))
    assert remembered(witness) == (checkpoint_of(5), NOW + 20)


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (checkpoint_of(6), BlockUnknownError),
        (checkpoint_of(4), NotNewestError),
        (checkpoint_of(5, "two"), BlockDiffersError),
        (replace(checkpoint_of(5), identity=bytes(32)), CheckpointLedgerError),
        (replace(checkpoint_of(5), state_root=bytes(32)), BlockDiffersError),
        (replace(checkpoint_of(5), time=NOW), BlockDiffersError),
    ],
    ids=[
        "not final",
        "not the newest",
        "another block",
        "another ledger",
        "another root",
        "another time",
    ],
)
def test_anything_else_is_refused(
    witness: Witness, asked: Checkpoint, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        witness.cosign(asked)

    assert witness.recall() is None


def test_a_block_before_the_last_one_signed_is_refused(witness: Witness, chain: Chain) -> None:
    witness.cosign(checkpoint_of(5))
    chain.last = 9

    with pytest.raises(RollbackError):
        witness.cosign(checkpoint_of(4))

    assert is_signed(witness.cosign(checkpoint_of(9)), checkpoint_of(9))


def test_an_old_head_is_not_signed_as_new(witness: Witness) -> None:
    late = replace(witness, clock=lambda: NOW + 1_000)

    with pytest.raises(ClockOffError):
        late.cosign(checkpoint_of(5))


def test_a_clock_that_went_back_signs_nothing(witness: Witness, chain: Chain) -> None:
    witness.cosign(checkpoint_of(5))
    chain.last = 6

    with pytest.raises(ClockOffError):
        replace(witness, clock=lambda: NOW + 19).cosign(checkpoint_of(6))


def test_two_histories_are_kept_as_proof_and_end_the_witness(
    witness: Witness, chain: Chain
) -> None:
    witness.cosign(checkpoint_of(5))
    chain.label = "two"

    with pytest.raises(TwoHistoriesError):
        witness.cosign(checkpoint_of(6, "two"))

    import json

    proof = json.loads((witness.home / FORK).read_bytes())
    signed, other = parse_note(proof["signed"]), parse_note(proof["other"])
    assert is_signed(signed.cosignatures[0], checkpoint_of(5))
    assert other.checkpoint == checkpoint_of(5, "two")
    chain.label = "one"
    with pytest.raises(TwoHistoriesError):
        witness.cosign(checkpoint_of(6))


class Killed(Exception):
    """The process died here."""


STEPS = ("open", "fsync", "replace", "open folder", "fsync folder", "cosign")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("applied", [False, True], ids=["before", "after"])
def test_a_kill_at_any_instant_never_leads_to_two_histories(
    step: str, applied: bool, witness: Witness, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Cosignature] = []
    with monkeypatch.context() as patch:
        _die_at(patch, step, applied=applied)
        with pytest.raises(Killed):
            told.append(witness.cosign(checkpoint_of(5)))

    release_home(witness.home)  # As the end of a process does.
    chain.label = "two"  # Afterwards the node is fed another history from block 0 on.
    try:
        second = witness.cosign(checkpoint_of(5, "two"))
    except (TwoHistoriesError, BlockDiffersError):
        return
    assert remembered(witness) == (checkpoint_of(5, "two"), NOW + 20)
    assert not told, "nothing had left the witness before"
    assert is_signed(second, checkpoint_of(5, "two"))


def _die_at(patch: pytest.MonkeyPatch, step: str, *, applied: bool) -> None:
    from certledger.ledger.witness import witness as module

    targets: dict[str, tuple[Any, str, int]] = {
        "open": (Path, "open", 1),
        "fsync": (os, "fsync", 1),
        "replace": (Path, "replace", 1),
        "open folder": (os, "open", 1),
        "fsync folder": (os, "fsync", 2),
        "cosign": (module, "cosign", 1),
    }
    owner, name, dies_at = targets[step]
    real, calls = getattr(owner, name), [0]

    def dying(*args: Any, **named: Any) -> Any:
        calls[0] += 1
        if calls[0] != dies_at:
            return real(*args, **named)
        if applied:
            real(*args, **named)
        raise Killed(step)

    patch.setattr(owner, name, dying)


def test_what_was_remembered_survives_half_a_write(witness: Witness) -> None:
    witness.cosign(checkpoint_of(5))

    (witness.home / f"{FILE}.new").write_bytes(b"{half")

    assert remembered(witness) == (checkpoint_of(5), NOW + 20)


def test_a_memory_damaged_anywhere_is_no_other_history(witness: Witness) -> None:
    witness.cosign(checkpoint_of(5))
    path = witness.home / FILE
    whole = path.read_bytes()
    damages = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
    for damaged in (*damages, whole[:-2], b"", b"\xff" * 40):
        path.write_bytes(damaged)
        with pytest.raises(MemoryDamagedError):
            witness.cosign(checkpoint_of(5))
    path.unlink()
    path.mkdir()
    with pytest.raises(MemoryDamagedError):
        witness.cosign(checkpoint_of(5))
    assert not (witness.home / FORK).exists()


def test_the_home_of_another_ledgers_witness_is_refused(witness: Witness) -> None:
    witness.cosign(checkpoint_of(5))
    other = replace(witness, identity=bytes(32))

    with pytest.raises(OtherLedgerHomeError):
        other.cosign(replace(checkpoint_of(5), identity=bytes(32)))

    assert not (witness.home / FORK).exists()


# After a start --------------------------------------------------------------------------------


def published_by(*signed: Checkpoint, name: str = NAME) -> Callable[[], list[str]]:
    """Return what gives notes that carry the line of a witness."""
    notes = []
    for one in signed:
        line = cosign(one, name, witness_key(name), NOW)
        notes.append(Note(checkpoint=one, cosignatures=(line,)).format())
    return lambda: notes


def test_a_restored_backup_does_not_sign_before_what_it_published(
    witness: Witness, chain: Chain
) -> None:
    witness.cosign(checkpoint_of(5))
    chain.last = 7
    restored = replace(witness, published=published_by(checkpoint_of(9)))

    with pytest.raises(BlockUnknownError):  # Its node has not come to block 9 again.
        restored.cosign(checkpoint_of(7))
    assert remembered(witness) == (checkpoint_of(9), NOW)

    chain.last = 9
    with pytest.raises(RollbackError):
        restored.cosign(checkpoint_of(7))
    assert is_signed(restored.cosign(checkpoint_of(9)), checkpoint_of(9))


def test_a_restored_backup_does_not_sign_another_block_at_a_height_it_signed(
    witness: Witness, chain: Chain
) -> None:
    chain.label, chain.last = "two", 9
    restored = replace(witness, published=published_by(checkpoint_of(9)))

    with pytest.raises(TwoHistoriesError):
        restored.cosign(checkpoint_of(9, "two"))

    assert (witness.home / FORK).exists()


def test_two_blocks_of_one_height_under_its_own_line_are_a_proof(witness: Witness) -> None:
    witness.cosign(checkpoint_of(5))

    with pytest.raises(TwoHistoriesError):
        replace(witness, published=published_by(checkpoint_of(5, "two"))).cosign(checkpoint_of(5))


def test_lines_of_others_and_forged_ones_are_not_ones_own(witness: Witness) -> None:
    others = published_by(checkpoint_of(9), name="anhui")()
    forged = others[0].replace("anhui", NAME)
    asked = replace(witness, published=lambda: [*others, forged, "nonsense"])

    assert is_signed(asked.cosign(checkpoint_of(5)), checkpoint_of(5))


def test_nothing_is_signed_while_nobody_tells_what_was_published(witness: Witness) -> None:
    answers = [False, True]

    def published() -> list[str]:
        if not answers.pop(0):
            raise DataUnreachableError("nobody answers")
        return []

    started = replace(witness, published=published)
    with pytest.raises(PublishedUnknownError):
        started.cosign(checkpoint_of(5))
    assert is_signed(started.cosign(checkpoint_of(5)), checkpoint_of(5))
    assert is_signed(started.cosign(checkpoint_of(5)), checkpoint_of(5))
    assert answers == [], "it was asked once after the start"


def test_another_process_does_not_witness_from_the_same_home(
    witness: Witness, tmp_path: Path
) -> None:
    code = (
        "import sys, pathlib; from certledger.ledger.witness.state import acquire_home;"
        " acquire_home(pathlib.Path(sys.argv[1])); print('locked', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "locked\n"
    with pytest.raises(HomeLockedError):
        witness.cosign(checkpoint_of(5))
    other.communicate()
    assert is_signed(witness.cosign(checkpoint_of(5)), checkpoint_of(5))


CLOCK: dict[str, Any] = {"lag": 600, "clock": lambda: int(time.time())}

# On a real chain -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with open_live(tmp_path_factory.mktemp("witnessed") / "home") as opened:
        issuer = LiveIssuer(opened)
        issuer.register()
        issuer.submit(3)
        opened.run_until_idle()
        yield opened


def source(ledger: Ledger) -> RpcSource:
    return RpcSource(lambda method, params: ledger.node.call(method, *params))


def trusted(ledger: Ledger) -> TrustPolicy:
    return policy(ledgers=(ledger.pin,), ends=ledger.clock() + 10_000, block_lag=600)


@pytest.fixture
def servers(ledger: Ledger, tmp_path: Path) -> Iterator[dict[str, str]]:
    opened, urls = [], {}
    for member in trusted(ledger).witnesses[:3]:
        home = tmp_path / member.name
        node = ExecutingNode(home, source(ledger), ledger.pin.genesis, **CLOCK)
        server = WitnessServer(
            Witness(
                name=member.name,
                key=witness_key(member.name),
                identity=ledger.pin.identity,
                node=node,
                home=home,
                lag=600,
                clock=ledger.clock,
            )
        )
        server.start()
        opened.append((server, node))
        urls[member.name] = server.url
    yield urls
    for server, node in opened:
        server.close()
        node.close()


def test_a_stranger_with_many_connections_does_not_silence_a_witness(
    servers: dict[str, str],
) -> None:
    url = httpx.URL(servers["shanghai"])
    assert url.port is not None
    with ExitStack() as opened:
        held = [
            opened.enter_context(socket.create_connection((url.host, url.port)))
            for _ in range(MAX_CONNECTIONS + 8)
        ]
        for one in held:
            one.sendall(b"POST /v1/cosignatures HTTP/1.1\r\nX: ")

        assert httpx.get(url.join("/v1/cosignatures/latest")).status_code == 404

        assert held[0].recv(1) == b""


def test_witnesses_that_execute_the_chain_again_make_evidence_valid_offline(
    ledger: Ledger, servers: dict[str, str]
) -> None:
    ledger.mine_heartbeat_block()
    checkpoint(ledger.store, ledger.chain, ledger.pin, Cadence(seconds=0))
    down = {**servers, "zhejiang": "http://127.0.0.1:1"}

    count = Collector(policy=trusted(ledger), urls=down).collect(ledger.store)

    assert count == 3
    with ledger.store.begin(write=False) as unit:
        newest = unit.checkpoint()
    assert newest is not None
    assert judge_by_witnesses(parse_note(newest.note), trusted(ledger), ledger.pin).code == "ok"
    assert Collector(policy=trusted(ledger), urls=down).collect(ledger.store) == 3


def test_a_note_has_room_for_every_operator_though_not_for_every_witness() -> None:
    names = [f"{operator}-{n}" for operator in ("a", "b") for n in range(12)] + ["z-0"]
    members = tuple(
        PolicyWitness(
            operator=name[0],
            name=name,
            key=witness_key(name).public_key().public_bytes_raw(),
            start=0,
        )
        for name in sorted(names)
    )
    lines = {name: cosign(checkpoint_of(5), name, witness_key(name), 1) for name in names}
    chosen = Collector(policy=policy(witnesses=members), urls={}).choose_lines(lines)
    assert len(chosen) == 16
    assert [line.name for line in chosen] == sorted(line.name for line in chosen)
    assert {line.name[0] for line in chosen} == {"a", "b", "z"}


def test_a_witness_answers_nonsense_with_a_problem(servers: dict[str, str]) -> None:
    url = next(iter(servers.values()))

    for path, body, status in [
        ("/v1/cosignatures", b"nonsense", 400),
        ("/v1/cosignatures", b"\xff", 400),
        ("/v1/cosignatures", b"x" * 5_000, 400),
        ("/other", b"", 404),
    ]:
        answer = httpx.post(url + path, content=body)
        assert (answer.status_code, "code" in answer.json()) == (status, True)
    assert httpx.get(url + "/v1/cosignatures/latest").status_code == 404


def test_the_deployment_is_checked_byte_for_byte(ledger: Ledger) -> None:
    require_deployment(ledger.node, ledger.pin)

    for changes in (
        {"deployment": bytes(32)},
        {"address": bytes(20)},
        {"identity": bytes(32)},
        {"code_hash": bytes(32)},
    ):
        with pytest.raises(DeploymentForeignError):
            require_deployment(ledger.node, replace(ledger.pin, **changes))  # type: ignore[arg-type]


class LyingNode:
    """A node that tells another deployment transaction than there is."""

    def __init__(self, ledger: Ledger, **lies: str) -> None:
        self._node, self._lies = ledger.node, lies

    def call(self, method: str, *params: Any) -> Any:
        return self._node.call(method, *params) | self._lies


def test_what_a_node_says_of_the_deployment_is_computed_again(ledger: Ledger) -> None:
    for lies in ({"nonce": "0x7"}, {"input": "0x"}, {"value": "0x1"}, {"r": "0x1"}, {"to": "0x"}):
        with pytest.raises(DeploymentForeignError):
            require_deployment(LyingNode(ledger, **lies), ledger.pin)  # type: ignore[arg-type]
    stranger = LyingNode(ledger, **{"from": "0x" + "ab" * 20})
    require_deployment(stranger, ledger.pin)  # type: ignore[arg-type]  # The signer counts.


def test_a_home_of_another_chain_and_a_damaged_one_are_refused(
    ledger: Ledger, tmp_path: Path
) -> None:
    ExecutingNode(tmp_path, source(ledger), ledger.pin.genesis, **CLOCK).close()
    file = tmp_path / "followed.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode = DELETE")
    whole = file.read_bytes()
    with sqlite3.connect(file) as connection:
        table = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert table
    file.write_bytes(b"\xff" * len(whole))
    with pytest.raises(MemoryDamagedError):
        ExecutingNode(tmp_path, source(ledger), ledger.pin.genesis, **CLOCK)


def test_a_chain_that_began_otherwise_is_foreign(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(ChainForeignError):
        ExecutingNode(tmp_path, source(ledger), os.urandom(32), **CLOCK)
