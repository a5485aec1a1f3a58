"""Paris by py-evm, with the simple instructions of a contract executed in one loop.

Most instructions of a contract move numbers on its stack.  py-evm makes several calls for each;
here one loop executes them and gives py-evm all others, and every case that ends in an error.
The result, the gas and the errors are py-evm's (`tests/ledger/devchain/test_fast_vm.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final

from eth.abc import MessageAPI, StateAPI, TransactionContextAPI
from eth.vm import opcode_values as op
from eth.vm.code_stream import CodeStream
from eth.vm.forks.paris import ParisVM
from eth.vm.forks.paris.computation import ParisComputation
from eth.vm.forks.paris.state import ParisState

_MASK: Final = 2**256 - 1
_MOST_VALUES: Final = 1023
"""With more values on the stack py-evm decides whether another fits."""
_CACHED_PROGRAMS: Final = 16

Values = list[int]


class _Kind(IntEnum):
    PUSH = 0
    DUP = 1
    SWAP = 2
    NUMBERS = 3
    MEMORY = 4
    JUMP = 5
    JUMP_IF = 6


Step = tuple[_Kind, int, int, Any, int]
"""What an instruction does, its gas, the values it needs, its argument, where the next one is."""


# Instructions ------------------------------------------------------------------------------------


def _two(result: Callable[[int, int], int]) -> Callable[[Values], None]:
    """Return an instruction that replaces the two topmost values (the first is the topmost)."""

    def run(values: Values) -> None:
        top = values.pop()
        values[-1] = result(top, values[-1])

    return run


def _one(result: Callable[[int], int]) -> Callable[[Values], None]:
    def run(values: Values) -> None:
        values[-1] = result(values[-1])

    return run


def _pop(values: Values) -> None:
    del values[-1]


def _nothing(values: Values) -> None:
    del values


def _load(values: Values, memory: bytearray) -> bool:
    start = values[-1]
    if start + 32 > len(memory):
        return False
    values[-1] = int.from_bytes(memory[start : start + 32], "big")
    return True


def _store(values: Values, memory: bytearray) -> bool:
    start = values[-1]
    if start + 32 > len(memory):
        return False
    memory[start : start + 32] = values[-2].to_bytes(32, "big")
    del values[-2:]
    return True


_NUMBERS: Final[dict[int, tuple[int, Callable[[Values], None]]]] = {
    op.ADD: (2, _two(lambda a, b: (a + b) & _MASK)),
    op.MUL: (2, _two(lambda a, b: (a * b) & _MASK)),
    op.SUB: (2, _two(lambda a, b: (a - b) & _MASK)),
    op.DIV: (2, _two(lambda a, b: a // b if b else 0)),
    op.MOD: (2, _two(lambda a, b: a % b if b else 0)),
    op.LT: (2, _two(lambda a, b: int(a < b))),
    op.GT: (2, _two(lambda a, b: int(a > b))),
    op.EQ: (2, _two(lambda a, b: int(a == b))),
    op.ISZERO: (1, _one(lambda a: int(a == 0))),
    op.AND: (2, _two(lambda a, b: a & b)),
    op.OR: (2, _two(lambda a, b: a | b)),
    op.XOR: (2, _two(lambda a, b: a ^ b)),
    op.NOT: (1, _one(lambda a: a ^ _MASK)),
    op.SHL: (2, _two(lambda a, b: (b << a) & _MASK if a < 256 else 0)),
    op.SHR: (2, _two(lambda a, b: b >> a if a < 256 else 0)),
    op.POP: (1, _pop),
    op.JUMPDEST: (0, _nothing),
}
_OTHERS: Final[dict[int, tuple[_Kind, int, Any]]] = {
    op.MLOAD: (_Kind.MEMORY, 1, _load),
    op.MSTORE: (_Kind.MEMORY, 2, _store),
    op.JUMP: (_Kind.JUMP, 1, None),
    op.JUMPI: (_Kind.JUMP_IF, 2, None),
}


def _simple_step(code: bytes, at: int, gas: int) -> Step | None:
    """Return the step at `at`; None if py-evm must execute it."""
    opcode = code[at]
    if op.PUSH1 <= opcode <= op.PUSH32:
        end = at + 2 + opcode - op.PUSH1
        argument = code[at + 1 : end].ljust(end - at - 1, b"\0")
        return _Kind.PUSH, gas, 0, int.from_bytes(argument, "big"), end
    if op.DUP1 <= opcode <= op.DUP16:
        depth = 1 + opcode - op.DUP1
        return _Kind.DUP, gas, depth, -depth, at + 1
    if op.SWAP1 <= opcode <= op.SWAP16:
        depth = 2 + opcode - op.SWAP1
        return _Kind.SWAP, gas, depth, -depth, at + 1
    if opcode in _NUMBERS:
        need, run = _NUMBERS[opcode]
        return _Kind.NUMBERS, gas, need, run, at + 1
    if opcode in _OTHERS:
        kind, need, argument = _OTHERS[opcode]
        return kind, gas, need, argument, at + 1
    return None


# Programs ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Program:
    """The steps of a code by position, and the positions that a jump may name."""

    steps: list[Step | None]
    destinations: frozenset[int]


@lru_cache(maxsize=_CACHED_PROGRAMS)
def _program(code: bytes) -> _Program:
    steps: list[Step | None] = [None] * len(code)
    destinations, at = set(), 0
    while at < len(code):
        opcode = code[at]
        if opcode == op.JUMPDEST:
            destinations.add(at)
        known: Any = ParisComputation.opcodes.get(opcode)
        step = None if known is None else _simple_step(code, at, known.gas_cost)
        steps[at] = step
        at = at + 1 if step is None else step[4]
    return _Program(steps=steps, destinations=frozenset(destinations))


class _FastCode(CodeStream):
    """A contract's code that executes its simple instructions while it is read."""

    __slots__ = ("_computation",)

    def __init__(self, code: bytes, computation: ParisComputation) -> None:
        super().__init__(code)
        self._computation: Any = computation

    def __iter__(self) -> Iterator[int]:
        """Yield the instructions that py-evm must execute."""
        code, values = self._raw_code_bytes, self._computation._stack.values
        program = _program(bytes(code))
        while True:
            # What py-evm has executed pushes one value at most, a number as bytes perhaps.
            if values and isinstance(values[-1], bytes):
                values[-1] = int.from_bytes(values[-1], "big")
            at = self._run(program, values)
            self.program_counter = at + 1
            if at >= len(code):
                yield op.STOP
            else:
                yield code[at]

    def _run(self, program: _Program, values: Values) -> int:
        """Execute simple instructions; return where the first other one is."""
        steps, end, meter = program.steps, len(program.steps), self._computation._gas_meter
        at, gas = self.program_counter, meter.gas_remaining
        while at < end and (step := steps[at]) is not None:
            kind, cost, need, argument, following = step
            if cost > gas or not need <= len(values) <= _MOST_VALUES:
                break
            if kind == _Kind.PUSH:
                values.append(argument)
            elif kind == _Kind.DUP:
                values.append(values[argument])
            elif kind == _Kind.SWAP:
                values[-1], values[argument] = values[argument], values[-1]
            elif kind == _Kind.NUMBERS:
                argument(values)
            else:
                target = self._other(kind, argument, values, following, program.destinations)
                if target < 0:
                    break
                following = target
            gas -= cost
            at = following
        meter.gas_remaining = gas
        return at

    def _other(
        self,
        kind: _Kind,
        run: Callable[[Values, bytearray], bool] | None,
        values: Values,
        following: int,
        destinations: frozenset[int],
    ) -> int:
        """Execute an instruction of memory or a jump; return where the next is, -1 for py-evm."""
        if run is not None:
            return following if run(values, self._computation._memory._bytes) else -1
        if kind == _Kind.JUMP_IF and values[-2] == 0:
            del values[-2:]
            return following
        if values[-1] not in destinations:
            return -1
        target = values.pop()
        if kind == _Kind.JUMP_IF:
            del values[-1]
        return target


# The machine -------------------------------------------------------------------------------------


class _FastComputation(ParisComputation):
    def __init__(
        self, state: StateAPI, message: MessageAPI, transaction_context: TransactionContextAPI
    ) -> None:
        super().__init__(state, message, transaction_context)
        self.code = _FastCode(message.code, self)


class _FastState(ParisState):
    computation_class = _FastComputation


class FastParisVM(ParisVM):
    """The virtual machine of Paris."""

    _state_class = _FastState
