"""Standing data: true to the chain, cached by anybody, and small the second time."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from certledger.api.responses import takes_gzip
from certledger.api.routes.registry import LOCAL
from certledger.verifier.crypto.hashing import keccak
from certledger.verifier.formats.checkpoint import parse_note
from certledger.verifier.formats.compact_evidence import Compact
from certledger.verifier.formats.signed_policy import SignedPolicy
from certledger.verifier.formats.snapshot import Snapshot, roll
from certledger.verifier.formats.snapshot_delta import apply_delta
from certledger.verifier.vocabulary import Status
from tests.api.world import OTHER, World
from tests.ledger.live import LiveIssuer


def test_a_snapshot_is_proved_whole_and_named_by_its_digest(
    world: World, partner: httpx.Client
) -> None:
    answer = partner.get("/v1/snapshots/latest")
    assert answer.status_code == 200
    snapshot = Snapshot.parse(answer.content)
    snapshot.check(world.ledger.pin)
    assert answer.headers["etag"] == f'"{snapshot.digest().hex()}"'
    assert {world.issuer.issuer, OTHER} <= set(snapshot.by_issuer)
    again = partner.get("/v1/snapshots/latest", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    named = partner.get(f"/v1/snapshots/{snapshot.digest().hex()}")
    assert named.content == answer.content
    assert "immutable" in named.headers["cache-control"]


def test_issuers_stand_in_the_order_of_their_registration(
    world: World, partner: httpx.Client
) -> None:
    snapshot = Snapshot.parse(partner.get("/v1/snapshots/latest").content)
    reversed_ = roll(list(reversed(list(snapshot.by_issuer))))
    assert roll(snapshot.by_issuer) != reversed_
    assert next(iter(snapshot.by_issuer)) == world.issuer.issuer


def test_a_delta_leads_to_the_newest_snapshot(world: World, partner: httpx.Client) -> None:
    old = Snapshot.parse(partner.get("/v1/snapshots/latest").content)
    world.issuer.submit(2)
    world.ledger.run_until_idle()
    world.issuer.change([4], Status.SUSPENDED, "S01")
    world.ledger.run_until_idle()
    answer = partner.get(f"/v1/snapshots/{old.digest().hex()}/delta")
    assert answer.status_code == 200
    new = apply_delta(old, answer.content, world.ledger.pin)
    assert f'"{new.digest().hex()}"' == answer.headers["etag"]
    assert new.digest() == Snapshot.parse(partner.get("/v1/snapshots/latest").content).digest()
    assert partner.get(f"/v1/snapshots/{'0' * 64}/delta").status_code == 404


def test_issuers_that_come_together_are_in_the_order_that_the_chain_proves(
    world: World, partner: httpx.Client
) -> None:
    issuers = [f"11340000XX0000{number}" for number in ("0413", "0411", "0412")]
    for issuer in issuers:
        LiveIssuer(world.ledger, issuer=issuer, name=f"机构 {issuer[-4:]}").ask_to_register()
    world.ledger.run_until_idle()
    with world.service.store.begin(write=False) as unit:
        newest = unit.checkpoint()
    assert newest is not None
    world.service.mirror.newest(newest.number)  # It asks the database no more than twice a second.
    answer = partner.get("/v1/snapshots/latest")
    assert answer.status_code == 200, answer.text
    snapshot = Snapshot.parse(answer.content)
    snapshot.check(world.ledger.pin)
    assert set(issuers) <= set(snapshot.by_issuer)


def test_issuers_catalogs_and_checkpoints_agree(world: World, auditor: httpx.Client) -> None:
    listed = auditor.get("/v1/issuers").json()
    one = auditor.get(f"/v1/issuers/{world.issuer.issuer}").json()
    assert one in listed["issuers"]
    assert one["keys"][0]["address"] == "0x" + world.issuer.key.address.hex()
    catalog = auditor.get(f"/v1/catalogs/{one['catalog']}")
    assert len(catalog.json()["entries"]) == len(world.issuer.catalog.entries)
    assert "immutable" in catalog.headers["cache-control"]
    checkpoint = auditor.get("/v1/checkpoints/latest").json()
    assert parse_note(checkpoint["note"]).checkpoint.number == checkpoint["number"]
    assert auditor.get("/v1/issuers/99330000XX00000999").status_code == 404


def test_the_policy_is_the_one_that_the_service_judges_by(
    world: World, auditor: httpx.Client
) -> None:
    assert SignedPolicy.parse(auditor.get("/v1/policy").content) == world.ledger.policy


@pytest.mark.parametrize("form", ["token", "revocation", "suspension"])
def test_a_status_list_says_what_the_chain_says(
    world: World, auditor: httpx.Client, form: str
) -> None:
    told = auditor.get(f"/v1/status-lists/{world.issuer.issuer}", params={"form": form}).json()
    revoked = 1
    if form == "token":
        text = told["status_list"]["lst"]
        data = zlib.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        assert data[revoked // 4] >> 2 * (revoked % 4) & 3 == 1
    else:
        text = told["credentialSubject"]["encodedList"].removeprefix("u")
        data = zlib.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), 31)
        assert bool(data[0] & 0x80 >> revoked) == (form == "revocation")


def read_token(text: str, world: World, kind: str) -> dict[str, Any]:
    """Return what a token says, checked as any library would with the key it carries."""
    head = json.loads(base64.urlsafe_b64decode(text.split(".")[0] + "=="))
    assert head["typ"] == kind
    key = ECKey.import_key(head["jwk"])
    point = [base64.urlsafe_b64decode(head["jwk"][name] + "=") for name in ("x", "y")]
    assert keccak(b"".join(point))[-20:] == world.ledger.operator.address
    found = jws.deserialize_compact(text, key, algorithms=["ES256K"])
    claims: dict[str, Any] = json.loads(found.payload)
    return claims


@pytest.mark.parametrize("form", ["token", "revocation", "suspension"])
def test_a_status_list_is_a_signed_token_at_an_address_of_its_own(
    world: World, auditor: httpx.Client, form: str
) -> None:
    kind = "statuslist+jwt" if form == "token" else "vc+jwt"
    path = f"/v1/status-lists/{world.issuer.issuer}"
    rest = "/token" if form == "token" else f"/credential?purpose={form}"
    plain = auditor.get(path, params={"form": form})
    # What the caller's `Host` says is never signed.
    signed = auditor.get(path + rest, headers={"host": "evil.example"})
    assert signed.headers["content-type"] == f"application/{kind}"
    assert plain.headers["content-type"] == "application/json"
    assert signed.headers["etag"] != plain.headers["etag"]
    claims, told = read_token(signed.text, world, kind), plain.json()
    if form == "token":
        assert claims["status_list"] == told["status_list"]
        assert claims["sub"] == LOCAL + path + rest
        assert claims["iat"] < claims["exp"]
    else:
        assert claims["id"] == LOCAL + path + rest
        assert claims["type"] == ["VerifiableCredential", "BitstringStatusListCredential"]
        subject = {**claims["credentialSubject"], "id": told["credentialSubject"]["id"]}
        assert subject == told["credentialSubject"]
        assert told["id"] == f"{LOCAL}{path}?form={form}"


def test_answers_are_packed_for_who_likes_it_and_tagged_all_the_same(
    world: World, auditor: httpx.Client
) -> None:
    path = f"/v1/catalogs/{world.issuer.catalog.root().hex()}"
    plain = auditor.get(path, headers={"accept-encoding": "identity"})
    packed = auditor.get(path, headers={"accept-encoding": "gzip"})
    assert packed.content == plain.content
    if len(plain.content) >= 1024:
        assert packed.headers["content-encoding"] == "gzip"
    for tag in (plain.headers["etag"], packed.headers["etag"], "*"):
        assert auditor.get(path, headers={"if-none-match": tag}).status_code == 304
    assert auditor.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_compact_code_is_judged_from_the_service_own_snapshot(
    world: World, counter: httpx.Client
) -> None:
    evidence = world.evidence(2)
    code = Compact.of(
        world.ledger.pin.identity, evidence.record, evidence.path, evidence.disclosures
    )
    told = counter.post("/v1/verifications", json={"code": code.format()}).json()
    assert told["result"]["verdict"] == "valid", told


@pytest.mark.parametrize(
    ("header", "takes"),
    [
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip", True),
        ("GZIP;q=0.5, br", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("x-gzip", True),
    ],
)
def test_an_answer_is_packed_only_for_who_takes_it(header: str, takes: bool) -> None:
    assert takes_gzip(header) is takes
