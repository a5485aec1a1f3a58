"""Multipart uploads of an evidence file and documents; documents are hashed on arrival."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from certledger.api.errors import RequestInvalidError
from certledger.api.request.body import check_media, receive_body
from certledger.api.service import service_of
from certledger.ledger.verification.questions import MAX_DOCUMENTS, VerifyRequest
from certledger.verifier.crypto.hashing import sm3
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.evidence import MAX_EVIDENCE_BYTES
from certledger.verifier.verify.content_check import Fingerprint

FORM = "multipart/form-data"
UPLOAD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "evidence": {"type": "string", "format": "binary"},
        "document": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "maxItems": MAX_DOCUMENTS,
        },
    },
    "required": ["evidence"],
}


class _Form(MultipartParser):
    """Incremental form parser: evidence goes to memory, documents are only hashed."""

    def __init__(self, boundary: bytes) -> None:
        self.evidence: list[bytearray] = []
        self.documents: list[Fingerprinter] = []
        self._headers, self._field, self._value = dict[bytes, bytes](), b"", b""
        self.ended = False
        super().__init__(boundary, self._called())

    def _called(self) -> Any:
        return {
            "on_part_begin": self._part_begins,
            "on_header_field": self._field_comes,
            "on_header_value": self._value_comes,
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._data_comes,
            "on_end": self._all_came,
        }

    def _part_begins(self) -> None:
        self._headers, self._field, self._value = {}, b"", b""

    def _field_comes(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _value_comes(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field, self._value = b"", b""

    def _headers_end(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"name")
        if kind != b"form-data" or b"filename" not in options or name not in _FIELDS:
            raise MalformedError("schema.invalid", "a form has the files evidence and document")
        if len(self.evidence) + len(self.documents) > MAX_DOCUMENTS:
            raise MalformedError("schema.invalid", f"a form has at most {MAX_DOCUMENTS} documents")
        if name == b"evidence":
            self.evidence.append(bytearray())
            self._take: Callable[[bytes], object] = self._take_evidence
        else:
            self.documents.append(Fingerprinter())
            self._take = self.documents[-1].update

    def _take_evidence(self, data: bytes) -> None:
        self.evidence[-1].extend(data)
        if len(self.evidence[-1]) > MAX_EVIDENCE_BYTES:
            raise MalformedError(
                "schema.invalid", f"evidence has at most {MAX_EVIDENCE_BYTES} bytes"
            )

    def _data_comes(self, data: bytes, start: int, end: int) -> None:
        self._take(data[start:end])

    def _all_came(self) -> None:
        self.ended = True


async def read_upload(request: Request) -> VerifyRequest:
    """Parse a form to a question: one file `evidence`, any number of `document`.

    Only the evidence is in memory; documents are hashed in a thread.

    Raises:
        RequestInvalidError: it is no form.
        MalformedError: another field, more or fewer files, or evidence that is too long.
    """
    pools = service_of(request).pools
    check_media(request, (FORM,))
    try:
        _, options = parse_options_header(request.headers.get("content-type"))
        form = _Form(options[b"boundary"])

        async def take(piece: bytes) -> None:
            await pools.prove(request, form.write, piece)

        await receive_body(request, (FORM,), take)
    except (FormParserError, KeyError, ValueError) as error:
        raise RequestInvalidError("the body is not a multipart form") from error
    if not form.ended:
        raise RequestInvalidError("the form is truncated")
    if len(form.evidence) != 1:
        raise MalformedError("schema.invalid", "a form has one evidence file")
    documents = tuple(hashed.fingerprint() for hashed in form.documents)
    if any(document.size == 0 for document in documents):
        raise MalformedError("document.empty", "an empty file is no document: was another meant?")
    return VerifyRequest(evidence=bytes(form.evidence[0]), documents=documents)


_FIELDS = (b"evidence", b"document")


class Fingerprinter:
    """Incremental hash of a document, with SM3 if OpenSSL has it."""

    def __init__(self) -> None:
        self._sha256, self._size = hashlib.sha256(), 0
        self._sm3 = hashlib.new("sm3") if _HAS_SM3 else None

    def update(self, data: bytes) -> None:
        """Hash the next bytes."""
        self._size += len(data)
        self._sha256.update(data)
        if self._sm3 is not None:
            self._sm3.update(data)

    def fingerprint(self) -> Fingerprint:
        """Return the fingerprint of the document."""
        return Fingerprint(
            sha256=self._sha256.hexdigest(),
            size=self._size,
            sm3=None if self._sm3 is None else self._sm3.hexdigest(),
        )


_HAS_SM3 = sm3(b"") is not None
