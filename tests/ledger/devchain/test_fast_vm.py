"""The loop for simple instructions gives what py-evm gives: result, gas, errors, storage, logs."""

from __future__ import annotations

from typing import Any

from eth.db.atomic import AtomicDB
from eth.exceptions import InvalidInstruction
from eth.vm import opcode_values as op
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.paris import ParisVM
from eth.vm.message import Message
from eth.vm.transaction_context import BaseTransactionContext
from eth_typing import Address, BlockNumber, Hash32
from hypothesis import given, settings
from hypothesis import strategies as st

from certledger.ledger.devchain.fast_vm import _NUMBERS, _OTHERS, FastParisVM
from tests.effort import effort

CONTRACT, SENDER = Address(b"\x11" * 20), Address(b"\x22" * 20)
EMPTY_ROOT = bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")
TOP = 2**256 - 1
NUMBERS = st.one_of(
    st.integers(0, 70), st.sampled_from([255, 256, 257, 2**255, TOP, TOP - 1]), st.integers(0, TOP)
)


def push(value: int) -> bytes:
    data = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
    return bytes([op.PUSH1 + len(data) - 1]) + data


def run(vm: Any, code: bytes, *, gas: int = 60_000, data: bytes = b"") -> tuple[object, ...]:
    """Return all that a caller, and the chain, can see of an execution."""
    context = ExecutionContext(
        coinbase=Address(bytes(20)),
        timestamp=1,
        block_number=BlockNumber(1),
        difficulty=0,
        mix_hash=Hash32(bytes(32)),
        gas_limit=10**7,
        prev_hashes=(),
        chain_id=1,
        base_fee_per_gas=0,
    )
    state = vm._state_class(AtomicDB(), context, EMPTY_ROOT)
    state.set_balance(SENDER, 10**18)
    state.set_code(CONTRACT, code)
    message = Message(gas=gas, to=CONTRACT, sender=SENDER, value=0, data=data, code=code)
    transaction = BaseTransactionContext(gas_price=0, origin=SENDER)
    done = state.computation_class.apply_message(state, message, transaction)
    error = done.error if done.is_error else None
    return (
        bytes(done.output),
        done.get_gas_remaining(),
        type(error),
        [(entry[1], entry[2], bytes(entry[3])) for entry in done._log_entries],
        [state.get_storage(CONTRACT, slot) for slot in range(3)],
        [int.from_bytes(x, "big") if isinstance(x, bytes) else x for x in done._stack.values],
        bytes(done._memory._bytes),
    )


def same(code: bytes, **asked: Any) -> tuple[object, ...]:
    found = run(FastParisVM, code, **asked)
    assert found == run(ParisVM, code, **asked), code.hex()
    return found


def test_every_simple_instruction_gives_the_same_number() -> None:
    for opcode in (*_NUMBERS, *_OTHERS):
        for left in (0, 1, 3, 32, 255, 256, 2**255, TOP):
            for right in (0, 1, 7, 2**128 + 1, TOP):
                same(push(right) + push(left) + bytes([opcode]))


def test_too_few_values_too_many_and_too_little_gas_end_as_in_the_original() -> None:
    every = [*range(op.PUSH1, op.SWAP16 + 1), *_NUMBERS, *_OTHERS]
    full = push(5) * 1023
    for opcode in every:
        code = bytes([opcode]) + bytes(32)
        same(code)
        same(push(1) + push(1) + code, gas=7)
        same(full + code)
        same(full + push(5) + code)
        # The last instruction, its data cut off.
        same(push(1) * 17 + bytes([opcode]))


def test_a_jump_goes_only_to_a_destination_that_is_no_data() -> None:
    good = push(4) + bytes([op.JUMP, op.STOP, op.JUMPDEST]) + push(9)
    assert (same(good)[2], same(good)[5]) == (type(None), [9])
    assert same(push(5) + bytes([op.JUMP, op.STOP, op.PUSH1, op.JUMPDEST]))[2] is InvalidInstruction
    for target in (0, 3, 99, TOP):
        same(push(target) + bytes([op.JUMP, op.JUMPDEST]))
        for condition in (0, 1, TOP):
            same(push(condition) + push(target) + bytes([op.JUMPI, op.JUMPDEST]))


def test_memory_grows_at_the_same_cost() -> None:
    for start in (0, 1, 31, 32, 1000, 2**64, TOP):
        store = push(77) + push(start) + bytes([op.MSTORE])
        load = push(start) + bytes([op.MLOAD])
        same(store + load + store + push(0) + push(64) + bytes([op.RETURN]))


SIMPLE = [*_NUMBERS, *_OTHERS, *range(op.DUP1, op.SWAP16 + 1)]
COMPLEX = [
    op.SHA3, op.CALLDATALOAD, op.CALLDATASIZE, op.CALLER, op.ADDRESS, op.SLOAD, op.SSTORE,
    op.PC, op.GAS, op.MSIZE, op.SAR, op.BYTE, op.SDIV, op.SLT, op.ADDMOD, op.EXP, op.MSTORE8,
    op.LOG1, op.RETURN, op.REVERT, op.CODECOPY, op.STATICCALL, op.CALL, op.EXTCODESIZE,
    op.SELFBALANCE, op.STOP, 0xEF,
]  # fmt: skip
INSTRUCTION = st.one_of(
    NUMBERS.map(push),
    st.integers(0, 40).map(push),
    st.sampled_from(SIMPLE).map(lambda one: bytes([one])),
    st.sampled_from(COMPLEX).map(lambda one: bytes([one])),
)


@settings(max_examples=effort(150, 5_000))
@given(
    st.lists(st.integers(0, 40).map(push), max_size=18),
    st.lists(INSTRUCTION, max_size=60),
    st.integers(0, 40_000),
    st.binary(max_size=70),
)
def test_any_program_ends_alike(
    before: list[bytes], body: list[bytes], gas: int, data: bytes
) -> None:
    same(b"".join(before + body), gas=gas, data=data)


@settings(max_examples=effort(50, 2_000))
@given(st.binary(max_size=200), st.integers(0, 40_000))
def test_any_bytes_end_alike(code: bytes, gas: int) -> None:
    same(code, gas=gas)
