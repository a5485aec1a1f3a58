"""The issuer's desk on its own computer, in a browser: from a sheet to the holders' folders."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from certledger.api.local_desk.app import desk_app
from certledger.api.local_desk.desk import LocalDesk
from certledger.api.local_desk.guard import DeskGuard
from certledger.api.local_desk.jobs import FileUnfitError, SheetJob, SheetJobs, plain_name
from certledger.ledger.core.service_values import Role
from certledger.ledger.issuer.folder import IssuerFolder, Profile
from certledger.ledger.keys import save_keystore
from certledger.ledger.sheets import archive
from certledger.verifier.formats.evidence import Evidence
from certledger.verifier.vocabulary import IssuerKind
from tests.api.world import World, listening
from tests.ledger.live import LiveIssuer
from tests.pages.axe import faults_of
from tests.pages.conftest import HTML, REVERSED, PageWorld, Visits
from tests.pages.hands import WAYS, Hand, Way
from tests.pages.institutions import is_too_wide
from tests.pages.test_signing import Wallet, account_of

HEADER = "category,number,holder_name,issued,expires,documents"
ISSUER = "11330000XX0000041Q"
PASSPHRASE = "a passphrase of the clerk"


@dataclass
class Desk:
    """A desk that listens, and a link of it that works once."""

    world: World
    issuer: LiveIssuer
    work: LocalDesk
    link: str

    @property
    def origin(self) -> str:
        parts = urlsplit(self.link)
        return f"{parts.scheme}://{parts.netloc}"


@pytest.fixture(scope="module")
def association(pages: PageWorld) -> LiveIssuer:
    """Register an issuer of which no other test knows."""
    issuer = LiveIssuer(pages.running.world.ledger, issuer=ISSUER, name="浙江省示例协会")
    issuer.register()
    return issuer


@contextmanager
def open_desk(pages: PageWorld, issuer: LiveIssuer, folder: Path) -> Iterator[Desk]:
    """Serve a desk of an issuer's folder, which has its key and nothing of the ledger."""
    world = pages.running.world
    if not (folder / "body.json").exists():
        profile = Profile(
            issuer=issuer.issuer,
            kind=issuer.kind,
            name=issuer.name,
            ledger=world.ledger.pin.identity,
        )
        made = IssuerFolder.create(folder, profile, PASSPHRASE, work=16)
        made.keystore.unlink()
        secret = sha256(f"key of {issuer.issuer}".encode()).digest()
        save_keystore(made.keystore, secret, PASSPHRASE, work=16)
    _, key = world.service.keys.create(name="desk", role=Role.ISSUER, issuer=issuer.issuer)
    work = LocalDesk(
        issuer=IssuerFolder(folder=folder),
        server=pages.url,
        token=key,
        deployment=world.ledger.deployment,
    )
    guard = DeskGuard(desk_app(work))
    with listening(guard) as url:
        port = urlsplit(url).port
        assert port is not None
        yield Desk(world=world, issuer=issuer, work=work, link=guard.link(port))


@pytest.fixture
def desk(pages: PageWorld, association: LiveIssuer, tmp_path: Path) -> Iterator[Desk]:
    with open_desk(pages, association, tmp_path / "body") as opened:
        yield opened


@pytest.fixture
def tab(desk: Desk, browser: Any) -> Iterator[Visits]:
    """Return what opens tabs; no tab may call anything but the desk itself."""
    visits = Visits(browser, desk.origin)
    yield visits
    assert visits.close() == []


def rows(*lines: str) -> bytes:
    return "\n".join([HEADER, *lines]).encode()


def line(number: str, name: str = "张三", document: str = "", issued: str = "2026-01-05") -> str:
    return f"ID-HUKOU,{number},{name},{issued},,{document}"


def upload(name: str, data: bytes) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def run(desk: Desk) -> None:
    desk.world.ledger.run_until_idle()


# Who is let in -----------------------------------------------------------------------------------


def test_only_the_browser_of_the_link_is_let_in(desk: Desk) -> None:
    with httpx.Client(base_url=desk.origin) as client:
        assert client.get("/").status_code == 404
        assert client.get("/sheets").status_code == 404
        first = client.get(urlsplit(desk.link).path)
        assert first.status_code == 303
        base = first.headers["location"]
        again = client.get(urlsplit(desk.link).path)
        assert (again.status_code, "used before" in again.text) == (410, True)
        home = client.get(base)
        assert home.status_code == 200
        assert "default-src 'none'" in home.headers["content-security-policy"]
        assert home.headers["cache-control"] == "no-store"
        assert "set-cookie" not in home.headers
        foreign = client.get(base, headers={"host": "evil.example"})
        assert foreign.status_code == 403
        for origin in (None, "null", "http://evil.example", "http://127.0.0.1:1"):
            headers = {} if origin is None else {"origin": origin}
            assert client.post(f"{base}update", headers=headers).status_code == 403
        ours = client.post(f"{base}update", headers={"origin": desk.origin})
        assert ours.status_code == 200, ours.text


def test_the_command_prints_a_link_of_this_computer_and_ends_on_interrupt(tmp_path: Path) -> None:
    profile = Profile(
        issuer=ISSUER, kind=IssuerKind.ASSOCIATION, name="浙江省示例协会", ledger=bytes(32)
    )
    folder = tmp_path / "body"
    IssuerFolder.create(folder, profile, PASSPHRASE, work=16)
    arguments = ["issuer-desk", "--body", str(folder), "--server", "https://ledger.example"]
    started = subprocess.Popen(
        [sys.executable, "-m", "certledger", *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert started.stdout is not None
        started.stdout.readline()
        link = started.stdout.readline().strip()
        assert urlsplit(link).hostname == "127.0.0.1"
        assert httpx.get(link).status_code == 303
        started.send_signal(signal.SIGINT)
        assert started.wait(timeout=60) == 0
    finally:
        started.kill()


@pytest.mark.parametrize("name", ["", "..", "a/..", "x\ny", "\u202egnp.pdf", "x" * 300])
def test_a_file_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(FileUnfitError):
        plain_name(name)


def test_a_desk_that_stops_while_it_stores_a_file_has_lost_nothing(tmp_path: Path) -> None:
    jobs = SheetJobs(tmp_path)
    job = jobs.new(0)
    job.put_sheet("a.csv", io.BytesIO(b"number\n"))
    job.put_document("a.pdf", io.BytesIO(b"%PDF"))

    class Broken(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise OSError("no space")

    for put in (job.put_sheet, job.put_document):
        with pytest.raises(OSError, match="no space"):
            put("b.csv", Broken())
    for place in (job.sheet.parent, job.documents):  # What is left where the desk is killed.
        (place / f".{'0a' * 8}.partial").write_bytes(b"num")
    assert [one.sheet.name for one in jobs] == ["a.csv"]
    assert job.document_names() == ["a.pdf"]
    job.put_sheet("b.csv", io.BytesIO(b"number\n"))
    assert [one.sheet.name for one in jobs] == ["b.csv"]
    now = job.folder.stat().st_mtime
    job.sheet.unlink()  # It was killed again, while it discarded the sheet.
    jobs.remove_remains(now)
    assert job.document_names() == ["a.pdf"], "another desk may be storing it"
    jobs.remove_remains(now + 86_400)
    assert not job.folder.exists()


def test_a_sheet_that_is_not_signed_has_no_holders_folders(desk: Desk) -> None:
    headers = {"origin": desk.origin}
    with httpx.Client(headers=headers, timeout=30.0, follow_redirects=True) as client:
        home = str(client.get(desk.link).url)
        sheet = client.post(f"{home}sheets", files={"sheet": ("a.csv", rows(line("1")))})
        path = str(sheet.url)
        assert client.post(f"{path}/holders").status_code == 400
        assert client.get(f"{path}/holders.zip").status_code == 404
        assert client.post(f"{path}/discard").status_code == 200


def test_a_file_name_leads_nowhere_else(tmp_path: Path) -> None:
    assert plain_name("../../etc/passwd") == "passwd"
    assert plain_name("C:\\用户\\甲.pdf") == "甲.pdf"
    job = SheetJob(tmp_path / "20260101-000000-00000000")
    job.put_document("../outside.pdf", io.BytesIO(b"%PDF"))
    assert job.document_names() == ["outside.pdf"]
    with pytest.raises(FileUnfitError):
        job.put_sheet("setup.exe", io.BytesIO(b""))


# In a browser ------------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.parametrize(("language", "width", "way"), WAYS)
def test_a_clerk_brings_a_sheet_to_the_holders(
    desk: Desk, tab: Visits, language: str, width: int, way: Way
) -> None:
    visits = tab(language, width, accept_downloads=True)
    page = visits.page
    page.goto(desk.link)
    hand = Hand(page, way)
    bad = rows(line("甲1", document="1.pdf"), line("甲2", HTML, issued="2026-13-45"))
    hand.open_files("#sheet", upload(f"{language}.csv", bad))
    hand.press("main form[action$='/sheets'] button")
    faulty = page.locator(".cell.faulty")
    faulty.first.wait_for()
    assert "2026-13-45" in " ".join(faulty.all_inner_texts())
    assert "D3" in page.inner_text(".fault-list >> nth=-1")
    assert page.title() != "1", "a cell is shown as text, never as HTML"
    assert not is_too_wide(page, width)

    good = rows(line(f"{language}1", document="1.pdf"), line(f"{language}2", "李四"))
    hand.open_files("#sheet", upload(f"{language}.csv", good))
    hand.open_files("#documents", [upload("1.pdf", b"%PDF-1.7 the first")])
    hand.press("section[aria-labelledby=edit] form:last-of-type button")
    page.wait_for_selector("input[name=accepted], #preview")
    questions = page.locator("input[name=accepted]").count()
    for at in range(questions):
        hand.tick(f"input[name=accepted] >> nth={at}")
    if questions:
        hand.press("form[action$='/answers'] button")
    page.wait_for_selector("#preview")
    assert "李四" in page.inner_text("section[aria-labelledby=preview]")
    assert not is_too_wide(page, width)

    hand.type("#passphrase", "wrong")
    hand.press("form[action$='/seal'] button")
    page.wait_for_selector("#problem")
    assert "key.unusable" in page.inner_text("#problem")
    hand.type("#passphrase", PASSPHRASE)
    hand.press("form[action$='/seal'] button")
    page.wait_for_selector("form[action$='/submit']")
    hand.press("form[action$='/submit'] button")
    page.wait_for_selector("#progress")
    run(desk)
    page.wait_for_selector("#progress.good")
    hand.press("form[action$='/holders'] button")
    with page.expect_download() as download:
        hand.press("a[href$='holders.zip']")
    check_folders(download.value.path(), desk)
    tab.forgive("400 (Bad Request)")


def check_folders(path: Path, desk: Desk) -> None:
    """Check what holders get, and that the service has no name of theirs."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        evidence = [
            Evidence.parse(archive.read(name)) for name in names if name.endswith("evidence.json")
        ]
        assert sum(name.endswith("/1.pdf") for name in names) == 1
    assert [one.record.issuer for one in evidence] == [desk.issuer.issuer] * 2
    (job,) = list(desk.work.jobs)[:1]
    (batch,) = job.batches()
    assert batch.batch_file is not None
    assert "李四".encode() not in batch.batch_file.read_bytes()


@pytest.mark.browser
def test_a_wallet_signs_a_sheet_and_a_strangers_signature_is_refused(
    desk: Desk, tab: Visits
) -> None:
    page = tab("en", 1280).page
    wallet = Wallet(account_of("a stranger"), desk.world.ledger.deployment.chain_id)
    wallet.put_into(page)
    page.goto(desk.link)
    page.set_input_files("#sheet", upload("wallet.csv", rows(line("W1"))))
    page.click("main form[action$='/sheets'] button")
    page.wait_for_selector("input[name=accepted], #preview")
    for box in page.locator("input[name=accepted]").all():
        box.check()
    if page.locator("input[name=accepted]").count():
        page.click("form[action$='/answers'] button")
    page.click("#wallet")
    expect(page.locator("#message.bad")).to_contain_text(wallet.account.address.lower())
    wallet.account = account_of(f"key of {desk.issuer.issuer}")
    page.click("#wallet")
    page.wait_for_selector("form[action$='/submit']")
    assert wallet.signed == 1
    # Withdrawn, the sheet is a draft again, and its place is free.
    page.click("form[action$='/undo'] button")
    page.wait_for_selector("#preview")
    page.click("form[action$='/discard'] button")
    page.wait_for_selector("text=There is no sheet yet")
    assert list(desk.work.jobs) == []


@pytest.mark.browser
def test_what_was_typed_stays_when_a_change_of_status_fails(desk: Desk, tab: Visits) -> None:
    page = tab("en", 390).page
    page.goto(desk.link)
    assert page.locator("#status:invalid, #reason:invalid").count() == 2, (
        "nothing is revoked by default"
    )
    page.fill("#numbers", "zh1\nno such number")
    page.select_option("#status", "suspended")
    page.select_option("#reason", "S01")
    page.fill("#status-passphrase", PASSPHRASE)
    page.keyboard.press("Enter")
    page.wait_for_selector("#problem")
    assert page.input_value("#numbers") == "zh1\nno such number"
    assert page.input_value("#reason") == "S01"
    assert not is_too_wide(page, 390)
    tab.forgive("400 (Bad Request)")


def root_of(text: str) -> list[str]:
    """Return the roots of the batches on a page."""
    return re.findall("<code>([0-9a-f]{64})</code>", text)


class Clerk:
    """A browser without scripts at a desk: forms and links alone."""

    def __init__(self, desk: Desk) -> None:
        headers = {"origin": desk.origin, "accept-language": "en"}
        self.client = httpx.Client(headers=headers, timeout=60.0, follow_redirects=True)
        self.base = str(self.client.get(desk.link).url)

    def send(self, url: str, **fields: str) -> httpx.Response:
        """Send a form."""
        form = {name: (None, text) for name, text in fields.items()} or {"x": (None, "")}
        return self.client.post(url, files=form)

    def seal(self, *lines: str) -> str:
        """Bring a sheet to its signature, and return the address of its page."""
        shown = self.client.post(f"{self.base}sheets", files={"sheet": ("s.csv", rows(*lines))})
        here = str(shown.url)
        for part in shown.text.split('name="accepted" value="')[1:]:
            self.send(f"{here}/answers", accepted=part.split('"')[0])
        signed = self.send(f"{here}/seal", passphrase=PASSPHRASE)
        assert "Signed batches" in signed.text, signed.text
        return here


def test_a_number_is_suspended_by_the_key_here(
    pages: PageWorld, association: LiveIssuer, desk: Desk
) -> None:
    clerk = Clerk(desk)
    template = clerk.client.get(f"{clerk.base}template", params={"category": "ID-HUKOU"})
    assert template.content.startswith(b"PK")
    drawn = clerk.client.post(f"{clerk.base}codes", files={"sheet": ("s.csv", rows(line("C1")))})
    assert "access_code" in drawn.text.splitlines()[0]
    assert f"{pages.url}/v#" in drawn.text
    here = clerk.seal(line("S1"))
    roots = root_of(clerk.client.get(here).text)
    # The same page in a second tab, which was opened before the first one signed.
    again = clerk.send(f"{here}/seal", passphrase=PASSPHRASE)
    assert root_of(again.text) == roots, "the same act, not a second batch"
    discarded = clerk.send(f"{here}/discard")
    assert discarded.status_code == 400
    assert "withdraw what was signed first" in discarded.text
    for _ in range(2):
        assert "Waiting until it is final" in clerk.send(f"{here}/submit").text
    late = clerk.send(f"{here}/undo")
    assert late.status_code == 400, "what is submitted is not withdrawn"
    run(desk)
    done = clerk.send(
        f"{clerk.base}status",
        numbers="S1",
        status="suspended",
        reason="S01",
        passphrase=PASSPHRASE,
    )
    assert "Signed and submitted: 1 certificates" in done.text, done.text
    run(desk)
    with desk.world.ledger.store.begin(write=False) as unit:
        row = unit.issuer(association.issuer)
    assert row is not None
    assert row.state.epoch == 1


def test_of_two_desks_at_once_the_second_is_told_and_signs_again(
    pages: PageWorld, association: LiveIssuer, tmp_path: Path
) -> None:
    with (
        open_desk(pages, association, tmp_path / "east") as east,
        open_desk(pages, association, tmp_path / "west") as west,
    ):
        first, second = Clerk(east), Clerk(west)
        here, there = first.seal(line("E1")), second.seal(line("W1"))
        assert "Waiting until it is final" in first.send(f"{here}/submit").text
        refused = second.send(f"{there}/submit")
        assert (refused.status_code, "batch.conflict" in refused.text) == (400, True)
        assert "Sign again" in refused.text
        again = second.send(f"{there}/seal", passphrase=PASSPHRASE, renew="yes")
        assert "Signed batches" in again.text
        assert "Waiting until it is final" in second.send(f"{there}/submit").text
        run(east)
        for clerk, page in ((first, here), (second, there)):
            states = clerk.client.get(f"{page}/progress").json()["states"]
            assert states == ["final"]
        made = second.send(f"{there}/holders", zipped="yes")
        assert "1 folders are made" in made.text
        (folder,) = (tmp_path / "west" / "desk").glob("*/sealed/for-holders/*.zip")
        assert folder.stat().st_mode & 0o077 == 0


def test_a_bomb_of_a_spreadsheet_is_refused_in_words_and_the_desk_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_INFLATED_BYTES", 2**22)
    clerk, out = Clerk(desk), io.BytesIO()
    template = clerk.client.get(f"{clerk.base}template", params={"category": "ID-HUKOU"})
    with (
        zipfile.ZipFile(io.BytesIO(template.content)) as book,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in book.namelist():
            bomb.writestr(name, book.read(name) + b" " * 2**23 * name.endswith("sheet1.xml"))
    assert len(out.getvalue()) < 200_000
    refused = clerk.client.post(
        f"{clerk.base}sheets", files={"sheet": ("bomb.xlsx", out.getvalue())}
    )
    assert "sheet.file_size" in refused.text
    assert clerk.seal(line("B1"))


@pytest.mark.browser
def test_the_desk_keeps_nobody_out(desk: Desk, tab: Visits) -> None:
    page = tab("zh", 390, color_scheme="dark").page
    page.goto(desk.link)
    assert faults_of(page) == []
    page.set_input_files("#sheet", upload("a.csv", rows(line("A1", REVERSED, issued="x"))))
    page.click("main form[action$='/sheets'] button")
    page.wait_for_selector(".cell.faulty")
    assert faults_of(page) == []
    assert "\u202e" not in page.content()


def test_answers_of_the_service_are_told_in_words(
    pages: PageWorld, association: LiveIssuer, tmp_path: Path
) -> None:
    with open_desk(pages, association, tmp_path / "body") as desk:
        desk.work.token = "clk_WRONG000_x"
        with httpx.Client(headers={"accept-language": "zh"}, follow_redirects=True) as client:
            shown = client.get(desk.link)
        assert "接口密钥" in shown.text
        assert shown.status_code == 400
