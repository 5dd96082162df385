"""Ready features: chosen from what the data has, readable as YAML, and right on a history counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from shoal.define.feature import features_from_yaml
from shoal.define.kernel import compile_plan
from shoal.define.packs import Catalogue, choose, main_events
from shoal.define.types import Type

SHOP = Catalogue(
    events={"Order Completed": 9, "Order Refunded": 1, "Product Viewed": 50, "Product Added": 5, "Checkout Started": 3,
            "Pricing Viewed": 2, "Products Compared": 1, "Email Sent": 9, "Email Opened": 4, "Ticket Opened": 1,
            "Coupon Redeemed": 2, "Signed In": 20},
    properties={"order_id": "text", "item_id": "text", "category": "text", "quantity": "number", "session_id": "text"},
    levels={"category": ["gifts", "Home & Garden"]},
    has_value=True,
)  # fmt: skip
COLUMNS = {"value": Type.NUMBER, "order_id": Type.TEXT, "item_id": Type.TEXT, "category": Type.TEXT,
           "quantity": Type.NUMBER, "session_id": Type.TEXT}  # fmt: skip
NOW = datetime(2024, 6, 28, 12, tzinfo=UTC)


def history(*events: tuple[float, str, dict[str, Any]]) -> pa.RecordBatch:
    """One person's events: days ago, name, properties."""
    rows = sorted(events, key=lambda event: -event[0])
    columns: dict[str, Any] = {
        "person": pa.array([7] * len(rows), pa.int64()),
        "at": pa.array([NOW - timedelta(days=days) for days, _, _ in rows], pa.timestamp("us", "UTC")),
        "event": pa.array([name for _, name, _ in rows]),
    }
    for name, kind in COLUMNS.items():
        arrow = pa.float64() if kind is Type.NUMBER else pa.string()
        columns[name] = pa.array([properties.get(name) for _, _, properties in rows], arrow)
    return pa.record_batch(columns)


def computed(catalogue: Catalogue, batch: pa.RecordBatch) -> dict[str, Any]:
    features = features_from_yaml({ready.name: ready.definition for ready in choose(catalogue)})
    plan = compile_plan(features, COLUMNS)
    row: dict[str, Any] = next(plan.run([batch], [int(NOW.timestamp() * 1e6)])).to_pylist()[0]
    return row


def line(order: str, value: float, item: str = "i1", category: str = "gifts") -> dict[str, Any]:
    return {"order_id": order, "value": value, "item_id": item, "category": category, "quantity": 2.0}


@pytest.fixture(scope="module")
def row() -> dict[str, Any]:
    return computed(
        SHOP,
        history(
            (200, "Order Completed", line("o1", 10)),
            (40, "Order Completed", line("o2", 30, "i2")),
            (40, "Order Completed", line("o2", 20, "i3", "Home & Garden")),
            (5, "Order Completed", line("o3", 40, "i2")),
            (4, "Order Refunded", {"order_id": "o3", "value": 40.0}),
            (3, "Product Viewed", {"session_id": "s1"}),
            (3, "Product Added", {"session_id": "s1"}),
            (2, "Checkout Started", {"session_id": "s1"}),
            (1, "Email Sent", {}),
            (0.5, "Email Opened", {}),
        ),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recency_days", 5), ("tenure_days", 200), ("orders", 3), ("orders_7d", 1), ("orders_30d", 1),
        ("orders_90d", 2), ("orders_365d", 3), ("revenue", 100), ("revenue_90d", 90), ("aov", 100 / 3),
        ("items_per_order", 4 / 3), ("units_per_order", 8 / 3), ("gap_days_mean", 97.5), ("refunds", 1),
        ("refund_share", 0.25), ("depth", 3), ("breadth", 2), ("share_gifts", 0.75), ("share_home_garden", 0.25),
        ("carts", 1), ("checkouts_30d", 1), ("intent_score", 1 + 4 + 6), ("trend_90d", 1), ("trend_30d", 0),
        ("email_open_rate", 1), ("sessions", 1), ("coupons", 0), ("tickets_90d", 0), ("adoption", 6),
        ("carts_abandoned_30d", 1), ("funnel_30d", 2),
        ("weekend_share", 0.75), ("morning_share", 0), ("evening_share", 0),
    ],
)  # fmt: skip
def test_a_ready_feature_is_what_one_would_count_by_hand(row: dict[str, Any], name: str, value: float) -> None:
    assert row[name] == pytest.approx(value)


def test_every_ready_feature_has_words_and_compiles() -> None:
    for ready in choose(SHOP):
        assert ready.definition["label"]
    names = [ready.name for ready in choose(SHOP)]
    assert len(names) == len(set(names))
    compile_plan(features_from_yaml({ready.name: ready.definition for ready in choose(SHOP)}), COLUMNS)


def test_without_purchases_activity_carries_the_rhythm() -> None:
    usage = Catalogue(events={"Signed In": 100, "Report Exported": 10, "Signed Up": 5})
    names = {ready.name for ready in choose(usage)}
    assert {"active_days", "events_30d", "recency_days", "logins_7d"} <= names
    assert not {"orders", "revenue", "aov"} & names
    assert "Signed Up" not in main_events(usage)


def test_dates_without_a_time_of_day_give_no_time_of_day_features() -> None:
    names = {ready.name for ready in choose(Catalogue(events={"Order Completed": 3}, has_clock=False))}
    assert "weekend_share" in names
    assert not {"morning_share", "evening_share", "night_share"} & names


def test_abandoned_carts_and_the_funnel_need_the_events_that_make_them() -> None:
    events = {"Product Viewed": 9, "Product Added": 5, "Order Completed": 2}
    journey = {"carts_abandoned_30d", "funnel_30d"}
    assert journey <= {ready.name for ready in choose(Catalogue(events=events))}
    assert journey & {ready.name for ready in choose(Catalogue(events=events, has_clock=False))} == {"funnel_30d"}
    for lacking in events:
        fewer = Catalogue(events={name: count for name, count in events.items() if name != lacking})
        found = journey & {ready.name for ready in choose(fewer)}
        assert found == ({"carts_abandoned_30d"} if lacking == "Product Viewed" else set())


def test_roles_in_the_settings_come_before_the_guess() -> None:
    named = Catalogue(events={"kauf": 5, "seite": 9}, roles={"purchase": ["kauf"], "view": ["seite"]}, has_value=True)
    names = {ready.name for ready in choose(named)}
    assert {"orders", "revenue", "views"} <= names


def test_a_category_with_a_quote_is_no_injection() -> None:
    odd = Catalogue(events={"Order Completed": 3}, properties={"category": "text"}, levels={"category": ["it's", "b"]})
    features_from_yaml({ready.name: ready.definition for ready in choose(odd)})
