"""Base classes of the product's errors: each has a stable code and a sentence."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class ExitStatus(IntEnum):
    """Exit status of every command, so that scripts need no output."""

    OK = 0
    AGAINST = 1  # A verdict against the certificate, or a fault of the ledger; nothing else.
    UNUSABLE = 2  # Arguments, files or standard input are not what the command takes.
    UNDECIDED = 3  # It could not be found out or done: a server, a node, a key, a defect.


class CertledgerError(Exception):
    """Base of the product's errors.

    `code` is stable and for programs; `str(self)` is a lower-case sentence for people.
    `exit_status` is that of a command which ends with it.
    """

    code: str = "refused"
    exit_status: ExitStatus = ExitStatus.UNDECIDED

    def to_json(self) -> dict[str, Any]:
        """Return code, sentence, and the members that the class adds."""
        return {"code": str(self.code), "detail": str(self)}


class MalformedError(CertledgerError):
    """Bytes break a rule of a format; the code names the rule."""

    exit_status = ExitStatus.UNUSABLE

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code  # One class for all codes of SPEC section 2.


class ProofInvalidError(CertledgerError):
    """A proof does not lead where it claims to, or has the wrong shape."""

    code = "proof.invalid"
    exit_status = ExitStatus.UNUSABLE
