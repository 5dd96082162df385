"""Value tiers: who brings the money, by cut-offs of past revenue (or of activity, where there is none)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from shoal.model import boxes, readable
from shoal.model.levels import basis, bounded, cut_offs
from shoal.model.matrix import Array, missing
from shoal.model.meta import FeatureMeta, describe
from shoal.model.rules import Cut

TOPS = (0.01, 0.05, 0.20, 0.50)
ENOUGH = 20
NAMES = {
    True: ("Top 1% spenders", "High spenders", "Upper-middle spenders", "Lower-middle spenders", "Low spenders"),
    False: ("Most active 1%", "Highly active", "Upper-middle active", "Lower-middle active", "Hardly active"),
}


def tiers(table: pa.Table, meta: Mapping[str, FeatureMeta] = {}) -> list[Cut]:
    """Tiers from the top 1, 5, 20 and 50 % of the people down, each with its share of the value in `facts`.

    A top tier that would hold fewer than 20 people joins the next; people with nothing form their own tier.
    """
    found = basis(table)
    if found.monetary is None:
        return []
    values = bounded(table, found.monetary)
    some = values[np.isfinite(values) & (values > 0)]
    unit = (meta.get(found.monetary) or describe(found.monetary)).unit
    cuts: list[tuple[float, str]] = []
    for share, name in zip(TOPS, NAMES[found.money][:-1], strict=True):
        if len(some) * share < ENOUGH and share < TOPS[-1]:
            continue
        edge = _top(some, share, unit)
        if edge is not None and (not cuts or edge < cuts[-1][0]):
            cuts.append((edge, name))
    return _tiers(table, found.monetary, values, [*cuts, (0.0, NAMES[found.money][-1])], found.money)


def split(table: pa.Table, n: int, meta: Mapping[str, FeatureMeta] = {}) -> list[Cut]:
    """`n` tiers of as equal size as the values allow: for comparison with as many other segments."""
    found = basis(table)
    if found.monetary is None:
        return []
    column = boxes.quoted(found.monetary)
    unit = (meta.get(found.monetary) or describe(found.monetary)).unit
    edges = cut_offs(np.nan_to_num(bounded(table, found.monetary)), n, unit)
    rules = []
    for low, high in zip([-math.inf, *edges], [*edges, math.inf], strict=True):
        absent = {found.monetary: "low"} if missing(table, found.monetary) else {}
        rules.append(boxes.rule([{found.monetary: (low, high)}], absent=absent))
    noun = "Spend" if found.money else "Activity"
    return [Cut(f"{noun} tier {place}", "value", rule) for place, rule in enumerate(reversed(rules), 1) if column]


def _top(some: Array, share: float, unit: str) -> float | None:
    if not len(some) or some.min() == some.max():
        return None
    ordered = np.sort(some)
    edge = ordered[min(len(ordered) - 1, math.floor(len(ordered) * (1 - share)))]
    if edge == ordered[0]:
        return None
    below = ordered[ordered < edge].max()
    return readable.threshold(ordered[-max(50, int(len(ordered) * share * 2)) :], float((below + edge) / 2), unit)


def _tiers(table: pa.Table, column: str, values: Array, cuts: list[tuple[float, str]], money: bool) -> list[Cut]:
    known = np.nan_to_num(values)
    total = float(known[known > 0].sum())
    found, above = [], math.inf
    for edge, name in cuts:
        low = boxes.ABOVE_ZERO if edge == 0 else edge
        inside = (known >= low) & (known < above)
        if inside.any():
            share, worth = float(inside.mean()), float(known[inside].sum() / total) if total else 0.0
            facts = {"people_share": share, "value_share": worth, "headline": _headline(share, worth, money)}
            found.append(Cut(name, "value", boxes.rule([{column: (low, above)}]), facts=facts))
            above = low
    if (known < above).any():
        absent = {column: "low"} if missing(table, column) else {}
        found.append(
            Cut(
                "No spend yet" if money else "No activity recorded",
                "value",
                boxes.rule([{column: (-math.inf, above)}], absent=absent),
                facts={"people_share": float((known < above).mean()), "value_share": 0.0},
            )
        )
    return found


def _headline(share: float, worth: float, money: bool) -> str:
    return f"the {share:.1%} of people who made {worth:.0%} of {'revenue' if money else 'all activity'}"
