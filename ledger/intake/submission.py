"""A handed-in batch, from bytes to checked columns.  Pure: nothing is asked of the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from ledger.intake.refusals import (
    BatchCount,
    RecordOtherBody,
    RecordOtherIndex,
    RecordRefused,
    RecordTooLong,
    RootWrong,
)
from ledger.ports import Lookups
from verifier import merkle
from verifier.acts import SIGNATURE_SIZE, statement_from_json
from verifier.certificate import LONGEST_RECORD, Record
from verifier.encoding import Json, Members, parse
from verifier.errors import Malformed
from verifier.state import MOST_CERTIFICATES
from verifier.statements import Batch

TYPE = "certledger/submission/1"
MOST_IN_BATCH = 65_536
LONGEST_SUBMISSION = 64 * 2**20
"""Greatest bytes of a submission by default: some 100,000 records of nine digests."""
_LONGEST_HEAD = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """A batch whose form is right: records lie where they say, and give the root."""

    statement: Batch
    signature: bytes
    records: Sequence[Record]
    canonical: Sequence[bytes]
    lookups: Lookups


def parse_submission(data: bytes, limit: int = LONGEST_SUBMISSION) -> Submission:
    """Return the submission that `data` holds, as one JSON object or as JSON lines (SPEC 20).

    Raises:
        Malformed: outside the subset, or an unknown, missing or ill-typed member.
        BatchCount: not 1 to 65,536 records, or not as many as the statement says.
        RecordRefused: a record with another issuer or index, or too long.
        RootWrong: the records do not give the statement's root.
    """
    head, values = _as_lines(data, limit) if _is_lines(data) else _as_object(data, limit)
    head.const("type", TYPE)
    statement = statement_from_json(Batch, head.take("statement"))
    signature = head.binary("signature", SIGNATURE_SIZE)
    head.done()
    _check_statement(statement)
    records, canonical = _read_records(statement, values)
    if len(records) != statement.count:
        raise BatchCount(f"{len(records)} records where the statement says {statement.count}")
    leaves = [merkle.leaf_hash(line) for line in canonical]
    if merkle.root(leaves) != statement.root:
        raise RootWrong("the records do not give the root that was signed")
    lookups = Lookups(
        leaves=leaves,
        digests=[record.digests[0] for record in records],
        ids=[record.id for record in records],
        editions=[record.edition for record in records],
    )
    return Submission(
        statement=statement,
        signature=signature,
        records=records,
        canonical=canonical,
        lookups=lookups,
    )


def _is_lines(data: bytes) -> bool:
    """Return whether the first line is an object by itself and others follow."""
    first, _, rest = data.partition(b"\n")
    if len(first) > _LONGEST_HEAD or not rest.strip():
        return False
    try:
        return type(orjson.loads(first)) is dict
    except orjson.JSONDecodeError:
        return False


def _as_object(data: bytes, limit: int) -> tuple[Members, Iterator[Json]]:
    head = Members(parse(data, limit), "submission")
    records = head.take("records")
    if type(records) is not list:
        head.refuse("records", "a list of records")
    return head, iter(records)


def _as_lines(data: bytes, limit: int) -> tuple[Members, Iterator[Json]]:
    if len(data) > limit:
        raise Malformed("json.size", f"{len(data)} bytes where at most {limit} are read")
    lines = data.removesuffix(b"\n").split(b"\n")
    return Members(parse(lines[0], _LONGEST_HEAD), "submission"), (
        parse(line, 2 * LONGEST_RECORD) for line in lines[1:]
    )


def _check_statement(statement: Batch) -> None:
    if not 0 < statement.count <= MOST_IN_BATCH:
        raise BatchCount(f"a batch has 1 to {MOST_IN_BATCH} records, not {statement.count}")
    if statement.first + statement.count > MOST_CERTIFICATES:
        raise BatchCount(f"a body has at most {MOST_CERTIFICATES} certificates")
    if statement.sequence == 0:
        raise Malformed("schema.invalid", "statement.sequence starts at 1")


def _read_records(statement: Batch, values: Iterator[Json]) -> tuple[list[Record], list[bytes]]:
    issuer, first = statement.issuer.decode("ascii"), statement.first
    records: list[Record] = []
    canonical: list[bytes] = []
    for place, value in enumerate(values):
        if place == statement.count:
            raise BatchCount(f"more records than the {place} of the statement")
        record = _read_record(place, value)
        if record.issuer != issuer:
            raise RecordOtherBody(place, f"it names {record.issuer}, the statement {issuer}")
        if record.index != first + place:
            raise RecordOtherIndex(place, f"its index is {record.index}, not {first + place}")
        # The value was read whole and strictly, so sorting its members is its canonical form.
        line = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        if len(line) > LONGEST_RECORD:
            raise RecordTooLong(place, f"{len(line)} bytes, at most {LONGEST_RECORD}")
        records.append(record)
        canonical.append(line)
    return records, canonical


def _read_record(place: int, value: Json) -> Record:
    try:
        return Record.from_json(value)
    except Malformed as error:
        raise RecordRefused(place, str(error), error.code) from error
