"""Keys at rest, and signatures with an independent oracle."""

import json
import logging
import pickle
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_account import Account
from eth_account.messages import encode_typed_data

from certledger.ledger import keys
from certledger.ledger.keys import KeyUnusableError, load_keystore, save_keystore, signer_of
from certledger.verifier.formats.statements import (
    SECP256K1_ORDER,
    Batch,
    Statement,
    ledger_identity,
    signed_by,
)

SECRET = bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318")
QUICK = 2**4
"""A work factor for tests alone."""


def test_a_key_has_the_address_that_eth_account_gives_it() -> None:
    signer = signer_of(SECRET)
    assert "0x" + signer.address.hex() == Account.from_key(SECRET).address.lower()
    assert len(signer.public_key) == 64


def test_a_statement_signed_here_is_recovered_by_eth_account() -> None:
    signer = signer_of(SECRET)
    contract, salt = bytes(range(20)), bytes(range(32))
    statement = Batch(
        issuer=b"11310000XX00000196", sequence=1, previous=bytes(32), root=salt, first=0, count=1,
        catalog=salt, not_after=1_800_000_000,
    )  # fmt: skip
    digest = statement.digest(ledger_identity(7, contract, salt))
    signature = signer.sign(digest)

    message = encode_typed_data(full_message=typed_data(statement, contract, salt))
    assert Account.recover_message(message, signature=signature) == Account.from_key(SECRET).address
    assert keys.recover(digest, signature) == signer.address
    assert signed_by(digest, signature[:64], signer.public_key)
    assert signature[64] in (27, 28)
    assert int.from_bytes(signature[32:64], "big") <= SECP256K1_ORDER // 2


def typed_data(statement: Statement, contract: bytes, salt: bytes) -> dict[str, object]:
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
                {"name": "salt", "type": "bytes32"},
            ],
            "Batch": [{"name": name, "type": kind} for _, name, kind in statement.members()],
        },
        "primaryType": "Batch",
        "domain": {
            "name": "certledger",
            "version": "1",
            "chainId": 7,
            "verifyingContract": "0x" + contract.hex(),
            "salt": salt,
        },
        "message": {name: getattr(statement, part) for part, name, _ in statement.members()},
    }


def test_both_libraries_give_the_same_signature() -> None:
    fast, fast_key = keys._with_coincurve(SECRET)
    slow, slow_key = keys._with_eth_keys(SECRET)
    assert fast_key == slow_key
    assert [fast(bytes([n]) * 32) for n in range(4)] == [slow(bytes([n]) * 32) for n in range(4)]


def test_a_keystore_opens_with_its_passphrase_and_with_no_other(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    made = save_keystore(path, SECRET, "一口令 one", work=QUICK)
    assert load_keystore(path, "一口令 one") == made
    assert keys.keystore_address(path) == made.address
    assert json.loads(path.read_text())["version"] == 3
    with pytest.raises(KeyUnusableError, match="passphrase does not open it"):
        load_keystore(path, "another")


def test_a_keystore_of_eth_account_opens_here(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(Account.encrypt(SECRET, "p", kdf="pbkdf2", iterations=10)))
    assert load_keystore(path, "p").address == signer_of(SECRET).address


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"version":3}', "\xff", '{"crypto":{}}'])
def test_a_file_that_is_no_keystore_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(KeyUnusableError):
        load_keystore(path, "p")
    with pytest.raises(KeyUnusableError):
        keys.keystore_address(path)


def test_a_key_is_never_overwritten_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    save_keystore(path, SECRET, "p", work=QUICK)
    assert not keys.readable_by_others(path)
    with pytest.raises(KeyUnusableError, match="never overwritten"):
        save_keystore(path, SECRET, "p", work=QUICK)
    path.chmod(0o644)
    assert keys.readable_by_others(path)


def test_the_secret_is_in_no_text_of_a_signer(caplog: pytest.LogCaptureFixture) -> None:
    signer = signer_of(SECRET)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("t").info("%r %s", signer, {"signer": signer})
    assert SECRET.hex() not in repr(signer) + str(signer) + caplog.text
    assert not hasattr(signer, "secret")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(signer)


@pytest.mark.parametrize(
    "secret", [b"", bytes(32), SECP256K1_ORDER.to_bytes(32, "big"), bytes(31)], ids=repr
)
def test_what_is_no_secret_is_refused(secret: bytes) -> None:
    with pytest.raises(KeyUnusableError):
        signer_of(secret)


def test_a_secret_is_drawn_again_until_it_is_one() -> None:
    drawn = iter([bytes(32), b"\xff" * 32, SECRET])
    assert keys.draw_secret(lambda size: next(drawn)) == SECRET


def test_a_digest_of_another_size_is_not_signed() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        signer_of(SECRET).sign(b"short")


@pytest.mark.parametrize(
    "change", [lambda s: s[:64], lambda s: s[:64] + b"\x00", lambda s: bytes(64) + b"\x1b",
               lambda s: s[:32] + b"\xff" * 32 + s[64:]],
    ids=["short", "v", "zero", "high"],
)  # fmt: skip
def test_a_signature_of_another_shape_leads_to_nobody(change) -> None:
    with pytest.raises(KeyUnusableError):
        keys.recover(bytes(32), change(signer_of(SECRET).sign(bytes(32))))


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_a_pem_key_comes_back_with_its_passphrase_alone(kind: keys.PemKind, tmp_path: Path) -> None:
    path, key = tmp_path / "key.pem", keys.make_pem_key(kind)
    keys.save_pem_key(path, key, "p")
    assert b"ENCRYPTED PRIVATE KEY" in path.read_bytes()
    assert not keys.readable_by_others(path)
    back = keys.load_pem_key(path, "p")
    if isinstance(back, Ed25519PrivateKey):
        assert isinstance(key, Ed25519PrivateKey)
        assert back.private_bytes_raw() == key.private_bytes_raw()
    else:
        assert not isinstance(key, Ed25519PrivateKey)
        assert back.private_numbers() == key.private_numbers()
    with pytest.raises(KeyUnusableError):
        keys.load_pem_key(path, "another")
    with pytest.raises(KeyUnusableError, match="never overwritten"):
        keys.save_pem_key(path, key, "p")


def test_a_passphrase_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "pass"
    path.write_text("four words\nnot this\n")
    assert keys.read_passphrase(path) == "four words"
    path.write_text("\n")
    with pytest.raises(KeyUnusableError):
        keys.read_passphrase(path)
    with pytest.raises(KeyUnusableError, match="cannot be read"):
        keys.read_passphrase(tmp_path / "absent")
