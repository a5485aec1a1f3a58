"""`eth_call` and `eth_estimateGas`: execution on a state that is discarded."""

from dataclasses import dataclass

from eth.abc import BlockHeaderAPI, ComputationAPI, StateAPI
from eth.exceptions import PyEVMError, Revert
from eth.vm.forks.paris import ParisVM
from eth.vm.spoof import SpoofTransaction
from eth_typing import Address
from eth_utils.exceptions import ValidationError

from certledger.ledger.devchain.params import Json, RpcError, binary, invalid, mapping, number
from certledger.ledger.devchain.view import View

REVERTED = 3
_PANIC, _ERROR = bytes.fromhex("4e487b71"), bytes.fromhex("08c379a0")


@dataclass(frozen=True, kw_only=True, slots=True)
class UnsignedCall:
    """An unsigned transaction."""

    sender: bytes
    to: bytes
    gas: int | None
    value: int
    data: bytes


def parse_call(value: Json) -> UnsignedCall:
    """Parse a call object; `data` and `input` are synonyms."""
    given = mapping(value, "a transaction")
    data, other = given.get("data"), given.get("input")
    if data is not None and other is not None and data != other:
        invalid("data and input differ")
    payload = data if other is None else other
    sender, to, gas = given.get("from"), given.get("to"), given.get("gas")
    return UnsignedCall(
        sender=bytes(20) if sender is None else binary(sender, "from", 20),
        to=b"" if to is None else binary(to, "to", 20),
        gas=None if gas is None else number(gas, "gas", 63),
        value=0 if given.get("value") is None else number(given["value"], "value"),
        data=b"" if payload is None else binary(payload, "data"),
    )


def call(view: View, header: BlockHeaderAPI, asked: UnsignedCall) -> bytes:
    """Return the output of a call at block `header`.

    Raises:
        RpcError: it reverts (code 3, with the contract's data) or fails.
    """
    gas = min(asked.gas or header.gas_limit, header.gas_limit)
    return bytes(_good(_execute(view, header, asked, gas)).output)


def estimate(view: View, header: BlockHeaderAPI, asked: UnsignedCall) -> int:
    """Return a gas limit with which a transaction succeeds at block `header`.

    Raises:
        RpcError: it fails even with the block's gas limit.
    """
    most = min(asked.gas or header.gas_limit, header.gas_limit)
    spent = _good(_execute(view, header, asked, most))
    used = most - spent.get_gas_remaining()
    # Each call retains a 64th of the gas (EIP-150), and refunds come only afterwards.
    likely = min(most, used + used // 63 + 2300)
    if not _execute(view, header, asked, likely).is_error:
        return likely
    low, high = likely, most
    while high - low > max(low // 64, 1):
        middle = (low + high) // 2
        if _execute(view, header, asked, middle).is_error:
            low = middle
        else:
            high = middle
    return high


def _execute(view: View, header: BlockHeaderAPI, asked: UnsignedCall, gas: int) -> ComputationAPI:
    unsigned = ParisVM.get_transaction_builder().create_unsigned_transaction(
        nonce=0,
        gas_price=0,
        gas=gas,
        to=Address(asked.to),
        value=asked.value,
        data=asked.data,
    )
    sent = SpoofTransaction(unsigned, from_=Address(asked.sender))
    if gas < sent.intrinsic_gas:
        raise RpcError(-32000, f"intrinsic gas too low: have {gas}, want {sent.intrinsic_gas}")
    with view.chain.get_vm(header).in_costless_state() as state:
        _prepare(state, asked)
        try:
            return state.costless_execute_transaction(sent)  # type: ignore[arg-type]  # py-evm's own SpoofTransaction is of no declared type
        except (ValidationError, PyEVMError) as error:
            raise RpcError(-32000, f"the call cannot be made: {error}") from error


def _prepare(state: StateAPI, asked: UnsignedCall) -> None:
    """Set the caller's nonce to the unsigned transaction's."""
    state.set_nonce(Address(asked.sender), 0)


def _good(computation: ComputationAPI) -> ComputationAPI:
    if not computation.is_error:
        return computation
    if not isinstance(computation.error, Revert):
        raise RpcError(-32000, f"execution failed: {computation.error}")
    output = bytes(computation.output)
    reason = _reason(output)
    raise RpcError(
        REVERTED, "execution reverted" + (f": {reason}" if reason else ""), "0x" + output.hex()
    )


def _reason(output: bytes) -> str:
    """Decode Error(string) or Panic(uint256); empty if it is neither."""
    if output[:4] == _ERROR and len(output) >= 68:
        size = int.from_bytes(output[36:68], "big")
        return output[68 : 68 + min(size, 1000)].decode("utf-8", "replace")
    if output[:4] == _PANIC and len(output) == 36:
        return f"panic 0x{int.from_bytes(output[4:], 'big'):02x}"
    return ""
