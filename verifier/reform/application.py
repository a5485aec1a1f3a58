"""An application's lines against what was shown: met, not met, or cannot tell, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from certledger.verifier.formats.canonical_json import Json, format_time
from certledger.verifier.reform.book import ApplicantKind, Name
from certledger.verifier.reform.exemptions import Exemption, ExemptionList, ExemptLine, Reason
from certledger.verifier.reform.holders import HolderRelation, Identity, relations
from certledger.verifier.slot_init import slot_init
from certledger.verifier.verify.codes import CODES
from certledger.verifier.verify.verdict import Result
from certledger.verifier.vocabulary import Verdict

MAX_APPLICATION_EVIDENCE = 100


class LineOutcome(StrEnum):
    """Whether a line, or the whole application, is met."""

    MET = "met"
    NOT_MET = "not_met"
    CANNOT_TELL = "cannot_tell"


# Bound once: on Python 3.11 the attribute of an enumeration costs ten times a global.
_MET, _NOT_MET, _CANNOT_TELL = LineOutcome
_APPLICANT, _AGENT, _OTHER, _UNKNOWN = HolderRelation
_VALID = Verdict.VALID

WORDS: Mapping[str, Name] = {
    "ok": Name(zh="已核验", en="Verified"),
    "material.missing": Name(zh="未出示", en="Not shown"),
    "material.to_fetch": Name(
        zh="无需提交，由受理部门调取", en="Not handed in: the office fetches it itself"
    ),
    "material.on_paper": Name(zh="须由工作人员查验纸质材料", en="On paper: a clerk looks at it"),
    "material.original": Name(zh="须核对原件", en="The law asks for the original"),
    "holder.agent": Name(
        zh="系代理人本人的证照，须出示申请人的证照",
        en="It is the agent's own, where the applicant's is asked for",
    ),
    "holder.other": Name(zh="证照属于他人", en="It is another's certificate"),
    "holder.unknown": Name(zh="未出示持证主体号码", en="It does not show whose it is"),
    "evidence.used": Name(zh="该证照已用于另一材料", en="It already meets another such line"),
}
"""Words of the codes that are not a verifier's."""


@slot_init
@dataclass(frozen=True, kw_only=True, slots=True)
class ShownCertificate:
    """One piece of evidence: its verdict, and what an application needs of it.

    `code` is that of the first check that did not pass, `ok` where all did; `as_of` in seconds.
    """

    verdict: Verdict
    code: str
    category: str
    leaf: str
    fields: Mapping[str, str]
    as_of: int | None

    @classmethod
    def from_result(cls, result: Result) -> ShownCertificate:
        """Return what a verifier's result says; fields count only where it is genuine."""
        valid, certificate = result.verdict is _VALID, result.certificate
        codes = [] if valid else [one.code for one in result.findings if one.code != "ok"]
        shown: list[dict[str, Json]] = certificate.get("shown", [])
        return cls(
            verdict=result.verdict,
            code=codes[0] if codes else "ok",
            category=certificate.get("category", ""),
            leaf=certificate.get("leaf", ""),
            fields={part["name"]: part["value"] for part in shown if type(part["value"]) is str},
            as_of=result.as_of,
        )


@slot_init
@dataclass(frozen=True, kw_only=True, slots=True)
class LineAnswer:
    """A line and the certificate that meets it, or why none does.

    `place` is that of the evidence which the answer rests on, None where none was shown for it.
    """

    line: ExemptLine
    outcome: LineOutcome
    code: str
    place: int | None
    holder: HolderRelation | None
    age: int | None

    def to_json(self) -> dict[str, Json]:
        """Return the answer as JSON, in words."""
        words = words_of(self.code)
        value: dict[str, Json] = {
            **self.line.to_json(),
            "code": self.code,
            "outcome": str(self.outcome),
            "why_en": words.en,
            "why_zh": words.zh,
        }
        if self.place is not None:
            value |= {"evidence": self.place, "holder": str(self.holder)}
        return value if self.age is None else value | {"age_seconds": self.age}


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplicationAnswer:
    """The answers for each line and for the whole, at an instant (seconds)."""

    asked: ExemptionList
    at: int
    lines: tuple[LineAnswer, ...]
    holders: tuple[HolderRelation, ...]

    @property
    def outcome(self) -> LineOutcome:
        """Met where every required line is; not met where one is not."""
        required = {one.outcome for one in self.lines if one.line.required}
        if LineOutcome.NOT_MET in required:
            return LineOutcome.NOT_MET
        return LineOutcome.CANNOT_TELL if LineOutcome.CANNOT_TELL in required else LineOutcome.MET

    def to_json(self) -> dict[str, Json]:
        """Return the answer as JSON; nothing in it names a person."""
        return {
            "applicant": str(self.asked.applicant),
            "at": format_time(self.at),
            "code": self.asked.code,
            "holders": [str(one) for one in self.holders],
            "items": list(self.asked.items),
            "lines": [one.to_json() for one in self.lines],
            "outcome": str(self.outcome),
        }


def words_of(code: str) -> Name:
    """Return a code of an application or of a verifier in words."""
    if code in WORDS:
        return WORDS[code]
    return Name(zh=CODES[code].zh, en=CODES[code].en)


def answer_application(
    asked: ExemptionList, shown: Sequence[ShownCertificate], now: int, salt: bytes
) -> ApplicationAnswer:
    """Return the answer for each line and for the whole.

    A certificate may meet several lines, but not two of one kind: the identity cards of two people
    are two certificates.  `salt` (32 bytes) blinds the digests of numbers.
    """
    company = asked.applicant is ApplicantKind.COMPANY
    identities = [Identity.of_fields(one.fields, salt) for one in shown]
    valid = [one.verdict is _VALID for one in shown]
    holders = relations(identities, valid, company=company)
    by_category: dict[str, list[int]] = {}
    for place, one in enumerate(shown):
        by_category.setdefault(one.category, []).append(place)
    met = _Met(company=company)
    lines = []
    for line in asked.lines:
        places = [place for code in line.categories for place in by_category.get(code, ())]
        found = _answer(line, places, shown, holders, met)
        as_of = None if found[2] is None else shown[found[2]].as_of
        lines.append(
            LineAnswer(
                line=line,
                outcome=found[0],
                code=found[1],
                place=found[2],
                holder=None if found[2] is None else holders[found[2]],
                age=None if as_of is None else max(now - as_of, 0),
            )
        )
    return ApplicationAnswer(asked=asked, at=now, lines=tuple(lines), holders=tuple(holders))


_Found = tuple[LineOutcome, str, int | None]
_RANK = {_MET: 0, _CANNOT_TELL: 1, _NOT_MET: 2}
_Kind = frozenset[str]
"""The categories of a line."""


@dataclass(kw_only=True, slots=True)
class _Met:
    """What met the lines so far: leaves by kind, and the kinds that the applicant's own met."""

    company: bool
    leaves: set[tuple[_Kind, str]] = field(default_factory=set)
    own: set[_Kind] = field(default_factory=set)

    def needs_own(self, kind: _Kind) -> bool:
        """Return whether an agent's certificate cannot meet a line: a person's own comes first."""
        return not self.company and kind not in self.own


def _answer(
    line: ExemptLine,
    places: Sequence[int],
    shown: Sequence[ShownCertificate],
    holders: Sequence[HolderRelation],
    met: _Met,
) -> _Found:
    kind = frozenset(line.categories)
    best: _Found | None = None
    for place in places:
        found = _judge(kind, place, shown[place], holders[place], met)
        if best is None or _RANK[found[0]] < _RANK[best[0]]:
            best = found
        if best[0] is _MET:
            break
    if best is None:
        return _absent(line)
    if best[0] is _MET and best[2] is not None:
        met.leaves.add((kind, shown[best[2]].leaf))
        if holders[best[2]] is _APPLICANT:
            met.own.add(kind)
        if line.override is not None:
            return _CANNOT_TELL, "material.original", best[2]
    return best


def _judge(
    kind: _Kind, place: int, one: ShownCertificate, holder: HolderRelation, met: _Met
) -> _Found:
    if one.verdict is not _VALID:
        unknown = one.verdict is Verdict.CANNOT_TELL
        return _CANNOT_TELL if unknown else _NOT_MET, one.code, place
    if (kind, one.leaf) in met.leaves:
        return _NOT_MET, "evidence.used", place
    if holder is _OTHER:
        return _CANNOT_TELL, "holder.other", place
    if holder is _UNKNOWN:
        return _CANNOT_TELL, "holder.unknown", place
    if holder is _AGENT and met.needs_own(kind):
        return _CANNOT_TELL, "holder.agent", place
    return _MET, "ok", place


def _absent(line: ExemptLine) -> _Found:
    """Return the answer for a line for which nothing was shown."""
    if line.reason is Reason.IN_PRINCIPLE:
        return _CANNOT_TELL, "material.original", None
    if line.exemption is Exemption.CITY:
        return _CANNOT_TELL, "material.to_fetch", None
    if line.exemption is Exemption.BRING:
        return _CANNOT_TELL, "material.on_paper", None
    return _NOT_MET, "material.missing", None
