"""The choice of the number of segments: what was obeyed, what it explains, what is shown but not obeyed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shoal.report.charts import Curves, curves
from shoal.report.numbers import decimal, fixed, known, percent
from shoal.report.words import plural
from shoal.summary import KChoice

STABLE, TRUSTED = 0.75, 0.6  # mean and least Jaccard (Hennig 2007), as the check on stability has them
RULE = f"the largest number whose segments come back (mean at least {STABLE}, least at least {TRUSTED}), then and today"
MEANINGS = {
    "mean": "mean over the segments",
    "least": "the least stable segment",
    "next period": "of the differences in the next period",
    "inputs": "of the differences in the inputs",
    "silhouette": "silhouette",
    "gap": "gap statistic",
}  # of the curves
_WIDTH = 322.0
_NAMES = 92.0


@dataclass(frozen=True)
class Panel:
    """One drawing with its title and what it means."""

    title: str
    about: str
    drawing: Curves


def panels(choices: Sequence[KChoice]) -> list[Panel]:
    """Stability with its thresholds; what is explained; silhouette and gap. One without numbers is left out."""
    tried = sorted(choices, key=lambda c: c.k)
    if not tried:
        return []
    ks = [c.k for c in tried]
    chosen = next((c.k for c in tried if c.chosen), None)
    steady = curves(
        ks,
        [("mean", [c.jaccard_mean for c in tried]), ("least", [c.jaccard_min for c in tried])],
        chosen,
        _WIDTH,
        names=_NAMES,
        limits=(STABLE, TRUSTED),
    )
    told = curves(
        ks,
        [("next period", [c.overall for c in tried]), ("inputs", [c.explained for c in tried])],
        chosen,
        _WIDTH,
        top=0.0,
        names=_NAMES,
        text=percent,
    )
    shown = curves(
        ks,
        [("silhouette", [c.silhouette for c in tried]), ("gap", [c.gap for c in tried])],
        chosen,
        _WIDTH,
        top=0.0,
        names=_NAMES,
    )
    found = [
        Panel(
            "Stability: obeyed",
            f"Jaccard on resampled data; the mean must reach {STABLE}, the least {TRUSTED}.",
            steady,
        ),
        Panel("What it explains", "Share of the differences between people that knowing their segment predicts.", told),
        Panel("Shown, not obeyed", "Silhouette and gap: customers lie along gradients, not in clumps.", shown),
    ]
    return [panel for panel in found if panel.drawing.curves]


def stable(choice: KChoice) -> bool:
    """Whether its segments are found again, on the mean and each of them."""
    return choice.jaccard_mean >= STABLE and choice.jaccard_min >= TRUSTED


def reason(choices: Sequence[KChoice]) -> str:
    """Why the chosen number was chosen, in a sentence with its numbers; '' where none was.

    >>> reason([KChoice(k=4, jaccard_mean=.9, jaccard_min=.8, silhouette=None, chosen=True),
    ...         KChoice(k=5, jaccard_mean=.8, jaccard_min=.4, silhouette=None)])
    '4 segments: the most that are stable (mean 0.90, least 0.80).'
    """
    one = next((c for c in choices if c.chosen), None)
    if one is None:
        return ""
    figures = f"mean {fixed(one.jaccard_mean)}, least {fixed(one.jaccard_min)}"
    number = plural(one.k, "segment")
    if not stable(one):
        known_better = any(stable(c) for c in choices)
        why = "other numbers were" if known_better else "no number that was tried is"
        return f"{number}, not stable by the rule ({figures}): {why}."
    larger = [c.k for c in choices if c.k > one.k and stable(c)]
    if not larger:
        return f"{number}: the most that are stable ({figures})."
    return f"{number}: stable ({figures}); more would be stable too ({_listed(larger)}) and were not taken."


def disobeyed(choices: Sequence[KChoice]) -> str:
    """What silhouette and gap would have said, '' where neither was measured."""
    said = [
        f"{name} is highest at {-max(found)[1]}"
        for name, found in (
            ("silhouette", [(c.silhouette, -c.k) for c in choices if c.silhouette is not None and known(c.silhouette)]),
            ("the gap statistic", [(c.gap, -c.k) for c in choices if c.gap is not None and known(c.gap)]),
        )
        if found
    ]
    if not said:
        return ""
    text = " and ".join(said)
    return f"{text[:1].upper()}{text[1:]}; {'both are' if len(said) > 1 else 'it is'} shown, not obeyed."


def _listed(numbers: Sequence[int]) -> str:
    *first, last = map(decimal, numbers)
    return f"{', '.join(first)} and {last}" if first else last
