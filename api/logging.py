"""Structured logs on standard error: JSON lines, written in groups off the request path."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import suppress
from typing import Any, BinaryIO

import orjson
import structlog

_MAX_MESSAGE_CHARACTERS = 500
MAX_LIBRARY_LINES = 60
"""Lines per minute from libraries; further ones are dropped."""
MAX_WAITING_BYTES = 4 * 2**20
"""Bytes of buffered lines; if the reader is slower, further lines are lost."""
PAUSE = 0.2
"""Seconds between two writes; warnings and errors are written at once."""


class _Others(logging.Handler):
    """Passes libraries' log records to structlog."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._minute, self._count = 0.0, 0

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record, up to the limit of this minute."""
        if record.created >= self._minute + 60:
            self._minute, self._count = record.created, 0
        self._count += 1
        if self._count > MAX_LIBRARY_LINES:
            return
        structlog.get_logger().log(
            record.levelno,
            "library",
            logger=record.name,
            message=record.getMessage()[:_MAX_MESSAGE_CHARACTERS],
            exc_info=record.exc_info,
        )


class GroupedLines:
    """Buffer of log lines; thread-safe."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._waiting, self._size = out, list[bytes](), 0
        self._writing = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
        self._others = _Others(logging.WARNING)

    def start(self) -> None:
        """Start the writer and capture libraries' records."""
        logging.getLogger().addHandler(self._others)
        self._thread.start()

    def close(self) -> None:
        """Write the rest, and stop."""
        logging.getLogger().removeHandler(self._others)
        self._stop.set()
        self._thread.join()
        self.flush()

    def add(self, line: bytes) -> None:
        """Buffer a line."""
        self._size += len(line)
        if self._size <= MAX_WAITING_BYTES:
            self._waiting.append(line)

    def flush(self) -> None:
        """Write the buffered lines."""
        # Serializes writers; `add` appends without the lock.
        with self._writing:
            taken, self._waiting, self._size = self._waiting, [], 0
            # A full disk must end neither the thread nor the request.
            with suppress(OSError):
                if taken:
                    self._out.write(b"\n".join([*taken, b""]))
                    self._out.flush()

    def _run(self) -> None:
        while not self._stop.wait(PAUSE):
            self.flush()


class _Logger:
    """Logger for structlog: one method a level."""

    def __init__(self, lines: GroupedLines) -> None:
        self._lines = lines
        self.debug = self.info = lines.add

    def now(self, line: bytes) -> None:
        """Write the buffered lines and this one at once."""
        self._lines.add(line)
        self._lines.flush()

    warning = error = critical = exception = fatal = now


def log_to_stderr() -> GroupedLines:
    """Log JSON lines on standard error until the returned buffer is closed."""
    lines = GroupedLines(sys.stderr.buffer)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_spell),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _Logger(lines),
        cache_logger_on_first_use=True,
    )
    lines.start()
    return lines


def _spell(event: Any, **_: Any) -> bytes:
    return orjson.dumps(event, default=str)
