"""No input of 64 KB takes a decoder long, or much memory: the short form of `make attack`."""

import pytest

from tests.attack.decoders import BOMBS, DECODERS, faults, memory


@pytest.mark.parametrize("name", DECODERS)
def test_hostile_inputs_cost_little(name: str) -> None:
    assert [fault for seed in range(5) for fault in faults(name, seed)] == []


@pytest.mark.parametrize("name", BOMBS)
def test_what_unpacks_to_much_is_not_unpacked(name: str) -> None:
    bomb = BOMBS[name]
    assert memory(bomb.decode, bomb.make()) < 50 << 20
