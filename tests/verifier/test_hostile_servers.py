"""No server holds whoever asks it beyond the deadline, nor fills its memory."""

import gzip
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from itertools import repeat
from pathlib import Path

import pytest

from certledger.verifier.audit.sources import (
    CHUNK,
    Folder,
    HttpDirectory,
    chunks,
    fetch,
    pack_lines,
    unzipped,
)
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES
from certledger.verifier.formats.record import MAX_RECORD_BYTES
from certledger.verifier.node_rpc import NodeFailedError, NodeUnreachableError, RpcClient
from certledger.verifier.snapshot_sync import SnapshotService
from certledger.verifier.verify.trust_sources import RememberingNode
from tests.verifier.hostile import ANSWERS, hostile
from tests.verifier.refusals import refused_as

SECONDS = 0.5
GENEROUS = 10.0
"""Seconds that a question may take on a busy machine: without a deadline it never ends."""
ROOT = bytes(32)


def asked(url: str) -> dict[str, str]:
    """Return the codes with which each way of asking is refused."""
    data = HttpDirectory(url, timeout=SECONDS)
    return {
        "node": refused_as(RpcClient(url, timeout=SECONDS, longest=1 << 20).block, "latest"),
        "snapshot": refused_as(SnapshotService(url, timeout=SECONDS).newest),
        "records": refused_as(data.records, "", 1, ROOT),
        "data": refused_as(partial(fetch, url, 1 << 20, timeout=SECONDS)),
    }


@pytest.mark.parametrize("answer", [
    name for name in ANSWERS if name not in ("an endless body", "endless chunks")
])  # fmt: skip
def test_a_hostile_server_holds_nobody(answer: str) -> None:
    with hostile(ANSWERS[answer]) as (url, questions):
        start = time.monotonic()
        codes = asked(url)
        assert time.monotonic() - start < GENEROUS
    assert codes == {
        "node": "block.node_unreachable",
        "snapshot": "snapshot.unreachable",
        "records": "data.unreachable",
        "data": "data.unreachable",
    }
    assert len(questions) >= len(codes)


@pytest.mark.parametrize("answer", ["an endless body", "endless chunks"])
def test_an_endless_answer_fills_no_memory(answer: str) -> None:
    with hostile(ANSWERS[answer]) as (url, _):
        tracemalloc.start()
        try:
            code = refused_as(RpcClient(url, timeout=GENEROUS, longest=1 << 20).block, "latest")
            limited = refused_as(partial(fetch, url, 1 << 20, timeout=GENEROUS))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert (code, limited) == ("block.node_unreachable", "data.unreachable")
    assert peak < 8 << 20


def test_a_node_that_cannot_be_reached_is_asked_once_for_all_files() -> None:
    with hostile(ANSWERS["silence"]) as (url, questions):
        node = RememberingNode(RpcClient(url, timeout=SECONDS))
        for number in range(100):
            with pytest.raises(NodeUnreachableError):
                node.block(number)
            with pytest.raises(NodeFailedError):
                node.proof(bytes(20), bytes(32), number)
        assert len(questions) == 1


# Published records -----------------------------------------------------------------------------


def lines(data: bytes, piece: int = 1_000) -> list[bytes]:
    pieces = (data[at : at + piece] for at in range(0, len(data), piece))
    return [record for chunk in chunks(unzipped(pieces)) for record in chunk]


@pytest.mark.parametrize("count", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3_000])
def test_records_are_read_as_they_were_published(count: int) -> None:
    records = [b'{"index":%d}' % at for at in range(count)]
    packed = pack_lines(records)
    assert lines(packed) == lines(gzip.decompress(packed)) == records
    assert lines(b"\n".join(records)) == records


def bomb(byte: bytes) -> bytes:
    """Return 64 MB of one byte, compressed."""
    return gzip.compress(byte * (1 << 26), compresslevel=1)


HOSTILE: dict[str, bytes | Callable[[], bytes]] = {
    "line feeds": partial(bomb, b"\n"),
    "one line without end": partial(bomb, b"a"),
    "one record more than a batch": b"a\n" * (MAX_BATCH_CERTIFICATES + 1),
    "a record too long": b"a" * (MAX_RECORD_BYTES + 1) + b"\n",
    "cut short": pack_lines(repeat(b"{}", 1_000))[:-9],
    "another stream behind": pack_lines([b"{}"]) + pack_lines([b"{}"]),
    "bytes behind": pack_lines([b"{}"]) + b"\0",
    "damaged": pack_lines([b"{}"])[:-1] + b"\1",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_records_are_refused_within_bounds(
    data: bytes | Callable[[], bytes], tmp_path: Path
) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / f"{ROOT.hex()}.jsonl.gz").write_bytes(
        data() if callable(data) else data
    )
    tracemalloc.start()
    try:
        records = Folder(tmp_path).records("", 1, ROOT)
        assert records is not None
        assert refused_as(list, records) == "data.unreachable"
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
