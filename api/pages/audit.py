"""The auditor's page, and the explorer: the ledger in numbers, checkpoints, audits, traces."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.pages.ledger_view import SHOWN_CHECKPOINTS, load_ledger
from certledger.api.pages.renderer import render
from certledger.api.pages.trace import MAX_ASKED_CHARACTERS, Trace, trace
from certledger.api.service import Service, service_of
from certledger.ledger.audit.home import NOTES
from certledger.verifier.audit.last_audit import AuditMemory
from certledger.verifier.formats.canonical_json import Json

MAX_SHOWN_FAULTS = 100
KINDS = (
    "node",
    "deployment",
    "chain",
    "act",
    "batch",
    "status",
    "state",
    "catalog",
    "records",
    "record",
    "certificate",
    "checkpoint",
    "database",
    "receipt",
    "document",
    "evidence",
    "issuer",
    "anchoring",
    "data",
    "work",
)
"""What comes before the point in the code of a finding; the words have what each leads to."""
COUNTED = (
    "acts",
    "batches",
    "bodies",
    "catalogs",
    "certificates",
    "checkpoints",
    "database_acts",
    "database_verifications",
    "events",
    "records",
    "status_changes",
)
"""What an audit counts."""
INSTANTS = frozenset({"time", "accepted", "not_after"})
"""Facts of a trace that are seconds."""


def load_last_audit(service: Service) -> Mapping[str, Json] | None:
    """Return the report of the last audit of the home, None where there was none."""
    ledger = service.ledger
    return AuditMemory(ledger.settings.home / NOTES, ledger.pin.identity).read_report()


async def show_audit(request: Request, caller: Caller) -> Response:
    """Show checkpoints, witnesses, the last audit, and a trace where one is asked for."""
    service = service_of(request)
    asked = request.query_params.get("find", "").strip()[:MAX_ASKED_CHARACTERS]
    ledger = await service.pools.read(request, load_ledger, service)
    report = await service.pools.read(request, load_last_audit, service)
    found: Trace | None = None
    if asked:
        found = await service.pools.prove(request, trace, service, asked)
    return await render(
        request,
        "audit.html",
        view=ledger,
        report=report,
        most_faults=MAX_SHOWN_FAULTS,
        kinds=KINDS,
        counted=COUNTED,
        asked=asked,
        trace=found,
        instants=INSTANTS,
        shown=SHOWN_CHECKPOINTS,
    )


async def show_explorer(request: Request, caller: Caller) -> Response:
    """Show the ledger in numbers, to everybody."""
    service = service_of(request)
    ledger = await service.pools.read(request, load_ledger, service)
    report = await service.pools.read(request, load_last_audit, service)
    cost = await service.pools.prove(request, service.cost.load)
    return await render(request, "explorer.html", view=ledger, report=report, cost=cost)
