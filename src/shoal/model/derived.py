"""Features that follow from everybody's: RFM scores and the lifecycle stage, as formulas over the other features.

Their thresholds are fixed when they are made, so that the score of one person can be computed alone, live or later.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from shoal.define.evaluate import evaluate
from shoal.define.parse import parse
from shoal.define.types import types_of
from shoal.define.words import number_text
from shoal.model import boxes
from shoal.model.lifecycle import lifecycle
from shoal.model.meta import FeatureMeta
from shoal.model.rfm import Scores, scale

LABELS = {
    "rfm_recency": "recency score (5 is best)",
    "rfm_frequency": "frequency score (5 is best)",
    "rfm_monetary": "monetary score (5 is best)",
    "rfm_score": "RFM score (15 is best)",
    "lifecycle_stage": "lifecycle stage",
}


def derivations(table: pa.Table, meta: Mapping[str, FeatureMeta]) -> dict[str, str]:
    """The formulas, by feature; empty where the data carry neither scores nor stages."""
    found: dict[str, str] = {}
    scaled = scale(table, meta)
    if scaled is not None:
        names = ("rfm_recency", "rfm_frequency", "rfm_monetary")
        found.update({name: _score(scores) for name, scores in zip(names, scaled.scores, strict=True)})
        found["rfm_score"] = " + ".join(names)
    stages = lifecycle(table, meta)
    if stages:
        cases = " ".join(f"when {cut.rule} then '{cut.name.lower()}'" for cut in stages if cut.rule != "true")
        if cases:
            found["lifecycle_stage"] = f"case {cases} else '{stages[-1].name.lower()}' end"
    return found


def derive(table: pa.Table, formulas: Mapping[str, str]) -> pa.Table:
    """The table with one more column for each formula, in order; later formulas may read earlier ones.

    >>> derive(pa.table({"orders": [1, 4]}), {"many": "case when orders > 2 then 1 else 0 end"})["many"].to_pylist()
    [0.0, 1.0]
    """
    for name, text in formulas.items():
        expr = parse(text, types_of(table.schema))
        column = evaluate(expr, table).arrow(expr.type)
        table = table.append_column(name, column) if name not in table.column_names else table
    return table


def _score(scores: Scores) -> str:
    column = boxes.quoted(scores.column)
    levels = range(len(scores.cuts))
    cases = " ".join(
        f"when {column} < {number_text(scores.cuts[level])} then {scores.score(level)}" for level in levels
    )
    last = f"case {cases} else {scores.score(len(scores.cuts))} end" if cases else str(scores.score(0))
    return f"case when {column} is null then null else {last} end"
