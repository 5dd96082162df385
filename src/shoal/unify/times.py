"""Recognises how a column writes instants, from the shapes of its values, and reads each of them in SQL.

A shape is a value with every digit written as 0: `01/12/2010 8:26` has the shape `00/00/0000 0:00`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
UNIX = {"unix": 1e6, "unix_ms": 1e3, "unix_us": 1.0, "unix_ns": 1e-3}
BY_DIGITS = {
    8: "%Y%m%d",
    9: "unix",
    10: "unix",
    12: "%Y%m%d%H%M",
    13: "unix_ms",
    14: "%Y%m%d%H%M%S",
    16: "unix_us",
    19: "unix_ns",
}

_CLOCK = r"0{1,2}:00(:00(\.0{1,9})?)?"
_ISO = re.compile(rf"0000(?P<mark>[-/])0{{1,2}}(?P=mark)0{{1,2}}([T ]{_CLOCK})?", re.ASCII)
_ISO_ZONED = re.compile(r"0000-00-00[T ]00:00:00(\.0{1,9})? ?(Z|UTC|GMT|[+-]00(:?00)?)", re.ASCII)
_PARTED = re.compile(rf"(0{{1,2}})([-/. ])(0{{1,2}})(\2|, )(0000|00)(,?[T ]{_CLOCK}( ?[AaPp][Mm])?)?", re.ASCII)
_WORDS = re.compile("|".join(f"{word}|{word[:3]}" for word in (*MONTHS, *DAYS)), re.IGNORECASE)
_GUARDS = {
    "%Y": r"\d{4}",
    "%y": r"\d{2}",
    "%b": r"[A-Za-z]{3}",
    "%B": r"[A-Za-z]+",
    "%a": r"[A-Za-z]{3}",
    "%A": r"[A-Za-z]+",
    "%p": r"[AaPp][Mm]",
    "%f": r"\d{1,9}",
    "%z": r"(Z|[+-]\d{2}(:?\d{2})?)",
    "%Z": r"[A-Za-z/_]+",
}


@dataclass(frozen=True)
class Form:
    """One way of writing an instant: `iso`, `iso zoned`, one of UNIX, or a strptime format.

    `swapped` is the month-first reading of a format that is not clear about day and month.
    """

    name: str
    swapped: str | None = None


def form_of(shape: str) -> Form | None:
    """The way of writing that a shape belongs to, None when it is no instant.

    >>> form_of("0000-00-00 00:00:00"), form_of("00-00-0000 00:00").swapped
    (Form(name='iso', swapped=None), '%m-%d-%Y %H:%M')
    >>> form_of("Tue Feb 00 00:00:00 +0000 0000").name, form_of("hello")
    ('%a %b %d %H:%M:%S %z %Y', None)
    """
    if _ISO.fullmatch(shape):
        return Form("iso")
    if _ISO_ZONED.fullmatch(shape):
        return Form("iso zoned")
    if _ISO_ZONED.fullmatch(re.sub(r"(?<=[T ]00:00)(?!:)", ":00", shape, count=1)):
        return Form("iso zoned minutes")
    if re.fullmatch("0+", shape):
        known = BY_DIGITS.get(len(shape))
        return Form(known) if known else None
    if re.fullmatch(r"0{9,10}\.0+", shape):
        return Form("unix")
    if shape == "0000-00":
        return Form("%Y-%m")
    if found := _PARTED.fullmatch(shape):
        return _parted(found)
    return _worded(shape)


def formats(forms: Iterable[Form], *, day_first: bool) -> list[str]:
    """The distinct ways of writing, day or month first where a form leaves it open."""
    return list(dict.fromkeys(form.name if day_first or not form.swapped else form.swapped for form in forms))


def time_sql(text: str, ways: Sequence[str], zone: str) -> str:
    """SQL for the instant that `text` (an SQL expression) writes in one of `ways`; NULL when in none.

    >>> print(time_sql("d", ["iso"], "UTC"))
    timezone('UTC', TRY_CAST(d AS TIMESTAMP))
    """
    if not ways:
        return "CAST(NULL AS TIMESTAMPTZ)"
    read = {way: _read(text, way, zone) for way in ways}
    if len(read) == 1:
        return next(iter(read.values()))
    whens = " ".join(f"WHEN regexp_full_match({text}, {_quoted(guard(way))}) THEN {sql}" for way, sql in read.items())
    return f"(CASE {whens} END)"


def guard(way: str) -> str:
    r"""A pattern of the values written in a way.

    >>> guard("%d.%m.%Y")
    '\\d{1,2}\\.\\d{1,2}\\.\\d{4}'
    """
    if way.startswith("iso"):
        clock = r"\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
        zone = r" ?(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)"
        date = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}"
        if way == "iso zoned minutes":
            return rf"{date}[T ]\d{{2}}:\d{{2}}{zone}"
        return f"{date}[T ]{clock}{zone}" if way == "iso zoned" else f"{date}([T ]{clock})?"
    if way in UNIX:
        digits = {"unix": r"\d{9,10}(\.\d+)?", "unix_ms": r"\d{13}", "unix_us": r"\d{16}", "unix_ns": r"\d{19}"}
        return digits[way]
    packed = re.fullmatch(r"(%[YmdHMS])+", way) is not None
    parts = re.split(r"(%-?[A-Za-z])", way)
    one = r"\d{2}" if packed else r"\d{1,2}"
    return "".join(
        _GUARDS.get(part.replace("-", ""), one) if part.startswith("%") else _escaped(part) for part in parts
    )


def shape_sql(text: str) -> str:
    """SQL for the shape of a text."""
    return f"translate({text}, '123456789', '000000000')"


def _parted(found: re.Match[str]) -> Form:
    first, mark, second, last, year, clock = found.group(1, 2, 3, 4, 5, 6)
    del first, second
    years = "%Y" if len(year) == 4 else "%y"
    rest = _clock(clock or "")
    if last == ", ":
        return Form(f"%m{mark}%d, {years}{rest}")
    return Form(f"%d{mark}%m{mark}{years}{rest}", f"%m{mark}%d{mark}{years}{rest}")


def _clock(text: str) -> str:
    half = re.search("[AaPp][Mm]$", text) is not None
    text = re.sub(r"\.0+", ".%f", text)
    text = re.sub(r"0{1,2}:00:00", "%I:%M:%S" if half else "%H:%M:%S", text)
    text = re.sub(r"0{1,2}:00", "%I:%M" if half else "%H:%M", text)
    return re.sub("[AaPp][Mm]$", "%p", text)


def _worded(shape: str) -> Form | None:
    """A shape with a month's name: each part is told by itself."""

    def word(match: re.Match[str]) -> str:
        found = match[0].casefold()
        is_day = any(day.startswith(found) for day in DAYS)
        return ("%a" if is_day else "%b") if len(found) == 3 else ("%A" if is_day else "%B")

    text = _WORDS.sub(word, shape)
    if not re.search("%[bB]", text):
        return None
    text = re.sub(r"[+-]00:?00$|[+-]00:?00(?= )", "%z", text)
    text = re.sub(r"(?<= )(UTC|GMT|[A-Z]{3,4}T)(?= |$)", "%Z", text)
    text = re.sub("(?<!0)0000(?!0)", "%Y", text)
    text = re.sub(rf"{_CLOCK}( ?[AaPp][Mm])?", lambda match: _clock(match[0]), text)
    text, days = re.subn("(?<![0%])0{1,2}(?!0)", "%d", text, count=1)
    if not days or "%Y" not in text:
        text, years = re.subn("(?<![0%])00(?!0)", "%y", text)
        if not years:
            return None
    return None if re.search(r"0|(?<!%)[A-Za-z]{2,}", text.replace("T%", "%")) else Form(text)


def _read(text: str, way: str, zone: str) -> str:
    if way == "iso zoned minutes":
        return _read(f"regexp_replace({text}, '([T ]\\d\\d:\\d\\d) ?', '\\1:00')", "iso zoned", zone)
    if way == "iso zoned":
        return f"TRY_CAST(replace(replace({text}, ' +', '+'), ' -', '-') AS TIMESTAMPTZ)"
    if way in UNIX:
        scaled = f"TRY_CAST({text} AS DOUBLE) * {UNIX[way]!r}" if way == "unix" else f"TRY_CAST({text} AS BIGINT)"
        if way in ("unix_ms", "unix_ns"):
            scaled += " * 1000" if way == "unix_ms" else " // 1000"
        return f"TRY(make_timestamptz(CAST(round({scaled}) AS BIGINT)))"
    if way == "iso":
        return local(f"TRY_CAST({text} AS TIMESTAMP)", zone)
    parsed = f"try_strptime({text}, {_quoted(way)})"
    return parsed if "%z" in way or "%Z" in way else local(parsed, zone)


def local(sql: str, zone: str) -> str:
    """SQL for the instant of a wall-clock time in `zone`."""
    return f"timezone({_quoted(zone)}, {sql})"


def _escaped(text: str) -> str:
    return re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
