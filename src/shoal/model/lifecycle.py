"""Lifecycle stages: new, loyal, engaged, at risk, lapsed, by the data's own rhythm of coming back."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from shoal.define.draft.known import Rhythm
from shoal.model import boxes, readable
from shoal.model.levels import basis, bounded
from shoal.model.matrix import Array, missing
from shoal.model.matrix import whole as counts
from shoal.model.meta import FeatureMeta
from shoal.model.rules import Cut

ENOUGH_GAPS = 30


def rhythm(table: pa.Table) -> Rhythm | None:
    """Thresholds from the gaps between active days, or from recency itself where few people came back.

    Three quarters of the people who return leave at most `engaged` days between visits on average, nineteen in
    twenty at most `lapsed`; loyal is at least the upper quartile of the returners' frequency.
    """
    found = basis(table)
    if found.recency is None or found.frequency is None:
        return None
    recency = _known(bounded(table, found.recency))
    often = _known(bounded(table, found.frequency))
    if len(recency) < 2:
        return None
    gaps = _known(bounded(table, "gap_days_mean")) if "gap_days_mean" in table.column_names else np.empty(0)
    gaps = gaps[gaps > 0]
    if len(gaps) >= ENOUGH_GAPS:
        engaged, lapsed = float(np.quantile(gaps, 0.75)), float(np.quantile(gaps, 0.95))
        says = "from the days between visits"
    else:
        engaged, lapsed = float(np.quantile(recency, 0.4)), float(np.quantile(recency, 0.75))
        says = "from how long ago people were last seen, as too few came back"
    lapsed = max(lapsed, 1.5 * engaged)
    again = often[often >= 2]
    frequent = max(3.0, float(np.ceil(np.quantile(again, 0.75)))) if len(again) else 3.0
    whole = "days" if engaged >= 2 else ""
    first = readable.threshold(recency, engaged, whole, moved=0.03)
    last = readable.threshold(recency, lapsed, whole, moved=0.03)
    return Rhythm(first, max(last, first * 1.25), new=first, frequent=frequent, says=says)


def lifecycle(table: pa.Table, meta: Mapping[str, FeatureMeta] = {}) -> list[Cut]:
    """The stages as rules, disjoint and exhaustive; some may be empty as of now."""
    del meta
    found, own = basis(table), rhythm(table)
    if own is None or found.recency is None or found.frequency is None:
        return []
    recency, often = found.recency, found.frequency
    nobody = missing(table, recency)
    recent = boxes.narrow({}, recency, high=own.engaged)
    stages: dict[str, list[boxes.Box]] = {"new": [], "loyal": [], "engaged": []}
    if "tenure_days" in table.column_names and not missing(table, "tenure_days"):
        stages["new"] = [boxes.narrow(recent, "tenure_days", high=own.new)]
        recent = boxes.narrow(recent, "tenure_days", low=own.new)
    if not missing(table, often):
        stages["loyal"] = [boxes.narrow(recent, often, low=own.frequent)]
        recent = boxes.narrow(recent, often, high=own.frequent)
    stages["engaged"] = [recent]
    stages["at risk"] = [{recency: (own.engaged, own.lapsed)}]
    stages["lapsed"] = [{recency: (own.lapsed, math.inf)}]
    order = (recency, often, "tenure_days")
    whole = {often} if counts(table, often) else set()
    facts = {"engaged_days": own.engaged, "lapsed_days": own.lapsed, "thresholds": own.says}
    cuts = [
        Cut(f"Stage: {stage}", "lifecycle", boxes.rule(union, order, whole=whole), facts=facts)
        for stage, union in stages.items()
        if union
    ]
    if nobody:
        name = "Stage: not bought yet" if found.people == "customers" else "Stage: not active yet"
        cuts.append(Cut(name, "lifecycle", f"{boxes.quoted(recency)} is null", facts=facts))
    return cuts


def _known(values: Array) -> Array:
    found: Array = values[np.isfinite(values)]
    return found
