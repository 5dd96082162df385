"""A model card in words: what it asks, how good it is in one sentence, and how it came out against its baseline."""

from __future__ import annotations

import pytest

from shoal.report import card as told
from shoal.summary import Interval, ModelCard, Skill

from . import cards


def bare(kind: str, **more: object) -> ModelCard:
    return ModelCard.model_validate({"name": "m", "kind": kind, "status": "used", **more})


def test_every_kind_of_objective_has_its_question() -> None:
    from typing import get_args

    from shoal.settings import Objective

    kinds = get_args(Objective.model_fields["kind"].annotation)
    asked = [told.headline(bare(kind, label="an order within 90 days")) for kind in kinds]
    assert len(set(asked)) == len(kinds)
    assert all(question.split()[0] in ("Who", "What", "For", "Likely") for question in asked)


def test_people_stop_buying_only_where_the_label_is_about_buying() -> None:
    assert told.headline(bare("churn", label="no Signed In within 30 days", horizon_days=30)) == (
        "Who will leave within 30 days"
    )
    assert told.headline(cards.churn()) == "Who will stop buying within 90 days"


def test_nothing_is_bought_where_the_data_are_of_something_else() -> None:
    signing = {"label": "Signed In within 7 days", "horizon_days": 7}
    assert told.headline(bare("purchase", **signing)) == "For whom: Signed In within 7 days"
    assert told.headline(bare("intent", **signing)) == "Who is about to act within 7 days"
    assert told.headline(bare("upsell", label="does at least a fifth more in the next 7 days")) == "Who will do more"


def test_each_cross_selling_model_names_its_own_thing() -> None:
    card = bare("cross_sell", label="first deli within 28 days", horizon_days=28, population="who have not bought deli")
    assert told.headline(card) == "Who will first take deli within 4 weeks"


def test_a_long_reach_is_shown_in_steps_with_both_ends() -> None:
    rows = [{"size": size, "recall": size / 50} for size in range(1, 51)]
    shown = told.reach(bare("lookalike", extra={"reach": rows}), 8)
    assert [row["size"] for row in shown] == [1, 8, 15, 22, 29, 36, 43, 50]


def test_an_auc_is_told_as_times_in_a_hundred_beside_the_baselines() -> None:
    assert told.verdict(cards.churn()) == (
        "Ranks a leaver above a stayer 84 times in 100 (AUC 0.841 [0.822, 0.860]); RFM score: 80."
    )


def test_a_perfect_looking_rank_is_not_rounded_to_certainty() -> None:
    skill = Skill(name="A", kind="model", metrics={"auc": Interval(value=0.9991)})
    assert "more than 99 times in 100" in told.verdict(bare("churn", metric="auc", skills=[skill]))


def test_a_value_model_tells_its_error_in_money_and_how_far_the_total_was_off() -> None:
    text = told.verdict(cards.value(), "GBP")
    assert "off by £3,346 a person" in text
    assert "Past rate: £5,182." in text
    assert text.endswith("Over everybody it came out 19% too low [-26%, -12%].")


def test_a_metric_that_nobody_explained_is_told_as_it_is() -> None:
    skills = [
        Skill(name="A", kind="model", metrics={"pinball": Interval(value=0.25, low=0.2, high=0.3)}),
        Skill(name="B", kind="baseline", metrics={"pinball": Interval(value=0.5)}),
    ]
    card = bare("label", metric="pinball", skills=skills, baseline="B")
    assert told.verdict(card) == "Pinball 0.250 [0.200, 0.300]; B: 0.500."


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_model_that_was_not_judged_claims_nothing(value: float | None) -> None:
    skill = Skill(name="A", kind="model", metrics={"auc": Interval(value=value)})
    card = bare("churn", metric="auc", skills=[skill], gain=Interval(value=value))
    assert told.verdict(card) == ""
    assert told.standing(card) == ""


@pytest.mark.parametrize(
    ("low", "value", "high", "words"),
    [
        (0.01, 0.02, 0.03, "Beats its baseline (RFM) by 0.020 [0.010, 0.030]."),
        (-0.03, -0.02, -0.01, "Loses to its baseline (RFM) by 0.020 [0.010, 0.030]."),
        (
            -0.01,
            0.02,
            0.05,
            "Cannot be told from its baseline (RFM): better by 0.020 [-0.010, 0.050], which includes zero.",
        ),
        (
            -0.05,
            -0.02,
            0.01,
            "Cannot be told from its baseline (RFM): worse by 0.020 [-0.010, 0.050], which includes zero.",
        ),
        (None, 0.02, None, "Cannot be told from its baseline (RFM): better by 0.020, with no interval."),
    ],
)
def test_only_an_interval_without_zero_is_a_win_or_a_loss(
    low: float | None, value: float, high: float | None, words: str
) -> None:
    gain = Interval(value=value, low=low, high=high)
    assert told.standing(bare("churn", metric="auc", baseline="RFM", gain=gain)) == words


def test_what_is_in_use_comes_first_and_what_lacks_data_last() -> None:
    names = [card.name for card in told.ordered(cards.cards())]
    assert names[:3] == ["churn", "repurchase", "value"]
    assert names[-2:] == ["upsell", "trial"]


def test_what_was_not_judged_out_of_time_is_not_called_later() -> None:
    assert told.tested(cards.response()) == (
        "1,409 rows, 27% of them yes; people whom it had not seen, at no later time"
    )
    assert told.tested(cards.churn()).endswith("later than anything it learned from")


def test_amounts_have_their_currency_and_shares_their_percent_sign() -> None:
    assert told.spread(cards.value(), "GBP") == (
        "half of the people below £215, a tenth below £18, a tenth above £1,290"
    )
    assert told.spread(cards.churn()) == "half of the people below 8.4%, a tenth below 1.8%, a tenth above 47.0%"


def test_parameters_are_shown_to_three_figures_and_curves_are_left_to_the_drawings() -> None:
    facts = told.facts(cards.value())
    assert facts["Parameters"].startswith("MBG/NBD: r 0.525, alpha 6.18,")
    assert "Reach" not in told.facts(cards.lookalike())


def test_a_reach_that_is_malformed_is_left_out_and_the_rest_is_sorted() -> None:
    rows = [{"size": 50, "recall": 0.4}, {"recall": 0.1}, "x", {"size": 10, "recall": None}]
    assert told.reach(bare("lookalike", extra={"reach": rows})) == [{"size": 10}, {"size": 50, "recall": 0.4}]
    assert told.reach(bare("lookalike", extra={"reach": "none"})) == []


def test_nobody_named_as_owner_is_said() -> None:
    assert told.about(cards.purchase())["Owner"] == "nobody is named"


def test_a_label_is_asked_by_its_name_in_words() -> None:
    assert told.headline(bare("label", name="known_churn", label="churn = 'Yes'")) == "Likely known churn"


def test_where_a_plain_way_stands_in_the_status_says_so() -> None:
    card = bare("churn", algorithm="plain logit; the forest that was tried is not used")
    assert (told.status(card), told.result(card)) == ("plain way in use", "warn")
    assert told.ordered([card, bare("churn", algorithm="forest")])[1] == card
    assert "is not used: a plain logit gives the scores" in told.used_instead(card)
    assert told.used_instead(bare("churn", algorithm="forest")) == ""


def test_an_error_of_purchases_says_over_how_long_it_was_counted() -> None:
    skill = Skill(name="A", kind="model", metrics={"mae": Interval(value=1.078, low=1.04, high=1.11)})
    days = {"tested_from": "2011-08-07T00:00:00+00:00", "tested_until": "2011-12-09T00:00:00+00:00"}
    card = bare("value", metric="mae", skills=[skill], **days)
    assert told.verdict(card) == (
        "Over the 124 days of the test it was off by 1.078 purchases a person on average "
        "(mean error of purchases [1.040, 1.110])."
    )


def test_the_total_of_everybody_is_told_as_multiples() -> None:
    card = bare("value", extra={"total": {"purchases": {"value": 1, "low": 0.806, "high": 1.24}}})
    assert told.facts(card)["Total of everybody"] == "purchases: 0.806 to 1.24 times what is predicted"
