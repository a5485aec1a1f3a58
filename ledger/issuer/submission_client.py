"""Submit batches and acts over HTTP, with retries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from certledger.ledger.client.transport import AnswerInvalidError, ServerClient, check_receipt
from certledger.ledger.intake.batch_submission import MAX_SUBMISSION_BYTES as MAX_PARCEL_BYTES
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.chain_submission import read_batch
from certledger.ledger.issuer.workspace import Workspace
from certledger.ledger.sealing.batch import SUBMISSION
from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.files import read_file
from certledger.verifier.formats.canonical_json import Json, from_hex, parse
from certledger.verifier.formats.statements import CatalogChange, StatusChange

PATIENCE = 600.0
"""Seconds after which a submission is given up; it may be repeated later."""
MAX_RESPONSE_BYTES = 65_536
JSON, JSON_LINES = "application/json", "application/jsonl"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """A submission: its bytes, path and headers."""

    path: str
    data: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmissionClient:
    """Client of a ledger's server; `token` is its API key."""

    url: str
    token: str | None = field(default=None, repr=False)
    patience: float = PATIENCE

    def hand_in(
        self, parcel: Parcel, notice: Callable[[str], None] = lambda sentence: None
    ) -> Json:
        """Submit a parcel, retrying while the server is unreachable or busy; return its answer.

        Safe to repeat: the same statement gets the same receipt.

        Raises:
            ServerRefusedError: the server refuses for good.
            ServerUnreachableError: no answer within `patience`.
            AnswerInvalidError: the answer is no receipt.
        """
        asker = ServerClient(url=self.url, token=self.token, patience=self.patience, notice=notice)
        answer = asker.ask(
            "POST",
            parcel.path,
            content=parcel.data,
            headers=parcel.headers,
            longest=MAX_RESPONSE_BYTES,
        )
        try:
            return parse(answer.content, MAX_RESPONSE_BYTES)
        except MalformedError as error:
            raise AnswerInvalidError(f"the answer of {self.url} is no receipt: {error}") from error


def check_handed_in(what: Path, answer: Json, operator: bytes | None) -> str:
    """Check the receipt of a submission; return the address of its signer as `0x…`.

    `operator` (20 bytes) must have signed it, None if not known yet.

    Raises:
        AnswerInvalidError: it is none, is for another statement or ledger, or another signed it.
    """
    identity = _identity_of(answer)
    digest = _digest_of(what, identity)
    _, signer = check_receipt(answer, digest=digest, identity=identity, operator=operator)
    return f"0x{signer.hex()}"


def _identity_of(answer: Json) -> bytes:
    try:
        return from_hex(answer["receipt"]["ledger"], 32)
    except (KeyError, TypeError, AttributeError, CertledgerError) as error:
        raise AnswerInvalidError("the answer is no receipt") from error


def _digest_of(what: Path, identity: bytes) -> bytes:
    """Return the digest of the statement in a sealed folder, a batch's file or an act's."""
    if is_batch(what):
        return read_batch(what).statement.digest(identity)
    act = Envelope.parse(read_file(what, MAX_PARCEL_BYTES)).act
    if act.ledger != identity:
        raise AnswerInvalidError("the receipt is of another ledger than the act")
    return act.digest


def is_batch(what: Path) -> bool:
    """Return whether a path is a sealed folder or a batch's file; otherwise it is an act's."""
    return (
        what.is_dir()
        or what.name.endswith(".gz")
        or _holds_batch(read_file(what, MAX_PARCEL_BYTES))
    )


def _holds_batch(data: bytes) -> bool:
    # A batch's type comes after its records, so it is searched at the end.
    return SUBMISSION.encode() in data[-200:]


# Paths -----------------------------------------------------------------------------------------


def parcel_of(path: Path) -> Parcel:
    """Return the parcel of a sealed folder, of a batch's file, or of an act's.

    Raises:
        CertledgerError: there is no batch in the folder, or the file is neither batch nor act.
    """
    if path.is_dir():
        batch = Workspace(folder=path).batch_file
        if batch is None:
            raise MalformedError("batch.missing", f"there is no sealed batch in {path}")
        return parcel_of(batch)
    if path.name.endswith(".gz"):
        headers = {"content-encoding": "gzip", "content-type": JSON_LINES}
        return Parcel(path="/v1/batches", data=read_file(path, MAX_PARCEL_BYTES), headers=headers)
    data = read_file(path, MAX_PARCEL_BYTES)
    where = "/v1/batches" if _holds_batch(data) else _act_path(data)
    return Parcel(path=where, data=data, headers={"content-type": JSON})


def _act_path(data: bytes) -> str:
    statement = Envelope.parse(data).act.statement
    if isinstance(statement, StatusChange):
        return "/v1/status-updates"
    return "/v1/catalogs" if isinstance(statement, CatalogChange) else "/v1/acts"
