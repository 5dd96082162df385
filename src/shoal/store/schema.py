"""The operational store's schema: steps in order, each run once, none ever changed afterwards.

The tables as they are now stand beside the code that reads them (`releases.py`, `audit.py`, `keys.py`, `hooks.py`); a
change of one is a new step at the end of `STEPS`. `{id}` and `{json}` are what the database calls them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

WORDS: Mapping[str, Mapping[str, str]] = {
    "sqlite": {"id": "INTEGER PRIMARY KEY AUTOINCREMENT", "json": "TEXT"},
    "postgresql": {"id": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "json": "JSON"},
}

_RELEASES = """
CREATE TABLE releases (
  id {id},
  segment TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  kind TEXT NOT NULL,
  rule TEXT NOT NULL,
  size BIGINT NOT NULL CHECK (size >= 0),
  decision TEXT NOT NULL CHECK (decision IN ('approved', 'retired')),
  "at" TEXT NOT NULL,
  "by" TEXT NOT NULL,
  answer TEXT NOT NULL,
  note TEXT NOT NULL,
  run_id TEXT NOT NULL
)
"""
_AUDIT = """
CREATE TABLE audit (
  id {id},
  "at" TEXT NOT NULL,
  who TEXT NOT NULL,
  what TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail {json} NOT NULL
)
"""
_KEYS = """
CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  role TEXT NOT NULL CHECK (role IN ('write', 'read', 'admin')),
  label TEXT NOT NULL,
  hash TEXT NOT NULL,
  created_at TEXT NOT NULL,
  created_by TEXT NOT NULL,
  revoked_at TEXT,
  revoked_by TEXT
)
"""
_HOOKS = """
CREATE TABLE hooks (
  hook TEXT PRIMARY KEY,
  place BIGINT NOT NULL CHECK (place >= 0),
  sending BIGINT CHECK (sending > place),
  last_change TEXT NOT NULL,
  disabled_at TEXT
)
"""


def _append_only(table: str) -> Mapping[str, Sequence[str]]:
    """What keeps rows from being changed or deleted, whoever asks."""
    return {
        "sqlite": [
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ],
        "postgresql": [
            (
                f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
            ),
            (
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                f"EXECUTE FUNCTION {table}_append_only()"
            ),
        ],
    }


_FREE: Mapping[str, Sequence[str]] = {name: [] for name in WORDS}  # rows may be changed

# The statements of each step, by database; the first step makes version 1.
STEPS: Sequence[Mapping[str, Sequence[str]]] = tuple(
    {name: [text.format(**WORDS[name]) for text in texts] + list(more[name]) for name in WORDS}
    for texts, more in (
        ([_RELEASES], _append_only("releases")),
        ([_AUDIT], _append_only("audit")),
        ([_KEYS], _FREE),
        ([_HOOKS], _FREE),
    )
)
