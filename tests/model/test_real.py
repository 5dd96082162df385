"""Real orders: the segments that a marketer would read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shoal.model import lifecycle, rfm, tiers
from shoal.model.discover import Found, discover
from shoal.model.rules import select

FEATURES = """
    with orders as (
        select person, id, min(ts) as ts, sum(worth) as worth, count(distinct item) as items
        from lines where worth > 0 group by person, id
    ), gaps as (
        select person, avg(gap) as gap_days_mean from (
            select person, date_diff('day', lag(day) over (partition by person order by day), day) as gap
            from (select distinct person, ts::date as day from orders)
        ) group by person
    )
    select person,
        date_diff('second', max(ts), until) / 86400.0 as recency_days,
        date_diff('second', min(ts), until) / 86400.0 as tenure_days,
        count(*) as orders,
        count(*) filter (ts > until - interval 90 day) as orders_90d,
        sum(worth) as revenue,
        coalesce(sum(worth) filter (ts > until - interval 90 day), 0) as revenue_90d,
        avg(worth) as aov,
        avg(items) as items_per_order,
        any_value(gap_days_mean) as gap_days_mean
    from orders left join gaps using (person), (select max(ts) as until from orders)
    group by person, until order by person
"""
RETAIL = """
    create table lines as
    select cast(CustomerID as double)::bigint as person, InvoiceNo as id, InvoiceDate::timestamp as ts,
        StockCode as item, Quantity * UnitPrice as worth
    from read_csv('{path}', types = {{'InvoiceNo': 'VARCHAR', 'StockCode': 'VARCHAR'}})
    where CustomerID is not null and Quantity > 0
"""
CDNOW = """
    create table lines as
    select part[1]::bigint as person, part[3] as id, strptime(part[3], '%Y%m%d') as ts, 'cd' as item,
        part[5]::double as worth
    from (select regexp_split_to_array(trim(line), ' +') as part
          from read_csv('{path}', header = false, delim = '|', columns = {{'line': 'VARCHAR'}}))
"""
SETS = {"online_retail": ("online_retail.csv.gz", RETAIL), "cdnow_sample": ("CDNOW_sample.txt", CDNOW)}


@pytest.fixture(scope="module", params=SETS)
def features(request: pytest.FixtureRequest, data_dir: Path) -> pa.Table:
    import duckdb

    file, query = SETS[request.param]
    path = data_dir / request.param / file
    if not path.exists():
        pytest.skip(f"{path} is not present")
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")
        connection.execute(query.format(path=path))
        return connection.sql(FEATURES).to_arrow_table()


@pytest.fixture(scope="module")
def found(features: pa.Table) -> Found:
    return discover(features, {})


def test_four_to_six_stable_segments_are_found(found: Found) -> None:
    chosen = next(choice for choice in found.discovery.choices if choice.chosen)
    assert 4 <= len(found.cuts) <= 6
    assert chosen.jaccard_mean >= 0.75


def test_the_rules_say_what_the_clusters_are(found: Found) -> None:
    assert found.discovery.fidelity is not None
    assert found.discovery.fidelity >= 0.75


def test_everybody_is_in_one_discovered_segment(found: Found, features: pa.Table) -> None:
    assert (np.sum([select(cut.rule, features) for cut in found.cuts], axis=0) == 1).all()


def test_rules_are_short_enough_to_read(found: Found) -> None:
    assert max(cut.rule.count(" or ") + cut.rule.count(" and ") for cut in found.cuts) <= 9


@pytest.mark.parametrize("family", [rfm.rfm, tiers.tiers, lifecycle.lifecycle])
def test_traditional_segments_cover_everybody_once(family: object, features: pa.Table) -> None:
    cuts = family(features)  # type: ignore[operator]
    assert (np.sum([select(cut.rule, features) for cut in cuts], axis=0) == 1).all()


def test_the_best_segment_makes_far_more_than_its_share(found: Found, features: pa.Table) -> None:
    revenue = np.asarray(features["revenue"])
    inside = select(found.cuts[0].rule, features)
    assert revenue[inside].sum() / revenue.sum() > 1.5 * inside.mean()
