"""Codes in pictures as they come: turned, slanted, blurred, glaring, small, from a screen."""

from __future__ import annotations

import io
import random
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw, ImageFilter

from certledger.api.pages.code_reader import decode
from certledger.api.pages.static_files import BUILT, READER
from tests.pages.conftest import PageWorld
from tests.pages.test_offline import Day, code_of, day
from tests.pages.test_public import compact, drop, link, picture, ready
from tests.world import NOW

__all__ = ["day"]
PAPER = 235
Damage = Callable[[Image.Image], Image.Image]


def turned(code: Image.Image) -> Image.Image:
    return code.rotate(33, expand=True, fillcolor=PAPER, resample=Image.Resampling.BICUBIC)


def slanted(code: Image.Image) -> Image.Image:
    """Look at the paper from the side: the far edge is a sixth shorter."""
    width, height = code.size
    inset = width // 12
    # The corners of the picture are taken from beyond the paper, top ones further out.
    corners = (-inset, 0, 0, height, width, height, width + inset, 0)
    return code.transform(
        code.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC, fillcolor=PAPER
    )


def blurred(code: Image.Image) -> Image.Image:
    return code.filter(ImageFilter.GaussianBlur(1.6))


def glaring(code: Image.Image) -> Image.Image:
    """Let a lamp shine on the middle, through which the code is still darker than the paper."""
    light = Image.new("L", code.size, 0)
    width, height = code.size
    box = (width * 3 // 8, height * 3 // 8, width * 5 // 8, height * 5 // 8)
    ImageDraw.Draw(light).ellipse(box, fill=120)
    light = light.filter(ImageFilter.GaussianBlur(width / 30))
    return Image.composite(Image.new("L", code.size, 255), code, light)


def small(code: Image.Image) -> Image.Image:
    """Print it so small that a module is two and a half pixels."""
    size = (code.width * 5 // 8, code.height * 5 // 8)
    return code.resize(size, Image.Resampling.LANCZOS)


def on_a_screen(code: Image.Image) -> Image.Image:
    """Photograph a screen: its lines, less contrast, and the noise of the camera."""
    drawn = code.point(lambda grey: 60 + grey * 130 // 255)
    lines = ImageDraw.Draw(drawn)
    for row in range(0, drawn.height, 3):
        lines.line((0, row, drawn.width, row), fill=110)
    drawn = Image.blend(code.point(lambda grey: 60 + grey * 130 // 255), drawn, 0.35)
    noise = random.Random(1)
    speckle = Image.frombytes("L", drawn.size, noise.randbytes(drawn.width * drawn.height))
    return Image.blend(drawn, speckle, 0.12).rotate(
        4, expand=True, fillcolor=PAPER, resample=Image.Resampling.BICUBIC
    )


def compressed(code: Image.Image) -> Image.Image:
    """Send it by a messenger, which saves it as a bad JPEG."""
    out = io.BytesIO()
    code.save(out, "JPEG", quality=25)
    return Image.open(out).convert("L")


DAMAGES: tuple[Damage, ...] = (turned, slanted, blurred, glaring, small, on_a_screen, compressed)


def photograph(text: str, damage: Damage) -> Image.Image:
    """Return the picture of a code on paper that is larger than it."""
    code = Image.open(io.BytesIO(picture(text))).convert("L")
    paper = Image.new("L", (code.width + 80, code.height + 80), PAPER)
    paper.paste(code, (40, 40))
    return damage(paper)


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module", params=["short", "full"])
def text(request: Any, pages: PageWorld) -> str:
    good = pages.certificates["good"]
    return link(pages, good) if request.param == "short" else compact(good)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_the_service_reads_what_a_phone_takes(text: str, damage: Damage) -> None:
    image = photograph(text, damage)
    assert decode(image.tobytes(), image.width, image.height) == [text]


def built() -> bool:
    return all((BUILT / name).is_file() for name in READER)


@pytest.mark.browser
@pytest.mark.skipif(not built(), reason="no reader of codes here: make tools brings it")
class TestReader:
    """The reader in WebAssembly."""

    def test_reads_what_a_phone_takes_and_sends_nothing(
        self, pages: PageWorld, visit: Any, text: str
    ) -> None:
        tab = visit("en")
        page = ready(tab.open("/v"))
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.method))
        read = """async (data) => {
            const { src } = document.querySelector("script[type=module]");
            const { readPicture } = await import(src.replace(/[^/]+$/, "code_reader.mjs"));
            const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
            return readPicture(new Blob([bytes], { type: "image/png" }));
        }"""
        found = {
            damage.__name__: page.evaluate(read, b64encode(png(photograph(text, damage))).decode())
            for damage in DAMAGES
        }
        assert found == {damage.__name__: [text] for damage in DAMAGES}
        assert "POST" not in sent
        assert tab.faults == []

    def test_a_picture_without_a_network_is_read_at_the_offline_desk(
        self, visit: Any, day: Day
    ) -> None:
        tab = visit("zh")
        tab.page.clock.set_fixed_time(NOW)
        page = ready(tab.open("/offline"))
        page.set_input_files("#file", day.files)
        page.wait_for_selector("#ready.ready")
        page.wait_for_selector("html[data-stored]")
        page.context.set_offline(True)
        page.reload()
        ready(page)
        page.wait_for_selector("#ready.ready")
        assert page.is_visible("#camera")
        drop(page, "photo.png", picture(code_of(day.revoked)), "image/png")
        page.wait_for_selector("#verdict.not_in_force")
        page.context.set_offline(False)
        visit.forgive("ERR_INTERNET_DISCONNECTED")

    def test_where_it_is_not_the_service_reads(self, pages: PageWorld, visit: Any) -> None:
        page = ready(visit("en").open("/v"))
        page.evaluate("delete document.documentElement.dataset.reader")
        with page.expect_request("**/codes?*"):
            drop(page, "photo.png", picture(link(pages, pages.certificates["good"])), "image/png")
        page.wait_for_selector("#verdict.compare")


@pytest.mark.skipif(not built(), reason="no reader of codes here: make tools brings it")
def test_only_pages_that_scan_may_run_it(pages: PageWorld) -> None:
    with httpx.Client(base_url=pages.url) as client:
        policies = {
            path: client.get(path).headers["content-security-policy"]
            for path in ("/", "/v", "/offline", "/holder", "/explorer")
        }
    assert {path for path, policy in policies.items() if "wasm-unsafe-eval" in policy} == {
        "/v",
        "/offline",
    }
    assert not any("unsafe-inline" in policy for policy in policies.values())
