"""Plain words become rules: a table of phrases on three kinds of workspaces."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drafts import CATALOGUES, customers, grammar, shop, software
from shoal.define.draft.propose import Draft, propose, reach, sized
from shoal.define.draft.text import words
from shoal.define.draft.topics import FILLERS, NEGATIONS, NOUNS


def draft(name: str, text: str) -> Draft:
    return propose(text, CATALOGUES[name]()[1], grammar(name))


LOYAL = "recency_days < 60 and orders >= 6 and tenure_days >= 60"
NEW = "recency_days < 60 and tenure_days < 60"
SHOP = {
    "loyal customers who stopped opening e-mails": f"{LOYAL} and email_opens >= 1 and email_opens_90d = 0",
    "at least 3 orders in the last 90 days": "orders_90d >= 3",
    "3 or more orders": "orders >= 3",
    "3+ orders": "orders >= 3",
    "more than 5 purchases in the past year": "orders_365d > 5",
    "between 2 and 4 orders": "orders between 2 and 4",
    "bought 2-4 times": "orders between 2 and 4",
    "bought exactly twice": "orders = 2",
    "bought once": "orders = 1",
    "ordered at least five times in 90 days": "orders_90d >= 5",
    "orders in the last 90 days at least 2": "orders_90d >= 2",
    "no orders in the last 30 days": "recency_days > 30",
    "haven't bought for more than 2 months": "recency_days > 60",
    "have not ordered in 45 days": "recency_days > 45",
    "purchased in the last 7 days": "recency_days <= 7",
    "never bought": "orders = 0",
    "never returned anything": "refunds = 0",
    "spent more than 500 in 30 days": "revenue_30d > 500",
    "spent over €1,500 in the last 12 months": "revenue_365d > 1500",
    "spent 1k or more": "revenue >= 1000",
    "average order value above 30": "aov > 30",
    "revenue between 100 and 200": "revenue between 100 and 200",
    "top 10 % by revenue": "revenue in top 10%",
    "bottom 20% by lifetime value": "clv_12m in bottom 20%",
    "top 50 customers": "revenue in top 50",
    "big spenders": "revenue >= 340",
    "VIPs": "revenue >= 400",
    "low-value customers": "revenue <= 100",
    "many orders": "orders >= 10",
    "new customers": NEW,
    "new customers in the last 30 days": "tenure_days <= 30",
    "lapsed customers": "recency_days >= 150",
    "customers at risk": "recency_days >= 60 and recency_days < 150",
    "active customers": "recency_days < 60",
    "inactive for 90 days": "recency_days > 90",
    "one-time buyers": "orders = 1",
    "repeat customers": "orders >= 2",
    "frequent buyers": "orders >= 6",
    "prospects": "orders = 0",
    "buys DELI": "share_deli > 0",
    "never buy deli": "share_deli = 0",
    "deli lovers": "share_deli >= 0.5",
    "mostly buy Home & Garden": "share_garden >= 0.5",
    "buy via mobile": "share_channel_mobile >= 0.5",
    "not via mobile": "share_channel_mobile < 0.5",
    "weekend shoppers": "weekend_share >= 0.5",
    "mostly in the evening": "evening_share >= 0.5",
    "at least 40% of orders at weekends": "weekend_share >= 0.4",
    "stopped buying": "orders >= 1 and orders_90d = 0",
    "no longer open emails": "email_opens >= 1 and email_opens_90d = 0",
    "buying less than before": "trend_90d <= -0.2",
    "declining customers": "trend_90d <= -0.2",
    "growing customers": "trend_90d >= 0.2",
    "spending more": "revenue_90d >= (revenue_365d - revenue_90d) / 3 * 3 / 2 and revenue_90d > 0",
    "likely to churn": "churn >= 0.8",
    "unlikely to churn": "churn <= 0.2",
    "churn above 60%": "churn > 0.6",
    "in France": "country = 'FR'",
    "in France or Germany": "country in ('FR', 'DE')",
    "not in France or Germany": "country not in ('FR', 'DE')",
    "not in the United States": "country <> 'US'",
    "vip club members": "vip_club",
    "not vip club members": "not vip_club",
    "without coupons": "coupons = 0",
    "used a coupon in the last 30 days": "coupons_30d >= 1",
    "abandoned carts": "carts_30d >= 1 and orders_30d = 0",
    "signed up in the last 60 days": "tenure_days <= 60",
    "customers for more than a year": "tenure_days > 365",
    "last order more than 100 days ago": "recency_days > 100",
    "opened an e-mail in the last week": "email_opens_7d >= 1",
    "new or lapsed big spenders": f"({NEW} or recency_days >= 150) and revenue >= 340",
    "loyal but not in Germany": f"{LOYAL} and country <> 'DE'",
    "bought deli and spent more than 100 or are new": f"share_deli > 0 and revenue > 100 or {NEW}",
    "new customers in Germany or lapsed customers in France": (
        f"{NEW} and country = 'DE' or recency_days >= 150 and country = 'FR'"
    ),
    "not new or lapsed": f"not ({NEW}) and recency_days < 150",
    "big spenders, vip club members and coupons": "revenue >= 340 and vip_club and coupons >= 1",
    "everyone except new customers": f"not ({NEW})",
    "everyone": "true",
    "segment Garden lovers": "share_garden >= 0.5",
    "garden lovers who are likely to leave": "share_garden >= 0.5 and churn >= 0.8",
    "custmers with more then 3 ordres": "orders > 3",
    "loyal customers who have not bought for 120 days": "orders >= 6 and tenure_days >= 60 and recency_days > 120",
}
SOFTWARE = {
    "logged in at least 5 times in the last 30 days": "events_30d >= 5",
    "on the Pro plan": "plan = 'Pro'",
    "Pro or Team annual plan": "plan in ('Pro', 'Team annual')",
    "not on the free plan": "plan <> 'Free'",
    "plan is not free": "plan <> 'Free'",
    "power users": "active_days >= 20",
    "not opted in to the mailing list": "opted_in_to_mailing_list = 0",
    "users with more than 10 seats": "seats > 10",
    "stopped logging in": "events >= 1 and events_30d = 0",
    "churned users": "recency_days >= 30",
    "active users on free": "recency_days < 10 and plan = 'Free'",
    "no activity in 2 weeks": "recency_days > 14",
    "never logged in": "events = 0",
}
CUSTOMERS = {
    "month-to-month customers": "contract = 'Month-to-month'",
    "two-year contract": "contract = 'Two year'",
    "fiber optic without tech support": "internet_service = 'Fiber optic' and tech_support = 'No'",
    "no internet service": "internet_service = 'No'",
    "tenure over 24 months": "tenure > 24",
    "high monthly charges": "monthly_charges >= 89",
    "churned customers": "churn = 'Yes'",
    "customers who have not churned": "churn = 'No'",
    "top 10% by monthly charges": "monthly_charges in top 10%",
    "contract is not two year": "contract <> 'Two year'",
}
PHRASES = [
    (name, text, rule)
    for name, table in (("shop", SHOP), ("software", SOFTWARE), ("customers", CUSTOMERS))
    for text, rule in table.items()
]


@pytest.mark.parametrize(("name", "text", "rule"), PHRASES)
def test_a_phrase_is_this_rule_and_nothing_of_it_is_lost(name: str, text: str, rule: str) -> None:
    made = draft(name, text)
    assert made.rule == rule
    assert made.complete


@pytest.mark.parametrize(
    ("name", "text", "why", "near"),
    [
        ("software", "big spenders", "no money", "events >= "),
        ("software", "bought 3 times", "no events of purchases", "active_days >= 3"),
        ("software", "stopped opening e-mails", "opened e-mails", "events_30d = 0|active_days_30d = 0"),
        ("shop", "likely to buy", "kind `purchase`", ""),
        ("shop", "opened support tickets", "no events of support", "orders >= 1"),
        ("shop", "age group 18-25", "protected trait", ""),
        ("shop", "gift wrapped", "Gift Wrapped.*count: events", ""),
        ("shop", "store", "last: store", ""),
        ("customers", "new customers", "when people were last seen", "tenure <= "),
        ("customers", "gender is female", "protected trait", ""),
        ("customers", "weekend shoppers", "no clock, or there are no events", ""),
    ],
)
def test_what_the_data_cannot_say_is_told_with_the_nearest_that_they_can(
    name: str, text: str, why: str, near: str
) -> None:
    made = draft(name, text)
    assert made.rule == ""
    assert not made.complete
    (missing,) = made.missing
    assert re.search(why, missing.why)
    assert re.search(near, missing.near) if near else not missing.near


@pytest.mark.parametrize("text", ["women", "elderly customers", "young shoppers", "muslim customers"])
def test_protected_traits_make_no_rule(text: str) -> None:
    made = draft("shop", text)
    assert made.rule == ""
    assert "protected trait" in " ".join(made.notes)


def test_what_was_not_understood_is_listed_in_the_words_that_were_typed() -> None:
    made = draft("shop", "big spenders with Gruffalo mugs")
    assert made.rule == "revenue >= 340"
    assert made.unknown == ("Gruffalo", "mugs")
    assert not made.complete


def test_a_window_that_is_not_computed_is_said_with_the_line_that_computes_it() -> None:
    (clause,) = draft("shop", "at least 3 orders in the last 60 days").clauses
    assert clause.rule == "orders_90d >= 3"
    assert not clause.exact
    assert "`orders_60d: {distinct: order_id, of: Order Completed, within: 60d}`" in clause.why


def test_a_threshold_that_was_left_open_says_where_it_comes_from() -> None:
    (clause,) = draft("shop", "big spenders").clauses
    assert "a fifth of those with any have at least 340" in clause.why
    assert ("revenue in top 20%", "the top 20% of everybody, by rank") in clause.others


def test_a_number_alone_is_read_as_at_least_and_says_so() -> None:
    (clause,) = draft("shop", "3 orders").clauses
    assert clause.rule == "orders >= 3"
    assert "at least" in clause.why
    assert clause.others == (("orders = 3", "exactly so many"),)


def test_slips_of_the_pen_are_told() -> None:
    assert "'ordres' was read as 'orders'" in draft("shop", "3 ordres").notes


def test_mixed_and_or_is_told() -> None:
    assert any("brackets" in note for note in draft("shop", "bought deli and big spenders or new").notes)


def test_an_empty_sentence_says_nothing() -> None:
    made = draft("shop", "  ")
    assert (made.rule, made.clauses, made.unknown) == ("", (), ())


def test_a_value_that_few_people_share_is_not_spoken_of() -> None:
    assert customers()[1].columns["surname"].levels == ()
    assert draft("customers", "Name 17").rule == ""


def test_a_country_code_that_is_an_english_word_is_read_by_its_name_only() -> None:
    assert draft("shop", "to be new").rule == NEW
    assert draft("shop", "in Belgium").rule == "country = 'BE'"


def test_examples_are_people_of_the_segment_and_the_size_is_theirs() -> None:
    table, known = shop()
    found = reach("orders >= 10", table, known)
    member = [place for place, orders in enumerate(table["orders"].to_pylist()) if orders >= 10]
    assert found.size == len(member)
    assert found.share == len(member) / table.num_rows
    assert set(found.examples) <= {f"p{place}" for place in member}
    assert len(found.examples) == 5
    assert found.words == "orders is at least 10"


def test_a_rank_has_a_plain_rule_as_of_now() -> None:
    table, known = shop()
    found = reach("revenue in top 10%", table, known)
    assert found.rule.startswith("revenue >= ")
    assert 0 < found.size <= table.num_rows / 10
    assert "in the top 10%" in found.words


_SAID = sorted({word for name in CATALOGUES for word in grammar(name).spelling} | FILLERS | NOUNS | NEGATIONS)
_PIECES = st.one_of(
    st.sampled_from([text for _, text, _ in PHRASES]),
    st.sampled_from(_SAID),
    st.sampled_from(
        ["and", "or", ",", "but not", "who", "in the last 30 days", "3", "%", "at least", "top", '"', "'s"]
    ),
    st.text(max_size=8),
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(CATALOGUES)), st.lists(_PIECES, max_size=7))
def test_whatever_is_proposed_can_be_read_and_selects_without_a_fault(name: str, pieces: list[str]) -> None:
    table, known = CATALOGUES[name]()
    made = propose(" ".join(pieces), known, grammar(name))
    if made.rule:
        assert 0 <= reach(made.rule, table, known).size <= table.num_rows
    rules = [one.rule for one in made.clauses] + [rule for one in made.clauses for rule, _ in one.others]
    near = [one.near for one in made.missing if one.near]
    assert None not in sized([*rules, *near], table, known)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from([*_SAID, "Gruffalo", "qqq"]), max_size=8))
def test_every_word_is_in_a_phrase_a_filler_or_among_the_unknown(pieces: list[str]) -> None:
    text = " ".join(pieces)
    made = propose(text, shop()[1], grammar("shop"))
    told = " ".join([*(one.phrase for one in made.clauses), *(one.phrase for one in made.missing), *made.unknown])
    quiet = FILLERS | NOUNS | NEGATIONS | {"and", "or", "but", "who", "that", "which", "whose", "plus"}
    spans = {word.text for word in words(told)} | {word.text for word in words(" ".join(made.notes))}
    assert {word.text for word in words(text)} - quiet <= spans


@pytest.mark.parametrize("text", ["customers in the last 30 days", "last month women", "recently"])
def test_a_span_of_time_that_belongs_to_nothing_is_not_understood(text: str) -> None:
    assert draft("shop", text).unknown


def test_a_span_of_time_that_changes_nothing_is_said() -> None:
    (clause,) = draft("shop", "loyal customers in the last 30 days").clauses
    assert clause.rule == LOYAL
    assert not clause.exact
    assert "'30 days' changes nothing in it" in clause.why


def test_a_denial_of_what_was_not_understood_denies_nothing_else() -> None:
    assert draft("shop", "not Gruffalo, big spenders").rule == "revenue >= 340"


def test_a_span_before_a_phrase_belongs_to_it() -> None:
    assert draft("shop", "in the last 90 days spent more than 500").rule == "revenue_90d > 500"


@pytest.mark.parametrize("make", [shop, software, customers])
def test_the_same_sentence_gives_the_same_draft(make: object) -> None:
    name = next(key for key, value in CATALOGUES.items() if value is make)
    assert draft(name, "big spenders who stopped buying or new") == draft(
        name, "big spenders who stopped buying or new"
    )
