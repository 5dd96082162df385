"""Segments by what people will do next: who they are, what they are called, and what is said of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from shoal import tables
from shoal.model.predictive import FIFTH, forecast, predictive
from shoal.model.rules import select
from shoal.model.scores import score_meta
from shoal.summary import Decile, ModelCard

PEOPLE = 2_000


def card(name: str, kind: str, **more: object) -> ModelCard:
    scores = ["value.clv_12m", "value.clv_3m"] if kind == "value" else [name]
    return ModelCard.model_validate({"name": name, "kind": kind, "status": "used", "scores": scores, **more})


def frame(**scores: np.ndarray) -> pa.Table:
    """People with revenue, and the given scores."""
    rng = np.random.default_rng(3)
    revenue = rng.lognormal(4, 1, PEOPLE)
    return pa.table({"person": np.arange(PEOPLE), "revenue_365d": revenue, "revenue": revenue * 2, **scores})


def made(table: pa.Table, cards: list[ModelCard], **more: object) -> tuple:
    columns = tables.score_columns([score for one in cards for score in one.scores], {"revenue", "revenue_365d"})
    meta = score_meta(columns, cards)
    return predictive(table, meta, cards, **more), meta  # type: ignore[arg-type]


@pytest.fixture
def chances() -> np.ndarray:
    return np.random.default_rng(1).beta(1, 4, PEOPLE)


def tenths(*observed: float) -> list[Decile]:
    return [
        Decile(decile=place, people=100, predicted=one, observed=one, lift=None)
        for place, one in enumerate(observed, 1)
    ]


def test_without_scores_there_are_no_predictive_segments() -> None:
    assert made(frame(), [])[0] == []


def test_likely_to_leave_are_those_of_whom_twice_as_many_left_in_the_test(chances: np.ndarray) -> None:
    deciles = tenths(0.3, *[0.1] * 9)  # 12% left, of the top tenth 30%, of the top two tenths 20%
    table = frame(churn=chances)
    cut = made(table, [card("churn", "churn", deciles=deciles)])[0][0]
    assert cut.name == "Likely to leave"
    assert select(cut.rule, table).mean() == pytest.approx(0.1, abs=0.02)


def test_likely_to_leave_is_a_fifth_at_most(chances: np.ndarray) -> None:
    deciles = tenths(0.7, 0.5, 0.3, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05)  # 20% left; the top four tenths: 40%
    table = frame(churn=chances)
    rule = made(table, [card("churn", "churn", deciles=deciles)])[0][0].rule
    assert select(rule, table).mean() == pytest.approx(FIFTH, abs=0.03)


def test_where_nobody_leaves_twice_as_often_it_is_the_top_fifth(chances: np.ndarray) -> None:
    table = frame(churn=chances)
    cut = made(table, [card("churn", "churn", deciles=tenths(*[0.6] * 10))])[0][0]
    assert select(cut.rule, table).mean() == pytest.approx(FIFTH, abs=0.03)


def test_without_a_test_by_tenths_the_calibrated_scores_say_who_is_twice_as_likely() -> None:
    chances = np.where(np.arange(2_000) < 200, 0.3 + np.arange(2_000) / 1e5, 0.1 + np.arange(2_000) / 1e5)
    table = frame(churn=chances)
    member = select(made(table, [card("churn", "churn")])[0][0].rule, table)
    assert 0.05 <= member.mean() < FIFTH
    assert chances[member].mean() == pytest.approx(2 * chances.mean(), rel=0.1)


def test_thresholds_are_plain_numbers_that_can_be_remembered(chances: np.ndarray) -> None:
    rule = made(frame(churn=chances), [card("churn", "churn")])[0][0].rule
    assert rule.startswith("churn >= 0.")
    assert len(rule) <= len("churn >= 0.123")


def test_valuable_leavers_are_found_by_past_revenue_where_the_value_ahead_leaves_too_few(chances: np.ndarray) -> None:
    ahead = 1_000 * (1 - chances) ** 4
    table = pa.table(
        {**dict(zip(frame().column_names, frame().columns, strict=True)), "churn": chances, "clv_12m": ahead}
    )
    cuts, _ = made(table, [card("churn", "churn"), card("value", "value")])
    rule = next(cut.rule for cut in cuts if cut.name == "Valuable and likely to leave")
    assert "revenue_365d >=" in rule
    assert "clv_12m" not in rule


def test_a_value_model_gives_the_most_valuable_and_the_rising(chances: np.ndarray) -> None:
    table = frame(clv_12m=np.random.default_rng(5).lognormal(4, 1, PEOPLE))
    cuts, _ = made(table, [card("value", "value")])
    assert [cut.name for cut in cuts] == ["Most valuable ahead", "Rising value"]
    assert select(cuts[0].rule, table).mean() == pytest.approx(0.1, abs=0.01)
    assert cuts[1].rule.endswith("and clv_12m > revenue_365d")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("purchase", "Ready to buy"),
        ("intent", "Ready to buy"),
        ("conversion", "Likely to convert"),
        ("upsell", "Likely to spend more"),
        ("decline", "Likely to spend less"),
        ("label", "Likely it"),
        ("lookalike", "Lookalikes of it"),
        ("cross_sell", "Likely to buy it"),
    ],
)
def test_every_kind_of_model_has_its_segment(kind: str, name: str, chances: np.ndarray) -> None:
    assert [cut.name for cut in made(frame(it=chances), [card("it", kind, label="y = 'yes'")])[0]] == [name]


def test_one_segment_a_model_comes_before_a_second_of_one_and_five_are_the_most(chances: np.ndarray) -> None:
    names = ("churn", "p", "c", "u", "d")
    kinds = ("churn", "purchase", "conversion", "upsell", "decline")
    cards = [card(name, kind) for name, kind in zip(names, kinds, strict=True)]
    cuts, _ = made(frame(**dict.fromkeys(names, chances)), cards)
    assert len({cut.name for cut in cuts}) == 5
    assert "Valuable and likely to leave" not in [cut.name for cut in cuts]


def test_a_model_that_is_not_used_gives_no_segment(chances: np.ndarray) -> None:
    assert made(frame(churn=chances), [card("churn", "churn", status="not used")])[0] == []


@pytest.mark.parametrize(
    "scores", [np.full(PEOPLE, 0.3), np.full(PEOPLE, np.nan), np.r_[[0.9], np.full(PEOPLE - 1, np.nan)]]
)
def test_scores_that_tell_nobody_apart_give_no_segment(scores: np.ndarray) -> None:
    assert made(frame(churn=scores), [card("churn", "churn"), card("value", "value")])[0] == []


def test_a_small_one_is_niche(chances: np.ndarray) -> None:
    few = np.where(np.arange(PEOPLE) < 300, chances, np.nan)
    cuts, _ = made(frame(it=few), [card("it", "purchase")], floor=0.1)
    assert cuts[0].status == "niche"


def test_another_segment_of_that_name_keeps_it(chances: np.ndarray) -> None:
    cuts, _ = made(frame(churn=chances), [card("churn", "churn")], taken=["likely to leave"])
    assert cuts[0].name == "Likely to leave 2"


def test_a_forecast_says_the_probability_and_the_value_at_stake() -> None:
    table = pa.table({"churn": [0.5, 0.7, 0.1, 0.1], "clv_12m": [100.0, 200.0, None, 1_000.0]})
    _, meta = made(table, [card("churn", "churn", horizon_days=90), card("value", "value")])
    found = forecast("churn >= 0.5", np.array([True, True, False, False]), table, meta, "GBP")
    assert found.lead == "probability of churn within 90 days 60% on average against 35% among everybody"
    assert "at stake: 190 GBP" in found.worth
    assert found.tags == {"leaving"}


def test_a_forecast_of_the_most_valuable_says_their_part_of_what_is_to_come() -> None:
    table = pa.table({"clv_12m": [100.0, 100.0, 200.0, 400.0]})
    _, meta = made(table, [card("value", "value")])
    found = forecast("clv_12m >= 300", np.array([False, False, False, True]), table, meta)
    assert found.worth == "Expected: 400 (lifetime value in 12 months, summed, 50% of everybody's)."


def test_a_rule_for_the_unlikely_calls_for_no_strategy_of_leaving() -> None:
    table = pa.table({"churn": [0.5, 0.7, 0.1, 0.1]})
    _, meta = made(table, [card("churn", "churn")])
    assert forecast("churn < 0.2", np.array([False, False, True, True]), table, meta).tags == frozenset()


def test_a_rule_over_features_has_no_forecast(chances: np.ndarray) -> None:
    _, meta = made(frame(churn=chances), [card("churn", "churn")])
    found = forecast("revenue > 0", np.ones(PEOPLE, bool), frame(churn=chances), meta)
    assert (found.lead, found.worth, found.tags) == ("", "", frozenset())


def test_a_model_that_beats_its_baseline_comes_before_one_for_which_a_plain_way_stands_in(chances: np.ndarray) -> None:
    plain = card("churn", "churn", algorithm="plain logit; the forest that was tried is not used")
    cuts, _ = made(frame(churn=chances, up=chances), [plain, card("up", "upsell")])
    assert [cut.name for cut in cuts][:2] == ["Likely to spend more", "Likely to leave"]


def test_chances_that_all_are_nearly_certain_get_a_short_threshold() -> None:
    chances = np.r_[np.linspace(0, 0.99, 1500), np.full(100, 0.998756), np.full(400, 0.99881872)]
    cuts, _ = made(frame(churn=chances), [card("churn", "churn")])
    assert cuts[0].rule == "churn >= 0.998"


def test_a_cross_selling_segment_names_the_thing(chances: np.ndarray) -> None:
    asked = card("adds.deli", "cross_sell", label="first DELI within 28 days", scores=["adds.deli"])
    table = frame(adds_deli=chances)
    found = predictive(table, score_meta({"adds_deli": "adds.deli"}, [asked]), [asked])
    assert [cut.name for cut in found] == ["Likely to buy DELI"]


def test_where_nothing_is_bought_nobody_spends_less(chances: np.ndarray) -> None:
    cuts, _ = made(frame(fall=chances), [card("fall", "decline", label="does less than half as much")])
    assert [cut.name for cut in cuts] == ["Likely to do less"]


def test_lookalikes_are_only_those_who_are_alike() -> None:
    alike = np.r_[np.zeros(PEOPLE - 60), np.linspace(0.2, 1, 60)]
    cuts, _ = made(frame(it=alike), [card("it", "lookalike", extra={"segment": "Champions"})])
    assert [cut.name for cut in cuts] == ["Lookalikes of Champions"]
    assert select(cuts[0].rule, frame(it=alike)).sum() == pytest.approx(60, abs=3)
    nobody, _ = made(frame(it=alike / 100), [card("it", "lookalike")])
    assert nobody == []
