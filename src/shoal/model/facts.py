"""The fact sheet of a segment: every number and word that may be said of it, and nothing about any one person.

It is what a language model is shown, and what its text is held against.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from unicodedata import category

from shoal.summary import Interval, Segment

# Counts that are written as words; `one` is mostly no count ("one of them"), so it counts before percent only.
WORDS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905
    )
}
# Words that say a quantity of their own: they must stand in the facts as they are.
AMOUNTS = frozenset(
    """
    billion billions couple dozen dozens double doubled doubles fifth fifths fold half halves hundred hundreds majority
    million millions minority quarter quarters quadruple tenfold tenth tenths third thirds thousand thousands triple
    tripled triples twice thrice twofold threefold thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty
    thirty forty fifty sixty seventy eighty ninety
    """.split()  # noqa: SIM905
)
SIGNS = re.compile(
    r"[$€£¥₹₩]|\b(?:USD|EUR|GBP|JPY|CHF|INR|CAD|AUD|SEK|NOK|DKK|PLN|CNY|dollars?|euros?|pounds?|yen)\b", re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![\d.,])(\d[\d,']*(?:\.\d+)?|\.\d+)(?:\s*(%|percent\b|per cent\b)|([kKmM])\b)?")
_WORD = re.compile(rf"\b(?:{'|'.join(word for word in WORDS if word != 'one')}|one(?=\s+per\s?cent))\b", re.IGNORECASE)


@dataclass(frozen=True)
class Said:
    """What quantities a text names: numbers (`18%` apart from `18`), words such as half, currencies."""

    numbers: frozenset[str]
    amounts: frozenset[str]
    currencies: frozenset[str]


def said(text: str) -> Said:
    """The quantities in a text, each in one spelling.

    >>> sorted(said("1,240 of them (18.0 percent) bought three times").numbers)
    ['1240', '18%', '3']
    """
    words = re.findall(r"[a-z]+", text.lower())
    digits = _WORD.sub(lambda found: WORDS[found[0].lower()], text)
    numbers = {_plain(*found.groups()) for found in _NUMBER.finditer(digits)}
    numbers |= {sign for sign in text if category(sign) in ("No", "Nl")}  # a half and its like in one sign
    return Said(
        frozenset(numbers),
        frozenset(word for word in words if word in AMOUNTS),
        frozenset(sign.lower() for sign in SIGNS.findall(text)),
    )


def _plain(digits: str, percent: str | None, step: str | None) -> str:
    number = digits.replace(",", "").replace("'", "")
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    number = number.lstrip("0") or "0"
    number = f"0{number}" if number.startswith(".") else number
    return number + ("%" if percent else (step or "").lower())


def sheet(segment: Segment, currency: str | None = None) -> dict[str, Any]:
    """The facts of a segment as they are shown: numbers and words of the group, without its name.

    The name stays out, since it may come from an earlier answer: the same facts must be the same sheet.
    """
    brief = segment.brief
    found = {
        "rule": segment.words,
        "people": f"{segment.size:,} ({_percent(segment.share)} of everybody)",
        "share of past revenue": None if segment.value_share is None else _percent(segment.value_share),
        "what sets them apart": [trait.words for trait in brief.traits],
        "next period": [_expected(name, one) for name, one in segment.next_period.items() if one.value is not None],
        "currency": currency,
        "headline": brief.headline,
        "value": brief.value,
        "strategies": list(brief.strategies),
        "risks": list(brief.risks),
    }
    return {name: value for name, value in found.items() if value}


def fingerprint(facts: Mapping[str, Any], *more: str) -> str:
    """A hash of the facts and of what else decides the answer.

    >>> len(fingerprint({"people": "3"}, "model"))
    64
    """
    text = json.dumps([facts, *more], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def texts(value: Any) -> Iterable[str]:
    """Every text in a sheet or an answer."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts(one)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def _expected(name: str, one: Interval) -> str:
    """An outcome of the next period with its interval; those of people who return are shares."""
    rate = name == "retention"

    def shown(number: float) -> str:
        if rate:
            return f"{number:.0%}"
        return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.2f}".rstrip("0").rstrip(".")

    between = f" ({shown(one.low)} to {shown(one.high)})" if one.low is not None and one.high is not None else ""
    return f"{name.replace('_', ' ')}: {shown(one.value or 0.0)}{between}"
