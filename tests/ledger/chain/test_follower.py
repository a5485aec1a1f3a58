"""Following the chain: what is kept, what is refused, and what a reorganisation takes back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from certledger.contracts import calls
from certledger.ledger.chain import follower as follower_module
from certledger.ledger.chain.client import EthereumChain, NodeClient
from certledger.ledger.chain.follower import Follower
from certledger.ledger.core.acts import ActState
from certledger.ledger.core.errors import ChainUnreachableError, MirrorDiffersError
from certledger.ledger.core.issuer_names import placeholder
from certledger.ledger.core.values import Block, ContractLog
from certledger.ledger.intake.acts import submit_act
from certledger.ledger.issuer.signed_acts import packed_keys
from certledger.ledger.keys import Signer
from certledger.ledger.node import Ledger
from certledger.ledger.store import SqlStore, open_store
from certledger.ledger.store.unit_of_work import Unit
from certledger.verifier.formats.canonical_json import format_canonical
from certledger.verifier.formats.contract_events import TOPICS
from certledger.verifier.formats.issuer_state import UnnamedIssuer
from certledger.verifier.formats.state_proof import check_account, check_slot, slot_position
from certledger.verifier.formats.statements import (
    Batch,
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
)
from certledger.verifier.vocabulary import Purpose, Standing, Status
from tests.ledger.chain.nodes import deployed, head_time, mined, registration, running_anvil, signed
from tests.ledger.live import DAY, LiveIssuer, open_live, person, registrar


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_live(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def issuer(ledger: Ledger) -> LiveIssuer:
    made = LiveIssuer(ledger)
    made.register()
    return made


def hand_in(ledger: Ledger, said: Statement, *signers: Signer) -> None:
    act = signed(ledger.chain, said, *signers)
    submit_act(ledger.intake, format_canonical(act.to_json()))
    ledger.run_until_idle()


def whole(unit: Unit) -> dict[str, Any]:
    """Return everything that the mirror holds of the chain."""
    issuers = unit.issuers()
    codes = [seen.state.issuer for seen in issuers]
    return {
        "head": unit.head(),
        "bodies": issuers,
        "registrars": unit.registrars(),
        "anchored": [unit.anchored_batches(code) for code in codes],
        "words": [unit.words(code) for code in codes],
        "status": [unit.status_changes(code) for code in codes],
        "catalogs": [unit.catalog_changes(code) for code in codes],
    }


def mirror(ledger: Ledger) -> dict[str, Any]:
    with ledger.store.begin(write=False) as unit:
        return whole(unit)


def every_kind_of_act(ledger: Ledger, issuer: LiveIssuer) -> None:
    """Let everything happen that can happen to an issuer."""
    code, until = issuer.issuer.encode(), head_time(ledger.chain) + DAY
    issuer.submit(130)
    ledger.run_until_idle()
    issuer.change([0, 129], Status.REVOKED, "R01")
    ledger.run_until_idle()
    issuer.change([1], Status.SUSPENDED, "S01")
    ledger.run_until_idle()
    issuer.submit(2)
    issuer.submit(3)
    ledger.run_until_idle()
    named: dict[str, Any] = {"region": 31, "issuers": (code,), "not_after": until}
    hand_in(ledger, Hold(nonce=1, **named), issuer.registrar)
    added = person("second key")
    given = packed_keys({added.address: Purpose.STATUS})
    change = KeysChange(issuer=code, revision=1, added=given, ends=(), not_after=until)
    hand_in(ledger, change, issuer.registrar, issuer.key, added)
    for revision, standing in ((2, Standing.SUSPENDED), (3, Standing.ACTIVE)):
        said = StandingChange(
            issuer=code, revision=revision, standing=standing.number, not_after=until
        )
        hand_in(ledger, said, issuer.registrar)
    hand_in(ledger, Release(nonce=2, **named), issuer.registrar)
    most = [registrar(region) for region in (31, 32, 33)]
    restoration = Restore(
        term=1,
        issuers=(code,),
        standings=(1,),
        ends=(bytes([0, 0, 1]) + (2**40 - 2).to_bytes(5, "big"),),
        not_after=until,
    )
    hand_in(ledger, restoration, *most)
    other = person("another registrar")
    seat = RegistrarChange(region=34, account=other.address, term=2, not_after=until)
    hand_in(ledger, seat, *most)
    ask = RegistrarChallenge(region=34, turn=1, not_after=until)
    hand_in(ledger, ask, *most[:2])
    turned = person("its next account")
    rotation = RegistrarRotation(region=34, account=turned.address, turn=2, not_after=until)
    hand_in(ledger, rotation, other, turned)
    hand_in(ledger, RegistrarChallenge(region=33, turn=1, not_after=until), *most[:2])
    hand_in(ledger, Hold(nonce=3, **named), issuer.registrar)


def test_the_mirror_holds_what_the_chain_proves_after_every_kind_of_act(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    every_kind_of_act(ledger, issuer)
    with ledger.store.begin(write=False) as unit:
        (seen,), head = unit.issuers(), unit.head()
        seats = {seat.region: seat for seat in unit.registrars()}
        words = unit.words(issuer.issuer)
    assert head is not None
    position = slot_position(issuer.issuer)
    slot = int.from_bytes(position, "big")

    proof = ledger.chain.prove([slot], head.number)

    account = check_account(head.state_root, ledger.pin.address, proof.account)
    assert account is not None
    assert check_slot(account.storage_root, position, proof.slots[slot]) == seen.slot
    assert seen.on_hold
    assert seen.slot[-1] & 1 == 1
    assert seen.state.digest()[:-1] == seen.slot[:-1]
    assert (seen.state.certificates, seen.state.batches, seen.state.epoch) == (135, 3, 2)
    assert set(words) == {0, 1}
    assert seats[31].nonce == 3
    assert (seats[34].account, seats[34].turn) == (person("its next account").address, 2)
    assert (seats[34].challenged, seats[33].challenged > 0) == (0, True)
    assert seats[34].rotated > 0
    assert max(seat.term for seat in seats.values()) == 2
    assert seen.state.revision == 4, "three acts and the restoration"


def test_a_mirror_rebuilt_from_nothing_is_the_same(
    ledger: Ledger, issuer: LiveIssuer, tmp_path: Path
) -> None:
    every_kind_of_act(ledger, issuer)
    fresh = open_store(f"sqlite:///{tmp_path}/fresh.db")
    with fresh.begin() as unit:
        unit.add_name(issuer.name)

    Follower(fresh, ledger.chain, ledger.deployment.block or 0).follow()

    with fresh.begin(write=False) as unit:
        rebuilt = whole(unit)
    fresh.close()
    assert rebuilt == mirror(ledger)


def test_rebuilding_in_place_changes_nothing_and_sends_nothing_again(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    every_kind_of_act(ledger, issuer)
    before, nonce = mirror(ledger), ledger.chain.next_nonce()

    ledger.follower.rebuild()
    ledger.run_until_idle()

    assert mirror(ledger) == before
    assert ledger.chain.next_nonce() == nonce
    with ledger.store.begin(write=False) as unit:
        assert unit.backlog().acts == 0
        for batch in issuer.sealed:
            act = unit.act(batch.digest)
            assert act is not None
            assert act.state is ActState.FINAL


def test_two_followers_of_one_mirror_do_not_trip_over_each_other(
    ledger: Ledger, issuer: LiveIssuer
) -> None:
    other = Follower(ledger.store, ledger.chain, ledger.deployment.block or 0)
    issuer.submit(4)
    ledger.run_until_idle()
    for index, follower in enumerate((ledger.follower, other, ledger.follower)):
        issuer.change([index], Status.REVOKED, "R01")
        ledger.anchorer.advance()
        follower.follow()

    with ledger.store.begin(write=False) as unit:
        seen = unit.issuer(issuer.issuer)
    assert seen is not None
    assert seen.state.epoch == 3


# An issuer whose name nobody handed in ---------------------------------------------------------


def carried(ledger: Ledger, name: str, issuer: str = "12320000XX00000276") -> tuple[Register, Any]:
    """Register an issuer past this ledger, which never hears its name."""
    key = person(f"key of {issuer}")
    said = Register(
        issuer=issuer.encode(),
        kind=2,
        name=sha256(name.encode()).digest(),
        keys=packed_keys({key.address: Purpose.BATCHES}),
        not_after=head_time(ledger.chain) + DAY,
    )
    act = signed(ledger.chain, said, registrar(int(issuer[2:4])), registrar(33), key)
    data = calls.register(said, act.signatures)
    sent = ledger.chain.sign(data, nonce=ledger.chain.next_nonce())
    ledger.chain.broadcast(sent.raw)
    mined(ledger.chain, sent.hash)
    return said, key


def test_an_issuer_without_a_name_is_followed_and_named_later(ledger: Ledger) -> None:
    name = "江苏省示例中心"
    said, key = carried(ledger, name)
    issuer = said.issuer.decode()

    ledger.run_until_idle()

    with ledger.store.begin(write=False) as unit:
        seen = unit.issuer(issuer)
    assert seen is not None
    assert isinstance(seen.state, UnnamedIssuer)
    assert seen.state.name == placeholder(said.name)
    assert seen.state.digest() == seen.slot, "the checkpoint compared it with the chain"

    batch = Batch(
        issuer=said.issuer,
        sequence=1,
        previous=bytes(32),
        root=b"\x01" * 32,
        first=0,
        count=1,
        catalog=bytes(32),
        not_after=head_time(ledger.chain) + DAY,
    )
    packed = calls.pack_batch(batch, key=0, signature=key.sign(batch.digest(ledger.pin.identity)))
    sent = ledger.chain.sign(
        calls.anchor([(seen.state, [packed])]), nonce=ledger.chain.next_nonce()
    )
    ledger.chain.broadcast(sent.raw)
    ledger.run_until_idle()
    with ledger.store.begin() as unit:
        unit.add_name(name)
    with ledger.store.begin(write=False) as unit:
        seen = unit.issuer(issuer)
    assert seen is not None
    assert (seen.state.name, seen.state.batches) == (name, 1)
    assert not isinstance(seen.state, UnnamedIssuer)
    assert seen.state.digest() == seen.slot


def test_a_name_that_looks_like_a_placeholder_stays_one(ledger: Ledger) -> None:
    name = placeholder(sha256(b"another").digest())
    said, _ = carried(ledger, name)
    with ledger.store.begin() as unit:
        unit.add_name(name)

    ledger.run_until_idle()

    with ledger.store.begin(write=False) as unit:
        seen = unit.issuer(said.issuer.decode())
    assert seen is not None
    assert seen.state.name == placeholder(said.name)
    assert seen.state.digest() == seen.slot


# Nodes that lie, and reorganisations --------------------------------------------------------------


class Lying:
    """A chain that changes some of what it tells."""

    def __init__(self, real: EthereumChain) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def follow_on(ledger: Ledger, chain: Any, tmp_path: Path, name: str) -> SqlStore:
    store = open_store(f"sqlite:///{tmp_path}/other.db")
    with store.begin() as unit:
        unit.add_name(name)
    Follower(store, chain, ledger.deployment.block or 0).follow()
    return store


@pytest.mark.parametrize("gone", ["Anchored", "StatusChanged", "CatalogChanged"])
def test_a_node_that_hides_an_act_is_found_out_and_nothing_is_kept(
    gone: str, ledger: Ledger, issuer: LiveIssuer, tmp_path: Path
) -> None:
    issuer.submit(2)
    ledger.run_until_idle()
    issuer.change([0], Status.REVOKED, "R01")
    ledger.run_until_idle()

    class Hiding(Lying):
        def logs(self, first: int, last: int) -> Sequence[ContractLog]:
            told = self._real.logs(first, last)
            return [log for log in told if log.topics[0] != TOPICS[gone]]

    with pytest.raises(MirrorDiffersError):
        follow_on(ledger, Hiding(ledger.chain), tmp_path, issuer.name)
    store = open_store(f"sqlite:///{tmp_path}/other.db")
    with store.begin(write=False) as unit:
        assert unit.head() is None
        assert unit.issuers() == []
    store.close()


@pytest.mark.parametrize("word", [1, 3, 4, 5])
def test_a_state_that_does_not_follow_from_the_acts_is_refused(
    word: int, ledger: Ledger, issuer: LiveIssuer
) -> None:
    added = person("second key")
    change = KeysChange(
        issuer=issuer.issuer.encode(),
        revision=1,
        added=packed_keys({added.address: Purpose.STATUS}),
        ends=(),
        not_after=head_time(ledger.chain) + DAY,
    )
    act = signed(ledger.chain, change, issuer.registrar, issuer.key, added)
    submit_act(ledger.intake, format_canonical(act.to_json()))
    ledger.anchorer.advance()
    held = mirror(ledger)

    class Altering(Lying):
        def logs(self, first: int, last: int) -> Sequence[ContractLog]:
            said, state = self._real.logs(first, last)
            data = bytearray(state.data)
            data[64 + 32 * word + 15] ^= 1  # In word 1 the last byte of the certificates.
            return [said, replace(state, data=bytes(data))]

    altering: Any = Altering(ledger.chain)
    with pytest.raises(MirrorDiffersError, match="does not follow"):
        Follower(ledger.store, altering, 0).follow()

    assert mirror(ledger) == held


def test_an_event_that_is_none_of_the_contracts_is_refused(
    ledger: Ledger, issuer: LiveIssuer, tmp_path: Path
) -> None:
    class Garbling(Lying):
        def logs(self, first: int, last: int) -> Sequence[ContractLog]:
            *honest, last_one = self._real.logs(first, last)
            return [*honest, replace(last_one, data=last_one.data[:-1])]

    with pytest.raises(MirrorDiffersError, match="event"):
        follow_on(ledger, Garbling(ledger.chain), tmp_path, issuer.name)


@pytest.mark.parametrize("when", ["a block", "the head"])
def test_a_chain_that_is_reorganised_while_it_is_read_leaves_nothing_half(
    when: str, ledger: Ledger, issuer: LiveIssuer
) -> None:
    issuer.submit(1)
    ledger.anchorer.advance()
    held = mirror(ledger)
    asked: list[int] = []

    class Reorganised(Lying):
        def block(self, number: int) -> Block | None:
            found: Block | None = self._real.block(number)
            asked.append(number)
            changed = number == held["head"].number if when == "a block" else len(asked) == 2
            if found is None or not changed or len(asked) < 2:
                return found
            return replace(found, hash=b"\x01" * 32)

    reorganised: Any = Reorganised(ledger.chain)
    with pytest.raises(ChainUnreachableError):
        Follower(ledger.store, reorganised, 0).follow()

    assert mirror(ledger) == held


def test_ranges_are_read_one_by_one(
    ledger: Ledger, issuer: LiveIssuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        issuer.submit(1)
        ledger.run_until_idle()
    monkeypatch.setattr(follower_module, "SPAN", 2)

    store = follow_on(ledger, ledger.chain, tmp_path, issuer.name)

    with store.begin(write=False) as unit:
        assert whole(unit) == mirror(ledger)
    store.close()


@pytest.mark.anvil
def test_a_reorganisation_is_rolled_back_to_the_fork_and_followed_anew(tmp_path: Path) -> None:
    with running_anvil(tmp_path) as url:
        chain, made = deployed(tmp_path / "home", url)
        store = open_store(f"sqlite:///{tmp_path}/ledger.db")
        follower = Follower(store, chain, made.block or 0)
        keep = _register(chain, "11310000XX00000196")
        fork = follower.follow()
        node = NodeClient(url)
        snapshot = node.call("evm_snapshot")
        lost = _register(chain, "12320000XX00000276")
        follower.follow()
        node.call("evm_revert", snapshot)
        gained = _register(chain, "13330000XX00000356")

        head = follower.follow()

        with store.begin(write=False) as unit:
            codes = [seen.state.issuer for seen in unit.issuers()]
            assert unit.block(fork.number) == fork
            assert unit.head() == head == chain.head()
        assert codes == sorted([keep, gained])
        assert lost not in codes
        store.close()


def _register(chain: EthereumChain, issuer: str) -> str:
    act = registration(chain, issuer)
    sent = chain.sign(calls.register(act.statement, act.signatures), nonce=chain.next_nonce())
    chain.broadcast(sent.raw)
    assert mined(chain, sent.hash).succeeded
    return issuer
