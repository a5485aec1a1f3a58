"""Status changes: what may follow on what, and proofs that lead nowhere."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certledger.verifier.formats.status_tree import DEFAULTS, StatusTree, move
from certledger.verifier.vocabulary import MEANING, Standing, Status
from tests.contracts.acts import Act
from tests.contracts.people import STATUS, Office
from tests.effort import effort

STEPS = [(before, after) for before in Status for after in Status]


def refused(office: Office, act: Act) -> str | None:
    return office.world.call(act.calldata(office.world.identity)).refused


def brought_to(office: Office, status: Status, cell: int = 5) -> None:
    if status is not Status.VALID:
        office.set_status([cell], status)


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_the_issuer_alone_takes_only_allowed_steps(office, before, after):
    brought_to(office, before)
    act = office.status([5], after)
    if after in MEANING[before].may_become:
        office.set_status([5], after)
        assert office.tree.status(5) is after
    elif MEANING[before].may_become:
        assert refused(office, act) == "StatusUnchanged"
    else:
        assert refused(office, act) == "StatusTerminal"


@pytest.mark.parametrize(("before", "after"), STEPS)
def test_with_its_registrar_it_takes_any_step_that_changes_something(office, before, after):
    brought_to(office, before)
    if before is after:
        assert refused(office, office.status([5], after, countersigned=True)) == "StatusUnchanged"
    else:
        office.set_status([5], after, countersigned=True)
        assert office.tree.status(5) is after


@pytest.mark.parametrize("terminal", [Status.REVOKED, Status.SUPERSEDED])
@pytest.mark.parametrize("by_way_of", [Status.SUSPENDED, Status.SUPERSEDED, Status.REVOKED])
def test_no_chain_of_steps_un_revokes(office, terminal, by_way_of):
    office.set_status([5], terminal)
    for step in (by_way_of, Status.VALID):
        assert refused(office, office.status([5], step)) in ("StatusTerminal", "StatusUnchanged")


def test_a_change_moves_the_epoch_by_one_and_the_root_and_nothing_else(office):
    before = office.state
    office.set_status([5], Status.REVOKED)
    assert office.state == replace(before, epoch=before.epoch + 1, status=office.tree.root)


def test_one_forbidden_cell_refuses_the_whole_statement(office):
    office.set_status([200], Status.REVOKED)
    assert refused(office, office.status([1, 2, 200, 299], Status.SUSPENDED)) == "StatusTerminal"
    office.set_status([2], Status.SUSPENDED)
    assert refused(office, office.status([1, 2, 299], Status.SUSPENDED)) == "StatusUnchanged"


def test_neighbours_keep_their_status(office):
    office.set_status([4, 6], Status.SUSPENDED)
    office.set_status([5], Status.REVOKED)
    assert [office.tree.status(cell) for cell in (3, 4, 5, 6, 7)] == [
        Status.VALID,
        Status.SUSPENDED,
        Status.REVOKED,
        Status.SUSPENDED,
        Status.VALID,
    ]


@pytest.mark.parametrize("mask", [0, 1, 2, 3 << 1, 3 << 9 | 3, 7, 1 << 255])
def test_a_mask_takes_whole_cells(office, mask):
    assert refused(office, office.status([0], Status.REVOKED, masks=(mask,))) == "StatusMask"


def test_only_certificates_that_were_issued_have_a_status(office):
    assert office.state.certificates == 300
    assert refused(office, office.status([299], Status.REVOKED)) is None
    for cells in ([300], [301], [299, 300], [383], [384], [2**32 - 1]):
        assert refused(office, office.status(cells, Status.REVOKED)) == "StatusNotIssued"
    office.issue(84)
    assert refused(office, office.status([383], Status.REVOKED)) is None
    assert refused(office, office.status([384], Status.REVOKED)) == "StatusNotIssued"


def test_positions_strictly_increase_and_lie_below_2_to_the_25(office):
    good = office.status([0, 130], Status.REVOKED)
    swapped = replace(
        good,
        said=replace(good.said, words=good.said.words[::-1], masks=good.said.masks[::-1]),
        olds=good.olds[::-1],
    )
    assert refused(office, swapped) == "StatusOrder"
    twice = office.status([0, 130], Status.REVOKED, words=(0, 0))
    assert refused(office, twice) == "StatusOrder"
    for position in (2**25, 2**31, 2**32 - 1):
        far = office.status([0], Status.REVOKED, words=(position,))
        assert refused(office, far) == "StatusOrder"


def test_a_position_has_no_bits_above_its_32(office):
    """The digest is over the words as they stand in the call, so there is no second spelling."""
    data = bytearray(office.status([130], Status.REVOKED).calldata(office.world.identity))
    place = data.index((1).to_bytes(32, "big") + (1).to_bytes(32, "big"))
    data[place + 32] = 1  # The list of one word holds 1 + 2^248.
    assert office.world.call(bytes(data)).refused is not None


def test_there_are_1_to_512_words_and_as_many_of_everything(office):
    office.issue(65_536)
    office.issue(65_536)
    most = [word * 128 for word in range(512)]
    assert refused(office, office.status(most, Status.REVOKED)) is None
    assert refused(office, office.status([*most, 512 * 128], Status.REVOKED)) == "StatusSize"
    assert refused(office, office.status([], Status.REVOKED)) == "StatusSize"
    two = office.status([0, 130], Status.REVOKED)
    for short in (
        replace(two, olds=two.olds[:1]),
        replace(two, olds=(*two.olds, bytes(32))),
        office.status([0, 130], Status.REVOKED, masks=(3,)),
        office.status([0, 130], Status.REVOKED, words=(0,)),
    ):
        assert refused(office, short) == "StatusSize"


def test_there_are_only_four_statuses(office):
    assert refused(office, office.status([0], Status.REVOKED, status=4)) == "StatusUnknown"
    assert refused(office, office.status([0], Status.REVOKED, status=255)) == "StatusUnknown"


def proofs_gone_wrong(act: Act) -> dict[str, Act]:
    """Return the act with its proof spoiled in every way that keeps its form."""
    proof, olds = act.proof, act.olds
    found = {}
    for at in range(len(proof.siblings)):
        other = bytes([proof.siblings[at][0] ^ 1]) + proof.siblings[at][1:]
        siblings = (*proof.siblings[:at], other, *proof.siblings[at + 1 :])
        found[f"sibling {at} changed"] = replace(act, proof=replace(proof, siblings=siblings))
        short = (*proof.siblings[:at], *proof.siblings[at + 1 :])
        found[f"sibling {at} left out"] = replace(act, proof=replace(proof, siblings=short))
    reverse = proof.siblings[::-1]
    found["siblings reordered"] = replace(act, proof=replace(proof, siblings=reverse))
    longer = (*proof.siblings, bytes(32))
    found["siblings padded"] = replace(act, proof=replace(proof, siblings=longer))
    found["marks padded"] = replace(act, proof=replace(proof, marks=proof.marks + b"\x00"))
    found["marks cut short"] = replace(act, proof=replace(proof, marks=proof.marks[:-1]))
    for bit in range(8 * len(proof.marks)):
        marks = bytearray(proof.marks)
        marks[bit // 8] ^= 1 << bit % 8
        found[f"mark {bit} flipped"] = replace(act, proof=replace(proof, marks=bytes(marks)))
    for at in range(len(olds)):
        # Another status of a neighbour, so that the step itself stays allowed.
        old = (int.from_bytes(olds[at], "big") ^ 2 << 200).to_bytes(32, "big")
        words = (*olds[:at], old, *olds[at + 1 :])
        found[f"old word {at} changed"] = replace(act, olds=words)
    return found


def test_a_wrong_reordered_or_padded_proof_is_refused(office):
    office.issue(65_536)
    rng = random.Random(7)
    office.set_status(rng.sample(range(60_000), 200), Status.SUSPENDED)
    cells = [cell for cell in rng.sample(range(60_000), 12) if office.tree.status(cell) == "valid"]
    act = office.status(cells, Status.REVOKED)
    assert refused(office, act) is None
    every = list(proofs_gone_wrong(act).items())
    for what, spoiled in every[:: effort(5, 1)]:
        outcome = refused(office, spoiled)
        assert outcome in ("StatusProofShape", "StatusProofRoot"), what


def test_spare_marks_are_zero(office):
    act = office.status([0], Status.REVOKED)
    assert len(act.proof.marks) == 4, "25 marks, and 7 to spare"
    for bit in range(1, 8):
        marks = act.proof.marks[:3] + bytes([act.proof.marks[3] | 1 << bit])
        spoiled = replace(act, proof=replace(act.proof, marks=marks))
        assert refused(office, spoiled) == "StatusProofShape"


def test_a_default_is_never_listed(office):
    act = office.status([0], Status.REVOKED)
    proof = replace(act.proof, marks=b"\x01\x00\x00\x00", siblings=(DEFAULTS[0],))
    assert refused(office, replace(act, proof=proof)) == "StatusProofShape"


def test_a_closed_issuer_still_moves_its_certificates_and_a_suspended_one_does_not(office):
    office.carry(office.standing(Standing.CLOSED))
    assert refused(office, office.status([5], Status.REVOKED)) is None
    for standing in (Standing.SUSPENDED, Standing.STRUCK):
        office.carry(office.restoration(standing))
        for countersigned in (False, True):
            act = office.status([5], Status.REVOKED, countersigned=countersigned)
            assert refused(office, act) == "StandingForbids"


def test_the_reason_is_part_of_what_was_signed(office):
    act = office.status([5], Status.REVOKED, reason=b"R07")
    other = replace(act, said=replace(act.said, reason=b"R08"))
    signatures = office.world.signed(act.said, office.key(STATUS))
    data = other.calldata_with(signatures)
    assert office.world.call(data).refused == "SignerWrong"
    assert office.carry(act).events[0].statement == act.said


@settings(
    max_examples=effort(20, 60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_the_root_follows_from_any_changes(office, data):
    """The contract's new root is that of a tree built anew, for any words and any list before."""
    if office.state.certificates == 300:
        office.issue(65_536)
    tree = StatusTree({at: office.tree.word(at) for at in office.tree.words})
    free = data.draw(st.sets(st.integers(0, 65_000), min_size=1, max_size=20))
    status = data.draw(st.sampled_from([Status.SUSPENDED, Status.REVOKED, Status.VALID]))
    cells = [cell for cell in free if status in MEANING[tree.status(cell)].may_become]
    if not cells:
        return
    office.set_status(cells, status)
    words: dict[int, bytes] = dict(tree.words)
    for cell in cells:
        word = words.get(cell // 128, bytes(32))
        words[cell // 128] = move(word, 3 << 2 * (cell % 128), status)
    assert office.state.status == StatusTree(words).root
