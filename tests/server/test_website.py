"""What a website may ask with its public key: its visitor's own segments, and the script."""

from __future__ import annotations

import pytest

from .shop import ADA, Client, shop

WRITE = {"Authorization": "Bearer shoal_write_1"}
MINE = "/v1/personalise?anonymousId=anon-1"


@pytest.fixture(scope="module")
def api() -> Client:
    return Client()


def test_a_visitor_learns_the_names_of_released_segments_and_nothing_else(api: Client) -> None:
    assert api.get(MINE, WRITE) == {"segments": ["Loyal"]}


def test_a_setting_names_the_segments_that_visitors_may_learn_of() -> None:
    assert Client(public_segments=["Trial", "Other"]).get(MINE, WRITE) == {"segments": ["Trial"]}
    assert Client(public_segments=["Other"]).get(MINE, WRITE) == {"segments": []}


@pytest.mark.parametrize("who", ["nobody", ADA, "ada@example.org", "email:ada@example.org", "anonymous_id:anon-1"])
def test_nobody_is_found_by_anything_but_an_anonymous_id(api: Client, who: str) -> None:
    assert api.get(f"/v1/personalise?anonymousId={who}", WRITE) == {"segments": []}


def test_the_key_may_stand_in_the_address(api: Client) -> None:
    assert api.get(f"{MINE}&writeKey=shoal_write_1", {}) == {"segments": ["Loyal"]}
    assert api.error(f"{MINE}&writeKey=other", {})[0] == 401
    assert api.error("/v1/status?writeKey=shoal_read_1", {})[0] == 401


@pytest.mark.parametrize("query", ["", "?anonymousId=", "?anonymousId=" + "x" * 256])
def test_a_visitor_without_an_id_is_refused(api: Client, query: str) -> None:
    assert api.error(f"/v1/personalise{query}", WRITE) == (422, "invalid")


@pytest.mark.parametrize(("path", "status"), [(MINE, 200), ("/v1/personalise", 401), ("/shoal.js", 200)])
def test_scripts_of_any_website_may_read_it_refusals_too(api: Client, path: str, status: int) -> None:
    answer = api.ask(path, WRITE if status == 200 else {})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, "*")
    assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After"


def test_a_browser_that_asks_first_may_send_its_key(api: Client) -> None:
    answer = api.ask(MINE, {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}, "OPTIONS")
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization"


def test_the_script_is_small_and_kept_by_browsers(api: Client) -> None:
    answer = api.ask("/shoal.js", {})
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "max-age=3600" in answer.headers["Cache-Control"]
    assert len(answer.content) < 3_000
    again = api.ask("/shoal.js", {"If-None-Match": f"W/{answer.headers['ETag']}"})
    assert (again.status_code, again.content) == (304, b"")


def test_who_left_is_not_in_it_any_more() -> None:
    view = shop()
    api = Client(view)
    assert api.get(MINE, WRITE) == {"segments": ["Loyal"]}
    view.leave("Loyal", ADA)
    assert api.get(MINE, WRITE) == {"segments": []}
