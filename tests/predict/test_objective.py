"""Goals and objectives become questions that the kernel can answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.define.feature import features_from_yaml
from shoal.define.packs import Catalogue
from shoal.errors import SettingsError
from shoal.predict import objective, sentence
from shoal.predict.objective import DAY, GOALS, Unfit
from shoal.settings import Objective

SHOP = Catalogue(
    {"Order Completed": 900, "Product Viewed": 5000},
    {"category": "text", "order_id": "text"},
    {"category": ["Toys", "Bob's"]},
    has_value=True,
)


def ask(**said: object) -> list[objective.Task]:
    return objective.tasks(Objective.model_validate(said), SHOP, 90, [])


def test_the_sentence_of_the_documentation_is_a_churn_question() -> None:
    text = "no Order Completed within 90d, among those active in the last 180d"
    (task,) = ask(name="churn", label=text)
    assert task.horizon == 90 * DAY
    assert task.label == "no Order Completed within 90 days"
    assert task.population == "people with an Order Completed in the last 180 days"
    (then,) = task.then.values()
    (now,) = (one for name, one in task.now.items() if name not in task.inputs)
    assert then == {"count": "events", "of": ["Order Completed"], "within": "90d"}
    assert now == {"count": "events", "of": ["Order Completed"], "within": "180d"}


def test_a_sentence_may_narrow_the_event() -> None:
    said = sentence.read("Order Completed where category = 'Toys' within 4w")
    assert said is not None
    assert (said.event, said.where, said.horizon, said.absent) == ("Order Completed", "category = 'Toys'", "4w", False)


@given(st.from_regex(r"[A-Za-z][A-Za-z ]{0,20}[a-z]", fullmatch=True), st.integers(1, 999), st.sampled_from("hdw"))
def test_a_sentence_reads_back_what_was_said(event: str, count: int, unit: str) -> None:
    said = sentence.read(f"{event} within {count}{unit}")
    assert said is not None
    bare = event.strip()
    absent = bare.lower().startswith("no ")
    assert said.horizon == f"{count}{unit}"
    assert said.absent == absent
    assert said.event == (bare[3:].strip() if absent else bare)


def test_an_expression_is_no_sentence() -> None:
    assert sentence.read("Churn = 'Yes' and tenure < 12") is None


def test_churn_looks_at_people_active_within_two_horizons_when_nothing_is_said() -> None:
    (task,) = ask(name="churn", kind="churn", horizon="30d")
    assert next(iter(task.now.values()))["within"] == "60d"


def test_an_unknown_event_is_named_with_the_nearest_one() -> None:
    with pytest.raises(SettingsError, match=r"Order Complete.*Did you mean 'Order Completed'"):
        ask(name="churn", kind="churn", event="Order Complete")


def test_event_names_need_not_agree_in_capitals() -> None:
    (task,) = ask(name="buy", kind="purchase", event="order completed")
    assert next(iter(task.then.values()))["of"] == ["Order Completed"]


def test_cross_selling_asks_once_for_each_frequent_category() -> None:
    found = ask(name="cross", kind="cross_sell")
    assert [task.name for task in found] == ["cross.toys", "cross.bob_s"]
    assert next(iter(found[1].then.values()))["where"] == "category = 'Bob''s'"


def test_a_label_may_be_a_rule_over_features_of_later() -> None:
    features = features_from_yaml(
        {
            "orders_30d": {"count": "events", "within": "30d"},
            "days_30d": {"distinct": "day_number(at)", "within": "30d"},
            "per_day": {"formula": "orders_30d / days_30d"},
            "other": {"count": "events"},
        }
    )
    (task,) = objective.tasks(Objective(name="keen", label="per_day >= 2", horizon="30d"), SHOP, 90, features)
    assert sorted(task.then) == ["days_30d", "orders_30d", "per_day"]
    assert task.outcome == "per_day >= 2"


def test_a_label_over_nothing_known_is_refused() -> None:
    with pytest.raises(SettingsError, match="'tenur' is neither a feature nor a trait"):
        ask(name="x", label="tenur > 3")


def test_no_horizon_fits_a_week_of_data() -> None:
    with pytest.raises(Unfit, match="at least eight days"):
        objective.tasks(Objective(name="churn", kind="churn"), SHOP, None, [])


@pytest.mark.parametrize("goal", GOALS)
def test_every_goal_chooses_something_that_a_shop_can_answer(goal: str) -> None:
    found = objective.chosen(goal, [], SHOP)
    assert found
    for one in found:
        if one.kind not in ("value", "affinity"):
            assert objective.tasks(one, SHOP, 90, [])


def test_own_objectives_come_before_the_goals() -> None:
    own = [Objective(name="mine", kind="decline")]
    assert objective.chosen("retention", own, SHOP) == own
    assert objective.chosen(None, [], SHOP) == []


def test_the_same_question_has_the_same_key_and_another_has_another() -> None:
    keys = [ask(name="churn", kind="churn", horizon=horizon)[0].key for horizon in ("30d", "30d", "31d")]
    assert keys[0] == keys[1] != keys[2]
