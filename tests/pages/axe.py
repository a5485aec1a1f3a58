"""Accessibility faults of a tab, by axe-core (from `make tools`): each state of a page once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

AXE = Path(__file__).parents[2] / ".tools" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """
async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  const where = (one) => one.nodes.map((node) => node.html).join(" | ");
  return found.violations.map((one) => `${one.impact} ${one.id}: ${where(one)}`);
}
"""
STATE = """
() => {
  const said = "[role=alert], #message, #problem, dialog[open], #review, #made, .answer";
  const shown = [...document.querySelectorAll(said)]
    .filter((one) => one.checkVisibility())
    .map((one) => one.id || one.className);
  const verdict = document.querySelector("#verdict")?.className ?? "";
  const scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const media = matchMedia("print").matches ? "print" : "";
  const path = location.protocol + location.pathname + (location.search && "?");
  return [path, scheme, media, verdict, ...new Set(shown)].join(" ");
}
"""
NAMES = re.compile(r"[0-9A-Za-z_-]{20,}|[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}|[0-9]{8}-[0-9-]+\w*")
"""Parts of addresses that differ from run to run."""
_seen: set[str] = set()


def faults_of(page: Any) -> list[str]:
    """Return what axe finds, each with its elements; nothing where axe is not here."""
    if not AXE.is_file():
        return []
    page.evaluate(AXE.read_text("utf-8"))
    return list(page.evaluate(RUN))


def faults_of_state(page: Any) -> list[str]:
    """Return what axe finds in a tab as it was left, unless a tab was left in this state before."""
    if page.is_closed() or not page.url.startswith(("http", "file")):
        return []
    state = NAMES.sub("…", page.evaluate(STATE))
    if state in _seen:
        return []
    _seen.add(state)
    return [f"{state}: {fault}" for fault in faults_of(page)]
