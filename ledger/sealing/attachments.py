"""Documents of a sheet: found by name in one folder, described by their hashes."""

from __future__ import annotations

import difflib
import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from certledger.verifier.crypto.hashing import sm3
from certledger.verifier.errors import CertledgerError, ExitStatus

PIECE = 2**20
MAX_NAME_CHARACTERS = 255
MAX_LISTED_FILES = 100_000
_PDF, _PDF_START = ".pdf", b"%PDF"


class PaperUnusableError(CertledgerError):
    """A document that a row names cannot be used; the code is about its name or its file."""

    exit_status = ExitStatus.UNUSABLE

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """A document: the name of its file, and what the record says of it (SPEC section 4.6).

    `is_what_it_is_named` is false where it is named a PDF and does not begin as one.
    """

    name: str
    value: Mapping[str, str | int]
    is_what_it_is_named: bool = field(default=True, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Papers:
    """The documents of one folder; `with_sm3` where the issuer wants SM3 in addition to SHA-256.

    `is_asked_for` where the issuer named the folder, so that what lies in it is meant.
    """

    folder: Path | None = None
    with_sm3: bool = False
    is_asked_for: bool = False
    _known: dict[str, Paper] = field(default_factory=dict, repr=False)

    def find(self, name: str) -> Paper:
        """Return the document of a name, read once and cached.

        Raises:
            PaperUnusableError: the name leads out of the folder, or there is no such readable file.
        """
        if name not in self._known:
            self._known[name] = self._describe(name)
        return self._known[name]

    def unnamed(self) -> list[str]:
        """Return the names of PDFs in the folder that nothing has asked for, at most 1,000."""
        if self.folder is None or not self.folder.is_dir():
            return []
        named = {unicodedata.normalize("NFC", Path(name).as_posix()) for name in self._known}
        files = (path.name for path in islice(self.folder.iterdir(), MAX_LISTED_FILES))
        pdfs = sorted(name for name in files if name.lower().endswith(_PDF))
        return [name for name in pdfs if unicodedata.normalize("NFC", name) not in named][:1_000]

    def _nearest(self, name: str) -> str:
        """Return a hint at the file that is probably meant, empty if there is none."""
        if self.folder is None or not self.folder.is_dir():
            return ""
        files = [path.name for path in islice(self.folder.iterdir(), MAX_LISTED_FILES)]
        plain = {_plain_name(file): file for file in files}
        near = difflib.get_close_matches(_plain_name(name), plain, 1, 0.8)
        return f"; is {plain[near[0]]!r} meant?" if near else ""

    def _describe(self, name: str) -> Paper:
        if self.folder is None:
            raise PaperUnusableError(
                "document.missing", f"{name!r} is named, but no folder is given"
            )
        path = self.folder / name
        inside = path.resolve().is_relative_to(self.folder.resolve())
        if not inside or len(path.name) > MAX_NAME_CHARACTERS or not name.isprintable():
            raise PaperUnusableError("document.name", f"{name[:80]!r} leads out of the folder")
        if path.exists() and not path.is_file():
            raise PaperUnusableError("document.missing", f"{name!r} is no file")
        try:
            with path.open("rb") as file:
                start = file.peek(len(_PDF_START))[: len(_PDF_START)]
                value = _describe(file, with_sm3=self.with_sm3)
        except OSError as error:
            reason = f"{name!r} cannot be read: {error.strerror}{self._nearest(name)}"
            raise PaperUnusableError("document.missing", reason) from error
        fits = not name.lower().endswith(_PDF) or start == _PDF_START
        return Paper(name=path.name, value=value, is_what_it_is_named=fits)


def _plain_name(name: str) -> str:
    """Return a file's name without case, width and suffix."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return plain.removesuffix(_PDF)


def _describe(file: BinaryIO, *, with_sm3: bool) -> Mapping[str, str | int]:
    hashes = {"sha256": hashlib.sha256()}
    if with_sm3:
        if sm3(b"") is None:
            raise PaperUnusableError("document.missing", "this OpenSSL cannot compute SM3")
        hashes["sm3"] = hashlib.new("sm3")
    size = 0
    while piece := file.read(PIECE):
        size += len(piece)
        for running in hashes.values():
            running.update(piece)
    return {**{name: running.hexdigest() for name, running in hashes.items()}, "size": size}
