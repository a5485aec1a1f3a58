"""What the product refuses with: one closed family, each with a stable code and a sentence."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class ExitStatus(IntEnum):
    """How every command ends, so that a script can act on the status alone."""

    OK = 0
    AGAINST = 1  # A verdict against the certificate, or a fault of the ledger; nothing else.
    UNUSABLE = 2  # Arguments, files or standard input are not what the command takes.
    UNDECIDED = 3  # It could not be found out or done: a server, a node, a key, a defect.


class CertledgerError(Exception):
    """Something handed in is refused, and the refusal can say why.

    `code` is stable and meant for programs; `str(self)` is a lower-case sentence for people.
    `exit_status` is that of a command which the refusal ends.
    """

    code: str = "refused"
    exit_status: ExitStatus = ExitStatus.UNDECIDED

    def to_json(self) -> dict[str, Any]:
        """Return what a program is told: code, sentence, and whatever else the class adds."""
        return {"code": str(self.code), "detail": str(self)}


class MalformedError(CertledgerError):
    """Bytes are not what a format asks for.  The code names the rule that was broken."""

    exit_status = ExitStatus.UNUSABLE

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code  # One class for the codes of SPEC section 2.


class ProofInvalidError(CertledgerError):
    """A proof does not lead where it claims to, or has the wrong shape."""

    code = "proof.invalid"
    exit_status = ExitStatus.UNUSABLE
