"""Files of signed acts, with the catalog or name that an act commits to by its hash."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from certledger.ledger.intake.act_submission import (
    CATALOG_TYPE,
    MAX_HANDED_IN_BYTES,
    REGISTER_TYPE,
    parse_handed_in,
)
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Json, format_canonical
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.signed_act import Act


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """A signed act, with the entries of its catalog or the name of its issuer."""

    act: Act
    catalog: Catalog | None = None
    name: str | None = None

    def format(self) -> bytes:
        """Return the canonical bytes of the file."""
        return format_canonical(self._to_json())

    def _to_json(self) -> Json:
        act = self.act.to_json()
        if self.catalog is not None:
            return {"act": act, "entries": self.catalog.to_json(), "type": CATALOG_TYPE}
        if self.name is not None:
            return {"act": act, "name": self.name, "type": REGISTER_TYPE}
        return act

    @classmethod
    def parse(cls, data: bytes) -> Envelope:
        """Parse the bytes of a file.

        Raises:
            CertledgerError: not an act, or catalog or name differ from what was signed.
        """
        found = parse_handed_in(data)
        return cls(act=found.act, catalog=found.catalog, name=found.name)

    @classmethod
    def read(cls, path: Path) -> Envelope:
        """Read and parse the file at `path`.

        Raises:
            CertledgerError: as `parse`, or the file cannot be read.
        """
        try:
            with path.open("rb") as file:
                return cls.parse(file.read(MAX_HANDED_IN_BYTES + 1))
        except OSError as error:
            raise MalformedError("act.file", f"{path} cannot be read: {error.strerror}") from error

    def with_act(self, act: Act) -> Envelope:
        """Return a copy with `act`, which has more signatures."""
        return replace(self, act=act)
