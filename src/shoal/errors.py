"""Every error Shoal raises, drawn as a tree.

    ShoalError
    ├── Terminal                 trying again will not help
    │   ├── UsageError           the call itself is wrong (exit code 2)
    │   ├── SettingsError        shoal.yaml or a definition file; carries every fault at once
    │   ├── ExpressionError      a rule or formula; carries the place in the text
    │   ├── SourceError          a source cannot be read at all
    │   ├── DataError            the data cannot carry what was asked
    │   ├── StoreError           the operational store is damaged, or of a newer Shoal
    │   ├── Refused              a gate says no: not without a reason that is recorded
    │   ├── AddressError         a host or port that cannot be listened on
    │   ├── LanguageRefused      the language model's endpoint refused, or its answer is none
    │   └── NotFound             no such workspace, run, segment or profile
    └── Transient                the same call may succeed later
        ├── Busy                 another run or server holds the workspace, another program the port
        ├── LanguageAway         the language model's endpoint cannot be reached, or is too slow or too busy
        └── StorageError         folder read-only, file vanished
            └── NoRoom           disk or memory is full: nothing else can be read either

A message says what was wrong, the rule, what was got, and what to do.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


class ShoalError(Exception):
    """Base of every error that Shoal raises on purpose."""

    exit_code = 1


class Terminal(ShoalError):
    """Trying again without a change will fail again."""


class Transient(ShoalError):
    """The same call may succeed later."""


class UsageError(Terminal):
    """The call itself is wrong: an unknown option value, a missing argument."""

    exit_code = 2


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a definition file.

    >>> print(Fault("shoal.yaml", 7, "sources.orders.at", "is missing", "name the time column"))
    shoal.yaml:7: sources.orders.at: is missing. Remedy: name the time column
    """

    file: str
    line: int | None
    where: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        remedy = f". Remedy: {self.remedy}" if self.remedy else ""
        return f"{place}: {self.where}: {self.what.rstrip('.')}{remedy}"


class SettingsError(Terminal):
    """A definition file is wrong; every fault is reported at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        count = len(self.faults)
        head = f"{count} fault{'s' if count != 1 else ''} in the workspace's definitions:"
        super().__init__("\n".join([head, *(f"  {fault}" for fault in self.faults)]))


class ExpressionError(Terminal):
    """A rule or formula is wrong; says where in its text."""

    def __init__(self, what: str, text: str, position: int | None = None) -> None:
        self.what, self.text, self.position = what, text, position
        shown = text if len(text) <= 200 else text[:197] + "..."
        message = f"{what}\n  {shown}"
        if position is not None and position < len(shown):
            message += "\n  " + " " * position + "^"
        super().__init__(message)


class SourceError(Terminal):
    """A source cannot be read at all; the other sources go on without it."""


class DataError(Terminal):
    """The data cannot carry what was asked."""


class StoreError(Terminal):
    """The operational store is not what this version of Shoal can use."""


class Refused(Terminal):
    """A gate refuses what was asked; a person may overrule some, with a reason that is recorded."""


class NotFound(Terminal):
    """There is no such workspace, run, segment or profile."""


class AddressError(Terminal):
    """The server cannot listen on this host or port."""


class LanguageRefused(Terminal):
    """The language model's endpoint refused, or its answer is none; what needs no model goes on."""


class LanguageAway(Transient):
    """The language model's endpoint cannot be reached, or is too slow or too busy; what needs no model goes on."""


class Busy(Transient):
    """Another run or server holds the workspace, or another program the port."""


class StorageError(Transient):
    """A folder is read-only, a file vanished."""


class NoRoom(StorageError):
    """The disk or the memory is full: no other source can be read either, so the run stops."""


def is_full(error: OSError) -> bool:
    """Whether the file system refused for want of room: disk, quota or the largest size of a file."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def suggest(name: str, known: Iterable[str]) -> str:
    """The end of a message: the nearest known name, or the known names when they are few.

    >>> suggest("order_90d", ["orders_90d", "recency_days"])
    " Did you mean 'orders_90d'?"
    """
    names = sorted(set(known))
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if not near:
        folded = {known_name.casefold(): known_name for known_name in names}
        near = [folded[hit] for hit in get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)]
    if near:
        return f" Did you mean '{near[0]}'?"
    return f" Known: {', '.join(names)}." if 0 < len(names) <= 12 else ""
