"""Yes-or-no predictions against scikit-learn's HistGradientBoosting, and what they cost.

python benchmarks/propensity.py                every table that is present, and the timing at 500,000 and 1,000,000 rows
python benchmarks/propensity.py --only telco   one or more of: telco, shoppers, leads, timing
python benchmarks/propensity.py --json         the same as JSON

A fifth of the people at a time is judged by what the others fitted; both sides get the same fields and folds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from shoal.predict.contest import FOLDS, learn
from shoal.predict.encoding import Encoding
from shoal.predict.folds import folds
from shoal.predict.learner import Array, Examples
from shoal.predict.resample import People
from shoal.predict.skill import differences, exact

DATA = Path(os.environ.get("SHOAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SHOWN = ("auc", "ap", "brier", "log_loss", "ece", "lift")
WRITTEN_BY_SALES = ["Tags", "Lead Quality", "Lead Profile", "Last Activity", "Last Notable Activity"] + [
    f"Asymmetrique {what} {kind}" for what in ("Activity", "Profile") for kind in ("Index", "Score")
]
Row = dict[str, Any]


def telco() -> list[Row]:
    """Churn of a telco's customers."""
    return compared("telco churn", "telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv", "Churn", "Yes")


def shoppers() -> list[Row]:
    """Sessions of a shop that end in a purchase, with and without a field close to the outcome."""
    path = "online_shoppers/online_shoppers_intention_dev.csv"
    return [
        *compared("online shoppers", path, "Revenue", "True"),
        *compared("online shoppers without PageValues", path, "Revenue", "True", ["PageValues"]),
    ]


def leads() -> list[Row]:
    """Leads that convert, with and without the fields that sales wrote after contact."""
    path = "x_education_leads/Lead Scoring.csv"
    return [
        *compared("leads, with what sales wrote (leaks)", path, "Converted", "1"),
        *compared("leads", path, "Converted", "1", WRITTEN_BY_SALES),
    ]


def compared(name: str, path: str, label: str, yes: str, without: Sequence[str] = ()) -> list[Row]:
    """Shoal's contest and the peer on one table."""
    if not (DATA / path).exists():
        return [{"table": name, "what": "not measured: the data is not present"}]
    table = csv.read_csv(DATA / path)
    y = np.array([str(value) == yes for value in table[label].to_pylist()], dtype=np.float64)
    rows = np.arange(len(y))
    examples = Examples(table.drop_columns([label, *without]), y, rows, np.zeros(len(y), dtype=np.int64))
    began = process_time()
    found = learn(examples, None, baselines={}, metric="auc", seed=0)
    mine = process_time() - began
    began = process_time()
    peer = peer_by_folds(examples)
    theirs = process_time() - began
    gap = differences(y, found.predictions, peer, People.of(rows, seed=0))["auc"]
    told = [
        {"table": name, "what": f"Shoal: {found.algorithm}", "cpu": mine, **exact(y, found.predictions)},
        {"table": name, "what": "scikit-learn HistGradientBoosting", "cpu": theirs, **exact(y, peer)},
    ]
    told += [
        {"table": name, "what": f"{one.kind}: {one.name}", **{key: one.metrics[key].value for key in SHOWN}}
        for one in found.skills[1:]
    ]
    told[0]["gain over the peer, AUC"] = f"{gap.value:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
    return told


def peer_by_folds(examples: Examples) -> Array:
    """HistGradientBoosting with its defaults and its own handling of categories, on the same folds."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    encoding = Encoding.fit(examples.table)
    x = encoding.encode(examples.table)
    fold = folds(examples.person, examples.y, FOLDS, 0)
    p = np.zeros(len(examples))
    for part in range(FOLDS):
        model = HistGradientBoostingClassifier(categorical_features=encoding.categories, random_state=0)
        model.fit(x[fold != part], examples.y[fold != part])
        p[fold == part] = model.predict_proba(x[fold == part])[:, 1]
    return p


def timing() -> list[Row]:
    """Training on 500,000 rows x 40 fields and scoring 1,000,000, beside the peer on the same numbers."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    from shoal.predict.boosted import LightGBM

    table, y = made(1_000_000)
    half = 500_000
    rows = np.arange(half)
    train = Examples(table.slice(0, 400_000), y[:400_000], rows[:400_000], np.zeros(400_000, dtype=np.int64))
    test = Examples(table.slice(400_000, 100_000), y[400_000:half], rows[400_000:], np.ones(100_000, dtype=np.int64))
    plain = table["number 0"].to_numpy()
    told: list[Row] = []

    def took(what: str, job: Callable[[], Any]) -> Any:
        began, used = perf_counter(), process_time()
        result = job()
        told.append({"table": "timing", "what": what, "wall": perf_counter() - began, "cpu": process_time() - used})
        return result

    found = took(
        "Shoal: whole contest on 500,000 rows (3 learners compared, one judged on later rows and fitted again on all)",
        lambda: learn(train, test, baselines={"field": (plain[:400_000], plain[400_000:half])}, metric="auc", seed=0),
    )
    score, _, _ = took(
        "Shoal: 1,000,000 rows scored, from Arrow to probability with band", lambda: found.model.score(table)
    )
    x = found.model.encoding.encode(table)
    kinds = found.model.encoding.categories
    x_half, y_half = x[:half], y[:half]
    took("Shoal: one LightGBM on 500,000 rows", lambda: LightGBM().fit(x_half, y_half, categories=kinds, seed=0))
    peer = HistGradientBoostingClassifier(categorical_features=kinds, random_state=0, early_stopping=False)
    took("scikit-learn: one HistGradientBoosting on 500,000 rows", lambda: peer.fit(x_half, y_half))
    theirs = took("scikit-learn: 1,000,000 rows scored, from NumPy", lambda: peer.predict_proba(x)[:, 1])
    for row, p in ((told[1], score), (told[4], theirs)):
        row["auc"] = exact(y[half:], p[half:])["auc"]
    return told


def made(rows: int) -> tuple[pa.Table, Array]:
    """36 numbers and 4 categories, of which a dozen matter, with bends and an interaction."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 40))
    z = x[:, :10] @ rng.normal(size=10) * 0.4 + x[:, 0] * x[:, 1] - 2 + np.maximum(x[:, 2], 0)
    y = (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(np.float64)
    columns: dict[str, Any] = {
        f"number {place}": x[:, place] if place % 3 else np.round(np.exp(x[:, place])) for place in range(36)
    }
    levels = np.array(["north", "south", "east", "west", "centre"])
    for place in range(36, 40):
        columns[f"category {place}"] = levels[np.clip(x[:, place] + 2, 0, 4).astype(int)]
    return pa.table(columns), y


SECTIONS: dict[str, Callable[[], list[Row]]] = {"telco": telco, "shoppers": shoppers, "leads": leads, "timing": timing}


def markdown(rows: Sequence[Row]) -> list[str]:
    """One table a subject; columns that nobody fills are left out."""
    lines: list[str] = []
    for name in dict.fromkeys(row["table"] for row in rows):
        mine = [row for row in rows if row["table"] == name]
        keys = [key for key in dict.fromkeys(key for row in mine for key in row) if key != "table"]
        lines += [f"### {name}", "", f"| {' | '.join(keys)} |", "| --- |" + " --: |" * (len(keys) - 1)]
        lines += ["| " + " | ".join(_shown(row.get(key)) for key in keys) + " |" for row in mine]
        lines.append("")
    return lines


def _shown(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "" if value is None else str(value)


def main(arguments: Sequence[str]) -> None:
    """Prints what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    rows = [row for name in chosen.only for row in SECTIONS[name]()]
    print(json.dumps(rows, indent=1) if chosen.json else "\n".join(markdown(rows)))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the peer gets one thread, as each model of ours
    main(sys.argv[1:])
