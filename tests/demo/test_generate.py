"""The benchmarks' data generator streams the simulator's people as clean typed events."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from shoal import settings

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "generate.py"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_chunk_is_the_same_every_time_and_another_for_other_people(generate: ModuleType) -> None:
    first, again, other = (generate.chunk(start, 50, 1)[0] for start in (0, 0, 50))
    assert first.equals(again)
    assert not first.equals(other)


def test_people_have_about_twenty_events_and_every_event_somebody(generate: ModuleType) -> None:
    events, people = generate.chunk(0, 2_000, 1)
    assert events.num_rows / people.num_rows == pytest.approx(20, rel=0.1)
    assert not pc.any(pc.and_(pc.is_null(events["user_id"]), pc.is_null(events["email"]))).as_py()
    assert len(pc.unique(events["event_id"])) == events.num_rows


def test_worth_is_positive_and_only_orders_and_refunds_have_it(generate: ModuleType) -> None:
    events, _ = generate.chunk(0, 500, 1)
    worth = events.filter(pc.is_valid(events["value"]))
    assert set(worth["event"].to_pylist()) == {"Order Completed", "Order Refunded"}
    assert pc.min(worth["value"]).as_py() > 0


def test_files_cover_all_people_whatever_the_chunk(
    generate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "CHUNK", 40)
    total = generate.write(tmp_path, people=100)
    assert pq.read_table(tmp_path / "data").num_rows == total
    assert len(pc.unique(pq.read_table(tmp_path / "truth")["user_id"])) == 100
    source = settings.load(tmp_path).sources["events"]
    assert set(source.properties.values()) <= set(pq.read_table(tmp_path / "data").column_names)
