"""The rules by which a witness cosigns, refuses or stops (SPEC section 14)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certledger.ledger.witness.state import (
    Fork,
    WitnessState,
    exclusive,
    forked,
    keep_fork,
    recall,
    remember,
)
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.checkpoint import (
    Checkpoint,
    CheckpointUnusableError,
    Cosignature,
    Note,
    check_cosignature,
    cosign,
    parse_note,
)
from certledger.verifier.node_rpc import NodeBlock
from certledger.verifier.verify.block_trust import as_block


class WitnessError(CertledgerError):
    """The witness does not sign this checkpoint; each reason is a subclass with its code."""

    code: str = "witness.refuses"


class CheckpointLedgerError(WitnessError):
    """The checkpoint is of another ledger."""

    code = "witness.other_ledger"


class BlockUnknownError(WitnessError):
    """The witness's own node has no such block, or not as final yet."""

    code = "witness.block_unknown"


class BlockDiffersError(WitnessError):
    """The witness's own node has another block of this number."""

    code = "witness.block_differs"


class NotNewestError(WitnessError):
    """The witness's own node has a newer final block, which must be signed instead."""

    code = "witness.not_newest"


class RollbackError(WitnessError):
    """The checkpoint lies before the last one signed."""

    code = "witness.rollback"


class ClockOffError(WitnessError):
    """The block's time is too far from now, or the clock went back."""

    code = "witness.clock"


class TwoHistoriesError(WitnessError):
    """The last block signed is not on the chain any more: proof is stored, the witness stops."""

    code = "witness.two_histories"


class PublishedUnknownError(CertledgerError):
    """Other parties' copies of this witness's last signature are unreachable after a start."""

    code = "witness.published_unknown"


class OwnNode(Protocol):
    """The node that a witness trusts, because it runs it."""

    def advance(self) -> None:
        """Fetch new blocks."""

    def final(self) -> NodeBlock:
        """Return the newest final block."""

    def block(self, number: int) -> NodeBlock | None:
        """Return the block of a number, None if there is none."""


PublishedData = Callable[[], Sequence[str]]
"""Fetches published notes, the newest among them; raises CertledgerError if none answers."""


@dataclass(kw_only=True, slots=True)
class _Start:
    """State since the last start: whether published notes were fetched."""

    asked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Witness:
    """A witness: its name and key, the ledger it watches, its own node and its durable state.

    `lag` bounds the distance between a block's time and now, in seconds; `clock` returns seconds
    since 1970.  `published` is called once after a start, so that a home restored from a backup
    learns what was signed since; None skips this.
    """

    name: str
    key: Ed25519PrivateKey
    identity: bytes
    node: OwnNode
    home: Path
    lag: int
    clock: Callable[[], int]
    published: PublishedData | None = None
    _start: _Start = field(default_factory=_Start, repr=False)

    def cosign(self, checkpoint: Checkpoint) -> Cosignature:
        """Cosign `checkpoint`, which must be the newest final block of this witness's node.

        The order is the guarantee: check everything, make the state durable, and only then return
        the signature.  After a crash in between, the same checkpoint may be signed again.

        Raises:
            WitnessError: a subclass for each reason.
            MemoryDamagedError: the home is damaged.
            OtherLedgerHomeError: the home belongs to another ledger's witness.
            HomeLockedError: another process uses the home.
            PublishedUnknownError: the published notes cannot be fetched.
        """
        with exclusive(self.home):
            if forked(self.home):
                raise TwoHistoriesError("this witness has seen two histories and has stopped")
            last = self.recall()
            self.node.advance()
            last = self._learn_published(last)
            now = self.clock()
            self._check_descent(checkpoint, last)
            self._check_block(checkpoint)
            self._check_time(checkpoint, last, now)
            line = cosign(checkpoint, self.name, self.key, now)
            remember(
                self.home, WitnessState(note=Note(checkpoint=checkpoint, cosignatures=(line,)))
            )
            return line

    def recall(self) -> WitnessState | None:
        """Return the last checkpoint signed; raises as `state.recall`."""
        return recall(
            self.home, identity=self.identity, public_key=self.key.public_key().public_bytes_raw()
        )

    def _learn_published(self, last: WitnessState | None) -> WitnessState | None:
        """Return the later of the stored state and this witness's published signatures."""
        if self.published is None or self._start.asked:
            return last
        try:
            notes = self.published()
        except CertledgerError as error:
            raise PublishedUnknownError(
                f"the published notes cannot be fetched: {error}"
            ) from error
        for text in notes:
            mine = self._own_line(text)
            if mine is not None:
                self._check_same_height(mine, last)
                if last is None or mine.checkpoint.number > last.checkpoint.number:
                    last = mine
                    remember(self.home, mine)
        self._start.asked = True
        return last

    def _own_line(self, text: str) -> WitnessState | None:
        """Return a published note with this witness's own valid line alone, None without one."""
        try:
            note = parse_note(text)
        except CheckpointUnusableError:
            return None
        public = self.key.public_key().public_bytes_raw()
        lines = [line for line in note.cosignatures if line.name == self.name]
        good = [line for line in lines if check_cosignature(note.checkpoint, line, public)]
        if not good or note.checkpoint.identity != self.identity:
            return None
        return WitnessState(note=Note(checkpoint=note.checkpoint, cosignatures=(good[0],)))

    def _check_same_height(self, published: WitnessState, last: WitnessState | None) -> None:
        """Check that no other block than the last signed was published at its height."""
        if last is None or published.checkpoint.number != last.checkpoint.number:
            return
        if published.checkpoint != last.checkpoint:
            keep_fork(self.home, Fork(signed=last.note, other=published.note))
            raise TwoHistoriesError(
                f"two blocks {last.checkpoint.number} have this witness's signature"
            )

    def _check_descent(self, checkpoint: Checkpoint, last: WitnessState | None) -> None:
        """Check that the last block signed is on the chain, and not after `checkpoint`."""
        if last is None:
            return
        signed = last.checkpoint
        current = self.node.block(signed.number)
        if current is not None and current != as_block(signed):
            other = Note(checkpoint=self._checkpoint_of(current))
            keep_fork(self.home, Fork(signed=last.note, other=other))
            raise TwoHistoriesError(f"block {signed.number} is another one than was signed")
        if current is None:
            raise BlockUnknownError(f"the own node has not come to block {signed.number} again")
        if checkpoint.number < signed.number:
            raise RollbackError(
                f"block {checkpoint.number} lies before {signed.number}, signed last"
            )

    def _check_block(self, checkpoint: Checkpoint) -> None:
        if checkpoint.identity != self.identity:
            raise CheckpointLedgerError("the checkpoint is of another ledger")
        newest = self.node.final().number
        if newest < checkpoint.number:
            raise BlockUnknownError(f"block {checkpoint.number} is not final here")
        known = self.node.block(checkpoint.number)
        if known is None:
            raise BlockUnknownError(f"block {checkpoint.number} is not known here")
        if known != as_block(checkpoint):
            raise BlockDiffersError(f"block {checkpoint.number} is another one here")
        if newest > checkpoint.number:
            raise NotNewestError(f"block {newest} is final here, newer than {checkpoint.number}")

    def _check_time(self, checkpoint: Checkpoint, last: WitnessState | None, now: int) -> None:
        if abs(now - checkpoint.time) > self.lag:
            raise ClockOffError(f"the block is of {checkpoint.time}, now is {now}")
        if last is not None and now < last.time:
            raise ClockOffError(f"the clock is at {now}, and was at {last.time} before")

    def _checkpoint_of(self, block: NodeBlock) -> Checkpoint:
        return Checkpoint(
            identity=self.identity,
            number=block.number,
            state_root=block.state_root,
            block_hash=block.hash,
            time=block.time,
        )
