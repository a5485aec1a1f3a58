"""No server, witness or node holds the ledger's own clients, nor fills their memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from http import HTTPStatus

import pytest

from certledger.ledger.chain.client import NodeAnswerTooLongError, NodeClient
from certledger.ledger.client.transport import ServerClient
from certledger.ledger.core.errors import ChainUnreachableError
from certledger.ledger.publish.cosignatures import Collector
from certledger.verifier.formats.policy import WitnessKey
from tests.ledger.witness.test_witness import checkpoint_of
from tests.verifier.hostile import ANSWERS, Answer, endless, hostile
from tests.verifier.refusals import refused_as
from tests.world import policy, witness_key

SECONDS = 0.5
GENEROUS = 10.0
"""Seconds that a question may take on a busy machine: without a deadline it never ends."""
MEMORY = 8 << 20
ENDLESS_PROBLEM = endless(
    b"HTTP/1.1 422 No\r\nContent-Type: application/problem+json\r\n\r\n", b" " * 65_536
)
DRIPPING_PROBLEM = endless(b"HTTP/1.1 422 No\r\nContent-Length: 100000\r\n\r\n", b" ", 0.02)


def ask_server(url: str, seconds: float) -> str:
    asker = ServerClient(url=url, token="t", patience=0, timeout=seconds)
    return refused_as(lambda: asker.ask("GET", "/v1/x", longest=1 << 20))


def ask_node(url: str, seconds: float) -> str:
    node = NodeClient(url, timeout=seconds, longest=1 << 20)
    return refused_as(lambda: node.call("eth_chainId"))


def ask_witness(url: str, seconds: float) -> str:
    witness = WitnessKey(
        operator="a",
        name="a-1",
        key=witness_key("a-1").public_key().public_bytes_raw(),
        start=0,
    )
    collector = Collector(policy=policy(witnesses=(witness,)), urls={"a-1": url}, timeout=seconds)
    line = collector._ask(witness, checkpoint_of(5))
    return "silent" if line is None and not collector.overtaken else "answered"


WAYS: dict[str, tuple[Callable[[str, float], str], set[str]]] = {
    "server": (ask_server, {"server.silent", "server.refused", "server.false"}),
    "node": (ask_node, {ChainUnreachableError.code}),
    "witness": (ask_witness, {"silent"}),
}
HOSTILE: dict[str, Answer] = {**ANSWERS, "a dripping refusal": DRIPPING_PROBLEM}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("answer", HOSTILE)
def test_a_hostile_peer_holds_nobody(way: str, answer: str) -> None:
    ask, codes = WAYS[way]
    with hostile(HOSTILE[answer]) as (url, questions):
        start = time.monotonic()
        assert ask(url, SECONDS) in codes
        assert time.monotonic() - start < GENEROUS
    assert questions


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "answer",
    [ANSWERS["an endless body"], ANSWERS["endless chunks"], ENDLESS_PROBLEM],
    ids=["body", "chunks", "refusal"],
)
def test_an_endless_answer_fills_no_memory(way: str, answer: Answer) -> None:
    ask, codes = WAYS[way]
    with hostile(answer) as (url, _):
        tracemalloc.start()
        try:
            assert ask(url, GENEROUS) in codes
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < MEMORY


def test_a_refusal_of_any_length_keeps_its_status() -> None:
    with hostile(ENDLESS_PROBLEM) as (url, _):
        assert ask_server(url, GENEROUS) == "server.refused"


def test_what_is_too_long_is_told_from_silence() -> None:
    with (
        hostile(ANSWERS["an endless body"]) as (url, _),
        pytest.raises(NodeAnswerTooLongError),
    ):
        NodeClient(url, timeout=GENEROUS, longest=1 << 16).call("eth_getLogs")


def test_a_witness_that_knows_a_newer_block_is_heard() -> None:
    body = b'{"code":"witness.not_newest"}'
    head = f"HTTP/1.1 {HTTPStatus.CONFLICT.value} No\r\nContent-Length: {len(body)}\r\n\r\n"
    with hostile(endless(head.encode() + body, b"", 9)) as (url, _):
        assert ask_witness(url, GENEROUS) == "answered"
