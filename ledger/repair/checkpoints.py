"""Preserve checkpoints and cosignatures in a rebuild; proofs are requested from the node again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from certledger.ledger.chain.client import EthereumChain
from certledger.ledger.core.errors import ChainUnreachableError, MirrorDiffersError
from certledger.ledger.core.values import Block, StoredCheckpoint
from certledger.ledger.publish.checkpoints import capture, check_proofs
from certledger.ledger.repair.transaction import raw
from certledger.ledger.store import rows
from certledger.ledger.store.tables import CHECKPOINTS, SLOT_PROOFS
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.checkpoint import (
    CheckpointUnusableError,
    Cosignature,
    Note,
    check_cosignature,
    parse_note,
)
from certledger.verifier.formats.policy import LedgerPin, TrustPolicy


@dataclass(slots=True)
class _StoredCheckpoint:
    """A checkpoint's rows in the old database."""

    row: Any
    proofs: dict[str, Any] = field(default_factory=dict)


class CheckpointRepair:
    """Preserves checkpoints: constructed before their rows are deleted, run after following."""

    def __init__(self, unit: Unit, chain: EthereumChain, pin: LedgerPin) -> None:
        self._unit, self._chain, self._pin = unit, chain, pin
        self._checkpoints: dict[int, _StoredCheckpoint] = {
            row.number: _StoredCheckpoint(row) for row in unit.connection.execute(raw(CHECKPOINTS))
        }
        for row in unit.connection.execute(raw(SLOT_PROOFS)):
            if row.number in self._checkpoints:
                self._checkpoints[row.number].proofs[row.issuer] = row.nodes

    def run(self, notes: Iterable[tuple[str, str]], policy: TrustPolicy | None) -> None:
        """Store the checkpoints that are still on the chain, and those in `notes`.

        At the first one that cannot be proved, it and all older ones are dropped.
        """
        lines, final = self._cosignatures(notes, policy), self._chain.finalized().number
        oldest = min(self._checkpoints, default=0)
        for number in sorted(lines.keys() | self._damaged(), reverse=True):
            if not oldest <= number <= final:
                continue
            made = self._make(number)
            if made is None:
                return
            checkpoint, proofs = made
            found = lines.get(number, {})
            note = replace(
                parse_note(checkpoint.note),
                cosignatures=tuple(found[name] for name in sorted(found)),
            )
            self._unit.add_checkpoint(replace(checkpoint, note=note.format()), proofs)

    def _damaged(self) -> set[int]:
        """Return the numbers of rows whose note is not of the chain."""
        current = self._checkpoints.items()
        return {number for number, one in current if self._on_chain(one.row.note) is None}

    def _make(self, number: int) -> tuple[StoredCheckpoint, dict[str, tuple[bytes, ...]]] | None:
        block = self._chain.block(number)
        if block is None:
            return None
        issuers = list(self._unit.issuers(at=number))
        try:
            return capture(self._chain, self._pin, block, issuers)
        except (ChainUnreachableError, MirrorDiffersError):
            return self._whole(number, block)

    def _whole(
        self, number: int, block: Block
    ) -> tuple[StoredCheckpoint, dict[str, tuple[bytes, ...]]] | None:
        """Return a checkpoint as it was stored, None unless all of it is proved."""
        current = self._checkpoints.get(number)
        if current is None:
            return None
        try:
            stored = rows.checkpoint_of(current.row)
            proofs = {name: rows.unpack_nodes(nodes) for name, nodes in current.proofs.items()}
            issuers = list(self._unit.issuers(at=number))
            check_proofs(self._pin, block, issuers, tuple(stored.account), proofs)
            checkpoint = parse_note(stored.note).checkpoint
        except (CertledgerError, ValueError, KeyError, TypeError):
            return None
        same = (checkpoint.block_hash, stored.hash, stored.time) == (
            block.hash,
            block.hash,
            block.time,
        )
        return (stored, proofs) if same and stored.state_root == block.state_root else None

    def _cosignatures(
        self, notes: Iterable[tuple[str, str]], policy: TrustPolicy | None
    ) -> dict[int, dict[tuple[str, bytes], Cosignature]]:
        """Return the known signature lines for each block of the chain, one a key."""
        found: dict[int, dict[tuple[str, bytes], Cosignature]] = {}
        current = [(str(number), one.row.note) for number, one in self._checkpoints.items()]
        for _, text in [*current, *notes]:
            note = self._on_chain(text)
            if note is not None:
                lines = found.setdefault(note.checkpoint.number, {})
                for line in _valid(note, policy):
                    lines.setdefault((line.name, line.key_id), line)
        return found

    def _on_chain(self, text: Any) -> Note | None:
        try:
            note = parse_note(text)
        except (CheckpointUnusableError, AttributeError, TypeError):
            return None
        checkpoint = note.checkpoint
        block = self._chain.block(checkpoint.number)
        same = block is not None and (block.hash, block.state_root, block.time) == (
            checkpoint.block_hash,
            checkpoint.state_root,
            checkpoint.time,
        )
        return note if same and checkpoint.identity == self._pin.identity else None


def _valid(note: Note, policy: TrustPolicy | None) -> Iterator[Cosignature]:
    """Yield the lines that verify, and those of unknown witnesses."""
    for line in note.cosignatures:
        witness = None if policy is None else policy.find_witness(line)
        if witness is None or check_cosignature(note.checkpoint, line, witness.key):
            yield line
