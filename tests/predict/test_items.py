"""Items as features: each person's first, and the first that is new to them."""

from __future__ import annotations

import pyarrow as pa

from shoal.predict.items import LISTED, favourites


def rows(*told: tuple[str, int, str, bool, str | None]) -> pa.Table:
    columns = {"profile_id": 0, "rank": 1, "item": 2, "new": 3, "name": 4}
    held = {name: [one[place] for one in told] for name, place in columns.items()}
    count = len(told)
    held |= {"as_of": [None] * count, "model": ["liked"] * count, "score": [1.0] * count}
    return pa.table({name: held[name] for name in LISTED.names}, schema=LISTED)


def test_the_first_item_and_the_first_new_one_are_each_persons_own() -> None:
    liked = rows(
        ("b", 1, "1", False, "tea"), ("b", 1, "2", True, "jam"), ("a", 1, "3", True, None), ("a", 2, "4", True, "x")
    )
    found = favourites(liked, pa.chunked_array([["a", "b", "c"]]))
    assert found["liked_best"].values.to_pylist() == ["3", "tea", None]
    assert found["liked_next"].values.to_pylist() == ["3", "jam", None]


def test_without_rows_nobody_has_a_favourite() -> None:
    found = favourites(rows(("a", 1, "1", False, "tea")), pa.chunked_array([["a", "b"]]))
    assert found["liked_next"].values.to_pylist() == [None, None]
