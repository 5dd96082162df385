"""What the server's processes say on stderr: one line an event, as text or JSON, and never a word about a person.

Our own lines are a constant word and numbers. What libraries log may quote data: of it only the place is told, and of
an exception only its kind and places; `SHOAL_DEBUG=1` in the environment shows all, for a machine without real data.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, TextIO

Field = str | int | float | bool | None
Form = Literal["text", "json"]
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
MOST = 10  # lines of one kind a second: whoever sends rubbish must not fill the disk with our lines about it

_CAREFUL = frozenset({"shoal.activate"})  # fills its lines with hosts, statuses and kinds of errors only
_KNOWN = {
    "Invalid HTTP request received.": "invalid-http",
    "Exception in ASGI application": "fault",
    "Exception in ASGI application\n": "fault",
    "Cancel %s running task(s), timeout graceful shutdown exceeded": "requests-cut",
    "Unsupported upgrade request.": "invalid-http",
}


class Writer:
    """Writes lines for one process; made by `start`, reached through `say`."""

    def __init__(self, process: str, form: Form, level: str, stream: TextIO | None = None) -> None:
        self.process, self.form, self.level = process, form, LEVELS[level]
        self._stream = sys.stderr if stream is None else stream
        self._second, self._said, self._kept = 0, dict[str, int](), dict[str, int]()
        self._lock = threading.Lock()

    def say(self, level: str, event: str, **fields: Field) -> None:
        """One line, unless its level is too low or its kind was said too often this second.

        >>> Writer("http-0", "json", "info", sys.stdout).say("debug", "started")
        """
        if LEVELS[level] < self.level:
            return
        now = datetime.now(UTC)
        with self._lock:
            if not self._may(event, int(now.timestamp()), fields):
                return
            line = self._line(now, level, event, fields)
            with suppress(OSError, ValueError):  # nobody reads the log any more: that must not end the server
                self._stream.write(line + "\n")
                self._stream.flush()

    def _may(self, event: str, second: int, fields: dict[str, Field]) -> bool:
        if second != self._second:
            self._second, self._said = second, {}
        said = self._said[event] = self._said.get(event, 0) + 1
        if said > MOST:
            self._kept[event] = self._kept.get(event, 0) + 1
            return False
        if kept := self._kept.pop(event, 0):
            fields["not_shown"] = kept
        return True

    def _line(self, now: datetime, level: str, event: str, fields: dict[str, Field]) -> str:
        if self.form == "json":
            head = {"at": now.isoformat(timespec="milliseconds"), "level": level, "process": self.process}
            return json.dumps({**head, "event": event, **fields}, ensure_ascii=False, default=str)
        shown = " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())
        return f"{now:%H:%M:%S} {level:<7} {self.process:<6} {event} {shown}".rstrip()


def _quoted(value: Field) -> str:
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(sign in text for sign in ' "\n') else text


class Bridge(logging.Handler):
    """What libraries log, without what they quote."""

    def __init__(self, writer: Writer) -> None:
        super().__init__(logging.WARNING)
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        """One line: which library and where; of an exception its kind and places."""
        ours = record.name.startswith("shoal.")
        event = _KNOWN.get(record.msg if isinstance(record.msg, str) else "", "note" if ours else "library")
        level = "error" if record.levelno >= logging.ERROR else "warning"
        fields: dict[str, Field] = {"logger": record.name, "line": f"{record.module}:{record.lineno}"}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            fields |= of_error(error)
        if record.name in _CAREFUL:
            fields["said"] = record.getMessage()
        elif ours:
            fields["said"] = str(record.msg)  # our own templates are constant; what fills them is not shown
        if os.environ.get("SHOAL_DEBUG"):
            fields["said"] = self.format(record)
        self._writer.say(level, event, **fields)


def of_error(error: BaseException) -> dict[str, Field]:
    """An exception as fields: its kind and where it was raised, not its words.

    >>> of_error(ValueError("ada@example.com"))
    {'error': 'ValueError'}
    """
    told: dict[str, Field] = {"error": type(error).__name__}
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        told["places"] = " > ".join(f"{frame.filename.rsplit(os.sep, 1)[-1]}:{frame.lineno}" for frame in frames[-6:])
    return told


def start(process: str, form: Form, level: str, stream: TextIO | None = None) -> Callable[..., None]:
    """Makes this process speak so, libraries, warnings and what nobody caught included; returns what says a line."""
    writer = Writer(process, form, level, stream)
    root = logging.getLogger()
    root.handlers[:] = [Bridge(writer)]
    logging.captureWarnings(capture=True)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)

    def uncaught(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        writer.say("error", "fault", **of_error(error))
        if os.environ.get("SHOAL_DEBUG"):
            traceback.print_exception(error)

    sys.excepthook = uncaught
    threading.excepthook = lambda told: uncaught(told.exc_type, told.exc_value or told.exc_type(), None)
    sys.unraisablehook = lambda told: uncaught(told.exc_type, told.exc_value or told.exc_type(), None)
    return writer.say


def form_for(asked: str, stream: TextIO) -> Form:
    """The form that was asked for; else text for a terminal, JSON for whatever collects logs.

    >>> form_for("text", sys.stderr)
    'text'
    """
    if asked == "text" or asked == "json":
        return asked  # type: ignore[return-value]
    return "text" if stream.isatty() else "json"
