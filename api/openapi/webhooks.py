"""Webhooks of the OpenAPI document: the messages sent to callers' servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from certledger.api.openapi.examples import EXAMPLES
from certledger.api.openapi.schema_parts import Schema, number, one, text
from certledger.api.openapi.schemas import HEX32, ISSUER, STATUSES, TIME
from certledger.ledger.core.service_values import BATCH_FINAL, BATCH_REORGANISED, STATUS_CHANGED
from certledger.ledger.webhooks.delivery import SECONDS

_HEADERS = {
    "webhook-id": "The message's id, the same each time it is tried.",
    "webhook-timestamp": "When it was sent, in seconds since 1970.",
    "webhook-signature": "Its HMAC-SHA256 under the hook's secret, as Standard Webhooks has it.",
}
_DESCRIPTION = f"""Sent to each hook of that kind, as Standard Webhooks has it, at least once.

Whatever 2xx is answered within {SECONDS:g} seconds counts as received; all else is tried again.
"""


def _message(kind: str, what: str, data: Mapping[str, Schema]) -> Schema:
    return one(
        what,
        {
            "type": {"type": "string", "const": kind},
            "timestamp": TIME,
            "data": one("What it is about.", data),
        },
    )


_BATCH: Mapping[str, Schema] = {
    "issuer": ISSUER,
    "sequence": number(1),
    "digest": HEX32,
    "root": HEX32,
    "certificates": number(1, 65_536),
    "block": number(),
}
WEBHOOKS: Mapping[str, tuple[str, str, Schema]] = {
    BATCH_FINAL: (
        "batchFinal",
        "A batch of the caller's is final",
        _message(BATCH_FINAL, "A batch that was handed in is anchored in a final block.", _BATCH),
    ),
    BATCH_REORGANISED: (
        "batchReorganised",
        "A final batch of the caller's is no longer on the chain",
        _message(
            BATCH_REORGANISED,
            "A reorganisation dropped a batch that was final. It waits to be anchored again.",
            _BATCH,
        ),
    ),
    STATUS_CHANGED: (
        "certificateStatus",
        "The status of a watched certificate has changed",
        _message(
            STATUS_CHANGED,
            "The status of a watched certificate at the newest checkpoint.",
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
            "2XX": {"description": "Received; the answer's body is not read."},
            "4XX": {"description": "Not received: tried again later, as any other answer."},
        },
    }
