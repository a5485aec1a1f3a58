"""Errors of intake: one class and one code for each rule, malformed input excepted."""

from __future__ import annotations

from certledger.verifier.errors import CertledgerError

# The issuer and its standing --------------------------------------------------------------------


class IssuerUnknownError(CertledgerError):
    """The ledger has no such issuer."""

    code = "body.unknown"


class IssuerExistsError(CertledgerError):
    """An issuer with this code is registered already."""

    code = "body.known"


class IssuerOnHoldError(CertledgerError):
    """The registrar has put the issuer on hold; only acts that the registrar signs pass."""

    code = "body.held"


class StandingForbidsError(CertledgerError):
    """The issuer's standing, or the requested one, forbids the act."""

    code = "body.standing"


class IssuersWrongError(CertledgerError):
    """The act names issuers that it cannot name, or an invalid code or kind."""

    code = "issuers.invalid"


class RegistrarWrongError(CertledgerError):
    """The change of a registrar is not allowed."""

    code = "registrar.invalid"


class RegistrarUnknownError(CertledgerError):
    """The ledger has no registrar for the issuer's region."""

    code = "registrar.unknown"


# The statement ----------------------------------------------------------------------------------


class OtherLedgerError(CertledgerError):
    """The act was signed for another ledger."""

    code = "statement.other_ledger"


class StatementOverError(CertledgerError):
    """The statement's `notAfter` has passed."""

    code = "statement.expired"


class StatementTooLongError(CertledgerError):
    """The statement's `notAfter` lies more than seven days ahead."""

    code = "statement.too_far"


class CounterWrongError(CertledgerError):
    """The statement's counter is not the next one after all queued acts."""

    code = "statement.counter"


class NothingChangesError(CertledgerError):
    """The act would change nothing, or more than its kind may."""

    code = "statement.nothing_changes"


class ActConflictError(CertledgerError):
    """Another statement was accepted at this value of the counter."""

    code = "act.conflict"


class ActDeadError(CertledgerError):
    """This statement was accepted before and has expired, been displaced or rejected."""

    code = "act.dead"


class LedgerRetiredError(CertledgerError):
    """The trust policy has a final checkpoint of this ledger: nothing more is taken in."""

    code = "ledger.retired"


class IntakeOverloadedError(CertledgerError):
    """The backlog is full; `retry_after` is in seconds."""

    code = "intake.overloaded"

    def __init__(self, waiting: int, most: int, retry_after: int) -> None:
        super().__init__(
            f"{waiting} wait to be anchored, at most {most}; try again in {retry_after} seconds"
        )
        self.retry_after = retry_after


class ChainAbsentError(CertledgerError):
    """The oldest accepted act has waited too long for the chain; `retry_after` is in seconds."""

    code = "chain.away"

    def __init__(self, waited: int, retry_after: int) -> None:
        super().__init__(f"the chain is away: the oldest act has waited for {waited} seconds")
        self.retry_after = retry_after


# Signatures -------------------------------------------------------------------------------------


class SignatureInvalidError(CertledgerError):
    """The bytes are no signature, or no public key can be recovered from it."""

    code = "signature.invalid"


class SignatureCountError(CertledgerError):
    """The act has more or fewer signatures than its kind requires."""

    code = "signature.count"


class SignerUnknownError(CertledgerError):
    """The signer is neither a key of the issuer nor a registrar."""

    code = "signature.unknown_key"


class SignerWrongPurposeError(CertledgerError):
    """The issuer's key may not sign this kind of act."""

    code = "signature.purpose"


class SignerEndedError(CertledgerError):
    """The issuer's key has ended."""

    code = "signature.key_ended"


# Batches ----------------------------------------------------------------------------------------


class BatchConflictError(ActConflictError):
    """Another batch was accepted at this sequence."""

    code = "batch.conflict"


class BatchCountError(CertledgerError):
    """The number of records is not the statement's, or the issuer would have too many."""

    code = "batch.count"


class SequenceWrongError(CertledgerError):
    """The batch is not the next one after all queued batches."""

    code = "batch.sequence"


class FirstWrongError(CertledgerError):
    """The batch does not start where the issuer's certificates end."""

    code = "batch.first"


class PreviousWrongError(CertledgerError):
    """The batch does not name the statement before it."""

    code = "batch.previous"


class RootWrongError(CertledgerError):
    """The root is not that of the records."""

    code = "batch.root"


class CatalogNotInForceError(CertledgerError):
    """The batch names another catalog than the one in force."""

    code = "batch.catalog"


# Records ----------------------------------------------------------------------------------------


class RecordRejectedError(CertledgerError):
    """A record is rejected; `place` is its place in the batch, from 0."""

    def __init__(self, place: int, sentence: str, code: str | None = None) -> None:
        super().__init__(f"record {place}: {sentence}")
        self.place = place
        if code is not None:
            self.code = code  # One of the codes of SPEC section 18.3, check 5.


class RecordOtherIssuerError(RecordRejectedError):
    """The record names another issuer than the statement."""

    code = "record.issuer"


class RecordOtherIndexError(RecordRejectedError):
    """The record's index is not first + place."""

    code = "record.index"


class RecordUncataloguedError(RecordRejectedError):
    """The record's category and version are not in the catalog in force."""

    code = "record.category"


class RecordDisobeysError(RecordRejectedError):
    """The record breaks a rule of its entry."""

    code = "record.disobeys"


class RecordDuplicateError(RecordRejectedError):
    """The issuer has a certificate with this id and edition already."""

    code = "record.twice"


class RecordReplacesNothingError(RecordRejectedError):
    """The record's `replaces` is not the edition before it of the same id."""

    code = "record.replaces_nothing"


# Catalogs and names -----------------------------------------------------------------------------


class CatalogUnknownError(CertledgerError):
    """The entries under this catalog root were never submitted."""

    code = "catalog.unknown"


class CatalogDiffersError(CertledgerError):
    """The entries do not give the root that was signed."""

    code = "catalog.root"


class EntryChangedError(CertledgerError):
    """An entry differs from the one of the same category and version that was in force."""

    code = "catalog.entry_changed"


class NameDiffersError(CertledgerError):
    """The name is not the one whose digest was signed."""

    code = "register.name"


class NameUnusableError(CertledgerError):
    """The name has a control character."""

    code = "name.unusable"


# Status and keys --------------------------------------------------------------------------------


class StatusMalformedError(CertledgerError):
    """Words or masks do not strictly increase, are empty, too many, or not as many."""

    code = "status.malformed"


class StatusBeyondError(CertledgerError):
    """A cell belongs to a certificate that was not issued."""

    code = "status.beyond"


class KeysWrongError(CertledgerError):
    """Keys are added or ended against the rules."""

    code = "keys.invalid"
