"""Progress notes of a running audit, so that it resumes after a kill."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path

import orjson

from certledger.verifier.audit.certificate_index import CertificateIndex
from certledger.verifier.audit.findings import AuditFaults
from certledger.verifier.audit.replay import Replay
from certledger.verifier.audit.rules import ReplayedIssuer
from certledger.verifier.contract_state import Seat
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.contract_events import parse_state
from certledger.verifier.formats.status_tree import StatusTree
from certledger.verifier.node_rpc import NodeBlock

FILE = "audit.json"
VERSION = 2
SHARE = 0.05
"""Greatest share of the run time spent on notes, so that an audit stays linear."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditPosition:
    """Last block replayed, sizes of the index files, issuers with missing records."""

    block: NodeBlock
    sizes: Sequence[int]
    withheld: Sequence[str]


class Notes:
    """The notes of one audit in a folder; `every` is the least seconds between two writes."""

    def __init__(self, folder: Path, every: float = 5.0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._every = folder, every
        self._path = folder / FILE
        self._next = time.monotonic() + every

    def write(
        self, replay: Replay, block: NodeBlock, register: CertificateIndex, withheld: Iterable[str]
    ) -> None:
        """Write all state atomically, unless it was written less than `every` seconds ago."""
        started = time.monotonic()
        if started < self._next:
            return
        value = {
            "version": VERSION,
            "identity": replay.pin.identity.hex(),
            "block": _block_to_json(block),
            "sizes": register.sizes,
            "withheld": sorted(withheld),
            "replay": _replay_to_json(replay),
        }
        write_atomically(self._path, orjson.dumps(value))
        ended = time.monotonic()
        self._next = ended + max(self._every, (ended - started) / SHARE)

    def read(self, replay: Replay, final: int) -> AuditPosition | None:
        """Restore `replay` from the notes; return None where there are none for this ledger.

        Notes of a block after `final` are ignored.
        """
        if not self._path.exists():
            return None
        value = orjson.loads(self._path.read_bytes())
        if value["version"] != VERSION or value["identity"] != replay.pin.identity.hex():
            return None
        if value["block"][0] > final:
            return None
        _fill(replay, value["replay"])
        return AuditPosition(
            block=_block_of(value["block"]), sizes=value["sizes"], withheld=value["withheld"]
        )

    def remove(self) -> None:
        """Delete the notes at the end of an audit."""
        self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()  # The folder may contain files of others.


def _block_to_json(block: NodeBlock) -> Json:
    return [block.number, block.hash.hex(), block.state_root.hex(), block.time]


def _block_of(value: Json) -> NodeBlock:
    number, hash_, root, seconds = value
    return NodeBlock(
        number=number, hash=bytes.fromhex(hash_), state_root=bytes.fromhex(root), time=seconds
    )


def _replay_to_json(replay: Replay) -> Json:
    return {
        "faults": replay.faults.to_json(),
        "bodies": {code: _issuer_to_json(issuer) for code, issuer in replay.issuers.items()},
        "registrars": [
            [region, *[_plain(getattr(seat, one.name)) for one in fields(Seat)]]
            for region, seat in replay.registrars.items()
        ],
        "term": replay.term,
        "roll": replay.roll.hex(),
        "marks": replay.marks,
        "entries": replay.entries,
        "counts": replay.counts,
        "observer": replay.observer.to_json(),
    }


def _plain(value: int | bytes) -> Json:
    return value.hex() if isinstance(value, bytes) else value


def _fill(replay: Replay, value: Json) -> None:
    replay.faults = AuditFaults.from_json(value["faults"])
    replay.issuers = {code: _issuer_of(issuer) for code, issuer in value["bodies"].items()}
    replay.order = {code: place for place, code in enumerate(replay.issuers)}
    replay.registrars = {
        region: Seat(
            account=bytes.fromhex(account),
            recovery=bytes.fromhex(recovery),
            nonce=nonce,
            turn=turn,
            challenged=challenged,
            rotated=rotated,
        )
        for region, account, recovery, nonce, turn, challenged, rotated in value["registrars"]
    }
    replay.term, replay.roll = value["term"], bytes.fromhex(value["roll"])
    replay.marks = {
        issuer: [(mark[0], mark[1], mark[2], mark[3], mark[4]) for mark in marks]
        for issuer, marks in value["marks"].items()
    }
    replay.entries, replay.counts = value["entries"], value["counts"]
    replay.observer.from_json(value["observer"])


def _issuer_to_json(issuer: ReplayedIssuer) -> Json:
    return {
        "words": [word.hex() for word in issuer.words()],
        "held": issuer.on_hold,
        "statuses": {str(at): word.hex() for at, word in issuer.tree.words.items()},
    }


def _issuer_of(value: Json) -> ReplayedIssuer:
    words = tuple(bytes.fromhex(word) for word in value["words"])
    statuses = {int(at): bytes.fromhex(word) for at, word in value["statuses"].items()}
    return ReplayedIssuer(
        state=replace(parse_state(words, ""), name=""),
        name=words[2],
        on_hold=value["held"],
        tree=StatusTree(statuses),
    )
