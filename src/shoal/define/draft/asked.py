"""A rule by a language model: what it is shown, and what of its answer is taken.

It sees names, labels, types and spreads of columns, values that at least twenty people share, and the sentence; never a
person. Its rule goes through the same parser as everybody's, and is neither saved nor run by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from shoal.define.draft.known import SHARED, Known, Spoken
from shoal.define.draft.propose import Reach, reach
from shoal.define.protected import is_protected
from shoal.define.relative import resolve
from shoal.define.select import reads
from shoal.define.types import Type
from shoal.define.words import number_text
from shoal.errors import ExpressionError, LanguageRefused, ShoalError
from shoal.language import as_json

Ask = Callable[[str, str], str]
COLUMNS = 150  # that are shown; the others are parts of them
SHOWN = 20  # values of a text
LONGEST = 2_000
TRIES = 2
SYSTEM = """You turn a marketer's sentence into one rule that selects customers, in this language:
- columns by the names given, numbers, 'texts', and or not ( ), = <> < <= > >=, in ('a', 'b'), between 1 and 2,
  is null
- `column in top 10%` and `column in bottom 500` select by rank; nothing else of SQL, no functions of time, no queries
Answer with one JSON object and nothing else: {"rule": "...", "why": "one sentence", "left_out": "what the columns
cannot say, or empty"}. Use only columns and values that are given. Never age, gender, origin, religion or family."""


@dataclass(frozen=True)
class Suggestion:
    """What a model suggests: a rule that the parser took and whom it selects, or why there is none."""

    rule: str = ""
    why: str = ""
    left_out: str = ""
    reach: Reach | None = None
    fault: str = ""


def catalogue(known: Known) -> dict[str, Any]:
    """What the model is shown of the data: columns of groups, no person and no rare value."""
    shown = [one for name, one in known.columns.items() if not is_protected(name)]
    ordered = sorted(shown, key=lambda one: one.theme == "hidden")
    return {"people": known.people, "columns": [_column(one) for one in ordered[:COLUMNS]]}


def _column(one: Spoken) -> dict[str, Any]:
    found: dict[str, Any] = {"name": one.name, "means": one.label, "type": one.type.value}
    if one.unit:
        found["unit"] = "days ago" if one.unit == "ago" else one.unit
    if one.type is Type.NUMBER and one.some >= SHARED:
        percentiles = (10, 50, 90)
        found["of those above zero, 10, 50, 90 in 100 are below"] = [_rough(one.marks[place]) for place in percentiles]
    if one.shared:
        found["values"] = list(one.levels[: min(one.shared, SHOWN)])
    return found


def _rough(number: float) -> str:
    """Two digits are enough to choose a threshold by, and tell nobody's own number."""
    return number_text(float(f"{number:.2g}"))


def suggest(text: str, known: Known, table: pa.Table, ask: Ask) -> Suggestion:
    """The model's rule for a sentence; where the parser refuses it, the model may mend it once."""
    question = json.dumps({"sentence": text, **catalogue(known)}, ensure_ascii=False)
    fault = ""
    for _ in range(TRIES):
        try:
            answer = as_json(ask(SYSTEM, question if not fault else f"{question}\nYour last rule was refused: {fault}"))
            return _taken(answer, known, table)
        except (ExpressionError, LanguageRefused) as error:
            fault = str(error)
            if isinstance(error, LanguageRefused) and "JSON" not in fault:
                break
        except ShoalError as error:
            fault = str(error)
            break
    return Suggestion(fault=fault)


def _taken(answer: dict[str, Any], known: Known, table: pa.Table) -> Suggestion:
    """The answer's rule, read by the parser.

    Raises ExpressionError where it cannot be read or reads what it may not.
    """
    rule = answer.get("rule")
    if not isinstance(rule, str) or not rule.strip() or len(rule) > LONGEST:
        raise ExpressionError(f"the answer has no rule of at most {LONGEST:,} characters", "")
    rule = " ".join(rule.split())
    barred = sorted(name for name in reads(resolve(rule, table).rule, table) if is_protected(name))
    unknown = sorted(name for name in reads(resolve(rule, table).rule, table) if name not in known.columns)
    if barred or unknown:
        what = "a protected trait" if barred else "no column for rules"
        raise ExpressionError(f"'{(barred or unknown)[0]}' is {what}", rule)
    said = {part: " ".join(str(answer.get(part) or "").split())[:300] for part in ("why", "left_out")}
    return Suggestion(rule, said["why"], said["left_out"], reach(rule, table, known))
