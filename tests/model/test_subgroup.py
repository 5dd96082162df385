"""Micro-segments: what was planted beyond the past is found, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from shoal import summary
from shoal.model.meta import OUTCOME, FeatureMeta
from shoal.model.rules import select
from shoal.model.subgroup import FEWEST, subgroups
from shoal.model.targets import Target

PLAIN = ["recency_days", "orders", "revenue"]


def shop(people: int, seed: int) -> tuple[pa.Table, np.ndarray]:
    """People and what each brings next, which their past alone decides, but for chance.

    `breadth` and `items_per_order` follow from what they have bought; the habits follow from nothing.
    """
    rng = np.random.default_rng(seed)
    rate, basket = rng.gamma(1.5, 1.0, people), rng.lognormal(3.0, 0.5, people)
    orders = 1 + rng.poisson(4 * rate)
    revenue = orders * basket * rng.lognormal(0, 0.1, people)
    columns = {
        "recency_days": rng.exponential(60 / (rate + 0.2)),
        "orders": orders.astype(float),
        "revenue": revenue,
        "orders_90d": rng.binomial(orders, 0.3).astype(float),
        "breadth": (1 + rng.poisson(2 * np.log1p(orders))).astype(float),
        "items_per_order": np.round(1 + revenue / orders / 5 * rng.lognormal(0, 0.3, people)),
        "weekend_share": rng.beta(0.8, 1.6, people),
        "evening_share": rng.random(people),
        "units_per_order": (1 + rng.poisson(4, people)).astype(float),
        "plan": rng.choice(["Free", "Pro", "Team"], people, p=[0.5, 0.3, 0.2]),
    }
    after = rng.poisson(rate) * basket * rng.lognormal(0, 0.3, people)
    return pa.table(columns), after


def value(after: np.ndarray) -> Target:
    return Target("value", "revenue", np.minimum(after, np.quantile(after, 0.99)), "amount", "are worth")


def find(table: pa.Table, target: Target, *, plain: list[str] | None = None, seed: int = 0) -> summary.Subgroups:
    return subgroups(table, {}, [target], plain=PLAIN if plain is None else plain, seed=seed)[0]


def planted(table: pa.Table, depth: int) -> np.ndarray:
    habits = [
        table["weekend_share"].to_numpy() >= 0.4,
        table["units_per_order"].to_numpy() < 5,
        np.array(table["plan"].to_pylist()) != "Free",
    ]
    return np.logical_and.reduce(habits[:depth])


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize(("depth", "lift"), [(1, 1.6), (2, 2.0), (3, 3.0)])
def test_a_planted_subgroup_is_found(depth: int, lift: float) -> None:
    table, after = shop(8000, depth)
    inside = planted(table, depth)
    found = find(table, value(np.where(inside, after * lift, after)))
    best = found.found[0]
    assert best.confirmed
    assert overlap(select(best.rule, table), inside) >= 0.8
    assert best.adjusted.low > 0
    assert best.inside == pytest.approx((best.inside - best.adjusted.value) * lift, rel=0.35)
    assert "more (" in best.claim


def test_people_who_bring_less_are_found_too() -> None:
    table, after = shop(6000, 4)
    inside = planted(table, 1)
    best = find(table, value(np.where(inside, after * 0.5, after))).found[0]
    assert best.confirmed
    assert overlap(select(best.rule, table), inside) >= 0.8
    assert best.adjusted.high < 0
    assert " less (" in best.claim


def test_a_rate_is_told_in_points() -> None:
    table, _ = shop(5000, 5)
    rng = np.random.default_rng(5)
    inside = planted(table, 1)
    gone = rng.random(5000) < np.where(inside, 0.5, 0.2)
    found = find(table, Target("churn", "stop buying", gone.astype(float), "rate", "stop buying"))
    best = found.found[0]
    assert overlap(select(best.rule, table), inside) >= 0.8
    assert best.adjusted.low < 0.3 < best.adjusted.high


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_what_only_follows_from_past_spend_is_not_confirmed(seed: int) -> None:
    table, after = shop(6000, seed)
    raw = find(table, value(after), plain=[], seed=seed)
    adjusted = find(table, value(after), seed=seed)
    assert raw.confirmed >= 3
    assert adjusted.confirmed == 0
    assert "no non-obvious micro-segment was found" in adjusted.says


def test_the_past_in_other_words_is_no_condition() -> None:
    table, after = shop(1500, 6)
    orders, revenue = table["orders"].to_numpy(), table["revenue"].to_numpy()
    table = table.append_column("aov", pa.array(revenue / orders))
    rules = " ".join(one.rule for one in find(table, value(after)).found)
    assert "aov" not in rules
    assert "orders_90d" not in rules


def test_counts_and_words_fit_together() -> None:
    table, after = shop(4000, 7)
    inside = planted(table, 1)
    worth = table["revenue"].to_numpy()
    (found,) = subgroups(table, {}, [value(np.where(inside, 2 * after, after))], plain=PLAIN, worth=worth, most=3)
    assert found.confirmed == sum(one.confirmed for one in found.found) >= 1
    assert found.confirmed <= found.tested <= 6
    assert found.looked_at > found.selectors > 0
    for one in found.found:
        member = select(one.rule, table)
        assert one.size == member.sum()
        assert one.share == pytest.approx(member.mean())
        assert one.value_share == pytest.approx(worth[member].sum() / worth.sum(), abs=1e-6)
        assert bool(one.claim) is one.confirmed
        assert one.confirmed == (one.q <= found.rate and one.adjusted.low * one.adjusted.high > 0)


def test_a_table_without_a_past_says_that_nothing_is_adjusted() -> None:
    rng = np.random.default_rng(8)
    vip = rng.random(2000) < 0.4
    table = pa.table({"vip": pa.array(vip), "devices": rng.integers(1, 6, 2000)})
    answer = (rng.random(2000) < np.where(vip, 0.5, 0.2)).astype(float)
    found = find(table, Target("left", "churn is Yes", answer, "rate"), plain=[])
    assert found.found[0].rule in ("vip = true", "vip = false")
    assert "everybody else" in found.found[0].claim
    assert "nothing is adjusted" in found.says


def test_two_runs_agree_to_the_bit() -> None:
    table, after = shop(1500, 9)
    assert find(table, value(after), seed=3) == find(table, value(after), seed=3)


def test_protected_traits_and_answers_are_in_no_rule() -> None:
    table, after = shop(3000, 10)
    table = table.append_column("age", pa.array(after)).append_column("reply", pa.array(after))
    meta = {"reply": FeatureMeta("reply", "reply", "", OUTCOME)}
    (found,) = subgroups(table, meta, [value(after)], plain=PLAIN)
    assert not any("age" in one.rule.replace("average", "") or "reply" in one.rule for one in found.found)


def test_thirty_people_are_not_enough() -> None:
    table, after = shop(30, 0)
    found = find(table, value(after))
    assert found.says.startswith("not enough data: 30 people")
    assert str(FEWEST) in found.says
    assert found.found == []


@pytest.mark.parametrize("what", ["nobody", "unknown", "same", "rare"])
def test_what_cannot_be_answered_is_not_enough_data(what: str) -> None:
    table, after = shop(0 if what == "nobody" else 600, 0)
    target = value(after) if len(after) else replace(value(np.ones(1)), values=after)
    if what == "unknown":
        target = replace(target, values=np.full(600, np.nan))
    if what == "same":
        target = replace(target, values=np.full(600, 5.0))
    if what == "rare":
        target = replace(target, kind="rate", values=np.arange(600) < 7)
    assert find(table, target).says.startswith("not enough data: ")


def test_odd_columns_do_no_harm() -> None:
    table, after = shop(800, 1)
    odd = {
        "none": pa.nulls(800, pa.float64()),
        "nan": pa.array(np.full(800, np.nan)),
        "same": pa.array(np.ones(800)),
        "big": pa.array(np.where(np.arange(800) % 9 == 0, np.inf, np.arange(800.0))),
        "empty": pa.nulls(800, pa.string()),
        "when": pa.array(np.arange(800), pa.timestamp("us")),
    }
    for name, column in odd.items():
        table = table.append_column(name, column)
    table = table.set_column(0, "recency_days", pa.nulls(800, pa.float64()))
    assert not find(table, value(after)).says.startswith("not enough data")


def test_nothing_to_make_conditions_of_is_said() -> None:
    _, after = shop(400, 2)
    assert "no feature" in find(pa.table({"person": np.arange(400)}), value(after), plain=[]).says


def shuffled(shuffles: int, people: int) -> int:
    """How many of so many shuffles of a target have anything confirmed."""
    table, after = shop(people, 20)
    hits = 0
    for seed in range(shuffles):
        mixed = np.random.default_rng(seed).permutation(after)
        hits += find(table, value(mixed), plain=["revenue"], seed=seed).confirmed > 0
    return hits


def test_a_shuffled_target_has_no_subgroups() -> None:
    assert shuffled(12, 400) <= 2  # at the promised rate, three or more come in one of fifty suites


@pytest.mark.slow
def test_over_two_hundred_shuffles_no_more_than_promised() -> None:
    assert shuffled(200, 800) <= 10 + 2 * 3.1  # 5 % of 200, and twice its binomial standard error
