"""The webhooks of the OpenAPI document: what callers' own servers are sent."""

from __future__ import annotations

from typing import Any

from api.examples import EXAMPLES
from api.schemas import WEBHOOKS
from ledger.service.calling import SECONDS

_HEADERS = {
    "webhook-id": "The message's id, the same each time it is tried.",
    "webhook-timestamp": "When it was sent, in seconds since 1970.",
    "webhook-signature": "Its HMAC-SHA256 under the hook's secret, as Standard Webhooks has it.",
}
_DESCRIPTION = f"""Sent to each hook of that kind, as Standard Webhooks has it, at least once.

Whatever 2xx is answered within {SECONDS:g} seconds counts as received; all else is tried again.
"""


def webhooks_document(tag: str) -> dict[str, Any]:
    """Return the member `webhooks` of the document."""
    return {kind: {"post": _operation(kind, tag)} for kind in WEBHOOKS}


def webhook_schemas() -> dict[str, Any]:
    """Return the schemas of the messages by name."""
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
