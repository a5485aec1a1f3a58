"""Invented persons and companies: their numbers are well-formed, but never assigned."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from certledger.ledger.reference_data.identifiers import (
    compute_identity_check,
    compute_organization_check,
    compute_uscc_check,
)

SURNAMES: tuple[str, ...] = (
    *"王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕",
    *("欧阳", "司马", "诸葛", "上官"),
)
GIVEN_FIRST = tuple("子浩思雨佳梓俊欣文明建国秀志晓丽海永春雅嘉一若亦书芷")
GIVEN_LAST = tuple("涵轩怡宇琪萱杰怡华强军芳敏静伟平霞辉娟宁昕妍睿彤喆祎堃婧翀")

WORDS = (
    "晨光",
    "海燕",
    "同心",
    "浦江",
    "春申",
    "长风",
    "瑞禾",
    "启明",
    "云帆",
    "锦程",
    "宏达",
    "新苗",
)
TRADES = (
    "食品",
    "科技",
    "建筑工程",
    "物流",
    "医药",
    "贸易",
    "机电设备",
    "环保",
    "信息技术",
    "纺织",
)
STREETS = ("示例路", "示例东路", "示例大道", "示例新村", "示例街")

# First two characters of an identity number or region, and the letter of the number plates.
PLATE_LETTER: Mapping[str, str] = {"31": "沪", "32": "苏", "33": "浙", "34": "皖"}

_FIRST_BIRTH = date(1955, 1, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """An invented person."""

    name: str
    sex: str
    birth_date: date
    identity: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Company:
    """An invented company: its name contains 示例, its code XX."""

    name: str
    uscc: str


def invent_person(rng: Random, region: str, born: date | None = None) -> Person:
    """Return a person with a well-formed identity number (GB 11643) that is never assigned.

    Its address digits are province, 99 and two more, which GB/T 2260 assigns to no place.
    """
    female = rng.random() < 0.5
    born = born or _FIRST_BIRTH + timedelta(days=rng.randrange(50 * 365))
    sequence = 2 * rng.randrange(1, 499) + (0 if female else 1)
    first17 = f"{region[:2]}99{rng.randrange(1, 99):02d}{born:%Y%m%d}{sequence:03d}"
    return Person(
        name=invent_name(rng),
        sex="女" if female else "男",
        birth_date=born,
        identity=first17 + compute_identity_check(first17),
    )


def invent_name(rng: Random) -> str:
    """Return a person's name of two to four characters."""
    first = rng.choice(GIVEN_FIRST) if rng.random() < 0.75 else ""
    return rng.choice(SURNAMES) + first + rng.choice(GIVEN_LAST)


def invent_company(rng: Random, region: str, place: str) -> Company:
    """Return a company of a region; `place` is the Chinese name of the region."""
    name = f"{place}示例{rng.choice(WORDS)}{rng.choice(TRADES)}有限公司"
    organization = f"XX{rng.randrange(100000, 999999)}"
    first17 = f"91{region}{organization}{compute_organization_check(organization)}"
    return Company(name=name, uscc=first17 + compute_uscc_check(first17))


def invent_address(rng: Random, place: str) -> str:
    """Return an address in an invented street."""
    room = f"{rng.randrange(1, 28)}{rng.randrange(1, 9):02d}室" if rng.random() < 0.6 else ""
    return f"{place}{rng.choice(STREETS)}{rng.randrange(1, 1800)}号{room}"
