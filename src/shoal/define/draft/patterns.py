"""The parts that phrases are made of: numbers, comparisons, spans of time. Regular expressions over plain words."""

from __future__ import annotations

import re

from shoal.define.draft.answer import Quantity, Window
from shoal.define.draft.topics import NUMBERS, UNITS

COMPARED = {
    ">=": r"at least|no less than|no fewer than|not less than|a minimum of|minimum of|minimum|min|>=|from",
    ">": r"more than|over|above|greater than|upwards of|exceeding|higher than|larger than"
    r"|longer than|bigger than|beyond|>",
    "<=": r"at most|up to|no more than|not more than|a maximum of|maximum of|maximum|max|<=",
    "<": r"less than|fewer than|under|below|lower than|smaller than|shorter than|<",
    "=": r"exactly|just|only|equal to|=",
}
AFTER = {">=": r"or more|and more|or above|and above|or over|plus|\+", "<=": r"or less|or fewer|or under|or below"}
NUMBER = r"(?:\d+(?:\.\d+)?|" + "|".join(sorted(NUMBERS, key=len, reverse=True)) + ")"
UNIT = "(?:" + "|".join(f"{unit}s?" for unit in UNITS) + ")"
_SIGN = r"(?:[$€£¥]|usd|eur|gbp|chf|dollars?|euros?|pounds?)"
_PRE = "|".join(COMPARED.values())
_POST = "|".join(AFTER.values())

AMOUNT = (
    rf"(?:between (?:{_SIGN} )?(?P<low>{NUMBER})(?: {_SIGN})? and (?:{_SIGN} )?(?P<high>{NUMBER})"
    rf"|(?:from )?(?:{_SIGN} )?(?P<low2>{NUMBER})(?: {_SIGN})? to (?:{_SIGN} )?(?P<high2>{NUMBER})"
    rf"|(?:(?P<pre>{_PRE}) )?(?:{_SIGN} )?(?P<num>{NUMBER}))"
    rf"(?: (?P<pct>%))?(?: {_SIGN})?(?: (?P<post>{_POST}))?"
)
COMPARISON = AMOUNT.replace(r"(?:(?P<pre>", r"(?:(?:is |are |was |of |at |has been )?(?P<pre>")
WINDOW = (
    rf"(?: (?:(?:in|within|during|over|for|since|throughout|of) )?(?:the |their )?"
    rf"(?P<rel>last|past|previous|preceding|this|current)"
    rf"(?: (?P<wnum>{NUMBER}))? (?P<wunit>{UNIT})"
    rf"| (?:in|within|during|over|for|since)(?: the)?(?: (?P<wpre>{_PRE}))? (?P<wnum2>{NUMBER}|an?) (?P<wunit2>{UNIT})"
    rf"| (?P<lately>recently|lately|these days|of late|any more|any longer))"
)
AGO = rf"(?:was |were |is )?(?:(?P<apre>{_PRE}) )?(?P<anum>{NUMBER}) (?P<aunit>{UNIT}) ago"
SOON = 30.0  # days that "recently" means where the data have no rhythm


def number(text: str) -> float:
    """A number in digits or words.

    >>> number("2.5"), number("twelve")
    (2.5, 12.0)
    """
    return 1.0 if text in ("a", "an") else float(NUMBERS.get(text, text))


def days(count: str | None, unit: str) -> float:
    """So many units of time in days.

    >>> days("3", "months"), days(None, "week"), days("12", "months")
    (90.0, 7.0, 365.0)
    """
    size = UNITS[unit.removesuffix("s")]
    found = number(count or "1") * size
    return found / 360 * 365 if size == 30 and found % 360 == 0 else found


def comparison(said: str | None) -> str:
    """The sign of a comparison in words.

    >>> comparison("no fewer than"), comparison(None)
    ('>=', '')
    """
    for op, words in {**COMPARED}.items():
        if said and re.fullmatch(words, said):
            return op
    return next((op for op, words in AFTER.items() if said and re.fullmatch(words, said)), "")


def quantity(found: re.Match[str], *, time: bool = False) -> Quantity:
    """The quantity in a match of AMOUNT."""
    part = found.groupdict()
    percent = bool(part["pct"])
    low, high = part["low"] or part["low2"], part["high"] or part["high2"]
    unit = days("1", part["tunit"]) if time and part.get("tunit") else 0.0
    if low and high:
        return Quantity("", number(low), number(high), percent, unit)
    op = comparison(part["pre"]) or comparison(part["post"])
    return Quantity(op, number(part["num"]), None, percent, unit)


def window(found: re.Match[str], rhythm_days: float | None) -> Window | None:
    """The window in a match, or None."""
    part = found.groupdict()
    if part.get("lately"):
        return Window(rhythm_days or SOON, part["lately"])
    unit = part.get("wunit") or part.get("wunit2")
    if not unit:
        return None
    count = part.get("wnum") or part.get("wnum2")
    return Window(days(count, unit), f"{count or 'a'} {unit}", comparison(part.get("wpre")))
