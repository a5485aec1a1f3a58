"""Conversions between the mirror and `verifier.contract_rules`, and the signing key of an act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from certledger.ledger.core.values import RegistrarRow, SubmittedAct
from certledger.verifier.contract_rules import apply
from certledger.verifier.contract_state import BlockTime, Issuer, LedgerState, Seat, SignedAct
from certledger.verifier.crypto.secp256k1 import recover_address
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.statements import KeysChange, Statement, not_after_of

_SEAT = [one.name for one in fields(Seat)]


def ledger_state(
    identity: bytes, seats: Sequence[RegistrarRow], issuers: Mapping[str, Issuer]
) -> LedgerState:
    """Return the contract's state for its rules, from rows of the mirror."""
    return LedgerState(
        identity=identity,
        seats={
            seat.region: Seat(**{name: getattr(seat, name) for name in _SEAT}) for seat in seats
        },
        issuers=issuers,
        term=max((seat.term for seat in seats), default=0),
    )


def registrar_seen(region: int, seat: Seat, *, term: int, block: int) -> RegistrarRow:
    """Return the mirror's row of a registrar's seat since `block`."""
    parts = {name: getattr(seat, name) for name in _SEAT}
    return RegistrarRow(region=region, term=term, block=block, **parts)


def signing_key(
    state: IssuerState, statement: Statement, digest: bytes, signatures: Sequence[bytes]
) -> int | None:
    """Return the index of the issuer's key that signs an act, None if no key of the issuer does.

    It signs first, except a change of keys that the registrar signs too: there it signs second.
    """
    place = 1 if isinstance(statement, KeysChange) and len(signatures) > 1 else 0
    if place >= len(signatures):
        return None
    signer = recover_address(digest, signatures[place])
    return next((at for at, key in enumerate(state.keys) if key.address == signer), None)


def after_act(ledger: LedgerState, act: SubmittedAct, issuer: str, block: int) -> LedgerState:
    """Return the ledger after `issuer`'s act in block `block`, by the contract's rules.

    Expiry is not checked: the act is judged as of its `notAfter`.

    Raises:
        RuleBrokenError: the contract would refuse it.
    """
    state = ledger.issuers[issuer].state
    signed = SignedAct(
        statement=act.statement,
        signatures=tuple(act.signatures),
        key=signing_key(state, act.statement, act.digest, act.signatures),
    )
    time = not_after_of(act.statement)
    return apply(ledger, signed, BlockTime(number=block, time=time))
