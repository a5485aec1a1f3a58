"""What the product refuses with: one closed family, each with a stable code and a sentence."""

from __future__ import annotations


class Refused(Exception):
    """Something handed in is refused, and the refusal can say why.

    `code` is stable and meant for programs; `str(self)` is a lower-case sentence for people.
    """

    code: str = "refused"


class Malformed(Refused):
    """Bytes are not what a format asks for.  The code names the rule that was broken."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code  # One class for the codes of SPEC section 2.


class ProofInvalid(Refused):
    """A proof does not lead where it claims to, or has the wrong shape."""

    code = "proof.invalid"
