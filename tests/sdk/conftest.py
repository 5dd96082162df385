"""The SDKs, and a tracking API for them to send to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracked import Shoal, tracking

HERE = Path(__file__).resolve().parent


@pytest.fixture
def shoal() -> Iterator[Shoal]:
    with tracking() as found:
        yield found


@pytest.fixture(scope="session")
def node() -> str:
    """The path of node, with the SDKs installed."""
    found = shutil.which("node")
    if found is None or not (HERE / "node_modules").is_dir():
        pytest.skip("the JavaScript SDKs are not installed: make sdks (needs node and npm)")
    return found
