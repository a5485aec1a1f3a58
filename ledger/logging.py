"""Logging for command lines: what went wrong, on standard error; structured where it is kept."""

from __future__ import annotations

import logging
import sys

import structlog


def quiet() -> None:
    """Let only warnings through, on standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            # Never the rich formatter, which prints the locals of each frame: passphrases too.
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        # Asked for at each use: whoever runs a command may have changed the stream meanwhile.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
