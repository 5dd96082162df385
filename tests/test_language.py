"""The port to a language model, against an endpoint on loopback."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from endpoint import Reply, endpoint
from shoal.errors import LanguageAway, LanguageRefused, SettingsError
from shoal.language import Endpoint, as_json, connect
from shoal.settings import parse

SECRET = "sk-very-secret"


def port(url: str, **more: float) -> Endpoint:
    made = connect(url=url, model="small", key="${KEY}", environment={"KEY": SECRET})
    return replace(made, sleep=lambda _: None, **more)


def test_a_good_answer_is_its_text() -> None:
    with endpoint(Reply("hello")) as server:
        assert port(server.url).ask("be short", "say hello") == "hello"
    (asked,) = server.asked
    assert asked["model"] == "small"
    assert asked["temperature"] == 0
    assert [one["content"] for one in asked["messages"]] == ["be short", "say hello"]
    assert server.paths == ["/v1/chat/completions"]


def test_a_whole_address_is_used_as_it_is() -> None:
    with endpoint(Reply("hello")) as server:
        port(server.url + "/chat/completions").ask("", "")
    assert server.paths == ["/v1/chat/completions"]


def test_the_key_is_sent_and_shown_nowhere() -> None:
    with endpoint(Reply("hello")) as server:
        made = port(server.url)
        made.ask("", "")
    assert server.headers[0]["Authorization"] == f"Bearer {SECRET}"
    assert SECRET not in repr(made)


def test_a_key_that_a_server_repeats_is_hidden() -> None:
    reply = Reply(status=401, body=b'{"error": {"message": "bad key sk-very-secret"}}')
    with endpoint(reply) as server, pytest.raises(LanguageRefused, match=r"401.*\*\*\*") as told:
        port(server.url).ask("", "")
    assert SECRET not in str(told.value)


def test_an_endpoint_without_keys_gets_none() -> None:
    with endpoint(Reply("hello")) as server:
        connect(url=server.url, model="m").ask("", "")
    assert "Authorization" not in server.headers[0]


def test_a_key_that_the_environment_lacks_is_said_by_its_name() -> None:
    with pytest.raises(LanguageRefused, match="no MY_KEY"):
        connect(url="http://localhost:1", model="m", key="${MY_KEY}", environment={})


def test_a_key_with_a_line_break_is_refused_unshown() -> None:
    with pytest.raises(LanguageRefused, match="K in the environment is no key") as told:
        connect(url="http://localhost:1", model="m", key="${K}", environment={"K": "ab\ncd"})
    assert "ab" not in str(told.value)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, LanguageRefused, "key was refused"),
        (403, LanguageRefused, "key was refused"),
        (404, LanguageRefused, "no such endpoint or model"),
        (400, LanguageRefused, "refused the request"),
        (302, LanguageRefused, "refused the request"),
        (500, LanguageAway, "failed"),
    ],
)
def test_a_refusal_says_what_to_do(status: int, kind: type[Exception], words: str) -> None:
    reply = Reply(status=status, body=b"<html>no</html>", headers={"Location": "http://127.0.0.1:9/"})
    with endpoint(reply) as server, pytest.raises(kind, match=words):
        port(server.url).ask("", "")
    assert len(server.asked) == 1


def test_too_many_requests_is_tried_once_more_after_the_time_asked_for() -> None:
    waited: list[float] = []
    with endpoint(Reply(status=429, headers={"Retry-After": "3"}), Reply("hello")) as server:
        assert replace(port(server.url), sleep=waited.append).ask("", "") == "hello"
    assert waited == [3.0]


@pytest.mark.parametrize(("asked", "waits"), [("9999", 10.0), ("soon", 1.0), ("-3", 0.5), ("nan", 1.0)])
def test_no_endpoint_makes_us_wait_for_long(asked: str, waits: float) -> None:
    waited: list[float] = []
    with endpoint(Reply(status=429, headers={"Retry-After": asked}), Reply("hello")) as server:
        replace(port(server.url), sleep=waited.append).ask("", "")
    assert waited == [waits]


def test_too_many_requests_twice_is_said() -> None:
    with endpoint(Reply(status=429)) as server, pytest.raises(LanguageAway, match="twice"):
        port(server.url).ask("", "")
    assert len(server.asked) == 2


def test_an_endpoint_that_is_too_slow_is_left() -> None:
    with endpoint(Reply(hold=True)) as server, pytest.raises(LanguageAway, match=r"within 0\.1 seconds"):
        port(server.url, timeout=0.1).ask("", "")


def test_an_endpoint_that_is_not_there_is_said() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = free.getsockname()[1]
    with pytest.raises(LanguageAway, match="cannot be reached"):
        port(f"http://127.0.0.1:{place}/v1").ask("", "")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "not JSON"),
        (b'{"choices": []}', "no text"),
        (b'{"choices": [{"message": {"content": null}}]}', "no text"),
        (b'{"choices": [{"message": {"content": "  "}}]}', "no text"),
        (b'{"choices": 3}', "no text"),
        (b"[1]", "no text"),
        (b"x" * 1_000_001, "more than 1,000,000 bytes"),
    ],
)
def test_an_answer_that_is_none_is_refused(body: bytes, words: str) -> None:
    with endpoint(Reply(body=body)) as server, pytest.raises(LanguageRefused, match=words):
        port(server.url).ask("", "")


@pytest.mark.parametrize("text", ["", "no", "[1]", "{broken", "}{", '{"a": }'])
def test_a_text_without_an_object_is_no_json(text: str) -> None:
    with pytest.raises(LanguageRefused, match="JSON object"):
        as_json(text)


def test_what_a_model_thinks_aloud_is_no_part_of_its_answer() -> None:
    assert as_json('<think>{"name": "no"}</think>{"name": "yes"}') == {"name": "yes"}


def test_the_settings_take_a_key_by_name_only() -> None:
    given = parse("language: {url: 'http://localhost:1/v1', model: m, key: '${K}'}").language
    assert given is not None
    assert given.key == "${K}"
    for key in ("sk-123", "12345", "'${K} '' x'"):
        with pytest.raises(SettingsError, match="does not stand in a file") as told:
            parse(f"language: {{url: 'http://localhost:1/v1', model: m, key: {key}}}")
        assert "123" not in str(told.value)


@pytest.mark.parametrize("url", ["localhost:1", "ftp://x/v1", "http://me:secret@x/v1", "http://x/v1?key=secret"])
def test_an_address_that_is_none_is_a_fault(url: str) -> None:
    with pytest.raises(SettingsError, match="not an endpoint's address"):
        parse(f"language: {{url: '{url}', model: m}}")


def test_nothing_is_asked_without_the_section() -> None:
    assert parse("{}").language is None
