"""Affinities on real purchases and ratings: the figures to reach, on the splits that `benchmarks/affinity.py` tells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pytest

from shoal.predict.baskets import Baskets, gather
from shoal.predict.recommend import affinities

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def retail(data_dir: Path) -> Baskets:
    path = data_dir / "online_retail" / "online_retail.csv.gz"
    if not path.exists():
        pytest.skip(f"not present: {path}")
    texts = csv.ConvertOptions(column_types={"InvoiceNo": pa.string(), "StockCode": pa.string()})
    lines = csv.read_csv(path, convert_options=texts)
    good = pc.and_(pc.greater(lines["Quantity"], 0), pc.greater(lines["UnitPrice"], 0))
    lines = lines.filter(pc.and_(good, pc.is_valid(lines["CustomerID"])))
    table = pa.table(
        {
            "person": lines["CustomerID"].cast(pa.float64()).cast(pa.int64()),
            "at": lines["InvoiceDate"].cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC")),
            "event": pa.array(["buy"] * len(lines)),
            "item": lines["StockCode"],
        }
    ).sort_by([("person", "ascending"), ("at", "ascending")])
    until = int(np.datetime64("2011-12-10", "us").astype(np.int64))
    return gather(table.to_batches(max_chunksize=50_000), "item", ["buy"], until, fewest=1)


def test_online_retail_reaches_its_figures_out_of_time(retail):
    told = affinities(retail, *retail.split(92), top=5)  # 2011-09-09
    assert (told.rows["train"], told.rows["items"]) == (3357, 2389)
    model, own, popular = (skill.metrics for skill in told.skills)
    assert popular["recall"].value == pytest.approx(0.107, abs=0.001)
    assert model["recall"].value >= 0.362
    assert model["recall"].value > own["recall"].value
    assert model["new_recall"].value >= 0.12
    assert told.gain_own.low > 0
    assert told.status == "used"


def test_shuffled_purchases_show_no_taste_for_new_items(retail):
    rng = np.random.default_rng(0)
    shuffled = Baskets(retail.people, retail.items, retail.row, rng.permutation(retail.item), retail.age)
    told = affinities(shuffled.onto(retail.people, retail.items), *shuffled.onto(retail.people, retail.items).split(92))
    model, _, popular = (skill.metrics for skill in told.skills)
    assert model["new_recall"].value < popular["new_recall"].high * 1.05
