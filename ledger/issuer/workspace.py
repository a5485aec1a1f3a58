"""The folder into which a batch is sealed; sealing may be interrupted and run again.

Crash points: seed and plan are durable before anything is derived from them, so that the same
bytes come out after a crash.  The batch file is written last and marks the end.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from certledger.ledger.sealing.batch import (
    BatchSigner,
    Head,
    SealedBatch,
    SealError,
    fingerprint,
    format_holding,
    seal_issues,
)
from certledger.ledger.sealing.issue import Issue
from certledger.ledger.sealing.progress import Progress, unwatched
from certledger.ledger.sealing.records import SEED_SIZE, HandOn
from certledger.verifier.files import PRIVATE, sync_folder, write_atomically
from certledger.verifier.formats.canonical_json import (
    Json,
    Members,
    format_canonical,
    from_hex,
    parse_canonical,
)
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.issuer_state import ISSUER

PLAIN, LINES = "batch.json", "batch.jsonl.gz"
MAX_PLAIN_CERTIFICATES = 1_000
"""Certificates up to which the batch is one JSON object; above, compressed JSON lines."""
_SEED, _PLAN, _HOLDERS, _CODES = "seed", "seal.json", "holders", "access-codes.csv"
_CODE_PLACE = 2
"""Place of the access code in a row of the file of codes: index, number, code, file."""
MAX_PLAN_BYTES = 65_536


class SheetChangedError(SealError):
    """The folder's seal is of other certificates than those given."""

    code = "seal.sheet_changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Inputs of a seal besides seed, secret and key, stored before the work.

    `now` is in seconds, `ledger` its identity, `catalog` the root of the issuer's catalog.
    """

    TYPE: ClassVar[str] = "certledger/seal/1"

    issuer: str
    ledger: bytes
    catalog: bytes
    head: Head
    now: int

    def to_json(self, certificates: bytes) -> Json:
        """Return the plan and the fingerprint of its certificates as a JSON value."""
        return {
            "catalog": self.catalog.hex(),
            "certificates": certificates.hex(),
            "head": self.head.to_json(),
            "issuer": self.issuer,
            "ledger": self.ledger.hex(),
            "now": self.now,
            "type": self.TYPE,
        }

    @classmethod
    def from_json(cls, value: Json) -> tuple[Plan, bytes]:
        """Return the plan of a JSON value, and the fingerprint of its certificates.

        Raises:
            MalformedError: an unknown, missing or ill-typed member.
        """
        read = Members(value, "seal")
        read.const("type", cls.TYPE)
        plan = cls(
            issuer=read.text("issuer", ISSUER),
            ledger=from_hex(read.text("ledger"), 32),
            catalog=from_hex(read.text("catalog"), 32),
            head=Head.from_json(read.take("head")),
            now=read.integer("now"),
        )
        certificates = from_hex(read.text("certificates"), 32)
        read.done()
        return plan, certificates


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """A folder for one batch: seed, plan and results."""

    folder: Path

    @property
    def batch_file(self) -> Path | None:
        """The finished batch, None before that."""
        found = [self.folder / name for name in (PLAIN, LINES) if (self.folder / name).exists()]
        return found[0] if found else None

    @property
    def holders(self) -> Path:
        """The folder of the holders' files, one a certificate, named by its index."""
        return self.folder / _HOLDERS

    def find_codes(self, codes: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield the access codes of this batch that are among `codes`, with certificate numbers."""
        path = self.folder / _CODES
        if not path.is_file():
            return
        with path.open(encoding="utf-8-sig", newline="") as file:
            for cells in csv.reader(file):
                if len(cells) > _CODE_PLACE:
                    code = cells[_CODE_PLACE].replace("-", "")
                    if code in codes:
                        yield code, cells[1]

    def plan(self) -> Plan | None:
        """Return the stored plan, None in a new folder.

        Raises:
            MalformedError: the file is damaged.
        """
        path = self.folder / _PLAN
        return self._read_plan()[0] if path.exists() else None

    def _read_plan(self) -> tuple[Plan, bytes]:
        return Plan.from_json(parse_canonical((self.folder / _PLAN).read_bytes(), MAX_PLAN_BYTES))

    def seal(
        self,
        issues: Sequence[Issue],
        plan: Plan,
        *,
        catalog: Catalog,
        secret: bytes,
        signer: BatchSigner,
        random: Callable[[int], bytes] = os.urandom,
        renew: bool = False,
        watch: Progress = unwatched,
    ) -> SealedBatch:
        """Seal `issues` into this folder, or finish an interrupted seal; deterministic.

        A stored plan takes precedence over `plan`, unless `renew` asks to sign the same
        certificates again (after a displaced or expired statement): access codes and salts stay the
        same, because they may have been printed.

        Raises:
            SheetChangedError: the folder's seal is of other certificates.
            SealError: of another issuer, ledger or catalog, or the seed is damaged.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        plan = self._store_plan(plan, fingerprint(issues), renew=renew)
        seed = self._seed(random)
        with self._new_holders(len(issues), watch) as hand_on:
            batch = seal_issues(
                issues,
                catalog=catalog,
                head=plan.head,
                issuer=plan.issuer,
                secret=secret,
                seed=seed,
                signer=signer,
                now=plan.now,
                identity=plan.ledger,
                hand_on=hand_on,
            )
        self._write(batch)
        return batch

    def remove(self) -> None:
        """Remove every file of the seal, the plan last: until then a removal is repeated."""
        for name in (PLAIN, LINES, _CODES, _SEED):
            (self.folder / name).unlink(missing_ok=True)
        if self.holders.exists():
            shutil.rmtree(self.holders)
        (self.folder / _PLAN).unlink(missing_ok=True)

    def _store_plan(self, plan: Plan, certificates: bytes, *, renew: bool) -> Plan:
        """Return the plan to use, after storing it durably."""
        if (self.folder / _PLAN).exists():
            current, known = self._read_plan()
            if known != certificates:
                raise SheetChangedError(f"{self.folder} has the seal of other certificates")
            if not renew:
                if replace(plan, head=current.head, now=current.now) != current:
                    raise SealError(f"{self.folder} was begun for another issuer or catalog")
                return current
            # Crash point: results of the former plan go before the new plan is stored.
            for name in (PLAIN, LINES):
                (self.folder / name).unlink(missing_ok=True)
            if self.holders.exists():
                shutil.rmtree(self.holders)
        data = format_canonical(plan.to_json(certificates))
        write_atomically(self.folder / _PLAN, data, private=True)
        return plan

    def _seed(self, random: Callable[[int], bytes]) -> bytes:
        path = self.folder / _SEED
        if not path.exists():
            if self.holders.exists():
                raise SealError(f"the seed is lost that {self.holders} was made with")
            write_atomically(path, random(SEED_SIZE), private=True)
        seed = path.read_bytes()
        if len(seed) != SEED_SIZE:
            raise SealError(f"{path} has {len(seed)} bytes, not {SEED_SIZE}")
        return seed

    def _write(self, batch: SealedBatch) -> None:
        write_atomically(self.folder / _CODES, _codes_csv(batch), private=True)
        if len(batch.records) <= MAX_PLAIN_CERTIFICATES:
            write_atomically(self.folder / PLAIN, batch.submission())
        else:
            write_atomically(self.folder / LINES, batch.submission_lines())

    @contextmanager
    def _new_holders(self, count: int, watch: Progress) -> Iterator[HandOn]:
        """Write holders' files as they are sealed, to a partial folder; all exist or none.

        Crash point: the folder is renamed when every file in it is written.
        """
        if self.holders.exists() and len(list(self.holders.iterdir())) == count:
            yield lambda index, issue, record, disclosures: None
            return
        partial = self.folder / f".{_HOLDERS}.partial"
        for old in (partial, self.holders):
            if old.exists():
                shutil.rmtree(old)
        partial.mkdir(mode=0o700)
        flags, place = os.O_WRONLY | os.O_CREAT | os.O_EXCL, os.fspath(partial)
        progress = iter(watch(range(count), "writing holders' files", count))

        def write(index: int, issue: Issue, record: bytes, disclosures: Sequence[bytes]) -> None:
            file = os.open(f"{place}/{index}.json", flags, PRIVATE)
            try:
                left = format_holding(record, disclosures, issue)
                while left:
                    left = left[os.write(file, left) :]
            finally:
                os.close(file)
            next(progress)

        yield write
        next(progress, None)
        sync_folder(partial)
        partial.rename(self.holders)
        sync_folder(self.folder)


def _codes_csv(batch: SealedBatch) -> Iterator[bytes]:
    """Yield the lines of the file of access codes."""
    lines: list[str] = []
    writer = csv.writer(_Lines(lines), lineterminator="\r\n")
    writer.writerow(["index", "number", "access_code", "file"])
    # A byte order mark makes spreadsheets read UTF-8.
    yield b"\xef\xbb\xbf" + lines.pop().encode()
    for index, number, code in batch.access_codes():
        writer.writerow([index, number, code, f"{_HOLDERS}/{index}.json"])
        yield lines.pop().encode()


@dataclass(frozen=True, slots=True)
class _Lines:
    """What a writer of CSV writes to: a list of its lines."""

    lines: list[str]

    def write(self, line: str) -> None:
        self.lines.append(line)
