"""The worked examples of docs/SPEC.md, checked by other libraries and by SPEC spelled out anew.

Whatever stands in SPEC must stand in `tests/vectors/` too, so that neither can go stale alone.
"""

import base64
import hashlib
import hmac
import json
import re
import struct
import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import cbor2
import pymerkle
import pytest
import rfc8785
import rlp
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak
from eth_keys.datatypes import NonRecoverableSignature, PublicKey
from eth_keys.datatypes import Signature as EthSignature
from trie.hexary import HexaryTrie

from certledger.ledger.verification.verification_receipt import VerificationReceipt
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats import merkle, presentation, state_proof
from certledger.verifier.formats.canonical_json import (
    from_base64url,
    parse,
    parse_canonical,
    parse_time,
    to_base64url,
)
from certledger.verifier.formats.catalog import Entry, disobeyed
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.holder_file import Holding
from certledger.verifier.formats.issuer_state import IssuerState
from certledger.verifier.formats.record import (
    Disclosure,
    Record,
    access_code,
    normal_code,
    normal_number,
)
from certledger.verifier.formats.signed_policy import SignedPolicy
from certledger.verifier.formats.status_tree import MultiProof, StatusTree, WordProof, chosen
from certledger.verifier.reform.book import COLUMNS
from certledger.verifier.reform.book_edition import BookEdition
from certledger.verifier.reform.decision_replay import DecisionFile, replay
from certledger.verifier.reform.operator_record import OperatorRecord
from certledger.verifier.reform.sample import SampleFile, check_sample
from certledger.verifier.verify.codes import CODES, WARNINGS
from certledger.verifier.verify.full import Question, verify_bytes
from certledger.verifier.verify.receipt import RECEIPT_ENTRY
from certledger.verifier.verify.trust_sources import choose_judge

HERE = Path(__file__).parent
SPEC = (HERE.parent / "docs" / "SPEC.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^```text (\w+)\.json\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@cache
def vectors(name: str) -> Any:
    return json.loads((HERE / "vectors" / f"{name}.json").read_text(encoding="utf-8"))


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def unpad(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# What SPEC shows -------------------------------------------------------------------------------


def spelled(value: Any) -> str:
    plain = isinstance(value, str) and value and value == value.strip()
    return value if plain else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def lines_of_spec() -> list[tuple[str, str, str]]:
    found = []
    for name, body in EXAMPLE.findall(SPEC):
        for line in body.splitlines():
            place, _, value = line.partition(" = ")
            found.append((name, place, value))
    return found


@pytest.mark.parametrize(("name", "place", "value"), lines_of_spec())
def test_every_example_in_SPEC_stands_in_its_vectors(name, place, value):
    found = vectors(name)
    for step in place.split("."):
        found = found[int(step)] if isinstance(found, list) else found[step]
    assert value == spelled(found)


@pytest.mark.parametrize("file", sorted(path.stem for path in (HERE / "vectors").glob("*.json")))
def test_every_file_of_vectors_is_shown_in_SPEC(file):
    assert file in {name for name, _, _ in lines_of_spec()}


def test_every_code_block_with_an_example_is_read():
    assert len(EXAMPLE.findall(SPEC)) == SPEC.count("```text ") == SPEC.count("**Example**")


CODE = re.compile(r'Malformed\(\s*"([a-z0-9_.]+)"')


@pytest.mark.parametrize(
    "module", sorted((HERE.parent / "verifier").rglob("*.py")), ids=lambda p: p.stem
)
def test_every_code_that_input_is_refused_with_stands_in_SPEC(module):
    codes = set(CODE.findall(module.read_text(encoding="utf-8")))
    assert [code for code in sorted(codes) if f"`{code}`" not in SPEC] == []


# 1 and 2: bytes --------------------------------------------------------------------------------


def test_section_1_spells_bytes_hashes_and_times():
    known = vectors("conventions")
    for pair in known["base64url"]:
        data = unhex(pair["bytes"])
        assert base64.urlsafe_b64encode(data).rstrip(b"=").decode() == pair["text"]
        assert from_base64url(pair["text"]) == data
    for text in known["base64url_refused"]:
        with pytest.raises(MalformedError):
            from_base64url(text)
    assert known["sha256_abc"] == hashlib.sha256(b"abc").hexdigest()
    assert known["keccak_abc"] == keccak(b"abc").hex()
    # GB/T 32905-2016, example 1
    assert known["sm3_abc"] == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert unpad(known["list_of_both"]) == sha256(b"abc") + keccak(b"abc")
    assert parse_time(known["time"]["text"]) == known["time"]["seconds"]


@pytest.mark.parametrize("pair", vectors("canonical")["accepted"], ids=lambda pair: pair["input"])
def test_section_2_gives_the_bytes_of_RFC_8785(pair):
    canonical = pair["canonical"].encode()
    assert rfc8785.dumps(json.loads(pair["input"])) == canonical
    assert parse(pair["input"].encode(), 1000) == parse_canonical(canonical, 1000)


@pytest.mark.parametrize("part", vectors("canonical")["refused"], ids=lambda part: part["input"])
def test_section_2_refuses_with_the_code_it_names(part):
    for reader in (parse, parse_canonical):
        with pytest.raises(MalformedError) as refused:
            reader(unhex(part["input"]), 1000)
        assert refused.value.code == part["code"]


@pytest.mark.parametrize("data", vectors("canonical")["not_canonical"])
def test_section_2_refuses_a_second_spelling(data):
    parse(unhex(data), 1000)
    with pytest.raises(MalformedError) as refused:
        parse_canonical(unhex(data), 1000)
    assert refused.value.code == "json.not_canonical"


# 3: trees --------------------------------------------------------------------------------------

PUBLISHED = {
    # The roots that Certificate Transparency's own tests have of these leaves.
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("size", range(1, 9))
def test_section_3_gives_the_published_roots_and_peaks(size):
    known = vectors("trees")
    tree = pymerkle.InmemoryTree.init_from_entries(map(unhex, known["data"][:size]))
    assert known["roots"][str(size)] == PUBLISHED[size] == tree.get_state().hex()
    starts = [size >> bit + 1 << bit + 1 for bit in reversed(range(4)) if size >> bit & 1]
    peaks = [
        pymerkle.InmemoryTree.init_from_entries(map(unhex, known["data"][start:end])).get_state()
        for start, end in zip(starts, [*starts[1:], size], strict=True)
    ]
    assert known["peaks"][str(size)] == [peak.hex() for peak in peaks]


@pytest.mark.parametrize("index", range(7))
def test_section_3_gives_the_paths_of_another_library(index):
    known = vectors("trees")
    tree = pymerkle.InmemoryTree.init_from_entries(map(unhex, known["data"][:7]))
    path = [node.hex() for node in tree.prove_inclusion(index + 1).path[1:]]
    assert known["paths_of_7"][index] == path
    leaf = sha256(b"\0" + unhex(known["data"][index]))
    merkle.check_peak(
        leaf,
        index,
        7,
        [unhex(node) for node in known["peak_paths_of_7"][index]],
        [unhex(peak) for peak in known["peaks"]["7"]],
    )


# 4 to 6: certificate, record, catalog ----------------------------------------------------------


def test_section_4_numbers_and_access_codes():
    known = vectors("certificate")
    number, code = known["number"], known["access_code"]
    assert normal_number(number["typed"]) == number["normal"]
    by_hand = unicodedata.normalize("NFKC", number["typed"]).upper()
    assert re.sub(r"\s", "", by_hand) == number["normal"]
    bits = f"{int(code['entropy'], 16):080b}"
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    by_hand = "".join(alphabet[int(bits[at : at + 5], 2)] for at in range(0, 80, 5))
    assert by_hand == code["normal"] == access_code(unhex(code["entropy"]))
    assert code["printed"].replace("-", "") == code["normal"] == normal_code(code["typed"])


@pytest.mark.parametrize("part", vectors("certificate")["disclosures"], ids=lambda p: p["name"])
def test_section_4_disclosures(part):
    known = vectors("certificate")
    array = [part["salt"], part["name"], part["value"]]
    assert unpad(part["text"]) == rfc8785.dumps(array)
    assert sha256(part["text"].encode()).hex() == part["digest"]
    assert Disclosure.parse(part["text"]).value == part["value"]
    if part["name"] == "certificate_number":
        assert part["salt"] == known["access_code"]["normal"]
        assert known["lookup_digest"] == part["digest"]
    elif part["name"] in ("holder_name", "document"):
        key = known["access_code"]["normal"].encode()
        tag = b"certledger/1/salt" + part["place"].to_bytes(2, "big")
        assert unpad(part["salt"]) == hmac.digest(key, tag, "sha256")[:16]


def test_section_4_id_document_and_holder_key():
    known = vectors("certificate")
    message = f"11310000XX00000196\0ID-RESIDENT\0{known['number']['normal']}".encode()
    assert hmac.digest(unhex(known["secret"]), message, "sha256").hex() == known["id"]
    document = unhex(known["document"])
    described = known["disclosures"][-1]["value"]
    assert described["sha256"] == hashlib.sha256(document).hexdigest()
    assert described["size"] == len(document)
    raw = unhex(known["holder_key"]["raw"])
    assert known["holder_key"]["text"].removeprefix("ed25519:") == to_base64url(raw)


@pytest.mark.parametrize("name", ["first", "bound"])
def test_section_5_records_are_their_own_canonical_bytes(name):
    known = vectors("record")[name]
    data = known["canonical"].encode()
    value = json.loads(data)
    assert rfc8785.dumps(value) == data
    assert len(data) == known["size"]
    assert sha256(b"\0" + data).hex() == known["leaf"]
    assert Record.parse(data).canonical() == data


def test_section_5_digests_stand_in_their_places():
    record, known = json.loads(vectors("record")["first"]["canonical"]), vectors("certificate")
    digests = unpad(record["digests"])
    for part in known["disclosures"]:
        place = part["place"]
        assert digests[32 * place : 32 * place + 32].hex() == part["digest"]
    assert len(digests) == 32 * 5
    assert unpad(record["id"]).hex() == known["id"]


def test_section_6_catalog():
    known = vectors("catalog")
    entries = [entry.encode() for entry in known["entries"]]
    leaves = [sha256(b"\0" + entry) for entry in entries]
    assert [leaf.hex() for leaf in leaves] == known["leaves"]
    root = sha256(b"\1" + leaves[0] + leaves[1])
    assert known["tree_root"] == root.hex()
    tagged = b"certledger/catalog/1" + (2).to_bytes(4, "big") + root
    assert known["root"] == sha256(tagged).hex()
    assert known["path_of_1"] == [leaves[0].hex()]
    for entry in entries:
        assert rfc8785.dumps(json.loads(entry)) == entry
        assert Entry.from_json(json.loads(entry)).canonical() == entry
    for record in vectors("record").values():
        entry = Entry.from_json(json.loads(entries[1]))
        assert disobeyed(Record.parse(record["canonical"].encode()), entry) is None


# 7: statements ---------------------------------------------------------------------------------


def members_of(type_string: str) -> list[dict[str, str]]:
    inner = type_string[type_string.index("(") + 1 : -1]
    return [dict(zip(("type", "name"), part.split(" "), strict=True)) for part in inner.split(",")]


def message_of(type_string: str, said: dict[str, Any]) -> dict[str, Any]:
    """Return a statement's members under their EIP-712 names, as eth_account wants them."""
    message = {}
    for member in members_of(type_string):
        kind, name = member["type"], member["name"]
        value = said[re.sub("([A-Z])", lambda found: "_" + found[1].lower(), name)]
        if name in ("issuer", "reason"):
            value = value.encode()
        elif name == "issuers":
            value = b"".join(code.encode() for code in value)
        elif isinstance(value, str):
            value = unpad(value)
        if kind == "uint256[]":
            value = [int.from_bytes(value[at : at + 32], "big") for at in range(0, len(value), 32)]
        elif kind.startswith("bytes") and kind.endswith("[]"):
            size = int(kind[5:-2])
            value = [value[at : at + size] for at in range(0, len(value), size)]
        elif kind == "address":
            value = "0x" + value.hex()
        message[name] = value
    return message


@pytest.mark.parametrize("name", sorted(vectors("statements")["acts"]))
def test_section_7_digests_are_those_of_eth_account(name):
    known = vectors("statements")
    domain, act = known["domain"], known["acts"][name]
    fields = (("name", "string"), ("version", "string"), ("chainId", "uint256"),
              ("verifyingContract", "address"), ("salt", "bytes32"))  # fmt: skip
    signable = encode_typed_data(
        full_message={
            "types": {
                "EIP712Domain": [{"name": name, "type": kind} for name, kind in fields],
                name: members_of(act["type"]),
            },
            "primaryType": name,
            "domain": {
                "name": "certledger",
                "version": "1",
                "chainId": domain["chain_id"],
                "verifyingContract": "0x" + domain["contract"],
                "salt": unhex(domain["salt"]),
            },
            "message": message_of(act["type"], act["members"]),
        }
    )
    assert act["type"] in SPEC
    assert signable.header.hex() == domain["identity"]
    assert signable.body.hex() == act["struct_hash"]
    digest = keccak(b"\x19\x01" + signable.header + signable.body)
    assert digest.hex() == act["digest"]
    public = PublicKey(unhex(known["signer"]["public"]))
    assert public.to_canonical_address().hex() == known["signer"]["address"]
    signature = NonRecoverableSignature(unhex(act["signature"]))
    assert signature.verify_msg_hash(digest, public)


# 8 and 9: state and status ---------------------------------------------------------------------


def number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big")


def test_section_8_words_and_digest():
    known = vectors("state")
    said = known["state"]
    words = [
        said["issuer"].encode() + number(31, 2) + b"\1\1" + number(said["since"], 5)
        + number(said["catalog_version"], 4) + b"\0",
        number(said["batches"], 8) + number(said["certificates"], 8) + number(said["epoch"], 8)
        + number(said["revision"], 4) + bytes(4),
        sha256(said["name"].encode()),
        unpad(said["catalog"]),
        unpad(said["last"]),
        unpad(said["status"]),
    ]  # fmt: skip
    assert [word.hex() for word in words] == known["words"]
    keys = unpad(said["keys"])
    assert known["key_words"] == [(keys + b"\0").hex()]
    whole = keccak(b"".join(words) + keccak(keys + b"\0") + keccak(unpad(said["peaks"])))
    digest = int.from_bytes(whole, "big") & ~1
    assert digest == int(known["digest"], 16)
    assert IssuerState.from_json(said).digest().hex() == known["digest"]


def test_section_8_tree_of_batches():
    known = vectors("state")
    leaves = [
        sha256(
            b"\0"
            + unhex(part["statement_digest"])
            + unhex(part["catalog"])
            + bytes([part["key"]])
            + part["block"].to_bytes(5, "big")
        )
        for part in known["batch_leaves"]
    ]
    assert [leaf.hex() for leaf in leaves] == [part["leaf"] for part in known["batch_leaves"]]
    assert known["peaks"] == [sha256(b"\1" + leaves[0] + leaves[1]).hex()]
    assert vectors("statements")["acts"]["Batch"]["digest"] == unpad(known["state"]["last"]).hex()


def folded(words: dict[int, bytes], level: int = 25, at: int = 0) -> bytes:
    """Return the node of a status tree by its definition."""
    if not any(word >> level == at for word in words):
        return unhex(defaults()[level])
    if level == 0:
        return words[at]
    return keccak(folded(words, level - 1, 2 * at) + folded(words, level - 1, 2 * at + 1))


@cache
def defaults() -> list[str]:
    found = [bytes(32)]
    for _ in range(25):
        found.append(keccak(found[-1] * 2))
    return [node.hex() for node in found]


def test_section_9_root_and_proof_of_a_word():
    known = vectors("status")
    assert known["defaults"] == {level: defaults()[int(level)] for level in known["defaults"]}
    words = {int(at): unhex(word) for at, word in known["words"].items()}
    numbers = {"revoked": 1, "suspended": 2, "superseded": 3}
    expected: dict[int, int] = {}
    for index, name in known["statuses"].items():
        word, place = divmod(int(index), 128)
        expected[word] = expected.get(word, 0) | numbers[name] << 2 * place
    assert {at: int.from_bytes(word, "big") for at, word in words.items()} == expected
    assert folded(words).hex() == known["root"] == StatusTree(words).root.hex()
    proof = WordProof.from_json(known["proof_of_word_0"])
    assert proof.implied_root(0).hex() == known["root"]


def test_section_9_statement_and_multi_proof():
    known = vectors("status")
    words = {int(at): unhex(word) for at, word in known["words"].items()}
    said = known["statement"]
    assert chosen(said["words"], [int(mask, 16) for mask in said["masks"]]) == [0, 2, 1023]
    after = [unhex(word) for word in known["words_after"]]
    proof = MultiProof(
        marks=unhex(known["multi_proof"]["marks"]),
        siblings=tuple(map(unhex, known["multi_proof"]["siblings"])),
    )
    before = [words[at] for at in said["words"]]
    assert proof.implied_root(said["words"], before).hex() == known["root"]
    assert proof.implied_root(said["words"], after).hex() == known["root_after"]
    changed = words | dict(zip(said["words"], after, strict=True))
    assert folded(changed).hex() == known["root_after"]


# 11 and 14 to 16: proofs, checkpoints, policy, evidence ----------------------------------------


def test_section_11_slot_of_a_body():
    known = vectors("stateproof")
    position = keccak(known["issuer"].encode() + bytes(14) + bytes(32))
    assert known["slot_position"] == position.hex()
    assert known["slot_key"] == keccak(position).hex()
    trie: Any = HexaryTrie
    account = trie.get_from_proof(
        unhex(known["state_root"]),
        unhex(known["account_key"]),
        [rlp.decode(unhex(node)) for node in known["account_proof"]],
    )
    assert rlp.decode(account)[2].hex() == known["storage_root"]
    read = state_proof.check_account(
        unhex(known["state_root"]),
        unhex(known["address"]),
        [unhex(node) for node in known["account_proof"]],
    )
    assert read is not None
    assert read.code_hash.hex() == known["code_hash"]
    slot = state_proof.check_slot(
        read.storage_root, position, [unhex(node) for node in known["slot_proof"]]
    )
    assert slot.hex() == known["slot"] == vectors("state")["digest"]


def test_section_14_note_and_cosignatures():
    known = vectors("checkpoint")
    assert known["note"] == known["body"] + "\n" + "".join(
        known["witnesses"][name]["line"] for name in sorted(known["witnesses"])
    )
    assert parse_note(known["note"]).format() == known["note"]
    for name, witness in known["witnesses"].items():
        key = unhex(witness["key"])
        assert witness["key_id"] == sha256(name.encode() + b"\n\x04" + key)[:4].hex()
        payload = unhex(witness["key_id"]) + witness["time"].to_bytes(8, "big")
        payload += unhex(witness["signature"])
        assert witness["line"] == f"— {name} {base64.b64encode(payload).decode()}\n"
        signed = f"cosignature/v1\ntime {witness['time']}\n{known['body']}".encode()
        Ed25519PublicKey.from_public_bytes(key).verify(unhex(witness["signature"]), signed)


def test_section_15_policy_is_signed_by_its_roots():
    known = vectors("policy")
    data = known["file"].encode()
    value = json.loads(data)
    assert len(data) == known["size"]
    assert rfc8785.dumps(value) == data
    signed = b"certledger/policy/1\n" + rfc8785.dumps(value["policy"])
    assert sha256(signed).hex() == known["signed_sha256"]
    assert " ".join(map(proquint, struct.unpack(">8H", sha256(signed)[:16]))) == known["words"]
    for part in value["signatures"]:
        key = Ed25519PublicKey.from_public_bytes(unhex(part["key"]))
        key.verify(unhex(part["signature"]), signed)
        with pytest.raises(InvalidSignature):
            key.verify(unhex(part["signature"]), signed + b" ")
    assert SignedPolicy.parse(data).format() == data


def proquint(number: int) -> str:
    """Spell 16 bits as section 15 says: a consonant for four bits, a vowel for two."""
    word = ""
    for letters in ("bdfghjklmnprstvz", "aiou", "bdfghjklmnprstvz", "aiou", "bdfghjklmnprstvz"):
        number, place = divmod(number, len(letters))
        word = letters[place] + word
    return word


def test_section_16_evidence_is_valid_under_the_policy():
    known = vectors("evidence")
    data = known["file"].encode()
    assert rfc8785.dumps(json.loads(data)) == data
    assert (len(data), sha256(data).hex()) == (known["size"], known["sha256"])
    policy = SignedPolicy.parse(vectors("policy")["file"].encode()).policy
    question = Question(policy=policy, judge=choose_judge(policy), now=known["now"])
    assert verify_bytes(data, question).verdict == known["verdict"]
    assert Evidence.parse(data).format() == data


def test_section_16_evidence_is_made_of_the_other_examples():
    value = json.loads(vectors("evidence")["file"])
    assert rfc8785.dumps(value["record"]).decode() == vectors("record")["first"]["canonical"]
    assert value["checkpoint"] == vectors("checkpoint")["note"]
    assert value["body"] == vectors("state")["state"]
    holding = vectors("evidence")["holding"].encode()
    parts = [part["text"] for part in vectors("certificate")["disclosures"]]
    assert json.loads(holding)["disclosures"] == parts
    assert Holding.parse(holding).format() == holding


def base45(text: str) -> bytes:
    """Decode as RFC 9285 says, character by character."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
    data = b""
    for at in range(0, len(text), 3):
        group = text[at : at + 3]
        number = sum(alphabet.index(sign) * 45**place for place, sign in enumerate(group))
        data += number.to_bytes(len(group) - 1, "big")
    return data


def test_section_16_compact_form_is_the_record_in_CBOR():
    known, record = vectors("compact"), json.loads(vectors("record")["bound"]["canonical"])
    assert len(known["text"]) == known["characters"]
    data = base45(known["text"].removeprefix("CL1:"))
    assert data == unhex(known["cbor"])
    version, ledger, packed, path, shown, presented = cbor2.loads(data)
    assert cbor2.dumps(cbor2.loads(data), canonical=True) == data
    assert (version, path) == (1, b"")
    assert ledger.hex() == vectors("statements")["domain"]["identity"][:16]
    assert packed[:3] == [record["issuer"], record["index"], unpad(record["id"])]
    assert packed[-1] == unpad(record["digests"])
    assert [place for place, _, _ in shown] == [0, 1, 4]
    assert presented[3] == unpad(known["presentation"]["signature"])
    assert (
        Compact.parse(known["text"]).record.canonical().decode()
        == (vectors("record")["bound"]["canonical"])
    )


def test_section_16_presentation_is_signed_by_the_holder():
    known = vectors("compact")
    message = known["message"].encode()
    value = json.loads(message)
    assert rfc8785.dumps(value) == message
    assert value["leaf"] == vectors("record")["bound"]["leaf"]
    assert value["shown"] == sha256(b"".join(map(unhex, known["shown"]))).hex()
    key = Ed25519PublicKey.from_public_bytes(unpad(known["holder_key"].removeprefix("ed25519:")))
    key.verify(unpad(known["presentation"]["signature"]), message)
    answer = presentation.Presentation.from_json(known["presentation"])
    code = presentation.check(
        answer,
        holder_key=known["holder_key"],
        request=presentation.Request(audience=value["audience"], nonce=value["nonce"]),
        subject=presentation.Subject(
            identity=unhex(value["ledger"]),
            leaf=unhex(value["leaf"]),
            shown=tuple(map(unhex, known["shown"])),
        ),
        now=value["time"],
        greatest_age=0,
        tolerance=0,
    )
    assert code == "ok"


# 18: codes -------------------------------------------------------------------------------------

ROWS = re.compile(r"^\| (\d+) \| (.*?) \| (.*?) \|$", re.MULTILINE)


def test_section_18_codes_stand_in_the_table_under_their_check_and_outcome():
    table = SPEC.partition("### 18.3 Codes")[2].partition("A passed check")[0]
    told = {
        (int(check), outcome, code)
        for check, failed, unknown in ROWS.findall(table)
        for outcome, cell in (("fail", failed), ("unknown", unknown))
        for code in re.findall(r"`([a-z0-9_.]+)`", cell)
    }
    known = vectors("codes")["codes"]
    assert told == {(c["check"], c["outcome"], c["code"]) for c in known if "check" in c}


def test_section_18_advice_is_given_for_what_did_not_pass():
    for code in vectors("codes")["codes"]:
        assert (code["outcome"] == "pass") == ("advice" not in code)
        assert code.get("advice", "retry") in {"refuse", "retry", "ask_holder"}


@pytest.mark.parametrize("kind", ["codes", "warnings"])
def test_section_18_sentences_are_those_of_the_verifier(kind):
    told = {code["code"]: (code["en"], code["zh"]) for code in vectors("codes")[kind]}
    codes = {name: (code.en, code.zh) for name, code in CODES.items()}
    assert told == (codes if kind == "codes" else WARNINGS)


# 12, 13, 17, 20, 21: the contract, its storage, snapshots, receipts -------------------------------


def test_section_12_packs_a_batch_as_the_abi_does():
    known, said = vectors("contract"), json.loads(vectors("evidence")["file"])["statement"]
    head = unhex(known["batch"][0])
    assert head[:8] == said["sequence"].to_bytes(8, "big")
    assert head[8:16] == said["first"].to_bytes(8, "big")
    assert head[16:20] == said["count"].to_bytes(4, "big")
    assert head[20:28] == said["not_after"].to_bytes(8, "big")
    assert (head[28], head[29] in (27, 28), head[30:]) == (0, True, bytes(2))
    words = [unhex(word) for word in known["batch"]]
    data = unhex(known["calldata"])
    assert keccak(b"anchor((bytes32[],bytes32[5][])[])")[:4] == data[:4]
    ((row,),) = abi_decode(["(bytes32[],bytes32[5][])[]"], data[4:])
    assert row == (tuple(unhex(word) for word in known["state"]), (tuple(words),))
    assert keccak(data).hex() == known["calldata_keccak"]
    assert known["event"]["topics"][0] == keccak(b"Anchored(bytes18,bytes32[5])").hex()
    assert unhex(known["event"]["data"]) == b"".join(words)
    signature = EthSignature(words[3] + words[4] + bytes([head[29] - 27]))
    signer = signature.recover_public_key_from_msg_hash(unhex(known["digest"]))
    assert signer.to_canonical_address() == unhex(known["state"][6])[:20]


def test_section_13_places_what_solidity_places():
    known = vectors("storage")
    issuers = [issuer.encode() for issuer in known["issuers"]]
    assert keccak(issuers[0].ljust(32, b"\0") + bytes(32)).hex() == known["slot_of_body"]
    place = keccak(abi_encode(["uint256", "uint256"], [31, 2]))
    assert place.hex() == known["slot_of_registrar_31"]
    roll = bytes(32)
    for number, (issuer, name) in enumerate(zip(issuers, ("one", "two"), strict=True), 1):
        roll = keccak(roll + issuer)[:28] + number.to_bytes(4, "big")
        assert roll.hex() == known[f"roll_of_{name}"]


def test_section_17_packs_a_snapshot():
    known = vectors("snapshot")
    item = unhex(known["item"])
    kind, note, account, nodes, catalogs, bodies = cbor2.loads(item)
    assert (kind, len(item)) == ("certledger/snapshot/1", known["size"])
    assert sha256(item).hex() == known["digest"]
    assert nodes == sorted(set(nodes))
    assert keccak(account[0]) == parse_note(note).checkpoint.state_root
    assert [part.hex() for part in bodies[0][11]] == known["statuses"]
    assert len(catalogs) == 1
    # 0 - (-1) - 1, 127 - 0 - 1, 300 - 127 - 1 = 172 = 0b1_0101100
    assert unhex(known["gaps_of_0_127_300"]) == bytes([0, 126, 172 & 127 | 128, 1])


def test_section_17_leads_on_by_a_delta():
    known = vectors("snapshot")
    delta, old = known["delta"], cbor2.loads(unhex(known["item"]))
    item, after = unhex(delta["item"]), cbor2.loads(unhex(delta["next_item"]))
    kind, base, note, account, nodes, catalogs, changes = cbor2.loads(item)
    assert (kind, len(item)) == ("certledger/delta/1", delta["size"])
    assert base.hex() == delta["base"] == known["digest"]
    assert sha256(unhex(delta["next_item"])).hex() == delta["next_digest"]
    assert (after[1], after[2]) == (note, account)
    assert set(nodes) == set(after[3]) - set(old[3])
    assert catalogs == []
    ((place, body),) = changes
    assert place == 0
    assert body[:10] == after[5][0][:10]
    assert body[11] == after[5][0][11]
    assert cbor2.dumps(body[10], canonical=True).hex() == delta["batches"]
    # The differences of those appended start from zero again, and so do the places.
    before, more, whole = old[5][0][10], body[10], after[5][0][10]
    for column in (0, 1, 4, 5):
        assert before[column] + more[column] == whole[column]
    for column in (2, 3):
        assert before[column] + [more[column][0] - sum(before[column])] == whole[column]
    assert len(more[1]) == 1


def test_section_20_signs_a_receipt():
    known = vectors("submission")
    assert rfc8785.dumps(json.loads(known["receipt"])).decode() == known["receipt"]
    assert sha256(known["receipt"].encode()).hex() == known["content"]
    kind = keccak(b"Receipt(bytes32 content)")
    struct = keccak(kind + unhex(known["content"]))
    identity = unhex(json.loads(known["receipt"])["ledger"])
    assert keccak(b"\x19\x01" + identity + struct).hex() == known["digest"]
    signature = NonRecoverableSignature(unhex(known["signature"]))
    operator = PublicKey(unhex(known["operator"]))
    assert signature.verify_msg_hash(unhex(known["digest"]), operator)


def test_section_21_signs_what_was_told():
    known = vectors("receipts")
    receipt, file = json.loads(known["receipt"]), json.loads(known["file"])
    assert rfc8785.dumps(receipt).decode() == known["receipt"]
    assert rfc8785.dumps(file).decode() == known["file"]
    assert file["receipt"] == receipt
    assert from_base64url(file["signature"]) == unhex(known["signature"])
    told = [json.loads(result) for result in known["results"]]
    assert [rfc8785.dumps(result).decode() for result in told] == known["results"]
    leaves = [sha256(b"\0" + result.encode()) for result in known["results"]]
    assert sha256(b"\1" + b"".join(leaves)).hex() == receipt["results"]
    assert receipt["verdicts"] == {result["verdict"]: 1 for result in told}
    assert receipt["count"] == sum(receipt["verdicts"].values()) == len(told)
    content = sha256(known["receipt"].encode())
    struct = keccak(keccak(b"Receipt(bytes32 content)") + content)
    digest = keccak(b"\x19\x01" + unhex(receipt["ledger"]) + struct)
    assert (content.hex(), digest.hex()) == (known["content"], known["digest"])
    *rs, v = unhex(known["signature"])
    signer = EthSignature(bytes([*rs, v - 27])).recover_public_key_from_msg_hash(digest)
    assert signer.to_canonical_address().hex() == receipt["operator"]
    parsed = VerificationReceipt.parse(known["file"].encode())
    parsed.check(unhex(receipt["operator"]))
    parsed.check_results([result.encode() for result in known["results"]])


def test_section_21_derives_the_record_from_the_receipt():
    known = vectors("receipts")
    file = known["file"].encode()
    drawn = int.from_bytes(sha256(b"certledger/1/receipt" + file)[:10], "big")
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    code = "".join(alphabet[drawn >> (75 - 5 * place) & 31] for place in range(16))
    assert code == known["access_code"]
    salt = hmac.digest(code.encode(), b"certledger/1/salt\x00\x01", "sha256")[:16]
    number, digest = known["disclosures"]
    reference = json.loads(known["receipt"])["reference"]
    assert [number["salt"], number["name"], number["value"]] == [
        code, "certificate_number", reference,
    ]  # fmt: skip
    assert [digest["salt"], digest["name"], digest["value"]] == [
        to_base64url(salt), "receipt_digest", sha256(file).hex(),
    ]  # fmt: skip
    for part in (number, digest):
        text = rfc8785.dumps([part["salt"], part["name"], part["value"]])
        assert to_base64url(text) == part["text"]
        assert sha256(part["text"].encode()).hex() == part["digest"]
    assert known["lookup_digest"] == number["digest"]
    assert Entry.from_json(json.loads(known["entry"])) == RECEIPT_ENTRY
    assert rfc8785.dumps(json.loads(known["entry"])).decode() == known["entry"]


def test_section_22_names_an_edition_by_the_digest_of_its_canonical_file():
    known = vectors("book")
    edition = json.loads(known["edition"])
    assert rfc8785.dumps(edition).decode() == known["edition"]
    assert sha256(b"certledger/1/book" + known["edition"].encode()).hex() == known["digest"]
    assert {name: len(rows) for name, rows in edition["tables"].items()}.keys() == COLUMNS.keys()
    parsed = BookEdition.parse(known["edition"].encode())
    assert (parsed.digest.hex(), parsed.format().decode()) == (known["digest"], known["edition"])
    assert parsed.book.items_of("ONE-RESTAURANT")[0].name.zh == "食品经营许可"


@pytest.mark.parametrize(
    "change",
    [
        {"type": "certledger/book/2"},
        {"from": "2026-11-31"},
        {"number": 0},
        {"region": "31"},
        {"previous": "00"},
        {"tables": {}},
        {"more": 1},
    ],
)
def test_section_22_refuses_what_is_no_edition(change):
    edition = json.loads(vectors("book")["edition"]) | change
    with pytest.raises(MalformedError):
        BookEdition.parse(rfc8785.dumps(edition))


def test_section_22_refuses_rows_of_another_shape_and_a_second_spelling():
    edition = json.loads(vectors("book")["edition"])
    for row in ([], [1] * 5, ["a" * 4_097] * 5, "code"):
        changed = edition | {"tables": edition["tables"] | {"counters": [row]}}
        with pytest.raises(MalformedError):
            BookEdition.parse(rfc8785.dumps(changed))
    with pytest.raises(MalformedError):
        BookEdition.parse(vectors("book")["edition"].encode() + b"\n")


def test_section_23_signs_records_as_receipts_are_signed():
    known = vectors("book")
    content, file = json.loads(known["record"]), json.loads(known["file"])
    assert rfc8785.dumps(content).decode() == known["record"]
    struct = keccak(keccak(b"Receipt(bytes32 content)") + sha256(known["record"].encode()))
    digest = keccak(b"\x19\x01" + unhex(content["ledger"]) + struct)
    assert digest.hex() == known["record_digest"]
    *rs, v = from_base64url(file["signature"])
    signer = EthSignature(bytes([*rs, v - 27])).recover_public_key_from_msg_hash(digest)
    assert signer.to_canonical_address().hex() == content["operator"]
    parsed = OperatorRecord.parse(known["file"].encode())
    parsed.check(unhex(content["operator"]))
    assert parsed.lookup.hex() == known["lookup_digest"]
    assert parsed.details["book"] == known["digest"]


@pytest.mark.parametrize(
    "change",
    [
        {"type": "certledger/verification-receipt/1"},
        {"outcome": "granted"},
        {"details": {}},
        {"details": {"book": "00", "edition": 1, "from": "2026-11-01"}},
        {"reference": "7Q2M-9XKD-A0FI"},
        {"number": 0},
        {"caller": ""},
        {"more": 1},
    ],
)
def test_section_23_refuses_what_is_no_record(change):
    file = json.loads(vectors("book")["file"])
    file["receipt"] |= change
    with pytest.raises(MalformedError):
        OperatorRecord.parse(rfc8785.dumps(file))


@pytest.mark.parametrize("one", vectors("decisions")["decisions"], ids=lambda one: one["name"])
def test_section_25_decisions_follow_from_edition_policy_evidence_and_instant(one):
    known = vectors("decisions")
    record, content = OperatorRecord.parse(one["file"].encode()), json.loads(one["record"])
    assert rfc8785.dumps(content).decode() == one["record"]
    record.check(unhex(content["operator"]))
    policy = SignedPolicy.parse(known["policy"].encode()).policy
    question = Question(
        policy=policy, judge=choose_judge(policy), now=parse_time(content["checked"])
    )
    edition = BookEdition.parse(known["edition"].encode())
    bundle = [text.encode() for text in one["bundle"]]
    again = replay(DecisionFile(record=record, bundle=bundle), edition, question)
    assert (again.outcome, again.differences) == (content["outcome"], {})
    details = content["details"]
    assert details["evidence"] == [sha256(data).hex() for data in bundle]
    assert content["leaves"] == sha256(unhex("".join(details["leaves"]))).hex()


def test_section_27_draws_what_a_block_after_the_list_draws():
    known, file = vectors("samples"), json.loads(vectors("samples")["file"])
    record = file["record"]["receipt"]
    details, evidence = record["details"], file["evidence"]
    headers = [from_base64url(one) for one in file["headers"]]
    assert rfc8785.dumps(file).decode() == known["file"]
    joined = unhex("".join(file["candidates"]))
    assert details["candidates"] == sha256(joined).hex()
    number = evidence["anchor"]["block"] + details["delay"]
    for header, later in pairwise(headers):
        assert rlp.decode(later)[0] == keccak(header)
    note = parse_note(evidence["checkpoint"]).checkpoint
    assert (keccak(headers[-1]), note.number) == (note.block_hash, number + len(headers) - 1)
    assert int.from_bytes(rlp.decode(headers[0])[8], "big") == number == known["block"]
    seed = sha256(
        b"certledger/1/sample"
        + unhex(record["ledger"])
        + keccak(headers[0])
        + sha256(rfc8785.dumps(file["record"]))
    )
    assert seed.hex() == known["seed"]
    ranked = sorted(file["candidates"], key=lambda one: sha256(seed + unhex(one)))
    assert ranked[: details["size"]] == known["drawn"]
    policy = SignedPolicy.parse(known["policy"].encode()).policy
    question = Question(policy=policy, judge=choose_judge(policy), now=parse_time(known["now"]))
    found = check_sample(SampleFile.parse(known["file"].encode()), question)
    assert [one.hex() for one in found.drawn] == known["drawn"]
    assert found.anchored.outcome == "pass"


@pytest.mark.parametrize(
    "change",
    [
        {"type": "certledger/sample-file/2"},
        {"candidates": []},
        {"candidates": ["00"]},
        {"headers": []},
        {"headers": ["A" * 4_096]},
        {"record": json.loads(vectors("book")["file"])},
        {"more": 1},
    ],
)
def test_section_27_refuses_what_is_no_sample(change):
    file = json.loads(vectors("samples")["file"]) | change
    with pytest.raises(MalformedError):
        SampleFile.parse(rfc8785.dumps(file))


@pytest.mark.parametrize(
    "change",
    [
        {"count": 3},
        {"count": 0},
        {"verdicts": {"valid": 2, "cannot_tell": 0}},
        {"verdicts": {"perhaps": 2}},
        {"reference": "7Q2M-9XKD-A0FI"},
        {"codes": ["b", "a"]},
        {"codes": ["A"]},
        {"checked": "2026-11-18 11:06"},
        {"results": "A0"},
        {"caller": ""},
        {"type": "certledger/verification-receipt/2"},
        {"more": 1},
    ],
)
def test_section_21_refuses_what_is_no_receipt(change):
    file = json.loads(vectors("receipts")["file"])
    file["receipt"] |= change
    with pytest.raises(MalformedError):
        VerificationReceipt.parse(rfc8785.dumps(file))
