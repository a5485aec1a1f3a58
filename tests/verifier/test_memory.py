"""What a verifier remembers survives, only grows, and is never guessed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.accepted_time import FILE, AcceptedTime, recall, remember_time
from certledger.verifier.errors import MalformedError


def test_a_new_home_remembers_nothing(tmp_path):
    assert recall(tmp_path / "home") == AcceptedTime(time=0)


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
        b'{"time":1,"type":"certledger/memory/2"}',
        b'{"type":"certledger/memory/1"}',
        b'{"time":-1,"type":"certledger/memory/1"}',
        b'{"time":1,"type":"certledger/memory/1"}\n',
        b'{"time":1,"type":"certledger/memory/1","version":1}',
    ],
)
def test_a_damaged_memory_is_refused_rather_than_forgotten(tmp_path, data):
    (tmp_path / FILE).write_bytes(data)
    for act in (recall, lambda home: remember_time(home, 9)):
        with pytest.raises(MalformedError):
            act(tmp_path)
    assert (tmp_path / FILE).read_bytes() == data


def test_nothing_but_the_memory_and_its_lock_is_left_behind(tmp_path):
    for time in range(1, 5):
        remember_time(tmp_path, time)
    assert {path.name for path in tmp_path.iterdir()} == {FILE, f".{FILE}.lock"}


def test_processes_that_remember_at_once_lose_nothing(tmp_path):
    script = (
        "import sys; from pathlib import Path; from certledger.verifier import accepted_time\n"
        "for n in range(int(sys.argv[2]), 41, 2):\n"
        "    accepted_time.remember_time(Path(sys.argv[1]), n)\n"
    )
    house = Path(__file__).resolve().parents[2]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), start],
            env={**os.environ, "PYTHONPATH": str(house)},
        )
        for start in "12"
    ]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    assert recall(tmp_path) == AcceptedTime(time=40)
