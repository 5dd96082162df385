"""Requests as nine SDKs send them, recorded from their wire and shortened, and the log entries made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

RECEIVED = 1_795_339_140_000_000  # 2026-11-22T09:19:00Z
TRACK = {"type": "track", "event": "Order Completed", "userId": "u1", "messageId": "m1"}


def entry(body: Any, kind: str | None = None, *, sent: str | None = None, historical: bool = False) -> bytes:
    """A log entry as the tracking API composes it; a body that is text or bytes stays as it is."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    meta = json.dumps({"receivedAt": RECEIVED, "type": kind, "sentAt": sent, "historical": historical})
    return meta[:-1].encode() + b', "body": ' + text + b"}"


SEGMENT_PYTHON = {
    "batch": [
        {
            "integrations": {},
            "anonymousId": None,
            "timestamp": "2026-11-22T09:18:00.000000+00:00",
            "type": "track",
            "userId": "u1",
            "event": "Order Completed",
            "properties": {"total": 30.5, "orderId": "o1"},
            "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
            "messageId": "3f0f6e9c-7c42-4b5a-a25c-0a25f6b3a7b1",
        },
        {
            "anonymousId": "a1",
            "timestamp": "2026-11-22T09:18:01.000000+00:00",
            "type": "page",
            "userId": "",
            "name": "Home",
            "category": "Docs",
            "properties": {"url": "https://example.com/"},
            "context": {},
            "messageId": "page-1",
        },
    ],
    "sentAt": "2026-11-22T09:18:59.000000+00:00",
    "writeKey": "k",
}
RUDDER_PYTHON = {
    "batch": [
        {
            "channel": "server",
            "integrations": {"All": True},
            "originalTimestamp": "2026-11-22T09:18:00.000000+00:00",
            "type": "identify",
            "userId": 17,
            "context": {"traits": {"email": "Ann@Example.com", "plan": "pro"}, "library": {"name": "rudder"}},
            "messageId": "i-1",
        }
    ],
    "sentAt": "2026-11-22T09:19:00.000000+00:00",
}
SEGMENT_NODE = {
    "batch": [
        {
            "messageId": "node-next-1795339080000-8d2f",
            "type": "group",
            "userId": "u1",
            "groupId": "acme",
            "traits": {"name": "Acme", "employeeCount": 12},
            "timestamp": "2026-11-22T09:18:00.000Z",
            "integrations": {},
            "context": {"library": {"name": "@segment/analytics-node"}},
            "_metadata": {"nodeVersion": "20"},
        }
    ],
    "sentAt": "2026-11-22T09:19:00.000Z",
    "writeKey": "k",
}
RUDDER_NODE = {
    "batch": [
        {
            "type": "identify",
            "userId": "u1",
            "traits": {"plan": "pro"},
            "context": {"traits": {"plan": "old", "age": 30}},
            "originalTimestamp": "2026-11-22T09:18:00.000Z",
            "sentAt": "2026-11-22T09:19:00.000Z",
            "messageId": "rn-1",
        }
    ],
    "timestamp": "2026-11-22T09:18:59.000Z",
    "sentAt": "2026-11-22T09:18:59.000Z",
}
SEGMENT_BROWSER = {
    "timestamp": "2026-11-22T09:18:30.000Z",
    "integrations": {"Segment.io": True},
    "type": "page",
    "properties": {"path": "/", "title": "Shop", "name": "Start"},
    "context": {"page": {"path": "/"}, "userAgentData": {"mobile": False}, "timezone": "Europe/Berlin"},
    "messageId": "ajs-next-1795339110000-77ab",
    "anonymousId": "a1",
    "writeKey": "k",
    "userId": None,
    "sentAt": "2026-11-22T09:18:31.000Z",
}
RUDDER_BROWSER = {
    "properties": {"product": {"sku": "s1", "price": 9.5}},
    "event": "Product Viewed",
    "type": "track",
    "channel": "web",
    "context": {"traits": {"email": "ann@example.com"}, "sessionId": 1795339080000, "device": None},
    "originalTimestamp": "2026-11-22T09:18:30.000Z",
    "integrations": {"All": True},
    "messageId": "rb-1",
    "userId": "",
    "anonymousId": "a1",
    "sentAt": "2026-11-22T09:18:31.000Z",
}
BROWSER_ALIAS = {
    "type": "alias",
    "userId": "u1",
    "previousId": "u1",
    "anonymousId": "a1",
    "messageId": "al-1",
    "timestamp": "2026-11-22T09:18:30.000Z",
    "sentAt": "2026-11-22T09:18:31.000Z",
}


class Kept:
    """A log in memory."""

    def __init__(self, found: Sequence[bytes]) -> None:
        self.found = list(found)

    def append(self, entries: Sequence[bytes]) -> int:
        self.found += entries
        return len(self.found)

    def read(self, after: int, most: int = 1_000) -> list[tuple[int, bytes]]:
        return list(enumerate(self.found, 1))[after : after + most]

    def last(self) -> int:
        return len(self.found)

    def close(self) -> None:
        pass
