"""Write what a newcomer can try on the pages: numbers, access codes and files of a demo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from certledger.ledger.demo.issuers import DemoCertificate
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import Json, format_canonical
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.holder_file import Holding
from certledger.verifier.formats.record import NUMBER, printed_code
from certledger.verifier.vocabulary import Status

TRIES = "example/tries.json"
FORGED_FILE = "bad/changed_name.json"
_WANTED = (Status.VALID, Status.REVOKED, Status.SUSPENDED)


def write_tries(home: Path, made: Sequence[DemoCertificate], expired: frozenset[str]) -> None:
    """Write `tries.json`: a certificate of each kind, and a forged file of the good one."""
    found = list(_tries(home, made, expired))
    found.append({"kind": "forged", "files": {"evidence": FORGED_FILE}})
    write_atomically(home / TRIES, format_canonical({"certificates": found}))


def _tries(
    home: Path, made: Sequence[DemoCertificate], expired: frozenset[str]
) -> Iterator[Mapping[str, Json]]:
    for status in _WANTED:
        one = next((one for one in made if one.status is status and one.stem not in expired), None)
        if one is not None:
            yield _try(home, one, "good" if status is Status.VALID else str(status))


def _try(home: Path, one: DemoCertificate, kind: str) -> Mapping[str, Json]:
    holding = Holding.parse((home / "holders" / f"{one.stem}.json").read_bytes())
    fields = {part.name: part for part in holding.disclosures}
    entry = Evidence.parse((home / "evidence" / f"{one.stem}.json").read_bytes()).catalog.entry
    number = fields[NUMBER]
    return {
        "kind": kind,
        "name_zh": one.sample.category.name_zh,
        "name_en": one.sample.category.name_en,
        "number": str(number.value),
        "access_code": printed_code(number.salt),
        "paper": {
            name: str(fields[name].value)
            for name in (entry.fields[place] for place in sorted(entry.must_show))
            if name != NUMBER
        },
        "files": {
            "evidence": f"evidence/{one.stem}.json",
            "document": f"documents/{one.stem}.pdf",
            "holder": f"holders/{one.stem}.json",
        },
    }
