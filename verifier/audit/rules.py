"""What the contract must have checked, checked again: signatures, keys, counters, times, standing.

Each act is a function from the state before to the state after; what cannot be is `Broken`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from verifier.errors import Refused
from verifier.hashing import keccak
from verifier.recovery import recover_address
from verifier.state import (
    MOST_CERTIFICATES,
    MOST_KEYS,
    NO_END,
    ZERO,
    BodyState,
    Key,
    batch_leaf,
    region_of,
    without_brake,
)
from verifier.statements import (
    LONGEST_LIFE,
    Batch,
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
from verifier.status import EMPTY_ROOT, StatusTree
from verifier.vocabulary import BodyKind, Purpose, Standing

MOST_IN_BATCH = 65_536
_KINDS, _STANDINGS = list(BodyKind), list(Standing)
_MAY_BECOME: Mapping[Standing, frozenset[Standing]] = {
    Standing.ACTIVE: frozenset({Standing.SUSPENDED, Standing.CLOSED, Standing.STRUCK}),
    Standing.SUSPENDED: frozenset({Standing.ACTIVE, Standing.STRUCK}),
    Standing.CLOSED: frozenset({Standing.STRUCK}),
    Standing.STRUCK: frozenset(),
}


class Broken(Refused):
    """An act breaks a rule that the contract enforces; `code` is one of the audit's."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(slots=True)
class Registrar:
    """The registrar of a region: its account (20 bytes), and how often it has held a body."""

    account: bytes
    nonce: int = 0


@dataclass(slots=True)
class Body:
    """A body as the events leave it.  The state has no name, only the digest of one."""

    state: BodyState
    name: bytes
    held: bool = False
    tree: StatusTree = field(default_factory=StatusTree)

    def words(self) -> tuple[bytes, ...]:
        """Return the words of the whole state, as the contract is handed them."""
        head = list(self.state.words())
        head[2] = self.name
        return (*head, *self.state.key_words(), *self.state.peaks)

    def slot(self) -> bytes:
        """Return what the contract's slot must hold: the digest, and the brake in its last bit."""
        words, keys = self.words(), len(self.state.keys)
        digest = without_brake(
            keccak(
                b"".join(words[:6])
                + keccak(b"".join(words[6 : 6 + keys]))
                + keccak(b"".join(words[6 + keys :]))
            )
        )
        return digest[:-1] + bytes([digest[-1] | self.held])


@dataclass(frozen=True, slots=True)
class Case:
    """An act before its judge: what was said, where, and by which signatures."""

    identity: bytes
    registrars: Mapping[int, Registrar]
    block: int
    time: int
    statement: Statement
    key: int | None
    signatures: tuple[bytes, ...]

    def signers(self) -> list[bytes]:
        """Return who signed, in order.

        Raises:
            Broken: a signature leads to no key.
        """
        digest = self.statement.digest(self.identity)
        found = [recover_address(digest, signature) for signature in self.signatures]
        if None in found:
            raise Broken("act.signature", f"signature {found.index(None)} is none")
        return [address for address in found if address is not None]

    def check_time(self) -> None:
        """Check that the statement was in its time at the block.

        Raises:
            Broken: it was over, or reached too far ahead.
        """
        until: int = getattr(self.statement, "not_after")  # noqa: B009  (every carried one has it)
        if not self.time <= until <= self.time + LONGEST_LIFE:
            raise Broken("act.time", f"notAfter {until} in a block of {self.time}")

    def check_registrar(self, signer: bytes, region: int, *, other: bool = False) -> None:
        """Check that `signer` is the region's registrar, or that of any other region.

        Raises:
            Broken: it is not.
        """
        regions = [number for number, seat in self.registrars.items() if seat.account == signer]
        if not regions or (regions == [region]) is other:
            raise Broken("act.signature", f"{signer.hex()} is not the registrar that must sign")

    def check_majority(self) -> None:
        """Check that more than half of all registrars signed, ascending by region.

        Raises:
            Broken: too few did, one twice, or somebody else.
        """
        seats = {seat.account: region for region, seat in self.registrars.items()}
        regions = [seats.get(signer, 0) for signer in self.signers()]
        if 0 in regions or regions != sorted(set(regions)) or 2 * len(regions) <= len(seats):
            raise Broken("act.signature", "it takes more than half of all registrars, in order")

    def check_key(self, state: BodyState, signer: bytes, purpose: Purpose | None) -> None:
        """Check that the key named signed, and had the right to.

        Raises:
            Broken: there is no such key, it did not sign, or had no right.
        """
        if self.key is None or self.key >= len(state.keys):
            raise Broken("act.key", f"there is no key {self.key}")
        key = state.keys[self.key]
        if signer != key.address:
            raise Broken("act.signature", f"key {self.key} did not sign")
        if self.block >= key.end or (purpose is not None and not key.purposes & purpose):
            raise Broken("act.key", f"key {self.key} has no right to at block {self.block}")


def check_counter(given: int, held: int, what: str, code: str = "act.counter") -> None:
    """Check that a counter moves by one.

    Raises:
        Broken: it does not; `code` says so.
    """
    if given != held + 1:
        raise Broken(code, f"{what} {given} comes after {held}")


def _stands(body: Body, *allowed: Standing) -> None:
    if body.state.standing not in allowed:
        raise Broken("act.standing", f"the body is {body.state.standing}")


def _not_held(body: Body) -> None:
    if body.held:
        raise Broken("act.held", "the brake is set")


def _count(case: Case, *allowed: int) -> list[bytes]:
    signers = case.signers()
    if len(signers) not in allowed:
        raise Broken("act.signature", f"{len(signers)} signatures")
    return signers


# Acts ------------------------------------------------------------------------------------------


def register(case: Case, said: Register) -> Body:
    """Return the body that a registration makes.

    Raises:
        Broken: the registrar or a key did not sign, or the body cannot be.
    """
    case.check_time()
    issuer = said.issuer.decode("ascii")
    signers = _count(case, 1 + len(said.keys))
    case.check_registrar(signers[0], region_of(issuer))
    if signers[1:] != [key[:20] for key in said.keys]:
        raise Broken("act.signature", "a key that is given did not sign")
    if not 0 < said.kind <= len(_KINDS):
        raise Broken("act.content", f"{said.kind} is no kind of body")
    keys = _added((), said.keys, case.block)
    state = BodyState(
        issuer=issuer,
        kind=_KINDS[said.kind - 1],
        name="",
        keys=keys,
        since=case.block,
        status=EMPTY_ROOT,
    )
    return Body(state=state, name=said.name)


def _added(keys: Sequence[Key], packed: Sequence[bytes], block: int) -> tuple[Key, ...]:
    made = [
        Key.unpacked(part + block.to_bytes(5, "big") + NO_END.to_bytes(5, "big")) for part in packed
    ]
    whole = (*keys, *made)
    addresses = {key.address for key in whole}
    if not 0 < len(whole) <= MOST_KEYS or len(addresses) != len(whole) or bytes(20) in addresses:
        raise Broken("act.content", "keys that cannot stand together")
    return whole


def _ended(keys: Sequence[Key], ends: Sequence[bytes], *, raising: bool) -> tuple[Key, ...]:
    whole, indexes = list(keys), [end[0] for end in ends]
    if indexes != sorted(set(indexes)) or any(at >= len(whole) for at in indexes):
        raise Broken("act.content", "ends of keys out of order")
    for end in ends:
        at, block = end[0], int.from_bytes(end[1:], "big")
        if not raising and block >= whole[at].end:
            raise Broken("act.content", f"the end of key {at} is raised")
        whole[at] = replace(whole[at], end=block)
    return tuple(whole)


def batch(case: Case, said: Batch, body: Body, key: int) -> bytes:
    """Move `body` by a batch; return the digest of the batch's statement.

    Raises:
        Broken: it does not follow, or was not signed by a key that may.
    """
    state = body.state
    _not_held(body)
    _stands(body, Standing.ACTIVE)
    check_counter(said.sequence, state.batches, "batch", "batch.sequence_gap")
    if said.first != state.certificates:
        raise Broken("batch.first_differs", f"it begins at {said.first}, not {state.certificates}")
    if not 0 < said.count <= MOST_IN_BATCH or said.first + said.count > MOST_CERTIFICATES:
        raise Broken("batch.count", f"{said.count} certificates")
    case.check_time()
    case.check_key(state, _count(case, 1)[0], Purpose.BATCHES)
    digest = said.digest(case.identity)
    leaf = batch_leaf(digest=digest, catalog=said.catalog, key=key, block=case.block)
    body.state = state.after_batch(digest=digest, count=said.count, leaf=leaf)
    return digest


def _status(case: Case, said: StatusChange, body: Body) -> None:
    _stands(body, Standing.ACTIVE, Standing.CLOSED)
    check_counter(said.epoch, body.state.epoch, "epoch")
    signers = _count(case, 1, 2)
    case.check_key(body.state, signers[0], Purpose.STATUS)
    if len(signers) == 2:
        case.check_registrar(signers[1], body.state.region)
        body.held = False
    _not_held(body)
    body.state = replace(body.state, epoch=said.epoch, status=body.tree.root)


def _catalog(case: Case, said: CatalogChange, body: Body) -> None:
    _stands(body, Standing.ACTIVE)
    check_counter(said.version, body.state.catalog_version, "catalog")
    alone = case.key is None
    signers = _count(case, 1 if alone else 2)
    if not alone:
        case.check_key(body.state, signers[0], Purpose.CATALOG)
    elif said.root != ZERO:
        raise Broken("act.signature", "a registrar alone may only empty a catalog")
    case.check_registrar(signers[-1], body.state.region)
    body.held = False
    body.state = replace(body.state, catalog=said.root, catalog_version=said.version)


def _keys(case: Case, said: KeysChange, body: Body) -> None:
    _stands(body, Standing.ACTIVE, Standing.SUSPENDED, Standing.CLOSED)
    check_counter(said.revision, body.state.revision, "revision")
    signers = _count(case, 1, 2 + len(said.added))
    if len(signers) == 1:
        _not_held(body)
        case.check_key(body.state, signers[0], None)
        alone = [end[0] for end in said.ends] == [case.key] and not said.added
        if not alone or int.from_bytes(said.ends[0][1:], "big") < case.block:
            raise Broken("act.signature", "a key alone may only end itself, and not in the past")
    else:
        case.check_registrar(signers[0], body.state.region)
        if case.key is None:
            case.check_registrar(signers[1], body.state.region, other=True)
        else:
            case.check_key(body.state, signers[1], Purpose.KEYS)
        if signers[2:] != [key[:20] for key in said.added]:
            raise Broken("act.signature", "a key that is added did not sign")
        body.held = False
    ended = _ended(body.state.keys, said.ends, raising=False)
    keys = _added(ended, said.added, case.block)
    body.state = replace(body.state, keys=keys, revision=said.revision)


def _standing(case: Case, said: StandingChange, body: Body) -> None:
    wanted = _standing_of(said.standing)
    if wanted not in _MAY_BECOME[body.state.standing]:
        raise Broken("act.standing", f"a body that is {body.state.standing} becomes {wanted}")
    check_counter(said.revision, body.state.revision, "revision")
    signers = _count(case, 2 if wanted is Standing.STRUCK else 1)
    case.check_registrar(signers[0], body.state.region)
    if wanted is Standing.STRUCK:
        case.check_registrar(signers[1], body.state.region, other=True)
    body.held = False
    body.state = replace(body.state, standing=wanted, since=case.block, revision=said.revision)


def _restore(case: Case, said: Restore, body: Body) -> None:
    wanted = _standing_of(said.standing)
    check_counter(said.revision, body.state.revision, "revision")
    case.check_majority()
    body.held = False
    body.state = replace(
        body.state,
        keys=_ended(body.state.keys, said.ends, raising=True),
        standing=wanted,
        since=body.state.since if wanted is body.state.standing else case.block,
        revision=said.revision,
    )


def _standing_of(number: int) -> Standing:
    if not 0 < number <= len(_STANDINGS):
        raise Broken("act.content", f"{number} is no standing")
    return _STANDINGS[number - 1]


_ON_BODIES: Mapping[type[Statement], Callable[[Case, Any, Body], None]] = {
    StatusChange: _status,
    CatalogChange: _catalog,
    KeysChange: _keys,
    StandingChange: _standing,
    Restore: _restore,
}


def move_body(case: Case, body: Body) -> None:
    """Move `body` by an act on it; of a status change the words are in its tree already.

    Raises:
        Broken: the act breaks a rule.
    """
    case.check_time()
    _ON_BODIES[type(case.statement)](case, case.statement, body)


def hold(case: Case, said: Hold, body: Body, seat: Registrar) -> None:
    """Set the brake on `body`; `seat` is its registrar.

    Raises:
        Broken: another signed, or the nonce does not move by one.
    """
    case.check_time()
    check_counter(said.nonce, seat.nonce, "hold")
    case.check_registrar(_count(case, 1)[0], body.state.region)
    seat.nonce, body.held = said.nonce, True


def seat_registrar(case: Case, said: RegistrarChange, term: int) -> None:
    """Check a change of registrars; `term` is the one before.

    Raises:
        Broken: no majority signed, or the account cannot be a registrar's.
    """
    case.check_time()
    check_counter(said.term, term, "term")
    case.check_majority()
    taken = {seat.account for seat in case.registrars.values()}
    if not 0 < said.region < 100 or said.account == bytes(20) or said.account in taken:
        raise Broken("act.content", "the account cannot be this region's registrar")


def roll_after(roll: bytes, issuer: str) -> bytes:
    """Return the list of all bodies after one more (32 bytes, SPEC section 13)."""
    number = int.from_bytes(roll[28:], "big") + 1
    return keccak(roll + issuer.encode("ascii"))[:28] + number.to_bytes(4, "big")
