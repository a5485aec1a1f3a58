"""Audit of published checkpoints: each names a block of the chain, one block per height."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from certledger.verifier.audit.findings import AuditFault, fault
from certledger.verifier.formats.checkpoint import (
    Checkpoint,
    CheckpointUnusableError,
    Note,
    check_cosignature,
    parse_note,
)
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy
from certledger.verifier.node_rpc import NodeBlock, RpcClient
from certledger.verifier.verify.block_trust import as_block


def newest_cosigned(
    notes: Iterable[tuple[str, str]], pin: LedgerPin, policy: TrustPolicy | None
) -> NodeBlock | None:
    """Return the newest block with enough cosignatures for the policy, None without one."""
    if policy is None:
        return None
    newest: NodeBlock | None = None
    for _, text in notes:
        try:
            note = parse_note(text)
        except CheckpointUnusableError:
            continue
        checkpoint = note.checkpoint
        if checkpoint.identity != pin.identity or (newest and checkpoint.number <= newest.number):
            continue
        if cosigners(note, policy) >= policy.trust.threshold:
            newest = as_block(checkpoint)
    return newest


def cosigners(note: Note, policy: TrustPolicy) -> int:
    """Count the operators whose witnesses in service cosigned a note."""
    found = set()
    for line in note.cosignatures:
        witness = policy.find_witness(line)
        if witness is None or not witness.in_service(note.checkpoint):
            continue
        if check_cosignature(note.checkpoint, line, witness.key):
            found.add(witness.operator)
    return len(found)


class Heights:
    """The first checkpoint seen at each height, to compare later ones with."""

    def __init__(
        self, node: RpcClient, pin: LedgerPin, policy: TrustPolicy | None, final: int
    ) -> None:
        self._node, self._pin, self._policy, self._final = node, pin, policy, final
        self._seen: dict[int, tuple[Checkpoint, str, str]] = {}
        self.count = 0

    def check(self, notes: Iterable[tuple[str, str]]) -> Iterator[AuditFault]:
        """Yield the faults of notes, given as (where, note).

        Raises:
            NodeFailedError: the node does not answer.
        """
        for where, text in notes:
            self.count += 1
            try:
                note = parse_note(text)
            except CheckpointUnusableError as error:
                yield fault("checkpoint.unusable", where, str(error), note=text)
                continue
            yield from self._check_lines(where, text, note)
            yield from self._check_block(where, text, note.checkpoint)

    def _check_lines(self, where: str, text: str, note: Note) -> Iterator[AuditFault]:
        """Yield a fault for each line by a key of the policy that does not verify."""
        if self._policy is None:
            return
        for line in note.cosignatures:
            witness = self._policy.find_witness(line)
            if witness and not check_cosignature(note.checkpoint, line, witness.key):
                detail = f"the line of {line.name} does not verify"
                yield fault("checkpoint.unusable", where, detail, note=text)

    def _check_block(self, where: str, text: str, checkpoint: Checkpoint) -> Iterator[AuditFault]:
        if checkpoint.identity != self._pin.identity:
            yield fault("checkpoint.unusable", where, "it is of another ledger", note=text)
            return
        if (current := self._seen.get(checkpoint.number)) is not None:
            if current[0] != checkpoint:
                detail = f"block {checkpoint.number} in {current[1]} and in {where}"
                place = f"checkpoints/{checkpoint.number}"
                both = {"note": text, "other": current[2]}
                yield fault("checkpoint.two_at_height", place, detail, **both)
                yield from self._check_stands(where, text, checkpoint)
            return
        self._seen[checkpoint.number] = (checkpoint, where, text)
        yield from self._check_stands(where, text, checkpoint)

    def _check_stands(self, where: str, text: str, checkpoint: Checkpoint) -> Iterator[AuditFault]:
        if checkpoint.number > self._final:
            return  # The chain has not reached this height yet; the audit ends before it.
        block = self._node.block(checkpoint.number)
        if block != as_block(checkpoint):
            current = "no such block" if block is None else f"block {block.hash.hex()}"
            detail = f"at height {checkpoint.number} the chain has {current}"
            yield fault("checkpoint.not_on_chain", where, detail, note=text)
