"""The parts of a workbook's archive, inflated under one bound of bytes."""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from xml.parsers import expat

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.findings import Findings

MAX_INFLATED_BYTES = 512 * 2**20
"""Bytes that all parts that are read may inflate to."""
MAX_ARCHIVE_PARTS = 2_000
MAX_DEPTH = 64
"""Elements within each other; a worksheet has eight."""
PIECE = 2**18

_ZIP_TROUBLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What the standard library raises on archives that are damaged or encrypted."""

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]
Characters = Callable[[str], None]


@dataclass(kw_only=True, slots=True)
class Archive:
    """A workbook's archive; what is wrong with it refuses the whole file."""

    findings: Findings
    archive: zipfile.ZipFile
    most: int
    left: int
    names: dict[str, str] = field(default_factory=dict)

    def find(self, name: str) -> str | None:
        """Return the name of a part as the archive has it, whatever its case; None if absent."""
        return self.names.get(name.lower())

    def parse(
        self, name: str, start: Start, end: End | None = None, text: Characters | None = None
    ) -> None:
        """Parse a part of XML, each element by its local name.

        Raises:
            SheetInvalidError: the part is damaged, has a document type, or inflates to too much.
        """
        for _ in self.parse_in_steps(name, start, end, text):
            pass

    def parse_in_steps(
        self, name: str, start: Start, end: End | None = None, text: Characters | None = None
    ) -> Iterator[None]:
        """Parse a part as `parse`, and yield between its pieces, so that they need not be stored.

        Raises:
            SheetInvalidError: as `parse`.
        """
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.ordered_attributes = False
        depth = 0

        def on_start(tag: str, attributes: dict[str, str]) -> None:
            nonlocal depth
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"elements are more than {MAX_DEPTH} deep")
            start(tag.rpartition(":")[2] if ":" in tag else tag, attributes)

        def on_end(tag: str) -> None:
            nonlocal depth
            depth -= 1
            if end is not None:
                end(tag.rpartition(":")[2] if ":" in tag else tag)

        def on_doctype(*_: object) -> None:
            raise ValueError("it has a document type")

        parser.StartElementHandler = on_start
        parser.EndElementHandler = on_end
        parser.StartDoctypeDeclHandler = on_doctype
        if text is not None:
            parser.CharacterDataHandler = text
        with refuse_damage(self.findings, name):
            for piece in self._pieces(name):
                parser.Parse(piece, False)
                yield
            parser.Parse(b"", True)
        yield

    def read(self, name: str) -> bytes:
        """Return the bytes of a part.

        Raises:
            SheetInvalidError: the part is damaged, or inflates to too much.
        """
        with refuse_damage(self.findings, name):
            return b"".join(self._pieces(name))

    def _pieces(self, name: str) -> Iterator[bytes]:
        with self.archive.open(name) as file:
            while piece := file.read(PIECE):
                self.left -= len(piece)
                if self.left < 0:
                    most = f"{self.most} bytes"
                    raise self.findings.fail(kinds.FILE_SIZE, what="unpacked parts", most=most)
                yield piece

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Return type and target of each relation of a part, by its id."""
        folder, _, base = part.rpartition("/")
        name = self.find(f"{folder}/_rels/{base}.rels".lstrip("/"))
        found: dict[str, tuple[str, str]] = {}

        def start(tag: str, attributes: dict[str, str]) -> None:
            if tag == "Relationship":
                target = posixpath.normpath(
                    posixpath.join("/" + folder, attributes.get("Target", ""))
                ).lstrip("/")
                kind = attributes.get("Type", "").rpartition("/")[2]
                found[attributes.get("Id", "")] = (kind, target)

        if name is not None:
            self.parse(name, start)
        return found


@contextmanager
def open_archive(data: bytes, findings: Findings, most: int | None = None) -> Iterator[Archive]:
    """Open a workbook's archive, whose parts may inflate to `most` bytes in all (else to 512 MB).

    Raises:
        SheetInvalidError: it is none, or has too many parts.
    """
    with refuse_damage(findings, ""):
        opened = zipfile.ZipFile(io.BytesIO(data))
    with opened:
        parts = opened.namelist()
        if len(parts) > MAX_ARCHIVE_PARTS:
            parts_most = f"{MAX_ARCHIVE_PARTS}"
            raise findings.fail(kinds.FILE_SIZE, what=f"{len(parts)} parts", most=parts_most)
        names = {name.lstrip("/").lower(): name for name in parts}
        left = MAX_INFLATED_BYTES if most is None else most
        yield Archive(findings=findings, archive=opened, most=left, left=left, names=names)


@contextmanager
def refuse_damage(findings: Findings, part: str) -> Iterator[None]:
    """Turn what the standard library raises on damaged archives into the refusal of the file."""
    try:
        yield
    except expat.ExpatError as error:
        why = f"{part}: {expat.ErrorString(error.code)}"
        raise findings.fail(kinds.UNREADABLE, why=why) from error
    except _ZIP_TROUBLE as error:
        why = f"not an XLSX file: {part} {error}"
        raise findings.fail(kinds.UNREADABLE, why=why) from error
