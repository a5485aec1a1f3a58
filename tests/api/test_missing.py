"""What the service lacks of one issuer is that issuer's alone, and is handed in again."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from certledger.ledger.core.acts import Lane
from certledger.ledger.core.service_values import Role
from certledger.ledger.issuer.catalogs import catalog_of
from certledger.ledger.publish.checkpoints import Cadence, checkpoint
from certledger.ledger.reference_data import load_domain
from certledger.verifier.formats.canonical_json import Json, format_canonical
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.signed_act import Act
from tests.api.world import Running, World, disclosures, make_world, serve
from tests.ledger.live import LiveIssuer

_LOST = ("DELETE FROM names", "DELETE FROM catalogs", "DELETE FROM record_frames")
_ACTS = ("DELETE FROM carriages", "DELETE FROM acts")


@pytest.mark.parametrize("acts", ["kept", "lost"])
def test_what_is_missing_of_one_issuer_is_told_of_no_other(tmp_path: Path, acts: str) -> None:
    with make_world(tmp_path / "home") as world, serve(world) as running:
        mine, theirs = code_of(world, world.issuer), code_of(world, another(world))
        files = files_of(world, world.issuer)
        lose(world, world.issuer, [*_LOST, *(_ACTS if acts == "lost" else ())])

        assert [told(running, code) for code in (mine, theirs)] == ["cannot_tell", "valid"]
        with running.client(None) as public:
            look_up = {"lookup": {"digest": world.lookup().hex()}}
            asked = public.post("/v1/verifications", json=look_up).json()
            ready = public.get("/readyz")
        assert asked["result"]["verdict"] == "cannot_tell"
        assert missing(ready) == [
            ("name", world.issuer.issuer),
            ("catalog", world.issuer.issuer),
            ("catalog", world.other.issuer),  # Which has the same.
            ("records", world.issuer.issuer),
        ]

        with running.client(Role.ISSUER) as issuer:
            for path, data in files.items():
                answer = issuer.post(path, content=data)
                assert answer.status_code == 202, (path, answer.text)
        renew(world)

        assert [told(running, code) for code in (mine, theirs)] == ["valid", "valid"]
        assert world.evidence().record.index == 0
        with running.client(None) as public:
            world.service.missing._read = float("-inf")
            assert missing(public.get("/readyz")) == []


def test_what_was_carried_to_the_chain_without_its_entries_stops_nobody(tmp_path: Path) -> None:
    """A change of catalog, rightly signed, that somebody carried to the chain by himself."""
    with make_world(tmp_path / "home") as world, serve(world) as running:
        theirs = code_of(world, another(world))
        lose(world, world.issuer, ["DELETE FROM catalogs"])
        with running.client(Role.PARTNER) as partner:
            snapshot = partner.get("/v1/snapshots/latest")
        assert snapshot.status_code == 200
        assert told(running, theirs) == "valid"


def another(world: World) -> LiveIssuer:
    """Return an issuer with a certificate under a catalog that no other issuer has."""
    catalog = catalog_of(load_domain(), ("ID-RESIDENT",))
    made = LiveIssuer(
        world.ledger, issuer="11330000XX00000915", name="浙江省公安厅", catalog=catalog
    )
    made.register()
    made.submit(2)
    world.ledger.run_until_idle()
    return made


def missing(ready: httpx.Response) -> list[tuple[str, str]]:
    assert (ready.status_code, ready.json()["faults"]) == (200, []), ready.text
    return [(one["kind"], one["issuer"]) for one in ready.json()["missing"]]


def told(running: Running, code: str) -> str:
    with running.client(None) as public:
        answer = public.post("/v1/verifications", json={"code": code})
    assert answer.status_code == 200, answer.text
    verdict: str = answer.json()["result"]["verdict"]
    return verdict


def code_of(world: World, issuer: LiveIssuer) -> str:
    """Return the compact code of an issuer's first certificate, with what must be shown."""
    sealed = issuer.sealed[0]
    evidence = world.ledger.maker.of_leaf(sealed.sealed.leaves[0])
    wanted = {"certificate_number", *evidence.catalog.entry.shown}
    shown = evidence.showing([one for one in disclosures(sealed, 0) if one.name in wanted])
    identity = world.ledger.pin.identity
    return Compact.of(identity, shown.record, shown.path, shown.disclosures, None).format()


def files_of(world: World, issuer: LiveIssuer) -> dict[str, bytes]:
    """Return what the issuer handed in once, by the path that takes it."""
    return {
        "/v1/acts": act_file(
            world, issuer, Lane.REGISTRATION, "registration", {"name": issuer.name}
        ),
        "/v1/catalogs": act_file(
            world, issuer, Lane.VERSION, "catalog-submission", {"entries": issuer.catalog.to_json()}
        ),
        "/v1/batches": issuer.sealed[0].submission(),
    }


def act_file(
    world: World, issuer: LiveIssuer, lane: Lane, kind: str, more: dict[str, Json]
) -> bytes:
    with world.ledger.store.begin(write=False) as unit:
        act = next(act for counter in (0, 1) for act in unit.acts_at(issuer.issuer, lane, counter))
    signed = Act(
        ledger=world.ledger.pin.identity, statement=act.statement, signatures=act.signatures
    )
    return format_canonical({"type": f"certledger/{kind}/1", "act": signed.to_json(), **more})


def lose(world: World, issuer: LiveIssuer, statements: list[str]) -> None:
    """Lose rows as a database does that is damaged or made anew, then follow the chain again."""
    theirs = {
        "names": "name = :name",
        "catalogs": "root = :root",
        "record_frames": "batch IN (SELECT number FROM batches WHERE issuer = :issuer)",
    }
    values = {"name": issuer.name, "root": issuer.catalog.root(), "issuer": issuer.issuer}
    with world.ledger.store.begin() as unit:
        for statement in statements:
            where = theirs.get(statement.split()[-1], "TRUE")
            done = unit.connection.execute(text(f"{statement} WHERE {where}"), values)
            assert done.rowcount, statement
    world.ledger.follower.rebuild()
    world.ledger.maker = type(world.ledger.maker)(world.ledger.store, world.ledger.pin)
    renew(world)


def renew(world: World) -> None:
    """Let a new block be a checkpoint, whose snapshot nobody made yet."""
    world.ledger.mine_heartbeat_block()
    made = checkpoint(world.ledger.store, world.ledger.chain, world.ledger.pin, Cadence(seconds=0))
    assert made is not None
