"""The regions of issuers: the first two digits of GB/T 2260, which stand in an issuer's code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from certledger.verifier.encoding import Json
from certledger.verifier.state import region_of


@dataclass(frozen=True, slots=True)
class Region:
    """The name of a region in both languages."""

    zh: str
    en: str


REGIONS: Mapping[int, Region] = {
    11: Region("北京", "Beijing"),
    12: Region("天津", "Tianjin"),
    13: Region("河北", "Hebei"),
    14: Region("山西", "Shanxi"),
    15: Region("内蒙古", "Inner Mongolia"),
    21: Region("辽宁", "Liaoning"),
    22: Region("吉林", "Jilin"),
    23: Region("黑龙江", "Heilongjiang"),
    31: Region("上海", "Shanghai"),
    32: Region("江苏", "Jiangsu"),
    33: Region("浙江", "Zhejiang"),
    34: Region("安徽", "Anhui"),
    35: Region("福建", "Fujian"),
    36: Region("江西", "Jiangxi"),
    37: Region("山东", "Shandong"),
    41: Region("河南", "Henan"),
    42: Region("湖北", "Hubei"),
    43: Region("湖南", "Hunan"),
    44: Region("广东", "Guangdong"),
    45: Region("广西", "Guangxi"),
    46: Region("海南", "Hainan"),
    50: Region("重庆", "Chongqing"),
    51: Region("四川", "Sichuan"),
    52: Region("贵州", "Guizhou"),
    53: Region("云南", "Yunnan"),
    54: Region("西藏", "Xizang"),
    61: Region("陕西", "Shaanxi"),
    62: Region("甘肃", "Gansu"),
    63: Region("青海", "Qinghai"),
    64: Region("宁夏", "Ningxia"),
    65: Region("新疆", "Xinjiang"),
    71: Region("台湾", "Taiwan"),
    81: Region("香港", "Hong Kong"),
    82: Region("澳门", "Macao"),
}


def region_named(number: int) -> Region:
    """Return the names of a region; one that the standard does not list has its number."""
    return REGIONS.get(number) or Region(f"地区 {number:02}", f"region {number:02}")


def issuer_in_words(certificate: Mapping[str, Json]) -> tuple[str, str] | None:
    """Return the issuer's name with its code and region, in Chinese and English; None if unread.

    Two issuers may have one name; no two have one code.  The name is there once it is proved.
    """
    code = certificate.get("issuer")
    if not isinstance(code, str):
        return None
    region = region_named(region_of(code))
    name = certificate.get("body")
    if not isinstance(name, str):
        return f"{code}，{region.zh}", f"{code}, {region.en}"
    return f"{name}（{code}，{region.zh}）", f"{name} ({code}, {region.en})"
