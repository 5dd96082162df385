"""API keys in the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich.console import Group, RenderableType
from rich.text import Text

from shoal.report.console import grid, say


class Created(Protocol):
    """A new key with its text."""

    @property
    def key(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def id(self) -> str: ...


def created(made: Created) -> RenderableType:
    """What `shoal keys create` prints: the key alone on its line, so that it can be copied."""
    note = (
        f"A {made.role} key, id {made.id}. It is not shown again: keep it now. To end it: shoal keys revoke {made.id}"
    )
    return Group(Text(made.key, style="bold", no_wrap=True, overflow="ignore"), say(note, "dim"))


def listing(keys: Sequence[Mapping[str, Any]]) -> RenderableType:
    """What `shoal keys list` prints."""
    if not keys:
        return say("There are no keys yet. See: shoal keys create --role write", "yellow")
    table = grid("left", "left", "fold", "left", "fold", header=["Id", "Role", "Label", "Made", "State"])
    for key in keys:
        ended = key["revoked_at"]
        state = say(f"revoked {ended[:10]} by {key['revoked_by']}", "yellow") if ended else say("in use", "green")
        made = f"{key['created_at'][:10]} by {key['created_by']}"
        table.add_row(say(key["id"], "bold"), say(key["role"]), say(key["label"]), say(made), state)
    return table


def revoked(key: Mapping[str, Any]) -> RenderableType:
    """What `shoal keys revoke` prints."""
    return say(f"Key {key['id']} ({key['role']}) is revoked. A server that runs refuses it within seconds.")
