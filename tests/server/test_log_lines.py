"""Whatever is sent, what the server prints names nobody."""

from __future__ import annotations

import socket
from pathlib import Path

from server.running import running

WORDS = ("ada@example.com", "ada%40example.com", "Lovelace", "u-4711", "+491701234567", "write-key-secret")
BODY = (
    b'{"messageId": "u-4711", "type": "identify", "userId": "u-4711", "writeKey": "write-key-secret",'
    b' "traits": {"email": "ada@example.com", "name": "Ada Lovelace", "phone": "+491701234567"}}'
)


def test_no_line_names_a_person_or_a_key_whatever_arrives(tmp_path: Path) -> None:
    with running(tmp_path / "w") as server:
        for path in ("/v1/batch", "/v1/batch?writeKey=write-key-secret&email=ada%40example.com", "/v1/fault"):
            server.ask("POST", path, BODY, authorization="Basic write-key-secret", cookie="name=Lovelace")
        server.ask("GET", "/v1/profiles/email:ada@example.com")
        server.ask("GET", "/metrics?key=write-key-secret")
        for rubbish in (b"GET /ada@example.com\r\nLovelace: \x00\r\n\r\n", BODY, b"\xff" * 99 + b"\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall(rubbish)
                connection.recv(1000)
        assert server.end() == 0
        printed = server.errors + server.first.decode()
        assert server.events("fault"), "the fault was noticed"
        assert server.events("invalid-http"), "the rubbish was noticed"
        assert [word for word in WORDS if word in printed] == []
        assert "ValueError" in printed, "the kind of a fault is told"
