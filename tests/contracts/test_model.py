"""Any sequence of acts, good and bad: the contract and a model in Python agree after each."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from certledger.contracts.calls import NO_KEY, state_words
from certledger.contracts.loader import load_artifact
from certledger.verifier.contract_rules import apply
from certledger.verifier.contract_state import (
    BlockTime,
    Issuer,
    LedgerState,
    RuleBrokenError,
    Seat,
    SignedAct,
)
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats.contract_events import IssuerStateEvent, Skipped
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
from certledger.verifier.formats.status_tree import choose
from tests.contracts.acts import Act, Anchoring, SignedBatch, with_proof
from tests.contracts.model import Model, ModelRefusal
from tests.contracts.world import (
    NAME,
    REGIONS,
    World,
    address,
    code,
    ends_of,
    given,
    issuer_key,
    next_batch,
    person,
    recovery,
    registrar,
)
from tests.effort import effort

ISSUERS = (code(31), code(31, 2), code(32), code(34), code(35))
FEW = 3
NO_END = 2**40 - 1
UNKNOWN = "the Python copy of the rules cannot be asked"
NAME_DIGEST = hashlib.sha256(NAME.encode()).digest()

issuers = st.sampled_from(ISSUERS)
step = st.sampled_from([1] * 12 + [0, 2])
life = st.sampled_from([60] * 12 + [0, 604_800, 604_801, -1])
purposes = st.sampled_from([15] * 6 + [1, 2, 4, 8, 7])
# How the list of signers is spoiled: most often not at all.
spoil = st.sampled_from([None] * 12 + ["stranger", "drop", "repeat", "swap", "colleague"])
standings = st.integers(1, 4)
regions = st.sampled_from(REGIONS)
key_indexes = st.sampled_from([0] * 6 + [1, 2, 3, 20])
ends = st.lists(
    st.tuples(st.integers(0, FEW), st.sampled_from([0, 5, 50, NO_END])), max_size=2
).map(lambda pairs: ends_of(*pairs))

_world: list[tuple[World, Any]] = []


def fresh_world() -> World:
    """Return the one deployed world, as it was just after deployment."""
    if not _world:
        world = World()
        world.deploy()
        _world.append((world, world.snapshot()))
    world, start = _world[0]
    world.revert(start)
    return world


class Ledger(RuleBasedStateMachine):
    """The contract on a chain and the model, side by side; a block holds several acts."""

    @initialize()
    def deploy(self) -> None:
        self.world = fresh_world()
        self.model = Model(
            seats={region: address(registrar(region)) for region in REGIONS},
            recoveries={region: address(recovery(region)) for region in REGIONS},
            identity=self.world.identity,
        )
        self.older: dict[str, Any] = {}
        self.seated = {region: registrar(region) for region in REGIONS}
        self.spares = {region: recovery(region) for region in (*REGIONS, 35)}
        for issuer in ISSUERS[:3]:
            self._register(issuer, [15, 15])

    def _both(self, act: Act | Anchoring) -> None:
        self.model.block, self.model.now = self.world.block, self.world.now
        states = dict(self.model.issuers)
        rule: str | None = UNKNOWN
        if isinstance(act, Act) and not self._is_stale(act):
            rule = self._rule_broken(act)
        try:
            passed, expected = self.model.apply(act) or [], None
        except ModelRefusal as refusal:
            passed, expected = [], str(refusal)
        outcome = self.world.send(act.calldata(self.world.identity), mine=False)
        assert outcome.refused == expected, act
        if rule != UNKNOWN and not str(expected).startswith("Status"):
            assert rule == expected, act
        if expected == "NothingAnchored":
            self._names_the_first_refusal(outcome.data)
        told = [
            (event.issuer, event.sequence, load_artifact().error_name(event.reason))
            for event in outcome.events
            if isinstance(event, Skipped)
        ]
        assert told == passed
        for event in outcome.events:
            if isinstance(event, IssuerStateEvent):
                assert event.words == state_words(self.model.issuers[event.issuer])
                assert event.state(NAME) == self.model.issuers[event.issuer]
        for issuer, state in states.items():
            if self.model.issuers[issuer] != state:
                self.older[issuer] = state

    def _is_stale(self, act: Act) -> bool:
        """Whether a state handed in with the act is not the present one.

        The Python copy of the rules knows only the present state, so it cannot be asked then.
        """
        states = [state for state in (act.state, *act.states) if state is not None]
        return any(self.model.issuers.get(one.issuer) != one for one in states)

    def _rule_broken(self, act: Act) -> str | None:
        """Return the rule that the Python copy of the contract's rules finds broken."""
        model = self.model
        ledger = LedgerState(
            identity=model.identity,
            seats={
                region: Seat(
                    account=model.seats.get(region, bytes(20)),
                    recovery=model.recoveries.get(region, bytes(20)),
                    nonce=model.nonces.get(region, 0),
                    turn=model.turns.get(region, 0),
                    challenged=model.challenged.get(region, 0),
                    rotated=model.rotated.get(region, 0),
                )
                for region in {*REGIONS, *model.seats, *model.nonces, *model.turns}
            },
            issuers={
                code: Issuer(state=state, on_hold=code in model.held)
                for code, state in model.issuers.items()
            },
            term=model.term,
        )
        signatures = tuple(self.world.signed(act.said, *act.signers))
        key = None if act.key == NO_KEY else act.key
        signed = SignedAct(statement=act.said, signatures=signatures, key=key)
        try:
            apply(ledger, signed, BlockTime(number=model.block, time=model.now))
        except RuleBrokenError as broken:
            return broken.rule
        return None

    def _names_the_first_refusal(self, data: bytes) -> None:
        issuer, reason = self.model.first_refusal or ("", None)
        named = load_artifact().error_name(data[36:40]) if any(data[36:40]) else None
        assert (data[4:22].rstrip(b"\x00").decode(), named) == (issuer, reason)

    def _spoiled(self, signers: list[Any], how: str | None) -> tuple[Any, ...]:
        stranger = person("stranger") if how == "stranger" else registrar(32)
        match how:
            case "stranger" | "colleague":
                signers = [*signers[:-1], stranger]
            case "drop":
                signers = signers[:-1]
            case "repeat":
                signers = [*signers, signers[-1]]
            case "swap":
                signers = signers[::-1]
        return tuple(signers)

    def _state(self, issuer: str, old: bool) -> Any:
        return (
            self.older.get(issuer, self.model.issuers[issuer])
            if old
            else self.model.issuers[issuer]
        )

    def _person_of(self, issuer: str, index: int) -> Any:
        """Return who holds a key of the issuer; an index it does not have is somebody's anyway."""
        state = self.model.issuers[issuer]
        everyone = [issuer_key(issuer, at) for at in range(20)]
        if index < len(state.keys):
            wanted = state.keys[index].address
            return next(who for who in everyone if address(who) == wanted)
        return everyone[0]

    def _registrar_of(self, issuer: str) -> Any:
        return self.seated.get(int(issuer[2:4]), registrar(35))

    def _register(
        self,
        issuer: str,
        marks: list[int],
        kind: int = 1,
        not_after: int = 60,
        how: str | None = None,
    ) -> None:
        people = [issuer_key(issuer, index) for index in range(len(marks))]
        said = Register(
            issuer=issuer.encode(),
            kind=kind,
            name=NAME_DIGEST,
            keys=tuple(given(who, mark) for who, mark in zip(people, marks, strict=True)),
            not_after=max(0, self.world.now + not_after),
        )
        second = self.seated.get(33 if issuer[2:4] != "33" else 32, registrar(33))
        signers = self._spoiled([self._registrar_of(issuer), second, *people], how)
        self._both(Act(said=said, signers=signers))

    @rule(
        issuer=issuers,
        marks=st.lists(purposes, max_size=FEW),
        kind=st.sampled_from([1, 1, 1, 6, 7]),
        not_after=life,
        how=spoil,
    )
    def register(self, issuer, marks, kind, not_after, how):
        self._register(issuer, marks, kind, not_after, how)

    @rule(
        rows=st.lists(
            st.tuples(
                st.sampled_from(ISSUERS[:4]),
                st.sampled_from([False] * 9 + [True]),
                st.lists(
                    st.tuples(
                        st.sampled_from([100] * 9 + [0, 65_536, 65_537]),
                        step,
                        st.sampled_from([0] * 9 + [1]),
                        life,
                        key_indexes,
                        st.booleans(),
                    ),
                    max_size=3,
                ),
            ),
            max_size=3,
        )
    )
    def anchor(self, rows):
        entries: list[Any] = []
        for issuer, old, wanted in rows:
            if issuer not in self.model.issuers:
                continue
            state = self._state(issuer, old)
            after, batches = state, list[SignedBatch]()
            for count, by, gap, not_after, key, honest in wanted:
                said = next_batch(after, count=count, not_after=self.world.now + not_after)
                said = replace(
                    said,
                    sequence=after.batches + by,
                    first=said.first + gap,
                    root=keccak(bytes([len(batches)])),
                )
                signer = self._person_of(issuer, key) if honest else issuer_key(issuer, 0)
                batches.append(SignedBatch(said=said, key=key, signer=signer))
                if 0 < count <= 65_536 and by == 1 and not gap and 0 <= not_after <= 604_800:
                    digest = said.digest(self.world.identity)
                    after = after.after_batch(digest=digest, count=count, leaf=bytes(32))
            entries.append((state, tuple(batches)))
        self._both(Anchoring(entries=tuple(entries)))

    @rule(
        issuer=st.sampled_from(ISSUERS[:4]),
        cells=st.sets(st.integers(0, 300), max_size=6),
        status=st.sampled_from([0, 1, 2, 2, 2, 3]),
        countersigned=st.booleans(),
        by=step,
        not_after=life,
        key=key_indexes,
        how=spoil,
        old=st.sampled_from([False] * 9 + [True]),
        half=st.sampled_from([0] * 9 + [1, 2]),
    )
    def change_status(
        self, issuer, cells, status, countersigned, by, not_after, key, how, old, half
    ):
        if issuer not in self.model.issuers:
            return
        state = self._state(issuer, old)
        words, masks = choose(cells)
        if masks and half:
            masks = (masks[0] ^ half << 2 * (min(cells) % 128), *masks[1:])
        said = StatusChange(
            issuer=issuer.encode(),
            epoch=state.epoch + by,
            words=words,
            masks=masks,
            status=status,
            reason=b"R01",
            not_after=self.world.now + not_after,
        )
        signers = [self._person_of(issuer, key)]
        if countersigned:
            signers.append(self._registrar_of(issuer))
        proof = with_proof(self.model.trees[issuer], words)
        self._both(
            Act(said=said, signers=self._spoiled(signers, how), state=state, key=key, **proof)
        )

    @rule(
        issuer=st.sampled_from(ISSUERS[:4]),
        root=st.sampled_from([bytes(32), b"\x22" * 32]),
        alone=st.booleans(),
        by=step,
        not_after=life,
        key=key_indexes,
        how=spoil,
        old=st.sampled_from([False] * 9 + [True]),
    )
    def change_catalog(self, issuer, root, alone, by, not_after, key, how, old):
        if issuer not in self.model.issuers:
            return
        state = self._state(issuer, old)
        said = CatalogChange(
            issuer=issuer.encode(),
            version=state.catalog_version + by,
            root=root,
            not_after=self.world.now + not_after,
        )
        signers = [self._registrar_of(issuer)]
        if alone:
            key = NO_KEY
        else:
            signers.insert(0, self._person_of(issuer, key))
        signed = self._spoiled(signers, how)
        self._both(Act(said=said, signers=signed, state=state, key=key))

    @rule(
        issuer=st.sampled_from(ISSUERS[:4]),
        added=st.lists(st.tuples(st.integers(1, FEW), purposes), max_size=2),
        ends=ends,
        way=st.sampled_from(["key", "registrar", "alone"]),
        other=regions,
        by=step,
        not_after=life,
        key=key_indexes,
        how=spoil,
        old=st.sampled_from([False] * 9 + [True]),
    )
    def change_keys(self, issuer, added, ends, way, other, by, not_after, key, how, old):
        if issuer not in self.model.issuers:
            return
        state = self._state(issuer, old)
        newcomers = [issuer_key(issuer, index) for index, _ in added]
        if way == "alone":
            added, newcomers = [], []
            ends = ends_of((key, self.world.block)) if len(ends) != 1 else ends
        said = KeysChange(
            issuer=issuer.encode(),
            revision=state.revision + by,
            added=tuple(given(who, mark) for who, (_, mark) in zip(newcomers, added, strict=True)),
            ends=ends,
            not_after=self.world.now + not_after,
        )
        signers = [self._registrar_of(issuer)]
        if way == "registrar":
            key = NO_KEY
            signers.append(self._seated(other))
        elif way == "key":
            signers.append(self._person_of(issuer, key))
        else:
            signers = [self._person_of(issuer, key)]
        signed = self._spoiled([*signers, *newcomers], how)
        self._both(Act(said=said, signers=signed, state=state, key=key))

    @rule(
        issuer=st.sampled_from(ISSUERS[:4]),
        standing=st.sampled_from([1, 1, 1, 2, 2, 2, 3, 4, 0, 5]),
        other=regions,
        by=step,
        not_after=life,
        how=spoil,
    )
    def change_standing(self, issuer, standing, other, by, not_after, how):
        if issuer not in self.model.issuers:
            return
        state = self.model.issuers[issuer]
        said = StandingChange(
            issuer=issuer.encode(),
            revision=state.revision + by,
            standing=standing,
            not_after=self.world.now + not_after,
        )
        signers = [self._registrar_of(issuer)] + [self._seated(other)] * (standing == 4)
        self._both(Act(said=said, signers=self._spoiled(signers, how), state=state))

    @rule(
        named=st.lists(st.sampled_from(ISSUERS[:4]), max_size=3),
        standing=st.lists(standings, min_size=3, max_size=3),
        ends=ends,
        place=st.sampled_from([0] * 6 + [1, 2]),
        seats=st.sets(regions, min_size=2),
        by=step,
        not_after=life,
        how=spoil,
        old=st.sampled_from([False] * 9 + [True]),
    )
    def restore(self, named, standing, ends, place, seats, by, not_after, how, old):
        named = [issuer for issuer in named if issuer in self.model.issuers]
        if len(named) != 2:
            named = sorted(set(named))
        said = Restore(
            term=self.model.term + by,
            issuers=tuple(issuer.encode() for issuer in named),
            standings=tuple(standing[: len(named)]),
            ends=tuple(place.to_bytes(2, "big") + end for end in ends),
            not_after=self.world.now + not_after,
        )
        signers = [self._seated(region) for region in sorted(seats)]
        states = tuple(self._state(issuer, old) for issuer in named)
        self._both(Act(said=said, signers=self._spoiled(signers, how), states=states))

    @rule(
        region=regions,
        kind=st.sampled_from([Hold, Hold, Release]),
        named=st.lists(issuers, max_size=3),
        tidy=st.sampled_from([True] * 6 + [False]),
        by=step,
        not_after=life,
        how=spoil,
    )
    def move_brakes(self, region, kind, named, tidy, by, not_after, how):
        if tidy:
            named = sorted({issuer for issuer in named if int(issuer[2:4]) == region})
        said = kind(
            region=region,
            issuers=tuple(issuer.encode() for issuer in named),
            nonce=self.model.nonces.get(region, 0) + by,
            not_after=self.world.now + not_after,
        )
        self._both(Act(said=said, signers=self._spoiled([self._seated(region)], how)))

    def _seated(self, region: int) -> Any:
        """Return who sits for a region, anybody where it has no registrar."""
        return self.seated.get(region, registrar(region))

    @rule(
        region=st.sampled_from([*REGIONS, 34, 35, 35, 0, 100]),
        who=st.sampled_from(["new", "newer", "newest", "registrar 31", None]),
        spare=st.sampled_from([None, "new", "spare"]),
        seats=st.sets(regions, min_size=2),
        by=step,
        not_after=life,
        how=spoil,
    )
    def change_registrar(self, region, who, spare, seats, by, not_after, how):
        said = RegistrarChange(
            region=region,
            account=address(person(who)) if who else bytes(20),
            recovery=address(person(spare)) if spare else bytes(20),
            term=self.model.term + by,
            not_after=self.world.now + not_after,
        )
        signers = [self._seated(seat) for seat in sorted(seats)]
        self._both(Act(said=said, signers=self._spoiled(signers, how)))
        if region not in self.model.seats:
            self.seated.pop(region, None)
        elif who and self.model.seats[region] == said.account:
            self.seated[region] = person(who)
            self.spares[region] = person(spare) if spare else person("stranger")

    @rule(
        region=st.sampled_from([*REGIONS, 35]),
        to=st.sampled_from(["rotated", "rotated again", "new", "registrar 32"]),
        recovering=st.booleans(),
        by=step,
        not_after=life,
        how=spoil,
    )
    def rotate(self, region, to, recovering, by, not_after, how):
        said = RegistrarRotation(
            region=region,
            account=address(person(to)),
            turn=self.model.turns.get(region, 0) + by,
            not_after=self.world.now + not_after,
        )
        first = self.spares[region] if recovering else self._seated(region)
        self._both(Act(said=said, signers=self._spoiled([first, person(to)], how)))
        if self.model.seats.get(region) == said.account:
            self.seated[region] = person(to)

    @rule(
        region=st.sampled_from([*REGIONS, 35]),
        seats=st.sets(regions, min_size=1),
        by=step,
        not_after=life,
        how=spoil,
    )
    def challenge(self, region, seats, by, not_after, how):
        said = RegistrarChallenge(
            region=region,
            turn=self.model.turns.get(region, 0) + by,
            not_after=self.world.now + not_after,
        )
        signers = [self._seated(seat) for seat in sorted(seats)]
        self._both(Act(said=said, signers=self._spoiled(signers, how)))

    @rule(days=st.sampled_from([1, 7, 31]))
    def pass_time(self, days):
        self.world.pass_time(days * 86_400)

    @rule(blocks=st.integers(1, 10))
    def mine(self, blocks):
        self.world.mine(blocks)

    @invariant()
    def everything_on_the_chain_is_as_in_the_model(self) -> None:
        for issuer in ISSUERS:
            assert self.world.slot(issuer) == self.model.slot(issuer), issuer
        assert self.world.view("roll()") == self.model.roll
        assert int.from_bytes(self.world.view("term()"), "big") == self.model.term
        assert int.from_bytes(self.world.view("registrars()"), "big") == len(self.model.seats)
        model = self.model
        for region in (*REGIONS, 35):
            seat = self.world.view("registrar(uint16)", region.to_bytes(32, "big"))
            assert seat[12:32] == model.seats.get(region, bytes(20))
            assert seat[108:128] == model.recoveries.get(region, bytes(20))
            for at, numbers in (
                (32, model.nonces),
                (64, model.challenged),
                (128, model.turns),
                (160, model.rotated),
            ):
                assert int.from_bytes(seat[at : at + 32], "big") == numbers.get(region, 0)


TestLedger = Ledger.TestCase
# No shrinking: a failure prints a blob that reproduces it, and shrinking takes minutes here.
TestLedger.settings = settings(
    max_examples=effort(3, 15),
    stateful_step_count=30,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
