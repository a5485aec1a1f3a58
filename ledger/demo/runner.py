"""The demo from an empty folder to verdicts; a run continues where the last one stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from certledger.ledger.audit.home import audit_home
from certledger.ledger.chain.deploy import load_deployment
from certledger.ledger.chain.failover import nodes_at
from certledger.ledger.demo.example_sheet import write_example
from certledger.ledger.demo.forgeries import Forgery, forgeries
from certledger.ledger.demo.funds import fund_operator
from certledger.ledger.demo.issuers import DemoCertificate, Office, issue_of, print_papers
from certledger.ledger.demo.operator import OPERATOR, anchor_receipts, register_operator
from certledger.ledger.demo.participants import Cast, first_policy, found_ledger, open_cast
from certledger.ledger.demo.reform import DemoReform, ReformReport, report_reform
from certledger.ledger.demo.reform_book import import_book
from certledger.ledger.demo.reform_certificates import Applicants, applicants
from certledger.ledger.demo.scenario import REASONS, Shares, expectation, fates, places, successors
from certledger.ledger.demo.tries import write_tries
from certledger.ledger.demo.witnesses import witnesses
from certledger.ledger.foundation.files import DOCUMENT
from certledger.ledger.foundation.operator import make_operator_part
from certledger.ledger.node import (
    POLICY,
    Ledger,
    adopt_policy,
    load_policy,
    open_ledger,
    operator_of,
)
from certledger.ledger.publish.checkpoints import Cadence, checkpoint
from certledger.ledger.publish.cosignatures import Collector
from certledger.ledger.reference_data import Domain, load_domain
from certledger.ledger.samples.generator import SampleCertificate, sample_certificates
from certledger.ledger.sealing.attachments import Papers
from certledger.ledger.sealing.issue import Issue
from certledger.ledger.settings import Settings
from certledger.verifier.audit.report import AuditReport as Audit
from certledger.verifier.audit.report import AuditVerdict
from certledger.verifier.cli.audit import PatientExecutor
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.holder_file import Holding
from certledger.verifier.formats.record import NUMBER, Disclosure
from certledger.verifier.formats.signed_policy import SignedPolicy
from certledger.verifier.formats.status_tree import CELLS, read_cell
from certledger.verifier.verify.checks import today
from certledger.verifier.verify.full import Question, verify_bytes
from certledger.verifier.verify.trust_sources import choose_judge
from certledger.verifier.verify.verdict import Result
from certledger.verifier.vocabulary import Outcome, Status, Verdict

MIN_CATEGORIES = 50
MAX_OVERTAKEN = 10
"""Checkpoints that witnesses may answer with a newer final block, on a chain that goes on."""
SEED = 20200224
SERVICE = "https://certledger.example"
LINKS = "http://127.0.0.1:8080"
"""Address in the links on documents: that of `certledger serve` where nothing else is set."""
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoVerdict:
    """An expected verdict, and the verifier's result."""

    file: str
    what: str
    expected: Verdict
    why: str
    result: Result

    @property
    def holds(self) -> bool:
        """Whether verdict and reason are the expected ones."""
        codes = {finding.code for finding in self.result.findings}
        return self.result.verdict is self.expected and (self.why == "ok" or self.why in codes)

    def to_json(self) -> Json:
        """Return the entry in `demo.json`."""
        bad = [f.code for f in self.result.findings if f.outcome is not Outcome.PASS]
        return {
            "file": self.file,
            "what": self.what,
            "expected": str(self.expected),
            "verdict": str(self.result.verdict),
            "codes": bad,
            "holds": self.holds,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoReport:
    """The demo's outcome."""

    home: Path
    ledger: Ledger
    offices: Sequence[Office]
    made: Sequence[DemoCertificate]
    verdicts: Sequence[DemoVerdict]
    audit: Audit
    reform: ReformReport
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether every expectation is met, and an audit finds nothing."""
        clean = self.audit.verdict is AuditVerdict.CLEAN
        return clean and self.reform.holds and all(one.holds for one in self.verdicts)


def run(settings: Settings, certificates: int, say: Say) -> DemoReport:
    """Run the demo in a home, or continue the one there; `say` gets a sentence for each step.

    Raises:
        FundsNeededError: the chain is not the embedded one, and the operator has no funds there.
        CertledgerError: the folder is another ledger's, or a step fails.
    """
    started, domain, home = time.monotonic(), load_domain(), settings.home
    cast = open_cast(home, certificates=certificates, today=today(int(time.time())))
    say("chain and contract")
    if settings.chain is not None and load_deployment(home) is None:
        fund_operator(nodes_at(settings.chain), operator_of(settings).address)
    with open_ledger(settings, registrars=cast.registrars()) as ledger:
        ledger.run_until_included()
        policy = _policy(ledger, cast, domain)
        samples, expired = _samples(domain, cast)
        made = fates(places(samples), Shares.of(cast.certificates), expired)
        people = applicants(domain, made, seed=SEED, today=cast.today)
        made = [*made, *people.certificates]
        offices = _offices(ledger, cast, made, say)
        register_operator(ledger, cast)
        made = [*made, *_issue(ledger, offices, made, home / "documents", say)]
        with witnesses(ledger, cast, policy.policy) as collector:
            reform = _supervise(ledger, cast, policy, collector, offices, made, people, say)
        evidence = _write_evidence(ledger, offices, made, home, say)
        write_example(home / "example", ledger.settings.home, made[0].sample)
        write_tries(home, made, expired)
        say("verdicts")
        verdicts = _verdicts(ledger, policy, evidence, expired, home)
    say("an auditor replays the chain")
    with PatientExecutor(1) as executor:
        audit = audit_home(home, executor, now=int(time.time()))
    return DemoReport(
        home=home,
        ledger=ledger,
        offices=list(offices.values()),
        made=made,
        verdicts=verdicts,
        audit=audit,
        reform=reform,
        seconds=time.monotonic() - started,
    )


def _policy(ledger: Ledger, cast: Cast, domain: Domain) -> SignedPolicy:
    home = ledger.settings.home
    current = load_policy(home)
    if current is None:
        operator = make_operator_part(
            ledger.operator,
            OPERATOR.name_zh,
            SERVICE,
            node=ledger.node,
            embedded=ledger.embedded is not None,
        )
        signed = found_ledger(cast, operator, domain, now=ledger.clock())
        write_atomically(home / DOCUMENT, signed.format())
        current = first_policy(cast, signed, ledger.deployment)
        write_atomically(home / POLICY, current.format())
        adopt_policy(home)
    return current


def _samples(domain: Domain, cast: Cast) -> tuple[list[SampleCertificate], frozenset[str]]:
    """Return the sample certificates, and the stems of those that have expired."""
    count = cast.certificates
    samples = sample_certificates(
        domain,
        seed=SEED,
        count=count,
        categories=min(MIN_CATEGORIES, count),
        today=cast.today,
        expired=Shares.of(count).expired,
    )
    stems = {one.stem: one.sample.expiry_date for one in places(samples)}
    gone = {stem for stem, day in stems.items() if day is not None and day < cast.today}
    return samples, frozenset(gone)


# Issuing ---------------------------------------------------------------------------------------


def _offices(
    ledger: Ledger, cast: Cast, made: Sequence[DemoCertificate], say: Say
) -> dict[str, Office]:
    by_issuer: dict[str, list[SampleCertificate]] = {}
    for one in made:
        by_issuer.setdefault(one.issuer, []).append(one.sample)
    offices = {
        issuer: Office(ledger, cast, samples[0].issuer, samples)
        for issuer, samples in by_issuer.items()
    }
    say(f"{len(offices)} issuers register and file their catalogs")
    for office in offices.values():
        if office.state() is None:
            office.register()
    ledger.run_until_included()
    for office in offices.values():
        state = office.state()
        if state is not None and state.catalog_version == 0:
            office.file_catalog()
    ledger.run_until_included()
    return offices


def _issue(
    ledger: Ledger,
    offices: dict[str, Office],
    made: Sequence[DemoCertificate],
    folder: Path,
    say: Say,
) -> list[DemoCertificate]:
    """Seal and submit first editions, then their successors; return the successors."""
    later = successors(made)
    for sequence, certificates in ((1, made), (2, later)):
        by_issuer: dict[str, list[DemoCertificate]] = {}
        for one in certificates:
            by_issuer.setdefault(one.issuer, []).append(one)
        say(f"{len(certificates)} certificates are printed, sealed and submitted")
        codes = {
            one.stem: code
            for issuer, mine in by_issuer.items()
            for one, code in zip(mine, _codes(offices[issuer], sequence, mine, made), strict=True)
        }
        print_papers(folder, certificates, codes, LINKS)
        papers = Papers(folder=folder)
        for issuer, mine in by_issuer.items():
            office = offices[issuer]
            state = office.state()
            if state is not None and state.batches < sequence:
                issues = _issues(office, mine, made, papers)
                office.hand_in(office.seal(sequence, mine, issues))
        ledger.run_until_included()
    return later


def _codes(
    office: Office, sequence: int, mine: Sequence[DemoCertificate], first: Sequence[DemoCertificate]
) -> list[str]:
    return office.codes(sequence, mine[0].index, _issues(office, mine, first, Papers()))


def _issues(
    office: Office,
    mine: Sequence[DemoCertificate],
    first: Sequence[DemoCertificate],
    papers: Papers,
) -> list[Issue]:
    """Return the certificates to seal; a second edition names the index of the first."""
    indexes = {(one.issuer, one.sample.number): one.index for one in first}
    issues = []
    for one in mine:
        issue = issue_of(one.sample, office.catalog, papers, one)
        if one.edition:
            issue = replace(issue, replaces=indexes[one.issuer, one.sample.number])
        issues.append(issue)
    return issues


def _supervise(
    ledger: Ledger,
    cast: Cast,
    policy: SignedPolicy,
    collector: Collector,
    offices: dict[str, Office],
    made: Sequence[DemoCertificate],
    people: Applicants,
    say: Say,
) -> ReformReport:
    """Decide applications, then revoke some certificates, and see which decisions are overtaken."""
    say("the reform's book is imported")
    home, named = ledger.settings.home, {one.stem: one for one in made}
    shelf, _ = import_book(ledger, cast, home / "book")
    say("witnesses execute the chain again and cosign")
    _fresh_checkpoint(ledger, collector)

    def disclosures(stem: str) -> Sequence[Disclosure]:
        one = named[stem]
        return Holding.parse(offices[one.issuer].holding(one, 1 + one.edition)).disclosures

    office = DemoReform(
        ledger=ledger,
        shelf=shelf,
        folder=home / "decisions",
        policy=policy,
        applicants=people,
        disclosures=disclosures,
    )
    say("counters decide applications")
    office.decide(later=False)
    _change_statuses(ledger, offices, made, say)
    _fresh_checkpoint(ledger, collector)
    office.decide(later=True)
    office.apply()
    office.open_sample()
    anchor_receipts(ledger)
    ledger.mine_heartbeat_block()
    _fresh_checkpoint(ledger, collector)
    return report_reform(office, home / "sample.json")


# Statuses, evidence, verdicts --------------------------------------------------------------------


def _change_statuses(
    ledger: Ledger, offices: dict[str, Office], made: Sequence[DemoCertificate], say: Say
) -> None:
    say("some are revoked, suspended or replaced")
    for status, reason in REASONS.items():
        for issuer, office in offices.items():
            with ledger.store.begin(write=False) as unit:
                words = unit.words(issuer)
            indexes = [
                one.index
                for one in made
                if one.issuer == issuer and one.status is status and not _is_set(words, one.index)
            ]
            if indexes:
                office.change(indexes, status, reason)
        ledger.run_until_included()


def _is_set(words: Mapping[int, bytes], index: int) -> bool:
    word = words.get(index // CELLS)
    return word is not None and read_cell(word, index) is not Status.VALID


def _fresh_checkpoint(ledger: Ledger, collector: Collector) -> None:
    """Make a checkpoint of a new final block, and have the witnesses sign it."""
    ledger.run_until_idle()
    ledger.mine_heartbeat_block()
    for _ in range(MAX_OVERTAKEN):
        ledger.follower.follow()
        checkpoint(ledger.store, ledger.chain, ledger.pin, Cadence(seconds=0))
        collector.collect(ledger.store)
        if not collector.overtaken:
            return


def _write_evidence(
    ledger: Ledger,
    offices: Mapping[str, Office],
    made: Sequence[DemoCertificate],
    home: Path,
    say: Say,
) -> list[tuple[DemoCertificate, bytes]]:
    """Write evidence with the fields that must be shown, and the holder's file."""
    say(f"{len(made)} evidence files")
    for name in ("evidence", "holders"):
        (home / name).mkdir(exist_ok=True)
    written = []
    for one in made:
        holding = offices[one.issuer].holding(one, 1 + one.edition)
        data = _evidence_of(ledger, one, Holding.parse(holding)).format()
        # It has the salts of all fields, with which withheld values can be guessed.
        write_atomically(home / "holders" / f"{one.stem}.json", holding, private=True)
        (home / "evidence" / f"{one.stem}.json").write_bytes(data)
        written.append((one, data))
    return written


def _evidence_of(ledger: Ledger, one: DemoCertificate, holding: Holding) -> Evidence:
    evidence = ledger.maker.at(one.issuer, one.index)
    names = {NUMBER, *evidence.catalog.entry.shown}
    return evidence.showing([part for part in holding.disclosures if part.name in names])


def _verdicts(
    ledger: Ledger,
    policy: SignedPolicy,
    evidence: Sequence[tuple[DemoCertificate, bytes]],
    expired: frozenset[str],
    home: Path,
) -> list[DemoVerdict]:
    question = Question(policy=policy.policy, judge=choose_judge(policy.policy), now=ledger.clock())
    verdicts = []
    for one, data in evidence:
        paper = (home / "documents" / f"{one.stem}.pdf").read_bytes()
        expected, why = expectation(one, expired)
        result = verify_bytes(data, replace(question, documents=(paper,)))
        file = f"evidence/{one.stem}.json"
        verdicts.append(
            DemoVerdict(file=file, what="as issued", expected=expected, why=why, result=result)
        )
    good = [pair for pair, verdict in zip(evidence, verdicts, strict=True) if verdict.why == "ok"]
    for forgery in forgeries(good, home):
        asked = replace(question, documents=forgery.documents, now=question.now + forgery.later)
        result = verify_bytes(forgery.evidence, asked)
        verdicts.append(_demo_verdict(forgery, result))
    return verdicts


def _demo_verdict(forgery: Forgery, result: Result) -> DemoVerdict:
    return DemoVerdict(
        file=forgery.file,
        what=forgery.what,
        expected=forgery.expected,
        why=forgery.why,
        result=result,
    )
