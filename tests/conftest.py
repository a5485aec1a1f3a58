"""What all tests share: how hard hypothesis searches."""

import os

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.effort import effort

# The default formats a traceback with the locals of every frame, which takes 15 s for one request.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    ]
)

# No deadlines: two busy cores make them a coin toss.
settings.register_profile(
    "desk",
    deadline=None,
    max_examples=effort(30, 200),
    suppress_health_check=[HealthCheck.too_slow],
)
# In CI every run searches the same examples, so that a red run is about the change.
settings.register_profile(
    "house-ci", parent=settings.get_profile("desk"), derandomize=True, database=None
)
settings.register_profile(
    "deep", parent=settings.get_profile("desk"), max_examples=2_000, print_blob=True
)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "house-ci" if os.environ.get("CI") else "desk")
)

# Files that take longest, which go to the workers first: else the last one runs alone at the end.
FIRST_FILES = {
    "test_build.py",
    "test_console.py",
    "test_contention.py",
    "test_database_crimes.py",
    "test_demo.py",
    "test_demo_chain.py",
    "test_follower.py",
    "test_founding.py",
    "test_light_install.py",
    "test_readme.py",
    "test_server.py",
    "test_worker.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order within a file stays."""
    items.sort(key=lambda item: item.path.name not in FIRST_FILES)
