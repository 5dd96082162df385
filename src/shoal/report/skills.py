"""What measures of skill are called, how they read, and which way of predicting did how well.

The measures themselves are explained at `shoal.summary.Skill`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shoal.report.numbers import NOT_KNOWN, fixed, known, money
from shoal.report.words import title
from shoal.summary import Interval, ModelCard, Skill

METRICS = {
    "auc": "AUC",
    "ap": "Average precision",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "ece": "Calibration error",
    "lift": "Lift, top tenth",
    "mae": "Mean error",
    "rmse": "RMSE",
    "total": "Total off by",
    "spearman": "Rank agreement",
    "recall": "Recall",
    "ndcg": "NDCG",
    "new_recall": "Recall of new items",
    "new_ndcg": "NDCG of new items",
}
_LEARNERS = {"lightgbm": "LightGBM", "forest": "random forest", "logistic": "logistic regression"}
_SMALLER = {"brier", "log_loss", "ece", "mae", "rmse"}


def metric(name: str) -> str:
    """What a measure of skill is called.

    >>> metric("auc"), metric("revenue_mae"), metric("revenue_rmse"), metric("recall@10"), metric("pinball")
    ('AUC', 'Revenue mean error', 'Revenue RMSE', 'Recall@10', 'Pinball')
    """
    prefix, base, place = parts(name)
    told = METRICS.get(base, title(base)) + place
    if not prefix:
        return told
    return f"{title(prefix)} {told if told.isupper() else told[:1].lower() + told[1:]}"


def reading(name: str, value: float | None, currency: str | None = None) -> str:
    """A measure of skill in its unit.

    >>> reading("auc", 0.8414), reading("lift", 3.58), reading("total", -0.154), reading("mae", 0.783)
    ('0.841', '3.6x', '-15%', '0.783')
    >>> reading("revenue_rmse", 2563.4, "GBP"), reading("auc", None)
    ('£2,563', '–')
    """
    if value is None or not known(value):
        return NOT_KNOWN
    prefix, base, _ = parts(name)
    if base == "total":
        return f"{value * 100:+.{0 if abs(value) >= 0.0995 else 1}f}%"
    if base == "lift":
        return f"{value:.{1 if abs(value) >= 0.995 else 2}f}x"
    if prefix == "revenue" and base in ("mae", "rmse"):
        return money(value, currency)
    return fixed(value, 3)


def parts(name: str) -> tuple[str, str, str]:
    """What a measure is of, the measure itself, and its place.

    >>> parts("revenue_mae"), parts("recall@10"), parts("log_loss")
    (('revenue', 'mae', ''), ('', 'recall', '@10'), ('', 'log_loss', ''))
    """
    base, at, place = name.partition("@")
    prefix, _, rest = base.partition("_")
    return (prefix, rest, at + place) if rest in METRICS and base not in METRICS else ("", base, at + place)


def span(name: str, interval: Interval | None, currency: str | None = None) -> str:
    """The interval of a measure of skill, '' where there is none."""
    if interval is None or not (known(interval.low) and known(interval.high)):
        return ""
    return f"{reading(name, interval.low, currency)} to {reading(name, interval.high, currency)}"


def estimate(name: str, interval: Interval | None, currency: str | None = None) -> str:
    """A measure of skill with its interval in brackets.

    >>> estimate("auc", Interval(value=0.841, low=0.822, high=0.859)), estimate("auc", None)
    ('0.841 [0.822, 0.859]', '–')
    """
    if interval is None or not known(interval.value):
        return NOT_KNOWN
    return reading(name, interval.value, currency) + brackets(name, interval, currency)


def brackets(name: str, interval: Interval, currency: str | None) -> str:
    """The interval as it follows a number in a sentence, '' where there is none."""
    if not (known(interval.low) and known(interval.high)):
        return ""
    return f" [{reading(name, interval.low, currency)}, {reading(name, interval.high, currency)}]"


def success_name(card: ModelCard) -> str:
    """What the success metric is called, with what it counts.

    >>> success_name(ModelCard(name="value", kind="value", status="used", metric="mae"))
    'Mean error of purchases'
    """
    prefix, base, _ = parts(card.metric)
    if card.kind == "value" and not prefix and base in ("mae", "rmse"):
        return f"{METRICS[base]} of purchases"
    if card.kind == "affinity" and base == "recall":
        return "Recall of the first ten"
    return metric(card.metric)


def way(name: str) -> str:
    """A way's name short enough for a table; what a blend is made of stands on the card.

    >>> way("blend of 61% logistic, 39% lightgbm"), way("R/F/M logit"), way("lightgbm")
    ('blend of 2', 'R/F/M logit', 'LightGBM')
    """
    if name in _LEARNERS:
        return _LEARNERS[name]
    return f"blend of {name.count(',') + 1}" if name.startswith("blend of ") and "%" in name else name


def chosen(card: ModelCard) -> Skill | None:
    """How the model itself did on the test."""
    return next((skill for skill in card.skills if skill.kind == "model"), None)


def to_beat(card: ModelCard) -> Skill | None:
    """How the plain baseline did on the test."""
    return next((skill for skill in card.skills if skill.name == card.baseline), None)


def success(card: ModelCard, skill: Skill | None) -> Interval | None:
    """A skill's success metric, None where it has no number."""
    found = skill.metrics.get(card.metric) if skill else None
    return found if found is not None and known(found.value) else None


def groups(card: ModelCard) -> dict[str, list[str]]:
    """The measures of all skills, the success metric first, by what they measure ('' where that is one thing)."""
    names = dict.fromkeys([card.metric, *(name for skill in card.skills for name in skill.metrics)])
    had = [name for name in names if any(name in skill.metrics for skill in card.skills)]
    prefixes = dict.fromkeys(parts(name)[0] for name in had)
    plain = "Purchases" if len(prefixes) > 1 and card.kind == "value" else ""
    found: dict[str, list[str]] = {}
    for prefix in prefixes:
        found[title(prefix) if prefix else plain] = [name for name in had if parts(name)[0] == prefix]
    return found


def measured(card: ModelCard, measures: Sequence[str]) -> list[Skill]:
    """The ways that have any of the measures, in the card's order."""
    return [skill for skill in card.skills if any(name in skill.metrics for name in measures)]


def role(card: ModelCard, skill: Skill, group: str = "") -> str:
    """What a way is to its card: chosen (or only tried), baseline (to beat), or one of the others, ''.

    A value model may choose one way for purchases and another for revenue: `group` says which is meant.
    """
    if skill.kind == "baseline":
        return "baseline to beat" if skill.name == card.baseline else "baseline"
    members = card.extra.get("members")
    first = chosen(card)
    name = members.get(group.casefold()) if isinstance(members, Mapping) else None
    if skill.name != (name or (first.name if first else "")):
        return ""
    return "chosen" if card.status == "used" and not card.stands_in else "tried"


def short(name: str) -> str:
    """A measure's name below a heading that says of what it is."""
    _, base, place = parts(name)
    return METRICS.get(base, title(base)) + place


def best(card: ModelCard, name: str) -> str:
    """The way of predicting that a measure puts first, '' where none has it."""
    base = parts(name)[1]
    found = {skill.name: skill.metrics[name].value for skill in card.skills if name in skill.metrics}
    values = {way: value for way, value in found.items() if value is not None and known(value)}

    def badness(way: str) -> float:
        value = values[way]
        return abs(value) if base == "total" else value if base in _SMALLER else -value

    return min(values, key=badness, default="")
