"""The first steps at an issuer's desk, in a browser: from an empty folder to the first sheet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from certledger.api.local_desk.app import desk_app
from certledger.api.local_desk.desk import LocalDesk, open_desk
from certledger.api.local_desk.guard import DeskGuard
from certledger.ledger.core.service_values import Role
from certledger.ledger.intake.proposals import MAX_OWN_PROPOSALS, sign_proposal
from certledger.ledger.issuer.act_file import Envelope
from certledger.ledger.issuer.registration import request_registration
from certledger.ledger.issuer.signed_acts import add_signature
from certledger.ledger.keys import save_keystore
from certledger.verifier.formats.issuer_state import region_of
from tests.api.world import World, listening
from tests.ledger.live import registrar
from tests.pages.axe import faults_of
from tests.pages.conftest import HTML, LANGUAGES, REVERSED, WIDTHS, PageWorld, Visits
from tests.pages.hands import Hand
from tests.pages.institutions import is_too_wide

PASSPHRASE = "four unrelated words 四个词"
CODES = {"zh": "51320000XX00007701", "en": "51330000XX00007702"}
NAMES = {"zh": "江苏省示例餐饮协会", "en": "Sample Association <b>Zhejiang</b>"}


@dataclass
class NewDesk:
    """A desk that begins with nothing."""

    work: LocalDesk
    link: str

    @property
    def origin(self) -> str:
        parts = urlsplit(self.link)
        return f"{parts.scheme}://{parts.netloc}"


@contextmanager
def new_desk(folder: Path, token: str | None = None) -> Iterator[NewDesk]:
    """Serve a desk as the command opens it."""
    work = open_desk(folder, server=None, token=token, deployment=None)
    work.key_work = 16
    guard = DeskGuard(desk_app(work))
    with listening(guard) as url:
        port = urlsplit(url).port
        assert port is not None
        yield NewDesk(work=work, link=guard.link(port))


class Clerk:
    """A browser without scripts at a desk."""

    def __init__(self, desk: NewDesk, language: str = "en") -> None:
        headers = {"origin": desk.origin, "accept-language": language}
        self.client = httpx.Client(headers=headers, timeout=60.0, follow_redirects=True)
        self.base = str(self.client.get(desk.link).url)

    def send(self, path: str, **fields: Any) -> httpx.Response:
        """Send a form to a path of the desk."""
        parts = [
            (name, one if isinstance(one, tuple) else (None, one))
            for name, given in fields.items()
            for one in (given if isinstance(given, list) else [given])
        ]
        return self.client.post(self.base + path, files=parts or [("x", (None, ""))])

    def home(self) -> str:
        return self.client.get(self.base).text


def token_of(world: World, code: str) -> str:
    """Make the API key that the operator gives an issuer."""
    return world.service.keys.create(name="desk", role=Role.ISSUER, issuer=code)[1]


def countersign(world: World, code: str, *regions: int) -> None:
    """Let registrars sign what waits of an issuer, as from their page."""
    with world.ledger.store.begin(write=False) as unit:
        stored = unit.proposals(now=int(world.service.clock()), limit=500)
    for one in stored:
        if one.subject == code:
            envelope = Envelope.parse(one.file)
            for region in regions:
                envelope = envelope.with_act(add_signature(envelope.act, registrar(region)))
            sign_proposal(world.ledger.intake, envelope, party="registrar")
    world.ledger.run_until_idle()


def contents(folder: Path) -> bytes:
    """Return everything in the files of a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


# In a browser ------------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.parametrize(("language", "width"), list(zip(LANGUAGES, WIDTHS, strict=True)))
def test_an_association_begins_with_nothing_and_comes_to_its_first_sheet(
    pages: PageWorld, browser: Any, tmp_path: Path, language: str, width: int
) -> None:
    world, code = pages.running.world, CODES[language]
    folder = tmp_path / "issuer"

    def go(selector: str) -> None:
        Hand(page, "keyboard" if language == "zh" else "mouse").press(selector)

    def keeps_nobody_out() -> bool:
        return language == "zh" or faults_of(page) == []

    with new_desk(folder) as desk:
        visits = Visits(browser, desk.origin)
        page = visits(language, width, bypass_csp=True).page
        page.goto(desk.link)
        assert not is_too_wide(page, width)
        assert keeps_nobody_out()
        page.fill("#server", pages.url)
        page.fill("#identity", f"0x{world.ledger.pin.identity.hex()}")
        page.fill("#key", token_of(world, code))
        go("form[action$='/first/ledger'] button")
        page.fill("#code", code)
        page.fill("#name", NAMES[language])
        page.fill("#passphrase", PASSPHRASE)
        page.fill("#again", "something else")
        go("form[action$='/first/issuer'] button")
        page.wait_for_selector("#problem")
        assert page.input_value("#name") == NAMES[language], "nothing typed is lost"
        assert page.input_value("#passphrase") == "", "a passphrase is never sent back"
        assert not desk.work.issuer.keystore.exists()
        page.fill("#passphrase", PASSPHRASE)
        page.fill("#again", PASSPHRASE)
        assert not is_too_wide(page, width)
        go("form[action$='/first/issuer'] button")
        page.wait_for_selector("#registration")
        assert desk.work.issuer.address().hex() in page.content()
        assert str(folder) in page.inner_text("section.notice"), "where the copy is made from"
        assert keeps_nobody_out()
        go("form[action$='/send'] button")
        page.wait_for_selector(".notice.good")
        countersign(world, code, region_of(code), 31)
        page.wait_for_selector("#choose")  # The page goes on by itself.
        assert not is_too_wide(page, width)
        page.check("fieldset >> nth=0 >> input >> nth=0")
        page.fill("#catalog-passphrase", PASSPHRASE)
        go("form[action$='/catalog'] button")
        page.wait_for_selector("#catalog-waiting")
        assert keeps_nobody_out()
        countersign(world, code, region_of(code))
        page.wait_for_selector("#sheet")
        assert NAMES[language] in page.inner_text("h1")
        visits.forgive("400 (Bad Request)")
        assert visits.close() == []
    assert PASSPHRASE.encode() not in contents(folder)


# Bad input ---------------------------------------------------------------------------------------


def test_what_is_wrong_with_service_or_ledger_is_said_and_nothing_is_stored(
    pages: PageWorld, tmp_path: Path
) -> None:
    identity = pages.running.world.ledger.pin.identity.hex()
    faults = [
        ({"server": "ledger", "identity": identity}, "setup.address"),
        ({"server": "http://ledger.example", "identity": identity}, "setup.insecure"),
        ({"server": pages.url, "identity": "12"}, "setup.identity"),
        ({"server": pages.url, "identity": "ab" * 32}, "setup.other_ledger"),
        ({"server": f"{pages.url}/none", "identity": identity}, "server.false"),
        ({"server": pages.url, "identity": identity, "key": "clk_WRONG000_x"}, "setup.api_key"),
        ({"server": pages.url, "identity": identity, "key": "密钥"}, "setup.api_key"),
    ]
    with new_desk(tmp_path / "new") as desk:
        clerk = Clerk(desk)
        for typed, code in faults:
            answer = clerk.send("first/ledger", **typed)
            assert (answer.status_code, code in answer.text) == (400, True), (typed, answer.text)
            assert f'value="{typed["server"]}"' in answer.text
        assert not (tmp_path / "new").exists()
        # An address where nobody answers.
        with listening(desk_app(desk.work)) as gone:
            pass
        answer = clerk.send("first/ledger", server=gone, identity=identity)
        assert (answer.status_code, "server.silent" in answer.text) == (503, True)
        (tmp_path / "new").write_text("a file is where the folder should be")
        answer = clerk.send("first/ledger", server=pages.url, identity=identity)
        assert (answer.status_code, "desk.storage" in answer.text) == (507, True)
        assert identity in answer.text


def test_what_is_wrong_with_issuer_or_passphrase_is_said_and_no_key_is_made(
    pages: PageWorld, tmp_path: Path
) -> None:
    world, folder = pages.running.world, tmp_path / "new"
    good = {
        "code": "51340000XX00007703",
        "kind": "association",
        "name": "安徽省示例协会",
        "passphrase": PASSPHRASE,
        "again": PASSPHRASE,
    }
    faults = [
        ({"code": "12"}, "setup.code"),
        ({"code": "51XX0000XX00007703"}, "setup.code"),
        ({"kind": "operator"}, "setup.kind"),
        ({"kind": ""}, "setup.kind"),
        ({"name": REVERSED}, "setup.name"),
        ({"name": "甲\n乙"}, "setup.name"),
        ({"name": ""}, "setup.name"),
        ({"name": "甲" * 129}, "setup.name"),
        ({"passphrase": "short", "again": "short"}, "setup.short"),
        ({"again": f"{PASSPHRASE} "}, "setup.differ"),
        ({"code": world.issuer.issuer}, "setup.registered"),
    ]
    with new_desk(folder, token_of(world, good["code"])) as desk:
        clerk = Clerk(desk)
        identity = world.ledger.pin.identity.hex()
        clerk.send("first/ledger", server=pages.url, identity=identity)
        for changed, code in faults:
            answer = clerk.send("first/issuer", **{**good, **changed})
            assert (answer.status_code, code in answer.text) == (400, True), (changed, answer.text)
            assert "\u202e" not in answer.text
            assert PASSPHRASE not in answer.text
        assert [path.name for path in folder.iterdir()] == ["desk"]
        shown = clerk.send("first/issuer", **{**good, "name": HTML})
        assert "&lt;img src=x" in shown.text, "a name is text"
        assert "<img src=x" not in shown.text
        # The name was wrong: back, and the same key is used, if the passphrase opens it.
        address = desk.work.issuer.address()
        assert f"0x{address.hex()}" in clerk.send("first/correct").text
        wrong = clerk.send("first/issuer", **{**good, "passphrase": "of another key"})
        assert (wrong.status_code, "key.unusable" in wrong.text) == (400, True)
        assert not desk.work.issuer.has_profile
        assert good["name"] in clerk.send("first/issuer", **good).text
        assert desk.work.issuer.address() == address


# Going on ----------------------------------------------------------------------------------------


def test_a_desk_that_was_stopped_goes_on_at_each_step(pages: PageWorld, tmp_path: Path) -> None:
    world, folder, code = pages.running.world, tmp_path / "new", "51310000XX00007704"
    token = token_of(world, code)
    with new_desk(folder) as desk:
        identity = world.ledger.pin.identity.hex()
        shown = Clerk(desk).send("first/ledger", server=pages.url, identity=identity)
        assert 'id="code"' in shown.text
    with new_desk(folder) as desk:
        clerk = Clerk(desk)
        assert 'id="code"' in clerk.home()
        fields = {"code": code, "kind": "association", "name": "上海市示例协会"}
        clerk.send("first/issuer", **fields, passphrase=PASSPHRASE, again=PASSPHRASE)
    # Stopped after the key, before the request.
    (folder / "desk" / "registration.json").unlink()
    with new_desk(folder, token) as desk:
        clerk = Clerk(desk)
        assert 'action="' + urlsplit(clerk.base).path + "first/request" in clerk.home()
        assert "key.unusable" in clerk.send("first/request", passphrase="wrong one").text
        assert "Send it to the service" in clerk.send("first/request", passphrase=PASSPHRASE).text
    # Without an API key the request is there, and the key is asked for where it is sent.
    with new_desk(folder) as desk:
        clerk = Clerk(desk)
        assert 'id="send-key"' in clerk.home()
        wrong = clerk.send("waiting/registration/send", key="clk_WRONG000_x")
        assert (wrong.status_code, "auth.invalid" in wrong.text) == (400, True)
        sent = clerk.send("waiting/registration/send", key=token)
        assert "the registrar of region 31" in sent.text
        assert clerk.client.get(f"{clerk.base}waiting/registration/progress").json() == {
            "done": False
        }
        # One registrar signs on its page, the other gives a file back.
        countersign(world, code, 31)
        file = clerk.client.get(f"{clerk.base}waiting/registration/file")
        envelope = Envelope.parse(file.content)
        stranger = envelope.with_act(add_signature(envelope.act, registrar(33)))
        other = clerk.send("waiting/registration/signed", signed=("x.json", b"{}"))
        assert other.status_code == 400
        back = ("signed.json", stranger.format())
        done = clerk.send("waiting/registration/signed", signed=back)
        assert "being anchored" in done.text, done.text
        world.ledger.run_until_idle()
        assert clerk.client.get(f"{clerk.base}waiting/registration/progress").json()["done"]
    with new_desk(folder, token) as desk:
        clerk = Clerk(desk)
        assert 'id="choose"' in clerk.home()
        assert "setup.nothing_chosen" in clerk.send("catalog", passphrase=PASSPHRASE).text
        unknown = clerk.send("catalog", categories="NO-SUCH", passphrase=PASSPHRASE)
        assert "catalog.category" in unknown.text
        asked = clerk.send("catalog", categories="AS-MEMBER", passphrase=PASSPHRASE)
        assert 'id="catalog-waiting"' in asked.text
    countersign(world, code, 31)
    with new_desk(folder, token) as desk:
        clerk = Clerk(desk)
        assert 'id="sheet"' in clerk.home()
        same = clerk.send("catalog", categories="AS-MEMBER", passphrase=PASSPHRASE)
        assert "setup.nothing_changes" in same.text
        more = ["AS-MEMBER", "AS-TRAINING"]
        changed = clerk.send("catalog", categories=more, passphrase=PASSPHRASE)
        assert 'id="catalog-waiting"' in changed.text, changed.text
        countersign(world, code, 31)
        assert clerk.client.get(f"{clerk.base}waiting/catalog/progress").json() == {"done": True}
        assert {one.category for one in desk.work.issuer.catalog().entries} == set(more)


def test_a_new_computer_takes_over_key_and_secret_of_an_issuer(
    pages: PageWorld, tmp_path: Path
) -> None:
    world = pages.running.world
    issuer = world.issuer
    folder = tmp_path / "new"
    folder.mkdir()
    secret = sha256(f"key of {issuer.issuer}".encode()).digest()
    save_keystore(folder / "key.json", secret, "p", work=16)
    (folder / "ids.secret").write_text(bytes(32).hex())
    with new_desk(folder, token_of(world, issuer.issuer)) as desk:
        clerk = Clerk(desk)
        identity = world.ledger.pin.identity.hex()
        clerk.send("first/ledger", server=pages.url, identity=identity)
        fields = {"code": issuer.issuer, "kind": "department", "name": "whatever is typed"}
        shown = clerk.send("first/issuer", **fields, passphrase="p")
        assert 'id="sheet"' in shown.text, shown.text
        assert desk.work.issuer.profile().name == issuer.name


def test_of_one_issuer_only_so_many_acts_wait(pages: PageWorld, tmp_path: Path) -> None:
    world, code = pages.running.world, "51310000XX00007705"
    token = token_of(world, code)
    with new_desk(tmp_path / "new", token) as desk:
        clerk = Clerk(desk)
        identity = world.ledger.pin.identity.hex()
        clerk.send("first/ledger", server=pages.url, identity=identity)
        fields = {"code": code, "kind": "association", "name": "上海市示例协会"}
        clerk.send("first/issuer", **fields, passphrase=PASSPHRASE, again=PASSPHRASE)
        signer = desk.work.issuer.signer(PASSPHRASE)
        headers = {"authorization": f"Bearer {token}"}
        with httpx.Client(base_url=pages.url, headers=headers) as client:
            now = int(world.service.clock())
            codes = []
            for later in range(MAX_OWN_PROPOSALS + 1):
                file = request_registration(desk.work.issuer, signer, now=now + later).format()
                codes.append(client.post("/v1/proposals", content=file).status_code)
            assert codes == [202] * MAX_OWN_PROPOSALS + [503]
            other = client.post(
                "/v1/proposals", content=file.replace(code.encode(), b"51310000XX00007706")
            )
            assert other.status_code == 403
