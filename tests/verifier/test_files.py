"""Files are replaced whole, durably, and by several writers at once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from certledger.verifier.files import write_atomically

WRITERS = 8


def test_many_write_the_same_file_at_once_and_one_of_them_wins(tmp_path: Path) -> None:
    path = tmp_path / "note"
    texts = [bytes([number]) * 100_000 for number in range(64)]
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda text: write_atomically(path, text), texts))
    assert path.read_bytes() in texts
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_a_private_file_is_its_owners_alone_whatever_was_there_and_the_umask(
    tmp_path: Path,
) -> None:
    path, before = tmp_path / "salts", os.umask(0)
    try:
        write_atomically(path, b"old")
        assert path.stat().st_mode & 0o777 == 0o644
        write_atomically(path, b"new", private=True)
        assert path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "in-the-way"
    (folder / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="in-the-way"):
        write_atomically(folder, b"bytes")
    assert [each.name for each in tmp_path.iterdir()] == ["in-the-way"]
    assert (folder / "inside").is_dir()
