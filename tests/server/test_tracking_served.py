"""The tracking API behind a real server: clients that are slow, leave, lie or say several things at once."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from shoal.server.wire import Limits
from tracked import KEY, MemoryLog, Shoal, tracking

BODY = json.dumps({"type": "track", "event": "e", "userId": "u1"}).encode()
HEAD = b"POST /v1/track HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + base64.b64encode(f"{KEY}:".encode()) + b"\r\n"


@pytest.fixture
def shoal() -> Iterator[Shoal]:
    with tracking() as found:
        yield found


@pytest.fixture
def hasty() -> Iterator[Shoal]:
    """One that waits no longer than a second for a body."""
    with tracking(limits=Limits(seconds=1)) as found:
        yield found


def talk(shoal: Shoal, *pieces: bytes, half_close: bool = False) -> bytes:
    """Everything the server says to these bytes, until it or we close."""
    host, port = shoal.host.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        for piece in pieces:
            line.sendall(piece)
        if half_close:
            line.shutdown(socket.SHUT_WR)
        said = b""
        while piece := line.recv(65536):
            said += piece
        return said


def length(body: bytes, told: int | None = None) -> bytes:
    return b"Content-Length: %d\r\n" % (len(body) if told is None else told)


def test_events_arrive_over_a_real_connection_that_stays_open(shoal: Shoal) -> None:
    with httpx.Client(base_url=shoal.url, auth=(KEY, "")) as client:
        answers = [client.post("/v1/track", content=BODY).json() for _ in range(3)]
    assert answers == [{"success": True}] * 3
    assert len(shoal.entries) == 3


def test_requests_sent_in_one_go_are_answered_in_order(shoal: Shoal) -> None:
    one = HEAD + length(BODY) + b"\r\n" + BODY
    last = HEAD + length(BODY) + b"Connection: close\r\n\r\n" + BODY
    assert talk(shoal, one + one + last).count(b"HTTP/1.1 200") == 3
    assert len(shoal.entries) == 3


def test_a_chunked_body_is_taken(shoal: Shoal) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (1, bytes([byte])) for byte in BODY) + b"0\r\n\r\n"
    said = talk(shoal, HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n", chunks)
    assert b"200 OK" in said
    assert shoal.entries[0]["body"]["userId"] == "u1"


def test_a_body_shorter_than_told_is_given_up_and_never_kept(hasty: Shoal) -> None:
    said = talk(hasty, HEAD + length(BODY, len(BODY) + 10) + b"\r\n" + BODY)
    assert said.startswith(b"HTTP/1.1 408")
    assert b'"code":"too_slow"' in said
    assert hasty.log.entries == []


def test_a_body_longer_than_told_is_cut_where_it_was_told(shoal: Shoal) -> None:
    said = talk(shoal, HEAD + length(BODY, len(BODY) - 5) + b"\r\n" + BODY)
    assert said.startswith(b"HTTP/1.1 400")
    assert shoal.log.entries == []


def test_a_client_that_leaves_in_the_middle_leaves_nothing(shoal: Shoal) -> None:
    host, port = shoal.host.split(":")
    for _ in range(20):
        with socket.create_connection((host, int(port))) as line:
            line.sendall(HEAD + length(BODY) + b"\r\n" + BODY[:10])
    assert talk(shoal, HEAD + length(BODY) + b"Connection: close\r\n\r\n" + BODY).startswith(b"HTTP/1.1 200")
    assert len(shoal.entries) == 1


def test_slow_clients_hold_nobody_up(hasty: Shoal) -> None:
    host, port = hasty.host.split(":")
    slow = [socket.create_connection((host, int(port)), timeout=20) for _ in range(50)]
    try:
        for line in slow:
            line.sendall(HEAD + length(BODY) + b"\r\n" + BODY[:5])
        with httpx.Client(base_url=hasty.url, auth=(KEY, "")) as client:
            assert [client.post("/v1/track", content=BODY).status_code for _ in range(5)] == [200] * 5
        assert all(line.recv(65536).startswith(b"HTTP/1.1 408") for line in slow)
    finally:
        for line in slow:
            line.close()


def test_a_request_that_its_sender_cannot_wait_for_is_kept_all_the_same(shoal: Shoal) -> None:
    shoal.log.gate.clear()
    host, port = shoal.host.split(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(HEAD + length(BODY) + b"\r\n" + BODY)
    shoal.log.gate.set()
    assert len(shoal.wait(1)) == 1


def test_a_sender_of_ten_megabytes_reads_why_not(shoal: Shoal) -> None:
    answer = httpx.post(f"{shoal.url}/v1/track", content=b"x" * 10_000_000, auth=(KEY, ""))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_gigabyte_is_refused_by_its_length_alone(shoal: Shoal) -> None:
    said = talk(shoal, HEAD + length(b"", 1_000_000_000) + b"\r\n" + BODY)
    assert said.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in said.lower()


@pytest.mark.parametrize(
    "head", [b"nonsense\r\n\r\n", HEAD + b"Content-Length: many\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"]
)
def test_what_is_not_http_is_a_400(shoal: Shoal, head: bytes) -> None:
    assert talk(shoal, head, half_close=True).startswith(b"HTTP/1.1 400")


def test_head_is_answered_without_a_body(shoal: Shoal) -> None:
    answer = httpx.head(f"{shoal.url}/v1/track")
    assert (answer.status_code, answer.content) == (405, b"")


def test_a_stop_answers_what_waits_for_the_disk() -> None:
    log, answers = MemoryLog(), []
    with tracking(log=log) as shoal:
        log.gate.clear()
        url = f"{shoal.url}/v1/track"
        sender = threading.Thread(target=lambda: answers.append(httpx.post(url, content=BODY, auth=(KEY, ""))))
        sender.start()
        while not shoal.seen:
            pass
        threading.Timer(0.2, log.gate.set).start()
    sender.join(20)
    assert [answer.status_code for answer in answers] == [200]
    assert len(log.entries) == 1


def test_many_at_once_are_few_appends_and_none_is_lost(shoal: Shoal) -> None:
    async def story() -> list[int]:
        async with httpx.AsyncClient(base_url=shoal.url, auth=(KEY, "")) as client:
            sent = [client.post("/v1/track", json={"event": "e", "userId": f"u{number}"}) for number in range(60)]
            return [answer.status_code for answer in await asyncio.gather(*sent)]

    shoal.log.gate.clear()
    threading.Timer(0.3, shoal.log.gate.set).start()
    assert asyncio.run(story()) == [200] * 60
    assert sorted(message["userId"] for message in shoal.messages) == sorted(f"u{number}" for number in range(60))
    assert len(shoal.log.groups) < 30
