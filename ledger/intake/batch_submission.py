"""Parse a submitted batch from a file into checked columns, without the store.

Records are read once, one by one; each takes about 120 bytes of memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import SEEK_END, BytesIO
from itertools import islice
from typing import IO

import orjson

from certledger.ledger.core.values import Lookups
from certledger.ledger.intake.errors import (
    BatchCountError,
    RecordOtherIndexError,
    RecordOtherIssuerError,
    RootWrongError,
)
from certledger.ledger.intake.record_reader import Found, reader_of
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.catalog import Terms, terms_of
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES, MAX_CERTIFICATES
from certledger.verifier.formats.signed_act import SIGNATURE_SIZE, statement_from_json
from certledger.verifier.formats.statements import Batch

TYPE = "certledger/submission/1"
MAX_SUBMISSION_BYTES = 64 * 2**20
"""Bytes of a submission by default: some 100,000 records of nine digests."""
_AT_ONCE = 256
"""Records parsed at a time; a power of two, so that their root is a node of the batch's tree."""

Kind = tuple[str, int, Terms]
"""Category, version of its entry, and terms: all records of a kind obey the same rules."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """A batch whose records have the right issuer and indices, and the statement's root.

    `replaces` has a number for each record, 0 if it replaces none; `kinds` the place of the first
    record of each kind, ascending.  Records are read again from the file.
    """

    statement: Batch
    signature: bytes
    lookups: Lookups
    replaces: Sequence[int]
    kinds: Mapping[Kind, int]
    spelled: RecordRanges

    def records(self) -> Iterator[bytes]:
        """Yield the canonical bytes of each record, as long as the file is open."""
        return iter(self.spelled)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordRanges:
    """Byte ranges of the records in a file, and which of them are canonical already (`plain`)."""

    file: IO[bytes]
    starts: array[int] = field(default_factory=lambda: array("Q"))
    sizes: array[int] = field(default_factory=lambda: array("I"))
    plain: bytearray = field(default_factory=bytearray)

    def __iter__(self) -> Iterator[bytes]:
        for start, size, plain in zip(self.starts, self.sizes, self.plain, strict=True):
            self.file.seek(start)
            spelled = self.file.read(size)
            # `reader_of` parsed it strictly, so sorting its members makes it canonical.
            yield spelled if plain else _sorted(spelled)


def _sorted(spelled: bytes) -> bytes:
    return orjson.dumps(orjson.loads(spelled), option=orjson.OPT_SORT_KEYS)


def parse_submission(data: bytes | IO[bytes], limit: int = MAX_SUBMISSION_BYTES) -> Submission:
    """Parse a submission (SPEC section 20): one JSON object, or JSON lines.

    Raises:
        MalformedError: outside the subset, or an unknown, missing or ill-typed member.
        BatchCountError: not 1 to 65,536 records, or another count than the statement's.
        RecordRejectedError: malformed, or with another issuer or index.
        RootWrongError: the records do not have the statement's root.
    """
    file = BytesIO(data) if isinstance(data, bytes) else data
    if (size := file.seek(0, SEEK_END)) > limit:
        raise MalformedError("json.size", f"{size} bytes where at most {limit} are read")
    reader, columns = reader_of(file), _Columns(file)
    records = iter(reader)
    while found := list(islice(records, _AT_ONCE)):
        columns.add(found)
    head = reader.head
    head.const("type", TYPE)
    statement = statement_from_json(Batch, head.take("statement"))
    signature = head.binary("signature", SIGNATURE_SIZE)
    head.done()
    _check_statement(statement)
    columns.check(statement)
    return Submission(
        statement=statement,
        signature=signature,
        lookups=columns.lookups(),
        replaces=columns.replaces,
        kinds=columns.kinds,
        spelled=columns.spelled,
    )


class _Columns:
    """Columns of a batch, filled while its records are read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.spelled = RecordRanges(file=file)
        self.replaces, self._editions = array("I"), array("H")
        self.kinds: dict[Kind, int] = {}
        # (issuer, first index) that each record implies, with the first record that does.
        self._starts: dict[tuple[str, int], int] = {}
        self._leaves, self._digests, self._ids = bytearray(), bytearray(), bytearray()
        self._roots: list[bytes] = []

    def add(self, found: Sequence[Found]) -> None:
        """Add the next records, 256 unless they are the last."""
        records, canonical, starts, sizes, plain = zip(*found, strict=True)
        leaves = [merkle.leaf_hash(line) for line in canonical]
        for place, record in enumerate(records, len(self._editions)):
            self._starts.setdefault((record.issuer, record.index - place), place)
            self.kinds.setdefault((record.category, record.entry, terms_of(record)), place)
        self._roots.append(merkle.root(leaves))
        self._leaves += b"".join(leaves)
        self._digests += b"".join([record.digests[0] for record in records])
        self._ids += b"".join([record.id for record in records])
        self._editions.extend([record.edition for record in records])
        self.replaces.extend([record.replaces or 0 for record in records])
        self.spelled.starts.extend(starts)
        self.spelled.sizes.extend(sizes)
        self.spelled.plain.extend(plain)

    def lookups(self) -> Lookups:
        """Return the columns by which the records are found."""
        return Lookups(
            leaves=bytes(self._leaves),
            digests=bytes(self._digests),
            ids=bytes(self._ids),
            editions=self._editions,
        )

    def check(self, statement: Batch) -> None:
        """Check count, issuer, indices and root against the statement."""
        count = len(self._editions)
        if count != statement.count:
            raise BatchCountError(f"{count} records, and the statement has {statement.count}")
        issuer, first = statement.issuer.decode("ascii"), statement.first
        for (named, start), place in self._starts.items():
            if named != issuer:
                raise RecordOtherIssuerError(place, f"it names {named}, the statement {issuer}")
            if start != first:
                index = start + place
                raise RecordOtherIndexError(place, f"its index is {index}, not {first + place}")
        if merkle.root(self._roots) != statement.root:
            raise RootWrongError("the records do not have the root that was signed")


def _check_statement(statement: Batch) -> None:
    if not 0 < statement.count <= MAX_BATCH_CERTIFICATES:
        raise BatchCountError(
            f"a batch has 1 to {MAX_BATCH_CERTIFICATES} records, not {statement.count}"
        )
    if statement.first + statement.count > MAX_CERTIFICATES:
        raise BatchCountError(f"an issuer has at most {MAX_CERTIFICATES} certificates")
    if statement.sequence == 0:
        raise MalformedError("schema.invalid", "statement.sequence starts at 1")
