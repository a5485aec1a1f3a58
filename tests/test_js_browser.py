"""The second verifier in a real browser: the offline desk will run there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from certledger.verifier.verify.full import Question, verify_bytes
from certledger.verifier.verify.trust_sources import choose_judge
from certledger.verifier.vocabulary import Status
from tests.chromium import FLAGS, find_chromium
from tests.world import NOW, World, WorldIssuer, signed_policy

pytestmark = pytest.mark.browser
STATIC = Path(__file__).parents[1] / "api" / "web" / "static"


class Quiet(SimpleHTTPRequestHandler):
    """Serves the folder of the module, and says nothing."""

    def guess_type(self, path: Any) -> str:
        return "text/javascript" if str(path).endswith(".mjs") else super().guess_type(path)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("chromium is not here")
    from playwright.sync_api import sync_playwright

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(STATIC)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        opened = browser.new_page()
        opened.goto(f"http://127.0.0.1:{server.server_address[1]}/")
        yield opened
        browser.close()
    server.shutdown()
    server.server_close()


ASK = """
async ([evidence, policy, now]) => {
  const verifier = await import("/certledger-verifier.mjs");
  const bytes = (list) => new Uint8Array(list);
  const trusted = verifier.parsePolicy(bytes(policy));
  const result = verifier.verifyEvidence(bytes(evidence), {policy: trusted, now});
  return verifier.canonicalText(await result);
}
"""


@pytest.mark.parametrize("fate", ["as issued", "revoked", "one byte changed"])
def test_a_browser_says_what_the_command_line_says(page: Any, fate: str) -> None:
    issuer = WorldIssuer.of()
    issued = issuer.issue("SH1", index=0)
    issuer.anchor([issued, issuer.issue("SH2", index=1)])
    if fate == "revoked":
        issuer.change([0], Status.REVOKED)
    data = bytearray(World(issuers=[issuer]).evidence(issuer, issued).format())
    if fate == "one byte changed":
        data[len(data) // 2] ^= 1
    policy = signed_policy()
    question = Question(policy=policy.policy, judge=choose_judge(policy.policy), now=NOW)
    expected = verify_bytes(bytes(data), question).to_json()

    told = page.evaluate(ASK, [list(data), list(policy.format()), NOW])

    assert json.loads(told) == expected
