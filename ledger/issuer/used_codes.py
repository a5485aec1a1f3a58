"""Access codes of batches that were sealed here before: each certificate has one of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from certledger.ledger.issuer.certificate_register import IssuanceDatabase
from certledger.ledger.issuer.workspace import Workspace


@dataclass(frozen=True, kw_only=True, slots=True)
class UsedCodes:
    """Finds codes in the folders of batches that count; `own` is the folder of those being sealed.

    A folder that was moved or deleted is passed over.
    """

    register: IssuanceDatabase
    own: Path | None

    def find(self, codes: Collection[str]) -> dict[str, tuple[int, str]]:
        """Return sequence and certificate number of those of `codes` that were used."""
        found: dict[str, tuple[int, str]] = {}
        for sequence, folder in self.register.sealed_folders() if codes else ():
            if self.own is not None and self.own.absolute() in (folder, folder.parent):
                continue
            for code, number in Workspace(folder=folder).find_codes(codes):
                found.setdefault(code, (sequence, number))
        return found
