"""The two exemptions: what an applicant need not hand in, may show electronically, must bring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.reform.book import ApplicantKind, Book, MaterialLine, Name

MAX_APPLICATION_ITEMS = 64
"""Items of an application, those of its bundles counted."""


class Exemption(StrEnum):
    """What an applicant does about a material line."""

    CITY = "exempt_city"
    ELECTRONIC = "exempt_electronic"
    BRING = "bring"


class Reason(StrEnum):
    """Why; each has a sentence in `REASONS`."""

    CITY_DEPARTMENT = "city.department"
    ELECTRONIC_ACCEPTED = "electronic.accepted"
    IN_PRINCIPLE = "override.in_principle"
    APPLICANT = "applicant.cannot_hold"
    NONE = "electronic.none"


REASONS: dict[Reason, Name] = {
    Reason.CITY_DEPARTMENT: Name(
        zh="由本市部门核发，无需提交", en="A department of this city issues it: not handed in"
    ),
    Reason.ELECTRONIC_ACCEPTED: Name(
        zh="可出示电子证照，无需提交实体证照",
        en="The electronic certificate is accepted: no paper is asked for",
    ),
    Reason.IN_PRINCIPLE: Name(
        zh="法律法规另有规定，仍需提交", en="A law asks for it in spite of the exemptions"
    ),
    Reason.APPLICANT: Name(
        zh="此类申请人不持有可用的电子证照",
        en="This kind of applicant holds none of the electronic certificates",
    ),
    Reason.NONE: Name(zh="没有对应的电子证照", en="There is no electronic certificate for it"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ExemptLine:
    """One material, asked for once.

    Attributes:
        asked_by: the lines that it merges, as item code and number.
        required: whether any of them must be met.
        categories: what satisfies it and this kind of applicant can hold.
        override: the legal reason to ask for it all the same, None without.
    """

    asked_by: tuple[tuple[str, int], ...]
    name: Name
    required: bool
    exemption: Exemption
    reason: Reason
    categories: tuple[str, ...]
    override: Name | None = None

    def to_json(self) -> dict[str, Json]:
        """Return the line as JSON, its reason in words."""
        value: dict[str, Json] = {
            "asked_by": [{"item": item, "line": line} for item, line in self.asked_by],
            "categories": list(self.categories),
            "exemption": str(self.exemption),
            "name_en": self.name.en,
            "name_zh": self.name.zh,
            "reason": str(self.reason),
            "required": self.required,
            "words_en": REASONS[self.reason].en,
            "words_zh": REASONS[self.reason].zh,
        }
        if self.override is not None:
            value |= {"override_en": self.override.en, "override_zh": self.override.zh}
        return value


@dataclass(frozen=True, kw_only=True, slots=True)
class ExemptionList:
    """What an item or bundle asks of one kind of applicant."""

    code: str
    items: tuple[str, ...]
    applicant: ApplicantKind
    lines: tuple[ExemptLine, ...]

    def counts(self) -> dict[Exemption, int]:
        """Return how many lines have each answer."""
        found = Counter(line.exemption for line in self.lines)
        return {one: found[one] for one in Exemption}

    @property
    def rate(self) -> str:
        """The share of exempt lines in percent."""
        return percent(len(self.lines) - self.counts()[Exemption.BRING], len(self.lines))

    def to_json(self) -> dict[str, Json]:
        """Return the list as JSON."""
        return {
            "applicant": str(self.applicant),
            "code": self.code,
            "counts": {str(name): count for name, count in self.counts().items()},
            "exempt_percent": self.rate,
            "items": list(self.items),
            "lines": [line.to_json() for line in self.lines],
        }


def exemptions(book: Book, code: str, applicant: ApplicantKind) -> ExemptionList:
    """Return what an item or bundle asks of an applicant; raises as `exemptions_together`."""
    return exemptions_together(book, (code,), applicant)


def exemptions_together(
    book: Book, codes: Sequence[str], applicant: ApplicantKind
) -> ExemptionList:
    """Return what several items and bundles ask for together.

    Raises:
        BookUnknownError: the book has neither.
        MalformedError: `application.too_many`, they are too many items.
    """
    items = list(dict.fromkeys(item.code for code in codes for item in book.items_of(code)))
    if len(items) > MAX_APPLICATION_ITEMS:
        raise MalformedError(
            "application.too_many", f"{len(items)} items, where {MAX_APPLICATION_ITEMS} are taken"
        )
    return ExemptionList(
        code=" ".join(codes),
        items=tuple(items),
        applicant=applicant,
        lines=tuple(_exempt(book, line, applicant) for line in merged_lines(book, items)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class MergedLine:
    """Lines of several items that one material satisfies."""

    asked_by: tuple[tuple[str, int], ...]
    name: Name
    required: bool
    categories: tuple[str, ...]
    from_government: bool


def merged_lines(book: Book, items: Iterable[str]) -> Sequence[MergedLine]:
    """Return the union of the items' lines.

    Lines of two items are one where they accept the same categories, or have none and the same
    name.  An item that asks for two of a kind (the identity cards of two people) keeps both.
    """
    found: dict[tuple[frozenset[str], str, int], MergedLine] = {}
    for item in items:
        for key, line in _numbered(book.lines.get(item, ())):
            before = found.get(key)
            found[key] = _merge(before, line)
    return tuple(found.values())


def _numbered(
    lines: Sequence[MaterialLine],
) -> Iterator[tuple[tuple[frozenset[str], str, int], MaterialLine]]:
    """Yield each line of an item with what it is and the how manieth of that kind."""
    counts: Counter[tuple[frozenset[str], str]] = Counter()
    for line in lines:
        kind = (frozenset(line.categories), "" if line.categories else line.name.zh)
        counts[kind] += 1
        yield (*kind, counts[kind]), line


def _merge(before: MergedLine | None, line: MaterialLine) -> MergedLine:
    asked = ((line.item, line.number),)
    if before is None:
        return MergedLine(
            asked_by=asked,
            name=line.name,
            required=line.required,
            categories=line.categories,
            from_government=line.from_government,
        )
    return replace(
        before,
        asked_by=before.asked_by + asked,
        required=before.required or line.required,
        from_government=before.from_government or line.from_government,
    )


def _exempt(book: Book, line: MergedLine, applicant: ApplicantKind) -> ExemptLine:
    possible = tuple(code for code in line.categories if can_hold(book, code, applicant))
    override = next((book.overrides[at] for at in line.asked_by if at in book.overrides), None)
    exemption, reason = _judge(
        book, line.categories, possible, overridden=override is not None, of=line.from_government
    )
    return ExemptLine(
        asked_by=line.asked_by,
        name=line.name,
        required=line.required,
        exemption=exemption,
        reason=reason,
        categories=possible,
        override=override,
    )


def _judge(
    book: Book,
    categories: Sequence[str],
    possible: Sequence[str],
    *,
    overridden: bool,
    of: bool,
) -> tuple[Exemption, Reason]:
    """Return what an applicant does about a line; `of` is whether a government issues it."""
    if overridden:
        return Exemption.BRING, Reason.IN_PRINCIPLE
    if categories and not possible:
        return Exemption.BRING, Reason.APPLICANT
    if of and any(_is_of_city(book, code) for code in possible):
        return Exemption.CITY, Reason.CITY_DEPARTMENT
    if possible:
        return Exemption.ELECTRONIC, Reason.ELECTRONIC_ACCEPTED
    return Exemption.BRING, Reason.NONE


def count_exempt(book: Book, items: Iterable[tuple[str, ApplicantKind]]) -> tuple[int, int]:
    """Return how many lines of items are exempt for an applicant, of how many.

    As `exemptions` of each item, whose lines are never merged, but without making lists.
    """
    exempt = total = 0
    judged: dict[tuple[tuple[str, ...], bool, ApplicantKind], bool] = {}
    for item, applicant in items:
        for line in book.lines.get(item, ()):
            total += 1
            if (item, line.number) in book.overrides:
                continue
            key = line.categories, line.from_government, applicant
            found = judged.get(key)
            if found is None:
                possible = [code for code in line.categories if can_hold(book, code, applicant)]
                answer, _ = _judge(
                    book, line.categories, possible, overridden=False, of=line.from_government
                )
                found = judged[key] = answer is not Exemption.BRING
            exempt += found
    return exempt, total


def can_hold(book: Book, category: str, applicant: ApplicantKind) -> bool:
    """Return whether applicants of a kind can hold certificates of a category."""
    allowed = book.restrictions.get(category)
    return allowed is None or applicant in allowed


def _is_of_city(book: Book, category: str) -> bool:
    return book.categories[category].department.zh in book.city_departments


def percent(part: int, whole: int) -> str:
    """Return a share in percent with one decimal, rounded down: 100.0 means all of it."""
    tenths = 1000 * part // whole if whole else 1000
    return f"{tenths // 10}.{tenths % 10}"
