"""When features change by time alone: never before the instant that is named, and only where a row is the cause."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.define import reference
from tests.define.test_kernel import COLUMNS, SCHEMA, START
from tests.define.test_kernel import features as plain_features
from tests.define.test_kernel import histories as plain_histories
from tests.define.test_sequence import MINUTE, features, histories

from shoal.define.change import NEVER, next_change
from shoal.define.feature import Feature
from shoal.define.kernel import Plan, compile_plan
from shoal.define.passes import Block, Cut

SOME = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
DAY = reference.DAY


def values(plan: Plan, block: Block, instant: int) -> dict[int, dict[str, Any]]:
    """What everybody has at an instant; what grows all the time, less the time that has passed."""
    found = {}
    for row in plan.at(Cut(block, instant)).to_pylist():
        del row["as_of"]
        for name, step in plan.steps.items():
            if step.operation == "days_since" and row[name] is not None:
                row[name] = round(row[name] * DAY) - instant
        found[row.pop("person")] = row
    return found


def dues(plan: Plan, block: Block, instant: int) -> dict[int, int]:
    due = next_change(Cut(block, instant), list(plan.steps.values()))
    assert (due > instant).all()
    return dict(zip(block.persons.tolist(), due.tolist(), strict=True))


def check(events: list[reference.Event], made: list[Feature], instant: int, probes: list[float]) -> None:
    plan = compile_plan(made, COLUMNS)
    block = plan.block(pa.Table.from_pylist(events, schema=SCHEMA))
    now, due = values(plan, block, instant), dues(plan, block, instant)
    for person, until in due.items():
        last = min(until - 1, instant + 400 * DAY)
        for then in {last, *(instant + int((last - instant) * part) for part in probes)}:
            assert values(plan, block, then).get(person) == now.get(person), (person, then - instant, until - instant)


@SOME
@given(events=histories(), made=features(), minute=st.integers(-1, 60), probes=st.lists(st.floats(0, 1), max_size=3))
def test_nothing_of_sequences_and_sessions_changes_before_it_is_due(
    events: list[reference.Event], made: list[Feature], minute: int, probes: list[float]
) -> None:
    check(events, made, START + minute * MINUTE, probes)


@SOME
@given(
    events=plain_histories(), made=plain_features(), hour=st.integers(-1, 24 * 50),
    probes=st.lists(st.floats(0, 1), max_size=3),
)  # fmt: skip
def test_nothing_else_changes_before_it_is_due(
    events: list[reference.Event], made: list[Feature], hour: int, probes: list[float]
) -> None:
    check(events, made, START + hour * 3_600_000_000, probes)


def due_of(made: dict[str, Any], *events: tuple[float, str], at: float) -> float | None:
    """Minutes until the feature of one person may change; None for never."""
    plan = compile_plan([Feature.from_yaml("f", made)], COLUMNS)
    rows = [{"person": 1, "at": START + int(minute * MINUTE), "event": name} for minute, name in events]
    block = plan.block(pa.Table.from_pylist(rows, schema=SCHEMA))
    (due,) = next_change(Cut(block, START + int(at * MINUTE)), list(plan.steps.values()))
    return None if due == NEVER else float(due - START) / MINUTE


def test_a_due_time_is_that_of_a_row() -> None:
    views = ((0, "A"), (10, "A"), (20, "B"))
    assert due_of({"count": "events", "within": "30m"}, *views, at=25) == 30
    assert due_of({"count": "events", "within": "30m"}, *views, at=30) == 40
    assert due_of({"count": "events", "within": "30m", "of": "B"}, *views, at=25) == 50
    assert due_of({"count": "events", "within": "30m"}, *views, at=50) is None
    assert due_of({"count": "events"}, *views, at=25) is None
    assert due_of({"count": "events"}, *views, at=15) == 20
    assert due_of({"count": "events", "before": "1h"}, *views, at=25) == 60
    assert due_of({"trend": "count", "within": "30m"}, *views, at=45) == 50
    assert due_of({"trend": "count", "within": "30m"}, *views, at=50) == 60
    assert due_of({"last": "event", "within": "30m"}, *views, at=25) == 50
    assert due_of({"first": "event", "within": "30m"}, *views, at=25) == 30
    assert due_of({"days_since": "last", "within": "30m"}, *views, at=25) == 50
    assert due_of({"sum": "value", "within": "30m"}, *views, at=25) is None


def test_what_does_not_come_is_due_when_its_time_has_passed() -> None:
    abandoned = {"count": "matches", "sequence": ["A", {"not": "B", "within": "45m"}]}
    assert due_of(abandoned, (0, "A"), at=1) == 45
    assert due_of(abandoned, (0, "A"), (3, "B"), at=1) is None
    assert due_of(abandoned, (0, "A"), at=45) is None
    assert due_of({**abandoned, "within": "1h"}, (0, "A"), at=45) == 105
    depth = {"depth": "steps", "sequence": ["A", {"not": "B", "within": "45m"}], "within": "10m"}
    assert [due_of(depth, (0, "A"), at=minute) for minute in (0, 10, 45, 55)] == [10, 45, 55, None]


def test_a_session_is_due_when_it_leaves_the_window_or_grows() -> None:
    views = ((0, "A"), (10, "A"), (20, "A"))
    most = {"max": "events", "session": "30m", "within": "2h"}
    assert due_of(most, *views, at=25) == 120
    assert due_of(most, *views, at=15) == 20
    assert due_of({"count": "sessions", "session": "30m", "within": "2h"}, *views, at=15) == 120
    assert due_of({**most, "before": "1h"}, *views, at=65) == 70


def test_people_without_an_event_yet_are_due_at_their_first() -> None:
    assert due_of({"count": "events", "before": "1h"}, (5, "A"), at=0) == 5


def test_nobody_is_due_who_has_no_such_events() -> None:
    plan = compile_plan([Feature.from_yaml("f", {"count": "events", "of": "none such", "within": "1d"})], COLUMNS)
    rows = [{"person": person, "at": START, "event": "A"} for person in (1, 2)]
    block = plan.block(pa.Table.from_pylist(rows, schema=SCHEMA))
    due = next_change(Cut(block, START + 1), list(plan.steps.values()))
    assert due.dtype == np.int64
    assert due.tolist() == [NEVER, NEVER]
