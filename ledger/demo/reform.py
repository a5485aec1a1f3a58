"""The demo's office: applications and decisions at counters, cases, and the three figures."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from certledger.ledger.core.book_values import SupervisionCase
from certledger.ledger.demo.reform_certificates import Applicants
from certledger.ledger.demo.reform_scenario import (
    APPLICATIONS,
    DECISIONS,
    OVERTAKEN,
    DemoApplication,
)
from certledger.ledger.node import Ledger
from certledger.ledger.publish.snapshots import SnapshotMaker
from certledger.ledger.reform.bookshelf import Bookshelf
from certledger.ledger.reform.cases import CaseFinder, case_to_json
from certledger.ledger.reform.coverage import Coverage
from certledger.ledger.reform.decisions import DecisionMaker, DecisionRequest
from certledger.ledger.reform.figures import Figures
from certledger.ledger.reform.samples import (
    Sampler,
    create_sample,
    drawn_references,
    published_file,
)
from certledger.ledger.reform.scenarios import ScenarioRun, ScenarioRunner
from certledger.ledger.verification.mirror_node import MirrorNode
from certledger.ledger.verification.questions import VerifyRequest
from certledger.ledger.verification.receipt_writer import write_receipts
from certledger.ledger.verification.verdicts import Verdicts
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.record import Disclosure
from certledger.verifier.formats.signed_policy import SignedPolicy
from certledger.verifier.reform.application import (
    ApplicationAnswer,
    ShownCertificate,
    answer_application,
)
from certledger.verifier.reform.book_edition import BookEdition
from certledger.verifier.reform.decision_replay import DecisionFile, replay
from certledger.verifier.reform.exemptions import exemptions
from certledger.verifier.reform.sample import SampleFile, check_sample
from certledger.verifier.vocabulary import Status

CALLER = "operator:demo"
MAX_CASES = 100
SAMPLE_SIZE = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoDecision:
    """What came of an application; `same` is whether a stranger's replay gives the same."""

    asked: DemoApplication
    outcome: str
    code: str
    words_en: str
    words_zh: str
    same: bool = True

    @property
    def holds(self) -> bool:
        """Whether it is what must come of it."""
        expected = self.asked.outcome, self.asked.code or self.code
        return self.same and (self.outcome, self.code) == expected

    def to_json(self) -> Json:
        """Return the entry in `demo.json`."""
        return {
            "asked": self.asked.asked,
            "code": self.code,
            "counter": self.asked.counter,
            "holds": self.holds,
            "name": self.asked.name,
            "outcome": self.outcome,
            "same": self.same,
        }


@dataclass(kw_only=True)
class DemoReform:
    """The counters of the demo, at one ledger; `folder` gets the answers that they keep.

    `disclosures` returns all of a certificate, by the stem of its files.
    """

    ledger: Ledger
    shelf: Bookshelf
    folder: Path
    policy: SignedPolicy
    applicants: Applicants
    disclosures: Callable[[str], Sequence[Disclosure]]
    _making: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        ledger, clock = self.ledger, self.ledger.clock
        node = MirrorNode(store=ledger.store, ledger=ledger.pin, behind=ledger.chain, clock=clock)
        self.verdicts = Verdicts(
            policy=self.policy.policy,
            identity=ledger.pin.identity,
            operator=ledger.operator.address,
            maker=ledger.maker,
            snapshots=SnapshotMaker(store=ledger.store, chain=ledger.chain, ledger=ledger.pin),
            node=node,
            clock=clock,
            making=self._making,
            snapping=threading.Lock(),
        )
        self.maker = DecisionMaker(
            store=ledger.store,
            maker=ledger.maker,
            making=self._making,
            identity=ledger.pin.identity,
            operator=ledger.operator,
        )
        self.folder.mkdir(parents=True, exist_ok=True)

    def decide(self, *, later: bool) -> None:
        """Make the decisions that are due and not there yet; each answer is written to a file."""
        edition = self.shelf.current()
        for asked in DECISIONS:
            path = self.folder / f"{asked.name}.json"
            if asked.later is later and not path.exists():
                request = DecisionRequest(
                    item=asked.asked,
                    applicant=asked.applicant,
                    evidence=tuple(
                        VerifyRequest(evidence=one.format()) for one in self._evidence(asked)
                    ),
                )
                question = self.verdicts.question()
                party = f"counter:{asked.counter}"
                answer = self.maker.decide(request, edition, question, caller=CALLER, party=party)
                write_atomically(path, answer.format(), private=True)

    def decisions(self) -> list[DemoDecision]:
        """Return what the files say, each made again from the file, the book and the policy."""
        return [self._replayed(asked) for asked in DECISIONS]

    def _replayed(self, asked: DemoApplication) -> DemoDecision:
        data = (self.folder / f"{asked.name}.json").read_bytes()
        stored, decision = DecisionFile.parse(data), orjson.loads(data)["decision"]
        edition = self.shelf.edition_named(bytes.fromhex(str(stored.record.details["book"])))
        found = replay(stored, edition, self.verdicts.question_at(stored.record.checked))
        return DemoDecision(
            asked=asked,
            outcome=stored.record.outcome,
            code=decision["code"],
            words_en=decision["words_en"],
            words_zh=decision["words_zh"],
            same=not found.differences,
        )

    def apply(self) -> list[DemoDecision]:
        """Return what comes of each application that a clerk decides; each leaves one receipt."""
        edition = self.shelf.current()
        return [self._application(asked, edition) for asked in APPLICATIONS]

    def _application(self, asked: DemoApplication, edition: BookEdition) -> DemoDecision:
        path = self.folder / f"application-{asked.name}.json"
        if not path.exists():
            answer = self._answer(asked, edition)
            write_atomically(path, orjson.dumps(answer.to_json()), private=True)
        found = orjson.loads(path.read_bytes())
        reason = next(
            one for one in found["lines"] if one["required"] and one["outcome"] == found["outcome"]
        )
        return DemoDecision(
            asked=asked,
            outcome=found["outcome"],
            code=reason["code"],
            words_en=reason["why_en"],
            words_zh=reason["why_zh"],
        )

    def _answer(self, asked: DemoApplication, edition: BookEdition) -> ApplicationAnswer:
        questions = [VerifyRequest(evidence=one.format()) for one in self._evidence(asked)]
        party = f"counter:{asked.counter}"
        answer = self.verdicts.answer(questions, caller=CALLER, party=party, audience=None)
        write_receipts(self.ledger.store, self.ledger.operator, [answer])
        wanted = exemptions(edition.book, asked.asked, asked.applicant)
        shown = [ShownCertificate.from_result(result) for result in answer.results]
        return answer_application(wanted, shown, answer.checked, os.urandom(32))

    def _evidence(self, asked: DemoApplication) -> list[Evidence]:
        """Return evidence of what an applicant shows, with just those fields."""
        places = {one.stem: (one.issuer, one.index) for one in self.applicants.certificates}
        found = []
        for name, fields in asked.shown.items():
            stem = self.applicants.stem(name)
            shown = [part for part in self.disclosures(stem) if part.name in fields]
            found.append(self.ledger.maker.at(*places[stem]).showing(shown))
        return found

    def open_sample(self) -> None:
        """Sign the list of all decisions, unless a sample is there."""
        with self.ledger.store.begin(write=False) as unit:
            if unit.samples(waiting=False):
                return
        create_sample(
            self.ledger.store,
            self.ledger.operator,
            identity=self.ledger.pin.identity,
            now=self.ledger.clock(),
            size=SAMPLE_SIZE,
            delay=1,
        )

    def draw_sample(self, file: Path) -> Sequence[str]:
        """Publish the sample once its block is there; return the references that were drawn."""
        ledger = self.ledger
        Sampler(
            store=ledger.store,
            chain=ledger.chain,
            maker=ledger.maker,
            making=self._making,
            identity=ledger.pin.identity,
            operator=ledger.operator,
            clock=ledger.clock,
        ).step()
        with ledger.store.begin(write=False) as unit:
            (sample,) = unit.samples(waiting=False)
        data = published_file(ledger.store, sample.reference)
        write_atomically(file, data)
        check_sample(SampleFile.parse(data), self.verdicts.question())
        return drawn_references(ledger.store, data)

    def scenarios(self) -> Sequence[ScenarioRun]:
        """Return each scenario of the book with what stands in its way."""
        question = self.verdicts.question()
        runner = ScenarioRunner(
            store=self.ledger.store,
            maker=self.ledger.maker,
            making=self._making,
            identity=self.ledger.pin.identity,
            policy=question.policy,
            judge=question.judge,
            clock=self.ledger.clock,
        )
        return runner.run(self.shelf.current().book)

    def cases(self) -> Sequence[SupervisionCase]:
        """Open the cases of the newest checkpoint, and return all that are open."""
        CaseFinder(store=self.ledger.store, clock=self.ledger.clock).step()
        with self.ledger.store.begin(write=False) as unit:
            return unit.cases(party=None, closed=False, limit=MAX_CASES)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReformReport:
    """What the demo shows of the reform."""

    edition: BookEdition
    applications: Sequence[DemoDecision]
    decisions: Sequence[DemoDecision]
    cases: Sequence[SupervisionCase]
    coverage: Coverage
    references: Mapping[str, str]
    sample: Sequence[str]
    scenarios: Sequence[ScenarioRun]

    @property
    def holds(self) -> bool:
        """Whether all came as it must, and the decision that was overtaken is a case."""
        wanted = self.references[OVERTAKEN], str(Status.REVOKED)
        overtaken = wanted in {(one.reference, one.cause) for one in self.cases}
        return overtaken and all(one.holds for one in (*self.applications, *self.decisions))

    def to_json(self) -> Json:
        """Return the part of `demo.json`."""
        shares = {name: one.total.to_json() for name, one in self.coverage.shares.items()}
        return {
            "applications": [one.to_json() for one in self.applications],
            "book": self.edition.digest.hex(),
            "cases": [case_to_json(one) for one in self.cases],
            "coverage": shares,
            "decisions": [one.to_json() for one in self.decisions],
            "edition": self.edition.number,
            "sample": list(self.sample),
            "scenarios": {one.scenario.code: one.works for one in self.scenarios},
        }


def report_reform(office: DemoReform, sample_file: Path) -> ReformReport:
    """Return the state of the office's applications, decisions, cases, sample and figures."""
    figures = Figures(store=office.ledger.store, shelf=office.shelf, clock=office.ledger.clock)
    edition, found = figures.compute()
    return ReformReport(
        edition=edition,
        applications=office.apply(),
        decisions=office.decisions(),
        cases=office.cases(),
        coverage=found,
        sample=office.draw_sample(sample_file),
        scenarios=office.scenarios(),
        references={
            asked.name: orjson.loads((office.folder / f"{asked.name}.json").read_bytes())[
                "reference"
            ]
            for asked in DECISIONS
        },
    )
