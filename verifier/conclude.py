"""From the codes of the ten checks to the whole result (SPEC 18.2 and 18.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifier.catalog import Entry
from verifier.certificate import Disclosure, Record
from verifier.checks import warnings_of
from verifier.encoding import Json, format_time
from verifier.statements import Batch
from verifier.verdict import GENUINE, Codes, Finding, Result, decide
from verifier.vocabulary import CheckName


@dataclass(frozen=True, kw_only=True, slots=True)
class Proved:
    """What is said of a certificate once checks 1 to 6 passed: `body` is its proved name."""

    body: str
    entry: Entry
    statement: Batch
    block: int


def conclude(
    codes: Codes,
    *,
    record: Record,
    disclosures: Sequence[Disclosure],
    proved: Proved | None,
    time: int | None,
    horizon: int,
) -> Result:
    """Return the result of these codes.

    `time` is T, the instant the evidence speaks of; `horizon` the latest instant that does not
    lie in the future; `proved` is used only where the checks that make it so passed.
    """
    certificate = describe(record)
    warnings: tuple[str, ...] = ()
    if proved is not None and all(codes[check] == "ok" for check in GENUINE):
        certificate |= _describe_proved(record, disclosures, proved)
        warnings = warnings_of(record, proved.entry, proved.statement)
    return Result(
        verdict=decide(codes, timely=time is not None and time <= horizon),
        findings=tuple(Finding(check=check, code=codes[check]) for check in CheckName),
        as_of=time if codes[CheckName.BLOCK] == "ok" else None,
        certificate=certificate,
        warnings=warnings,
    )


def describe(record: Record) -> dict[str, Json]:
    """Return what a result says of any certificate."""
    value: dict[str, Json] = {
        "leaf": record.leaf().hex(),
        "issuer": record.issuer,
        "index": record.index,
        "category": record.category,
        "edition": record.edition,
        "issued": record.issued.isoformat(),
    }
    if record.expires is not None:
        value["expires"] = record.expires.isoformat()
    return value


def _describe_proved(
    record: Record, disclosures: Sequence[Disclosure], proved: Proved
) -> dict[str, Json]:
    """Return what a result says besides, once the certificate is genuine."""
    entry, statement = proved.entry, proved.statement
    places = set(record.places(disclosures))
    return {
        "body": proved.body,
        "name_zh": entry.name_zh,
        "name_en": entry.name_en,
        "anchored": {"block": proved.block, "not_after": format_time(statement.not_after)},
        "shown": [
            {
                "name": part.name,
                "value": dict(part.value) if isinstance(part.value, Mapping) else part.value,
            }
            for part in disclosures
        ],
        "withheld": [
            entry.name_at(place, bound=record.bound)
            for place in range(len(record.digests))
            if place not in places
        ],
    }
