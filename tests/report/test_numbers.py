"""Numbers keep their value, whatever the unit they are shown in."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shoal.report import numbers

UNITS = {"k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
SHOWN = [
    numbers.count,
    numbers.decimal,
    numbers.fixed,
    numbers.compact,
    numbers.money,
    numbers.percent,
    numbers.signed,
    numbers.duration,
    numbers.days,
]


@pytest.mark.parametrize("show", SHOWN, ids=lambda show: show.__name__)
@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_what_is_not_known_is_a_dash(show: object, value: float | None) -> None:
    assert callable(show)
    assert show(value) == numbers.NOT_KNOWN


def read(text: str) -> float:
    match = re.fullmatch(r"(-?[\d,]*\.?\d+)([kMBT]?)", text)
    assert match, text
    return float(match[1].replace(",", "")) * UNITS.get(match[2], 1)


@given(st.floats(1, 9e14) | st.floats(-9e14, -1))
def test_a_compact_number_reads_back_to_within_a_twentieth(value: float) -> None:
    assert read(numbers.compact(value)) == pytest.approx(value, rel=0.051)


@given(st.floats(1e-3, 1e12) | st.floats(-1e12, -1e-3))
def test_a_decimal_reads_back_to_within_three_figures(value: float) -> None:
    assert read(numbers.decimal(value)) == pytest.approx(value, rel=0.006)


@given(st.floats(0, 1))
def test_a_share_between_none_and_all_never_reads_as_either(share: float) -> None:
    text = numbers.percent(share)
    assert (text == "0%") == (share == 0)
    assert (text == "100%") == (share == 1)


@given(st.floats(-1e6, 1e6))
def test_no_number_reads_as_minus_nothing(value: float) -> None:
    for show in (numbers.decimal, numbers.compact, numbers.money, numbers.fixed, numbers.signed, numbers.count):
        assert not re.fullmatch(r"-[0.]*", show(value))


def test_an_amount_keeps_its_cents_while_they_matter() -> None:
    assert [numbers.money(v, "EUR") for v in (0, 0.05, 9.99, 99, 1234.56)] == ["€0", "€0.05", "€9.99", "€99", "€1,235"]


def test_a_loss_too_small_for_cents_is_nothing() -> None:
    assert [numbers.money(value, "GBP") for value in (-0.001, -0.01)] == ["£0", "-£0.01"]


def test_an_unknown_currency_is_its_code() -> None:
    assert numbers.money(1500, "XAU", short=True) == "XAU 1.5k"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2024-02-29T00:00:00Z", "29 Feb 2024"),
        ("2024-02-29T23:59:00+01:00", "29 Feb 2024, 23:59 UTC+01:00"),
        ("2024-02-29", "29 Feb 2024"),
        ("<b>", "<b>"),
    ],
)
def test_an_instant_is_a_date_and_other_text_stays(text: str, shown: str) -> None:
    assert numbers.instant(text) == shown
