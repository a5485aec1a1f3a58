"""Logging for command lines: what went wrong, on standard error; structured where it is kept."""

from __future__ import annotations

import logging
import sys

import structlog


def quiet() -> None:
    """Let only warnings through, on standard error."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
