"""The yardstick by who people are: readable groups of one trait, clusters of several, unknown people apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from shoal.model.demographic import demographic, who


def codes(k: int = 4, **columns: object) -> np.ndarray | None:
    table = pa.table(columns)
    found = demographic(table, {}, table.column_names, k, 0)
    return None if found is None else found[1]


def test_traits_of_what_people_did_or_are_predicted_to_do_are_no_demographics() -> None:
    wanted = ["age", "CompanySize", "home_ownership", "household_income", "kids_count", "Gender", "country"]
    assert (
        who([*wanted, "plan", "churned", "order_country", "page_language", "account_age", "segment", "average"])
        == wanted
    )


def test_one_text_gives_its_most_common_values_and_one_group_of_the_others() -> None:
    found = codes(3, country=["a"] * 5 + ["b"] * 3 + ["c"] * 2 + ["d"] * 2)
    assert found is not None
    assert found.tolist() == [0] * 5 + [1] * 3 + [2] * 4


@pytest.mark.parametrize(
    "column",
    [
        np.arange(40),
        [float(one) for one in range(40)],
        [f" {one} " for one in range(40)],
        [dt.date(1970, 1, 1) + dt.timedelta(one) for one in range(40)],
        [f"19{50 + one}-02-03" for one in range(40)],
    ],
)
def test_an_amount_gives_bands_of_equal_size(column: Sequence[object]) -> None:
    found = codes(4, birth=column)
    assert found is not None
    assert found.tolist() == np.repeat([0, 1, 2, 3], 10).tolist()


def test_those_of_whom_nothing_is_known_are_a_group_within_the_number_asked_for() -> None:
    found = codes(3, income=[1.0, 2.0, 3.0, 4.0, None, float("nan")], country=["x", "", " ", None, None, ""])
    assert found is not None
    assert found.max() == 2
    assert (found == 2).tolist() == [False] * 4 + [True] * 2


def test_several_traits_give_the_clusters_that_are_in_them() -> None:
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 300)
    found = codes(
        3,
        age=np.array([20, 45, 70])[kind] + rng.normal(size=300),
        country=np.array(["a", "b", "c"])[kind],
        income=np.where(kind == 0, np.nan, kind * 100.0 + rng.normal(size=300)),
    )
    assert found is not None
    assert len(set(zip(found.tolist(), kind.tolist(), strict=True))) == 3


@pytest.mark.parametrize(
    "columns",
    [
        {"plan": ["a", "b"] * 10},
        {"country": ["DE"] * 20},
        {"country": [None] * 17 + ["a", "b", "c"]},
        {"age": [None] * 20},
        {"city": [f"city {one}" for one in range(2000)]},
        {"country": pa.array([], pa.string())},
        {"income": [5.0]},
        {"region": [["a"], ["b"]]},
    ],
)
def test_without_a_trait_that_is_known_and_differs_there_are_none(columns: dict[str, object]) -> None:
    assert codes(4, **columns) is None


def test_groups_are_numbered_without_gaps_and_the_same_seed_gives_the_same() -> None:
    rng = np.random.default_rng(1)
    columns = {"age": np.append(rng.integers(18, 90, 199), 18), "sex": rng.choice(["f", "m", None], 200)}
    one, two = codes(5, **columns), codes(5, **columns)
    assert one is not None
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(np.unique(one), np.arange(5))


def test_a_skewed_amount_gives_fewer_bands_and_no_empty_one() -> None:
    found = codes(4, kids=[0] * 90 + [1] * 4 + [2] * 2 + [3] * 2 + [4] * 2)
    assert found is not None
    assert set(found.tolist()) == set(range(found.max() + 1))


def test_the_name_says_which_traits_and_how_many_more() -> None:
    table = pa.table({name: [0, 1, 2, 3] for name in ("age", "home_size", "income", "kids", "region")})
    found = demographic(table, {}, table.column_names, 2, 0)
    assert found is not None
    assert found[0] == "Demographics: age, home size, income, 2 more"
