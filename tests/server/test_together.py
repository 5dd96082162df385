"""The whole server, its real parts together: a full disk acknowledges nothing, no line names a person."""

from __future__ import annotations

import http.client
import json
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from server.chaos import logged
from server.real import basic, command, mounted, serving, workspace
from server.running import Running, until
from shoal.live.logs import open_log

PADDING = "x" * 3_000
PERSON = ("ada@example.com", "Lovelace", "u-4711", "+491701234567", "ada%40example.com")


def _batch(number: int) -> bytes:
    ids = [f"disk-{number}-{place}" for place in range(20)]
    return json.dumps(
        {
            "batch": [
                {"type": "track", "messageId": one, "event": "Seen", "userId": "u", "properties": {"text": PADDING}}
                for one in ids
            ]
        }
    ).encode()


def _in_log(folder: Path) -> set[str]:
    log = open_log(folder, None)
    try:
        return set(logged(log))
    finally:
        log.close()


class _Disk:
    """Sends batches, remembers which were acknowledged, and looks at the answers to those that were not."""

    def __init__(self, server: Running, key: str) -> None:
        self._server, self._headers = server, basic(key)
        self._number = 0
        self.acknowledged: set[str] = set()
        self.refused: set[str] = set()

    def send(self) -> int:
        self._number += 1
        ids = {f"disk-{self._number}-{place}" for place in range(20)}
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=60)
        try:
            connection.request("POST", "/v1/batch", _batch(self._number), self._headers)
            answer = connection.getresponse()
            answer.read()
        finally:
            connection.close()
        if answer.status == 200:
            self.acknowledged |= ids
        else:
            assert answer.status == 503
            assert int(answer.getheader("retry-after") or 0) >= 1, "senders are told when to come back"
            self.refused |= ids
        return answer.status

    def check(self, folder: Path, fill: Callable[[], None], free: Callable[[], None]) -> None:
        """What holds of a disk that is filled and freed again."""
        until(lambda: self._server.ready()["ready"], "everything has started")
        assert self.send() == 200
        fill()
        until(lambda: self.send() == 503, "the disk is full")
        assert self._server.ask("GET", "/health")[0] == 200
        reasons = self._server.ready()["reasons"]
        assert "log" in {reason["check"] for reason in reasons}, reasons
        free()
        until(lambda: self.send() == 200, "space is back")
        until(lambda: self._server.ready()["ready"], "it is ready again")
        assert self._server.end() == 0
        assert not self._server.events("child-died")
        found = _in_log(folder)
        assert self.acknowledged - found == set(), "nothing acknowledged is lost"
        assert self.refused & found == set(), "what was refused is not there half"


def test_a_full_disk_acknowledges_nothing_and_goes_on_when_space_returns(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", 48) as may:
        if not may:
            pytest.skip("this user may not mount a small disk")
        folder = tmp_path / "disk" / "w"
        key, _ = workspace(folder)
        filler = tmp_path / "disk" / "filler"
        errors = tmp_path / "stderr"
        server = Running(command(folder), errors)
        try:
            _Disk(server, key).check(folder, lambda: _fill(filler), filler.unlink)
        finally:
            server.clear()


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue


def test_a_log_that_may_not_grow_acknowledges_nothing_and_goes_on_when_it_may(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    key, _ = workspace(folder)
    with serving(folder) as server:
        process = server.child("http-0").pid
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

        def limit(size: int) -> None:
            resource.prlimit(process, resource.RLIMIT_FSIZE, (size, hard))

        _Disk(server, key).check(folder, lambda: limit(200_000), lambda: limit(hard))


def test_no_line_names_a_person_or_a_key_whatever_arrives(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    write, read = workspace(folder)
    body = (
        b'{"messageId": "u-4711", "type": "identify", "userId": "u-4711",'
        b' "traits": {"email": "ada@example.com", "name": "Ada Lovelace", "phone": "+491701234567"}}'
    )
    with serving(folder) as server:
        reader = {"authorization": f"Bearer {read}"}
        for headers in (basic(write), basic("shoal_write_unknown"), basic(read), {}):
            for sent in (body, body[:-3], body.replace(b'"identify"', b'"dentify"'), b"\xff" + body, body * 3):
                server.ask("POST", "/v1/batch", sent, **headers)
                server.ask("POST", "/v1/identify", sent, **{**headers, "content-encoding": "gzip"})
        for asked in ("email:ada@example.com", "u-4711", "%2B491701234567", "ada%40example.com"):
            server.ask("GET", f"/v1/profiles/{asked}", **reader)
            server.ask("GET", f"/v1/segments/Lovelace/explain/{asked}", **reader)
        server.ask("GET", f"/v1/profiles/ada%40example.com?writeKey={write}")
        assert server.end() == 0
        printed = server.errors + server.first.decode()
        assert "serving" in printed
        secrets = [key.rsplit("_", 1)[1] for key in (write, read)]
        assert [word for word in (*PERSON, *secrets) if word in printed] == []


def test_open_streams_end_when_the_server_stops(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    _, read = workspace(folder)
    with serving(folder) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", "/v1/changes/stream", headers={"authorization": f"Bearer {read}"})
        stream = connection.getresponse()
        assert stream.readline() == b"retry: 2000\n"
        assert server.end() == 0
        assert not server.events("requests-cut")
        stream.read()
        connection.close()


def test_a_workspace_with_faults_is_told_them_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    workspace(folder)
    (folder / "segments").mkdir()
    (folder / "segments" / "bad.yaml").write_text("name: bad\n")
    with serving(folder) as server:
        assert server.process.wait(60) == 1
        assert b'"SettingsError"' in server.first + (server.process.stdout.read() if server.process.stdout else b"")
        assert "bad.yaml" in server.errors
        assert server.gone()
