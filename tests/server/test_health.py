"""Health, readiness and numbers, asked without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from shoal.errors import NoRoom
from shoal.server.board import Board
from shoal.server.health import Checks, Front, Watched, lagging
from shoal.server.metrics import Numbers

LOCAL = ("127.0.0.1", 5)


class _Log:
    full = False

    def append(self, entries: Sequence[bytes]) -> int:
        if self.full:
            raise NoRoom("the disk is full")
        return 7

    def read(self, after: int, most: int = 1_000) -> list[tuple[int, bytes]]:
        return []

    def last(self) -> int:
        return 7

    def close(self) -> None:
        return


async def _fails(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("ada@example.com")


def _front(folder: Path, log: Watched, numbers: Numbers, board: Board | None = None, state: Any = None) -> Front:
    checks = Checks(folder, board or Board.make(2), log, state)
    return Front(_fails, checks, numbers, "http-0", lambda key: key == "read-key")


def _ask(front: Front, path: str, client: tuple[str, int] = LOCAL, method: str = "GET", **headers: str) -> Any:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    listed = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": path, "method": method, "headers": listed, "client": client}
    asyncio.run(front(scope, lambda: None, send))  # type: ignore[arg-type, return-value]
    return sent[0]["status"], sent[1]["body"].decode()


def test_a_refused_write_makes_it_not_ready_for_some_seconds(tmp_path: Path) -> None:
    now = [0.0]
    numbers, inner = Numbers(), _Log()
    log = Watched(inner, numbers, lambda: now[0])
    front = _front(tmp_path, log, numbers)
    assert _ask(front, "/ready")[0] == 200
    inner.full = True
    with pytest.raises(NoRoom):
        log.append([b"x"])
    status, body = _ask(front, "/ready")
    assert status == 503
    assert json.loads(body)["reasons"] == [{"check": "log", "what": "the log refused the last write"}]
    now[0] = 6.0
    assert _ask(front, "/ready")[0] == 200, "nobody writes to what is not ready, so that only time can tell"


def test_what_the_supervisor_says_counts(tmp_path: Path) -> None:
    board, numbers = Board.make(3), Numbers()
    board.write(0, {"name": "serve", "stopping": True, "loop": ["live"], "live": ["live"]})
    status, body = _ask(_front(tmp_path, Watched(_Log(), numbers), numbers, board), "/ready")
    assert status == 503
    assert [reason["check"] for reason in json.loads(body)["reasons"]] == ["stop", "processes", "live"]


def test_a_state_that_cannot_be_read_is_told_by_its_kind_alone(tmp_path: Path) -> None:
    def state() -> dict[str, Any]:
        raise NoRoom("of ada@example.com")

    numbers = Numbers()
    _, body = _ask(_front(tmp_path, Watched(_Log(), numbers), numbers, state=state), "/ready")
    assert json.loads(body)["reasons"] == [{"check": "state", "what": "the live state cannot be read: NoRoom"}]


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"name": "live"}, "live is starting"),
        ({"state": "working", "offset": 7, "lag_s": 0.0, "told_at": 1.0}, None),
        ({"state": "working", "offset": 7, "lag_s": 11.0, "told_at": 100.0}, "live is 11 s behind"),
        ({"state": "working", "offset": 6, "lag_s": 0.0, "told_at": 1.0}, "live has not moved for 99 s"),
    ],
)
def test_a_worker_is_behind_when_it_says_so_or_says_nothing_with_work_to_do(state: Any, why: str | None) -> None:
    assert lagging(state, 7, 100.0, 10.0) == why


def test_numbers_are_for_this_machine_or_for_a_key_that_may_read(tmp_path: Path) -> None:
    numbers = Numbers()
    front = _front(tmp_path, Watched(_Log(), numbers), numbers)
    far = ("203.0.113.9", 5)
    assert _ask(front, "/metrics")[0] == 200
    assert _ask(front, "/metrics", ("::1", 5))[0] == 200
    assert _ask(front, "/metrics", far)[0] == 401
    assert _ask(front, "/metrics", LOCAL, x_forwarded_for="203.0.113.9")[0] == 401
    assert _ask(front, "/metrics", far, authorization="Bearer write-key")[0] == 401
    assert _ask(front, "/metrics", far, authorization="Bearer read-key")[0] == 200


def test_a_fault_is_counted_as_what_its_sender_gets(tmp_path: Path) -> None:
    numbers = Numbers()
    front = _front(tmp_path, Watched(_Log(), numbers), numbers)
    with pytest.raises(ValueError, match="ada"):
        _ask(front, "/v1/batch", method="POST")
    assert 'shoal_requests_total{process="http-0",status="500"} 1' in _ask(front, "/metrics")[1]


def test_head_has_no_body(tmp_path: Path) -> None:
    numbers = Numbers()
    assert _ask(_front(tmp_path, Watched(_Log(), numbers), numbers), "/health", method="HEAD") == (200, "")
