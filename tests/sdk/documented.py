"""The snippets of docs/tracking.md, and what must have arrived of their calls, whichever SDK sent them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tracked import KEY

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tracking.md"
KINDS = {"identify", "track", "page", "screen", "group", "alias"}


def check(messages: list[dict[str, Any]], kinds: set[str] = KINDS) -> None:
    """Each call once, with its type, ids and content where Shoal's cleaner looks for them."""
    found = {message["type"]: message for message in messages}
    assert sorted(message["type"] for message in messages) == sorted(kinds)
    assert len({message["messageId"] for message in messages}) == len(messages)
    assert all(message.get("userId") or message.get("anonymousId") for message in messages)
    track, identify = found["track"], found["identify"]
    assert (track["event"], track["properties"]["total"], track["userId"]) == ("Order Completed", 12.5, "u1")
    traits = identify.get("traits") or identify["context"]["traits"]
    assert (traits["email"], traits["plan"]) == ("ann@shop.example", "pro")
    assert "Start" in {found["page"].get("name"), found["page"]["properties"].get("name")}
    assert found["group"]["groupId"] == "acme"
    assert found["alias"]["previousId"]


def snippet(name: str, url: str, key: str = KEY) -> str:
    """What docs/tracking.md tells the users of an SDK to write, for this server and key."""
    part = PAGE.read_text(encoding="utf-8").split(f"### {name}\n")[1]
    code = re.search(r"```\w+\n(.*?)```", part, re.DOTALL)
    assert code is not None
    return code[1].replace("https://shoal.example", url).replace("WRITE_KEY", key)
