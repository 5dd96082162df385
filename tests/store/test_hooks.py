"""Places of webhooks in the store: what was kept comes back, and a receiver that is gone is on record."""

from __future__ import annotations

from pathlib import Path

import pytest

from shoal.store import audit
from shoal.store.database import Database
from shoal.store.hooks import Hooks, Place


@pytest.fixture
def hooks(tmp_path: Path) -> Hooks:
    return Hooks(Database(tmp_path))


def test_a_new_hook_has_no_place(hooks: Hooks, tmp_path: Path) -> None:
    assert hooks.get("a") is None
    hooks.keep([])
    assert not list(tmp_path.iterdir())


def test_the_last_place_counts_each_hook_for_itself(hooks: Hooks) -> None:
    hooks.put("a", place=3, sending=None, last_change="c3")
    hooks.put("b", place=9, sending=12, last_change="c9")
    hooks.put("a", place=3, sending=5, last_change="c3")
    assert hooks.get("a") == Place(3, 5, "c3")
    assert hooks.get("b") == Place(9, 12, "c9")


def test_a_hook_that_the_settings_do_not_name_is_forgotten(hooks: Hooks) -> None:
    for name in ("a", "b"):
        hooks.put(name, place=1, sending=None, last_change="c1")
    hooks.keep(["b"])
    assert (hooks.get("a"), hooks.get("b")) == (None, Place(1, None, "c1"))


def test_a_hook_whose_receiver_is_gone_is_disabled_and_told_in_the_audit_log(hooks: Hooks, tmp_path: Path) -> None:
    hooks.put("a", place=3, sending=5, last_change="c3")
    hooks.disable("a", where="https://example.com")
    found = hooks.get("a")
    assert found is not None
    assert (found.place, found.sending, found.disabled_at is not None) == (3, None, True)
    line = audit.entries(Database(tmp_path))[-1]
    assert (line.what, line.subject) == ("webhook disabled", "webhook a")
    assert line.detail["receiver"] == "https://example.com"
