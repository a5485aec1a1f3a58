"""The comments at cells of a worksheet."""

from __future__ import annotations

from certledger.ledger.sheets.archive import Archive
from certledger.ledger.sheets.references import REFERENCE, column_index

MAX_COMMENTS = 100_000
MAX_COMMENT_CHARACTERS = 200
"""Characters of a comment that are read; a finding quotes fewer."""


def read_comments(archive: Archive, part: str) -> dict[tuple[int, int], str]:
    """Return the comments at the cells of a worksheet, by row from 1 and column from 0."""
    found: dict[tuple[int, int], str] = {}
    place: tuple[int, int] | None = None
    inside = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal place, inside
        if tag == "comment":
            at = REFERENCE.fullmatch(attributes.get("ref", ""))
            place = (int(at[2]), column_index(at[1])) if at and len(found) < MAX_COMMENTS else None
            if place is not None:
                found[place] = ""
        inside = tag == "t"

    def text(piece: str) -> None:
        if inside and place is not None and len(found[place]) < MAX_COMMENT_CHARACTERS:
            found[place] += piece[:MAX_COMMENT_CHARACTERS]

    def end(tag: str) -> None:
        nonlocal inside
        inside = False

    for kind, target in archive.relations(part).values():
        name = archive.find(target) if kind == "comments" else None
        if name is not None:
            archive.parse(name, start, end, text)
    return {at: " ".join(words.split()) for at, words in found.items() if words.strip()}
