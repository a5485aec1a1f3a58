"""Audit of one batch: recompute its root and check each record against its catalog entry.

A task may run in another process or on another machine, so tasks and reports pickle small.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

from certledger.verifier.audit.findings import AuditFault, fault
from certledger.verifier.audit.sources import MAX_CATALOG_BYTES, DataUnreachableError, PublishedData
from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import Json, hash_list, parse_canonical
from certledger.verifier.formats.catalog import Catalog, Entry, disobeyed
from certledger.verifier.formats.record import Record
from certledger.verifier.formats.record_fast import GRAMMAR, read_canonical
from certledger.verifier.verify.checks import today

MAX_BATCH_FAULTS = 50
"""Faults listed for one batch; more of them usually have the same cause."""
ID_TEXT = 22
"""Base64url characters of an id in a report's row: 132 of its 256 bits."""
ROW = ID_TEXT + 6 + 4 + 8 + 8
"""Bytes of a row: id, issuer number, edition, index, index replaced; the numbers in hex."""
NO_INDEX = 0xFFFFFFFF
"""Index replaced, where there is none; no record can replace the last possible index."""

_BYTES = re.compile(GRAMMAR.pattern.encode("ascii"))
_LAST: Mapping[int, bytes] = {
    0: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    1: b"",
    2: b"AQgw",
    3: b"AEIMQUYcgkosw048",
}
"""Possible last characters of base64url by length modulo 4, so that the spare bits are zero."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchTask:
    """An anchored batch to check.

    `issuer_number` counts issuers by registration, `time` is that of the anchoring block,
    `evidence` proves that the issuer signed this batch.
    """

    published: PublishedData
    issuer: str
    issuer_number: int
    sequence: int
    first: int
    count: int
    root: bytes
    catalog: bytes
    time: int
    now: int
    evidence: Mapping[str, Json] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """Path of the batch in a report."""
        return f"{self.issuer}/batches/{self.sequence}"


@dataclass(kw_only=True, slots=True)
class BatchReport:
    """Result of one batch.

    `rows` identify the certificates: sorted, `ROW` bytes each.  `late` counts records anchored
    after their entry's lag.  `records` is 0 where none were published.
    """

    records: int = 0
    late: int = 0
    rows: bytes = b""
    faults: list[AuditFault] = field(default_factory=list)


def check_batch(task: BatchTask) -> BatchReport:
    """Check a batch against the published data."""
    try:
        chunks = task.published.records(task.issuer, task.sequence, task.root)
        if chunks is None:
            return BatchReport(faults=[not_handed_in(task)])
        return judge(task, chunks)[0]
    except DataUnreachableError as error:
        return BatchReport(faults=[fault("data.unreachable", task.where, str(error))])


def not_handed_in(task: BatchTask) -> AuditFault:
    """Return the fault for unpublished records; it counts as withheld only after a day."""
    code = "records.withheld" if task.now - task.time > 86_400 else "records.awaited"
    return fault(code, task.where, f"root {task.root.hex()}", **task.evidence)


def judge(task: BatchTask, chunks: Iterable[list[bytes]]) -> tuple[BatchReport, list[bytes]]:
    """Check these records of a batch; return the report and the leaves.

    Records that do not lead to the signed root get no further check: they are not the issuer's.
    """
    judge_of, leaves = _Judge(task), []
    for chunk in chunks:
        leaves += [sha256(b"\x00" + line).digest() for line in chunk]
        judge_of.take(chunk)
    found = merkle.root(leaves) if leaves else b""
    if found != task.root or len(leaves) != task.count:
        detail = f"{len(leaves)} records lead to {found.hex()}, {task.count} were signed"
        other = fault("records.root_differs", task.where, detail, **task.evidence)
        return BatchReport(records=len(leaves), faults=[other]), leaves
    judge_of.prove(leaves)
    report = BatchReport(
        records=len(leaves),
        late=judge_of.late,
        rows=b"".join(sorted(judge_of.rows)),
        faults=judge_of.faults,
    )
    return report, leaves


class _Judge:
    """Checks the records of one batch in order.

    Caches by (category, entry, dates, holder kind, bound, number of digests) whether the entry's
    rules are obeyed, so that most records cost one regular-expression match.
    """

    def __init__(self, task: BatchTask) -> None:
        self._task = task
        self._issuer = task.issuer.encode("ascii")
        self._number = b"%06x" % task.issuer_number
        self._place = 0
        self._entries = _entries(task.published, task.catalog)
        self._alike: dict[tuple[bytes | int | None, ...], bool] = {}
        self._bad: list[tuple[str, int, str, bytes]] = []

        self.rows: list[bytes] = []
        self.late = 0
        self.faults: list[AuditFault] = []

    def take(self, lines: list[bytes]) -> None:
        """Check the next records."""
        match, alike, rows = _BYTES.fullmatch, self._alike, self.rows
        issuer, number, last = self._issuer, self._number, _LAST
        index = self._task.first + self._place
        for line in lines:
            if found := match(line):
                (
                    bound, category, digests, edition, entry, expires,
                    holder, id_, own, issued, named, old,
                ) = found.groups()  # fmt: skip
                size = len(digests)
                late = alike.get((category, entry, issued, expires, holder, bound, size))
                if (
                    late is not None
                    and named == issuer
                    and int(own) == index
                    and digests[-1] in last[size & 3]
                    and id_[42] in last[3]
                    and old is None
                    and edition == b"0"
                ):
                    self.late += late
                    rows.append(b"%b%b0000%08xffffffff" % (id_[:ID_TEXT], number, index))
                    index += 1
                    continue
            self._take_slowly(line, index)
            index += 1
        self._place += len(lines)

    def _take_slowly(self, line: bytes, index: int) -> None:
        """Check one record against every rule, and cache the result for records alike."""
        try:
            record = _read(line)
        except CertledgerError as error:
            self._fault("record.malformed", index, f"{error} ({error.code})", line)
            return
        if record.issuer != self._task.issuer:
            self._fault("record.other_body", index, f"it names {record.issuer}", line)
            return
        if record.index != index:
            self._fault("record.index_differs", index, f"it names {record.index}", line)
            return
        if (late := self._obeys(record, index, line)) is not None:
            self.late += late
            self._remember(line, late)
        replaced = NO_INDEX if record.replaces is None else record.replaces
        id_ = hash_list([record.id]).encode("ascii")[:ID_TEXT]
        numbers = (self._number, record.edition, index, replaced)
        self.rows.append(id_ + b"%b%04x%08x%08x" % numbers)

    def _obeys(self, record: Record, index: int, line: bytes) -> bool | None:
        """Return whether the record was anchored late; None where it breaks its entry's rules."""
        if self._entries is None:
            return False  # Reported once, at the catalog's change.
        entry = self._entries.get((record.category, record.entry))
        if entry is None:
            detail = f"{record.category} version {record.entry}"
            self._fault("record.category_absent", index, detail, line)
            return None
        if broken := disobeyed(record, entry):
            self._fault("record.disobeys_entry", index, f"{broken[1]} ({broken[0]})", line)
            return None
        return (today(self._task.time) - record.issued).days > entry.lag_days

    def _remember(self, line: bytes, late: bool) -> None:
        if found := _BYTES.fullmatch(line):
            bound, category, digests, _, entry, expires, holder, _, _, issued, _, _ = found.groups()
            key = (category, entry, issued, expires, holder, bound, len(digests))
            self._alike[key] = late

    def _fault(self, code: str, index: int, detail: str, line: bytes) -> None:
        if len(self._bad) < MAX_BATCH_FAULTS:
            self._bad.append((code, index, detail, line))

    def prove(self, leaves: list[bytes]) -> None:
        """Turn the faults found into findings, each with its record and path to the signed root."""
        places = [index - self._task.first for _, index, _, _ in self._bad]
        paths = merkle.prove_all(leaves, places)
        for (code, index, detail, line), path in zip(self._bad, paths, strict=True):
            where = f"{self._task.issuer}/certificates/{index}"
            record = line.decode("utf-8", "replace")
            proof = [step.hex() for step in path]
            made = fault(code, where, detail, **self._task.evidence, record=record, path=proof)
            self.faults.append(made)


def _read(line: bytes) -> Record:
    match = GRAMMAR.fullmatch(line.decode("ascii")) if line.isascii() else None
    return (read_canonical(match) if match else None) or Record.parse(line)


@lru_cache(maxsize=256)
def _entries(published: PublishedData, root: bytes) -> Mapping[tuple[str, int], Entry] | None:
    """Return the entries of a published catalog, None where it is unusable."""
    try:
        catalog = read_catalog(published, root)
    except CertledgerError:
        return None
    return None if catalog is None else {entry.order: entry for entry in catalog.entries}


def read_catalog(published: PublishedData, root: bytes) -> Catalog | None:
    """Return the published catalog with this root, None where there is none.

    Raises:
        DataUnreachableError: it cannot be fetched.
        MalformedError: the published bytes are no catalog, or have another root.
    """
    if root == bytes(32):
        return Catalog(entries=())
    data = published.catalog(root)
    if data is None:
        return None
    catalog = Catalog.from_json(parse_canonical(data, MAX_CATALOG_BYTES))
    if catalog.root() != root:
        raise MalformedError("catalog.root_differs", f"the entries lead to {catalog.root().hex()}")
    return catalog
