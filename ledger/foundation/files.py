"""Reading the files that pass between the parties of a founding; each says what it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TypeVar

from certledger.ledger.chain.deploy import Deployment
from certledger.ledger.foundation.document import MAX_FOUNDING_BYTES, SignedFounding
from certledger.ledger.foundation.errors import FoundationError
from certledger.ledger.foundation.part import MAX_PART_BYTES, RegionPart, SignedPart
from certledger.verifier.errors import MalformedError
from certledger.verifier.files import read_file
from certledger.verifier.formats.canonical_json import Json, parse_canonical
from certledger.verifier.formats.checkpoint import Note, parse_note
from certledger.verifier.formats.signed_policy import MAX_POLICY_BYTES, SignedPolicy

DOCUMENT = "founding.json"
"""The founding document in the home of a region or an operator."""
_Read = TypeVar("_Read")
FoundingFile = SignedPart | SignedFounding | Deployment | SignedPolicy


def _naming_file(read: Callable[[Path], _Read]) -> Callable[[Path], _Read]:
    """Let a refusal of what a file holds name the file: several come together."""

    @wraps(read)
    def reading(path: Path) -> _Read:
        try:
            return read(path)
        except MalformedError as error:
            if str(path) in str(error):
                raise
            raise MalformedError(error.code, f"{path}: {error}") from error
        except FoundationError as error:
            if str(path) in str(error):
                raise
            name = error.code.removeprefix("foundation.")
            raise FoundationError(name, f"{path}: {error}") from error

    return reading


@_naming_file
def read_part(path: Path) -> SignedPart:
    """Return the part in a file.

    Raises:
        OSError, FileTooLargeError: it cannot be read.
        MalformedError: it holds something else.
        FoundationError: `foundation.part_signature`.
    """
    return SignedPart.from_json(parse_canonical(read_file(path, MAX_PART_BYTES), MAX_PART_BYTES))


@_naming_file
def read_region_part(path: Path) -> RegionPart:
    """Return the part of a region in a file; raises as `read_part`."""
    part = read_part(path).part
    if not isinstance(part, RegionPart):
        raise MalformedError("schema.version", f"{path} is an operator's part")
    return part


@_naming_file
def read_founding(path: Path) -> SignedFounding:
    """Return the founding document in a file; raises as `SignedFounding.parse`."""
    return SignedFounding.parse(read_file(path, MAX_FOUNDING_BYTES))


@_naming_file
def read_deployment(path: Path) -> Deployment:
    """Return the deployment in a file."""
    data = read_file(path, MAX_FOUNDING_BYTES)
    return Deployment.from_json(parse_canonical(data, MAX_FOUNDING_BYTES))


@_naming_file
def read_draft(path: Path) -> SignedPolicy:
    """Return the policy in a file, signed by enough root keys or not yet."""
    return SignedPolicy.parse_draft(read_file(path, MAX_POLICY_BYTES))


def read_note(path: Path) -> Note:
    """Return a cosigned checkpoint: its note alone, or what `/v1/checkpoints/latest` answers.

    Raises:
        CheckpointUnusableError: it holds neither.
    """
    import orjson

    data = read_file(path, MAX_FOUNDING_BYTES)
    if data[:1] != b"{":
        return parse_note(data.decode("utf-8", "replace"))
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise MalformedError("json.invalid", f"{path} is no JSON") from error
    note = value.get("note", value.get("checkpoint"))
    return parse_note(note if isinstance(note, str) else "")


@_naming_file
def read_any(path: Path) -> FoundingFile:
    """Return what a file of a founding holds, whichever it is.

    Raises:
        MalformedError: none of these files.
        CertledgerError: as the reader of its kind.
    """
    value = parse_canonical(read_file(path, MAX_FOUNDING_BYTES), MAX_FOUNDING_BYTES)
    members: dict[str, Json] = value if isinstance(value, dict) else {}
    if "part" in members:
        return read_part(path)
    if "founding" in members:
        return read_founding(path)
    if "policy" in members:
        return read_draft(path)
    if members.get("type") == Deployment.TYPE:
        return read_deployment(path)
    raise MalformedError("schema.version", f"{path} is no file of a founding")
