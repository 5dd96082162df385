"""The read API's answers: what each route gives, to whom, and how it refuses."""

from __future__ import annotations

import base64
import logging
from typing import Any

import pytest

from shoal.errors import Busy, StoreError
from shoal.server.limit import Limits

from .shop import ADA, BOB, READ, Client, shop


@pytest.fixture(scope="module")
def api() -> Client:
    return Client()


@pytest.mark.parametrize("who", [ADA, "ada@example.org", "email:ada@example.org", "email%3Aada%40example.org"])
def test_a_person_is_found_by_id_identifier_or_type_and_value(api: Client, who: str) -> None:
    told = api.get(f"/v1/profiles/{who}")
    assert told["profile_id"] == ADA
    assert told["features"] == {"orders_90d": 3, "spend": 12.5, "stage": None}
    assert [one["segment"] for one in told["memberships"]] == ["Loyal", "Trial"]


def test_an_identifier_with_a_slash_is_found(api: Client) -> None:
    assert api.get("/v1/profiles/anonymous_id:anon%2F2")["profile_id"] == BOB


@pytest.mark.parametrize("name", ["Loyal", "loyal", "LOYAL@1"])
def test_a_segment_is_found_by_name_and_version(api: Client, name: str) -> None:
    assert api.get(f"/v1/segments/{name}")["size"] == 2
    assert api.get(f"/v1/segments/{name}/explain/{ADA}")["member"] is True
    assert len(api.get(f"/v1/segments/{name}/members")["members"]) == 2


def test_all_segments_are_listed_with_their_size(api: Client) -> None:
    listed = [(one["name"], one["status"], one["size"]) for one in api.get("/v1/segments")["segments"]]
    assert listed == [("Loyal", "released", 2), ("Trial", "draft", 1)]


def test_a_segment_name_with_odd_signs_works(api: Client) -> None:
    view = shop()
    view.segment("50% off / VIP?")
    view.enter("50% off / VIP?", ADA)
    odd = Client(view)
    name = "50%25%20off%20%2F%20VIP%3F"
    assert odd.get(f"/v1/segments/{name}")["size"] == 1
    assert len(odd.get(f"/v1/segments/{name}/members")["members"]) == 1
    assert odd.get(f"/v1/segments/{name}/explain/email:ada@example.org")["member"] is True


def test_who_stays_in_is_on_one_page_whoever_comes_and_goes() -> None:
    view = shop()
    people = [f"p{number:016x}" for number in range(16, 66)]
    for who in people:
        view.add(who, {})
        view.enter("Loyal", who)
    api, seen, after = Client(view), [], ""
    while True:
        page = api.get(f"/v1/segments/Loyal/members?limit=7{after}")
        seen += [one["profile_id"] for one in page["members"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
        gone = people.pop(0)
        view.leave("Loyal", gone)
        view.add(f"q{gone[1:]}", {})
        view.enter("Loyal", f"q{gone[1:]}")
    assert len(seen) == len(set(seen))
    assert set(people) <= set(seen)


def test_changes_are_read_in_pieces_that_join(api: Client) -> None:
    first = api.get("/v1/changes?limit=2")
    assert ([one["position"] for one in first["changes"]], first["next"]) == ([1, 2], 2)
    assert [one["position"] for one in api.get("/v1/changes?after=2")["changes"]] == [3]
    assert api.get("/v1/changes?after=3") == {"changes": [], "next": 3}


def test_changes_of_some_segments_go_on_behind_those_that_were_left_out(api: Client) -> None:
    told = api.get("/v1/changes?segment=trial&limit=3")
    assert ([one["segment"] for one in told["changes"]], told["next"]) == (["Trial"], 3)
    assert len(api.get("/v1/changes?segment=trial&segment=Loyal")["changes"]) == 3


def test_status_says_that_it_is_ready(api: Client) -> None:
    assert api.get("/v1/status")["ready"] is True


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/profiles/nobody", 404, "not_found"),
        ("/v1/profiles/%00", 404, "not_found"),
        ("/v1/profiles/%ff%fe", 404, "not_found"),
        ("/v1/segments/Loyall", 404, "not_found"),
        ("/v1/segments/Loyall/members", 404, "not_found"),
        ("/v1/segments/Loyal/explain/nobody", 404, "not_found"),
        ("/v1/segments/Loyal/members?limit=0", 422, "invalid"),
        ("/v1/segments/Loyal/members?limit=many", 422, "invalid"),
        ("/v1/changes?after=-1", 422, "invalid"),
        ("/v1/changes?after=9223372036854775808", 422, "invalid"),
        ("/v1/nothing", 404, "not_found"),
        ("/docs", 404, "not_found"),
        ("/", 404, "not_found"),
    ],
)
def test_what_is_not_there_or_breaks_a_rule_is_told(api: Client, path: str, status: int, code: str) -> None:
    assert api.error(path) == (status, code)


def test_every_fault_of_a_call_is_told_at_once_and_a_near_name_too(api: Client) -> None:
    message = api.ask("/v1/changes?after=x&limit=0").json()["error"]["message"]
    assert "query after" in message
    assert "query limit" in message
    assert "Did you mean 'Loyal'?" in api.ask("/v1/segments/Loyall").json()["error"]["message"]


def test_another_method_is_refused_as_json(api: Client) -> None:
    answer = api.ask("/v1/segments", method="POST")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET"


READS = ["/v1/profiles/x", "/v1/segments", "/v1/segments/Loyal", "/v1/segments/Loyal/members", "/v1/changes",
         "/v1/segments/Loyal/explain/x", "/v1/changes/stream", "/v1/status"]  # fmt: skip


@pytest.mark.parametrize("path", [*READS, "/v1/personalise?anonymousId=a"])
@pytest.mark.parametrize(
    "key", ["", "Bearer", "Bearer nobody", "Basic %%%", "Basic " + base64.b64encode(b"\xff\xfe:").decode(), "Digest x"]
)
def test_without_a_good_key_nothing_is_told(api: Client, path: str, key: str) -> None:
    answer = api.ask(path, {"Authorization": key} if key else {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="shoal"'


@pytest.mark.parametrize("path", READS)
def test_a_write_key_reads_nothing(api: Client, path: str) -> None:
    answer = api.ask(path, {"Authorization": "Bearer shoal_write_1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("key", ["Bearer shoal_admin_1", "bearer shoal_read_1"])
def test_readers_read(api: Client, key: str) -> None:
    assert api.ask("/v1/status", {"Authorization": key}).status_code == 200


def test_a_key_may_be_a_basic_user_name(api: Client) -> None:
    basic = base64.b64encode(b"shoal_read_1:").decode()
    assert api.get("/v1/status", {"Authorization": f"Basic {basic}"})["ready"] is True


def test_a_key_that_asks_too_much_waits_and_no_other_with_it() -> None:
    now = [0.0]
    api = Client(limits=Limits(rate=0.5, burst=2), clock=lambda: now[0])
    assert [api.ask("/v1/status").status_code for _ in range(3)] == [200, 200, 429]
    answer = api.ask("/v1/status")
    assert (answer.headers["Retry-After"], answer.json()["error"]["code"]) == ("2", "too_many_requests")
    assert api.ask("/v1/status", {"Authorization": "Bearer shoal_admin_1"}).status_code == 200
    now[0] += 2
    assert api.ask("/v1/status").status_code == 200


def test_one_visitor_that_asks_too_much_holds_up_no_other() -> None:
    limits = Limits(visitor_rate=0.1, visitor_burst=1, address_rate=0.1, address_burst=4)
    api, write = Client(limits=limits, clock=lambda: 0.0), {"Authorization": "Bearer shoal_write_1"}

    def status(visitor: str, address: str) -> int:
        return api.ask(f"/v1/personalise?anonymousId={visitor}", write, address=address).status_code

    asked = [("a", "10.0.0.1"), ("a", "10.0.0.1"), ("b", "10.0.0.1"), ("a", "10.0.0.2")]
    assert [status(*one) for one in asked] == [200, 429, 200, 200]
    assert [status(visitor, "10.0.0.1") for visitor in "cde"] == [200, 429, 429]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(Busy("a run holds it. Remedy: wait"), 503, "busy"), (StoreError("damaged. Remedy: mend"), 503, "store_error")],
)
def test_what_cannot_be_answered_now_is_503(error: Exception, status: int, code: str) -> None:
    api = Client(_failing(error))
    for path in ("/v1/profiles/x", "/v1/segments", "/v1/status", "/v1/personalise?anonymousId=x"):
        assert api.error(path) == (status, code)
    assert api.ask("/v1/status").headers.get("Retry-After") == ("1" if isinstance(error, Busy) else None)


def test_a_fault_is_told_without_its_text_and_logged_by_its_place(caplog: pytest.LogCaptureFixture) -> None:
    api = Client(_failing(KeyError("ada@example.org")))
    with caplog.at_level(logging.ERROR):
        answer = api.ask("/v1/profiles/ada@example.org")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "fault")
    assert "ada" not in answer.text + caplog.text
    assert "KeyError at test_api.py" in caplog.text


def _failing(error: Exception) -> Any:
    class Failing:
        def __getattr__(self, name: str) -> Any:
            def fail(*_: Any) -> Any:
                raise error

            return fail

    return Failing()


def test_what_is_not_a_number_becomes_null() -> None:
    view = shop()
    view.people[ADA]["features"] = {"a": float("nan"), "b": float("inf"), "c": 1}
    assert Client(view).get(f"/v1/profiles/{ADA}")["features"] == {"a": None, "b": None, "c": 1}


def test_answers_are_kept_by_nobody_and_open_to_no_website(api: Client) -> None:
    answer = api.ask("/v1/status", {**READ, "Origin": "https://shop.example"})
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_document_names_every_route_with_examples(api: Client) -> None:
    told = api.get("/v1/openapi.json", {})
    assert set(told["paths"]) == {
        "/v1/profiles/{id}", "/v1/segments", "/v1/segments/{name}", "/v1/segments/{name}/members",
        "/v1/segments/{name}/explain/{id}", "/v1/changes", "/v1/changes/stream", "/v1/status", "/v1/personalise",
    }  # fmt: skip
    for path, methods in told["paths"].items():
        assert {"200", "401", "422", "429", "503"} <= set(methods["get"]["responses"]), path
    schemas = told["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    assert schemas["Profile"]["examples"][0]["profile_id"]
