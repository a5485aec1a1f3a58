"""The reform office's page: coverage, exemptions, waiting times, decisions, open cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.auth.permissions import RULES
from certledger.api.errors import ResourceUnknownError
from certledger.api.pages.csv_files import csv_file
from certledger.api.pages.page_route import Form, read_form
from certledger.api.pages.plots import trend_lines
from certledger.api.pages.renderer import redirect, render
from certledger.api.routes.cases import case_scope
from certledger.api.service import Service, service_of
from certledger.ledger.core.book_values import StoredSample, SupervisionCase
from certledger.ledger.reform.bookshelf import BookAbsentError
from certledger.ledger.reform.cases import (
    CaseClosedError,
    CaseClosingError,
    CaseUnknownError,
    close_cases,
)
from certledger.ledger.reform.coverage import Coverage, CoverageGroup, CoverageShare
from certledger.ledger.reform.samples import SampleEmptyError
from certledger.ledger.reform.scenarios import OBSTACLES, ScenarioRun
from certledger.verifier.reform.book import ApplicantKind, Book, BookUnknownError, Name
from certledger.verifier.reform.book_edition import BookEdition
from certledger.verifier.reform.exemptions import REASONS, ExemptionList, exemptions

SHARES = ("items", "categories", "counters")
"""The three figures that are to be 100 percent."""
RATES = ("exempt", "online", "city_wide", "unattended")
DIMENSIONS = ("department", "region", "district", "kind")
MAX_SHOWN_CASES = 200
SHOWN_CASES = 5
"""Cases that are shown before the others are folded."""
MAX_SHOWN_SAMPLES = 20
MAX_SAMPLE_SIZE = 10_000
APPLICANTS = tuple(str(one) for one in ApplicantKind)


@dataclass(frozen=True, kw_only=True, slots=True)
class OfficeFigures:
    """What the page shows; without an edition of the book only cases and waiting times."""

    edition: BookEdition | None = None
    coverage: Coverage | None = None
    days: Sequence[Mapping[str, Any]] = ()
    cases: Sequence[SupervisionCase] = ()
    scenarios: Sequence[ScenarioRun] = ()
    samples: Sequence[StoredSample] = ()
    chosen: ExemptionList | None = None
    choice_unknown: bool = False
    names: Mapping[str, Name] = field(default_factory=dict)


def load_figures(service: Service, caller: Caller, code: str, applicant: str) -> OfficeFigures:
    """Compute the figures of now; `code` is the item or bundle whose exemptions are shown."""
    cases = _cases(service, caller)
    try:
        edition, coverage = service.figures.compute()
    except BookAbsentError:
        return OfficeFigures(cases=cases, samples=_samples(service))
    book, chosen, unknown = edition.book, None, False
    if code:
        kind = ApplicantKind(applicant if applicant in APPLICANTS else APPLICANTS[0])
        try:
            chosen = exemptions(book, code, kind)
        except BookUnknownError:
            unknown = True
    return OfficeFigures(
        edition=edition,
        coverage=coverage,
        days=service.figures.days(),
        cases=cases,
        scenarios=service.scenarios().run(book) if book.scenarios else (),
        samples=_samples(service),
        chosen=chosen,
        choice_unknown=unknown,
        names=names_in(book),
    )


def _samples(service: Service) -> Sequence[StoredSample]:
    with service.store.begin(write=False) as unit:
        return unit.samples(waiting=False)[:MAX_SHOWN_SAMPLES]


def _cases(service: Service, caller: Caller) -> Sequence[SupervisionCase]:
    if caller.role not in (RULES["listCases"].roles or ()):
        return ()
    scope = case_scope(caller)
    with service.store.begin(write=False) as unit:
        return unit.cases(
            party=scope.party, region=scope.region, closed=False, limit=MAX_SHOWN_CASES + 1
        )


def names_in(book: Book) -> Mapping[str, Name]:
    """Return the names of everything that the figures name by code."""
    departments = {one.department.zh: one.department for one in book.items.values()}
    departments |= {one.department.zh: one.department for one in book.categories.values()}
    return {
        **departments,
        **{code: one.name for code, one in book.regions.items()},
        **{code: one.name for code, one in book.categories.items()},
        **{code: one.name for code, one in book.items.items()},
        **{code: one.name for code, one in book.counters.items()},
        **{code: one.name for code, one in book.bundles.items()},
    }


@dataclass(frozen=True, slots=True)
class ScenarioGroup:
    """Scenarios that the same obstacle stops first; `obstacle` is empty for those that work."""

    obstacle: str
    runs: Sequence[ScenarioRun]


def scenario_groups(runs: Sequence[ScenarioRun]) -> list[ScenarioGroup]:
    """Return the scenarios by what stops them first, in the order of the steps; the rest last."""
    groups: dict[str, list[ScenarioRun]] = {name: [] for name in (*OBSTACLES, "")}
    for run in runs:
        groups[next((step.name for step in run.steps if not step.works), "")].append(run)
    return [ScenarioGroup(name, members) for name, members in groups.items() if members]


def unfinished(parts: Mapping[str, CoverageGroup]) -> Sequence[tuple[str, CoverageGroup]]:
    """Return the groups that something is missing of, those that lack most first."""
    lacking = [(code, part) for code, part in parts.items() if part.part < part.whole]
    return sorted(lacking, key=lambda pair: (pair[1].part / pair[1].whole, pair[0]))


def trend_of(days: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return the three shares of each day that has them."""
    return [
        {"day": day["day"], **{name: float(day[name]["percent"]) for name in SHARES}}
        for day in days
        if all(name in day for name in SHARES)
    ]


async def show_office(request: Request, caller: Caller, trouble: str = "") -> Response:
    """Show the figures."""
    service, query = service_of(request), request.query_params
    code, applicant = query.get("item", "").strip()[:40], query.get("applicant", APPLICANTS[0])
    figures = await service.pools.prove(request, load_figures, service, caller, code, applicant)
    trend = trend_of(figures.days)
    return await render(
        request,
        "office.html",
        status=409 if trouble else 200,
        figures=figures,
        shares=SHARES,
        rates=RATES,
        dimensions=DIMENSIONS,
        trend=trend,
        lines=trend_lines(trend, SHARES),
        code=code,
        applicant=applicant,
        applicants=APPLICANTS,
        reasons=REASONS,
        most_cases=MAX_SHOWN_CASES,
        obstacles=OBSTACLES,
        scenario_groups=scenario_groups(figures.scenarios),
        unfinished=unfinished,
        open_cases=SHOWN_CASES,
        may_draw=caller.role in (RULES["createSample"].roles or ()),
        most_sample=MAX_SAMPLE_SIZE,
        sees_cases=caller.role in (RULES["listCases"].roles or ()),
        trouble=trouble,
    )


async def get_office_table(request: Request, caller: Caller) -> Response:
    """Return one of the page's tables as CSV.

    Raises:
        ResourceUnknownError: there is no such table.
    """
    service, name = service_of(request), request.path_params["name"]
    if name not in TABLES:
        raise ResourceUnknownError("no resource at this path")
    query = request.query_params
    code, applicant = query.get("item", "")[:40], query.get("applicant", APPLICANTS[0])
    figures = await service.pools.prove(request, load_figures, service, caller, code, applicant)
    return csv_file(f"{name}.csv", TABLES[name](figures))


async def close_office_case(request: Request, caller: Caller) -> Response:
    """Close a case with a reason and a name; of two that close at once one wins."""
    service = service_of(request)
    fields = await read_form(request)
    try:
        await service.pools.read(request, _close, service, caller, fields)
    except CaseClosedError:
        return await show_office(request, caller, trouble="closed_before")
    except CaseClosingError:
        return await show_office(request, caller, trouble="reason_missing")
    return redirect("/office#cases")


def _close(service: Service, caller: Caller, fields: Form) -> None:
    try:
        close_cases(
            service.store,
            fields.get("reference", "")[:40],
            by=fields.get("by", ""),
            reason=fields.get("reason", ""),
            now=int(service.clock()),
            scope=case_scope(caller),
        )
    except CaseUnknownError as error:
        raise ResourceUnknownError("there is no such case") from error


async def draw_sample(request: Request, caller: Caller) -> Response:
    """Sign the candidates of a sample, which a later block draws."""
    service = service_of(request)
    text = (await read_form(request)).get("size", "")
    size = int(text) if text.isdecimal() and len(text) < 6 else 0
    if not 1 <= size <= MAX_SAMPLE_SIZE:
        return await show_office(request, caller, trouble="size_wrong")
    try:
        await service.pools.prove(request, service.samples.open, size)
    except SampleEmptyError:
        return await show_office(request, caller, trouble="sample_empty")
    return redirect("/office#samples")


# Tables ------------------------------------------------------------------------------------------


def _coverage_rows(figures: OfficeFigures) -> Sequence[Sequence[object]]:
    rows: list[Sequence[object]] = [
        ("figure", "dimension", "code", "name_zh", "name_en", "part", "whole")
    ]
    shares: Mapping[str, CoverageShare] = figures.coverage.shares if figures.coverage else {}
    for name, share in shares.items():
        rows.append((name, "", "", "", "", share.total.part, share.total.whole))
        for dimension, parts in share.by.items():
            for code, group in sorted(parts.items()):
                zh, en = _names(figures, code)
                rows.append((name, dimension, code, zh, en, group.part, group.whole))
        for code in share.missing:
            zh, en = _names(figures, code)
            rows.append((name, "missing", code, zh, en, 0, 1))
    for name, part in (figures.coverage.rates if figures.coverage else {}).items():
        rows.append((name, "rate", "", "", "", part.part, part.whole))
    return rows


def _names(figures: OfficeFigures, code: str) -> tuple[str, str]:
    name = figures.names.get(code)
    return ("", "") if name is None else (name.zh, name.en)


def _day_rows(figures: OfficeFigures) -> Sequence[Sequence[object]]:
    days = trend_of(figures.days)
    return [("day", *SHARES), *((day["day"], *(day[name] for name in SHARES)) for day in days)]


def _case_rows(figures: OfficeFigures) -> Sequence[Sequence[object]]:
    head = ("reference", "cause", "item", "party", "opened", "block")
    return [
        head,
        *(
            (one.reference, one.cause, one.item, one.party, one.opened, one.block)
            for one in figures.cases
        ),
    ]


def _exemption_rows(figures: OfficeFigures) -> Sequence[Sequence[object]]:
    head = ("material_zh", "material_en", "required", "exemption", "reason", "categories")
    lines = figures.chosen.lines if figures.chosen else ()
    return [
        head,
        *(
            (
                line.name.zh,
                line.name.en,
                line.required,
                line.exemption,
                line.reason,
                ";".join(line.categories),
            )
            for line in lines
        ),
    ]


def _scenario_rows(figures: OfficeFigures) -> Sequence[Sequence[object]]:
    head = ("code", "name_zh", "name_en", "issuing_region", "verifying_region", "step", "works")
    return [
        head,
        *(
            (
                one.scenario.code,
                one.scenario.name.zh,
                one.scenario.name.en,
                one.scenario.issuing_region,
                one.scenario.verifying_region,
                step.name,
                step.works,
            )
            for one in figures.scenarios
            for step in one.steps
        ),
    ]


def _sample_rows(figures: OfficeFigures) -> Sequence[Sequence[object]]:
    head = ("reference", "first", "last", "created", "drawn")
    return [
        head,
        *(
            (one.reference, one.first, one.last, one.created, one.file is not None)
            for one in figures.samples
        ),
    ]


TABLES = {
    "scenarios": _scenario_rows,
    "samples": _sample_rows,
    "coverage": _coverage_rows,
    "days": _day_rows,
    "cases": _case_rows,
    "exemptions": _exemption_rows,
}
"""The tables of the page, by the name of their file."""
