"""Repair names and catalogs: each is hashed again and stored under its own digest."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from sqlalchemy import delete, select

from certledger.ledger.core.acts import ActKind
from certledger.ledger.repair.sources import BatchFiles
from certledger.ledger.repair.transaction import raw
from certledger.ledger.store.tables import ACTS, CATALOG_CHANGES, CATALOGS, ISSUERS, NAMES
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import parse_canonical
from certledger.verifier.formats.catalog import Catalog

MAX_CATALOG_BYTES = 64 << 20


def find_names(unit: Unit) -> set[str]:
    """Return every text in the database that may be a name; the caller hashes it before use."""
    found = {row.name for row in unit.connection.execute(raw(NAMES))}
    for row in unit.connection.execute(raw(ISSUERS)):
        try:
            found.add(orjson.loads(row.state)["name"])
        except (ValueError, KeyError, TypeError):
            continue
    return {name for name in found if isinstance(name, str)}


def repair_names(unit: Unit, candidates: Iterable[str], known: Iterable[bytes]) -> None:
    """Store the candidates whose digest the chain or an act has, and delete all other names."""
    wanted = set(known) | _statement_digests(unit, ActKind.REGISTER, "name")
    unit.connection.execute(delete(NAMES))
    for name in candidates:
        try:
            digest = sha256(name.encode())
        except UnicodeEncodeError:
            continue
        if digest in wanted:
            unit.insert_new(NAMES, {"digest": digest, "name": name})


def repair_catalogs(unit: Unit, files: BatchFiles) -> None:
    """Store the valid catalogs that an act filed; search lost ones in the files."""
    query = select(CATALOG_CHANGES.c.root)
    filed = set(unit.connection.execute(query).scalars())
    filed |= _statement_digests(unit, ActKind.CATALOG, "root")
    filed.discard(bytes(32))
    whole: dict[bytes, bytes] = {}
    for row in unit.connection.execute(raw(CATALOGS)).all():
        entries = _unpack(row.entries)
        root = _root(entries)
        if root in filed:
            whole[root] = entries
    for root in filed - whole.keys():
        entries = files.catalog(root) or b""
        if _root(entries) == root:
            whole[root] = entries
    unit.connection.execute(delete(CATALOGS))
    for root, entries in whole.items():
        unit.add_catalog(root, entries)


def _unpack(packed: Any) -> bytes:
    try:
        return zlib.decompress(packed)
    except (zlib.error, TypeError):
        return b""


def _root(entries: bytes) -> bytes:
    """Return the root of a catalog's entries, empty if they are malformed."""
    try:
        return Catalog.from_json(parse_canonical(entries, MAX_CATALOG_BYTES)).root()
    except CertledgerError:
        return b""


def _statement_digests(unit: Unit, kind: ActKind, name: str) -> set[bytes]:
    query = select(ACTS.c.statement).where(ACTS.c.kind == str(kind))
    return set(_members(unit.connection.execute(query).scalars(), kind, name))


def _members(statements: Iterable[Any], kind: ActKind, name: str) -> Iterator[bytes]:
    from certledger.ledger.core.acts import ACTS as KINDS
    from certledger.verifier.formats.signed_act import statement_from_json

    for data in statements:
        try:
            statement = statement_from_json(KINDS[kind].statement, orjson.loads(data))
        except (CertledgerError, ValueError, TypeError, KeyError):
            continue
        yield getattr(statement, name)
