"""Real event logs: a Postgres and a broker of Kafka's protocol, started once for the tests of the live side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from broker import broker
from postgres import server


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Host and port of a broker."""
    with broker() as servers:
        yield servers


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a Postgres."""
    with server() as url:
        yield url
