"""Names of issuers' regions: the first two digits of GB/T 2260, part of an issuer's code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.issuer_state import region_of


@dataclass(frozen=True, slots=True)
class RegionName:
    """The name of a region in both languages."""

    zh: str
    en: str


REGIONS: Mapping[int, RegionName] = {
    11: RegionName("北京", "Beijing"),
    12: RegionName("天津", "Tianjin"),
    13: RegionName("河北", "Hebei"),
    14: RegionName("山西", "Shanxi"),
    15: RegionName("内蒙古", "Inner Mongolia"),
    21: RegionName("辽宁", "Liaoning"),
    22: RegionName("吉林", "Jilin"),
    23: RegionName("黑龙江", "Heilongjiang"),
    31: RegionName("上海", "Shanghai"),
    32: RegionName("江苏", "Jiangsu"),
    33: RegionName("浙江", "Zhejiang"),
    34: RegionName("安徽", "Anhui"),
    35: RegionName("福建", "Fujian"),
    36: RegionName("江西", "Jiangxi"),
    37: RegionName("山东", "Shandong"),
    41: RegionName("河南", "Henan"),
    42: RegionName("湖北", "Hubei"),
    43: RegionName("湖南", "Hunan"),
    44: RegionName("广东", "Guangdong"),
    45: RegionName("广西", "Guangxi"),
    46: RegionName("海南", "Hainan"),
    50: RegionName("重庆", "Chongqing"),
    51: RegionName("四川", "Sichuan"),
    52: RegionName("贵州", "Guizhou"),
    53: RegionName("云南", "Yunnan"),
    54: RegionName("西藏", "Xizang"),
    61: RegionName("陕西", "Shaanxi"),
    62: RegionName("甘肃", "Gansu"),
    63: RegionName("青海", "Qinghai"),
    64: RegionName("宁夏", "Ningxia"),
    65: RegionName("新疆", "Xinjiang"),
    71: RegionName("台湾", "Taiwan"),
    81: RegionName("香港", "Hong Kong"),
    82: RegionName("澳门", "Macao"),
}


def region_named(number: int) -> RegionName:
    """Return the names of a region; an unknown one is named by its number."""
    return REGIONS.get(number) or RegionName(f"地区 {number:02}", f"region {number:02}")


def issuer_in_words(certificate: Mapping[str, Json]) -> tuple[str, str] | None:
    """Return the issuer's name with code and region in Chinese and English; None without a code.

    Two issuers may have one name, but never one code.  Results contain the name only if it is
    proved.
    """
    code = certificate.get("issuer")
    if not isinstance(code, str):
        return None
    region = region_named(region_of(code))
    name = certificate.get("body")
    if not isinstance(name, str):
        return f"{code}，{region.zh}", f"{code}, {region.en}"
    return f"{name}（{code}，{region.zh}）", f"{name} ({code}, {region.en})"
