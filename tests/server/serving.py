"""A real server for an application, on a free port of this machine, ended with the test."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


class Server(uvicorn.Server):
    """Ends the event streams first, as `shoal serve` does: they would hold the server else."""

    def stop(self) -> None:
        self.config.app.state.streams.close()  # type: ignore[union-attr]
        self.should_exit = True


@contextmanager
def serving(app: Any) -> Iterator[tuple[str, Server]]:
    """The address, and the server so that a test can stop it."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=20))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", server
    finally:
        server.stop()
        thread.join(30)
        listening.close()
    assert not thread.is_alive()
