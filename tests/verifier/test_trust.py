"""Judging a block: no lie of a node and no k - 1 witnesses bring a verifier to believe it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import rlp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats.checkpoint import Checkpoint, Cosignature, Note, cosign, parse_note
from certledger.verifier.formats.policy import LedgerPin, Roots, Trust, TrustPolicy, WitnessKey
from certledger.verifier.formats.state_proof import slot_position
from certledger.verifier.node_rpc import RpcClient
from certledger.verifier.verify.block_trust import (
    Judgement,
    Slot,
    judge_by_node,
    judge_by_witnesses,
)
from certledger.verifier.vocabulary import Outcome, Way

TIME = 1_795_000_000
ADDRESS, CODE_HASH = b"\x06" * 20, b"\x07" * 32
POSITION = slot_position("12310000MB2F00001A")


def key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(keccak(name.encode()))


def witness(operator: str, name: str, start: int = 0, until: int | None = None) -> WitnessKey:
    return WitnessKey(
        operator=operator,
        name=name,
        key=key(name).public_key().public_bytes_raw(),
        start=start,
        until=until,
    )


LEDGER = LedgerPin(
    name="ledger",
    chain_id=2026,
    genesis=bytes(32),
    address=ADDRESS,
    code_hash=CODE_HASH,
    identity=b"\x01" * 32,
    deployment=bytes(32),
)
POLICY = TrustPolicy(
    version=1,
    ends=TIME + 10**7,
    roots=Roots(keys=(bytes(32),), threshold=1),
    ledgers=(LEDGER,),
    trust=Trust(ways=(Way.NODE, Way.RPC, Way.WITNESSES), threshold=2, confirmations=12),
    witnesses=(
        witness("anhui", "w-anhui"),
        witness("jiangsu", "w-jiangsu", until=99),
        witness("shanghai", "w-shanghai-1"),
        witness("shanghai", "w-shanghai-2"),
        witness("zhejiang", "w-zhejiang"),
    ),
    block_lag=600,
    default_age=86_400,
    ages={},
    clock_tolerance=60,
    presentation_age=300,
    evidence=("certledger/evidence/1",),
    countersignature=False,
)
CHECKPOINT = Checkpoint(
    identity=LEDGER.identity,
    number=100,
    state_root=b"\x02" * 32,
    block_hash=b"\x03" * 32,
    time=TIME,
)


def note(times: dict[str, int], checkpoint: Checkpoint = CHECKPOINT) -> Note:
    """Return a note as it arrives: cosigned at `times` by name, written and read again."""
    lines = tuple(cosign(checkpoint, name, key(name), times[name]) for name in sorted(times))
    return parse_note(Note(checkpoint=checkpoint, cosignatures=lines).format())


def by_witnesses(given_note: Note, policy: TrustPolicy = POLICY) -> Judgement:
    return judge_by_witnesses(given_note, policy, policy.ledgers[0])


def with_trust(policy: TrustPolicy = POLICY, **changes: Any) -> TrustPolicy:
    return replace(policy, trust=replace(policy.trust, **changes))


# Witnesses


def test_enough_operators_make_a_block_trusted_as_of_the_kth_greatest_time():
    judgement = by_witnesses(
        note({"w-anhui": TIME + 10, "w-shanghai-1": TIME + 30, "w-zhejiang": TIME + 20})
    )
    assert judgement == Judgement(
        code="ok",
        time=TIME + 20,
        way=Way.WITNESSES,
        basis="3 of 3 witnesses: anhui, shanghai, zhejiang",
    )
    assert judgement.outcome is Outcome.PASS


def test_two_witnesses_of_one_operator_count_once_with_the_greater_time():
    both = {"w-shanghai-1": TIME + 10, "w-shanghai-2": TIME + 50}
    assert by_witnesses(note(both)).code == "block.witnesses_too_few"
    assert by_witnesses(note({**both, "w-anhui": TIME + 90})).time == TIME + 50
    assert by_witnesses(note({**both, "w-anhui": TIME + 20})).time == TIME + 20


def test_too_few_operators_leave_the_block_unknown():
    for times in ({}, {"w-anhui": TIME}):
        judgement = by_witnesses(note(times))
        assert (judgement.code, judgement.time) == ("block.witnesses_too_few", None)
        assert judgement.outcome is Outcome.UNKNOWN


def test_a_witness_out_of_service_at_the_block_does_not_count():
    times = {"w-anhui": TIME, "w-jiangsu": TIME}
    assert by_witnesses(note(times)).code == "block.witnesses_too_few"
    earlier = replace(CHECKPOINT, number=99)
    assert by_witnesses(note(times, earlier)).code == "ok"


@pytest.mark.parametrize(
    ("after", "code"), [(600, "ok"), (601, "block.clock"), (-600, "ok"), (-601, "block.clock")]
)
def test_cosignatures_far_from_the_blocks_time_decide_nothing(after, code):
    times = {"w-anhui": TIME + after, "w-zhejiang": TIME + after}
    assert by_witnesses(note(times)).code == code


def test_one_wrong_clock_neither_refreshes_nor_spoils():
    honest = {"w-anhui": TIME + 5, "w-shanghai-1": TIME + 6}
    assert by_witnesses(note({**honest, "w-zhejiang": TIME + 10**8})).time == TIME + 6
    assert by_witnesses(note({**honest, "w-zhejiang": 0})).time == TIME + 5


names = [witness.name for witness in POLICY.witnesses]


@given(
    st.dictionaries(st.sampled_from(names), st.integers(TIME - 700, TIME + 700)), st.integers(1, 4)
)
def test_t_is_what_at_least_k_operators_say_and_not_later(times, threshold):
    judgement = by_witnesses(note(times), with_trust(threshold=threshold))
    operators = {entry.name: entry.operator for entry in POLICY.in_service(CHECKPOINT)}
    counted = {operators[name]: 0 for name in times if name in operators}
    assert (judgement.code == "block.witnesses_too_few") == (len(counted) < threshold)
    if judgement.time is not None:
        saying = {
            operators[name]
            for name, time in times.items()
            if name in operators and time >= judgement.time
        }
        assert len(saying) >= threshold
        assert judgement.time in times.values()


GOOD = {"w-anhui": TIME + 1, "w-shanghai-1": TIME + 2, "w-zhejiang": TIME + 3}


def spoil(change: Callable[[tuple[Cosignature, ...]], tuple[Cosignature, ...]]) -> Note:
    whole = note(GOOD)
    return replace(whole, cosignatures=change(whole.cosignatures))


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: (*lines[:2], replace(lines[2], signature=bytes(64))),
        lambda lines: (*lines[:2], replace(lines[2], time=TIME + 4)),
        lambda lines: (replace(lines[0], signature=lines[1].signature), *lines[1:]),
    ],
    ids=["signature", "time", "other-key"],
)
def test_one_known_line_that_does_not_verify_makes_the_note_unusable(change, node):
    spoiled = spoil(change)
    assert by_witnesses(spoiled).code == "checkpoint.unusable"
    assert judge_by_node(spoiled, RpcClient(node.url), POLICY, LEDGER).code == "checkpoint.unusable"
    assert node.asked == []


def strangers(count: int) -> tuple[Cosignature, ...]:
    return tuple(cosign(CHECKPOINT, f"a-{n:02}", key(f"a-{n}"), TIME) for n in range(count))


@pytest.mark.parametrize("count", [1, 13])
def test_lines_that_the_policy_does_not_know_are_ignored(count):
    whole = note(GOOD)
    more = replace(whole, cosignatures=(*strangers(count), *whole.cosignatures))
    assert by_witnesses(parse_note(more.format())) == by_witnesses(whole)


def test_a_line_under_a_key_id_that_the_policy_does_not_know_is_ignored_and_does_not_count():
    renewed = cosign(CHECKPOINT, "w-anhui", key("w-anhui, next"), TIME + 50)
    whole = note(GOOD)
    assert (
        by_witnesses(replace(whole, cosignatures=(renewed, *whole.cosignatures[1:]))).code == "ok"
    )
    alone = note({"w-anhui": TIME, "w-zhejiang": TIME})
    assert (
        by_witnesses(replace(alone, cosignatures=(renewed, alone.cosignatures[1]))).code
        == "block.witnesses_too_few"
    )


def test_strangers_are_not_counted():
    alone = note({"w-anhui": TIME})
    more = replace(alone, cosignatures=(*strangers(15), *alone.cosignatures))
    assert by_witnesses(parse_note(more.format())).code == "block.witnesses_too_few"


@pytest.mark.parametrize("field", ["number", "state_root", "block_hash", "time"])
def test_cosignatures_of_another_checkpoint_do_not_count(field):
    whole = note(GOOD)
    other: dict[str, Any] = {
        "number": 101,
        "state_root": bytes(32),
        "block_hash": bytes(32),
        "time": TIME + 1,
    }
    moved = replace(whole, checkpoint=replace(CHECKPOINT, **{field: other[field]}))
    assert by_witnesses(moved).code == "checkpoint.unusable"


def test_a_way_that_the_policy_does_not_name_is_not_taken(node):
    rpc = RpcClient(node.url)
    assert by_witnesses(note(GOOD), with_trust(ways=(Way.NODE,))).code == "block.untrusted"
    only = with_trust(ways=(Way.WITNESSES,))
    for way in (Way.NODE, Way.RPC):
        assert judge_by_node(note({}), rpc, only, LEDGER, way=way).code == "block.untrusted"
    assert node.asked == []


def test_a_checkpoint_of_another_ledger_is_not_judged():
    other = replace(CHECKPOINT, identity=bytes(32))
    assert by_witnesses(note(GOOD, other)).code == "block.other_ledger"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"number": 100}, "ok"),
        ({"number": 99}, "ok"),
        ({"number": 101}, "block.untrusted"),
        ({"number": 100, "state_root": bytes(32)}, "block.differs"),
    ],
)
def test_a_retired_ledger_is_believed_up_to_its_last_checkpoint(change, code):
    retired = replace(POLICY, ledgers=(replace(LEDGER, retired=CHECKPOINT),))
    assert by_witnesses(note(GOOD, replace(CHECKPOINT, **change)), retired).code == code


# A node, with real tries under its blocks


class World:
    """A contract with one slot, in a state of other accounts and slots."""

    def __init__(self, value: bytes, code_hash: bytes = CODE_HASH) -> None:
        self.storage: Any = HexaryTrie({})
        for place in range(20):
            self.storage[keccak(bytes([place]) * 32)] = rlp.encode(place + 1)
        if any(value):
            self.storage[keccak(POSITION)] = rlp.encode(int.from_bytes(value, "big"))
        self.state: Any = HexaryTrie({})
        for place in range(20):
            self.state[keccak(bytes([place + 100]) * 20)] = rlp.encode([1, 2, bytes(32), bytes(32)])
        account = [1, 0, self.storage.root_hash, code_hash]
        self.state[keccak(ADDRESS)] = rlp.encode(account)

    def proof(self, *_: Any) -> dict[str, Any]:
        account, slot = (
            [f"0x{rlp.encode(part).hex()}" for part in trie.get_proof(keccak(place))]
            for trie, place in ((self.state, ADDRESS), (self.storage, POSITION))
        )
        return {
            "accountProof": account,
            "storageProof": [{"key": "0x0", "value": "0x0", "proof": slot}],
        }


VALUE = b"\x0b" * 31 + b"\x00"
WORLD = World(VALUE)
SLOT = Slot(position=POSITION, value=VALUE)


def raw(number: int, time: int, root: bytes, block_hash: bytes | None = None) -> dict[str, str]:
    return {
        "number": hex(number),
        "hash": f"0x{(block_hash or keccak(number.to_bytes(5, 'big'))).hex()}",
        "stateRoot": f"0x{root.hex()}",
        "timestamp": hex(time),
    }


MINE = raw(100, TIME, CHECKPOINT.state_root, CHECKPOINT.block_hash)
NEWEST = raw(140, TIME + 400, WORLD.state.root_hash)


@pytest.fixture
def chain(node):
    """What the scripted node answers by tag or number; a test changes it."""
    blocks: dict[str, Any] = {"0x64": MINE, "finalized": NEWEST, "latest": NEWEST, "0x8c": NEWEST}
    node.answers["eth_getBlockByNumber"] = lambda which, _: blocks.get(which)
    node.answers["eth_getProof"] = WORLD.proof
    return blocks


def by_node(node: Any, policy: TrustPolicy = POLICY, **more: Any) -> Judgement:
    return judge_by_node(note({}), RpcClient(node.url, timeout=5), policy, LEDGER, **more)


@pytest.mark.usefixtures("chain")
def test_a_final_block_of_ones_node_is_trusted_as_of_its_time(node):
    judgement = by_node(node)
    assert judgement == AT_THE_CHECKPOINT
    assert judgement.outcome is Outcome.PASS
    assert by_node(node, way=Way.RPC).way is Way.RPC


@pytest.mark.usefixtures("chain")
def test_a_slot_proved_unchanged_in_a_newer_final_block_makes_that_ones_time_t(node):
    assert by_node(node, slot=SLOT).time == TIME + 400
    assert node.asked[-1] == (
        "eth_getProof",
        [f"0x{ADDRESS.hex()}", [f"0x{POSITION.hex()}"], "0x8c"],
    )


def test_the_final_block_itself_needs_no_second_proof(node, chain):
    chain["finalized"] = MINE
    assert by_node(node, slot=SLOT) == AT_THE_CHECKPOINT
    assert [method for method, _ in node.asked] == ["eth_getBlockByNumber"] * 2


AT_THE_CHECKPOINT = Judgement(code="ok", time=TIME, way=Way.NODE, basis="your own node alone")
CHANGED = World(b"\x0c" * 32)
BRAKED = World(VALUE[:-1] + b"\x01")
ABSENT = World(bytes(32))
ELSEWHERE = World(VALUE, code_hash=bytes(32))


@pytest.mark.parametrize("world", [CHANGED, ABSENT], ids=["changed", "absent"])
def test_a_slot_proved_to_hold_another_state_overtakes_what_the_checkpoint_proves(
    node, chain, world
):
    chain["finalized"] = raw(140, TIME + 400, world.state.root_hash)
    node.answers["eth_getProof"] = world.proof
    assert by_node(node, slot=SLOT) == replace(AT_THE_CHECKPOINT, overtaken=True)


def test_the_brake_is_no_part_of_a_state(node, chain):
    chain["finalized"] = raw(140, TIME + 400, BRAKED.state.root_hash)
    node.answers["eth_getProof"] = BRAKED.proof
    assert by_node(node, slot=SLOT) == replace(AT_THE_CHECKPOINT, time=TIME + 400)


def test_a_slot_of_another_contract_proves_nothing(node, chain):
    chain["finalized"] = raw(140, TIME + 400, ELSEWHERE.state.root_hash)
    node.answers["eth_getProof"] = ELSEWHERE.proof
    assert by_node(node, slot=SLOT) == AT_THE_CHECKPOINT


def without_last(kind: str) -> dict[str, Any]:
    proof = WORLD.proof()
    nodes = proof["accountProof"] if kind == "account" else proof["storageProof"][0]["proof"]
    nodes.pop()
    return proof


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(
    "answer",
    [
        None,
        ValueError(-32000, "missing trie node"),
        b"<html>",
        {},
        CHANGED.proof(),
        {**WORLD.proof(), "accountProof": []},
        {**WORLD.proof(), "accountProof": None},
        without_last("account"),
        without_last("slot"),
    ],
    ids=range(9),
)
def test_a_proof_that_fails_or_is_missing_leaves_t_at_the_checkpoint(node, answer):
    node.answers["eth_getProof"] = answer
    assert by_node(node, slot=SLOT) == AT_THE_CHECKPOINT


def test_a_newer_block_with_an_older_time_does_not_make_t_older(node, chain):
    chain["finalized"] = raw(140, TIME - 400, WORLD.state.root_hash)
    assert by_node(node, slot=SLOT).time == TIME


@pytest.mark.parametrize(
    "other",
    [
        raw(100, TIME, CHECKPOINT.state_root, bytes(32)),
        raw(100, TIME, bytes(32), CHECKPOINT.block_hash),
        raw(100, TIME + 1, CHECKPOINT.state_root, CHECKPOINT.block_hash),
    ],
    ids=["hash", "root", "time"],
)
def test_another_block_of_that_number_is_not_this_one(node, chain, other):
    chain["0x64"] = other
    judgement = by_node(node, slot=SLOT)
    assert (judgement.code, judgement.time) == ("block.differs", None)


def test_a_block_above_the_final_one_is_not_final(node, chain):
    chain["finalized"] = raw(99, TIME, bytes(32))
    assert by_node(node).code == "block.not_final"


def test_a_block_that_the_node_does_not_have_is_not_final(node, chain):
    del chain["0x64"]
    assert by_node(node).code == "block.not_final"


@pytest.mark.parametrize(
    "answer",
    [None, *(ValueError(number, "finalized?") for number in (-32000, -32001, -32602, -39001))],
    ids=str,
)
@pytest.mark.parametrize(("latest", "code"), [(112, "ok"), (111, "block.not_final")])
def test_without_the_tag_confirmations_make_a_block_final(node, chain, answer, latest, code):
    chain["finalized"] = answer
    chain["latest"] = raw(latest, TIME + 9, bytes(32))
    chain["0x63"] = raw(99, TIME - 9, bytes(32))
    assert by_node(node).code == code


def test_confirmations_reach_down_to_the_first_block(node, chain):
    first = replace(CHECKPOINT, number=0)
    chain["finalized"] = None
    chain["latest"] = raw(12, TIME + 9, bytes(32))
    chain["0x0"] = raw(0, TIME, CHECKPOINT.state_root, CHECKPOINT.block_hash)
    assert judge_by_node(note({}, first), RpcClient(node.url), POLICY, LEDGER).code == "ok"


def test_a_chain_shorter_than_its_confirmations_has_no_final_block(node, chain):
    chain.update({"finalized": None, "latest": raw(11, TIME, bytes(32))})
    assert by_node(node).code == "block.not_final"
    chain["latest"] = None
    assert by_node(node).code == "block.not_final"


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("number", [-32005, -32603, -32601])
def test_a_busy_node_does_not_turn_the_weaker_rule_of_finality_on(node, number):
    node.answers["eth_getBlockByNumber"] = ValueError(number, "limit exceeded")
    judgement = by_node(node)
    assert judgement.code == "block.node_unreachable"
    assert str(number) in judgement.detail
    assert len(node.asked) == 1


@pytest.mark.parametrize("which", ["finalized", "0x64"])
@pytest.mark.parametrize("answer", [[], "0x", {"number": "0x64"}, {**MINE, "hash": "0x00"}, 5])
def test_nonsense_of_a_node_decides_nothing(node, chain, which, answer):
    chain[which] = answer
    judgement = by_node(node)
    assert judgement.code == "block.node_unreachable"
    assert judgement.outcome is Outcome.UNKNOWN


def test_a_node_that_answers_for_another_number_decides_nothing(node, chain):
    chain["0x64"] = raw(99, TIME, CHECKPOINT.state_root, CHECKPOINT.block_hash)
    assert by_node(node).code == "block.node_unreachable"


def test_a_node_that_is_gone_decides_nothing():
    rpc = RpcClient("http://127.0.0.1:1/", timeout=5)
    judgement = judge_by_node(note({}), rpc, POLICY, LEDGER)
    assert judgement.code == "block.node_unreachable"
