"""Published data as the auditor reads it: from a folder, an address, or whoever keeps it."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Protocol
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request

from verifier.checkpoint import LONGEST_NOTE
from verifier.encoding import Json, format_canonical, parse
from verifier.errors import Malformed, Refused
from verifier.rpc import plain_opener

LONGEST_RECORDS = 1 << 30
LONGEST_CATALOG = 64 << 20
LONGEST_LIST = 1 << 24
CHUNK = 256
"""Records that are handed on at once."""
_NAME = re.compile(r"[0-9A-Za-z._-]{1,128}")


class DataUnreachable(Refused):
    """Published data cannot be read or fetched."""

    code = "data.unreachable"


class Published(Protocol):
    """What others published.  Nothing of it is believed; picklable, for it goes to each worker.

    Methods raise DataUnreachable where the data cannot be read, which is not the same as absent.
    """

    def __hash__(self) -> int:
        """Return the same for the same source, so that what was read may be remembered."""

    def records(self, issuer: str, sequence: int, root: bytes) -> Iterator[list[bytes]] | None:
        """Return a batch's canonical records in order, some at a time; None if not published."""

    def catalog(self, root: bytes) -> bytes | None:
        """Return the canonical JSON list of a catalog's entries, None if not published."""

    def notes(self) -> Iterator[tuple[str, str]]:
        """Yield (where, note) of every published checkpoint."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nobody published anything: only what the chain itself holds is audited."""

    def records(self, issuer: str, sequence: int, root: bytes) -> Iterator[list[bytes]] | None:
        return None

    def catalog(self, root: bytes) -> bytes | None:
        return None

    def notes(self) -> Iterator[tuple[str, str]]:
        return iter(())


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder: `records/ROOT.jsonl[.gz]`, `catalogs/ROOT.json`, `checkpoints/NAME`."""

    path: Path

    def records(self, issuer: str, sequence: int, root: bytes) -> Iterator[list[bytes]] | None:
        for name in (f"{root.hex()}.jsonl", f"{root.hex()}.jsonl.gz"):
            data = self._read(f"records/{name}", LONGEST_RECORDS)
            if data is not None:
                return chunks(unzipped(data))
        return None

    def catalog(self, root: bytes) -> bytes | None:
        return self._read(f"catalogs/{root.hex()}.json", LONGEST_CATALOG)

    def notes(self) -> Iterator[tuple[str, str]]:
        for file in sorted((self.path / "checkpoints").glob("*")):
            where = f"checkpoints/{file.name}"
            data = self._read(where, LONGEST_NOTE + 1)
            yield where, (data or b"").decode("utf-8", "replace")

    def _read(self, name: str, longest: int) -> bytes | None:
        file = self.path / name
        try:
            if not file.exists():
                return None
            with file.open("rb") as opened:
                return _bounded(opened.read(longest + 1), longest, name)
        except OSError as error:
            raise DataUnreachable(f"{name} cannot be read: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Address:
    """The same names below an http or https address; `checkpoints/` answers a list, a name a line.

    `timeout` is in seconds.
    """

    url: str
    timeout: float = 60.0

    def records(self, issuer: str, sequence: int, root: bytes) -> Iterator[list[bytes]] | None:
        data = self._get(f"records/{root.hex()}.jsonl", LONGEST_RECORDS)
        return None if data is None else chunks(unzipped(data))

    def catalog(self, root: bytes) -> bytes | None:
        return self._get(f"catalogs/{root.hex()}.json", LONGEST_CATALOG)

    def notes(self) -> Iterator[tuple[str, str]]:
        listed = self._get("checkpoints/", LONGEST_LIST) or b""
        for name in listed.decode("utf-8", "replace").split():
            if _NAME.fullmatch(name):
                data = self._get(f"checkpoints/{name}", LONGEST_NOTE + 1)
                yield f"checkpoints/{name}", (data or b"").decode("utf-8", "replace")

    def _get(self, name: str, longest: int) -> bytes | None:
        return fetch(f"{self.url}/{name}", longest, timeout=self.timeout)


@dataclass(frozen=True, slots=True)
class Service:
    """A ledger's service over HTTP (`/v1/...`); `key` is an auditor's, for records are not public.

    `timeout` is in seconds.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    timeout: float = 60.0

    def records(self, issuer: str, sequence: int, root: bytes) -> Iterator[list[bytes]] | None:
        data = self._get(f"batches/{issuer}/{sequence}/records", LONGEST_RECORDS)
        return None if data is None else chunks(data)

    def catalog(self, root: bytes) -> bytes | None:
        data = self._get(f"catalogs/{root.hex()}", LONGEST_CATALOG)
        if data is None:
            return None
        return format_canonical(_member(data, "entries"))

    def notes(self) -> Iterator[tuple[str, str]]:
        data = self._get("checkpoints/latest", LONGEST_LIST)
        if data is not None:
            yield "checkpoints/latest", str(_member(data, "note"))

    def _get(self, name: str, longest: int) -> bytes | None:
        where = f"{self.url}/v1/{name}"
        return fetch(where, longest, timeout=self.timeout, key=self.key)


def _member(data: bytes, name: str) -> Json:
    try:
        return parse(data, LONGEST_CATALOG)[name]
    except (Malformed, KeyError, TypeError) as error:
        raise DataUnreachable(f"the service answers without {name}") from error


def fetch(where: str, longest: int, *, timeout: float, key: str | None = None) -> bytes | None:
    """Return what an address answers, None where it says that there is nothing.

    Redirects are not followed, so that a key goes to nobody else.

    Raises:
        DataUnreachable: no answer, a longer one, or one that is neither.
    """
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    name = urlsplit(where).path
    try:
        request = Request(where, headers=headers)
        with plain_opener().open(request, timeout=timeout) as answer:
            return _bounded(answer.read(longest + 1), longest, name)
    except HTTPError as error:
        error.close()
        if error.code in (404, 409, 410):
            return None
        raise DataUnreachable(f"{name}: HTTP status {error.code}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise DataUnreachable(f"{name} cannot be fetched") from error


def open_published(where: str | None, key: str | None = None) -> Published:
    """Return the published data at a folder or an address, nothing for None.

    An address that describes itself as a service is asked as one, with `key`.

    Raises:
        DataUnreachable: neither an address that answers nor a folder.
    """
    if where is None:
        return Nothing()
    if where.startswith(("http://", "https://")):
        url = where.rstrip("/")
        described = fetch(f"{url}/openapi.json", LONGEST_LIST, timeout=60.0)
        return Address(url) if described is None else Service(url, key)
    if not Path(where).is_dir():
        raise DataUnreachable(f"{where} is neither a folder nor an address")
    return Folder(Path(where))


def unzipped(data: bytes) -> bytes:
    """Return JSON lines, unpacked if they are gzip.

    Raises:
        DataUnreachable: damaged, or longer than any batch.
    """
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
        found = reader.decompress(data, LONGEST_RECORDS)
    except zlib.error as error:
        raise DataUnreachable("packed records are damaged") from error
    if not reader.eof:
        raise DataUnreachable("packed records are damaged or too long")
    return found


def chunks(lines: bytes) -> Iterator[list[bytes]]:
    """Yield the records that stand in JSON lines, some at a time."""
    listed = lines.removesuffix(b"\n").split(b"\n") if lines else []
    for at in range(0, len(listed), CHUNK):
        yield listed[at : at + CHUNK]


def pack_lines(records: Iterable[bytes]) -> bytes:
    """Return records as `records/ROOT.jsonl.gz` holds them."""
    return gzip.compress(b"".join(record + b"\n" for record in records), compresslevel=6, mtime=0)


def _bounded(data: bytes, longest: int, name: str) -> bytes:
    if len(data) > longest:
        raise DataUnreachable(f"{name} is longer than {longest} bytes")
    return data
