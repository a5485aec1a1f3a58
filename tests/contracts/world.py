"""A ledger on a fresh chain (py-evm through eth-tester), and the people who speak to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from eth.vm.forks.paris import ParisVM
from eth.vm.spoof import SpoofTransaction
from eth_keys.datatypes import PrivateKey
from eth_tester import PyEVMBackend

from certledger.contracts import calls
from certledger.contracts.loader import load_artifact
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats.contract_events import Event, parse_log
from certledger.verifier.formats.issuer_state import IssuerState, Key
from certledger.verifier.formats.statements import Batch, Statement, ledger_identity
from certledger.verifier.formats.status_tree import EMPTY_ROOT
from certledger.verifier.vocabulary import IssuerKind, Purpose
from tests.contracts.published import is_published

CHAIN_ID = 20261124
START = 1_800_000_000
GAS = 12_000_000
SALT = bytes(range(32))
REGIONS = (31, 32, 33, 34)
NAME = "测试单位"
ALL = Purpose.BATCHES | Purpose.STATUS | Purpose.CATALOG | Purpose.KEYS


def vm_with(**changes: Any) -> Any:
    """Return a virtual machine like Ethereum's whose computation has other `changes`."""
    state = ParisVM._state_class
    computation = type("Computation", (state.computation_class,), changes)
    other = type("State", (state,), {"computation_class": computation})
    return type("VM", (ParisVM,), {"_state_class": other})


@cache
def person(name: str) -> PrivateKey:
    """Return the key pair of somebody, always the same for a name."""
    return PrivateKey(keccak(name.encode()))


def address(who: PrivateKey) -> bytes:
    return who.public_key.to_canonical_address()


def registrar(region: int) -> PrivateKey:
    return person(f"registrar {region}")


def recovery(region: int) -> PrivateKey:
    return person(f"recovery of {region}")


def issuer_key(issuer: str, index: int) -> PrivateKey:
    return person(f"key {index} of {issuer}")


def code(region: int, number: int = 1) -> str:
    return f"11{region:02}000000000000{number:02}"


def sign(digest: bytes, who: PrivateKey) -> bytes:
    signature = who.sign_msg_hash(digest).to_bytes()
    return signature[:64] + bytes([signature[64] + 27])


def given(who: PrivateKey, purposes: int = ALL) -> bytes:
    """Return a key as statements give it: address and purposes."""
    return address(who) + bytes([purposes])


@dataclass(frozen=True)
class Outcome:
    """What became of a call: the name of the error, or the events it told."""

    refused: str | None
    events: tuple[Event, ...] = ()
    gas: int = 0
    data: bytes = b""


@dataclass
class World:
    """A chain with one ledger on it."""

    vm: Any = ParisVM
    chain_id: int = CHAIN_ID
    salt: bytes = SALT
    regions: Sequence[int] = REGIONS
    nonce: int = 0
    backend: Any = None
    contract: bytes = b""
    identity: bytes = b""
    carrier: PrivateKey = field(default_factory=lambda: person("carrier"))

    def __post_init__(self) -> None:
        state = PyEVMBackend.generate_genesis_state(num_accounts=1)
        state[address(self.carrier)] = next(iter(state.values()))
        params = PyEVMBackend.generate_genesis_params(
            {"timestamp": START, "gas_limit": 30_000_000, "difficulty": 0}
        )
        self.backend = PyEVMBackend(
            genesis_parameters=params,
            genesis_state=state,
            vm_configuration=((0, self.vm),),
        )
        self.chain.chain_id = self.chain_id

    @property
    def chain(self) -> Any:
        return self.backend.chain

    @property
    def now(self) -> int:
        """The time of the block that the next call will be in."""
        return int(self.chain.header.timestamp)

    @property
    def block(self) -> int:
        """The number of the block that the next call will be in."""
        return int(self.chain.header.block_number)

    def later(self, seconds: int = 3600) -> int:
        return self.now + seconds

    def mine(self, blocks: int = 1) -> None:
        list(self.backend.mine_blocks(blocks))

    def snapshot(self) -> tuple[Any, int]:
        return self.backend.take_snapshot(), self.nonce

    def revert(self, snapshot: tuple[Any, int]) -> None:
        self.backend.revert_to_snapshot(snapshot[0])
        self.nonce = snapshot[1]

    def deploy(self, registrars: Sequence[tuple[int, bytes, bytes]] | None = None) -> Outcome:
        if registrars is None:
            registrars = [
                (region, address(registrar(region)), address(recovery(region)))
                for region in self.regions
            ]
        self.contract = b""
        outcome = self.send(calls.deploy(self.salt, registrars))
        self.identity = ledger_identity(self.chain_id, self.contract, self.salt)
        return outcome

    def pass_time(self, seconds: int) -> None:
        """Let the pending block be so much later."""
        header = self.chain.header
        self.chain.header = header.copy(timestamp=header.timestamp + seconds)

    def send(self, data: bytes, *, mine: bool = True) -> Outcome:
        """Carry a call to the chain, in a block of its own or in one that stays open.

        A refused one leaves no trace.
        """
        if (dry := self.call(data)).refused is not None:
            return dry
        transaction = self.chain.create_unsigned_transaction(
            nonce=self.nonce, gas_price=10**9 * 2, gas=GAS, to=self.contract, value=0, data=data
        ).as_signed_transaction(self.carrier, chain_id=self.chain_id)
        _, receipt, computation = self.chain.apply_transaction(transaction)
        assert computation.is_success
        self.nonce += 1
        self.contract = self.contract or computation.msg.storage_address
        if mine:
            self.mine()
        events = [
            parse_log([topic.to_bytes(32, "big") for topic in log.topics], log.data)
            for log in receipt.logs
            if log.address == self.contract
        ]
        return Outcome(refused=None, events=tuple(events), gas=receipt.gas_used)

    def call(self, data: bytes) -> Outcome:
        """Try a call in the pending block without leaving anything behind."""
        state = self.chain.get_vm().state
        before = state.snapshot()
        transaction = self.chain.create_unsigned_transaction(
            nonce=state.get_nonce(address(self.carrier)),
            gas_price=10**9 * 2,
            gas=GAS,
            to=self.contract,
            value=0,
            data=data,
        )
        computation = state.apply_transaction(
            SpoofTransaction(transaction, from_=address(self.carrier))
        )
        state.revert(before)
        if computation.is_success:
            return Outcome(refused=None, data=computation.output)
        output = bytes(computation.output)
        name = load_artifact().error_name(output)
        if name is None:
            return Outcome(f"nameless: {output.hex()} {computation.error}", data=output)
        assert not self.contract or is_published(data, name), f"the interface lacks {name}"
        return Outcome(refused=name, data=output)

    def view(self, signature: str, argument: bytes = b"") -> bytes:
        return self.call(load_artifact().selectors[signature] + argument).data

    def slot(self, issuer: str) -> bytes:
        return self.view("slot(bytes18)", issuer.encode().ljust(32, b"\x00"))

    def put_slot(self, issuer: str, value: bytes) -> None:
        """Write an issuer's slot as no call could, to stand where only many calls would lead."""
        place = keccak(issuer.encode().ljust(32, b"\x00") + bytes(32))
        state = self.chain.get_vm().state
        state.set_storage(self.contract, int.from_bytes(place, "big"), int.from_bytes(value, "big"))
        state.persist()
        self.chain.header = self.chain.header.copy(state_root=state.state_root)

    def signed(self, said: Statement, *people: PrivateKey) -> list[bytes]:
        digest = said.digest(self.identity)
        return [sign(digest, who) for who in people]


def new_state(
    issuer: str, *, block: int, people: Sequence[tuple[PrivateKey, int]], name: str = NAME
) -> IssuerState:
    """Return the state of an issuer that is registered in `block` with these keys."""
    return IssuerState(
        issuer=issuer,
        kind=IssuerKind.DEPARTMENT,
        name=name,
        keys=tuple(
            Key(address=address(who), purposes=Purpose(purposes), start=block)
            for who, purposes in people
        ),
        since=block,
        status=EMPTY_ROOT,
    )


def next_batch(
    state: IssuerState, *, count: int, not_after: int, root: bytes = b"\x11" * 32
) -> Batch:
    """Return the statement of the batch that may follow on `state`."""
    return Batch(
        issuer=state.issuer.encode(),
        sequence=state.batches + 1,
        previous=state.last,
        root=root,
        first=state.certificates,
        count=count,
        catalog=state.catalog,
        not_after=not_after,
    )


def ends_of(*ends: tuple[int, int]) -> tuple[bytes, ...]:
    """Return ends as statements write them, from (key index, end block)."""
    return tuple(bytes([index]) + end.to_bytes(5, "big") for index, end in ends)
