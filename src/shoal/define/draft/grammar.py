"""The grammar of one workspace: at a place in the text, the longest phrase that is known."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property

from shoal.define.draft import doing
from shoal.define.draft.answer import Answer, Window
from shoal.define.draft.doing import Doings
from shoal.define.draft.kinds import Kinds
from shoal.define.draft.known import Known
from shoal.define.draft.own import MOSTLY, Named, Own
from shoal.define.draft.patterns import AGO, AMOUNT, WINDOW
from shoal.define.draft.topics import BUYERS, COUNTS, FILLERS, NEGATIONS, NOUNS, SCORES, STAGES, TIMES, TOPICS, WORTH
from shoal.define.draft.unit import Made, Unit
from shoal.define.draft.vocabulary import vocabulary
from shoal.define.tree import Literal
from shoal.define.types import Type
from shoal.define.words import quoted, to_text

_PATTERNS = [
    *(pattern for topic in TOPICS.values() for pattern in (topic.nouns, topic.verbs)),
    *STAGES.values(),
    *COUNTS.values(),
    *(words for words, _ in WORTH.values()),
    *(words for _, words, _ in SCORES.values()),
    *TIMES.values(),
    *(doing.MUCH, doing.LITTLE, doing.OFTEN, doing.SELDOM, doing.LESS, doing.MORE, doing.STOP, doing.START),
    *(MOSTLY, WINDOW, AMOUNT, AGO),
]
_SPELT = {word for pattern in _PATTERNS for word in re.findall(r"[a-z]{4,}", re.sub(r"\?P?<\w+>", " ", pattern))}
_MORE = {"month", "week", "year", "quarter", "unlikely", "likely", "segment", "everyone", "created", "joined"}
# Words of the grammar, for slips of the pen.
COMMON = _SPELT | {word.removesuffix("s") for word in _SPELT} | FILLERS | NOUNS | BUYERS | NEGATIONS | _MORE


class Grammar:
    """The phrases of one workspace."""

    def __init__(self, known: Known) -> None:
        self.known, self.own = known, vocabulary(known)
        self.kinds = Kinds(known, self.own)
        kinds = (Doings(known, self.own), Own(known, self.own), self.kinds, Named(known, self.own))
        # The first of two equally long phrases is taken.
        self.patterns: list[tuple[re.Pattern[str], Made]] = [
            (re.compile(f"(?:{pattern})(?= |$)"), made) for one in kinds for pattern, made in one.patterns()
        ]

    def at(self, text: str, start: int) -> Unit | None:
        """The longest phrase that begins at a place of the plain text."""
        best: Unit | None = None
        longest = 0
        for pattern, made in self.patterns:
            found = pattern.match(text, start)
            if found is None or found.end() - start <= longest:
                continue
            unit = made(found)
            if unit is not None:
                longest = found.end() - start
                said = found[0].split()
                best = replace(unit, words=len(said), noun=said[-1] in NOUNS | BUYERS)
        return best

    def span(self, text: str) -> tuple[Window, int] | None:
        """A span of time at the beginning of a text that starts with a blank, and how many words it has."""
        found = re.match(f"{WINDOW}(?= |$)", text)
        window = self.kinds.window(found) if found else None
        return (window, len(found[0].split())) if found and window else None

    def also(self, unit: Unit, value: str) -> Unit:
        """A phrase on a value of a column, with another value of it."""
        if unit.level is None:
            return unit
        name, values = unit.level[0], [*unit.values, value]
        listed = ", ".join(to_text(Literal(one, Type.TEXT)) for one in values)
        made = Answer(f"{quoted(name)} in ({listed})", f"values of {self.known.columns[name].label}")
        no = replace(made, rule=f"{quoted(name)} not in ({listed})")
        return replace(unit, make=lambda _, never: no if never else made, values=tuple(values))

    @cached_property
    def spelling(self) -> list[str]:
        """Every word that may be meant where one is misspelt."""
        own = self.own
        tables = (own.numbers, own.levels, own.flags, own.texts, own.items, own.segments, own.barred)
        mine = {word for table in tables for said in table for word in said.split()}
        return sorted({word for word in mine | COMMON if len(word) > 3})
