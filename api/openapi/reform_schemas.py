"""Component schemas of the reform's book and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping

from certledger.api.openapi.schema_parts import Schema, listed, number, one, ref, text
from certledger.verifier.reform.book import COLUMNS, ApplicantKind
from certledger.verifier.reform.exemptions import Exemption, Reason
from certledger.verifier.reform.operator_record import RECORD_OUTCOMES

_HEX32 = text("^[0-9a-f]{64}$")
_DAY = text("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", format="date")
_TIME = text("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", format="date-time")
_CODE = text("^[A-Z0-9-]{4,24}$")
_REFERENCE = text("^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$")
_PERCENT = text(r"^[0-9]{1,3}\.[0-9]$")


def _words(of: type[Exemption] | type[Reason] | type[ApplicantKind]) -> Schema:
    return {"type": "string", "enum": [str(word) for word in of]}


REFORM_SCHEMAS: Mapping[str, Schema] = {
    "OperatorRecord": one(
        "A record that the operator signed (SPEC section 23); `details` differ by type.",
        {
            "receipt": one(
                "What is signed.",
                {
                    "caller": text(longest=80),
                    "checked": _TIME,
                    "details": {"type": "object", "additionalProperties": True},
                    "leaves": _HEX32,
                    "ledger": _HEX32,
                    "number": number(1),
                    "operator": text("^[0-9a-f]{40}$"),
                    "outcome": {"type": "string", "enum": list(RECORD_OUTCOMES)},
                    "previous": _HEX32,
                    "reference": _REFERENCE,
                    "type": text(longest=64),
                },
            ),
            "signature": text("^[A-Za-z0-9_-]+$", longest=100),
        },
    ),
    "OperatorRecordAnswer": one(
        "A record; `batch` is that of the operator's which anchors it, once it is sealed.",
        {
            "outcome": {"type": "string", "enum": list(RECORD_OUTCOMES)},
            "record": ref("OperatorRecord"),
            "reference": _REFERENCE,
            "batch": number(1),
        },
        "batch",
    ),
    "Book": one(
        "An edition of the book: the first day it holds, the digest that names it.",
        {
            "book": _HEX32,
            "edition": number(1),
            "from": _DAY,
            "reference": _REFERENCE,
            "region": text("^[0-9]{6}$"),
            "rows": one("Rows of each table.", {name: number() for name in COLUMNS}),
        },
    ),
    "BookEdition": one(
        "The canonical file of an edition (SPEC section 22).",
        {
            "type": {"type": "string", "const": "certledger/book/1"},
            "number": number(1),
            "from": _DAY,
            "region": text("^[0-9]{6}$"),
            "previous": _HEX32,
            "tables": one(
                "Rows of text cells by table.",
                {name: listed(listed(text(), len(of), len(of))) for name, of in COLUMNS.items()},
            ),
        },
    ),
    "ExemptLine": one(
        "One material, asked for once.",
        {
            "asked_by": listed(one("A line of an item.", {"item": _CODE, "line": number(1)})),
            "categories": listed(_CODE),
            "exemption": _words(Exemption),
            "name_en": text(),
            "name_zh": text(),
            "reason": _words(Reason),
            "required": {"type": "boolean"},
            "words_en": text(),
            "words_zh": text(),
            "override_en": text(),
            "override_zh": text(),
        },
        "override_en",
        "override_zh",
    ),
    "ExemptionList": one(
        "What an item or bundle asks of one kind of applicant.",
        {
            "applicant": _words(ApplicantKind),
            "book": _HEX32,
            "code": _CODE,
            "counts": one("Lines by answer.", {str(word): number() for word in Exemption}),
            "edition": number(1),
            "exempt_percent": _PERCENT,
            "items": listed(_CODE),
            "lines": listed(ref("ExemptLine")),
        },
    ),
}
