"""Reading one Ethereum node over JSON-RPC: blocks and proofs, nothing else; believes no shape."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

import orjson

from verifier.checkpoint import GREATEST_BLOCK, GREATEST_TIME
from verifier.errors import Refused
from verifier.stateproof import LONGEST_NODE, MOST_NODES

LONGEST_ANSWER = 1 << 20
_CHUNK = 1 << 16
_QUANTITY = re.compile(r"0x(?:0|[1-9a-f][0-9a-f]{0,63})")
_DATA = re.compile(r"0x(?:[0-9a-f]{2})*")


class NodeFailed(Refused):
    """A node gave no answer that can be used."""

    code = "block.node_unreachable"


class NodeUnreachable(NodeFailed):
    """No answer came: no connection, no time left, or a status of HTTP other than 200."""


class NodeAnsweredNonsense(NodeFailed):
    """The answer is not what JSON-RPC and the execution API ask for."""


class NodeRefused(NodeFailed):
    """The node answered with an error of JSON-RPC; `number` is its code."""

    def __init__(self, method: str, number: int, message: str) -> None:
        super().__init__(f"the node refuses {method}: {number} {message[:200]!r}")
        self.number = number


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A block as a node names it; hash and root are 32 bytes, time is in seconds."""

    number: int
    hash: bytes
    state_root: bytes
    time: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotProof:
    """The trie nodes from a state root to an account, and from there to one slot."""

    account: tuple[bytes, ...]
    slot: tuple[bytes, ...]


class Rpc:
    """One node, reached by http or https.  No answer is believed beyond its shape.

    Redirects are not followed.  `timeout` (seconds) bounds each wait for the network, and the
    reading of a whole answer.
    """

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        self._url = _checked(url)
        # Said instead of the address: a key of its user often stands in the path.
        self._host = urlsplit(url).netloc
        self._timeout = timeout
        self._opener = _opener()
        self._asked = 0

    def block(self, which: int | str) -> Block | None:
        """Return the block of a number or tag (`latest`, `finalized`), None if there is none.

        Raises:
            NodeFailed: no answer, one of another shape, or a block of another number.
        """
        asked = hex(which) if isinstance(which, int) else which
        answer = self._call("eth_getBlockByNumber", [asked, False])
        if answer is None:
            return None
        read = _Answer(answer, "the block")
        block = Block(
            number=read.quantity("number", GREATEST_BLOCK),
            hash=read.data("hash", 32),
            state_root=read.data("stateRoot", 32),
            time=read.quantity("timestamp", GREATEST_TIME),
        )
        if isinstance(which, int) and block.number != which:
            _nonsense(f"block {block.number} where {which} was asked for")
        return block

    def proof(self, address: bytes, position: bytes, number: int) -> SlotProof | None:
        """Return the proof of a slot (32 bytes) of an account (20 bytes) at block `number`.

        None where the node has no such state any more.

        Raises:
            NodeFailed: no answer, or one of another shape.
        """
        asked = [f"0x{address.hex()}", [f"0x{position.hex()}"], hex(number)]
        answer = self._call("eth_getProof", asked)
        if answer is None:
            return None
        read = _Answer(answer, "the proof")
        slots = read.member("storageProof")
        if type(slots) is not list or len(slots) != 1:
            _nonsense("storageProof is not a list of one")
        account = read.nodes("accountProof")
        slot = _Answer(slots[0], "storageProof[0]").nodes("proof")
        return None if account is None or slot is None else SlotProof(account=account, slot=slot)

    def _call(self, method: str, params: list[Any]) -> Any:
        self._asked += 1
        asked = {"jsonrpc": "2.0", "id": self._asked, "method": method, "params": params}
        try:
            answer = orjson.loads(self._exchange(orjson.dumps(asked)))
        except orjson.JSONDecodeError as error:
            raise NodeAnsweredNonsense(f"{self._host} does not answer in JSON") from error
        read = _Answer(answer, "the answer")
        if read.get("jsonrpc") != "2.0" or type(answer.get("id")) is not int:
            _nonsense("the answer is not JSON-RPC 2.0")
        if answer["id"] != self._asked:
            _nonsense(f"the answer is to question {answer['id']}, not {self._asked}")
        if "error" in answer:
            fault = _Answer(answer["error"], "the error")
            number = fault.member("code")
            if type(number) is not int:
                _nonsense("the error has no code")
            raise NodeRefused(method, number, str(fault.get("message")))
        return read.member("result")

    def _exchange(self, body: bytes) -> bytes:
        request = Request(
            self._url,
            data=body,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            method="POST",
        )
        try:
            return self._read(request)
        except HTTPError as error:
            error.close()
            raise NodeUnreachable(f"{self._host} answers with HTTP status {error.code}") from error
        except (URLError, HTTPException, OSError, ValueError) as error:
            raise NodeUnreachable(f"{self._host} cannot be reached: {_reason(error)}") from error

    def _read(self, request: Request) -> bytes:
        deadline = time.monotonic() + self._timeout
        found = bytearray()
        with self._opener.open(request, timeout=self._timeout) as response:
            # In pieces: a node that sends a byte now and then would hold one long read for ever.
            while piece := response.read1(_CHUNK):
                found += piece
                if len(found) > LONGEST_ANSWER:
                    _nonsense(f"the answer is longer than {LONGEST_ANSWER} bytes")
                if time.monotonic() > deadline:
                    raise NodeUnreachable(f"{self._host} answers too slowly")
        return bytes(found)


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc or not url.isascii() or re.search(r"[\s\x00-\x1f]", url):
        raise NodeUnreachable("the address of a node is http:// or https://, a host and a path")
    return url


def _opener() -> OpenerDirector:
    """Return an opener without files, other schemes, cookies and redirects."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        HTTPHandler(),
        HTTPSHandler(),
        HTTPDefaultErrorHandler(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError | socket.timeout):
        return "no answer in time"
    return (getattr(cause, "strerror", None) or type(cause).__name__).lower()


def _nonsense(what: str) -> NoReturn:
    raise NodeAnsweredNonsense(f"the node answers nonsense: {what}")


class _Answer:
    """Members of an object in an answer.  Others than those asked for are a node's own affair."""

    def __init__(self, value: Any, where: str) -> None:
        if type(value) is not dict:
            _nonsense(f"{where} is not an object")
        self._value: dict[str, Any] = value
        self._where = where

    def get(self, name: str) -> Any:
        return self._value.get(name)

    def member(self, name: str) -> Any:
        if name not in self._value:
            _nonsense(f"{self._where} has no {name}")
        return self._value[name]

    def quantity(self, name: str, greatest: int) -> int:
        text = self.member(name)
        if type(text) is not str or not _QUANTITY.fullmatch(text) or int(text, 16) > greatest:
            _nonsense(f"{self._where} has no {name} up to {greatest}")
        return int(text, 16)

    def data(self, name: str, size: int) -> bytes:
        found = _bytes(self.member(name), size)
        if found is None or len(found) != size:
            _nonsense(f"{self._where} has no {name} of {size} bytes")
        return found

    def nodes(self, name: str) -> tuple[bytes, ...] | None:
        """Return trie nodes, None where the node answers null."""
        texts = self.member(name)
        if texts is None:
            return None
        if type(texts) is not list or len(texts) > MOST_NODES:
            _nonsense(f"{name} is not a list of at most {MOST_NODES} trie nodes")
        found = [_bytes(text, LONGEST_NODE) for text in texts]
        if None in found:
            _nonsense(f"{name} holds something else than trie nodes")
        return tuple(node for node in found if node is not None)


def _bytes(text: Any, longest: int) -> bytes | None:
    """Return the at most `longest` bytes that `text` spells in hex after 0x, else None."""
    if type(text) is not str or len(text) > 2 + 2 * longest or not _DATA.fullmatch(text.lower()):
        return None
    return bytes.fromhex(text[2:])
