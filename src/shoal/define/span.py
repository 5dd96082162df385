"""A length of time as it is written in YAML: `90d`, `12h`, `45m`."""

from __future__ import annotations

import re

_SPANS = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}
_WORDS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
_SPAN = re.compile(r"(\d{1,9}) ?([smhdw])")
_LONGEST = 200 * 366 * _SPANS["d"]


def span(text: str) -> int:
    """Microseconds of a window such as `90d`; a day is 24 hours.

    Raises ValueError with the remedy.

    >>> span("12h") // 3_600_000_000
    12
    """
    found = _SPAN.fullmatch(text.strip())
    length = int(found[1]) * _SPANS[found[2]] if found else 0
    if not 0 < length <= _LONGEST:
        raise ValueError(f"'{text}' is not a window: a whole number and s, m, h, d or w, such as 7d, 12h, 4w")
    return length


def spoken_span(text: str) -> str:
    """A window in words.

    >>> spoken_span("90d")
    '90 days'
    """
    found = _SPAN.fullmatch(text.strip())
    if not found:
        return text
    return f"{int(found[1])} {_WORDS[found[2]]}{'' if int(found[1]) == 1 else 's'}"
