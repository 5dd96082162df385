"""The simulated shop's truth, which the run never reads: segments, people and dirt are found as they were planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import adjusted_rand_score

from shoal.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace.demo(tmp_path_factory.mktemp("planted") / "shop", data="shop", people=2_000, seed=7)
    workspace.run()
    return workspace


def truth(shop: Workspace, name: str) -> pa.Table:
    return pq.read_table(Path(shop.folder) / "truth" / f"{name}.parquet")


def test_planted_segments_are_recovered(shop: Workspace) -> None:
    ids = shop.table("identifiers").to_arrow().to_pylist()
    profile = {row["value"]: row["profile_id"] for row in ids if row["type"] == "user_id"}
    names = {one.name for one in shop.segments if one.kind == "discovered"}
    stays = shop.table("memberships").to_arrow().to_pylist()
    segment = {row["profile_id"]: row["segment"] for row in stays if row["segment"] in names}
    people = truth(shop, "people").to_pylist()
    pairs = [
        (row["archetype"], segment[profile[row["user_id"]]]) for row in people if profile.get(row["user_id"]) in segment
    ]
    assert len(pairs) > 0.9 * len(people)
    planted, found = zip(*pairs, strict=True)
    assert adjusted_rand_score(planted, found) >= 0.8


def test_people_are_joined_as_the_identifiers_were_planted(shop: Workspace) -> None:
    ids = shop.table("identifiers").to_arrow().to_pylist()
    profile = {(row["type"], row["value"]): row["profile_id"] for row in ids}
    rows = [row for row in truth(shop, "identifiers").to_pylist() if row["group"] is not None]
    pairs = [
        (row["group"], profile[row["type"], row["value"]]) for row in rows if (row["type"], row["value"]) in profile
    ]
    assert len(pairs) > 0.9 * len(rows)
    planted, found = (np.unique(side, return_inverse=True)[1] for side in zip(*pairs, strict=True))
    assert adjusted_rand_score(planted, found) > 0.999


def test_discovered_segments_explain_more_of_the_next_period_than_the_traditional_ones(shop: Workspace) -> None:
    comparison = shop.last_run().comparison
    assert comparison is not None
    assert comparison.winner in {one.name for one in comparison.contenders if one.kind == "discovered"}


def test_planted_dirt_is_in_quarantine_with_its_reason(shop: Workspace) -> None:
    import json

    planted = json.loads((Path(shop.folder) / "truth" / "truth.json").read_text())["dirt"]
    reasons = {"bad_dates": "bad_time", "future_dates": "future_time", "missing_ids": "no_identifier"}
    found = {source.source: source for source in shop.last_run().quality}
    for name in ("orders", "web", "mail"):
        got = {kind: found[name].reasons.get(reason, 0) for kind, reason in reasons.items()}
        assert got == {kind: planted[name][kind] for kind in reasons}
        assert found[name].duplicates == planted[name]["duplicates"]
        assert found[name].read == found[name].loaded + found[name].quarantined
