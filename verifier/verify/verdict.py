"""Verdict and reasons from the codes of the ten checks (SPEC section 18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from certledger.verifier.formats.canonical_json import Json, format_time
from certledger.verifier.verify.codes import CODES
from certledger.verifier.vocabulary import CheckName, Outcome, Verdict

Codes = Mapping[CheckName, str]
"""The code of each of the ten checks."""

CHECKS = tuple(CheckName)
GENUINE = frozenset(CHECKS[:6])
"""The checks that must pass for a genuine certificate."""

FOR_EVER = frozenset({"status.revoked", "status.superseded", "status.body_struck"})
"""Codes that old evidence proves as well: the status is final."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Result of one check: a code of `verifier.verify.codes`, and optional detail."""

    check: CheckName
    code: str
    detail: str = ""

    @property
    def outcome(self) -> Outcome:
        """Pass, fail or unknown."""
        return CODES[self.code].outcome

    def to_json(self) -> Json:
        """Encode the finding as a member of a result."""
        return {
            "number": self.check.number,
            "name": str(self.check),
            "outcome": str(self.outcome),
            "code": self.code,
            "detail": self.detail or CODES[self.code].en,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """A verdict with its reasons.

    `as_of` (seconds since 1970) is None where nothing is known; `basis` names who vouches for the
    block, and is empty where it is untrusted.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    as_of: int | None = None
    basis: str = ""
    certificate: Mapping[str, Json] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    _canonical: bytes = field(default=b"", init=False, repr=False, compare=False)

    def to_json(self) -> Json:
        """Encode the result (SPEC section 18.4)."""
        return self._to_json([finding.to_json() for finding in self.findings])

    def canonical(self) -> bytes:
        """Return the canonical bytes of the result, encoded once."""
        if not self._canonical:
            # Most results share the codes of their checks with others, so the encoding is cached.
            value = self._to_json(orjson.Fragment(_spell_checks(self.findings)))
            spelled = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
            object.__setattr__(self, "_canonical", spelled)  # Derived from the fields.
        return self._canonical

    def _to_json(self, checks: Json) -> Json:
        value: dict[str, Json] = {
            "verdict": str(self.verdict),
            "checks": checks,
            "certificate": dict(self.certificate),
            "warnings": list(self.warnings),
        }
        if self.as_of is not None:
            value["as_of"] = format_time(self.as_of)
        if self.basis:
            value["basis"] = self.basis
        return value


@lru_cache(maxsize=4_096)
def _spell_checks(findings: tuple[Finding, ...]) -> bytes:
    return orjson.dumps([one.to_json() for one in findings], option=orjson.OPT_SORT_KEYS)


def unusable(rule: str) -> Result:
    """Return the verdict on unreadable evidence; `rule` is the code of the broken rule."""
    detail = f"{CODES['evidence.unusable'].en}: {rule}"
    findings = tuple(
        Finding(check=check, code="evidence.unusable", detail=detail) for check in CHECKS
    )
    return Result(verdict=Verdict.CANNOT_TELL, findings=findings)


def decide(codes: Codes, *, timely: bool) -> Verdict:
    """Decide the verdict (SPEC section 18.2); `timely`: T is not after now plus tolerance."""
    outcome = {check: CODES[code].outcome for check, code in codes.items() if code != "ok"}
    failed = {check for check, ended in outcome.items() if ended is Outcome.FAIL}
    passed = set(CHECKS) - outcome.keys()
    if failed & {CheckName.CONTENT, CheckName.INCLUSION}:
        return Verdict.NOT_GENUINE
    if CheckName.BLOCK in passed and failed & GENUINE:
        return Verdict.NOT_GENUINE
    if not passed >= GENUINE:
        return Verdict.CANNOT_TELL
    if codes[CheckName.STATUS] in FOR_EVER:
        return Verdict.NOT_IN_FORCE
    if CheckName.DATES in failed and timely:
        return Verdict.NOT_IN_FORCE
    if CheckName.STATUS in failed and CheckName.FRESHNESS in passed:
        return Verdict.NOT_IN_FORCE
    return Verdict.VALID if len(passed) == len(CHECKS) else Verdict.CANNOT_TELL


@lru_cache(maxsize=1024)
def judged(codes: tuple[str, ...], *, timely: bool) -> tuple[Verdict, tuple[Finding, ...]]:
    """Return verdict and findings for the codes of the ten checks in order."""
    named = dict(zip(CHECKS, codes, strict=True))
    findings = tuple(Finding(check=check, code=code) for check, code in named.items())
    return decide(named, timely=timely), findings
