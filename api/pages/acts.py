"""Acts that pages prepare and people sign, with a wallet or with the local command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from certledger.api.auth.api_keys import Caller
from certledger.api.errors import ForbiddenError, ResourceUnknownError
from certledger.api.pages.act_statements import STATEMENTS
from certledger.api.pages.page_route import FormExpiredError
from certledger.api.pages.words import page_language
from certledger.api.request.body import read_body
from certledger.api.responses import json_response
from certledger.api.service import Service, service_of
from certledger.api.translations import Language
from certledger.ledger.core.acts import subject_of
from certledger.ledger.core.contract_state import ledger_state
from certledger.ledger.core.service_values import Role
from certledger.ledger.intake.act_submission import MAX_HANDED_IN_BYTES
from certledger.ledger.intake.pending_state import head
from certledger.ledger.intake.proposals import SignedProposal, sign_proposal
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.signed_acts import signers_of
from certledger.ledger.issuer.typed_data import typed_data
from certledger.ledger.keys import wallet_signature
from certledger.ledger.reference_data import load_domain
from certledger.ledger.registrar.review import RegistrarOffice, Review, review
from certledger.verifier.contract_state import Issuer, Seat, issuers_of
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Json, from_hex, parse

ANY_REGION = 0
"""The region of an office that signs for none."""


@dataclass(frozen=True, slots=True)
class MirrorView:
    """The contract as it will be after the acts that wait here, for `review`.

    Else an issuer could not sign a second change while its first one is on the way to the chain.
    """

    service: Service

    def issuer(self, code: str) -> Issuer | None:
        """Return an issuer, None where it is not registered."""
        with self.service.store.begin(write=False) as unit:
            row = unit.issuer(code)
        if row is None:
            return None
        after = head(self.service.store, code)
        state = replace(
            row.state,
            epoch=after.epoch,
            revision=after.revision,
            catalog_version=after.catalog_version,
        )
        return Issuer(state=state, on_hold=row.on_hold)

    def seat(self, region: int) -> Seat | None:
        """Return a region's registrar, None where it has none."""
        return self.seats().get(region)

    def seats(self) -> Mapping[int, Seat]:
        """Return the registrars that are seated."""
        with self.service.store.begin(write=False) as unit:
            state = ledger_state(self.service.ledger.pin.identity, unit.registrars(), {})
        return {region: seat for region, seat in state.seats.items() if any(seat.account)}


def office_of(service: Service, region: int) -> RegistrarOffice:
    """Return what a region's registrar reviews acts with."""
    view = MirrorView(service)
    return RegistrarOffice(
        region=region,
        ledger=service.ledger.pin.identity,
        accounts={at: seat.account for at, seat in view.seats().items()},
        domain=load_domain(),
        now=int(service.clock()),
        chain=view,
    )


def describe_act(
    service: Service, envelope: Envelope, region: int, language: Language
) -> dict[str, Json]:
    """Return an act as pages show it: its file, what wallets sign, and the review of it."""
    act, office = envelope.act, office_of(service, region)
    found: Review = review(envelope, office)
    return {
        "digest": act.digest.hex(),
        "file": orjson.loads(envelope.format()),
        "typed_data": typed_data(act.statement, service.ledger.deployment),
        "signed_by": [f"0x{one.hex()}" for one in signers_of(act)],
        "may_sign": [f"0x{one.hex()}" for one in _accounts(service, envelope, office)],
        "lines": list(found.lines),
        "notes": list(found.notes),
        "faults": list(found.faults),
        "missing": list(found.missing_zh if language == "zh" else found.missing),
    }


def _accounts(service: Service, envelope: Envelope, office: RegistrarOffice) -> Sequence[bytes]:
    """Return the accounts that have something to sign in an act."""
    statement = envelope.act.statement
    found = dict.fromkeys(office.accounts.values())
    for code in issuers_of(statement):
        issuer = office.issuer(code)
        found |= dict.fromkeys(key.address for key in issuer.state.keys) if issuer else {}
    for name in ("keys", "added"):
        found |= dict.fromkeys(key[:20] for key in getattr(statement, name, ()))
    return list(found)


async def prepare_act(request: Request, caller: Caller) -> Response:
    """Make the unsigned act of what somebody typed, and return it with its review."""
    value = await _read(request)

    def make() -> Json:
        service, kind = service_of(request), str(value.get("kind"))
        if kind not in STATEMENTS:
            raise MalformedError("act.kind", f"{kind[:20]!r} is no act that this page makes")
        envelope = STATEMENTS[kind](service, _subject(caller, value), value)
        check_rights(caller, envelope)
        return _described(request, envelope, caller)

    return json_response(await service_of(request).pools.prove(request, make))


async def sign_act(request: Request, caller: Caller) -> Response:
    """Add a wallet's signature, or a file that the local command signed; submit when complete."""
    value = await _read(request)

    def sign() -> Json:
        service = service_of(request)
        envelope = Envelope.parse(orjson.dumps(value.get("file")))
        check_rights(caller, envelope)
        if (text := value.get("signature")) is not None:
            signature = wallet_signature(str(text))
            act = envelope.act
            act = replace(act, signatures=(*act.signatures, signature))
            envelope = envelope.with_act(act)
        done = sign_proposal(service.ledger.intake, envelope, party=caller.party)
        return _answer(request, done, caller)

    return json_response(await service_of(request).pools.prove(request, sign))


async def get_act(request: Request, caller: Caller) -> Response:
    """Return an act that waits for signatures."""
    service, digest = service_of(request), request.path_params["digest"]

    def find() -> Json:
        with service.store.begin(write=False) as unit:
            found = unit.proposal(from_hex(digest, 32))
        if found is None:
            raise ResourceUnknownError("no such act waits")
        envelope = Envelope.parse(found.file)
        check_rights(caller, envelope)
        return _described(request, envelope, caller)

    return json_response(await service.pools.prove(request, find))


def _described(request: Request, envelope: Envelope, caller: Caller) -> dict[str, Json]:
    region = caller.region or ANY_REGION
    return describe_act(service_of(request), envelope, region, page_language(request))


def _answer(request: Request, done: SignedProposal, caller: Caller) -> Json:
    value = _described(request, done.envelope, caller)
    state = "waiting" if done.receipt is None else "submitted"
    receipt = None if done.receipt is None else orjson.loads(done.receipt)
    return {**value, "state": state, "receipt": receipt}


async def _read(request: Request) -> Mapping[str, Any]:
    """Return the JSON object that a script of ours sent.

    Raises:
        FormExpiredError: it has no genuine CSRF token.
        MalformedError: it is no object.
    """
    service = service_of(request)
    if not service.sessions.is_genuine(request, request.headers.get("x-csrf-token")):
        raise FormExpiredError({})
    value = parse(await read_body(request), MAX_HANDED_IN_BYTES)
    if not isinstance(value, dict):
        raise MalformedError("json.type", "an object is wanted")
    return value


def _subject(caller: Caller, value: Mapping[str, Any]) -> str:
    """Return the issuer that an act is about: the caller's own, else the one named."""
    return caller.issuer or str(value.get("issuer", ""))[:18]


def check_rights(caller: Caller, envelope: Envelope) -> None:
    """Check that a caller may see and sign an act: an issuer only its own.

    Registrars see those of all regions, for some take two; the contract decides who signs what.

    Raises:
        ForbiddenError: it may not.
    """
    if caller.role is Role.ISSUER and subject_of(envelope.act.statement) != caller.issuer:
        raise ForbiddenError("the act is of another issuer")
