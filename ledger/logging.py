"""Logging of commands: warnings on standard error."""

from __future__ import annotations

import logging
import sys

import structlog


def quiet() -> None:
    """Log only warnings, on standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            # Never the rich formatter, which prints the locals of each frame: passphrases too.
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        # Looked up at each use, because tests and click replace the stream.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
