"""Recognition of other file types and codes, to name them in the message to the user.

No verdict depends on it: the verdict on such bytes is *cannot tell* in any case.
"""

from __future__ import annotations

import re
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from dataclasses import dataclass

from certledger.verifier.console import bilingual

SHORT_LINK = "short_link"
"""Name of the text of a short link (SPEC section 4.9)."""
HEAD_BYTES = 65_536
"""Bytes of a file that are inspected."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """A file type: `zh` and `en` name it for people, `command` is the command that reads it."""

    zh: str
    en: str
    command: str = ""


FORMATS: Mapping[str, Format] = {
    "empty": Format(zh="空文件", en="an empty file"),
    "pdf": Format(zh="PDF 文件", en="a PDF document"),
    "web_page": Format(zh="网页", en="a web page"),
    "image": Format(zh="图片", en="a picture"),
    "archive": Format(zh="压缩包或 Office 文件", en="a ZIP archive or an Office document"),
    "encrypted_zip": Format(
        zh="加密的压缩包，请用查验码（含连字符）解开后再核验其中的凭据",
        en="an encrypted ZIP archive: open it with the access code (with its hyphens), by 7-Zip or"
        " the like, and take the evidence inside",
    ),
    "spreadsheet": Format(zh="旧版 Excel 文件", en="an old Excel file"),
    "dcc": Format(zh="欧盟健康通行证", en="an EU digital COVID certificate"),
    "smart_health_card": Format(zh="SMART 健康卡", en="a SMART health card"),
    "blockcerts": Format(zh="Blockcerts 证书", en="a Blockcerts certificate"),
    "open_attestation": Format(zh="OpenAttestation 文档", en="an OpenAttestation document"),
    "verifiable_credential": Format(zh="W3C 可验证凭证", en="a W3C verifiable credential"),
    "json_web_token": Format(zh="JSON Web Token", en="a JSON Web Token"),
    "payment": Format(zh="付款码", en="a payment code"),
    "link": Format(zh="网址", en="a link"),
    SHORT_LINK: Format(
        zh="证书上的查验链接",
        en="the short link of a certificate",
        command="certledger ask FILE --server URL",
    ),
    "compact_code": Format(
        zh="本系统的二维码文本",
        en="the text of a code of this ledger",
        command="certledger verify FILE --snapshot SNAPSHOT",
    ),
    "policy": Format(
        zh="信任策略", en="a trust policy of this ledger", command="certledger policy show FILE"
    ),
    "snapshot": Format(
        zh="信任快照", en="a snapshot of this ledger", command="certledger snapshot check FILE"
    ),
    "delta": Format(
        zh="信任快照的增量",
        en="a delta between snapshots of this ledger",
        command="certledger snapshot check SNAPSHOT FILE",
    ),
    "checkpoint": Format(zh="检查点", en="a checkpoint of this ledger"),
    "holder_file": Format(
        zh="持证人文件",
        en="a holder's file, from which evidence is presented",
        command="certledger present EVIDENCE --holding FILE",
    ),
    "receipt": Format(
        zh="核验回执",
        en="a receipt of a verification",
        command="certledger verify-receipt FILE",
    ),
    "submission": Format(
        zh="待提交的批次或文书",
        en="a batch or an act to hand in",
        command="certledger submit FILE",
    ),
    "other_certledger": Format(zh="本系统的另一种文件", en="another kind of file of this ledger"),
    "json": Format(zh="其他 JSON 文件", en="a JSON file of another kind"),
}
_ZIP, _ZIP_FLAGS = b"PK\x03\x04", 6
"""How a ZIP archive begins, and the place of its flags, whose first bit says encrypted."""
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (_ZIP, "archive"),
    (b"\xd0\xcf\x11\xe0", "spreadsheet"),
)
_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"(<[?!][^>]*>\s*){0,8}<(!doctype html|html|head|body)\b", "web_page"),
        (r"CL\d+:", "compact_code"),
        (r"certledger/1/[0-9a-f]{64}\n", "checkpoint"),
        (r"HC1:", "dcc"),
        (r"shc:/", "smart_health_card"),
        (r"eyJ[\w-]+\.[\w-]+\.", "json_web_token"),
        (r"(wxp|weixin|alipays?|bitcoin)://|https://(qr\.alipay\.com|payapp\.weixin\.qq\.com)/",
         "payment"),
        (r"https?://[^/?#\s]+/v#", SHORT_LINK),
        (r"https?://", "link"),
    )
)  # fmt: skip
_JSON: tuple[tuple[str, str | None], ...] = (
    ('"certledger/policy/', "policy"),  # First: it also has those below.
    ('"certledger/evidence/', None),  # A damaged file of ours: the parser's error says more.
    ('"certledger/holding/', "holder_file"),
    ('"certledger/verification-receipt/', "receipt"),
    ('"certledger/submission/', "submission"),
    ('"certledger/act/', "submission"),
    ("blockcerts", "blockcerts"),
    ("openattestation", "open_attestation"),
    ("w3.org/2018/credentials", "verifiable_credential"),
    ("w3.org/ns/credentials", "verifiable_credential"),
    ('"certledger/', "other_certledger"),
)
_ITEMS: tuple[tuple[bytes, str], ...] = (
    (b"certledger/snapshot/", "snapshot"),
    (b"certledger/delta/", "delta"),
)
_ITEM_HEAD = 64
"""Decompressed bytes of an item that contain its type."""
_JSON_BEGINS = re.compile(r"[{[]\s*([\"{}[\]0-9tfn-]|$)")


def recognise(data: bytes) -> str | None:
    """Return the name in `FORMATS` that `data` looks like, or None."""
    head = data[:HEAD_BYTES]
    if head.startswith(_ZIP) and len(head) > _ZIP_FLAGS and head[_ZIP_FLAGS] & 1:
        return "encrypted_zip"
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if (item := _unpacked(head)) is not None:
        return item
    wide = head.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    text = head.decode("utf-16" if wide else "utf-8-sig", "replace").strip()
    if not text:
        return "empty"
    for pattern, name in _TEXTS:
        if pattern.match(text):
            return name
    if not _JSON_BEGINS.match(text):
        return None
    lower = text.lower()
    return next((name for mark, name in _JSON if mark in lower), "json")


def words_of(name: str) -> str:
    """Return the sentence about a file type, with the command that reads it."""
    found = FORMATS[name]
    zh, en = f"看起来是{found.zh}", f"this looks like {found.en}"
    if found.command:
        zh, en = f"{zh}，请用 {found.command}", f"{en}; it is taken by {found.command}"
    return bilingual(zh, en)


def _unpacked(head: bytes) -> str | None:
    """Return the item of this ledger that a zlib stream contains, or None."""
    try:
        start = zlib.decompressobj().decompress(head, _ITEM_HEAD)
    except zlib.error:
        return None
    return next((name for mark, name in _ITEMS if mark in start), None)
