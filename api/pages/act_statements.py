"""The statements that pages make of what somebody typed: one function for each kind of act."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from certledger.api.service import Service
from certledger.ledger.core.acts import Lane
from certledger.ledger.intake.pending_state import after_queue, head
from certledger.ledger.issuer import signed_acts
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.catalogs import catalog_change, changed_catalog
from certledger.ledger.issuer.status_changes import status_changes
from certledger.ledger.reference_data import load_domain
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import from_hex
from certledger.verifier.formats.catalog import Catalog
from certledger.verifier.formats.issuer_state import region_of
from certledger.verifier.formats.signed_act import Act
from certledger.verifier.formats.statements import Statement
from certledger.verifier.vocabulary import Purpose, Status

MAX_INDEXES = 20_000
_RANGE = re.compile(r"([0-9]{1,10})(?:\s*[-–]\s*([0-9]{1,10}))?")
_KEY = re.compile(r"[0-9]{1,3}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
Typed = Mapping[str, Any]
Maker = Callable[[Service, str, Typed], Envelope]


def parse_indexes(text: str) -> list[int]:
    """Return the indexes in a list such as `3, 8-12`.

    Raises:
        MalformedError: something else, or more than 20,000.
    """
    found: list[int] = []
    for part in re.split(r"[\s,;，、；]+", text.strip()):
        read = _RANGE.fullmatch(part)
        if read is None:
            raise MalformedError("status.indexes", f"{part[:20]!r} is no index and no range")
        first, last = int(read[1]), int(read[2] or read[1])
        if last < first or len(found) + last - first >= MAX_INDEXES:
            raise MalformedError("status.indexes", f"{part[:30]!r} is empty or too long")
        found.extend(range(first, last + 1))
    return sorted(set(found))


def _unsigned(service: Service, statement: Statement, catalog: Catalog | None = None) -> Envelope:
    act = Act(ledger=service.ledger.pin.identity, statement=statement, signatures=())
    return Envelope(act=act, catalog=catalog)


def _status(service: Service, issuer: str, typed: Typed) -> Envelope:
    try:
        status = Status(str(typed.get("status")))
    except ValueError as error:
        raise MalformedError("status.unknown", "no such status") from error
    changes = status_changes(
        parse_indexes(str(typed.get("indexes", ""))),
        issuer=issuer,
        status=status,
        reason=str(typed.get("reason", "")),
        epoch=head(service.store, issuer).epoch + 1,
        now=int(service.clock()),
    )
    if len(changes) > 1:
        raise MalformedError(
            "status.too_many", "one statement reaches 512 words of 64 certificates: name fewer"
        )
    return _unsigned(service, changes[0])


def _catalog(service: Service, issuer: str, typed: Typed) -> Envelope:
    """Keep the entries that stay as they are, and add those of the reference data."""
    now, domain = head(service.store, issuer), load_domain()
    with service.store.begin(write=False) as unit:
        stored = unit.catalog(now.catalog)
    entries = () if stored is None else Catalog.from_json(orjson.loads(stored)).entries
    catalog = changed_catalog(entries, str(typed.get("categories", "")).split(), domain)
    change = catalog_change(
        catalog, issuer=issuer, version=now.catalog_version + 1, now=int(service.clock())
    )
    return _unsigned(service, change, catalog)


def _keys(service: Service, issuer: str, typed: Typed) -> Envelope:
    added: dict[bytes, Purpose] = {}
    if address := str(typed.get("address", "")).strip():
        if _ADDRESS.fullmatch(address) is None:
            raise MalformedError("keys.address", f"{address[:50]!r} is no address")
        added[from_hex(address[2:].lower(), 20)] = _purposes(typed.get("purposes", []))
    ends: dict[int, int] = {}
    if text := str(typed.get("end", "")).strip():
        if _KEY.fullmatch(text) is None:
            raise MalformedError("keys.end", f"{text[:20]!r} is no key's number")
        with service.store.begin(write=False) as unit:
            block = unit.head()
        ends[int(text)] = 0 if block is None else block.number + 1
    statement = signed_acts.change_keys(
        issuer,
        revision=head(service.store, issuer).revision + 1,
        added=added,
        ends=ends,
        now=int(service.clock()),
    )
    return _unsigned(service, statement)


def _purposes(names: object) -> Purpose:
    """Return the purposes of these names.

    Raises:
        MalformedError: one is none.
    """
    found = Purpose(0)
    for name in names if isinstance(names, list) else [names]:
        if str(name) not in PURPOSES:
            raise MalformedError("keys.purposes", f"{str(name)[:20]!r} is no purpose of a key")
        found |= PURPOSES[str(name)]
    return found


PURPOSES: Mapping[str, Purpose] = {str(one.name).lower(): one for one in Purpose}
"""What keys are for, by the names in the page's form."""


def _hold(service: Service, issuer: str, typed: Typed) -> Envelope:
    return _brake(service, issuer, signed_acts.hold)


def _release(service: Service, issuer: str, typed: Typed) -> Envelope:
    return _brake(service, issuer, signed_acts.release)


def _brake(service: Service, issuer: str, make: Callable[..., Statement]) -> Envelope:
    if not issuer[2:4].isdecimal():
        raise MalformedError("issuer.code", f"{issuer!r} is no issuer's code")
    region = region_of(issuer)
    with service.store.begin(write=False) as unit:
        seat = unit.registrar(region)
        nonce = after_queue(
            unit, f"region-{region:02}", Lane.NONCE, 0 if seat is None else seat.nonce
        )
    return _unsigned(service, make(region, [issuer], nonce=nonce + 1, now=int(service.clock())))


STATEMENTS: Mapping[str, Maker] = {
    "status": _status,
    "catalog": _catalog,
    "keys": _keys,
    "hold": _hold,
    "release": _release,
}
"""The makers of statements by the kind that a page names."""
