"""Write the worked examples of docs/SPEC.md: `python -m tests.vectors.generate`.

Every value is drawn from a label, so the files come out the same in every run.  They are committed;
`tests/test_spec_vectors.py` checks them by code that did not write them (other libraries, or the
sentences of SPEC spelled out once more), so they change only when a format does.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import cbor2
import rlp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_keys.datatypes import Signature

from certledger.contracts import calls
from certledger.contracts.loader import load_artifact
from certledger.verifier.crypto.hashing import keccak, sha256, sm3
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats import merkle
from certledger.verifier.formats.canonical_json import (
    format_canonical,
    format_time,
    hash_list,
    to_base64url,
)
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.holder_file import Holding
from certledger.verifier.formats.policy_fingerprint import fingerprint_of, format_words
from certledger.verifier.formats.presentation import (
    Request,
    Subject,
    format_holder_key,
    message,
    sign,
)
from certledger.verifier.formats.record import lookup_digest, normal_number, printed_code
from certledger.verifier.formats.short_link import ShortLink
from certledger.verifier.formats.signed_act import ACTS, statement_to_json
from certledger.verifier.formats.signed_policy import signed_bytes
from certledger.verifier.formats.snapshot import Snapshot, roll
from certledger.verifier.formats.snapshot_columns import pack_statuses
from certledger.verifier.formats.snapshot_delta import format_delta
from certledger.verifier.formats.state_proof import slot_position
from certledger.verifier.formats.statements import Receipt, Statement
from certledger.verifier.formats.status_tree import DEFAULTS, StatusTree, choose, move
from certledger.verifier.reform.operator_record import record_digest
from certledger.verifier.reform.sample import check_sample
from certledger.verifier.verify.codes import CODES, WARNINGS
from certledger.verifier.verify.full import Question, verify_bytes
from certledger.verifier.verify.receipt import RECEIPT_ENTRY, code_of, disclosures_of, lookup_of
from certledger.verifier.verify.trust_sources import choose_judge
from certledger.verifier.vocabulary import Purpose, Status
from tests import reform_world
from tests.world import (
    ADDRESS,
    CHAIN_ID,
    CODE_HASH,
    EVERY,
    IDENTITY,
    NOW,
    SALT,
    Issued,
    Signer,
    World,
    WorldIssuer,
    draw,
    signed_policy,
    witness_key,
)

FOLDER = Path(__file__).parent
DOCUMENT = b"%PDF-1.7 a certificate, as good as any other bytes"
HOLDER = Ed25519PrivateKey.from_private_bytes(draw("holder"))
HOLDER_KEY = format_holder_key(HOLDER.public_key())
COUNTER = Request(audience="counter-shanghai-7", nonce="q7Rk2")
REFERENCE = "7Q2M-9XKD-A0F3"
TYPED = " ｓｈ 2026-00 01ß"
"""A number as people type it: full-width letters, spaces, small letters."""


class Scene:
    """One issuer with two batches of certificates, the third bound to a holder's key."""

    def __init__(self) -> None:
        self.issuer = WorldIssuer.of()
        self.before = self.issuer.state
        self.first = [
            self.issuer.issue(normal_number(TYPED), documents=[DOCUMENT], index=0, with_sm3=True),
            self.issuer.issue("SH20260002", index=1),
        ]
        self.issuer.anchor(self.first)
        self.bound = self.issuer.issue(
            "SH20260003", holder_key=HOLDER_KEY, issued=date(2026, 10, 2)
        )
        self.issuer.anchor([self.bound])
        self.issuer.change([1], Status.REVOKED)
        self.world = World(issuers=[self.issuer], accounts=8)
        self.issued: Issued = self.first[0]


def conventions(scene: Scene) -> Any:
    """Section 1."""
    hashes = [sha256(b"abc"), keccak(b"abc")]
    digest = sm3(b"abc")
    assert digest is not None
    return {
        "base64url": [
            {"bytes": data.hex(), "text": to_base64url(data)}
            for data in (b"", b"\x00", b"\xfb\xef\xbe", bytes(range(8)))
        ],
        "base64url_refused": ["AA==", "AB", "A", "+A", "A A", "AAAA\n"],
        "sha256_abc": hashes[0].hex(),
        "keccak_abc": hashes[1].hex(),
        "sm3_abc": digest.hex(),
        "list_of_both": hash_list(hashes),
        "time": {"text": "2026-11-24T06:00:00Z", "seconds": 1795500000},
        "u40": {"number": 1000, "bytes": (1000).to_bytes(5, "big").hex()},
    }


def canonical(scene: Scene) -> Any:
    """Section 2: what is read, in which canonical bytes, and what is refused with which code."""
    good = [
        '{ "b" : [ 1 , true ] , "a-1" : "\\u20ac\\/\\u000f" , "A" : {} }',
        '"\\"\\\\\\b\\f\\n\\r\\t\\u001f\\u007f\\u2028"',
        '{"n":9007199254740991,"zero":0}',
        '"\\ud83d\\ude00"',
        "[[[[[[[[]]]]]]]]",
    ]
    refused = {
        "json.syntax": [b"\xff", b"\xef\xbb\xbf{}", b"{", b"", b"[1,]", b"[01]", b"NaN", b'"\n"'],
        "json.duplicate_name": [b'{"a":1,"a":1}', b'{"a":1,"\\u0061":2}'],
        "json.null": [b"null", b'{"a":null}'],
        "json.number": [b"1.0", b"1e2", b"-1", b"-0", b"9007199254740992", b"18446744073709551616"],
        "json.surrogate": [b'"\\ud800"', b'"\\udc00\\ud800"'],
        "json.depth": [b"[[[[[[[[[]]]]]]]]]", b"[" * 64 + b"]" * 64],
        "json.trailing": [b"{} {}", b"1 2"],
        "json.name": [b'{"":1}', b'{"1a":1}', b'{"a b":1}', '{"é":1}'.encode(), b'{"$ref":1}'],
    }
    return {
        "accepted": [
            {"input": text, "canonical": format_canonical(json.loads(text)).decode()}
            for text in good
        ],
        "refused": [
            {"code": code, "input": data.hex()}
            for code, inputs in refused.items()
            for data in inputs
        ],
        "not_canonical": [
            data.hex() for data in (b'{"a": 1}', b'{"b":1,"a":2}', b'"\\/"', b'"\\u0041"', b" 1")
        ],
    }


def trees(scene: Scene) -> Any:
    """Section 3: the trees over the first leaves of a published list."""
    data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "".join(
        f"{byte:02x}" for byte in range(0x60, 0x70)
    )]  # fmt: skip
    leaves = [merkle.leaf_hash(bytes.fromhex(part)) for part in data]
    return {
        "data": data,
        "leaf_hashes": [leaf.hex() for leaf in leaves],
        "roots": {str(size): merkle.root(leaves[:size]).hex() for size in range(1, 9)},
        "paths_of_7": [[node.hex() for node in merkle.prove(leaves[:7], at)] for at in range(7)],
        "peaks": {
            str(size): [peak.hex() for peak in merkle.peaks(leaves[:size])] for size in range(1, 9)
        },
        "peak_paths_of_7": [
            [node.hex() for node in merkle.prove_to_peak(leaves[:7], at)] for at in range(7)
        ],
    }


LINK_ADDRESS = "https://certledger.example"
LINK_NUMBERS = (
    "SH2026-0001SS",
    "沪人社鉴〔2026〕第000123号",
    "A.B/C_D+E",
    "𠮷0001",
    "沪" * 20,
)
"""Numbers for short links: plain, Chinese, with signs, beyond the BMP, too long to be in one."""
CODE_IN_LINK = "D8FDPAK8TTWW28XM"
PASTED = (
    f"#1.{CODE_IN_LINK}",
    f"#{CODE_IN_LINK}",
    f" \n{LINK_ADDRESS}/v#1.{CODE_IN_LINK}\u3000",
    f"HTTPS://CERTLEDGER.EXAMPLE:8443/V#~6caa1.{CODE_IN_LINK.lower()}",
    f"http://127.0.0.1:8089/v#%E6%B2%AA1.{CODE_IN_LINK}",
    f"http://[::1]:8089/v#沪1.{CODE_IN_LINK}",
    "#%7E6CAA1%2ed8fd-pak8-ttww-28xm",
    f"#~D842~DFB71.{CODE_IN_LINK}",
    f"#a.b 1.{CODE_IN_LINK}",
    "#ß1.D8FDPAK8TTWW28XM",
    # Refused:
    "",
    "#",
    f"1.{CODE_IN_LINK}",
    f"{LINK_ADDRESS}/v/#1.{CODE_IN_LINK}",
    f"{LINK_ADDRESS}/w#1.{CODE_IN_LINK}",
    f"ftp://certledger.example/v#1.{CODE_IN_LINK}",
    f"http\u017f://certledger.example/v#1.{CODE_IN_LINK}",
    f"#.{CODE_IN_LINK}",
    "#1.D8FDPAK8TTWW28X",
    "#1.D8FDPAK8TTWW28XU",
    f"#1.{CODE_IN_LINK}?utm_source=mail",
    f"#~6CA1.{CODE_IN_LINK}G",
    f"#~1.{CODE_IN_LINK}",
    f"#~D8421.{CODE_IN_LINK}",
    f"#~DFB7~D842.{CODE_IN_LINK}",
    f"#%1.{CODE_IN_LINK}",
    f"#%FF1.{CODE_IN_LINK}",
    f"#%ED%A1%82%ED%BE%B71.{CODE_IN_LINK}",
    "#" + "1" * 65 + f".{CODE_IN_LINK}",
    "#" + "1" * 2031 + f".{CODE_IN_LINK}",
    "#" + "1" * 2032 + f".{CODE_IN_LINK}",
)
"""Links as they are handed over: ten that can be read, then what must be refused."""


def link_vector(number: str, code: str) -> Any:
    """Return a short link to a number, and what a reader finds in it."""
    link = ShortLink(number=normal_number(number), code=code).format(LINK_ADDRESS)
    return {"of": normal_number(number), "link": link, "number": ShortLink.parse(link).number}


def pasted_vector(text: str) -> Any:
    """Return what a reader finds in a text, or the code of its refusal."""
    try:
        found = ShortLink.parse(text)
    except MalformedError as error:
        return {"text": text, "error": error.code}
    return {"text": text, "number": found.number, "code": found.code}


def certificate(scene: Scene) -> Any:
    """Section 4: one certificate with a document, and the digest it is looked up by."""
    issued, record = scene.issued, scene.issued.record
    return {
        "number": {"typed": TYPED, "normal": normal_number(TYPED)},
        "access_code": {
            "entropy": draw(f"{record.issuer} {normal_number(TYPED)} 0 code", 10).hex(),
            "normal": issued.code,
            "printed": printed_code(issued.code),
            "typed": printed_code(issued.code).lower().replace("0", "o").replace("1", "l"),
        },
        "document": DOCUMENT.hex(),
        "secret": draw(record.issuer).hex(),
        "id": record.id.hex(),
        "lookup_digest": lookup_digest(TYPED, issued.code).hex(),
        "links": [link_vector(number, issued.code) for number in LINK_NUMBERS],
        "pasted": [pasted_vector(text) for text in PASTED],
        "disclosures": [
            {
                "place": place,
                "salt": part.salt,
                "name": part.name,
                "value": part.value,
                "text": part.text,
                "digest": part.digest.hex(),
            }
            for place, part in zip(
                record.places(issued.disclosures), issued.disclosures, strict=True
            )
        ],
        "holder_key": {"raw": HOLDER.public_key().public_bytes_raw().hex(), "text": HOLDER_KEY},
    }


def record(scene: Scene) -> Any:
    """Section 5: the public part of that certificate, and of one bound to a key."""
    return {
        name: {
            "canonical": issued.record.canonical().decode(),
            "size": len(issued.record.canonical()),
            "leaf": issued.record.leaf().hex(),
        }
        for name, issued in (("first", scene.issued), ("bound", scene.bound))
    }


def catalog(scene: Scene) -> Any:
    """Section 6: a catalog of two entries."""
    made = scene.issuer.catalog
    return {
        "entries": [entry.canonical().decode() for entry in made.entries],
        "leaves": [leaf.hex() for leaf in made.leaves()],
        "tree_root": merkle.root(made.leaves()).hex(),
        "root": made.root().hex(),
        "path_of_1": [node.hex() for node in merkle.prove(made.leaves(), 1)],
    }


def statements(scene: Scene) -> Any:
    """Section 7: the domain, and every act with its digest and one signature."""
    signer = scene.issuer.signer
    given = signer.address + bytes([EVERY])
    issuer = scene.issuer.state.issuer.encode()
    words, masks = choose([1, 130])
    values: Mapping[str, Mapping[str, Any]] = {
        "Register": {"issuer": issuer, "kind": 1, "name": sha256("上海市公安局".encode()),
                     "keys": (given, Signer("second").address + bytes([Purpose.STATUS]))},
        "Status": {"issuer": issuer, "epoch": 1, "words": words, "masks": masks, "status": 1,
                   "reason": b"R01"},
        "Catalog": {"issuer": issuer, "version": 1, "root": scene.issuer.catalog.root()},
        "Keys": {"issuer": issuer, "revision": 1, "added": (given,),
                 "ends": (b"\x00" + (900).to_bytes(5, "big"),)},
        "Standing": {"issuer": issuer, "revision": 2, "standing": 2},
        "Hold": {"region": 31, "issuers": (issuer, b"11310000XX00000Z96"), "nonce": 1},
        "Release": {"region": 31, "issuers": (issuer,), "nonce": 2},
        "Restore": {"term": 1, "issuers": (issuer,), "standings": (1,),
                    "ends": (b"\x00\x00\x01" + (900).to_bytes(5, "big"),)},
        "Registrar": {"region": 31, "account": Signer("registrar").address,
                      "recovery": Signer("recovery").address, "term": 2},
        "Rotate": {"region": 31, "account": Signer("rotated").address, "turn": 1},
        "Challenge": {"region": 31, "turn": 2},
        "Receipt": {"content": sha256(b"a canonical receipt")},
    }  # fmt: skip
    made: dict[str, Statement] = {"Batch": scene.issuer.batches[1].statement}
    for name, parts in values.items():
        timed = {} if name == "Receipt" else {"not_after": NOW}
        made[name] = ACTS[name](**parts, **timed)
    return {
        "domain": {
            "chain_id": CHAIN_ID,
            "contract": ADDRESS.hex(),
            "salt": SALT.hex(),
            "identity": IDENTITY.hex(),
        },
        "signer": {"public": signer.public.hex(), "address": signer.address.hex()},
        "acts": {
            name: {
                "type": said.type_string(),
                "members": statement_to_json(said),
                "struct_hash": said.struct_hash().hex(),
                "digest": said.digest(IDENTITY).hex(),
                "signature": signer.sign(said.digest(IDENTITY)).hex(),
            }
            for name, said in made.items()
        },
    }


def state(scene: Scene) -> Any:
    """Section 8: the issuer after two batches and one revocation."""
    held = scene.issuer.state
    return {
        "state": held.to_json(),
        "words": [word.hex() for word in held.words()],
        "key_words": [word.hex() for word in held.key_words()],
        "peaks": [peak.hex() for peak in held.peaks],
        "digest": held.digest().hex(),
        "digest_at_registration": scene.before.digest().hex(),
        "batch_leaves": [
            {
                "statement_digest": batch.statement.digest(IDENTITY).hex(),
                "catalog": batch.statement.catalog.hex(),
                "key": batch.key,
                "block": batch.block,
                "leaf": batch.leaf().hex(),
            }
            for batch in scene.issuer.batches
        ],
    }


def status(scene: Scene) -> Any:
    """Section 9: a tree, the proof of one word, and one statement over two words."""
    tree = scene.issuer.tree
    tree.update(
        {
            2: move(bytes(32), 3 << 88, Status.SUPERSEDED),
            7: move(bytes(32), 3 << 254, Status.SUSPENDED),
        }
    )
    words, masks = choose([0, 2, 128 * 7 + 127])
    before = [tree.word(at) for at in words]
    held = {str(at): tree.word(at).hex() for at in (0, 2, 7)}
    proof, many, old = tree.prove(0), tree.prove_many(words), tree.root
    after = [move(word, mask, Status.REVOKED) for word, mask in zip(before, masks, strict=True)]
    tree.update(dict(zip(words, after, strict=True)))
    return {
        "defaults": {str(level): DEFAULTS[level].hex() for level in (0, 1, 2, 25)},
        "statuses": {"1": "revoked", "300": "superseded", "1023": "suspended"},
        "words": held,
        "root": old.hex(),
        "proof_of_word_0": proof.to_json(),
        "statement": {
            "words": list(words),
            "masks": [f"{mask:064x}" for mask in masks],
            "status": 1,
        },
        "multi_proof": {
            "marks": many.marks.hex(),
            "siblings": [sibling.hex() for sibling in many.siblings],
        },
        "words_after": [word.hex() for word in after],
        "root_after": tree.root.hex(),
    }


def state_proof(scene: Scene) -> Any:
    """Section 11: the proof of the issuer's slot, by a trie that is not ours."""
    account, slot = scene.world.proofs(scene.issuer)
    position = slot_position(scene.issuer.state.issuer)
    return {
        "state_root": scene.world.checkpoint().state_root.hex(),
        "address": ADDRESS.hex(),
        "code_hash": CODE_HASH.hex(),
        "account_key": keccak(ADDRESS).hex(),
        "account_proof": [node.hex() for node in account],
        "storage_root": rlp.decode(rlp.decode(account[-1])[1])[2].hex(),
        "issuer": scene.issuer.state.issuer,
        "slot_position": position.hex(),
        "slot_key": keccak(position).hex(),
        "slot_proof": [node.hex() for node in slot],
        "slot": scene.issuer.state.digest().hex(),
    }


def checkpoint(scene: Scene) -> Any:
    """Section 14: a block of the ledger, cosigned by four witnesses."""
    note = scene.world.note()
    return {
        "body": note.checkpoint.format_body(),
        "witnesses": {
            line.name: {
                "key": witness_key(line.name).public_key().public_bytes_raw().hex(),
                "key_id": line.key_id.hex(),
                "time": line.time,
                "signature": line.signature.hex(),
                "line": line.format(),
            }
            for line in note.cosignatures
        },
        "note": note.format(),
    }


def policy(scene: Scene) -> Any:
    """Section 15: a policy signed by three root keys of which two suffice."""
    signed = signed_policy()
    return {
        "file": signed.format().decode(),
        "size": len(signed.format()),
        "signed_sha256": sha256(signed_bytes(signed.policy)).hex(),
        "words": format_words(fingerprint_of(signed.policy)),
    }


def evidence(scene: Scene) -> Any:
    """Section 16.1: full evidence and the holder's file of the first certificate."""
    made = scene.world.evidence(scene.issuer, scene.issued).format()
    names = tuple("certificate.pdf" for part in scene.issued.disclosures if part.name == "document")
    holding = Holding(
        record=scene.issued.record, disclosures=scene.issued.disclosures, names=names
    ).format()
    return {
        "file": made.decode(),
        "size": len(made),
        "sha256": sha256(made).hex(),
        "holding": holding.decode(),
        "verdict": "valid",
        "now": NOW,
    }


def compact(scene: Scene) -> Any:
    """Sections 16.2 and 16.3: the bound certificate presented to a counter, in a QR code."""
    leaf, path = scene.bound.record.leaf(), ()
    shown = scene.bound.named("certificate_number", "holder_name", "holder_key")
    subject = Subject(identity=IDENTITY, leaf=leaf, shown=tuple(part.digest for part in shown))
    answer = sign(HOLDER, COUNTER, subject, time=NOW)
    made = Compact.of(IDENTITY, scene.bound.record, path, shown, answer)
    return {
        "holder_key": HOLDER_KEY,
        "shown": [part.digest.hex() for part in shown],
        "message": message(COUNTER, subject, NOW).decode(),
        "presentation": answer.to_json(),
        "cbor": made.to_cbor().hex(),
        "text": made.format(),
        "characters": len(made.format()),
    }


def codes(scene: Scene) -> Any:
    """Section 18.3: what each code means to people, and what is to be done."""
    return {
        "codes": [
            {
                "code": name,
                **({} if code.check is None else {"check": code.check.number}),
                "outcome": str(code.outcome),
                "en": code.en,
                "zh": code.zh,
                **({} if code.advice is None else {"advice": str(code.advice)}),
            }
            for name, code in CODES.items()
        ],
        "warnings": [{"code": name, "en": en, "zh": zh} for name, (en, zh) in WARNINGS.items()],
    }


def contract(scene: Scene) -> Any:
    """Section 12: the first batch of the registered issuer, as submitted and as emitted."""
    batch = scene.issuer.batches[0]
    digest = batch.statement.digest(IDENTITY)
    signature = batch.signature + bytes([27 + _parity(digest, batch.signature, batch.signer)])
    packed = calls.pack_batch(batch.statement, key=0, signature=signature)
    data = calls.anchor([(scene.before, [packed])])
    return {
        "state": [word.hex() for word in calls.state_words(scene.before)],
        "batch": [word.hex() for word in packed],
        "calldata": data.hex(),
        "calldata_keccak": keccak(data).hex(),
        "event": {
            "topics": [
                load_artifact().topics["Anchored(bytes18,bytes32[5])"].hex(),
                batch.statement.issuer.ljust(32, b"\0").hex(),
            ],
            "data": b"".join(packed).hex(),
        },
        "digest": digest.hex(),
    }


def _parity(digest: bytes, signature: bytes, signer: Signer) -> int:
    """Return the parity that a recovery needs beside r and s."""
    for parity in (0, 1):
        made = Signature(signature + bytes([parity]))
        if made.recover_public_key_from_msg_hash(digest).to_bytes() == signer.public:
            return parity
    raise AssertionError("one of two parities leads to the key")


def storage(scene: Scene) -> Any:
    """Section 13: where things stand in the contract's storage."""
    issuers = ["11310000XX00000196", "12320000XX00000276"]
    return {
        "slot_of_body": slot_position(issuers[0]).hex(),
        "slot_of_registrar_31": keccak((31).to_bytes(32, "big") + (2).to_bytes(32, "big")).hex(),
        "registrar": (
            (NOW << 216 | 7 << 160 | int.from_bytes(ADDRESS, "big")).to_bytes(32, "big").hex()
        ),
        "registrar_second": (
            (NOW << 192 | 2 << 160 | int.from_bytes(Signer("recovery").address, "big"))
            .to_bytes(32, "big")
            .hex()
        ),
        "roll_of_none": roll([]).hex(),
        "roll_of_one": roll(issuers[:1]).hex(),
        "roll_of_two": roll(issuers).hex(),
        "issuers": issuers,
    }


def snapshot(scene: Scene) -> Any:
    """Section 17: the world's snapshot."""
    whole = scene.world.snapshot()
    item = whole.to_cbor()
    return {
        "item": item.hex(),
        "size": len(item),
        "digest": whole.digest().hex(),
        "statuses": [part.hex() for part in pack_statuses(scene.issuer.tree.words)],
        "gaps_of_0_127_300": _gaps([0, 127, 300]),
        "delta": _delta(scene, whole),
    }


def _delta(scene: Scene, old: Snapshot) -> Any:
    """Return the delta to the next block, in which a batch came and a certificate was suspended."""
    later = deepcopy(scene)
    later.issuer.anchor([later.issuer.issue("SH20260004")])
    later.issuer.change([0], Status.SUSPENDED)
    later.world.number, later.world.time = later.world.number + 1, later.world.time + 60
    new = later.world.snapshot()
    item = zlib.decompress(format_delta(old, new))
    return {
        "item": item.hex(),
        "size": len(item),
        "base": old.digest().hex(),
        "batches": cbor2.dumps(cbor2.loads(item)[6][0][1][10], canonical=True).hex(),
        "next_item": new.to_cbor().hex(),
        "next_digest": new.digest().hex(),
    }


def _gaps(indexes: list[int]) -> str:
    tree = StatusTree()
    words, masks = choose(indexes)
    tree.update(
        {at: move(bytes(32), mask, Status.REVOKED) for at, mask in zip(words, masks, strict=True)}
    )
    return pack_statuses(tree.words)[0].hex()


def submission(scene: Scene) -> Any:
    """Section 20: what the operator signs of a batch that it took in."""
    batch = scene.issuer.batches[0]
    receipt = {
        "type": "certledger/receipt/1",
        "ledger": IDENTITY.hex(),
        "issuer": batch.statement.issuer.decode(),
        "sequence": batch.statement.sequence,
        "root": batch.statement.root.hex(),
        "count": batch.statement.count,
        "digest": batch.statement.digest(IDENTITY).hex(),
        "accepted": "2026-11-18T10:00:00Z",
        "anchored_by": "2026-11-18T11:00:00Z",
        "number": 1,
        "previous": bytes(32).hex(),
    }
    content = format_canonical(receipt)
    operator = Signer("operator")
    digest = Receipt(content=sha256(content)).digest(IDENTITY)
    return {
        "receipt": content.decode(),
        "content": sha256(content).hex(),
        "digest": digest.hex(),
        "signature": operator.sign(digest).hex(),
        "operator": operator.public.hex(),
    }


def receipts(scene: Scene) -> Any:
    """Section 21: what a counter was told, and the record that the operator makes of it."""
    question = Question(
        policy=signed_policy().policy, judge=choose_judge(signed_policy().policy), now=NOW
    )
    good = scene.world.evidence(scene.issuer, scene.issued).format()
    results = [format_canonical(verify_bytes(data, question).to_json()) for data in (good, b"{}")]
    operator = Signer("operator")
    content = {
        "type": "certledger/verification-receipt/1",
        "basis": ["4 of 4 witnesses: anhui, jiangsu, shanghai, zhejiang"],
        "caller": "key:clk_7Q2M9XKD",
        "checked": format_time(NOW),
        "codes": ["evidence.unusable"],
        "count": len(results),
        "leaves": sha256(scene.issued.record.leaf()).hex(),
        "ledger": IDENTITY.hex(),
        "number": 1,
        "operator": operator.address.hex(),
        "previous": bytes(32).hex(),
        "reference": REFERENCE,
        "results": merkle.root([merkle.leaf_hash(result) for result in results]).hex(),
        "verdicts": {"cannot_tell": 1, "valid": 1},
    }
    digest = Receipt(content=sha256(format_canonical(content))).digest(IDENTITY)
    signed = operator.sign(digest)
    signature = signed + bytes([27 + _parity(digest, signed, operator)])
    file = format_canonical({"receipt": content, "signature": to_base64url(signature)})
    return {
        "results": [result.decode() for result in results],
        "receipt": format_canonical(content).decode(),
        "content": sha256(format_canonical(content)).hex(),
        "digest": digest.hex(),
        "signature": signature.hex(),
        "file": file.decode(),
        "entry": RECEIPT_ENTRY.canonical().decode(),
        "access_code": code_of(file),
        "lookup_digest": lookup_of(file, REFERENCE).hex(),
        "disclosures": [
            {"salt": part.salt, "name": part.name, "value": part.value, "text": part.text,
             "digest": part.digest.hex()}
            for part in disclosures_of(file, REFERENCE)
        ],
    }  # fmt: skip


BOOK_TABLES: Mapping[str, list[list[str]]] = {
    "regions": [["310000", "上海市", "Shanghai", "province", ""]],
    "categories": [
        ["BIZ-LICENCE", "营业执照", "Business licence", "执照", "legal", "department",
         "上海市市场监督管理局", "Shanghai Administration for Market Regulation", "", "7", "no",
         "certificate_number;holder_name;uscc;issue_date"],
    ],
    "service_items": [
        ["FOOD-LICENCE", "食品经营许可", "Food business permit", "上海市市场监督管理局",
         "Shanghai Administration for Market Regulation", "administrative", "legal", "yes", "yes",
         "yes"],
    ],
    "materials": [
        ["FOOD-LICENCE", "1", "申请书", "Application form", "yes", "", "no"],
        ["FOOD-LICENCE", "2", "营业执照", "Business licence", "yes", "BIZ-LICENCE", "yes"],
    ],
    "issuers": [
        ["11310000XX0000035U", "上海市市场监督管理局",
         "Shanghai Administration for Market Regulation", "department", "310000"],
    ],
    "counters": [
        ["PUDONG-7", "浦东7号窗口", "Pudong window 7", "window", "310000", "上海市市场监督管理局"]
    ],
    "bundles": [["ONE-RESTAURANT", "开饭店", "Open a restaurant", "FOOD-LICENCE"]],
    "overrides": [["FOOD-LICENCE", "2", "须核对原件", "The law asks for the original"]],
    "restrictions": [["BIZ-LICENCE", "company"]],
    "rules": [
        ["FOOD-LICENCE", "1", "1", "m2.own && days(m2.issue_date, today) >= 30", "refused",
         "营业执照签发不满30日", "The licence is younger than 30 days"],
    ],
    "delta_scenarios": [],
}  # fmt: skip


def book(scene: Scene) -> Any:
    """Sections 22 and 23: an edition of a small book, and the operator's record of it."""
    edition = {
        "from": "2026-11-01",
        "number": 1,
        "previous": bytes(32).hex(),
        "region": "310000",
        "tables": BOOK_TABLES,
        "type": "certledger/book/1",
    }
    digest = sha256(b"certledger/1/book" + format_canonical(edition))
    details = {"book": digest.hex(), "edition": 1, "from": "2026-11-01"}
    return {
        "edition": format_canonical(edition).decode(),
        "digest": digest.hex(),
        **signed_record("certledger/book-edition/1", "edition", "operator:book", details),
    }


def signed_record(
    kind: str, outcome: str, caller: str, details: Any, leaves: bytes = b""
) -> dict[str, str]:
    """Return a record of the operator's with its parts (section 23)."""
    operator = Signer("operator")
    content = {
        "caller": caller,
        "checked": format_time(NOW),
        "details": details,
        "leaves": sha256(leaves).hex(),
        "ledger": IDENTITY.hex(),
        "number": 1,
        "operator": operator.address.hex(),
        "outcome": outcome,
        "previous": bytes(32).hex(),
        "reference": REFERENCE,
        "type": kind,
    }
    digest = Receipt(content=sha256(format_canonical(content))).digest(IDENTITY)
    signed = operator.sign(digest)
    signature = signed + bytes([27 + _parity(digest, signed, operator)])
    file = format_canonical({"receipt": content, "signature": to_base64url(signature)})
    return {
        "record": format_canonical(content).decode(),
        "record_digest": digest.hex(),
        "file": file.decode(),
        "lookup_digest": lookup_of(file, REFERENCE).hex(),
    }


def decisions(scene: Scene) -> Any:
    """Section 25: decisions of an item's rule, each with what it follows from."""
    cases = {
        "granted": [reform_world.card("1990-01-01")],
        "refused": [reform_world.card("2020-01-01")],
        "nothing shown": [],
        "the birthday withheld": [reform_world.card("1990-01-01", ("holder_name", "id_number"))],
        "cut short": [b'{"record":{}}'],
    }
    made = []
    for name, bundle in cases.items():
        record = reform_world.decision(bundle)
        made.append(
            {
                "name": name,
                "bundle": [one.decode() for one in bundle],
                "record": format_canonical(dict(record.content)).decode(),
                "record_digest": record_digest(record.content).hex(),
                "file": record.format().decode(),
            }
        )
    return {
        "edition": reform_world.EDITION.format().decode(),
        "policy": signed_policy().format().decode(),
        "decisions": made,
    }


def samples(scene: Scene) -> Any:
    """Section 27: a published sample of the decisions of section 25, and what is drawn."""
    cards = [reform_world.card(f"19{year}-01-01") for year in range(80, 87)]
    records = [
        reform_world.decision([one], f"AAAA-BBBB-{number:04d}") for number, one in enumerate(cards)
    ]
    made = reform_world.sample(records, 3)
    found = check_sample(made, reform_world.question())
    return {
        "file": made.format().decode(),
        "policy": signed_policy().format().decode(),
        "now": format_time(NOW),
        "block": found.block,
        "block_hash": keccak(made.headers[0]).hex(),
        "record": format_canonical(dict(made.record.content)).decode(),
        "record_file_digest": sha256(made.record.format()).hex(),
        "seed": found.seed.hex(),
        "candidates": [one.hex() for one in made.candidates],
        "drawn": [one.hex() for one in found.drawn],
    }


FILES: Mapping[str, Callable[[Scene], Any]] = {
    "conventions": conventions,
    "canonical": canonical,
    "trees": trees,
    "certificate": certificate,
    "record": record,
    "catalog": catalog,
    "statements": statements,
    "state": state,
    "stateproof": state_proof,
    "checkpoint": checkpoint,
    "policy": policy,
    "evidence": evidence,
    "compact": compact,
    "contract": contract,
    "storage": storage,
    "snapshot": snapshot,
    "submission": submission,
    "receipts": receipts,
    "book": book,
    "decisions": decisions,
    "samples": samples,
    "codes": codes,
    "status": status,  # last, since it moves the tree
}


def main() -> None:
    """Write every file beside this one."""
    scene = Scene()
    for name, make in FILES.items():
        text = json.dumps(make(scene), indent=1, ensure_ascii=False) + "\n"
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"{name}.json {len(text)} characters, {hashlib.sha256(text.encode()).hexdigest()}")


if __name__ == "__main__":
    main()
