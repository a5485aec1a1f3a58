"""Cases of files that are not evidence, and of evidence mixed from two certificates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from certledger.verifier.formats.canonical_json import to_base64url
from certledger.verifier.formats.evidence import MAX_EVIDENCE_BYTES, Evidence
from certledger.verifier.formats.record import format_disclosure
from certledger.verifier.vocabulary import Status
from tests.conformance.case import UNANCHORED, UNREADABLE, Case, Scene


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    yield from spellings()
    yield from members()
    yield from mixes()


def unreadable(name: str, why: str, data: bytes, **wishes: Any) -> Case:
    """Return a case of a file that cannot be read as evidence."""
    return Case(
        name=name, why=why, evidence=data, verdict="cannot_tell", codes=UNREADABLE, **wishes
    )


def spellings() -> Iterator[Case]:
    """Yield files that are not canonical JSON."""
    good = Scene().file()
    whole = json.loads(good)
    deep = b"[" * 2000 + b"true" + b"]" * 2000
    word = b'"edition":0'
    for name, why, data in (
        ("file_empty", "The file is empty.", b""),
        ("file_cut", "The file was cut short.", good[: len(good) // 2]),
        ("file_last_byte_missing", "The last byte is missing.", good[:-1]),
        ("file_of_text", "The file is no JSON.", b"certificate 0100 is genuine, trust me"),
        ("file_of_null", "The file is the word null.", b"null"),
        ("file_of_list", "The evidence stands in a list.", b"[" + good + b"]"),
        ("file_with_byte_order_mark", "The file starts with a byte order mark.",
         b"\xef\xbb\xbf" + good),
        ("file_in_utf16", "The file is in UTF-16.", good.decode().encode("utf-16")),
        ("file_with_space_before", "A space stands before the evidence.", b" " + good),
        ("file_with_line_feed", "A line feed follows: trailing data.", good + b"\n"),
        ("file_twice", "Other evidence follows.", good + good),
        ("file_with_nul", "A NUL follows.", good + b"\x00"),
        ("file_pretty", "The evidence is laid out for people.",
         json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False).encode()),
        ("file_unsorted", "The members stand in another order.",
         json.dumps(dict(reversed(whole.items())), separators=(",", ":"),
                    ensure_ascii=False).encode()),
        ("file_with_escapes", "A letter is written as an escape.",
         good.replace(b'"issuer":"1', b'"issuer":"\\u0031')),
        ("file_with_escaped_chinese", "Chinese is written in escapes.",
         json.dumps(whole, separators=(",", ":"), sort_keys=True).encode()),
        ("file_with_escaped_solidus", "A solidus is escaped.",
         good.replace(b"certledger/evidence/1", b"certledger\\/evidence\\/1")),
        ("file_too_long", "The file is longer than any evidence.",
         good[:-1] + b" " * (MAX_EVIDENCE_BYTES - len(good) + 1) + b"}"),
        ("file_nested_deeply", "Two thousand lists in one another.", deep),
        ("file_nested_to_nine", "Nine objects in one another.",
         good.replace(word, b'"edition":' + b'{"a":' * 8 + b"0" + b"}" * 8)),
        ("name_twice", "A name stands twice, first with what is good.",
         good[:-1] + b',"type":"certledger/evidence/1"}'),
        ("name_twice_within", "A name stands twice within the record.",
         good.replace(word, b'"edition":0,"edition":0')),
        ("number_fraction", "A number has a fraction.", good.replace(word, b'"edition":0.0')),
        ("number_exponent", "A number has an exponent.", good.replace(word, b'"edition":0e0')),
        ("number_minus_zero", "A number is -0.", good.replace(word, b'"edition":-0')),
        ("number_negative", "A number is negative.", good.replace(word, b'"edition":-1')),
        ("number_padded", "A number has a leading zero.", good.replace(word, b'"edition":00')),
        ("number_2_to_53", "A number is not exact everywhere.",
         good.replace(word, b'"edition":9007199254740992')),
        ("number_2_to_64", "A number is beyond 64 bits.",
         good.replace(word, b'"edition":18446744073709551616')),
        ("number_as_text", "A number is text.", good.replace(word, b'"edition":"0"')),
        ("number_as_truth", "A number is false.", good.replace(word, b'"edition":false')),
        ("number_not_any", "A number is NaN.", good.replace(word, b'"edition":NaN')),
        ("null_member", "A member is null.", good.replace(word, b'"edition":null')),
        ("lone_surrogate", "A text has half of a character.",
         good.replace("上海市公安局".encode(), b"\\ud800")),
        ("not_utf8", "A text is not UTF-8.", good.replace("上".encode(), b"\xff")),
        ("overlong_utf8", "A text has an overlong character.", good.replace(b"ID-", b"\xc1\x89D-")),
    ):  # fmt: skip
        yield unreadable(name, why, data)


def members() -> Iterator[Case]:
    """Yield canonical JSON that is not what evidence has."""
    scene = Scene()
    plain = scene.evidence()
    good = plain.format()

    def edited(change: Any) -> bytes:
        value = orjson.loads(good)
        change(value)
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)

    def put(*path: Any) -> bytes:
        *where, value = path
        whole = orjson.loads(good)
        inner = whole
        for name in where[:-1]:
            inner = inner[name]
        inner[where[-1]] = value
        return orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)

    slack = to_base64url(plain.signature)[:-1] + chr(ord(to_base64url(plain.signature)[-1]) + 1)
    key = plain.issuer.keys[0].packed()
    for name, why, data in (
        ("unknown_version", "A later version of evidence.", put("type", "certledger/evidence/2")),
        ("unknown_kind", "Another kind of file.", put("type", "certledger/holding/1")),
        ("unknown_record_version", "A later version of record.",
         put("record", "type", "certledger/record/2")),
        ("unknown_entry_version", "A later version of entry.",
         put("catalog", "entry", "type", "certledger/entry/2")),
        ("record_as_entry", "The record calls itself an entry.",
         put("record", "type", "certledger/entry/1")),
        ("unknown_member", "A member that nobody knows.", put("note", "checked by hand")),
        ("unknown_member_within", "A member that nobody knows, within the record.",
         put("record", "remark", "good")),
        ("unknown_member_in_proof", "A member that nobody knows, within the proof.",
         put("proof", "more", "")),
        ("homoglyph_member", "A name with a Cyrillic letter.", put("rec\u043erd", {})),
        ("member_missing", "The checkpoint is missing.", edited(lambda v: v.pop("checkpoint"))),
        ("member_missing_within", "The record has no holder kind.",
         edited(lambda v: v["record"].pop("holder"))),
        ("base64_padding", "Base64 with padding.",
         put("signature", to_base64url(plain.signature) + "==")),
        ("base64_slack", "Unused bits of base64 are not zero: a second spelling.",
         put("signature", slack)),
        ("base64_alphabet", "Base64 of the other alphabet.",
         put("path", "+" + to_base64url(b"".join(plain.path))[1:])),
        ("base64_line_feed", "A line feed within base64.",
         put("path", to_base64url(b"".join(plain.path))[:-1] + "\n")),
        ("hashes_not_whole", "A list of hashes ends within one.", put("path", to_base64url(b"x"))),
        ("path_over_32", "A path of 33 hashes.", put("path", to_base64url(bytes(33 * 32)))),
        ("signature_with_recovery_byte", "A signature of 65 bytes.",
         put("signature", to_base64url(plain.signature + b"\x1b"))),
        ("issuer_of_other_form", "An issuer's code in lower case.",
         put("record", "issuer", "11310000xx00000196")),
        ("issuer_full_width", "An issuer's code in full-width digits.",
         put("record", "issuer", "１１310000XX00000196")),
        ("body_without_region", "An issuer's code without a region.",
         put("body", "issuer", "11AB0000XX00000196")),
        ("day_that_is_none", "30 February.", put("record", "expires", "2027-02-30")),
        ("day_with_time", "A day with a time.", put("record", "issued", "2026-10-01T00:00:00Z")),
        ("day_in_arabic_digits", "A day in Arabic-Indic digits.",
         put("record", "issued", "\u0662\u0660\u0662\u0666-10-01")),
        ("days_reversed", "It expires before it is issued.",
         put("record", "expires", "2026-09-30")),
        ("edition_without_predecessor", "An edition that replaces nothing.",
         put("record", "edition", 1)),
        ("predecessor_without_edition", "A first edition that replaces one.",
         put("record", "replaces", 0)),
        ("digests_empty", "A record without digests.", put("record", "digests", "")),
        ("digests_over_96", "A record of 97 digests.",
         put("record", "digests", to_base64url(bytes(97 * 32)))),
        ("holder_unknown", "Another kind of holder.", put("record", "holder", "dog")),
        ("count_zero", "An empty batch.", put("statement", "count", 0)),
        ("count_over_65536", "A batch of 65,537.", put("statement", "count", 65537)),
        ("sequence_zero", "Sequences start at one.", put("statement", "sequence", 0)),
        ("key_index_16", "An issuer has at most 16 keys.", put("anchor", "key", 16)),
        ("keys_none", "An issuer without keys.", put("body", "keys", "")),
        ("keys_17", "An issuer with 17 keys.", put("body", "keys", to_base64url(key * 17))),
        ("key_without_purpose", "A key without a purpose.",
         put("body", "keys", to_base64url(key[:20] + b"\x00" + key[21:]))),
        ("peaks_not_fitting", "More peaks than the number of batches has.",
         put("body", "peaks", to_base64url(bytes(64)))),
        ("standing_unknown", "A standing that nobody knows.", put("body", "standing", "fine")),
        ("proof_of_no_node", "An empty proof.", put("proof", "slot", [])),
        ("proof_of_65_nodes", "A proof of 65 nodes.", put("proof", "slot", ["AA"] * 65)),
        ("proof_of_long_node", "A node of 1,025 bytes.",
         put("proof", "slot", [to_base64url(bytes(1025))])),
        ("proof_of_null", "What a node that failed answers.", put("proof", "account", "")),
        ("disclosures_out_of_order", "Disclosures in another order than their places.",
         replace(plain, disclosures=plain.disclosures[::-1]).format()),
        ("disclosure_twice", "A disclosure stands twice.",
         replace(plain, disclosures=(plain.disclosures[0],) * 2).format()),
        ("disclosure_of_two", "A disclosure of two parts.",
         put("disclosures", [to_base64url(b'["a","b"]')])),
        ("disclosure_spaced", "A disclosure in a second spelling.",
         put("disclosures", [to_base64url(b'["a", "b", "c"]')])),
        ("disclosure_empty_value", "A field without a value.",
         put("disclosures", [to_base64url(b'["a","b",""]')])),
        ("disclosure_long_value", "A field of 513 characters.",
         put("disclosures", [format_disclosure("a", "b", "c" * 513)])),
        ("disclosure_number", "A field that is a number.",
         put("disclosures", [to_base64url(b'["a","b",1]')])),
        ("document_of_more", "A document is described by a member that nobody knows.",
         put("disclosures", [format_disclosure("a", "document",
                             {"sha256": "00" * 32, "size": 1, "url": "x"})])),
        ("presentation_beside_unbound", "A presentation beside a record that is not bound.",
         put("presentation", {"audience": "a", "nonce": "n", "time": 1,
                              "signature": to_base64url(bytes(64))})),
        ("entry_without_number", "An entry whose first field is not the number.",
         put("catalog", "entry", "fields", ["holder_name", "certificate_number"])),
        ("entry_shown_empty", "An entry that asks for nothing to be shown.",
         put("catalog", "entry", "shown", [])),
    ):  # fmt: skip
        assert data != good
        yield unreadable(name, why, data)


PARTS = (
    "record",
    "disclosures",
    "path",
    "statement",
    "signature",
    "signer",
    "anchor",
    "catalog",
    "body",
    "word",
    "proof",
    "checkpoint",
)
"""What evidence is mixed of; the proof is two fields."""


def mix(evidence: Evidence, other: Evidence, parts: tuple[str, ...]) -> Evidence:
    """Return `evidence` with some parts of `other`."""
    taken: dict[str, Any] = {}
    for part in parts:
        if part == "proof":
            taken |= {"account_proof": other.account_proof, "slot_proof": other.slot_proof}
        elif part == "statement":
            taken[part] = replace(other.statement, issuer=evidence.record.issuer.encode())
        else:
            attribute = "issuer" if part == "body" else part
            taken[attribute] = getattr(other, attribute)
    return replace(evidence, **taken)


def donors() -> dict[str, tuple[Evidence, Evidence]]:
    """Return, by the relation between them, evidence of two certificates that are both good."""
    scene = Scene(first_batches=2)
    mine = scene.evidence()
    neighbour = scene.world.evidence(scene.issuer, scene.certificates[0])
    batch = scene.world.evidence(scene.issuer, scene.issuer.batches[0].issued[0])
    issuer = scene.world.evidence(scene.other, scene.other.batches[0].issued[1])
    scene.issuer.change([200], Status.REVOKED)
    scene.issuer.anchor([scene.issuer.issue("沪后1")])
    scene.world.number += 5
    scene.world.time += 60
    block = scene.evidence()
    stranger = scene.world.evidence(scene.other, scene.other.batches[0].issued[0])
    return {
        "neighbour": (mine, neighbour),
        "other_batch": (mine, batch),
        "other_body": (mine, issuer),
        "later_block": (mine, block),
        "other_body_and_block": (mine, stranger),
    }


PATH = {"inclusion": "inclusion.path_differs"}
FIELD = {"content": "content.field_differs"}
UNPROVED = {**UNANCHORED, "anchor": "anchor.batch_unproved"}
PROOF = {**UNANCHORED, "anchor": "anchor.proof_unusable"}
STATE = {**UNANCHORED, "anchor": "anchor.state_differs"}
OTHER = {**UNANCHORED, "anchor": "anchor.other_body"}
OUTSIDE = {"inclusion": "inclusion.index_outside"}
MIXED: dict[tuple[str, str], dict[str, str]] = {
    ("neighbour", "record"): {**PATH, **FIELD},
    ("neighbour", "disclosures"): FIELD,
    ("neighbour", "path"): PATH,
    ("other_batch", "record"): {**OUTSIDE, **FIELD},
    ("other_batch", "disclosures"): FIELD,
    ("other_batch", "path"): PATH,
    ("other_batch", "statement"): {**OUTSIDE, **UNPROVED},
    ("other_batch", "signature"): {"signature": "signature.damaged"},
    ("other_batch", "anchor"): UNPROVED,
    ("other_body", "record"): {**OUTSIDE, **FIELD, **OTHER},
    ("other_body", "disclosures"): FIELD,
    ("other_body", "path"): PATH,
    ("other_body", "statement"): {**OUTSIDE, **UNPROVED},
    ("other_body", "signature"): {"signature": "signature.damaged"},
    ("other_body", "signer"): {"signature": "signature.signer_differs"},
    ("other_body", "anchor"): UNPROVED,
    ("other_body", "body"): OTHER,
    ("other_body", "proof"): PROOF,
    ("later_block", "anchor"): UNPROVED,
    ("later_block", "body"): STATE,
    ("later_block", "word"): {"status": "status.unproved"},
    ("later_block", "proof"): PROOF,
    ("later_block", "checkpoint"): PROOF,
}
"""What one part of another certificate does; other parts are the same in both."""


def mixes() -> Iterator[Case]:
    """Yield evidence with one part of another certificate's."""
    for (relation, part), codes in MIXED.items():
        mine, other = donors()[relation]
        failed = {"content", "inclusion"} & codes.keys() or codes.get("anchor") in (
            "anchor.state_differs",
            "anchor.other_contract",
        )
        yield Case(
            name=f"{part}_of_{relation}",
            why=f"The part `{part}` is that of another good certificate ({relation}).",
            evidence=mix(mine, other, (part,)).format(),
            verdict="not_genuine" if failed else "cannot_tell",
            codes=codes,
        )
