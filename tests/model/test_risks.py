"""Risks are said with the segment's own numbers, or not at all."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from shoal.model.brief import brief
from shoal.model.portrait import crowd, portrait
from shoal.model.risks import catalogue, risks


@pytest.mark.parametrize("one", catalogue(), ids=lambda one: one.say[:20])
def test_every_risk_carries_a_number_and_is_said_when_its_words_hold(one) -> None:
    assert one.numbers
    facts = {name: "7" for entry in catalogue() for name in entry.numbers}
    assert one.say.format_map(facts) in risks(one.when, facts)


def test_of_one_risk_the_closest_entry_is_said() -> None:
    facts = {"top_tenth": "60%"}
    assert risks({"b2b", "concentrated"}, facts)[0].startswith("It hangs on few accounts")
    assert risks({"commerce", "concentrated"}, facts)[0].startswith("Value is concentrated")


def test_a_number_that_is_not_known_is_not_made_up() -> None:
    assert risks({"returns"}, {"refunded": "9%"}) == []


def test_value_that_fades_is_a_risk_with_its_share() -> None:
    rng = np.random.default_rng(0)
    gone = np.arange(400) < 60
    table = pa.table(
        {
            "recency_days": np.where(gone, 34.0, rng.uniform(0, 8, 400)),
            "orders": np.where(gone, 9, 2),
            "revenue": np.where(gone, 900.0, 60.0),
            "gap_days_mean": np.linspace(1, 40, 400),
        }
    )
    everybody = crowd(table, {})
    found = brief(everybody, portrait(everybody, gone)).risks
    assert any(risk.startswith("Much at stake: 73% of past revenue") for risk in found), found


def test_a_brief_never_shows_braces(shop_table: pa.Table) -> None:
    everybody = crowd(shop_table, {})
    for low in (1, 5, 20):
        own = portrait(everybody, np.asarray(shop_table["orders"]) >= low)
        told = brief(everybody, own, stability=0.1, fidelity=0.1, drift=0.5, floor=0.9)
        assert not any("{" in text for text in (*told.risks, *told.strategies))
