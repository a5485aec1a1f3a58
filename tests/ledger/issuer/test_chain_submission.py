"""An issuer carries its own batches to a real chain, past any operator."""

import gzip
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from certledger.contracts import calls
from certledger.ledger.chain.client import EthereumChain, NodeClient
from certledger.ledger.chain.deploy import FILE, Deployment, deploy
from certledger.ledger.devchain.node import open_node
from certledger.ledger.intake.batch_submission import MAX_SUBMISSION_BYTES
from certledger.ledger.issuer import signed_acts
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.catalogs import catalog_change
from certledger.ledger.issuer.chain_submission import (
    CarryError,
    _wait,
    carry_act,
    carry_batch,
    newest_state,
    read_batch,
)
from certledger.ledger.issuer.folder import Profile
from certledger.ledger.issuer.signed_acts import EVERY_PURPOSE, register, sign_statement
from certledger.ledger.keys import Signer, save_keystore, signer_of
from certledger.ledger.registrar.chain_view import ChainView
from certledger.ledger.sealing.batch import Head, SealedBatch, seal_issues
from certledger.verifier.cli.main import main
from certledger.verifier.errors import MalformedError
from certledger.verifier.node_rpc import RpcClient
from certledger.verifier.vocabulary import IssuerKind, Standing
from tests.ledger.sealing.sheet_folder import CATALOG, ISSUER, SECRET, SEED, issue

PAYER, ISSUER_KEY, STRANGER = (signer_of(bytes([number]) * 32) for number in (11, 12, 13))
REGISTRARS = {region: signer_of(bytes([region]) * 32) for region in (31, 32, 33)}


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """A chain with a ledger on it, and one registered issuer with a catalog."""

    chain: EthereumChain
    made: Deployment
    home: Path
    url: str

    @property
    def since(self) -> int:
        return self.made.block or 0

    def send(self, data: bytes) -> None:
        signed = self.chain.sign(data, nonce=self.chain.next_nonce())
        self.chain.broadcast(signed.raw)
        included = _wait(self.chain, signed.hash, 30)
        assert included is not None
        assert included.succeeded

    def now(self) -> int:
        return self.chain.head().time

    def sealed(self, number: str, head: Head, signer: Signer = ISSUER_KEY) -> SealedBatch:
        return seal_issues(
            [issue(number)],
            catalog=CATALOG,
            head=head,
            issuer=ISSUER,
            secret=SECRET,
            seed=SEED,
            signer=signer,
            now=self.now(),
            identity=self.chain.identity,
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("home")
    with open_node(home / "chain", funded={PAYER.address: 10**24}) as running:
        node = NodeClient(running.url)
        registrars = [(region, signer.address) for region, signer in REGISTRARS.items()]
        made = deploy(home, node, PAYER, registrars, os.urandom)
        world = World(
            chain=EthereumChain(node, made.pin("test"), PAYER),
            made=made,
            home=home,
            url=running.url,
        )
        identity = world.chain.identity
        profile = Profile(issuer=ISSUER, kind=IssuerKind.DEPARTMENT, name="示例局", ledger=identity)
        said = register(profile, {ISSUER_KEY.address: EVERY_PURPOSE}, now=world.now())
        act = sign_statement(said, [ISSUER_KEY, REGISTRARS[31], REGISTRARS[32]], identity)
        world.send(calls.register(said, act.signatures))
        change = catalog_change(CATALOG, issuer=ISSUER, version=1, now=world.now())
        act = sign_statement(change, [ISSUER_KEY, REGISTRARS[31]], identity)
        state = newest_state(world.chain, ISSUER, world.since)
        world.send(calls.change_catalog(state, change, key=0, signatures=act.signatures))
        yield world


def test_batches_are_carried_one_after_the_other_and_repeating_harms_nobody(
    world: World, tmp_path: Path
) -> None:
    one = world.sealed("A1", Head())
    (tmp_path / "batch.json").write_bytes(one.submission())
    submission = read_batch(tmp_path / "batch.json")
    carried = carry_batch(world.chain, submission, since=world.since, patience=30)
    assert carried.transaction is not None
    again = carry_batch(world.chain, submission, since=world.since, patience=30)
    assert (again.transaction, again.block) == (None, carried.block)

    two = world.sealed("A2", one.head)
    (tmp_path / "batch.jsonl.gz").write_bytes(b"".join(two.submission_lines()))
    carry_batch(
        world.chain, read_batch(tmp_path / "batch.jsonl.gz"), since=world.since, patience=30
    )
    state = newest_state(world.chain, ISSUER, world.since)
    assert (state.batches, state.last) == (2, two.digest)
    assert len(state.peaks) == 1


@pytest.mark.parametrize("case", ["sequence", "previous", "signer", "body"])
def test_a_batch_that_the_chain_would_not_take_is_not_sent(
    case: str, world: World, tmp_path: Path
) -> None:
    state = newest_state(world.chain, ISSUER, world.since)
    good = Head(sequence=state.batches + 1, previous=state.last, first=state.batches)
    head = {
        "sequence": replace(good, sequence=good.sequence + 1),
        "previous": replace(good, previous=bytes([1]) * 32),
    }.get(case, good)
    batch = world.sealed("A9", head, STRANGER if case == "signer" else ISSUER_KEY)
    path = tmp_path / "batch.json"
    path.write_bytes(batch.submission())
    submission = read_batch(path)
    if case == "body":
        other = replace(submission.statement, issuer=b"12310000XX00000196")
        submission = replace(submission, statement=other)
    before = world.chain.next_nonce()
    with pytest.raises(CarryError):
        carry_batch(world.chain, submission, since=world.since, patience=30)
    assert world.chain.next_nonce() == before


def test_the_command_carries_a_batch_past_the_server(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = newest_state(world.chain, ISSUER, world.since)
    head = Head(sequence=state.batches + 1, previous=state.last, first=state.batches)
    (tmp_path / "batch.json").write_bytes(world.sealed("A5", head).submission())
    save_keystore(tmp_path / "payer.json", bytes([11]) * 32, "p", work=16)
    monkeypatch.setenv("CERTLEDGER_PASSPHRASE", "p")
    deployment = str(world.home / FILE)
    arguments = ["submit", str(tmp_path), "--rpc", world.url, "--deployment", deployment]
    done = CliRunner().invoke(
        main, [*arguments, "--carrier", str(tmp_path / "payer.json"), "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["sequence"] == head.sequence
    assert newest_state(world.chain, ISSUER, world.since).batches == head.sequence
    assert CliRunner().invoke(main, arguments).exit_code == 2


def test_a_registrars_act_is_carried_past_the_operator(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = signed_acts.hold(31, [ISSUER], nonce=1, now=world.now())
    act = sign_statement(hold, [REGISTRARS[31]], world.chain.identity)
    save_keystore(tmp_path / "payer.json", bytes([11]) * 32, "p", work=16)
    monkeypatch.setenv("CERTLEDGER_PASSPHRASE", "p")
    words = ["--rpc", world.url, "--deployment", str(world.home / FILE)]
    words += ["--carrier", str(tmp_path / "payer.json")]
    file = tmp_path / "hold.json"
    for signer, good in ((REGISTRARS[32], False), (REGISTRARS[31], True)):
        act = sign_statement(hold, [signer], world.chain.identity)
        file.write_bytes(Envelope(act=act).format())
        done = CliRunner().invoke(main, ["submit", str(file), *words, "--json"])
        assert (done.exit_code == 0) is good, done.output
    view = ChainView.open(RpcClient(world.url), NodeClient(world.url), world.made.pin("test"))
    issuer = view.issuer(ISSUER)
    assert issuer is not None
    assert issuer.on_hold
    release = signed_acts.release(31, [ISSUER], nonce=2, now=world.now())
    act = sign_statement(release, [REGISTRARS[31]], world.chain.identity)
    carry_act(world.chain, act, patience=30)

    status = signed_acts.change_standing(
        ISSUER, revision=1, standing=Standing.SUSPENDED, now=world.now()
    )
    with pytest.raises(CarryError, match="hand it in"):
        carry_act(
            world.chain, sign_statement(status, [REGISTRARS[31]], world.chain.identity), patience=30
        )


def test_what_is_no_batch_is_not_carried(tmp_path: Path) -> None:
    with pytest.raises(MalformedError, match="no sealed batch"):
        read_batch(tmp_path)
    (tmp_path / "x.gz").write_bytes(b"x")
    with pytest.raises(MalformedError, match="cut short"):
        read_batch(tmp_path / "x.gz")


BATCHES = {
    "no gzip": b"no gzip",
    "cut short": gzip.compress(b"{}")[:-1],
    "two": gzip.compress(b"{}") * 2,
    "a bomb": gzip.compress(b" " * (MAX_SUBMISSION_BYTES + 1), compresslevel=1),
}


@pytest.mark.parametrize("data", BATCHES.values(), ids=BATCHES)
def test_a_sealed_batch_that_is_damaged_or_unpacks_to_too_much_is_refused(
    data: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "batch.jsonl.gz"
    file.write_bytes(data)
    with pytest.raises(MalformedError) as caught:
        read_batch(file)
    assert caught.value.code == "batch.damaged"
