"""Errors of the embedded chain, each with a stable code."""

from pathlib import Path

from certledger.verifier.errors import CertledgerError


class EmbeddedChainError(CertledgerError):
    """Base of the embedded chain's errors."""


class HomeInUseError(EmbeddedChainError):
    """Another process, or another node of this one, has locked the home."""

    code = "home_in_use"

    def __init__(self, home: Path) -> None:
        super().__init__(f"the chain in {home} is already open in another node")
        self.home = home


class GenesisMismatchError(EmbeddedChainError):
    """The stored chain has another genesis than the caller expects."""

    code = "genesis_mismatch"

    def __init__(self, field: str, current: object, wanted: object) -> None:
        super().__init__(f"the stored chain has {field} {current}, not {wanted}")
        self.field, self.current, self.wanted = field, current, wanted


class GenesisMalformedError(EmbeddedChainError):
    """Genesis parameters that cannot be read."""

    code = "genesis_malformed"

    def __init__(self, reason: str) -> None:
        super().__init__(f"genesis parameters are malformed: {reason}")


class NotLoopbackError(EmbeddedChainError):
    """The node listens on loopback addresses only, because it has no access control."""

    code = "not_loopback"

    def __init__(self, host: str) -> None:
        super().__init__(f"the embedded chain listens on a loopback address only, not on {host}")
        self.host = host


class TransactionRejectedError(EmbeddedChainError):
    """A transaction that cannot enter the next block; the message is geth's, for its clients."""

    code = "transaction_refused"


class BlockRejectedError(EmbeddedChainError):
    """A replica rejects the block: base of the errors below."""

    code = "block_refused"


class BlockMalformedError(BlockRejectedError):
    """The bytes are not one block of this fork."""

    code = "block_malformed"


class BlockOutOfPlaceError(BlockRejectedError):
    """The block's parent is not the last block replayed."""

    code = "block_out_of_place"

    def __init__(self, number: int, parent: bytes, head: int, head_hash: bytes) -> None:
        super().__init__(
            f"block {number} on parent 0x{parent.hex()} does not follow "
            f"block {head} with hash 0x{head_hash.hex()}"
        )
        self.number, self.parent, self.head, self.head_hash = number, parent, head, head_hash


class BlockAheadError(BlockRejectedError):
    """The block's time is too far ahead of the replica's clock; it may be valid later."""

    code = "block_ahead"

    def __init__(self, number: int, timestamp: int, latest: int) -> None:
        super().__init__(f"block {number} is of {timestamp}, later than {latest}")
        self.number = number


class BlockMismatchError(BlockRejectedError):
    """Executing the block gives another result than its header, or breaks a rule."""

    code = "block_mismatch"

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"block {number} does not follow from its transactions: {reason}")
        self.number = number
