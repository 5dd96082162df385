"""The figures that predictions must reach on real tables without time; nothing is tuned to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest

from shoal.predict.contest import Learned, learn
from shoal.predict.learner import Examples

pytestmark = pytest.mark.slow


def contest(path: Path, label: str, yes: str, without: tuple[str, ...] = ()) -> Learned:
    table = pyarrow.csv.read_csv(path)
    y = np.array([str(value) == yes for value in table[label].to_pylist()], dtype=np.float64)
    rows = np.arange(len(y))
    examples = Examples(table.drop_columns([label, *without]), y, rows, np.zeros(len(y), dtype=np.int64))
    return learn(examples, None, baselines={}, metric="auc", seed=0)


def value(found: Learned, metric: str) -> float:
    known = found.skills[0].metrics[metric].value
    assert known is not None
    return known


def test_telco_churn_is_predicted_as_well_as_it_honestly_can(data_dir: Path) -> None:
    found = contest(data_dir / "telco_churn" / "WA_Fn-UseC_-Telco-Customer-Churn.csv", "Churn", "Yes")
    assert value(found, "auc") >= 0.846
    assert value(found, "brier") <= 0.135
    assert value(found, "ece") <= 0.03
    assert found.beats
    assert {"gender", "SeniorCitizen", "customerID"} <= set(found.dropped)


def test_online_shoppers_are_predicted_with_page_values(data_dir: Path) -> None:
    path = data_dir / "online_shoppers" / "online_shoppers_intention_dev.csv"
    assert value(contest(path, "Revenue", "True"), "auc") >= 0.93
