"""When a witness cosigns, and when it refuses or stops (SPEC section 14)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.witness.memory import Fork, Memory, forked, keep_fork, recall, remember
from verifier.checkpoint import Checkpoint, Cosignature, Note, cosign
from verifier.errors import Refused
from verifier.rpc import Block


class WitnessRefuses(Refused):
    """The witness does not sign this checkpoint; each reason is a subclass with its code."""

    code: str = "witness.refuses"


class OtherLedger(WitnessRefuses):
    """The checkpoint is of another ledger."""

    code = "witness.other_ledger"


class BlockUnknown(WitnessRefuses):
    """The witness's own node has no such block, or not as final yet."""

    code = "witness.block_unknown"


class BlockDiffers(WitnessRefuses):
    """The witness's own node has another block of this number."""

    code = "witness.block_differs"


class Rollback(WitnessRefuses):
    """The checkpoint lies before the last one signed."""

    code = "witness.rollback"


class ClockOff(WitnessRefuses):
    """The block is too far from now, or the clock went back."""

    code = "witness.clock"


class TwoHistories(WitnessRefuses):
    """The last block signed is gone from the chain: the proof is kept, and nothing more signed."""

    code = "witness.two_histories"


class OwnNode(Protocol):
    """The node that a witness believes, because it runs it."""

    def advance(self) -> None:
        """Learn what has come since."""

    def final(self) -> Block:
        """Return the newest block that will not be taken back."""

    def block(self, number: int) -> Block | None:
        """Return the block of a number, None where there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Witness:
    """One witness: its name and key, the ledger it watches, its own node and its memory.

    `lag` is the greatest distance between a block's time and now, in seconds; `clock` gives
    seconds since 1970.
    """

    name: str
    key: Ed25519PrivateKey
    identity: bytes
    node: OwnNode
    home: Path
    lag: int
    clock: Callable[[], int]
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def cosign(self, checkpoint: Checkpoint) -> Cosignature:
        """Return the cosignature of `checkpoint`, which this witness's own node knows as final.

        The order is the promise: everything is checked, the memory is durable, and only then is
        anything signed.  After a kill in between, the same checkpoint is simply signed again.

        Raises:
            WitnessRefuses: a subclass for each reason.
        """
        with self._lock:
            if forked(self.home):
                raise TwoHistories("this witness has seen two histories and has stopped")
            self.node.advance()
            now = self.clock()
            self._check_descent(checkpoint)
            self._check_block(checkpoint)
            self._check_time(checkpoint, now)
            remember(self.home, Memory(checkpoint=checkpoint, time=now))
            return cosign(checkpoint, self.name, self.key, now)

    def _check_descent(self, checkpoint: Checkpoint) -> None:
        """Check that what was signed last still stands, and that `checkpoint` is not before it."""
        last = recall(self.home)
        if last is None:
            return
        signed = last.checkpoint
        held = self.node.block(signed.number)
        if held is not None and held != as_block(signed):
            other = Note(checkpoint=self._checkpoint_of(held))
            mine = Note(
                checkpoint=signed, cosignatures=(cosign(signed, self.name, self.key, last.time),)
            )
            keep_fork(self.home, Fork(signed=mine, other=other))
            raise TwoHistories(f"block {signed.number} is another one than was signed")
        if held is None:
            raise BlockUnknown(f"the own node has not come to block {signed.number} again")
        if checkpoint.number < signed.number:
            raise Rollback(f"block {checkpoint.number} lies before {signed.number}, signed last")

    def _check_block(self, checkpoint: Checkpoint) -> None:
        if checkpoint.identity != self.identity:
            raise OtherLedger("the checkpoint is of another ledger")
        if self.node.final().number < checkpoint.number:
            raise BlockUnknown(f"block {checkpoint.number} is not final here")
        known = self.node.block(checkpoint.number)
        if known is None:
            raise BlockUnknown(f"block {checkpoint.number} is not known here")
        if known != as_block(checkpoint):
            raise BlockDiffers(f"block {checkpoint.number} is another one here")

    def _check_time(self, checkpoint: Checkpoint, now: int) -> None:
        last = recall(self.home)
        if abs(now - checkpoint.time) > self.lag:
            raise ClockOff(f"the block is of {checkpoint.time}, now is {now}")
        if last is not None and now < last.time:
            raise ClockOff(f"the clock says {now}, and said {last.time} before")

    def _checkpoint_of(self, block: Block) -> Checkpoint:
        return Checkpoint(
            identity=self.identity,
            number=block.number,
            state_root=block.state_root,
            block_hash=block.hash,
            time=block.time,
        )


def as_block(checkpoint: Checkpoint) -> Block:
    """Return the block that a checkpoint names."""
    return Block(
        number=checkpoint.number,
        hash=checkpoint.block_hash,
        state_root=checkpoint.state_root,
        time=checkpoint.time,
    )
