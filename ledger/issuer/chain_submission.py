"""Send a batch or a registrar's act to the chain without the operator."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential_jitter

from certledger.contracts import calls
from certledger.ledger.chain.client import EthereumChain
from certledger.ledger.core.acts import kind_of
from certledger.ledger.core.contract_calls import STATELESS
from certledger.ledger.core.values import Inclusion
from certledger.ledger.intake.batch_submission import (
    MAX_SUBMISSION_BYTES,
    Submission,
    parse_submission,
)
from certledger.ledger.issuer.workspace import Workspace
from certledger.ledger.keys import recover
from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats.contract_events import IssuerStateEvent, parse_log
from certledger.verifier.formats.issuer_state import Key
from certledger.verifier.formats.signed_act import Act
from certledger.verifier.formats.statements import ZERO

_HEAD_WORDS = 6


class CarryError(CertledgerError):
    """The batch cannot be sent: the issuer's state on the chain forbids it."""

    code = "carry.refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchOnChain:
    """A batch on the chain; `transaction` is None if it was there already."""

    sequence: int
    transaction: bytes | None
    block: int


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerStateWords:
    """An issuer's newest state on the chain, as words: they contain the name's digest alone."""

    all_words: tuple[bytes, ...]
    block: int

    @property
    def batches(self) -> int:
        """The number of batches in it."""
        return int.from_bytes(self.all_words[1][:8], "big")

    @property
    def last(self) -> bytes:
        """The digest of the last batch's statement."""
        return self.all_words[4]

    def words(self) -> tuple[bytes, ...]:
        """Return the words w0 to w5 (SPEC section 8)."""
        return self.all_words[:_HEAD_WORDS]

    def key_words(self) -> tuple[bytes, ...]:
        """Return one word a key."""
        return self.all_words[_HEAD_WORDS : len(self.all_words) - self.batches.bit_count()]

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The peaks of the tree of batches."""
        return self.all_words[len(self.all_words) - self.batches.bit_count() :]


def read_batch(path: Path) -> Submission:
    """Read the sealed batch in a folder or a file.

    Raises:
        CertledgerError: there is none, or it is malformed.
    """
    file = Workspace(folder=path).batch_file if path.is_dir() else path
    if file is None:
        raise MalformedError("batch.missing", f"there is no sealed batch in {path}")
    data = file.read_bytes()
    if file.name.endswith(".gz"):
        unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            data = unpack.decompress(data, MAX_SUBMISSION_BYTES)
        except zlib.error as error:
            raise MalformedError("batch.damaged", f"{file} is no gzip: {error}") from error
        if not unpack.eof or unpack.unused_data:
            raise MalformedError(
                "batch.damaged", f"{file} is cut short, too long, or more than one"
            )
    return parse_submission(data, MAX_SUBMISSION_BYTES)


def carry_batch(
    chain: EthereumChain, batch: Submission, *, since: int, patience: float
) -> BatchOnChain:
    """Send a batch to the chain and wait until a block includes it; safe to repeat.

    `since` is the block of the ledger's deployment, `patience` seconds.

    Raises:
        CarryError: the issuer is unknown, another batch has its sequence, one before it is
            missing, its signer is no key of the issuer, or no block included it in time.
        CallRevertedError: the contract refuses it.
        ChainUnreachableError: the node does not answer.
    """
    statement, digest = batch.statement, batch.statement.digest(chain.identity)
    state = newest_state(chain, statement.issuer.decode("ascii"), since)
    if state.last == digest:
        return BatchOnChain(sequence=statement.sequence, transaction=None, block=state.block)
    if statement.sequence != state.batches + 1 or statement.previous != (state.last or ZERO):
        raise CarryError(
            f"batch {statement.sequence} does not follow the {state.batches} on the chain"
        )
    key = _key_of(state, recover(digest, batch.signature))
    packed = calls.pack_batch(statement, key=key, signature=batch.signature)
    signed = chain.sign(calls.anchor([(state, [packed])]), nonce=chain.next_nonce())
    chain.broadcast(signed.raw)
    included = _wait(chain, signed.hash, patience)
    if included is None or not included.succeeded:
        raise CarryError(
            f"transaction 0x{signed.hash.hex()} brought batch {statement.sequence} in no block"
        )
    return BatchOnChain(
        sequence=statement.sequence, transaction=signed.hash, block=included.block.number
    )


def carry_act(chain: EthereumChain, act: Act, *, patience: float) -> Inclusion:
    """Send an act that needs no issuer's state to the chain; wait `patience` seconds for a block.

    Raises:
        CarryError: it is another kind of act or another ledger's, or no block included it in time.
        CallRevertedError: the contract refuses it.
        ChainUnreachableError: the node does not answer.
    """
    kind = kind_of(act.statement)
    if kind is None or kind not in STATELESS:
        raise CarryError(f"{act.statement.primary} needs the issuer's state: hand it in")
    if act.ledger != chain.identity:
        raise CarryError(f"the act is for the ledger {act.ledger.hex()}")
    signed = chain.sign(STATELESS[kind](act.statement, act.signatures), nonce=chain.next_nonce())
    chain.broadcast(signed.raw)
    included = _wait(chain, signed.hash, patience)
    if included is None or not included.succeeded:
        raise CarryError(f"transaction 0x{signed.hash.hex()} brought the act in no block")
    return included


def newest_state(chain: EthereumChain, issuer: str, since: int) -> IssuerStateWords:
    """Return an issuer's state from the contract's newest event.

    Raises:
        CarryError: there is no such event.
    """
    for log in reversed(chain.reported_logs(since, chain.head().number)):
        event = parse_log(log.topics, log.data)
        if isinstance(event, IssuerStateEvent) and event.issuer == issuer:
            return IssuerStateWords(all_words=event.words, block=log.block)
    raise CarryError(f"the ledger has no issuer {issuer}")


def _key_of(state: IssuerStateWords, address: bytes) -> int:
    for index, word in enumerate(state.key_words()):
        if Key.unpacked(word[:31]).address == address:
            return index
    raise CarryError(f"0x{address.hex()} is no key of the issuer")


def _wait(chain: EthereumChain, tx: bytes, patience: float) -> Inclusion | None:
    waiting = Retrying(
        retry=retry_if_result(lambda found: found is None),
        stop=stop_after_delay(patience),
        wait=wait_exponential_jitter(multiplier=0.05, max=3),
        retry_error_callback=lambda state: None,
    )
    found: Inclusion | None = waiting(chain.find, tx)
    return found
