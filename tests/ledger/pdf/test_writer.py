"""Certificates as PDF: text that can be read and extracted, and the same bytes every time."""

import io
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from typing import Any

import pylopdf_fonts_zh_cn
import pytest
from fontTools.pens.areaPen import AreaPen
from fontTools.ttLib import TTFont
from PIL import Image
from pypdf import PdfReader

from certledger.ledger.pdf.fonts import Face, GlyphMissingError, convert_face
from certledger.ledger.pdf.layout import code_bars, show_date
from certledger.ledger.pdf.model import (
    CertificateDocument,
    Line,
    certificate_document,
)
from certledger.ledger.pdf.writer import DocumentWriter
from certledger.ledger.reference_data import load_domain
from certledger.ledger.samples.generator import sample_certificates
from certledger.verifier.formats.record import normal_number, printed_code
from certledger.verifier.formats.short_link import ShortLink

CODE = "7K3M9QXA2B4CDEFG"
ADDRESS = "https://verify.example"


def render_certificate(document: CertificateDocument) -> bytes:
    return DocumentWriter((document,)).render(document)


def documents(count: int = 12, seed: int = 5) -> list[CertificateDocument]:
    return [
        certificate_document(
            category=sample.category,
            issuer=sample.issuer,
            fields=sample.fields,
            issue_date=sample.issue_date,
            expiry_date=sample.expiry_date,
            access_code=CODE,
            address=ADDRESS,
        )
        for sample in sample_certificates(
            load_domain(), seed=seed, count=count, categories=count, today=date(2026, 11, 24)
        )
    ]


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_everything_on_the_page_can_be_extracted_as_text():
    writer = DocumentWriter(documents())
    for document in documents():
        text = squeezed(text_of(writer.render(document)))

        shown = [document.title_zh, document.issuer_zh, document.number, printed_code(CODE)]
        shown += [document.link]
        shown += [document.title_en, document.issuer_en, show_date(document.issue_date)]
        shown += [part for line in document.lines for part in (line.label_zh, line.value)]
        assert [part for part in shown if squeezed(part) not in text] == []


def test_the_same_document_is_the_same_bytes_whatever_else_the_run_prints():
    first, *others = documents()

    alone = render_certificate(first)

    assert render_certificate(first) == alone
    assert DocumentWriter((first, *others)).render(first) == alone
    late = DocumentWriter(others)
    assert [late.render(other) for other in others]
    assert late.render(first) == alone


def test_another_process_prints_the_same_bytes():
    program = (
        "import hashlib; from tests.ledger.pdf.test_writer import *;"
        "print(hashlib.sha256(render_certificate(documents()[0])).hexdigest())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }

    assert len(runs) == 1


def test_one_character_more_is_another_document():
    document = documents()[0]

    assert render_certificate(document) != render_certificate(
        replace(document, number=document.number + "1")
    )


@pytest.mark.parametrize(
    ("character", "name"), [("𠮷", "U+20BB7"), ("\n", "U+000A"), ("\U0001f600", "U+1F600")]
)
def test_a_character_without_a_glyph_is_refused_by_name(character, name):
    document = replace(
        documents()[0], lines=(Line(label_zh="姓名", label_en="Name", value=f"{character}野家"),)
    )

    with pytest.raises(GlyphMissingError, match=name.replace("+", r"\+")) as refused:
        DocumentWriter((document,))

    assert refused.value.code == "document.glyph_missing"
    with pytest.raises(GlyphMissingError):
        DocumentWriter().render(document)


def test_rare_characters_of_names_are_printed():
    document = replace(
        documents()[0],
        lines=(Line(label_zh="姓名", label_en="Name", value="龑㛃䶮堃喆𫖯𬱖"),),
    )

    assert "龑㛃䶮堃喆𫖯𬱖" in text_of(render_certificate(document))


def test_a_long_certificate_goes_on_to_further_pages_and_loses_nothing():
    lines = tuple(
        Line(label_zh=f"事项{number}", label_en=f"Matter {number}", value="很长的内容，" * number)
        for number in range(1, 61)
    )
    pdf = render_certificate(replace(documents()[0], lines=lines))

    assert len(PdfReader(io.BytesIO(pdf)).pages) > 3
    text = squeezed(text_of(pdf))
    assert all(f"事项{number}Matter{number}很长的内容" in text for number in range(1, 61))
    assert text.count("很长的内容，") == sum(range(1, 61))


def test_words_without_a_place_to_break_are_broken_all_the_same():
    value = "A" * 400

    pdf = render_certificate(
        replace(documents()[0], lines=(Line(label_zh="值", label_en="Value", value=value),))
    )

    assert value in squeezed(text_of(pdf))


def test_the_link_of_number_and_code_is_printed_whole():
    document = replace(documents()[0], link="https://verify.example/v#" + "W" * 95)
    assert document.link in squeezed(text_of(render_certificate(document)))

    for one in documents():
        link = ShortLink.parse(one.link)
        assert (link.number, link.code) == (normal_number(one.number), CODE)
        assert squeezed(one.link) in squeezed(text_of(render_certificate(one)))


def test_the_code_on_a_certificate_reads_as_its_link():
    zxingcpp = pytest.importorskip("zxingcpp")
    for one in documents():
        size, bars = code_bars(one.link)
        picture = Image.new("L", (size + 8, size + 8), 255)
        for row, start, end in bars:
            picture.paste(0, (start + 4, row + 4, end + 4, row + 5))
        found = zxingcpp.read_barcodes(picture.resize((4 * size + 32, 4 * size + 32)))
        assert [code.text for code in found] == [one.link]


def test_a_printed_certificate_embeds_no_files():
    reader = PdfReader(io.BytesIO(render_certificate(documents()[0])))

    assert not reader.attachments
    assert "/Names" not in reader.root_object


@pytest.mark.parametrize("face", Face)
def test_converted_outlines_keep_the_shape_of_the_originals(face):
    path = {
        Face.SANS: pylopdf_fonts_zh_cn.sans_path(),
        Face.SERIF: pylopdf_fonts_zh_cn.serif_path(),
    }[face]
    source = TTFont(path, lazy=True)
    made = TTFont(io.BytesIO(convert_face(face, "国A，𫖯")))

    assert set(made.getBestCmap()) == {ord(character) for character in " 国A，𫖯"}
    for code, name in made.getBestCmap().items():
        assert made["hmtx"][name][0] == source["hmtx"][source.getBestCmap()[code]][0]
        if code != 32:
            assert area(made, code) == pytest.approx(-area(source, code), rel=0.01)


def area(font: Any, code: int) -> Any:
    pen = AreaPen()
    font.getGlyphSet()[font.getBestCmap()[code]].draw(pen)
    return pen.value
