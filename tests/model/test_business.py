"""What business a workspace is in, and what follows for words and strategies."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from shoal.model.business import business, guess
from shoal.model.meta import OUTCOME, TRAIT, FeatureMeta
from shoal.model.name import names
from shoal.model.portrait import crowd, portrait
from shoal.model.tags import tags
from shoal.settings import parse


@pytest.mark.parametrize(
    ("events", "identifiers", "traits", "found"),
    [
        (["Order Completed", "Order Refunded"], ["customer_id"], ["country"], "commerce"),
        (["Product Viewed", "Checkout Started"], ["anonymous_id"], [], "commerce"),
        (["Signed In"], ["user_id", "email"], ["creation_source", "org_id"], "saas"),
        (["Feature Used", "Trial Started"], ["user_id"], [], "saas"),
        (["Invoice Paid"], ["user_id"], ["plan"], "saas"),
        (["Order Completed"], ["customer_id"], ["plan"], "commerce"),
        (["Article Read", "Page Viewed"], ["device_id"], [], "media"),
        (["Stream Started"], ["user_id"], [], "media"),
        (["Order Completed"], ["account_id"], [], "b2b"),
        (["Signed In"], ["user_id"], ["industry", "employees"], "b2b"),
        ([], ["customer_id"], ["contract", "tenure"], "saas"),
        ([], ["customer_id"], ["lead_source"], None),
        (["Did Something"], ["user_id"], [], "saas"),
    ],
)
def test_it_is_guessed_from_events_identifiers_and_traits(
    events: list[str], identifiers: list[str], traits: list[str], found: str | None
) -> None:
    assert guess(events, identifiers, traits) == found


def test_what_the_workspace_says_comes_before_the_guess() -> None:
    assert business(parse("business: b2b"), ["Order Completed"]) == "b2b"
    assert business(parse("{}"), ["Order Completed"]) == "commerce"


def _used(people: int = 400) -> pa.Table:
    rng = np.random.default_rng(0)
    active = rng.integers(1, 60, people)
    recency = np.where(np.arange(people) < 100, 500.0, rng.uniform(0, 40, people))
    return pa.table({"recency_days": recency, "active_days": active, "gap_days_mean": rng.uniform(1, 20, people)})


@pytest.mark.parametrize(("told", "noun"), [("saas", "users"), ("b2b", "accounts"), ("media", "visitors")])
def test_people_are_called_by_the_business(told: str, noun: str) -> None:
    table = _used()
    everybody = crowd(table, {}, business=told)  # type: ignore[arg-type]
    own = portrait(everybody, np.asarray(table["active_days"]) >= 50)
    assert noun in names(everybody, [own])[0].casefold()
    assert told in tags(everybody, own)


def test_in_a_shop_without_orders_nobody_has_bought() -> None:
    table = _used()
    everybody = crowd(table, {}, business="commerce")
    own = portrait(everybody, np.asarray(table["active_days"]) >= 50)
    assert {"commerce", "never"} <= tags(everybody, own)


def test_those_who_lapsed_more_than_a_year_ago_are_long_lapsed() -> None:
    table = _used()
    everybody = crowd(table, {})
    long_ago = tags(everybody, portrait(everybody, np.arange(400) < 100))
    assert {"lapsed", "long_lapsed"} <= long_ago


def test_outcomes_worth_and_tenure_on_record_are_words_where_only_traits_are_known() -> None:
    lost = np.tile([1.0, 0.0, 0.0, 0.0], 100)
    lost[:200] = np.tile([1.0, 1.0, 0.0], 67)[:200]
    meta = {
        "churn = 'Yes'": FeatureMeta("churn = 'Yes'", "churn", "share", OUTCOME, "churn <> 'Yes'"),
        "monthly_charges": FeatureMeta("monthly_charges", "monthly charges", "", TRAIT),
        "total_charges": FeatureMeta("total_charges", "total charges", "", TRAIT),
        "tenure": FeatureMeta("tenure", "tenure", "count", TRAIT),
    }
    table = pa.table(
        {
            "churn = 'Yes'": lost,
            "monthly_charges": np.full(400, 50.0),
            "total_charges": np.arange(400.0),
            "tenure": np.arange(400),
        }
    )
    everybody = crowd(table, meta, business="saas")
    assert tags(everybody, portrait(everybody, np.arange(400) < 200)) == {"people", "losing", "low_value", "new"}
    assert tags(everybody, portrait(everybody, np.arange(400) >= 200)) == {"people", "holding", "high_value"}
