"""The contract's rules for each act (SPEC section 12), as a pure function of state and act.

The only Python copy: intake applies it before signing a receipt, the follower and the audit apply
it to events.  A rule has the name of the contract's error.  `status_tree.move` has the rules for
the cells of a status change.
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
from certledger.verifier.crypto.secp256k1 import recover_address
from certledger.verifier.formats.issuer_state import (
    MAX_BATCH_CERTIFICATES,
    MAX_CERTIFICATES,
    MAX_KEYS,
    NO_END,
    ZERO,
    IssuerState,
    Key,
    batch_leaf,
)
from certledger.verifier.formats.statements import (
    CHALLENGE_SECONDS,
    MAX_ISSUERS,
    MAX_LIFETIME_SECONDS,
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
    not_after_of,
)
from certledger.verifier.formats.status_tree import EMPTY_ROOT
from certledger.verifier.vocabulary import IssuerKind, Purpose, Standing

MAX_REGION = 99
MIN_REGISTRARS = 3
_CODE = re.compile(rb"[0-9A-Z]{2}[0-9]{2}[0-9A-Z]{14}")
_KINDS, _STANDINGS = tuple(IssuerKind), tuple(Standing)
_MAY_BECOME: Mapping[Standing, frozenset[Standing]] = {
    Standing.ACTIVE: frozenset({Standing.SUSPENDED, Standing.CLOSED, Standing.STRUCK}),
    Standing.SUSPENDED: frozenset({Standing.ACTIVE, Standing.STRUCK}),
    Standing.CLOSED: frozenset({Standing.STRUCK}),
    Standing.STRUCK: frozenset(),
}


def apply(state: LedgerState, act: SignedAct, block: BlockTime) -> LedgerState:
    """Return the ledger after `act` in `block`; a newly registered issuer has no name.

    Raises:
        RuleBrokenError: the contract would revert.
    """
    case = _Case(state, act, block)
    _ACTS[type(act.statement)](case, act.statement)
    return LedgerState(
        identity=state.identity, seats=case.seats, issuers=case.issuers, term=case.term
    )


@dataclass
class _Case:
    """An act under check, and the changes so far."""

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
        until = not_after_of(self.act.statement)
        if until < self.block.time:
            broken("StatementExpired", f"good until {until}, the block is of {self.block.time}")
        if until > self.block.time + MAX_LIFETIME_SECONDS:
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
        """Return the region whose registrar has this account, 0 for none."""
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
        """Check that more than half of all registrars, without that of region `without`, signed."""
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

    def by_key(self, state: IssuerState, purpose: Purpose | None, at: int) -> None:
        """Check that the named key signed, and has `purpose` (None for any)."""
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
        """Replace parts of an issuer's state; the hold flag is unchanged."""
        state = replace(issuer.state, **changes)
        self.issuers[state.issuer] = replace(issuer, state=state)


# Acts of issuers -------------------------------------------------------------------------------


def _register(case: _Case, statement: Register) -> None:
    code = statement.issuer.decode("ascii", "replace")
    if code in case.issuers:
        broken("BodyExists", f"{code} is registered already")
    if not _CODE.fullmatch(statement.issuer):
        broken("CodeInvalid", f"{code!r} is not the code of an issuer")
    if not 0 < statement.kind <= len(_KINDS):
        broken("KindUnknown", f"{statement.kind} is no kind")
    case.timely()
    case.count(2 + len(statement.keys))
    region = int(code[2:4])
    case.by_registrar(region, 0)
    case.by_other(region, 1)
    state = IssuerState(
        issuer=code,
        kind=_KINDS[statement.kind - 1],
        name="",
        keys=_added(case, (), statement.keys),
        since=case.block.number,
        status=EMPTY_ROOT,
    )
    case.issuers[code] = Issuer(state=state)


def _batch(case: _Case, statement: Batch) -> None:
    issuer = case.issuer(statement.issuer)
    state = issuer.state
    if issuer.on_hold:
        broken("BodyHeld", f"the registrar holds {state.issuer}")
    case.stands(issuer, Standing.ACTIVE)
    case.next(statement.sequence, state.batches, "batch")
    if statement.first != state.certificates:
        broken("FirstWrong", f"the batch begins at {statement.first}, not {state.certificates}")
    room = MAX_CERTIFICATES - state.certificates
    if not 0 < statement.count <= min(MAX_BATCH_CERTIFICATES, room):
        broken("BatchCount", f"{statement.count} certificates")
    case.timely()
    if (statement.previous, statement.catalog) != (state.last, state.catalog):
        broken("SignerWrong", "previous and catalog are not those of the state")
    case.by_key(state, Purpose.BATCHES, 0)
    assert case.act.key is not None
    leaf = batch_leaf(
        digest=case.digest, catalog=statement.catalog, key=case.act.key, block=case.block.number
    )
    after = state.after_batch(digest=case.digest, count=statement.count, leaf=leaf)
    case.issuers[state.issuer] = replace(issuer, state=after)


def _status(case: _Case, statement: StatusChange) -> None:
    issuer = case.issuer(statement.issuer)
    case.stands(issuer, Standing.ACTIVE, Standing.CLOSED)
    case.next(statement.epoch, issuer.state.epoch, "epoch")
    case.timely()
    countersigned = len(case.act.signatures) > 1
    if issuer.on_hold and not countersigned:
        broken("BodyHeld", f"the registrar holds {issuer.state.issuer}")
    case.count(2 if countersigned else 1)
    case.by_key(issuer.state, Purpose.STATUS, 0)
    if countersigned:
        case.by_registrar(issuer.state.region, 1)
    case.put(issuer, epoch=statement.epoch, status=case.act.status_root)


def _catalog(case: _Case, statement: CatalogChange) -> None:
    issuer = case.issuer(statement.issuer)
    case.stands(issuer, Standing.ACTIVE)
    case.next(statement.version, issuer.state.catalog_version, "catalog version")
    case.timely()
    if case.act.key is None:
        if statement.root != ZERO:
            broken("CatalogAlone", "a registrar alone may only empty a catalog")
        case.count(1)
        case.by_registrar(issuer.state.region, 0)
    else:
        case.count(2)
        case.by_key(issuer.state, Purpose.CATALOG, 0)
        case.by_registrar(issuer.state.region, 1)
    case.put(issuer, catalog=statement.root, catalog_version=statement.version)


def _keys(case: _Case, statement: KeysChange) -> None:
    issuer = case.issuer(statement.issuer)
    state = issuer.state
    case.stands(issuer, Standing.ACTIVE, Standing.SUSPENDED, Standing.CLOSED)
    case.next(statement.revision, state.revision, "revision")
    case.timely()
    if not statement.added and not statement.ends:
        broken("NothingChanges", "no key is added and none is ended")
    if len(case.act.signatures) == 1:
        _end_alone(case, issuer, statement)
    else:
        case.count(2 + len(statement.added))
        case.by_registrar(state.region, 0)
        if case.act.key is None:
            case.by_other(state.region, 1)
        else:
            case.by_key(state, Purpose.KEYS, 1)
    ended = _ended(state.keys, statement.ends, raising=False)
    case.put(issuer, keys=_added(case, ended, statement.added), revision=statement.revision)


def _end_alone(case: _Case, issuer: Issuer, statement: KeysChange) -> None:
    if issuer.on_hold:
        broken("BodyHeld", f"the registrar holds {issuer.state.issuer}")
    if statement.added or [end[0] for end in statement.ends] != [case.act.key]:
        broken("EndAlone", "a key alone may only end itself")
    if int.from_bytes(statement.ends[0][1:], "big") <= case.block.number:
        broken("EndAlone", "a key alone may end itself only later than the present block")
    case.by_key(issuer.state, None, 0)
    assert case.act.key is not None
    if issuer.state.keys[case.act.key].end != NO_END:
        broken("EndAlone", "a key alone may end itself once")


def _added(case: _Case, keys: tuple[Key, ...], added: Sequence[bytes]) -> tuple[Key, ...]:
    """Return the keys with those `added`, which sign from the third signature on."""
    if not 0 < len(keys) + len(added) <= MAX_KEYS:
        broken("KeyCount", f"{len(keys) + len(added)} keys, 1 to {MAX_KEYS}")
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


def _standing(case: _Case, statement: StandingChange) -> None:
    issuer = case.issuer(statement.issuer)
    wanted = _standing_of(statement.standing)
    if wanted not in _MAY_BECOME[issuer.state.standing]:
        broken("StandingForbids", f"what is {issuer.state.standing} does not become {wanted}")
    case.next(statement.revision, issuer.state.revision, "revision")
    case.timely()
    case.count(2 if wanted is Standing.STRUCK else 1)
    case.by_registrar(issuer.state.region, 0)
    if wanted is Standing.STRUCK:
        case.by_other(issuer.state.region, 1)
    case.put(issuer, revision=statement.revision, standing=wanted, since=case.block.number)


def _standing_of(number: int) -> Standing:
    if not 0 < number <= len(_STANDINGS):
        broken("StandingForbids", f"{number} is no standing")
    return _STANDINGS[number - 1]


# Acts of registrars ----------------------------------------------------------------------------


def _hold(case: _Case, statement: Hold) -> None:
    for code in _braked(case, statement):
        case.issuers[code] = replace(case.issuers[code], on_hold=True)


def _release(case: _Case, statement: Release) -> None:
    for code in _braked(case, statement):
        case.issuers[code] = replace(case.issuers[code], on_hold=False)


def _braked(case: _Case, statement: Hold | Release) -> list[str]:
    """Check a hold or a release except for the flags; return the issuers it names."""
    case.next(statement.nonce, case.seat(statement.region).nonce, "nonce")
    case.timely()
    case.count(1)
    case.by_registrar(statement.region, 0)
    case.seats[statement.region] = replace(case.seats[statement.region], nonce=statement.nonce)
    if len(statement.issuers) > MAX_ISSUERS:
        broken("IssuerList", f"{len(statement.issuers)} issuers, at most {MAX_ISSUERS}")
    codes: list[str] = []
    for code in statement.issuers:
        if codes and code <= codes[-1].encode():
            broken("IssuerList", "issuers do not strictly ascend")
        issuer = case.issuer(code)
        codes.append(issuer.state.issuer)
        if issuer.state.region != statement.region:
            broken("IssuerList", f"{codes[-1]} is not of region {statement.region}")
        if isinstance(statement, Release) and not issuer.on_hold:
            broken("NothingChanges", f"{codes[-1]} is not held")
    return codes


def _restore(case: _Case, statement: Restore) -> None:
    case.next(statement.term, case.term, "term")
    case.timely()
    if not statement.issuers or len(statement.standings) != len(statement.issuers):
        broken(
            "IssuerList",
            f"{len(statement.standings)} standings of {len(statement.issuers)} issuers",
        )
    if len(statement.issuers) > MAX_ISSUERS or list(statement.issuers) != sorted(
        set(statement.issuers)
    ):
        broken("IssuerList", f"more than {MAX_ISSUERS} issuers, or not in strict order")
    case.by_majority()
    ends = list(statement.ends)
    for at, (code, number) in enumerate(zip(statement.issuers, statement.standings, strict=True)):
        issuer, wanted = case.issuer(code), _standing_of(number)
        state = issuer.state
        mine: list[bytes] = []
        while ends and int.from_bytes(ends[0][:2], "big") == at:
            mine.append(ends.pop(0)[2:])
        case.put(
            replace(issuer, on_hold=False),
            keys=_ended(state.keys, mine, raising=True),
            standing=wanted,
            since=state.since if wanted is state.standing else case.block.number,
            revision=state.revision + 1,
        )
    if ends:
        broken("EndOrder", "ends do not stand in the order of the issuers")
    case.term = statement.term


def _registrar(case: _Case, statement: RegistrarChange) -> None:
    case.next(statement.term, case.term, "term")
    case.timely()
    seat = case.seat(statement.region)
    silent = seat.challenged and case.block.time >= seat.challenged + CHALLENGE_SECONDS
    case.by_majority(statement.region if silent else 0)
    if not 0 < statement.region <= MAX_REGION:
        broken("RegionOrder", f"{statement.region} is no region")
    if statement.account == NO_ACCOUNT:
        _removable(case, seat, statement)
    else:
        _free(case, statement.account, statement.recovery)
    case.seats[statement.region] = Seat(
        account=statement.account, recovery=statement.recovery, nonce=seat.nonce, turn=seat.turn
    )
    case.term = statement.term


def _removable(case: _Case, seat: Seat, statement: RegistrarChange) -> None:
    if seat.account == NO_ACCOUNT or statement.recovery != NO_ACCOUNT:
        broken("RegistrarAccount", f"region {statement.region} has no registrar to remove")
    if sum(one.account != NO_ACCOUNT for one in case.seats.values()) <= MIN_REGISTRARS:
        broken("RegistrarsTooFew", f"{MIN_REGISTRARS} registrars remain at least")


def _free(case: _Case, account: bytes, recovery: bytes) -> None:
    if account in (NO_ACCOUNT, recovery) or case.region_of(account):
        broken("RegistrarAccount", f"0x{account.hex()} cannot be this region's registrar")


def _rotate(case: _Case, statement: RegistrarRotation) -> None:
    seat, now = case.seat(statement.region), case.block.time
    case.next(statement.turn, seat.turn, "turn")
    case.timely()
    case.count(2)
    signer = case.signer(0)
    if signer == seat.account:
        if now < seat.rotated + ROTATION_SECONDS:
            broken("RotatedRecently", f"the account has rotated at {seat.rotated}")
    elif signer != seat.recovery:
        broken("SignerWrong", "signature 0 is by neither the account nor its recovery account")
    if case.signer(1) != statement.account:
        broken("SignerWrong", "signature 1 is not by the new account")
    _free(case, statement.account, seat.recovery)
    case.seats[statement.region] = replace(
        seat, account=statement.account, turn=statement.turn, rotated=now, challenged=0
    )


def _challenge(case: _Case, statement: RegistrarChallenge) -> None:
    seat = case.seat(statement.region)
    case.next(statement.turn, seat.turn, "turn")
    case.timely()
    if seat.account == NO_ACCOUNT:
        broken("RegistrarAccount", f"region {statement.region} has no registrar")
    if seat.challenged:
        broken("NothingChanges", f"region {statement.region} is challenged since {seat.challenged}")
    case.by_majority(statement.region)
    case.seats[statement.region] = replace(seat, turn=statement.turn, challenged=case.block.time)


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
