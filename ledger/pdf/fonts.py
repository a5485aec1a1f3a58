"""Chinese fonts for PDF: the needed glyphs, converted to TrueType in memory.

The PDF writer does not support PostScript outlines, so cubic curves become quadratic ones, at most
one thousandth of an em away.  Noto Sans SC and Noto Serif SC have some 31,000 glyphs each; only
the requested ones are converted.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pylopdf_fonts_zh_cn as noto
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables.DefaultTable import DefaultTable

from certledger.verifier.errors import CertledgerError, ExitStatus

# Upper bounds for one glyph: exact values would make a font depend on its other glyphs.
_MAX_POINTS, _MAX_CONTOURS = 4096, 512


class Face(Enum):
    """The available faces, with the names of their conversions."""

    SANS = "CertledgerSansSC"
    SERIF = "CertledgerSerifSC"


_PATHS: Mapping[Face, Path] = {Face.SANS: noto.sans_path(), Face.SERIF: noto.serif_path()}


class GlyphMissingError(CertledgerError):
    """The font has no glyph for a character, which would be blank."""

    code: str = "document.glyph_missing"
    exit_status = ExitStatus.UNUSABLE

    def __init__(self, character: str, text: str) -> None:
        super().__init__(f"no glyph for {character!r} (U+{ord(character):04X}) in {text!r}")
        self.character = character


def check_glyphs(face: Face, text: str) -> None:
    """Check that the face has a glyph for every character.

    Raises:
        GlyphMissingError: names the first character without one.
    """
    glyphs = _glyph_names(face)
    for character in text:
        if ord(character) not in glyphs:
            raise GlyphMissingError(character, text)


def convert_face(face: Face, characters: Iterable[str]) -> bytes:
    """Return a TrueType font of the space and `characters`, all of which the face has.

    Glyphs, metrics and tables do not depend on the other characters, so that a document's bytes do
    not depend on the other documents of a run.
    """
    names = _glyph_names(face)
    mapping = {code: names[code] for code in sorted({32, *map(ord, characters)})}
    order = [".notdef", *dict.fromkeys(mapping.values())]
    source = _open(face)
    builder = FontBuilder(source["head"].unitsPerEm, isTTF=True)
    builder.font.recalcBBoxes = builder.font.recalcTimestamp = False
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(mapping)
    builder.setupGlyf(_convert_glyphs(source, order))
    outlines, advances = builder.font["glyf"], source["hmtx"]
    builder.setupHorizontalMetrics(
        {name: (advances[name][0], getattr(outlines[name], "xMin", 0)) for name in order}
    )
    _copy_measures(source, builder, face)
    out = BytesIO()
    builder.save(out)
    return out.getvalue()


def _open(face: Face) -> Any:
    return TTFont(_PATHS[face], lazy=True)


@cache
def _glyph_names(face: Face) -> Mapping[int, str]:
    names: Mapping[int, str] = _open(face).getBestCmap()
    return names


def _convert_glyphs(source: Any, names: Iterable[str]) -> dict[str, Any]:
    outlines = source.getGlyphSet()
    glyphs: dict[str, Any] = {}
    for name in names:
        pen = TTGlyphPen(None)
        outlines[name].draw(Cu2QuPen(pen, 1.0, reverse_direction=True))
        glyphs[name] = pen.glyph()
    return glyphs


def _copy_measures(source: Any, builder: FontBuilder, face: Face) -> None:
    """Copy the tables of the whole face, so that they do not depend on the chosen glyphs."""
    font, head, across = builder.font, source["head"], source["hhea"]
    builder.setupHorizontalHeader(
        ascent=across.ascent, descent=across.descent, advanceWidthMax=across.advanceWidthMax
    )
    builder.setupNameTable({"familyName": face.value, "psName": face.value}, mac=False)
    builder.setupPost(keepGlyphNames=False)
    builder.setupMaxp()
    font["maxp"].maxPoints, font["maxp"].maxContours = _MAX_POINTS, _MAX_CONTOURS
    font["OS/2"] = DefaultTable("OS/2")
    font["OS/2"].data = source.reader["OS/2"]
    builder.updateHead(
        created=head.created,
        modified=head.modified,
        xMin=head.xMin,
        yMin=head.yMin,
        xMax=head.xMax,
        yMax=head.yMax,
    )
