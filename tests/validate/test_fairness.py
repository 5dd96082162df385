"""Make-up, disparate reach and proxies: found where planted, quiet where there is nothing."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shoal.summary import Brief, Segment
from shoal.validate.fairness import NOTHING, audit
from shoal.validate.groups import UNKNOWN, groups, protected_groups
from shoal.validate.intervals import Rates, difference, ratio


def _segment(name: str, rule: str, kind: str = "discovered", status: str = "draft") -> Segment:
    brief = Brief(headline=name)
    return Segment(name=name, kind=kind, rule=rule, words=rule, size=1, share=0.5, brief=brief, status=status)


def _planted(people: int = 4000, seed: int = 0) -> tuple[pa.Table, pa.Table]:
    """`visits` stands in for gender, `orders` has nothing to do with it; a fifth do not say theirs."""
    rng = np.random.default_rng(seed)
    woman = rng.random(people) < 0.4
    visits = np.where(rng.random(people) < 0.85, woman, ~woman) * 5 + rng.integers(0, 3, people)
    gender = np.where(rng.random(people) < 0.2, None, np.where(woman, "woman", "man"))
    features = pa.table({"visits": visits, "orders": rng.integers(0, 10, people)})
    return features, pa.table({"gender": pa.array(gender.tolist(), pa.string()), "plan": ["pro"] * people})


SEGMENTS = [_segment("Often here", "visits >= 4 and orders >= 2"), _segment("Buyers", "orders >= 5")]


def test_a_planted_proxy_is_found_with_its_clause_and_only_it() -> None:
    found, _ = audit(SEGMENTS, *_planted())
    assert [(one.segment, one.clause, one.trait) for one in found.proxies] == [("Often here", "visits >= 4", "gender")]
    assert found.proxies[0].auc.value == pytest.approx(0.85, abs=0.03)


def test_disparate_reach_warns_and_never_fails() -> None:
    _, verdicts = audit(SEGMENTS, *_planted())
    results = {(one.check, one.subject): one.result for one in verdicts}
    assert results == {
        ("reach parity", "Often here"): "warn",
        ("reach parity", "Buyers"): "pass",
        ("proxy", "Often here"): "warn",
        ("proxy", "Buyers"): "pass",
    }


def test_makeup_counts_everybody_and_shows_the_unknown_without_judging_them() -> None:
    features, traits = _planted()
    found, _ = audit(SEGMENTS[1:], features, traits)
    rows = {one.group: one for one in found.makeup}
    inside = np.asarray(features["orders"]) >= 5
    assert sum(one.people for one in rows.values()) == inside.sum()
    unknown = np.asarray(traits["gender"].is_null())
    assert rows[UNKNOWN].people == (inside & unknown).sum()
    assert rows[UNKNOWN].ratio is None
    woman = np.asarray(traits["gender"].to_pandas() == "woman")
    assert rows["woman"].share.value == pytest.approx((inside & woman).sum() / (inside & ~unknown).sum(), abs=1e-6)
    assert rows["woman"].reach.value == pytest.approx(inside[woman].mean(), abs=1e-6)
    assert rows["woman"].everybody == pytest.approx(woman.sum() / (~unknown).sum())


def test_random_segments_are_flagged_in_at_most_one_data_set_of_twenty() -> None:
    flagged = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        features = pa.table({"a": rng.random(600), "b": rng.random(600)})
        traits = pa.table(
            {
                "gender": rng.choice(["f", "m", "x"], 600, p=[0.6, 0.3, 0.1]),
                "age": rng.integers(18, 80, 600),
                "religion": rng.choice(list("abcdef"), 600),
            }
        )
        rules = ["a < 0.1", "a >= 0.1 and b < 0.3", "a >= 0.1 and b >= 0.3 and b < 0.6", "a >= 0.1 and b >= 0.6"]
        found, verdicts = audit([_segment(rule, rule) for rule in rules], features, traits)
        flagged += any(one.result == "warn" for one in verdicts) or bool(found.proxies)
    assert flagged <= 5


def test_groups_of_few_people_are_shown_and_not_judged() -> None:
    traits = pa.table({"gender": ["f"] * 180 + ["x"] * 20})
    found, verdicts = audit([_segment("A", "a = 1")], pa.table({"a": [1] * 180 + [0] * 20}), traits)
    assert [(one.group, one.ratio) for one in found.makeup] == [("f", None), ("x", None)]
    assert {one.result for one in verdicts} == {"not enough data"}
    assert found.proxies == []


def test_a_group_that_a_segment_leaves_out_wholly_has_a_ratio_of_0_with_an_interval() -> None:
    half = np.arange(1000) < 500
    traits = pa.table({"gender": np.where(half, "f", "m")})
    _, verdicts = audit([_segment("A", "a = 1")], pa.table({"a": half.astype(int)}), traits)
    parity = next(one for one in verdicts if one.check == "reach parity")
    assert (parity.result, parity.value, parity.low) == ("warn", 0.0, 0.0)
    assert parity.high == pytest.approx(0.0076, abs=0.0002)


def test_only_the_segments_that_one_acts_on_are_audited() -> None:
    segments = [_segment("RFM", "orders >= 1", "rfm"), _segment("Mine", "orders >= 1", "rfm", "released")]
    found, _ = audit(segments, *_planted())
    assert {one.segment for one in found.makeup} == {"Mine"}


@pytest.mark.parametrize(
    "traits",
    [
        pa.table({"plan": ["a", "b"]}),
        pa.table({"gender": pa.array([None, None], pa.string())}),
        pa.table({"age": pa.array([np.nan, np.inf])}),
        pa.table({"gender": ["", " "]}),
    ],
)
def test_without_a_protected_trait_it_says_so(traits: pa.Table) -> None:
    found, verdicts = audit([_segment("A", "a = 1")], pa.table({"a": [1, 0]}), traits)
    assert (found.note, found.makeup, verdicts) == (NOTHING, [], [])


def test_a_trait_with_one_value_cannot_be_compared_and_says_so() -> None:
    found, verdicts = audit(SEGMENTS, _planted()[0], pa.table({"gender": ["f"] * 4000}))
    assert found.note.startswith("gender: one group")
    assert {one.result for one in verdicts} == {"not enough data"}


def test_nobody_at_all_is_audited_without_a_fault() -> None:
    empty = pa.table({"a": pa.array([], pa.int64())}), pa.table({"gender": pa.array([], pa.string())})
    assert audit([_segment("A", "a = 1")], *empty)[0].note == NOTHING


@pytest.mark.parametrize(
    ("name", "column", "names"),
    [
        ("age", [18, 19.5, 25, 31, 44, 80], ("under 20", "20-29", "30-39", "40-49", "70 and over")),
        ("age_group", [1, 2, 2, None], ("1", "2")),
        ("senior", [True, False, None], ("no", "yes")),
        ("senior", [1, 0, 0], ("no", "yes")),
        ("birth_year", list(range(1960, 1990)), ("1960s", "1970s", "1980s")),
        ("date_of_birth", ["1961-02-03", "2004-01-01", None], ("1960s", "2000 and later")),
        ("Gender", ["Female", "female ", "MALE", ""], ("Female", "MALE")),
    ],
)
def test_a_trait_gives_groups_that_people_would_name(name: str, column: list[object], names: tuple[str, ...]) -> None:
    assert groups(name, pa.chunked_array([column])).names == names


def test_rare_values_are_put_together_as_other() -> None:
    column = pa.chunked_array([[f"r{i % 7}" for i in range(700)] + ["rare"] + [f"s{i}" for i in range(3)]])
    found = groups("religion", column)
    assert found.names == (*(f"r{i}" for i in range(7)), "other")
    assert found.sizes.tolist()[-1] == 4


def test_dates_of_birth_are_grouped_by_decade() -> None:
    born = pa.array([0, None], pa.timestamp("us", tz="UTC"))
    assert protected_groups(pa.table({"birthday": born}))[0].names == ("1970s",)


def test_the_interval_of_a_ratio_covers_it_as_often_as_promised() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.binomial(120, 0.15, 4000), rng.binomial(300, 0.2, 4000)
    found = ratio(Rates.of(one, np.full(4000, 120), 1.96), Rates.of(other, np.full(4000, 300), 1.96))
    assert ((found.low <= 0.75) & (found.high >= 0.75)).mean() == pytest.approx(0.95, abs=0.012)


def test_the_interval_of_a_difference_covers_it_as_often_as_promised() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.binomial(80, 0.3, 4000), rng.binomial(200, 0.1, 4000)
    found = difference(Rates.of(one, np.full(4000, 80), 1.96), Rates.of(other, np.full(4000, 200), 1.96))
    assert ((found.low <= 0.2) & (found.high >= 0.2)).mean() == pytest.approx(0.95, abs=0.012)


@pytest.mark.slow
def test_fibre_optic_tells_seniors_among_telephone_customers(data_dir: Path) -> None:
    with (data_dir / "telco_churn" / "WA_Fn-UseC_-Telco-Customer-Churn.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    table = pa.table({name: [row[name] for row in rows] for name in ("gender", "SeniorCitizen", "InternetService")})
    rules = ["InternetService = 'No'", "InternetService = 'Fiber optic'"]
    found, verdicts = audit([_segment(rule, rule) for rule in rules], table, table)
    assert found.traits == ["gender", "SeniorCitizen"]
    parity = {one.subject: one for one in verdicts if one.check == "reach parity"}
    assert [one.result for one in parity.values()] == ["warn", "warn"]
    assert parity[rules[0]].value == pytest.approx(0.178, abs=0.005)
    proxy = {one.subject: one for one in verdicts if one.check == "proxy"}
    assert proxy[rules[1]].value == pytest.approx(0.672, abs=0.002)
