"""Component schemas of the reform's book and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from certledger.api.openapi.schema_parts import Schema, listed, number, one, ref, text
from certledger.ledger.reform.cases import CAUSES
from certledger.ledger.reform.scenarios import OBSTACLES
from certledger.verifier.reform.application import MAX_APPLICATION_EVIDENCE, LineOutcome
from certledger.verifier.reform.book import COLUMNS, ApplicantKind
from certledger.verifier.reform.exemptions import MAX_APPLICATION_ITEMS, Exemption, Reason
from certledger.verifier.reform.holders import HolderRelation
from certledger.verifier.reform.operator_record import DECIDED, RECORD_OUTCOMES

_HEX32 = text("^[0-9a-f]{64}$")
_DAY = text("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", format="date")
_TIME = text("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", format="date-time")
_CODE = text("^[A-Z0-9-]{4,24}$")
_REFERENCE = text("^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$")
_PERCENT = text(r"^[0-9]{1,3}\.[0-9]$")


def _words(of: type[StrEnum]) -> Schema:
    return {"type": "string", "enum": [str(word) for word in of]}


FAULT = one(
    "A fault or warning of an import and its place.",
    {
        "code": text(),
        "column": text(),
        "file": text(),
        "line": number(),
        "reason": text(),
    },
)
_RATES = ("exempt", "online", "city_wide", "unattended", "by_person")
_SHARES = ("items", "categories", "counters")


def _figures(share: str, *optional: str, **more: Schema) -> Schema:
    """Return the schema of figures whose shares are `share`."""
    rates = {name: ref("CoveragePart") for name in _RATES}
    waiting = ("median_to_final_seconds", "oldest_not_anchored_seconds")
    return one(
        "The reform's figures at an instant.",
        {
            **more,
            "at": _TIME,
            "book": _HEX32,
            "edition": number(1),
            **{name: ref(share) for name in _SHARES},
            "rates": one("Rates over all items and lines.", rates),
            "decisions": one("Decisions by outcome.", {name: number() for name in DECIDED}),
            "waiting": one("Times in seconds.", {name: number() for name in waiting}),
        },
        *optional,
    )


_LINE: Mapping[str, Schema] = {
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
}
_OVERRIDE = ("override_en", "override_zh")

CASE: Mapping[str, Schema] = {
    "block": number(),
    "cause": {"type": "string", "enum": list(CAUSES)},
    "item": _CODE,
    "leaf": _HEX32,
    "opened": _TIME,
    "reference": _REFERENCE,
}
"""Members of an open case."""

REFORM_SCHEMAS: Mapping[str, Schema] = {
    "Application": {
        **one(
            "An application: one of `bundle` and `items`, and the evidence shown for all of it.",
            {
                "bundle": _CODE,
                "items": listed(_CODE, MAX_APPLICATION_ITEMS, 1),
                "applicant": _words(ApplicantKind),
                "counter": text("^[A-Za-z0-9._-]{1,64}$"),
                "evidence": listed(ref("Question"), MAX_APPLICATION_EVIDENCE, 1),
            },
            "bundle",
            "items",
            "counter",
        ),
        "oneOf": [{"required": ["bundle"]}, {"required": ["items"]}],
    },
    "DecisionRequest": one(
        "An application for one item, to be decided; evidence as files or look-ups.",
        {
            "item": _CODE,
            "applicant": _words(ApplicantKind),
            "evidence": listed(ref("Question"), MAX_APPLICATION_EVIDENCE),
        },
    ),
    "DecisionAnswer": one(
        "A decision, its signed record, and the evidence that it rests on: keep all of it.",
        {
            "bundle": listed({"type": "object", "additionalProperties": True}),
            "decision": one(
                "The outcome and why.",
                {
                    "code": text(),
                    "outcome": {"type": "string", "enum": list(DECIDED)},
                    "words_en": text(),
                    "words_zh": text(),
                },
            ),
            "record": ref("OperatorRecord"),
            "reference": _REFERENCE,
        },
    ),
    "Case": one(
        "A decision that rested on a certificate which is no longer in force.",
        {
            **CASE,
            "closed": _TIME,
            "closed_by": text(),
            "reason": text(),
        },
        "closed",
        "closed_by",
        "reason",
    ),
    "CaseList": one("Supervision cases, the oldest first.", {"cases": listed(ref("Case"))}),
    "CaseClosing": one(
        "Which case of the decision is closed, why, and by whom.",
        {
            "leaf": _HEX32,
            "cause": {"type": "string", "enum": list(CAUSES)},
            "reason": text(longest=200),
            "by": text(longest=80),
        },
    ),
    "ApplicationLine": one(
        "A line, and the evidence (by its place) that meets it, or why none does.",
        {
            **_LINE,
            "age_seconds": number(),
            "code": text(),
            "evidence": number(),
            "holder": _words(HolderRelation),
            "outcome": _words(LineOutcome),
            "why_en": text(),
            "why_zh": text(),
        },
        *_OVERRIDE,
        "age_seconds",
        "evidence",
        "holder",
    ),
    "ApplicationAnswer": one(
        "What is met and what is not, with one receipt for all verdicts.",
        {
            "application": one(
                "Each line and the whole.",
                {
                    "applicant": _words(ApplicantKind),
                    "at": _TIME,
                    "book": _HEX32,
                    "code": text(),
                    "edition": number(1),
                    "holders": listed(_words(HolderRelation)),
                    "items": listed(_CODE),
                    "lines": listed(ref("ApplicationLine")),
                    "outcome": _words(LineOutcome),
                },
            ),
            "receipt": ref("VerificationReceipt"),
            "reference": _REFERENCE,
            "results": listed(ref("Result")),
        },
    ),
    "SampleRequest": one("How many decisions are drawn.", {"size": number(1)}),
    "Sample": one(
        "A sample of the decisions among the records `first` to `last`; `drawn` once its block is"
        " there.",
        {
            "created": _TIME,
            "drawn": {"type": "boolean"},
            "first": number(1),
            "last": number(1),
            "reference": _REFERENCE,
        },
    ),
    "SampleList": one("Samples, the newest first.", {"samples": listed(ref("Sample"))}),
    "SampleFile": one(
        "What is published of a sample (SPEC section 27): anybody draws it again.",
        {
            "candidates": listed(_HEX32, least=1),
            "evidence": {"type": "object", "additionalProperties": True},
            "headers": listed(text("^[A-Za-z0-9_-]+$"), least=1),
            "record": ref("OperatorRecord"),
            "type": {"type": "string", "const": "certledger/sample-file/1"},
        },
    ),
    "Scenario": one(
        "A scenario in which one region verifies another's certificate, each step tried.",
        {
            "category": _CODE,
            "code": text(),
            "issuing_region": text("^[0-9]{6}$"),
            "item": _CODE,
            "name_en": text(),
            "name_zh": text(),
            "steps": listed(
                one(
                    "A step: what was found, or what stands in the way.",
                    {
                        "name": {"type": "string", "enum": list(OBSTACLES)},
                        "works": {"type": "boolean"},
                        "detail": text(),
                        "why_en": text(),
                        "why_zh": text(),
                    },
                    "detail",
                    "why_en",
                    "why_zh",
                )
            ),
            "verifying_region": text("^[0-9]{6}$"),
            "works": {"type": "boolean"},
        },
    ),
    "ScenarioList": one(
        "The scenarios of the edition that holds today.",
        {"edition": number(1), "scenarios": listed(ref("Scenario"))},
    ),
    "HotlineAnswer": one(
        "What stands behind a reference, in words; nothing personal.",
        {
            "advice": one("What to say.", {"en": text(), "zh": text()}),
            "anchored": {"type": "boolean"},
            "at": _TIME,
            "checks": listed(
                one("What did not pass, or decided.", {"code": text(), "en": text(), "zh": text()})
            ),
            "counter": one(
                "Who asked; the name where the book has it.",
                {"kind": text(), "code": text(), "en": text(), "zh": text()},
                "code",
                "en",
                "zh",
            ),
            "item": _CODE,
            "kind": {"type": "string", "enum": ["decision", "verification"]},
            "outcomes": listed(
                one(
                    "So many results of this verdict or outcome.",
                    {"count": number(1), "outcome": text(), "en": text(), "zh": text()},
                )
            ),
            "reference": _REFERENCE,
        },
        "item",
    ),
    "CoveragePart": one(
        "So many of so many.", {"part": number(), "percent": _PERCENT, "whole": number()}
    ),
    "CoverageGroup": one(
        "So many of a department, district, region or kind, and the codes of what is missing.",
        {
            "part": number(),
            "percent": _PERCENT,
            "whole": number(),
            "missing": listed(text()),
        },
    ),
    "CoverageShare": one(
        "A share, its parts by dimension, and the codes of what is missing.",
        {
            "part": number(),
            "percent": _PERCENT,
            "whole": number(),
            "by": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": ref("CoverageGroup"),
                },
            },
            "missing": listed(text()),
        },
    ),
    "Coverage": _figures("CoverageShare"),
    "CoverageDay": _figures("CoveragePart", day=_DAY),
    "CoverageDays": one("The figures of each day.", {"days": listed(ref("CoverageDay"))}),
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
    "BookImport": {
        **one(
            "An edition to import: CSV files by table, or a workbook with a worksheet a table.",
            {
                "files": one("Texts of CSV files.", {name: text() for name in COLUMNS}, *COLUMNS),
                "workbook": text("^[A-Za-z0-9_-]+$"),
                "from": _DAY,
                "region": text("^[0-9]{6}$"),
                "preview": {"type": "boolean"},
            },
            "files",
            "workbook",
            "from",
            "region",
            "preview",
        ),
        "oneOf": [{"required": ["files"]}, {"required": ["workbook"]}],
    },
    "BookImportAnswer": one(
        "What an import adds, changes and drops; of one that was not a preview, its edition.",
        {
            "changes": {
                "type": "object",
                "additionalProperties": one(
                    "Keys of rows.",
                    {name: listed(text()) for name in ("added", "changed", "dropped")},
                ),
            },
            "warnings": listed(FAULT),
            "book": _HEX32,
            "edition": number(1),
            "from": _DAY,
            "reference": _REFERENCE,
        },
        "book",
        "edition",
        "from",
        "reference",
    ),
    "ExemptLine": one(
        "One material, asked for once.",
        _LINE,
        *_OVERRIDE,
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
