"""Real orders through the whole run: discovery is ahead of every traditional way, and its segments come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from shoal.summary import Comparison
from shoal.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def done(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    path = data_dir / "online_retail" / "online_retail.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not present")
    folder = tmp_path_factory.mktemp("retail")
    Workspace.init(folder, [path])
    workspace = Workspace(folder)
    workspace.run(as_of="2011-06-09")
    return workspace


@pytest.fixture(scope="module")
def comparison(done: Workspace) -> Comparison:
    found = done.last_run().comparison
    assert found is not None
    return found


def test_the_proposed_set_is_discovered(done: Workspace, comparison: Comparison) -> None:
    won = next(one for one in comparison.contenders if one.name == comparison.proposed)
    assert won.kind == "discovered"
    assert {one.kind for one in done.segments if one.proposed} == {"discovered"}


def test_it_explains_more_than_every_traditional_way(comparison: Comparison) -> None:
    scores = {one.name: one.scores["overall"].value for one in comparison.contenders}
    traditional = [one.name for one in comparison.contenders if one.kind not in ("discovered", "baseline")]
    assert len(traditional) >= 3
    assert all((scores[comparison.proposed] or 0.0) > (scores[name] or 0.0) for name in traditional)


def test_its_least_stable_segment_comes_back(done: Workspace, comparison: Comparison) -> None:
    discovery = done.last_run().discovery
    assert discovery is not None
    chosen = next(one for one in discovery.choices if one.chosen)
    assert chosen.jaccard_min >= 0.6
    assert next(one for one in comparison.contenders if one.name == comparison.proposed).least is not None


def test_nobody_learned_from_what_came_later(done: Workspace) -> None:
    run = done.runs.current()
    part = run.read_part("features")
    latest = max(at.timestamp() for at in run.table("lessons")["as_of"].to_pylist())
    assert latest * 1e6 + part["horizon_days"] * 86_400e6 <= part["as_of"]
