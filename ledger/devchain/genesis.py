"""Genesis parameters: equal parameters give an equal genesis block."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from certledger.ledger.devchain.errors import GenesisMalformedError

FORK: Final = "paris"
GAS_LIMIT: Final = 30_000_000
#: At 7 wei the fee cannot fall (EIP-1559 lowers it by an eighth, rounded down), and 10^18 wei pay
#: for 10^17 gas: accounts funded at genesis never run dry.
BASE_FEE: Final = 7
MAX_CHAIN_ID: Final = 2**53 - 1
_MAX_WEI: Final = 2**200


@dataclass(frozen=True, kw_only=True, slots=True)
class Genesis:
    """Parameters of the genesis block.

    Attributes:
        chain_id: 1 to 2^53 - 1 (EIP-155).
        timestamp: seconds since the epoch.
        alloc: wei per address of 20 bytes.
        gas_limit: gas of a block, the same in every block.
        base_fee: wei a gas of the first block (EIP-1559).
    """

    chain_id: int
    timestamp: int
    alloc: Mapping[bytes, int]
    gas_limit: int = GAS_LIMIT
    base_fee: int = BASE_FEE

    def __post_init__(self) -> None:
        _check_range("chain id", self.chain_id, 1, MAX_CHAIN_ID)
        _check_range("timestamp", self.timestamp, 1, 2**40)
        _check_range("gas limit", self.gas_limit, 5_000, 2**40)
        _check_range("base fee", self.base_fee, 0, 2**64)
        for address, wei in self.alloc.items():
            if len(address) != 20:
                raise GenesisMalformedError(f"address 0x{address.hex()} has {len(address)} bytes")
            _check_range(f"balance of 0x{address.hex()}", wei, 0, _MAX_WEI)


def format_genesis(genesis: Genesis) -> dict[str, object]:
    """Return `genesis` as JSON members; quantities are hex, as in JSON-RPC."""
    return {
        "fork": FORK,
        "chainId": hex(genesis.chain_id),
        "timestamp": hex(genesis.timestamp),
        "gasLimit": hex(genesis.gas_limit),
        "baseFeePerGas": hex(genesis.base_fee),
        "alloc": {f"0x{a.hex()}": hex(wei) for a, wei in sorted(genesis.alloc.items())},
    }


def parse_genesis(value: object) -> Genesis:
    """Parse the output of `format_genesis`; unknown members are ignored.

    Raises:
        GenesisMalformedError: a member is missing, of another shape, out of range, or of another
            fork.
    """
    if not isinstance(value, dict):
        raise GenesisMalformedError("not an object")
    if value.get("fork") != FORK:
        raise GenesisMalformedError(f"fork {value.get('fork')!r} is not {FORK!r}")
    alloc = value.get("alloc")
    if not isinstance(alloc, dict):
        raise GenesisMalformedError("alloc is not an object")
    return Genesis(
        chain_id=_quantity("chainId", value.get("chainId")),
        timestamp=_quantity("timestamp", value.get("timestamp")),
        gas_limit=_quantity("gasLimit", value.get("gasLimit")),
        base_fee=_quantity("baseFeePerGas", value.get("baseFeePerGas")),
        alloc={parse_address(a): _quantity(a, wei) for a, wei in alloc.items()},
    )


def parse_address(text: str) -> bytes:
    """Return the 20 bytes of an address written as 0x and 40 hex digits of either case.

    Raises:
        GenesisMalformedError: `text` is something else.
    """
    try:
        address = bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise GenesisMalformedError(f"address {text!r} is not hex") from error
    if len(address) != 20:
        raise GenesisMalformedError(f"address {text!r} has {len(address)} bytes")
    return address


def _quantity(name: str, value: object) -> int:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise GenesisMalformedError(f"{name} is {value!r}, not a hex quantity")
    try:
        return int(value, 16)
    except ValueError as error:
        raise GenesisMalformedError(f"{name} is {value!r}, not a hex quantity") from error


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise GenesisMalformedError(f"{name} {value} is outside {low} to {high}")
