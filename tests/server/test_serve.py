"""One command runs everything, and stops well; what dies is started again, and nobody who sends events notices."""

from __future__ import annotations

import json
import signal
import socket
import threading
from pathlib import Path

import pytest

from server.running import Running, running, until

EVENT = b'{"messageId": "m-1", "type": "track", "event": "Seen", "userId": "ada"}'


def test_it_says_where_it_listens_and_ends_with_0_when_asked(tmp_path: Path) -> None:
    with running(tmp_path / "w") as server:
        assert set(server.told) == {"url", "pid"}
        assert server.told["pid"] == server.process.pid
        assert server.ask("GET", "/health") == (200, b'{"status": "ok"}\n')
        assert server.ready() == {"ready": True, "reasons": []}
        assert server.ask("POST", "/v1/batch", EVENT)[0] == 200
        assert server.end() == 0
        assert server.gone()
        assert not server.events("fault")
        assert not server.events("child-killed")


def test_a_request_in_flight_is_answered_before_it_ends(tmp_path: Path) -> None:
    with running(tmp_path / "w") as server:
        answers: list[int] = []
        asking = threading.Thread(target=lambda: answers.append(server.ask("POST", "/v1/slow", b"0.7")[0]))
        asking.start()
        until((tmp_path / "w" / "slow").exists, "the request arrived")
        ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as of what a shell starts in the background
        assert server.end(signal.SIGTERM if ignored else signal.SIGINT) == 0
        asking.join()
        assert answers == [200]


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    with running(tmp_path / "w") as server:
        connection = socket.create_connection(("127.0.0.1", server.port))
        connection.sendall(b"POST /v1/slow HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n300")
        until((tmp_path / "w" / "slow").exists, "the request arrived")
        server.process.send_signal(signal.SIGTERM)
        until(lambda: server.events("stopping"), "it stops")
        assert server.end(signal.SIGTERM) == 1
        assert server.events("child-killed")
        connection.close()


@pytest.mark.slow
def test_a_client_that_never_finishes_does_not_hold_it_up(tmp_path: Path) -> None:
    with running(tmp_path / "w") as server:
        half = socket.create_connection(("127.0.0.1", server.port))
        half.sendall(b"POST /v1/batch HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n{")
        silent = socket.create_connection(("127.0.0.1", server.port))
        assert server.ask("GET", "/health")[0] == 200
        assert server.end() == 0
        half.close()
        silent.close()


def test_while_the_http_process_starts_again_clients_wait_and_are_not_refused(tmp_path: Path) -> None:
    with running(tmp_path / "w") as server:
        before = server.child("http-0")
        before.kill()
        assert server.ask("POST", "/v1/batch", EVENT)[0] == 200
        assert server.child("http-0").pid != before.pid
        [died] = server.events("child-died")
        assert (died["child"], died["code"], died["crash_loop"]) == ("http-0", "SIGKILL", False)
        restarts = b'shoal_child_restarts_total{process="serve",child="http-0"} 1'
        until(lambda: restarts in server.ask("GET", "/metrics")[1], "the restart is counted")
        assert server.end() == 0


@pytest.mark.slow
def test_events_are_taken_while_the_live_worker_dies_again_and_again(tmp_path: Path) -> None:
    _live(tmp_path / "w", offset=0, lag_s=0.0)
    with running(tmp_path / "w") as server:
        until(lambda: server.ready()["ready"], "the worker works")
        _live(tmp_path / "w", die=True)
        until(lambda: "processes" in _checks(server), "the crash loop is told")
        assert server.ask("GET", "/ready")[0] == 503
        assert server.ask("POST", "/v1/batch", EVENT)[0] == 200
        assert server.end() == 0


@pytest.mark.slow
def test_a_worker_that_lags_makes_it_not_ready_until_it_has_caught_up(tmp_path: Path) -> None:
    _live(tmp_path / "w", offset=0, lag_s=99.0)
    with running(tmp_path / "w") as server:
        until(lambda: "live is 99 s behind" in str(server.ready()), "the lag is told")
        _live(tmp_path / "w", offset=0, lag_s=0.0, people=7, changed=[["vip", "entered", 2]])
        until(lambda: server.ready()["ready"], "the worker has caught up")
        until(lambda: 'shoal_live_people{process="live"} 7' in server.ask("GET", "/metrics")[1].decode(), "people")
        text = server.ask("GET", "/metrics")[1].decode()
        assert 'shoal_memberships_changed_total{process="live",segment="vip",change="entered"}' in text
        assert server.end() == 0
        assert (tmp_path / "w" / "live-ended").exists()


def test_children_end_by_themselves_when_their_parent_is_killed_and_a_new_server_follows(tmp_path: Path) -> None:
    _live(tmp_path / "w", offset=0, lag_s=0.0)
    with running(tmp_path / "w") as server:
        server.child("live")
        assert server.end(signal.SIGKILL) == -signal.SIGKILL
        with running(tmp_path / "w") as following:
            assert server.gone()
            assert following.ask("POST", "/v1/batch", EVENT)[0] == 200
            assert following.end() == 0


def test_one_workspace_has_one_server_and_one_port_too(tmp_path: Path) -> None:
    with running(tmp_path / "w") as server:
        with running(tmp_path / "w") as second:
            assert second.process.wait(60) == 1
            assert "another `shoal serve` runs here" in second.errors
        with running(tmp_path / "other", "127.0.0.1", server.port) as third:
            assert third.process.wait(60) == 1
            assert f"port {server.port} of 127.0.0.1: another program listens there" in third.errors
        with running(tmp_path / "other", "nowhere.invalid") as fourth:
            assert fourth.process.wait(60) == 1
            assert "--host nowhere.invalid: is no address of this machine" in fourth.errors
        assert server.end() == 0


@pytest.mark.slow
def test_a_server_that_cannot_start_its_http_process_says_so(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "no-http").touch()
    with running(tmp_path / "w") as server:
        assert server.process.wait(60) == 1
        assert "the HTTP process cannot start" in server.errors
        assert server.events("failed")[0]["what"] == "the stand-in was told not to start"


@pytest.mark.slow
def test_several_http_processes_share_the_port_and_their_numbers(tmp_path: Path) -> None:
    with running(tmp_path / "w", "127.0.0.1", 0, 2) as server:
        for _ in range(30):
            assert server.ask("POST", "/v1/batch", EVENT)[0] == 200

        def counted() -> bool:
            text = server.ask("GET", "/metrics")[1].decode()
            found = [line for line in text.splitlines() if line.startswith("shoal_ack_seconds_count")]
            return sum(float(line.rsplit(" ", 1)[1]) for line in found) == 30

        until(counted, "both processes' numbers are there")
        assert server.end() == 0


@pytest.mark.parametrize("fails", [False, True])
def test_the_schedule_runs_the_pipeline_when_there_has_been_no_run(tmp_path: Path, fails: bool) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "shoal.yaml").write_text("tracking:\n  schedule: {run: 1d, sync: 1h}\n")
    if fails:
        (tmp_path / "w" / "run-fails").touch()
    with running(tmp_path / "w") as server:
        told = until(lambda: server.events("run-failed" if fails else "run-ended"), "the run ended")
        assert len(told) == 1
        assert server.events("schedule-skipped")[0]["what"] == "sync"
        assert server.end() == 0
        assert "ada@example.com" not in server.errors


def _live(folder: Path, **told: object) -> None:
    folder.mkdir(exist_ok=True)
    aside = folder / "live.json.part"
    aside.write_text(json.dumps(told))
    aside.replace(folder / "live.json")


def _checks(server: Running) -> set[str]:
    return {reason["check"] for reason in server.ready()["reasons"]}
