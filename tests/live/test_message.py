"""Requests as SDKs send them become events; what breaks a rule is refused and costs no neighbour."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.sent import (
    BROWSER_ALIAS,
    RECEIVED,
    RUDDER_BROWSER,
    RUDDER_NODE,
    RUDDER_PYTHON,
    SEGMENT_BROWSER,
    SEGMENT_NODE,
    SEGMENT_PYTHON,
    TRACK,
    entry,
)
from shoal.live.event import Event, Refused
from shoal.live.message import Cleaner
from shoal.settings import Tracking
from shoal.unify.spelling import normaliser

SECOND = 1_000_000
MINUTE = 60 * SECOND


def clean(body: Any, kind: str | None = None, *, places: dict[str, str] | None = None, **options: Any) -> list[Any]:
    """Events and what was refused, in the order of their places."""
    cleaner = Cleaner(Tracking(), normaliser(), places)
    events, refused = cleaner.clean(7, entry(body, kind, **options))
    return [*events, *refused]


def one(body: Any, kind: str | None = None, **options: Any) -> Event:
    (found,) = clean(body, kind, **options)
    assert isinstance(found, Event), found
    return found


def refusal(body: Any, **options: Any) -> Refused:
    (found,) = clean(body, **options)
    assert isinstance(found, Refused), found
    return found


def track(**parts: Any) -> dict[str, Any]:
    return {**TRACK, **parts}


def test_segments_python_batch_is_read_with_its_null_ids_and_offset_times() -> None:
    order, page = clean(SEGMENT_PYTHON)
    assert (order.event, order.value, order.identifiers) == ("Order Completed", 30.5, (("user_id", "u1"),))
    assert order.properties == {"total": 30.5, "order_id": "o1"}
    assert order.at == RECEIVED - 59 * SECOND
    assert (page.event, page.identifiers) == ("Page Viewed", (("anonymous_id", "a1"),))
    assert page.properties == {"url": "https://example.com/", "name": "Home", "category": "Docs"}


def test_rudders_python_traits_stand_in_the_context_and_its_ids_are_numbers() -> None:
    found = one(RUDDER_PYTHON)
    assert found.identifiers == (("user_id", "17"), ("email", "ann@example.com"))
    assert found.traits == found.properties == {"email": "Ann@Example.com", "plan": "pro"}
    assert (found.event, found.value) == ("Identify", None)


def test_a_group_gives_its_id_and_its_traits_under_its_own_name_and_joins_nobody() -> None:
    found = one(SEGMENT_NODE)
    assert found.traits == {"group_name": "Acme", "group_employee_count": 12.0, "group_id": "acme"}
    assert (found.event, found.identifiers) == ("Group", (("user_id", "u1"),))


def test_a_group_id_is_an_identifier_where_it_is_mapped() -> None:
    found = one(SEGMENT_NODE, places={"account_id": "groupId", "user_id": "userId"})
    assert found.identifiers == (("account_id", "acme"), ("user_id", "u1"))


def test_rudders_node_traits_of_the_message_count_before_those_of_the_context() -> None:
    assert one(RUDDER_NODE).traits == {"plan": "pro", "age": 30.0}


def test_a_pages_name_may_stand_in_its_properties() -> None:
    found = one(SEGMENT_BROWSER)
    assert (found.event, found.properties["name"]) == ("Page Viewed", "Start")


def test_rudders_browser_knows_people_by_the_traits_in_the_context() -> None:
    found = one(RUDDER_BROWSER)
    assert found.identifiers == (("email", "ann@example.com"), ("anonymous_id", "a1"))
    assert (found.traits, found.properties) == ({}, {"product_sku": "s1", "product_price": 9.5})


def test_an_alias_to_oneself_joins_nothing_new() -> None:
    assert one(BROWSER_ALIAS).identifiers == (("user_id", "u1"), ("anonymous_id", "a1"))


def test_an_alias_joins_a_user_with_the_previous_id() -> None:
    found = one({**BROWSER_ALIAS, "previousId": "before"})
    assert (found.event, found.identifiers) == ("Alias", (("user_id", "u1"), ("anonymous_id", "before")))


def test_a_message_of_its_own_path_needs_no_type() -> None:
    assert one({"userId": "u", "event": "Go"}, "track").event == "Go"


def test_a_screen_and_a_device_are_known() -> None:
    found = one({"type": "screen", "name": "Cart", "context": {"device": {"id": "d1"}}})
    assert (found.event, found.identifiers) == ("Screen Viewed", (("device_id", "d1"),))


def test_one_message_id_gives_one_event_id_wherever_it_stands() -> None:
    again = clean({"batch": [track(), track(event="Other")]})
    assert again[0].event_id == again[1].event_id == one(TRACK).event_id
    assert len(one(TRACK).event_id) == 32


def test_a_message_without_id_is_named_after_its_place_in_the_log() -> None:
    first, second = clean({"batch": [track(messageId=None), track(messageId="")]})
    assert first.event_id != second.event_id
    assert clean({"batch": [track(messageId=None)]})[0].event_id == first.event_id


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-22T09:18:00Z",
        "2026-11-22T09:18:00.000+00:00",
        "2026-11-22T10:18:00+01:00",
        "2026-11-22T09:18:00",
        " 2026-11-22t09:18:00z ",
        1_795_339_080,
        1_795_339_080_000,
        1_795_339_080_000_000,
        1_795_339_080_000_000_000,
        1_795_339_080.0,
        "1795339080000",
    ],
)
def test_an_instant_is_read_however_it_is_written(written: object) -> None:
    assert one(track(timestamp=written)).at == RECEIVED - MINUTE


def test_a_wrong_clock_is_corrected_by_what_it_showed_when_sending() -> None:
    slow = {"timestamp": "2020-01-01T00:00:00Z", "sentAt": "2020-01-01T00:01:00Z"}
    assert one(track(**slow)).at == RECEIVED - MINUTE


def test_the_sending_time_may_stand_in_the_message_the_batch_or_a_header() -> None:
    told = track(timestamp="2020-01-01T00:00:00Z")
    sent = "2020-01-01T00:01:00Z"
    in_batch = one({"batch": [told], "sentAt": sent})
    in_header = one(told, sent=sent)
    both = one({"batch": [{**told, "sentAt": sent}], "sentAt": "2020-01-01T05:00:00Z"}, sent="2020-01-02T00:00:00Z")
    assert in_batch.at == in_header.at == both.at == RECEIVED - MINUTE


def test_what_was_sent_cannot_have_happened_after_it_was_received() -> None:
    fast = {"timestamp": "2026-11-22T09:30:00Z", "sentAt": "2026-11-22T09:20:00Z"}
    assert one(track(**fast)).at == RECEIVED


def test_without_a_sending_time_the_clock_is_believed() -> None:
    assert one(track(timestamp="2026-11-22T10:19:00Z")).at == RECEIVED + 60 * MINUTE


def test_history_is_not_corrected() -> None:
    told = {"batch": [track(timestamp="2020-01-01T00:00:00Z")], "sentAt": "2020-01-01T00:01:00Z"}
    assert one(told, historical=True).at == 1_577_836_800 * SECOND


def test_a_message_without_time_happened_when_it_was_received() -> None:
    assert one(TRACK).at == one(TRACK).known_at == RECEIVED


def test_the_first_property_that_is_a_number_is_the_value() -> None:
    assert one(track(properties={"revenue": "n/a", "total": " 12.50 ", "value": 3})).value == 12.5
    assert one(track(properties={"value": 3})).value == 3.0
    assert one(track(properties={"revenue": True, "total": "1e999"})).value is None


def test_names_that_tables_have_already_get_a_prefix() -> None:
    found = one(track(properties={"value": 3, "Event": "x", "person": {"id": "p", "": 1}}))
    assert found.properties == {"p_value": 3.0, "p_event": "x", "person_id": "p", "p_person": 1.0}


def test_properties_are_flat_and_typed() -> None:
    sent = {
        "a": {"b": {"c": 1, "d": {"e": 2}}},
        "list": [1, "x"],
        "big": 10**30,
        "no": None,
        "blank": "  ",
        "yes": True,
        "nul": "a\0b",
        "decomposed": "e\u0301",
    }
    assert one(track(properties=sent)).properties == {
        "a_b_c": 1.0,
        "a_b_d": '{"e":2}',
        "list": '[1,"x"]',
        "big": 1e30,
        "yes": True,
        "nul": "ab",
        "decomposed": "\u00e9",
    }


def test_long_texts_are_cut_and_counted() -> None:
    cleaner = Cleaner(Tracking(), normaliser())
    events, _ = cleaner.clean(1, entry(track(properties={"note": "x" * 1_001, "short": "x" * 1_000})))
    assert [len(str(text)) for text in events[0].properties.values()] == [1_000, 1_000]
    assert cleaner.cut == 1


def test_a_track_event_cannot_pass_for_one_that_tells_traits() -> None:
    found = one(track(event="Identify", properties={"plan": "pro"}))
    assert (found.event, found.traits) == ("Track Identify", {})


def test_an_identifier_may_stand_anywhere_in_a_message() -> None:
    places = {"loyalty": "properties.card.no", "session": "context.session.id", "shop": "shop"}
    sent = track(properties={"card": {"no": 7}}, context={"session": {"id": "s"}}, shop="berlin")
    assert one(sent, places=places).identifiers == (("loyalty", "7"), ("session", "s"), ("shop", "berlin"))


@pytest.mark.parametrize(
    ("parts", "reason", "detail"),
    [
        ({"userId": None}, "no_identifier", "userId blank"),
        ({"userId": "unknown"}, "no_identifier", "userId 'unknown'"),
        ({"userId": {"id": 1}}, "malformed", "userId"),
        ({"userId": True}, "malformed", "neither text nor a number"),
        ({"userId": "x" * 300}, "malformed", "300 characters"),
        ({"timestamp": "1970-01-02"}, "bad_time", "before `tracking.earliest`"),
        ({"timestamp": 0}, "bad_time", "before `tracking.earliest`"),
        ({"timestamp": "yesterday"}, "bad_time", "no instant"),
        ({"timestamp": ["2026"]}, "bad_time", "no instant"),
        ({"timestamp": "2999-01-01"}, "future_time", "more than a day ahead"),
        ({"event": None}, "no_event", "event blank"),
        ({"event": 5}, "no_event", "event '5'"),
        ({"type": "charge"}, "bad_type", "type 'charge'"),
        ({"type": ["track"]}, "bad_type", "the types are track"),
        ({"properties": "none"}, "malformed", "properties 'none' is no object"),
        ({"properties": {"total": -1}}, "negative_value", "total -1.0"),
        ({"properties": {"total": 2e15}}, "bad_value", "total 2000000000000000.0"),
        ({"properties": {"text": "x" * 33_000}}, "too_large", "32,768"),
    ],
)
def test_a_message_that_breaks_a_rule_is_refused_in_words(parts: dict[str, Any], reason: str, detail: str) -> None:
    found = refusal(track(**parts))
    assert found.reason == reason
    assert detail in found.detail
    assert found.raw


@pytest.mark.parametrize(
    "bad",
    [
        b"5",
        b"null",
        b"[]",
        b'"text"',
        b'{"type": "track", "event": "E", "userId": "u", "x": 1e999, "properties": {"n": 1e999}}',
        b'{"type": "track", "event": "E", "userId": "\xff"}',
        b'{"type": "track", "event": "E", "userId": "u", "properties": ' + b"[" * 600 + b"]" * 600 + b"}",
    ],
    ids=["number", "null", "list", "text", "beyond numbers", "not UTF-8", "too deep"],
)
def test_a_bad_message_costs_no_neighbour(bad: bytes) -> None:
    good = json.dumps(TRACK).encode()
    found = clean(b'{"batch": [' + good + b"," + bad + b"," + good + b"]}")
    assert [type(each) for each in found] == [Event, Event, Refused]
    assert (found[2].place, found[2].reason) == (1, "malformed")


@pytest.mark.parametrize("body", [b"[]", b"7", b'{"batch": 5}', b'{"batch": {}}'])
def test_a_body_that_is_no_message_is_refused_whole(body: bytes) -> None:
    assert refusal(body).reason == "malformed"


def test_an_entry_that_cannot_be_read_is_refused() -> None:
    events, refused = Cleaner(Tracking(), normaliser()).clean(3, b"\x00garbage")
    assert (events, refused[0].reason) == ([], "malformed")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
ids = ("messageId", "userId", "anonymousId", "previousId", "groupId")
times = ("originalTimestamp", "timestamp", "sentAt")
fields = st.sampled_from(["type", "event", "name", "category", "properties", "traits", "context", *ids, *times])
messages = st.dictionaries(fields, json_values, max_size=8) | json_values


@given(sent=st.lists(messages, max_size=4), kind=st.sampled_from([None, "track", "identify", "group", "alias", "page"]))
def test_whatever_is_sent_becomes_an_event_or_a_reason(sent: list[Any], kind: str | None) -> None:
    cleaner = Cleaner(Tracking(), normaliser())
    events, refused = cleaner.clean(1, entry({"batch": sent}, kind))
    assert len(events) + len(refused) == len(sent)
    for event in events:
        assert event.identifiers
        values = [*event.properties.values(), *event.traits.values()]
        assert all(type(value) in (str, float, bool) for value in values)
        assert all(math.isfinite(value) for value in values if isinstance(value, float))
        assert event.traits in ({}, event.properties)
    assert cleaner.clean(1, entry({"batch": sent}, kind)) == (events, refused)
