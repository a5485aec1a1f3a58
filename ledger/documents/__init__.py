"""Certificates as PDF documents, in Chinese and English."""

from certledger.ledger.documents.fonts import GlyphMissingError
from certledger.ledger.documents.model import (
    CertificateDocument,
    Line,
    LinkTooLongError,
    certificate_document,
)
from certledger.ledger.documents.writing import DocumentWriter, render_certificate

__all__ = [
    "CertificateDocument",
    "DocumentWriter",
    "GlyphMissingError",
    "Line",
    "LinkTooLongError",
    "certificate_document",
    "render_certificate",
]
