"""A handed-in batch, from bytes to checked columns.  Pure: nothing is asked of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from ledger.intake.refusals import (
    BatchCount,
    RecordOtherBody,
    RecordOtherIndex,
    RecordRefused,
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
from verifier.swift import GRAMMAR, read_canonical

TYPE = "certledger/submission/1"
MOST_IN_BATCH = 65_536
LONGEST_SUBMISSION = 64 * 2**20
"""Greatest bytes of a submission by default: some 100,000 records of nine digests."""
_LONGEST_HEAD = 4096
_CANONICAL_START = b'{"records":['

Found = tuple[Record, bytes]
"""A record and its canonical bytes."""


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
        RecordRefused: a record that is none, or with another issuer or index.
        RootWrong: the records do not give the statement's root.
    """
    if len(data) > limit:
        raise Malformed("json.size", f"{len(data)} bytes where at most {limit} are read")
    head, found = _read_swiftly(data) or (
        _read_lines(data) if _is_lines(data) else _read_object(data, limit)
    )
    head.const("type", TYPE)
    statement = statement_from_json(Batch, head.take("statement"))
    signature = head.binary("signature", SIGNATURE_SIZE)
    head.done()
    _check_statement(statement)
    _check_places(statement, found)
    records, canonical = [record for record, _ in found], [line for _, line in found]
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


def _read_swiftly(data: bytes) -> tuple[Members, list[Found]] | None:
    """Return what a canonical object holds, None where it is spelled in any other way."""
    if not data.startswith(_CANONICAL_START) or not data.isascii():
        return None
    text, at, found = data.decode("ascii"), len(_CANONICAL_START), []
    while match := GRAMMAR.match(text, at):
        if (record := read_canonical(match)) is None:
            return None
        found.append((record, match.group().encode("ascii")))
        at = match.end() + 1
        if text[at - 1 : at] != ",":
            break
    if text[at - 1 : at + 1] != "],":
        return None
    return Members(parse(b"{" + data[at + 1 :], _LONGEST_HEAD), "submission"), found


def _is_lines(data: bytes) -> bool:
    """Return whether the first line is an object by itself and others follow."""
    first, _, rest = data.partition(b"\n")
    if len(first) > _LONGEST_HEAD or not rest.strip():
        return False
    try:
        return type(orjson.loads(first)) is dict
    except orjson.JSONDecodeError:
        return False


def _read_lines(data: bytes) -> tuple[Members, list[Found]]:
    first, *lines = data.removesuffix(b"\n").split(b"\n")
    head = Members(parse(first, _LONGEST_HEAD), "submission")
    return head, [_read_line(place, line) for place, line in enumerate(lines)]


def _read_line(place: int, line: bytes) -> Found:
    match = GRAMMAR.fullmatch(line.decode("ascii")) if line.isascii() else None
    record = read_canonical(match) if match else None
    if record is not None:
        return record, line
    try:
        value = parse(line, 2 * LONGEST_RECORD)
    except Malformed as error:
        raise RecordRefused(place, str(error), error.code) from error
    return _read_value(place, value)


def _read_object(data: bytes, limit: int) -> tuple[Members, list[Found]]:
    head = Members(parse(data, limit), "submission")
    values = head.take("records")
    if type(values) is not list:
        head.refuse("records", "a list of records")
    return head, [_read_value(place, value) for place, value in enumerate(values)]


def _read_value(place: int, value: Json) -> Found:
    try:
        record = Record.from_json(value)
    except Malformed as error:
        raise RecordRefused(place, str(error), error.code) from error
    # The value was read whole and strictly, so sorting its members is its canonical form.
    return record, orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _check_statement(statement: Batch) -> None:
    if not 0 < statement.count <= MOST_IN_BATCH:
        raise BatchCount(f"a batch has 1 to {MOST_IN_BATCH} records, not {statement.count}")
    if statement.first + statement.count > MOST_CERTIFICATES:
        raise BatchCount(f"a body has at most {MOST_CERTIFICATES} certificates")
    if statement.sequence == 0:
        raise Malformed("schema.invalid", "statement.sequence starts at 1")


def _check_places(statement: Batch, found: Sequence[Found]) -> None:
    """Check that there are as many records as stated, each where its index says."""
    if len(found) != statement.count:
        raise BatchCount(f"{len(found)} records where the statement says {statement.count}")
    issuer, first = statement.issuer.decode("ascii"), statement.first
    for place, (record, _) in enumerate(found):
        if record.issuer != issuer:
            raise RecordOtherBody(place, f"it names {record.issuer}, the statement {issuer}")
        if record.index != first + place:
            raise RecordOtherIndex(place, f"its index is {record.index}, not {first + place}")
