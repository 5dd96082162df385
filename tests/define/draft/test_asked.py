"""A language model's rule is taken only as the parser reads it, and the model sees no person."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pyarrow as pa
import pytest

from drafts import customers, shop
from endpoint import Reply, endpoint
from shoal.define.draft.asked import Suggestion, catalogue, suggest
from shoal.define.draft.known import survey
from shoal.errors import LanguageAway
from shoal.language import connect


def asked(*answers: str) -> tuple[Suggestion, list[str]]:
    """What comes of a model that gives these answers in turn, and what it was asked."""
    left, seen = list(answers), []

    def ask(_system: str, user: str) -> str:
        seen.append(user)
        return left.pop(0) if len(left) > 1 else left[0]

    table, known = shop()
    return suggest("people who buy a lot", known, table, ask), seen


def rule(text: str) -> str:
    return json.dumps({"rule": text, "why": "since", "left_out": ""})


def test_a_good_rule_is_shown_with_whom_it_selects() -> None:
    found, seen = asked(rule("orders >= 10 and country = 'FR'"))
    assert found.rule == "orders >= 10 and country = 'FR'"
    assert found.why == "since"
    assert found.reach is not None
    assert found.reach.size == sum(place % 12 >= 10 and place % 4 == 0 for place in range(400))
    assert len(seen) == 1


def test_a_rank_may_be_asked_for() -> None:
    found, _ = asked(rule("revenue in top 10%"))
    assert found.reach is not None
    assert found.reach.rule.startswith("revenue >= ")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("orders >= ", "cannot be read"),
        ("ordres >= 3", "unknown column 'ordres'. Did you mean 'orders'"),
        ("orders", "needs bool|is number|a number"),
        ("select * from people", "cannot be read|not part of the rule language"),
        ("age_group = '18-25'", "protected trait"),
        ("profile_id = 'p1'", "no column for rules"),
        ("", "no rule"),
        ("orders >= 1 " + "or orders >= 1 " * 300, "no rule of at most"),
        ("read_csv('/etc/passwd') = 1", "unknown function"),
    ],
)
def test_a_rule_that_may_not_be_is_refused_with_the_reason(text: str, fault: str) -> None:
    found, seen = asked(rule(text))
    assert (found.rule, found.reach) == ("", None)
    assert re.search(fault, found.fault), found.fault
    assert len(seen) == 2


def test_a_refused_rule_may_be_mended_once_by_what_the_parser_said() -> None:
    found, seen = asked(rule("ordres >= 3"), rule("orders >= 3"))
    assert found.rule == "orders >= 3"
    assert "unknown column 'ordres'" in seen[1]


@pytest.mark.parametrize("text", ["I cannot.", "[]", '{"rule": 3}'])
def test_an_answer_that_is_no_rule_is_refused(text: str) -> None:
    found, _ = asked(text)
    assert found.rule == ""
    assert found.fault


def test_an_endpoint_that_is_away_is_asked_once() -> None:
    calls: list[int] = []

    def ask(_system: str, _user: str) -> str:
        calls.append(1)
        raise LanguageAway("no answer")

    table, known = shop()
    assert suggest("x", known, table, ask).fault == "no answer"
    assert len(calls) == 1


@pytest.mark.parametrize("make", [shop, customers])
def test_the_model_sees_no_person_no_rare_value_and_no_protected_trait(make: Callable[[], tuple]) -> None:
    table, known = make()
    shown = json.dumps(catalogue(known))
    names = {one["name"] for one in catalogue(known)["columns"]}
    assert not names & {"age_group", "gender", "profile_id", "person"}
    assert "18-25" not in shown
    for name in ("profile_id", "surname"):
        if name in table.column_names:
            assert not any(json.dumps(one) in shown for one in table[name].to_pylist())


def test_of_a_small_table_the_model_sees_names_only() -> None:
    few = pa.table({"orders": range(19), "country": ["FR"] * 10 + ["DE"] * 9})
    known = survey(few, {})
    assert known.columns["country"].levels == ("FR", "DE")
    assert [set(one) for one in catalogue(known)["columns"]] == [{"name", "means", "type"}] * 2


def test_the_model_is_told_what_columns_mean_and_how_large_they_are() -> None:
    (orders,) = (one for one in catalogue(shop()[1])["columns"] if one["name"] == "orders")
    assert orders["means"] == "orders"
    assert orders["type"] == "number"
    assert len(orders["of those above zero, 10, 50, 90 in 100 are below"]) == 3


def test_through_a_real_endpoint() -> None:
    table, known = shop()
    with endpoint(Reply(rule("ordres >= 3")), Reply(f"```json\n{rule('orders >= 3')}\n```")) as server:
        found = suggest("3 orders", known, table, connect(url=server.url, model="m").ask)
    assert found.rule == "orders >= 3"
    assert len(server.asked) == 2
