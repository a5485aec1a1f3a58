"""Submitting over HTTP: once, whole, by whom it concerns, and again with the same answer."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import httpx
import orjson
import pytest

from certledger.api.app import app_of
from certledger.api.request.body import IN_MEMORY
from certledger.api.routes.submissions import issuer_of
from certledger.api.service import Service
from certledger.contracts import calls
from certledger.ledger.core.acts import Lane
from certledger.ledger.core.service_values import Role
from certledger.ledger.intake.pending_state import Intake
from certledger.ledger.issuer import signed_acts
from certledger.ledger.issuer.signed_acts import sign_statement
from certledger.ledger.keys import Signer
from certledger.ledger.sealing.batch import SealedBatch
from certledger.ledger.store import SqlStore
from certledger.ledger.store.tables import METADATA
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.canonical_json import format_canonical, to_base64url
from certledger.verifier.formats.signed_act import statement_to_json
from certledger.verifier.formats.statements import Statement
from certledger.verifier.vocabulary import Status
from tests.api.world import Running, World, listening
from tests.ledger.live import person, registrar


def test_two_hundred_clients_hand_in_the_same_batch_and_get_the_same_receipt(
    world: World, running: Running
) -> None:
    batch = world.issuer.seal(20)
    data = batch.submission()
    start = threading.Barrier(20)

    def many(_: int) -> list[tuple[int, bytes]]:
        start.wait()
        found = []
        for _ in range(10):
            with running.client(Role.ISSUER) as client:
                answer = client.post("/v1/batches", content=data)
            found.append((answer.status_code, answer.content))
        return found

    with ThreadPoolExecutor(20) as pool:
        answers = {one for group in pool.map(many, range(20)) for one in group}
    assert len(answers) == 1
    assert next(iter(answers))[0] == 202
    with world.ledger.store.begin(write=False) as unit:
        acts = unit.acts_at(world.issuer.issuer, Lane.SEQUENCE, batch.statement.sequence)
    assert len(acts) == 1
    world.ledger.run_until_idle()


def test_another_statement_at_the_same_sequence_conflicts(
    world: World, issuer: httpx.Client
) -> None:
    head = world.issuer.head
    first, second = world.issuer.seal(1, "a"), None
    world.issuer.head = head
    second = world.issuer.seal(1, "b")
    assert issuer.post("/v1/batches", content=first.submission()).status_code == 202
    answer = issuer.post("/v1/batches", content=second.submission())
    assert (answer.status_code, answer.json()["code"]) == (409, "batch.conflict")
    world.issuer.head = first.head
    world.issuer.sealed.remove(second)
    world.ledger.run_until_idle()


def test_an_idempotency_key_gives_the_same_answer_and_refuses_another_request(
    world: World, issuer: httpx.Client
) -> None:
    batch = world.issuer.seal(1)
    headers = {"idempotency-key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}
    answers = [
        issuer.post("/v1/batches", content=batch.submission(), headers=headers) for _ in range(2)
    ]
    assert answers[0].status_code == answers[1].status_code == 202
    assert answers[0].content == answers[1].content
    reused = issuer.post("/v1/batches", content=b"{}" + batch.submission(), headers=headers)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency.reused")
    bad = issuer.post("/v1/batches", content=batch.submission(), headers={"idempotency-key": ""})
    assert (bad.status_code, bad.json()["code"]) == (400, "request.invalid")
    world.ledger.run_until_idle()


def test_a_refused_request_leaves_its_idempotency_key_free(
    world: World, issuer: httpx.Client
) -> None:
    batch = world.issuer.seal(1)
    headers = {"idempotency-key": "again"}
    broken = batch.submission().replace(b'"sequence":', b'"sequenz":')
    assert issuer.post("/v1/batches", content=broken, headers=headers).status_code == 422
    good = issuer.post("/v1/batches", content=batch.submission(), headers=headers)
    assert good.status_code == 202
    world.ledger.run_until_idle()


def test_a_status_update_takes_effect_in_the_next_verdict(
    world: World, issuer: httpx.Client, counter: httpx.Client
) -> None:
    question = {"evidence": orjson.loads(world.evidence(3).format())}
    assert counter.post("/v1/verifications", json=question).json()["result"]["verdict"] == "valid"
    for act in world.issuer.status_acts([3], Status.SUSPENDED, "S01"):
        answer = issuer.post("/v1/status-updates", content=format_canonical(act.to_json()))
        assert answer.status_code == 202, answer.text
    world.ledger.run_until_idle()
    question = {"evidence": orjson.loads(world.evidence(3).format())}
    told = counter.post("/v1/verifications", json=question).json()["result"]
    assert told["verdict"] == "not_in_force"
    assert told["checks"][7]["code"] == "status.suspended"


def test_the_head_counts_what_waits(world: World, issuer: httpx.Client) -> None:
    before = issuer.get(f"/v1/issuers/{world.issuer.issuer}/head").json()
    world.issuer.submit(4)
    after = issuer.get(f"/v1/issuers/{world.issuer.issuer}/head").json()
    assert after["batches"] == before["batches"] + 1
    assert after["certificates"] == before["certificates"] + 4
    world.ledger.run_until_idle()


def test_the_records_of_a_batch_are_served_as_they_came(
    world: World, partner: httpx.Client, auditor: httpx.Client
) -> None:
    for client in (partner, auditor):
        answer = client.get(f"/v1/batches/{world.issuer.issuer}/1/records")
        assert answer.status_code == 200
        assert answer.content.splitlines() == world.issuer.sealed[0].records


def test_who_a_statement_names_is_read_from_either_end(world: World) -> None:
    batch = world.issuer.sealed[0]
    lines = gzip.decompress(b"".join(batch.submission_lines()))
    spaced = orjson.dumps(orjson.loads(batch.submission()), option=orjson.OPT_INDENT_2)
    for data in (batch.submission(), lines, spaced):
        assert issuer_of(BytesIO(data)) == world.issuer.issuer
    for data in (b"", b"{}", b'{"statement":{}}', b'{"statement":{"issuer":1}}', b'{"statement":{'):
        with pytest.raises(MalformedError):
            issuer_of(BytesIO(data))


FULL: dict[str, Callable[[Intake], Intake]] = {
    "chain.away": lambda intake: replace(intake, clock=lambda: intake.clock() + 7_300),
    "intake.overloaded": lambda intake: replace(
        intake, limits=replace(intake.limits, waiting_acts=1)
    ),
}


def test_a_retired_ledger_takes_nothing_more_in(
    world: World, issuer: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = world.ledger.intake
    monkeypatch.setattr(world.ledger, "intake", replace(intake, retired=True))
    batch, before = world.issuer.seal(1), rows(world)
    answer = issuer.post("/v1/batches", content=batch.submission())
    assert (answer.status_code, answer.json()["code"]) == (409, "ledger.retired")
    assert rows(world) == before
    monkeypatch.setattr(world.ledger, "intake", intake)
    assert issuer.post("/v1/batches", content=batch.submission()).status_code == 202
    world.ledger.run_until_idle()


@pytest.mark.parametrize("code", FULL)
def test_when_too_much_waits_or_too_long_nothing_more_is_taken_in_and_what_was_is_told_again(
    code: str, world: World, issuer: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = world.ledger.intake
    waiting = world.issuer.seal(1)
    receipt = issuer.post("/v1/batches", content=waiting.submission()).content
    monkeypatch.setattr(world.ledger, "intake", FULL[code](intake))
    batch, before = world.issuer.seal(1), rows(world)
    [act] = world.issuer.status_acts([0], Status.SUSPENDED, "S01")
    change = format_canonical(act.to_json())
    key = {"idempotency-key": code}
    for path, data in (("/v1/batches", batch.submission()), ("/v1/status-updates", change)):
        answer = issuer.post(path, content=data, headers=key)
        assert (answer.status_code, answer.json()["code"]) == (503, code)
        assert int(answer.headers["retry-after"]) > 0
    assert rows(world) == before
    assert issuer.post("/v1/batches", content=waiting.submission()).content == receipt
    monkeypatch.setattr(world.ledger, "intake", intake)
    assert issuer.post("/v1/batches", content=batch.submission(), headers=key).status_code == 202
    world.issuer.epoch -= 1
    world.ledger.run_until_idle()


def rows(world: World) -> dict[str, int]:
    """Return how many rows each table has."""
    store = world.ledger.store
    assert isinstance(store, SqlStore)
    with store.engine.connect() as connection:
        return {
            name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()
            for name in METADATA.tables
        }


# A statement that did not come ------------------------------------------------------------------


def carry(world: World, batch: SealedBatch) -> None:
    """Let the issuer anchor a batch itself, by its own transaction."""
    ledger = world.ledger
    with ledger.store.begin(write=False) as unit:
        seen = unit.issuer(world.issuer.issuer)
    assert seen is not None
    packed = calls.pack_batch(batch.statement, key=0, signature=batch.signature)
    call = calls.anchor([(seen.state, [packed])])
    ledger.chain.broadcast(ledger.chain.sign(call, nonce=ledger.chain.next_nonce()).raw)


def test_of_a_batch_displaced_by_one_that_the_issuer_anchored_itself_the_other_is_told(
    world: World, issuer: httpx.Client
) -> None:
    head = world.issuer.head
    first = world.issuer.seal(1, "first ")
    place = f"/v1/batches/{world.issuer.issuer}/{first.statement.sequence}"
    world.issuer.head = head
    second = world.issuer.seal(2, "second ")
    assert issuer.post("/v1/batches", content=first.submission()).status_code == 202
    carry(world, second)
    world.ledger.run_until_idle()
    assert issuer.get(place).json()["state"] == "displaced"
    for text in (first.submission(), b"".join(first.submission_lines())):
        packed = {"content-encoding": "gzip"} if text[:2] == b"\x1f\x8b" else {}
        answer = issuer.post("/v1/batches", content=text, headers=packed)
        assert (answer.status_code, answer.json()["code"]) == (409, "act.dead")
    world.issuer.head = head
    third = world.issuer.seal(1, "third ")
    answer = issuer.post("/v1/batches", content=third.submission())
    assert (answer.status_code, answer.json()["code"]) == (409, "batch.conflict")
    receipts = [issuer.post("/v1/batches", content=second.submission()) for _ in range(2)]
    assert [answer.status_code for answer in receipts] == [202, 202]
    assert receipts[0].content == receipts[1].content
    world.ledger.run_until_idle()
    told = issuer.get(place).json()
    assert (told["state"], told["digest"]) == ("final", second.digest.hex())
    world.issuer.head = second.head
    assert issuer.post("/v1/batches", content=world.issuer.seal(1).submission()).status_code == 202
    world.issuer.sealed.remove(first)
    world.issuer.sealed.remove(third)
    world.ledger.run_until_idle()


def test_of_a_batch_that_expired_the_same_records_are_signed_anew(
    world: World, issuer: httpx.Client
) -> None:
    first = world.issuer.seal(2, "late ")
    behind = world.issuer.seal(1, "behind ")
    for batch in (first, behind):
        assert issuer.post("/v1/batches", content=batch.submission()).status_code == 202
    with world.ledger.store.begin() as unit:
        assert unit.expire(first.statement.not_after + 1) == 2
    place = f"/v1/batches/{world.issuer.issuer}/{first.statement.sequence}"
    assert issuer.get(place, params={"wait": 60}).json()["state"] == "expired"
    answer = issuer.post("/v1/batches", content=first.submission())
    assert (answer.status_code, answer.json()["code"]) == (409, "act.dead")
    said = replace(first.statement, not_after=first.statement.not_after + 60)
    digest = said.digest(world.ledger.pin.identity)
    submission = orjson.loads(first.submission()) | {
        "statement": statement_to_json(said),
        "signature": to_base64url(world.issuer.key.sign(digest)),
    }
    anew = issuer.post("/v1/batches", json=submission)
    assert anew.status_code == 202, anew.text
    assert issuer.post("/v1/batches", json=submission).content == anew.content
    world.ledger.run_until_idle()
    told = issuer.get(place).json()
    assert (told["state"], told["digest"]) == ("final", digest.hex())
    assert issuer.get(f"{place}/records").content.splitlines() == first.records
    world.issuer.head = replace(first.head, previous=digest)
    world.issuer.sealed[-2:] = []
    assert issuer.post("/v1/batches", content=world.issuer.seal(1).submission()).status_code == 202
    world.ledger.run_until_idle()


# Waiting ----------------------------------------------------------------------------------------


def test_who_waits_is_answered_when_the_service_ends_and_who_went_away_is_not_waited_for(
    world: World,
) -> None:
    batch = world.issuer.submit(1)
    service = Service(ledger=world.ledger)
    path = f"/v1/batches/{world.issuer.issuer}/{batch.statement.sequence}?wait=60"
    headers = {"authorization": f"Bearer {world.keys[Role.ISSUER]}"}
    with ThreadPoolExecutor(1) as pool, listening(app_of(service)) as url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(url + path, headers=headers, timeout=0.2)
        end = time.monotonic() + 30
        while 'operation="getBatch"' not in httpx.get(f"{url}/metrics").text:
            assert time.monotonic() < end, "its waiting ends long before its time"
        waiting = pool.submit(httpx.get, url + path, headers=headers, timeout=90)
        service.stopping = True
        answer = waiting.result()
    assert (answer.status_code, answer.json()["state"]) == (200, "accepted")
    world.ledger.run_until_idle()


# Large issuers -----------------------------------------------------------------------------------


def pieces(data: bytes, look: Callable[[], object]) -> Iterator[bytes]:
    """Yield an issuer in pieces, and look around when the last one is still to come."""
    middle = len(data) - 100
    for at in range(0, middle, 65_536):
        yield data[at : min(at + 65_536, middle)]
    look()
    yield data[middle:]


@pytest.mark.parametrize("form", ["object", "lines", "packed"])
def test_a_large_issuer_comes_by_way_of_a_file_that_has_no_name(
    form: str, world: World, issuer: httpx.Client
) -> None:
    home = world.ledger.settings.home
    batch = world.issuer.seal(4_000, form)
    packed = b"".join(batch.submission_lines())
    data, headers = {
        "object": (batch.submission(), {"content-type": "application/json"}),
        "lines": (gzip.decompress(packed), {"content-type": "application/jsonl"}),
        "packed": (packed, {"content-type": "application/jsonl", "content-encoding": "gzip"}),
    }[form]
    assert len(gzip.decompress(packed)) > IN_MEMORY
    before, seen = set(home.iterdir()), list[set[Path]]()

    def look() -> None:
        seen.append(set(home.iterdir()))

    headers["idempotency-key"] = form
    answers = [
        issuer.post("/v1/batches", content=pieces(data, look), headers=headers) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].content == answers[1].content
    other = issuer.post("/v1/batches", content=pieces(data + b"\n", look), headers=headers)
    assert other.status_code == (415 if form == "packed" else 422)
    assert all(there <= before for there in (*seen, set(home.iterdir())))
    with world.ledger.store.begin(write=False) as unit:
        assert list(unit.records(batch.statement.root)) == batch.records
    world.ledger.run_until_idle()


def test_a_large_issuer_that_never_ends_leaves_nothing(world: World, issuer: httpx.Client) -> None:
    home = world.ledger.settings.home
    before = set(home.iterdir())

    def look() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        issuer.post("/v1/batches", content=pieces(bytes(3 * IN_MEMORY), look))
    assert issuer.get(f"/v1/issuers/{world.issuer.issuer}/head").status_code == 200
    assert set(home.iterdir()) <= before


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (gzip.compress(bytes(65 * 2**20), 1), 413),
        (gzip.compress(b"{}") + b"more", 415),
        (gzip.compress(b"{}" * 100_000)[:-1], 415),
        (gzip.compress(b"{}") + gzip.compress(b"{}"), 415),
        (b"no gzip", 415),
        (gzip.compress(b"{} " * 100_000), 422),
        (gzip.compress(b""), 422),
    ],
    ids=["too large", "bytes after it", "cut short", "two", "none", "no batch", "nothing"],
)
def test_a_packed_issuer_is_unpacked_no_further_than_it_may_be(
    data: bytes, status: int, issuer: httpx.Client
) -> None:
    answer = issuer.post("/v1/batches", content=data, headers={"content-encoding": "gzip"})
    assert answer.status_code == status, answer.text


def test_who_a_statement_names_is_read_from_the_middle_too(world: World) -> None:
    head = world.issuer.sealed[0].submission_head()
    middle = orjson.dumps({"statement": head["statement"]})[1:-1]
    for before in (0, 65_000, 65_530, 150_000, 1_000_000):
        data = b"{" + b" " * before + middle + b" " * 200_000 + b"}"
        assert issuer_of(BytesIO(data)) == world.issuer.issuer


def test_a_registrars_act_needs_no_key(world: World, running: Running) -> None:
    """Hold and release without a key; acts that no registrar in office signed need one."""
    issuer, identity, now = world.other.issuer, world.ledger.pin.identity, int(time.time())
    region = int(issuer[2:4])

    def signed(statement: Statement, *signers: Signer) -> bytes:
        return format_canonical(sign_statement(statement, signers, identity).to_json())

    hold = signed_acts.hold(region, [issuer], nonce=1, now=now)
    stranger = signed(hold, person("a stranger"))
    other = signed(signed_acts.hold(region, [issuer], nonce=9, now=now), registrar(region))
    with running.client(None) as anyone:
        refused = anyone.post("/v1/acts", content=stranger)
        assert (refused.status_code, refused.json()["code"]) == (401, "auth.missing")
        assert anyone.post("/v1/status-updates", content=stranger).status_code == 401
        assert anyone.post("/v1/acts", content=b"{}").status_code == 422
        assert anyone.post("/v1/acts", content=b" " * 70_000).status_code == 413
        assert anyone.post("/v1/acts", content=other).status_code == 409

        for statement, held in (
            (hold, True),
            (signed_acts.release(region, [issuer], nonce=2, now=now), False),
        ):
            data = signed(statement, registrar(region))
            taken = anyone.post("/v1/acts", content=data)
            assert taken.status_code == 202, taken.text
            world.ledger.run_until_idle()
            with world.ledger.store.begin(write=False) as unit:
                row = unit.issuer(issuer)
            assert row is not None
            assert row.on_hold is held
