"""What a feature is called, counted in and about: the words and themes that discovery, names and briefs use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from shoal.define.words import Label, Unit

_THEME_OF = (
    (r"(weekend|evening|morning|night|hour|weekday)", "timing"),
    (r"(tenure|lifecycle|age_days)", "lifecycle"),
    (r"(intent|carts|checkouts|compar|pricing|wish)", "intent"),
    (r"(refund|discount|coupon|ticket|email)", "care"),
    (r"(^share_|breadth|categories|items$|pages$)", "affinity"),
    (r"(revenue|aov|value|spend|money|price|_per_order|margin)", "value"),
    (r"(recency|orders|gap_|trend|purchases|frequency)", "rhythm"),
)
_UNIT_OF = (
    (r"(^|_)share(_|$)|_rate$", "share"),
    (r"^(recency|tenure|gap)_days|^days_", "days"),
    (r"^(revenue|aov|value|spend|price|margin)", "money"),
    (r"^(trend|intent_score|score)", ""),
)
# Of two inputs that say the same, the one that a marketer reads faster is kept.
_READABLE = [
    "recency_days",
    "orders",
    "revenue",
    "aov",
    "active_days",
    "tenure_days",
    "sessions",
    "events",
    "items_per_order",
    "breadth",
    "depth",
    "views",
]
WINDOWS = ("90", "30", "365", "7")
HIDDEN = "hidden"  # the theme of what is computed for other features only
TRAIT = "trait"  # the theme of what is recorded of people; `trait:plan` where each trait is a theme of its own
SPELT = "trait:"  # of a trait that has inputs for its values
OUTCOME = "outcome"  # the theme of what an objective predicts
_WORDS = {
    "recency_days": "days since last seen",
    "tenure_days": "days since first seen",
    "aov": "average order value",
    "items_per_order": "items per order",
    "gap_days_mean": "days between visits",
    "gap_days_std": "spread of the days between visits",
    "intent_score": "intent score",
    "depth": "different items",
    "breadth": "different categories",
    "active_days": "active days",
    "refund_share": "share refunded",
}


@dataclass(frozen=True)
class FeatureMeta:
    """A feature's label (plain words), unit (days, ago, money, share, count or nothing) and theme.

    Where the name is itself a rule, such as `plan = 'Pro'`, `otherwise` is the rule of its opposite.

    >>> describe("orders_90d").label, describe("orders_90d").unit, describe("orders_90d").theme
    ('orders in 90 days', 'count', 'rhythm')
    """

    name: str
    label: str
    unit: str = "count"
    theme: str = "engagement"
    otherwise: str = ""

    @property
    def spoken(self) -> Label:
        """How rules speak of it."""
        return Label(self.label, cast("Unit | None", self.unit or None))

    @property
    def hidden(self) -> bool:
        """Whether only other features are made of it."""
        return self.theme in (HIDDEN, SPELT)

    @property
    def recorded(self) -> bool:
        """Whether it says what is recorded of people, not what they did."""
        return self.theme.split(":")[0] in (TRAIT, OUTCOME)

    @property
    def days(self) -> bool:
        """Whether it is a number of days, said as such or as `12 days ago`."""
        return self.unit in ("days", "ago")

    @property
    def readability(self) -> tuple[int, int, int, str]:
        """Smaller is easier to read; decides which of two redundant inputs stays."""
        base, window = split(self.name)
        return (
            ("", *WINDOWS).index(window) if window in ("", *WINDOWS) else len(WINDOWS) + 1,
            _READABLE.index(base) if base in _READABLE else len(_READABLE),
            len(self.name),
            self.name,
        )


def describe(name: str, label: str | None = None, unit: str | None = None) -> FeatureMeta:
    """A feature's meta from its name, with the label and unit that its definition gives, if any.

    >>> describe("share_gifts").label, describe("share_gifts").unit, describe("share_gifts").theme
    ('share of gifts', 'share', 'affinity')
    """
    theme = next((theme for pattern, theme in _THEME_OF if re.search(pattern, name)), "engagement")
    guess = next((unit for pattern, unit in _UNIT_OF if re.search(pattern, name)), "count")
    return FeatureMeta(name, label or _label(name), guess if unit is None else unit, theme)


def complete(names: Iterable[str], meta: Mapping[str, FeatureMeta]) -> dict[str, FeatureMeta]:
    """The meta of every name, guessed where `meta` has none."""
    return {name: meta.get(name) or describe(name) for name in names}


def _label(name: str) -> str:
    if name in _WORDS:
        return _WORDS[name]
    if "trend" in name:
        return "trend"
    base, window = split(name)
    if window:
        return f"{_label(base)} in {window} days"
    if name.startswith("share_"):
        return f"share of {name.removeprefix('share_').replace('_', ' ')}"
    return name.replace("_", " ")


def split(name: str) -> tuple[str, str]:
    """`orders_90d` is orders in a window of 90 days."""
    found = re.fullmatch(r"(.+?)_(\d+)d", name)
    return (found[1], found[2]) if found else (name, "")
