"""Looking up a name is within the one deadline, and takes a bounded number of threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from certledger.verifier import http_client
from certledger.verifier.name_resolver import THREAD_NAME, NameResolver, TooManyLookupsError
from certledger.verifier.node_rpc import NodeUnreachableError, RpcClient

SECONDS = 0.05
GENEROUS = 30.0
"""Seconds in which a refusal has come on a busy machine: the lookup itself never ends."""


class Nameserver:
    """Looks names up, and hangs on all of them until it is let go."""

    def __init__(self) -> None:
        self.gate, self.asked = threading.Event(), list[str]()

    def __call__(self, host: str, port: int) -> str:
        self.asked.append(host)
        self.gate.wait()
        return f"{host}:{port}"


@pytest.fixture
def nameserver() -> Iterator[Nameserver]:
    made = Nameserver()
    yield made
    made.gate.set()


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == THREAD_NAME]


def test_a_lookup_that_hangs_ends_with_the_deadline_of_the_question(
    nameserver: Nameserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "RESOLVER", NameResolver(nameserver))
    node = RpcClient("http://node.example", timeout=SECONDS)
    start = time.monotonic()
    for _ in range(10):
        with pytest.raises(NodeUnreachableError, match="no answer in time"):
            node.block("latest")
    assert time.monotonic() - start < GENEROUS
    assert nameserver.asked == ["node.example"], "questions for one name share a lookup"
    assert len(threads()) == 1


def test_few_names_are_looked_up_at_once_and_fewer_of_one_caller(nameserver: Nameserver) -> None:
    resolver = NameResolver(nameserver, total=3, each=2)
    first = resolver.begin("a.example", 1, "one")
    assert resolver.begin("a.example", 1, "two") is first
    resolver.begin("b.example", 1, "one")
    with pytest.raises(TooManyLookupsError):
        resolver.begin("c.example", 1, "one")
    resolver.begin("c.example", 1, "two")
    with pytest.raises(TooManyLookupsError):
        resolver.begin("d.example", 1, "three")
    assert len(threads()) == 3
    nameserver.gate.set()
    assert first.result(GENEROUS) == "a.example:1"
    for one in threads():
        one.join(GENEROUS)
    assert resolver.resolve("d.example", 1, seconds=GENEROUS) == "d.example:1"


def test_what_a_lookup_raises_is_raised() -> None:
    def fail(host: str, port: int) -> str:
        raise OSError(f"no address of {host}")

    with pytest.raises(OSError, match="no address of gone"):
        NameResolver(fail).resolve("gone.example", 1, seconds=GENEROUS)


def test_an_address_in_numbers_takes_no_thread(nameserver: Nameserver) -> None:
    nameserver.gate.set()
    resolver = NameResolver(nameserver, total=0)
    for address in ("127.0.0.1", "::1", "fe80::1%eth0"):
        assert resolver.resolve(address, 1, seconds=SECONDS) == f"{address}:1"
