"""Sheets under way at the issuer's desk: one folder each, so that nothing is lost when it stops."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from certledger.ledger.issuer.holder_folders import HolderFolders
from certledger.ledger.issuer.sheet_batches import is_sheet
from certledger.ledger.issuer.withdrawal import RECEIPT, batches_in
from certledger.ledger.issuer.workspace import Workspace
from certledger.verifier.errors import CertledgerError, ExitStatus, MalformedError
from certledger.verifier.files import write_atomically

JOB_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")
_PARTIAL = re.compile(r"\.[0-9a-f]{16}\.partial")
MAX_NAME_BYTES = 200
FOR_HOLDERS, FETCHED = "for-holders", "fetched.json"
_SHEET, _DOCUMENTS, _SEALED, _ANSWERS = "sheet", "documents", "sealed", "answers.json"
_COPY_BYTES = 2**20
REMAINS_SECONDS = 3_600
"""Age at which what a sheet has left behind is removed, in seconds."""


class FileUnfitError(CertledgerError):
    """A file that was dropped is no sheet, or its name cannot be stored."""

    code = "desk.file"
    exit_status = ExitStatus.UNUSABLE


class JobAbsentError(CertledgerError):
    """There is no such sheet at the desk."""

    code = "desk.absent"
    exit_status = ExitStatus.UNUSABLE


class JobState(StrEnum):
    """How far a sheet has come."""

    DRAFT = "draft"
    SEALED = "sealed"
    SUBMITTED = "submitted"
    READY = "ready"


@dataclass(frozen=True, kw_only=True, slots=True)
class SheetAnswers:
    """What the clerk answered about a sheet: codes of questions, and options of the command."""

    accepted: tuple[str, ...] = ()
    category: str = ""
    tab: str = ""
    sm3: bool = False


@dataclass(frozen=True, slots=True)
class SheetJob:
    """One sheet, its documents and what was sealed of it, in a folder."""

    folder: Path

    @property
    def id(self) -> str:
        """The name of the folder."""
        return self.folder.name

    @property
    def sheet(self) -> Path:
        """The sheet's file.

        Raises:
            JobAbsentError: it was not stored whole.
        """
        found = _stored(self.folder / _SHEET)
        if not found:
            raise JobAbsentError("the sheet is not there")
        # Of two the older was being replaced when the desk stopped.
        return max(found, key=lambda path: path.stat().st_mtime_ns)

    @property
    def documents(self) -> Path:
        """The folder of the documents."""
        return self.folder / _DOCUMENTS

    @property
    def sealed(self) -> Path:
        """The folder that the sheet is sealed into."""
        return self.folder / _SEALED

    def document_names(self) -> list[str]:
        """Return the names of the documents, sorted."""
        return sorted(path.name for path in _stored(self.documents))

    def batches(self) -> list[Workspace]:
        """Return the batches that were begun, the first first."""
        try:
            return batches_in(self.sealed)[::-1]
        except MalformedError:
            return []

    def state(self) -> JobState:
        """Return how far the sheet has come, as its files tell."""
        batches = self.batches()
        if not batches or any(one.batch_file is None for one in batches):
            return JobState.DRAFT
        if not all((one.folder / RECEIPT).exists() for one in batches):
            return JobState.SEALED
        return JobState.READY if self.fetched() is not None else JobState.SUBMITTED

    def answers(self) -> SheetAnswers:
        """Return what was answered so far."""
        path = self.folder / _ANSWERS
        if not path.exists():
            return SheetAnswers()
        found = json.loads(path.read_bytes())
        return SheetAnswers(**{**found, "accepted": tuple(found["accepted"])})

    def save_answers(self, answers: SheetAnswers) -> None:
        """Store what was answered."""
        write_atomically(self.folder / _ANSWERS, json.dumps(asdict(answers)).encode(), private=True)

    def put_sheet(self, name: str, file: BinaryIO) -> None:
        """Store the sheet in place of the one before.

        Raises:
            FileUnfitError: its name says that it is none.
        """
        plain = plain_name(name)
        if not is_sheet(Path(plain)):
            raise FileUnfitError(f"{plain!r} is no CSV, XLSX or JSON lines file")
        place = self.folder / _SHEET
        before = _stored(place)
        _copy(file, place / plain)
        for path in before:
            if path.name != plain:
                path.unlink(missing_ok=True)

    def put_document(self, name: str, file: BinaryIO) -> None:
        """Store a document in place of one of the same name.

        Raises:
            FileUnfitError: its name cannot be stored.
        """
        _copy(file, self.documents / plain_name(name))

    def fetched(self) -> dict[str, int] | None:
        """Return how many holders' folders were written, None before that."""
        path = self.sealed / FETCHED
        return dict(json.loads(path.read_bytes())) if path.exists() else None

    def note_fetched(self, made: list[HolderFolders]) -> None:
        """Store that the holders' folders of all batches are written."""
        counts = {
            "certificates": sum(one.certificates for one in made),
            "without_document": sum(one.without_document for one in made),
        }
        write_atomically(self.sealed / FETCHED, json.dumps(counts).encode(), private=True)

    def discard(self) -> None:
        """Remove the sheet and its documents."""
        shutil.rmtree(self.folder, onerror=_raise_unless_absent)


@dataclass(frozen=True, slots=True)
class SheetJobs:
    """All sheets of the desk."""

    folder: Path

    def __iter__(self) -> Iterator[SheetJob]:
        """Yield the sheets, the newest first."""
        names = (path for path in self.folder.glob("*-*") if JOB_ID.fullmatch(path.name))
        for path in sorted(names, reverse=True):
            if _stored(path / _SHEET):
                yield SheetJob(path)

    def remove_remains(self, now: float) -> None:
        """Remove the documents of sheets that are not there: the desk was killed meanwhile."""
        for path in self.folder.glob("*-*"):
            is_job = JOB_ID.fullmatch(path.name) and not (path / _SEALED).exists()
            is_old = path.stat().st_mtime < now - REMAINS_SECONDS  # Else another desk stores it.
            if is_job and is_old and not _stored(path / _SHEET):
                SheetJob(path).discard()

    def new(self, now: float) -> SheetJob:
        """Make a place for a sheet."""
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
        job = SheetJob(self.folder / f"{stamp}-{secrets.token_hex(4)}")
        job.documents.mkdir(parents=True, mode=0o700)
        return job

    def get(self, name: str) -> SheetJob:
        """Return a sheet.

        Raises:
            JobAbsentError: there is none of this name.
        """
        if not JOB_ID.fullmatch(name) or not (self.folder / name).is_dir():
            raise JobAbsentError("there is no such sheet")
        return SheetJob(self.folder / name)


def plain_name(name: str) -> str:
    """Return the last part of a file's name as a browser gives it.

    Raises:
        FileUnfitError: nothing is left, or it has characters that no file name should have.
    """
    plain = unicodedata.normalize("NFC", PurePosixPath(name.replace("\\", "/")).name)
    unfit = plain in ("", ".", "..") or not plain.isprintable()
    if unfit or len(plain.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        raise FileUnfitError(f"{plain[:40]!r} is no name for a file")
    return plain


def _raise_unless_absent(
    _work: object, _path: object, fault: tuple[object, object, object]
) -> None:
    """Let a folder be removed of which something has gone already, as a download's own copy."""
    if isinstance(fault[1], OSError) and not isinstance(fault[1], FileNotFoundError):
        raise fault[1]


def _stored(folder: Path) -> list[Path]:
    """Return the files that were stored whole, without what was cut off in the middle."""
    return [path for path in folder.glob("*") if not _PARTIAL.fullmatch(path.name)]


def _copy(file: BinaryIO, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = place.with_name(f".{secrets.token_hex(8)}.partial")
    try:
        with partial.open("xb") as out:
            partial.chmod(0o600)
            shutil.copyfileobj(file, out, _COPY_BYTES)
        partial.replace(place)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
