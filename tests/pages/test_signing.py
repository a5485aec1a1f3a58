"""Acts prepared on pages, signed by wallets and by files, by one party after another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from playwright.sync_api import expect

from certledger.api.pages.act_statements import parse_indexes
from certledger.ledger.core.acts import ActState
from certledger.ledger.core.service_values import Role
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.signed_acts import add_signature, packed_keys, sign_statement
from certledger.ledger.issuer.typed_data import typed_data
from certledger.verifier.errors import MalformedError
from certledger.verifier.formats.signed_act import ACTS
from certledger.verifier.formats.statements import Receipt, Register, Statement
from certledger.verifier.vocabulary import Purpose
from tests.ledger.live import LiveIssuer, person, registrar
from tests.pages.conftest import HTML, REVERSED, PageWorld
from tests.pages.hands import WAYS, Hand, Way
from tests.pages.institutions import csrf_of, is_too_wide, key_of, open_signed_in, signed_in


def account_of(name: str) -> Any:
    """Return the wallet's account of somebody, as `person` is."""
    return Account.from_key(sha256(name.encode()).digest())


def wallet_signature(account: Any, data: dict[str, Any]) -> str:
    """Return what a wallet gives for typed data."""
    signed = account.sign_message(encode_typed_data(full_message=data))
    return "0x" + bytes(signed.signature).hex()


def sample(kind: type[Statement]) -> Statement:
    """Return a statement of a kind with a value for each member."""
    values: dict[str, Any] = {}
    for name, _, solidity in kind.members():
        one: Any
        base = solidity.removesuffix("[]")
        if base.startswith("uint"):
            one = 2 ** min(int(base[4:]), 256) - 2
        else:
            one = bytes(range(1, 1 + (20 if base == "address" else int(base[5:]))))
        values[name] = (one, one) if solidity.endswith("[]") else one
    return kind(**values)


@pytest.mark.parametrize("kind", [kind for kind in ACTS.values() if kind is not Receipt])
def test_what_a_wallet_signs_is_the_digest_of_the_contract(
    pages: PageWorld, kind: type[Statement]
) -> None:
    deployment = pages.running.world.ledger.deployment
    statement = sample(kind)
    data = json.loads(json.dumps(typed_data(statement, deployment)))
    account = account_of("anybody")
    signature = bytes.fromhex(wallet_signature(account, data)[2:])
    digest = statement.digest(deployment.identity)
    from certledger.ledger.keys import recover

    assert recover(digest, signature) == bytes.fromhex(account.address[2:])


@pytest.fixture
def issuer(pages: PageWorld) -> Iterator[httpx.Client]:
    with signed_in(pages, key_of(pages, Role.ISSUER)) as client:
        client.headers["x-csrf-token"] = csrf_of(client.get("/issuer").text)
        yield client


@pytest.fixture
def office(pages: PageWorld) -> Iterator[httpx.Client]:
    with signed_in(pages, key_of(pages, Role.ADMINISTRATOR)) as client:
        client.headers["x-csrf-token"] = csrf_of(client.get("/registrar?region=31").text)
        yield client


def issuer_wallet(pages: PageWorld) -> Any:
    return account_of(f"key of {pages.running.world.issuer.issuer}")


def status_act(client: httpx.Client, indexes: str, status: str = "suspended") -> dict[str, Any]:
    reason = {"suspended": "S01", "revoked": "R01", "valid": "V02"}[status]
    typed = {"kind": "status", "indexes": indexes, "status": status, "reason": reason}
    answer = client.post("/acts/prepare", json=typed)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_status_is_changed_by_a_wallet_and_the_page_shows_it(
    pages: PageWorld, issuer: httpx.Client
) -> None:
    act = status_act(issuer, "0")
    signature = wallet_signature(issuer_wallet(pages), act["typed_data"])
    for _ in range(2):  # The second tab, or a second click.
        done = issuer.post("/acts/sign", json={"file": act["file"], "signature": signature})
        assert done.status_code == 200, done.text
        assert done.json()["state"] == "submitted"
    pages.running.world.ledger.run_until_idle()
    told = issuer.get("/issuer/acts").json()["acts"]
    assert {one["digest"]: one["state"] for one in told}[act["digest"]] == ActState.FINAL
    again = status_act(issuer, "0", "valid")
    other = status_act(issuer, "0", "revoked")
    for each, status in ((again, 200), (other, 409)):  # Two tabs with two acts at one counter.
        signature = wallet_signature(issuer_wallet(pages), each["typed_data"])
        answer = issuer.post("/acts/sign", json={"file": each["file"], "signature": signature})
        assert answer.status_code == status, answer.text
    assert answer.json()["code"] in ("act.conflict", "statement.counter")
    pages.running.world.ledger.run_until_idle()
    pages.running.world.issuer.epoch += 2


def test_a_stranger_signs_nothing_and_a_wrong_token_does_nothing(
    pages: PageWorld, issuer: httpx.Client
) -> None:
    act = status_act(issuer, "0")
    stranger = wallet_signature(account_of("a stranger"), act["typed_data"])
    answer = issuer.post("/acts/sign", json={"file": act["file"], "signature": stranger})
    assert (answer.status_code, answer.json()["code"]) == (422, "signature.unknown_key")
    bad = issuer.post("/acts/sign", json={"file": act["file"]}, headers={"x-csrf-token": "x"})
    assert (bad.status_code, bad.json()["code"]) == (400, "form.expired")
    nothing = issuer.post("/acts/prepare", json={"kind": "burn"})
    assert nothing.json()["code"] == "act.kind"
    with signed_in(pages, pages.counter_key) as client:
        assert client.get("/issuer").status_code == 403
        assert client.get("/registrar").status_code == 403


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({}, "act.keys_unfit"),
        ({"end": "9" * 5_000}, "keys.end"),
        ({"end": "999"}, "act.keys_unfit"),
        ({"end": "٣"}, "keys.end"),
        ({"address": "0x" + "11" * 20}, "act.keys_unfit"),
        ({"address": "0x" + "11" * 20, "purposes": 5}, "keys.purposes"),
        ({"address": "0x" + "11" * 20, "purposes": [{"a": 1}]}, "keys.purposes"),
        ({"address": "x"}, "keys.address"),
    ],
)
def test_what_is_typed_wrongly_of_keys_is_said(
    issuer: httpx.Client, typed: dict[str, Any], code: str
) -> None:
    answer = issuer.post("/acts/prepare", json={"kind": "keys", **typed})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_reason_of_no_status_is_said(issuer: httpx.Client) -> None:
    typed = {"kind": "status", "status": "revoked", "indexes": "0", "reason": "\u202e"}
    answer = issuer.post("/acts/prepare", json=typed)
    assert (answer.status_code, answer.json()["code"]) == (422, "status.reason_unfit")


def test_a_catalog_waits_for_the_registrar_who_sees_it_in_full(
    pages: PageWorld, issuer: httpx.Client, office: httpx.Client
) -> None:
    present = [one.category for one in pages.running.world.issuer.catalog.entries]
    typed = {"kind": "catalog", "categories": "\n".join([*present, "ID-RESIDENCE-PERMIT"])}
    refused = issuer.post("/acts/prepare", json=typed | {"categories": "NO-SUCH"})
    assert refused.json()["code"] == "catalog.category"
    category = next(iter(_more_categories(present)))
    typed["categories"] = "\n".join([*present, category])
    act = issuer.post("/acts/prepare", json=typed).json()
    first = wallet_signature(issuer_wallet(pages), act["typed_data"])
    done = issuer.post("/acts/sign", json={"file": act["file"], "signature": first}).json()
    assert done["state"] == "waiting"
    assert done["missing"] == ["the registrar of region 31"]

    page = office.get("/registrar?region=31").text
    assert category in page
    assert f'data-digest="{act["digest"]}" data-then="sign"' in page
    assert f'data-digest="{act["digest"]}" data-then' not in office.get("/registrar?region=32").text

    waiting = Envelope.parse(
        json.dumps(office.get(f"/acts/{act['digest']}").json()["file"]).encode()
    )
    signed = waiting.with_act(add_signature(waiting.act, registrar(31)))
    last = office.post("/acts/sign", json={"file": json.loads(signed.format())})
    assert last.json()["state"] == "submitted", last.text
    pages.running.world.ledger.run_until_idle()
    assert waiting.catalog is not None
    pages.running.world.issuer.catalog = waiting.catalog
    assert category in issuer.get("/issuer").text
    assert act["digest"] not in office.get("/registrar?region=31").text


def _more_categories(present: list[str]) -> Iterator[str]:
    """Yield categories that may be added and leave the last entry, of which batches are, last."""
    from certledger.ledger.reference_data import load_domain

    known = load_domain().categories
    return (code for code in known if code not in present and code < max(present))


def test_a_name_that_is_html_and_turns_text_is_shown_as_it_is(
    pages: PageWorld, office: httpx.Client
) -> None:
    world, name = pages.running.world, f"{REVERSED}{HTML}"
    signer = person("a key of nobody yet")
    statement = Register(
        issuer=b"91310000XX0000999A",
        kind=1,
        name=sha256(name.encode()).digest(),
        keys=packed_keys({signer.address: Purpose.BATCHES}),
        not_after=int(world.service.clock()) + 3_600,
    )
    act = sign_statement(statement, [signer], world.ledger.pin.identity)
    file = json.loads(Envelope(act=act, name=name).format())
    answer = office.post("/acts/sign", json={"file": file})
    assert answer.json()["state"] == "waiting", answer.text
    page = office.get("/registrar?region=31").text
    assert act.digest.hex() in page
    assert "\u202e" not in page
    assert "&lt;U+202E&gt;" in page
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert "a second registrar, of another region" in page


def test_a_key_is_added_whoever_signs_first(
    pages: PageWorld, issuer: httpx.Client, office: httpx.Client
) -> None:
    new = account_of("the new key")
    typed = {"kind": "keys", "address": new.address, "purposes": ["status"], "end": ""}
    act = issuer.post("/acts/prepare", json=typed).json()
    clients = [issuer, issuer, office]
    wallets = [new, issuer_wallet(pages), account_of("registrar 31")]
    states = []
    for client, wallet in zip(clients, wallets, strict=True):
        body = {"file": act["file"], "signature": wallet_signature(wallet, act["typed_data"])}
        states.append(client.post("/acts/sign", json=body).json()["state"])
    assert states == ["waiting", "waiting", "submitted"]
    pages.running.world.ledger.run_until_idle()
    assert new.address.lower() in issuer.get("/issuer").text


def test_evidence_of_a_batch_is_one_download(pages: PageWorld, issuer: httpx.Client) -> None:
    import io
    import zipfile

    answer = issuer.get("/issuer/evidence/1")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        index = json.loads(archive.read(names[1]))["record"]["index"]
    assert (len(names), index) == (5, 1)
    assert issuer.get("/issuer/evidence/999").status_code == 404


def test_indexes_are_read_as_people_write_them() -> None:
    assert parse_indexes("3, 8-10；1") == [1, 3, 8, 9, 10]
    for text in ("", "a", "9-3", "0-99999999", "-1"):
        with pytest.raises(MalformedError):
            parse_indexes(text)


# In a browser ------------------------------------------------------------------------------------

PROVIDER = """
window.ethereum = { request: async ({ method, params }) => {
  const answer = await window.walletRequest(method, JSON.stringify(params ?? []));
  if (answer.error) throw Object.assign(new Error(answer.error), { code: answer.code });
  return answer.result;
} };
"""


class Wallet:
    """An EIP-1193 provider with a real key, which runs in the test's process."""

    def __init__(self, account: Any, chain: int) -> None:
        self.account, self.chain, self.declines, self.signed = account, chain, False, 0

    def request(self, method: str, text: str) -> dict[str, Any]:
        params = json.loads(text)
        if method in ("eth_requestAccounts", "eth_accounts"):
            return {"result": [self.account.address]}
        if method == "eth_chainId":
            return {"result": hex(self.chain)}
        if method == "eth_signTypedData_v4" and not self.declines:
            self.signed += 1
            return {"result": wallet_signature(self.account, json.loads(params[1]))}
        return {"error": "declined", "code": 4001}

    def put_into(self, page: Any) -> None:
        page.expose_function("walletRequest", self.request)
        page.add_init_script(PROVIDER)


@pytest.mark.browser
@pytest.mark.parametrize(("language", "width", "way"), WAYS)
def test_an_issuer_suspends_and_resumes_with_a_wallet(
    pages: PageWorld, visit: Any, language: str, width: int, way: Way
) -> None:
    chain = pages.running.world.ledger.deployment.chain_id
    wallet = Wallet(account_of("a stranger"), chain + 1)
    tab = visit(language, width)
    wallet.put_into(tab.page)
    page = open_signed_in(tab, key_of(pages, Role.ISSUER), "/issuer")
    hand = Hand(page, way)
    assert not is_too_wide(page, width)
    hand.type("#indexes", "0")
    hand.choose("#status", "suspended" if language == "zh" else "valid")
    offered = page.locator("#reason option:not([disabled])")
    hand.choose("#reason", offered.nth(1).get_attribute("value"))
    hand.press("form[data-act=status] button")
    page.wait_for_selector("#review:not([hidden])")
    hand.press("#review-wallet")
    page.wait_for_selector("#message.bad")
    assert str(chain) in page.inner_text("#message")
    wallet.chain = chain
    hand.press("#review-wallet")
    expect(page.locator("#message")).to_contain_text(wallet.account.address.lower())
    wallet.account, wallet.declines = issuer_wallet(pages), True
    hand.press("#review-wallet")
    expect(page.locator("#message")).not_to_contain_text("0x")
    assert (wallet.signed, page.input_value("#indexes")) == (0, "0")
    wallet.declines = False
    hand.press("#review-wallet")
    page.wait_for_selector("#message.good")
    assert wallet.signed == 1
    pages.running.world.ledger.run_until_idle()
    page.reload()
    page.wait_for_selector(".tag.final")
    pages.running.world.issuer.epoch += 1


@pytest.mark.browser
def test_a_wallet_that_answers_nonsense_is_told_in_a_sentence(pages: PageWorld, visit: Any) -> None:
    tab = visit("en", 390)
    tab.page.add_init_script("""window.ethereum = { request: async () => {
      if (window.isLoud) throw { message: "<b>\\u202e</b>" + "A".repeat(200_000) };
      return null;
    } };""")
    page = open_signed_in(tab, key_of(pages, Role.ISSUER), "/issuer")
    page.fill("#indexes", "0")
    page.select_option("#status", "suspended")
    page.select_option("#reason", "S01")
    page.click("form[data-act=status] button")
    page.wait_for_selector("#review:not([hidden])")
    page.click("#review-wallet")
    page.wait_for_selector("#message.bad")
    assert "iterable" not in page.inner_text("#message")
    page.evaluate("window.isLoud = true")
    page.click("#review-wallet")
    expect(page.locator("#message")).to_contain_text("<b>⟨U+202E⟩</b>AAA")
    assert len(page.inner_text("#message")) < 1_000
    assert not is_too_wide(page, 390)


@pytest.mark.browser
def test_a_batch_is_handed_in_and_becomes_final_before_ones_eyes(
    pages: PageWorld, visit: Any, tmp_path: Any
) -> None:
    world = pages.running.world
    file = tmp_path / "batch.json"
    file.write_bytes(world.issuer.seal(2, "page-").submission())
    page = open_signed_in(visit("en", 1280), key_of(pages, Role.ISSUER), "/issuer")
    large = tmp_path / "large.json"
    with large.open("wb") as other:
        other.truncate(200 * 2**20)
    page.set_input_files("#batch-file", str(large))
    expect(page.locator("#message.bad")).to_contain_text("MB")
    page.set_input_files("#batch-file", str(file))
    expect(page.locator("#message.good")).to_contain_text("is being anchored")
    expect(page.locator("#acts tbody tr").first).to_contain_text("Accepted")
    world.ledger.run_until_idle()
    expect(page.locator("#acts tbody tr").first).to_contain_text("Final", timeout=15_000)


@pytest.mark.browser
def test_a_session_that_ends_loses_nothing_typed_and_a_signed_file_is_uploaded(
    pages: PageWorld, visit: Any, tmp_path: Any
) -> None:
    key, tab = key_of(pages, Role.ISSUER), visit("en", 390)
    page = open_signed_in(tab, key, "/issuer")
    page.fill("#indexes", "2")
    page.select_option("#status", "suspended")
    page.click("form[data-act=status] button")
    assert page.locator("#reason:invalid").count() == 1, "no reason is chosen for the issuer"
    page.select_option("#reason", "S01")
    page.context.clear_cookies()
    page.click("form[data-act=status] button")
    expect(page.locator("#message.bad")).to_contain_text("Your session has ended")
    assert page.input_value("#indexes") == "2"
    other = page.context.new_page()
    other.goto(f"{pages.url}/sign-in?next=/issuer")
    other.fill("#key", key)
    other.keyboard.press("Enter")
    other.wait_for_url("**/issuer")
    page.click("form[data-act=status] button")
    page.wait_for_selector("#review:not([hidden])")
    with page.expect_download() as download:
        page.click("#review-download")
    unsigned = Envelope.parse(download.value.path().read_bytes())
    assert unsigned.act.signatures == ()
    file = tmp_path / "signed.json"
    signer = pages.running.world.issuer.key
    file.write_bytes(unsigned.with_act(add_signature(unsigned.act, signer)).format())
    page.set_input_files("#signed-file", str(file))
    page.wait_for_selector("#message.good")
    pages.running.world.ledger.run_until_idle()
    pages.running.world.issuer.epoch += 1
    refused = [one for one in tab.faults if "Failed to load resource" in one]
    assert refused, "the refusals of a session that ended"
    tab.faults[:] = [one for one in tab.faults if one not in refused]


@pytest.mark.browser
@pytest.mark.parametrize(("language", "width", "way"), WAYS)
def test_a_registrar_holds_in_one_click(
    pages: PageWorld, visit: Any, language: str, width: int, way: Way
) -> None:
    world = pages.running.world
    wallet = Wallet(account_of("registrar 32"), world.ledger.deployment.chain_id)
    tab = visit(language, width)
    wallet.put_into(tab.page)
    page = open_signed_in(tab, key_of(pages, Role.ADMINISTRATOR), "/registrar?region=32")
    assert not is_too_wide(page, width)
    Hand(page, way).press(f'button[data-issuer="{world.other.issuer}"]')
    page.wait_for_selector("#message.good")
    world.ledger.run_until_idle()
    with world.ledger.store.begin(write=False) as unit:
        row = unit.issuer(world.other.issuer)
    assert row is not None
    assert row.on_hold is (language == "zh"), "held in the first run, released in the second"


@pytest.mark.browser
@pytest.mark.parametrize(("language", "width", "way"), WAYS)
def test_a_registrar_signs_what_waits_with_a_wallet(
    pages: PageWorld, visit: Any, issuer: httpx.Client, language: str, width: int, way: Way
) -> None:
    new = account_of(f"a key that waits {language}")
    typed = {"kind": "keys", "address": new.address, "purposes": ["status"], "end": ""}
    act = issuer.post("/acts/prepare", json=typed).json()
    for signer in (new, issuer_wallet(pages)):
        body = {"file": act["file"], "signature": wallet_signature(signer, act["typed_data"])}
        assert issuer.post("/acts/sign", json=body).json()["state"] == "waiting"
    world = pages.running.world
    chain = world.ledger.deployment.chain_id
    wallet = Wallet(account_of("registrar 31"), chain + 1)
    tab = visit(language, width)
    wallet.put_into(tab.page)
    page = open_signed_in(tab, key_of(pages, Role.ADMINISTRATOR), "/registrar?region=31")
    button = f'button[data-digest="{act["digest"]}"][data-then=sign]'
    shown = page.locator("li.case", has=page.locator(button))
    expect(shown).to_contain_text(new.address.lower())
    assert not is_too_wide(page, width)
    Hand(page, way).press(button)
    expect(page.locator("#message.bad")).to_contain_text(str(chain))
    wallet.chain = chain
    Hand(page, way).press(button)
    page.wait_for_selector("#message.good")
    assert wallet.signed == 1
    world.ledger.run_until_idle()
    page.reload()
    assert page.locator(button).count() == 0
    assert new.address.lower() in issuer.get("/issuer").text


@pytest.mark.browser
def test_of_two_tabs_that_sign_the_same_act_both_are_told_it_is_submitted(
    pages: PageWorld, visit: Any, issuer: httpx.Client
) -> None:
    world = pages.running.world
    act = status_act(issuer, "3")
    wallet = Wallet(issuer_wallet(pages), world.ledger.deployment.chain_id)
    first = visit("en", 1280)
    wallet.put_into(first.page)
    page = open_signed_in(first, key_of(pages, Role.ISSUER), "/issuer")
    second = page.context.new_page()
    wallet.put_into(second)
    second.goto(f"{pages.url}/issuer")
    file = {"name": "act.json", "mimeType": "application/json"}
    signer = world.issuer.key
    unsigned = Envelope.parse(json.dumps(act["file"]).encode())
    signed = unsigned.with_act(add_signature(unsigned.act, signer)).format()
    for tab in (page, second):  # The same file, signed once, is handed in from both.
        tab.set_input_files("#signed-file", file | {"buffer": signed})
    for tab in (page, second):
        expect(tab.locator("#message.good")).to_contain_text("Signed and submitted")
    # Two tabs that each prepare the next change: one takes its place, the other is told why.
    for tab in (page, second):
        tab.fill("#indexes", "3")
        tab.select_option("#status", "valid")
        tab.select_option("#reason", "V02" if tab is page else "V01")
        tab.click("form[data-act=status] button")
        tab.wait_for_selector("#review:not([hidden])")
    page.click("#review-wallet")
    expect(page.locator("#message.good")).to_contain_text("Signed and submitted")
    second.click("#review-wallet")
    expect(second.locator("#message.bad")).to_contain_text("nothing was changed")
    assert second.input_value("#indexes") == "3"
    world.ledger.run_until_idle()
    world.issuer.epoch += 2
    visit.forgive("409 (Conflict)")


@pytest.mark.browser
def test_a_hostile_name_of_an_issuer_is_text_on_every_page(pages: PageWorld, visit: Any) -> None:
    world, name = pages.running.world, f"{REVERSED}{HTML}"
    issuer = LiveIssuer(world.ledger, issuer="11340000XX0000031U", name=name)
    issuer.register()
    issuer.submit(1)
    world.ledger.run_until_idle()
    _, key = world.service.keys.create(name="x", role=Role.ISSUER, issuer=issuer.issuer)
    auditor, office_key = key_of(pages, Role.AUDITOR), key_of(pages, Role.ADMINISTRATOR)
    for path, by in (
        ("/issuer", key),
        ("/registrar?region=34", office_key),
        (f"/audit?find={issuer.issuer}%230", auditor),
    ):
        page = open_signed_in(visit("en", 390), by, "/sessions")
        page.goto(pages.url + path)
        assert "⟨U+202E⟩" in page.inner_text("main"), path
        assert "\u202e" not in page.content(), path
        assert page.locator("main img[src=x]").count() == 0, path
        assert page.title() != "1", path
    leaf = issuer.sealed[0].sealed.leaves[0]
    evidence = world.ledger.maker.of_leaf(leaf).format()
    page = visit("en", 1280).open("/v")
    page.wait_for_selector("html[data-ready]")
    page.set_input_files(
        "#file", {"name": "e.json", "mimeType": "application/json", "buffer": evidence}
    )
    page.wait_for_selector("#verdict")
    assert "\u202e" not in page.inner_text("body")
    assert page.locator("main img[src=x]").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize(("language", "width", "way"), WAYS)
def test_an_example_of_the_api_runs_in_the_page(
    pages: PageWorld, visit: Any, language: str, width: int, way: Way
) -> None:
    page = open_signed_in(visit(language, width), key_of(pages, Role.AUDITOR), "/docs")
    hand = Hand(page, way)
    hand.press("#getCheckpoint summary")
    hand.press("#getCheckpoint button")
    answer = page.locator("#getCheckpoint .answer:not([hidden])")
    answer.wait_for()
    assert answer.inner_text().startswith("200")
    assert "state_root" in answer.inner_text()
    assert not is_too_wide(page, width)


def test_the_reference_has_every_operation(pages: PageWorld) -> None:
    from certledger.api.auth.permissions import RULES

    text = httpx.get(f"{pages.url}/docs", headers={"accept-language": "zh"}).text
    assert {name for name in RULES if f'id="{name}"' not in text} == set()
    assert REVERSED not in text
