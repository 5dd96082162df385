from __future__ import annotations

import json

import numpy as np
import pytest

from shoal.summary import Comparison
from shoal.validate.compare import compare, difference_verdicts, percent
from shoal.validate.explained import Scores, explained
from shoal.validate.outcome import Cut, Outcome, behaviour_outcome, value_outcomes

GROUPS = np.random.default_rng(0).integers(0, 4, 2000)
SPENT = np.exp(GROUPS + np.random.default_rng(1).normal(size=2000)) * (np.random.default_rng(2).random(2000) < 0.6)
RANDOM = np.random.default_rng(3).integers(0, 4, 2000)
OUTCOMES = value_outcomes(SPENT, SPENT > 0)


def _scores(mine: np.ndarray, theirs: np.ndarray, outcomes: list[Outcome] = OUTCOMES) -> Scores:
    cuts = [Cut("Discovered segments", "discovered", mine), Cut("Value tiers", "value", theirs)]
    return explained(cuts, outcomes)


def _compare(scores: Scores) -> Comparison:
    return compare(scores, as_of="2011-06-09T00:00:00Z", until="2011-09-07T00:00:00Z", horizon_days=90)


def test_the_better_cut_wins_and_the_words_say_by_how_much() -> None:
    found = _compare(_scores(GROUPS, RANDOM))
    assert found.winner == "Discovered segments"
    assert "discovered segments win by" in found.words
    assert "for value tiers" in found.words


def test_discovery_that_loses_is_told_so() -> None:
    scores = _scores(RANDOM, GROUPS)
    found = _compare(scores)
    assert found.winner == "Value tiers"
    assert "value tiers win by" in found.words
    assert [v.result for v in difference_verdicts(scores)] == ["fail", "pass", "fail"]


def test_the_comparison_is_the_same_from_either_side() -> None:
    one, two = _compare(_scores(GROUPS, RANDOM)), _compare(_scores(RANDOM, GROUPS))
    assert one.contenders[0].scores == two.contenders[1].scores


def test_equal_cuts_are_a_tie() -> None:
    swapped = np.where(np.arange(2000) % 10 == 0, RANDOM, GROUPS)
    other = np.where(np.arange(2000) % 10 == 1, RANDOM, GROUPS)
    scores = _scores(swapped, other)
    found = _compare(scores)
    assert found.winner == "tie"
    assert "a tie (95 % interval of the difference" in found.words
    assert {v.check: v.result for v in difference_verdicts(scores)}["advantage"] == "warn"


def test_where_nothing_explains_anything_nobody_wins() -> None:
    found = _compare(_scores(RANDOM, np.roll(RANDOM, 1), value_outcomes(None, np.arange(2000) % 2)))
    assert found.winner == "nobody"
    assert found.words.startswith("No cut explains")


@pytest.mark.parametrize("n", [0, 1, 50])
def test_few_people_are_not_enough_data(n: int) -> None:
    outcomes = value_outcomes(SPENT[:n], SPENT[:n] > 0)
    found = _compare(_scores(GROUPS[:n], RANDOM[:n], outcomes))
    assert found.winner == "not enough data"
    assert "200 are needed" in found.words


def test_a_period_in_which_nobody_bought_is_not_enough_data() -> None:
    scores = _scores(GROUPS, RANDOM, value_outcomes(np.zeros(2000), np.zeros(2000)))
    assert _compare(scores).winner == "not enough data"
    assert {verdict.result for verdict in difference_verdicts(scores)} <= {"not enough data"}


def test_the_baseline_stands_beside_and_scores_nothing() -> None:
    plain = _compare(_scores(GROUPS, RANDOM)).contenders[-1]
    assert (plain.kind, plain.segments) == ("baseline", 1)
    assert plain.scores["auc"].value == 0.5
    assert plain.scores["value"].value == 0


def test_unequal_numbers_of_segments_are_told() -> None:
    assert "umbers of segments differ" in _compare(_scores(GROUPS, RANDOM % 2)).words
    assert "umbers of segments differ" not in _compare(_scores(GROUPS, RANDOM)).words


def test_without_revenue_activity_is_compared() -> None:
    found = _compare(_scores(GROUPS, RANDOM, value_outcomes(None, SPENT > 0, activity=np.round(SPENT))))
    assert "of value against" in found.words
    assert found.winner == "Discovered segments"


def test_an_outcome_is_told_alone_only_where_it_comes_out_otherwise() -> None:
    basket = [*OUTCOMES, behaviour_outcome("basket", np.where(SPENT > 0, GROUPS + 0.1 * SPENT, np.nan))]
    assert "of basket against" not in _compare(_scores(GROUPS, RANDOM, basket)).words
    other = [*OUTCOMES, behaviour_outcome("basket", np.where(SPENT > 0, RANDOM + 0.1 * SPENT, np.nan))]
    assert "of basket against" in _compare(_scores(GROUPS, RANDOM, other)).words


def test_no_more_than_three_sentences_are_told() -> None:
    cuts = [Cut("Discovered segments", "discovered", GROUPS), Cut("Value tiers", "value", RANDOM % 2)]
    outcomes = [*OUTCOMES, behaviour_outcome("basket", np.where(SPENT > 0, RANDOM + 0.1 * SPENT, np.nan))]
    assert _compare(explained(cuts, outcomes)).words.count(". ") <= 2


def test_one_cut_alone_is_told_without_a_rival() -> None:
    scores = explained([Cut("Discovered segments", "discovered", GROUPS)], OUTCOMES)
    assert "nothing to compare them with" in _compare(scores).words
    assert [verdict.check for verdict in difference_verdicts(scores)] == ["difference"]


def test_of_many_cuts_the_tied_at_the_top_are_named() -> None:
    cuts = [
        Cut("Discovered segments", "discovered", GROUPS),
        Cut("RFM segments", "rfm", GROUPS),
        Cut("Recency groups", "recency", GROUPS),
        Cut("Value tiers", "value", RANDOM),
    ]
    found = _compare(explained(cuts, OUTCOMES))
    assert found.winner == "tie"
    assert "f all 4 cuts, discovered segments, RFM segments and recency groups are tied at the top." in found.words


def test_the_same_data_gives_the_same_bytes() -> None:
    one, two = (_compare(_scores(GROUPS, RANDOM)).model_dump_json() for _ in range(2))
    assert one == two
    assert "NaN" not in json.dumps(json.loads(one))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.2349, "23 %"),
        (0.0996, "10 %"),
        (0.05, "5 %"),
        (-0.004, "-0.4 %"),
        (0.000004, "0 %"),
        (-1e-6, "0 %"),
        (1, "100 %"),
    ],
)
def test_shares_are_told_with_the_digits_they_deserve(value: float, told: str) -> None:
    assert percent(value) == told
