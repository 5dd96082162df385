from __future__ import annotations

import pytest

from shoal.summary import Brief, Segment
from shoal.validate.actionability import action_verdicts, clauses, reach_verdicts


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


def test_reach_is_the_share_with_an_address() -> None:
    verdicts = reach_verdicts([0] * 50 + [1] * 50, [True] * 40 + [False] * 60, ["A", "B"])
    assert [(v.value, v.result) for v in verdicts] == [(0.8, "pass"), (0.0, "fail")]
