"""Evidence files as handed in: read once, and named for what they are if they are none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.evidence import MAX_EVIDENCE_BYTES, Evidence
from certledger.verifier.formats.foreign_formats import recognise, words_of
from certledger.verifier.formats.scanned_code import MAX_SCANNED_BYTES, scanned_bytes

CODE_SUFFIX = ".txt"
"""How the names of files end that hold a compact code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceFile:
    """One file and its bytes, one more at most than evidence may have; None if unreadable.

    It is read once, for it may be a pipe.
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
        """The code in it: one that begins as codes do, or anything in a file *.txt."""
        if self.data is None:
            return None
        data = self.data[: MAX_SCANNED_BYTES + 1]
        code = scanned_bytes(data)
        if code is None and self.path.suffix == CODE_SUFFIX:
            return data.decode("utf-8", "replace")
        return code

    @property
    def looks_like(self) -> str | None:
        """The name in `foreign_formats.FORMATS` of what it looks like, None if of nothing there."""
        return None if self.data is None else recognise(self.data)


def read_evidence(path: Path) -> Evidence:
    """Return the evidence in a file.

    Raises:
        OSError: it cannot be read.
        MalformedError: it is none, or has too many bytes; the sentence says what it looks like.
    """
    with path.open("rb") as opened:
        data = opened.read(MAX_EVIDENCE_BYTES + 1)
    try:
        return Evidence.parse(data)
    except MalformedError as error:
        if (found := recognise(data)) is None:
            raise
        raise MalformedError(error.code, f"{path} is no evidence: {words_of(found)}") from error
