"""Frames of 256 records in the database, each unpacked without the others.

Digests are random and do not compress: a frame stores them raw, 32 bytes each, after the
compressed JSON lines.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import bytes_of, to_base64url

FRAME = 256
"""Records in a frame: reading one record unpacks a frame, about 150 kB."""
_DIGESTS = b'"digests":"'
_HASH = 32


def pack_frames(records: Iterable[bytes]) -> Iterator[bytes]:
    """Yield canonical records packed into frames."""
    coming = iter(records)
    while framed := list(islice(coming, FRAME)):
        yield pack_frame(framed)


def pack_frame(records: Sequence[bytes]) -> bytes:
    """Pack at most 256 records: u32(size) ‖ zlib(lines) ‖ digests.

    In each line the number of its digests replaces them.
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
        raise MalformedError("records.damaged", f"stored records are damaged: {error}") from error


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
