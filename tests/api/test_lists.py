"""In a list of questions each is judged by itself."""

from __future__ import annotations

import httpx
import orjson
import pytest
from sqlalchemy import event

from tests.api.world import World

GOOD = b'{"lookup":{"digest":"%s"}}' % (b"4" * 64)


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (b'{"evidence":{"a":1.5}}', "json.number"),
        (b'{"evidence":{"a":null}}', "json.null"),
        (b'{"evidence":{"a":1,"a":1}}', "json.duplicate_name"),
        (b'{"evidence":{"a":NaN}}', "json.syntax"),
        (b'{"evidence":{"a":-1}}', "json.number"),
        (b'{"evidence":{"a":%b}}' % (b"9" * 5_000), "json.number"),
        (b'{"evidence":{"a":"\\ud800"}}', "json.surrogate"),
        (b'{"evidence":{"\xe4\xb8\xad":1}}', "json.name"),
        (b'{"evidence":' + b'{"a":' * 12 + b"1" + b"}" * 13, "json.depth"),
        (b'{"code":7}', "schema.invalid"),
        (b'{"code":"CL1:A","lookup":{}}', "schema.invalid"),
        (b"[]", "schema.invalid"),
        (b'{"evidence":{},"documents":[{"sha256":"%s","size":0}]}' % (b"1" * 64), "document.empty"),
        (b'{"lookup":{"digest":"%s"},"service_item":"NO-ITEM"}' % (b"4" * 64), "item.unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_bad_question_harms_no_other(counter: httpx.Client, bad: bytes, rule: str) -> None:
    answer = counter.post(
        "/v1/verifications",
        content=b"[%b,%b,%b]" % (GOOD, bad, GOOD),
        headers={"content-type": "application/json"},
    )

    assert answer.status_code == 200, answer.text
    first, second, third = (one["result"] for one in orjson.loads(answer.content)["results"])
    assert first == third
    assert second["checks"][0]["detail"].endswith(f": {rule}")


def test_a_crowded_list_is_refused_before_its_items_are_parsed(counter: httpx.Client) -> None:
    crowded = {b"0," * 2_000: (422, "schema.invalid"), b"{}," * 20_000: (413, "json.size")}
    for items, refusal in crowded.items():
        answer = counter.post(
            "/v1/verifications",
            content=b"[null,%b0]" % items,
            headers={"content-type": "application/json"},
        )
        assert (answer.status_code, answer.json()["code"]) == refusal


def test_what_is_no_list_of_json_is_refused_whole(counter: httpx.Client) -> None:
    wide = "[{}]".encode("utf-16"), "[{}]".encode("utf-32"), "[{}]".encode("utf-8-sig")
    no_json = dict.fromkeys((b"[", b"[{},", b"[" * 100, *wide), (400, "json.syntax"))
    for data, refusal in (no_json | {b'{"a":1.5}': (422, "schema.invalid")}).items():
        answer = counter.post(
            "/v1/verifications", content=data, headers={"content-type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == refusal, data


def test_the_codes_of_a_list_share_one_reading_of_the_newest_snapshot(
    world: World, public: httpx.Client
) -> None:
    count, statements = 200, list[str]()

    def note(*executed: object) -> None:
        statements.append(str(executed[2]))

    engine = world.ledger.store.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        answer = public.post("/v1/verifications", json=[{"code": "CL1:AAAAAAA"}] * count)
    finally:
        event.remove(engine, "before_cursor_execute", note)

    assert answer.status_code == 200, answer.text
    assert len(answer.json()["results"]) == count
    assert 0 < len(statements) < count / 2
