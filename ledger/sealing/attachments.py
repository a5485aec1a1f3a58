"""Documents of a sheet: found by name in one folder, described by their hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from certledger.verifier.crypto.hashing import sm3
from certledger.verifier.errors import CertledgerError, ExitStatus

PIECE = 2**20
MAX_NAME_CHARACTERS = 255


class PaperUnusableError(CertledgerError):
    """A document that a row names cannot be used; the code is about its name or its file."""

    exit_status = ExitStatus.UNUSABLE

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """A document: the name of its file, and its value in the record (SPEC section 4.6)."""

    name: str
    value: Mapping[str, str | int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Papers:
    """The documents of one folder; `with_sm3` adds SM3 to SHA-256."""

    folder: Path | None = None
    with_sm3: bool = False
    _known: dict[str, Paper] = field(default_factory=dict, repr=False)

    def find(self, name: str) -> Paper:
        """Return the document of a name, read once and cached.

        Raises:
            PaperUnusableError: the name leads out of the folder, or there is no such readable file.
        """
        if name not in self._known:
            self._known[name] = Paper(name=Path(name).name, value=self._describe(name))
        return self._known[name]

    def _describe(self, name: str) -> Mapping[str, str | int]:
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
                return _describe(file, with_sm3=self.with_sm3)
        except OSError as error:
            reason = f"{name!r} cannot be read: {error.strerror}"
            raise PaperUnusableError("document.missing", reason) from error


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
