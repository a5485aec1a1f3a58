"""A batch's records as they lie in the database: frames of 256, each unpacked by itself.

Digests are random, so trying to compress them only costs time: a frame holds them as they are,
32 bytes each, and the rest of its records as compressed JSON lines.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import bytes_of, to_base64url

FRAME = 256
"""Records in a frame: what must be unpacked to read one of them, some 150 kB."""
_DIGESTS = b'"digests":"'
_HASH = 32


def pack_frames(records: Iterable[bytes]) -> Iterator[bytes]:
    """Yield canonical records in frames, as they come."""
    coming = iter(records)
    while framed := list(islice(coming, FRAME)):
        yield pack_frame(framed)


def pack_frame(records: Sequence[bytes]) -> bytes:
    """Return at most 256 records in one frame: u32(size) ‖ compressed lines ‖ digests.

    In each line stands the number of its digests instead of them.
    """
    lines, digests = [], []
    for record in records:
        before, _, rest = record.partition(_DIGESTS)
        text, _, after = rest.partition(b'"')
        found = bytes_of(text)
        digests.append(found)
        lines.append(b'%b%b%d"%b' % (before, _DIGESTS, len(found) // _HASH, after))
    packed = zlib.compress(b"\n".join(lines), 1)
    return len(packed).to_bytes(4, "big") + packed + b"".join(digests)


def unpack_frame(frame: bytes) -> list[bytes]:
    """Return the records of a frame.

    Raises:
        MalformedError: the frame is damaged.
    """
    try:
        return _unpacked(frame)
    except (zlib.error, ValueError) as error:
        raise MalformedError("records.damaged", f"records are kept damaged: {error}") from error


def _unpacked(frame: bytes) -> list[bytes]:
    start = 4 + int.from_bytes(frame[:4], "big")
    records = []
    for line in zlib.decompress(frame[4:start]).split(b"\n"):
        before, _, rest = line.partition(_DIGESTS)
        count, _, after = rest.partition(b'"')
        end = start + _HASH * int(count)
        digests = to_base64url(frame[start:end]).encode("ascii")
        records.append(b'%b%b%b"%b' % (before, _DIGESTS, digests, after))
        start = end
    return records
