"""Who may call what: every route with every role, and none of it tells what exists."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from certledger.api.app import operations
from certledger.api.auth.permissions import RULES
from certledger.ledger.core.service_values import Role
from tests.api.world import OTHER, Running, World

# Who may: b(ody), c(ounter), p(artner), a(uditor), m(anager), and - for nobody in particular.
TABLE = {
    "submitBatch": "b",
    "submitStatusUpdate": "b",
    "submitCatalog": "b",
    "submitAct": "bm-",
    "proposeAct": "bm",
    "getBatch": "bam",
    "getBatchRecords": "bpa",
    "getHead": "bam",
    "createVerification": "bcpamh-",
    "verifyFiles": "bcpam",
    "verifyUpload": "bcpamh-",
    "getVerification": "bcpam",
    "getReceiptEvidence": "bcpam",
    "listVerifications": "am",
    "createLookup": "bcpam",
    "getEvidence": "bcpam",
    "getEvidenceByIndex": "ba",
    "listIssuers": "bcpam",
    "getIssuer": "bcpam",
    "getCatalog": "bcpam",
    "getCheckpoint": "bcpamh-",
    "getPolicy": "bcpam",
    "getSnapshot": "cpam",
    "getDelta": "cpam",
    "getStatusList": "bcpam",
    "getStatusListToken": "bcpam",
    "getStatusListCredential": "bcpam",
    "getBook": "bcpamh-",
    "getBookEdition": "bcpamh-",
    "getExemptions": "bcpamh-",
    "importBook": "m",
    "getCoverage": "bcpam",
    "listCoverageDays": "bcpam",
    "createApplication": "cp",
    "createDecision": "cp",
    "listCases": "cpam",
    "closeCase": "cpam",
    "createSample": "am",
    "listSamples": "bcpam",
    "getSample": "bcpamh-",
    "listScenarios": "bcpam",
    "getHotlineAnswer": "amh",
    "getRecord": "bcpam",
    "getRecordEvidence": "bcpam",
    "createHook": "bcp",
    "listHooks": "bcp",
    "deleteHook": "bcp",
    "listFailedDeliveries": "bcp",
    "replayDelivery": "bcp",
    "createWatch": "cp",
    "listWatches": "cp",
    "deleteWatch": "cp",
    "listEvents": "bcp",
    "createApiKey": "m",
    "listApiKeys": "m",
    "revokeApiKey": "m",
    "callNode": "bcpamh-",
    "isAlive": "bcpamh-",
    "isReady": "bcpamh-",
    "getMetrics": "bcpamh-",
}
LETTERS = {
    Role.ISSUER: "b",
    Role.COUNTER: "c",
    Role.PARTNER: "p",
    Role.AUDITOR: "a",
    Role.ADMINISTRATOR: "m",
    Role.HOTLINE: "h",
    None: "-",
}


def path_of(world: World, running: Running, operation: str) -> tuple[str, str]:
    """Return method and a path of the issuer's own for an operation."""
    route = operations()[operation]
    path = route.path.format(
        issuer=world.issuer.issuer,
        sequence=1,
        reference="AAAA-BBBB-CCCC",
        leaf="0" * 64,
        index=0,
        root="0" * 64,
        digest="0" * 64,
        hook="hook_" + "0" * 16,
        event=1,
        prefix="clk_ZZZZZZZZ",
        code="BIZ-OPEN",
    )
    if operation == "listVerifications":
        path += "?key=clk_ZZZZZZZZ"
    return next(iter(route.methods or ())), path


def test_the_table_names_every_route() -> None:
    assert set(TABLE) == set(RULES)


@pytest.mark.parametrize("role", LETTERS, ids=lambda role: str(role or "public"))
def test_each_route_lets_through_exactly_whom_the_table_names(
    world: World, running: Running, role: Role | None
) -> None:
    wrong = []
    with running.client(role) as client:
        for operation, letters in TABLE.items():
            method, path = path_of(world, running, operation)
            status = client.request(method, path, content=b"{}").status_code
            refused = 401 if role is None else 403
            expected = LETTERS[role] in letters
            if (status not in (401, 403)) != expected or (not expected and status != refused):
                wrong.append((operation, status))
    assert wrong == []


@pytest.mark.parametrize(
    "header",
    [
        "Bearer clk_ABCDEFGH_" + "A" * 32,
        "Bearer nonsense",
        "Bearer clk_",
        "Basic dXNlcjpwYXNz",
        "Bearer " + "x" * 9000,
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
    ],
)
def test_wrong_credentials_are_refused_alike(public: httpx.Client, header: str) -> None:
    answer = public.get("/v1/issuers", headers={"authorization": header})
    assert answer.status_code == 401
    assert answer.json()["code"] == "auth.invalid"
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_issuer_touches_only_its_own_whether_it_exists_or_not(issuer: httpx.Client) -> None:
    for path in (
        f"/v1/batches/{OTHER}/1",
        f"/v1/batches/{OTHER}/999",
        "/v1/batches/99330000XX00000999/1",
        f"/v1/issuers/{OTHER}/head",
        f"/v1/batches/{OTHER}/1/records",
        f"/v1/issuers/{OTHER}/certificates/0/evidence",
    ):
        answer = issuer.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden"), path
        named = path.split("/")[3]
        assert answer.json()["detail"] == f"the caller may not access data of issuer {named}"


def test_an_issuer_does_not_hand_in_for_another(world: World, issuer: httpx.Client) -> None:
    batch = world.other.seal(1)
    world.other.head = type(world.other.head)(
        sequence=batch.statement.sequence,
        previous=batch.statement.previous,
        first=batch.statement.first,
    )
    answer = issuer.post("/v1/batches", content=batch.submission())
    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")


def test_a_verification_is_shown_to_whoever_was_told_and_not_to_others(
    world: World, counter: httpx.Client, partner: httpx.Client, auditor: httpx.Client
) -> None:
    told = counter.post("/v1/verifications", json={"lookup": {"digest": "1" * 64}}).json()
    path = f"/v1/verifications/{told['reference']}"
    assert counter.get(path).status_code == 200
    assert auditor.get(path).status_code == 200
    hidden, missing = partner.get(path), partner.get("/v1/verifications/AAAA-BBBB-CCCC")
    assert (hidden.status_code, missing.status_code) == (404, 404)


def test_a_stolen_key_is_shut_off_and_what_it_asked_is_listed(
    world: World, running: Running, administrator: httpx.Client
) -> None:
    made = administrator.post(
        "/v1/api-keys", json={"name": "lost", "role": "counter", "counter": "lost-1", "days": 1}
    )
    assert made.status_code == 201, made.text
    key, prefix = made.json()["key"], made.json()["prefix"]
    assert key.startswith(prefix)
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=running.url, headers=headers, timeout=30) as thief:
        asked = thief.post("/v1/verifications", json={"lookup": {"digest": "2" * 64}})
        assert asked.status_code == 200
        assert administrator.delete(f"/v1/api-keys/{prefix}").status_code == 204
        assert thief.get("/v1/issuers").status_code == 401
    listed = administrator.get("/v1/verifications", params={"key": prefix}).json()
    assert [one["reference"] for one in listed["verifications"]] == [asked.json()["reference"]]
    keys = administrator.get("/v1/api-keys").json()["keys"]
    assert "revoked" in next(one for one in keys if one["prefix"] == prefix)
    assert not [one for one in keys if "key" in one]


def test_whoever_is_bound_to_a_region_sees_what_its_keys_asked_and_no_others(
    world: World, running: Running, counter: httpx.Client
) -> None:
    def make(role: Role, region: int) -> tuple[str, dict[str, str]]:
        bound = "far-1" if role is Role.COUNTER else None
        key, text = world.service.keys.create(name="x", role=role, region=region, counter=bound)
        return key.prefix, {"authorization": f"Bearer {text}"}

    near, asks = make(Role.COUNTER, 32)
    _, auditor = make(Role.AUDITOR, 32)
    asked = {"lookup": {"digest": "3" * 64}}
    own = counter.post("/v1/verifications", json=asked, headers=asks).json()["reference"]
    other = counter.post("/v1/verifications", json=asked).json()["reference"]
    with httpx.Client(base_url=running.url, headers=auditor, timeout=30) as client:
        assert client.get(f"/v1/verifications/{own}").status_code == 200
        assert client.get(f"/v1/verifications/{other}").status_code == 404
        listed = client.get("/v1/verifications", params={"key": near}).json()["verifications"]
        assert [one["reference"] for one in listed] == [own]
        prefix = world.keys[Role.COUNTER][:12]
        for others in (prefix, "oidc:" + "0" * 32):
            nothing = client.get("/v1/verifications", params={"key": others}).json()
            assert nothing == {"verifications": [], "more": False}


def test_all_that_a_stolen_key_asked_can_be_gone_through(
    world: World, running: Running, administrator: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certledger.api.routes.verification_receipts.MAX_LISTED_RECEIPTS", 2)
    key, text = world.service.keys.create(name="stolen", role=Role.COUNTER, counter="far-2")
    evidence = [json.loads(world.evidence(place).format()) for place in range(3)]
    questions = [{"evidence": one} for one in evidence]
    asked = [*questions, [*questions, {"code": "no code"}], {"lookup": {"digest": "4" * 64}}]
    stolen = {"authorization": f"Bearer {text}"}
    with httpx.Client(base_url=running.url, headers=stolen, timeout=30) as thief:
        told = [thief.post("/v1/verifications", json=one).json()["reference"] for one in asked]
    pages: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while not pages or pages[-1]["more"]:
        answer = administrator.get("/v1/verifications", params={"key": key.prefix, **after})
        pages.append(answer.json())
        after = {"after": pages[-1]["verifications"][-1]["reference"]}
    listed = [one for page in pages for one in page["verifications"]]
    leaves = [world.evidence(place).record.leaf().hex() for place in range(3)]
    assert [one["reference"] for one in listed] == told
    assert [one["leaves"] for one in listed] == [*([leaf] for leaf in leaves), leaves, []]


def test_a_key_is_kept_only_as_a_keyed_hash(world: World) -> None:
    key, text = world.service.keys.create(name="once", role=Role.AUDITOR)
    with world.ledger.store.begin(write=False) as unit:
        held = unit.api_key(key.prefix)
    assert held is not None
    secret = text.removeprefix(key.prefix + "_")
    assert secret.encode() not in held.digest
    assert len(held.digest) == 32


def test_a_key_reaches_no_further_than_its_scopes_and_no_longer_than_its_days(
    world: World, running: Running
) -> None:
    now = int(world.service.clock())
    _, narrow = world.service.keys.create(
        name="narrow", role=Role.AUDITOR, scopes=frozenset({"listIssuers"})
    )
    _, ended = world.service.keys.create(name="ended", role=Role.AUDITOR, expires=now - 1)
    with running.client(None) as client:
        bearer = {"authorization": f"Bearer {narrow}"}
        assert client.get("/v1/issuers", headers=bearer).status_code == 200
        assert client.get("/v1/policy", headers=bearer).status_code == 403
        bearer = {"authorization": f"Bearer {ended}"}
        assert client.get("/v1/issuers", headers=bearer).status_code == 401


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "x", "role": "counter"},
        {"name": "x", "role": "issuer", "counter": "a"},
        {"name": "x", "role": "public"},
        {"name": "x", "role": "auditor", "scopes": ["nothing"]},
        {"name": "x", "role": "auditor", "days": 0},
        {"name": "x", "role": "auditor", "more": 1},
        {"role": "auditor"},
    ],
)
def test_a_key_is_bound_to_what_its_role_needs(
    administrator: httpx.Client, asked: dict[str, object]
) -> None:
    answer = administrator.post("/v1/api-keys", json=asked)
    assert (answer.status_code, answer.json()["code"]) == (422, "schema.invalid")


def regional(world: World, scopes: frozenset[str] = frozenset(), **more: Any) -> dict[str, str]:
    """Return the headers of an administrator's key."""
    made = world.service.keys.create(name="x", role=Role.ADMINISTRATOR, scopes=scopes, **more)
    return {"authorization": f"Bearer {made[1]}"}


def test_a_key_gives_nothing_that_its_maker_lacks(world: World, public: httpx.Client) -> None:
    now = int(world.service.clock())
    near, far = world.issuer.issuer, OTHER
    of_region = regional(world, region=31)
    narrow = regional(world, frozenset({"createApiKey", "listApiKeys"}))
    ending = regional(world, expires=now + 86_400)
    cases: list[tuple[dict[str, str], dict[str, Any], int]] = [
        (of_region, {"role": "issuer", "issuer": near, "region": 31}, 201),
        (of_region, {"role": "issuer", "issuer": far, "region": 31}, 422),
        (of_region, {"role": "issuer", "issuer": far, "region": 32}, 403),
        (of_region, {"role": "issuer", "issuer": near}, 403),
        (of_region, {"role": "administrator"}, 403),
        (of_region, {"role": "administrator", "region": 31}, 201),
        (narrow, {"role": "administrator"}, 403),
        (narrow, {"role": "administrator", "scopes": ["revokeApiKey"]}, 403),
        (narrow, {"role": "administrator", "scopes": ["listApiKeys", "revokeApiKey"]}, 403),
        (narrow, {"role": "administrator", "scopes": ["listApiKeys"]}, 201),
        (narrow, {"role": "auditor", "scopes": []}, 403),
        (ending, {"role": "administrator"}, 403),
        (ending, {"role": "administrator", "days": 2}, 403),
        (ending, {"role": "administrator", "days": 1}, 201),
        (ending, {"role": "counter", "counter": "a", "days": 365}, 201),
        (regional(world), {"role": "issuer", "issuer": far, "region": 31}, 422),
    ]
    for maker, asked, status in cases:
        answer = public.post("/v1/api-keys", json={"name": "n", **asked}, headers=maker)
        expected = {201: None, 403: "auth.forbidden", 422: "schema.invalid"}[status]
        if status == 201 and asked.get("days") == 1:
            # The clock may have moved on since the maker's key was made.
            assert answer.status_code in (201, 403)
            continue
        assert (answer.status_code, answer.json().get("code")) == (status, expected), asked


def test_what_a_counter_was_told_its_next_key_sees(world: World, public: httpx.Client) -> None:
    def key_of(counter: str) -> dict[str, str]:
        _, text = world.service.keys.create(name="x", role=Role.COUNTER, counter=counter)
        return {"authorization": f"Bearer {text}"}

    first, second, other = key_of("minhang-2"), key_of("minhang-2"), key_of("minhang-3")
    asked = {"evidence": json.loads(world.evidence(0).format())}
    told = public.post("/v1/verifications", json=asked, headers=first).json()
    path = f"/v1/verifications/{told['reference']}"
    assert public.get(path, headers=second).json()["receipt"] == told["receipt"]
    assert public.get(path, headers=other).status_code == 404


def test_a_counter_of_another_region_is_another_party(world: World, public: httpx.Client) -> None:
    def key_of(region: int) -> dict[str, str]:
        asked = {"role": "counter", "name": "x", "counter": "hall-1", "region": region}
        made = public.post("/v1/api-keys", json=asked, headers=regional(world, region=region))
        return {"authorization": f"Bearer {made.json()['key']}"}

    first, second, other = key_of(31), key_of(31), key_of(32)
    asked = {"evidence": json.loads(world.evidence(0).format())}
    answer = public.post("/v1/verifications", json=asked, headers=first).json()
    path = f"/v1/verifications/{answer['reference']}"
    assert public.get(path, headers=second).status_code == 200
    assert public.get(path, headers=other).status_code == 404


@pytest.mark.parametrize("name", ["a\x00b", "a\nb", "a\x1b[31m"])
def test_a_name_is_such_as_can_be_printed(administrator: httpx.Client, name: str) -> None:
    answer = administrator.post("/v1/api-keys", json={"name": name, "role": "auditor"})
    assert (answer.status_code, answer.json()["code"]) == (422, "schema.invalid")


@pytest.mark.parametrize("number", ["+1", "01", "1.0", "1_0", " 1", "1e0", "0x1", "\u0661"])
def test_integers_in_paths_have_one_spelling(
    world: World, issuer: httpx.Client, number: str
) -> None:
    for path in (
        f"/v1/batches/{world.issuer.issuer}/{number}",
        f"/v1/batches/{world.issuer.issuer}/1?wait={number.replace('+', '%2B')}",
    ):
        answer = issuer.get(path)
        assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid")
