"""Handing in over real HTTP: tried again while the server is away, never after it refused."""

import gzip
import threading
from collections.abc import Iterator
from email.message import Message
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest

from certledger.ledger.client.transport import (
    AnswerInvalidError,
    ServerRefusedError,
    ServerUnreachableError,
)
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.status_changes import sign_changes, status_changes
from certledger.ledger.issuer.submission_client import (
    Parcel,
    SubmissionClient,
    check_handed_in,
    parcel_of,
)
from certledger.verifier.crypto.hashing import sha256
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.canonical_json import Json, format_canonical, to_base64url
from certledger.verifier.formats.statements import Receipt
from certledger.verifier.http_client import retry_after
from certledger.verifier.vocabulary import Status
from tests.ledger.sealing.sheet_folder import ISSUER, LEDGER, NOW, SIGNER, issue, sealed

Reply = tuple[int, dict[str, str], bytes]
RECEIPT = {"receipt": {"sequence": 1}, "signature": "x"}


class Counter(ThreadingHTTPServer):
    """A server that gives the replies it was told, the last one for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies: list[Reply] = [(202, {}, orjson.dumps(RECEIPT))]
        self.seen: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        counter = self.server
        assert isinstance(counter, Counter)
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        counter.seen.append((self.path, headers, body))
        replies = counter.replies
        status, extra, content = replies.pop(0) if len(replies) > 1 else replies[0]
        self.send_response(status)
        for name, value in {**extra, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def counter() -> Iterator[Counter]:
    server = Counter()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


PARCEL = Parcel(path="/v1/batches", data=b"{}", headers={"content-type": "application/json"})


def test_a_receipt_comes_back_and_the_token_goes_along(counter: Counter) -> None:
    server = SubmissionClient(url=counter.url, token="secret-token")
    assert server.hand_in(PARCEL) == RECEIPT
    ((path, headers, body),) = counter.seen
    assert (path, body) == ("/v1/batches", b"{}")
    assert headers["authorization"] == "Bearer secret-token"
    assert "secret-token" not in repr(server)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_the_same_bytes_are_handed_in_again_while_the_server_is_busy(
    status: int, counter: Counter
) -> None:
    notices: list[str] = []
    busy: Reply = (status, {"retry-after": "0"}, b"")
    counter.replies = [busy, busy, *counter.replies]
    assert SubmissionClient(url=counter.url).hand_in(PARCEL, notices.append) == RECEIPT
    assert len({body for _, _, body in counter.seen}) == 1
    assert len(counter.seen) == 3
    assert len(notices) == 2
    assert all(one.startswith(f"the server answers {status}; trying again") for one in notices)


def test_a_wait_longer_than_our_patience_is_not_begun(counter: Counter) -> None:
    counter.replies = [(503, {"retry-after": "3600"}, b"")]
    with pytest.raises(ServerUnreachableError, match="the server answers 503"):
        SubmissionClient(url=counter.url, patience=5).hand_in(PARCEL)
    assert len(counter.seen) == 1


def test_a_retry_after_may_be_a_date() -> None:
    headers = Message()
    assert retry_after(headers) is None
    headers["Retry-After"], headers["Date"] = (formatdate(at, usegmt=True) for at in (1000, 988))
    assert retry_after(headers) == 12
    headers.replace_header("Date", formatdate(1001, usegmt=True))
    assert retry_after(headers) == 0
    headers.replace_header("Retry-After", "soon")
    assert retry_after(headers) is None


def test_a_server_that_is_not_there_is_told_apart_from_a_refusal() -> None:
    with pytest.raises(ServerUnreachableError):
        SubmissionClient(url="http://127.0.0.1:9", patience=0).hand_in(PARCEL)
    with pytest.raises(ServerUnreachableError):
        SubmissionClient(url="http://[", patience=0).hand_in(PARCEL)


@pytest.mark.parametrize(
    ("content", "code", "detail"),
    [
        (b'{"code":"batch.other","detail":"another statement"}', "batch.other", "another stateme"),
        (b'{"title":"Conflict"}', "server.refused", "Conflict"),
        (b"<html>", "server.refused", "answers 409"),
        (b"[]", "server.refused", "answers 409"),
    ],
)
def test_a_refusal_is_told_with_the_servers_code_and_not_repeated(
    content: bytes, code: str, detail: str, counter: Counter
) -> None:
    counter.replies = [(409, {"content-type": "application/problem+json"}, content)]
    with pytest.raises(ServerRefusedError, match=detail) as refusal:
        SubmissionClient(url=counter.url).hand_in(PARCEL)
    assert (refusal.value.code, refusal.value.status) == (code, 409)
    assert len(counter.seen) == 1


def test_an_answer_that_is_no_receipt_is_refused(counter: Counter) -> None:
    counter.replies = [(200, {}, b"<html>")]
    with pytest.raises(AnswerInvalidError, match="no receipt"):
        SubmissionClient(url=counter.url).hand_in(PARCEL)


def test_a_receipt_for_something_else_is_not_believed(tmp_path: Path) -> None:
    batch, other = sealed([issue("A1")]), sealed([issue("A2")])
    (tmp_path / "batch.json").write_bytes(batch.submission())
    (tmp_path / "batch.jsonl.gz").write_bytes(b"".join(batch.submission_lines()))

    def receipt(digest: bytes, ledger: bytes = LEDGER) -> Json:
        content = {"digest": digest.hex(), "ledger": ledger.hex()}
        signed = Receipt(content=sha256(format_canonical(content))).digest(ledger)
        return {"receipt": content, "signature": to_base64url(SIGNER.sign(signed))}

    good, address = receipt(batch.digest), f"0x{SIGNER.address.hex()}"
    for place in (tmp_path, tmp_path / "batch.json", tmp_path / "batch.jsonl.gz"):
        assert check_handed_in(place, good, SIGNER.address) == address
        assert check_handed_in(place, good, None) == address
    falsehoods: list[Json] = [
        receipt(other.digest),
        receipt(batch.digest, bytes(32)),
        good | {"signature": "AA"},
        {"receipt": {}},
        [],
    ]
    for wrong in falsehoods:
        with pytest.raises(AnswerInvalidError):
            check_handed_in(tmp_path, wrong, None)
    with pytest.raises(AnswerInvalidError, match="not by the operator"):
        check_handed_in(tmp_path, good, bytes(20))

    (change,) = status_changes(
        [0], issuer=ISSUER, status=Status.REVOKED, reason="R01", epoch=1, now=NOW
    )
    (act,) = sign_changes([change], signer=SIGNER, identity=LEDGER)
    (tmp_path / "status.json").write_bytes(Envelope(act=act).format())
    assert check_handed_in(tmp_path / "status.json", receipt(act.digest), None) == address
    with pytest.raises(AnswerInvalidError, match="another ledger"):
        check_handed_in(tmp_path / "status.json", receipt(act.digest, bytes(32)), None)


# Parcels


def test_batches_and_acts_go_where_they_belong(tmp_path: Path) -> None:
    batch = sealed([issue("A1")])
    (tmp_path / "batch.json").write_bytes(batch.submission())
    for place in (tmp_path, tmp_path / "batch.json"):
        parcel = parcel_of(place)
        assert (parcel.path, parcel.data) == ("/v1/batches", batch.submission())
        assert parcel.headers == {"content-type": "application/json"}

    (tmp_path / "batch.jsonl.gz").write_bytes(b"".join(batch.submission_lines()))
    parcel = parcel_of(tmp_path / "batch.jsonl.gz")
    assert parcel.headers["content-encoding"] == "gzip"
    assert gzip.decompress(parcel.data).splitlines()[1:] == batch.records

    (change,) = status_changes(
        [0], issuer=ISSUER, status=Status.REVOKED, reason="R01", epoch=1, now=NOW
    )
    (act,) = sign_changes([change], signer=SIGNER, identity=LEDGER)
    (tmp_path / "status.json").write_bytes(Envelope(act=act).format())
    assert parcel_of(tmp_path / "status.json").path == "/v1/status-updates"


def test_what_is_neither_batch_nor_act_is_not_handed_in(tmp_path: Path) -> None:
    with pytest.raises(CertledgerError, match="no sealed batch"):
        parcel_of(tmp_path)
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(CertledgerError):
        parcel_of(tmp_path / "x.json")
