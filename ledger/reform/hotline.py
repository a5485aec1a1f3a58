"""What a hotline's agent reads out for a short reference: nothing in it is personal."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from certledger.ledger.core.service_values import Verification
from certledger.ledger.reform.bookshelf import BookAbsentError, Bookshelf
from certledger.verifier.formats.canonical_json import Json, format_time
from certledger.verifier.reform.application import words_of
from certledger.verifier.reform.book import Name
from certledger.verifier.reform.operator_record import DECIDED, GRANTED, PERSON, REFUSED
from certledger.verifier.verify.codes import ADVICE, BANNERS, CODES
from certledger.verifier.vocabulary import Advice, Verdict

OUTCOMES = {
    GRANTED: Name(zh="已自动通过", en="Granted without a person"),
    REFUSED: Name(zh="已自动不予通过", en="Refused without a person"),
    PERSON: Name(zh="转人工办理", en="Handed to a person"),
}
DECISION_ADVICE = {
    GRANTED: Name(zh="无需再做什么", en="Nothing more is needed"),
    REFUSED: Name(
        zh="可向受理窗口申请人工复核", en="Ask the counter that decided for a person's review"
    ),
    PERSON: Name(zh="请联系受理窗口", en="Ask the counter that took the application"),
}
ACCEPT = Name(zh="可以采信", en="It may be accepted")
_CONDITION = "rule.condition"


def describe_reference(found: Verification, shelf: Bookshelf) -> dict[str, Json]:
    """Return when, which counter, which verdicts and checks in words, and what to advise."""
    content = orjson.loads(found.receipt)["receipt"]
    value: dict[str, Json] = {
        "anchored": found.sequence is not None,
        "at": format_time(found.checked),
        "counter": _counter(found.party, shelf),
        "reference": found.reference,
    }
    if found.verdict in DECIDED:
        return value | _decision(content, shelf)
    codes = list(content["codes"])
    return value | {
        "kind": "verification",
        "checks": [_spell(code, Name(zh=CODES[code].zh, en=CODES[code].en)) for code in codes],
        "advice": _advice(codes),
        "outcomes": [
            {
                "count": count,
                "outcome": verdict,
                "en": BANNERS[Verdict(verdict)].en,
                "zh": BANNERS[Verdict(verdict)].zh,
            }
            for verdict, count in sorted(content["verdicts"].items())
        ],
    }


def _decision(content: dict[str, Json], shelf: Bookshelf) -> dict[str, Json]:
    details, outcome = content["details"], content["outcome"]
    code, words = details["code"], _condition(details, shelf)
    if words is None:
        rules = {"rule.absent", "rule.error", _CONDITION}
        words = Name(zh="按办理规则", en="By the rule of the item") if code in rules else None
    checks = [] if code == "ok" else [_spell(code, words or words_of(code))]
    advice, result = DECISION_ADVICE[outcome], OUTCOMES[outcome]
    return {
        "kind": "decision",
        "item": details["item"],
        "checks": checks,
        "advice": {"en": advice.en, "zh": advice.zh},
        "outcomes": [{"count": 1, "outcome": outcome, "en": result.en, "zh": result.zh}],
    }


def _condition(details: dict[str, Json], shelf: Bookshelf) -> Name | None:
    """Return the words of the condition that decided, None where none did."""
    if details["code"] != _CONDITION:
        return None
    try:
        book = shelf.edition_named(bytes.fromhex(str(details["book"]))).book
        conditions = book.rules[str(details["item"])].conditions
        return conditions[int(details["condition"]) - 1].words
    except (BookAbsentError, LookupError):
        return None


def _spell(code: str, words: Name) -> Json:
    return {"code": code, "en": words.en, "zh": words.zh}


def _advice(codes: Sequence[str]) -> Json:
    """Return the strictest advice of some codes."""
    given = {CODES[code].advice for code in codes}
    for advice in (Advice.REFUSE, Advice.ASK_HOLDER, Advice.RETRY):
        if advice in given:
            en, zh = ADVICE[advice]
            return {"en": en, "zh": zh}
    return {"en": ACCEPT.en, "zh": ACCEPT.zh}


def _counter(party: str, shelf: Bookshelf) -> Json:
    """Return the counter behind a party, with its name where today's book has it."""
    kind, _, code = party.partition(":")
    if kind != "counter":
        return {"kind": kind}
    code = code.rpartition(":")[2]
    try:
        found = shelf.current().book.counters.get(code)
    except BookAbsentError:
        found = None
    value: dict[str, Json] = {"kind": kind, "code": code}
    return value if found is None else value | {"en": found.name.en, "zh": found.name.zh}
