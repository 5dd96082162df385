from __future__ import annotations

import pytest

from shoal.define.parse import parse
from shoal.define.types import Type
from shoal.define.words import Label, to_sql, to_words

COLUMNS = {
    "orders_90d": Type.NUMBER,
    "recency_days": Type.NUMBER,
    "toys": Type.NUMBER,
    "revenue": Type.NUMBER,
    "country": Type.TEXT,
    "vip": Type.BOOL,
    "first_at": Type.TIME,
    "gap": Type.NUMBER,
}
LABELS = {
    "orders_90d": Label("orders in 90 days", "count"),
    "recency_days": Label("last order", "ago"),
    "toys": Label("share of toys", "share"),
    "revenue": Label("revenue", "money"),
    "gap": Label("time between orders", "days"),
    "vip": Label("a VIP"),
}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            "orders_90d >= 3 and recency_days <= 20",
            "orders in 90 days is at least 3 and last order at most 20 days ago",
        ),
        ("orders_90d >= 3 and orders_90d < 10", "orders in 90 days is at least 3 and less than 10"),
        ("3 <= orders_90d", "orders in 90 days is at least 3"),
        ("toys > 0.25", "share of toys is more than 25%"),
        ("revenue >= 1234.5", "revenue is at least 1,234.50"),
        ("gap <= 1", "time between orders is at most 1 day"),
        ("recency_days between 20 and 40", "last order between 20 and 40 days ago"),
        ("country in ('Germany', 'France')", "country is one of Germany, France"),
        ("country not in ('Germany')", "country is not Germany"),
        ("gap < 7 or gap is null", "time between orders is less than 7 days, or unknown"),
        ("country in ('Germany', 'France') or country is null", "country is one of Germany, France, or unknown"),
        (
            "vip and (gap < 7 or gap is null)",
            "a VIP and (time between orders is less than 7 days, or unknown)",
        ),
        ("gap < 7 or country is null", "time between orders is less than 7 days or country is unknown"),
        ("recency_days > 90 or recency_days is null", "last order more than 90 days ago or no order yet"),
        ("country is null or vip", "country is unknown or a VIP"),
        ("not vip", "not a VIP"),
        (
            "(vip or toys > 0.5) and gap < 7",
            "(a VIP or share of toys is more than 50%) and time between orders is less than 7 days",
        ),
        ("first_at < time('2011-12-09')", "first at is before 2011-12-09"),
        ("revenue / orders_90d > 10", "revenue divided by orders in 90 days is more than 10"),
    ],
)
def test_rules_read_well(rule: str, words: str) -> None:
    assert to_words(parse(rule, COLUMNS), LABELS) == words


def test_a_plain_rule_is_plain_sql() -> None:
    rule = parse("orders_90d >= 3 and country = 'it''s'", COLUMNS)
    assert to_sql(rule) == """("orders_90d" >= 3 AND "country" = 'it''s')"""


def test_deep_nesting_does_not_blow_up_the_sql() -> None:
    text = "orders_90d"
    for _ in range(20):
        text = f"1 / ln(1 + {text})"
    assert len(to_sql(parse(text, COLUMNS))) < 20_000


def test_names_and_texts_cannot_break_out_of_the_sql() -> None:
    columns = {'a"; drop table x; --': Type.TEXT}
    rule = parse("\"a\"\"; drop table x; --\" = '''; drop table y; --'", columns)
    assert to_sql(rule) == "\"a\"\"; drop table x; --\" = '''; drop table y; --'"


def test_other_dialects_are_translated() -> None:
    assert to_sql(parse("orders_90d >= 3", COLUMNS), "spark") == "`orders_90d` >= 3"
