"""A real Postgres for the tests of the store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from postgres import server


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a Postgres of the module's own."""
    with server() as found:
        yield found
