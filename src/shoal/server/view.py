"""The port to what is known of people now: what the read API asks. `shoal.testing.MemoryView` is its fake."""

from __future__ import annotations

from typing import Any, Protocol


class View(Protocol):
    """The live state, read only, asked by one thread at a time; every answer is of one state of the whole.

    A profile id, an identifier's value or `type:value` names a person. Values are what JSON can say.
    """

    def profile(self, id: str) -> dict[str, Any]:  # noqa: A002 - the word users know
        """One person: identifiers, traits, features, scores, memberships, recommended items, next best action.

        Raises NotFound when nobody has the id, or when several people do.
        """
        ...

    def segments(self) -> list[dict[str, Any]]:
        """Every segment version that is live: name, version, kind, status, rule, words, size."""
        ...

    def members(self, segment: str, after: str | None, limit: int) -> dict[str, Any]:
        """A page of a segment's members, `{"members": [{profile_id, entered_at}], "next": cursor or None}`.

        Pages are cut by person, not by number: who stays in is on one of them, whoever comes and goes.

        Raises NotFound when there is no such segment, UsageError when `after` is no cursor.
        """
        ...

    def explain(self, segment: str, id: str) -> dict[str, Any]:  # noqa: A002
        """Why a person is or is not in a segment, clause by clause. Raises NotFound."""
        ...

    def changes(self, after: int, limit: int) -> list[dict[str, Any]]:
        """At most `limit` membership changes whose position is greater than `after`, in order."""
        ...

    def status(self) -> dict[str, Any]:
        """How far the live side is: offset, log_last, clock, people, segments, lag_s, ready, definition."""
        ...
