"""Acts of the issuer that others have yet to sign: files at the desk, and what the service says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from certledger.ledger.client.transport import AnswerInvalidError, ServerClient, check_receipt
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.signed_acts import merge, signers_of
from certledger.verifier.files import write_atomically
from certledger.verifier.formats.canonical_json import Json
from certledger.verifier.formats.statements import not_after_of

PROPOSALS = "/v1/proposals"


@dataclass(frozen=True, slots=True)
class ActFile:
    """An act in a file, signed by the issuer's key; beside it what the service last said of it."""

    file: Path

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return self.file.exists()

    @property
    def _answer(self) -> Path:
        return self.file.with_suffix(".answer.json")

    def read(self) -> Envelope:
        """Read the act.

        Raises:
            CertledgerError: it is none, or cannot be read.
        """
        return Envelope.read(self.file)

    def save(self, envelope: Envelope) -> None:
        """Store the act; what was answered about another one counts no more."""
        if self.exists and self.read().act.digest != envelope.act.digest:
            self._answer.unlink(missing_ok=True)
        write_atomically(self.file, envelope.format())

    def remove(self) -> None:
        """Remove an act that is in force."""
        self._answer.unlink(missing_ok=True)
        self.file.unlink(missing_ok=True)

    def is_over(self, now: float) -> bool:
        """Return whether it is too late for the act to be carried."""
        return not_after_of(self.read().act.statement) <= now

    def add_signed(self, data: bytes) -> None:
        """Add the signatures of a file that came back from a registrar.

        Raises:
            ActsDifferError: it is another act.
            CertledgerError: it is none.
        """
        current, signed = self.read(), Envelope.parse(data)
        self.save(current.with_act(merge([current.act, signed.act])))

    def send(self, client: ServerClient) -> None:
        """Send the act to the service, where registrars see it; safe to repeat.

        Raises:
            ServerRefusedError, ServerUnreachableError: as they say.
            AnswerInvalidError: the answer does not check.
        """
        envelope = self.read()
        headers = {"content-type": "application/json"}
        answer = client.ask("POST", PROPOSALS, content=envelope.format(), headers=headers).json()
        try:
            if answer["state"] == "submitted":
                act = envelope.act
                check_receipt(
                    answer["receipt"], digest=act.digest, identity=act.ledger, operator=None
                )
            answered = {"missing": answer["missing"], "state": answer["state"]}
        except (KeyError, TypeError) as error:
            raise AnswerInvalidError(f"{client.url} does not say what became of it") from error
        write_atomically(self._answer, json.dumps(answered).encode())

    def answer(self) -> Mapping[str, Json] | None:
        """Return what the service last said of the act, None where it was not sent."""
        return dict(json.loads(self._answer.read_bytes())) if self._answer.exists() else None

    def signers(self) -> Sequence[str]:
        """Return who has signed the file here, as addresses."""
        return [f"0x{one.hex()}" for one in signers_of(self.read().act)]

    def not_after(self) -> int:
        """Return until when the act may be carried, in seconds."""
        return not_after_of(self.read().act.statement)
