"""Cases of check 1 that two readings of SPEC would answer differently: places, kinds, documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import cbor2

from certledger.verifier.formats.base45 import to_base45
from certledger.verifier.formats.canonical_json import to_base64url
from certledger.verifier.formats.compact_evidence import PREFIX, Compact, CompactDisclosure
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.record import (
    Disclosure,
    Value,
    derived_salt,
    describe_document,
    digest_of,
    format_disclosure,
)
from tests.conformance.case import BLOCKED, UNREADABLE, Case, Scene
from tests.conformance.content_cases import PAPER, PLAN, named
from tests.conformance.file_cases import unreadable
from tests.conformance.force_cases import ASKED, bound, present
from tests.conformance.snapshot_cases import code_of, compact
from tests.world import OPERATORS, Issued, draw

OTHER_SM3 = {**describe_document(PAPER), "sm3": "00" * 32}


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    yield from unreadable_codes()
    yield from places()
    yield from kinds()
    yield from documents()
    yield from results()


def spelt(code: Compact, shown: Sequence[Any]) -> bytes:
    """Return the text of a code with other disclosures, as CBOR."""
    parts = cbor2.loads(code.to_cbor())
    return (
        PREFIX + to_base45(cbor2.dumps([*parts[:4], shown, *parts[5:]], canonical=True))
    ).encode()


def unreadable_codes() -> Iterator[Case]:
    """Yield codes whose disclosures break a rule of SPEC 16.2, so that they cannot be read."""
    scene = Scene(documents=[PAPER])
    code = code_of(scene.evidence(show=("certificate_number", "holder_name", "document")))
    number, holder, document = cbor2.loads(code.to_cbor())[4]
    size = len(code.record.digests)
    for name, why, shown in (
        ("place_negative", "A place below zero would be counted from the end.",
         [[-1, *document[1:]], number, holder]),
        ("place_beyond", "The record has no such place.", [number, holder, [size, *holder[1:]]]),
        ("place_96", "No record has so many places.", [number, holder, [96, *holder[1:]]]),
        ("place_of_64_bits", "A place of 2^63.", [number, holder, [2**63, *holder[1:]]]),
        ("place_as_text", "A place is a number.", [number, ["1", *holder[1:]]]),
        ("place_true", "A place is a number, not true.", [number, [True, *holder[1:]]]),
        ("place_twice", "A place is named twice.", [number, holder, holder]),
        ("salt_short", "A salt has 16 bytes.", [number, [1, holder[1][:15], holder[2]]]),
        ("salt_long", "A salt has 16 bytes.", [number, [1, holder[1] + b"\0", holder[2]]]),
        ("salt_empty", "A salt has 16 bytes.", [number, [1, b"", holder[2]]]),
        ("salt_as_text", "A salt is in bytes but at place 0.",
         [number, [1, to_base64url(holder[1]), holder[2]]]),
        ("salt_of_number_as_bytes", "The access code is text.",
         [[0, number[1].encode(), number[2]], holder]),
        ("salt_of_number_lower", "The access code is written in its normal form.",
         [[0, number[1].lower(), number[2]], holder]),
        ("salt_of_number_short", "An access code has 16 characters.",
         [[0, number[1][:15], number[2]], holder]),
        ("salt_of_number_empty", "An access code has 16 characters.", [[0, "", number[2]], holder]),
        ("value_long", "A field has at most 512 characters.", [number, [1, holder[1], "x" * 513]]),
        ("value_null", "A field is text.", [number, [1, holder[1], None]]),
        ("document_short_digest", "A digest has 32 bytes.",
         [number, [size - 1, document[1], [document[2][0][:31], document[2][1]]]]),
        ("document_size_negative", "A document has no fewer than 0 bytes.",
         [number, [size - 1, document[1], [document[2][0], -1]]]),
        ("document_size_of_54_bits", "A document has fewer than 2^53 bytes.",
         [number, [size - 1, document[1], [document[2][0], 2**53]]]),
        ("document_of_four", "A document is described by two or three.",
         [number, [size - 1, document[1], [*document[2], b"\0" * 32, b"\0" * 32]]]),
        ("document_sm3_null", "What is not there is left out, not null.",
         [number, [size - 1, document[1], [*document[2], None]]]),
    ):  # fmt: skip
        yield compact(
            f"compact_{name}",
            why,
            spelt(code, shown),
            scene.world,
            verdict="cannot_tell",
            codes=UNREADABLE,
        )


def recorded(scene: Scene, place: int, parts: Sequence[Disclosure], *digests: bytes) -> Scene:
    """Return the scene with its certificate anchored anew, `digests` from `place` on."""
    record = scene.mine.record
    whole = (*record.digests[:place], *digests, *record.digests[place + len(digests) :])
    record = replace(record, digests=whole, index=scene.issuer.state.certificates)
    scene.mine = Issued(record=record, disclosures=tuple(parts), code=scene.mine.code)
    scene.issuer.anchor([scene.mine])
    return scene


def differing(name: str, why: str, code: Compact, scene: Scene) -> Case:
    """Return a case of a code that shows what is not the record's."""
    return compact(
        name,
        why,
        code,
        scene.world,
        verdict="not_genuine",
        codes={"content": "content.field_differs"},
    )


def places() -> Iterator[Case]:
    """Yield codes whose disclosures have the digest of another place than they name."""
    scene = Scene(documents=[PAPER, PLAN])
    code = code_of(scene.evidence(show=("certificate_number", "holder_name", "document")))
    number, holder, first, second = code.shown
    for name, why, shown in (
        ("place_of_another_document", "The first document is shown at the second's place.",
         (number, holder, replace(first, place=second.place))),
        ("document_at_two_places", "One document is shown at two places, once at its own.",
         (number, holder, first, replace(first, place=second.place))),
        ("document_at_place_of_field", "A document stands where the entry has a field.",
         (number, holder, replace(first, place=2))),
    ):  # fmt: skip
        yield differing(f"compact_{name}", why, replace(code, shown=shown), scene)
    mixed = misnamed_scene()
    yield differing(
        "compact_of_misnamed_field",
        "The issuer put a field in the place of another: under the name of its place it is not what"
        " was certified.",
        code_of(mixed.evidence(show=("certificate_number", "sex"))),
        mixed,
    )
    doubled = Scene(documents=[PAPER])
    (document,) = doubled.mine.named("document")
    place = len(doubled.mine.record.digests) - 1
    parts = [*doubled.mine.named("certificate_number", "holder_name"), document]
    recorded(doubled, place, parts, document.digest, document.digest)
    last = code_of(doubled.evidence(show=("certificate_number", "holder_name", "document")))
    yield compact(
        "compact_last_of_two_places",
        "The record holds one digest at two places: its place is the last.",
        last,
        doubled.world,
    )
    yield differing(
        "compact_first_of_two_places",
        "The record holds one digest at two places: its place is the last, not the first.",
        replace(last, shown=(*last.shown[:-1], replace(last.shown[-1], place=place))),
        doubled,
    )


def misnamed_scene() -> Scene:
    """Return a scene whose issuer put a disclosure named `sex` in place of the holder's name."""
    scene = Scene()
    text = format_disclosure(derived_salt(scene.mine.code, 1), "sex", "张示例")
    part = Disclosure.parse(text)
    return recorded(scene, 1, [scene.mine.disclosures[0], part], part.digest)


def kinds() -> Iterator[Case]:
    """Yield values of another kind than their place has."""
    for name, why, place, value in (
        ("field_of_document", "Its issuer certified a document where a field stands.", 1,
         describe_document(PAPER)),
        ("document_of_text", "Its issuer certified text where a document stands.", 4, "a document"),
    ):  # fmt: skip
        scene = Scene(documents=[PAPER])
        field = "holder_name" if place == 1 else "document"
        code_salt = derived_salt(scene.mine.code, place)
        text = format_disclosure(code_salt, field, value)
        number = scene.mine.named("certificate_number", "holder_name")
        recorded(scene, place, number[:1] if place == 1 else number, digest_of(text))
        code = code_of(scene.evidence())
        shown = CompactDisclosure(place=place, salt=code_salt, value=value)
        kept = [part for part in code.shown if part.place != place]
        yield differing(f"compact_{name}", why, replace(code, shown=(*kept, shown)), scene)
        whole = scene.evidence()
        parts = [part.text for part in whole.disclosures if part.name != field]
        yield unreadable(name, why, with_disclosures(whole, [*parts, text]))


def with_disclosures(evidence: Evidence, texts: Sequence[str]) -> bytes:
    """Return the file of evidence with other disclosures, whatever they are."""
    parts = tuple(Disclosure(text=text, salt="", name="", value="") for text in texts)
    return replace(evidence, disclosures=parts).format()


def documents() -> Iterator[Case]:
    """Yield documents whose SHA-256 is disclosed, and others, with and without the number."""
    scene = Scene(documents=[PAPER])
    salts = [to_base64url(draw(f"document {n}", 16)) for n in range(2)]
    forms: list[Value] = [OTHER_SM3, describe_document(PAPER)]
    twins = [
        Disclosure.parse(format_disclosure(salt, "document", form))
        for salt, form in zip(salts, forms, strict=True)
    ]
    recorded(scene, 4, twins, *(part.digest for part in twins))
    yield Case(
        name="document_beside_its_twin",
        why="Two documents of one SHA-256 are disclosed, the first with another SM3: one of them"
        " is the document.",
        evidence=scene.file(show=("document",)),
        documents=named([PAPER]),
    )
    wrong = Scene(documents=[PAPER])
    (part,) = (Disclosure.parse(format_disclosure(salts[0], "document", OTHER_SM3)),)
    recorded(wrong, 4, [part], part.digest)
    whole = wrong.evidence(show=("document",))
    other = replace(whole, catalog=replace(whole.catalog, path=(draw("hash"),) * 2))
    yield Case(
        name="document_of_other_sm3_without_an_entry",
        why="The document has the SHA-256 of a disclosed one and not its SM3; no entry is proved"
        " and the number is withheld. It is that document by its SHA-256, so it differs.",
        evidence=other.format(),
        documents=named([PAPER]),
        verdict="not_genuine",
        codes={
            "content": "content.document_differs",
            "entitlement": "entitlement.entry_unproved",
        },
    )
    plain = Scene(documents=[PAPER, PLAN])
    shown = plain.evidence(show=("certificate_number", "document"))
    for name, why, evidence, paper, code in (
        ("no_entry_number_withheld", "no entry is proved, and the number is withheld",
         without_entry(plain.evidence(show=("document",))), b"other", "nothing_compared"),
        ("no_entry_number_shown", "no entry is proved, but the number's access code finds none",
         without_entry(shown), b"other", "document_differs"),
        ("no_entry_number_finds", "no entry is proved, but the access code finds the document",
         without_entry(plain.evidence(show=("certificate_number",))), PLAN, "ok"),
        ("all_shown_number_shown", "all documents are disclosed, this is none of them", shown,
         b"other", "document_differs"),
    ):  # fmt: skip
        unproved = name.startswith("no_entry")
        codes = {"entitlement": "entitlement.entry_unproved"} if unproved else {}
        if code != "ok":
            codes["content"] = f"content.{code}"
        yield Case(
            name=f"document_{name}",
            why=f"A document is handed in: {why}.",
            evidence=evidence.format(),
            documents=named([paper]),
            verdict="not_genuine" if code == "document_differs" else "cannot_tell",
            codes=codes,
        )


def without_entry(evidence: Evidence) -> Evidence:
    """Return evidence whose entry is not proved."""
    return replace(evidence, catalog=replace(evidence.catalog, path=(draw("hash"),)))


def strangers() -> Iterator[Case]:
    """Yield presentations over a disclosure that is not the record's, as it stands in the file."""
    scene = bound()
    other = bound("p256")
    named_so = {
        "field": disclosure(to_base64url(draw("salt", 16)), "sex", "男"),
        "holder_key": disclosure(
            to_base64url(draw("salt", 16)), "holder_key", other.mine.named("holder_key")[0].value
        ),
    }
    for name, why, part in (
        ("first", "the holder signs the digests as they stand in the file", named_so["field"]),
        ("holder_key", "the first disclosure named so is the key that must have signed",
         named_so["holder_key"]),
    ):  # fmt: skip
        evidence = scene.evidence(show=("certificate_number", "holder_name", "holder_key"))
        stood = replace(evidence, disclosures=(part, *evidence.disclosures))
        signed = present(scene, evidence=stood)
        codes = {"content": "content.field_differs"}
        if name == "holder_key":
            codes["holder"] = "holder.presentation_unusable"
        yield Case(
            name=f"presented_with_a_strange_{name}",
            why=f"A disclosure that is not the record's stands first: {why}; check 1 fails.",
            evidence=signed.format(),
            request=ASKED,
            verdict="not_genuine",
            codes=codes,
        )


def disclosure(salt: str, name: str, value: Value) -> Disclosure:
    """Return a disclosure that nobody has certified."""
    return Disclosure.parse(format_disclosure(salt, name, value))


def results() -> Iterator[Case]:
    """Yield cases of what check 1 rests on, and of what a result lists."""
    few = list(OPERATORS[:2])
    scene = misnamed_scene()
    note = scene.world.note(dict.fromkeys(few, scene.world.time + 5))
    yield Case(
        name="names_differ_and_unwitnessed",
        why="The entry is proved by its path under the statement's catalog, whether or not the"
        " statement is: check 1 does not rest on check 6.",
        evidence=scene.file(show=("certificate_number", "sex"), note=note),
        verdict="not_genuine",
        codes={
            **BLOCKED,
            "content": "content.name_differs",
            "block": "block.witnesses_too_few",
        },
    )
    yield from strangers()
    whole = bound(documents=[PAPER, PLAN])
    yield Case(
        name="all_kinds_shown",
        why="`shown` lists the holder key and documents among the fields, in the order of places;"
        " what is withheld is listed by name, each document for itself.",
        evidence=present(whole).format(),
        request=ASKED,
    )
    first = whole.mine.named("document")[:1]
    evidence = whole.evidence(show=("certificate_number", "holder_name"))
    yield Case(
        name="one_document_shown",
        why="One of two documents is disclosed; the other and the holder key are withheld.",
        evidence=replace(evidence, disclosures=(*evidence.disclosures, *first)).format(),
        verdict="cannot_tell",
        codes={"holder": "holder.presentation_missing"},
    )
