"""What the auditor stores of earlier audits: the last report, and the newest block.

The block detects a ledger that was rolled back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.node_rpc import NodeBlock

MAX_MEMORY_BYTES = 1 << 20
MAX_REPORT_BYTES = 64 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class LastAudit:
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

    @property
    def report_path(self) -> Path:
        """The file of the last report."""
        return self.folder / f"report-{self.identity.hex()[:16]}.json"

    def read_report(self) -> dict[str, Json] | None:
        """Return the report of the last audit, None where the file is missing or unreadable.

        Member `audited` is the second at which it began.
        """
        try:
            with self.report_path.open("rb") as file:
                value = orjson.loads(file.read(MAX_REPORT_BYTES))
        except (OSError, ValueError):
            return None
        return value if isinstance(value, dict) and "verdict" in value else None

    def write_report(self, report: Mapping[str, Json], now: int) -> None:
        """Store the report of an audit that began at `now` (seconds), atomically."""
        self.folder.mkdir(parents=True, exist_ok=True)
        data = orjson.dumps({**report, "audited": now}, option=orjson.OPT_NON_STR_KEYS)
        write_atomically(self.report_path, data)

    def read(self) -> LastAudit | None:
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
            return LastAudit(block=block, noted=value["noted"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, block: NodeBlock, noted: Json) -> None:
        """Store a block with the observer's notes, atomically."""
        place = [block.number, block.hash.hex(), block.state_root.hex(), block.time]
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, orjson.dumps({"block": place, "noted": noted}))
