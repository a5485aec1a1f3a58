"""The manual's founding is walked as it is written, on the embedded chain."""

from __future__ import annotations

from pathlib import Path

from tests.founding_walk import found_and_issue, parties_in, retire, rotate


def test_the_manual_founds_a_ledger_issues_rotates_keys_and_retires_it(tmp_path: Path) -> None:
    with parties_in(tmp_path) as parties:
        found_and_issue(parties)
        rotate(parties)
        retire(parties)
        assert parties.left == []
