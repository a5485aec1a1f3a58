"""Certificates as PDF documents, in Chinese and English."""

from certledger.ledger.pdf.fonts import GlyphMissingError
from certledger.ledger.pdf.model import (
    CertificateDocument,
    Line,
    LinkTooLongError,
    certificate_document,
)
from certledger.ledger.pdf.writer import DocumentWriter, render_certificate

__all__ = [
    "CertificateDocument",
    "DocumentWriter",
    "GlyphMissingError",
    "Line",
    "LinkTooLongError",
    "certificate_document",
    "render_certificate",
]
