"""Published checkpoints: each names a block of the chain, and no height has two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from certledger.verifier.audit.faults import Fault, fault
from certledger.verifier.checkpoint import (
    Checkpoint,
    CheckpointUnusable,
    Note,
    check_cosignature,
    parse_note,
)
from certledger.verifier.policy import LedgerPin, TrustPolicy
from certledger.verifier.rpc import Block, Rpc


def newest_cosigned(
    notes: Iterable[tuple[str, str]], pin: LedgerPin, policy: TrustPolicy | None
) -> Block | None:
    """Return the newest block that enough witnesses of the policy cosigned, None without one."""
    if policy is None:
        return None
    newest: Block | None = None
    for _, text in notes:
        try:
            note = parse_note(text)
        except CheckpointUnusable:
            continue
        told = note.checkpoint
        if told.identity != pin.identity or (newest and told.number <= newest.number):
            continue
        if cosigners(note, policy) >= policy.trust.threshold:
            newest = block_of(told)
    return newest


def cosigners(note: Note, policy: TrustPolicy) -> int:
    """Return how many operators of witnesses in service have cosigned a note."""
    found = set()
    for line in note.cosignatures:
        witness = policy.find_witness(line)
        if witness is None or not witness.in_service(note.checkpoint.number):
            continue
        if check_cosignature(note.checkpoint, line, witness.key):
            found.add(witness.operator)
    return len(found)


def block_of(told: Checkpoint) -> Block:
    """Return the block that a checkpoint names."""
    return Block(
        number=told.number, hash=told.block_hash, state_root=told.state_root, time=told.time
    )


class Heights:
    """The first checkpoint seen at each height, with the note that others are held against."""

    def __init__(self, node: Rpc, pin: LedgerPin, policy: TrustPolicy | None, final: int) -> None:
        self._node, self._pin, self._policy, self._final = node, pin, policy, final
        self._seen: dict[int, tuple[Checkpoint, str, str]] = {}
        self.count = 0

    def check(self, notes: Iterable[tuple[str, str]]) -> Iterator[Fault]:
        """Yield what is wrong with notes, each with where it was found.

        Raises:
            NodeFailed: the node does not answer.
        """
        for where, text in notes:
            self.count += 1
            try:
                note = parse_note(text)
            except CheckpointUnusable as error:
                yield fault("checkpoint.unusable", where, str(error), note=text)
                continue
            yield from self._check_lines(where, text, note)
            yield from self._check_block(where, text, note.checkpoint)

    def _check_lines(self, where: str, text: str, note: Note) -> Iterator[Fault]:
        """Yield a fault for each line by a key of the policy that does not verify."""
        if self._policy is None:
            return
        for line in note.cosignatures:
            witness = self._policy.find_witness(line)
            if witness and not check_cosignature(note.checkpoint, line, witness.key):
                detail = f"the line of {line.name} does not verify"
                yield fault("checkpoint.unusable", where, detail, note=text)

    def _check_block(self, where: str, text: str, told: Checkpoint) -> Iterator[Fault]:
        if told.identity != self._pin.identity:
            yield fault("checkpoint.unusable", where, "it is of another ledger", note=text)
            return
        if (held := self._seen.get(told.number)) is not None:
            if held[0] != told:
                detail = f"block {told.number} in {held[1]} and in {where}"
                place = f"checkpoints/{told.number}"
                both = {"note": text, "other": held[2]}
                yield fault("checkpoint.two_at_height", place, detail, **both)
                yield from self._check_stands(where, text, told)
            return
        self._seen[told.number] = (told, where, text)
        yield from self._check_stands(where, text, told)

    def _check_stands(self, where: str, text: str, told: Checkpoint) -> Iterator[Fault]:
        if told.number > self._final:
            return  # It may yet come; what was audited ends before it.
        block = self._node.block(told.number)
        if block != block_of(told):
            held = "no such block" if block is None else f"block {block.hash.hex()}"
            detail = f"at height {told.number} the chain has {held}"
            yield fault("checkpoint.not_on_chain", where, detail, note=text)
