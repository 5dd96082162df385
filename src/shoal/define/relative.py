"""Thresholds by rank: `clv_12m in top 20%` of everybody becomes the plain comparison `clv_12m >= 312.5`, once a run.

What is published is the comparison, so that the rule runs live, in SQL and for one person; the wording stays in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Context, Decimal, InvalidOperation
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shoal.define.evaluate import evaluate
from shoal.define.parse import parse, tokens
from shoal.define.tree import Expr
from shoal.define.types import Type, types_of
from shoal.define.words import number_text, to_text
from shoal.errors import ExpressionError

Array = NDArray[np.float64]
MOST = 10**12  # people
SHORT = 0.8  # fewer than this share of those asked for is told
_BEFORE = frozenset({"AND", "OR", "NOT", "L_PAREN", "COMMA", "CASE", "WHEN", "THEN", "ELSE"})
_AFTER = frozenset({"AND", "OR", "R_PAREN", "COMMA", "WHEN", "THEN", "ELSE", "END"})
_WANTED = "comes a share of the people such as 20%, or a number of them such as 500"


@dataclass(frozen=True)
class Resolved:
    """A plain rule; `phrases` are the words for each comparison that was a rank, `notes` what did not go as asked."""

    rule: str
    phrases: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rank:
    """So many people at one end: a share of those with a value (`percent`), or a number of them."""

    amount: Decimal
    percent: bool
    highest: bool = True

    def of(self, people: int) -> int:
        """How many of so many people that is: at least one, and never more than asked.

        >>> Rank(Decimal("20"), percent=True).of(64), Rank(Decimal("500"), percent=False).of(64)
        (12, 64)
        """
        wanted = int(people * self.amount / 100) if self.percent else int(self.amount)
        return min(max(wanted, 1), people)

    @property
    def words(self) -> str:
        """As it is said.

        >>> Rank(Decimal("20"), percent=True).words, Rank(Decimal("500"), percent=False, highest=False).words
        ('top 20%', 'bottom 500')
        """
        end = "top" if self.highest else "bottom"
        return f"{end} {self.amount.normalize():f}%" if self.percent else f"{end} {int(self.amount):,}"


def resolve(rule: str, table: pa.Table) -> Resolved:
    """The rule with every `in top ...` and `in bottom ...` as a comparison with a threshold over all rows of `table`.

    Of ties at the threshold all are out, so that never more are selected than asked, unless all who would be selected
    are tied. A rule without ranks comes back as it is, unread.

    Raises ExpressionError with the place in the text.

    >>> people = pa.table({"clv": [10.0, 25.5, 30.0, 31.0, None], "a": [1] * 5})
    >>> resolve("clv in top 40% and not a in top 1", people).rule
    'clv >= 31 and not a >= 1'
    """
    found = _Ranks(rule, table)
    parts, end = [], 0
    for start, stop, text in found.replaced():
        parts += [rule[end:start], text]
        end = stop
    return Resolved("".join([*parts, rule[end:]]), found.phrases, tuple(found.notes))


def best(rule: str, by: str, rank: Rank, table: pa.Table) -> Resolved:
    """The plain rule of those among the people of `rule` who have the most of `by`, by rank among themselves.

    Raises ExpressionError when `by` is no number.

    >>> people = pa.table({"orders": [1, 5, 6, 7], "clv": [99.0, 10.0, 30.0, 20.0]})
    >>> best("orders >= 5", "clv", Rank(Decimal(2), percent=False), people).rule
    '(orders >= 5) and (clv) >= 20'
    """
    columns = types_of(table.schema)
    expr = _number(parse(by, columns), by, 0)
    chosen = evaluate(parse(rule, columns, expect=Type.BOOL), table)
    among = np.asarray(chosen.values & chosen.valid, dtype=bool)
    found = evaluate(expr, table)
    text, notes = _comparison(f"({by})", found.values[found.valid & among], rank, by)
    said = f"among the best {rank.words.removeprefix('top ')} of these"
    phrases = {to_text(parse(text, columns)): said} if text != "false" else {}
    return Resolved(text if rule.strip() == "true" else f"({rule}) and {text}", phrases, notes)


class _Ranks:
    """The places of a text where a rank is asked for, read token by token."""

    def __init__(self, text: str, table: pa.Table) -> None:
        self.text, self.table, self.columns = text, table, types_of(table.schema)
        self.tokens: Sequence[Any] = tokens(text)
        self.phrases: dict[str, str] = {}
        self.notes: list[str] = []

    def replaced(self) -> list[tuple[int, int, str]]:
        """Start, end and the new text of each, from left to right."""
        return [self._replace(place) for place in range(len(self.tokens)) if self._is_rank(place)]

    def _kind(self, place: int) -> str:
        return str(self.tokens[place].token_type.name) if 0 <= place < len(self.tokens) else ""

    def _is_rank(self, place: int) -> bool:
        ends = self._kind(place + 1) == "VAR" and self.tokens[place + 1].text.lower() in ("top", "bottom")
        return self._kind(place) == "IN" and ends

    def _replace(self, place: int) -> tuple[int, int, str]:
        rank, last = self._rank(place + 1)
        no = self._kind(place - 1) == "NOT"
        until = place - 1 - no
        start = self.tokens[self._operand(until, place)].start
        stop = self.tokens[until].end + 1
        operand = self.text[start:stop]
        expr = self._read(operand, start)
        found = evaluate(expr, self.table)
        text, notes = _comparison(operand, found.values[found.valid], rank, operand, no=no)
        self.notes += notes
        if text != "false":
            key = to_text(parse(text, self.columns))
            self.phrases[key] = f"{'not ' if no else ''}in the {rank.words}"
        return start, self.tokens[last].end + 1, text

    def _rank(self, place: int) -> tuple[Rank, int]:
        """The rank that begins with `top` or `bottom`, and the place of its last token."""
        end = self.tokens[place].text.lower()
        if self._kind(place + 1) != "NUMBER":
            raise self._wrong(f"after {end} {_WANTED}", place)
        written, last = _decimal(self.tokens[place + 1].text), place + 1
        percent = self._kind(place + 2) == "MOD"
        last += percent
        if percent and not 0 < written <= 100:
            raise self._wrong(f"{end} {written}% is no share: more than 0% and at most 100%", place + 1)
        if not percent and not (1 <= written <= MOST and written == int(written)):
            raise self._wrong(f"{end} {written} is no number of people: after {end} {_WANTED}", place + 1)
        if self._kind(last + 1) not in {"", *_AFTER}:
            raise self._wrong(f"after `in {end} ...` comes `and`, `or` or the end; put it in parentheses", last + 1)
        return Rank(written, percent, highest=end == "top"), last

    def _operand(self, last: int, place: int) -> int:
        """The first token of what stands before `in`: a name, a call, or something in parentheses."""
        first = last
        if self._kind(last) == "R_PAREN":
            first, level = last, 1
            while level and first > 0:
                first -= 1
                level += {"R_PAREN": 1, "L_PAREN": -1}.get(self._kind(first), 0)
            if first > 0 and self._kind(first - 1) not in _BEFORE:
                first -= 1
        if last < 0 or self._kind(last) in _BEFORE or self._kind(first - 1) not in {"", *_BEFORE}:
            raise self._wrong("before `in top` or `in bottom` stands a column, or a formula in parentheses", place)
        return first

    def _read(self, operand: str, start: int) -> Expr:
        try:
            return _number(parse(operand, self.columns), self.text, start)
        except ExpressionError as error:
            place = start if error.position is None else error.position + start * (error.text == operand)
            raise ExpressionError(error.what, self.text, place) from None

    def _wrong(self, what: str, place: int) -> ExpressionError:
        return ExpressionError(what, self.text, self.tokens[place].start)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal(0)


def _number(expr: Expr, text: str, place: int) -> Expr:
    if expr.type is not Type.NUMBER:
        raise ExpressionError(f"is {expr.type.value}; only a number has a top and a bottom", text, place)
    return expr


def _comparison(operand: str, values: Array, rank: Rank, name: str, *, no: bool = False) -> tuple[str, tuple[str, ...]]:
    """The comparison that selects the rank of `values`, and what did not go as asked."""
    if not len(values):
        return "false", (f"{name} in {rank.words}: nobody has a value, so nobody is selected",)
    sign = 1.0 if rank.highest else -1.0
    wanted = rank.of(len(values))
    edge, chosen = threshold(sign * values, wanted)
    signs = (">=", "<") if rank.highest else ("<=", ">")
    return f"{operand} {signs[no]} {number_text(sign * edge)}", _told(name, rank, wanted, chosen, len(values))


def _told(name: str, rank: Rank, wanted: int, chosen: int, known: int) -> tuple[str, ...]:
    asked = f"{name} in {rank.words}"
    if not rank.percent and known < rank.amount:
        return (f"{asked}: only {known:,} people have a value, and all of them are in",)
    if chosen > wanted:
        return (f"{asked}: {chosen:,} people share the same value, so all of them are in instead of {wanted:,}",)
    if chosen < SHORT * wanted:
        return (f"{asked}: {chosen:,} people are in instead of {wanted:,}, since those who follow share one value",)
    return ()


def threshold(values: Array, wanted: int) -> tuple[float, int]:
    """The least t for which at most `wanted` of the values are t or more, and how many are; t has few digits.

    Where even the highest value is shared by more, it is the threshold.

    >>> threshold(np.array([1.0, 2.0, 2.0, 3.0]), 2), threshold(np.array([1.0, 4.0, 4.0]), 1)
    ((3.0, 1), (4.0, 2))
    """
    ordered = np.sort(values)
    at = len(ordered) - wanted
    if at > 0 and ordered[at - 1] == ordered[at] < ordered[-1]:
        at = int(np.searchsorted(ordered, ordered[at], side="right"))
    at = int(np.searchsorted(ordered, ordered[at], side="left"))
    below = float(ordered[at - 1]) if at else -np.inf
    return shortest(below, float(ordered[at])), len(ordered) - at


def shortest(below: float, most: float) -> float:
    """The number with the fewest digits that is above `below` and at most `most`.

    >>> shortest(312.17, 312.5273), shortest(-5.0, 0.0), shortest(0.58, 0.6)
    (312.5, 0.0, 0.6)
    """
    exact = Decimal(repr(most))
    for digits in range(1, 18):
        candidate = float(Context(prec=digits, rounding=ROUND_FLOOR).create_decimal(exact))
        if below < candidate <= most:
            return candidate
    return most
