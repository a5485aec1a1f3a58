"""The whole ledger once more, in plain Python: what the contract must agree with act by act."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.errors import ProofInvalidError
from certledger.verifier.formats.issuer_state import IssuerState, Key, batch_leaf
from certledger.verifier.formats.statements import (
    MAX_LIFETIME_SECONDS,
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
from certledger.verifier.formats.status_tree import CELLS, EMPTY_ROOT, MAX_STATUS_WORDS, StatusTree
from certledger.verifier.vocabulary import IssuerKind, Purpose, Standing
from tests.contracts.acts import Act, Anchoring, SignedBatch
from tests.contracts.world import NAME, address

CODE = re.compile(rb"[0-9A-Z]{2}[0-9]{2}[0-9A-Z]{14}")
NO_KEY = 255
NOBODY = bytes(20)
DAY = 86_400


class ModelRefusal(Exception):
    """The model refuses, naming the contract's error."""


def refuse(name: str) -> NoReturn:
    raise ModelRefusal(name)


@dataclass
class Model:
    """Every issuer, registrar and counter."""

    seats: dict[int, bytes]
    recoveries: dict[int, bytes]
    identity: bytes
    issuers: dict[str, IssuerState] = field(default_factory=dict)
    trees: dict[str, StatusTree] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    nonces: dict[int, int] = field(default_factory=dict)
    turns: dict[int, int] = field(default_factory=dict)
    rotated: dict[int, int] = field(default_factory=dict)
    challenged: dict[int, int] = field(default_factory=dict)
    term: int = 0
    roll: bytes = bytes(32)
    block: int = 0
    now: int = 0
    first_refusal: tuple[str, str] | None = None

    # What stands on the chain

    def slot(self, issuer: str) -> bytes:
        if issuer not in self.issuers:
            return bytes(32)
        digest = self.issuers[issuer].digest()
        return digest[:-1] + bytes([digest[-1] | (issuer in self.held)])

    # Acts

    def apply(self, act: Act | Anchoring) -> Any:
        """Apply an act, or raise ModelRefusal; an anchoring returns what was passed over."""
        if isinstance(act, Anchoring):
            return self._anchor(act)
        handlers: dict[type, Any] = {
            Register: self._register,
            StatusChange: self._status,
            CatalogChange: self._catalog,
            KeysChange: self._keys,
            StandingChange: self._standing,
            Restore: self._restore,
            Hold: self._hold,
            Release: self._release,
            RegistrarChange: self._registrar,
            RegistrarRotation: self._rotate,
            RegistrarChallenge: self._challenge,
        }
        copies = {name: copy(value) for name, value in vars(self).items()}
        try:
            return handlers[type(act.said)](act, act.said)
        except ModelRefusal:
            vars(self).update(copies)
            raise

    def _register(self, act: Act, said: Register) -> None:
        code = said.issuer.decode()
        if code in self.issuers:
            refuse("BodyExists")
        if not CODE.fullmatch(said.issuer):
            refuse("CodeInvalid")
        if not 1 <= said.kind <= 6:
            refuse("KindUnknown")
        self._timely(said.not_after)
        self._count(act, 2 + len(said.keys))
        self._by_registrar(act, int(code[2:4]), 0)
        self._by_other(act, int(code[2:4]), 1)
        issuer = IssuerState(
            issuer=code,
            kind=list(IssuerKind)[said.kind - 1],
            name=NAME,
            keys=self._added((), said.keys, act, 2),
            since=self.block,
            status=EMPTY_ROOT,
        )
        count = int.from_bytes(self.roll[28:], "big") + 1
        self.roll = keccak(self.roll + said.issuer)[:28] + count.to_bytes(4, "big")
        self.trees[code] = StatusTree()
        self.issuers[code] = issuer

    def _catalog(self, act: Act, said: CatalogChange) -> None:
        issuer = self._open(act)
        if issuer.standing is not Standing.ACTIVE:
            refuse("StandingForbids")
        self._next(issuer.catalog_version, said.version)
        self._timely(said.not_after)
        if act.key == NO_KEY:
            if said.root != bytes(32):
                refuse("CatalogAlone")
            self._count(act, 1)
            self._by_registrar(act, issuer.region, 0)
        else:
            self._count(act, 2)
            self._by_key(act, issuer, Purpose.CATALOG, 0)
            self._by_registrar(act, issuer.region, 1)
        self._store(replace(issuer, catalog_version=said.version, catalog=said.root))

    def _keys(self, act: Act, said: KeysChange) -> None:
        issuer = self._open(act)
        if issuer.standing is Standing.STRUCK:
            refuse("StandingForbids")
        self._next(issuer.revision, said.revision)
        self._timely(said.not_after)
        if not said.added and not said.ends:
            refuse("NothingChanges")
        if len(act.signers) == 1:
            if issuer.issuer in self.held:
                refuse("BodyHeld")
            if said.added or len(said.ends) != 1:
                refuse("EndAlone")
            index, end = said.ends[0][0], int.from_bytes(said.ends[0][1:], "big")
            if index != act.key or end <= self.block:
                refuse("EndAlone")
            self._by_key(act, issuer, None, 0)
            if issuer.keys[act.key].end != 2**40 - 1:
                refuse("EndAlone")
        else:
            self._count(act, 2 + len(said.added))
            self._by_registrar(act, issuer.region, 0)
            if act.key == NO_KEY:
                self._by_other(act, issuer.region, 1)
            else:
                self._by_key(act, issuer, Purpose.KEYS, 1)
        ended = self._ended(issuer.keys, said.ends, raise_too=False)
        keys = self._added(ended, said.added, act, 2)
        self._store(replace(issuer, revision=said.revision, keys=keys))

    def _standing(self, act: Act, said: StandingChange) -> None:
        issuer = self._open(act)
        allowed = {
            Standing.ACTIVE: {2, 3, 4},
            Standing.SUSPENDED: {1, 4},
            Standing.CLOSED: {4},
            Standing.STRUCK: set(),
        }
        if said.standing not in allowed[issuer.standing]:
            refuse("StandingForbids")
        self._next(issuer.revision, said.revision)
        self._timely(said.not_after)
        self._count(act, 2 if said.standing == 4 else 1)
        self._by_registrar(act, issuer.region, 0)
        if said.standing == 4:
            self._by_other(act, issuer.region, 1)
        standing = list(Standing)[said.standing - 1]
        self._store(replace(issuer, revision=said.revision, standing=standing, since=self.block))

    def _restore(self, act: Act, said: Restore) -> None:
        self._next(self.term, said.term)
        self._timely(said.not_after)
        issuers = [state.issuer.encode() for state in act.states]
        if not 1 <= len(issuers) <= 128 or len(said.standings) != len(issuers):
            refuse("IssuerList")
        if issuers != sorted(set(issuers)):
            refuse("IssuerList")
        assert tuple(issuers) == said.issuers
        self._by_majority(act, 0)
        ends = list(said.ends)
        for at, (state, number) in enumerate(zip(act.states, said.standings, strict=True)):
            issuer = self._current(state)
            if not 1 <= number <= 4:
                refuse("StandingForbids")
            mine = []
            while ends and int.from_bytes(ends[0][:2], "big") == at:
                mine.append(ends.pop(0)[2:])
            standing = list(Standing)[number - 1]
            since = issuer.since if standing is issuer.standing else self.block
            keys = self._ended(issuer.keys, mine, raise_too=True)
            revision = issuer.revision + 1
            self._store(
                replace(issuer, revision=revision, standing=standing, since=since, keys=keys)
            )
            self.held.discard(issuer.issuer)
        if ends:
            refuse("EndOrder")
        self.term = said.term

    def _hold(self, act: Act, said: Hold) -> None:
        self.held.update(self._brakes(act, said))

    def _release(self, act: Act, said: Release) -> None:
        named = self._brakes(act, said)
        if not named <= self.held:
            refuse("NothingChanges")
        self.held -= named

    def _brakes(self, act: Act, said: Hold | Release) -> set[str]:
        self._next(self.nonces.get(said.region, 0), said.nonce)
        self._timely(said.not_after)
        self._count(act, 1)
        self._by_registrar(act, said.region, 0)
        if len(said.issuers) > 128:
            refuse("IssuerList")
        before = b""
        for code in said.issuers:
            if code <= before:
                refuse("IssuerList")
            if code.decode() not in self.issuers:
                refuse("BodyUnknown")
            if int(code[2:4]) != said.region:
                refuse("IssuerList")
            if isinstance(said, Release) and code.decode() not in self.held:
                refuse("NothingChanges")
            before = code
        self.nonces[said.region] = said.nonce
        return {code.decode() for code in said.issuers}

    def _registrar(self, act: Act, said: RegistrarChange) -> None:
        self._next(self.term, said.term)
        self._timely(said.not_after)
        since = self.challenged.get(said.region)
        silent = since is not None and self.now >= since + 30 * DAY
        self._by_majority(act, said.region if silent else 0)
        if not 1 <= said.region <= 99:
            refuse("RegionOrder")
        there = said.region in self.seats
        if said.account == NOBODY:
            if not there or said.recovery != NOBODY:
                refuse("RegistrarAccount")
            if len(self.seats) == 3:
                refuse("RegistrarsTooFew")
            del self.seats[said.region]
        else:
            if said.account in self.seats.values() or said.account == said.recovery:
                refuse("RegistrarAccount")
            self.seats[said.region] = said.account
        self.term = said.term
        self.recoveries[said.region] = said.recovery
        self.challenged.pop(said.region, None)
        self.rotated.pop(said.region, None)

    def _rotate(self, act: Act, said: RegistrarRotation) -> None:
        region = said.region
        self._next(self.turns.get(region, 0), said.turn)
        self._timely(said.not_after)
        self._count(act, 2)
        first, second = (address(who) for who in act.signers)
        if first == self.seats.get(region):
            if self.now < self.rotated.get(region, 0) + 7 * DAY:
                refuse("RotatedRecently")
        elif first != self.recoveries.get(region):
            refuse("SignerWrong")
        if second != said.account:
            refuse("SignerWrong")
        if said.account in self.seats.values() or said.account == self.recoveries[region]:
            refuse("RegistrarAccount")
        self.seats[region] = said.account
        self.turns[region] = said.turn
        self.rotated[region] = self.now
        self.challenged.pop(region, None)

    def _challenge(self, act: Act, said: RegistrarChallenge) -> None:
        self._next(self.turns.get(said.region, 0), said.turn)
        self._timely(said.not_after)
        if said.region not in self.seats:
            refuse("RegistrarAccount")
        if said.region in self.challenged:
            refuse("NothingChanges")
        self._by_majority(act, said.region)
        self.turns[said.region] = said.turn
        self.challenged[said.region] = self.now

    def _status(self, act: Act, said: StatusChange) -> None:
        issuer = self._open(act)
        if issuer.standing not in (Standing.ACTIVE, Standing.CLOSED):
            refuse("StandingForbids")
        self._next(issuer.epoch, said.epoch)
        self._timely(said.not_after)
        countersigned = len(act.signers) > 1
        if issuer.issuer in self.held and not countersigned:
            refuse("BodyHeld")
        self._count(act, 2 if countersigned else 1)
        self._by_key(act, issuer, Purpose.STATUS, 0)
        if countersigned:
            self._by_registrar(act, issuer.region, 1)
        later = self._moved(act, said, issuer, countersigned)
        tree = self.trees[issuer.issuer]
        tree.update(dict(zip(said.words, later, strict=True)))
        self._store(replace(issuer, epoch=said.epoch, status=tree.root))

    def _moved(
        self, act: Act, said: StatusChange, issuer: IssuerState, any_step: bool
    ) -> Sequence[bytes]:
        size = len(said.words)
        if not 1 <= size <= MAX_STATUS_WORDS or len(said.masks) != size or len(act.olds) != size:
            refuse("StatusSize")
        if said.status > 3:
            refuse("StatusUnknown")
        later, least = [], 0
        for word, mask, old in zip(said.words, said.masks, act.olds, strict=True):
            if word < least or word >= 2**25:
                refuse("StatusOrder")
            least = word + 1
            later.append(moved_word(word, mask, old, said.status, issuer.certificates, any_step))
        try:
            before = act.proof.implied_root(said.words, act.olds)
        except ProofInvalidError:
            refuse("StatusProofShape")
        if before != issuer.status:
            refuse("StatusProofRoot")
        return later

    def _anchor(self, act: Anchoring) -> list[tuple[str, int, str]]:
        passed: list[tuple[str, int, str]] = []
        anchored = False
        first: tuple[str, str] | None = None
        for handed, batches in act.entries:
            issuer = self.issuers.get(handed.issuer)
            if issuer is None or issuer.digest() != handed.digest():
                first = first or ("", "StateStale")  # It says nothing of what it did not check.
            elif issuer.issuer in self.held:
                passed.append((handed.issuer, 0, "BodyHeld"))
            elif issuer.standing is not Standing.ACTIVE:
                passed.append((handed.issuer, 0, "StandingForbids"))
            else:
                for batch in batches:
                    try:
                        issuer = self._appended(issuer, batch)
                        anchored = True
                    except ModelRefusal as reason:
                        passed.append((issuer.issuer, batch.said.sequence, str(reason)))
                self.issuers[issuer.issuer] = issuer
            if passed and first is None:
                first = (passed[0][0], passed[0][2])
        self.first_refusal = first
        if not anchored:
            refuse("NothingAnchored")
        return passed

    def _appended(self, issuer: IssuerState, batch: SignedBatch) -> IssuerState:
        said = batch.said
        self._next(issuer.batches, said.sequence)
        if said.first != issuer.certificates:
            refuse("FirstWrong")
        if not 1 <= said.count <= 65_536 or issuer.certificates + said.count > 2**32:
            refuse("BatchCount")
        self._timely(said.not_after)
        # What the contract takes from the state is what was signed only if they agree.
        means = replace(said, previous=issuer.last, catalog=issuer.catalog)
        if batch.key >= len(issuer.keys):
            refuse("KeyUnknown")
        key = issuer.keys[batch.key]
        if means != said or address(batch.signer) != key.address:
            refuse("SignerWrong")
        self._speaks(key, Purpose.BATCHES)
        digest = said.digest(self.identity)
        leaf = batch_leaf(digest=digest, catalog=issuer.catalog, key=batch.key, block=self.block)
        return issuer.after_batch(digest=digest, count=said.count, leaf=leaf)

    # What acts have in common

    def _open(self, act: Act) -> IssuerState:
        assert act.state is not None
        return self._current(act.state)

    def _current(self, state: IssuerState) -> IssuerState:
        issuer = self.issuers.get(state.issuer)
        if issuer is None or issuer.digest() != state.digest():
            refuse("StateStale")
        return issuer

    def _store(self, issuer: IssuerState) -> None:
        self.issuers[issuer.issuer] = issuer

    def _next(self, held: int, given: int) -> None:
        if given != held + 1:
            refuse("CounterWrong")

    def _timely(self, not_after: int) -> None:
        if not_after < self.now:
            refuse("StatementExpired")
        if not_after > self.now + MAX_LIFETIME_SECONDS:
            refuse("StatementTooFar")

    def _count(self, act: Act, count: int) -> None:
        if len(act.signers) != count:
            refuse("SignatureCount")

    def _region_of(self, account: bytes) -> int:
        return next((region for region, seat in self.seats.items() if seat == account), 0)

    def _by_registrar(self, act: Act, region: int, at: int) -> None:
        if self.seats.get(region) != address(act.signers[at]):
            refuse("SignerWrong")
        self.challenged.pop(region, None)

    def _by_other(self, act: Act, region: int, at: int) -> None:
        other = self._region_of(address(act.signers[at]))
        if other in (0, region):
            refuse("SignerWrong")
        self.challenged.pop(other, None)

    def _by_majority(self, act: Act, without: int) -> None:
        if len(act.signers) * 2 <= len(self.seats) - (without != 0):
            refuse("NoMajority")
        before = 0
        for who in act.signers:
            region = self._region_of(address(who))
            if region in (0, without):
                refuse("SignerWrong")
            if region <= before:
                refuse("RegionOrder")
            before = region
            self.challenged.pop(region, None)

    def _by_key(self, act: Act, issuer: IssuerState, purpose: Purpose | None, at: int) -> None:
        if act.key >= len(issuer.keys):
            refuse("KeyUnknown")
        key = issuer.keys[act.key]
        if key.address != address(act.signers[at]):
            refuse("SignerWrong")
        self._speaks(key, purpose)

    def _speaks(self, key: Key, purpose: Purpose | None) -> None:
        if purpose is not None and purpose not in key.purposes:
            refuse("KeyPurpose")
        if self.block >= key.end:
            refuse("KeyEnded")

    def _added(
        self, there: tuple[Key, ...], added: Sequence[bytes], act: Act, at: int
    ) -> tuple[Key, ...]:
        if not 1 <= len(there) + len(added) <= 16:
            refuse("KeyCount")
        keys = there
        for place, one in enumerate(added):
            account, purposes = one[:20], one[20]
            if account == bytes(20) or not 1 <= purposes <= 15:
                refuse("KeyInvalid")
            if account in [key.address for key in keys]:
                refuse("KeyInvalid")
            if address(act.signers[at + place]) != account:
                refuse("SignerWrong")
            keys += (Key(address=account, purposes=Purpose(purposes), start=self.block),)
        return keys

    def _ended(
        self, keys: tuple[Key, ...], ends: Sequence[bytes], *, raise_too: bool
    ) -> tuple[Key, ...]:
        changed = list(keys)
        least = 0
        for one in ends:
            index, end = one[0], int.from_bytes(one[1:], "big")
            if index < least:
                refuse("EndOrder")
            if index >= len(keys):
                refuse("KeyUnknown")
            least = index + 1
            if not raise_too and end >= changed[index].end:
                refuse("EndRaised")
            changed[index] = replace(changed[index], end=end)
        return tuple(changed)


def moved_word(
    word: int, mask: int, old: bytes, status: int, certificates: int, any_step: bool
) -> bytes:
    """Return a word after its chosen cells became `status`, cell by cell, or refuse."""
    cells = [mask >> 2 * place & 3 for place in range(CELLS)]
    if not mask or set(cells) - {0, 3}:
        refuse("StatusMask")
    chosen = [place for place, bits in enumerate(cells) if bits]
    if word * CELLS + chosen[-1] >= certificates:
        refuse("StatusNotIssued")
    bits = int.from_bytes(old, "big")
    held = [bits >> 2 * place & 3 for place in chosen]
    if not any_step and set(held) & {1, 3}:
        refuse("StatusTerminal")
    if status in held:
        refuse("StatusUnchanged")
    for place in chosen:
        bits = bits & ~(3 << 2 * place) | status << 2 * place
    return bits.to_bytes(32, "big")
