"""Numbers and instants as people read them; what is not known is a dash, never a zero."""

from __future__ import annotations

import math
from datetime import datetime

NOT_KNOWN = "\u2013"
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "BRL": "R$", "KRW": "₩"}
_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def known(value: float | None) -> bool:
    """Whether there is a number to show.

    >>> known(0.0), known(None), known(float("nan")), known(float("inf"))
    (True, False, False, False)
    """
    return value is not None and math.isfinite(value)


def count(value: float | None) -> str:
    """A count with thousands separators.

    >>> count(541909), count(None)
    ('541,909', '–')
    """
    return f"{round(value):,}" if value is not None and math.isfinite(value) else NOT_KNOWN


def decimal(value: float | None, figures: int = 3) -> str:
    """A number to `figures` significant figures, whole from 1,000 up.

    >>> decimal(0.12345), decimal(4.0), decimal(1234.5), decimal(-0.0004), decimal(0)
    ('0.123', '4', '1,234', '-0.0004', '0')
    """
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    if abs(value) >= 10 ** (figures - 1) or value == 0:
        return f"{round(value):,}"
    places = figures - 1 - math.floor(math.log10(abs(value)))
    text = f"{value:.{min(places, 6)}f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def fixed(value: float | None, places: int = 2) -> str:
    """A number with as many places as its neighbours in a column.

    >>> fixed(0.7), fixed(0.23149, 3), fixed(-0.001), fixed(None)
    ('0.70', '0.231', '0.00', '–')
    """
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    return f"{round(value, places) + 0.0:,.{places}f}"


def compact(value: float | None) -> str:
    """A number short enough for an axis or a narrow column.

    >>> compact(950), compact(1234), compact(999_999), compact(8_911_407), compact(-12_500)
    ('950', '1.2k', '1M', '8.9M', '-12.5k')
    """
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    for step, letter in _STEPS:
        if abs(value) >= step * 0.9995:
            return _trim(value / step) + letter
    return decimal(value)


def money(value: float | None, currency: str | None = None, *, short: bool = False) -> str:
    """An amount in its currency: with cents below 100 where it has any, compact when `short`.

    >>> money(12.5, "GBP"), money(1234.5, "CHF"), money(8_911_407, "EUR", short=True), money(-3, "USD")
    ('£12.50', 'CHF 1,234', '€8.9M', '-$3')
    >>> money(12.5), money(None, "GBP")
    ('12.5', '–')
    """
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    size = abs(value)
    sign = "-" if value <= -0.005 else ""
    if not currency:
        return compact(value) if short and size >= 1000 else decimal(value)
    code = "".join(filter(str.isalnum, currency))[:8]
    symbol = _SYMBOLS.get(code.upper(), f"{code} ")
    if short and size >= 1000:
        return f"{sign}{symbol}{compact(size)}"
    return f"{sign}{symbol}{size:,.2f}" if size < 100 and round(size, 2) % 1 else f"{sign}{symbol}{size:,.0f}"


def percent(share: float | None) -> str:
    """A fraction of 1 as a percentage, never rounded to all or nothing.

    >>> percent(0.1234), percent(0.0042), percent(0.00001), percent(0.9997), percent(1), percent(None)
    ('12%', '0.4%', '<0.1%', '>99.9%', '100%', '–')
    """
    if share is None or not math.isfinite(share):
        return NOT_KNOWN
    size = abs(share) * 100
    sign = "-" if share < 0 else ""
    if 0 < size < 0.1:
        return f"{sign}<0.1%"
    if 99.9 < size < 100:
        return f"{sign}>99.9%"
    exact = size < 9.95 or 99 < size < 100
    return f"{sign}{_trim(size) if exact else f'{size:,.0f}'}%"


def chance(value: float | None) -> str:
    """A p or q, never rounded to nothing.

    >>> chance(0.0), chance(0.0004), chance(0.0213), chance(None)
    ('< 0.001', '< 0.001', '0.021', '–')
    """
    return "< 0.001" if value is not None and value < 0.001 else decimal(value, 2)


def signed(value: float | None) -> str:
    """A standardised difference with its sign.

    >>> signed(1.234), signed(-0.5), signed(0.0)
    ('+1.2', '-0.5', '0.0')
    """
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    text = f"{value:+.1f}"
    return "0.0" if text in {"+0.0", "-0.0"} else text


def duration(seconds: float | None) -> str:
    """A stretch of time that a stage took.

    >>> duration(0.034), duration(4.26), duration(125), duration(7260)
    ('34 ms', '4.3 s', '2 min 5 s', '2 h 1 min')
    """
    if seconds is None or not math.isfinite(seconds):
        return NOT_KNOWN
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{_trim(seconds)} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def days(value: float | None) -> str:
    """A horizon in the unit people plan in.

    >>> days(91), days(30), days(1), days(0.5)
    ('13 weeks', '30 days', '1 day', '0.5 days')
    """
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    if value >= 14 and value % 7 == 0:
        return f"{value / 7:.0f} weeks"
    return "1 day" if value == 1 else f"{decimal(value)} days"


def instant(text: str | None) -> str:
    """An ISO 8601 instant as a date, with the time when it is not midnight; other text as it is.

    >>> instant("2011-12-09T00:00:00Z"), instant("2011-12-09T12:50:00+00:00"), instant("soon"), instant(None)
    ('9 Dec 2011', '9 Dec 2011, 12:50 UTC', 'soon', '–')
    """
    if not text:
        return NOT_KNOWN
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    date = f"{at.day} {at:%b} {at.year}"
    if (at.hour, at.minute, at.second) == (0, 0, 0):
        return date
    zone = "" if at.tzinfo is None else f" {at.tzname() or 'UTC'}"
    return f"{date}, {at:%H:%M}{zone}"


def _trim(value: float) -> str:
    text = f"{value:,.1f}"
    return text.removesuffix(".0")
