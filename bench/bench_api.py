"""How fast the service answers over HTTP: one worker, its generator on the same two cores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median

import orjson

from bench.bench_seal import certificates
from bench.bench_submit import BATCH, sealed
from bench.load import Load, ask, hammer, pace, request
from bench.report import Row, Target, at_least, at_most
from bench.served import Process, home, keys, running, service
from certledger.ledger.core.service_values import Role
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.sealing.batch import SealedBatch, seal_issues
from certledger.ledger.verification.mirror_node import MirrorJudge, MirrorNode
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.record import lookup_digest
from certledger.verifier.verify.cached import Verifier
from certledger.verifier.vocabulary import Verdict
from tests.api.world import disclosures
from tests.ledger.live import LiveIssuer

CALLERS = 40
"""Keys that ask in turn: how often one may ask is bounded."""
CONNECTIONS = 64
STEADY = 500
"""Requests a second at which the slowest answers are looked at."""
MEGABYTE = 2**20
FLAT = 64
"""Megabytes by which the service may grow while a batch of 65,536 comes in."""
JSON, LINES = "application/json", "application/jsonl"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """How much is asked: rounds, requests a round, batches, records of the large one."""

    rounds: int
    requests: int
    steady: int
    batches: int
    streamed: int


FULL = Sizes(rounds=9, requests=2_000, steady=2_500, batches=30, streamed=65_536)
QUICK = Sizes(rounds=1, requests=200, steady=250, batches=3, streamed=2_000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """A home whose issuer has issued a thousand certificates, and who may ask about them.

    `files` are evidence of each, once for each field that is shown beside: more than the service
    remembers, so that whoever goes through all of them asks about none that it knows.
    `following` are the issuer's next batches, `large` the two after them, and `direct` is how many
    records a second were taken in without HTTP.
    """

    place: Path
    issuer: LiveIssuer
    known: SealedBatch
    files: Sequence[Sequence[bytes]]
    counters: Sequence[str]
    issuers: Sequence[str]
    following: Sequence[SealedBatch]
    large: Sequence[SealedBatch]
    direct: float

    def asking(
        self, method: str, path: str, issuers: Sequence[bytes] = (b"",), media: str | None = None
    ) -> list[bytes]:
        """Return a request of each counter; issuers are taken in turn."""
        return [
            request(method, path, issuers[number % len(issuers)], headers(key, media))
            for number, key in enumerate(self.counters)
        ]

    def verify_all(self) -> Callable[[], object]:
        """Return what verifies all files with all known that can be, without HTTP."""
        ledger = self.issuer.ledger
        assert ledger.policy is not None
        policy = ledger.policy.policy
        node = MirrorNode(
            store=ledger.store, ledger=ledger.pin, behind=ledger.chain, clock=time.time
        )
        verifier, turns = Verifier(policy, MirrorJudge(policy, node)), cycle(self.files)

        def verify() -> None:
            now = int(time.time())
            for data in next(turns):
                assert verifier.verify_bytes(data, now=now).verdict is Verdict.VALID

        verify()
        return verify


def headers(key: str, media: str | None) -> dict[str, str]:
    """Return the headers of a caller's request."""
    named = {"authorization": f"Bearer {key}"}
    return named if media is None else named | {"content-type": media}


def rows(quick: bool) -> list[Row]:
    """Return the rates of verifying, looking up, standing data and submitting."""
    sizes = QUICK if quick else FULL
    with prepared(sizes) as made, running(*service(made.place)) as served:
        return [
            *_asking(made, served, sizes),
            _thousand(made, served, sizes),
            _submitting(made, served, sizes),
            *_streaming(made, served, sizes),
        ]


# What is asked about ------------------------------------------------------------------------------


@contextmanager
def prepared(sizes: Sizes) -> Iterator[Home]:
    """Give a home in a folder that is thrown away; nobody has it open."""
    with home() as (place, issuer):
        batches = sealed(issuer, 1 + 2 * sizes.batches)
        submit_batch(issuer.ledger.intake, batches[0].submission())
        direct = [_seconds_to_take(issuer, batch) for batch in batches[1 : 1 + sizes.batches]]
        issuer.ledger.run_until_idle()
        following = batches[1 + sizes.batches :]
        large = _large(issuer, following[-1], sizes.streamed)
        made = Home(
            place=place,
            issuer=issuer,
            known=batches[0],
            files=_files(issuer, batches[0]),
            counters=keys(issuer, Role.COUNTER, CALLERS),
            issuers=keys(issuer, Role.ISSUER, 4),
            following=following,
            large=[large, _large(issuer, large, sizes.streamed)],
            direct=BATCH / median(direct),
        )
        issuer.ledger.close()
        yield made


def _seconds_to_take(issuer: LiveIssuer, batch: SealedBatch) -> float:
    data, began = batch.submission(), time.perf_counter()
    submit_batch(issuer.ledger.intake, data)
    return time.perf_counter() - began


_BESIDE = ("", "credit_code", "legal_representative", "address", "business_scope")
"""Fields that are shown beside what must be shown, one at a time."""


def _files(issuer: LiveIssuer, batch: SealedBatch) -> list[list[bytes]]:
    """Return evidence of each certificate of a batch, once for each field shown beside."""
    found: list[list[bytes]] = [[] for _ in _BESIDE]
    for number in range(BATCH):
        evidence = issuer.ledger.maker.of_leaf(batch.sealed.leaves[number])
        parts = disclosures(batch, number)
        for files, beside in zip(found, _BESIDE, strict=True):
            wanted = {"certificate_number", beside, *evidence.catalog.entry.shown}
            shown = [part for part in parts if part.name in wanted]
            files.append(evidence.showing(shown).format())
    return found


def _large(issuer: LiveIssuer, last: SealedBatch, count: int) -> SealedBatch:
    return seal_issues(
        certificates(last.head.first + count)[last.head.first :],
        catalog=issuer.catalog,
        head=last.head,
        issuer=issuer.issuer,
        secret=bytes(32),
        seed=bytes(32),
        signer=issuer.key,
        now=issuer.now(),
        identity=issuer.ledger.pin.identity,
    )


# Many small requests ------------------------------------------------------------------------------


def _asking(made: Home, served: Process, sizes: Sizes) -> Iterator[Row]:
    issuer = made.issuer.issuer
    questions = [[b'{"evidence":%b}' % data for data in files] for files in made.files]
    digests = [lookup_digest(*pair) for pair in numbers(made)]
    lookups = [orjson.dumps({"digest": digest.hex()}) for digest in digests]
    kinds = {
        "api_verify": made.asking("POST", "/v1/verifications", questions[0], JSON),
        "api_look_up": made.asking("POST", "/v1/lookups", lookups, JSON),
        "api_status_list": made.asking("GET", f"/v1/status-lists/{issuer}"),
        "api_snapshot": made.asking("GET", "/v1/snapshots/latest"),
    }
    answers = [len(ask(served.port, requests[0])) for requests in kinds.values()]
    with running("-m", "bench.served", *map(str, answers)) as other:
        yield _first_sight(made, served, questions, other, sizes)
        for number, (name, requests) in enumerate(kinds.items()):
            nothing = [_readdressed(asked, number) for asked in requests]
            yield from _rate(name, (served, requests), (other, nothing), sizes)
            if name == "api_verify":
                yield _slowest(name, (served, requests), (other, nothing), sizes)


def _first_sight(
    made: Home,
    served: Process,
    questions: Sequence[Sequence[bytes]],
    bare: Process,
    sizes: Sizes,
) -> Row:
    """Return how many verifications a second there are of evidence that is not remembered."""
    rates: list[list[float]] = [[], []]
    for _, asked in zip(range(sizes.rounds), cycle(questions), strict=False):
        fresh = [
            request("POST", "/v1/verifications", question, headers(key, JSON))
            for question, key in zip(asked, cycle(made.counters), strict=False)
        ]
        nothing = [_readdressed(one, 0) for one in fresh]
        for side, (process, requests) in enumerate(((served, fresh), (bare, nothing))):
            load = hammer(process.port, requests, connections=CONNECTIONS, count=len(requests))
            rates[side].append(load.rate)
    return _row("api_verify_first_sight", median(rates[0]), "requests/s", median(rates[1]), None)


def numbers(made: Home) -> Iterator[tuple[str, str]]:
    """Yield number and access code of each certificate of a home."""
    codes = [code.decode() for code in made.known.sealed.codes]
    for issue, code in zip(made.known.issues, codes, strict=True):
        yield issue.number, code


def _readdressed(asked: bytes, number: int) -> bytes:
    """Return the same request to the bare handler."""
    method, _, rest = asked.split(b" ", 2)
    return b"%b /bare/%d %b" % (method, number, rest)


VerifyRequest = tuple[Process, Sequence[bytes]]
_TARGETS: dict[str, Target] = {
    "api_verify": at_least(0.5, of="ratio"),
    "api_look_up": at_least(1_500),
    "api_status_list": at_least(3_000),
    "api_snapshot": at_least(3_000),
}


def _rate(name: str, ours: VerifyRequest, bare: VerifyRequest, sizes: Sizes) -> Iterator[Row]:
    """Give the median rates, and the processor's time; service and bare handler take turns."""
    rates: list[list[float]] = [[], []]
    used: list[list[float]] = [[], []]
    # A lookup is answered no sooner than a floor, so that it takes many at once to be quick.
    connections = 4 * CONNECTIONS if name == "api_look_up" else CONNECTIONS
    for _ in range(sizes.rounds):
        for side, (process, requests) in enumerate((ours, bare)):
            before = process.processor()
            load = hammer(process.port, requests, connections=connections, count=sizes.requests)
            rates[side].append(load.rate)
            used[side].append((process.processor() - before) / sizes.requests * 1e6)
    yield _row(name, median(rates[0]), "requests/s", median(rates[1]), _TARGETS[name])
    # Other load on the machine changes rates; it hardly changes this.
    yield _row(f"{name}_processor", median(used[0]), "µs", median(used[1]), None)


def _slowest(name: str, ours: VerifyRequest, bare: VerifyRequest, sizes: Sizes) -> Row:
    """Return the median, over the runs at a steady rate, of their 99th percentiles."""
    found: list[list[float]] = [[], []]
    for _ in range(min(sizes.rounds, 3)):
        for times, one in zip(found, (ours, bare), strict=True):
            times.append(_steady(*one, sizes).percentile(99) * 1_000)
    return _row(f"{name}_p99_at_{STEADY}", median(found[0]), "ms", median(found[1]), at_most(25))


def _steady(process: Process, requests: Sequence[bytes], sizes: Sizes) -> Load:
    return pace(process.port, requests, connections=64, rate=STEADY, count=sizes.steady)


# Large requests -----------------------------------------------------------------------------------


def _thousand(made: Home, served: Process, sizes: Sizes) -> Row:
    """Return how many certificates a second are verified, a thousand at once."""
    issuers = [b"\n".join(files) for files in made.files]
    asked = made.asking("POST", "/v1/verifications/files", issuers, LINES)
    turns, verify_all = cycle(asked), made.verify_all()
    assert ask(served.port, asked[0]).count(b'"verdict":"valid"') == BATCH
    taken: list[list[float]] = [[], []]
    for _ in range(sizes.rounds):
        three = [next(turns) for _ in range(3)]
        taken[0].append(hammer(served.port, three, connections=1, count=3).seconds / 3)
        began = time.perf_counter()
        verify_all()
        taken[1].append(time.perf_counter() - began)
    mine, direct = (BATCH / median(times) for times in taken)
    return _row("api_verify_thousand", mine, "certificates/s", direct, at_least(10_000))


def _submitting(made: Home, served: Process, sizes: Sizes) -> Row:
    """Return how many records a second are taken in, validated and durable."""
    asked = [
        request("POST", "/v1/batches", batch.submission(), headers(made.issuers[0], JSON))
        for batch in made.following
    ]
    load = hammer(served.port, asked, connections=1, count=len(asked))
    rate = BATCH / median(load.times)
    return _row("api_submit", rate, "records/s", made.direct, at_least(20_000))


def _streaming(made: Home, served: Process, sizes: Sizes) -> Iterator[Row]:
    """Give by how much the service grows while a large batch comes in: as lines, as an object."""
    lines, whole = made.large
    data = b"\n".join([format_canonical(lines.submission_head()), *lines.records, b""])
    name = f"api_memory_of_{sizes.streamed}"
    yield _grown(name, made, served, data, LINES)
    yield _grown(f"{name}_as_object", made, served, whole.submission(), JSON)


def _grown(name: str, made: Home, served: Process, data: bytes, media: str) -> Row:
    asked = request("POST", "/v1/batches", data, headers(made.issuers[1], media))
    before = served.resident()
    served.forget_peak()
    hammer(served.port, [asked], connections=1, count=1)
    grown = (served.peak() - before) / MEGABYTE
    return _row(name, grown, "MB", len(data) / MEGABYTE, at_most(FLAT))


def _row(name: str, value: float, unit: str, baseline: float, target: Target | None) -> Row:
    return Row(
        name=name, value=value, unit=unit, baseline=baseline, ratio=value / baseline, target=target
    )
