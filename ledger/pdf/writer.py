"""Print certificates as PDF: equal documents give equal bytes."""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from io import BytesIO

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFDocument, PDFStream
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from certledger.ledger.pdf.fonts import Face, check_glyphs, convert_face
from certledger.ledger.pdf.layout import Page, texts_by_face
from certledger.ledger.pdf.model import CertificateDocument


class DocumentWriter:
    """Prints documents with one conversion of the fonts for all their characters.

    Pass all documents of a run to the constructor: converting the characters of 500 takes less than
    a second, converting for each takes minutes.  A document with other characters still prints; its
    bytes never depend on the others.  Not thread-safe.
    """

    def __init__(self, documents: Iterable[CertificateDocument] = ()) -> None:
        """Convert the fonts for `documents`.

        Raises:
            GlyphMissingError: a font lacks a character of a document.
        """
        self._ready: dict[Face, frozenset[str]] = {face: frozenset() for face in Face}
        self._fonts: dict[Face, str] = {}
        self._prepare(documents)

    def render(self, document: CertificateDocument) -> bytes:
        """Return the document as PDF.

        Raises:
            GlyphMissingError: a font lacks a character of the document.
        """
        self._prepare((document,))
        out = BytesIO()
        canvas = Canvas(out, invariant=1, pageCompression=1, lang="zh-CN")
        canvas.setTitle(f"{document.title_zh} {document.number}")
        canvas.setAuthor(document.issuer_zh)
        canvas.setCreator("certledger")
        Page(canvas, self._fonts).draw(document)
        canvas.save()
        return out.getvalue()

    def _prepare(self, documents: Iterable[CertificateDocument]) -> None:
        wanted = _characters(documents)
        for face in Face:
            if face not in self._fonts or not wanted[face] <= self._ready[face]:
                self._ready[face] |= wanted[face]
                self._fonts[face] = _register(face, self._ready[face])


def _characters(documents: Iterable[CertificateDocument]) -> Mapping[Face, frozenset[str]]:
    characters: dict[Face, set[str]] = {face: set() for face in Face}
    for document in documents:
        for face, text in texts_by_face(document):
            check_glyphs(face, text)
            characters[face].update(text)
    return {face: frozenset(found) for face, found in characters.items()}


def _register(face: Face, characters: frozenset[str]) -> str:
    """Register the face with the PDF library, under a name derived from its characters."""
    text = "".join(sorted(characters))
    name = f"{face.value}-{sha256(text.encode()).hexdigest()}"
    if name not in pdfmetrics.getRegisteredFontNames():
        font = _Font(name, BytesIO(convert_face(face, characters)), asciiReadable=False)
        # The library would take two fonts of one PostScript name for the same font; the name in the
        # document must not depend on the other documents of the run.
        printed, font.face.name = font.face.name, name.encode()
        pdfmetrics.registerFont(font)
        font.face.name = printed
    return name


class _Font(TTFont):
    """A font whose characters beyond U+FFFF can be copied from the document.

    The library writes their code points where PDF (ISO 32000-1, 9.10.3) requires UTF-16.
    """

    def addObjects(self, doc: PDFDocument) -> None:  # noqa: N802  # the library names it
        super().addObjects(doc)
        for name, stream in doc.idToObject.items():
            if name.startswith("toUnicodeCMap:") and isinstance(stream, PDFStream):
                stream.content = _long_code.sub(_to_utf16, stream.content)


_long_code = re.compile(r"(?<= <)[0-9A-F]{5,6}(?=>)")


def _to_utf16(found: re.Match[str]) -> str:
    return chr(int(found[0], 16)).encode("utf-16-be").hex().upper()
