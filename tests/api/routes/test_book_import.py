"""An edition is previewed and imported over HTTP, and every fault comes back with its place."""

from __future__ import annotations

from pathlib import Path

import httpx
import orjson
import pytest

from certledger.ledger.core.book_values import StoredEdition
from certledger.verifier.formats.canonical_json import to_base64url
from tests.api.routes.test_book import edition
from tests.api.world import World
from tests.ledger.reform.books import domain_folder
from tests.ledger.reform.test_book_workbook import SMALL, workbook_of

__all__ = ["edition"]
PATH = "/v1/book/editions"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = domain_folder(tmp_path_factory.mktemp("files"))
    return {path.stem: path.read_text("utf-8") for path in folder.glob("*.csv")}


def test_an_edition_is_previewed_and_imported(
    edition: StoredEdition, world: World, administrator: httpx.Client, files: dict[str, str]
) -> None:
    same = administrator.post(PATH, json={"files": files, "preview": True})
    more = files | {"counters": files["counters"] + "NEW-1,新窗口,New window,window,310101,\n"}
    preview = administrator.post(PATH, json={"files": more, "preview": True})
    made = administrator.post(PATH, json={"files": more, "from": "2099-01-01"})
    again = administrator.post(PATH, json={"files": more, "from": "2099-02-01"})

    assert (same.status_code, same.json()) == (200, {"changes": {}, "warnings": []})
    expected = {"counters": {"added": ["NEW-1"], "changed": [], "dropped": []}}
    assert preview.json()["changes"] == expected
    assert (made.json()["edition"], made.json()["changes"]) == (2, expected)
    assert world.service.bookshelf.edition(2).digest.hex() == made.json()["book"]
    assert world.service.bookshelf.current().number == 1
    assert (again.status_code, again.json()["code"]) == (409, "book.unchanged")


def test_every_fault_comes_back_with_its_place_and_nothing_is_changed(
    edition: StoredEdition, world: World, administrator: httpx.Client, files: dict[str, str]
) -> None:
    before = len(world.service.bookshelf.editions())
    bad = files | {"bundles": files["bundles"] + "ONE-BAD,坏,Bad,NO-ITEM;NO-OTHER\n"}
    bad["counters"] += "C-1,<b>甲</b>,A,castle,310101,\n"
    found = administrator.post(PATH, json={"files": bad, "from": "2099-03-01"})
    problem = found.json()

    assert (found.status_code, problem["code"]) == (422, "book.invalid")
    places = [(one["file"], one["column"], one["code"]) for one in problem["faults"]]
    assert places == [
        ("counters.csv", "kind", "vocabulary"),
        ("bundles.csv", "members", "unknown"),
    ]
    assert len(world.service.bookshelf.editions()) == before


def test_a_workbook_is_taken_too(
    edition: StoredEdition, administrator: httpx.Client, tmp_path: Path
) -> None:
    data = workbook_of(tmp_path / "book.xlsx", SMALL).read_bytes()
    found = administrator.post(PATH, json={"workbook": to_base64url(data), "preview": True})

    assert found.status_code == 200, found.text
    assert "BIZ-OPEN" in found.json()["changes"]["service_items"]["dropped"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"files": {}, "workbook": "AA"},
        {"files": {"counters": 1}},
        {"files": {"castles": ""}},
        {"files": []},
        {"workbook": "AA", "preview": "yes"},
        {"files": {}, "from": "soon"},
        {"files": {}, "preview": True, "region": "shanghai"},
        {"files": {}, "preview": True, "more": 1},
    ],
)
def test_what_is_no_import_is_refused(administrator: httpx.Client, body: object) -> None:
    found = administrator.post(PATH, content=orjson.dumps(body))

    assert (found.status_code, found.json()["code"]) == (422, "schema.invalid")
