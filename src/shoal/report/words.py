"""The report's fixed words: what checks, scores and kinds of segments are called, and a short glossary."""

from __future__ import annotations

import unicodedata

RESULTS = ("pass", "warn", "fail", "not enough data")
MARKS = {"pass": "✓", "warn": "!", "fail": "✕", "not enough data": "\u2013"}
PLAIN_MARKS = {"pass": "+", "warn": "!", "fail": "x", "not enough data": "-"}

KINDS = {
    "discovered": "Discovered segments",
    "micro": "Micro-segments",
    "subgroup": "Subgroups found by their effect",
    "predictive": "Predictive segments",
    "rfm": "RFM segments",
    "value": "Value tiers",
    "lifecycle": "Lifecycle stages",
    "demographic": "Demographics",
    "intent": "Intent",
    "rule": "Your own rules",
}

MEASURES = {
    "revenue": "Revenue each",
    "retention": "Came back",
    "retained": "Came back",
    "activity": "Events each",
    "events": "Events each",
}

SCORES = {
    "overall": "Explained overall",
    "value": "Value explained",
    "behaviour": "Behaviour explained",
    "retained": "Retention explained",
    "auc": "Ranks who comes back (AUC)",
}

GLOSSARY = {
    "As of": "The moment the run looks from. It uses nothing that happened later.",
    "Segment": "A named rule over features. A person is in it or not; the rule is all there is to it.",
    "Discovered segment": "Found by grouping people who behave alike, then written as a short rule.",
    "Predictive segment": "A rule over scores: what models expect people to do next. The threshold is a plain number.",
    "Micro-segment": "A smaller segment inside a discovered one, with a rule of its own.",
    "Proposed": "The set of segments that explains the next period best. Nothing is released until a person approves.",
    "Recipe": "A way of finding segments. All recipes take part in the contest.",
    "Subgroup": "People who meet up to three conditions and differ in what they do next. It is searched on one half "
    "of the people and confirmed on the other.",
    "Adjusted effect": "What remains of a difference after what recency, frequency and spend already tell. "
    "Only that is claimed.",
    "q": "The share of false discoveries to expect among all that are at least as sure (Benjamini and Hochberg 1995).",
    "Score": "What a model says of a person: a probability, or an amount. Where a model does not "
    "beat a plain way of guessing, the plain way gives the scores.",
    "Fidelity": "How far the short rule picks the same people as the grouping it was written from. 100% is the same.",
    "Value share": "The part of past revenue that came from a segment's people.",
    "Next period": "What people did after a moment in the past, for those whom the rule held at that moment.",
    "95% interval": "Where the true figure plausibly lies. When two intervals overlap much, do not bet on the order.",
    "Stability (Jaccard)": "How much of a segment is found again when the data are resampled: 1 is all of it. "
    "From 0.75 it is stable, below 0.6 it is not (Hennig 2007).",
    "Refitted stability": "Stability with the whole recipe run again on every resample, its models included.",
    "Persistence (adjusted Rand)": "How far the same people are grouped alike one period later: 1 is the same, "
    "0 is by chance.",
    "Gap statistic": "How much tighter the groups are than in data without groups (Tibshirani and others 2001).",
    "HDBSCAN": "A way of grouping that finds dense clumps and leaves what lies between them to nobody.",
    "SHAP": "How much each feature moves a model's score for one person; the parts add up to the score.",
    "Silhouette": "How far apart groups lie: 1 is clear clumps, 0 is a smooth gradient cut into pieces.",
    "Variance explained (R²)": "The share of the differences between people that knowing their segment predicts, "
    "for people and a time that were not used to make the segments.",
    "AUC": "How often, of one person to whom something happened and one to whom it did not, the first is ranked "
    "higher: 0.5 is a coin, 1 is perfect.",
    "Average precision": "The share of right ones among those chosen by score, averaged over all places to stop. "
    "Choosing by lot gives the share of right ones in everybody.",
    "Brier score": "The mean squared distance of predicted chances from what came true (0 or 1); smaller is better.",
    "Calibration": "Whether chances can be taken at their word: of those given 30%, 30% do it. The calibration error "
    "is the mean distance from that.",
    "Lift": "How many times everybody's rate the people with the highest scores have.",
    "Baseline": "What one would use without a model, such as an RFM score or the past rate. A model that does not beat "
    "it is not used; a plain formula gives the scores instead.",
    "Out of time": "Judged on a period after the one learned from, as in use. Without that, figures can flatter.",
    "CLV": "Customer lifetime value: the revenue expected of a person over a time ahead, later money discounted.",
    "Probability alive": "The chance that a person is still a customer at all. It says nothing of when they buy next, "
    "so it is no churn score.",
    "Protected trait": "Age, sex, origin and the like. It enters no rule and no model; it is only used to audit them.",
    "Disparate reach": "How often a segment reaches a group, over how often it reaches the group it reaches most.",
    "Proxy": "A clause of a rule that tells a protected trait although it does not name it.",
    "Quarantine": "Rows that broke a rule, kept aside with the reason. They are never dropped in silence.",
    "Not enough data": "The check could not be made fairly. It is neither a pass nor a failure.",
}


def plain(text: object) -> str:
    """Text without control and direction characters, safe for a page and for a terminal.

    >>> plain("a\\x1b[31mb\\x00\\u202ec")
    'a[31mbc'
    """
    raw = str(text).encode("utf-8", "replace").decode("utf-8")
    if raw.isprintable():
        return raw
    return "".join(letter for letter in raw if letter in "\n\t" or not _commands(letter))


def _commands(letter: str) -> bool:
    """Whether it moves a cursor, breaks a line or turns the direction of writing instead of being shown."""
    turns = "\u202a" <= letter <= "\u202e" or "\u2066" <= letter <= "\u2069"
    return turns or unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"}


def title(name: str) -> str:
    """An internal name as words.

    >>> title("next_period_revenue")
    'Next period revenue'
    """
    words = name.replace("_", " ").replace(".", " ").strip()
    return words[:1].upper() + words[1:]


def kind(name: str) -> str:
    """What a kind of segments is called."""
    return KINDS.get(name, title(name))


def measure(name: str) -> str:
    """What a next-period measure is called."""
    return MEASURES.get(name, title(name))


def subject(name: str) -> str:
    """What a verdict is about: a segment's name, or a whole set.

    >>> subject("set:rfm"), subject("Steady regulars")
    ('RFM segments as a set', 'Steady regulars')
    """
    return f"{kind(name.removeprefix('set:'))} as a set" if name.startswith("set:") else name


def score(name: str) -> str:
    """What a comparison's score is called.

    >>> score("auc"), score("log_revenue"), score("basket_size")
    ('Ranks who comes back (AUC)', 'Revenue (log) explained', 'Basket size explained')
    """
    if name in SCORES:
        return SCORES[name]
    for prefix in ("capped", "log"):
        if name.startswith(f"{prefix}_"):
            return f"{title(name.removeprefix(f'{prefix}_'))} ({prefix}) explained"
    return f"{title(name)} explained"


def upcoming(name: str) -> str:
    """What a measure of the next period is called where the period is not named beside it.

    >>> upcoming("revenue"), upcoming("retention")
    ('Next revenue each', 'Came back next')
    """
    return f"{measure(name)} next" if measure(name) == "Came back" else f"Next {measure(name).lower()}"


def opened(text: str) -> str:
    """A sentence with a capital at its beginning.

    >>> opened("not enough data: 12 people")
    'Not enough data: 12 people'
    """
    return f"{text[:1].upper()}{text[1:]}"


def plural(number: int, word: str, many: str = "") -> str:
    """A count with its noun.

    >>> plural(1, "person", "people"), plural(1200, "row")
    ('1 person', '1,200 rows')
    """
    return f"{number:,} {word if number == 1 else many or word + 's'}"
