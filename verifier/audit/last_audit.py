"""What an auditor remembers between two audits: the newest block it saw, and what stood there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import orjson

from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.node_rpc import NodeBlock

MAX_MEMORY_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """The final block of an earlier audit, and what its observer noted of what it compared."""

    block: NodeBlock
    noted: Json


@dataclass(frozen=True, slots=True)
class AuditMemory:
    """A file of one ledger (its identity, 32 bytes) in a folder.

    It belongs to the auditor: who keeps it out of the operator's reach notices that chain and
    database were put back together.
    """

    folder: Path
    identity: bytes

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / f"seen-{self.identity.hex()[:16]}.json"

    def read(self) -> Seen | None:
        """Return what was seen, None where nothing is remembered, or nothing that can be read."""
        try:
            with self.path.open("rb") as file:
                value = orjson.loads(file.read(MAX_MEMORY_BYTES))
            number, hash_, root, seconds = value["block"]
            block = NodeBlock(
                number=int(number),
                hash=bytes.fromhex(hash_),
                state_root=bytes.fromhex(root),
                time=int(seconds),
            )
            return Seen(block=block, noted=value["noted"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, block: NodeBlock, noted: Json) -> None:
        """Remember a block; there whole or not at all."""
        place = [block.number, block.hash.hex(), block.state_root.hex(), block.time]
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        with partial.open("wb") as file:
            file.write(orjson.dumps({"block": place, "noted": noted}))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)
