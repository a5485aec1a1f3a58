"""Who signed an act, and whether they may: the rules of SPEC section 12 as intake checks them.

The contract decides; this spares everybody the transactions that it would refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger.intake.refusals import (
    RegistrarUnknown,
    SignatureCount,
    SignatureInvalid,
    SignerEnded,
    SignerUnknown,
    SignerWrongPurpose,
)
from ledger.ports import RegistrarSeen
from verifier.acts import SIGNATURE_SIZE
from verifier.recovery import recover_address
from verifier.state import BodyState
from verifier.statements import SECP256K1_ORDER
from verifier.vocabulary import Purpose


def signer_of(digest: bytes, signature: bytes) -> bytes:
    """Return the address (20 bytes) that signed `digest`.

    Raises:
        SignatureInvalid: not 65 bytes, v other than 27 and 28, a high s, or no such key.
    """
    if len(signature) != SIGNATURE_SIZE or signature[64] not in (27, 28):
        raise SignatureInvalid("a signature is 65 bytes, the last of them 27 or 28")
    if not 0 < int.from_bytes(signature[32:64], "big") <= SECP256K1_ORDER // 2:
        raise SignatureInvalid("s of the signature is zero or in the upper half")
    address = recover_address(digest, signature)
    if address is None:
        raise SignatureInvalid("the signature leads to no key")
    return address


def signers_of(digest: bytes, signatures: Sequence[bytes], counts: Iterable[int]) -> list[bytes]:
    """Return who signed, where the number of signatures is one of `counts`.

    Raises:
        SignatureCount: another number.
        SignatureInvalid: one of them is none.
    """
    wanted = sorted(counts)
    if len(signatures) not in wanted:
        many = " or ".join(map(str, wanted))
        raise SignatureCount(f"{len(signatures)} signatures where the act takes {many}")
    return [signer_of(digest, signature) for signature in signatures]


def check_key(state: BodyState, signer: bytes, purpose: Purpose | None, block: int) -> int:
    """Return the index of the body's key `signer`; it must hold any purpose, or `purpose`.

    Raises:
        SignerUnknown: no key of the body.
        SignerWrongPurpose: a key that may not sign this.
        SignerEnded: a key that has ended by `block`.
    """
    index = next((at for at, key in enumerate(state.keys) if key.address == signer), None)
    if index is None:
        raise SignerUnknown(f"0x{signer.hex()} is no key of {state.issuer}")
    key = state.keys[index]
    if purpose is not None and purpose not in key.purposes:
        raise SignerWrongPurpose(f"key {index} of {state.issuer} may not sign {purpose.name}")
    if block >= key.end:
        raise SignerEnded(f"key {index} of {state.issuer} has ended at block {key.end}")
    return index


class Registrars:
    """The registrars as the mirror knows them."""

    def __init__(self, seen: Sequence[RegistrarSeen]) -> None:
        self._by_region = {one.region: one for one in seen}
        self._region_of = {one.account: one.region for one in seen}

    def of(self, region: int) -> RegistrarSeen:
        """Return the registrar of a region.

        Raises:
            RegistrarUnknown: it has none.
        """
        if region not in self._by_region:
            raise RegistrarUnknown(f"region {region} has no registrar")
        return self._by_region[region]

    @property
    def term(self) -> int:
        """How often registrars have changed."""
        return max((one.term for one in self._by_region.values()), default=0)

    def check(self, signer: bytes, region: int) -> None:
        """Check that `signer` is the registrar of `region`."""
        if signer != self.of(region).account:
            raise SignerUnknown(f"0x{signer.hex()} is not the registrar of region {region}")

    def check_other(self, signer: bytes, region: int) -> None:
        """Check that `signer` is a registrar, of another region."""
        if self._region_of.get(signer, region) == region:
            raise SignerUnknown(f"0x{signer.hex()} is no registrar of another region")

    def check_majority(self, signers: Sequence[bytes]) -> None:
        """Check that more than half of the registrars signed, ascending by region."""
        regions = [self._region_of.get(signer, -1) for signer in signers]
        if -1 in regions or sorted(set(regions)) != regions:
            raise SignerUnknown("the signers are not distinct registrars, ascending by region")
        if 2 * len(regions) <= len(self._by_region):
            raise SignatureCount(f"{len(regions)} of {len(self._by_region)} are no majority")
