from __future__ import annotations

import numpy as np
import pytest

from shoal.validate.outcome import Cut, value_outcomes


def test_revenue_is_shown_capped_and_logged_and_does_not_count_uncapped() -> None:
    spent = np.append(np.ones(199), 1e6)
    found = {outcome.name: outcome for outcome in value_outcomes(spent, spent > 0)}
    assert [name for name, outcome in found.items() if outcome.counts] == ["capped_revenue", "log_revenue", "retained"]
    assert found["capped_revenue"].values.max() == 1
    assert found["log_revenue"].values[0] == pytest.approx(np.log(2))


def test_refunds_beyond_revenue_do_not_break_the_logarithm() -> None:
    assert np.isfinite(value_outcomes([-5.0, 1.0], [1, 1])[2].values).all()


def test_infinities_are_unknown() -> None:
    assert np.isnan(value_outcomes([np.inf, 1.0], [1, 1])[0].values[0])


def test_without_revenue_and_activity_retention_alone_is_judged() -> None:
    assert [outcome.name for outcome in value_outcomes(None, [0, 1])] == ["retained"]


def test_a_cut_counts_the_segments_that_hold_anybody() -> None:
    assert Cut("A", "rfm", np.array([0, 0, 3, -1])).segments == 2
    assert Cut("A", "rfm", np.array([], dtype=np.int64)).segments == 0
