"""Texts of results in the caller's language."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from certledger.ledger.verification.status_reasons import StatusReason
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.regions import issuer_in_words
from certledger.verifier.verify.basis import in_chinese
from certledger.verifier.verify.codes import ADVICE, CODES, banner_of
from certledger.verifier.verify.verdict import Result
from certledger.verifier.vocabulary import Verdict

Language = Literal["zh", "en"]
DEFAULT: Language = "zh"


@lru_cache(maxsize=256)
def language_of(accepted: str) -> Language:
    """Return the language preferred by an Accept-Language header; Chinese by default."""
    best: tuple[float, Language] = (0.0, DEFAULT)
    for part in accepted.lower().split(","):
        tag, _, quality = part.strip().partition(";")
        weight = _quality(quality)
        for language in ("zh", "en"):
            if tag.partition("-")[0].strip() == language and weight > best[0]:
                best = (weight, "zh" if language == "zh" else "en")
    return best[1]


def _quality(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0


def words(
    result: Result, language: Language, reason: StatusReason | None = None
) -> dict[str, Json]:
    """Return the texts of a result: banner, issuer, checks, advice, basis, reason.

    The issuer has its code and region, since another one may have the same name.
    """
    codes = tuple(f.code for f in result.findings)
    common = _words(result.verdict, codes, result.basis, language)
    if reason is not None:
        chinese, english = reason.in_words()
        common = common | {"reason": chinese if language == "zh" else english}
    if (issuer := issuer_in_words(result.certificate)) is None:
        return common
    chinese, english = issuer
    return common | {"issuer": chinese if language == "zh" else english}


@lru_cache(maxsize=4_096)
def _words(
    verdict: Verdict, codes: tuple[str, ...], basis: str, language: Language
) -> dict[str, Json]:
    banner = banner_of(verdict, codes)
    advice = next((CODES[code].advice for code in codes if CODES[code].advice), None)
    document: dict[str, Json] = {
        "language": language,
        "mark": banner.mark,
        "banner": banner.zh if language == "zh" else banner.en,
        "checks": [
            {
                "number": number,
                "text": CODES[code].zh if language == "zh" else CODES[code].en,
            }
            for number, code in enumerate(codes, 1)
        ],
    }
    if basis:
        document["basis"] = in_chinese(basis) if language == "zh" else basis
    if advice is not None and verdict is not Verdict.VALID:
        english, chinese = ADVICE[advice]
        document["advice"] = chinese if language == "zh" else english
    return document
