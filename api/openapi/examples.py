"""An example for each request body of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

_HASH = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"
_HEX = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
_SIGNATURE = "A" * 86 + "0"
_ISSUER = "11310000XX00000196"


def _example(summary: str, value: Any) -> dict[str, Any]:
    return {"typical": {"summary": summary, "value": value}}


_ACT = {
    "type": "certledger/act/1",
    "ledger": _HEX,
    "act": "Status",
    "statement": {
        "issuer": _ISSUER,
        "epoch": 1,
        "words": [0],
        "masks": ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAM"],
        "status": 1,
        "reason": "R01",
        "not_after": 1_795_500_000,
    },
    "signatures": [_SIGNATURE],
}

_BATCH = {
    "issuer": _ISSUER,
    "sequence": 1,
    "previous": "A" * 43,
    "root": _HASH,
    "first": 0,
    "count": 1,
    "catalog": _HASH,
    "countersignature": "A" * 43,
    "not_after": 1_795_500_000,
}
_RECORD = {
    "type": "certledger/record/1",
    "issuer": _ISSUER,
    "index": 0,
    "id": _HASH,
    "edition": 0,
    "category": "ID-RESIDENT",
    "entry": 1,
    "holder": "natural",
    "issued": "2026-11-20",
    "bound": False,
    "digests": _HASH,
}
_FINAL_BATCH = {
    "issuer": _ISSUER,
    "sequence": 7,
    "digest": _HEX,
    "root": _HEX,
    "certificates": 500,
    "block": 8_211,
}
_EVIDENCE = {"type": "certledger/evidence/1", "record": _RECORD}


def _lines(*values: Any) -> str:
    return "".join(orjson.dumps(value).decode() + "\n" for value in values)


EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "Submission": _example(
        "One certificate",
        {
            "type": "certledger/submission/1",
            "statement": _BATCH,
            "signature": _SIGNATURE,
            "records": [_RECORD],
        },
    ),
    "SignedAct": _example("Revoke the first certificate", _ACT),
    "AnyAct": _example("Revoke the first certificate", _ACT),
    "CatalogSubmission": _example(
        "A catalog without entries",
        {"type": "certledger/catalog-submission/1", "act": _ACT, "entries": []},
    ),
    "SubmissionLines": _example(
        "The head on the first line, then a record a line",
        _lines(
            {
                "type": "certledger/submission/1",
                "statement": _BATCH,
                "signature": _SIGNATURE,
            },
            _RECORD,
        ),
    ),
    "EvidenceLines": _example("Two files, shortened here", _lines(_EVIDENCE, _EVIDENCE)),
    "Upload": _example(
        "An evidence file and the document that it is about",
        {"evidence": orjson.dumps(_EVIDENCE).decode(), "document": ["%PDF-1.7 ..."]},
    ),
    "BatchFinal": _example(
        "Batch 7 is final",
        {
            "type": "batch.final",
            "timestamp": "2026-11-20T08:00:00Z",
            "data": _FINAL_BATCH,
        },
    ),
    "BatchReorganised": _example(
        "Batch 7 was final in a block that was replaced",
        {
            "type": "batch.reorganised",
            "timestamp": "2026-11-20T08:10:00Z",
            "data": _FINAL_BATCH,
        },
    ),
    "CertificateStatus": _example(
        "A certificate was revoked",
        {
            "type": "certificate.status",
            "timestamp": "2026-11-20T08:00:00Z",
            "data": {
                "issuer": _ISSUER,
                "index": 41,
                "leaf": _HEX,
                "before": "valid",
                "status": "revoked",
                "as_of": "2026-11-20T07:59:30Z",
                "block": 8_211,
            },
        },
    ),
    "VerificationRequest": {
        "lookup": {
            "summary": "A document in the hand, its number and access code typed in",
            "value": {
                "lookup": {"digest": _HEX, "disclosures": []},
                "documents": [{"sha256": _HEX, "size": 48_213}],
            },
        },
        "code": {
            "summary": "A scanned code, at a counter",
            "value": {"code": "CL1:F.G5796F08NS2Q8B+HSJE+96", "nonce": "q7Rk2"},
        },
    },
    "Application": _example(
        "A company shows its licence for a bundle; shortened here",
        {
            "bundle": "ONE-RESTAURANT",
            "applicant": "company",
            "counter": "pudong-7",
            "evidence": [{"code": "CL1:F.G5796F08NS2Q8B+HSJE+96"}],
        },
    ),
    "DecisionRequest": _example(
        "Nothing shown: it goes to a person",
        {"item": "NOCRIME-APPLY", "applicant": "person", "evidence": []},
    ),
    "CaseClosing": _example(
        "The decision was looked at again",
        {
            "leaf": _HEX,
            "cause": "revoked",
            "reason": "The applicant handed in the new certificate",
            "by": "supervisor 12",
        },
    ),
    "BookImport": _example(
        "What would an import change?",
        {"workbook": "UEsDBA", "region": "310000", "preview": True},
    ),
    "SampleRequest": _example("Twenty decisions are drawn", {"size": 20}),
    "DecisionCase": _example(
        "A certificate was revoked after a decision rested on it",
        {
            "type": "decision.case",
            "timestamp": "2026-11-20T08:00:00Z",
            "data": {
                "block": 8211,
                "cause": "revoked",
                "item": "NOCRIME-APPLY",
                "leaf": _HEX,
                "opened": "2026-11-20T08:00:00Z",
                "reference": "7Q2M-9XKD-A0F3",
            },
        },
    ),
    "Lookup": _example("The digest of number and access code", {"digest": _HEX}),
    "RpcRequest": _example(
        "The newest block's number",
        {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []},
    ),
    "NewHook": _example(
        "Tell when batches are final",
        {"url": "https://body.example/certledger", "kinds": ["batch.final"]},
    ),
    "NewWatch": _example("By the leaf of a verdict", {"leaf": _HEX}),
    "NewApiKey": _example(
        "A counter's key for a year",
        {"name": "Pudong counter 7", "role": "counter", "counter": "pudong-7", "days": 365},
    ),
}
