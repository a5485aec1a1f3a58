"""The service under hostile input, in seconds: `make attack` measures the same for minutes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.attack.homes import make_home
from tests.attack.inputs import attacks, names
from tests.attack.measuring import MEGABYTE, Target, measure, target
from tests.effort import effort

SECONDS = effort(0.2, 1.0)
FILES = 128
"""Descriptors that the service has: far fewer than the connections that are opened."""
MAX_SECONDS = 20.0
"""What nobody waits for here, where the machine may be slow; once they waited for minutes."""


@dataclass(frozen=True, slots=True)
class Attacked:
    """A service, and what is asked of it meanwhile."""

    at: Target
    question: bytes
    key: str


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """Return one service that stands through all attacks."""
    home = tmp_path_factory.mktemp("attacked") / "home"
    question, key = make_home(home)
    with target(home, files=FILES) as at:
        yield Attacked(at, question, key)


@pytest.mark.parametrize("name", [*names()])
def test_others_are_served_and_nothing_grows(attacked: Attacked, name: str) -> None:
    found = measure(attacked.at, attacks()[name](), attacked.question, attacked.key, SECONDS)
    assert found.wrong == []
    assert max(found.health + found.verify) < MAX_SECONDS
    assert attacked.at.memory() < 600 * MEGABYTE
    assert attacked.at.process.poll() is None
