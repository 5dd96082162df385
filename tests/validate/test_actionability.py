from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from shoal.summary import Brief, Segment
from shoal.validate.actionability import action_verdicts, channels, clauses, reach, reach_verdicts


def _segment(name: str, rule: str, strategies: list[str], kind: str = "discovered") -> Segment:
    brief = Brief(headline=name, strategies=strategies)
    return Segment(name=name, kind=kind, rule=rule, words=rule, size=100, share=0.5, brief=brief, fidelity=0.7)


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("orders >= 3", 1),
        ("orders >= 3 AND (country = 'UK' or country = 'Bosnia and Herzegovina')", 3),
        ("recency_days between 1 and 9", 1),
        ('"sold or bought" = 1 and brand != "x"', 2),
        ("brandy > 1 and candor > 2", 2),
        ("", 0),
    ],
)
def test_clauses_are_counted(rule: str, count: int) -> None:
    assert clauses(rule) == count


def test_a_long_rule_fails_a_strategy_of_its_own_passes_and_fidelity_is_judged() -> None:
    long = " and ".join(f"f{i} > 1" for i in range(13))
    found = {
        (v.check, v.subject): v.result
        for v in action_verdicts([_segment("A", long, ["upsell"]), _segment("B", "a > 1", ["win back"])])
    }
    assert (found["readable", "A"], found["readable", "B"]) == ("fail", "pass")
    assert found["strategy", "A"] == "pass"
    assert found["fidelity", "A"] == "warn"


def test_the_same_strategies_as_another_fail_and_name_it() -> None:
    segments = [_segment("A", "a > 1", ["x", "y"]), _segment("B", "a > 2", ["y", "x"])]
    verdict = next(v for v in action_verdicts(segments) if v.check == "strategy")
    assert (verdict.result, verdict.note) == ("fail", "most like B")


def test_strategies_are_held_against_the_same_kind_only() -> None:
    segments = [_segment("A", "a > 1", ["x"]), _segment("B", "a > 2", ["x"], kind="rfm")]
    assert {v.result for v in action_verdicts(segments) if v.check == "strategy"} == {"not enough data"}


FIRST = np.arange(100) < 50


def test_reach_is_the_share_that_some_channel_leads_to() -> None:
    leads = {"e-mail": np.arange(100) < 30, "phone": (np.arange(100) >= 20) & (np.arange(100) < 40)}
    verdicts = reach_verdicts({"A": FIRST, "B": ~FIRST}, leads)
    assert [(v.value, v.result) for v in verdicts] == [(0.8, "pass"), (0.0, "fail")]
    assert verdicts[0].note == "e-mail 60%, phone 40%"


def test_a_message_in_the_app_reaches_nobody_who_stays_away() -> None:
    assert reach_verdicts({"A": FIRST}, {"in-app": FIRST}) == []
    assert reach(FIRST, {"in-app": FIRST})["in-app"].value == 1.0


def test_a_segment_of_nobody_has_no_reach_and_no_zero() -> None:
    nobody = np.zeros(100, dtype=bool)
    assert reach_verdicts({"A": nobody}, {"e-mail": FIRST})[0].result == "not enough data"
    assert reach(nobody, {"e-mail": FIRST})["e-mail"].value is None


def test_channels_come_from_identifiers_and_addresses_that_are_not_empty() -> None:
    known = pa.table({"person": [1, 2, 2, 3], "type": ["email", "phone", "device_id", "customer_id"]})
    profiles = pa.table({"person": [3, 1], "street": ["1 High St", " "], "ip_address": ["::1", "::1"]})
    found = channels(np.array([1, 2, 3]), known, profiles)
    assert {way: able.tolist() for way, able in found.items()} == {
        "e-mail": [True, False, False],
        "phone": [False, True, False],
        "push": [False, True, False],
        "ads": [True, True, False],
        "post": [False, False, True],
    }
