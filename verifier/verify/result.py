"""The whole result from the codes of the ten checks (SPEC sections 18.2 and 18.4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from certledger.verifier.formats.canonical_json import Json, format_time
from certledger.verifier.formats.catalog import Entry
from certledger.verifier.formats.record import Record
from certledger.verifier.formats.statements import MAX_LIFETIME_SECONDS, Batch
from certledger.verifier.verify.checks import today
from certledger.verifier.verify.content_check import Showing
from certledger.verifier.verify.verdict import CHECKS, GENUINE, Codes, Result, judged
from certledger.verifier.vocabulary import CheckName

_BLOCK = CheckName.BLOCK


@dataclass(frozen=True, kw_only=True, slots=True)
class ProvedCertificate:
    """Data of a certificate after checks 1 to 6 passed.

    `issuer_name` is proved, `earliest` the first possible day of the anchoring.
    """

    issuer_name: str
    entry: Entry
    block: int
    not_after: str
    earliest: date

    @classmethod
    def of(cls, issuer_name: str, entry: Entry, statement: Batch, block: int) -> ProvedCertificate:
        """Return the data that certificates of a batch anchored in `block` share."""
        return cls(
            issuer_name=issuer_name,
            entry=entry,
            block=block,
            not_after=format_time(statement.not_after),
            earliest=today(max(statement.not_after - MAX_LIFETIME_SECONDS, 0)),
        )


def result_of(
    codes: Codes,
    *,
    showing: Showing,
    proved: ProvedCertificate | None,
    time: int | None,
    timely: bool,
    basis: str,
    unanswered: bool,
    retired: bool,
) -> Result:
    """Assemble the result.

    `time` is T, the instant of the evidence; `timely`: T is not in the future; `basis` names who
    vouches for the block; `unanswered`: a named node added nothing; `retired`: the ledger ended;
    `proved` is used only if checks 1 to 6 passed.
    """
    certificate = _describe(showing)
    warnings: tuple[str, ...] = ()
    ordered = tuple([codes[check] for check in CHECKS])
    trusted = codes[_BLOCK] == "ok"
    if proved is not None and set(ordered[: len(GENUINE)]) == {"ok"}:
        certificate |= _describe_proved(showing, proved)
        warnings = _warnings(showing.record, proved, unanswered=unanswered, retired=retired)
    verdict, findings = judged(ordered, timely=timely)
    return Result(
        verdict=verdict,
        findings=findings,
        as_of=time if trusted else None,
        basis=basis if trusted else "",
        certificate=certificate,
        warnings=warnings,
    )


def _describe(showing: Showing) -> dict[str, Json]:
    """Return the members of any certificate's result."""
    record = showing.record
    value: dict[str, Json] = {
        "leaf": showing.leaf.hex(),
        "issuer": record.issuer,
        "index": record.index,
        "category": record.category,
        "edition": record.edition,
        "issued": record.issued.isoformat(),
    }
    if record.expires is not None:
        value["expires"] = record.expires.isoformat()
    return value


def _describe_proved(showing: Showing, proved: ProvedCertificate) -> dict[str, Json]:
    """Return the further members of a genuine certificate's result."""
    record, entry = showing.record, proved.entry
    return {
        "body": proved.issuer_name,
        "name_zh": entry.name_zh,
        "name_en": entry.name_en,
        "anchored": {"block": proved.block, "not_after": proved.not_after},
        "shown": [
            {
                "name": part.name,
                "value": part.value if isinstance(part.value, str) else dict(part.value),
            }
            for part in showing.disclosures
        ],
        "withheld": [
            entry.name_at(place, bound=record.bound)
            for place in range(len(record.digests))
            if place not in showing.places
        ],
    }


def _warnings(
    record: Record, proved: ProvedCertificate, *, unanswered: bool, retired: bool
) -> tuple[str, ...]:
    """Return the codes of warnings, which do not change the verdict."""
    given = []
    if proved.earliest - record.issued > timedelta(days=proved.entry.lag_days):
        given.append("anchoring.late")
    if retired:
        given.append("ledger.retired")
    if unanswered:
        given.append("node.adds_nothing")
    return tuple(given)
