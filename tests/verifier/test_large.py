"""Evidence on a chain of very many accounts: one file of at most 10 KB, and it verifies."""

from certledger.verifier.verify.full import Question, verify_bytes
from certledger.verifier.verify.trust_sources import choose_judge
from certledger.verifier.vocabulary import Verdict
from tests.effort import effort
from tests.large import Size, large_evidence
from tests.world import NOW, policy


def test_evidence_of_an_issuer_of_100000_batches_on_a_large_chain_has_at_most_10_kb() -> None:
    size = Size(accounts=effort(100_000, 1_000_000))
    assert size.batches == 100_000
    data = large_evidence(size).format()
    question = Question(policy=policy(), judge=choose_judge(policy()), now=NOW)
    assert verify_bytes(data, question).verdict is Verdict.VALID
    assert len(data) <= 10_240
