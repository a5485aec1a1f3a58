"""Generate sample certificates, deterministically from a seed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from certledger.ledger.reference_data import Category, Domain, IssuerProfile
from certledger.ledger.samples.issuers import issuers_for
from certledger.ledger.samples.people import (
    PLATE_LETTER,
    Person,
    invent_company,
    invent_person,
)
from certledger.ledger.samples.values import Draft, make_value
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.catalog import add_months
from certledger.verifier.vocabulary import EntryKind

# Issuers of one run before categories run out: one of each kind in each province, and this many
# more.
MORE_ISSUERS = 8

# {p} is the province's letter, {r} the region's code, {y} the year, {s} eight distinct digits.
NUMBER_FORMS: Mapping[EntryKind, str] = {
    EntryKind.CERTIFICATE: "{r}{y}{s}",
    EntryKind.LICENCE: "{p}示许{y}{s}",
    EntryKind.PLATE: "{p}示牌{s}",
    EntryKind.PROOF: "{p}示证〔{y}〕第{s}号",
    EntryKind.APPROVAL: "{p}示批〔{y}〕{s}号",
    EntryKind.EXPERT_REPORT: "{p}示鉴字〔{y}〕第{s}号",
    EntryKind.APPRAISAL_REPORT: "{p}示评报字〔{y}〕第{s}号",
    EntryKind.ASSOCIATION_DOCUMENT: "SL-{y}-{s}",
}

# A prime just below 10**8: multiplying by a number that it does not divide permutes the serials.
_SERIALS, _STEP = 99_999_989, 48_271_133


class SamplesImpossibleError(CertledgerError):
    """The reference data cannot give so many samples."""

    code: str = "samples.impossible"


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleCertificate:
    """A certificate of an invented holder by an example issuer.

    Attributes:
        fields: every field of the category, in the order of its entry, as text.
        expiry_date: last day of validity, None if the category has no expiry.
    """

    issuer: IssuerProfile
    category: Category
    number: str
    issue_date: date
    expiry_date: date | None
    fields: Mapping[str, str]


def sample_certificates(
    domain: Domain, *, seed: int, count: int, categories: int, today: date, expired: int = 0
) -> list[SampleCertificate]:
    """Return `count` certificates of `categories` categories by all kinds of issuers.

    Issuers of every kind and province take part as soon as `categories` and `count` allow it.  All
    are valid `today`, except the last `expired` of those whose category has an expiry.

    Raises:
        SamplesImpossibleError: no issuer may issue so many categories, or a number is out of range.
    """
    if count < 0 or not 0 <= expired <= count or not (categories > 0 or count == 0):
        raise SamplesImpossibleError(
            f"{count} certificates of {categories} categories, {expired} expired"
        )
    if count >= _SERIALS:
        raise SamplesImpossibleError(f"{count} certificates, where {_SERIALS - 1} are the most")
    places = _choose(domain, Random(f"{seed}/categories"), categories) if count else []
    slots = [_slot(places, index) for index in range(count)]
    ends = [index for index, (category, _) in enumerate(slots) if category.validity_months]
    over = set(ends[len(ends) - expired :]) if expired else set()
    if len(over) < expired:
        raise SamplesImpossibleError(f"{len(ends)} certificates can expire, where {expired} should")
    return [
        sample_certificate(domain, seed, index, category, issuer, today, expired=index in over)
        for index, (category, issuer) in enumerate(slots)
    ]


Place = tuple[Category, Sequence[IssuerProfile]]


def _slot(places: Sequence[Place], index: int) -> tuple[Category, IssuerProfile]:
    turn, place = divmod(index, len(places))
    category, issuers = places[place]
    return category, issuers[turn % len(issuers)]


def _choose(domain: Domain, rng: Random, wanted: int) -> list[Place]:
    """Choose categories by issuer in turn; each with the issuers that share it."""
    issuable = _issuable(domain, rng)
    pool: list[str] = []
    for uscc in _order_issuers(domain, rng, issuable):
        pool.append(uscc)
        enough = len({code for issuer in pool for code in issuable[issuer]}) >= wanted
        if enough and len(pool) >= _min_issuers(domain):
            break
    chosen = _deal({uscc: issuable[uscc] for uscc in pool}, wanted)
    if len(chosen) < wanted:
        raise SamplesImpossibleError(
            f"{wanted} categories, where the issuers of the data may issue {len(chosen)}"
        )
    members = frozenset(pool)
    return [_share(domain, code, uscc, members) for code, uscc in chosen.items()]


def _issuable(domain: Domain, rng: Random) -> dict[str, list[str]]:
    """Return the codes of the categories that each issuer may issue, in random order."""
    issuable: dict[str, list[str]] = {}
    for category in domain.categories.values():
        for issuer in issuers_for(domain, category):
            issuable.setdefault(issuer.uscc, []).append(category.code)
    for codes in issuable.values():
        rng.shuffle(codes)
    return issuable


def _order_issuers(
    domain: Domain, rng: Random, issuable: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Yield one issuer of each kind and province, in mixed order, then the others."""
    issuers = [issuer for issuer in domain.issuers.values() if issuer.uscc in issuable]
    rng.shuffle(issuers)
    first: dict[tuple[str, str], IssuerProfile] = {}
    for issuer in issuers:
        first.setdefault((issuer.province_code, issuer.kind), issuer)
    provinces = sorted({province for province, _ in first})
    kinds = sorted({kind for _, kind in first})
    # Stepping through both at once covers all kinds and provinces within the first few.
    mixed = sorted(
        first,
        key=lambda key: (
            (kinds.index(key[1]) - provinces.index(key[0])) % max(len(kinds), 1),
            kinds.index(key[1]),
        ),
    )
    yield from (first[key].uscc for key in mixed)
    taken = {issuer.uscc for issuer in first.values()}
    yield from (issuer.uscc for issuer in issuers if issuer.uscc not in taken)


def _min_issuers(domain: Domain) -> int:
    return len({(b.province_code, b.kind) for b in domain.issuers.values()}) + MORE_ISSUERS


def _deal(issuable: Mapping[str, list[str]], wanted: int) -> dict[str, str]:
    """Give each issuer in turn a category that is not taken: category code to issuer."""
    taken: dict[str, str] = {}
    hands = {uscc: iter(codes) for uscc, codes in issuable.items()}
    while hands and len(taken) < wanted:
        for uscc in list(hands):
            code = next((code for code in hands[uscc] if code not in taken), None)
            if code is None:
                del hands[uscc]
            else:
                taken[code] = uscc
            if len(taken) == wanted:
                break
    return taken


def _share(domain: Domain, code: str, first: str, pool: frozenset[str]) -> Place:
    category = domain.categories[code]
    others = [
        issuer
        for issuer in issuers_for(domain, category)
        if issuer.uscc in pool and issuer.uscc != first
    ]
    return category, [domain.issuers[first], *others]


def sample_certificate(
    domain: Domain,
    seed: int,
    index: int,
    category: Category,
    issuer: IssuerProfile,
    today: date,
    *,
    expired: bool = False,
    person: Person | None = None,
) -> SampleCertificate:
    """Return the certificate of a place in a run; its holder is `person`, or an invented one."""
    rng = Random(f"{seed}/{index}")
    issue, expiry = _term(rng, category, today, expired)
    place = _place(domain, issuer)
    draft = Draft(
        rng=rng,
        category=category,
        issuer=issuer,
        place=place,
        number=_number(seed, index, category, issuer, issue),
        issue_date=issue,
        expiry_date=expiry,
        person=person or invent_person(rng, issuer.region_code),
        company=invent_company(rng, issuer.region_code, place),
    )
    return SampleCertificate(
        issuer=issuer,
        category=category,
        number=draft.number,
        issue_date=issue,
        expiry_date=expiry,
        fields={name: make_value(name, draft) for name in category.fields},
    )


def _term(rng: Random, category: Category, today: date, expired: bool) -> tuple[date, date | None]:
    if category.validity_months is None:
        return today - timedelta(days=rng.randint(1, 1000)), None
    if expired:
        gone = today - timedelta(days=rng.randint(3, 200))
        issue = add_months(gone, -category.validity_months)
    else:
        # At least a tenth of the term, and three days, remain.
        days = min(1000, category.validity_months * 27)
        issue = today - timedelta(days=rng.randint(1, days - max(3, days // 10)))
    return issue, add_months(issue, category.validity_months)


def _place(domain: Domain, issuer: IssuerProfile) -> str:
    region = domain.regions[issuer.region_code]
    parent = domain.regions[region.parent].name_zh if region.parent else ""
    return parent + region.name_zh


def _number(seed: int, index: int, category: Category, issuer: IssuerProfile, issue: date) -> str:
    serial = (index * _STEP + seed) % _SERIALS
    return NUMBER_FORMS[category.kind].format(
        p=PLATE_LETTER.get(issuer.region_code[:2], "沪"),
        r=issuer.region_code,
        y=issue.year,
        s=f"{serial:08d}",
    )
