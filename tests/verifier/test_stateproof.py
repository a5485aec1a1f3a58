"""State proofs: what an independent trie proves is accepted, and nothing else is."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import rlp
from hypothesis import assume, given
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.errors import ProofInvalidError
from certledger.verifier.formats.state_proof import (
    SLOT_OF_ISSUERS,
    Account,
    check_account,
    check_slot,
    decode_list,
    decode_string,
    slot_position,
)

VECTORS = Path(os.environ.get("CERTLEDGER_VECTORS", "../shared/vectors")) / "eth-getproof"
EMPTY_ROOT = keccak(b"\x80")

positions = st.integers(0, 2**256 - 1).map(lambda n: n.to_bytes(32, "big"))
# Small values make leaves short enough to stand inside their parents deep in the trie.
values = st.one_of(st.integers(1, 300), st.integers(1, 2**256 - 1))
slots = st.dictionaries(
    st.one_of(st.integers(0, 40).map(lambda n: n.to_bytes(32, "big")), positions),
    values,
    min_size=1,
    max_size=60,
)


def build(content: dict[bytes, bytes]) -> Any:
    """Return an independent trie under hashed keys."""
    trie = HexaryTrie({})
    for key, value in content.items():
        trie[keccak(key)] = value
    return trie


def storage(content: dict[bytes, int]) -> Any:
    return build({key: rlp.encode(value) for key, value in content.items()})


def proof_of(trie: Any, key: bytes) -> list[bytes]:
    """Return the nodes from the root to `key` as EIP-1186 lists them: without inlined ones."""
    nodes = [rlp.encode(node) for node in trie.get_proof(keccak(key))]
    return [node for place, node in enumerate(nodes) if place == 0 or len(node) >= 32]


@given(slots, st.data())
def test_every_slot_that_is_set_is_proved_with_its_value(content, data):
    trie = storage(content)
    key = data.draw(st.sampled_from(sorted(content)))

    found = check_slot(trie.root_hash, key, proof_of(trie, key))

    assert found == content[key].to_bytes(32, "big")


@given(slots, positions)
def test_a_slot_that_is_not_set_is_proved_to_be_zero(content, key):
    assume(key not in content)
    trie = storage(content)
    assert check_slot(trie.root_hash, key, proof_of(trie, key)) == bytes(32)


def test_in_an_empty_storage_every_slot_is_zero_without_a_node():
    assert check_slot(EMPTY_ROOT, bytes(32), []) == bytes(32)
    assert check_account(EMPTY_ROOT, bytes(20), []) is None


def test_an_empty_proof_says_nothing_about_a_storage_that_is_not_empty():
    with pytest.raises(ProofInvalidError, match="ends after 0 nodes"):
        check_slot(bytes(32), bytes(32), [])


@given(slots, st.data())
def test_a_changed_missing_repeated_or_added_node_is_refused(content, data):
    trie = storage(content)
    key = data.draw(st.one_of(st.sampled_from(sorted(content)), positions))
    proof = proof_of(trie, key)
    place = data.draw(st.integers(0, len(proof) - 1))
    node = proof[place]
    byte = data.draw(st.integers(0, len(node) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = node[:byte] + bytes([node[byte] ^ flip]) + node[byte + 1 :]
    wrong = [
        [*proof[:place], changed, *proof[place + 1 :]],
        [*proof[:place], *proof[place + 1 :]],
        [*proof[:place], node, *proof[place:]],
        [*proof, node],
        [*proof[:place], node + b"\x00", *proof[place + 1 :]],
    ]
    for nodes in wrong:
        with pytest.raises(ProofInvalidError):
            check_slot(trie.root_hash, key, nodes)


@given(slots, st.data())
def test_the_proof_of_one_slot_never_proves_another_value_for_another_slot(content, data):
    trie = storage(content)
    mine, other = (data.draw(st.sampled_from(sorted(content))) for _ in range(2))
    try:
        found = check_slot(trie.root_hash, other, proof_of(trie, mine))
    except ProofInvalidError:
        return
    assert found == content[other].to_bytes(32, "big")


@given(st.lists(st.binary(max_size=80), max_size=4), st.data())
def test_any_bytes_at_all_are_a_value_or_a_refusal(nodes, data):
    root = keccak(nodes[0]) if nodes else data.draw(st.binary(min_size=32, max_size=32))
    for check in (check_slot, check_account):
        with contextlib.suppress(ProofInvalidError):
            check(root, bytes(32), nodes)


# Nodes that an honest trie never holds, under a root that names them -----------------------------

KEY = keccak(bytes(32))


def leaf(nibbles: str, value: bytes) -> list[bytes]:
    return [bytes.fromhex(("3" if len(nibbles) % 2 else "20") + nibbles), value]


def branch(children: dict[int, object], value: bytes = b"") -> list[object]:
    return [children.get(place, b"") for place in range(16)] + [value]


def chain(*nodes: object) -> tuple[bytes, list[bytes]]:
    encoded = [rlp.encode(node) for node in nodes]
    return keccak(encoded[0]), encoded


def test_a_leaf_alone_proves_its_value():
    root, nodes = chain(leaf(KEY.hex(), rlp.encode(7)))
    assert check_slot(root, bytes(32), nodes) == (7).to_bytes(32, "big")


@pytest.mark.parametrize(
    "node",
    [
        leaf(KEY.hex(), b"\x80"),  # zero is told by absence only
        leaf(KEY.hex(), b"\x00"),  # an integer has no leading zero
        leaf(KEY.hex(), rlp.encode(b"\x00\x01")),
        leaf(KEY.hex(), rlp.encode(bytes([1]) * 33)),
        leaf(KEY.hex(), rlp.encode([b"\x01"])),
        leaf(KEY.hex(), b""),
        leaf(KEY.hex()[:62], rlp.encode(7)),  # too short a path
        leaf(KEY.hex() + "00", rlp.encode(7)),  # too long a path
        [bytes.fromhex("2f" + KEY.hex()), rlp.encode(7)],  # padding nibble not zero
        [bytes.fromhex("40" + KEY.hex()), rlp.encode(7)],  # unknown flag
        [b"", rlp.encode(7)],
        [[b"\x20"], rlp.encode(7)],
        [*leaf(KEY.hex(), rlp.encode(7)), b""],  # three items
        [bytes.fromhex("00"), b"\xaa" * 32],  # an extension without a nibble
        [bytes.fromhex("00" + KEY.hex()), b"\xaa" * 32],  # an extension to the very end
        [bytes.fromhex("00" + KEY.hex()[:2]), b""],  # an extension to nowhere
        [bytes.fromhex("00" + KEY.hex()[:2]), b"\xaa" * 31],
        [bytes.fromhex("00" + KEY.hex()[:2]), b"\xaa" * 33],
        branch({int(KEY.hex()[0], 16): b"\xaa"}),
        branch({int(KEY.hex()[0], 16): [b"\xaa" * 40]}),
        branch({}, value=b"\x01"),
    ],
    ids=str,
)
def test_a_node_that_no_trie_of_slots_holds_is_refused(node):
    root, nodes = chain(node)
    with pytest.raises(ProofInvalidError):
        check_slot(root, bytes(32), nodes)


def test_a_short_node_is_refused_outside_its_parent():
    # The whole path is one extension but for two nibbles: the leaf below is under 32 bytes.
    tail = leaf(KEY.hex()[63:], b"\x07")
    inner = branch({int(KEY.hex()[62], 16): tail, 0: b"\xaa" * 32})
    inside = [bytes.fromhex("00" + KEY.hex()[:62]), keccak(rlp.encode(inner))]
    root, nodes = chain(inside, inner)
    assert check_slot(root, bytes(32), nodes) == (7).to_bytes(32, "big")

    hashed = branch({int(KEY.hex()[62], 16): keccak(rlp.encode(tail)), 0: b"\xaa" * 32})
    outside = [bytes.fromhex("00" + KEY.hex()[:62]), keccak(rlp.encode(hashed))]
    root, nodes = chain(outside, hashed, tail)
    with pytest.raises(ProofInvalidError, match="node 2 of the proof has"):
        check_slot(root, bytes(32), nodes)


def test_a_branch_below_the_last_nibble_is_refused():
    full = branch(dict.fromkeys(range(16), b"\xaa" * 32))
    top = [bytes.fromhex("1" + KEY.hex()[:63]), keccak(rlp.encode(full))]
    root, nodes = chain(top, full)
    with pytest.raises(ProofInvalidError, match="ends after 2 nodes"):
        check_slot(root, bytes(32), nodes)

    last = branch({place: keccak(rlp.encode(full)) for place in range(16)})
    top = [bytes.fromhex("1" + KEY.hex()[:63]), keccak(rlp.encode(last))]
    root, nodes = chain(top, last, full)
    with pytest.raises(ProofInvalidError, match="where keys of 32 bytes end"):
        check_slot(root, bytes(32), nodes)


@pytest.mark.parametrize("size", [32, 33, 40])
def test_a_node_as_long_as_a_hash_or_longer_is_refused_inside_its_parent(size):
    # The leaf has a header, a path of 2 bytes with its header, and a value with two headers.
    inner = leaf(KEY.hex()[62:][1:], rlp.encode(b"\x01" * (size - 4)))
    assert len(rlp.encode(inner)) == size
    parent = branch({int(KEY.hex()[62], 16): inner})
    top = [bytes.fromhex("00" + KEY.hex()[:62]), keccak(rlp.encode(parent))]
    root, nodes = chain(top, parent)
    with pytest.raises(ProofInvalidError, match="neither a hash nor a node"):
        check_slot(root, bytes(32), nodes)


def test_an_extension_to_the_end_of_the_key_leads_to_no_leaf():
    end = leaf("", rlp.encode(b"\x01" * 32))
    top = [bytes.fromhex("00" + KEY.hex()), keccak(rlp.encode(end))]
    root, nodes = chain(top, end)
    with pytest.raises(ProofInvalidError, match="reaches the end"):
        check_slot(root, bytes(32), nodes)


def deep(branches: int) -> tuple[bytes, list[bytes]]:
    """Return a proof of `branches` branches above one leaf: the longest a key can have."""
    node: object = leaf(KEY.hex()[branches:], rlp.encode(b"\x01" * 32))
    nodes = [rlp.encode(node)]
    for nibble in reversed(KEY.hex()[:branches]):
        nodes.insert(0, rlp.encode(branch({int(nibble, 16): keccak(nodes[0])})))
    return keccak(nodes[0]), nodes


def test_a_proof_has_at_most_64_nodes():
    root, nodes = deep(63)
    assert check_slot(root, bytes(32), nodes) == b"\x01" * 32
    root, nodes = deep(64)
    with pytest.raises(ProofInvalidError, match="at most 64 nodes"):
        check_slot(root, bytes(32), nodes)


def test_a_node_or_a_proof_beyond_the_limits_is_refused():
    long = rlp.encode([b"\x20" + KEY, b"\x01" * 1100])
    with pytest.raises(ProofInvalidError, match="bytes"):
        check_slot(keccak(long), bytes(32), [long])
    with pytest.raises(ProofInvalidError, match="at most 64 nodes"):
        check_slot(bytes(32), bytes(32), [b"\xc0"] * 65)


# RLP against an independent reader ------------------------------------------------------------


@given(
    st.one_of(
        st.binary(max_size=90), st.lists(st.binary(max_size=70), max_size=20).map(rlp.encode)
    ),
    st.data(),
)
def test_rlp_is_read_as_an_independent_reader_reads_it(data, draw):
    if data and draw.draw(st.booleans()):
        at = draw.draw(st.integers(0, min(len(data) - 1, 4)))
        data = data[:at] + bytes([draw.draw(st.integers(0, 255))]) + data[at + 1 :]
    try:
        expected = rlp.decode(data)
    except rlp.exceptions.DecodingError:
        expected = None
    try:
        if data and data[0] >= 0xC0:
            found: Any = [
                decode_string(item) if item[0] < 0xC0 else rlp.decode(item)
                for item in decode_list(data)
            ]
        else:
            found = decode_string(data)
    except (ProofInvalidError, rlp.exceptions.DecodingError):
        found = None
    assert found == expected


@pytest.mark.parametrize("size", [0, 1, 2, 54, 55, 56, 57, 255, 256, 1000])
def test_rlp_of_every_length_of_length_is_read(size):
    data = b"\xaa" * size
    assert decode_string(rlp.encode(data)) == data
    assert decode_list(rlp.encode([b"\x01"] * size)) == [b"\x01"] * size
    assert decode_list(rlp.encode([data, b"\x01"])) == [rlp.encode(data), b"\x01"]


@pytest.mark.parametrize(
    "data",
    [
        b"\xb8\x37" + b"\xaa" * 55,
        b"\xf8\x37" + b"\x01" * 55,
        b"\xb9\x00\x40" + b"\xaa" * 64,
        b"\xf9\x00\x40" + b"\x01" * 64,
        b"\x81\x7f",
        b"\xc2\x81\x7f",
        b"\xb8",
        b"\xb9\x01",
        b"\xc2\xb8\x40",
        b"\xc1",
        b"\xc1\xa0",
        b"\xa0" + b"\xaa" * 31,
        b"\xff" * 9,
        b"",
    ],
    ids=lambda data: data[:4].hex(),
)
def test_rlp_of_another_spelling_or_cut_short_is_refused(data):
    for decode in (decode_list, decode_string):
        with pytest.raises(ProofInvalidError):
            decode(data)


@given(st.binary(max_size=200))
def test_one_value_has_one_rlp(data):
    try:
        items = decode_list(data)
        content = [rlp.decode(item) for item in items]
    except (ProofInvalidError, rlp.exceptions.DecodingError):
        return
    assert rlp.encode(content) == data


# Accounts ------------------------------------------------------------

accounts = st.builds(
    Account,
    nonce=st.integers(0, 2**64 - 1),
    balance=st.integers(0, 2**256 - 1),
    storage_root=st.binary(min_size=32, max_size=32),
    code_hash=st.binary(min_size=32, max_size=32),
)


def packed(account: Account) -> bytes:
    return bytes(
        rlp.encode([account.nonce, account.balance, account.storage_root, account.code_hash])
    )


@given(
    st.dictionaries(st.binary(min_size=20, max_size=20), accounts, min_size=1, max_size=30),
    st.binary(min_size=20, max_size=20),
)
def test_accounts_are_proved_present_and_absent(content, other):
    trie = build({address: packed(account) for address, account in content.items()})
    for address in [*sorted(content)[:3], other]:
        found = check_account(trie.root_hash, address, proof_of(trie, address))
        assert found == content.get(address)


@pytest.mark.parametrize(
    "parts",
    [
        [b"", b"", b"\x01" * 32],
        [b"", b"", b"\x01" * 32, b"\x01" * 31],
        [b"", b"", b"\x01" * 33, b"\x01" * 32],
        [b"\x00\x01", b"", b"\x01" * 32, b"\x01" * 32],
        [b"\x01" * 9, b"", b"\x01" * 32, b"\x01" * 32],
        [b"", b"\x01" * 33, b"\x01" * 32, b"\x01" * 32],
        [b"", b"", [b"\x01" * 32], b"\x01" * 32],
    ],
    ids=str,
)
def test_an_account_of_another_shape_is_refused(parts):
    root, nodes = chain(leaf(keccak(bytes(20)).hex(), rlp.encode(parts)))
    with pytest.raises(ProofInvalidError):
        check_account(root, bytes(20), nodes)


# Published exchanges with a real node ------------------------------------------------------------


def answer(name: str) -> Any:
    lines = (VECTORS / name).read_text(encoding="utf-8").splitlines()
    reply = next(line for line in lines if line.startswith("<< "))
    return json.loads(reply[3:])["result"]


def as_bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the published vectors are not at hand")
@pytest.mark.parametrize(
    "name",
    [
        "get-account-proof-latest.io",
        "get-account-proof-blockhash.io",
        "get-account-proof-default-block.io",
        "get-account-proof-with-storage.io",
    ],
)
def test_published_proofs_of_a_real_node_hold(name):
    root = as_bytes(answer("head-block.io")["stateRoot"])
    reply = answer(name)

    account = check_account(
        root, as_bytes(reply["address"]), [as_bytes(node) for node in reply["accountProof"]]
    )

    assert account is not None
    assert account.nonce == int(reply["nonce"], 16)
    assert account.balance == int(reply["balance"], 16)
    assert account.code_hash == as_bytes(reply["codeHash"])
    assert account.storage_root == as_bytes(reply["storageHash"])
    for slot in reply["storageProof"]:
        position = int(slot["key"], 16).to_bytes(32, "big")
        value = check_slot(
            account.storage_root, position, [as_bytes(node) for node in slot["proof"]]
        )
        assert int.from_bytes(value, "big") == int(slot["value"], 16)


def test_the_slot_of_an_issuer_is_where_solidity_puts_it():
    artifact = Path(__file__).resolve().parents[2] / "contracts/artifacts/CertificateLedger.json"
    layout = json.loads(artifact.read_text(encoding="utf-8"))["storage"]
    places = {entry["label"]: int(entry["slot"]) for entry in layout}
    assert places["_slots"] == SLOT_OF_ISSUERS
    issuer = "12310000MB2F00001A"
    assert slot_position(issuer) == keccak(issuer.encode() + bytes(14) + bytes(32))
