"""Files that the operator signs: verification receipts and records of the reform (SPEC 21, 23)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import orjson

from certledger.verifier.crypto.secp256k1 import recover_address
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import Json, from_hex, to_base64url
from certledger.verifier.formats.statements import Receipt
from certledger.verifier.verify.receipt import lookup_of


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorDocument:
    """The signed members of a file, and the operator's signature (65 bytes)."""

    INVALID: ClassVar[type[CertledgerError]]
    """What `check` raises."""

    content: Mapping[str, Json]
    signature: bytes

    @property
    def reference(self) -> str:
        """The short reference."""
        return str(self.content["reference"])

    @property
    def operator(self) -> bytes:
        """The address (20 bytes) that it names as its signer."""
        return bytes.fromhex(str(self.content["operator"]))

    @property
    def number(self) -> int:
        """Its number in the operator's chain of receipts and records, from 1."""
        return int(self.content["number"])

    @property
    def lookup(self) -> bytes:
        """The digest (32 bytes) by which its record in the operator's batches is found."""
        return lookup_of(self.format(), self.reference)

    def to_json(self) -> Json:
        """Return the file form."""
        return {"receipt": dict(self.content), "signature": to_base64url(self.signature)}

    def format(self) -> bytes:
        """Return the canonical bytes of the file form."""
        return spell(self.to_json())

    def check(self, operator: bytes | None = None) -> None:
        """Check the signature: step (1) of SPEC section 21.

        Raises:
            INVALID: the signer is not the one it names, or not `operator` (20 bytes).
        """
        identity = from_hex(str(self.content["ledger"]), 32)
        digest = Receipt.of_content(dict(self.content)).digest(identity)
        signer = recover_address(digest, self.signature)
        if signer is None:
            raise self.INVALID("it carries no signature")
        if signer != self.operator:
            raise self.INVALID(f"it is signed by {signer.hex()}, and not by whom it names")
        if operator is not None and signer != operator:
            raise self.INVALID(f"it is signed by {signer.hex()}, not by {operator.hex()}")


def spell(value: Json) -> bytes:
    """Return the canonical bytes of a value that is known to lie in the subset."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
