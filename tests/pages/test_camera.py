"""The camera, by Chromium's fake video capture: a code before it is read and judged."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.chromium import FLAGS, find_chromium
from tests.pages.conftest import PageWorld, Visit, Visits
from tests.pages.test_public import link, picture, ready, white

pytestmark = pytest.mark.browser
SIZE = WIDTH, HEIGHT = 640, 480
FRAMES = 10


def y4m(code: bytes, tilt: float) -> bytes:
    """Return a film (YUV4MPEG2, 4:2:0) of a code that lies tilted on a grey desk."""
    paper = Image.open(io.BytesIO(code)).convert("L")
    frame = Image.new("L", SIZE, 150)
    turned = paper.rotate(tilt, expand=True, fillcolor=150, resample=Image.Resampling.BICUBIC)
    frame.paste(turned, ((WIDTH - turned.width) // 2, (HEIGHT - turned.height) // 2))
    grey = bytes([128]) * (WIDTH * HEIGHT // 2)
    head = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode()
    return head + (b"FRAME\n" + frame.tobytes() + grey) * FRAMES


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the film is that the camera takes."""
    return tmp_path_factory.mktemp("film") / "camera.y4m"


@pytest.fixture
def before_the_camera(pages: PageWorld, film: Path, browser: Any) -> Iterator[Any]:
    """Return a function that opens the public page in a browser whose camera sees a code."""
    flags = ["use-fake-device-for-media-stream", "use-fake-ui-for-media-stream"]
    flags.append(f"use-file-for-fake-video-capture={film}")
    opened: list[tuple[Any, Visits]] = []

    def begin(code: bytes, tilt: float) -> Visit:
        film.write_bytes(y4m(code, tilt))
        launched = browser.browser_type.launch(
            executable_path=find_chromium(), args=[*FLAGS, *(f"--{flag}" for flag in flags)]
        )
        opened.append((launched, Visits(launched, pages.url)))
        return opened[-1][1]("en")

    yield begin
    faults = [fault for _, visits in opened for fault in visits.close()]
    for launched, _ in opened:
        launched.close()
    assert faults == []


@pytest.mark.parametrize(("kind", "expected"), [("good", "valid"), ("revoked", "not_in_force")])
def test_a_link_before_the_camera_shows_its_verdict(
    pages: PageWorld, before_the_camera: Any, kind: str, expected: str
) -> None:
    one = pages.certificates[kind]
    tab = before_the_camera(picture(link(pages, one), scale=6), tilt=12)
    page = ready(tab.open("/v"))
    page.focus("#camera")
    page.keyboard.press("Enter")
    page.wait_for_selector("#verdict.compare")
    assert not page.is_visible("#viewer"), "the camera is off once it has read"
    assert page.evaluate("document.getElementById('video').srcObject") is None
    page.keyboard.type(one.fields["holder_name"])
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#verdict.{expected}")


def test_the_camera_can_be_stopped_without_a_code(pages: PageWorld, before_the_camera: Any) -> None:
    tab = before_the_camera(white(), tilt=0)
    page = ready(tab.open("/v"))
    page.evaluate("delete document.documentElement.dataset.reader")  # So that the service reads.
    with page.expect_response(lambda answer: "/codes?" in answer.url) as asked:
        page.click("#camera")
    assert asked.value.json() == {"codes": []}
    page.click("#camera-stop")
    assert not page.is_visible("#viewer")
    assert page.query_selector("#verdict") is None
