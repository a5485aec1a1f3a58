"""Evidence files of the command line: read once; other file types are recognised by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.evidence import MAX_EVIDENCE_BYTES, Evidence
from certledger.verifier.formats.foreign_formats import recognise, words_of
from certledger.verifier.formats.scanned_code import MAX_SCANNED_BYTES, scanned_bytes

CODE_SUFFIX = ".txt"
"""Suffix of files that contain a compact code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceFile:
    """One file with at most `MAX_EVIDENCE_BYTES + 1` of its bytes; None if unreadable.

    It is read once, since it may be a pipe.
    """

    path: Path
    data: bytes | None

    @classmethod
    def read(cls, path: Path) -> EvidenceFile:
        """Read the file at `path`."""
        try:
            with path.open("rb") as opened:
                return cls(path=path, data=opened.read(MAX_EVIDENCE_BYTES + 1))
        except OSError:
            return cls(path=path, data=None)

    @property
    def code(self) -> str | None:
        """The compact code in it: by its prefix, or the whole text of a *.txt file."""
        if self.data is None:
            return None
        data = self.data[: MAX_SCANNED_BYTES + 1]
        code = scanned_bytes(data)
        if code is None and self.path.suffix == CODE_SUFFIX:
            return data.decode("utf-8", "replace")
        return code

    @property
    def looks_like(self) -> str | None:
        """The name in `foreign_formats.FORMATS` that its bytes match, or None."""
        return None if self.data is None else recognise(self.data)


def read_evidence(path: Path) -> Evidence:
    """Read and parse an evidence file.

    Raises:
        OSError: it cannot be read.
        MalformedError: it is no evidence, or too long; the sentence names a recognised file type.
    """
    with path.open("rb") as opened:
        data = opened.read(MAX_EVIDENCE_BYTES + 1)
    try:
        return Evidence.parse(data)
    except MalformedError as error:
        if (found := recognise(data)) is None:
            raise
        raise MalformedError(error.code, f"{path} is no evidence: {words_of(found)}") from error
