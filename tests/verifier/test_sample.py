"""A published sample that is made up ends with a code, whatever stands in its headers."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
import rlp

from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.errors import CertledgerError
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.reform.sample import SampleFile, check_sample
from tests.reform_world import card, decision, question, sample


@pytest.fixture(scope="module")
def published() -> SampleFile:
    """Return a sample of three decisions, of which one is drawn."""
    evidence = card("1990-01-01")
    return sample([decision([evidence], f"7Q2M-9XKD-A0F{at}") for at in range(3)], 1)


def test_it_is_drawn_again(published: SampleFile) -> None:
    found = check_sample(SampleFile.parse(published.format()), question())

    assert len(found.drawn) == 1
    assert found.drawn[0] in published.candidates


@pytest.mark.parametrize(
    "header",
    [
        rlp.encode([]),
        rlp.encode([bytes(32)] * 8),
        rlp.encode([[bytes(32)]] * 16),
        rlp.encode([b""] * 16),
        b"\xf8",
        b"",
    ],
)
def test_a_header_that_is_none_is_refused(published: SampleFile, header: bytes) -> None:
    """The checkpoint names it, as that of an attacker's own chain may."""
    evidence = orjson.loads(published.evidence)
    block_hash = parse_note(evidence["checkpoint"]).checkpoint.block_hash
    evidence["checkpoint"] = evidence["checkpoint"].replace(block_hash.hex(), keccak(header).hex())
    assert keccak(header).hex() in evidence["checkpoint"]
    changed = replace(
        published,
        evidence=orjson.dumps(evidence, option=orjson.OPT_SORT_KEYS),
        headers=[*published.headers[:-1], header],
    )

    with pytest.raises(CertledgerError):
        check_sample(changed, question())
