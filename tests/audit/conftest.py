"""One pristine ledger for all tests, copied for each that commits a crime."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from certledger.ledger.audit.home import audit_home
from certledger.verifier.audit.report import AuditReport
from tests.audit import little


class Auditor:
    """Audits homes, on one thread."""

    def __init__(self) -> None:
        self.executor = ThreadPoolExecutor(1)

    def home(self, home: Path, *, later: int = 0) -> AuditReport:
        """Audit a home as if `later` seconds had gone by."""
        return audit_home(home, self.executor, now=little.now() + later)


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("little") / "home"
    little.begin(home)
    return home


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that was served for a while: every table has rows."""
    from tests.audit import sweep

    home = tmp_path_factory.mktemp("served") / "home"
    sweep.make_home(home)
    return home


@pytest.fixture
def home(pristine: Path, tmp_path: Path) -> Path:
    """A copy of the pristine ledger."""
    return Path(shutil.copytree(pristine, tmp_path / "home"))


@pytest.fixture(scope="session")
def auditor() -> Iterator[Auditor]:
    made = Auditor()
    yield made
    made.executor.shutdown()
