"""Registration of an issuer: which ledger a service serves, and the request for registrars."""

from __future__ import annotations

from collections.abc import Mapping

from certledger.ledger.client.transport import (
    AnswerInvalidError,
    ServerClient,
    ServerRefusedError,
)
from certledger.ledger.issuer import signed_acts
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.folder import IssuerFolder
from certledger.ledger.keys import Signer
from certledger.verifier.formats.checkpoint import CheckpointUnusableError, parse_note
from certledger.verifier.vocabulary import Purpose


def fetch_identity(client: ServerClient) -> bytes:
    """Return the identity (32 bytes) of the ledger that a service serves.

    The service says it itself: compare it with the one that was published.

    Raises:
        ServerUnreachableError: no answer, or no checkpoint yet.
        AnswerInvalidError: the address is of something else.
    """
    try:
        answer = client.ask("GET", "/v1/checkpoints/latest").json()
        return parse_note(str(answer["note"])).checkpoint.identity
    except ServerRefusedError as error:
        reason = f"{client.url} is no service of a ledger: it answers {error.status}"
        raise AnswerInvalidError(reason) from error
    except (KeyError, TypeError, CheckpointUnusableError) as error:
        raise AnswerInvalidError(f"{client.url} is no service of a ledger") from error


def request_registration(
    issuer: IssuerFolder,
    signer: Signer,
    *,
    now: int,
    added: Mapping[bytes, Purpose] | None = None,
) -> Envelope:
    """Return the request for registration, signed by the issuer's key for every purpose.

    `added` are more keys, which sign too; two registrars sign next.

    Raises:
        KeysUnfitError: as in `signed_acts.register`.
    """
    profile = issuer.profile()
    keys = {signer.address: signed_acts.EVERY_PURPOSE, **(added or {})}
    statement = signed_acts.register(profile, keys, now=now)
    act = signed_acts.sign_statement(statement, [signer], profile.ledger)
    return Envelope(act=act, name=profile.name)
