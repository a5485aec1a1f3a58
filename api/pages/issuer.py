"""The issuer's page: batches under way, status, catalog, keys, and evidence to download."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.errors import ResourceUnknownError
from certledger.api.pages.page_texts import act_words
from certledger.api.pages.renderer import render
from certledger.api.pages.words import page_language
from certledger.api.responses import json_response, raw
from certledger.api.service import Service, service_of
from certledger.ledger.core.acts import ActKind, ActState
from certledger.ledger.core.values import AnchoredBatch, IssuerRow, SubmittedAct
from certledger.ledger.intake.proposals import MAX_PROPOSALS
from certledger.ledger.reference_data import load_domain
from certledger.verifier.formats.canonical_json import Json, format_time
from certledger.verifier.formats.catalog import Catalog, Entry
from certledger.verifier.formats.issuer_state import NO_END
from certledger.verifier.vocabulary import Purpose, Status

SHOWN_ACTS = 50
MAX_ZIP_CERTIFICATES = 1_000
CHANGES = (Status.REVOKED, Status.SUSPENDED, Status.VALID, Status.SUPERSEDED)
"""What a certificate's status may be set to, in the order of the form."""
PURPOSES = tuple(str(one.name).lower() for one in Purpose)


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerDesk:
    """What the page shows; `row` is None where the ledger does not have the issuer (yet)."""

    issuer: str
    row: IssuerRow | None
    acts: Sequence[SubmittedAct]
    batches: Sequence[AnchoredBatch]
    entries: Sequence[Entry]
    waiting: Sequence[Mapping[str, object]]


def load_desk(service: Service, issuer: str) -> IssuerDesk:
    """Return what the database has of an issuer."""
    now = int(service.clock())
    with service.store.begin(write=False) as unit:
        row = unit.issuer(issuer)
        stored = None if row is None else unit.catalog(row.state.catalog)
        batches = 0 if row is None else row.state.batches
        return IssuerDesk(
            issuer=issuer,
            row=row,
            acts=unit.newest_acts(issuer, SHOWN_ACTS),
            batches=list(
                reversed(unit.anchored_batches(issuer, after=max(batches - SHOWN_ACTS, 0)))
            ),
            entries=() if stored is None else Catalog.from_json(orjson.loads(stored)).entries,
            waiting=[
                {"digest": one.digest.hex(), "created": one.created, "not_after": one.not_after}
                for one in unit.proposals(now=now, limit=MAX_PROPOSALS)
                if one.subject == issuer
            ],
        )


async def show_issuer(request: Request, caller: Caller) -> Response:
    """Show the issuer's desk."""
    service = service_of(request)
    desk = await service.pools.read(request, load_desk, service, caller.issuer or "")
    codes = load_domain().status_codes
    return await render(
        request,
        "issuer.html",
        desk=desk,
        address=service.options.public_url or "URL",
        kinds=tuple(ActKind),
        changes=CHANGES,
        purposes=PURPOSES,
        purpose_names={
            key.address: [name for name in PURPOSES if key.purposes & Purpose[name.upper()]]
            for key in (desk.row.state.keys if desk.row else ())
        },
        no_end=NO_END,
        reasons={
            str(status): [(code, one) for code, one in codes.items() if one.status is status]
            for status in CHANGES
        },
        texts=act_words(page_language(request)),
    )


async def get_issuer_acts(request: Request, caller: Caller) -> Response:
    """Return how far the newest acts have come, which the page asks for while some wait."""
    service = service_of(request)

    def find() -> Json:
        with service.store.begin(write=False) as unit:
            acts = unit.newest_acts(caller.issuer or "", SHOWN_ACTS)
        return {
            "acts": [
                {
                    "accepted": format_time(one.accepted),
                    "certificates": one.certificates,
                    "digest": one.digest.hex(),
                    "kind": str(one.kind),
                    "number": one.counter,
                    "state": str(one.state),
                    "block": one.block,
                    "reason": one.reason,
                }
                for one in acts
            ],
            "waiting": sum(one.state in (ActState.ACCEPTED, ActState.INCLUDED) for one in acts),
        }

    return json_response(await service.pools.read(request, find))


async def get_issuer_evidence(request: Request, caller: Caller) -> Response:
    """Return the evidence of a batch's certificates as one ZIP, without any field.

    Raises:
        ResourceUnknownError: the issuer has no such batch here, or it has too many certificates.
    """
    service, issuer = service_of(request), caller.issuer or ""
    text = request.path_params["sequence"]
    sequence = int(text) if text.isdecimal() and len(text) < 12 else 0

    def pack() -> bytes:
        with service.store.begin(write=False) as unit:
            batch = unit.anchored(issuer, sequence)
        if batch is None or batch.count > MAX_ZIP_CERTIFICATES:
            raise ResourceUnknownError(f"no batch {sequence} of at most {MAX_ZIP_CERTIFICATES}")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for index in range(batch.first, batch.first + batch.count):
                with service.making:
                    evidence = service.ledger.maker.at(issuer, index)
                archive.writestr(f"{index:08}.certledger.json", evidence.format())
        return out.getvalue()

    data = await service.pools.prove(request, pack)
    disposition = f'attachment; filename="evidence-{issuer}-{sequence}.zip"'
    return raw(data, media="application/zip", content_disposition=disposition)
