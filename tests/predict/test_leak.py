"""Fields that know the label are refused; honest ones are not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from shoal.predict.leak import is_time, leaks
from shoal.predict.learner import Examples

RNG = np.random.default_rng(7)
N = 4000
Y = (RNG.random(N) < 0.2).astype(float)


def refused(*, allow: tuple[str, ...] = (), **columns: object) -> dict[str, str]:
    rows = np.arange(N)
    return leaks(Examples(pa.table(columns), Y, rows, rows * 0), list(columns), allow)


def test_a_field_that_alone_tells_the_outcome_is_refused() -> None:
    noise = np.where(RNG.random(N) < 0.95, Y, 1 - Y)
    assert "AUC 0.9" in refused(status=np.where(noise > 0, "won", "open"))["status"]


def test_a_strong_honest_field_stays() -> None:
    assert refused(pages=Y * 1.5 + RNG.normal(size=N), spend=RNG.normal(size=N)) == {}


def test_a_value_that_is_always_followed_by_the_outcome_is_refused_though_it_is_rare() -> None:
    half = (Y > 0) & (RNG.random(N) < 0.5)
    assert "always followed" in refused(closed=np.where(half, "yes", "no"))["closed"]


def test_what_people_fill_in_afterwards_is_refused_by_a_lower_bound() -> None:
    weak = Y + RNG.normal(size=N)
    found = refused(**{"Lead Quality": weak, "Visits": weak, "Last Notable Activity": weak, "last_order_days": weak})
    assert sorted(found) == ["Last Notable Activity", "Lead Quality"]


def test_times_without_a_history_are_refused_whatever_they_are_written_as() -> None:
    seconds = RNG.integers(1_300_000_000, 1_400_000_000, N)
    found = refused(
        last=pa.array(seconds * 1_000_000, pa.timestamp("us", "UTC")),
        epoch=seconds,
        millis=seconds * 1000.0,
        age=seconds % 90,
    )
    assert sorted(found) == ["epoch", "last", "millis"]


def test_allow_lets_a_field_in() -> None:
    assert refused(status=Y, allow=("status",)) == {}


def test_a_field_of_nulls_is_no_leak() -> None:
    assert refused(empty=pa.nulls(N, pa.float64()), blank=pa.nulls(N, pa.string())) == {}


@pytest.mark.parametrize("values", [[1.0, 2.0], [None, None], ["2020", "2021"]])
def test_plain_values_are_no_times(values: list[object]) -> None:
    assert not is_time(pa.chunked_array([values]))
