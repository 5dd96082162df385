"""The kernel against loops over dicts, and its promises about how a stream may be cut."""

from __future__ import annotations

import json
import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.define import reference

from shoal.define.feature import Feature, features_from_yaml
from shoal.define.kernel import Plan, compile_plan
from shoal.define.types import Type
from shoal.errors import DataError, SettingsError

DAY = reference.DAY
START = 1_300_000_000_000_000
COLUMNS = {
    "value": Type.NUMBER,
    "order_id": Type.TEXT,
    "category": Type.TEXT,
    "quantity": Type.NUMBER,
    "vip": Type.BOOL,
    "due": Type.TIME,
}
TEXT = {"event", "order_id", "category"}
SCHEMA = pa.schema(
    [
        ("person", pa.int64()),
        ("at", pa.timestamp("us", "UTC")),
        ("event", pa.string()),
        ("value", pa.float64()),
        ("order_id", pa.string()),
        ("category", pa.string()),
        ("quantity", pa.int64()),
        ("vip", pa.bool_()),
        ("due", pa.timestamp("us", "UTC")),
    ]
)
FAST = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))

# Eighths, so that sums are exact in any order and the reference may add as it likes.
_MONEY = st.integers(-40, 40).map(lambda eighths: eighths / 8)


@st.composite
def histories(draw: Any) -> list[reference.Event]:
    """Events of a few people, sorted by person and time, with ties and nulls."""
    people = draw(st.lists(st.integers(-3, 2**62), min_size=1, max_size=4, unique=True))
    events: list[reference.Event] = []
    for person in sorted(people):
        hours = sorted(draw(st.lists(st.integers(0, 24 * 40), min_size=1, max_size=9)))
        events.extend(
            {
                "person": person,
                "at": START + hour * 3_600_000_000,
                "event": draw(st.sampled_from(["A", "B", "C"])),
                "value": draw(st.none() | _MONEY),
                "order_id": draw(st.none() | st.sampled_from("xyz")),
                "category": draw(st.none() | st.sampled_from("abc")),
                "quantity": draw(st.none() | st.integers(-2, 3)),
                "vip": draw(st.none() | st.booleans()),
                "due": draw(st.none() | st.integers(0, 20).map(lambda day: START + day * DAY)),
            }
            for hour in hours
        )
    return events


@st.composite
def features(draw: Any) -> list[Feature]:
    """A few features of every operation."""
    made = {f"f{index}": draw(_definitions()) for index in range(draw(st.integers(1, 8)))}
    return features_from_yaml(made)


@st.composite
def _definitions(draw: Any) -> dict[str, Any]:
    kinds = {
        "count": ["events"],
        **{key: ["value", "quantity", "value * quantity"] for key in ("sum", "mean", "std")},
        **{key: ["value", "quantity", "at", "due"] for key in ("min", "max")},
        **{key: ["value", "category", "vip", "at", "due"] for key in ("first", "last")},
        "distinct": ["order_id", "category", "value", "vip", "at", "due", "day_number(at)"],
        "days_since": ["first", "last"],
        "share": ["category = 'a'", "value > 1", "hour(at) >= 18", "weekday(at) >= 6", "vip"],
        "gap": ["mean", "std", "max", "last"],
        "trend": ["count", "value"],
        "trait": ["category", "vip"],
    }
    operation = draw(st.sampled_from(sorted(kinds)))
    made: dict[str, Any] = {operation: draw(st.sampled_from(kinds[operation]))}
    if operation == "trait":
        return made
    if draw(st.booleans()):
        made["of"] = draw(st.sampled_from(["A", ["A", "C"], "none such"]))
    if draw(st.booleans()):
        made["where"] = draw(st.sampled_from(["value > 1", "category = 'a'", "vip", "hour(at) >= 18"]))
    if operation == "trend" or draw(st.booleans()):
        made["within"] = draw(st.sampled_from(["7d", "12h", "2w", "1d"]))
    if draw(st.integers(0, 3)) == 0:
        made["before"] = draw(st.sampled_from(["7d", "1h"]))
    if operation == "share" and draw(st.booleans()):
        made["weight"] = "quantity"
    if operation in ("sum", "count", "mean") and draw(st.integers(0, 3)) == 0:
        made["default"] = draw(st.sampled_from([None, 7, -1]))
    return made


@st.composite
def cut_streams(draw: Any, events: list[reference.Event]) -> list[pa.RecordBatch]:
    """The events as batches cut anywhere; texts plain or coded, differently in each batch."""
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=4)))
    batches = []
    for begin, end in zip([0, *cuts], [*cuts, len(events)], strict=True):
        batch = pa.RecordBatch.from_pylist(events[begin:end], schema=SCHEMA)
        coded = draw(st.sets(st.sampled_from(sorted(TEXT))))
        arrays = [
            batch.column(name).dictionary_encode() if name in coded else batch.column(name) for name in SCHEMA.names
        ]
        batches.append(pa.RecordBatch.from_arrays(arrays, names=SCHEMA.names))
    return batches


def run(plan: Plan, batches: list[pa.RecordBatch], as_of: list[int], rows: int = 1000) -> dict[tuple[int, int], Any]:
    """The plan's output by (person, instant); instants as microseconds."""
    found = {}
    for batch in plan.run(batches, as_of, rows=rows):
        assert batch.schema == plan.schema
        plain = {
            name: batch.column(name).cast(pa.int64())
            if pa.types.is_timestamp(batch.column(name).type)
            else batch.column(name)
            for name in batch.schema.names
        }
        for row in pa.table(plain).to_pylist():
            key = (row.pop("person"), row.pop("as_of"))
            assert key not in found
            found[key] = row
    return found


def _close(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float | int):
        return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)
    return bool(ours == theirs)


@FAST
@given(data=st.data(), events=histories(), made=features(), zone=st.sampled_from(["UTC", "America/New_York"]))
def test_the_kernel_agrees_with_loops_over_dicts(
    data: st.DataObject, events: list[reference.Event], made: list[Feature], zone: str
) -> None:
    as_of = data.draw(
        st.lists(st.integers(-1, 50).map(lambda day: START + day * DAY), min_size=1, max_size=3, unique=True)
    )
    batches = data.draw(cut_streams(events))
    found = run(
        compile_plan(made, COLUMNS, time_zone=zone), batches, as_of, rows=data.draw(st.sampled_from([1, 3, 1000]))
    )
    expected_keys = {(event["person"], instant) for instant in as_of for event in events if event["at"] <= instant}
    assert set(found) == expected_keys
    for (person, instant), row in found.items():
        own = [event for event in events if event["person"] == person]
        for feature in made:
            expected = reference.compute(feature, own, instant, zone)
            assert _close(row[feature.name], expected), (feature.to_yaml(), person, row[feature.name], expected)


@FAST
@given(data=st.data(), events=histories(), made=features())
def test_a_person_alone_gives_the_same_bits_as_among_all(
    data: st.DataObject, events: list[reference.Event], made: list[Feature]
) -> None:
    thirds = [{**event, "value": None if event["value"] is None else event["value"] / 3} for event in events]
    plan = compile_plan(made, COLUMNS)
    as_of = [START + 45 * DAY, START + 20 * DAY]
    among = run(plan, data.draw(cut_streams(thirds)), as_of, rows=data.draw(st.sampled_from([1, 4, 1000])))
    alone = {}
    for person in {event["person"] for event in thirds}:
        own = [event for event in thirds if event["person"] == person]
        for instant in as_of:
            alone.update(run(plan, data.draw(cut_streams(own)), [instant]))
    assert among == alone


@FAST
@given(made=features())
def test_a_plan_is_plain_data(made: list[Feature]) -> None:
    plan = compile_plan(made, COLUMNS, time_zone="Europe/London")
    again = Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
    assert again == plan
    assert hash(again) == hash(plan)
    assert again.version == plan.version
    assert features_from_yaml({feature.name: feature.to_yaml() for feature in made}) == made


def _events(*rows: tuple[int, int, str, float | None]) -> list[pa.RecordBatch]:
    made = [{"person": p, "at": START + hour * 3_600_000_000, "event": e, "value": v} for p, hour, e, v in rows]
    return [pa.RecordBatch.from_pylist(made, schema=SCHEMA)]


def test_formulas_read_other_features_in_any_order_of_definition() -> None:
    plan = compile_plan(
        features_from_yaml(
            {
                "aov": {"formula": "round(revenue / orders, 2)"},
                "loyal": {"formula": "case when aov > 3 then 'yes' else 'no' end", "default": "no"},
                "orders": {"count": "events", "of": "A"},
                "revenue": {"sum": "value", "of": "A"},
            }
        ),
        COLUMNS,
    )
    found = run(plan, _events((1, 0, "A", 5.0), (1, 1, "A", 2.5), (2, 0, "B", 1.0)), [START + DAY])
    assert found[1, START + DAY] == {"aov": 3.75, "loyal": "yes", "orders": 2, "revenue": 7.5}
    assert found[2, START + DAY] == {"aov": None, "loyal": "no", "orders": 0, "revenue": 0.0}


def test_a_person_without_events_has_the_defaults() -> None:
    made = {
        "orders": {"count": "events"},
        "spent": {"sum": "value", "default": -1},
        "mean": {"mean": "value"},
        "where": {"last": "category", "default": "unknown"},
        "per": {"formula": "orders + 1"},
    }
    plan = compile_plan(features_from_yaml(made), COLUMNS)
    assert plan.empty() == {"orders": 0, "spent": -1.0, "mean": None, "where": "unknown", "per": 1.0}


def test_an_event_at_the_instant_counts_and_one_at_the_windows_start_does_not() -> None:
    plan = compile_plan(features_from_yaml({"n": {"count": "events", "within": "1d"}}), {})
    batches = _events((1, 0, "A", None), (1, 24, "A", None), (1, 25, "A", None))
    assert run(plan, batches, [START + DAY]) == {(1, START + DAY): {"n": 1}}


def test_the_version_changes_with_the_definition_and_the_time_zone() -> None:
    one = features_from_yaml({"n": {"count": "events", "within": "1d"}})
    two = features_from_yaml({"n": {"count": "events", "within": "2d"}})
    versions = {
        compile_plan(one, {}).version,
        compile_plan(two, {}).version,
        compile_plan(one, {}, time_zone="Asia/Tokyo").version,
    }
    assert len(versions) == 3


def test_only_the_columns_needed_are_read() -> None:
    plan = compile_plan(features_from_yaml({"n": {"distinct": "order_id", "of": "A", "where": "value > 1"}}), COLUMNS)
    assert plan.event_columns == ("at", "event", "order_id", "person", "value")


def test_every_fault_of_every_feature_is_reported_at_once() -> None:
    made = features_from_yaml(
        {
            "a": {"sum": "valeu"},
            "b": {"count": "events", "where": "value"},
            "c": {"max": "category"},
            "d": {"formula": "e + 1"},
            "e": {"formula": "d + 1"},
            "f": {"formula": "orders"},
            "g": {"last": "category", "default": 3},
            "h": {"trait": "contry"},
            "i": {"count": "events", "default": 0.5},
            "j": {"formula": "a + 1"},
        }
    )
    with pytest.raises(SettingsError) as caught:
        compile_plan(made, COLUMNS)
    said = {fault.where: fault.what for fault in caught.value.faults}
    assert set(said) == {
        "features.a.sum",
        "features.b.where",
        "features.c.max",
        "features.d.formula",
        "features.e.formula",
        "features.f.formula",
        "features.g.default",
        "features.h.trait",
        "features.i.default",
    }
    assert "Did you mean 'value'?" in said["features.a.sum"]
    assert "reads itself" in said["features.d.formula"]


def test_events_out_of_order_are_refused() -> None:
    plan = compile_plan(features_from_yaml({"n": {"count": "events"}}), {})
    with pytest.raises(DataError, match="must be sorted"):
        run(plan, _events((1, 5, "A", None), (1, 4, "A", None)), [START])


def test_a_missing_column_is_named() -> None:
    plan = compile_plan(features_from_yaml({"n": {"sum": "price"}}), {"price": Type.NUMBER})
    with pytest.raises(DataError, match="lack the column 'price'"):
        run(plan, _events((1, 5, "A", None)), [START])


def test_a_column_of_another_type_is_refused() -> None:
    plan = compile_plan(features_from_yaml({"n": {"sum": "category"}}), {"category": Type.NUMBER})
    with pytest.raises(DataError, match="holds text, but was declared as number"):
        run(plan, _events((1, 5, "A", None)), [START])


def test_a_stream_without_events_gives_nothing() -> None:
    plan = compile_plan(features_from_yaml({"n": {"count": "events"}}), {})
    assert list(plan.run([], [START])) == []
