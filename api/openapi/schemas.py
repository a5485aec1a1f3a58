"""Component schemas of the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from certledger.api.openapi.examples import EXAMPLES
from certledger.api.openapi.reform_schemas import FAULT, REFORM_SCHEMAS
from certledger.api.openapi.schema_parts import Schema, listed, number, one, ref, text
from certledger.ledger.core.service_values import EVENT_KINDS, Role
from certledger.ledger.verification.questions import MAX_DOCUMENTS, MAX_QUESTIONS
from certledger.verifier.formats.issuer_state import MAX_BATCH_CERTIFICATES
from certledger.verifier.verify.codes import CODES
from certledger.verifier.vocabulary import CheckName, Outcome, Status, Verdict

SUBMISSION, CATALOG_SUBMISSION = "Submission", "CatalogSubmission"
ACT, ANY_ACT = "SignedAct", "AnyAct"
VERIFICATION, LOOKUP, RPC = "VerificationRequest", "Lookup", "RpcRequest"
HOOK, WATCH, KEY = "NewHook", "NewWatch", "NewApiKey"


HEX32 = text("^[0-9a-f]{64}$")
TIME = text("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", format="date-time")
ISSUER = text("^[0-9A-Z]{18}$")
ANYTHING: Schema = {"type": "object", "additionalProperties": True}
SIGNED = text("^[A-Za-z0-9_-]+$", longest=100)
REFERENCE = text("^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$")
PREFIX = text("^clk_[0-9A-Z]{8}$")
VERDICT = {"type": "string", "enum": [str(verdict) for verdict in Verdict]}
STATUSES = [str(status) for status in Status]

SCHEMAS: Mapping[str, Schema] = {
    **REFORM_SCHEMAS,
    "Problem": one(
        "An error (RFC 9457); `code` is stable and the same as the command line's.",
        {
            "type": text(),
            "title": text(),
            "status": number(400, 599),
            "code": text(),
            "detail": text(),
            "faults": listed(FAULT),
            "instance": text(),
        },
        "faults",
        "instance",
    ),
    SUBMISSION: one(
        "A signed batch and its records, in order (SPEC section 20).",
        {
            "type": {"type": "string", "const": "certledger/submission/1"},
            "statement": ANYTHING,
            "signature": SIGNED,
            "records": listed(ANYTHING, MAX_BATCH_CERTIFICATES, 1),
        },
    ),
    ACT: one(
        "A statement with its signatures (SPEC section 7).",
        {
            "type": {"type": "string", "const": "certledger/act/1"},
            "act": text(longest=32),
            "ledger": HEX32,
            "statement": ANYTHING,
            "signatures": listed(SIGNED, 128),
        },
    ),
    "Registration": one(
        "A registration with the issuer's name, of which only the digest is signed.",
        {
            "type": {"type": "string", "const": "certledger/registration/1"},
            "act": ref(ACT),
            "name": text(longest=128),
        },
    ),
    ANY_ACT: {
        "description": "A signed act, with the data of which the chain has only a hash.",
        "oneOf": [ref(ACT), ref("Registration"), ref(CATALOG_SUBMISSION)],
    },
    CATALOG_SUBMISSION: one(
        "A signed change of a catalog, with the entries under the signed root.",
        {
            "type": {"type": "string", "const": "certledger/catalog-submission/1"},
            "act": ref(ACT),
            "entries": listed(ANYTHING, 4_096),
        },
    ),
    "Receipt": one(
        "The operator's signed submission receipt (SPEC section 20).",
        {"receipt": ANYTHING, "signature": SIGNED},
    ),
    "Proposal": one(
        "An act with the signatures that it has; `missing` is empty once it is submitted.",
        {
            "digest": HEX32,
            "missing": listed(one("Who has yet to sign.", {"zh": text(), "en": text()})),
            "signed_by": listed(text("^0x[0-9a-f]{40}$")),
            "state": {"type": "string", "enum": ["waiting", "submitted"]},
            "receipt": ref("Receipt"),
        },
        "receipt",
    ),
    "Batch": one(
        "A submitted batch and its state.",
        {
            "issuer": ISSUER,
            "sequence": number(1),
            "digest": HEX32,
            "state": {
                "type": "string",
                "enum": ["accepted", "included", "final", "displaced", "expired", "rejected"],
            },
            "reason": {
                "type": "string",
                "maxLength": 64,
                "description": "The reason why it is deferred or rejected.",
            },
            "accepted": TIME,
            "not_after": TIME,
            "certificates": number(1, MAX_BATCH_CERTIFICATES),
            "receipt": ref("Receipt"),
            "block": number(),
            "transaction": HEX32,
        },
        "reason",
        "block",
        "transaction",
    ),
    "Head": one(
        "An issuer's counters after all pending acts.",
        {
            "issuer": ISSUER,
            "batches": number(),
            "certificates": number(),
            "last": HEX32,
            "catalog": HEX32,
            "catalog_version": number(),
            "epoch": number(),
            "revision": number(),
        },
    ),
    "Fingerprint": one(
        "The hashes of a document; `sm3` if the certificate has one.",
        {"sha256": HEX32, "size": number(), "sm3": HEX32},
        "sm3",
    ),
    LOOKUP: one(
        "SHA-256 of the number's disclosure, computed by the client.",
        {"digest": HEX32},
    ),
    "LookupAnswer": one(
        "`leaf` is zero if nothing was found.",
        {"digest": HEX32, "found": {"type": "boolean"}, "leaf": HEX32},
    ),
    "LookedUp": one(
        "A certificate by its lookup digest, with disclosures.",
        {
            "digest": HEX32,
            "disclosures": listed(text("^[A-Za-z0-9_-]+$", longest=8_192), 96),
            "digests": listed(HEX32, 96),
            "presentation": ANYTHING,
        },
        "disclosures",
        "digests",
        "presentation",
    ),
    "Question": one(
        "Exactly one of `evidence`, `code` and `lookup`.",
        {
            "evidence": ANYTHING,
            "code": text(longest=4_096),
            "lookup": ref("LookedUp"),
            "documents": listed(ref("Fingerprint"), MAX_DOCUMENTS),
            "nonce": text("^[A-Za-z0-9._-]{1,64}$"),
            "earlier": REFERENCE,
            "service_item": text("^[A-Z0-9-]{2,32}$"),
        },
        "evidence",
        "code",
        "lookup",
        "documents",
        "nonce",
        "earlier",
        "service_item",
    ),
    VERIFICATION: {
        "description": "One question, or a list of them.",
        "oneOf": [ref("Question"), listed(ref("Question"), MAX_QUESTIONS, 1)],
    },
    "Check": one(
        "Result of one of the ten checks.",
        {
            "number": number(1, 10),
            "name": {"type": "string", "enum": [str(name) for name in CheckName]},
            "outcome": {"type": "string", "enum": [str(outcome) for outcome in Outcome]},
            "code": {"type": "string", "enum": list(CODES)},
            "detail": text(),
        },
    ),
    "Result": one(
        "A verdict with its reasons (SPEC section 18.4), in reproducible bytes.",
        {
            "verdict": VERDICT,
            "checks": listed(ref("Check"), 10, 10),
            "certificate": ref("Certificate"),
            "warnings": listed(text()),
            "as_of": TIME,
            "basis": text(),
        },
        "as_of",
        "basis",
    ),
    "Certificate": one(
        "Disclosed data of the certificate; empty if the file is unreadable.  Display `issuer` and "
        "its region (characters 3 and 4, GB/T 2260) with the name in `body`: two issuers may have "
        "one name, but never one code.",
        {"issuer": ISSUER, "body": text(longest=128)},
        "issuer",
        "body",
        open_=True,
    ),
    "Words": one(
        "The result in sentences for people.",
        {
            "language": {"type": "string", "enum": ["zh", "en"]},
            "mark": text(),
            "banner": text(),
            "issuer": text(description="Name, code and region; the name if checks 1 to 6 passed."),
            "checks": listed(one("One check.", {"number": number(1, 10), "text": text()}), 10, 10),
            "advice": text(),
            "basis": text(),
            "reason": text(
                description="When and why the issuer changed the status, by the ledger's newest"
                " statement; not a part of the signed result."
            ),
        },
        "issuer",
        "advice",
        "basis",
        "reason",
    ),
    "VerificationReceipt": one(
        "The operator's signed verification receipt; `certledger verify-receipt` checks it.",
        {"receipt": ANYTHING, "signature": SIGNED},
    ),
    "Answered": one(
        "The result of one question of a list.",
        {"result": ref("Result"), "words": ref("Words"), "wanted": {"type": "boolean"}},
        "wanted",
    ),
    "VerificationAnswer": one(
        "`result` and `words` for one question, `results` for a list.",
        {
            "reference": REFERENCE,
            "result": ref("Result"),
            "words": ref("Words"),
            "wanted": {"type": "boolean"},
            "results": listed(ref("Answered"), MAX_QUESTIONS, 1),
            "receipt": ref("VerificationReceipt"),
        },
        "result",
        "words",
        "wanted",
        "results",
    ),
    "Verification": one(
        "A verification with the leaves of its certificates; `batch` once the receipt is in a batch"
        " of the operator.",
        {
            "reference": REFERENCE,
            "checked": TIME,
            "verdict": text(),
            "receipt": ref("VerificationReceipt"),
            "leaves": listed(HEX32),
            "batch": number(1),
        },
        "batch",
    ),
    "VerificationList": one(
        "Verifications of a key, oldest first, and whether there are more.",
        {"verifications": listed(ref("Verification")), "more": {"type": "boolean"}},
    ),
    "Evidence": {**ANYTHING, "description": "An evidence file (SPEC section 16.1)."},
    "Issuer": one(
        "The state of an issuer on the chain.",
        {
            "issuer": ISSUER,
            "name": text(),
            "kind": text(),
            "region": number(0, 99),
            "standing": text(),
            "since": number(),
            "held": {"type": "boolean"},
            "batches": number(),
            "certificates": number(),
            "epoch": number(),
            "catalog": HEX32,
            "catalog_version": number(),
            "keys": listed(
                one(
                    "A key: address, purposes, and blocks of validity.",
                    {
                        "address": text("^0x[0-9a-f]{40}$"),
                        "purposes": listed(text()),
                        "start": number(),
                        "end": number(),
                    },
                    "end",
                ),
                16,
            ),
        },
    ),
    "IssuerList": one(
        "All issuers by code, as of the block `checkpoint`.",
        {"checkpoint": number(), "issuers": listed(ref("Issuer"))},
    ),
    "Catalog": one(
        "The entries of a catalog, in order.", {"root": HEX32, "entries": listed(ANYTHING)}
    ),
    "Checkpoint": one(
        "A final block, its note, and the proof of the contract's account.",
        {
            "number": number(),
            "hash": HEX32,
            "state_root": HEX32,
            "time": TIME,
            "note": text(),
            "account": listed(text("^[A-Za-z0-9_-]*$")),
        },
    ),
    "Policy": {**ANYTHING, "description": "A signed trust policy (SPEC section 15)."},
    "StatusList": {**ANYTHING, "description": "An issuer's statuses, in the requested form."},
    HOOK: one(
        "The address of a webhook and its kinds of events.",
        {
            "url": text("^https?://", longest=2_048),
            "kinds": listed(text(enum=list(EVENT_KINDS)), len(EVENT_KINDS), 1),
        },
    ),
    "Hook": one(
        "A webhook; `secret` is returned only at creation.",
        {
            "id": text(),
            "url": text(),
            "kinds": listed(text()),
            "created": TIME,
            "secret": text(),
        },
        "secret",
    ),
    "HookList": one("The caller's webhooks.", {"hooks": listed(ref("Hook"))}),
    WATCH: one("The leaf of a certificate to watch.", {"leaf": HEX32}),
    "Watch": one(
        "A watched certificate, and its last reported status.",
        {
            "leaf": HEX32,
            "issuer": ISSUER,
            "index": number(),
            "status": text(),
            "created": TIME,
        },
    ),
    "WatchList": one("The caller's watches.", {"watches": listed(ref("Watch"))}),
    "Event": one(
        "An event for the caller.",
        {
            "number": number(1),
            "kind": text(),
            "created": TIME,
            "data": ANYTHING,
        },
    ),
    "EventList": one(
        "Events with a number above `after`, ascending.",
        {"events": listed(ref("Event")), "next": number()},
    ),
    "Delivery": one(
        "A failing delivery: retried at `due`, or given up.",
        {
            "event": ref("Event"),
            "hook": text(),
            "state": {"type": "string", "enum": ["waiting", "failed"]},
            "tries": number(),
            "fault": text(),
            "due": TIME,
        },
        "due",
    ),
    "DeliveryList": one(
        "Failing deliveries, newest first.", {"deliveries": listed(ref("Delivery"))}
    ),
    KEY: one(
        "A new key; `issuer` for an issuer's, `counter` for a counter's.",
        {
            "name": text(longest=128),
            "role": {"type": "string", "enum": [str(r) for r in Role if r is not Role.PUBLIC]},
            "issuer": ISSUER,
            "counter": text("^[A-Za-z0-9._-]{1,64}$"),
            "region": number(0, 99),
            "scopes": listed(text(longest=40), 40),
            "days": number(1, 3_650),
        },
        "issuer",
        "counter",
        "region",
        "scopes",
        "days",
    ),
    "ApiKey": one(
        "A key; `key`, its whole text, is returned only at creation.",
        {
            "prefix": PREFIX,
            "name": text(),
            "role": text(),
            "issuer": ISSUER,
            "counter": text(),
            "region": number(0, 99),
            "scopes": listed(text()),
            "created": TIME,
            "expires": TIME,
            "revoked": TIME,
            "key": text(),
        },
        "issuer",
        "counter",
        "region",
        "expires",
        "revoked",
        "key",
    ),
    "ApiKeyList": one("All keys, oldest first.", {"keys": listed(ref("ApiKey"))}),
    RPC: {
        "description": "A JSON-RPC 2.0 call, or a batch of calls.",
        "oneOf": [ANYTHING, listed(ANYTHING, 100, 1)],
    },
    "RpcAnswer": {
        "description": "A JSON-RPC 2.0 response, or a batch of responses.",
        "oneOf": [ANYTHING, listed(ANYTHING)],
    },
    "Alive": one("The process is running.", {"alive": {"type": "boolean"}}),
    "Readiness": one(
        "Whether the service is ready, the codes of its faults, and which parts work.",
        {
            "ready": {"type": "boolean"},
            "faults": listed(text()),
            "parts": {"type": "object", "additionalProperties": {"type": "boolean"}},
            "missing": listed({"$ref": "#/components/schemas/Missing"}),
        },
    ),
    "Missing": one(
        "A name, catalog or batch of records of which only the hash is stored: submit it again.",
        {
            "kind": {"type": "string", "enum": ["name", "catalog", "records"]},
            "issuer": text(),
            "digest": text(),
            "sequence": {"type": "integer"},
        },
        "sequence",
    ),
}


def content(name: str, *, lines: str | None = None) -> dict[str, Any]:
    """Return the content of a JSON request body, with its example.

    `lines` names the example of the JSON Lines form, if there is one.
    """
    found: dict[str, Any] = {
        "application/json": {"schema": ref(name), "examples": dict(EXAMPLES[name])}
    }
    return found if lines is None else found | bytes_content("application/jsonl", lines)


def bytes_content(
    media: str, example: str, schema: Schema | None = None
) -> dict[str, dict[str, Any]]:
    """Return the content of a request body that is not JSON, with its example."""
    of = {"type": "string", "format": "binary"} if schema is None else schema
    return {media: {"schema": of, "examples": dict(EXAMPLES[example])}}
