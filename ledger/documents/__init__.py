"""Certificates as PDF documents, in Chinese and English."""

from certledger.ledger.documents.fonts import GlyphMissing
from certledger.ledger.documents.model import (
    CertificateDocument,
    Line,
    LinkTooLong,
    certificate_document,
)
from certledger.ledger.documents.writing import DocumentWriter, render_certificate

__all__ = [
    "CertificateDocument",
    "DocumentWriter",
    "GlyphMissing",
    "Line",
    "LinkTooLong",
    "certificate_document",
    "render_certificate",
]
