"""The newest block of earlier audits, stored by the auditor, to detect a rolled-back ledger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.node_rpc import NodeBlock

MAX_MEMORY_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """The final block of an earlier audit, and the observer's notes of it."""

    block: NodeBlock
    noted: Json


@dataclass(frozen=True, slots=True)
class AuditMemory:
    """The file of one ledger (its identity, 32 bytes) in a folder of the auditor.

    It detects that chain and database were both restored to an older state, as long as the operator
    cannot write to the folder.
    """

    folder: Path
    identity: bytes

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / f"seen-{self.identity.hex()[:16]}.json"

    def read(self) -> Seen | None:
        """Return the last audit, None where the file is missing or unreadable."""
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
        """Store a block with the observer's notes, atomically."""
        place = [block.number, block.hash.hex(), block.state_root.hex(), block.time]
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, orjson.dumps({"block": place, "noted": noted}))
