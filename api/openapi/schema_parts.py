"""Builders of JSON schemas for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]


def text(pattern: str | None = None, longest: int | None = None, **more: Any) -> Schema:
    """Return the schema of a string."""
    found: Schema = {"type": "string", **more}
    if pattern is not None:
        found["pattern"] = pattern
    if longest is not None:
        found |= {"minLength": 1, "maxLength": longest}
    return found


def number(least: int = 0, most: int = 2**53 - 1, **more: Any) -> Schema:
    """Return the schema of an integer."""
    return {"type": "integer", "minimum": least, "maximum": most, **more}


def listed(of: Schema, most: int | None = None, least: int = 0) -> Schema:
    """Return the schema of an array."""
    found: Schema = {"type": "array", "items": of}
    if least:
        found["minItems"] = least
    return found if most is None else found | {"maxItems": most}


def one(what: str, members: Mapping[str, Schema], *optional: str, open_: bool = False) -> Schema:
    """Return the schema of an object; members are required except `optional` ones."""
    return {
        "type": "object",
        "description": what,
        "properties": dict(members),
        "required": [name for name in members if name not in optional],
        "additionalProperties": open_,
    }


def ref(name: str) -> Schema:
    """Return a reference to a component schema."""
    return {"$ref": f"#/components/schemas/{name}"}
