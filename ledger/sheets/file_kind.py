"""What a file is, by its first bytes and the parts of its archive, whatever it is named."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping

WORKBOOK, TEXT = "XLSX", "text"

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OLD_EXCEL = ("旧版 Excel 或 WPS 表格（.xls、.et）", "the old format of Excel or WPS (.xls, .et)")
_LOCKED = ("加密的工作簿，请先取消密码", "a workbook with a password, remove it first")
_OTHER_OLE = ("旧版 Office 文件", "a file of an old office program")
_ZIP_KINDS: Mapping[str, tuple[str, str]] = {
    "xl/workbook.bin": ("二进制工作簿（.xlsb）", "a binary workbook (.xlsb)"),
    "word/document.xml": ("Word 文档", "a Word document"),
    "ppt/presentation.xml": ("演示文稿", "a presentation"),
    "Index/Document.iwa": ("Numbers 表格（.numbers）", "a Numbers spreadsheet (.numbers)"),
    "Index.zip": ("Numbers 表格（.numbers）", "a Numbers spreadsheet (.numbers)"),
}
_OPEN_DOCUMENT = ("OpenDocument 表格（.ods）", "an OpenDocument spreadsheet (.ods)")
_ARCHIVE = ("压缩包，不是表格", "an archive and no spreadsheet")
_TEXT_KINDS: tuple[tuple[re.Pattern[bytes], tuple[str, str]], ...] = (
    (re.compile(rb"%PDF-"), ("PDF 文件", "a PDF file")),
    (re.compile(rb"\{\\rtf"), ("RTF 文档", "an RTF document")),
    (re.compile(rb"\x1f\x8b|Rar!|7z\xbc\xaf|BZh|\xfd7zXZ"), _ARCHIVE),
    (
        re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|BM....\x00\x00\x00\x00", re.DOTALL),
        ("图片", "a picture"),
    ),
    (
        re.compile(
            rb"\s*(<\?xml[^>]*>\s*)?(<\?mso[^>]*>\s*)?(<!--.{0,400}?-->\s*)?<(\w+:)?Workbook\b",
            re.DOTALL,
        ),
        ("XML 表格（Excel 2003）", "an XML spreadsheet (Excel 2003)"),
    ),
    (
        re.compile(
            rb"\s*(<\?xml[^>]*>\s*)?(<!--.{0,400}?-->\s*)?<(!doctype\s+html|html|head|meta|table|body)\b",
            re.IGNORECASE | re.DOTALL,
        ),
        ("网页（常被命名为 .xls）", "a web page (often named .xls)"),
    ),
    (re.compile(rb"\s*<\?xml\b"), ("XML 文件", "an XML file")),
)


def kind_of(data: bytes) -> str | tuple[str, str]:
    """Return `WORKBOOK` or `TEXT`, or a name in Chinese and English of what cannot be read."""
    if data.startswith(_OLE):
        return _ole_kind(data)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(data)
    start = data[:4096].removeprefix(b"\xef\xbb\xbf")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        start = start[2:].replace(b"\x00", b"")
    return next((names for pattern, names in _TEXT_KINDS if pattern.match(start)), TEXT)


def _ole_kind(data: bytes) -> tuple[str, str]:
    if _ENCRYPTED in data:
        return _LOCKED
    old = any(name.encode("utf-16-le") in data for name in ("Workbook", "Book"))
    return _OLD_EXCEL if old else _OTHER_OLE


def _zip_kind(data: bytes) -> str | tuple[str, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return WORKBOOK  # Damaged; the reader of workbooks says how.
    return _archive_kind(names, data)


def _archive_kind(names: Iterable[str], data: bytes) -> str | tuple[str, str]:
    present = set(names)
    if "xl/workbook.xml" in present or "[Content_Types].xml" in present - _ZIP_KINDS.keys():
        other = next((kind for name, kind in _ZIP_KINDS.items() if name in present), None)
        return other or WORKBOOK
    if b"application/vnd.oasis.opendocument" in data[:200] or "content.xml" in present:
        return _OPEN_DOCUMENT
    return next((kind for name, kind in _ZIP_KINDS.items() if name in present), _ARCHIVE)
