from __future__ import annotations

import pytest

from shoal.define.parse import parse
from shoal.define.tree import columns_of
from shoal.define.types import Type
from shoal.define.words import to_text
from shoal.errors import ExpressionError

COLUMNS = {
    "value": Type.NUMBER,
    "quantity": Type.NUMBER,
    "category": Type.TEXT,
    "Invoice No": Type.TEXT,
    "vip": Type.BOOL,
    "at": Type.TIME,
    "raw": Type.TEXT,
}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("VALUE_1 > 3", None),
        ("value>3", "value > 3"),
        ("(value)", "value"),
        ("not category in ('a')", "category not in ('a')"),
        ("category || '-' || \"Invoice No\"", "concat(concat(category, '-'), \"Invoice No\")"),
        ("case value when 1 then 'x' end", "case when value = 1 then 'x' else null end"),
        ("value between 1 and 2 and vip", "value between 1 and 2 and vip"),
        ("value - (quantity - 1)", "value - (quantity - 1)"),
        ("value - quantity - 1", "value - quantity - 1"),
        ("value + quantity % 2 * 3", "value + quantity % 2 * 3"),
        ("(value + quantity) % 2", "(value + quantity) % 2"),
        ("- (value + 1)", "-(value + 1)"),
        ("category not like 'it''s%'", "category not like 'it''s%'"),
        ("at > time('2011-12-09') - interval 2 weeks", "at > time('2011-12-09') - interval '2 weeks'"),
        ("value is not null", "value is not null"),
        ("vip or vip and vip", "vip or vip and vip"),
        ("(vip or vip) and vip", "(vip or vip) and vip"),
    ],
)
def test_text_is_read_into_a_tree_and_written_canonically(text: str, canonical: str | None) -> None:
    if canonical is None:
        with pytest.raises(ExpressionError):
            parse(text, COLUMNS)
        return
    tree = parse(text, COLUMNS)
    assert to_text(tree) == canonical
    assert parse(canonical, COLUMNS) == tree


@pytest.mark.parametrize(
    ("text", "says", "place"),
    [
        ("valeu > 3", "unknown column 'valeu'. Did you mean 'value'?", 0),
        ("value > 3 and catgory = 'a'", "Did you mean 'category'?", 14),
        ("vip and rond(value) > 1", "unknown function 'rond'. Did you mean 'round'?", 8),
        ("value > '3'", "compares number with text", 0),
        ("value = 1 or category > 2", "compares text with number; write number(...)", 13),
        ("vip > true", "cannot order true and false", 0),
        ("lower(value) = 'a'", "lower needs text, got number", 0),
        ("round(value, quantity) > 1", "whole number from -15 to 15 written out", 0),
        ("substr(category, 0, 1) = 'a'", "whole number from 1", 0),
        ("category like raw", "pattern written out", 0),
        ("round() > 1", "round takes 1 to 2 arguments, got 0", 0),
        ("value +", "something is missing after this", 6),
        ("(value > 3", "Expecting )", 9),
        ("category = 'abc", "not closed", 11),
        ("", "is empty", 0),
        ("value > 3; vip", "one expression", 9),
        ("select 1", "a query is not part", 7),
        ("(select 1) > 2", "a query inside", 8),
        ("sum(value) > 2", "unknown function 'sum'", 0),
        ("value over ()", "cannot be read", None),
        ("lower(category) over () = 'a'", "a window", 0),
        ("value::int > 1", "a cast (write number", 0),
        ("value[1] > 2", "an index", 0),
        ("value vip", "a name after an expression", 0),
        ("value in (select 1)", "in needs values", 0),
        ("value in ()", "needs", None),
        ("value = ?", "a placeholder", None),
        ("vip is true", "after `is` comes null", 0),
        ("a.value > 1", "column names have no dots", 0),
        ("date '2011-01-01' < at", "a cast", 5),
        ("time('2011-02-30') < at", "'2011-02-30' is not a time", 0),
        ("at - at > 1", "days_between", 0),
        ("at > interval '1 month'", "an interval is a whole number", None),
        ("1e999 > value", "beyond the range", 0),
        ("coalesce(null, null) > 1", "only null", 0),
        ("value > 3 limit 1", "", None),
        ('category = "x"', "Texts stand in single quotes", 11),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, says: str, place: int | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, COLUMNS)
    assert says in caught.value.what
    if place is not None:
        assert caught.value.position == place


def test_the_type_of_the_whole_can_be_demanded() -> None:
    with pytest.raises(ExpressionError, match="needs bool, got number"):
        parse("value + 1", COLUMNS, expect=Type.BOOL)


def test_functions_can_be_withheld() -> None:
    with pytest.raises(ExpressionError, match="cannot be used here"):
        parse("lower(category) = 'a'", COLUMNS, functions=frozenset({"abs"}))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("raw * value", "number(raw) * value"),
        ("raw > 0", "number(raw) > 0"),
        ("raw in (1, 2)", "number(raw) in (1, 2)"),
        ("raw = category", "raw = category"),
        ("raw < time('2011-12-09')", "time(raw) < time('2011-12-09')"),
        ("hour(raw) >= 18", "hour(time(raw)) >= 18"),
        ("value like 'C%'", "text(value) like 'C%'"),
        ("starts_with(value, 'C')", "starts_with(text(value), 'C')"),
        ("coalesce(raw, 0) + 1", "coalesce(number(raw), 0) + 1"),
        ("-raw", "-number(raw)"),
    ],
)
def test_lenient_reading_brings_raw_text_to_numbers_and_times(text: str, canonical: str) -> None:
    assert to_text(parse(text, COLUMNS, lenient=True)) == canonical


def test_text_with_too_many_characters_is_refused() -> None:
    with pytest.raises(ExpressionError, match="at most 10,000"):
        parse("value > 1 and " * 1000 + "vip", COLUMNS)


def test_a_tree_with_too_many_parts_is_refused() -> None:
    with pytest.raises(ExpressionError, match="more than 2,000 parts"):
        parse("1=1" + " or 1=1" * 900, COLUMNS)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 3000 + "1" + ")" * 3000,
        "not " * 2000 + "vip",
        "- " * 3000 + "1 > 0",
        "1" + "+1" * 500 + ">0",
        "abs(" * 100 + "value" + ")" * 100 + "> 1",
        "case when vip then " * 300 + "1" + " end" * 300,
    ],
)
def test_nesting_without_end_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="nested"):
        parse(text, COLUMNS)


def test_a_long_chain_of_clauses_is_not_deep() -> None:
    tree = parse(" and ".join(f"value <> {n}" for n in range(300)), COLUMNS)
    assert len(tree.args) == 300  # type: ignore[union-attr]


def test_columns_read_are_listed() -> None:
    assert columns_of(parse("value > 3 or lower(category) = 'a'", COLUMNS)) == {"value", "category"}
