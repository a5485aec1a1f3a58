"""A worker killed at an exact point of the road, and its chain with it: one batch, one anchor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from certledger.ledger.core.acts import ActState
from certledger.verifier.formats.contract_events import BatchAnchored, parse_log
from tests.effort import effort
from tests.ledger.live import LiveIssuer, open_live

WORKER = """
import sys
from contextlib import contextmanager
from pathlib import Path
from tests.ledger.live import open_live

home, point, when = sys.argv[1], sys.argv[2], sys.argv[3]

def pause():
    print("paused", flush=True)
    sys.stdin.readline()

class PausingChain:
    def __init__(self, real):
        self._real = real

    def __getattr__(self, name):
        value = getattr(self._real, name)
        return paused(value) if name == point else value

def paused(call):
    def pausing(*args, **named):
        if when == "before":
            pause()
        result = call(*args, **named)
        pause()
        return result
    return pausing

class PausingStore:
    def __init__(self, real, at):
        self._real, self._left = real, at

    @contextmanager
    def begin(self, *, write=True):
        self._left -= write
        last = write and self._left == 0
        with self._real.begin(write=write) as unit:
            yield unit
            if last and when == "before":
                pause()
        if last:
            pause()

ledger = open_live(Path(home))
if point.isdigit():
    ledger.anchorer.store = PausingStore(ledger.store, int(point))
else:
    ledger.anchorer.chain = PausingChain(ledger.chain)
for _ in range(5):
    ledger.step()
print("done", flush=True)
"""

CHAIN_CALLS = [
    ("next_nonce", "after"),
    ("sign", "after"),
    ("broadcast", "before"),
    ("broadcast", "after"),
    ("find", "after"),
]
COMMITS = [(str(number), when) for number in (1, 2, 3) for when in ("before", "after")]
"""The lease; the signed transaction recorded; that it was sent recorded."""
FEW_POINTS = [("broadcast", "before"), ("broadcast", "after"), ("2", "after"), ("3", "before")]
"""Around the two acts that a death must not part: what was recorded, and what was sent."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("killed") / "home"
    with open_live(home) as ledger:
        LiveIssuer(ledger).register()
    return home


@pytest.fixture(scope="module")
def sealer() -> list[LiveIssuer]:
    """The issuer, which goes on from one case to the next."""
    return []


def killed_at(home: Path, point: str, when: str) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(home), point, when],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    said = worker.stdout.readline()
    os.kill(worker.pid, signal.SIGKILL)
    worker.communicate()
    assert said == "paused\n", "the point lies on the road"
    assert worker.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("point", "when"), effort(FEW_POINTS, CHAIN_CALLS + COMMITS))
def test_a_worker_killed_at_any_point_of_the_road_anchors_once(
    point: str, when: str, home: Path, sealer: list[LiveIssuer]
) -> None:
    with open_live(home) as ledger:
        issuer = sealer[0] if sealer else LiveIssuer(ledger)
        sealer[:] = [issuer]
        issuer.ledger = ledger
        digests = [issuer.submit(2).digest, issuer.submit(1).digest]

    killed_at(home, point, when)

    with open_live(home) as ledger:
        ledger.run_until_idle()
        for _ in range(2):
            ledger.step()  # The acts are final; their transactions are marked so on the next walk.
        with ledger.store.begin(write=False) as unit:
            acts = [unit.act(digest) for digest in digests]
            assert not unit.pending_transactions()
        assert [act.state for act in acts if act is not None] == [ActState.FINAL] * 2
        logs = ledger.chain.logs(0, ledger.chain.head().number)
        told = [parse_log(log.topics, log.data) for log in logs]
        sequences = [one.sequence for one in told if isinstance(one, BatchAnchored)]
        assert sequences == list(range(1, len(issuer.sealed) + 1)), "one batch, one anchor"
