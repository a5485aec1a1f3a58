"""Why a step of founding a ledger, or of renewing its policy, is refused."""

from __future__ import annotations

from certledger.verifier.errors import CertledgerError, ExitStatus


class FoundationError(CertledgerError):
    """A file of a founding or of a policy's renewal cannot be used for the step asked for.

    Codes: `foundation.` and `part_signature` (a part is not signed by the keys it names),
    `region_twice`, `operator_twice`, `key_twice`, `part_differs` (the document does not hold this
    home's own part), `part_foreign` (another region's part), `part_other` (this home brought a part
    before that says something else), `too_few`, `document_differs` (files to be merged say
    different things), `stranger` (signed by somebody else than the document names), `signature`,
    `signed_other` (this home signed another document, or another policy of this version),
    `unsigned`, `version` (not the policy after the one that this home keeps), `wrong_chain`,
    `deployment_differs`, `policy_differs`, `final_checkpoint`, `name`, `other_key`,
    `nothing_changes`, `home` (the home is another party's, or not begun).
    """

    exit_status = ExitStatus.UNUSABLE

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = f"foundation.{code}"
