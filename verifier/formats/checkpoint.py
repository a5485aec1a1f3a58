"""Checkpoints: C2SP signed notes over a block and its state root (SPEC section 14)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError, ExitStatus

MAX_NOTE_BYTES = 4096
MAX_SIGNATURE_LINES = 16
"""Signature lines of one note; each known one costs a signature check (C2SP)."""
MAX_BLOCK_NUMBER = 2**40 - 1
MAX_TIME_SECONDS = 253_402_300_799
"""9999-12-31T23:59:59Z, the last second of RFC 3339."""
WITNESS_NAME = re.compile(r"[!-*,-~]{1,128}")
"""Printable ASCII without space and plus (C2SP signed-note)."""

_ORIGIN = "certledger/1/"
_COSIGNATURE_V1 = b"\x04"
_NUMBER = r"(0|[1-9][0-9]{0,18})"
_BODY = re.compile(
    rf"certledger/1/([0-9a-f]{{64}})\n{_NUMBER}\n([A-Za-z0-9+/]{{43}}=)\n"
    rf"block ([0-9a-f]{{64}})\ntime {_NUMBER}\n"
)
_LINE = re.compile(rf"\u2014 ({WITNESS_NAME.pattern}) ([A-Za-z0-9+/]{{102}}==)\n")


class CheckpointUnusableError(CertledgerError):
    """A checkpoint is not a well-formed note, or a signature line is invalid."""

    code = "checkpoint.unusable"
    exit_status = ExitStatus.UNUSABLE


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A block of a ledger: identity, state root and block hash of 32 bytes, time in seconds."""

    identity: bytes
    number: int
    state_root: bytes
    block_hash: bytes
    time: int

    def format_body(self) -> str:
        """Return the five lines that witnesses sign."""
        return (
            f"{_ORIGIN}{self.identity.hex()}\n{self.number}\n"
            f"{base64.b64encode(self.state_root).decode('ascii')}\n"
            f"block {self.block_hash.hex()}\ntime {self.time}\n"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Cosignature:
    """A witness's signature line: at `time` (seconds) the block was its newest final one."""

    name: str
    key_id: bytes
    time: int
    signature: bytes

    def format(self) -> str:
        """Format the line, with its line feed."""
        payload = self.key_id + self.time.to_bytes(8, "big") + self.signature
        return f"\u2014 {self.name} {base64.b64encode(payload).decode('ascii')}\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A checkpoint with its cosignatures, ascending by name and key id."""

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...] = ()

    def format(self) -> str:
        """Format the note as it is embedded in evidence."""
        lines = "".join(line.format() for line in self.cosignatures)
        return f"{self.checkpoint.format_body()}\n{lines}"


def parse_note(text: str) -> Note:
    """Parse a note; signatures are not verified here (see `verifier.verify.block_trust`).

    Raises:
        CheckpointUnusableError: too long, another shape, not canonical, or lines that do not
            strictly ascend by name and key id.
    """
    # The dash of a signature line is three bytes in UTF-8, so count bytes too.
    if len(text) > MAX_NOTE_BYTES or len(text.encode("utf-8", "replace")) > MAX_NOTE_BYTES:
        raise CheckpointUnusableError(f"the note is longer than {MAX_NOTE_BYTES} bytes")
    body = _BODY.match(text)
    if body is None or text[body.end() : body.end() + 1] != "\n":
        raise CheckpointUnusableError("the note does not start with five lines and an empty one")
    note = Note(
        checkpoint=Checkpoint(
            identity=bytes.fromhex(body[1]),
            number=_bounded(body[2], MAX_BLOCK_NUMBER, "block number"),
            state_root=_base64(body[3]),
            block_hash=bytes.fromhex(body[4]),
            time=_bounded(body[5], MAX_TIME_SECONDS, "block time"),
        ),
        cosignatures=_parse_lines(text, body.end() + 1),
    )
    order = [(line.name, line.key_id) for line in note.cosignatures]
    if order != sorted(set(order)):
        raise CheckpointUnusableError("the lines do not strictly ascend by name and key id")
    return note


def _parse_lines(text: str, at: int) -> tuple[Cosignature, ...]:
    found: list[Cosignature] = []
    while at < len(text):
        line = _LINE.match(text, at)
        if line is None:
            raise CheckpointUnusableError(f"line {len(found) + 7} of the note is no cosignature")
        if len(found) == MAX_SIGNATURE_LINES:
            raise CheckpointUnusableError(
                f"the note has more than {MAX_SIGNATURE_LINES} signatures"
            )
        payload = _base64(line[2])
        found.append(
            Cosignature(
                name=line[1],
                key_id=payload[:4],
                time=_bounded(
                    int.from_bytes(payload[4:12], "big"), MAX_TIME_SECONDS, "time of a cosignature"
                ),
                signature=payload[12:],
            )
        )
        at = line.end()
    return tuple(found)


def _bounded(number: str | int, greatest: int, what: str) -> int:
    if int(number) > greatest:
        raise CheckpointUnusableError(f"the {what} {number} is greater than {greatest}")
    return int(number)


def _base64(text: str) -> bytes:
    data = base64.b64decode(text)  # The pattern checked all but the spare bits.
    if base64.b64encode(data).decode("ascii") != text:
        raise CheckpointUnusableError("a line of the note is a second spelling of its bytes")
    return data


# Cosignatures (C2SP tlog-cosignature v1) -------------------------------------------------------


def key_id(name: str, public_key: bytes) -> bytes:
    """Return the key id (4 bytes) of a witness's Ed25519 key (32 bytes) under its name."""
    return sha256(name.encode() + b"\n" + _COSIGNATURE_V1 + public_key)[:4]


def _message(checkpoint: Checkpoint, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{checkpoint.format_body()}".encode()


def cosign(checkpoint: Checkpoint, name: str, key: Ed25519PrivateKey, time: int) -> Cosignature:
    """Sign `checkpoint` as witness `name` at `time` (seconds).

    Raises:
        CheckpointUnusableError: the name has characters that no line can have, or the time is out
            of range.
    """
    if not WITNESS_NAME.fullmatch(name):
        raise CheckpointUnusableError(f"{name[:40]!r} cannot be the name of a witness")
    if not 0 <= time <= MAX_TIME_SECONDS:
        raise CheckpointUnusableError(f"{time} is not a time from 0 to {MAX_TIME_SECONDS}")
    return Cosignature(
        name=name,
        key_id=key_id(name, key.public_key().public_bytes_raw()),
        time=time,
        signature=key.sign(_message(checkpoint, time)),
    )


def check_cosignature(checkpoint: Checkpoint, line: Cosignature, public_key: bytes) -> bool:
    """Verify a cosignature of `checkpoint` by an Ed25519 key (32 bytes)."""
    if line.key_id != key_id(line.name, public_key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(
            line.signature, _message(checkpoint, line.time)
        )
    except (InvalidSignature, ValueError):
        return False
    return True
