"""The public page: verify a certificate by number and access code, file, picture or link."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.errors import RateLimitError
from certledger.api.guess_limit import find_leaves
from certledger.api.pages.certificate_lookup import (
    FoundCertificate,
    find_certificate,
    lookup_question,
)
from certledger.api.pages.page_route import FormExpiredError, read_form
from certledger.api.pages.renderer import render
from certledger.api.pages.words import page_language
from certledger.api.request.body import read_body
from certledger.api.responses import json_response
from certledger.api.service import Service, service_of
from certledger.api.translations import words
from certledger.ledger.verification.questions import VerifyRequest
from certledger.ledger.verification.status_reasons import find_reasons
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Members, from_hex, parse
from certledger.verifier.formats.record import lookup_digest
from certledger.verifier.verify.verdict import Result

_HEX = re.compile("[0-9a-f]{64}")
_FIELD = re.compile(r"field-(\d{1,2})")
MAX_LOOKUP_BYTES = 1_024
NOTHING_COMPARED = "content.nothing_compared"
FOREIGN = "disclosure.foreign"


async def show_public(request: Request, caller: Caller) -> Response:
    """Show the page, with nothing checked yet."""
    return await _page(request, {})


async def check_by_form(request: Request, caller: Caller) -> Response:
    """Check a certificate by the form, which works without scripts."""
    try:
        fields = await read_form(request)
    except FormExpiredError as error:
        return await _page(request, error.fields, trouble="expired")
    try:
        digest = lookup_digest(fields.get("number", ""), fields.get("access_code", ""))
    except MalformedError as error:
        trouble = "number_invalid" if error.code.startswith("number") else "code_invalid"
        return await _page(request, fields, trouble=trouble)
    try:
        (leaf,) = await find_leaves(request, [digest])
    except RateLimitError:
        return await _page(request, fields, trouble="guesses", status=429)
    if leaf is None:
        return await _page(request, fields, trouble="unknown", status=404)
    service = service_of(request)
    typed = {
        int(place[1]): value.strip()
        for name, value in fields.items()
        if (place := _FIELD.fullmatch(name)) and value.strip()
    }
    found = await service.pools.prove(
        request, find_certificate, service, digest, page_language(request)
    )
    try:
        question = lookup_question(fields["number"], fields["access_code"], found, typed)
    except MalformedError:
        return await _page(request, fields, trouble="field_invalid", found=found)
    return await _verdict(request, caller, question, fields, found)


async def _verdict(
    request: Request,
    caller: Caller,
    question: VerifyRequest,
    fields: Mapping[str, str],
    found: FoundCertificate | None,
) -> Response:
    service = service_of(request)
    tell = partial(
        service.verdicts.answer, [question], caller=caller.id, party=caller.party, audience=None
    )
    answer = await service.pools.prove(request, tell)
    verification = await service.keeper.keep(answer)
    result = answer.results[0]
    service.metrics.verdicts.labels(str(result.verdict)).inc()
    (reason,) = await service.pools.prove(request, find_reasons, service.ledger.store, [result])
    language = page_language(request)
    return await _page(
        request,
        fields,
        result=result,
        texts=words(result, language, reason),
        reference=verification.reference,
        found=found if comparison_of(result) else None,
        comparison=comparison_of(result),
    )


def comparison_of(result: Result) -> str:
    """Return `open` where only the paper is left to compare, `differs` where it does not fit.

    Empty where the result needs no comparison.
    """
    first = result.findings[0]
    if first.code == NOTHING_COMPARED and result.as_of is not None:
        return "open"
    return "differs" if FOREIGN in first.to_json()["detail"] else ""


async def _page(
    request: Request,
    fields: Mapping[str, str],
    *,
    status: int = 200,
    trouble: str = "",
    result: Result | None = None,
    texts: Mapping[str, object] | None = None,
    reference: str = "",
    found: FoundCertificate | None = None,
    comparison: str = "",
) -> Response:
    return await render(
        request,
        "v.html",
        status=status,
        scanning=True,
        fields=fields,
        trouble=trouble,
        result=None if result is None else result.to_json(),
        texts=texts,
        reference=reference,
        found=found,
        comparison=comparison,
    )


async def describe_certificate(request: Request, caller: Caller) -> Response:
    """Return what there is to compare of a certificate, to a script that has its lookup digest.

    Raises:
        RateLimitError: too many unknown digests.
    """
    read = Members(parse(await read_body(request), MAX_LOOKUP_BYTES), "lookup")
    digest = from_hex(read.text("digest", _HEX), 32)
    read.done()
    await find_leaves(request, [digest])
    service: Service = service_of(request)
    found = await service.pools.prove(
        request, find_certificate, service, digest, page_language(request)
    )
    return json_response({"certificate": None if found is None else found.to_json()})
