"""Layout of a certificate's pages on a PDF canvas."""

import re
from collections.abc import Iterator, Mapping
from datetime import date

import segno
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from certledger.ledger.pdf.fonts import Face
from certledger.ledger.pdf.model import CertificateDocument, Line
from certledger.verifier.formats.record import printed_code

WIDTH, HEIGHT = A4
LEFT, RIGHT = 64.0, WIDTH - 64.0
LABEL_WIDTH = 142.0
FOOT = 190.0  # Top of the foot of the last page.
BOTTOM = 78.0  # Lower end of the table on earlier pages.

INK, FAINT, ACCENT = HexColor(0x1F2430), HexColor(0x6B7280), HexColor(0x1E3A5F)
RULE, BAND = HexColor(0xD5DAE1), HexColor(0xF3F6FA)

_MASK = 0
"""Number of the pattern that breaks up a QR code: a chessboard."""
CODE_LABEL = "查验码  Access code"
NUMBER_LABEL = "编号  Number"
ISSUED_LABEL, EXPIRY_LABEL = "签发日期  Issued", "有效期至  Valid until"
UNLIMITED = "长期  no expiry"
VERIFY_TITLE = "核验 / Verify"
VERIFY_HINT = (
    "凭编号和查验码，或扫描二维码核验真伪及有效状态。",
    "Check this certificate by number and access code, or scan the code.",
)
CONTINUED = "（续）"

# A Latin word is not split, and closing punctuation stays on its line.
_piece = re.compile(r"(?:[!-~]+|.)[，。；：、）》」】”！？]*", re.DOTALL)


def texts_by_face(document: CertificateDocument) -> Iterator[tuple[Face, str]]:
    """Yield every text on the pages of a document, with its face."""
    yield Face.SERIF, document.title_zh
    yield Face.SERIF, document.issuer_zh
    for text in (document.title_en, document.issuer_en, document.number, document.link):
        yield Face.SANS, text
    for line in document.lines:
        yield from ((Face.SANS, text) for text in (line.label_zh, line.label_en, line.value))
    fixed = (CODE_LABEL, NUMBER_LABEL, ISSUED_LABEL, EXPIRY_LABEL, UNLIMITED, VERIFY_TITLE)
    yield from ((Face.SANS, text) for text in (*fixed, *VERIFY_HINT, "0123456789-年月日 "))
    yield Face.SANS, document.title_zh + CONTINUED
    yield Face.SANS, document.access_code


class Page:
    """Draws one document.  `fonts` has the registered name of each face."""

    def __init__(self, canvas: Canvas, fonts: Mapping[Face, str]) -> None:
        self._canvas, self._fonts = canvas, fonts

    def draw(self, document: CertificateDocument) -> None:
        """Draw the document, on as many pages as its lines need."""
        y = self._draw_head(document)
        for line in document.lines:
            height = self._line_height(line)
            if y - height < BOTTOM:
                y = self._turn(document)
            self._draw_line(line, y, height)
            y -= height
        if y < FOOT:
            self._turn(document)
        self._draw_foot(document)
        self._canvas.showPage()

    def _draw_head(self, document: CertificateDocument) -> float:
        self._draw_frame()
        middle, room = WIDTH / 2, RIGHT - LEFT
        size = self._fitting(Face.SERIF, document.title_zh, 30, room)
        self._text(Face.SERIF, size, ACCENT, middle, HEIGHT - 122, document.title_zh, anchor=0.5)
        size = self._fitting(Face.SANS, document.title_en, 11, room)
        self._text(Face.SANS, size, FAINT, middle, HEIGHT - 144, document.title_en, anchor=0.5)
        self._canvas.setStrokeColor(ACCENT)
        self._canvas.setLineWidth(1.2)
        self._canvas.line(middle - 36, HEIGHT - 158, middle + 36, HEIGHT - 158)
        self._draw_band(document, HEIGHT - 226)
        return HEIGHT - 246

    def _draw_band(self, document: CertificateDocument, y: float) -> None:
        """Draw number and access code, by which the certificate is found."""
        canvas = self._canvas
        canvas.setFillColor(BAND)
        canvas.roundRect(LEFT, y, RIGHT - LEFT, 50, 5, stroke=0, fill=1)
        for x, label, value in (
            (LEFT + 14, NUMBER_LABEL, document.number),
            (WIDTH / 2 + 30, CODE_LABEL, printed_code(document.access_code)),
        ):
            self._text(Face.SANS, 8, FAINT, x, y + 33, label)
            size = self._fitting(Face.SANS, value, 13, RIGHT - x - 10 if x > 200 else 270)
            self._text(Face.SANS, size, INK, x, y + 14, value)

    def _line_height(self, line: Line) -> float:
        return max(34.0, 19.0 + 15.0 * len(self._wrap(line.value)))

    def _draw_line(self, line: Line, y: float, height: float) -> None:
        room = LABEL_WIDTH - 12
        size = self._fitting(Face.SANS, line.label_zh, 10.5, room)
        self._text(Face.SANS, size, ACCENT, LEFT + 4, y - 15, line.label_zh)
        size = self._fitting(Face.SANS, line.label_en, 7.5, room)
        self._text(Face.SANS, size, FAINT, LEFT + 4, y - 26, line.label_en)
        for number, text in enumerate(self._wrap(line.value)):
            self._text(Face.SANS, 11.5, INK, LEFT + LABEL_WIDTH, y - 20 - 15 * number, text)
        self._canvas.setStrokeColor(RULE)
        self._canvas.setLineWidth(0.5)
        self._canvas.line(LEFT, y - height, RIGHT, y - height)

    def _draw_foot(self, document: CertificateDocument) -> None:
        self._draw_code(document.link, LEFT, 70, 82)
        x = LEFT + 94
        self._text(Face.SANS, 10.5, ACCENT, x, 138, VERIFY_TITLE)
        for number, hint in enumerate(VERIFY_HINT):
            self._text(Face.SANS, 7.5, FAINT, x, 123 - 11 * number, hint)
        room = 222.0
        size = max(5.0, self._fitting(Face.SANS, document.link, 7.5, room))
        for number, text in enumerate(self._wrap(document.link, size, room)):
            self._text(Face.SANS, size, INK, x, 97 - 9 * number, text)
        right = RIGHT - 4
        size = self._fitting(Face.SERIF, document.issuer_zh, 13, 230)
        self._text(Face.SERIF, size, INK, right, 172, document.issuer_zh, anchor=1)
        size = self._fitting(Face.SANS, document.issuer_en, 7.5, 230)
        self._text(Face.SANS, size, FAINT, right, 160, document.issuer_en, anchor=1)
        expiry = show_date(document.expiry_date) if document.expiry_date else UNLIMITED
        self._draw_date(ISSUED_LABEL, show_date(document.issue_date), right, 130)
        self._draw_date(EXPIRY_LABEL, expiry, right, 96)

    def _draw_date(self, label: str, value: str, x: float, y: float) -> None:
        self._text(Face.SANS, 7.5, FAINT, x, y + 13, label, anchor=1)
        self._text(Face.SANS, 10.5, INK, x, y, value, anchor=1)

    def _draw_frame(self) -> None:
        canvas = self._canvas
        canvas.setStrokeColor(ACCENT)
        for inset, width in ((30, 1.6), (36, 0.5)):
            canvas.setLineWidth(width)
            canvas.rect(inset, inset, WIDTH - 2 * inset, HEIGHT - 2 * inset, stroke=1, fill=0)

    def _draw_code(self, link: str, x: float, y: float, side: float) -> None:
        """Draw the QR code of the link; a run of dark modules is one rectangle."""
        size, bars = code_bars(link)
        unit = side / size
        path = self._canvas.beginPath()
        for row, start, end in bars:
            path.rect(x + start * unit, y + side - (row + 1) * unit, (end - start) * unit, unit)
        self._canvas.setFillColor(INK)
        self._canvas.drawPath(path, stroke=0, fill=1)
        # A reader of the file itself finds the link too, without drawing the page.
        self._canvas.linkURL(link, (x, y, x + side, y + side))

    def _turn(self, document: CertificateDocument) -> float:
        """Begin another page; return the y coordinate of its table."""
        self._canvas.showPage()
        self._draw_frame()
        title = document.title_zh + CONTINUED
        size = self._fitting(Face.SANS, title, 11, 200)
        self._text(Face.SANS, size, ACCENT, LEFT, HEIGHT - 74, title)
        size = self._fitting(Face.SANS, document.number, 9, 220)
        self._text(Face.SANS, size, FAINT, RIGHT, HEIGHT - 74, document.number, anchor=1)
        return HEIGHT - 90

    def _text(
        self, face: Face, size: float, ink: Color, x: float, y: float, text: str, anchor: float = 0
    ) -> None:
        """Draw one line; `anchor` is the part of its width that lies left of `x`."""
        font = self._fonts[face]
        self._canvas.setFillColor(ink)
        self._canvas.setFont(font, size)
        self._canvas.drawString(x - anchor * stringWidth(text, font, size), y, text)

    def _fitting(self, face: Face, text: str, size: float, room: float) -> float:
        """Return the size at which the text fits into `room`, at most `size`."""
        width = stringWidth(text, self._fonts[face], size)
        return size if width <= room else size * room / width

    def _wrap(self, text: str, size: float = 11.5, room: float = 0.0) -> list[str]:
        font, room = self._fonts[Face.SANS], room or RIGHT - LEFT - LABEL_WIDTH - 4
        lines = [""]
        for piece in _piece.findall(text):
            # A piece wider than a line is split into characters.
            parts = [piece] if stringWidth(piece, font, size) <= room else list(piece)
            for part in parts:
                if stringWidth(lines[-1] + part, font, size) > room:
                    lines.append("")
                lines[-1] += part
        return lines


def show_date(day: date) -> str:
    """Return a day as Chinese documents write it, for example 2026年11月24日."""
    return f"{day.year}年{day.month}月{day.day}日"


def code_bars(link: str) -> tuple[int, tuple[tuple[int, int, int], ...]]:
    """Return (modules a side, (row, start, end) of each dark bar) of the link's QR code."""
    # Any mask may be used.  To find the best of the eight takes 12 of 15 milliseconds.
    matrix = segno.make(link, error="m", micro=False, mask=_MASK).matrix
    bars = (
        (row, run.start(), run.end())
        for row, modules in enumerate(matrix)
        for run in re.finditer(rb"\x01+", bytes(modules))
    )
    return len(matrix), tuple(bars)
