"""The road over HTTP: hand in, wait, get evidence, verify; each answer checks."""

from __future__ import annotations

import gzip
import json
import os
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from certledger.api.app import app_of
from certledger.api.service import MAX_RELAYS, Service
from certledger.ledger.chain.client import NodeClient
from certledger.ledger.core.service_values import Role
from certledger.ledger.intake.batches import submit_batch
from certledger.ledger.sealing.batch import seal_issues
from certledger.ledger.sealing.issue import Issue
from certledger.ledger.verification.verification_receipt import VerificationReceipt
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.presentation import Request as PresentationRequest
from certledger.verifier.formats.presentation import Subject, format_holder_key, sign
from certledger.verifier.verify.checks import CHINA
from certledger.verifier.verify.content_check import Fingerprint
from certledger.verifier.vocabulary import Status
from tests.api.world import Running, World, disclosures, listening


def test_a_batch_is_handed_in_and_becomes_final(world: World, issuer: httpx.Client) -> None:
    batch = world.issuer.seal(3)
    answer = issuer.post("/v1/batches", content=batch.submission())
    assert answer.status_code == 202, answer.text
    receipt = answer.json()["receipt"]
    assert (receipt["sequence"], receipt["count"]) == (batch.statement.sequence, 3)
    world.ledger.run_until_idle()
    found = issuer.get(answer.headers["location"] + "?wait=10")
    assert found.json()["state"] == "final"
    again = issuer.post(
        "/v1/batches",
        content=b"".join(batch.submission_lines()),
        headers={"content-encoding": "gzip", "content-type": "application/jsonl"},
    )
    assert again.status_code == 202
    assert again.content == answer.content


def test_evidence_by_leaf_is_evidence(world: World, counter: httpx.Client) -> None:
    leaf = world.issuer.sealed[0].sealed.leaves[0]
    answer = counter.get(f"/v1/evidence/{leaf.hex()}")
    assert answer.status_code == 200, answer.text
    assert Evidence.parse(answer.content).record.leaf() == leaf


def test_good_evidence_is_valid_and_revoked_is_not_in_force(
    world: World, counter: httpx.Client
) -> None:
    for place, verdict in ((0, "valid"), (1, "not_in_force")):
        question = {"evidence": orjson.loads(world.evidence(place).format())}
        answer = counter.post("/v1/verifications", json=question)
        assert answer.status_code == 200, answer.text
        assert answer.json()["result"]["verdict"] == verdict


def test_words_say_when_and_why_the_issuer_changed_the_status(
    world: World, counter: httpx.Client
) -> None:
    sealed = world.issuer.submit(3)
    world.ledger.run_until_idle()
    first = sealed.statement.first
    for index, to, reason in (
        (first, Status.SUSPENDED, "S05"),
        (first + 1, Status.SUSPENDED, "S01"),
        (first + 1, Status.REVOKED, "R02"),
    ):
        world.issuer.change([index], to, reason)
        world.ledger.run_until_idle()
    batch = len(world.issuer.sealed) - 1
    questions = [
        {"evidence": orjson.loads(world.evidence(place, batch).format())} for place in range(3)
    ]
    headers = {"accept-language": "en"}
    answer = counter.post("/v1/verifications", json=questions, headers=headers).json()
    day = datetime.fromtimestamp(world.service.clock(), CHINA).date()
    assert [one["words"].get("reason") for one in answer["results"]] == [
        f"Suspended on {day}: Reported lost (S05)",
        f"Revoked on {day}: Withdrawn (obtained unlawfully or issued in error) (R02)",
        None,
    ]
    chinese = counter.post("/v1/verifications", json=questions[0]).json()
    assert chinese["words"]["reason"] == f"{day} 已暂停：挂失（S05）"


def test_the_receipt_is_the_operators_and_for_these_results(
    world: World, counter: httpx.Client
) -> None:
    questions = [{"evidence": orjson.loads(world.evidence(place).format())} for place in (0, 1)]
    told = counter.post("/v1/verifications", json=questions).json()
    receipt = VerificationReceipt.from_json(told["receipt"])
    receipt.check(world.ledger.operator.address)
    spelled = [orjson.dumps(one["result"], option=orjson.OPT_SORT_KEYS) for one in told["results"]]
    receipt.check_results(spelled)
    found = counter.get(f"/v1/verifications/{told['reference']}")
    assert found.json()["receipt"] == told["receipt"]


def test_number_code_and_digests_are_enough_for_a_verdict(
    world: World, counter: httpx.Client
) -> None:
    shown = world.evidence(0).disclosures
    lookup = {"digest": world.lookup(0).hex(), "digests": [part.digest.hex() for part in shown]}
    told = counter.post("/v1/verifications", json={"lookup": lookup}).json()
    assert told["result"]["verdict"] == "valid", told
    assert told["result"]["certificate"]["shown"] == []
    texts = {"digest": world.lookup(0).hex(), "disclosures": [part.text for part in shown]}
    told = counter.post("/v1/verifications", json={"lookup": texts}).json()
    assert told["result"]["verdict"] == "valid", told


def test_a_lookup_without_what_must_be_shown_is_not_valid(
    world: World, counter: httpx.Client
) -> None:
    told = counter.post(
        "/v1/verifications", json={"lookup": {"digest": world.lookup(0).hex()}}
    ).json()
    assert told["result"]["verdict"] == "cannot_tell"
    assert told["result"]["checks"][0]["code"] == "content.nothing_compared"


def test_a_foreign_document_is_never_valid(world: World, counter: httpx.Client) -> None:
    paper = Fingerprint(sha256="0" * 64, size=3)
    question = {
        "evidence": orjson.loads(world.evidence(0).format()),
        "documents": [{"sha256": paper.sha256, "size": paper.size}],
    }
    told = counter.post("/v1/verifications", json=question).json()
    assert told["result"]["verdict"] != "valid"


def test_evidence_files_as_lines_are_answered_in_order(world: World, counter: httpx.Client) -> None:
    lines = b"\n".join(world.evidence(place).format() for place in (0, 1, 2))
    answer = counter.post(
        "/v1/verifications/files",
        content=gzip.compress(lines),
        headers={"content-type": "application/jsonl", "content-encoding": "gzip"},
    )
    verdicts = [one["result"]["verdict"] for one in answer.json()["results"]]
    assert verdicts == ["valid", "not_in_force", "valid"]


def test_words_come_in_the_language_that_is_asked_for(world: World, counter: httpx.Client) -> None:
    question = {"evidence": orjson.loads(world.evidence(0).format())}
    banners = {
        language: counter.post(
            "/v1/verifications", json=question, headers={"accept-language": language}
        ).json()["words"]["banner"]
        for language in ("zh-CN", "en;q=0.9,zh;q=0.1", "")
    }
    assert banners == {
        "zh-CN": "真实，有效",
        "en;q=0.9,zh;q=0.1": "Genuine and in force",
        "": "真实，有效",
    }


def test_what_is_no_evidence_is_a_verdict_and_not_an_error(counter: httpx.Client) -> None:
    questions: list[dict[str, object]] = [
        {"evidence": {}},
        {"code": "CL1:nonsense"},
        {"lookup": {"digest": "0" * 64}},
    ]
    for question in questions:
        answer = counter.post("/v1/verifications", json=question)
        assert answer.status_code == 200
        assert answer.json()["result"]["verdict"] == "cannot_tell"


def test_a_lookup_tells_the_leaf_or_zeros(world: World, counter: httpx.Client) -> None:
    found = counter.post("/v1/lookups", json={"digest": world.lookup(0).hex()}).json()
    assert found["leaf"] == world.issuer.sealed[0].sealed.leaves[0].hex()
    missing = counter.post("/v1/lookups", json={"digest": "ab" * 32}).json()
    assert (missing["found"], missing["leaf"]) == (False, "0" * 64)
    assert set(found) == set(missing)


def test_the_service_is_alive_ready_and_counts(world: World, public: httpx.Client) -> None:
    world.ledger.mine_heartbeat_block()
    assert public.get("/healthz").json() == {"alive": True}
    ready = public.get("/readyz")
    assert (ready.status_code, ready.json()["faults"]) == (200, [])
    assert "certledger_requests_total" in public.get("/metrics").text


def test_the_node_answers_what_a_verifier_asks_and_nothing_that_writes(
    public: httpx.Client,
) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    assert public.post("/rpc", json=call).json()["result"].startswith("0x")
    call["method"] = "eth_sendRawTransaction"
    assert public.post("/rpc", json=call).json()["error"]["code"] == -32601
    assert len(public.post("/rpc", json=[call, call]).json()) == 2


def test_programs_that_share_an_address_wait_for_each_other_at_the_node(running: Running) -> None:
    node, at_once = NodeClient(f"{running.url}/rpc"), 4 * MAX_RELAYS
    with ThreadPoolExecutor(at_once) as pool:
        answers = list(pool.map(lambda _: node.call("eth_chainId"), range(2 * at_once)))
    assert len(answers) == 2 * at_once
    assert len(set(answers)) == 1


def test_disclosures_are_not_in_what_is_kept(world: World, counter: httpx.Client) -> None:
    values = [part.value for part in disclosures(world.issuer.sealed[0], 0)]
    question = {"evidence": orjson.loads(world.evidence(0).format())}
    told = counter.post("/v1/verifications", json=question).json()
    kept = json.dumps(counter.get(f"/v1/verifications/{told['reference']}").json())
    assert not [value for value in values if len(str(value)) > 2 and str(value) in kept]


def test_an_uploaded_file_and_document_get_the_same_verdict(
    world: World, public: httpx.Client
) -> None:
    evidence = world.evidence(0).format()
    answer = public.post("/v1/verifications/uploads", files=[("evidence", evidence)])
    assert answer.json()["result"]["verdict"] == "valid", answer.text
    files = [("evidence", evidence), ("document", b"another paper")]
    answer = public.post("/v1/verifications/uploads", files=files)
    assert answer.json()["result"]["verdict"] != "valid"
    answer = public.post("/v1/verifications/uploads")
    assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid")
    for files in ([("evidence", evidence)] * 2, [("evidence", evidence), ("other", b"x")]):
        answer = public.post("/v1/verifications/uploads", files=files)
        assert (answer.status_code, answer.json()["code"]) == (422, "schema.invalid")


def test_an_aborted_upload_leaves_nothing_and_harms_nobody(
    world: World, running: Running, issuer: httpx.Client
) -> None:
    batch = world.issuer.seal(1)
    data = batch.submission()
    where = urlsplit(running.url)
    head = (
        f"POST /v1/batches HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"authorization: {issuer.headers['authorization']}\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    for _ in range(3):
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.sendall(head.encode() + data[: len(data) // 2])
    issuer_code = world.issuer.issuer
    assert issuer.get(f"/v1/batches/{issuer_code}/{batch.statement.sequence}").status_code == 404
    assert issuer.post("/v1/batches", content=data).status_code == 202
    world.ledger.run_until_idle()


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x00\xff\x16\x03\x01",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\n" + b"x: y\r\n" * 200 + b"\r\n",
        b"POST /v1/lookups HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/lookups HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n"
        b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /v1/issuers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \xff\xfe\r\n\r\n",
    ],
)
def test_bytes_that_are_hardly_http_never_make_a_fault(
    running: Running, public: httpx.Client, raw: bytes
) -> None:
    where = urlsplit(running.url)
    with socket.create_connection((where.hostname, where.port), timeout=5) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65_536)
    assert not answer.startswith(b"HTTP/1.1 5")
    assert public.get("/healthz").status_code == 200


BOUND_HOLDER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def bound(world: World, label: str, nonce: str) -> dict[str, Any]:
    """Return a question about a new bound certificate, presented to the counter under a nonce."""
    entry = world.issuer.catalog.entries[-1]
    issue = Issue(
        entry=entry,
        number=label,
        fields=dict.fromkeys(entry.fields[1:4], "值"),
        issued=date(2026, 1, 1),
        expires=date(2036, 1, 1) if entry.months else None,
        holder_key=format_holder_key(BOUND_HOLDER.public_key()),
    )
    batch = seal_issues(
        [issue],
        catalog=world.issuer.catalog,
        head=world.issuer.head,
        issuer=world.issuer.issuer,
        secret=bytes(32),
        seed=os.urandom(32),
        signer=world.issuer.key,
        now=world.issuer.now(),
        identity=world.ledger.pin.identity,
    )
    world.issuer.head = batch.head
    world.issuer.sealed.append(batch)
    submit_batch(world.ledger.intake, batch.submission())
    world.ledger.run_until_idle()
    return present_again(world, nonce)


def present_again(world: World, nonce: str) -> dict[str, Any]:
    """Return a question about the newest bound certificate, presented anew."""
    batch = world.issuer.sealed[-1]
    evidence = world.ledger.maker.of_leaf(batch.sealed.leaves[0])
    shown = evidence.showing(disclosures(batch, 0))
    subject = Subject(
        identity=world.ledger.pin.identity,
        leaf=batch.sealed.leaves[0],
        shown=tuple(part.digest for part in shown.disclosures),
    )
    asked = PresentationRequest(audience="pudong-7", nonce=nonce)
    presented = replace(
        shown, presentation=sign(BOUND_HOLDER, asked, subject, time=int(world.service.clock()))
    )
    return {"evidence": orjson.loads(presented.format()), "nonce": nonce}


def test_a_presentation_is_good_once_and_only_for_the_counter_that_asked(
    world: World, counter: httpx.Client, partner: httpx.Client
) -> None:
    question = bound(world, "bound 1", "n-1")

    def ask(client: httpx.Client, **changes: str) -> tuple[str, str]:
        told = client.post("/v1/verifications", json=question | changes).json()["result"]
        return told["verdict"], told["checks"][9]["code"]

    assert ask(partner) == ("cannot_tell", "holder.presentation_unusable")
    assert ask(counter, nonce="n-2") == ("cannot_tell", "holder.other_nonce")
    assert ask(counter) == ("valid", "ok")
    assert ask(counter) == ("cannot_tell", "holder.replayed")


def test_the_counter_that_was_shown_a_presentation_may_ask_again_by_its_reference(
    world: World, counter: httpx.Client
) -> None:
    question = bound(world, "bound 3", "n-3")

    def ask(client: httpx.Client, **more: str) -> tuple[str, str, str]:
        answer = client.post("/v1/verifications", json=question | more).json()
        result = answer["result"]
        return result["verdict"], result["checks"][9]["code"], answer["reference"]

    *first, reference = ask(counter)
    *refused, other = ask(counter, earlier="0000-0000-0000")
    assert (first, refused) == (["valid", "ok"], ["cannot_tell", "holder.replayed"])
    assert ask(counter, earlier=reference)[:2] == ("valid", "ok")
    assert ask(counter, earlier=reference, nonce="n-4")[:2] == ("cannot_tell", "holder.other_nonce")
    assert ask(counter, earlier=other)[:2] == ("cannot_tell", "holder.replayed"), "it was refused"
    _, key = world.service.keys.create(name="desk 2", role=Role.COUNTER, counter="pudong-7")
    second = httpx.Client(base_url=counter.base_url, headers={"authorization": f"Bearer {key}"})
    assert ask(second, earlier=reference)[:2] == ("cannot_tell", "holder.replayed")
    assert counter.post("/v1/verifications", json=question | {"earlier": "x"}).status_code == 422
    # Of the same certificate, but shown to the second desk: a reference of one's own is not enough.
    anew = present_again(world, "n-5")
    assert second.post("/v1/verifications", json=anew).json()["result"]["verdict"] == "valid"
    told = counter.post("/v1/verifications", json=anew | {"earlier": reference}).json()["result"]
    assert (told["verdict"], told["checks"][9]["code"]) == ("cannot_tell", "holder.replayed")


def test_a_presentation_is_accepted_once_by_all_processes_together(
    world: World, counter: httpx.Client
) -> None:
    question = bound(world, "bound 2", "n-2")
    services = [Service(ledger=world.ledger, options=world.service.options) for _ in range(2)]
    headers, start = counter.headers, threading.Barrier(8)
    with listening(app_of(services[0])) as one, listening(app_of(services[1])) as two:

        def ask(number: int) -> tuple[str, str]:
            start.wait()
            url = f"{(one, two)[number % 2]}/v1/verifications"
            asked = [question] if number < 4 else question
            told = httpx.post(url, json=asked, headers=headers, timeout=60).json()
            result = told["results"][0]["result"] if number < 4 else told["result"]
            return result["verdict"], result["checks"][9]["code"]

        with ThreadPoolExecutor(8) as pool:
            found = Counter(pool.map(ask, range(8)))
    assert found == {("valid", "ok"): 1, ("cannot_tell", "holder.replayed"): 7}


def test_an_issuer_that_does_not_come_is_not_waited_for_for_ever(
    running: Running, counter: httpx.Client
) -> None:
    where = urlsplit(running.url)
    head = (
        "POST /v1/lookups HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n"
        f"authorization: {counter.headers['authorization']}\r\n\r\n{{"
    )
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall(head.encode())
        answer = b""
        # Head and issuer of the answer may come one after the other.
        while b"request.too_slow" not in answer and (more := connection.recv(65_536)):
            answer += more
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"request.too_slow" in answer
