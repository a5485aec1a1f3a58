"""JSON-RPC client of an Ethereum node: blocks, proofs, logs; checks the shape of every response."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, NoReturn
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request

import orjson

from certledger.verifier.errors import CertledgerError, ExitStatus
from certledger.verifier.formats.checkpoint import MAX_BLOCK_NUMBER, MAX_TIME_SECONDS
from certledger.verifier.formats.state_proof import MAX_NODE_BYTES, MAX_PROOF_NODES
from certledger.verifier.http_client import (
    AnswerTooLongError,
    fetch,
    is_server_address,
    reason_of,
    while_busy,
)

MAX_RESPONSE_BYTES = 1 << 20
MAX_LOG_RESPONSE_BYTES = 64 << 20
"""Greatest bytes of a response with logs; `RpcClient.logs` halves ranges that exceed it."""
MAX_TOPICS = 4
_QUANTITY = re.compile(r"0x(?:0|[1-9a-f][0-9a-f]{0,63})")
_DATA = re.compile(r"0x(?:[0-9a-f]{2})*")


class NodeFailedError(CertledgerError):
    """A node gave no usable response."""

    code = "block.node_unreachable"


class NodeUnreachableError(NodeFailedError):
    """No response: no connection, timeout, or an HTTP status other than 200."""


class NodeAddressUnusableError(NodeUnreachableError):
    """The given address is no http(s) address."""

    exit_status = ExitStatus.UNUSABLE


class NodeAnsweredNonsenseError(NodeFailedError):
    """The response violates JSON-RPC or the execution API."""


class NodeResponseTooLongError(NodeAnsweredNonsenseError):
    """The response is longer than its bound; a smaller request may help."""


class NodeRefusedError(NodeFailedError):
    """The node returned a JSON-RPC error; `number` is its code."""

    def __init__(self, method: str, number: int, message: str, data: Any = None) -> None:
        super().__init__(f"the node refuses {method}: {number} {message[:200]!r}")
        self.number, self.message, self.data = number, message, data


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeBlock:
    """A block as a node returns it; hash and root are 32 bytes, time is in seconds."""

    number: int
    hash: bytes
    state_root: bytes
    time: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotProof:
    """The trie nodes from a state root to an account, and from there to one slot."""

    account: tuple[bytes, ...]
    slot: tuple[bytes, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Log:
    """An event of a contract; `position` is the log index in the block."""

    block: int
    block_hash: bytes
    tx: bytes
    position: int
    topics: tuple[bytes, ...]
    data: bytes


class RpcClient:
    """Client of one node over http or https.  Responses are checked for their shape only.

    Redirects are not followed.  `timeout` (seconds) bounds a whole exchange, `longest` the bytes of
    a response.  Within the timeout a busy node is asked again when it says so (Retry-After): a
    service's `/rpc` allows few open requests an address, which several programs may share.

    A node in this process is asked by its `answer`, from request to response, instead of http.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        longest: int = MAX_RESPONSE_BYTES,
        answer: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self._url, self._longest, self._answer = _checked(url), longest, answer
        # For messages: the path of a node's address often contains a user's key.
        self._host = urlsplit(url).netloc
        self._timeout = timeout
        self._asked = 0

    def block(self, which: int | str) -> NodeBlock | None:
        """Return the block of a number or tag (`latest`, `finalized`), None if there is none.

        Raises:
            NodeFailedError: no response, an ill-formed one, or a block of another number.
        """
        asked = hex(which) if isinstance(which, int) else which
        answer = self.call("eth_getBlockByNumber", [asked, False])
        if answer is None:
            return None
        read = _Answer(answer, "the block")
        block = NodeBlock(
            number=read.quantity("number", MAX_BLOCK_NUMBER),
            hash=read.data("hash", 32),
            state_root=read.data("stateRoot", 32),
            time=read.quantity("timestamp", MAX_TIME_SECONDS),
        )
        if isinstance(which, int) and block.number != which:
            _nonsense(f"block {block.number} where {which} was asked for")
        return block

    def proof(self, address: bytes, position: bytes, number: int) -> SlotProof | None:
        """Return the proof of a slot (32 bytes) of an account (20 bytes) at block `number`.

        None where the node has pruned the state.

        Raises:
            NodeFailedError: no response, or an ill-formed one.
        """
        proofs = self.proofs(address, [position], number)
        return None if proofs is None else proofs[0]

    def proofs(
        self, address: bytes, positions: Sequence[bytes], number: int
    ) -> tuple[SlotProof, ...] | None:
        """Return the proofs of several slots of an account in one call; as `proof`."""
        slots = [f"0x{position.hex()}" for position in positions]
        answer = self.call("eth_getProof", [f"0x{address.hex()}", slots, hex(number)])
        if answer is None:
            return None
        read = _Answer(answer, "the proof")
        listed = read.member("storageProof")
        if type(listed) is not list or len(listed) != len(positions):
            _nonsense(f"storageProof is not a list of {len(positions)}")
        account = read.nodes("accountProof")
        found = [_Answer(slot, "storageProof").nodes("proof") for slot in listed]
        if account is None or None in found:
            return None
        return tuple(SlotProof(account=account, slot=slot) for slot in found if slot is not None)

    # For audits --------------------------------------------------------------------------------

    def chain_id(self) -> int:
        """Return the id of the node's chain."""
        answer = self.call("eth_chainId", [])
        return _Answer({"chainId": answer}, "the answer").quantity("chainId", 2**256 - 1)

    def code(self, address: bytes, number: int) -> bytes:
        """Return the code of an account (20 bytes) at block `number`; empty where it has none."""
        answer = self.call("eth_getCode", [f"0x{address.hex()}", hex(number)])
        code = _bytes(answer, MAX_RESPONSE_BYTES)
        return code if code is not None else _nonsense("the code is not bytes")

    def transaction(self, tx: bytes) -> dict[str, Any] | None:
        """Return a transaction (hash of 32 bytes) as the node encodes it, None if unknown."""
        return self._object("eth_getTransactionByHash", tx)

    def receipt(self, tx: bytes) -> dict[str, Any] | None:
        """Return the receipt of a transaction as the node encodes it, None if unknown."""
        return self._object("eth_getTransactionReceipt", tx)

    def _object(self, method: str, tx: bytes) -> dict[str, Any] | None:
        answer = self.call(method, [f"0x{tx.hex()}"])
        if answer is not None and type(answer) is not dict:
            _nonsense(f"the answer to {method} is not an object")
        found: dict[str, Any] | None = answer
        return found

    def logs(self, address: bytes, first: int, last: int) -> list[Log]:
        """Return the events of a contract in blocks `first` to `last`, in order.

        A range that is too large for the node is halved.

        Raises:
            NodeFailedError: no response, an ill-formed one, or an event outside the range.
        """
        asked = {"address": f"0x{address.hex()}", "fromBlock": hex(first), "toBlock": hex(last)}
        try:
            answer = self.call("eth_getLogs", [asked])
        except (NodeRefusedError, NodeAnsweredNonsenseError):
            if first == last:
                raise
            middle = (first + last) // 2
            return [*self.logs(address, first, middle), *self.logs(address, middle + 1, last)]
        if type(answer) is not list:
            _nonsense("the logs are not a list")
        found = [_log(one, address, first, last) for one in answer]
        return sorted(found, key=lambda log: (log.block, log.position))

    def call(self, method: str, params: Sequence[Any]) -> Any:
        """Return the result of any method, unchecked.

        Raises:
            NodeFailedError: no response, or none that is JSON-RPC 2.0 with this request's id.
        """
        self._asked += 1
        asked = {"jsonrpc": "2.0", "id": self._asked, "method": method, "params": params}
        try:
            answer = orjson.loads(self._exchange(orjson.dumps(asked)))
        except orjson.JSONDecodeError as error:
            raise NodeAnsweredNonsenseError(f"{self._host} does not answer in JSON") from error
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
            raise NodeRefusedError(method, number, str(fault.get("message")), fault.get("data"))
        return read.member("result")

    def _exchange(self, body: bytes) -> bytes:
        ends = time.monotonic() + self._timeout
        request = Request(
            self._url,
            data=body,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            method="POST",
        )
        try:
            if self._answer is not None:
                return self._answer(body)
            return while_busy(
                lambda: fetch(request, seconds=ends - time.monotonic(), longest=self._longest),
                ends=ends,
            )
        except AnswerTooLongError as error:
            raise NodeResponseTooLongError(f"{self._host}: {error}") from error
        except HTTPError as error:
            raise NodeUnreachableError(
                f"{self._host} answers with HTTP status {error.code}"
            ) from error
        except (HTTPException, OSError, ValueError) as error:
            raise NodeUnreachableError(
                f"{self._host} cannot be reached: {reason_of(error)}"
            ) from error


def _checked(url: str) -> str:
    if not is_server_address(url):
        raise NodeAddressUnusableError(
            "the address of a node is http:// or https://, a host and a path"
        )
    return url


def _nonsense(what: str) -> NoReturn:
    raise NodeAnsweredNonsenseError(f"the node answers nonsense: {what}")


class _Answer:
    """Typed access to an object in a response; other members are ignored."""

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
        """Return trie nodes, None for null."""
        texts = self.member(name)
        if texts is None:
            return None
        if type(texts) is not list or len(texts) > MAX_PROOF_NODES:
            _nonsense(f"{name} is not a list of at most {MAX_PROOF_NODES} trie nodes")
        found = [_bytes(text, MAX_NODE_BYTES) for text in texts]
        if None in found:
            _nonsense(f"{name} holds something else than trie nodes")
        return tuple(node for node in found if node is not None)


def _log(value: Any, address: bytes, first: int, last: int) -> Log:
    read = _Answer(value, "a log")
    topics = read.member("topics")
    if type(topics) is not list or len(topics) > MAX_TOPICS:
        _nonsense(f"a log has no list of at most {MAX_TOPICS} topics")
    data = _bytes(read.member("data"), MAX_LOG_RESPONSE_BYTES)
    block = read.quantity("blockNumber", MAX_BLOCK_NUMBER)
    if data is None or not first <= block <= last or read.data("address", 20) != address:
        _nonsense("a log is not of the contract and the blocks that were asked for")
    return Log(
        block=block,
        block_hash=read.data("blockHash", 32),
        tx=read.data("transactionHash", 32),
        position=read.quantity("logIndex", 2**32),
        topics=tuple(_Answer({"topic": topic}, "a log").data("topic", 32) for topic in topics),
        data=data,
    )


def _bytes(text: Any, longest: int) -> bytes | None:
    """Decode hex after `0x` to at most `longest` bytes, None if malformed."""
    if type(text) is not str or len(text) > 2 + 2 * longest or not _DATA.fullmatch(text.lower()):
        return None
    return bytes.fromhex(text[2:])
