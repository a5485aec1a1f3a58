"""The service never answers against what it knows: old evidence is judged by its newest state."""

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from certledger.ledger.core.service_values import Role
from certledger.ledger.verification.mirror_node import MirrorJudge
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.formats.state_proof import slot_position
from certledger.verifier.verify.basis import OPERATOR_NODE
from certledger.verifier.verify.block_trust import Slot
from certledger.verifier.vocabulary import Status
from tests.api.world import World, disclosures, make_world, serve


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with make_world(tmp_path_factory.mktemp("newer") / "home") as made:
        yield made


@pytest.fixture(scope="module")
def old(known: World) -> dict[int, Evidence]:
    """Return evidence of the certificates from before one was revoked, one suspended."""
    made = {place: known.evidence(place) for place in (0, 2, 3)}
    known.issuer.change([2], Status.REVOKED, "R01")
    known.issuer.change([3], Status.SUSPENDED, "S01")
    known.ledger.run_until_idle()
    return made


@pytest.fixture(scope="module")
def counter(known: World, old: dict[int, Evidence]) -> Iterator[httpx.Client]:
    with serve(known) as running, running.client(Role.COUNTER) as opened:
        yield opened


def ask(counter: httpx.Client, question: dict[str, Any]) -> dict[str, Any]:
    answer = counter.post("/v1/verifications", json=question)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    ("place", "verdict", "code"),
    [
        (0, "valid", "ok"),
        (2, "not_in_force", "status.revoked"),
        (3, "not_in_force", "status.suspended"),
    ],
)
def test_file_code_and_lookup_of_one_certificate_get_one_answer(
    known: World,
    old: dict[int, Evidence],
    counter: httpx.Client,
    place: int,
    verdict: str,
    code: str,
) -> None:
    evidence = old[place]
    compact = Compact.of(known.ledger.pin.identity, evidence.record, evidence.path,
                         evidence.disclosures)  # fmt: skip
    shown = {part.text for part in evidence.disclosures}
    parts = [part for part in disclosures(known.issuer.sealed[0], place) if part.text in shown]
    lookup = {"digest": known.lookup(place).hex(), "disclosures": [part.text for part in parts]}
    old_file = orjson.loads(evidence.format())
    by_file, spaced, by_code, by_lookup = (
        ask(counter, question)["result"]
        for question in (
            {"evidence": old_file},
            {"evidence": old_file, "documents": []},
            {"code": compact.format()},
            {"lookup": lookup},
        )
    )
    assert (by_file["verdict"], by_file["checks"][7]["code"]) == (verdict, code)
    assert by_file == spaced == by_code == by_lookup
    assert by_file["basis"] == OPERATOR_NODE


def test_words_and_receipt_say_on_whom_the_answer_rests(
    old: dict[int, Evidence], counter: httpx.Client
) -> None:
    answer = ask(counter, {"evidence": orjson.loads(old[0].format())})
    assert answer["receipt"]["receipt"]["basis"] == [OPERATOR_NODE]
    assert answer["words"]["basis"] in (OPERATOR_NODE, "仅凭运营方的节点")
    unreadable = ask(counter, {"evidence": {}})
    assert unreadable["receipt"]["receipt"]["basis"] == []
    assert "basis" not in unreadable["words"]


def test_what_the_mirror_cannot_say_anew_is_overtaken(
    known: World, old: dict[int, Evidence]
) -> None:
    assert known.ledger.policy is not None
    judge = MirrorJudge(known.ledger.policy.policy, known.service.mirror)
    evidence = old[2]
    note, issuer = parse_note(evidence.checkpoint), evidence.issuer
    slot = Slot(position=slot_position(issuer.issuer), value=issuer.digest())
    assert judge(note, known.ledger.pin, slot).overtaken
    newest = known.evidence(2)
    current = Slot(position=slot_position(issuer.issuer), value=newest.issuer.digest())
    judged = judge(parse_note(newest.checkpoint), known.ledger.pin, current)
    assert (judged.code, judged.overtaken, judged.basis) == ("ok", False, OPERATOR_NODE)
