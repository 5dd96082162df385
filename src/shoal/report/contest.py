"""The contest arranged for reading: contenders ranked, their scores on shared axes, columns that say something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from shoal.report.charts import Whiskers, whiskers
from shoal.report.numbers import decimal, fixed, known, percent
from shoal.summary import Comparison, Contender, Interval

_SUMMARIES = ("overall", "value", "behaviour", "auc")
_DRAWN = 3  # scores with an axis; the others are folded
_OUTCOMES = ("tie", "nobody", "not enough data")
BASELINE = "baseline"
_OURS = ("discovered", "micro")


def grade(name: str, value: float | None) -> str:
    """A contender's score: AUC as it is, the share of variance explained in percent.

    >>> grade("auc", 0.74), grade("overall", 0.2314), grade("overall", None)
    ('0.740', '23.1%', '–')
    """
    if name == "auc" or value is None or not known(value):
        return fixed(value, 3)
    return f"{value * 100:.1f}%"


@dataclass(frozen=True)
class Contest:
    """One table of contenders, best first, what could not be measured last, the baseline after all others."""

    contenders: list[Contender]
    winner: str = ""
    proposed: str = ""

    @classmethod
    def of(cls, comparison: Comparison | None) -> Contest:
        """All recipes and traditional cuts, with as many segments each."""
        if comparison is None:
            return cls([])
        return cls(ranked(comparison.contenders), comparison.winner, comparison.proposed)

    @classmethod
    def of_many(cls, comparison: Comparison | None) -> Contest:
        """Those with many small segments."""
        return cls(ranked(comparison.micro) if comparison else [])

    @cached_property
    def won(self) -> Contender | None:
        """The winner; an older run may name it by its kind."""
        if self.winner in _OUTCOMES or not self.winner:
            return None
        named = [c for c in self.contenders if c.name == self.winner]
        return next(iter(named or [c for c in self.contenders if c.kind == self.winner]), None)

    def stands(self, contender: Contender) -> list[str]:
        """What is said of a contender beside its name: won, proposed."""
        said = ["won"] if contender is self.won else []
        return [*said, "proposed"] if contender.name == self.proposed else said

    @property
    def standing(self) -> Literal["won", "lost", "open"]:
        """How discovery came out; open is a tie, no winner, or none held."""
        if self.won is None:
            return "open"
        return "won" if self.won.kind == "discovered" else "lost"

    @cached_property
    def scores(self) -> list[str]:
        """All scores, the summaries first."""
        names = dict.fromkeys(name for c in self.contenders for name in c.scores)
        return sorted(names, key=lambda name: _SUMMARIES.index(name) if name in _SUMMARIES else len(_SUMMARIES))

    @property
    def leading(self) -> list[str]:
        """The scores to draw: the summaries, or else the first few."""
        return ([name for name in self.scores if name in _SUMMARIES] or self.scores)[:_DRAWN]

    @cached_property
    def axes(self) -> dict[str, Whiskers]:
        """One axis a leading score, a row a contender."""
        return {
            name: whiskers(
                [(c.name, i, c.scores.get(name, Interval(value=None))) for i, c in enumerate(self.contenders)],
                decimal if name == "auc" else percent,
                ends=(0.5,) if name == "auc" else (0.0,),
            )
            for name in self.leading
        }

    def has(self, column: str) -> bool:
        """Whether any contender has a number there; older runs have none."""
        found = [getattr(c, column) for c in self.contenders]
        return any(known(one.value if isinstance(one, Interval) else one) for one in found)


def ranked(contenders: Sequence[Contender]) -> list[Contender]:
    """Best first by the first summary that they were scored by; the baseline last."""
    scored = {name for c in contenders for name in c.scores}
    primary = next((name for name in _SUMMARIES if name in scored), None)

    def rank(contender: Contender) -> tuple[bool, bool, float]:
        score = contender.scores.get(primary) if primary else None
        value = score.value if score else None
        unknown = value is None or not known(value)
        return contender.kind == BASELINE, unknown, 0.0 if value is None or unknown else -value

    return sorted(contenders, key=rank)


def against(many: Contest) -> str:
    """Micro-segments against the best traditional cells in a line, '' where they were not compared."""
    mine = next((c for c in many.contenders if c.kind in _OURS), None)
    rival = next((c for c in many.contenders if c.kind not in (*_OURS, BASELINE)), None)
    if mine is None or rival is None or not many.leading:
        return ""
    score = many.leading[0]
    return (
        f"{mine.segments} micro-segments: {_score(mine, score)}, against {_score(rival, score)} for "
        f"{rival.name} ({rival.segments})."
    )


def _score(contender: Contender, score: str) -> str:
    interval = contender.scores.get(score)
    return grade(score, interval.value if interval else None)
