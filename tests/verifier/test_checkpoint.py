"""Checkpoints: one spelling, one meaning, and cosignatures that any C2SP reader accepts."""

import base64
import contextlib
import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from certledger.verifier.formats.checkpoint import (
    MAX_BLOCK_NUMBER,
    MAX_TIME_SECONDS,
    Checkpoint,
    CheckpointUnusableError,
    Cosignature,
    Note,
    check_cosignature,
    cosign,
    key_id,
    parse_note,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
CHECKPOINT = Checkpoint(
    identity=bytes([1]) * 32,
    number=42,
    state_root=bytes([2]) * 32,
    block_hash=bytes([3]) * 32,
    time=1_795_000_000,
)
NOTE = Note(
    checkpoint=CHECKPOINT,
    cosignatures=(
        cosign(CHECKPOINT, "witness.example/anhui", KEY, 1_795_000_010),
        cosign(CHECKPOINT, "witness.example/shanghai", KEY, 1_795_000_011),
    ),
)

hashes = st.binary(min_size=32, max_size=32)
checkpoints = st.builds(
    Checkpoint,
    identity=hashes,
    number=st.integers(0, MAX_BLOCK_NUMBER),
    state_root=hashes,
    block_hash=hashes,
    time=st.integers(0, MAX_TIME_SECONDS),
)
names = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="+"),
    min_size=1,
    max_size=128,
)
lines = st.builds(
    Cosignature,
    name=names,
    key_id=st.binary(min_size=4, max_size=4),
    time=st.integers(0, MAX_TIME_SECONDS),
    signature=st.binary(min_size=64, max_size=64),
)


def test_the_issuer_is_the_five_lines_of_the_specification():
    assert CHECKPOINT.format_body() == (
        "certledger/1/" + "01" * 32 + "\n"
        "42\n"
        "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"
        "block " + "03" * 32 + "\n"
        "time 1795000000\n"
    )


@given(checkpoints, st.lists(lines, max_size=8, unique_by=lambda line: line.name))
def test_what_is_formatted_is_parsed_as_it_was(checkpoint, cosignatures):
    ascending = sorted(cosignatures, key=lambda line: (line.name, line.key_id))
    note = Note(checkpoint=checkpoint, cosignatures=tuple(ascending))
    assert parse_note(note.format()) == note


@given(st.one_of(st.text(), st.text("ab01/\n-— =", max_size=300)))
def test_any_text_at_all_is_a_note_or_a_refusal(text):
    for candidate in (text, NOTE.format() + text, NOTE.format()[: len(text)] + text):
        with contextlib.suppress(CheckpointUnusableError):
            assert parse_note(candidate).format() == candidate


@given(st.data())
def test_no_changed_character_goes_unnoticed(data):
    text = NOTE.format()
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(
        st.one_of(st.characters(codec="utf-8"), st.sampled_from("0aA=/+ \n—")).filter(
            lambda character: character != text[at]
        )
    )
    changed = text[:at] + other + text[at + 1 :]
    try:
        note = parse_note(changed)
    except CheckpointUnusableError:
        return
    assert note != NOTE
    assert not all(check_cosignature(note.checkpoint, line, PUBLIC) for line in note.cosignatures)


ISSUER = CHECKPOINT.format_body()
LINE = NOTE.cosignatures[0].format()


@pytest.mark.parametrize(
    "text",
    [
        "",
        ISSUER,
        ISSUER + "\n\n",
        ISSUER + "\n" + LINE[:-1],
        ISSUER + "\n" + LINE + "\n",
        ISSUER + LINE,
        "\ufeff" + ISSUER + "\n",
        ISSUER.replace("\n", "\r\n") + "\n",
        ISSUER.replace("certledger/1/", "certledger/2/") + "\n",
        ISSUER.replace("\n42\n", "\n042\n") + "\n",
        ISSUER.replace("\n42\n", "\n-42\n") + "\n",
        ISSUER.replace("\n42\n", "\n٤٢\n") + "\n",
        ISSUER.replace("\n42\n", f"\n{2**40}\n") + "\n",
        ISSUER.replace("1795000000", f"{MAX_TIME_SECONDS + 1}") + "\n",
        ISSUER.replace("gI=", "gJ=") + "\n",
        ISSUER.replace("0303", "0A03") + "\n",
        ISSUER + "more\n\n",
        ISSUER + "\n" + LINE + LINE,
        ISSUER + "\n" + LINE.replace("— ", "- "),
        ISSUER + "\n" + LINE.replace("==", ""),
        ISSUER + "\n" + LINE.replace("witness.example", "witness+example"),
        ISSUER + "\n" + replace(NOTE.cosignatures[0], time=2**63).format(),
        "\ud800" + ISSUER + "\n",
    ],
    ids=range(23),
)
def test_a_note_of_another_shape_is_refused(text):
    with pytest.raises(CheckpointUnusableError):
        parse_note(text)


def test_a_note_longer_than_the_limit_is_refused():
    many = tuple(replace(NOTE.cosignatures[0], name=f"witness-{n}") for n in range(40))
    text = replace(NOTE, cosignatures=many).format()
    assert len(text.encode()) > 4096
    with pytest.raises(CheckpointUnusableError, match="longer than 4096 bytes"):
        parse_note(text)


def test_the_longest_names_fit_a_note_of_16_lines():
    lines = tuple(replace(NOTE.cosignatures[0], name=f"{n:0128}") for n in range(16))
    note = replace(NOTE, cosignatures=lines)
    assert 4000 < len(note.format().encode()) <= 4096
    assert parse_note(note.format()) == note


def test_a_note_has_at_most_16_lines():
    def note(count: int) -> Note:
        line = NOTE.cosignatures[0]
        lines = (replace(line, name=f"w-{n:02}") for n in range(count))
        return replace(NOTE, cosignatures=tuple(lines))

    assert parse_note(note(16).format()) == note(16)
    with pytest.raises(CheckpointUnusableError, match="more than 16"):
        parse_note(note(17).format())


def test_lines_ascend_by_name_and_key_id():
    line = NOTE.cosignatures[0]
    low, high = replace(line, key_id=bytes(4)), replace(line, key_id=b"\xff" * 4)
    assert parse_note(replace(NOTE, cosignatures=(low, high)).format()).cosignatures == (low, high)
    for wrong in ((high, low), (low, low), (replace(line, name="x"), low)):
        with pytest.raises(CheckpointUnusableError, match="ascend"):
            parse_note(replace(NOTE, cosignatures=wrong).format())


def test_the_greatest_block_and_times_are_read():
    last = replace(CHECKPOINT, number=MAX_BLOCK_NUMBER, time=MAX_TIME_SECONDS)
    note = Note(checkpoint=last, cosignatures=(cosign(last, "w", KEY, MAX_TIME_SECONDS),))
    assert parse_note(note.format()) == note
    assert (MAX_BLOCK_NUMBER, MAX_TIME_SECONDS) == (2**40 - 1, 253_402_300_799)


def test_a_cosignature_is_what_c2sp_says():
    line = NOTE.cosignatures[0]
    raw = base64.b64decode(line.format().split(" ")[2])
    name = b"witness.example/anhui"

    assert raw[:4] == hashlib.sha256(name + b"\n\x04" + PUBLIC).digest()[:4]
    assert raw[4:12] == (1_795_000_010).to_bytes(8, "big")
    KEY.public_key().verify(
        raw[12:], b"cosignature/v1\ntime 1795000010\n" + CHECKPOINT.format_body().encode()
    )


def test_a_cosignature_is_good_for_its_key_name_time_and_checkpoint_only():
    line = NOTE.cosignatures[0]
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()

    assert check_cosignature(CHECKPOINT, line, PUBLIC)
    assert not check_cosignature(CHECKPOINT, line, other)
    assert not check_cosignature(CHECKPOINT, replace(line, key_id=key_id(line.name, other)), other)
    assert not check_cosignature(CHECKPOINT, replace(line, name="witness.example"), PUBLIC)
    assert not check_cosignature(CHECKPOINT, replace(line, time=line.time + 1), PUBLIC)
    assert not check_cosignature(replace(CHECKPOINT, number=43), line, PUBLIC)
    assert not check_cosignature(replace(CHECKPOINT, time=1), line, PUBLIC)


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("", 1),
        ("a b", 1),
        ("a+b", 1),
        ("上海", 1),
        ("a\n", 1),
        ("a", -1),
        ("a", MAX_TIME_SECONDS + 1),
    ],
)
def test_a_witness_does_not_sign_what_no_line_can_carry(name, time):
    with pytest.raises(CheckpointUnusableError):
        cosign(CHECKPOINT, name, KEY, time)
