"""Values for the fields of a certificate: by the table of names, else by the name's last part."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from certledger.ledger.reference_data import Category, IssuerProfile
from certledger.ledger.reference_data.fields import load_field_names
from certledger.ledger.samples.people import (
    PLATE_LETTER,
    Company,
    Person,
    invent_address,
    invent_company,
    invent_name,
)
from certledger.verifier.vocabulary import HolderKind

# I and O do not occur in plates, passports and vehicle identification numbers, so a value with
# one of them is well-formed but never assigned.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = "0123456789"


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """What the fields of one certificate share.

    Attributes:
        place: Chinese name of the issuer's region, with its province.
        number: the certificate's number.
    """

    rng: Random
    category: Category
    issuer: IssuerProfile
    place: str
    number: str
    issue_date: date
    expiry_date: date | None
    person: Person
    company: Company


Maker = Callable[[Draft], str]


def make_value(name: str, draft: Draft) -> str:
    """Return the value of a field; deterministic in the draft and its generator's state."""
    known = load_field_names().get(name)
    values = known.values if known else None
    if values is None:
        return _by_last_part(name, draft)
    if values.startswith("@"):
        return MAKERS[values[1:]](draft)
    return fill_pattern(draft.rng.choice(values.split("|")), draft)


def fill_pattern(pattern: str, draft: Draft) -> str:
    """Fill `#` with digits (a run starts with 1 to 9), `&` with letters, `{year}` with the year."""
    out: list[str] = []
    for place, character in enumerate(pattern.replace("{year}", str(draft.issue_date.year))):
        if character == "#":
            inside = place > 0 and out[-1] in _DIGITS
            out.append(draft.rng.choice(_DIGITS if inside else _DIGITS[1:]))
        elif character == "&":
            out.append(draft.rng.choice(_LETTERS))
        else:
            out.append(character)
    return "".join(out)


def _by_last_part(name: str, draft: Draft) -> str:
    part = name.rsplit("_", 1)[-1]
    if part in _AMOUNTS:
        low, high, decimals = _AMOUNTS[part]
        return f"{draft.rng.uniform(low, high):.{decimals}f}"
    if part in _BY_LAST_PART:
        return _BY_LAST_PART[part](draft)
    return "示例"


# Unit at the end of a name: least, most, decimals.
_AMOUNTS: Mapping[str, tuple[float, float, int]] = {
    "cny": (10_000, 9_000_000, 2),
    "m": (3, 400, 1),
    "m2": (40, 20_000, 2),
    "m3": (50, 90_000, 0),
    "mu": (2, 300, 2),
    "g": (0.2, 60, 2),
    "t": (5, 9_000, 1),
    "tce": (300, 9_000, 1),
    "ml": (200, 400, 0),
    "count": (1, 60, 0),
    "persons": (1, 60, 0),
}

_BY_LAST_PART: Mapping[str, Maker] = {
    "date": lambda draft: _days_before(draft, 1, 500),
    "year": lambda draft: str(draft.issue_date.year - 1),
    "number": lambda draft: fill_pattern("##########", draft),
    "code": lambda draft: fill_pattern("########", draft),
    "name": lambda draft: invent_name(draft.rng),
    "address": lambda draft: invent_address(draft.rng, draft.place),
}


def _days_before(draft: Draft, least: int, most: int) -> str:
    return (draft.issue_date - timedelta(days=draft.rng.randint(least, most))).isoformat()


def _later(draft: Draft) -> str:
    end = draft.expiry_date or draft.issue_date + timedelta(days=draft.rng.randint(60, 700))
    return end.isoformat()


def _period(draft: Draft) -> str:
    start = draft.issue_date - timedelta(days=draft.rng.randint(30, 300))
    end = draft.issue_date + timedelta(days=draft.rng.randint(60, 700))
    return f"{start.isoformat()} 至 {end.isoformat()}"


def _holder(draft: Draft) -> str:
    natural = draft.category.holder is HolderKind.NATURAL
    return draft.person.name if natural else draft.company.name


def _plate(draft: Draft) -> str:
    letter = PLATE_LETTER.get(draft.issuer.region_code[:2], "沪")
    return letter + fill_pattern("&I", draft) + fill_pattern("####", draft)


def _vin(draft: Draft) -> str:
    return fill_pattern("LSI&&#####&######", draft)


def _another_company(draft: Draft) -> str:
    return invent_company(draft.rng, draft.issuer.region_code, draft.place).name


def _expiry(draft: Draft) -> str:
    return draft.expiry_date.isoformat() if draft.expiry_date else "长期"


MAKERS: Mapping[str, Maker] = {
    "number": lambda draft: draft.number,
    "issuing_body": lambda draft: draft.issuer.name_zh,
    "issue_date": lambda draft: draft.issue_date.isoformat(),
    "expiry_date": _expiry,
    "holder": _holder,
    "uscc": lambda draft: draft.company.uscc,
    "representative": lambda draft: draft.person.name,
    "identity": lambda draft: draft.person.identity,
    "sex": lambda draft: draft.person.sex,
    "birth_date": lambda draft: draft.person.birth_date.isoformat(),
    "person": lambda draft: invent_name(draft.rng),
    "two_persons": lambda draft: f"{invent_name(draft.rng)}、{invent_name(draft.rng)}",
    "company": _another_company,
    "school": lambda draft: (
        f"{draft.place}示例{draft.rng.choice(('中学', '小学', '职业学校', '学院'))}"
    ),
    "address": lambda draft: invent_address(draft.rng, draft.place),
    "place": lambda draft: draft.place,
    "plate": _plate,
    "vin": _vin,
    "small_amount": lambda draft: f"{draft.rng.uniform(300, 9_000):.2f}",
    "later_date": _later,
    "earlier_date": lambda draft: _days_before(draft, 30, 900),
    "period": _period,
}
