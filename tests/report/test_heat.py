"""The heat map's numbers in their units."""

from __future__ import annotations

import pytest

from shoal.report.heat import heat

from . import sample


@pytest.mark.parametrize(
    ("feature", "mean", "told"),
    [
        ("share of orders on sale", 0.25, "25%"),
        ("share of orders on sale", 12.0, "12"),
        ("days since last order", 31.2, "31 d"),
        ("orders in 90 days", 4.0, "4"),
        ("active days", 7.0, "7"),
    ],
)
def test_a_mean_has_the_unit_that_its_feature_names(feature: str, mean: float, told: str) -> None:
    segment = sample.full().segments[0].model_copy(update={"means": {feature: mean}})
    (row,) = heat([segment])
    assert row.told(mean) == told
