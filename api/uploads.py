"""Uploads: an evidence file and documents as a form, hashed on arrival and kept nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from api.bodies import read_body
from api.refusals import RequestInvalid
from ledger.service.questions import MOST_DOCUMENTS, Asked
from verifier.content import Fingerprint
from verifier.errors import Malformed
from verifier.evidence import LONGEST_EVIDENCE
from verifier.hashing import sha256, sm3

FORM = "multipart/form-data"
UPLOAD: dict[str, Any] = {
    "type": "object",
    "properties": {
        "evidence": {"type": "string", "format": "binary"},
        "document": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "maxItems": MOST_DOCUMENTS,
        },
    },
    "required": ["evidence"],
}


async def read_upload(request: Request) -> Asked:
    """Return the question that a form asks: one file `evidence`, any number of `document`.

    Raises:
        RequestInvalid: it is no form.
        Malformed: another field, more or fewer files, or evidence that is too long.
    """
    data = await read_body(request, FORM)

    async def pieces() -> AsyncIterator[bytes]:
        yield data

    try:
        parser = MultiPartParser(
            request.headers,
            pieces(),  # type: ignore[arg-type]  # any asynchronous iterator does
            max_files=MOST_DOCUMENTS + 1,
            max_fields=0,
        )
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError, UnicodeError) as error:
        raise RequestInvalid("the body is no form of files") from error
    try:
        return await _question(form)
    finally:
        await form.close()


async def _question(form: FormData) -> Asked:
    files: dict[str, list[bytes]] = {"evidence": [], "document": []}
    for name, value in form.multi_items():
        if name not in files or not isinstance(value, UploadFile):
            raise Malformed("schema.invalid", "a form has the files evidence and document")
        files[name].append(await value.read())
    if len(files["evidence"]) != 1 or len(files["evidence"][0]) > LONGEST_EVIDENCE:
        raise Malformed("schema.invalid", f"one evidence file of at most {LONGEST_EVIDENCE} bytes")
    documents = tuple(map(fingerprint, files["document"]))
    return Asked(evidence=files["evidence"][0], documents=documents)


def fingerprint(content: bytes) -> Fingerprint:
    """Return what a record says of a document, SM3 where this machine has it."""
    digest = sm3(content)
    return Fingerprint(
        sha256=sha256(content).hex(),
        size=len(content),
        sm3=None if digest is None else digest.hex(),
    )
