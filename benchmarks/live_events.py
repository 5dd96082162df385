"""Events as browsers send them, of one length and never the same twice, made at almost no cost.

A block of events is written once; for each request only the ids, the person and the time in it are overwritten, for all
events at once. So the generator takes microseconds where a server's work is to be seen.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

LENGTH = 630  # bytes of an event, the comma after it included
SHARES = {"Product Viewed": 60, "Product Added": 15, "Checkout Started": 5, "Order Completed": 12, "Page Viewed": 8}
CATEGORIES = ("grocery", "household", "fashion", "outlet", "electronics", "design", "books", "gifts")
SESSION = 10  # events that a person does in a row, among those of others
ACTIVE = 0.01  # share of the people that are in a session at a time
STRIDE = 7_919  # apart are two people who begin one after the other; a prime
NUMBER, PERSON, NOW = b"#" * 12, b"@" * 7, b"~" * 24
BLOCK = 256  # events that are overwritten at once where each goes alone
_DIGITS = np.frombuffer("".join(f"{one:04d}" for one in range(10_000)).encode(), np.uint8).reshape(10_000, 4)


def _event(place: int, rng: np.random.Generator, run: str) -> bytes:
    name = list(SHARES)[int(np.searchsorted(np.cumsum(list(SHARES.values())), rng.integers(100), side="right"))]
    price = round(float(rng.lognormal(3.0, 0.8)), 2)
    category = CATEGORIES[rng.integers(len(CATEGORIES))]
    properties: dict[str, object] = {"item_id": f"i{rng.integers(5_000):05d}", "category": category, "price": price}
    if name == "Order Completed":
        properties |= {"order_id": f"o{run}{NUMBER.decode()}", "quantity": int(rng.integers(1, 5)), "total": price}
    context = {
        "library": {"name": "analytics.js", "version": "next-1.84.3"},
        "locale": "en-GB",
        "page": {"path": f"/p/{place}", "title": "Shop", "url": f"https://shop.example/p/{place}"},
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    }
    message = {
        "type": "track",
        "event": name,
        "messageId": f"ajs-next-{run}-{NUMBER.decode()}",
        "userId": f"u{PERSON.decode()}",
        "timestamp": NOW.decode(),
        "properties": properties,
        "context": {**context, "campaign": {"name": ""}},
    }
    short = LENGTH - 1 - len(_json(message))
    message["context"]["campaign"]["name"] = "c" * short  # type: ignore[index]
    return _json(message)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class Bodies:
    """Endless request bodies of `batch` events each by one of `people`; one alone where `batch` is 1.

    `headers` is a request's head up to the number of bytes; without it there are bodies alone.
    """

    def __init__(self, batch: int, people: int, seed: int, headers: str = "") -> None:
        self._batch, self._people, self._rng = batch, people, np.random.default_rng(seed)
        self._count = max(batch, 1) if batch > 1 else BLOCK
        self._first = secrets.randbelow(people)
        run = secrets.token_hex(4)
        events = b",".join(_event(place, self._rng, run) for place in range(self._count)) + b" "
        before = b'{"batch":[' if batch > 1 else b""
        after = b'],"sentAt":"' + NOW + b'"}' if batch > 1 else b""
        body = before + events + after
        length = len(body) if batch > 1 else LENGTH - 1
        head = (headers + f"{length}\r\n\r\n").encode() if headers else b""
        self._head = head
        self._whole = np.frombuffer(bytearray(head * (batch > 1) + body), np.uint8)
        start = len(head) * (batch > 1) + len(before)
        self._rows = self._whole[start : start + self._count * LENGTH].reshape(self._count, LENGTH)
        self._numbers = _places(self._rows, NUMBER)
        self._persons = _places(self._rows, PERSON)
        self._times = _places(self._rows, NOW)
        self._sent = bytes(self._whole).rfind(NOW) if after else -1
        self._next = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.fill(time.time())
            if self._batch > 1:
                yield self._whole.tobytes()
                continue
            for row in self._rows:
                yield self._head + row[:-1].tobytes()

    def fill(self, now: float) -> NDArray[np.int64]:
        """Makes new events of what is there, as of `now` in seconds; who did them."""
        numbers = np.arange(self._next, self._next + self._count)
        self._next += self._count
        digits = np.hstack([_DIGITS[numbers // 10**8], _DIGITS[numbers // 10_000 % 10_000], _DIGITS[numbers % 10_000]])
        who = self._sessions(numbers)
        text = np.frombuffer(_iso(now), np.uint8)
        for rows, columns in self._numbers:
            self._rows[rows, columns] = digits[rows[:, 0]]
        person = np.hstack([_DIGITS[who // 10_000][:, 1:], _DIGITS[who % 10_000]])
        for rows, columns in self._persons:
            self._rows[rows, columns] = person[rows[:, 0]]
        past = np.frombuffer(_iso(now - 1.0), np.uint8)  # an SDK sends what happened in the last second
        for rows, columns in self._times:
            self._rows[rows, columns] = past
            self._rows[rows, columns[:, -4:-1]] = _DIGITS[rows[:, 0] * 1_000 // self._count, 1:]
        if self._sent >= 0:
            self._whole[self._sent : self._sent + len(NOW)] = text
        return who

    def _sessions(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Whose each event is: somebody of a window that moves on by one person every `SESSION` events."""
        window = max(int(self._people * ACTIVE), 10)
        turn = self._first + numbers // SESSION + self._rng.integers(0, window, self._count)
        found: NDArray[np.int64] = turn * STRIDE % self._people
        return found

    def entry(self, now: float) -> tuple[bytes, NDArray[np.int64]]:
        """A batch as the log keeps it, received at `now` in seconds, and who is in it."""
        who = self.fill(now)
        fields = b'{"receivedAt":%d,"type":null,"sentAt":null,"historical":false,"body":'
        return fields % round(now * 1e6) + self._whole.tobytes() + b"}", who


def _places(rows: NDArray[np.uint8], mark: bytes) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Where a mark stands in each row, as indices: the first, second, ... of each row together."""
    found: list[list[tuple[int, int]]] = []
    for row, text in enumerate(rows):
        at, turn, data = 0, 0, text.tobytes()
        while (at := data.find(mark, at)) >= 0:
            while len(found) <= turn:
                found.append([])
            found[turn].append((row, at))
            at, turn = at + len(mark), turn + 1
    step = np.arange(len(mark))
    return [(np.array([[row] for row, _ in one]), np.array([[at] for _, at in one]) + step) for one in found]


def _iso(now: float) -> bytes:
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
