"""Parse the parameters of JSON-RPC calls."""

from collections.abc import Sequence
from typing import Any, NoReturn

Json = Any


class RpcError(Exception):
    """A JSON-RPC 2.0 error: its number, a message, and data if a contract returned some."""

    def __init__(self, number: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.number, self.message, self.data = number, message, data


def invalid(what: str) -> NoReturn:
    """Raise the error for invalid parameters."""
    raise RpcError(-32602, f"invalid params: {what}")


def count(params: Sequence[Json], least: int, most: int) -> list[Json]:
    """Return the parameters, padded with None to `most`."""
    if not isinstance(params, list) or not least <= len(params) <= most:
        invalid(f"{least} to {most} parameters are taken")
    return [*params, *[None] * (most - len(params))]


def number(value: Json, what: str = "a quantity", bits: int = 256) -> int:
    """Parse a quantity of at most `bits` bits."""
    if not isinstance(value, str) or not value.startswith("0x") or not 2 < len(value) <= 66:
        invalid(f"{what} is written 0x and hex digits")
    try:
        # `int` and `fromhex` accept signs, underscores and white space; `isalnum` excludes them.
        found = int(value, 16) if value.isalnum() else invalid(f"{what} is written in hex digits")
    except ValueError:
        invalid(f"{what} is written 0x and hex digits")
    if found >> bits:
        invalid(f"{what} is beyond {bits} bits")
    return found


def binary(value: Json, what: str, size: int | None = None) -> bytes:
    """Parse bytes, `size` of them if it is given."""
    if not isinstance(value, str) or not value.startswith("0x"):
        invalid(f"{what} is written 0x and hex digits")
    try:
        found = bytes.fromhex(value[2:] if value.isalnum() else "no")
    except ValueError:
        invalid(f"{what} is written 0x and pairs of hex digits")
    if size is not None and len(found) != size:
        invalid(f"{what} has {size} bytes, not {len(found)}")
    return found


def choices(value: Json, what: str, size: int, most: int = 1000) -> tuple[bytes, ...]:
    """Parse one value or a list of them to a tuple; None matches everything."""
    if value is None:
        return ()
    listed = value if isinstance(value, list) else [value]
    if len(listed) > most:
        invalid(f"{what}: at most {most}")
    return tuple(binary(one, what, size) for one in listed)


def mapping(value: Json, what: str) -> dict[str, Json]:
    """Check that a value is an object, and return it."""
    if not isinstance(value, dict):
        invalid(f"{what} is an object")
    return value
