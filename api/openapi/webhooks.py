"""Webhooks of the OpenAPI document: the messages sent to callers' servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from certledger.api.openapi.examples import EXAMPLES
from certledger.api.openapi.reform_schemas import CASE
from certledger.api.openapi.schema_parts import Schema, number, one, text
from certledger.api.openapi.schemas import HEX32, ISSUER, STATUSES, TIME
from certledger.ledger.core.service_values import (
    BATCH_FINAL,
    BATCH_REORGANISED,
    DECISION_CASE,
    STATUS_CHANGED,
)
from certledger.ledger.webhooks.delivery import SECONDS
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES

_HEADERS = {
    "webhook-id": "The message's id, the same in every attempt.",
    "webhook-timestamp": "Time of this attempt, in seconds since 1970.",
    "webhook-signature": "HMAC-SHA256 under the webhook's secret, as in Standard Webhooks.",
}
_DESCRIPTION = f"""Sent to each webhook of that kind, at least once, as in Standard Webhooks.

A 2xx response within {SECONDS:g} seconds counts as received; otherwise it is retried.
"""


def _message(kind: str, what: str, data: Mapping[str, Schema]) -> Schema:
    return one(
        what,
        {
            "type": {"type": "string", "const": kind},
            "timestamp": TIME,
            "data": one("Subject of the event.", data),
        },
    )


_BATCH: Mapping[str, Schema] = {
    "issuer": ISSUER,
    "sequence": number(1),
    "digest": HEX32,
    "root": HEX32,
    "certificates": number(1, MAX_BATCH_CERTIFICATES),
    "block": number(),
}
WEBHOOKS: Mapping[str, tuple[str, str, Schema]] = {
    BATCH_FINAL: (
        "batchFinal",
        "Batch is final",
        _message(BATCH_FINAL, "A batch of the caller is anchored in a final block.", _BATCH),
    ),
    BATCH_REORGANISED: (
        "batchReorganised",
        "Final batch was reorganised",
        _message(
            BATCH_REORGANISED,
            "A reorganisation dropped a final batch of the caller. It will be anchored again.",
            _BATCH,
        ),
    ),
    STATUS_CHANGED: (
        "certificateStatus",
        "Status of a watched certificate changed",
        _message(
            STATUS_CHANGED,
            "The new status of a watched certificate at the newest checkpoint.",
            {
                "issuer": ISSUER,
                "index": number(0, 2**32 - 1),
                "leaf": HEX32,
                "before": text(enum=STATUSES),
                "status": text(enum=STATUSES),
                "as_of": TIME,
                "block": number(),
            },
        ),
    ),
    DECISION_CASE: (
        "decisionCase",
        "Decision became a supervision case",
        _message(
            DECISION_CASE, "A decision rested on a certificate that is no longer in force.", CASE
        ),
    ),
}
"""Messages by kind: operation, summary, and schema."""


def webhooks_document(tag: str) -> dict[str, Any]:
    """Return the member `webhooks` of the document."""
    return {kind: {"post": _operation(kind, tag)} for kind in WEBHOOKS}


def webhook_schemas() -> dict[str, Any]:
    """Return the message schemas by name."""
    return {_schema(name): schema for name, _, schema in WEBHOOKS.values()}


def _schema(operation: str) -> str:
    return operation[0].upper() + operation[1:]


def _operation(kind: str, tag: str) -> dict[str, Any]:
    name, summary, _ = WEBHOOKS[kind]
    schema = _schema(name)
    return {
        "operationId": name,
        "summary": summary,
        "description": _DESCRIPTION,
        "tags": [tag],
        "security": [],
        "parameters": [
            {
                "name": header,
                "in": "header",
                "required": True,
                "description": what,
                "schema": {"type": "string"},
            }
            for header, what in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{schema}"},
                    "examples": dict(EXAMPLES[schema]),
                }
            },
        },
        "responses": {
            "2XX": {"description": "Received; the body is not read."},
            "4XX": {"description": "Not received; retried like any other response."},
        },
    }
