"""The registrar's page: what waits for its signature, shown in full, and the hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.pages.acts import ANY_REGION, office_of
from certledger.api.pages.page_texts import act_words
from certledger.api.pages.renderer import render
from certledger.api.pages.words import page_language
from certledger.api.service import Service, service_of
from certledger.ledger.core.values import IssuerRow, StoredProposal
from certledger.ledger.intake.proposals import MAX_PROPOSALS
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.registrar.review import TITLES, Review, review
from certledger.verifier.formats.issuer_state import region_of
from certledger.verifier.regions import region_named


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingAct:
    """An act that waits, with what there is to say of it; `title` is in both languages."""

    proposal: StoredProposal
    title: tuple[str, str]
    review: Review

    @property
    def is_ours(self) -> bool:
        """Whether this region may sign it and has not."""
        found = self.review
        return not found.may_sign and not found.signed and not found.faults


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrarDesk:
    """What the page shows of one region."""

    region: int
    regions: Sequence[int]
    account: bytes | None
    waiting: Sequence[WaitingAct]
    others: Sequence[WaitingAct]
    issuers: Sequence[IssuerRow]


def load_desk(service: Service, region: int | None) -> RegistrarDesk:
    """Return the acts that wait, those of the region apart, and the region's issuers.

    Where no region is named, it is one with work: of an act that waits, else of an issuer.
    """
    regions = sorted(office_of(service, region or ANY_REGION).accounts)
    with service.store.begin(write=False) as unit:
        stored = unit.proposals(now=int(service.clock()), limit=MAX_PROPOSALS)
        every = list(unit.issuers())
    busy = [region_of(one.subject) for one in stored if one.subject[2:4].isdecimal()]
    busy += [one.state.region for one in every]
    own = region if region in regions else next((one for one in busy if one in regions), None)
    own = next(iter(regions), ANY_REGION) if own is None else own
    office = office_of(service, own)
    issuers = [one for one in every if one.state.region == own]
    acts = []
    for proposal in stored:
        envelope = Envelope.parse(proposal.file)
        title = TITLES[type(envelope.act.statement)]
        acts.append(WaitingAct(proposal=proposal, title=title, review=review(envelope, office)))
    return RegistrarDesk(
        region=own,
        regions=regions,
        account=office.accounts.get(own),
        waiting=[one for one in acts if one.is_ours],
        others=[one for one in acts if not one.is_ours],
        issuers=issuers,
    )


async def show_registrar(request: Request, caller: Caller) -> Response:
    """Show the desk of the caller's region, or of one that is chosen where the key has none."""
    service = service_of(request)
    text = request.query_params.get("region", "")
    chosen = int(text) if text.isdecimal() and len(text) < 3 else None
    region = caller.region if caller.region is not None else chosen
    desk = await service.pools.prove(request, load_desk, service, region)
    return await render(
        request,
        "registrar.html",
        desk=desk,
        names={one: region_named(one) for one in (*desk.regions, desk.region)},
        may_choose=caller.region is None,
        texts=act_words(page_language(request)),
    )
