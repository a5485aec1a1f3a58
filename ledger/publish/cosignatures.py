"""Collect the witnesses' cosignatures of the newest checkpoint into its note."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from urllib.request import Request

import structlog

from certledger.ledger.store.unit_of_work import Store
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.checkpoint import (
    MAX_SIGNATURE_LINES,
    Checkpoint,
    Cosignature,
    Note,
    check_cosignature,
    parse_note,
)
from certledger.verifier.formats.policy import TrustPolicy, WitnessKey
from certledger.verifier.http_client import AnswerTooLongError, NoAnswerError, Response, exchange

log = structlog.get_logger(__name__)
_PATH = "/v1/cosignatures"
MAX_COSIGNATURE_BYTES = 4_096
"""Bytes of a witness's response."""

_NOT_NEWEST = "witness.not_newest"


@dataclass(kw_only=True, slots=True)
class Collector:
    """Requests cosignatures from a policy's witnesses, each within `timeout` seconds.

    `overtaken` is set if the last collection missed the threshold because a witness knew a newer
    final block: that block's checkpoint will be signed.
    """

    policy: TrustPolicy
    urls: Mapping[str, str]
    timeout: float = 10.0
    overtaken: bool = False

    def collect(self, store: Store) -> int:
        """Add missing cosignatures to the newest checkpoint; return how many it has then."""
        with store.begin(write=False) as unit:
            newest = unit.checkpoint()
        if newest is None:
            return 0
        self.overtaken = False
        note = parse_note(newest.note)
        have = {line.name: line for line in note.cosignatures}
        asked = [
            witness
            for witness in self.policy.in_service(note.checkpoint)
            if witness.name in self.urls and witness.name not in have
        ]
        if not asked:
            return len(have)
        with ThreadPoolExecutor(max_workers=len(asked)) as pool:
            lines = pool.map(lambda witness: self._ask(witness, note.checkpoint), asked)
            have |= {line.name: line for line in lines if line is not None}
        if len(have) > len(note.cosignatures):
            whole = Note(checkpoint=note.checkpoint, cosignatures=self.choose_lines(have))
            with store.begin() as unit:
                unit.set_note(newest.number, whole.format())
        self.overtaken = self.overtaken and len(have) < self.policy.trust.threshold
        return len(have)

    def choose_lines(self, lines: Mapping[str, Cosignature]) -> tuple[Cosignature, ...]:
        """Return at most `MAX_SIGNATURE_LINES` lines, by name; one of each operator first."""
        operators: set[str] = set()
        first: list[str] = []
        others: list[str] = []
        for name in sorted(lines):
            witness = self.policy.find_witness(lines[name])
            fresh = witness is not None and witness.operator not in operators
            (first if fresh else others).append(name)
            operators |= {witness.operator} if witness is not None else set()
        chosen = [*first, *others][:MAX_SIGNATURE_LINES]
        return tuple(lines[name] for name in sorted(chosen))

    def _ask(self, witness: WitnessKey, checkpoint: Checkpoint) -> Cosignature | None:
        """Return a witness's line if it verifies, None if not; failures are logged."""
        try:
            answer = self._post(self.urls[witness.name], checkpoint)
            if answer.status == HTTPStatus.CONFLICT and _NOT_NEWEST.encode() in answer.body:
                self.overtaken = True
            if not answer.is_success:
                raise NoAnswerError(f"HTTP status {answer.status}")
            text = answer.body.decode()
            line = parse_note(f"{checkpoint.format_body()}\n{text}").cosignatures
        except (AnswerTooLongError, OSError, ValueError, CertledgerError) as error:
            log.warning("witness_silent", witness=witness.name, reason=str(error)[:200])
            return None
        if len(line) != 1 or line[0].name != witness.name:
            log.warning("witness_answers_otherwise", witness=witness.name)
            return None
        if not check_cosignature(checkpoint, line[0], witness.key):
            log.warning("witness_signature_bad", witness=witness.name)
            return None
        return line[0]

    def _post(self, url: str, checkpoint: Checkpoint) -> Response:
        """Send a checkpoint to the witness at `url`; `timeout` bounds the whole exchange."""
        body = Note(checkpoint=checkpoint).format().encode()
        request = Request(
            url.rstrip("/") + _PATH,
            data=body,
            headers={"Content-Type": "text/plain"},
            method="POST",
        )
        return exchange(request, seconds=self.timeout, longest=MAX_COSIGNATURE_BYTES)
