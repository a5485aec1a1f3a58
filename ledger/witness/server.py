"""HTTP server of a witness: cosigns a checkpoint, and returns the last one it signed."""

from __future__ import annotations

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Final

import structlog
from prometheus_client import CONTENT_TYPE_LATEST

from certledger.ledger.bounded_server import BoundedHttpServer, ServerThread
from certledger.ledger.witness.metrics import WitnessMetrics
from certledger.ledger.witness.state import acquire_home, forked, release_home
from certledger.ledger.witness.witness import TwoHistoriesError, Witness, WitnessError
from certledger.verifier.errors import CertledgerError, MalformedError
from certledger.verifier.formats.checkpoint import (
    MAX_NOTE_BYTES,
    CheckpointUnusableError,
    parse_note,
)

log = structlog.get_logger(__name__)
PATH: Final = "/v1/cosignatures"
MAX_CONNECTIONS: Final = 32
"""A witness has few callers, and its chain and home need descriptors too."""
_TEXT: Final = "text/plain; charset=utf-8"
_PROBLEM: Final = "application/problem+json"


class WitnessServer(ServerThread):
    """Serves one witness until it is closed; its home is locked meanwhile.

    `POST /v1/cosignatures` takes a note without cosignatures and returns the signature line;
    `GET /v1/cosignatures/latest` returns the last note signed, `GET /healthz` whether the witness
    can sign (503 if it stopped or its memory is damaged), `GET /metrics` Prometheus figures.
    """

    def __init__(self, witness: Witness, host: str = "127.0.0.1", port: int = 0) -> None:
        acquire_home(witness.home)
        self._home = witness.home
        metrics = WitnessMetrics(witness)
        handler = type("Handler", (_CheckpointHandler,), {"witness": witness, "metrics": metrics})
        super().__init__((host, port), handler, MAX_CONNECTIONS)

    def close(self) -> None:
        """Stop serving, and unlock the home."""
        super().close()
        release_home(self._home)


class _CheckpointHandler(BaseHTTPRequestHandler):
    witness: Witness
    server: BoundedHttpServer
    metrics: WitnessMetrics
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self) -> None:
        if self.path != PATH:
            return self._problem(HTTPStatus.NOT_FOUND, "witness.not_found", "no such page")
        size = self.headers.get("Content-Length", "")
        if not size.isascii() or not size.isdigit() or int(size) > MAX_NOTE_BYTES:
            self.close_connection = True
            return self._problem(HTTPStatus.BAD_REQUEST, "checkpoint.unusable", "too long")
        body = self.rfile.read(int(size))
        with self.server.answering(self.connection):
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        try:
            note = parse_note(body.decode("utf-8"))
            line = self.witness.cosign(note.checkpoint)
        except UnicodeDecodeError:
            self.metrics.count("checkpoint.unusable")
            return self._problem(HTTPStatus.BAD_REQUEST, "checkpoint.unusable", "not UTF-8")
        except WitnessError as error:
            self.metrics.count(error.code)
            log.warning("witness_refuses", code=error.code, reason=str(error))
            return self._problem(HTTPStatus.CONFLICT, error.code, str(error))
        except (MalformedError, CheckpointUnusableError) as error:
            self.metrics.count(error.code)
            return self._problem(HTTPStatus.BAD_REQUEST, error.code, str(error))
        except CertledgerError as error:
            self.metrics.count(error.code)
            log.warning("witness_cannot", code=error.code, reason=str(error))
            return self._problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, str(error))
        except Exception as error:
            self.metrics.count("witness.failed")
            # py-evm may raise anything on a damaged database of the chain.
            log.error("witness_failed", error=type(error).__name__)
            detail = "the witness cannot read its own chain or memory"
            return self._problem(HTTPStatus.SERVICE_UNAVAILABLE, "witness.failed", detail)
        self.metrics.count("ok")
        return self._send(HTTPStatus.OK, _TEXT, line.format().encode())

    def do_GET(self) -> None:
        answers = {
            "/healthz": self._health,
            "/metrics": self._figures,
            f"{PATH}/latest": self._latest,
        }
        if self.path not in answers:
            return self._problem(HTTPStatus.NOT_FOUND, "witness.not_found", "no such page")
        with self.server.answering(self.connection):
            answers[self.path]()

    def _latest(self) -> None:
        try:
            last = self.witness.recall()
        except CertledgerError as error:
            return self._problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, str(error))
        if last is None:
            return self._problem(HTTPStatus.NOT_FOUND, "witness.nothing_signed", "nothing yet")
        return self._send(HTTPStatus.OK, _TEXT, last.note.format().encode())

    def _figures(self) -> None:
        self._send(HTTPStatus.OK, CONTENT_TYPE_LATEST, self.metrics.format())

    def _health(self) -> None:
        """Answer 200 where the witness could sign, with what it signed last."""
        try:
            last = self.witness.recall()
        except CertledgerError as error:
            return self._problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, str(error))
        if forked(self.witness.home):
            detail = "it has seen two histories and signs nothing: fork.json has the proof"
            return self._problem(HTTPStatus.SERVICE_UNAVAILABLE, TwoHistoriesError.code, detail)
        body: dict[str, str | int] = {"status": "ok", "witness": self.witness.name}
        if last is not None:
            body |= {"block": last.checkpoint.number, "time": last.time}
        return self._send(HTTPStatus.OK, "application/json", json.dumps(body).encode())

    def _problem(self, status: HTTPStatus, code: str, detail: str) -> None:
        body = {"title": status.phrase, "status": int(status), "code": code, "detail": detail}
        self._send(status, _PROBLEM, json.dumps(body).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the time of the witness's own clock for the header `Date`."""
        return super().date_time_string(self.witness.clock() if timestamp is None else timestamp)

    def log_message(self, format: str, *args: object) -> None:
        """Log no requests; refusals are logged where they are made."""
