"""Compare the records, leaves and lookup rows of one stored batch with each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import exists, select

from certledger.ledger.audit.database_source import StoredFiles
from certledger.ledger.store.bulk_queries import PLACES, PREFIX
from certledger.ledger.store.record_chunks import FRAME
from certledger.ledger.store.tables import ACTS, BATCHES, CERTIFICATES
from certledger.verifier.audit.batches import BatchReport, BatchTask, judge, not_handed_in
from certledger.verifier.audit.findings import AuditFault, fault
from certledger.verifier.audit.sources import DataUnreachableError
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import from_base64url

MAX_REPORTED_DIFFERENCES = 20
"""Differences of one batch that are reported one by one."""
_DIGESTS, _EDITION, _ID = b'"digests":"', b'"edition":', b'"id":"'
_TEXT, _BYTES = 24, 18
"""Characters of base64url that contain at least the prefix, and the bytes that they encode."""
_NOTHING = b"A" * _TEXT


def check_stored(task: BatchTask) -> BatchReport:
    """Compare an anchored batch with the database; `task.published` is a `StoredFiles`."""
    stored_files = task.published
    if not isinstance(stored_files, StoredFiles):
        raise TypeError("a stored batch is read from the database that keeps it")
    try:
        row = _row(stored_files, task.root)
        if row is None:
            return BatchReport(faults=[_absent(stored_files, task)])
        lines: list[bytes] = []
        report, leaves = judge(task, _gathered(stored_files.frames(row.number), lines))
        report.faults += _compare(stored_files, row, lines, leaves)
        report.faults += _frames_differ(stored_files, row)
        named = {"issuer": task.issuer, "first": task.first, "size": task.count}
        report.faults += [
            fault("database.row_changed", _where(row), f"{name} is {getattr(row, name)}")
            for name, value in named.items()
            if getattr(row, name) != value
        ]
        return report
    except DataUnreachableError as error:
        return BatchReport(faults=[fault("data.unreachable", task.where, str(error))])


def check_unanchored(stored_files: StoredFiles, row: Any) -> list[AuditFault]:
    """Return the faults of a batch that is not on the chain."""
    lines = [line for chunk in stored_files.frames(row.number) for line in chunk]
    leaves = [merkle.leaf_hash(line) for line in lines]
    if not leaves or merkle.root(leaves) != row.root:
        return [fault("database.record_differs", _where(row), "the records have another root")]
    return _compare(stored_files, row, lines, leaves) + _frames_differ(stored_files, row)


def _frames_differ(stored_files: StoredFiles, row: Any) -> list[AuditFault]:
    """Return a fault unless frames are numbered from 0 and all but the last are full."""
    sizes = stored_files.frame_sizes(row.number)
    full = [(place, FRAME) for place in range(len(sizes) - 1)]
    whole = sizes[:-1] == full and (not sizes or sizes[-1][0] == len(sizes) - 1)
    return [] if whole else [fault("database.row_changed", _where(row), "its frames are others")]


def _row(stored_files: StoredFiles, root: bytes) -> Any:
    with stored_files.open() as connection:
        return connection.execute(select(BATCHES).where(BATCHES.c.root == root)).one_or_none()


def _absent(stored_files: StoredFiles, task: BatchTask) -> AuditFault:
    """Return the fault of lost records, or of records that were never submitted."""
    with stored_files.open() as connection:
        query = select(exists().where(ACTS.c.root == task.root))
        if not connection.execute(query).scalar_one():
            return not_handed_in(task)
    where = f"database/batches/{task.root.hex()}"
    return fault("database.row_missing", where, task.where, **task.evidence)


def _gathered(chunks: Iterator[list[bytes]], into: list[bytes]) -> Iterator[list[bytes]]:
    for chunk in chunks:
        into += chunk
        yield chunk


def _where(row: Any) -> str:
    return f"database/batches/{row.root.hex()}"


def _compare(
    stored_files: StoredFiles, row: Any, lines: Sequence[bytes], leaves: Sequence[bytes]
) -> list[AuditFault]:
    """Return the differences between records, leaves and lookup rows, place by place."""
    found: list[AuditFault] = []
    stored_leaves = merkle.split(row.leaves if isinstance(row.leaves, bytes) else b"")
    if stored_leaves != list(leaves):
        found += _leaves_differ(row, stored_leaves, lines, leaves)
    low = row.number * PLACES
    query = (
        select(CERTIFICATES)
        .where(CERTIFICATES.c.place.between(low, low + PLACES - 1))
        .order_by(CERTIFICATES.c.place)
    )
    with stored_files.open() as connection:
        stored = list(map(tuple, connection.execute(query)))
    prefixes = [leaf[:PREFIX] for leaf in leaves]
    wanted = list(zip(range(low, low + len(lines)), prefixes, *_lookups(lines), strict=True))
    if stored != wanted:
        found += _rows_differ(row, stored, wanted)
    return found


def _leaves_differ(
    row: Any, stored: Sequence[bytes], lines: Sequence[bytes], leaves: Sequence[bytes]
) -> list[AuditFault]:
    """Return the differing places; if the stored leaves have the root, the records are wrong."""
    anchored = bool(stored) and merkle.root(stored) == row.root
    code = "database.record_differs" if anchored else "database.leaf_differs"
    places = [
        at
        for at in range(max(len(stored), len(leaves)))
        if stored[at : at + 1] != leaves[at : at + 1]
    ]
    found = []
    for at in places[:MAX_REPORTED_DIFFERENCES]:
        where = f"{row.issuer}/certificates/{row.first + at}"
        detail = f"place {at} of {len(stored)} leaves and {len(leaves)} records"
        record = lines[at].decode("utf-8", "replace") if at < len(lines) else ""
        leaf = stored[at].hex() if at < len(stored) else ""
        found.append(fault(code, where, detail, root=row.root.hex(), leaf=leaf, record=record))
    return found


def _rows_differ(
    row: Any, stored: Sequence[tuple[Any, ...]], wanted: Sequence[tuple[Any, ...]]
) -> list[AuditFault]:
    by_place = {one[0]: one for one in stored}
    found = []
    for one in wanted:
        stored_leaves = by_place.pop(one[0], None)
        if stored_leaves != one:
            code = "database.row_missing" if stored_leaves is None else "database.leaf_differs"
            index = row.first + one[0] % PLACES
            detail = f"the lookup row of {row.issuer} {index}"
            found.append(fault(code, f"database/certificates/{one[0]}", detail))
    found += [
        fault("database.row_extra", f"database/certificates/{place}", _where(row))
        for place in by_place
    ]
    return found[:MAX_REPORTED_DIFFERENCES]


def _lookups(lines: Sequence[bytes]) -> tuple[list[bytes], list[bytes], list[int]]:
    """Return the prefixes of lookup digests and ids, and the editions, column by column.

    Zeros for a line that is no record.
    """
    digests, ids, editions = [], [], []
    for line in lines:
        digest, id_, edition = _parts(line)
        digests.append(digest)
        ids.append(id_)
        editions.append(edition)
    return _decoded(digests), _decoded(ids), editions


def _parts(line: bytes) -> tuple[bytes, bytes, int]:
    """Return the first characters of the lookup digest and of the id, and the edition.

    Found by searching: a canonical record has a fixed order, and its texts have no quotes.
    """
    try:
        at = line.index(_DIGESTS) + len(_DIGESTS)
        edition = line.index(_EDITION, at) + len(_EDITION)
        id_ = line.index(_ID, edition) + len(_ID)
        number = int(line[edition : line.index(b",", edition)])
    except ValueError:
        return _NOTHING, _NOTHING, 0
    return line[at : at + _TEXT], line[id_ : id_ + _TEXT], number


def _decoded(texts: Sequence[bytes]) -> list[bytes]:
    """Decode texts of 24 characters, all at once, and return the first bytes of each."""
    whole = b"".join(text if len(text) == _TEXT else _NOTHING for text in texts)
    try:
        data = from_base64url(whole.decode("ascii"))
    except (MalformedError, UnicodeDecodeError):
        return [b""] * len(texts)
    return [data[at : at + PREFIX] for at in range(0, len(data), _BYTES)]
