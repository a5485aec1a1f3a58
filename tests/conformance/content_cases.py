"""Cases of checks 1 and 2: what is shown, what is compared, and where the record stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from certledger.verifier.formats.canonical_json import to_base64url
from certledger.verifier.formats.record import (
    Disclosure,
    derived_salt,
    describe_document,
    format_disclosure,
)
from tests.conformance.case import Case, Scene
from tests.world import LICENCE, Issued, draw

PAPER = "示例证照 Example certificate\n".encode()
PLAN = "附图 Plan\n".encode()


def cases() -> Iterator[Case]:
    """Yield the cases of this module."""
    yield from shown()
    yield from documents()
    yield from inclusion()


def disclosure(salt: str, name: str, value: str) -> Disclosure:
    """Return a disclosure that nobody needs to have certified."""
    return Disclosure.parse(format_disclosure(salt, name, value))


def shown() -> Iterator[Case]:
    """Yield cases of fields shown and withheld."""
    scene = Scene()
    plain = scene.evidence()
    every = ("certificate_number", "holder_name", "sex")
    yield Case(
        name="fields_shown",
        why="Number and the field that must be shown are disclosed: that is enough.",
        evidence=plain.format(),
    )
    yield Case(
        name="every_field_shown",
        why="All fields are disclosed; the absent one stays a decoy and is listed as withheld.",
        evidence=scene.file(show=every),
    )
    for name, show in (
        ("nothing_shown", ()),
        ("number_only_shown", ("certificate_number",)),
        ("must_show_field_withheld", ("certificate_number", "sex")),
        ("number_withheld", ("holder_name", "sex")),
    ):
        yield Case(
            name=name,
            why="Neither a document nor all of number and must-show fields were compared, so a"
            " forger could print the number of his own certificate on altered paper.",
            evidence=scene.file(show=show),
            verdict="cannot_tell",
            codes={"content": "content.nothing_compared"},
        )
    number, holder = plain.disclosures
    stranger = scene.certificates[0].named("holder_name")[0]
    for name, why, part in (
        (
            "field_value_changed",
            "The holder's name was changed in the disclosure.",
            disclosure(holder.salt, "holder_name", "李示例"),
        ),
        (
            "field_salt_changed",
            "The salt of a disclosure is another one.",
            disclosure(to_base64url(draw("salt", 16)), "holder_name", str(holder.value)),
        ),
        ("field_of_other_certificate", "A disclosure of the neighbour's certificate.", stranger),
        (
            "field_name_changed",
            "A disclosure says the same under the name of another field.",
            disclosure(holder.salt, "sex", str(holder.value)),
        ),
        (
            "field_homoglyph",
            "The name is spelt with a look-alike character (U+F900 for U+8C48).",
            disclosure(holder.salt, "holder_name", "\uf900"),
        ),
        (
            "field_nfd",
            "The value is canonically equivalent text in other code points: bytes are compared.",
            disclosure(holder.salt, "holder_name", "e\u0301"),
        ),
    ):
        yield Case(
            name=name,
            why=why,
            evidence=replace(plain, disclosures=(number, part)).format(),
            verdict="not_genuine",
            codes={"content": "content.field_differs"},
        )
    yield misnamed()


def misnamed() -> Case:
    """Return a record whose issuer put a disclosure in the place of another field."""
    scene = Scene()
    salt = derived_salt(scene.mine.code, 1)
    wrong = disclosure(salt, "sex", "张示例")
    digests = list(scene.mine.record.digests)
    digests[1] = wrong.digest
    certificates = [*scene.certificates]
    record = replace(
        scene.mine.record, digests=tuple(digests), index=scene.issuer.state.certificates
    )
    scene.mine = Issued(
        record=record, disclosures=(scene.mine.disclosures[0], wrong), code=scene.mine.code
    )
    scene.issuer.anchor([scene.mine, *reindexed(certificates[:2], record.index + 1)])
    return Case(
        name="field_in_place_of_another",
        why="The disclosure is in the record, but in the place of another field, which has"
        " another name: position gives the name.",
        evidence=scene.file(show=("certificate_number", "sex")),
        verdict="not_genuine",
        codes={"content": "content.name_differs"},
    )


def reindexed(certificates: list[Issued], start: int) -> list[Issued]:
    """Return certificates whose records bear the indexes from `start` on."""
    return [
        replace(part, record=replace(part.record, index=start + place))
        for place, part in enumerate(certificates)
    ]


def documents() -> Iterator[Case]:
    """Yield cases of documents handed in."""
    scene = Scene(documents=[PAPER, PLAN])
    number = scene.file(show=("certificate_number",))
    first = replace(scene.evidence(show=()), disclosures=(scene.mine.named("document")[0],))
    both = scene.file(show=("document",))
    for name, why, evidence, papers in (
        ("document_found", "The number's access code finds the document.", number, [PAPER]),
        ("document_disclosed", "The document's own disclosure is enough.", both, [PAPER]),
        ("two_documents", "Both documents of the record are compared.", number, [PLAN, PAPER]),
    ):
        yield Case(name=name, why=why, evidence=evidence, documents=named(papers))
    for name, why, evidence, papers in (
        ("document_changed", "One character was changed.", number, [PAPER.replace(b"E", b"e")]),
        ("document_extended", "One byte was appended.", number, [PAPER + b"\n"]),
        ("document_empty", "The document is empty.", number, [b""]),
        ("document_of_another", "One of two documents is not the record's.", number,
         [PAPER, b"other"]),
        ("document_not_the_disclosed", "All documents are disclosed, this is none.", both,
         [b"other"]),
    ):  # fmt: skip
        yield Case(
            name=name,
            why=why,
            evidence=evidence,
            documents=named(papers),
            verdict="not_genuine",
            codes={"content": "content.document_differs"},
        )
    for name, why, evidence, papers in (
        ("document_undecidable", "The access code is withheld, so nobody can find the document.",
         scene.file(show=("holder_name",)), [PAPER]),
        ("document_perhaps_withheld", "The document may be the one that is not disclosed: that is"
         " no reason to call the holder a forger.", first.format(), [PLAN]),
        ("document_beside_a_withheld", "One document is compared, the other may be the one that is"
         " withheld.", first.format(), [PAPER, PLAN]),
    ):  # fmt: skip
        yield Case(
            name=name,
            why=why,
            evidence=evidence,
            documents=named(papers),
            verdict="cannot_tell",
            codes={"content": "content.nothing_compared"},
        )
    sm3 = Scene(documents=[PAPER], with_sm3=True)
    yield Case(
        name="document_with_sm3",
        why="The record has SHA-256 and SM3 of the document, and both are compared.",
        evidence=sm3.file(show=("certificate_number",)),
        documents=named([PAPER]),
    )
    yield wrong_sm3()


def wrong_sm3() -> Case:
    """Return a record whose SM3 is that of another document than its SHA-256."""
    scene = Scene(documents=[PAPER])
    value = {**describe_document(PAPER), "sm3": "00" * 32}
    place = len(scene.mine.record.digests) - 1
    text = format_disclosure(derived_salt(scene.mine.code, place), "document", value)
    part = Disclosure.parse(text)
    record = replace(
        scene.mine.record,
        digests=(*scene.mine.record.digests[:-1], part.digest),
        index=scene.issuer.state.certificates,
    )
    scene.mine = Issued(record=record, disclosures=(part,), code=scene.mine.code)
    scene.issuer.anchor([scene.mine])
    return Case(
        name="document_sm3_differs",
        why="SHA-256 is the document's, SM3 is not: where both are recorded both must fit.",
        evidence=scene.file(show=("document",)),
        documents=named([PAPER]),
        verdict="not_genuine",
        codes={"content": "content.document_differs"},
    )


def named(papers: list[bytes]) -> dict[str, bytes]:
    """Return documents under file names."""
    return {f"document{number}.txt": content for number, content in enumerate(papers, 1)}


def inclusion() -> Iterator[Case]:
    """Yield cases of the path from the leaf to the batch root."""
    scene = Scene(before=4, after=2)
    plain = scene.evidence()
    path = plain.path
    for name, before, after in (("only_leaf", 0, 0), ("first_leaf", 0, 4), ("last_leaf", 4, 0)):
        yield Case(
            name=name,
            why="A tree of one leaf has an empty path; the right edge of an uneven tree a short"
            " one.",
            evidence=Scene(before=before, after=after).file(),
        )
    for name, why, evidence in (
        ("path_hash_changed", "One hash of the path is another.",
         replace(plain, path=(draw("hash"), *path[1:]))),
        ("path_order", "The hashes of the path are swapped.", replace(plain, path=path[::-1])),
        ("path_too_short", "The path lacks its last hash.", replace(plain, path=path[:-1])),
        ("path_too_long", "The path has one hash more.", replace(plain, path=(*path, path[-1]))),
        ("path_empty", "The path is empty.", replace(plain, path=())),
        ("path_from_inner_node", "The path starts at an inner node, one level up.",
         replace(plain, path=path[1:])),
        ("record_changed", "The record was given a later expiry.",
         replace(plain, record=replace(plain.record, expires=date(2036, 10, 2)))),
        ("record_id_changed", "The record claims the id of another certificate.",
         replace(plain, record=replace(plain.record, id=draw("id")))),
        ("record_of_other_category", "The record claims another category.",
         replace(plain, record=replace(plain.record, category=LICENCE.category))),
    ):  # fmt: skip
        codes = {"inclusion": "inclusion.path_differs"}
        if name == "record_of_other_category":
            codes["entitlement"] = "entitlement.entry_differs"
            codes["content"] = "content.nothing_compared"
        yield Case(
            name=name,
            why=why,
            evidence=evidence.format(),
            verdict="not_genuine",
            codes=codes,
        )
    for index in (7, 2**32 - 1):
        yield Case(
            name=f"index_{index}_outside",
            why="The record's index lies beyond its batch.",
            evidence=replace(plain, record=replace(plain.record, index=index)).format(),
            verdict="not_genuine",
            codes={"inclusion": "inclusion.index_outside"},
        )
    later = Scene(first_batches=2).evidence()
    yield Case(
        name="index_before_batch",
        why="The record's index lies before its batch.",
        evidence=replace(later, record=replace(later.record, index=1)).format(),
        verdict="not_genuine",
        codes={"inclusion": "inclusion.index_outside"},
    )
