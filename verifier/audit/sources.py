"""Sources of published records, catalogs and checkpoints: a folder, a web directory, a service."""

from __future__ import annotations

import gzip
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPException
from itertools import chain
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Protocol
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request

from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats.canonical_json import Json, format_canonical, parse
from certledger.verifier.formats.checkpoint import MAX_NOTE_BYTES
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES
from certledger.verifier.formats.record import MAX_RECORD_BYTES
from certledger.verifier.http_client import AnswerTooLongError, stream, while_busy

MAX_BATCH_RECORDS_BYTES = MAX_BATCH_CERTIFICATES * (MAX_RECORD_BYTES + 1)
"""Greatest bytes of a batch's records, compressed or not, each with its line feed."""
_PIECE = 1 << 16
_IN_MEMORY = 1 << 20
"""Bytes of fetched records that stay in memory; more go to a temporary file."""
MAX_PATIENCE = 90.0
"""Seconds that one fetch waits in all for a server that is busy, or counts requests a minute."""
MAX_CATALOG_BYTES = 64 << 20
MAX_LIST_BYTES = 1 << 24
MAX_NAME_BYTES = 1 << 10
CHUNK = 256
"""Records per chunk."""
_NAME = re.compile(r"[0-9A-Za-z._-]{1,128}")


class DataUnreachableError(CertledgerError):
    """Published data cannot be read or fetched."""

    code = "data.unreachable"


class PublishedData(Protocol):
    """Published data, untrusted.  Picklable, since it is sent to worker processes.

    Methods raise DataUnreachableError where the data cannot be read; None means not published.
    """

    def __hash__(self) -> int:
        """Hash by source, so that caches of its data find it again."""

    def records(self, issuer: str, sequence: int, root: bytes) -> Iterator[list[bytes]] | None:
        """Return a batch's canonical records in order, in chunks; None if not published."""

    def catalog(self, root: bytes) -> bytes | None:
        """Return the canonical JSON list of a catalog's entries, None if not published."""

    def name(self, issuer: str, digest: bytes) -> str | None:
        """Return an issuer's name, whose SHA-256 the caller compares; None if not published."""

    def notes(self) -> Iterator[tuple[str, str]]:
        """Yield (where, note) of every published checkpoint."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Source without data: only the chain itself is audited."""

    def records(self, issuer: str, sequence: int, root: bytes) -> Iterator[list[bytes]] | None:
        return None

    def catalog(self, root: bytes) -> bytes | None:
        return None

    def name(self, issuer: str, digest: bytes) -> str | None:
        return None

    def notes(self) -> Iterator[tuple[str, str]]:
        return iter(())


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder: `records/ROOT.jsonl[.gz]`, `catalogs/ROOT.json`, `checkpoints/NAME`."""

    path: Path

    def records(self, issuer: str, sequence: int, root: bytes) -> Iterator[list[bytes]] | None:
        for name in (f"{root.hex()}.jsonl", f"{root.hex()}.jsonl.gz"):
            file = self.path / "records" / name
            if file.exists():
                return _chunks_of(file)
        return None

    def catalog(self, root: bytes) -> bytes | None:
        return self._read(f"catalogs/{root.hex()}.json", MAX_CATALOG_BYTES)

    def name(self, issuer: str, digest: bytes) -> str | None:
        return _text(self._read(f"names/{digest.hex()}.txt", MAX_NAME_BYTES))

    def notes(self) -> Iterator[tuple[str, str]]:
        for file in sorted((self.path / "checkpoints").glob("*")):
            where = f"checkpoints/{file.name}"
            data = self._read(where, MAX_NOTE_BYTES + 1)
            yield where, (data or b"").decode("utf-8", "replace")

    def _read(self, name: str, longest: int) -> bytes | None:
        file = self.path / name
        try:
            if not file.exists():
                return None
            with file.open("rb") as opened:
                return _bounded(opened.read(longest + 1), longest, name)
        except OSError as error:
            raise DataUnreachableError(f"{name} cannot be read: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class HttpDirectory:
    """The same names below an http or https address; `checkpoints/` lists one name a line.

    `timeout` is in seconds.
    """

    url: str
    timeout: float = 60.0

    def records(self, issuer: str, sequence: int, root: bytes) -> Iterator[list[bytes]] | None:
        where = f"{self.url}/records/{root.hex()}.jsonl"
        return _fetched_chunks(where, timeout=self.timeout)

    def catalog(self, root: bytes) -> bytes | None:
        return self._get(f"catalogs/{root.hex()}.json", MAX_CATALOG_BYTES)

    def name(self, issuer: str, digest: bytes) -> str | None:
        return _text(self._get(f"names/{digest.hex()}.txt", MAX_NAME_BYTES))

    def notes(self) -> Iterator[tuple[str, str]]:
        listed = self._get("checkpoints/", MAX_LIST_BYTES) or b""
        for name in listed.decode("utf-8", "replace").split():
            if _NAME.fullmatch(name):
                data = self._get(f"checkpoints/{name}", MAX_NOTE_BYTES + 1)
                yield f"checkpoints/{name}", (data or b"").decode("utf-8", "replace")

    def _get(self, name: str, longest: int) -> bytes | None:
        return fetch(f"{self.url}/{name}", longest, timeout=self.timeout)


@dataclass(frozen=True, slots=True)
class HttpService:
    """A ledger's service over HTTP (`/v1/...`); records need the `key` of an auditor.

    `timeout` is in seconds.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    timeout: float = 60.0

    def records(self, issuer: str, sequence: int, root: bytes) -> Iterator[list[bytes]] | None:
        where = f"{self.url}/v1/batches/{issuer}/{sequence}/records"
        return _fetched_chunks(where, timeout=self.timeout, key=self.key)

    def catalog(self, root: bytes) -> bytes | None:
        data = self._get(f"catalogs/{root.hex()}", MAX_CATALOG_BYTES)
        if data is None:
            return None
        return format_canonical(_member(data, "entries"))

    def name(self, issuer: str, digest: bytes) -> str | None:
        data = self._get(f"issuers/{issuer}", MAX_LIST_BYTES)
        return None if data is None else str(_member(data, "name"))

    def notes(self) -> Iterator[tuple[str, str]]:
        data = self._get("checkpoints/latest", MAX_LIST_BYTES)
        if data is not None:
            yield "checkpoints/latest", str(_member(data, "note"))

    def _get(self, name: str, longest: int) -> bytes | None:
        where = f"{self.url}/v1/{name}"
        return fetch(where, longest, timeout=self.timeout, key=self.key)


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "replace")


def _member(data: bytes, name: str) -> Json:
    try:
        return parse(data, MAX_CATALOG_BYTES)[name]
    except (MalformedError, KeyError, TypeError) as error:
        raise DataUnreachableError(f"the service answers without {name}") from error


def fetch(where: str, longest: int, *, timeout: float, key: str | None = None) -> bytes | None:
    """Fetch an address; return None where the server answers 404, 409 or 410.

    Redirects are not followed, so that the key stays with this server.

    Raises:
        DataUnreachableError: no answer, a longer one, or another status.
    """
    found = bytearray()
    return bytes(found) if _fetch(where, longest, timeout, key, found.extend) else None


def _fetch(
    where: str, longest: int, timeout: float, key: str | None, take: Callable[[bytes], object]
) -> bool:
    """Pass the response's pieces to `take`; return whether there is anything."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    name = urlsplit(where).path

    def read() -> None:
        for piece in stream(request, seconds=timeout, longest=longest):
            take(piece)

    try:
        request = Request(where, headers=headers)
        while_busy(read, ends=time.monotonic() + MAX_PATIENCE)
    except HTTPError as error:
        if error.code in (404, 409, 410):
            return False
        raise DataUnreachableError(f"{name}: HTTP status {error.code}") from error
    except AnswerTooLongError as error:
        raise DataUnreachableError(f"{name} is longer than {longest} bytes") from error
    except (OSError, HTTPException, ValueError) as error:
        raise DataUnreachableError(f"{name} cannot be fetched") from error
    return True


def _fetched_chunks(
    where: str, *, timeout: float, key: str | None = None
) -> Iterator[list[bytes]] | None:
    file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (its reader closes it)
    if not _fetch(where, MAX_BATCH_RECORDS_BYTES, timeout, key, file.write):
        file.close()
        return None
    file.seek(0)
    return _read_all(file)


def _chunks_of(path: Path) -> Iterator[list[bytes]]:
    try:
        yield from _read_all(path.open("rb"))
    except OSError as error:
        raise DataUnreachableError(f"{path.name} cannot be read: {error.strerror}") from error


def _read_all(file: IO[bytes]) -> Iterator[list[bytes]]:
    with file:
        yield from chunks(unzipped(iter(partial(file.read, _PIECE), b"")))


def open_published(where: str | None, key: str | None = None) -> PublishedData:
    """Open the published data at a folder or an address; None opens an empty source.

    An address with an `/openapi.json` is a ledger's service and gets `key`.

    Raises:
        DataUnreachableError: neither an address that answers nor a folder.
    """
    if where is None:
        return Nothing()
    if where.startswith(("http://", "https://")):
        url = where.rstrip("/")
        described = fetch(f"{url}/openapi.json", MAX_LIST_BYTES, timeout=60.0)
        return HttpDirectory(url) if described is None else HttpService(url, key)
    if not Path(where).is_dir():
        raise DataUnreachableError(f"{where} is neither a folder nor an address")
    return Folder(Path(where))


def unzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces of JSON lines, decompressed if they are gzip.

    Raises:
        DataUnreachableError: damaged, longer than any batch, or bytes after the gzip stream.
    """
    first, left = next(pieces, b""), MAX_BATCH_RECORDS_BYTES
    packed = first.startswith(b"\x1f\x8b")
    for piece in _unpacked(chain([first], pieces)) if packed else chain([first], pieces):
        left -= len(piece)
        if left < 0:
            raise DataUnreachableError(f"records of more than {MAX_BATCH_RECORDS_BYTES} bytes")
        yield piece


def _unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        for piece in pieces:
            while piece and not reader.eof:
                yield reader.decompress(piece, _PIECE)
                piece = reader.unconsumed_tail
            if piece or reader.unused_data:
                raise DataUnreachableError("bytes follow the packed records")
        while not reader.eof and (rest := reader.decompress(b"", _PIECE)):
            yield rest
    except zlib.error as error:
        raise DataUnreachableError("packed records are damaged") from error
    if not reader.eof:
        raise DataUnreachableError("packed records are cut short")


def chunks(pieces: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield the records of JSON lines in chunks.

    Raises:
        DataUnreachableError: more records than a batch has, or one longer than any.
    """
    found: list[bytes] = []
    begun, count = b"", 0
    for piece in pieces:
        *whole, begun = (begun + piece).split(b"\n")
        for record in whole:
            found.append(record)
            count += 1
            if count > MAX_BATCH_CERTIFICATES or len(record) > MAX_RECORD_BYTES:
                raise DataUnreachableError("more records than a batch has, or one too long")
            if len(found) == CHUNK:
                yield found
                found = []
        if len(begun) > MAX_RECORD_BYTES:
            raise DataUnreachableError(f"a record of more than {MAX_RECORD_BYTES} bytes")
    found += [begun] if begun else []
    if found:
        yield found


def pack_lines(records: Iterable[bytes]) -> bytes:
    """Compress records to the format of `records/ROOT.jsonl.gz`."""
    return gzip.compress(b"".join(record + b"\n" for record in records), compresslevel=6, mtime=0)


def _bounded(data: bytes, longest: int, name: str) -> bytes:
    if len(data) > longest:
        raise DataUnreachableError(f"{name} is longer than {longest} bytes")
    return data
