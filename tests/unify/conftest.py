"""An engine for the parts of unify that take one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shoal.engine.duckdb import DuckDBEngine


@pytest.fixture
def sql(tmp_path: Path) -> Iterator[DuckDBEngine]:
    with DuckDBEngine("1GB", 2, tmp_path / "scratch") as engine:
        yield engine
