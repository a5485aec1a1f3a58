"""Acts that several parties sign one after another: stored until the contract would take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from certledger.ledger.core.acts import subject_of
from certledger.ledger.core.values import StoredProposal
from certledger.ledger.intake.acts import submit_act
from certledger.ledger.intake.errors import (
    IntakeOverloadedError,
    OtherLedgerError,
    SignatureCountError,
    SignerUnknownError,
)
from certledger.ledger.intake.pending_state import Intake, check_time
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.signed_acts import merge, signers_of
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.contract_state import issuers_of
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.issuer_state import region_of
from certledger.verifier.formats.signed_act import Act
from certledger.verifier.formats.statements import CatalogChange, StatusChange, not_after_of

MAX_PROPOSALS = 500
MAX_OWN_PROPOSALS = 20
"""Acts about one issuer that wait at a time, so that none fills the place of all."""
_WAITING = (SignatureCountError, SignerUnknownError)
"""What the contract's rules say of an act that lacks signatures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedProposal:
    """An act with all signatures so far; `receipt` once it is submitted, None while it waits."""

    envelope: Envelope
    signers: Sequence[bytes]
    receipt: bytes | None


def sign_proposal(intake: Intake, envelope: Envelope, *, party: str) -> SignedProposal:
    """Merge the signatures of an act with those that are stored; submit it once all are there.

    Two signatures of one signer, as from two tabs, count once.  The contract's rules decide
    whether an act is complete; until then it is stored, and `party` is who began it.

    Raises:
        SignerUnknownError: somebody signed who has nothing to sign here.
        IntakeOverloadedError: too many acts wait.
        CertledgerError: with the code of the broken rule, as `submit_act`.
    """
    act, now = envelope.act, intake.clock()
    if act.ledger != intake.identity:
        raise OtherLedgerError(f"the act is for the ledger {act.ledger.hex()}")
    check_time(not_after_of(act.statement), now)
    with intake.store.begin() as unit:
        unit.lock(subject_of(act.statement))
        stored = unit.proposal(act.digest)
        if stored is not None:
            act = merge([Envelope.parse(stored.file).act, act])
        act = _in_order(unit, act)
        envelope = envelope.with_act(act)
        if act.signatures:
            _store(unit, envelope, stored, party=party, now=now)
    try:
        receipt: bytes | None = submit_act(intake, envelope.format())
    except _WAITING:
        receipt = None
    except CertledgerError:
        if stored is None:  # What is refused at once does not wait for anybody.
            with intake.store.begin() as unit:
                unit.drop_proposals(act.digest, before=now)
        raise
    else:
        with intake.store.begin() as unit:
            unit.drop_proposals(act.digest, before=now)
    return SignedProposal(envelope=envelope, signers=signers_of(act), receipt=receipt)


def _store(
    unit: Unit, envelope: Envelope, stored: StoredProposal | None, *, party: str, now: int
) -> None:
    act = envelope.act
    subject = subject_of(act.statement)
    waiting = unit.proposals(now=now, limit=MAX_PROPOSALS)
    own = sum(one.subject == subject for one in waiting)
    for count, most in ((len(waiting), MAX_PROPOSALS), (own, MAX_OWN_PROPOSALS)):
        if stored is None and count >= most:
            raise IntakeOverloadedError(count + 1, most, 3_600)
    proposal = StoredProposal(
        digest=act.digest,
        subject=subject,
        party=party if stored is None else stored.party,
        created=now if stored is None else stored.created,
        not_after=not_after_of(act.statement),
        file=envelope.format(),
    )
    unit.put_proposal(proposal)


def _in_order(unit: Unit, act: Act) -> Act:
    """Return an act with its signatures in the contract's order, in whatever order they came.

    The registrar of the region comes first, then the second party, then keys that the act adds;
    an issuer's key comes before the registrar in a change of status or catalog.

    Raises:
        SignerUnknownError: somebody signed who has nothing to sign here.
    """
    ranks = _ranks(unit, act)
    signers = signers_of(act)
    for signer in signers:
        if signer not in ranks:
            raise SignerUnknownError(f"0x{signer.hex()} has nothing to sign in this act")
    pairs = sorted(zip(signers, act.signatures, strict=True), key=lambda pair: ranks[pair[0]])
    return replace(act, signatures=tuple(signature for _, signature in pairs))


def _ranks(unit: Unit, act: Act) -> dict[bytes, int]:
    """Return the place in the order of each account that may sign an act."""
    statement, codes = act.statement, issuers_of(act.statement)
    ranks: dict[bytes, int] = {}
    added = [key[:20] for name in ("keys", "added") for key in getattr(statement, name, ())]
    ranks |= {address: 3 + place for place, address in enumerate(added)}
    if (account := getattr(statement, "account", None)) is not None:
        ranks[account] = 3
    issuer_first = isinstance(statement, StatusChange | CatalogChange)
    for code in codes:
        row = unit.issuer(code)
        keys = () if row is None else row.state.keys
        ranks |= {key.address: 0 if issuer_first else 2 for key in keys}
    own = {region_of(code) for code in codes} | {getattr(statement, "region", None)}
    for seat in unit.registrars():
        rank = 1 if seat.region in own else 2
        ranks |= {account: rank for account in (seat.account, seat.recovery) if any(account)}
    return ranks
