"""How a command speaks: results on stdout, progress and errors on stderr, exit codes 0, 1, 2."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Any, NoReturn

import typer

from shoal.errors import NoRoom, ShoalError, StorageError, Transient, UsageError, is_full

# Typer brings its own copy of click or uses the package, by version: this is the base of either's errors.
ClickException: type[Exception] = typer.BadParameter.__mro__[2]


class Stopped(Transient):
    """The user pressed Ctrl-C."""


class Fault(ShoalError):
    """An error that Shoal did not raise on purpose."""


def emit(as_json: bool, content: Any, show: Callable[[], Any]) -> None:
    """Prints `content` as JSON, or what `show` renders for people."""
    if as_json:
        print(json.dumps(plain(content), ensure_ascii=False, indent=2, default=str, allow_nan=False), flush=True)
        return
    from rich.console import Console

    Console().print(show())


def plain(content: Any) -> Any:
    """The same without what JSON has no word for: infinities and what is not a number become null."""
    if isinstance(content, dict):
        return {str(key): plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


@contextmanager
def speaking(as_json: bool) -> Iterator[None]:
    """Turns errors into a message on stderr (and JSON on stdout) with the right exit code."""
    pressed = _listening()
    try:
        yield
    except KeyboardInterrupt:
        _stop(as_json)
    except ShoalError as error:
        if pressed():
            _stop(as_json)
        _refuse(as_json, error)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        _mute()
        raise SystemExit(1) from None
    except (typer.Exit, typer.Abort, ClickException):
        raise
    except OSError as error:
        if pressed():
            _stop(as_json)
        _refuse(as_json, refused(error))
        raise SystemExit(1) from None
    except MemoryError:
        _refuse(as_json, NoRoom("the memory is full. Remedy: end other programs, or lower `memory` in shoal.yaml"))
        raise SystemExit(1) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, a user gets a message and not a traceback
        if pressed():
            _stop(as_json)
        _refuse(as_json, _fault(error))
        raise SystemExit(1) from None


def _listening() -> Callable[[], bool]:
    """Remembers Ctrl-C: compiled code that it interrupts may raise any error it likes in its place."""
    pressed: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        signal.default_int_handler(number, frame)

    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, note)
    return lambda: bool(pressed)


def _stop(as_json: bool) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not tear the leaving
    _refuse(as_json, Stopped("stopped; the last good run is untouched. Remedy: run it again"))
    raise SystemExit(130) from None


def refused(error: OSError) -> ShoalError:
    """What the file system refused, where no part of the program knew it better."""
    room = "free some space" if is_full(error) else "look after the file, its rights and the disk"
    what = f"{error.filename or 'writing'}: {error.strerror or error}"
    return StorageError(f"{what}. The last good run is untouched. Remedy: {room}, run it again")


def _mute() -> None:
    """Keeps the interpreter from flushing into a stdout that takes nothing any more."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - lives until the interpreter ends


def _fault(error: Exception) -> ShoalError:
    """What nobody foresaw, told as what it is: a fault of the program, not of its user."""
    where = traceback.extract_tb(error.__traceback__)[-1:]
    place = f", in {Path(where[0].filename).name} line {where[0].lineno}" if where else ""
    what = " ".join(str(error).split())[:300].rstrip(".")
    return Fault(
        f"this is a fault in Shoal, not in what you did: {type(error).__name__}: {what}{place}. "
        "The last good run is untouched. Remedy: run it again with SHOAL_DEBUG=1 in the environment for the whole "
        "traceback, and report that"
    )


def _refuse(as_json: bool, error: ShoalError) -> None:
    if as_json:
        kind = "transient" if isinstance(error, Transient) else "terminal"
        told = {"error": {"type": type(error).__name__, "kind": kind, "message": str(error)}}
        try:
            print(json.dumps(told, indent=2), flush=True)
        except OSError:
            _mute()
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True).print(Text.assemble(("error: ", "bold red"), str(error)), soft_wrap=True)
    if os.environ.get("SHOAL_DEBUG"):
        traceback.print_exc()


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[str, float | None], None]]:
    """A bar on stderr for long work: call it with what is being done and how far, from 0 to 1."""
    if quiet or not sys.stderr.isatty():
        yield _lines(quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)

        def tell(what: str, done: float | None = None) -> None:
            bar.update(task, description=what, completed=done)

        yield tell


def _lines(quiet: bool) -> Callable[[str, float | None], None]:
    """Without a terminal: one line a stage, so that a log shows where a long run is."""
    began = perf_counter()
    last = ""

    def tell(what: str, done: float | None = None) -> None:  # noqa: ARG001 - the same call as the bar's
        nonlocal last
        stage = what.split(":")[0]
        if not quiet and stage != last:
            last = stage
            print(f"{perf_counter() - began:7.1f} s  {what}", file=sys.stderr)

    return tell


def calling(app: typer.Typer) -> None:
    """Runs the command line; a call that is itself wrong is told as JSON too when JSON was asked for.

    Raises SystemExit with the exit code.
    """
    as_json = "--json" in sys.argv
    with speaking(as_json):
        try:
            code = app(standalone_mode=False)
        except ClickException as error:
            wrong: Any = error
            if as_json:
                _refuse(as_json, UsageError(wrong.format_message()))
            else:
                wrong.show()
            raise SystemExit(2) from None
        except typer.Abort:
            raise KeyboardInterrupt from None
    raise SystemExit(code if isinstance(code, int) else 0)
