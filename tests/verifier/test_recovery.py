"""Recovering who signed, by the library and in plain Python."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from certledger.ledger.keys import signer_of
from certledger.verifier.crypto import secp256k1
from certledger.verifier.formats.statements import SECP256K1_ORDER, address_of

DIGESTS = st.binary(min_size=32, max_size=32)
SECRETS = st.integers(1, SECP256K1_ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


@given(secret=SECRETS, digest=DIGESTS)
def test_both_ways_find_the_signer(secret: bytes, digest: bytes) -> None:
    signer = signer_of(secret)
    signature = signer.sign(digest)
    assert secp256k1.recover_address(digest, signature) == signer.address
    key = secp256k1._recover(digest, signature)
    assert key is not None
    assert address_of(key) == signer.address


@given(digest=DIGESTS, body=st.binary(min_size=64, max_size=64), v=st.sampled_from([27, 28]))
def test_both_ways_agree_on_what_is_no_signature(digest: bytes, body: bytes, v: int) -> None:
    r, s = int.from_bytes(body[:32], "big"), int.from_bytes(body[32:], "big")
    signature = body + bytes([v])
    if 0 < r < SECP256K1_ORDER and 0 < s < SECP256K1_ORDER:
        assert secp256k1._recover(digest, signature) == secp256k1._swiftly(digest, signature)


def test_what_has_not_the_form_of_a_signature_is_nobodys() -> None:
    digest = sha256(b"said").digest()
    good = signer_of(sha256(b"somebody").digest()).sign(digest)
    high = (SECP256K1_ORDER - int.from_bytes(good[32:64], "big")).to_bytes(32, "big")
    for bad in (
        good[:64],
        good + b"\0",
        good[:64] + b"\0",
        good[:32] + high + good[64:],
        bytes(32) + good[32:],
        good[:32] + bytes(32) + good[64:],
    ):
        assert secp256k1.recover_address(digest, bad) is None


def test_the_key_of_a_digest_of_zero_is_found() -> None:
    signer = signer_of(sha256(b"somebody").digest())
    key = secp256k1._recover(bytes(32), signer.sign(bytes(32)))
    assert key == signer.public_key
