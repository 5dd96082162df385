"""CDNOW: the first 39 weeks cut, the next 39 judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shoal.validate.compare import compare
from shoal.validate.difference import next_period
from shoal.validate.explained import explained
from shoal.validate.outcome import Cut, value_outcomes


def _fifths(values: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(values, kind="stable"), kind="stable") * 5 // len(values)


@pytest.fixture(scope="module")
def cdnow(data_dir: Path) -> dict[str, np.ndarray]:
    path = data_dir / "cdnow_sample" / "CDNOW_sample.txt"
    if not path.exists():
        pytest.skip("the CDNOW sample is not present")
    rows = np.loadtxt(path)
    person, day, value = rows[:, 1].astype(int), rows[:, 2].astype(int), rows[:, 4]
    before, n = day <= 19970930, person.max() + 1
    people = np.unique(person[before])
    last = np.zeros(n, dtype=int)
    np.maximum.at(last, person[before], day[before])
    after = ~before
    return {
        "spent": np.bincount(person[before], value[before], n)[people],
        "orders": np.bincount(person[before], minlength=n)[people].astype(float),
        "last": last[people].astype(float),
        "revenue": np.bincount(person[after], value[after], n)[people],
        "orders_after": np.bincount(person[after], minlength=n)[people],
    }


def test_rfm_explains_more_of_cdnows_next_39_weeks_than_value_tiers(cdnow: dict[str, np.ndarray]) -> None:
    tiers = _fifths(cdnow["spent"])
    rfm = _fifths(tiers + _fifths(cdnow["orders"]) + _fifths(cdnow["last"]))
    outcomes = value_outcomes(cdnow["revenue"], cdnow["orders_after"] > 0)
    cuts = [Cut("RFM segments", "rfm", rfm), Cut("Value tiers", "value", tiers)]
    found = compare(explained(cuts, outcomes), as_of="1997-09-30", until="1998-06-30", horizon_days=273)
    assert found.winner == "RFM segments"
    scores = found.contenders[1].scores
    assert scores["log_revenue"].value == pytest.approx(0.186, abs=0.01)
    assert scores["auc"].value == pytest.approx(0.716, abs=0.01)


def test_spending_tiers_are_ordered_in_the_next_period_too(cdnow: dict[str, np.ndarray]) -> None:
    outcomes = value_outcomes(cdnow["revenue"], cdnow["orders_after"] > 0)
    lows_and_highs = [part["revenue"] for part in next_period(_fifths(cdnow["spent"]), outcomes)]
    assert (lows_and_highs[4].low or 0) > (lows_and_highs[0].high or 0)
