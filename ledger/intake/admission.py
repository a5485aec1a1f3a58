"""Whether an act may go on its way: one function an act, as SPEC section 12 has it.

Each looks at the state after the work that waits, and refuses what the contract would refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ledger.acts import ActKind, Lane, subject_of
from ledger.intake.catalogs import known_entries
from ledger.intake.desk import after_queue, body_of, check_counter, head_of
from ledger.intake.handing_in import HandedIn
from ledger.intake.keys import check_added, check_ends
from ledger.intake.refusals import (
    BodyHeld,
    BodyKnown,
    CatalogUnknown,
    EntryChanged,
    NameDiffers,
    NothingChanges,
    SignerUnknown,
    StandingForbids,
)
from ledger.intake.signing import Registrars, check_key, signers_of
from ledger.intake.status import check_status
from ledger.ports import BodySeen, Unit
from verifier.errors import Malformed
from verifier.state import region_of
from verifier.statements import (
    CatalogChange,
    Hold,
    KeysChange,
    Register,
    RegistrarChange,
    Restore,
    StandingChange,
    Statement,
    StatusChange,
)
from verifier.vocabulary import BodyKind, Purpose, Standing

_STANDINGS = tuple(Standing)
_MAY_BECOME: Mapping[Standing, frozenset[Standing]] = {
    Standing.ACTIVE: frozenset({Standing.SUSPENDED, Standing.CLOSED, Standing.STRUCK}),
    Standing.SUSPENDED: frozenset({Standing.ACTIVE, Standing.STRUCK}),
    Standing.CLOSED: frozenset({Standing.STRUCK}),
    Standing.STRUCK: frozenset(),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """An act before the desk: the unit it is judged in, and what came with it."""

    unit: Unit
    handed: HandedIn
    digest: bytes

    @property
    def registrars(self) -> Registrars:
        """The registrars as the mirror has them."""
        return Registrars(self.unit.registrars())

    @property
    def block(self) -> int:
        """The first block that could carry the act."""
        head = self.unit.head()
        return 0 if head is None else head.number + 1

    def body(self) -> BodySeen:
        """Return the body that the act is about."""
        return body_of(self.unit, subject_of(self.handed.act.statement))

    def signers(self, *counts: int) -> list[bytes]:
        """Return who signed, where the number of signatures is one of `counts`."""
        return signers_of(self.digest, self.handed.act.signatures, counts)


def admit(kind: ActKind, case: Case) -> None:
    """Check that the act may go on its way.

    Raises:
        Refused: with the code of what is wrong.
    """
    _ADMIT[kind](case, case.handed.act.statement)


def _register(case: Case, said: Statement) -> None:
    assert isinstance(said, Register)
    issuer = subject_of(said)
    region = region_of(issuer)
    if case.unit.body(issuer) is not None:
        raise BodyKnown(f"{issuer} is registered already")
    if case.handed.name is None:
        raise NameDiffers("a registration is handed in together with the name of the body")
    if not 1 <= said.kind <= len(BodyKind):
        raise Malformed("schema.invalid", f"{said.kind} is no kind of body")
    signers = case.signers(1 + len(said.keys))
    case.registrars.check(signers[0], region)
    check_added((), said.keys, signers[1:])


def _status(case: Case, said: Statement) -> None:
    assert isinstance(said, StatusChange)
    body = case.body()
    _stands(body, Standing.ACTIVE, Standing.CLOSED)
    signers = case.signers(1, 2)
    if body.held and len(signers) == 1:
        raise BodyHeld(f"the registrar holds {body.state.issuer}")
    head = head_of(case.unit, body)
    check_counter(said.epoch, head.epoch, "epoch")
    check_key(body.state, signers[0], Purpose.STATUS, case.block)
    if len(signers) == 2:
        case.registrars.check(signers[1], body.state.region)
    check_status(case.unit, body, said, head.certificates, correction=len(signers) == 2)


def _catalog(case: Case, said: Statement) -> None:
    assert isinstance(said, CatalogChange)
    body = case.body()
    _stands(body, Standing.ACTIVE)
    held = head_of(case.unit, body).catalog_version
    check_counter(said.version, held, "catalog version")
    signers = case.signers(1, 2)
    if len(signers) == 1 and any(said.root):
        raise SignerUnknown("the registrar alone may only empty a catalog")
    if len(signers) == 2:
        check_key(body.state, signers[0], Purpose.CATALOG, case.block)
    case.registrars.check(signers[-1], body.state.region)
    _check_entries(case, said)


def _check_entries(case: Case, said: CatalogChange) -> None:
    """Check that the entries are known, and that none changed under its version."""
    catalog = case.handed.catalog
    if catalog is None:
        if any(said.root) and case.unit.catalog(said.root) is None:
            raise CatalogUnknown("a catalog is handed in together with its entries")
        return
    new = {entry.order: entry for entry in catalog.entries}
    waiting = (act.statement for act in case.unit.queue(subject_of(said), Lane.VERSION))
    roots = [seen.root for seen in case.unit.catalog_changes(subject_of(said))]
    roots += [one.root for one in waiting if isinstance(one, CatalogChange)]
    for root in dict.fromkeys(roots):
        for order, entry in (known_entries(case.unit, root) or {}).items():
            if order in new and new[order] != entry:
                raise EntryChanged(f"{order[0]} version {order[1]} differs from what it was")


def _keys(case: Case, said: Statement) -> None:
    assert isinstance(said, KeysChange)
    body = case.body()
    _stands(body, Standing.ACTIVE, Standing.SUSPENDED, Standing.CLOSED)
    _revision(case, body, said.revision)
    if not said.added and not said.ends:
        raise NothingChanges("no key is added and none is ended")
    signers = case.signers(1, 2 + len(said.added))
    if len(signers) == 1:
        _end_alone(case, body, said, signers[0])
    else:
        case.registrars.check(signers[0], body.state.region)
        if signers[1] in {key.address for key in body.state.keys}:
            check_key(body.state, signers[1], Purpose.KEYS, case.block)
        else:
            case.registrars.check_other(signers[1], body.state.region)
    check_ends(body.state.keys, said.ends, raising=False)
    check_added(body.state.keys, said.added, signers[2:])


def _end_alone(case: Case, body: BodySeen, said: KeysChange, signer: bytes) -> None:
    if body.held:
        raise BodyHeld(f"the registrar holds {body.state.issuer}")
    key = check_key(body.state, signer, None, case.block)
    if said.added or [end[0] for end in said.ends] != [key]:
        raise SignerUnknown("a key alone may only end itself")
    if int.from_bytes(said.ends[0][1:], "big") < case.block:
        raise SignerUnknown("a key alone may not end itself in the past")


def _standing(case: Case, said: Statement) -> None:
    assert isinstance(said, StandingChange)
    body = case.body()
    wanted = _standing_of(said.standing)
    if wanted not in _MAY_BECOME[body.state.standing]:
        raise StandingForbids(f"a body that is {body.state.standing} does not become {wanted}")
    _revision(case, body, said.revision)
    signers = case.signers(2 if wanted is Standing.STRUCK else 1)
    case.registrars.check(signers[0], body.state.region)
    if wanted is Standing.STRUCK:
        case.registrars.check_other(signers[1], body.state.region)


def _hold(case: Case, said: Statement) -> None:
    assert isinstance(said, Hold)
    issuer = said.issuer.decode("ascii")
    registrar = case.registrars.of(body_of(case.unit, issuer).state.region)
    nonce = after_queue(case.unit, subject_of(said), Lane.NONCE, registrar.nonce)
    check_counter(said.nonce, nonce, "nonce")
    case.registrars.check(case.signers(1)[0], registrar.region)


def _restore(case: Case, said: Statement) -> None:
    assert isinstance(said, Restore)
    body = case.body()
    _standing_of(said.standing)
    _revision(case, body, said.revision)
    case.registrars.check_majority(case.signers(*range(1, 100)))
    check_ends(body.state.keys, said.ends, raising=True)


def _registrar(case: Case, said: Statement) -> None:
    assert isinstance(said, RegistrarChange)
    term = after_queue(case.unit, subject_of(said), Lane.TERM, case.registrars.term)
    check_counter(said.term, term, "term")
    case.registrars.check_majority(case.signers(*range(1, 100)))


def _stands(body: BodySeen, *allowed: Standing) -> None:
    if body.state.standing not in allowed:
        raise StandingForbids(f"{body.state.issuer} is {body.state.standing}")


def _standing_of(number: int) -> Standing:
    if not 1 <= number <= len(_STANDINGS):
        raise StandingForbids(f"{number} is no standing")
    return _STANDINGS[number - 1]


def _revision(case: Case, body: BodySeen, revision: int) -> None:
    check_counter(revision, head_of(case.unit, body).revision, "revision")


_ADMIT: Mapping[ActKind, Callable[[Case, Statement], None]] = {
    ActKind.REGISTER: _register,
    ActKind.STATUS: _status,
    ActKind.CATALOG: _catalog,
    ActKind.KEYS: _keys,
    ActKind.STANDING: _standing,
    ActKind.HOLD: _hold,
    ActKind.RESTORE: _restore,
    ActKind.REGISTRAR: _registrar,
}
