"""Sequences and sessions: against a search that tries every way to match, and as one would count by hand."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.define import reference
from tests.define.test_kernel import COLUMNS, SCHEMA, START, cut_streams, run

from shoal.define.feature import Feature, features_from_yaml
from shoal.define.kernel import Plan, compile_plan
from shoal.define.types import Type
from shoal.errors import SettingsError

MINUTE = 60_000_000
SOME = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(SOME, max_examples=2_000)


# Mostly as far apart as the limits are, where what is just in time is told from what is just late.
TIMES = st.integers(0, 8).map(lambda fives: 5 * fives) | st.integers(0, 40)


@st.composite
def histories(draw: Any, most: int = 9) -> list[reference.Event]:
    """Events of a few people within minutes of one another, many at one instant."""
    events: list[reference.Event] = []
    for person in sorted(draw(st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True))):
        minutes = sorted(draw(st.lists(TIMES, min_size=1, max_size=most)))
        events.extend(
            {
                "person": person,
                "at": START + minute * MINUTE,
                "event": draw(st.sampled_from("AABBC")),
                "value": draw(st.none() | st.integers(-8, 16).map(lambda eighths: eighths / 8)),
                "order_id": draw(st.none() | st.sampled_from("xyz")),
                "category": draw(st.sampled_from("ab")),
                "quantity": draw(st.none() | st.integers(-2, 3)),
                "vip": draw(st.none() | st.booleans()),
                "due": None,
            }
            for minute in minutes
        )
    return events


LENGTHS = st.sampled_from(["1m", "5m", "10m", "15m"])
WHERE = st.sampled_from(["value > 1", "category = 'a'", "vip"])
NAMES = st.sampled_from(["A", "B", "C", ["A", "C"], ["B", "C"], "none such"])


@st.composite
def steps(draw: Any) -> list[Any]:
    """Two to four steps, some of them forbidden ones."""
    made: list[Any] = [draw(NAMES)]
    for last in [*[False] * draw(st.integers(0, 2)), True]:
        absent = draw(st.booleans())
        if absent and last:
            made.append({"not": draw(NAMES), "within": draw(LENGTHS)})
            continue
        if absent:
            made.append({"not": draw(NAMES)})
        step: dict[str, Any] = {"event": draw(NAMES)}
        if draw(st.booleans()):
            step["within"] = draw(LENGTHS)
        made.append(step)
    for place, one in enumerate(made):
        if draw(st.integers(0, 4)) == 0:
            made[place] = {**(one if isinstance(one, dict) else {"event": one}), "where": draw(WHERE)}
    return made


@st.composite
def definitions(draw: Any) -> dict[str, Any]:
    sequence = draw(st.booleans())
    common = {
        "sum": ["value"],
        "mean": ["minutes"],
        "std": ["minutes"],
        "max": ["minutes", "at"],
        "last": ["minutes", "category", "at"],
        "first": ["category"],
        "distinct": ["category", "at"],
        "days_since": ["first", "last"],
        "gap": ["mean"],
        "trend": ["count", "minutes"],
    }
    if sequence:
        own = {"count": ["matches"] * 3, "depth": ["steps"] * 3, "share": ["minutes <= 10", "category = 'a'"]}
    else:
        own = {"count": ["sessions"], "share": ["events >= 2"], "min": ["events"]}
        own |= {operation: [*common[operation], "events"] for operation in ("sum", "mean", "max", "last", "trend")}
    kinds = common | own
    operation = draw(st.sampled_from([*kinds, *(["count", "depth"] * 3 if sequence else ["max"] * 2)]))
    made: dict[str, Any] = {operation: draw(st.sampled_from(kinds[operation]))}
    if sequence:
        made["sequence"] = draw(steps())
        if draw(st.booleans()):
            made["span"] = draw(LENGTHS)
    else:
        made["session"] = draw(LENGTHS)
        if draw(st.integers(0, 2)) == 0:
            made["session"] = {"gap": made["session"], "of": draw(NAMES)}
            if draw(st.booleans()):
                made["session"]["where"] = draw(WHERE)
        if draw(st.booleans()):
            made["of"] = draw(NAMES)
    if draw(st.integers(0, 3)) == 0:
        made["where"] = draw(WHERE)
    if operation == "trend" or draw(st.booleans()):
        made["within"] = draw(LENGTHS)
    if draw(st.integers(0, 2)) == 0:
        made["before"] = draw(LENGTHS)
    return made


@st.composite
def features(draw: Any) -> list[Feature]:
    return features_from_yaml({f"f{index}": draw(definitions()) for index in range(draw(st.integers(1, 6)))})


INSTANTS = (TIMES | st.integers(-1, 60)).map(lambda minute: START + minute * MINUTE)


def same(ours: Any, theirs: Any) -> bool:
    return bool(ours == theirs) or (isinstance(ours, float) and ours == pytest.approx(theirs, rel=1e-9, abs=1e-9))


@SOME
@given(data=st.data(), events=histories(), made=features())
def test_the_kernel_agrees_with_trying_every_way(
    data: st.DataObject, events: list[reference.Event], made: list[Feature]
) -> None:
    agree(data, events, made)


@pytest.mark.slow
@MANY
@given(data=st.data(), events=histories(), made=features())
def test_the_kernel_agrees_with_trying_every_way_thousands_of_times(
    data: st.DataObject, events: list[reference.Event], made: list[Feature]
) -> None:
    agree(data, events, made)


def agree(data: st.DataObject, events: list[reference.Event], made: list[Feature]) -> None:
    """The kernel over batches cut anywhere, at several instants, gives what the naive search gives."""
    as_of = data.draw(st.lists(INSTANTS, min_size=1, max_size=3, unique=True))
    batches = data.draw(cut_streams(events))
    found = run(compile_plan(made, COLUMNS), batches, as_of, rows=data.draw(st.sampled_from([1, 4, 1000])))
    assert set(found) == {(event["person"], instant) for instant in as_of for event in events if event["at"] <= instant}
    for (person, instant), row in found.items():
        own = [event for event in events if event["person"] == person]
        for feature in made:
            expected = reference.compute(feature, own, instant, "UTC")
            assert same(row[feature.name], expected), (feature.to_yaml(), person, row[feature.name], expected)


@SOME
@given(data=st.data(), events=histories(most=15), made=features())
def test_later_events_and_other_people_change_no_bit(
    data: st.DataObject, events: list[reference.Event], made: list[Feature]
) -> None:
    plan = compile_plan(made, COLUMNS)
    as_of = data.draw(st.lists(INSTANTS, min_size=1, max_size=3, unique=True))
    among = run(plan, data.draw(cut_streams(events)), as_of)
    alone = {}
    for person in {event["person"] for event in events}:
        for instant in as_of:
            own = [event for event in events if event["person"] == person and event["at"] <= instant]
            if own:
                alone.update(run(plan, data.draw(cut_streams(own)), [instant]))
    assert among == alone


def counted(made: dict[str, Any], *events: tuple[float, str], at: float = 1000) -> Any:
    """One feature of one person; events as minute and name."""
    plan = compile_plan([Feature.from_yaml("f", made)], COLUMNS)
    rows = [{"person": 1, "at": START + int(minute * MINUTE), "event": name} for minute, name in events]
    instant = START + int(at * MINUTE)
    return run(plan, [pa.RecordBatch.from_pylist(rows, schema=SCHEMA)], [instant])[1, instant]["f"]


ABANDONED = {"count": "matches", "sequence": ["cart", {"not": "order", "within": "45m"}]}


@pytest.mark.parametrize(
    ("at", "events", "count"),
    [
        (44.9, [(0, "cart")], 0),
        (45, [(0, "cart")], 1),
        (100, [(0, "cart"), (45, "order")], 0),
        (100, [(0, "cart"), (45.1, "order")], 1),
        (100, [(0, "cart"), (10, "cart")], 1),
        (100, [(0, "cart"), (46, "cart")], 2),
        (100, [(0, "cart"), (45, "cart")], 1),
        (100, [(0, "cart"), (0, "cart")], 1),
        (100, [(0, "cart"), (20, "order"), (30, "cart")], 1),
        (100, [(0, "order"), (0, "cart")], 1),
        (100, [(0, "cart"), (0, "order")], 0),
    ],
)
def test_a_cart_is_abandoned_when_the_time_has_passed(at: float, events: list[tuple[float, str]], count: int) -> None:
    assert counted(ABANDONED, *events, at=at) == count


@pytest.mark.parametrize(
    ("made", "value"),
    [
        ({"count": "matches", "sequence": ["view", "cart", "order"]}, 2),
        ({"count": "matches", "sequence": ["view", "cart", "order"], "span": "20m"}, 1),
        ({"count": "matches", "sequence": ["view", "cart", "order"], "span": "5m"}, 1),
        ({"count": "matches", "sequence": ["view", "cart", "order"], "span": "4m"}, 0),
        ({"count": "matches", "sequence": ["view", {"event": "order", "within": "5m"}]}, 1),
        ({"count": "matches", "sequence": ["view", {"not": "cart"}, "order"]}, 0),
        ({"count": "matches", "sequence": ["view", {"not": "view"}, "cart"]}, 2),
        ({"mean": "minutes", "sequence": ["view", "cart", "order"]}, 17.5),
        ({"last": "minutes", "sequence": ["view", "cart", "order"]}, 30),
        ({"depth": "steps", "sequence": ["view", "cart", "order", "view", "order"]}, 5),
        ({"depth": "steps", "sequence": ["order", "order", "order"]}, 2),
        ({"depth": "steps", "sequence": ["order", {"event": "cart", "within": "1m"}]}, 1),
        ({"depth": "steps", "sequence": ["nothing", "cart"]}, 0),
        ({"count": "sessions", "session": "30m"}, 2),
        ({"count": "sessions", "session": "30m", "of": "view"}, 2),
        ({"max": "events", "session": "30m"}, 5),
        ({"max": "events", "session": "30m", "of": "view"}, 2),
        ({"last": "events", "session": "30m"}, 3),
        ({"mean": "minutes", "session": "30m"}, 20),
    ],
)
def test_the_numbers_of_a_day_counted_by_hand(made: dict[str, Any], value: float) -> None:
    morning = [(0, "view"), (2, "view"), (4, "cart"), (7, "order"), (10, "search")]
    noon = [(100, "view"), (110, "cart"), (130, "order")]
    assert counted(made, *morning, *noon) == value


def test_a_session_counts_while_it_goes_on() -> None:
    made = {"max": "events", "session": "30m", "of": "view"}
    views = [(0.0, "view"), (10.0, "view"), (20.0, "search"), (40.0, "view")]
    assert [counted(made, *views, at=minute) for minute in (0, 10, 39, 40)] == [1, 2, 2, 3]


def test_a_match_has_the_columns_of_its_last_event() -> None:
    plan = compile_plan(
        [Feature.from_yaml("f", {"sum": "value", "sequence": ["mail", "order"], "span": "1h"})], COLUMNS
    )
    told = [(0, "mail", None), (5, "order", 30.0), (70, "mail", None), (140, "order", 9.0)]
    rows = [{"person": 1, "at": START + m * MINUTE, "event": name, "value": value} for m, name, value in told]
    found = run(plan, [pa.RecordBatch.from_pylist(rows, schema=SCHEMA)], [START + 200 * MINUTE])
    assert found[1, START + 200 * MINUTE] == {"f": 30.0}


def test_of_events_at_one_instant_the_last_makes_the_match() -> None:
    plan = compile_plan([Feature.from_yaml("f", {**ABANDONED, "count": None, "last": "value"})], COLUMNS)
    rows = [{"person": 1, "at": START, "event": "cart", "value": value} for value in (1.0, 2.0, 3.0)]
    found = run(plan, [pa.RecordBatch.from_pylist(rows, schema=SCHEMA)], [START + 45 * MINUTE])
    assert found[1, START + 45 * MINUTE] == {"f": 3.0}


@SOME
@given(count=st.integers(1, 100), names=st.lists(st.sampled_from("AB"), min_size=1, max_size=5))
def test_very_many_matches_of_one_person_are_all_found(count: int, names: list[str]) -> None:
    made = {"count": "matches", "sequence": ["A", "A"]}
    events = [(index / 60, name) for index, name in enumerate(names * count)]
    assert counted(made, *events) == names.count("A") * count // 2


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"sequence": ["A", "B"]}, "needs exactly one operation, got none"),
        ({"count": "matches"}, "counts matches, which needs `sequence`"),
        ({"count": "sessions", "sequence": ["A", "B"]}, "which needs `session`"),
        ({"count": "events", "sequence": ["A", "B"]}, "write `count: matches`"),
        ({"count": "events", "session": "30m"}, "write `count: sessions`"),
        ({"count": "matches", "sequence": "A"}, "is a list of 2 to 20 steps"),
        ({"count": "matches", "sequence": ["A"]}, "is a list of 2 to 20 steps"),
        ({"count": "matches", "sequence": ["A"] * 21}, "is a list of 2 to 20 steps"),
        ({"count": "matches", "sequence": [{"not": "A"}, "B"]}, "step 1 is a `not`: begin with an event"),
        ({"count": "matches", "sequence": ["A", {"not": "B"}]}, "{not: B, within: 45m}"),
        ({"count": "matches", "sequence": ["A", {"not": "B"}, {"not": "C"}, "D"]}, "steps 2 and 3 are both `not`"),
        ({"count": "matches", "sequence": ["A", {"not": "B", "within": "1m"}, "C"]}, "put `within` on step 3"),
        ({"count": "matches", "sequence": [{"event": "A", "within": "1m"}, "C"]}, "put it on the next step"),
        ({"count": "matches", "sequence": ["A", {"evnt": "B"}]}, "unknown key 'evnt'. Did you mean 'event'?"),
        ({"count": "matches", "sequence": ["A", {"event": "B", "not": "C"}]}, "either `event` or `not`"),
        ({"count": "matches", "sequence": ["A", {"event": []}]}, "step 2 names no event"),
        ({"count": "matches", "sequence": ["A", {"event": "B", "within": "soon"}]}, "'soon', write it as 30m"),
        ({"count": "matches", "sequence": ["A", {"event": "B", "within": 30}]}, "30, write it as 30m"),
        ({"count": "matches", "sequence": ["A", {"event": "B", "where": 3}]}, "`where` that is no predicate"),
        ({"count": "matches", "sequence": ["A", 3]}, "step 2 is 3; write it as {event: Product Added}"),
        ({"count": "matches", "sequence": [3, {"x": 1}]}, "step 2 has the unknown key 'x'"),
        ({"count": "matches", "sequence": ["A", "B"], "of": "C"}, "takes no `of`"),
        ({"count": "matches", "sequence": ["A", "B"], "session": "30m"}, "not at both"),
        ({"count": "matches", "sequence": ["A", "B"], "span": "long"}, "'long' is not a window"),
        ({"count": "events", "span": "1h"}, "span goes with sequence only"),
        ({"depth": "steps"}, "depth needs `sequence`"),
        ({"trait": "country", "sequence": ["A", "B"]}, "trait takes no sequence"),
        ({"formula": "a", "session": "30m"}, "formula takes no session"),
        ({"count": "sessions", "session": 30}, "30; write it as 30m"),
        ({"count": "sessions", "session": {"of": "A"}}, "needs `gap`"),
        ({"count": "sessions", "session": {"gap": "30m", "off": "A"}}, "Did you mean 'of'?"),
    ],
)
def test_a_wrong_definition_says_what_to_do(made: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Feature.from_yaml("f", made)
    assert says in str(caught.value)


def test_faults_of_expressions_name_the_key_they_stand_in() -> None:
    made = {
        "a": {"count": "matches", "sequence": ["A", {"event": "B", "where": "valeu > 1"}]},
        "b": {"max": "evnts", "session": "30m"},
        "c": {"count": "sessions", "session": {"gap": "30m", "where": "value"}},
        "d": {"mean": "minutes"},
        "e": {"max": "events", "sequence": ["A", "B"]},
    }
    with pytest.raises(SettingsError) as caught:
        compile_plan(features_from_yaml(made), {"value": Type.NUMBER})
    places = {fault.where for fault in caught.value.faults}
    assert places == {f"features.{name}" for name in ("a.sequence", "b.max", "c.session", "d.mean", "e.max")}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (ABANDONED, "matches of cart, then no order within 45 minutes"),
        (
            {"depth": "steps", "sequence": ["A", {"not": "X"}, "B"], "span": "1h", "within": "30d"},
            "steps reached in 30 days of A, then no X until B, all within 1 hour",
        ),
        ({"days_since": "last", "sequence": ["A", ["B", "C"]]}, "last match of A, then B or C"),
        ({"max": "events", "session": "30m", "of": "view"}, "max of events per session (pauses to 30 minutes) of view"),
        ({"count": "sessions", "session": "30m", "within": "7d"}, "sessions (pauses to 30 minutes) in 7 days"),
    ],
)
def test_a_feature_says_in_words_what_it_looks_at(made: dict[str, Any], words: str) -> None:
    assert Feature.from_yaml("f", made).words == words


def test_only_the_columns_that_are_read_are_asked_for() -> None:
    made = {
        "a": {"max": "minutes", "sequence": ["A", {"event": "B", "where": "vip"}], "where": "value > 1"},
        "b": {"last": "category", "session": {"gap": "30m", "where": "quantity > 1"}},
    }
    plan = compile_plan(features_from_yaml(made), COLUMNS)
    assert plan.event_columns == ("at", "category", "event", "person", "quantity", "value", "vip")


@SOME
@given(made=features())
def test_a_plan_of_sequences_and_sessions_is_plain_data(made: list[Feature]) -> None:
    plan = compile_plan(made, COLUMNS)
    again = Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert (again, hash(again), again.version) == (plan, hash(plan), plan.version)


def test_what_was_defined_before_there_were_sequences_keeps_its_version() -> None:
    made = {"n": {"count": "events", "of": "A", "within": "7d"}, "s": {"share": "value > 1", "where": "vip"}}
    assert compile_plan(features_from_yaml(made), COLUMNS).version == "e242a1dbab03"


def test_every_event_name_of_a_definition_is_known() -> None:
    sequence = Feature.from_yaml("f", {"count": "matches", "sequence": ["A", {"not": ["B", "C"], "within": "1m"}]})
    session = Feature.from_yaml("f", {"count": "sessions", "session": {"gap": "1m", "of": "D"}, "of": ["A", "D"]})
    assert (sequence.events, session.events) == (("A", "B", "C"), ("A", "D"))
