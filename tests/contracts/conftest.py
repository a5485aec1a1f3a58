"""A deployed ledger, and one with an issuer on it; every test starts from the same snapshot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.people import Office
from tests.contracts.world import World


@pytest.fixture(scope="session")
def deployed() -> tuple[World, Any]:
    world = World()
    world.deploy()
    return world, world.snapshot()


@pytest.fixture
def world(deployed: tuple[World, Any]) -> World:
    found, start = deployed
    found.revert(start)
    return found


@pytest.fixture(scope="session")
def settled(deployed: tuple[World, Any]) -> tuple[Office, Any]:
    """An issuer of region 31 with a key for each purpose and 300 certificates."""
    world, start = deployed
    world.revert(start)
    office = Office(world=world)
    office.register()
    office.issue(300)
    return office, world.snapshot()


@pytest.fixture
def office(settled: tuple[Office, Any]) -> Office:
    found, start = settled
    found.world.revert(start)
    return replace(found, tree=type(found.tree)())
