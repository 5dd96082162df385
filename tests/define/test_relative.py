"""Thresholds by rank: who is selected is what a naive count says, and never more than asked unless they all tie."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.define.evaluate import mask
from shoal.define.parse import parse
from shoal.define.relative import Rank, best, resolve, shortest, threshold
from shoal.define.select import read
from shoal.define.types import Type
from shoal.define.words import to_words
from shoal.errors import ExpressionError

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)
FEW = st.sampled_from([-2.5, -1.0, 0.0, 0.1, 1.0, 3.0])
VALUES = st.lists(st.one_of(st.none(), FEW, NUMBERS), min_size=1, max_size=40)


def chosen(rule: str, table: pa.Table) -> list[bool]:
    return [bool(one) for one in mask(read(rule, table), table)]


def naive(values: list[float | None], wanted: int) -> list[bool]:
    """Everybody as high as the lowest threshold that selects at most `wanted`; all who tie at the top if none does."""
    known = [value for value in values if value is not None]
    for edge in sorted(set(known)):
        if sum(value >= edge for value in known) <= wanted:
            break
    else:
        edge = max(known)
    return [value is not None and value >= edge for value in values]


@given(VALUES, st.integers(1, 50))
def test_the_top_so_many_are_those_that_a_naive_count_finds(values: list[float | None], wanted: int) -> None:
    table = pa.table({"clv": pa.array(values, pa.float64())})
    plain = resolve(f"clv in top {wanted}", table).rule
    if all(value is None for value in values):
        assert plain == "false"
    else:
        assert chosen(plain, table) == naive(values, wanted)


@given(VALUES, st.integers(1, 50))
def test_the_bottom_is_the_top_turned_round(values: list[float | None], wanted: int) -> None:
    turned = [None if value is None else -value for value in values]
    table = pa.table({"clv": pa.array(values, pa.float64()), "back": pa.array(turned, pa.float64())})
    down, up = resolve(f"clv in bottom {wanted}", table).rule, resolve(f"back in top {wanted}", table).rule
    assert chosen(down, table) == chosen(up, table)


@given(VALUES, st.decimals(min_value=1, max_value=100, places=1))
def test_a_share_is_of_those_who_have_a_value(values: list[float | None], percent: Decimal) -> None:
    table = pa.table({"clv": pa.array(values, pa.float64())})
    known = sum(value is not None for value in values)
    share, number = f"clv in top {percent}%", f"clv in top {max(int(known * percent / 100), 1)}"
    assert resolve(share, table).rule == resolve(number, table).rule


@given(VALUES, st.integers(1, 50))
def test_not_in_the_top_is_everybody_else_who_has_a_value(values: list[float | None], wanted: int) -> None:
    table = pa.table({"clv": pa.array(values, pa.float64())})
    inside = chosen(resolve(f"clv in top {wanted}", table).rule, table)
    outside = chosen(resolve(f"clv not in top {wanted}", table).rule, table)
    known = [value is not None for value in values]
    assert [one != other for one, other in zip(inside, outside, strict=True)] == known or not any(known)


@given(st.tuples(NUMBERS, NUMBERS).filter(lambda pair: pair[0] != pair[1]))
def test_a_threshold_lies_between_the_two_it_divides(pair: tuple[float, float]) -> None:
    below, most = sorted(pair)
    assert below < shortest(below, most) <= most


@given(st.floats(-1e300, 1e300))
def test_a_threshold_reads_back_as_the_same_number(value: float) -> None:
    table = pa.table({"clv": [value, np.nextafter(value, -np.inf)]})
    plain = resolve("clv in top 1", table).rule
    expr = parse(plain.split(">=")[1], {}, expect=Type.NUMBER)
    assert mask(read(plain, table), table).tolist() == [True, False]
    assert expr.type is Type.NUMBER


def test_ties_at_the_threshold_stay_out() -> None:
    assert threshold(np.array([1.0, 5.0, 5.0, 9.0]), 2) == (9.0, 1)


def test_where_all_who_would_be_selected_tie_they_are_all_in_and_it_is_said() -> None:
    table = pa.table({"orders": [7.0] * 40 + [1.0] * 60})
    found = resolve("orders in top 10", table)
    assert sum(chosen(found.rule, table)) == 40
    assert found.notes == ("orders in top 10: 40 people share the same value, so all of them are in instead of 10",)


def test_fewer_than_asked_is_said() -> None:
    table = pa.table({"clv": [1.0, 2.0, None, None]})
    assert resolve("clv in top 500", table).notes == (
        "clv in top 500: only 2 people have a value, and all of them are in",
    )


def test_where_nobody_has_a_value_nobody_is_selected_and_it_is_said() -> None:
    table = pa.table({"clv": pa.array([None, None], pa.float64())})
    found = resolve("clv in top 20% or clv not in bottom 3", table)
    assert found.rule == "false or false"
    assert len(found.notes) == 2


@pytest.mark.parametrize(
    ("rule", "plain"),
    [
        ("clv in top 50%", "clv >= 3"),
        ("CLV_2 IN BOTTOM 1", "CLV_2 <= 2"),
        ("(clv in top 1) or clv in bottom 1", "(clv >= 4) or clv <= 1"),
        ("not clv in top 1 and clv not in top 1", "not clv >= 4 and clv < 4"),
        ("(clv * 2) in top 1", "(clv * 2) >= 8"),
        ("greatest(clv, top) in top 1", "greatest(clv, top) >= 9"),
        ('"a b" in top 1 -- in top 2', '"a b" >= 4 -- in top 2'),
        ("note = 'clv in top 1' and clv in top 1", "note = 'clv in top 1' and clv >= 4"),
        ("top in (1, 2) and top in top 1", "top in (1, 2) and top >= 9"),
        ("case when clv in top 1 then true else false end", "case when clv >= 4 then true else false end"),
        ("clv >= 2", "clv >= 2"),
    ],
)
def test_only_ranks_are_rewritten(rule: str, plain: str) -> None:
    columns = {"clv": [1.0, 2.0, 3.0, 4.0], "top": [9.0, 1.0, 2.0, 3.0], "note": ["x"] * 4}
    table = pa.table({**columns, "CLV_2": [2.0, 3.0, 4.0, 5.0], "a b": [1.0, 2.0, 3.0, 4.0]})
    found = resolve(rule, table)
    assert found.rule == plain
    assert read(found.rule, table)


@pytest.mark.parametrize(
    ("rule", "what", "at"),
    [
        ("clv in top 0%", "no share", "0%"),
        ("clv in top 100.5%", "no share", "100.5"),
        ("clv in top 0", "no number of people", "0"),
        ("clv in top 2.5", "no number of people", "2.5"),
        ("clv in top 1e99", "no number of people", "1e99"),
        ("clv in top -3", "comes a share", "top"),
        ("clv in top ten", "comes a share", "top"),
        ("clv in top", "comes a share", "top"),
        ("clv in top 3 + 1", "put it in parentheses", "+"),
        ("2 * clv in top 3", "formula in parentheses", "in"),
        ("in top 3", "formula in parentheses", "in"),
        ("name in top 3", "only a number has a top", "name"),
        ("orders in top 3", "unknown column 'orders'", "orders"),
        ("clv > 0 and (clv + orders) in top 3", "unknown column 'orders'", "orders"),
    ],
)
def test_a_wrong_rank_is_refused_with_its_place(rule: str, what: str, at: str) -> None:
    table = pa.table({"clv": [1.0], "name": ["x"]})
    with pytest.raises(ExpressionError, match=what) as caught:
        resolve(rule, table)
    assert caught.value.text == rule
    assert caught.value.position == rule.index(at)


@pytest.mark.parametrize("rule", ["clv in top 1 and note = 'open", "x" * 20_000, ""])
def test_what_cannot_be_cut_into_tokens_is_left_to_the_parser(rule: str) -> None:
    assert resolve(rule, pa.table({"clv": [1.0]})).rule == rule


def test_words_keep_the_rank_beside_the_threshold() -> None:
    table = pa.table({"clv": [1.0, 2.0, 3.0, 312.5]})
    found = resolve("clv in top 25% and clv not in bottom 1", table)
    assert to_words(read(found.rule, table), None, found.phrases) == (
        "clv is in the top 25% (at least 300) and not in the bottom 1 (more than 1)"
    )


def test_the_best_are_ranked_among_those_of_the_rule() -> None:
    table = pa.table({"churn": [0.9, 0.8, 0.1, 0.7], "clv": [10.0, 30.0, 99.0, None]})
    found = best("churn >= 0.5", "churn * clv", Rank(Decimal(1), percent=False), table)
    assert chosen(found.rule, table) == [False, True, False, False]
    assert "among the best 1 of these" in to_words(read(found.rule, table), None, found.phrases)


def test_the_best_of_nobody_is_nobody() -> None:
    table = pa.table({"churn": [0.1], "clv": [10.0]})
    found = best("churn >= 0.5", "clv", Rank(Decimal(10), percent=True), table)
    assert chosen(found.rule, table) == [False]
    assert "nobody" in found.notes[0]
