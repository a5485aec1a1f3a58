"""What the contract decides about each act (SPEC section 12), as a pure function.

The only Python copy of the rules: intake asks before it signs a receipt, the follower and the
audit apply what the chain tells.  A rule has the name of the contract's error.  The cells of a
status change are `verifier.status.move`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from certledger.verifier.contract_state import (
    NO_ACCOUNT,
    BlockTime,
    Issuer,
    LedgerState,
    Seat,
    SignedAct,
    broken,
)
from certledger.verifier.recovery import recover_address
from certledger.verifier.state import (
    MOST_CERTIFICATES,
    MOST_KEYS,
    NO_END,
    ZERO,
    BodyState,
    Key,
    batch_leaf,
)
from certledger.verifier.statements import (
    CHALLENGE_SECONDS,
    LONGEST_LIFE,
    MAX_ISSUERS,
    ROTATION_SECONDS,
    Batch,
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
    Statement,
    StatusChange,
)
from certledger.verifier.status import EMPTY_ROOT
from certledger.verifier.vocabulary import BodyKind, Purpose, Standing

MAX_BATCH_CERTIFICATES = 65_536
MAX_REGION = 99
MIN_REGISTRARS = 3
_CODE = re.compile(rb"[0-9A-Z]{2}[0-9]{2}[0-9A-Z]{14}")
_KINDS, _STANDINGS = tuple(BodyKind), tuple(Standing)
_MAY_BECOME: Mapping[Standing, frozenset[Standing]] = {
    Standing.ACTIVE: frozenset({Standing.SUSPENDED, Standing.CLOSED, Standing.STRUCK}),
    Standing.SUSPENDED: frozenset({Standing.ACTIVE, Standing.STRUCK}),
    Standing.CLOSED: frozenset({Standing.STRUCK}),
    Standing.STRUCK: frozenset(),
}


def apply(state: LedgerState, act: SignedAct, block: BlockTime) -> LedgerState:
    """Return the ledger after `act` in `block`; an issuer that it registers has no name.

    Raises:
        RuleBroken: the contract would refuse it.
    """
    case = _Case(state, act, block)
    _ACTS[type(act.statement)](case, act.statement)
    return LedgerState(
        identity=state.identity, seats=case.seats, issuers=case.issuers, term=case.term
    )


@dataclass
class _Case:
    """An act being judged, and what has come of it so far."""

    state: LedgerState
    act: SignedAct
    block: BlockTime
    digest: bytes = field(init=False)
    seats: dict[int, Seat] = field(init=False)
    issuers: dict[str, Issuer] = field(init=False)
    term: int = field(init=False)

    def __post_init__(self) -> None:
        self.digest = self.act.statement.digest(self.state.identity)
        self.seats, self.issuers = dict(self.state.seats), dict(self.state.issuers)
        self.term = self.state.term

    # The statement ---------------------------------------------------------------------------

    def next(self, value: int, before: int, what: str) -> None:
        if value != before + 1:
            broken("CounterWrong", f"{what} {value} where {before + 1} is next")

    def timely(self) -> None:
        until: int = getattr(self.act.statement, "not_after")  # noqa: B009  (all carried have it)
        if until < self.block.time:
            broken("StatementExpired", f"good until {until}, the block is of {self.block.time}")
        if until > self.block.time + LONGEST_LIFE:
            broken("StatementTooFar", f"notAfter lies {until - self.block.time} seconds ahead")

    # Signatures ------------------------------------------------------------------------------

    def count(self, wanted: int) -> None:
        given = len(self.act.signatures)
        if given != wanted:
            broken("SignatureCount", f"{given} signatures where the act takes {wanted}")

    def signer(self, at: int) -> bytes:
        address = recover_address(self.digest, self.act.signatures[at])
        if address is None:
            broken("SignatureInvalid", f"signature {at} leads to no key")
        return address

    def region_of(self, account: bytes) -> int:
        """Return the region whose registrar has this account, 0 for nobody's."""
        return next((n for n, seat in self.seats.items() if seat.account == account), 0)

    def answer(self, region: int) -> None:
        self.seats[region] = replace(self.seats[region], challenged=0)

    def seat(self, region: int) -> Seat:
        return self.seats.get(region, Seat(account=NO_ACCOUNT))

    def by_registrar(self, region: int, at: int) -> None:
        if self.signer(at) != self.seat(region).account:
            broken("SignerWrong", f"signature {at} is not by the registrar of region {region}")
        self.answer(region)

    def by_other(self, region: int, at: int) -> None:
        other = self.region_of(self.signer(at))
        if other in (0, region):
            broken("SignerWrong", f"signature {at} is by no registrar of another region")
        self.answer(other)

    def by_majority(self, without: int = 0) -> None:
        """Check that more than half signed of all registrars but that of region `without`."""
        voters = sum(seat.account != NO_ACCOUNT for seat in self.seats.values()) - bool(without)
        count, before = len(self.act.signatures), 0
        if 2 * count <= voters:
            broken("NoMajority", f"{count} of {voters} registrars")
        for at in range(count):
            region = self.region_of(self.signer(at))
            if region in (0, without):
                broken("SignerWrong", f"signature {at} is by no registrar that counts here")
            if region <= before:
                broken("RegionOrder", f"region {region} signs after region {before}")
            before = region
            self.answer(region)

    def by_key(self, state: BodyState, purpose: Purpose | None, at: int) -> None:
        """Check that the key named signed, for `purpose` or for any."""
        index = self.act.key
        if index is None or index >= len(state.keys):
            broken("KeyUnknown", f"{state.issuer} has no key {index}")
        key = state.keys[index]
        if self.signer(at) != key.address:
            broken("SignerWrong", f"signature {at} is not by key {index} of {state.issuer}")
        if purpose is not None and not key.purposes & purpose:
            broken("KeyPurpose", f"key {index} of {state.issuer} may not sign {purpose.name}")
        if self.block.number >= key.end:
            broken("KeyEnded", f"key {index} of {state.issuer} has ended at block {key.end}")

    # Issuers ---------------------------------------------------------------------------------

    def issuer(self, code: bytes) -> Issuer:
        name = code.decode("ascii", "replace")
        if name not in self.issuers:
            broken("BodyUnknown", f"the ledger has no issuer {name}")
        return self.issuers[name]

    def stands(self, issuer: Issuer, *allowed: Standing) -> None:
        if issuer.state.standing not in allowed:
            broken("StandingForbids", f"{issuer.state.issuer} is {issuer.state.standing}")

    def put(self, issuer: Issuer, **changes: Any) -> None:
        """Take over what changes of the state; the brake stays as it is."""
        state = replace(issuer.state, **changes)
        self.issuers[state.issuer] = replace(issuer, state=state)


# Acts of issuers -------------------------------------------------------------------------------


def _register(case: _Case, said: Register) -> None:
    code = said.issuer.decode("ascii", "replace")
    if code in case.issuers:
        broken("BodyExists", f"{code} is registered already")
    if not _CODE.fullmatch(said.issuer):
        broken("CodeInvalid", f"{code!r} is not the code of an issuer")
    if not 0 < said.kind <= len(_KINDS):
        broken("KindUnknown", f"{said.kind} is no kind")
    case.timely()
    case.count(2 + len(said.keys))
    region = int(code[2:4])
    case.by_registrar(region, 0)
    case.by_other(region, 1)
    state = BodyState(
        issuer=code,
        kind=_KINDS[said.kind - 1],
        name="",
        keys=_added(case, (), said.keys),
        since=case.block.number,
        status=EMPTY_ROOT,
    )
    case.issuers[code] = Issuer(state=state)


def _batch(case: _Case, said: Batch) -> None:
    issuer = case.issuer(said.issuer)
    state = issuer.state
    if issuer.held:
        broken("BodyHeld", f"the registrar holds {state.issuer}")
    case.stands(issuer, Standing.ACTIVE)
    case.next(said.sequence, state.batches, "batch")
    if said.first != state.certificates:
        broken("FirstWrong", f"the batch begins at {said.first}, not {state.certificates}")
    room = MOST_CERTIFICATES - state.certificates
    if not 0 < said.count <= min(MAX_BATCH_CERTIFICATES, room):
        broken("BatchCount", f"{said.count} certificates")
    case.timely()
    if (said.previous, said.catalog) != (state.last, state.catalog):
        broken("SignerWrong", "previous and catalog are not those of the state")
    case.by_key(state, Purpose.BATCHES, 0)
    assert case.act.key is not None
    leaf = batch_leaf(
        digest=case.digest, catalog=said.catalog, key=case.act.key, block=case.block.number
    )
    after = state.after_batch(digest=case.digest, count=said.count, leaf=leaf)
    case.issuers[state.issuer] = replace(issuer, state=after)


def _status(case: _Case, said: StatusChange) -> None:
    issuer = case.issuer(said.issuer)
    case.stands(issuer, Standing.ACTIVE, Standing.CLOSED)
    case.next(said.epoch, issuer.state.epoch, "epoch")
    case.timely()
    countersigned = len(case.act.signatures) > 1
    if issuer.held and not countersigned:
        broken("BodyHeld", f"the registrar holds {issuer.state.issuer}")
    case.count(2 if countersigned else 1)
    case.by_key(issuer.state, Purpose.STATUS, 0)
    if countersigned:
        case.by_registrar(issuer.state.region, 1)
    case.put(issuer, epoch=said.epoch, status=case.act.status_root)


def _catalog(case: _Case, said: CatalogChange) -> None:
    issuer = case.issuer(said.issuer)
    case.stands(issuer, Standing.ACTIVE)
    case.next(said.version, issuer.state.catalog_version, "catalog version")
    case.timely()
    if case.act.key is None:
        if said.root != ZERO:
            broken("CatalogAlone", "a registrar alone may only empty a catalog")
        case.count(1)
        case.by_registrar(issuer.state.region, 0)
    else:
        case.count(2)
        case.by_key(issuer.state, Purpose.CATALOG, 0)
        case.by_registrar(issuer.state.region, 1)
    case.put(issuer, catalog=said.root, catalog_version=said.version)


def _keys(case: _Case, said: KeysChange) -> None:
    issuer = case.issuer(said.issuer)
    state = issuer.state
    case.stands(issuer, Standing.ACTIVE, Standing.SUSPENDED, Standing.CLOSED)
    case.next(said.revision, state.revision, "revision")
    case.timely()
    if not said.added and not said.ends:
        broken("NothingChanges", "no key is added and none is ended")
    if len(case.act.signatures) == 1:
        _end_alone(case, issuer, said)
    else:
        case.count(2 + len(said.added))
        case.by_registrar(state.region, 0)
        if case.act.key is None:
            case.by_other(state.region, 1)
        else:
            case.by_key(state, Purpose.KEYS, 1)
    ended = _ended(state.keys, said.ends, raising=False)
    case.put(issuer, keys=_added(case, ended, said.added), revision=said.revision)


def _end_alone(case: _Case, issuer: Issuer, said: KeysChange) -> None:
    if issuer.held:
        broken("BodyHeld", f"the registrar holds {issuer.state.issuer}")
    if said.added or [end[0] for end in said.ends] != [case.act.key]:
        broken("EndAlone", "a key alone may only end itself")
    if int.from_bytes(said.ends[0][1:], "big") <= case.block.number:
        broken("EndAlone", "a key alone may end itself only later than the present block")
    case.by_key(issuer.state, None, 0)
    assert case.act.key is not None
    if issuer.state.keys[case.act.key].end != NO_END:
        broken("EndAlone", "a key alone may end itself once")


def _added(case: _Case, keys: tuple[Key, ...], added: Sequence[bytes]) -> tuple[Key, ...]:
    """Return the keys with those `added`, which signed from the third signature on."""
    if not 0 < len(keys) + len(added) <= MOST_KEYS:
        broken("KeyCount", f"{len(keys) + len(added)} keys, 1 to {MOST_KEYS}")
    for place, packed in enumerate(added):
        address, purposes = packed[:20], packed[20]
        if address == NO_ACCOUNT or address in {key.address for key in keys}:
            broken("KeyInvalid", f"0x{address.hex()} is zero or stands twice")
        if not 0 < purposes < 16:
            broken("KeyInvalid", f"{purposes} is no set of purposes")
        if case.signer(2 + place) != address:
            broken("SignerWrong", f"0x{address.hex()} has not signed its own adding")
        start = case.block.number
        keys = (*keys, Key(address=address, purposes=Purpose(purposes), start=start))
    return keys


def _ended(keys: Sequence[Key], ends: Sequence[bytes], *, raising: bool) -> tuple[Key, ...]:
    changed, before = list(keys), -1
    for end in ends:
        index, block = end[0], int.from_bytes(end[1:], "big")
        if index <= before:
            broken("EndOrder", f"key {index} stands after key {before}")
        if index >= len(changed):
            broken("KeyUnknown", f"key {index} is not one of {len(changed)}")
        if not raising and block >= changed[index].end:
            broken("EndRaised", f"key {index} ends at {changed[index].end}, not later")
        changed[index], before = replace(changed[index], end=block), index
    return tuple(changed)


def _standing(case: _Case, said: StandingChange) -> None:
    issuer = case.issuer(said.issuer)
    wanted = _standing_of(said.standing)
    if wanted not in _MAY_BECOME[issuer.state.standing]:
        broken("StandingForbids", f"what is {issuer.state.standing} does not become {wanted}")
    case.next(said.revision, issuer.state.revision, "revision")
    case.timely()
    case.count(2 if wanted is Standing.STRUCK else 1)
    case.by_registrar(issuer.state.region, 0)
    if wanted is Standing.STRUCK:
        case.by_other(issuer.state.region, 1)
    case.put(issuer, revision=said.revision, standing=wanted, since=case.block.number)


def _standing_of(number: int) -> Standing:
    if not 0 < number <= len(_STANDINGS):
        broken("StandingForbids", f"{number} is no standing")
    return _STANDINGS[number - 1]


# Acts of registrars ----------------------------------------------------------------------------


def _hold(case: _Case, said: Hold) -> None:
    for code in _braked(case, said):
        case.issuers[code] = replace(case.issuers[code], held=True)


def _release(case: _Case, said: Release) -> None:
    for code in _braked(case, said):
        case.issuers[code] = replace(case.issuers[code], held=False)


def _braked(case: _Case, said: Hold | Release) -> list[str]:
    """Check a hold or a release but for the brakes; return the issuers it names."""
    case.next(said.nonce, case.seat(said.region).nonce, "nonce")
    case.timely()
    case.count(1)
    case.by_registrar(said.region, 0)
    case.seats[said.region] = replace(case.seats[said.region], nonce=said.nonce)
    if len(said.issuers) > MAX_ISSUERS:
        broken("IssuerList", f"{len(said.issuers)} issuers, at most {MAX_ISSUERS}")
    codes: list[str] = []
    for code in said.issuers:
        if codes and code <= codes[-1].encode():
            broken("IssuerList", "issuers do not strictly ascend")
        issuer = case.issuer(code)
        codes.append(issuer.state.issuer)
        if issuer.state.region != said.region:
            broken("IssuerList", f"{codes[-1]} is not of region {said.region}")
        if isinstance(said, Release) and not issuer.held:
            broken("NothingChanges", f"{codes[-1]} is not held")
    return codes


def _restore(case: _Case, said: Restore) -> None:
    case.next(said.term, case.term, "term")
    case.timely()
    if not said.issuers or len(said.standings) != len(said.issuers):
        broken("IssuerList", f"{len(said.standings)} standings of {len(said.issuers)} issuers")
    if len(said.issuers) > MAX_ISSUERS or list(said.issuers) != sorted(set(said.issuers)):
        broken("IssuerList", f"more than {MAX_ISSUERS} issuers, or not in strict order")
    case.by_majority()
    ends = list(said.ends)
    for at, (code, number) in enumerate(zip(said.issuers, said.standings, strict=True)):
        issuer, wanted = case.issuer(code), _standing_of(number)
        state = issuer.state
        mine: list[bytes] = []
        while ends and int.from_bytes(ends[0][:2], "big") == at:
            mine.append(ends.pop(0)[2:])
        case.put(
            replace(issuer, held=False),
            keys=_ended(state.keys, mine, raising=True),
            standing=wanted,
            since=state.since if wanted is state.standing else case.block.number,
            revision=state.revision + 1,
        )
    if ends:
        broken("EndOrder", "ends do not stand in the order of the issuers")
    case.term = said.term


def _registrar(case: _Case, said: RegistrarChange) -> None:
    case.next(said.term, case.term, "term")
    case.timely()
    seat = case.seat(said.region)
    silent = seat.challenged and case.block.time >= seat.challenged + CHALLENGE_SECONDS
    case.by_majority(said.region if silent else 0)
    if not 0 < said.region <= MAX_REGION:
        broken("RegionOrder", f"{said.region} is no region")
    if said.account == NO_ACCOUNT:
        _removable(case, seat, said)
    else:
        _free(case, said.account, said.recovery)
    case.seats[said.region] = Seat(
        account=said.account, recovery=said.recovery, nonce=seat.nonce, turn=seat.turn
    )
    case.term = said.term


def _removable(case: _Case, seat: Seat, said: RegistrarChange) -> None:
    if seat.account == NO_ACCOUNT or said.recovery != NO_ACCOUNT:
        broken("RegistrarAccount", f"region {said.region} has no registrar to remove")
    if sum(one.account != NO_ACCOUNT for one in case.seats.values()) <= MIN_REGISTRARS:
        broken("RegistrarsTooFew", f"{MIN_REGISTRARS} registrars remain at least")


def _free(case: _Case, account: bytes, recovery: bytes) -> None:
    if account in (NO_ACCOUNT, recovery) or case.region_of(account):
        broken("RegistrarAccount", f"0x{account.hex()} cannot be this region's registrar")


def _rotate(case: _Case, said: RegistrarRotation) -> None:
    seat, now = case.seat(said.region), case.block.time
    case.next(said.turn, seat.turn, "turn")
    case.timely()
    case.count(2)
    signer = case.signer(0)
    if signer == seat.account:
        if now < seat.rotated + ROTATION_SECONDS:
            broken("RotatedRecently", f"the account has rotated at {seat.rotated}")
    elif signer != seat.recovery:
        broken("SignerWrong", "signature 0 is by neither the account nor its recovery account")
    if case.signer(1) != said.account:
        broken("SignerWrong", "signature 1 is not by the new account")
    _free(case, said.account, seat.recovery)
    case.seats[said.region] = replace(
        seat, account=said.account, turn=said.turn, rotated=now, challenged=0
    )


def _challenge(case: _Case, said: RegistrarChallenge) -> None:
    seat = case.seat(said.region)
    case.next(said.turn, seat.turn, "turn")
    case.timely()
    if seat.account == NO_ACCOUNT:
        broken("RegistrarAccount", f"region {said.region} has no registrar")
    if seat.challenged:
        broken("NothingChanges", f"region {said.region} is challenged since {seat.challenged}")
    case.by_majority(said.region)
    case.seats[said.region] = replace(seat, turn=said.turn, challenged=case.block.time)


_ACTS: Mapping[type[Statement], Callable[[_Case, Any], None]] = {
    Register: _register,
    Batch: _batch,
    StatusChange: _status,
    CatalogChange: _catalog,
    KeysChange: _keys,
    StandingChange: _standing,
    Hold: _hold,
    Release: _release,
    Restore: _restore,
    RegistrarChange: _registrar,
    RegistrarRotation: _rotate,
    RegistrarChallenge: _challenge,
}
