"""A real node of another make, where it can be had."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.ledger.devchain.conftest import CHAIN_ID, call
from tests.ports import free_ports


@contextmanager
def running_anvil(folder: Path, *options: str, accounts: int = 0) -> Iterator[str]:
    """Run anvil in `folder` and give its URL; skip where it is not here.

    `accounts` is how many rich accounts it signs for.
    """
    binary = os.environ.get("CERTLEDGER_ANVIL", "")
    if not Path(binary).is_file():
        pytest.skip("anvil is not here: set CERTLEDGER_ANVIL, or run `make tools`")
    (port,) = free_ports(1)
    process = subprocess.Popen([binary, *_arguments(port, accounts), *options], cwd=folder)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process)
        yield url
    finally:
        process.terminate()
        process.wait()


def _arguments(port: int, accounts: int) -> Sequence[str]:
    return (
        "--port", str(port), "--silent", "--accounts", str(accounts), "--chain-id", str(CHAIN_ID),
        "--base-fee", "7", "--gas-limit", "30000000",
    )  # fmt: skip


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            call(url, "eth_chainId")
        except URLError:
            continue
        return
    raise AssertionError("anvil ended before it answered")


def mined(url: str, tx_hash: str) -> None:
    """Wait until a transaction stands in a block."""
    while call(url, "eth_getTransactionReceipt", tx_hash) is None:
        pass
