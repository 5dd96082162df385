"""The tracking API: what it takes, what it keeps, what it answers."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from asgi import Answer, ask, asked
from shoal.errors import Busy, NoRoom, StorageError
from shoal.live.counters import Counters
from shoal.server.tracking import ROUTES, Tracking, tracking_app
from shoal.server.wire import Limits
from tracked import KEY, OTHER_KEY, READER, REVOKED, ROLES, MemoryLog

NOW = 1_700_000_000_000_000
BUY = {"type": "track", "event": "Order Completed", "userId": "u1", "messageId": "m1"}


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


class Shoal:
    """The app over a log in memory, and a short way to post to it."""

    def __init__(self, **options: Any) -> None:
        self.log, self.counters = MemoryLog(), Counters()
        self.app: Tracking = tracking_app(self.log, ROLES.get, clock=lambda: NOW, counters=self.counters, **options)

    def post(self, body: Any, path: str = "/v1/batch", headers: dict[str, str] | None = None) -> Answer:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return ask(self.app, "POST", path, sent, headers={**basic(KEY), **(headers or {})})

    def batch(self, *messages: Any) -> Answer:
        return self.post({"batch": list(messages)})

    @property
    def entries(self) -> list[Any]:
        return [json.loads(entry) for entry in self.log.entries]


@pytest.fixture
def shoal() -> Shoal:
    return Shoal()


# What is kept


def test_an_entry_is_the_body_as_it_was_sent_and_what_only_the_request_knew(shoal: Shoal) -> None:
    body = b'{ "event":"Order Completed", "userId":"u1","total": 1.10 }'
    assert shoal.post(body, "/v1/track", {"SentAt": "2024-01-02T03:04:05.000Z"}).json == {"success": True}
    assert shoal.log.entries == [
        b'{"receivedAt":1700000000000000,"type":"track","sentAt":"2024-01-02T03:04:05.000Z","historical":false,"body":'
        + body
        + b"}"
    ]


def test_a_batch_is_one_entry_without_a_type_of_its_own(shoal: Shoal) -> None:
    assert shoal.batch(BUY, {**BUY, "messageId": "m2"}).status == 200
    (entry,) = shoal.entries
    assert (entry["type"], entry["sentAt"], entry["historical"]) == (None, None, False)
    assert [message["messageId"] for message in entry["body"]["batch"]] == ["m1", "m2"]


def test_an_import_is_marked_as_historical(shoal: Shoal) -> None:
    shoal.post({"batch": [BUY]}, "/v1/import")
    assert shoal.entries[0]["historical"] is True


def test_a_sent_at_header_cannot_break_out_of_its_entry(shoal: Shoal) -> None:
    shoal.post(BUY, "/v1/track", {"SentAt": '","x":"\\' + "y" * 100})
    (entry,) = shoal.entries
    assert entry["sentAt"].startswith('","x":"\\y')
    assert len(entry["sentAt"]) == 64
    assert "x" not in entry


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        *((f"/v1/{name}", name) for name in ("track", "identify", "page", "screen", "group", "alias")),
        *((f"/v1/{name[0]}", name) for name in ("track", "identify", "page", "screen", "group", "alias")),
    ],
)
@pytest.mark.parametrize("written", ["{}", "{}/", "/{}", "{}//"])
def test_every_call_has_a_long_and_a_short_path_with_any_slashes(
    shoal: Shoal, path: str, kind: str, written: str
) -> None:
    message = {"userId": "u1", "event": "e", "previousId": "u0", "groupId": "g"}
    assert shoal.post(message, written.format(path)).status == 200
    assert shoal.entries[0]["type"] == kind


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch", "/v1/batch/", "//v1/b/"])
def test_every_path_of_a_batch_takes_it(shoal: Shoal, path: str) -> None:
    assert shoal.post({"batch": [BUY]}, path).status == 200
    assert len(shoal.entries) == 1


def test_one_message_alone_is_taken_where_batches_are(shoal: Shoal) -> None:
    assert shoal.post(BUY).status == 200
    assert shoal.entries[0]["body"] == BUY


def test_figures_that_an_sdk_sends_about_itself_are_swallowed_without_a_key(shoal: Shoal) -> None:
    assert ask(shoal.app, "POST", "/v1/m", b'{"series": []}').json == {"success": True}
    assert shoal.log.entries == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/json", "", "x/y"])
def test_bytes_decide_and_not_the_content_type(shoal: Shoal, kind: str) -> None:
    assert shoal.post(BUY, "/v1/track", {"Content-Type": kind}).status == 200


# Who may send


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
def test_the_key_is_taken_from_each_of_its_places(shoal: Shoal, key: str) -> None:
    body = json.dumps(BUY).encode()
    keyed = json.dumps({**BUY, "writeKey": key}).encode()
    batch = json.dumps({"batch": [BUY], "writeKey": key}).encode()
    answers = [
        ask(shoal.app, "POST", "/v1/track", body, headers=basic(key)),
        ask(shoal.app, "POST", "/v1/track", body, headers={"Authorization": f"Bearer {key}"}),
        ask(shoal.app, "POST", "/v1/t", keyed),
        ask(shoal.app, "POST", "/v1/b", batch, headers=basic("")),
        ask(shoal.app, "POST", f"/beacon/v1/batch?writeKey={key}&x=1", body),
    ]
    assert [answer.status for answer in answers] == [200] * 5
    assert len(shoal.entries) == 5


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "no_key"),
        (basic(REVOKED), 401, "unknown_key"),
        (basic("nonsense"), 401, "unknown_key"),
        ({"Authorization": "Basic %%%"}, 401, "unknown_key"),
        ({"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:").decode()}, 401, "unknown_key"),
        ({"Authorization": "Digest x"}, 401, "no_key"),
        (basic(READER), 403, "wrong_role"),
    ],
)
@pytest.mark.parametrize("in_body", [False, True])
def test_a_key_that_may_not_write_is_refused_with_a_reason(
    shoal: Shoal, headers: dict[str, str], status: int, code: str, in_body: bool
) -> None:
    message: dict[str, Any] = dict(BUY)
    if in_body and headers.get("Authorization", "").startswith("Basic c"):
        message["writeKey"] = base64.b64decode(headers["Authorization"][6:]).decode()[:-1]
        headers = {}
    answer = ask(shoal.app, "POST", "/v1/track", json.dumps(message).encode(), headers=headers)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.json["message"]
    assert shoal.log.entries == []


@pytest.mark.parametrize("key", [7, None, {"a": 1}, ""])
def test_a_key_in_the_body_that_is_no_text_is_no_key(shoal: Shoal, key: Any) -> None:
    answer = ask(shoal.app, "POST", "/v1/track", json.dumps({**BUY, "writeKey": key}).encode())
    assert (answer.status, answer.json["code"]) == (401, "no_key")


def test_no_answer_makes_a_browser_ask_for_a_password(shoal: Shoal) -> None:
    assert "www-authenticate" not in ask(shoal.app, "POST", "/v1/track", b"{}").headers


# Cross-origin


def test_a_preflight_allows_what_was_asked_for(shoal: Shoal) -> None:
    asked_for = "anonymousid,authorization,content-type,rsa-retry-attempt,sentat,x-retry-count"
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Headers": asked_for}
    answer = ask(shoal.app, "OPTIONS", "/v1/t", headers=headers)
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-allow-headers"] == asked_for
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert int(answer.headers["access-control-max-age"]) > 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", f"/v1/t?writeKey={KEY}", json.dumps(BUY).encode(), 200),
        ("POST", f"/v1/t?writeKey={KEY}", b"{", 400),
        ("POST", "/v1/t", b"{}", 401),
        ("POST", f"/v1/t?writeKey={READER}", b"{}", 403),
        ("GET", "/v1/t", b"", 405),
        ("POST", f"/v1/t?writeKey={KEY}", b"x" * 5_000_000, 413),
        ("POST", "/v1/nothing", b"", 404),
        ("GET", f"/v1/projects/{KEY}/settings", b"", 200),
    ],
)
def test_every_answer_can_be_read_by_the_page_errors_too(
    shoal: Shoal, method: str, path: str, body: bytes, status: int
) -> None:
    answer = ask(shoal.app, method, path, body, headers={"Origin": "https://shop.example"})
    assert answer.status == status
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert answer.headers["access-control-expose-headers"] == "Retry-After"


def test_an_answer_to_nobodys_page_is_open_to_all(shoal: Shoal) -> None:
    assert ask(shoal.app, "GET", "/v1/t").headers["access-control-allow-origin"] == "*"


# Bodies


def test_gzip_is_unpacked_also_when_it_is_in_parts_or_unannounced(shoal: Shoal) -> None:
    packed = gzip.compress(json.dumps(BUY).encode())
    parts = gzip.compress(b'{"event":"e",') + gzip.compress(b'"userId":"u"}')
    assert shoal.post(packed, "/v1/track", {"Content-Encoding": "gzip"}).status == 200
    assert shoal.post(packed, "/v1/track").status == 200
    assert shoal.post(parts, "/v1/track", {"Content-Encoding": "gzip"}).status == 200
    assert shoal.post(BUY, "/v1/track", {"Content-Encoding": "gzip"}).status == 200  # a proxy has unpacked it
    assert shoal.entries[0]["body"] == shoal.entries[1]["body"] == shoal.entries[3]["body"] == BUY


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(shoal: Shoal, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(b" " * 50_000_000, compresslevel=9)
    unpacked: list[int] = []
    real = zlib.decompressobj

    class Counting:
        def __init__(self, wbits: int) -> None:
            self._real = real(wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            piece = self._real.decompress(data, most)
            unpacked.append(len(piece))
            return piece

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    answer = shoal.post(bomb, "/v1/batch", {"Content-Encoding": "gzip"})
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    assert sum(unpacked) == Limits().body + 1


@pytest.mark.parametrize("packed", [gzip.compress(b"{}")[:-5], b"\x1f\x8bnonsense", gzip.compress(b"{}") + b"\x1f\x8b"])
def test_gzip_that_is_broken_is_refused(shoal: Shoal, packed: bytes) -> None:
    answer = shoal.post(packed, "/v1/batch", {"Content-Encoding": "gzip"})
    assert (answer.status, answer.json["code"]) == (400, "broken_gzip")


def test_another_encoding_is_refused_by_name(shoal: Shoal) -> None:
    answer = shoal.post(BUY, "/v1/track", {"Content-Encoding": "br"})
    assert (answer.status, answer.json["code"]) == (415, "unknown_encoding")
    assert "'br'" in answer.json["message"]


@pytest.mark.parametrize(
    "body",
    [b"", b"  \n", b"{", b"{} x", b"[]", b"7", b'"text"', b"null", b'{"batch": 7}', b'{"batch": {}}', b"data=e30",
     b'{"userId": "\xff", "event": "e"}', b'{"userId": "\xed\xa0\x80"}', b'{"a":01}', b'{"a": NaN', b"\x00",
     b'{"a":' * 1_000 + b"1" + b"}" * 1_000, b"[" * 100_000, b'{"batch":[{"a":' + b"[" * 5_000],
)  # fmt: skip
def test_a_body_that_is_no_message_is_a_clear_400(shoal: Shoal, body: bytes) -> None:
    answer = shoal.post(body)
    assert answer.status == 400
    assert answer.json["success"] is False
    assert "body" in answer.json["message"]
    assert shoal.log.entries == []


@pytest.mark.parametrize("half", [b"\\ud800", b"\\udc00", b"\\uD83D\\u0041"])
@pytest.mark.parametrize("place", ["userId", "event", "other"])
def test_half_of_a_surrogate_pair_is_a_400(shoal: Shoal, half: bytes, place: str) -> None:
    body = b'{"userId":"u","event":"e","%s":"%s"}' % (place.encode(), half)
    answer = shoal.post(body, "/v1/track")
    assert (answer.status, answer.json["code"]) == (400, "malformed")


@pytest.mark.parametrize("depth", [600, 900, 980, 1_000, 20_000])
def test_a_message_nested_too_deep_is_a_400(shoal: Shoal, depth: int) -> None:
    deep = b'{"userId":"u","event":"e","properties":{"a":' + b"[" * depth + b"]" * depth + b"}}"
    answer = shoal.post(deep, "/v1/track")
    assert answer.status == 400
    assert "deeper than 500" in answer.json["message"] or "bytes, the most is" in answer.json["message"]


def test_brackets_in_texts_and_side_by_side_are_not_depth(shoal: Shoal) -> None:
    message = {**BUY, "properties": {"a": "[" * 2_000 + '"\\', "b": [[]] * 2_000}}
    assert shoal.post(message, "/v1/track").status == 200


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_nan_and_infinity_become_null_and_cost_no_neighbour(shoal: Shoal, number: bytes) -> None:
    body = (
        b'{"batch":[{"type":"track","event":"NaN \\ud83d\\ude00","userId":"u","properties":{"total":%s,"big":1e999}},'
    )
    body = body % number + json.dumps(BUY).encode() + b"]}"
    assert shoal.post(body).json == {"success": True}
    first, second = shoal.entries[0]["body"]["batch"]
    assert first["properties"] == {"total": None, "big": None}
    assert first["event"] == "NaN \N{GRINNING FACE}"
    assert second == BUY


# Messages


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"userId": None}, "userId and anonymousId are missing"),
        ({"userId": "", "anonymousId": ""}, "userId and anonymousId are missing"),
        ({"userId": {"id": 1}}, "userId is an object"),
        ({"userId": ["u"]}, "userId is a list"),
        ({"userId": True}, "userId is true"),
        ({"anonymousId": {}}, "anonymousId is an object"),
        ({"type": "click"}, "type is 'click'"),
        ({"type": None}, "type is missing"),
        ({"type": 7}, "type is a number"),
        ({"event": None}, "event is missing"),
        ({"event": ""}, "event is missing"),
        ({"event": 7}, "event is a number"),
        ({"properties": {"a": "x" * 33_000}}, "bytes, the most is 32,768"),
    ],
)
def test_a_bad_message_is_named_and_its_neighbours_are_kept(shoal: Shoal, change: dict[str, Any], reason: str) -> None:
    answer = shoal.batch(BUY, {**BUY, "messageId": "bad", **change}, {**BUY, "messageId": "m3"})
    assert answer.status == 200
    (rejected,) = answer.json["rejected"]
    assert reason in rejected["reason"]
    assert rejected["index"] == 1
    assert rejected["messageId"] == "bad"
    assert len(shoal.entries[0]["body"]["batch"]) == 3  # the log has the whole body: the worker quarantines the bad one
    assert (shoal.counters.accepted, shoal.counters.rejected) == (2, 1)


@pytest.mark.parametrize(("message", "what"), [(7, "a number"), ("x", "text"), (None, "missing"), ([BUY], "a list")])
def test_what_is_no_message_in_a_batch_is_named_by_its_place(shoal: Shoal, message: Any, what: str) -> None:
    answer = shoal.batch(BUY, message)
    assert answer.json["rejected"][0]["index"] == 1
    assert what in answer.json["rejected"][0]["reason"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'"a":' + b"[" * 5_000 + b"]" * 5_000, "nested deeper than 500 levels"),
        (b'"a":' + b'{"a":' * 1_000 + b"1" + b"}" * 1_000, "nested deeper than 500 levels"),
        (b'"a":"\\ud83d"', "half of a surrogate pair"),
        (b'"a":"\\uDC00 x"', "half of a surrogate pair"),
        (b'"a":NaN,"b":"\\ud83d"', "half of a surrogate pair"),
        (b'"a":"\xff"', "not JSON in UTF-8"),
        (b'"a":"\xed\xa0\x80"', "not JSON in UTF-8"),
        (b'"a":tru', "not JSON in UTF-8"),
    ],
)
def test_a_message_that_spoils_its_batch_costs_no_neighbour_and_is_kept_as_text(
    shoal: Shoal, bad: bytes, reason: str
) -> None:
    buy = json.dumps(BUY).encode()
    body = b'{"sentAt":"x]","batch" : [' + buy + b',{"messageId":"bad",' + bad + b"}, " + buy + b'],"writeKey":"k"}'
    answer = shoal.post(body)
    assert answer.status == 200
    (rejected,) = answer.json["rejected"]
    assert (rejected["index"], rejected["messageId"]) == (1, "bad")
    assert reason in rejected["reason"]
    first, text, last = shoal.entries[0]["body"]["batch"]
    assert first == last == BUY
    assert text.startswith('{"messageId":"bad"')


def test_a_message_too_deep_that_can_still_be_read_costs_no_neighbour(shoal: Shoal) -> None:
    buy = json.dumps(BUY).encode()
    answer = shoal.post(b'{"batch":[%s,{"messageId":"deep","a":%s}]}' % (buy, b"[" * 600 + b"]" * 600))
    assert answer.status == 200
    assert answer.json["rejected"] == [
        {"index": 1, "messageId": "deep", "reason": "the event is nested deeper than 500 levels"}
    ]


def test_when_no_message_is_good_the_answer_is_400_with_all_reasons_and_nothing_is_kept(shoal: Shoal) -> None:
    answer = shoal.batch({**BUY, "userId": {}}, {**BUY, "type": "x"})
    assert answer.status == 400
    assert len(answer.json["rejected"]) == 2
    assert "userId is an object" in answer.json["message"]
    assert shoal.log.entries == []


@pytest.mark.parametrize(
    "change",
    [
        {"userId": 42},
        {"userId": 1.5},
        {"userId": "", "anonymousId": "a"},
        {"messageId": None},
        {"messageId": 7},
        {"messageId": {}},
        {"type": "alias", "userId": None, "previousId": "u0"},
        {"context": None, "integrations": {"All": False}},
        {"properties": {"a": "\N{GRINNING FACE}", "path": "C:\\udata"}},
        {"type": "group", "event": None},
    ],
)
def test_what_sdks_really_send_is_accepted(shoal: Shoal, change: dict[str, Any]) -> None:
    assert shoal.batch({**BUY, **change}).json == {"success": True}


def test_a_batch_of_too_many_is_refused_whole_and_one_of_the_most_is_taken(shoal: Shoal) -> None:
    assert shoal.batch(*[BUY] * 2_500).status == 200
    answer = shoal.batch(*[BUY] * 2_501)
    assert (answer.status, answer.json["code"]) == (413, "too_many")


def test_an_empty_batch_is_accepted_and_is_nothing(shoal: Shoal) -> None:
    assert shoal.batch().json == {"success": True}
    assert shoal.log.entries == []


def test_a_batch_of_four_megabytes_is_taken(shoal: Shoal) -> None:
    assert shoal.batch(*[{**BUY, "properties": {"a": "x" * 30_000}}] * 135).status == 200


# When it cannot be kept


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NoRoom("full"), 503, "no_room"),
        (StorageError("read-only"), 503, "unavailable"),
        (Busy("locked"), 429, "busy"),
        (RuntimeError("a bug"), 503, "unavailable"),
    ],
)
def test_what_is_not_on_disk_is_never_acknowledged(shoal: Shoal, error: Exception, status: int, code: str) -> None:
    shoal.log.errors = [error]
    answer = shoal.batch(BUY)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert int(answer.headers["retry-after"]) > 0
    assert shoal.counters.accepted == 0
    assert shoal.batch(BUY).status == 200
    assert len(shoal.entries) == 1


def test_under_pressure_the_answer_is_429_and_nobody_else_is_hurt() -> None:
    shoal = Shoal(limits=Limits(held=1_000))
    shoal.log.gate.clear()
    body = json.dumps({**BUY, "properties": {"a": "x" * 500}}).encode()

    async def story() -> tuple[Answer, Answer, Answer]:
        first = asyncio.create_task(asked(shoal.app, "POST", "/v1/track", [body], basic(KEY)))
        await asyncio.sleep(0.01)
        pressed = await asked(shoal.app, "POST", "/v1/track", [body], basic(KEY))
        shoal.log.gate.set()
        return pressed, await first, await asked(shoal.app, "POST", "/v1/track", [body], basic(KEY))

    pressed, first, later = asyncio.run(story())
    assert (pressed.status, first.status, later.status) == (429, 200, 200)
    assert pressed.headers["retry-after"] == "1"
    assert len(shoal.entries) == 2


def test_keys_that_cannot_be_looked_up_are_a_503_and_not_a_401() -> None:
    def broken(key: str) -> str | None:
        raise StorageError("the store is away")

    app = tracking_app(MemoryLog(), broken)
    assert ask(app, "POST", "/v1/track", json.dumps(BUY).encode(), headers=basic(KEY)).status == 503


def test_bodies_in_pieces_are_put_together_and_bounded_over_all_requests() -> None:
    shoal = Shoal(limits=Limits(held=1_000))
    body = json.dumps(BUY).encode()
    pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
    assert asyncio.run(asked(shoal.app, "POST", "/v1/track", pieces, basic(KEY))).status == 200

    async def story() -> list[int]:
        slow = [asked(shoal.app, "POST", "/v1/track", [b"x" * 400, b"x"], basic(KEY)) for _ in range(2)]
        many = [asked(shoal.app, "POST", "/v1/track", [b"x" * 1_100, b"x"], basic(KEY))]
        return [answer.status for answer in await asyncio.gather(*slow, *many)]

    assert asyncio.run(story()) == [400, 400, 429]
    assert shoal.app.receiving == 0


def test_of_a_body_too_large_no_more_than_a_bound_is_read() -> None:
    shoal = Shoal(limits=Limits(body=1_000, drained=5_000))

    def sizes(count: int) -> list[bytes]:
        return [b"x" * 600] * count

    inside = asyncio.run(asked(shoal.app, "POST", "/v1/track", sizes(5), basic(KEY)))
    beyond = asyncio.run(asked(shoal.app, "POST", "/v1/track", sizes(50), basic(KEY)))
    told = asyncio.run(asked(shoal.app, "POST", "/v1/track", [], {**basic(KEY), "Content-Length": "6000"}))
    assert [answer.status for answer in (inside, beyond, told)] == [413] * 3
    assert ["connection" in answer.headers for answer in (inside, beyond, told)] == [False, True, True]


def test_a_body_that_never_arrives_is_given_up() -> None:
    shoal = Shoal(limits=Limits(seconds=0.01))
    answer = asyncio.run(asked(shoal.app, "POST", "/v1/track", [], basic(KEY)))
    assert (answer.status, answer.json["code"], answer.headers["connection"]) == (408, "too_slow", "close")


@pytest.mark.parametrize("pieces", [[None], [b'{"userId":', None]])
def test_a_client_that_goes_away_leaves_nothing_behind(shoal: Shoal, pieces: list[bytes | None]) -> None:
    answer = asyncio.run(asked(shoal.app, "POST", "/v1/track", pieces, basic(KEY)))
    assert answer.status == 0
    assert shoal.log.entries == []
    assert shoal.counters.requests == {499: 1}


# Around it


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", sorted(path for path, route in ROUTES.items() if route.serves == "messages"))
def test_another_method_on_a_path_of_messages_is_405(shoal: Shoal, method: str, path: str) -> None:
    answer = ask(shoal.app, method, path, headers=basic(KEY))
    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/events", "/v1/batch/x", "/v1/projects/settings", "/x/projects/k/settings"]
)
def test_an_unknown_path_is_404_in_json(shoal: Shoal, path: str) -> None:
    answer = ask(shoal.app, "POST", path, headers=basic(KEY))
    assert (answer.status, answer.json["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/v1/projects/{}/settings", "/projects/{}/settings", "/v1/projects/{}/settings/"])
def test_the_browsers_settings_send_it_back_to_where_they_came_from(shoal: Shoal, path: str) -> None:
    answer = ask(shoal.app, "GET", path.format(KEY), headers={"Host": "shoal.example:8080"})
    assert answer.status == 200
    assert answer.json["integrations"]["Segment.io"] == {
        "apiKey": KEY,
        "apiHost": "shoal.example:8080/v1",
        "protocol": "http",
        "type": "browser",
        "unbundledIntegrations": [],
        "addBundledMetadata": False,
        "maybeBundledConfigIds": {},
    }
    assert ask(shoal.app, "GET", path.format("nobody")).status == 401
    assert ask(shoal.app, "GET", path.format(READER)).status == 403


@pytest.mark.parametrize("path", ["/sourceConfig", "/sourceConfig/"])
def test_the_configuration_of_rudders_browser_sdk_loads_nothing_else(shoal: Shoal, path: str) -> None:
    answer = ask(shoal.app, "GET", f"{path}?p=npm&v=3&writeKey={KEY}")
    assert answer.status == 200
    source = answer.json["source"]
    assert (source["enabled"], source["destinations"], source["writeKey"]) == (True, [], KEY)
    assert ask(shoal.app, "GET", path).status == 401


def test_other_paths_go_to_the_app_behind_and_so_do_start_and_stop() -> None:
    seen: list[str] = []

    async def behind(scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] == "lifespan":
            while True:
                kind = (await receive())["type"]
                seen.append(kind)
                await send({"type": f"{kind}.complete"})
                if kind == "lifespan.shutdown":
                    return
        seen.append(scope["path"])
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    shoal = Shoal(fallback=behind)
    assert ask(shoal.app, "GET", "/v1/profiles/u1").status == 418
    assert shoal.batch(BUY).status == 200
    assert life(shoal.app) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert seen == ["/v1/profiles/u1", "lifespan.startup", "lifespan.shutdown"]


def life(app: Any) -> list[str]:
    """The app started and stopped: what it said."""
    told, said = ["lifespan.startup", "lifespan.shutdown"], []

    async def receive() -> dict[str, str]:
        return {"type": told.pop(0)}

    async def send(message: dict[str, str]) -> None:
        said.append(message["type"])

    asyncio.run(app({"type": "lifespan"}, receive, send))
    return said


def test_after_the_stop_nothing_is_acknowledged(shoal: Shoal) -> None:
    assert life(shoal.app) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert shoal.batch(BUY).status == 429
    assert shoal.log.entries == []


def test_what_happened_is_counted(shoal: Shoal) -> None:
    shoal.batch(BUY, BUY, {})
    shoal.post(b"{")
    ask(shoal.app, "GET", "/v1/t")
    counted = shoal.counters
    assert (counted.accepted, counted.rejected, counted.groups, counted.waits.count) == (2, 1, 1, 1)
    assert counted.requests == {200: 1, 400: 1, 405: 1}
    assert counted.received_bytes == 1 + len(json.dumps({"batch": [BUY, BUY, {}]}))
