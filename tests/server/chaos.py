"""Kills a server's processes at random while it is sent events, and tells what became of what it acknowledged."""

from __future__ import annotations

import base64
import http.client
import json
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil

from server.running import Running, until
from shoal.live.log import Log

BATCH = 20
PEOPLE = 397
PAUSE = 0.01  # seconds between two batches, so that the server is not killed under a load that it cannot carry
HASTE = 0.2  # share of kills after which nobody waits until the server is ready
Command = Callable[[Path, int], Sequence[str]]


@dataclass
class Tally:
    """What happened."""

    acknowledged: set[str] = field(default_factory=set)
    kills: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    again: dict[str, list[float]] = field(default_factory=dict)
    """By process: seconds from each kill to the next good answer of /ready."""

    def __str__(self) -> str:
        ready = "; ".join(
            f"{name} {median(seconds):.2f} s (median), {max(seconds):.2f} s (slowest)"
            for name, seconds in self.again.items()
        )
        return (
            f"{self.kills.total()} kills {dict(self.kills)}, {len(self.acknowledged)} acknowledged, "
            f"other answers {dict(self.refused)}; ready again after: {ready}"
        )


class Sender(threading.Thread):
    """Sends batches one after the other; one that got no 200 is sent again with the same ids, as SDKs do."""

    def __init__(self, port: Callable[[], int], tally: Tally, key: str) -> None:
        super().__init__(daemon=True)
        self._port, self._tally = port, tally
        self._headers = {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}
        self.stop = threading.Event()
        self._connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        number = 0
        while not self.stop.is_set():
            ids = [f"message-{number + place}" for place in range(BATCH)]
            body = json.dumps({"batch": [_message(one) for one in ids]}).encode()
            while not (sent := self._sent(body)) and not self.stop.is_set():
                time.sleep(0.02)
            if sent:
                self._tally.acknowledged.update(ids)
            number += BATCH
            time.sleep(PAUSE)
        self._drop()

    def _sent(self, body: bytes) -> bool:
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port(), timeout=30)
            self._connection.request("POST", "/v1/batch", body, self._headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._drop()
            return False
        if answer.status != 200:
            self._tally.refused[answer.status] += 1
        return answer.status == 200

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _message(message_id: str) -> dict[str, object]:
    person = f"u{int(message_id.rpartition('-')[2]) % PEOPLE}"
    return {
        "type": "track",
        "messageId": message_id,
        "event": "Order Completed",
        "userId": person,
        "properties": {"total": 2},
    }


class Chaos:
    """One server that is killed in parts and as a whole, and started again."""

    def __init__(self, folder: Path, command: Command, seed: int, key: str = "key") -> None:
        self.folder, self._command, self._random = folder, command, random.Random(seed)
        self.tally = Tally()
        self.server = self._started()
        self._sender = Sender(lambda: self.server.port, self.tally, key)

    def _started(self) -> Running:
        return Running(self._command(self.folder, 0), self.folder / "stderr")

    def run(
        self,
        kills: int,
        names: Sequence[str],
        look: Callable[[Running, Tally], None] = lambda _server, _tally: None,
        meanwhile: Callable[[int], None] = lambda _number: None,
    ) -> Tally:
        """Kills `kills` times; `names` are the processes, `serve` the supervisor. Ends the server in the end.

        `meanwhile` is called before each kill with its number; `look` after the last one, when nothing is sent any more
        and the server still runs.
        """
        self._sender.start()
        try:
            for number in range(kills):
                meanwhile(number)
                time.sleep(self._random.uniform(0.02, 0.4))
                self._kill(self._random.choice(names))
            self._sender.stop.set()
            self._sender.join(60)
            look(self.server, self.tally)
            assert self.server.end() == 0, self.server.errors[-2000:]
        finally:
            self._sender.stop.set()
            self.server.clear()
        return self.tally

    def _kill(self, name: str) -> None:
        """Kills once and waits until the server is ready again; or not, so that the next kill finds it starting."""
        began = time.monotonic()
        if name == "serve":
            self.server.end(signal.SIGKILL)
            killed, self.server = self.server, self._started()
            killed.clear()
        else:
            before = self.server.child(name)
            with suppress(psutil.NoSuchProcess):
                before.kill()
            until(lambda: self.server.child(name).pid != before.pid, f"{name} is started again")
        self.tally.kills[name] += 1
        if self._random.random() < HASTE:
            time.sleep(self._random.uniform(0.0, 2.0))
            return
        until(self._ready, f"ready again after {name} was killed: {self.server.errors[-2000:]}")
        self.tally.again.setdefault(name, []).append(time.monotonic() - began)

    def _ready(self) -> bool:
        try:
            reasons = self.server.ready()["reasons"]
        except (OSError, http.client.HTTPException, ValueError):
            return False
        # A process that is killed five times a minute counts as one that dies again and again, and that is so here.
        return all(reason["check"] == "processes" for reason in reasons)


def logged(log: Log) -> Counter[str]:
    """How often each message id is in a log: retries may have put it there again."""
    found: Counter[str] = Counter()
    after = 0
    while entries := log.read(after):
        after = entries[-1][0]
        for _, entry in entries:
            found.update(message["messageId"] for message in json.loads(entry)["body"]["batch"])
    return found


def lost(tally: Tally, found: Counter[str]) -> set[str]:
    """What was acknowledged and is not there."""
    return tally.acknowledged - set(found)
