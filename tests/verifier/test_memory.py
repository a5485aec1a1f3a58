"""What a verifier remembers survives, only grows, and is never guessed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.errors import Malformed
from verifier.memory import FILE, Memory, recall, remember_time, remember_version
from verifier.policyfile import PolicyOlder


def test_a_new_home_remembers_nothing(tmp_path):
    assert recall(tmp_path / "home") == Memory(version=0, time=0)


def test_version_and_time_are_remembered_beside_each_other(tmp_path):
    home = tmp_path / "home"
    assert remember_version(home, 3) == Memory(version=3)
    assert remember_time(home, 1_795_000_000) == Memory(version=3, time=1_795_000_000)
    assert remember_version(home, 4) == Memory(version=4, time=1_795_000_000)
    assert recall(home) == Memory(version=4, time=1_795_000_000)


def test_an_older_policy_is_refused_and_the_same_one_is_not(tmp_path):
    remember_version(tmp_path, 3)
    remember_version(tmp_path, 3)
    with pytest.raises(PolicyOlder, match="version 2 where 3 was relied on"):
        remember_version(tmp_path, 2)
    assert recall(tmp_path).version == 3


@given(times=st.lists(st.integers(0, 2**37), max_size=5))
def test_an_earlier_time_changes_nothing(times, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    for time in times:
        remember_time(home, time)
    assert recall(home).time == max(times, default=0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b'{"time":1,"type":"certledger/memory/2","version":1}',
        b'{"time":1,"type":"certledger/memory/1"}',
        b'{"time":-1,"type":"certledger/memory/1","version":1}',
        b'{"time":1,"type":"certledger/memory/1","version":1}\n',
    ],
)
def test_a_damaged_memory_is_refused_rather_than_forgotten(tmp_path, data):
    (tmp_path / FILE).write_bytes(data)
    for act in (
        recall,
        lambda home: remember_version(home, 9),
        lambda home: remember_time(home, 9),
    ):
        with pytest.raises(Malformed):
            act(tmp_path)
    assert (tmp_path / FILE).read_bytes() == data


def test_nothing_but_the_memory_and_its_lock_is_left_behind(tmp_path):
    for version in range(1, 5):
        remember_version(tmp_path, version)
    assert {path.name for path in tmp_path.iterdir()} == {FILE, f".{FILE}.lock"}


def test_processes_that_remember_at_once_lose_nothing(tmp_path):
    script = (
        "import sys; from pathlib import Path; from verifier import memory\n"
        "for n in range(1, 41):\n"
        "    getattr(memory, sys.argv[2])(Path(sys.argv[1]), n)\n"
    )
    house = Path(__file__).resolve().parents[2]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), act],
            env={**os.environ, "PYTHONPATH": str(house)},
        )
        for act in ("remember_version", "remember_time")
    ]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    assert recall(tmp_path) == Memory(version=40, time=40)
