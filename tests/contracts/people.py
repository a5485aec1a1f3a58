"""An issuer as tests meet it: it makes acts, carries them, and keeps its state as a tool would."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eth_keys.datatypes import PrivateKey

from certledger.contracts.calls import NO_KEY
from certledger.verifier.formats.contract_events import IssuerStateEvent
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.statements import (
    CatalogChange,
    Hold,
    KeysChange,
    Register,
    RegistrarChallenge,
    RegistrarChange,
    RegistrarRotation,
    Release,
    Restore,
    StandingChange,
    StatusChange,
)
from certledger.verifier.formats.status_tree import StatusTree, choose, move
from certledger.verifier.vocabulary import Purpose, Standing, Status
from tests.contracts.acts import Act, Anchoring, SignedBatch, play, with_proof
from tests.contracts.world import (
    NAME,
    Outcome,
    World,
    address,
    code,
    ends_of,
    given,
    issuer_key,
    next_batch,
    person,
    registrar,
)

NAME_DIGEST = hashlib.sha256(NAME.encode()).digest()
BATCHES, STATUS, CATALOG, KEYS = range(4)
"""Indexes of the keys of an office; key i has only purpose 2**i."""
PURPOSES = (Purpose.BATCHES, Purpose.STATUS, Purpose.CATALOG, Purpose.KEYS)


@dataclass
class Office:
    """An issuer.  `state` is what the chain told last."""

    world: World
    issuer: str = code(31)
    purposes: Sequence[int] = PURPOSES
    state: Any = None
    tree: StatusTree = field(default_factory=StatusTree)

    @property
    def region(self) -> int:
        return int(self.issuer[2:4])

    @property
    def registrar(self) -> PrivateKey:
        return registrar(self.region)

    @property
    def another(self) -> PrivateKey:
        """A registrar of another region."""
        return registrar(34 if self.region != 34 else 33)

    def key(self, index: int) -> PrivateKey:
        return issuer_key(self.issuer, index)

    @property
    def code(self) -> bytes:
        return self.issuer.encode()

    # Carrying

    def carry(self, act: Act | Anchoring) -> Outcome:
        """Carry an act; if it goes through, take the new state over from what the chain told."""
        outcome = play(self.world, act)
        self._learn(outcome)
        return outcome

    def _learn(self, outcome: Outcome) -> None:
        for event in outcome.events:
            if isinstance(event, IssuerStateEvent) and event.issuer == self.issuer:
                self.state = event.state(NAME)

    def register(self) -> Outcome:
        return self.carry(self.registration())

    def issue(self, *counts: int) -> Outcome:
        return self.carry(Anchoring(entries=((self.state, self.batches(*counts)),)))

    # Making acts

    def registration(self, **changes: Any) -> Act:
        keys = tuple(given(self.key(at), mark) for at, mark in enumerate(self.purposes))
        said = Register(
            issuer=self.code, kind=1, name=NAME_DIGEST, keys=keys, not_after=self.world.later()
        )
        people = [self.key(at) for at in range(len(self.purposes))]
        signers = (self.registrar, self.another, *people)
        return Act(said=replace(said, **changes), signers=signers)

    def batches(self, *counts: int, key: int = BATCHES) -> tuple[SignedBatch, ...]:
        """Return batches that follow on each other, each of so many certificates."""
        made, state = [], self.state
        for count in counts:
            said = next_batch(state, count=count, not_after=self.world.later())
            made.append(SignedBatch(said=said, key=key, signer=self.key(key)))
            digest = said.digest(self.world.identity)
            state = state.after_batch(digest=digest, count=count, leaf=bytes(32))
        return tuple(made)

    def status(
        self, cells: Iterable[int], to: Status, *, countersigned: bool = False, **changes: Any
    ) -> Act:
        words, masks = choose(cells)
        said = StatusChange(
            issuer=self.code,
            epoch=self.state.epoch + 1,
            words=words,
            masks=masks,
            status=to.number,
            reason=b"R01",
            not_after=self.world.later(),
        )
        said = replace(said, **changes)
        signers = (self.key(STATUS), *[self.registrar] * countersigned)
        proof = with_proof(self.tree, words)
        return Act(said=said, signers=signers, state=self.state, key=STATUS, **proof)

    def set_status(self, cells: Iterable[int], to: Status, *, countersigned: bool = False) -> None:
        """Move certificates and keep the list in step; the act must go through."""
        act = self.status(cells, to, countersigned=countersigned)
        self.set_status_of(act, to, play(self.world, act), correction=countersigned)

    def set_status_of(
        self, act: Act, to: Status, outcome: Outcome, *, correction: bool = False
    ) -> None:
        """Take over what a status act that went through has changed."""
        assert outcome.refused is None, outcome.refused
        said = act.said
        assert isinstance(said, StatusChange)
        moved = {
            at: move(self.tree.word(at), mask, to, correction=correction)
            for at, mask in zip(said.words, said.masks, strict=True)
        }
        self.tree.update(moved)
        self._learn(outcome)
        assert self.tree.root == self.state.status

    def catalog(self, root: bytes = b"\x22" * 32, **changes: Any) -> Act:
        said = CatalogChange(
            issuer=self.code,
            version=self.state.catalog_version + 1,
            root=root,
            not_after=self.world.later(),
        )
        signers = (self.key(CATALOG), self.registrar)
        return Act(said=replace(said, **changes), signers=signers, state=self.state, key=CATALOG)

    def keys_change(
        self,
        *,
        added: Sequence[tuple[PrivateKey, int]] = (),
        ends: Sequence[bytes] = (),
        key: int = KEYS,
        **changes: Any,
    ) -> Act:
        said = KeysChange(
            issuer=self.code,
            revision=self.state.revision + 1,
            added=tuple(given(*one) for one in added),
            ends=tuple(ends),
            not_after=self.world.later(),
        )
        second = self.another if key == NO_KEY else self.key(key)
        signers = (self.registrar, second, *[who for who, _ in added])
        return Act(said=replace(said, **changes), signers=signers, state=self.state, key=key)

    def ending_itself(self, index: int, end: int) -> Act:
        act = self.keys_change(ends=[bytes([index]) + end.to_bytes(5, "big")], key=index)
        return replace(act, signers=(self.key(index),))

    def standing(self, to: Standing, **changes: Any) -> Act:
        said = StandingChange(
            issuer=self.code,
            revision=self.state.revision + 1,
            standing=to.number,
            not_after=self.world.later(),
        )
        signers = (self.registrar, *[self.another] * (to is Standing.STRUCK))
        return Act(said=replace(said, **changes), signers=signers, state=self.state)

    def restoration(
        self, to: Standing = Standing.ACTIVE, ends: Sequence[bytes] = (), **changes: Any
    ) -> Act:
        said = Restore(
            term=1,
            issuers=(self.code,),
            standings=(to.number,),
            ends=tuple(bytes(2) + end for end in ends),
            not_after=self.world.later(),
        )
        signers = tuple(registrar(region) for region in (31, 32, 33))
        return Act(said=replace(said, **changes), signers=signers, states=(self.state,))

    def hold(self, **changes: Any) -> Act:
        said = Hold(region=self.region, issuers=(self.code,), nonce=1, not_after=self.world.later())
        return Act(said=replace(said, **changes), signers=(self.registrar,))

    def release(self, **changes: Any) -> Act:
        said = Release(
            region=self.region, issuers=(self.code,), nonce=2, not_after=self.world.later()
        )
        return Act(said=replace(said, **changes), signers=(self.registrar,))


def seating(world: World, account: bytes, region: int = 31, **changes: Any) -> Act:
    """Return the act that seats a registrar, signed by three of four."""
    said = RegistrarChange(region=region, account=account, term=1, not_after=world.later())
    signers = tuple(registrar(seat) for seat in (31, 32, 33))
    return Act(said=replace(said, **changes), signers=signers)


def rotation(world: World, to: PrivateKey, region: int = 31, **changes: Any) -> Act:
    """Return the act by which a registrar gives itself the account of `to`."""
    said = RegistrarRotation(region=region, account=address(to), turn=1, not_after=world.later())
    return Act(said=replace(said, **changes), signers=(registrar(region), to))


def challenge(world: World, region: int = 34, **changes: Any) -> Act:
    """Return the act by which two of the other three ask a registrar for an answer."""
    said = RegistrarChallenge(region=region, turn=1, not_after=world.later())
    signers = tuple(registrar(seat) for seat in (31, 32, 33) if seat != region)[:2]
    return Act(said=replace(said, **changes), signers=signers)


def saying(act: Act, **changes: Any) -> Act:
    """Return an act whose statement says something else."""
    return replace(act, said=replace(act.said, **changes))


def stale(state: IssuerState) -> IssuerState:
    """Return a state that is not the present one."""
    return replace(state, revision=state.revision + 1)


def held(office: Office) -> Office:
    """Hold the issuer; the act must go through."""
    assert office.carry(office.hold()).refused is None
    return office


def another_issuer(office: Office) -> Act:
    return Office(world=office.world, issuer=code(31, 7)).registration()


ACTS: dict[str, Callable[[Office], Act]] = {
    "register": another_issuer,
    "status": lambda office: office.status([5], Status.REVOKED),
    "status, countersigned": lambda office: office.status([5], Status.REVOKED, countersigned=True),
    "catalog": lambda office: office.catalog(),
    "catalog, emptied by the registrar": lambda office: replace(
        office.catalog(root=bytes(32)), key=NO_KEY, signers=(office.registrar,)
    ),
    "keys": lambda office: office.keys_change(added=[(person("new"), 1)]),
    "keys, by two registrars": lambda office: office.keys_change(
        added=[(person("new"), 1)], key=NO_KEY
    ),
    "keys, one ending itself": lambda office: office.ending_itself(0, office.world.block + 1),
    "suspend": lambda office: office.standing(Standing.SUSPENDED),
    "close": lambda office: office.standing(Standing.CLOSED),
    "strike": lambda office: office.standing(Standing.STRUCK),
    "restore": lambda office: office.restoration(ends=ends_of((0, 9))),
    "hold": lambda office: office.hold(),
    "release": lambda office: held(office).release(),
    "registrar": lambda office: seating(office.world, address(person("new"))),
    "rotate": lambda office: rotation(office.world, person("new")),
    "challenge": lambda office: challenge(office.world),
}
