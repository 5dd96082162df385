from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.errors import UsageError
from shoal.validate.verdict import CHECKS, judge

ORDER = ("fail", "warn", "pass")
anything = st.one_of(st.none(), st.floats())


@pytest.mark.parametrize(("value", "result"), [(0.75, "pass"), (0.7499, "warn"), (0.6, "warn"), (0.5999, "fail")])
def test_limits_belong_to_the_better_side(value: float, result: str) -> None:
    assert judge("stability", "A", value, n=100).result == result


@pytest.mark.parametrize(("value", "result"), [(8, "pass"), (9, "warn"), (12, "warn"), (13, "fail")])
def test_where_lower_is_better_the_limits_turn_round(value: float, result: str) -> None:
    assert judge("readable", "A", value).result == result


def test_too_few_people_is_not_enough_data_and_says_how_many() -> None:
    verdict = judge("difference", "set:discovered", 0.9, 0.8, 0.95, n=199)
    assert (verdict.result, verdict.note) == ("not enough data", "rests on 199 people, needs 200")


def test_a_wide_interval_is_not_enough_data_and_says_how_many_would_do() -> None:
    verdict = judge("difference", "set:discovered", 0.1, -0.1, 0.3, n=300)
    assert verdict.result == "not enough data"
    assert "about 1,300 people would" in verdict.note


def test_a_narrow_interval_around_nothing_fails() -> None:
    assert judge("difference", "set:discovered", 0.0, -0.004, 0.004, n=5000).result == "fail"


def test_a_lead_whose_interval_holds_nought_is_a_warning_not_a_failure() -> None:
    results = [judge("advantage", "set:discovered", (a + b) / 2, a, b, n=500).result for a, b in BELOW_TIE_ABOVE]
    assert results == ["fail", "warn", "pass"]


BELOW_TIE_ABOVE = [(-0.05, -0.01), (-0.02, 0.03), (0.01, 0.05)]


def test_a_check_on_an_interval_without_one_is_not_enough_data() -> None:
    assert judge("difference", "set:rfm", 0.3, n=900).result == "not enough data"


def test_an_unknown_check_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'stability'"):
        judge("stabilty", "A", 1.0)


def test_limits_of_your_own_are_used_and_told() -> None:
    verdict = judge(replace(CHECKS["share"], passes=0.1, warns=0.1), "A", 0.05)
    assert (verdict.result, verdict.rule) == ("fail", "share of the people at least 10 % passes, else fails")


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.name)
def test_every_rule_tells_its_limits(check: object) -> None:
    told = CHECKS[check.name].rule  # type: ignore[attr-defined]
    assert "passes" in told
    assert any(character.isdigit() for character in told)


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.name)
def test_a_warning_limit_is_never_stricter_than_the_passing_one(check: object) -> None:
    found = CHECKS[check.name]  # type: ignore[attr-defined]
    assert found.warns <= found.passes if found.better == "higher" else found.warns >= found.passes


@given(st.sampled_from(sorted(CHECKS)), anything, anything, anything, st.one_of(st.none(), st.integers(0, 10**9)))
def test_no_number_whatever_breaks_a_verdict_or_gets_into_it_as_nan(
    check: str, value: float | None, low: float | None, high: float | None, n: int | None
) -> None:
    verdict = judge(check, "A", value, low, high, n)
    assert all(part is None or abs(part) < float("inf") for part in (verdict.value, verdict.low, verdict.high))
    assert verdict.note or verdict.result != "not enough data"


@given(st.floats(-10, 10), st.floats(0, 10))
def test_a_better_number_never_has_a_worse_verdict(value: float, more: float) -> None:
    first, second = (judge("stability", "A", part, n=100).result for part in (value, value + more))
    assert ORDER.index(first) <= ORDER.index(second)
