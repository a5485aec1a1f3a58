"""Parse a submitted act other than a batch, with the catalog or name that it commits to."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from certledger.ledger.intake.errors import (
    CatalogDiffersError,
    NameDiffersError,
    NameUnusableError,
)
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import Json, Members, parse
from certledger.verifier.formats.catalog import MAX_ENTRIES, Catalog
from certledger.verifier.formats.signed_act import MAX_ACT_BYTES, Act
from certledger.verifier.formats.statements import CatalogChange, Register

CATALOG_TYPE = "certledger/catalog-submission/1"
REGISTER_TYPE = "certledger/registration/1"
MAX_HANDED_IN_BYTES = MAX_ACT_BYTES + MAX_ENTRIES * 2048
"""Bytes of a submission other than a batch; only a catalog comes near."""
MAX_NAME_CHARACTERS = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class HandedIn:
    """An act, with the catalog's entries or the issuer's name that it commits to."""

    act: Act
    catalog: Catalog | None = None
    name: str | None = None


def parse_handed_in(data: bytes) -> HandedIn:
    """Parse a submitted act (SPEC section 20); white space and member order are free.

    Either an act's file (`certledger/act/1`), or one of
    `{"type": "certledger/catalog-submission/1", "act", "entries"}` and
    `{"type": "certledger/registration/1", "act", "name"}`.

    Raises:
        MalformedError: outside the subset, or an unknown, missing or ill-typed member.
        CatalogDiffersError: the entries do not have the root that was signed.
        NameDiffersError: the name is not the one whose digest was signed.
        NameUnusableError: it has a control character.
    """
    value = parse(data, MAX_HANDED_IN_BYTES)
    kind = value.get("type") if type(value) is dict else None
    if kind == CATALOG_TYPE:
        return _catalog(value)
    if kind == REGISTER_TYPE:
        return _registration(value)
    if len(data) > MAX_ACT_BYTES:
        raise MalformedError(
            "json.size", f"{len(data)} bytes where an act has at most {MAX_ACT_BYTES}"
        )
    return HandedIn(act=Act.from_json(value))


def _catalog(value: Json) -> HandedIn:
    read = Members(value, "submission")
    read.const("type", CATALOG_TYPE)
    act = Act.from_json(read.take("act"))
    catalog = Catalog.from_json(read.take("entries"))
    read.done()
    if not isinstance(act.statement, CatalogChange) or catalog.root() != act.statement.root:
        raise CatalogDiffersError(
            f"the entries have the root {catalog.root().hex()}, not the one that was signed"
        )
    return HandedIn(act=act, catalog=catalog)


def _registration(value: Json) -> HandedIn:
    read = Members(value, "submission")
    read.const("type", REGISTER_TYPE)
    act = Act.from_json(read.take("act"))
    name = read.text("name", longest=MAX_NAME_CHARACTERS)
    read.done()
    if any(unicodedata.category(one) == "Cc" for one in name):
        raise NameUnusableError("the name has a control character")
    if not isinstance(act.statement, Register) or sha256(name.encode()) != act.statement.name:
        raise NameDiffersError(f"{name!r} is not the name whose digest was signed")
    return HandedIn(act=act, name=name)
