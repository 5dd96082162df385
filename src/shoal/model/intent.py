"""Intent of the last days: high, medium or low, from carts, checkouts, comparisons and views."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from shoal.model import boxes, readable
from shoal.model.levels import bounded
from shoal.model.matrix import Array, missing
from shoal.model.meta import FeatureMeta
from shoal.model.rules import Cut

STRONG = ("checkouts_30d", "carts_30d", "pricing_visits_30d", "comparisons_30d")
WEAK = ("views_30d", "searches_30d", "sessions_30d", "active_days_30d", "events_30d")


def intent(table: pa.Table, meta: Mapping[str, FeatureMeta] = {}) -> list[Cut]:
    """High, medium and low intent as rules, disjoint and exhaustive; empty where nothing speaks of intent.

    With an `intent_score`: high is the upper fifth of the people with any, low is none. Without it: high is a cart,
    checkout, pricing view or comparison in the last 30 days, medium a view, low neither.
    """
    del meta
    names = set(table.column_names)
    if "intent_score" in names and (bounded(table, "intent_score") > 0).any():
        return _by_score(table)
    strong = [name for name in STRONG if name in names and (bounded(table, name) > 0).any()]
    if not strong:
        return []
    weak = next((name for name in WEAK if name in names and (bounded(table, name) > 0).any()), None)
    union: list[boxes.Box] = [{name: (1.0, np.inf)} for name in strong]
    none = dict.fromkeys(strong, (-np.inf, 1.0))
    absent = {name: "low" for name in [*strong, *([weak] if weak else [])] if missing(table, name)}
    cuts = [Cut("High intent", "intent", boxes.rule(union, strong, absent))]
    if weak is None:
        return [*cuts, Cut("Low intent", "intent", boxes.rule([none], strong, absent))]
    order = [*strong, weak]
    cuts.append(Cut("Medium intent", "intent", boxes.rule([boxes.narrow(none, weak, low=1.0)], order, absent)))
    return [*cuts, Cut("Low intent", "intent", boxes.rule([boxes.narrow(none, weak, high=1.0)], order, absent))]


def _by_score(table: pa.Table) -> list[Cut]:
    column = "intent_score"
    values = bounded(table, column)
    some: Array = values[np.isfinite(values) & (values > 0)]
    absent = {column: "low"} if missing(table, column) else {}
    edge = float(np.quantile(some, 0.8))
    zero = boxes.ABOVE_ZERO
    if some.min() == some.max() or not (some < edge).any():
        return [
            Cut("High intent", "intent", boxes.rule([{column: (zero, np.inf)}])),
            Cut("Low intent", "intent", boxes.rule([{column: (-np.inf, zero)}], absent=absent)),
        ]
    below = float(some[some < edge].max())
    high = readable.threshold(some, (below + edge) / 2, "")
    return [
        Cut("High intent", "intent", boxes.rule([{column: (high, np.inf)}])),
        Cut("Medium intent", "intent", boxes.rule([{column: (zero, high)}])),
        Cut("Low intent", "intent", boxes.rule([{column: (-np.inf, zero)}], absent=absent)),
    ]
