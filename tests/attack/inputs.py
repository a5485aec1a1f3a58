"""Hostile requests of a stranger: each is few bytes that once cost the service very much."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import orjson

from certledger.verifier.formats.base45 import to_base45
from certledger.verifier.formats.compact_evidence import PREFIX

END = b"\r\n\r\n"
VERIFY, LOOK_UP, UPLOAD, RPC = (
    "/v1/verifications",
    "/v1/lookups",
    "/v1/verifications/uploads",
    "/rpc",
)
_BOUNDARY = "attack"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """What a stranger sends again and again.

    Attributes:
        data: the bytes of one connection.
        whole: whether they are a request that is answered; others are left standing.
        held: connections that one caller leaves standing at once.
    """

    data: bytes
    whole: bool = True
    held: int = 1


def post(path: str, body: bytes, **headers: str) -> bytes:
    """Return the bytes of a request that closes its connection."""
    lines = [f"POST {path} HTTP/1.1", "host: a", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode() + END + body


def ask(value: object, **headers: str) -> bytes:
    """Return a question to the service."""
    return post(VERIFY, orjson.dumps(value), **headers)


def code(data: bytes) -> dict[str, str]:
    """Return the question about a code that holds `data`."""
    return {"code": PREFIX + to_base45(data)}


def shared_references(depth: int = 60) -> bytes:
    """Return CBOR that is small and, where its tags are followed, a list of 2^depth values."""
    shared = b"\x80"
    for level in range(depth):
        shared = b"\xd8\x1c\x82" + shared + b"\xd8\x1d" + bytes([level if level < 24 else 23])
    return shared


def nested(depth: int) -> bytes:
    return b"\x81" * depth + b"\x00"


def doubled_names(count: int) -> bytes:
    """Return an object of very many members, the last name of which stands twice."""
    members = b",".join(b'"n%d":0' % number for number in range(count))
    return b"{%b,%b}" % (members, b'"n%d":0' % (count - 1))


def upload(size: int) -> bytes:
    """Return a form with a document of `size` bytes."""
    parts = b"".join(
        b'--%b\r\ncontent-disposition: form-data; name="%b"; filename="a"\r\n\r\n%b\r\n'
        % (_BOUNDARY.encode(), name, data)
        for name, data in ((b"evidence", b"{}"), (b"document", bytes(size)))
    )
    return parts + b"--%b--\r\n" % _BOUNDARY.encode()


def packed(data: bytes) -> bytes:
    """Return a question that comes packed."""
    body = gzip.compress(data, 9)
    return post(VERIFY, body, content_encoding="gzip", content_type="application/json")


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def attacks() -> Mapping[str, Callable[[], Attack]]:
    """Return every attack by its name, made when it is called."""
    rpc = [
        {"jsonrpc": "2.0", "id": n, "method": "eth_getBlockByNumber", "params": ["latest", True]}
        for n in range(100)
    ]
    form = f"multipart/form-data; boundary={_BOUNDARY}"
    wrong = "Bearer clk_ABCDEFGH_" + "A" * 32
    made: dict[str, Callable[[], bytes]] = {
        "shared_references": lambda: ask(code(shared_references())),
        "indefinite_lists": lambda: ask(code(b"\x9f" * 2_000)),
        "nested_code": lambda: ask(code(nested(2_000))),
        "bytes_of_int": lambda: ask(code(b"\x9b\x00\x00\x00\x01\x00\x00\x00\x00")),
        "noise_codes": lambda: ask([code(noise(2_000 + n)) for n in range(300)]),
        "packed_zeros": lambda: packed(b'{"evidence":[%b0]}' % (b"0," * 8_000_000)),
        "packed_lists": lambda: packed(b"[%b[]]" % (b"[]," * 5_000_000)),
        "packed_line_feeds": lambda: packed(b"\n" * 15_000_000),
        "zeros": lambda: post(VERIFY, b"[%b0]" % (b"0," * 900_000)),
        "doubled_names": lambda: post(VERIFY, doubled_names(20_000)),
        "doubled_names_within": lambda: post(VERIFY, b'{"evidence":%b}' % doubled_names(20_000)),
        "nested_json": lambda: post(VERIFY, b"[" * 900_000),
        "long_text": lambda: post(VERIFY, b'{"evidence":"%b"}' % (b"a" * 1_900_000)),
        "escaped_text": lambda: post(VERIFY, b'{"code":"%b"}' % (rb"\u0041" * 300_000)),
        "guesses": lambda: ask([{"lookup": {"digest": f"{n:064x}"}} for n in range(1_000)]),
        "too_long": lambda: post(VERIFY, b" " * 15_000_000),
        "uploads": lambda: post(UPLOAD, upload(31 * 2**20), content_type=form),
        "node_calls": lambda: post(RPC, orjson.dumps(rpc), content_type="application/json"),
        "wrong_keys": lambda: post(LOOK_UP, b"{}", authorization=wrong),
        "two_framings": lambda: (
            b"POST /rpc HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n"
            b"transfer-encoding: chunked" + END + b"0" + END
        ),
        "no_http": lambda: b"\x16\x03\x01" + noise(20_000),
    }
    whole = {name: _whole(make) for name, make in made.items()}
    return whole | {
        "unfinished_heads": lambda: Attack(
            data=b"GET /healthz HTTP/1.1\r\nhos", whole=False, held=75
        ),
        "unfinished_bodies": lambda: Attack(
            data=post(VERIFY, bytes(1_000_000))[:500_000], whole=False, held=5
        ),
    }


def _whole(make: Callable[[], bytes]) -> Callable[[], Attack]:
    return lambda: Attack(data=make())


def names() -> Iterator[str]:
    """Yield the name of each attack."""
    yield from attacks()
