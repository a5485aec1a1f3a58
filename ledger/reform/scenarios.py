"""Run the scenarios in which one region verifies another's certificate: each step is tried."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from certledger.ledger.core.values import IssuerRow
from certledger.ledger.publish.evidence import EvidenceMaker
from certledger.ledger.reform.certificate_search import CategoryMemory, CertificateSearch
from certledger.ledger.store.unit_of_work import Store, Unit
from certledger.ledger.verification.questions import Lookup
from certledger.ledger.verification.verdicts import showing
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.policy import TrustPolicy
from certledger.verifier.formats.record import Record
from certledger.verifier.reform.book import Book, CrossRegionScenario, Name
from certledger.verifier.verify.checks import today
from certledger.verifier.verify.codes import CODES
from certledger.verifier.verify.full import Question, verify
from certledger.verifier.verify.trust_sources import Judge
from certledger.verifier.vocabulary import Standing, Verdict

OBSTACLES = {
    "issuer": Name(
        zh="签发地区没有登记且有效的发证机构", en="no active issuer of the region is registered"
    ),
    "catalog": Name(
        zh="该地区没有机构的目录包含该类证照", en="no issuer of the region has it in its catalog"
    ),
    "item": Name(zh="办事事项的材料清单未列该类证照", en="no material line of the item accepts it"),
    "witnesses": Name(zh="见证机构未联署最新区块", en="too few witnesses cosign the newest block"),
    "policy": Name(zh="核验方没有有效的信任策略", en="there is no trust policy in force"),
    "certificate": Name(
        zh="没有可核验的有效证照", en="no certificate in force was found to be verified"
    ),
}
"""What stands in the way where a step fails, in the order in which they are tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScenarioStep:
    """One step: what was found, or what stands in the way in words."""

    name: str
    works: bool
    detail: str = ""

    def to_json(self) -> dict[str, Json]:
        """Return the step as JSON."""
        value: dict[str, Json] = {"name": self.name, "works": self.works}
        if self.detail:
            value["detail"] = self.detail
        if not self.works:
            value |= {"why_en": OBSTACLES[self.name].en, "why_zh": OBSTACLES[self.name].zh}
        return value


@dataclass(frozen=True, kw_only=True, slots=True)
class ScenarioRun:
    """A scenario with the steps that were tried."""

    scenario: CrossRegionScenario
    steps: Sequence[ScenarioStep]

    @property
    def works(self) -> bool:
        """Whether every step does."""
        return all(step.works for step in self.steps)

    def to_json(self) -> dict[str, Json]:
        """Return the run as JSON."""
        one = self.scenario
        return {
            "category": one.category,
            "code": one.code,
            "issuing_region": one.issuing_region,
            "item": one.item,
            "name_en": one.name.en,
            "name_zh": one.name.zh,
            "steps": [step.to_json() for step in self.steps],
            "verifying_region": one.verifying_region,
            "works": self.works,
        }


@dataclass(kw_only=True)
class ScenarioRunner:
    """Runs scenarios on a ledger by the policy of who verifies; `making` guards `maker`.

    `policy` is None where there is none; `judge` is that of the policy.
    """

    store: Store
    maker: EvidenceMaker
    making: threading.Lock
    identity: bytes
    policy: TrustPolicy | None
    judge: Judge | None
    clock: Callable[[], float]
    memory: CategoryMemory = field(default_factory=CategoryMemory)

    def run(self, book: Book) -> Sequence[ScenarioRun]:
        """Return each scenario of a book with its steps."""
        with self.store.begin(write=False) as unit:
            issuers = [one for one in unit.issuers() if one.state.standing is Standing.ACTIVE]
            witnessed, detail = self._witnessed(unit)
            day = today(int(self.clock())).isoformat()
            search = CertificateSearch(unit=unit, memory=self.memory, day=day)
            shared = [
                ScenarioStep(name="witnesses", works=witnessed, detail=detail),
                ScenarioStep(name="policy", works=self._in_force()),
            ]
            return [
                ScenarioRun(scenario=one, steps=self._steps(search, book, one, issuers, shared))
                for one in book.scenarios.values()
            ]

    def _steps(
        self,
        search: CertificateSearch,
        book: Book,
        scenario: CrossRegionScenario,
        issuers: Sequence[IssuerRow],
        shared: Sequence[ScenarioStep],
    ) -> Sequence[ScenarioStep]:
        province = int(scenario.issuing_region[:2])
        local = [one for one in issuers if one.state.region == province]
        able = [
            one
            for one in local
            if scenario.category in self.memory.of_catalog(search.unit, one.state.catalog)
        ]
        linked = [
            str(line.number)
            for line in book.lines.get(scenario.item, ())
            if scenario.category in line.categories
        ]
        steps = [
            ScenarioStep(name="issuer", works=bool(local), detail=f"{len(local)} active"),
            ScenarioStep(
                name="catalog", works=bool(able), detail=", ".join(one.state.name for one in able)
            ),
            ScenarioStep(name="item", works=bool(linked), detail=", ".join(linked)),
            *shared,
        ]
        return [*steps, self._certificate(search, scenario.category, able)]

    def _in_force(self) -> bool:
        policy, now = self.policy, int(self.clock())
        return (
            policy is not None
            and now < policy.ends
            and policy.for_ledger(self.identity) is not None
        )

    def _witnessed(self, unit: Unit) -> tuple[bool, str]:
        """Return whether the policy trusts the newest checkpoint, and on whom that rests."""
        stored, pin = unit.checkpoint(), None
        if self.policy is not None:
            pin = self.policy.for_ledger(self.identity)
        if stored is None or self.judge is None or pin is None:
            return False, ""
        found = self.judge(parse_note(stored.note), pin, None)
        return found.code == "ok", found.basis if found.code == "ok" else found.code

    def _certificate(
        self, search: CertificateSearch, category: str, issuers: Sequence[IssuerRow]
    ) -> ScenarioStep:
        """Verify the newest certificate in force that is found, by the policy."""
        detail = ""
        for issuer in issuers:
            for record in search.newest(issuer, category):
                detail = self._verify(record)
                if not detail:
                    where = f"{record.issuer} {record.index}"
                    return ScenarioStep(name="certificate", works=True, detail=where)
        return ScenarioStep(name="certificate", works=False, detail=detail)

    def _verify(self, record: Record) -> str:
        """Return why a certificate is not valid, empty where it is."""
        if self.policy is None or self.judge is None:
            return ""
        try:
            with self.making:
                evidence = self.maker.at(record.issuer, record.index)
        except CertledgerError as error:
            return str(error)
        # The fields are compared by digest, as a counter does that has only the paper.
        shown = showing(evidence, Lookup(digest=record.digests[0], digests=record.digests))
        question = Question(policy=self.policy, judge=self.judge, now=int(self.clock()))
        result = verify(shown, question)
        if result.verdict is Verdict.VALID:
            return ""
        return CODES[next(one.code for one in result.findings if one.code != "ok")].en
