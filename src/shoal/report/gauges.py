"""Bars and tracks in letters: how the terminal draws a share, and an estimate with its interval."""

from __future__ import annotations

_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(share: float, width: int = 20, *, plain: bool = False) -> str:
    """A share of `width` letters, to an eighth of a letter (`plain`: to a whole one, in ASCII).

    >>> bar(0.5, 8), bar(0.3, 8), bar(0.3, 8, plain=True), bar(0.001, 8)
    ('████', '██▍', '##', '▏')
    """
    share = min(max(share, 0.0), 1.0)
    if plain:
        return "#" * max(round(share * width), 1 if share else 0)
    eighths = max(round(share * width * 8), 1 if share else 0)
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def track(predicted: float, observed: float, low: float, high: float, *, width: int = 24, plain: bool = False) -> str:
    """An axis from 0 to 1 with what came true in its interval and an upright line at what was predicted.

    >>> track(0.5, 0.25, 0.1, 0.4, width=11)
    ' ──●─│     '
    >>> track(0.5, 0.5, 0.4, 0.6, width=11, plain=True)
    '    -O-    '
    """
    dash, dot, line, both = ("-", "o", "|", "O") if plain else ("─", "●", "│", "◉")

    def cell(share: float) -> int:
        return min(max(int(share * (width - 1) + 0.5), 0), width - 1)

    letters = [" "] * width
    for place in range(cell(low), cell(high) + 1):
        letters[place] = dash
    letters[cell(predicted)] = line
    letters[cell(observed)] = both if cell(observed) == cell(predicted) else dot
    return "".join(letters)
