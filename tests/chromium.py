"""The browser of the tests: Debian's Chromium."""

from __future__ import annotations

import shutil

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def find_chromium() -> str | None:
    """Return the path of Chromium's shell without windows, else of the whole browser, else None.

    Both show pages alike; the shell takes a quarter of the processor time a page.
    """
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")
