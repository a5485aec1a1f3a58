"""Text files as rows of cells: the encoding and the separator are found."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from certledger.ledger.sheets import finding_kinds as kinds
from certledger.ledger.sheets.findings import Findings

SEPARATORS: dict[str, str] = {
    ",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "，": "full-width comma",
}  # fmt: skip
MAX_LINES_TRIED = 40
"""Lines at the start by which the separator is found."""
MAX_TRIED_CHARACTERS = 200_000
_MARKS: tuple[tuple[bytes, str, str], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_END_OF_FILE = b"\x1a"
"""What old programs write behind the last line."""
_SEP_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_UTF8_SEQUENCE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_PAIR = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]|[\x00-\x7f]")
MIN_RARE, MAX_RARE_SHARE = 3, 0.25
"""Characters beyond GB 2312 from which on a file read as GB18030 is doubtful."""

_WIDE = re.compile("[\u0800-\U0010ffff]")
_RUN = re.compile(rb"([A-Za-z]?)([\x80-\xff]+)([A-Za-z]?)")

Row = tuple[int, list[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class TextFile:
    """A text file: its rows, which are read one by one, and how."""

    rows: Iterator[Row]
    encoding: str
    separator: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodedText:
    """The text of a file, and how its bytes come back: byte order mark, codec, what follows."""

    text: str
    name: str
    codec: str
    mark: bytes = b""
    rest: bytes = b""

    def encode(self, text: str) -> bytes:
        """Return the bytes of another text in the same form."""
        return self.mark + text.encode(self.codec) + self.rest


def decode(data: bytes, findings: Findings) -> DecodedText:
    """Return the text of a file.

    Raises:
        SheetInvalidError: no encoding fits.
    """
    body = data.rstrip(_END_OF_FILE)
    rest = data[len(body) :]
    for mark, codec, name in _MARKS:
        if body.startswith(mark):
            text = _decode_marked(body[len(mark) :], codec, name, findings)
            return DecodedText(text=text, name=name, codec=codec, mark=mark, rest=rest)
    if (order := _utf16_without_mark(body)) is not None:
        text = _decode_marked(body, order, "UTF-16", findings)
        return DecodedText(text=text, name="UTF-16", codec=order, rest=rest)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        text = _decode_gb18030(body, error, findings)
        return DecodedText(text=text, name="GB18030", codec="gb18030", rest=rest)
    if _WIDE.search(text) is None and (sample := _han_of_pairs(body)):
        findings.report(kinds.ENCODING_EITHER, sample=sample)
    return DecodedText(text=text, name="UTF-8", codec="utf-8", rest=rest)


def _han_of_pairs(data: bytes) -> str:
    """Return what a file in UTF-8 without any Han says as GB18030, "" if that is no Chinese.

    Han whose two bytes are also a character of UTF-8 stand alone; accents stand among letters.
    """
    runs = _RUN.findall(data)
    if not all(len(run) % 2 == 0 for _, run, _ in runs):
        return ""
    pairs = [run[at : at + 2] for _, run, _ in runs for at in range(0, len(run), 2)]
    if not all(map(_is_common, pairs)):
        return ""
    alone = b" ".join(run for before, run, after in runs if not (before or after))
    return alone[:40].decode("gb18030", "ignore")


def _decode_marked(data: bytes, codec: str, name: str, findings: Findings) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(codec, "replace")
        why = f"{name}: {error.reason}"
        raise findings.fail(kinds.UNREADABLE, before.count("\n") + 1, why=why) from error


def _utf16_without_mark(data: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark: commas and digits leave zeros."""
    start = data[:4096]
    if len(start) < 4 or len(data) % 2 or b"\x00" not in start:
        return None
    half = len(start) // 2
    high_le, high_be = start[1::2].count(0), start[0::2].count(0)
    if max(high_le, high_be) < half // 4 or min(high_le, high_be) > half // 50:
        return None
    return "utf-16-le" if high_le > high_be else "utf-16-be"


def _decode_gb18030(data: bytes, error: UnicodeDecodeError, findings: Findings) -> str:
    line = data[: error.start].count(b"\n") + 1
    byte = f"{data[error.start]:#04x}"
    rest = _UTF8_SEQUENCE.sub(b"", data)
    stray = sum(one >= 0x80 for one in rest)
    if (len(data) - len(rest)) > 8 * stray:
        raise findings.fail(kinds.ENCODING_MIXED, line, line=line, byte=byte) from error
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        raise findings.fail(kinds.ENCODING, line, line=line, byte=byte) from error
    _check_plausible(data, findings)
    return text


def _check_plausible(data: bytes, findings: Findings) -> None:
    """Ask where many characters are beyond GB 2312: the file may be Big5 or Shift JIS."""
    pairs = [pair for pair in _PAIR.findall(data) if len(pair) == 2]
    rare = [pair for pair in pairs if not _is_common(pair)]
    if len(rare) >= MIN_RARE and len(rare) > MAX_RARE_SHARE * len(pairs):
        sample = b"".join(rare[:12]).decode("gb18030", "replace")
        findings.report(kinds.ENCODING_DOUBTFUL, sample=sample)


def _is_common(pair: bytes) -> bool:
    """Whether a character is a Han of GB 2312 or one of its marks, letters and digits."""
    return pair[1] >= 0xA1 and (0xB0 <= pair[0] <= 0xF7 or 0xA1 <= pair[0] <= 0xA3)


def read_text(data: bytes, findings: Findings, score: Callable[[Sequence[str]], int]) -> TextFile:
    """Return the rows of a text file; `score` says how many names of columns a row holds.

    Raises:
        SheetInvalidError: no encoding fits; while rows are read, quotes are not as in RFC 4180.
    """
    decoded = decode(data, findings)
    text, encoding = decoded.text, decoded.name
    named = _SEP_LINE.match(text)
    if named and named[1] in SEPARATORS:
        separator, first = named[1], 2
        text = text[named.end() :]
    else:
        separator, first = _find_separator(text, score), 1
    rows = _rows(text, separator, findings, first)
    return TextFile(rows=rows, encoding=encoding, separator=SEPARATORS[separator])


def _find_separator(text: str, score: Callable[[Sequence[str]], int]) -> str:
    """Return the separator under which a row holds the most names of columns, else most cells."""
    start = text[:MAX_TRIED_CHARACTERS]
    lines = "\n".join(start.splitlines()[:MAX_LINES_TRIED])

    def fitness(separator: str) -> tuple[int, int]:
        reader = csv.reader(io.StringIO(lines, newline=""), delimiter=separator)
        best, cells = 0, 0
        try:
            for row in reader:
                best = max(best, score(row))
                cells += len(row) - 1
        except csv.Error:
            pass
        return best, cells

    return max(SEPARATORS, key=fitness)


def _rows(text: str, separator: str, findings: Findings, first: int) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = first
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            why = f"not CSV as in RFC 4180: {error}"
            raise findings.fail(kinds.UNREADABLE, number, why=why) from error
        if cells is None:
            return
        yield number, cells
        number += 1
