"""Whatever bytes come to the door: a receipt or a refusal, never anything else."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certledger.ledger.intake.acts import submit_act
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.intake.pending_state import Intake
from certledger.ledger.store import SqlStore, open_store
from certledger.ledger.store.record_chunks import pack_frames, unpack_frame
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.record import Record
from certledger.verifier.formats.record_fast import GRAMMAR, read_canonical
from certledger.verifier.vocabulary import HolderKind
from tests.ledger.intake.test_acts import ISSUER_KEY, revoke
from tests.ledger.intake.test_batches import rows
from tests.ledger.issuers import Office, act_file, desk, found

BATCH = Office().seal(2)
ACT = act_file(revoke(0), ISSUER_KEY)


@pytest.fixture(scope="module")
def door() -> Iterator[SqlStore]:
    """Return one store for all examples."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder)}/ledger.db")
        found(store, Office().state(certificates=6))
        yield store
        store.close()


def edits(data: bytes) -> st.SearchStrategy[bytes]:
    """Cut bytes out of `data`, put others in their place."""
    at = st.integers(0, len(data))
    return st.builds(
        lambda start, gone, put: data[:start] + put + data[start + gone :],
        at,
        st.integers(0, 40),
        st.one_of(st.binary(max_size=8), st.sampled_from([b'"', b"{", b"[", b",", b"\n", b"null"])),
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "statement", "records", "act", "x"]), inner)
    ),
    max_leaves=12,
)


def check_answer(store: SqlStore, data: bytes) -> None:
    """Check that both doors answer or refuse, and store nothing when they refuse."""
    for door in (submit_batch, submit_act):
        before = rows(store)
        code = code_of(door, store, data)
        assert code is None or rows(store) == before
        assert code != "refused", "every refusal says which it is"


def code_of(door: Callable[[Intake, bytes], bytes], store: SqlStore, data: bytes) -> str | None:
    try:
        door(desk(store), data)
    except CertledgerError as refused:
        return refused.code
    return None


@given(data=st.one_of(st.binary(max_size=200), edits(BATCH), edits(ACT)))
def test_bytes_are_answered_or_refused(data: bytes, door: SqlStore) -> None:
    check_answer(door, data)


@given(value=JSON)
def test_json_of_another_shape_is_refused(value: object, door: SqlStore) -> None:
    try:
        data = orjson.dumps(value)
    except TypeError:
        return
    check_answer(door, data)


@given(name=st.sampled_from(["records", "statement", "signature", "type"]), value=JSON)
def test_a_member_of_another_shape_is_refused(name: str, value: object, door: SqlStore) -> None:
    try:
        data = orjson.dumps(orjson.loads(BATCH) | {name: value})
    except TypeError:
        return
    check_answer(door, data)


days = st.dates(date(1, 1, 1), date(9999, 12, 31))


@st.composite
def records(draw: st.DrawFn) -> Record:
    index = draw(st.integers(1, 2**32 - 1))
    edition = draw(st.integers(0, 65_535))
    issued = draw(days)
    lasts = draw(st.none() | st.integers(0, 40_000))
    expires = None
    if lasts is not None:
        expires = min(issued.toordinal() + lasts, date.max.toordinal())
    return Record(
        issuer=draw(st.from_regex(r"[0-9A-Z]{2}[0-9]{2}[0-9A-Z]{14}", fullmatch=True)),
        index=index,
        id=draw(st.binary(min_size=32, max_size=32)),
        edition=edition,
        replaces=draw(st.integers(0, index - 1)) if edition else None,
        category=draw(st.from_regex(r"[A-Z0-9-]{2,24}", fullmatch=True)),
        entry=draw(st.integers(1, 65_535)),
        holder=draw(st.sampled_from(HolderKind)),
        issued=issued,
        expires=None if expires is None else date.min + timedelta(expires - 1),
        bound=draw(st.booleans()),
        digests=tuple(draw(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=96))),
    )


@given(record=records())
def test_the_swift_reader_reads_what_the_careful_one_reads(record: Record) -> None:
    match = GRAMMAR.fullmatch(record.canonical().decode("ascii"))
    assert match is not None
    assert read_canonical(match) == record == Record.parse(record.canonical())


@given(record=records(), data=st.data())
def test_the_swift_reader_accepts_nothing_that_the_careful_one_refuses(
    record: Record, data: st.DataObject
) -> None:
    line = record.canonical()
    at = data.draw(st.integers(0, len(line) - 1))
    put = data.draw(st.sampled_from(list(b'0129A_-"}{,:ez ')))
    changed = line[:at] + bytes([put]) + line[at + 1 :]
    match = GRAMMAR.fullmatch(changed.decode("ascii"))
    swift = read_canonical(match) if match else None
    try:
        careful = Record.parse(changed)
    except CertledgerError:
        careful = None
    assert swift == careful


@given(listed=st.lists(records(), min_size=1, max_size=5), repeated=st.integers(1, 100))
def test_frames_give_back_the_records_they_were_made_of(
    listed: list[Record], repeated: int
) -> None:
    lines = [record.canonical() for record in listed] * repeated
    frames = list(pack_frames(lines))
    assert [line for frame in frames for line in unpack_frame(frame)] == lines
    assert len(frames) == -(-len(lines) // 256)
